//go:build pcsc

package pcsc

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/ebfe/scard"

	"greylock/system/card"
)

// Reader is one PC/SC reader, taken exclusively. It is a card.Slot for one caller at a time. All PC/SC calls run in one
// goroutine that owns the context; a call that outlasts Patience gives up the reader for good, because PC/SC has no way to
// interrupt it: open the reader again. Source: libraries.md 4.3, 10.1.
type Reader struct {
	name string
	jobs chan func(*session)
	dead bool
	t0   bool
}

// session is what the owning goroutine holds.
type session struct {
	ctx  *scard.Context
	card *scard.Card
}

// List names the readers, in the order of the service.
func List() ([]string, error) {
	ctx, err := scard.EstablishContext()
	if err != nil {
		return nil, explain("打开读卡器服务 (open PC/SC)", err)
	}
	defer func() { _ = ctx.Release() }()
	names, err := ctx.ListReaders()
	if err != nil {
		return nil, explain("列出读卡器 (list readers)", err)
	}
	return names, nil
}

// Open takes the reader for this program alone. The card is not touched before Reset.
func Open(name string) (*Reader, error) {
	ctx, err := scard.EstablishContext()
	if err != nil {
		return nil, explain("打开读卡器服务 (open PC/SC)", err)
	}
	r := &Reader{name: name, jobs: make(chan func(*session))}
	go func() {
		s := &session{ctx: ctx}
		for job := range r.jobs {
			job(s)
		}
		s.off()
		_ = ctx.Release()
	}()
	return r, nil
}

// Reset powers the card up anew and returns its ATR.
func (r *Reader) Reset() ([]byte, error) {
	var t0 bool
	atr, err := r.do("卡上电 (power up)", func(s *session) ([]byte, error) {
		if err := s.connect(r.name); err != nil {
			return nil, err
		}
		t0 = s.card.ActiveProtocol() == scard.ProtocolT0
		status, err := s.card.Status()
		if err != nil {
			return nil, err
		}
		return bytes.Clone(status.Atr), nil
	})
	if err == nil {
		r.t0 = t0
	}
	return atr, err
}

// connect takes the card, or resets it when it is taken already.
func (s *session) connect(reader string) (err error) {
	if s.card != nil {
		if err = s.card.Reconnect(scard.ShareExclusive, scard.ProtocolAny, scard.ResetCard); err == nil {
			return nil
		}
		s.off()
	}
	s.card, err = s.ctx.Connect(reader, scard.ShareExclusive, scard.ProtocolAny)
	if err != nil {
		s.card = nil
	}
	return err
}

func (s *session) off() {
	if s.card != nil {
		_ = s.card.Disconnect(scard.UnpowerCard)
		s.card = nil
	}
}

// Transmit sends one APDU; 61xx and 6Cxx of a T=0 card are answered here.
func (r *Reader) Transmit(command []byte) ([]byte, error) {
	if r.t0 {
		return card.T0(tpdu{r}).Transmit(command)
	}
	return tpdu{r}.Transmit(command)
}

type tpdu struct{ r *Reader }

func (t tpdu) Transmit(command []byte) ([]byte, error) {
	return t.r.do("发送命令 (transmit)", func(s *session) ([]byte, error) {
		if s.card == nil {
			return nil, card.ErrAbsent
		}
		answer, err := s.card.Transmit(command)
		if err == nil && len(answer) < 2 {
			return nil, card.ErrRemoved // the card left in the middle: no error, no bytes
		}
		return bytes.Clone(answer), err
	})
}

// Off powers the card down and frees it.
func (r *Reader) Off() error {
	_, err := r.do("卡下电 (power down)", func(s *session) ([]byte, error) {
		s.off()
		return nil, nil
	})
	return err
}

// Close gives the reader back. A Reader must not be used after it.
func (r *Reader) Close() error {
	close(r.jobs)
	return nil
}

// do runs one PC/SC call in the owning goroutine and waits at most Patience.
func (r *Reader) do(doing string, call func(*session) ([]byte, error)) ([]byte, error) {
	if r.dead {
		return nil, fmt.Errorf("%s: %s: %w", r.name, doing, card.ErrReader)
	}
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	r.jobs <- func(s *session) {
		data, err := call(s)
		done <- result{data, err}
	}
	patience := time.NewTimer(Patience)
	defer patience.Stop()
	select {
	case x := <-done:
		if x.err != nil {
			return nil, explain(r.name+": "+doing, x.err)
		}
		return x.data, nil
	case <-patience.C:
		r.dead = true
		return nil, fmt.Errorf("%s: %s: %v 内无应答 (no answer): %w", r.name, doing, Patience, card.ErrMute)
	}
}

// hints say in card's words what a PC/SC error means and what to do next.
var hints = map[scard.Error]struct {
	is   error
	next string
}{
	scard.ErrNoService:          {card.ErrReader, "读卡器服务未运行: 请启动 pcscd (start pcscd)"},
	scard.ErrServiceStopped:     {card.ErrReader, "读卡器服务已停止: 请重新启动 pcscd (restart pcscd)"},
	scard.ErrNoAccess:           {card.ErrReader, "无权使用读卡器: 检查 polkit 规则 access_pcsc, access_card (check the polkit rules)"},
	scard.ErrSecurityViolation:  {card.ErrReader, "无权使用读卡器: 检查 polkit 规则 access_pcsc, access_card (check the polkit rules)"},
	scard.ErrNoReadersAvailable: {card.ErrReader, "没有读卡器: 检查连线 (no reader: check the cable)"},
	scard.ErrUnknownReader:      {card.ErrReader, "没有此名称的读卡器 (no reader of this name)"},
	scard.ErrReaderUnavailable:  {card.ErrReader, "读卡器已断开: 检查连线 (reader unplugged: check the cable)"},
	scard.ErrSharingViolation:   {card.ErrReader, "读卡器被其他程序占用: 请关闭该程序 (reader in use by another program)"},
	scard.ErrNoSmartcard:        {card.ErrAbsent, "请插卡 (insert the card)"},
	scard.ErrRemovedCard:        {card.ErrRemoved, "请重新插卡 (insert the card again)"},
	scard.ErrResetCard:          {card.ErrRemoved, "卡被复位: 请重新插卡 (card was reset: insert it again)"},
	scard.ErrNotTransacted:      {card.ErrRemoved, "请重新插卡 (insert the card again)"},
	scard.ErrCommDataLost:       {card.ErrRemoved, "请重新插卡 (insert the card again)"},
	scard.ErrUnpoweredCard:      {card.ErrMute, "卡不上电: 检查卡片方向 (card does not power up: check its orientation)"},
	scard.ErrUnresponsiveCard:   {card.ErrMute, "卡无应答: 检查卡片方向 (card is mute: check its orientation)"},
	scard.ErrProtoMismatch:      {card.ErrMute, "卡协议不支持 (protocol of the card not supported)"},
}

func explain(doing string, err error) error {
	var code scard.Error
	if !errors.As(err, &code) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if h, ok := hints[code]; ok {
		return fmt.Errorf("%s: %s: %w: %w", doing, h.next, h.is, err)
	}
	return fmt.Errorf("%s: %w: %w", doing, card.ErrReader, err)
}

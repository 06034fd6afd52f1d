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

// Reader is one PC/SC reader, taken exclusively: a card.Slot for one caller at a time. It needs no re-opening: whatever
// has failed (card pulled, reader unplugged, service restarted, a card that never answers), Reset begins anew, and after
// any failure only Reset leads on. Source: libraries.md 4.3, 10.1.
type Reader struct {
	Patience time.Duration // how long the card may take for one call

	name string
	now  *session // nil: none
	late *session // given up while a call was under way; it ends when that call does
	t0   bool
}

// Open returns the reader of that name. Nothing is touched before Reset, so it may be plugged in later.
func Open(name string) (*Reader, error) { return &Reader{Patience: Patience, name: name}, nil }

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

// Reset powers the card up anew and returns its ATR. It is the only way on after an error: take the ATR as that of another
// card, select again and read the number before anything is decided.
func (r *Reader) Reset() ([]byte, error) {
	old := r.now != nil
	atr, err := r.reset()
	if old && errors.Is(err, card.ErrReader) {
		r.drop() // the service or the reader went and may be back: once more, from the beginning
		atr, err = r.reset()
	}
	return atr, err
}

func (r *Reader) reset() ([]byte, error) {
	var t0 bool
	atr, err := r.do("卡上电 (power up)", func(s *session) ([]byte, error) {
		if err := s.connect(r.name); err != nil {
			return nil, err
		}
		status, err := s.card.Status()
		if err != nil {
			return nil, err
		}
		s.up, t0 = true, s.card.ActiveProtocol() == scard.ProtocolT0
		return bytes.Clone(status.Atr), nil
	})
	if err == nil {
		r.t0 = t0
	}
	return atr, err
}

// Transmit sends one APDU; 61xx and 6Cxx of a T=0 card are answered here. After an error it refuses until Reset.
func (r *Reader) Transmit(command []byte) ([]byte, error) {
	if r.t0 {
		return card.T0(tpdu{r}).Transmit(command)
	}
	return tpdu{r}.Transmit(command)
}

type tpdu struct{ r *Reader }

func (t tpdu) Transmit(command []byte) ([]byte, error) {
	if len(command) == 0 {
		return nil, errors.New("pcsc: 空命令 (an empty command)")
	}
	if t.r.now == nil {
		return nil, fmt.Errorf("%s: %w", t.r.name, errUnpowered)
	}
	return t.r.do("发送命令 (transmit)", func(s *session) ([]byte, error) {
		if !s.up {
			return nil, errUnpowered
		}
		answer, err := s.card.Transmit(command)
		switch {
		case err != nil:
			s.up = false
			if errors.Is(meaning(err), card.ErrAbsent) {
				err = fmt.Errorf("%w: %w", card.ErrRemoved, err) // it was there for the command before
			}
			return nil, err
		case len(answer) < 2:
			s.up = false
			return nil, fmt.Errorf("%w: 应答 %d 字节 (bytes of answer)", card.ErrRemoved, len(answer)) // it left in the middle
		}
		return bytes.Clone(answer), nil
	})
}

// errUnpowered is a command without a Reset before it.
var errUnpowered = fmt.Errorf("卡未上电: 请先复位 (no power: reset first): %w", card.ErrMute)

// Off powers the card down and gives the reader free for others.
func (r *Reader) Off() error {
	if r.now == nil {
		return nil
	}
	_, err := r.do("卡下电 (power down)", func(s *session) ([]byte, error) {
		s.off()
		return nil, nil
	})
	return err
}

// Close gives the reader back, and the card its rest. A Reader must not be used after it.
func (r *Reader) Close() error {
	err := r.Off()
	r.drop()
	return err
}

// drop gives the session up: its goroutine ends by itself, at the latest when the call under way returns.
func (r *Reader) drop() {
	if r.now != nil {
		close(r.now.jobs)
		r.now = nil
	}
}

// do runs one call in the owning goroutine and waits at most Patience for it. PC/SC can not interrupt a call: one that
// outlasts Patience is left behind with its session.
func (r *Reader) do(doing string, call func(*session) ([]byte, error)) ([]byte, error) {
	doing = r.name + ": " + doing
	if r.late != nil && !r.late.ended() {
		return nil, fmt.Errorf("%s: 上一条命令仍无应答, 请取出卡 (the command before is still without an answer, take the card out): %w", doing, card.ErrMute)
	}
	if r.now == nil {
		r.now = newSession()
	}
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	r.now.jobs <- func(s *session) {
		data, err := call(s)
		done <- result{data, err}
	}
	patience := time.NewTimer(r.Patience)
	defer patience.Stop()
	select {
	case x := <-done:
		if x.err != nil {
			return nil, explain(doing, x.err)
		}
		return x.data, nil
	case <-patience.C:
		r.late = r.now
		r.drop()
		return nil, fmt.Errorf("%s: %v 内无应答, 请取出卡 (no answer, take the card out): %w", doing, r.Patience, card.ErrMute)
	}
}

// session is one goroutine with a context of its own: PC/SC shares neither context nor card between goroutines.
type session struct {
	jobs chan func(*session)
	done chan struct{}
	ctx  *scard.Context
	card *scard.Card
	up   bool // powered, and no command has failed since
}

func newSession() *session {
	s := &session{jobs: make(chan func(*session)), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		for job := range s.jobs {
			job(s)
		}
		s.off()
		if s.ctx != nil {
			_ = s.ctx.Release()
		}
	}()
	return s
}

func (s *session) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// connect takes the card if it is not taken, and resets it: whoever had it before has left it in some state.
func (s *session) connect(reader string) (err error) {
	s.up = false
	if s.ctx == nil {
		if s.ctx, err = scard.EstablishContext(); err != nil {
			s.ctx = nil
			return err
		}
	}
	if s.card != nil {
		if s.card.Reconnect(scard.ShareExclusive, scard.ProtocolAny, scard.ResetCard) == nil {
			return nil
		}
		s.off()
	}
	if s.card, err = s.ctx.Connect(reader, scard.ShareExclusive, scard.ProtocolAny); err != nil {
		s.card = nil
		return err
	}
	if err = s.card.Reconnect(scard.ShareExclusive, scard.ProtocolAny, scard.ResetCard); err != nil {
		s.off()
	}
	return err
}

// off lets the card go. One that has failed may have gone, and is left as it is: a service that fails to take the power from
// a card that was changed in that moment believes in an empty reader until the next removal (pcscd 1.9.9).
func (s *session) off() {
	if s.card == nil {
		return
	}
	rest := scard.UnpowerCard
	if !s.up {
		rest = scard.LeaveCard
	}
	_ = s.card.Disconnect(rest)
	s.card, s.up = nil, false
}

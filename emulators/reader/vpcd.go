package reader

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"greylock/system/card"
)

// Port is where Debian's vpcd listens for the card of its first slot; the second slot is the next port. Source: libraries.md 4.4.
const Port = 35963

// Frames of vpcd: length, 2 bytes big-endian, and payload. A payload of one byte is a control code; only askATR and
// commands are answered. Source: libraries.md 10.1.
const (
	powerOff = 0
	powerOn  = 1
	resetIt  = 2
	askATR   = 4

	frameHead = 2
)

// redial is how long a reader waits before it looks for the PC/SC service again: short, since tests restart the service.
const redial = 20 * time.Millisecond

// HandTime is the least time that a slot stays empty between two cards, as it does with hands. The service looks every
// 400 ms; a card changed in between may leave it believing in an empty slot until the next removal.
const HandTime = 500 * time.Millisecond

// Virtual is a reader whose slots stand behind vpcd as long as it is plugged in: a slot with a card is a connection, an
// empty one none. It redials by itself when the service has gone and come back. Close ends it.
type Virtual struct {
	Slots    []*Slot
	HandTime time.Duration // set before Plug; 0 is a swap that the service can not see

	mu     sync.Mutex
	addrs  []string
	free   []time.Time        // when each slot was seen to become empty
	unplug context.CancelFunc // nil while unplugged
	wg     sync.WaitGroup
}

// NewVirtual returns an unplugged reader of empty slots, the first at port of host, each other one port further.
func NewVirtual(host string, port, slots int) *Virtual {
	v := &Virtual{HandTime: HandTime}
	for i := range slots {
		v.Slots = append(v.Slots, NewSlot())
		v.addrs = append(v.addrs, net.JoinHostPort(host, strconv.Itoa(port+i)))
		v.free = append(v.free, time.Now())
	}
	return v
}

// Plug connects the reader to the machine.
func (v *Virtual) Plug() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.unplug != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	v.unplug = cancel
	for i, s := range v.Slots {
		v.wg.Go(func() { v.free[i] = offer(ctx, v.addrs[i], s, v.free[i], v.HandTime) })
	}
}

// Unplug takes the reader off the machine in the middle of whatever it does; the cards stay in their slots without power.
func (v *Virtual) Unplug() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.unplug == nil {
		return
	}
	v.unplug()
	v.unplug = nil
	v.wg.Wait()
}

// Close unplugs the reader and returns when nothing of it runs any more.
func (v *Virtual) Close() error {
	v.Unplug()
	return nil
}

// offer keeps a connection to vpcd while the slot holds a card, no sooner than hand after it became free, and returns when it
// became free last.
func offer(ctx context.Context, addr string, s *Slot, free time.Time, hand time.Duration) time.Time {
	wait := time.NewTimer(time.Until(free.Add(hand)))
	defer wait.Stop()
	for {
		in, change := s.now()
		if in == nil {
			select {
			case <-change:
				continue
			case <-ctx.Done():
				return free
			}
		}
		select {
		case <-wait.C:
		case <-ctx.Done():
			return free
		}
		pause := redial
		var d net.Dialer
		if conn, err := d.DialContext(ctx, "tcp", addr); err == nil {
			serve(ctx, conn.(*net.TCPConn), s, in)
			_ = s.Off()
			free, pause = time.Now(), 0
			if s.gone(in) {
				pause = hand
			}
		}
		wait.Reset(pause)
	}
}

// serve answers for one card until it is pulled, the reader unplugged, or the service gone.
func serve(ctx context.Context, conn *net.TCPConn, s *Slot, in *visit) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		select {
		case <-in.out:
		case <-ctx.Done():
		}
		_ = conn.Close()
	}()
	_ = conn.SetNoDelay(true)
	l := &line{s: s, in: in}
	for {
		if err := l.turn(conn); err != nil {
			break
		}
	}
	cancel()
	<-closed
}

// line is the card's end of one connection.
type line struct {
	s    *Slot
	in   *visit
	atr  []byte
	head [frameHead]byte
	buf  []byte
}

// errNoATR ends a connection: what does not answer to a reset can not be shown to vpcd.
var errNoATR = errors.New("reader: the card does not answer to reset")

// turn serves one frame.
func (l *line) turn(conn *net.TCPConn) error {
	frame, err := l.read(conn)
	if err != nil {
		return err
	}
	answer, err := l.answer(frame)
	if err != nil || answer == nil {
		return err
	}
	if len(answer) > 0xFFFF {
		return fmt.Errorf("reader: an answer of %d bytes", len(answer))
	}
	out := make([]byte, frameHead, frameHead+len(answer))
	binary.BigEndian.PutUint16(out, uint16(len(answer)))
	_, err = conn.Write(append(out, answer...))
	return err
}

func (l *line) read(conn *net.TCPConn) ([]byte, error) {
	quick(conn)
	if _, err := io.ReadFull(conn, l.head[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(l.head[:]))
	if cap(l.buf) < n {
		l.buf = make([]byte, n)
	}
	quick(conn)
	_, err := io.ReadFull(conn, l.buf[:n])
	return l.buf[:n], err
}

// answer carries out a frame; nil is no answer. An error is a card that has gone: the connection ends without a word, and
// the service finds out as it does with plastic.
func (l *line) answer(frame []byte) ([]byte, error) {
	l.s.use.Lock()
	defer l.s.use.Unlock()
	if l.s.gone(l.in) {
		return nil, card.ErrRemoved
	}
	if len(frame) != 1 {
		answer, err := l.s.transmit(l.in, frame)
		if err == nil && len(answer) == 0 {
			answer = []byte{}
		}
		return answer, err
	}
	switch frame[0] {
	case powerOff:
		l.in.powered = false
		return nil, l.in.card.Off()
	case powerOn, resetIt:
		atr, err := l.s.reset(l.in)
		l.atr = atr
		return nil, err
	case askATR:
		if l.atr == nil {
			if err := l.learn(); err != nil {
				return nil, err
			}
		}
		return l.atr, nil
	}
	return nil, nil
}

// learn powers a card up to see its ATR: vpcd asks for it before it gives power, and takes an empty one for no card.
func (l *line) learn() (err error) {
	if l.atr, err = l.s.reset(l.in); err != nil {
		return err
	}
	if len(l.atr) == 0 {
		return errNoATR
	}
	l.in.powered = false
	return l.in.card.Off()
}

package world

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"greylock/emulators/chip"
	"greylock/emulators/reader"
	"greylock/emulators/reader/pcscd"
	"greylock/system/card"
	"greylock/system/card/pcsc"
)

// Readers is a PC/SC service of the lab's own, through which every command of a town's cards and PSAMs goes in real time,
// to the product's own reader code and back (Options.Cards vpcd). One town uses it at a time. It needs a build with tag
// pcsc, root, pcscd and vpcd.
type Readers struct {
	dir     string
	service *pcscd.Service
	virtual []*reader.Virtual
	free    []*place // the one that is free longest comes first
}

// place is a slot of an emulated reader and the product's view of it.
type place struct {
	in   *reader.Virtual
	slot *reader.Slot
	name string
	pc   *pcsc.Reader
}

// noticeLimit is how long the service may take to see a card: it looks every 400 ms.
const noticeLimit = 10 * time.Second

// OpenReaders starts the service. It is the only one of this process: the PC/SC library asks for its socket once.
func OpenReaders() (*Readers, error) {
	if probe, err := pcsc.Open(""); err != nil {
		return nil, err
	} else if err := probe.Close(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pcscd")
	if err != nil {
		return nil, err
	}
	r := &Readers{dir: dir}
	if r.service, err = pcscd.Start(dir, pcscd.MaxReaders); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := os.Setenv(pcscd.SocketVariable, r.service.Socket()); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	for _, x := range r.service.Readers() {
		v := reader.NewVirtual("127.0.0.1", x.Port, pcscd.Slots)
		v.Plug()
		r.virtual = append(r.virtual, v)
		for i, s := range v.Slots {
			pc, err := pcsc.Open(x.Names[i])
			if err != nil {
				return nil, errors.Join(err, r.Close())
			}
			r.free = append(r.free, &place{v, s, x.Names[i], pc})
		}
	}
	return r, nil
}

// Close stops the service.
func (r *Readers) Close() error {
	var errs []error
	for _, p := range r.free {
		errs = append(errs, p.pc.Close())
	}
	for _, v := range r.virtual {
		errs = append(errs, v.Close())
	}
	return errors.Join(append(errs, r.service.Stop(), os.RemoveAll(r.dir))...)
}

// insert puts the contact face of a chip into the reader that was free longest and returns when the service sees it.
func (r *Readers) insert(face card.Slot) (*place, error) {
	if len(r.free) == 0 {
		return nil, errors.New("读卡器都被占用: 同时上电的卡太多 (all readers are taken: too many chips with power at a time)")
	}
	if err := r.back(); err != nil {
		return nil, err
	}
	p := r.free[0]
	ctx, stop := context.WithTimeout(context.Background(), noticeLimit)
	defer stop()
	if err := pcsc.Wait(ctx, p.name, false); err != nil {
		return nil, fmt.Errorf("%s: 服务未发现卡已取走 (the service does not see that the card before has gone): %w", p.name, err)
	}
	if err := p.slot.Insert(face); err != nil {
		return nil, err
	}
	r.free = r.free[1:]
	if err := pcsc.Wait(ctx, p.name, true); err != nil {
		r.lift(p)
		return nil, fmt.Errorf("%s: 服务未发现卡 (the service does not see the card): %w", p.name, err)
	}
	return p, nil
}

// lift takes the power away and the chip out.
func (r *Readers) lift(p *place) {
	_ = p.pc.Off() // the chip may have gone before
	p.slot.Tear(0, reader.Before)
	p.slot.Remove()
	p.in.Plug()
	r.free = append(r.free, p)
}

// back starts the service again if it has ended.
func (r *Readers) back() error {
	if r.service.Running() {
		return nil
	}
	return r.service.Run()
}

// put inserts a chip.
func (r *Readers) put(c card.Slot) (_ *seat, err error) {
	s := &seat{r: r, chip: &heard{chip: c}}
	s.place, err = r.insert(&chip.T0{Card: s.chip})
	return s, err
}

// seat is a chip in a reader.
type seat struct {
	r     *Readers
	place *place
	chip  *heard

	unplug bool // after the command under way
}

// Reset gives power through the service.
func (s *seat) Reset() ([]byte, error) {
	s.chip.forget()
	defer s.chip.forget()
	return s.place.pc.Reset()
}

// carry brings a command to the chip. said is what the chip itself has answered, nil if the command never reached it;
// answer and err are what the product's reader makes of it.
func (s *seat) carry(command []byte) (said, answer []byte, err error) {
	s.chip.forget()
	answer, err = s.place.pc.Transmit(command)
	said = s.chip.said()
	if s.unplug {
		s.unplug = false
		s.place.in.Unplug()
	}
	if err == nil && !bytes.Equal(said, answer) {
		return said, nil, fmt.Errorf("读卡器改变了应答 (the reader has changed the answer): 卡 (card) %X, 读卡器 (reader) %X", said, answer)
	}
	return said, answer, err
}

// tear takes the chip from the program at the next command: before the chip hears of it, or when it has obeyed and before
// its answer is out. With a reader go both of its slots, with the service all readers; lift and insert bring them back.
func (s *seat) tear(t tear) {
	phase := reader.Before
	if t.after {
		phase = reader.After
	}
	switch {
	case t.what == serviceDown && t.after:
		s.chip.then(s.r.service.Kill)
	case t.what == serviceDown:
		_ = s.r.service.Kill() // one that lives on will answer, and that is seen
	case t.what == readerOut && !t.after:
		s.place.in.Unplug()
	case t.what == readerOut:
		s.unplug = true
		fallthrough
	default:
		s.place.slot.Tear(1, phase)
	}
}

// heard is a chip of which is known what it said last. Its lock also tells Go what a socket through another process can not:
// that the town looks into a chip only between its commands.
type heard struct {
	chip card.Slot
	mu   sync.Mutex
	last []byte
	next func() error // done once, when the chip has obeyed
}

// Transmit passes on and keeps the answer.
func (h *heard) Transmit(command []byte) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	answer, err := h.chip.Transmit(command)
	h.last = bytes.Clone(answer)
	if next := h.next; next != nil && err == nil {
		h.next, err = nil, next()
	}
	return answer, err
}

// Reset passes on.
func (h *heard) Reset() ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.chip.Reset()
}

// Off passes on.
func (h *heard) Off() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.chip.Off()
}

func (h *heard) then(f func() error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next = f
}

func (h *heard) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = nil
}

func (h *heard) said() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

// power gives a chip power where it lies: by itself, or in a reader of the service.
func (w *World) power(c card.Slot, at **seat) (err error) {
	if w.opt.Readers == nil {
		_, err = c.Reset()
		return err
	}
	if *at == nil {
		s, err := w.opt.Readers.put(c)
		if err != nil {
			return err
		}
		*at = s
	}
	_, err = (*at).Reset()
	return err
}

// rest takes the power away; a chip in a reader is taken out.
func (w *World) rest(c card.Slot, at **seat) {
	if *at == nil {
		_ = c.Off() // a chip without power keeps only its memory, whatever Off says
		return
	}
	w.opt.Readers.lift((*at).place)
	*at = nil
}

// carry brings a command to a chip where it lies, see seat.carry.
func carry(c card.Slot, at *seat, command []byte) (said, answer []byte, err error) {
	if at != nil {
		return at.carry(command)
	}
	answer, err = c.Transmit(command)
	return answer, answer, err
}

package world

import (
	"errors"

	"greylock/emulators/chip"
	"greylock/emulators/reader"
	"greylock/emulators/reader/pcscd"
	"greylock/system/card"
)

// tillSlots are the readers of a till in real time: a reader of the PC/SC service with a slot for the customer's card and one
// for the PSAM, which the station's process opens by name.
type tillSlots struct {
	t     *tillPlace
	in    *reader.Virtual
	names [pcscd.Slots]string
	hands chan func() // what people do to the reader, in order, beside the town's loop: a chip's last answer comes from there
	ended chan struct{}
}

// maxHands bounds what waits for the hands.
const maxHands = 64

// wire puts a till's PSAM where the station finds it.
func (t *tillPlace) wire() error {
	w := t.w
	if w.opt.Lines != "pty" {
		return w.power(t.sam.slot, &t.sam.seat)
	}
	if w.opt.Readers == nil {
		return nil // nobody runs this till
	}
	places, err := w.opt.Readers.whole()
	if err != nil {
		return err
	}
	r := &tillSlots{t: t, in: places[0].in, hands: make(chan func(), maxHands), ended: make(chan struct{})}
	for i, p := range places {
		r.names[i] = p.name
	}
	t.real = r
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for do := range r.hands {
			do()
		}
	}()
	w.closers = append(w.closers, func() error {
		close(r.ended)
		close(r.hands)
		<-gone
		for _, s := range r.in.Slots {
			s.Remove()
		}
		r.in.Plug()
		w.opt.Readers.free = append(w.opt.Readers.free, places[:]...)
		return nil
	})
	r.do(func() {
		_ = r.in.Slots[1].Insert(&chip.T0{Card: &distant{r, t.sam.slot, func() bool { return true }, func(command []byte) ([]byte, error) { // the slot is empty
			answer, _, err := w.transmitSAM(t.sam, t.where, command)
			return answer, err
		}}})
	})
	return nil
}

// do lets hands do something to the reader, after what they do now.
func (r *tillSlots) do(act func()) { r.hands <- act }

// put puts a card into the slot.
func (r *tillSlots) put(c *plastic) {
	w := r.t.w
	face := &chip.T0{Card: &distant{r, c.card, func() bool { return r.t.in == c }, func(command []byte) ([]byte, error) {
		answer, _, torn, err := w.transmit(c, r.t.where, command)
		if torn && r.t.in == c {
			_ = w.takeFromTill(r.t)
		}
		return answer, err
	}}}
	r.do(func() { _ = r.in.Slots[0].Insert(face) }) // whoever put a card into a full slot was told so before
}

// take takes the card out of the slot.
func (r *tillSlots) take(c *plastic) {
	_ = c.card.Off() // here and now: it may be in another reader before the hands come to this one
	r.do(func() { r.in.Slots[0].Remove() })
}

// distant is a chip in the reader of a till: what the station's process sends it is done inside the town's loop.
type distant struct {
	r     *tillSlots
	chip  card.Slot
	here  func() bool // false once it was taken by hands that have not come to the reader yet
	carry func(command []byte) ([]byte, error)
}

// errNight is what a chip answers when the town has ended.
var errNight = errors.New("world: the town has ended")

func (d *distant) inside(do func() ([]byte, error)) (answer []byte, err error) {
	done := make(chan struct{})
	select {
	case d.r.t.w.inbox <- func() {
		defer close(done)
		if err = card.ErrRemoved; d.here() {
			answer, err = do()
		}
	}:
	case <-d.r.ended:
		return nil, errNight
	}
	select {
	case <-done:
		return answer, err
	case <-d.r.ended:
		return nil, errNight
	}
}

// Reset gives power.
func (d *distant) Reset() ([]byte, error) { return d.inside(d.chip.Reset) }

// Transmit brings a command.
func (d *distant) Transmit(command []byte) ([]byte, error) {
	return d.inside(func() ([]byte, error) { return d.carry(command) })
}

// Off takes the power away.
func (d *distant) Off() error {
	_, err := d.inside(func() ([]byte, error) { return nil, d.chip.Off() })
	return err
}

// realTills reports that the tills stand behind the PC/SC service.
func (w *World) realTills() bool { return w.opt.Lines == "pty" && w.opt.Readers != nil }

// whole takes both slots of a reader of which both are free.
func (r *Readers) whole() (both [pcscd.Slots]*place, err error) {
	for _, v := range r.virtual {
		var at []int
		for i, p := range r.free {
			if p.in == v {
				at = append(at, i)
			}
		}
		if len(at) != pcscd.Slots {
			continue
		}
		a, b := r.free[at[0]], r.free[at[1]]
		if a.slot != v.Slots[0] {
			a, b = b, a
		}
		r.free = append(append(append([]*place{}, r.free[:at[0]]...), r.free[at[0]+1:at[1]]...), r.free[at[1]+1:]...)
		return [pcscd.Slots]*place{a, b}, nil
	}
	return both, errors.New("没有空闲的读卡器可供终端使用 (no reader is free for a till)")
}

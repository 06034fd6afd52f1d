package world

import (
	"errors"
	"fmt"
	"time"

	"greylock/system/app"
	"greylock/system/card"
	"greylock/system/clock"
	"greylock/system/exchange"
	"greylock/system/journal"
	"greylock/system/journal/faultfile"
	"greylock/system/link"
	"greylock/system/wire/record"
)

// bench is a site with a reader: making room or outlet.
type bench struct {
	*site
	core   *app.Bench
	apply  func(uint64, record.Fact)
	fresh  func() // makes the business anew at each start
	onDesk *plastic
	sam    *sam
	cut    *tear // planned for the next job, by number of the command
	pulled bool
}

const jobLimit = 5 * time.Minute

// newBench makes the site; the business behind apply is made by fresh at each start.
func (w *World) newBench(open record.SiteOpened, fresh func(b *bench)) *bench {
	b := &bench{}
	b.fresh = func() { fresh(b) }
	b.site = &site{w: w, open: open, disk: faultfile.New(), make: func(j *journal.Journal) (link.Core, error) {
		b.fresh()
		ship := exchange.NewShipper(exchange.ShipperConfig{
			Site: open.Site, Realm: open.Realm, Source: j, Rand: w.stream("ship " + string(open.Site)),
		})
		b.core = app.NewBench(func(seq uint64, f record.Fact) { b.apply(seq, f) }, b.transmit, ship)
		return b.core, nil
	}}
	return b
}

// transmit carries a command of a job to what lies on the reader.
func (b *bench) transmit(t card.Transmit, answer func(card.Reply)) {
	w := b.w
	reply := card.Reply{Err: card.ErrAbsent}
	var took time.Duration
	switch {
	case b.pulled:
		reply.Err = card.ErrRemoved
	case b.sam != nil:
		reply.Data, took, reply.Err = w.transmitSAM(b.sam, string(b.open.Site), t.Command)
	case b.onDesk != nil:
		if b.cut != nil {
			b.onDesk.tear, b.cut = b.cut, nil
		}
		reply.Data, took, b.pulled, reply.Err = w.transmit(b.onDesk, string(b.open.Site), t.Command)
		if b.pulled {
			w.rest(b.onDesk.card, &b.onDesk.seat) // a card that is out has no power
		}
	}
	life := b.life
	w.at(w.now.Add(took), func() {
		if b.life == life && b.run != nil {
			answer(reply)
			_ = b.guard(b.run.Resume())
		}
	})
}

// job runs sequential code on the bench with a card or PSAM on the reader and waits for its end.
func (b *bench) job(p *plastic, s *sam, run func(door app.Door, t card.Transport) error) error {
	if p != nil && p.in != 0 {
		return fmt.Errorf("%s 在 %d 号枪上 (the card is in a dispenser)", p.name, p.in)
	}
	if b.run == nil {
		return errors.New("程序未运行 (the desk's program is not running)")
	}
	b.onDesk, b.sam, b.pulled = p, s, false
	if err := b.power(); err != nil {
		return err
	}
	var result error
	ended := false
	err := b.run.Job(b.w.now, func(t *card.Talk) { result = run(app.Door{Talk: t, Bench: b.core}, t.Slot("card")) }, func() { ended = true })
	if err != nil {
		return err
	}
	err = b.w.Until("柜台作业完成 (desk job)", func() bool { return ended || b.run == nil }, jobLimit)
	b.rest() // taken off the reader
	if p != nil {
		p.tear = nil
	}
	b.onDesk, b.sam, b.cut = nil, nil, nil
	switch {
	case err != nil:
		return err
	case !ended:
		return errors.New("程序在作业中停止 (the desk's program stopped)")
	}
	return result
}

func (b *bench) power() error {
	switch {
	case b.onDesk != nil:
		return b.w.power(b.onDesk.card, &b.onDesk.seat)
	case b.sam != nil:
		return b.w.power(b.sam.slot, &b.sam.seat)
	}
	return nil
}

func (b *bench) rest() {
	switch {
	case b.onDesk != nil:
		b.w.rest(b.onDesk.card, &b.onDesk.seat)
	case b.sam != nil:
		b.w.rest(b.sam.slot, &b.sam.seat)
	}
}

// roomDoor is the key room's door: the ceremony is an act of minutes outside of the town's clockwork, so it is carried out at
// once, journal first.
type roomDoor struct {
	j     *journal.Journal
	apply func(uint64, record.Fact)
	now   func() clock.Instant
}

// Append makes the facts durable and gives them to the room.
func (d roomDoor) Append(facts ...record.Fact) error {
	lines := make([][]byte, 0, len(facts))
	for _, f := range facts {
		line, err := record.Encode(f)
		if err != nil {
			return err
		}
		lines = append(lines, line)
	}
	first, err := d.j.Append(lines...)
	if err != nil {
		return err
	}
	for i, f := range facts {
		d.apply(first+uint64(i), f)
	}
	return nil
}

// Now is the town's time.
func (d roomDoor) Now() clock.Instant { return d.now() }

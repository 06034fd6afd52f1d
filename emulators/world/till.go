package world

import (
	"errors"
	"fmt"

	"greylock/system/card"
	"greylock/system/clock"
	"greylock/system/station"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Tills is what people do at the card terminals that a station runs itself. In real time a till needs readers of its own, behind
// a PC/SC service (Options.Readers); without them it is there in virtual time only.
type Tills interface {
	// PutOnTill puts a card on a till's reader, TakeFromTill takes it off.
	PutOnTill(card string, till int) error
	TakeFromTill(till int) error
	// OrderAtTill keys nozzle and preset; neither money nor volume is "full".
	OrderAtTill(till int, nozzle record.Nozzle, money unit.Fen, volume unit.Quantity) error
	// KeyPINAtTill keys the holder's digits.
	KeyPINAtTill(till int, digits string) error
	// UnplugTill takes a till's readers off the station's machine, PlugTill puts them back.
	UnplugTill(till int) error
	PlugTill(till int) error
	// StopTillReaders ends the service of a station's machine that serves its card readers, StartTillReaders starts it again.
	StopTillReaders(site record.SiteID) error
	StartTillReaders(site record.SiteID) error
	// Till is what the till shows.
	Till(till int) (station.TillView, error)
	// Forecourt is a nozzle as its station shows it.
	Forecourt(nozzle record.Nozzle) (station.NozzleStatus, error)
}

// tillPlace is a till of the town: its reader and its PSAM.
type tillPlace struct {
	w      *World
	site   record.SiteID
	number int
	where  string
	sam    *sam
	in     *plastic
	since  clock.Instant // when it was put there
	away   bool          // unplugged, or without its service
	real   *tillSlots
	nozzle record.Nozzle // what was ordered last, by the town's number
	money  bool
}

// planTills makes the PSAMs of a station's tills.
func (w *World) planTills(n int, s StationPlan, l *record.Layout) (err error) {
	for i := range s.Tills {
		t := &tillPlace{w: w, site: record.SiteID(s.ID), number: i + 1, where: fmt.Sprintf("%s站%d号终端", s.ID, i+1)}
		if t.sam, err = w.makeSAM(t.where); err != nil {
			return err
		}
		if err := t.wire(); err != nil {
			return err
		}
		w.tills[100*n+i+1] = t
		w.tillList = append(w.tillList, t)
		l.Tills = append(l.Tills, record.TillPlan{Number: t.number, TID: t.sam.tid})
	}
	return nil
}

// tillPorts are the tills that a station's core is made with.
func (w *World) tillPorts(s *site, plan StationPlan) (list []station.TillPort) {
	for i := range plan.Tills {
		number := i + 1
		list = append(list, station.TillPort{Number: number, Rand: w.chacha(fmt.Sprintf("till %s %d", plan.ID, number)),
			Transmit: func(id uint64, slot string, command []byte) { w.tillTransmit(s, number, id, slot, command) }})
	}
	return list
}

// tillTransmit carries a command to a card of a till and its answer back after the time it takes.
func (w *World) tillTransmit(s *site, number int, id uint64, slot string, command []byte) {
	t := w.tillOf(s.open.Site, number)
	r := card.Reply{Err: card.ErrAbsent}
	took, torn := chipWork, false
	switch {
	case t == nil:
	case t.away:
		r.Err = card.ErrReader
	case slot == "psam":
		r.Data, took, r.Err = w.transmitSAM(t.sam, t.where, command)
	case t.in != nil:
		r.Data, took, torn, r.Err = w.transmit(t.in, t.where, command)
	}
	s.at(w.now.Add(took), func() {
		core, ok := s.run.Core().(*station.Core)
		if !ok {
			return
		}
		core.CardAnswer(w.now, number, id, r)
		_ = s.guard(s.run.Resume())
		if torn && t.in != nil {
			_ = w.takeFromTill(t)
		}
	})
}

func (w *World) tillOf(site record.SiteID, number int) *tillPlace {
	for _, t := range w.tillList {
		if t.site == site && t.number == number {
			return t
		}
	}
	return nil
}

// told tells the station's program that a till's reader has changed. Real readers tell by themselves.
func (t *tillPlace) told(in bool) error {
	if t.real != nil {
		return nil
	}
	s := t.w.stations[t.site]
	if s == nil || s.run == nil {
		return nil
	}
	core, ok := s.run.Core().(*station.Core)
	if !ok {
		return errors.New("no station")
	}
	if in {
		core.CardIn(t.w.now, t.number)
	} else {
		core.CardOut(t.w.now, t.number)
	}
	return s.guard(s.run.Resume())
}

// powerTills is what a starting program finds on its readers: everything is powered up anew.
func (w *World) powerTills(site record.SiteID) {
	for _, t := range w.tillList {
		if t.site != site || t.real != nil {
			continue
		}
		w.powerTill(t)
	}
}

// restTill takes the power from the cards of a till, and their readers back.
func (w *World) restTill(t *tillPlace) {
	if t.real != nil {
		return // the reader's own end does it
	}
	w.rest(t.sam.slot, &t.sam.seat)
	if t.in != nil {
		w.rest(t.in.card, &t.in.seat)
	}
}

// powerTill gives the cards of a till power anew.
func (w *World) powerTill(t *tillPlace) {
	w.restTill(t)
	if err := w.power(t.sam.slot, &t.sam.seat); err != nil {
		w.note(t.where, "PSAM without ATR: "+err.Error())
	}
	if t.in != nil {
		_ = w.power(t.in.card, &t.in.seat)
		_ = t.told(true)
	}
}

func (w *World) till(number int) (*tillPlace, error) {
	if t, ok := w.tills[number]; ok {
		return t, nil
	}
	return nil, fmt.Errorf("没有 %d 号终端 (no such till)", number)
}

// PutOnTill puts a card on a till's reader.
func (w *World) PutOnTill(name string, number int) error {
	t, err := w.till(number)
	if err != nil {
		return err
	}
	c, ok := w.cards[name]
	switch {
	case !ok:
		return fmt.Errorf("没有卡 %q (no such card)", name)
	case c.in != 0 || c.till != nil:
		return fmt.Errorf("%s 在别处 (the card is elsewhere)", name)
	case t.in != nil:
		return fmt.Errorf("%s 上有卡 (the reader is taken)", t.where)
	}
	t.in, c.till, t.since = c, t, w.now
	w.trace.add(w.now, "event", t.where, []byte("放卡 "+name))
	if t.real != nil {
		t.real.put(c)
		return nil
	}
	if t.away {
		return nil
	}
	if err := w.power(c.card, &c.seat); err != nil {
		return err
	}
	return t.told(true)
}

// TakeFromTill takes the card off a till's reader.
func (w *World) TakeFromTill(number int) error {
	t, err := w.till(number)
	if err != nil {
		return err
	}
	if t.in == nil {
		return fmt.Errorf("%s 上没有卡 (no card there)", t.where)
	}
	return w.takeFromTill(t)
}

func (w *World) takeFromTill(t *tillPlace) error {
	c := t.in
	t.in, c.till = nil, nil
	w.trace.add(w.now, "event", t.where, []byte("取卡 "+c.name))
	if t.real != nil {
		t.real.take(c)
		return nil
	}
	w.rest(c.card, &c.seat)
	return t.told(false)
}

// UnplugTill takes a till's readers off the machine.
func (w *World) UnplugTill(number int) error {
	t, err := w.till(number)
	if err != nil {
		return err
	}
	w.happened("till unplugged")
	t.away = true
	if t.real != nil {
		t.real.do(t.real.in.Unplug)
		return nil
	}
	return t.told(false)
}

// PlugTill puts them back.
func (w *World) PlugTill(number int) error {
	t, err := w.till(number)
	if err != nil {
		return err
	}
	t.away = false
	if t.real != nil {
		t.real.do(t.real.in.Plug)
		return nil
	}
	w.powerTill(t)
	return nil
}

// StopTillReaders ends the service of the readers.
func (w *World) StopTillReaders(site record.SiteID) error {
	w.happened("till service stopped")
	var errs []error
	for _, t := range w.tillList {
		if t.site == site {
			t.away = true
			errs = append(errs, t.told(false))
		}
	}
	if w.realTills() {
		errs = append(errs, w.opt.Readers.service.Kill())
	}
	return errors.Join(errs...)
}

// StartTillReaders starts it again.
func (w *World) StartTillReaders(site record.SiteID) error {
	for _, t := range w.tillList {
		if t.site == site {
			t.away = false
			if t.real == nil {
				w.powerTill(t)
			}
		}
	}
	if !w.realTills() {
		return nil
	}
	started := make(chan error, 1)
	go func() { started <- w.opt.Readers.service.Run() }() // it powers the cards up, which the town must be free for
	var err error
	done := false
	late := w.Until("读卡器服务已启动 (the PC/SC service runs)", func() bool {
		select {
		case err = <-started:
			done = true
		default:
		}
		return done
	}, noticeLimit)
	return errors.Join(late, err)
}

// OrderAtTill keys nozzle and preset.
func (w *World) OrderAtTill(number int, nozzle record.Nozzle, money unit.Fen, volume unit.Quantity) error {
	t, err := w.till(number)
	if err != nil {
		return err
	}
	t.nozzle, t.money = nozzle, money > 0
	local := nozzle % 100
	_, err = answerAt[station.TillDone](w, t.site, station.PathTillOrder, station.TillOrder{Till: t.number, Nozzle: local, Money: money, Volume: volume, By: "1001"})
	return err
}

// KeyPINAtTill keys the holder's digits.
func (w *World) KeyPINAtTill(number int, digits string) error {
	t, err := w.till(number)
	if err != nil {
		return err
	}
	_, err = answerAt[station.TillDone](w, t.site, station.PathTillPIN, station.TillPIN{Till: t.number, Digits: digits})
	return err
}

// Till is what a till shows.
func (w *World) Till(number int) (v station.TillView, err error) {
	t, err := w.till(number)
	if err != nil {
		return v, err
	}
	all, err := answerAt[station.Tills](w, t.site, station.PathTills, struct{}{})
	if err != nil {
		return v, err
	}
	for _, x := range all.Tills {
		if x.Till == t.number {
			return x, nil
		}
	}
	return v, fmt.Errorf("%s 未在运行的程序中 (the program has no such till)", t.where)
}

// productCodes is the company's product table.
func (w *World) productCodes() (codes []string) {
	for _, p := range w.scenario.Products {
		codes = append(codes, p.Code)
	}
	return codes
}

// Forecourt is a nozzle as its station shows it.
func (w *World) Forecourt(n record.Nozzle) (v station.NozzleStatus, err error) {
	var id record.SiteID
	switch {
	case w.plain[n].p != nil:
		id = w.plain[n].p.site
	case w.pumps[n] != nil:
		id = w.pumps[n].site
	default:
		return v, fmt.Errorf("没有 %d 号枪 (no such nozzle)", n)
	}
	s, err := answerAt[station.Status](w, id, station.PathStatus, struct{}{})
	if err != nil {
		return v, err
	}
	for _, x := range s.Nozzles {
		if x.Nozzle == n%100 {
			return x, nil
		}
	}
	return v, fmt.Errorf("站级程序没有 %d 号枪 (the station has no such nozzle)", n)
}

package app

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"

	"greylock/system/card"
	"greylock/system/card/pcsc"
	"greylock/system/clock"
	"greylock/system/station"
	"greylock/system/station/till"
)

// Till is one station-run card terminal: the readers for the customer's card and for the PSAM.
type Till struct {
	Number int    `json:"number"` // as the layout of the center names it
	Reader string `json:"reader"` // PC/SC name
	PSAM   string `json:"psam"`   // PC/SC name
}

// tillReader serves one till: each slot has a goroutine that carries its commands in order.
type tillReader struct {
	till   Till
	core   *station.Core
	runner *Runner
	log    *slog.Logger
	slots  map[string]card.Slot
	orders map[string]chan order
}

// order is one command on its way to a card.
type order struct {
	id      uint64
	command []byte
}

// maxOrders bounds what waits for a card: a till has one command under way, more are its bug.
const maxOrders = 4

// openTills takes the readers of the tills that the configuration names. A reader or card that is not there is waited for.
func openTills(cfg StationConfig) (list []*tillReader, err error) {
	for _, t := range cfg.Tills {
		user, err := pcsc.Open(t.Reader)
		if err != nil {
			return nil, fmt.Errorf("%w: 收银终端 %d 读卡器 %q (till's reader): %w", ErrSetting, t.Number, t.Reader, err)
		}
		psam, err := pcsc.Open(t.PSAM)
		if err != nil {
			return nil, fmt.Errorf("%w: 收银终端 %d PSAM 读卡器 %q (till's PSAM reader): %w", ErrSetting, t.Number, t.PSAM, err)
		}
		list = append(list, newTillReader(t, user, psam))
	}
	return list, nil
}

// tillPorts are the tills as the core sees them.
func tillPorts(tills []*tillReader) (list []station.TillPort) {
	for _, t := range tills {
		var seed [32]byte
		_, _ = crand.Read(seed[:]) // never fails
		list = append(list, station.TillPort{Number: t.till.Number, Transmit: t.transmit, Rand: rand.NewChaCha8(seed)})
	}
	return list
}

func newTillReader(t Till, user, psam card.Slot) *tillReader {
	return &tillReader{
		till: t, slots: map[string]card.Slot{till.SlotCard: user, till.SlotPSAM: psam},
		orders: map[string]chan order{till.SlotCard: make(chan order, maxOrders), till.SlotPSAM: make(chan order, maxOrders)},
	}
}

// transmit is the core's way to a card; it never blocks.
func (r *tillReader) transmit(id uint64, slot string, command []byte) {
	r.orders[slot] <- order{id, command}
}

// post does something with the core inside its loop and carries out what it wants.
func (r *tillReader) post(do func(now clock.Instant)) {
	r.runner.post(func(now clock.Instant) error {
		do(now)
		return r.runner.site.Resume()
	})
}

// run serves the till until ctx ends.
func (r *tillReader) run(ctx context.Context) {
	var all sync.WaitGroup
	for name, slot := range r.slots {
		all.Go(func() { r.carry(ctx, name, slot) })
	}
	all.Go(func() { r.watch(ctx) })
	all.Wait()
}

// carry brings commands to one card and answers back. A PSAM is powered up before its first command and after each failure.
func (r *tillReader) carry(ctx context.Context, name string, slot card.Slot) {
	powered := name == till.SlotCard // by watch
	defer func() { _ = slot.Off() }()
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-r.orders[name]:
			var reply card.Reply
			if !powered {
				_, reply.Err = slot.Reset()
			}
			if reply.Err == nil {
				reply.Data, reply.Err = slot.Transmit(o.command)
			}
			if name == till.SlotPSAM {
				powered = reply.Err == nil
			}
			r.post(func(now clock.Instant) { r.core.CardAnswer(now, r.till.Number, o.id, reply) })
		}
	}
}

// watch tells of cards that come and go.
func (r *tillReader) watch(ctx context.Context) {
	in := false
	err := pcsc.Watch(ctx, func(states []pcsc.State, trouble error) {
		if trouble != nil {
			r.log.Warn("读卡器服务不可用 (PC/SC service)", "till", r.till.Number, "err", trouble)
		}
		present := false
		for _, s := range states {
			if s.Name == r.till.Reader {
				present = s.Present && !s.Mute
			}
		}
		if present == in {
			return
		}
		if in = present; !in {
			r.post(func(now clock.Instant) { r.core.CardOut(now, r.till.Number) })
			return
		}
		if _, err := r.slots[till.SlotCard].Reset(); err != nil {
			r.log.Warn("卡无应答 (card does not answer)", "till", r.till.Number, "err", err)
			in = false
			return
		}
		r.post(func(now clock.Instant) { r.core.CardIn(now, r.till.Number) })
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		r.log.Error("收银终端读卡器 (till's reader)", "till", r.till.Number, "err", err)
	}
}

package app

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

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

// tillReader serves one till. Each slot has a goroutine that alone speaks to it, and brings the till's commands in order.
type tillReader struct {
	till   Till
	core   tillCore
	runner *Runner
	log    *slog.Logger
	watch  func(ctx context.Context, changed func([]pcsc.State, error)) error
	card   tillSlot
	psam   tillSlot
	orders map[string]chan order
	seen   chan int // the insertion that the watch sees, 0 for an empty reader; only the newest waits
	visit  int      // the insertion that the core was told of; only the loop touches it
}

// tillCore is what a till's reader tells the station.
type tillCore interface {
	CardIn(now clock.Instant, till int)
	CardOut(now clock.Instant, till int)
	CardAnswer(now clock.Instant, till int, id uint64, r card.Reply)
}

// tillSlot is a reader of a till.
type tillSlot interface {
	card.Slot
	Close() error
}

// order is one command on its way to a card.
type order struct {
	id      uint64
	visit   int // the insertion that it is for
	command []byte
}

// maxOrders bounds what waits for a card: a till has one command under way, more are its bug.
const maxOrders = 4

// resetAgain is when a card that did not come up is tried again: another program may have had the reader.
const resetAgain = time.Second

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
		list = append(list, newTillReader(t, user, psam, pcsc.Watch))
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

func newTillReader(t Till, user, psam tillSlot, watch func(context.Context, func([]pcsc.State, error)) error) *tillReader {
	return &tillReader{
		till: t, card: user, psam: psam, watch: watch, seen: make(chan int, 1), log: slog.New(slog.DiscardHandler),
		orders: map[string]chan order{till.SlotCard: make(chan order, maxOrders), till.SlotPSAM: make(chan order, maxOrders)},
	}
}

// transmit is the core's way to a card; it never blocks.
func (r *tillReader) transmit(id uint64, slot string, command []byte) {
	r.orders[slot] <- order{id, r.visit, command}
}

// post does something with the core inside its loop and carries out what it wants.
func (r *tillReader) post(do func(now clock.Instant)) {
	r.runner.post(func(now clock.Instant) error {
		do(now)
		return r.runner.site.Resume()
	})
}

func (r *tillReader) answer(o order, reply card.Reply) {
	r.post(func(now clock.Instant) { r.core.CardAnswer(now, r.till.Number, o.id, reply) })
}

// run serves the till until ctx ends.
func (r *tillReader) run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { r.carryPSAM(ctx) })
	all.Go(func() { (&cardKeeper{tillReader: r}).run(ctx) })
	all.Go(func() { r.look(ctx) })
	all.Wait()
}

// carryPSAM powers the PSAM up before its first command and after each failure.
func (r *tillReader) carryPSAM(ctx context.Context) {
	powered, said := false, ""
	defer func() { _ = r.psam.Close() }()
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-r.orders[till.SlotPSAM]:
			var reply card.Reply
			if !powered {
				_, reply.Err = r.psam.Reset()
			}
			if reply.Err == nil {
				reply.Data, reply.Err = r.psam.Transmit(o.command)
			}
			if powered = reply.Err == nil; powered {
				said = ""
			} else if trouble := reply.Err.Error(); trouble != said {
				said = trouble
				r.log.Warn("PSAM 无应答 (PSAM does not answer)", "till", r.till.Number, "err", reply.Err)
			}
			r.answer(o, reply)
		}
	}
}

// cardKeeper speaks to the customer's card. A card that was lost in a command and answers again is another card to the till.
type cardKeeper struct {
	*tillReader
	there int    // the insertion that the watch sees; 0: an empty reader
	told  int    // the insertion that the core knows; 0: none
	count int    // of the insertions that the core was told of
	said  string // the last trouble in the log
}

func (k *cardKeeper) run(ctx context.Context) {
	defer func() { _ = k.card.Close() }()
	again := time.NewTicker(resetAgain)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case seen := <-k.seen:
			if seen != k.there {
				k.there = seen
				k.out()
				k.in()
			}
		case <-again.C:
			k.in()
		case o := <-k.orders[till.SlotCard]:
			k.carry(o)
		}
	}
}

// carry brings a command to the card that it is meant for.
func (k *cardKeeper) carry(o order) {
	if o.visit == 0 || o.visit != k.told {
		k.answer(o, card.Reply{Err: card.ErrRemoved})
		return
	}
	var reply card.Reply
	reply.Data, reply.Err = k.card.Transmit(o.command)
	k.answer(o, reply)
	if reply.Err != nil { // the watch sees no card that was changed in a moment
		k.out()
		k.in()
	}
}

// in powers a card up and tells the core.
func (k *cardKeeper) in() {
	if k.there == 0 || k.told != 0 {
		return
	}
	if _, err := k.card.Reset(); err != nil {
		if err.Error() != k.said {
			k.said = err.Error()
			k.log.Warn("卡无应答 (card does not answer)", "till", k.till.Number, "err", err)
		}
		return
	}
	k.count++
	n := k.count
	k.told, k.said = n, ""
	k.post(func(now clock.Instant) {
		k.visit = n
		k.core.CardIn(now, k.till.Number)
	})
}

// out tells the core that its card has gone.
func (k *cardKeeper) out() {
	k.told = 0
	k.gone()
}

// gone tells the core that the reader is empty; it may hear it twice.
func (r *tillReader) gone() {
	r.post(func(now clock.Instant) {
		r.visit = 0
		r.core.CardOut(now, r.till.Number)
	})
}

// look watches cards come and go. A card that goes is told at once: the keeper may wait for an answer of it.
func (r *tillReader) look(ctx context.Context) {
	in, count := false, 0
	err := r.watch(ctx, func(states []pcsc.State, trouble error) {
		if trouble != nil {
			r.log.Warn("读卡器服务不可用 (PC/SC service)", "till", r.till.Number, "err", trouble)
		}
		present := slices.ContainsFunc(states, func(s pcsc.State) bool { return s.Name == r.till.Reader && s.Present && !s.Mute })
		if present == in {
			return
		}
		seen := 0
		if in = present; in {
			count++
			seen = count
		} else {
			r.gone()
		}
		select {
		case <-r.seen:
		default:
		}
		r.seen <- seen // this goroutine alone writes
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		r.log.Error("收银终端读卡器 (till's reader)", "till", r.till.Number, "err", err)
	}
}

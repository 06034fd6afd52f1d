package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"greylock/system/card"
	"greylock/system/clock"
	"greylock/system/exchange"
	"greylock/system/exchange/cert"
	"greylock/system/journal"
	"greylock/system/link"
	"greylock/system/wire/record"
)

// DeskConfig is what the program of a making room or an issuing desk is told.
type DeskConfig struct {
	Site   Identity
	Kind   record.Kind // record.KindMaking or KindOutlet
	Data   string      // directory of the journal
	Center string      // base URL of the center
	TLS    cert.Files
	Slot   card.Slot // the reader; nil for work without a card
	Log    *slog.Logger
}

// Desk is a Bench in real time: one job with the card on the reader, then everything is shipped.
type Desk struct {
	*Program
	bench *Bench
	slot  card.Slot
}

// shipLimit is how long a desk waits after its work for the center to take the journal; what is left goes next time.
const (
	shipLimit = 5 * time.Second
	shipLook  = 20 * time.Millisecond
)

// NewDesk opens the desk's journal and replays it into apply.
func NewDesk(cfg DeskConfig, apply func(uint64, record.Fact)) (*Desk, error) {
	d := &Desk{slot: cfg.Slot}
	p, err := openProgram(cfg.Site, cfg.Kind, journal.OS(cfg.Data), map[string]string{"center": cfg.Center}, cfg.Log, 0,
		func(j *journal.Journal) (link.Core, error) {
			ship := exchange.NewShipper(exchange.ShipperConfig{
				Site: cfg.Site.ID, Realm: cfg.Site.Realm, Source: j, Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
			})
			d.bench = NewBench(apply, d.transmit, ship)
			return d.bench, nil
		})
	if err != nil {
		return nil, err
	}
	d.Program = p
	if err := p.calls(cfg.TLS); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return d, nil
}

// transmit carries a command to the card outside of the loop and its answer back into it.
func (d *Desk) transmit(t card.Transmit, answer func(card.Reply)) {
	go func() {
		r := card.Reply{Err: card.ErrAbsent}
		if d.slot != nil {
			r.Data, r.Err = d.slot.Transmit(t.Command)
		}
		d.runner.post(func(now clock.Instant) error {
			d.bench.now = now
			answer(r)
			return d.runner.site.Resume()
		})
	}()
}

// Once powers the card up, does one job, ships the journal and stops. pending is how many records the center has not taken.
// When ctx ends, a job that has begun is finished all the same: a card is never left in the middle of a write.
func (d *Desk) Once(ctx context.Context, job func(door Door, t card.Transport) error) (pending uint64, err error) {
	if d.slot != nil {
		if _, err := d.slot.Reset(); err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, d.slot.Off()) }()
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	stopped := make(chan error, 1)
	go func() { stopped <- d.Run(running) }()
	ended := make(chan error, 1)
	begun := d.runner.post(func(now clock.Instant) error {
		var result error
		return d.runner.site.Job(now, func(t *card.Talk) { result = job(Door{Talk: t, Bench: d.bench}, t.Slot("card")) },
			func() { ended <- result })
	})
	if !begun {
		return 0, fmt.Errorf("app: desk: %w", <-stopped)
	}
	select {
	case err = <-ended:
		pending = d.shipped(ctx)
		stop()
		return pending, errors.Join(err, <-stopped)
	case failed := <-stopped:
		return 0, failed
	}
}

// shipped waits until the center has everything, for a while.
func (d *Desk) shipped(ctx context.Context) (pending uint64) {
	ctx, cancel := context.WithTimeout(ctx, shipLimit)
	defer cancel()
	look := time.NewTicker(shipLook)
	defer look.Stop()
	for {
		pending = 0
		d.runner.Do(func(clock.Instant) {
			if s := d.bench.ship.Status(); !s.Known || s.Pending > 0 {
				head, _ := d.journal.Head()
				pending = max(1, head-s.Watermark)
			}
		})
		if pending == 0 {
			return 0
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return pending
		}
	}
}

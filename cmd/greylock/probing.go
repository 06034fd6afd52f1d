package main

import (
	"context"
	"time"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/link/serial"
)

// probed is what was found at a port.
type probed struct {
	Protocol string // fa, lf, "" if nobody is understood
	Parity   string
	Echo     bool // own frames come back
	Bytes    int  // that came, of whatever kind
	Trouble  *serial.Error
}

// parities are tried in this order. Source: dispenser.md 3.1.
var parities = []serial.Parity{serial.ParityNone, serial.ParityEven}

// probe opens a port and finds out what is spoken there; it asks only what changes nothing. It gives the port back. Each parity
// that nobody answers at takes 6 seconds.
func probe(ctx context.Context, cfg serial.Config, tried []serial.Parity) (p probed) {
	for _, parity := range tried {
		cfg.Parity = parity
		p = probeAt(ctx, cfg)
		if p.Protocol != "" || p.Trouble != nil || ctx.Err() != nil {
			return p
		}
	}
	return p
}

func probeAt(ctx context.Context, cfg serial.Config) (p probed) {
	type event struct {
		data    []byte
		up      bool
		trouble *serial.Error
	}
	events := make(chan event, mostHeard)
	p.Parity = string(cfg.Parity)
	l, err := serial.Open(cfg, serial.Handler{
		Data:    func(b []byte) { events <- event{data: append([]byte(nil), b...)} },
		Up:      func(up bool) { events <- event{up: up} },
		Trouble: func(err *serial.Error) { events <- event{trouble: err} },
	})
	if err != nil {
		p.Trouble = &serial.Error{Code: serial.CodeNoSerial, Path: cfg.Path, Zh: "设置有误", En: "wrong setting", NextZh: "检查波特率与校验位", NextEn: "check baud rate and parity", Err: err}
		return p
	}
	defer func() { _ = l.Close() }() // nothing was written that could be lost
	sys, driver := clock.System{}, dispenser.NewProbe(1)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		frames, told := driver.Take()
		for _, f := range frames {
			_ = l.Write(f) // a line that went away is a silent one
		}
		for _, e := range told {
			switch e := e.(type) {
			case dispenser.Echo:
				p.Echo = true
			case dispenser.Probed:
				p.Protocol = e.Protocol.String()
				return p
			case dispenser.Unanswered:
				return p
			}
		}
		if due := driver.Due(); due != clock.Never {
			timer.Reset(max(0, due.Sub(sys.Now())))
		}
		select {
		case e := <-events:
			switch {
			case e.trouble != nil:
				p.Trouble = e.trouble
				return p
			case e.data != nil:
				p.Bytes += len(e.data)
				driver.Receive(sys.Now(), e.data)
			default:
				driver.Line(sys.Now(), e.up)
			}
		case <-timer.C:
			driver.Wake(sys.Now())
		case <-ctx.Done():
			return p
		}
	}
}

package world

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"greylock/system/clock"
	"greylock/system/station"
	"greylock/system/wire/fa"
	"greylock/system/wire/lf"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Screens is somebody who watches the live forecourt.
type Screens interface {
	// Watch follows a station's live feed for a while.
	Watch(site record.SiteID, d time.Duration) (Watched, error)
}

// Watched is what a screen showed.
type Watched struct {
	Answers int                          // of the feed
	Ports   int                          // that showed an amount
	Ages    []time.Duration              // of each amount shown, from its frame's last byte at the station; sorted
	Last    map[int]station.NozzleStatus // by port, as shown last
}

// P95 is the age that 95 of 100 amounts were shown by.
func (w Watched) P95() time.Duration { return part(w.Ages, 95) }

// shown names an amount of a delivery that a board told.
type shown struct {
	port   int
	amount unit.Fen
}

// eyes note when each amount that a board tells has crossed its line.
type eyes struct {
	w    *World
	told map[shown]clock.Instant
	out  map[int]clock.Instant // when the last byte written so far has left, by port
}

// saw looks at what a board sends.
func (e *eyes) saw(port int, data []byte) {
	if e == nil {
		return
	}
	e.out[port] = max(e.out[port], e.w.now).Add(time.Duration(len(data)) * byteTime)
	note := func(amount unit.Fen) {
		k := shown{port, amount}
		if _, known := e.told[k]; !known && amount > 0 {
			e.told[k] = e.out[port]
		}
	}
	if len(data) == lf.Size {
		if s, err := lf.ParseStatus(lf.Frame(data)); err == nil {
			note(s.Cash)
			return
		}
	}
	var d fa.Decoder
	d.Decode(data, func(f fa.Frame) {
		if m, err := fa.Parse(f); err == nil {
			if live, ok := m.(*fa.Live); ok {
				for _, i := range live.Items {
					note(i.Amount)
				}
			}
		}
	})
}

// Watch follows a station's live feed for a while.
func (w *World) Watch(site record.SiteID, d time.Duration) (Watched, error) {
	e := &eyes{w: w, told: map[shown]clock.Instant{}, out: map[int]clock.Instant{}}
	for _, p := range w.pumpList {
		if p.site == site {
			p.eyes = e
		}
	}
	for _, p := range w.plainList {
		if p.site == site {
			p.eyes = e
		}
	}
	r := Watched{Last: map[int]station.NozzleStatus{}}
	ports := map[int]bool{}
	var after uint64
	for end := w.now.Add(d); w.now < end; {
		f, err := w.screen(site, after)
		if err != nil {
			return r, err
		}
		r.Answers, after = r.Answers+1, f.Version
		for _, n := range f.Nozzles {
			r.Last[n.Port] = n
			k := shown{n.Port, n.Amount}
			if at, ok := e.told[k]; ok && at != clock.Never {
				r.Ages = append(r.Ages, max(0, w.now.Sub(at)))
				ports[n.Port] = true
				e.told[k] = clock.Never // counted
			}
		}
	}
	r.Ports = len(ports)
	slices.Sort(r.Ages)
	return r, nil
}

// screen asks the feed once.
func (w *World) screen(site record.SiteID, after uint64) (f station.Feed, err error) {
	status, body, err := w.Command(site, station.PathFeed, station.AskFeed{After: after})
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("实时画面 (feed): %d %s", status, body)
	}
	if err == nil {
		err = json.Unmarshal(body, &f)
	}
	return f, err
}

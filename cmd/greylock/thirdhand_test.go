//go:build linux

package main

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"greylock/cmd/internal/cli"
	"greylock/emulators/conform/lines"
	"greylock/emulators/line"
	"greylock/system/clock"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
)

// wired is a pseudo-terminal as the wire of the third hand.
type wired struct {
	*line.Pty
	in chan []byte
}

// Now implements lines.Wire.
func (w wired) Now() clock.Instant { return clock.System{}.Now() }

// Send implements lines.Wire.
func (w wired) Send(b []byte) error {
	w.Write(b)
	return nil
}

// Receive implements lines.Wire.
func (w wired) Receive(until clock.Instant) ([]byte, error) {
	timer := time.NewTimer(until.Sub(clock.System{}.Now()))
	defer timer.Stop()
	select {
	case b := <-w.in:
		return b, nil
	case <-timer.C:
		return nil, nil
	}
}

// TestPlainStationBeforeTheThirdHand: a whole station, with its layout and prices from the center, finds a dispenser that no
// part of the product has written.
func TestPlainStationBeforeTheThirdHand(t *testing.T) {
	t.Parallel()
	x := newTown(t, fuelcard.National())
	x.ask("center", "product", "put", "--code", "1031", "--name", "92#汽油").want(t, cli.OK)
	layout, err := json.Marshal(record.Layout{
		Name: "示范加油站", Province: 0x44, City: 1, Superior: record.Hex{0, 0, 0, 1}, Station: record.Hex{0, 0, 0, 1},
		Ports: []record.PortPlan{{Port: 1, POSP: 1, Nozzle: 1, NZN: 1, Product: "1031", Protocol: "lf"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	x.ask("center", "layout", "put", "--site", "0001", "--file", file(t, x.path("layout.json"), string(layout))).want(t, cli.OK)
	x.ask("center", "prices", "put", "--site", "0001", "1031=7.85").want(t, cli.OK)
	w := wired{in: make(chan []byte, 1<<12)}
	w.Pty, err = line.OpenPty(line.PtyConfig{Link: x.path("third"), Rand: rand.New(rand.NewPCG(1, 1)),
		Received: func(b []byte) { w.in <- append([]byte(nil), b...) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() }) // nothing of it is kept
	text, err := os.ReadFile(x.stationConfig(x.path("third")))
	if err != nil {
		t.Fatal(err)
	}
	cfg := file(t, x.path("station.yaml"), strings.Replace(string(text), "{number: 1,", "{number: 1, protocol: lf,", 1))
	launch(t, nil, "station", "--config", cfg).door("operator")
	r := lines.CheckLFStation(lines.StationOptions{Wait: time.Minute, Pick: lines.Pick{Have: lines.Site, Only: regexp.MustCompile("^ls-greet$")}},
		func() (lines.Station, error) { return lines.Station{Wire: w}, nil })
	if r.Passed != 1 || r.Frames < 6 {
		t.Errorf("%+v", r)
	}
}

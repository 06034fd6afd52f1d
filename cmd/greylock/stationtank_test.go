package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"greylock/cmd/internal/cli"
	"greylock/emulators/gauge"
	"greylock/emulators/world"
	"greylock/system/station"
	"greylock/system/tank"
)

// TestStationTank: the commands about tanks, against a station in virtual time.
func TestStationTank(t *testing.T) {
	t.Parallel()
	plan, err := world.Load(os.DirFS("../../scenarios"), "tanks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w, err := world.Start(plan, world.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var inside sync.Mutex // one at a time is in the town
	door := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		inside.Lock()
		defer inside.Unlock()
		text, err := io.ReadAll(req.Body)
		status, answer := http.StatusBadGateway, []byte(nil)
		if err == nil {
			status, answer, err = w.Command("0001", req.URL.Path, rawBody(text))
		}
		if err != nil {
			status = http.StatusBadGateway
		}
		rw.WriteHeader(status)
		_, _ = rw.Write(answer)
	}))
	t.Cleanup(func() {
		door.Close()
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	at := func(args ...string) []string {
		return append(append([]string{"station", "tank"}, args...), "--addr", strings.TrimPrefix(door.URL, "http://"))
	}
	pass := func(d time.Duration) {
		inside.Lock()
		defer inside.Unlock()
		w.Pass(d)
	}
	pass(time.Minute)
	call(t, at("list")...).want(t, cli.OK, "液位仪在线", "1031", "2011")
	call(t, at("dip", "1", "--by", "1001")...).want(t, cli.OK, "1 号罐", "水高 10.0 毫米")
	surface, water, degrees, err := w.Stick("0001", 2)
	if err != nil {
		t.Fatal(err)
	}
	call(t, at("dip", "2", "--by", "1001", "--height", surface.String(), "--water", water.String(), "--temperature", degrees.String())...).want(t, cli.OK, surface.String(), degrees.String())
	call(t, at("dip", "2", "--by", "1001", "--litres", "9000")...).want(t, cli.OK, "9000.00")
	call(t, at("delivery", "1", "--by", "1001", "--note", "017", "--litres", "100")...).want(t, cli.Failed, "NO_DELIVERY")
	for _, wrong := range [][]string{{"dip", "x"}, {"dip", "1", "--height", "1.25"}, {"dip", "1", "--height", "1", "--temperature", "warm"},
		{"dip", "1", "--litres", "x"}, {"delivery", "0"}, {"delivery", "1", "--litres", "x"}, {"dip", "1", "--height", "1", "--water", "x"}} {
		call(t, at(wrong...)...).want(t, cli.Usage)
	}
	if err := w.Truck("0001", 1, 500000, 1000, 1500); err != nil {
		t.Fatal(err)
	}
	pass(2 * time.Hour)
	d := into[tank.Delivery](t, call(t, append(at("delivery", "1", "--by", "1001", "--note", "017", "--litres", "5000"), "--json")...))
	if d.Number != 1 || d.Short != 0 || d.Note != "017" {
		t.Errorf("%+v", d)
	}
	call(t, at("deliveries")...).want(t, cli.OK, "017", "5000.00")
	p := into[station.Periods](t, call(t, append(at("reconcile", "--tank", "1"), "--json")...))
	if !p.OK || len(p.Periods) != 1 {
		t.Errorf("%+v", p)
	}
	inside.Lock()
	err = w.Leak("0001", 1, 10000)
	inside.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	pass(3 * time.Hour)
	call(t, at("reconcile", "--tank", "1")...).want(t, cli.Failed, "超限", "E109")
	if err := w.Console("0001", gauge.Dead); err != nil {
		t.Fatal(err)
	}
	pass(5 * time.Minute)
	call(t, at("list")...).want(t, cli.OK, "液位仪离线", "最近量油")
	call(t, at("dip", "1", "--by", "1001")...).want(t, cli.Failed, "GAUGE_OFFLINE")
}

// rawBody goes on as it came.
type rawBody []byte

// MarshalJSON returns the bytes.
func (b rawBody) MarshalJSON() ([]byte, error) { return b, nil }

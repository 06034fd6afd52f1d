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

// quickTown is a station in virtual time behind a door for commands.
type quickTown struct {
	w      *world.World
	addr   string
	inside sync.Mutex // one at a time is in the town
}

func newQuickTown(t *testing.T, scenario string) *quickTown {
	t.Helper()
	plan, err := world.Load(os.DirFS("../../scenarios"), scenario)
	if err != nil {
		t.Fatal(err)
	}
	x := &quickTown{}
	if x.w, err = world.Start(plan, world.Options{}); err != nil {
		t.Fatal(err)
	}
	door := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		x.inside.Lock()
		defer x.inside.Unlock()
		text, err := io.ReadAll(req.Body)
		status, answer := http.StatusBadGateway, []byte(nil)
		if err == nil {
			status, answer, err = x.w.Command("0001", req.URL.Path, rawBody(text))
		}
		if err != nil {
			status = http.StatusBadGateway
		}
		rw.WriteHeader(status)
		_, _ = rw.Write(answer)
	}))
	x.addr = strings.TrimPrefix(door.URL, "http://")
	t.Cleanup(func() {
		door.Close()
		if err := x.w.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// at are the words of a command of the station.
func (x *quickTown) at(args ...string) []string {
	return append(append([]string{"station"}, args...), "--addr", x.addr)
}

func (x *quickTown) pass(d time.Duration) {
	x.inside.Lock()
	defer x.inside.Unlock()
	x.w.Pass(d)
}

// TestStationTank: the commands about tanks, against a station in virtual time.
func TestStationTank(t *testing.T) {
	t.Parallel()
	town := newQuickTown(t, "tanks.yaml")
	w, pass := town.w, town.pass
	at := func(args ...string) []string { return town.at(append([]string{"tank"}, args...)...) }
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
	before := call(t, append(at("deliveries"), "--json")...).out
	for _, x := range []struct {
		args string
		exit cli.Exit
		want string
	}{
		{"delivery 1 --by 1001 --note 017 --litres 5000 --delivery 1", cli.Failed, "NOTED"}, {"delivery 1 --by 1001 --note 018 --litres 5000", cli.Failed, "NO_DELIVERY"},
		{"delivery 2 --by 1001 --note 018 --litres 5000 --delivery 1", cli.Failed, "NO_DELIVERY"}, {"delivery 9 --by 1001 --note 018 --litres 5000", cli.Failed, "UNKNOWN_TANK"},
		{"delivery 1 --by 1001 --note 018 --litres 0", cli.Failed, "NOTE"}, {"delivery 1 --by 1001 --note 018 --litres -5", cli.Usage, "--litres"},
		{"delivery 1 --by 1001 --note 018 --litres 99999999", cli.Failed, "NOTE"}, {"delivery 1 --by= --note 018 --litres 5", cli.Failed, "BY"},
		{"dip 9 --by 1001", cli.Failed, "UNKNOWN_TANK"}, {"dip 1 --by=", cli.Failed, "BY"}, {"dip 1 --by 1001 --litres 99999", cli.Failed, "DIP"},
		{"dip 1 --by 1001 --height 9999 --water 1", cli.Failed, "DIP"}, {"dip 1 --by 1001 --height 100 --water 200", cli.Failed, "DIP"},
		{"dip 1 --by 1001 --height 100 --temperature 95", cli.Failed, "DIP"}, {"dip 1 --by 1001 --height -3", cli.Usage, "--height"}, {"dip -1", cli.Usage, ""},
		{"deliveries --limit -1", cli.Failed, "LIMIT"}, {"deliveries --limit 501", cli.Failed, "LIMIT"}, {"deliveries --tank 9", cli.Failed, "UNKNOWN_TANK"},
		{"reconcile --days -1", cli.Failed, "DAYS"}, {"reconcile --days 400", cli.Failed, "DAYS"}, {"reconcile --tank 9", cli.Failed, "UNKNOWN_TANK"},
		{"reconcile --days x", cli.Usage, "--days"},
	} {
		call(t, at(strings.Fields(x.args)...)...).want(t, x.exit, x.want, "下一步")
	}
	if after := call(t, append(at("deliveries"), "--json")...).out; after != before {
		t.Errorf("wrong input has changed\n%s\nto\n%s", before, after)
	}
	p := into[station.Periods](t, call(t, append(at("reconcile", "--tank", "1"), "--json")...))
	if !p.OK || len(p.Periods) != 1 {
		t.Errorf("%+v", p)
	}
	town.inside.Lock()
	err = w.Leak("0001", 1, 10000)
	town.inside.Unlock()
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

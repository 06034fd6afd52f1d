//go:build linux

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"greylock/cmd/internal/cli"
	"greylock/emulators/dispenser"
	"greylock/emulators/hub"
	"greylock/system/clock"
	"greylock/system/station"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
)

// TestCommissionANozzle: wiring, totals, price and a test fill are examined at a running station; the protocol stands in its
// journal, and one that was altered does not.
func TestCommissionANozzle(t *testing.T) {
	t.Parallel()
	x := newTown(t, fuelcard.National())
	sam, tid := x.psam()
	c, asn := x.card("100.00")
	x.orders(tid)
	b := newBoard(t, x.dir, sam, "1031", fuelcard.National())
	s := launch(t, nil, "station", "--config", x.stationConfig(b.path))
	door := s.door("operator")
	commission := func(args ...string) result {
		t.Helper()
		return call(t, append([]string{"station", "commission", "--addr", door, "--by", "李工"}, args...)...)
	}
	commission("--nozzle", "9").want(t, cli.Failed, "UNKNOWN_NOZZLE", "布局")
	commission().want(t, cli.Usage, "--nozzle")
	b.sell(c, "123456", "4", func() {}) // there are books to hold the totals against
	commission("--nozzle", "1", "--fill=false").want(t, cli.Failed, "合格 接线", "合格 泵码", "合格 单价", "E144", "未试加油")
	commission("--nozzle", "1", "--wait", "1ms").want(t, cli.Failed, "不合格 试加油", "没有新记录")

	out := filepath.Join(x.dir, "1.json")
	p := launch(t, nil, "station", "commission", "--addr", door, "--by", "李工", "--nozzle", "1", "--out", out)
	p.says("请在 1 号枪试加油")
	b.sell(c, "123456", "5", func() {})
	p.says("检定书", "合格 (passed)")
	if code := p.ended(); code != cli.OK {
		t.Fatalf("exit %d:\n%s", code, p.said())
	}
	for _, want := range []string{"合格 接线", "合格 泵码", "合格 单价", "合格 试加油 ", "合格 试加油单价", "合格 试加油泵码", "日志第"} {
		if !strings.Contains(p.said(), want) {
			t.Errorf("%q is not in:\n%s", want, p.said())
		}
	}
	data := x.path("data-station")
	verify := func(path string) result {
		t.Helper()
		return call(t, "station", "commission", "verify", path, "--data", data)
	}
	verify(out).want(t, cli.OK, "合格 (passed)", "李工")
	call(t, "station", "commission", "verify", out).want(t, cli.Usage, "--data")
	text, err := os.ReadFile(out)
	if err != nil || strings.Contains(string(text), asn.Digits()) {
		t.Fatalf("%v: a card number in %s", err, text)
	}
	verify(file(t, filepath.Join(x.dir, "altered.json"), strings.Replace(string(text), `"by": "李工"`, `"by": "王工"`, 1))).want(t, cli.Integrity, "E541", "没有这份")
	verify(file(t, filepath.Join(x.dir, "none.json"), "{}")).want(t, cli.Integrity, "E541", "不是检定书")
	if code := s.signal(syscall.SIGTERM); code != cli.OK {
		t.Errorf("exit %d", code)
	}
	verify(out).want(t, cli.OK)
}

// TestCommissionAPlainNozzle: the same of a nozzle that the station runs; its delivery is let run by the station.
func TestCommissionAPlainNozzle(t *testing.T) {
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
	h := plainHub(t, x.dir, 1)
	text, err := os.ReadFile(x.stationConfig(h.Link(0)))
	if err != nil {
		t.Fatal(err)
	}
	cfg := file(t, x.path("station.yaml"), strings.Replace(string(text), "{number: 1,", "{number: 1, protocol: lf,", 1))
	s := launch(t, nil, "station", "--config", cfg)
	door := s.door("operator")
	args := []string{"station", "commission", "--addr", door, "--by", "李工", "--nozzle", "1"}
	eventually(t, "the layout is there and the board answers", func() bool {
		return strings.Contains(call(t, append(args, "--fill=false")...).out, "合格 单价")
	})
	call(t, append(args, "--fill=false")...).want(t, cli.Failed, "合格 接线", "合格 泵码", "未试加油")

	out := x.path("1.json")
	p := launch(t, nil, append(args, "--out", out)...)
	p.says("请在 1 号枪试加油")
	if _, err := ask[record.Done](t.Context(), door, station.PathAuthorise, station.AskAuthorise{Nozzle: 1, Money: 500, By: "李工"}); err != nil {
		t.Fatal(err)
	}
	hand := func(act func(now clock.Instant, b *dispenser.Plain)) {
		h.Do(0, func(now clock.Instant, d hub.Device) { act(now, d.(*dispenser.Plain)) })
	}
	hand(func(now clock.Instant, b *dispenser.Plain) { b.Lift(now, 1); b.Squeeze(now, 1, 1000) })
	eventually(t, "the preset is reached", func() bool {
		all, err := ask[station.Status](t.Context(), door, station.PathStatus, struct{}{})
		return err == nil && len(all.Nozzles) == 1 && all.Nozzles[0].Amount == 500
	})
	hand(func(now clock.Instant, b *dispenser.Plain) { b.Squeeze(now, 1, 0); b.Hang(now, 1) })
	p.says("检定书", "合格 (passed)")
	if code := p.ended(); code != cli.OK {
		t.Fatalf("exit %d:\n%s", code, p.said())
	}
	call(t, "station", "commission", "verify", out, "--data", x.path("data-station")).want(t, cli.OK)
	if n := strings.Count(p.said(), "不合格"); n != 0 {
		t.Error(p.said())
	}
}

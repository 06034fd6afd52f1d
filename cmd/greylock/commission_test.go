//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"greylock/cmd/internal/cli"
	"greylock/system/wire/fuelcard"
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

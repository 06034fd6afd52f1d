package world

import (
	"net/http"
	"testing"
	"time"

	"greylock/emulators/ups"
	"greylock/system/clock"
	"greylock/system/station"
	"greylock/system/wire/record"
)

const powerTown = `
name: 停电
seed: 17
start: "2026-11-22 08:00:00"
company: 示范公司
products:
  - {code: "1031", name: "92#汽油", unit: L, price: "7.85"}
stations:
  - {id: "0001", name: 示范加油站, nozzles: ["1031"], plain: [["1031"]], ups: true}
cards:
  - {name: 张三的卡, account: "A0001", holder: 张三, pin: "123456", load: "800.00"}
`

// lit is a station with a UPS, at whose card nozzle and plain nozzle fuel flows.
func lit(t *testing.T) *World {
	t.Helper()
	s, err := Parse([]byte(powerTown))
	must(t, err)
	w, err := Start(s, Options{})
	must(t, err)
	t.Cleanup(func() { _ = w.Close() })
	waitFor(t, w, "the plain nozzle is idle", func() bool { return nozzleState(t, w, 2) == 3 })
	h := w.Hands()
	must(t, h.Insert(zhang, 1))
	waitFor(t, w, "the PIN", func() bool { return w.pumps[1].view().Prompt.Zh == "请输入密码, 按确认" })
	must(t, h.Keys(1, "123456确"))
	waitFor(t, w, "ready", func() bool { return w.pumps[1].view().Stage == "ready" })
	must(t, h.Lift(1))
	waitFor(t, w, "the self-test", func() bool { return w.pumps[1].view().State == "加油中" })
	must(t, h.Squeeze(1, 1000))
	must(t, h.Lift(2))
	waitFor(t, w, "calling", func() bool { return nozzleState(t, w, 2) == 4 })
	if code, text, err := w.Command("0001", station.PathAuthorise, station.AskAuthorise{Nozzle: 2, By: "1001"}); err != nil || code != http.StatusOK {
		t.Fatal(code, string(text), err)
	}
	must(t, h.Squeeze(2, 1000))
	waitFor(t, w, "fuel", func() bool { return w.pumps[1].view().Quantity > 100 && w.plain[2].view().Quantity > 100 })
	return w
}

// shuts says that no sale begins.
func shuts(state string) bool {
	return state != "" && state != record.PowerMains && state != record.PowerUnwatched
}

// homeward ends both fills, brings the mains back and settles: two sales, and every checker holds.
func homeward(t *testing.T, w *World, at time.Duration) {
	t.Helper()
	h := w.Hands()
	w.Pass(3 * time.Second)
	must(t, h.Hang(1))
	must(t, h.Hang(2))
	w.Pass(5 * time.Second)
	must(t, h.Pull(1))
	must(t, w.Mains("0001", true))
	must(t, w.Until("the program runs by the mains, and sells", func() bool {
		return w.running("0001") && !shuts(w.checks.power.state["0001"]) && nozzleState(t, w, 2) == 3
	}, 15*time.Minute))
	w.Pass(30 * time.Second)
	if _, err := w.Finish(); err != nil {
		t.Fatalf("killed %v after the cut: %v", at, err)
	}
	sales, err := w.Sales("0001")
	if err != nil || len(sales) != 2 {
		t.Errorf("killed %v after the cut: %d sales, %v", at, len(sales), err)
	}
}

// TestPowerCutKilledAtEveryInstant: the program of a station whose battery is nearly empty dies somewhere between the cut and its own end,
// while fuel flows at a card nozzle and a plain one; or its power goes at once. Nothing is lost, nothing is double.
func TestPowerCutKilledAtEveryInstant(t *testing.T) {
	t.Parallel()
	ended := 0
	for at := 100 * time.Millisecond; at < 12*time.Second; at += 431 * time.Millisecond {
		w := lit(t)
		must(t, w.Battery("0001", 10))
		must(t, w.Mains("0001", false))
		w.Pass(at)
		if w.Ended("0001") != "" {
			ended++
		} else {
			must(t, w.Kill("0001"))
			w.Pass(time.Second)
			must(t, w.Restart("0001"))
		}
		homeward(t, w, at)
	}
	if ended == 0 {
		t.Error("the program never ended by itself: the sweep is too short")
	}
	w := lit(t)
	must(t, w.Mains("0001", false))
	must(t, w.Battery("0001", 0))
	if w.Lit("0001") || w.running("0001") {
		t.Error("without mains and battery the machine runs")
	}
	homeward(t, w, 0)
}

// TestNoMainsViolationsAreCaught: a sale begun on the battery, and a program that ends without saying why.
func TestNoMainsViolationsAreCaught(t *testing.T) {
	t.Parallel()
	w := lit(t)
	w.checks.powerFact("0001", record.StationPower{State: record.PowerBattery})
	w.checks.powerFact("0001", record.PlainAuthorised{Nozzle: 2})
	caught(t, w, invPower)
	w = lit(t)
	w.stations["0001"].finish("nothing")
	must(t, w.Restart("0001"))
	caught(t, w, invPower)
	w = lit(t)
	w.checks.powerFact("0001", record.StationPower{State: record.PowerEnding})
	caught(t, w, invPower)
}

// TestNoUPS: what a town without one can not do is an error.
func TestNoUPS(t *testing.T) {
	t.Parallel()
	w := flowing(t, 0)
	for _, err := range []error{w.Mains("0001", false), w.Battery("0001", 5), w.UPSTalks("0001", ups.Silent)} {
		if err == nil {
			t.Error("a station without a UPS has one")
		}
	}
	if !w.Lit("0001") || w.Ended("9999") != "" || w.Now() == clock.Never {
		t.Error("its machine is dark")
	}
}

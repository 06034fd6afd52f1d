package world

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"greylock/emulators/dispenser"
	"greylock/system/station"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

const stopTown = `
name: 紧急停机
seed: 12
start: "2026-11-22 08:00:00"
company: 示范公司
products:
  - {code: "1031", name: "92#汽油", unit: L, price: "7.85"}
stations:
  - {id: "0001", name: 示范加油站, nozzles: ["1031", "1031"], plain: [["1031"]], contactor: true}
cards:
  - {name: 张三的卡, account: "A0001", holder: 张三, pin: "123456", load: "800.00"}
  - {name: 李四的卡, account: "A0002", holder: 李四, pin: "123456", load: "800.00"}
`

// flowing is a station at whose two card nozzles and one plain nozzle fuel flows; a flush of its disk takes so long.
func flowing(t *testing.T, slow time.Duration) *World {
	t.Helper()
	s, err := Parse([]byte(stopTown))
	if err != nil {
		t.Fatal(err)
	}
	w, err := Start(s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	waitFor(t, w, "the plain nozzle is idle", func() bool { return nozzleState(t, w, 3) == 3 })
	h := w.Hands()
	for i, card := range []string{"张三的卡", "李四的卡"} {
		n := record.Nozzle(i + 1)
		must(t, h.Insert(card, n))
		waitFor(t, w, "the PIN", func() bool { return w.pumps[n].view().Prompt.Zh == "请输入密码, 按确认" })
		must(t, h.Keys(n, "123456确"))
		waitFor(t, w, "ready", func() bool { return w.pumps[n].view().Stage == "ready" })
		must(t, h.Lift(n))
		waitFor(t, w, "the self-test", func() bool { return w.pumps[n].view().State == "加油中" })
		must(t, h.Squeeze(n, 1000))
	}
	must(t, h.Lift(3))
	waitFor(t, w, "calling", func() bool { return nozzleState(t, w, 3) == 4 })
	w.stations["0001"].disk.Slow(slow) // from the next flush but one on
	if code, text, err := w.Command("0001", station.PathAuthorise, station.AskAuthorise{Nozzle: 3, By: "1001"}); err != nil || code != http.StatusOK {
		t.Fatal(code, string(text), err)
	}
	must(t, h.Squeeze(3, 1000))
	waitFor(t, w, "fuel", func() bool {
		return w.pumps[1].view().Quantity > 100 && w.pumps[2].view().Quantity > 100 && w.plain[3].view().Quantity > 100
	})
	return w
}

// meters is what the three meters have let through.
func meters(w *World) (q [3]unit.Quantity) {
	for i, h := range w.stopHoses("0001", 0) {
		q[i], _, _ = h.flowed()
	}
	return q
}

// TestStopKilledBeforeItsFact: the program dies at every instant between an emergency stop and its fact. Fuel that the order has
// stopped stays stopped, and all else is stopped with it, until a person releases; where no coil was reached yet the order had no
// answer, and it is repeated.
func TestStopKilledBeforeItsFact(t *testing.T) {
	t.Parallel()
	recalled := 0
	for _, after := range []time.Duration{0, 5, 10, 15, 20, 30, 40, 60, 80, 100, 120, 150, 200, 300, 500, 900} {
		t.Run(fmt.Sprint(after*time.Millisecond), func(t *testing.T) {
			w := flowing(t, 2*time.Second)
			ask, err := w.Begin("0001", station.PathStop, station.AskStop{By: "1001", Reason: "漏油"})
			must(t, err)
			w.Pass(after * time.Millisecond)
			if _, _, _, done := ask(); done {
				t.Fatal("answered before its fact is durable")
			}
			must(t, w.Kill("0001"))
			w.stations["0001"].disk.Slow(0)
			w.Pass(3 * time.Second)
			off := !w.contactors["0001"].board.On(0) || !w.contactors["0001"].board.On(1)
			must(t, w.Restart("0001"))
			w.Pass(5 * time.Second)
			if off {
				recalled++
			} else if code, text, err := w.Command("0001", station.PathStop, station.AskStop{By: "1001", Reason: "漏油"}); err != nil || code != http.StatusOK {
				t.Fatal(code, string(text), err)
			}
			still(t, w, off)
			released(t, w)
		})
	}
	if recalled < 10 {
		t.Errorf("only %d of the instants were behind the first coil", recalled)
	}
}

// still looks for a minute whether anything flows, or is let run.
func still(t *testing.T, w *World, recalled bool) {
	t.Helper()
	w.Pass(3 * time.Second)
	before := meters(w)
	for range 12 {
		if code, text, err := w.Command("0001", station.PathAuthorise, station.AskAuthorise{Nozzle: 3, By: "1002"}); err != nil || code == http.StatusOK {
			t.Fatalf("authorised under the stop: %d %s %v", code, text, err)
		}
		w.Pass(5 * time.Second)
	}
	if after := meters(w); after != before {
		t.Errorf("fuel flows under the stop: %v, then %v", before, after)
	}
	s, err := answerAt[station.Status](w, "0001", station.PathStatus, struct{}{})
	if err != nil || len(s.Stops) != 1 || s.Stops[0].Nozzle != 0 {
		t.Fatalf("stops %+v %v", s.Stops, err)
	}
	alarms, err := w.Alarms("0001")
	if told := strings.Contains(fmt.Sprint(alarms), "stop-recalled"); err != nil || told != recalled || recalled != (s.Stops[0].By == "greylock") {
		t.Errorf("alarms %v %v, stops %+v", alarms, err, s.Stops)
	}
}

// released hangs up, takes the nozzles back and sells again.
func released(t *testing.T, w *World) {
	t.Helper()
	h := w.Hands()
	must(t, h.Hang(1), h.Hang(2), h.Hang(3))
	waitFor(t, w, "both debits", func() bool { return len(w.pumps[1].receipt) > 0 && len(w.pumps[2].receipt) > 0 })
	must(t, h.Pull(1), h.Pull(2))
	if code, text, err := w.Command("0001", station.PathRelease, station.AskStop{By: "1002", Reason: "安全"}); err != nil || code != http.StatusOK {
		t.Fatal(code, string(text), err)
	}
	waitFor(t, w, "idle again", func() bool { return nozzleState(t, w, 3) == 3 })
	w.Pass(20 * time.Second) // the card boards fetch their next station info
	fuel(t, w, "张三的卡", 1, "20元")
	if _, err := w.Finish(); err != nil {
		t.Error(err)
	}
}

// A program that starts again leaves the pumps as they are, and calls nothing a stop that was none.
func TestRestartLeavesPumpsRunning(t *testing.T) {
	t.Parallel()
	w := flowing(t, 0)
	must(t, w.Kill("0001"))
	before := meters(w)
	w.Pass(500 * time.Millisecond)
	must(t, w.Restart("0001"))
	w.Pass(5 * time.Second)
	if after := meters(w); after[0] < before[0]+200 || after[1] < before[1]+200 {
		t.Errorf("meters %v, then %v: the card nozzles were to run on", before, after)
	}
	if s, err := answerAt[station.Status](w, "0001", station.PathStatus, struct{}{}); err != nil || len(s.Stops) > 0 {
		t.Errorf("%+v %v", s.Stops, err)
	}
}

// TestFlowUnderAStopIsCaught: a station writes a stop and orders none of it.
func TestFlowUnderAStopIsCaught(t *testing.T) {
	t.Parallel()
	for _, n := range []record.Nozzle{0, 1, 3} {
		w := flowing(t, 0)
		w.checks.stopFact(w, "0001", w.now, record.EmergencyStopped{Nozzle: n, By: "1001", Reason: "漏油"})
		w.Pass(20 * time.Second)
		h := w.Hands()
		must(t, h.Hang(1), h.Hang(2), h.Hang(3))
		waitFor(t, w, "the ends", func() bool {
			return len(w.pumps[1].receipt) > 0 && len(w.pumps[2].receipt) > 0 && w.plain[3].view().State == dispenser.StateIdle
		})
		must(t, h.Pull(1), h.Pull(2))
		caught(t, w, invStop)
	}
}

// A nozzle that is stopped and left up for minutes is one delivery: its board writes the totals when it is hung.
func TestLeftUpAfterAStopIsOneDelivery(t *testing.T) {
	t.Parallel()
	w := flowing(t, 0)
	if code, text, err := w.Command("0001", station.PathNozzleStop, station.AskNozzle{Nozzle: 3, By: "1001"}); err != nil || code != http.StatusOK {
		t.Fatal(code, string(text), err)
	}
	w.Pass(3 * time.Minute)
	must(t, w.Hands().Hang(3))
	w.Pass(75 * time.Second)
	sold, err := answerAt[station.PlainSales](w, "0001", station.PathPlainSales, station.AskSales{Limit: 9})
	if err != nil || len(sold.Sales) != 1 || sold.Sales[0].Verdict != "agreed" || sold.Sales[0].Quantity != w.plain[3].view().Flowed {
		t.Errorf("%+v %v", sold.Sales, err)
	}
}

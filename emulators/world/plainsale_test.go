package world

import (
	"strings"
	"testing"
	"time"

	"greylock/emulators/dispenser"
	"greylock/system/station"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

const plainTown = `
name: 站控油枪
seed: 9
start: "2026-11-22 08:00:00"
company: 示范公司
products:
  - {code: "1031", name: "92#汽油", unit: L, price: "7.85"}
  - {code: "2011", name: "0#柴油", unit: L, price: "7.45"}
stations:
  - {id: "0001", name: 示范加油站, nozzles: ["1031"], plain: [["1031", "2011"]]}
cards:
  - {name: 张三的卡, account: "A0001", holder: 张三, pin: "123456", load: "500.00"}
`

func plainWorld(t *testing.T) *World {
	t.Helper()
	s, err := Parse([]byte(plainTown))
	if err != nil {
		t.Fatal(err)
	}
	w, err := Start(s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	waitFor(t, w, "plain nozzles are idle", func() bool { return nozzleState(t, w, 2) == 3 && nozzleState(t, w, 3) == 3 })
	return w
}

func waitFor(t *testing.T, w *World, what string, cond func() bool) {
	t.Helper()
	if err := w.Until(what, cond, 2*time.Minute); err != nil {
		t.Fatal(err)
	}
}

func nozzleState(t *testing.T, w *World, n record.Nozzle) int {
	t.Helper()
	s, err := answerAt[station.Status](w, "0001", station.PathStatus, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range s.Nozzles {
		if x.Nozzle == n && x.Price > 0 {
			return x.State
		}
		if x.Nozzle == n {
			return 0 // its price is still to come
		}
	}
	t.Fatalf("no nozzle %d in %+v", n, s.Nozzles)
	return 0
}

// TestPlainSale: a person lets a plain nozzle run for 100 yuan; the center has it as cash.
func TestPlainSale(t *testing.T) {
	t.Parallel()
	w := plainWorld(t)
	if status, body, err := w.Command("0001", station.PathAuthorise, station.AskAuthorise{Nozzle: 2, Money: 10000, By: "1001"}); err != nil || status != 200 {
		t.Fatal(status, string(body), err)
	}
	h := w.Hands()
	for _, err := range []error{h.Lift(2), h.Squeeze(2, 1000)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, w, "the preset is reached", func() bool { v := w.plain[2].view(); return v.Stop == "preset" && v.State != dispenser.StateFuelling })
	for _, err := range []error{h.Squeeze(2, 0), h.Hang(2), w.Settle(5 * time.Minute)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	sales, err := w.Sales("0001")
	if err != nil || len(sales) != 1 {
		t.Fatal(sales, err)
	}
	if s := sales[0]; s.Amount != 10000 || s.Quantity != 1273 || s.TType != 7 || s.State != "posted" {
		t.Errorf("%+v", s)
	}
	if _, err := w.Finish(); err != nil {
		t.Error(err)
	}
}

// TestPlainStationKilled: the station dies at every moment of a delivery; started again it finds the end by register and totals.
func TestPlainStationKilled(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Duration{0, 300 * time.Millisecond, 2 * time.Second, 5 * time.Second, 12 * time.Second, 22 * time.Second, 30 * time.Second} {
		w := plainWorld(t)
		if status, body, err := w.Command("0001", station.PathAuthorise, station.AskAuthorise{Nozzle: 3, Volume: 1000, By: "1001"}); err != nil || status != 200 {
			t.Fatal(status, string(body), err)
		}
		h := w.Hands()
		w.After(at, func() {
			if err := w.Kill("0001"); err != nil {
				t.Error(err)
			}
			w.After(3*time.Second, func() {
				if err := w.Restart("0001"); err != nil {
					t.Error(err)
				}
			})
		})
		for _, err := range []error{h.Lift(3), h.Squeeze(3, 1000)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		w.Pass(40 * time.Second)
		for _, err := range []error{h.Squeeze(3, 0), h.Hang(3)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		w.Pass(30 * time.Second)
		if _, err := w.Finish(); err != nil {
			t.Errorf("killed after %v: %v", at, err)
		}
		sales, err := answerAt[station.PlainSales](w, "0001", station.PathPlainSales, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		var sum unit.Quantity
		for _, s := range sales.Sales {
			sum += s.Quantity
		}
		t.Logf("killed after %v: %d deliveries, %v; the pump gave %v", at, len(sales.Sales), sum, w.plain[3].view().Flowed)
	}
}

// TestEmergencyStop: two nozzles deliver, one word stops both within half a second, and nothing runs before the release.
func TestEmergencyStop(t *testing.T) {
	t.Parallel()
	w := plainWorld(t)
	h := w.Hands()
	for _, n := range []record.Nozzle{2, 3} {
		if status, body, err := w.Command("0001", station.PathAuthorise, station.AskAuthorise{Nozzle: n, Money: 50000, By: "1001"}); err != nil || status != 200 {
			t.Fatal(status, string(body), err)
		}
		for _, err := range []error{h.Lift(n), h.Squeeze(n, 1000)} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	waitFor(t, w, "both deliver", func() bool { return w.plain[2].view().Quantity > 100 && w.plain[3].view().Quantity > 100 })
	began := w.Now()
	stopped := false
	w.stations["0001"].serve(station.PathStop, []byte(`{"by":"1001","reason":"漏油"}`), func(status int, body []byte) {
		stopped = status == 200 && strings.Contains(string(body), `"not":[1]`) // the card dispenser has no contactor here
	})
	waitFor(t, w, "the valves are shut", func() bool {
		return w.plain[2].view().State != dispenser.StateFuelling && w.plain[3].view().State != dispenser.StateFuelling
	})
	if took := w.Now().Sub(began); took > 500*time.Millisecond {
		t.Errorf("the valves shut after %v", took)
	}
	waitFor(t, w, "the stop is answered", func() bool { return stopped })
	if status, _, err := w.Command("0001", station.PathAuthorise, station.AskAuthorise{Nozzle: 2, Money: 100, By: "1001"}); err != nil || status != 409 {
		t.Error(status, err)
	}
	for _, n := range []record.Nozzle{2, 3} {
		if err := h.Hang(n); err != nil {
			t.Fatal(err)
		}
	}
	w.Pass(10 * time.Second)
	if status, body, err := w.Command("0001", station.PathRelease, station.AskStop{By: "1001", Reason: "已处理"}); err != nil || status != 200 {
		t.Fatal(status, string(body), err)
	}
	waitFor(t, w, "idle again", func() bool { return nozzleState(t, w, 2) == 3 })
	if _, err := w.Finish(); err != nil {
		t.Error(err)
	}
}

package world

import (
	"testing"
	"time"

	"greylock/system/wire/record"
)

const firstSale = `
name: 首笔加油
seed: 7
start: "2026-11-22 08:00:00"
company: 示范公司
products:
  - {code: "1031", name: "92#", unit: L, price: "7.85"}
  - {code: "2011", name: "0#", unit: L, price: "7.45"}
stations:
  - {id: "0001", name: 示范加油站, nozzles: ["1031", "2011"]}
cards:
  - {name: 张三的卡, account: "A0001", holder: 张三, pin: "123456", load: "500.00"}
`

func town(t *testing.T, opt Options) *World {
	t.Helper()
	s, err := Parse([]byte(firstSale))
	if err != nil {
		t.Fatal(err)
	}
	w, err := Start(s, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// fuel is one customer's whole visit: card, PIN, preset, lift, squeeze until the pump stops, hang, card out.
func fuel(t *testing.T, w *World, card string, nozzle record.Nozzle, keys string) {
	t.Helper()
	h := w.Hands()
	must := func(err error) {
		t.Helper()
		if err != nil {
			for _, l := range w.Trace().Lines()[max(0, len(w.Trace().Lines())-30):] {
				t.Logf("%v %s %s %q %X", l.At, l.Kind, l.Where, l.Data, l.Data)
			}
			t.Fatal(err)
		}
	}
	must(h.Insert(card, nozzle))
	must(w.Until("要密码", func() bool {
		return w.pumps[nozzle].view().Prompt.Zh == "请输入密码, 按确认"
	}, 20*time.Second))
	must(h.Keys(nozzle, "123456确"))
	must(w.Until("可加油", func() bool { return w.pumps[nozzle].view().Stage == "ready" }, 20*time.Second))
	must(h.Keys(nozzle, keys))
	must(h.Lift(nozzle))
	must(w.Until("自检完", func() bool { return w.pumps[nozzle].view().State == "加油中" }, 20*time.Second))
	must(h.Squeeze(nozzle, 1000))
	must(w.Until("停", func() bool { return w.pumps[nozzle].view().State != "加油中" }, 5*time.Minute))
	must(h.Hang(nozzle))
	must(w.Until("扣款", func() bool { return len(w.pumps[nozzle].receipt) > 0 }, 20*time.Second))
	must(h.Pull(nozzle))
}

func TestFirstSale(t *testing.T) {
	w := town(t, Options{})
	t.Logf("built at %v, %d events", w.Now(), w.count)
	r, err := w.CardAtDesk("张三的卡")
	if err != nil || r.Balance != 50000 {
		t.Fatalf("card %+v, %v", r, err)
	}
	t.Log(w.state())
	fuel(t, w, "张三的卡", 1, "200元")
	rep, err := w.Finish()
	if err != nil {
		t.Fatal(err, w.state())
	}
	sales, err := w.Sales("0001")
	if err != nil || len(sales) != 1 {
		t.Fatalf("sales %+v, %v", sales, err)
	}
	t.Logf("%+v\n%+v\n%v", rep, sales[0], w.Receipt(1))
}

// What settles a town is that nothing is under way, bytes on a wire too: else a second copy of a record would come after the
// story that asks whether it was kept once.
func TestSettledMeansNothingOnTheWires(t *testing.T) {
	t.Parallel()
	w := town(t, Options{})
	if err := w.Faults().Inject("dispenser 1: duplicate"); err != nil {
		t.Fatal(err)
	}
	fuel(t, w, "张三的卡", 1, "20元")
	if err := w.Settle(time.Minute); err != nil {
		t.Fatal(err)
	}
	if n := w.Faults().Happened("upload repeated"); n != 1 {
		t.Errorf("repeated %d times", n)
	}
	if n := w.pumps[1].line.waiting(); n != 0 {
		t.Errorf("%d bytes are still on their way", n)
	}
}

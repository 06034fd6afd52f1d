package dispenser

import (
	"testing"
	"time"

	"greylock/system/wire/lf"
	"greylock/system/wire/unit"
)

// TestPlainPowerCutInTheMiddle: the board comes back silent, then uncontrolled; the litres are in the total, the sale is booked,
// its figures are in B8. Source: dispenser.md 4.6, 5.2.
func TestPlainPowerCutInTheMiddle(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		habits         Habits
		keeps, figures bool
	}{
		{"as specified", Habits{}, true, true},
		{"forgets its last sale", Habits{ForgetsSale: true}, true, false},
		{"loses the sale", Habits{LosesSale: true}, false, false},
	} {
		r := controlled(t, PlainConfig{Habits: c.habits, Extensions: true})
		r.echoed(1, lf.FuelLitres, 2000)
		r.lift(1)
		r.squeeze(1, 1000)
		r.state(1, 0xC6, 4*time.Second) // preset loaded
		for r.poll(1).Litres < 700 {
		}
		r.pass(2 * refresh)
		flowed := r.view(1).Flowed
		r.board.Off()
		r.board.Receive(r.now, askState(1))
		if r.settle(); len(r.board.Take().Send) != 0 || r.view(1).State != StateFault {
			t.Errorf("%s: a board without power answers", c.name)
		}
		r.sent = nil
		b, err := NewPlain(r.cfg, r.nv)
		if err != nil {
			t.Fatal(err)
		}
		r.board = b
		b.PowerOn(r.now)
		r.lift(1) // the nozzle is still in the tank, and somebody still squeezes
		r.squeeze(1, 1000)
		r.send(askState(1))
		r.pass(defaultBoot - 1)
		if len(r.sent) != 0 {
			t.Errorf("%s: speaks while it starts", c.name)
		}
		r.pass(10 * time.Second)
		s := r.poll(1)
		if s.State&^lf.PowerFail != 0x81 {
			t.Errorf("%s: %+v", c.name, s)
		}
		r.hang(1)
		r.pass(time.Second)
		r.echoed(1, lf.Control, 0)
		s = r.poll(1)
		amount, _ := unit.Amount(flowed, 785)
		litres, cash := r.total(1, lf.TotalLitres), r.total(1, lf.TotalCash)
		if c.keeps != (litres == lf.Total(flowed) && cash == lf.Total(amount)) || !c.keeps && (litres != 0 || cash != 0) {
			t.Errorf("%s: totals %v, %v after %v", c.name, litres, cash, flowed)
		}
		if c.keeps != (s.State == 0x51) {
			t.Errorf("%s: state %02X", c.name, byte(s.State))
		}
		if want := (lf.Status{Nozzle: 1, Price: 785, Cash: amount, Litres: flowed, State: s.State}); c.figures != (s == want) ||
			!c.figures && (s.Litres != 0 || s.Cash != 0) {
			t.Errorf("%s: %+v", c.name, s)
		}
		r.fill(lf.FuelLitres, 100) // and goes on
		r.hang(1)
		if s := r.state(1, 0x41, 2*time.Second); s.Litres != 100 || r.total(1, lf.TotalLitres) != litres+100 {
			t.Errorf("%s: the next sale %+v", c.name, s)
		}
	}
}

// fill without a fatal end: the board may die on the way.
func plainSaleWithCut(t *testing.T, left int) (r *plainRig, nv *cutter, shown lf.Status) {
	r = controlled(t, PlainConfig{})
	nv = &cutter{Memory: &Memory{}, left: -1}
	r.nv = nv
	r.power()
	r.echoed(1, lf.Control, 0)
	r.echoed(1, lf.SetPrice, 811)
	nv.left = left
	preset, _ := lf.Request{Nozzle: 1, Command: lf.FuelLitres, Value: 60}.Frame()
	r.pass(lf.Silence)
	r.send(preset[:])
	r.pass(2 * lf.Silence)
	r.lift(1)
	r.squeeze(1, 1000)
	for range 150 {
		r.sent = nil
		r.send(askState(1))
		r.pass(100 * time.Millisecond)
		if r.board.Dead() {
			return r, nv, shown
		}
		s, err := lf.ParseStatus(r.sent[0])
		if err != nil {
			t.Fatal(err)
		}
		shown = s
		if s.State == 0xC1 && s.Litres > 0 {
			r.hang(1)
		}
	}
	return r, nv, shown
}

// TestPlainCutAtEveryByte: whatever byte of whatever write the power failure meets, the total holds all that the figures showed
// but the last refresh, sums and figures agree, and the board goes on.
func TestPlainCutAtEveryByte(t *testing.T) {
	t.Parallel()
	whole, nv, end := plainSaleWithCut(t, -1)
	if end.State != 0x41 || end.Litres != 60 || whole.board.Dead() {
		t.Fatalf("the uncut sale: %+v", end)
	}
	written := 0
	for _, n := range nv.writes[1:] {
		written += n
	}
	every := 7
	if testing.Short() {
		every = 61
	}
	for left := 0; left < written; left += every {
		r, nv, shown := plainSaleWithCut(t, left)
		if !r.board.Dead() {
			t.Fatalf("not cut after %d bytes", left)
		}
		if fx := r.board.Take(); len(fx.Send) != 0 {
			t.Fatalf("cut after %d bytes: a dead board speaks", left)
		}
		flowed := r.view(1).Flowed
		r.nv = nv.Memory
		r.power()
		v := r.view(1)
		if unit.Quantity(v.Total) < shown.Litres || unit.Quantity(v.Total) > flowed || v.Price != 811 {
			t.Fatalf("cut after %d bytes: total %v, shown %v, flowed %v, price %v", left, v.Total, shown.Litres, flowed, v.Price)
		}
		amount, _ := unit.Amount(unit.Quantity(v.Total), 811)
		if v.Cash != lf.Total(amount) || v.ShiftCash != amount || lf.Total(v.ShiftLitres) != v.Total || lf.Total(v.Quantity) != v.Total {
			t.Fatalf("cut after %d bytes: %+v", left, v)
		}
		again := &cutter{Memory: nv.Memory, left: 3} // recovery writes at most once, and that may be cut, too
		r.nv = again
		b, err := NewPlain(r.cfg, again)
		if err != nil {
			t.Fatal(err)
		}
		if b.PowerOn(r.now); b.Dead() || b.Views()[0].Total != v.Total {
			t.Fatalf("cut after %d bytes: a settled memory is written again", left)
		}
	}
}

// A recovery that is cut is made again.
func TestPlainCutInRecovery(t *testing.T) {
	t.Parallel()
	r, nv, shown := plainSaleWithCut(t, 700)
	if shown.Litres == 0 || !r.board.Dead() {
		t.Fatalf("%+v", shown)
	}
	base := nv.Memory
	for left := range 120 {
		one := &cutter{Memory: base.Clone(), left: left}
		b, err := NewPlain(r.cfg, one)
		if err != nil {
			t.Fatal(err)
		}
		b.PowerOn(r.now)
		if b.Dead() == (left >= one.writes[0]) {
			t.Fatalf("cut after %d of %d bytes: dead %v", left, one.writes[0], b.Dead())
		}
		r.nv = one.Memory
		r.power()
		v := r.view(1)
		amount, _ := unit.Amount(unit.Quantity(v.Total), 811)
		if unit.Quantity(v.Total) < shown.Litres || v.Cash != lf.Total(amount) {
			t.Fatalf("cut after %d bytes: %+v", left, v)
		}
	}
}

// TestPlainEarlyIdle: the habit shows 41 before the totals are written, the specified board never does.
func TestPlainEarlyIdle(t *testing.T) {
	t.Parallel()
	for _, early := range []bool{false, true} {
		r := controlled(t, PlainConfig{Habits: Habits{EarlyIdle: early, Delay: time.Millisecond}})
		r.fill(lf.FuelLitres, 100)
		r.hang(1)
		n := r.board.nozzle(1)
		r.pass(160 * time.Millisecond)
		f, _ := lf.Request{Nozzle: 1, Command: lf.FuelLitres, Value: 500}.Frame()
		r.sent = nil
		r.send(f[:]) // a sale whose totals are not final takes no other one
		seen := false
		for range 1000 {
			r.pass(time.Millisecond)
			seen = seen || n.byte() == 0x41 && n.sale
		}
		if len(r.sent) != 1 || !r.sent[0].IsStatus() || n.grant != grantNone {
			t.Errorf("early %v: armed within the sale before: %X", early, r.sent)
		}
		if seen != early || n.byte() != 0x41 || n.sale {
			t.Errorf("early %v: 41 before the totals %v", early, seen)
		}
	}
}

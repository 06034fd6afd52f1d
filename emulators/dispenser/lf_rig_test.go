package dispenser

import (
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/lf"
	"greylock/system/wire/unit"
)

// plainRig is a plain board on a bench: a station that asks and hears, hands, and a clock.
type plainRig struct {
	t     testing.TB
	cfg   PlainConfig
	nv    NV
	now   clock.Instant
	board *Plain
	sent  []lf.Frame
	raw   []byte
	seen  []Event
	wakes int
}

const priceOfTests = unit.Price(785)

func newPlainRig(t testing.TB, cfg PlainConfig) *plainRig {
	t.Helper()
	if len(cfg.Nozzles) == 0 {
		cfg.Nozzles = []PlainNozzle{{Number: 1}}
	}
	for i := range cfg.Nozzles {
		if cfg.Nozzles[i].Price == 0 {
			cfg.Nozzles[i].Price = priceOfTests
		}
	}
	if cfg.Seed == 0 {
		cfg.Seed = 7
	}
	r := &plainRig{t: t, cfg: cfg, nv: &Memory{}, now: clock.At(2026, 11, 22, 9, 0, 0)}
	r.power()
	return r
}

// power starts a new board on the memory and waits until it hears.
func (r *plainRig) power() {
	r.t.Helper()
	b, err := NewPlain(r.cfg, r.nv)
	if err != nil {
		r.t.Fatal(err)
	}
	r.board = b
	b.PowerOn(r.now)
	r.pass(defaultBoot)
}

// controlled is a rig whose nozzles are under control.
func controlled(t testing.TB, cfg PlainConfig) *plainRig {
	t.Helper()
	r := newPlainRig(t, cfg)
	for _, n := range r.cfg.Nozzles {
		r.echoed(n.Number, lf.Control, 0)
	}
	return r
}

func (r *plainRig) settle() {
	fx := r.board.Take()
	r.seen = append(r.seen, fx.Events...)
	for _, s := range fx.Send {
		r.raw = append(r.raw, s...)
		if len(s) == lf.Size {
			r.sent = append(r.sent, lf.Frame(s))
		}
	}
	if len(fx.Transmit) != 0 {
		r.t.Fatal("a plain board has no card")
	}
}

// pass lets time go by; nobody polls.
func (r *plainRig) pass(d time.Duration) {
	r.t.Helper()
	end := r.now.Add(d)
	r.settle()
	for at := r.board.due(); at <= end; at = r.board.due() {
		if at < r.now {
			r.t.Fatalf("the board wants to be woken in the past: %v at %v", at, r.now)
		}
		r.now = at
		r.wakes++
		r.board.Wake(at)
		r.settle()
		if r.board.Dead() {
			break
		}
		if r.board.due() == at {
			r.t.Fatalf("woken at %v, the board wants to be woken at %v again", at, at)
		}
	}
	r.now = end
	r.board.Wake(end)
	r.settle()
}

// send brings bytes; nobody waits.
func (r *plainRig) send(data []byte) {
	r.board.Receive(r.now, data)
	r.settle()
}

// ask sends a request and returns the reply; false for silence.
func (r *plainRig) ask(number byte, c lf.Command, value int64) (lf.Frame, bool) {
	r.t.Helper()
	f, err := lf.Request{Nozzle: number, Command: c, Value: value}.Frame()
	if err != nil {
		r.t.Fatal(err)
	}
	r.pass(lf.Silence)
	r.sent = nil
	r.send(f[:])
	r.pass(100 * time.Millisecond)
	switch len(r.sent) {
	case 0:
		return lf.Frame{}, false
	case 1:
		return r.sent[0], true
	}
	r.t.Fatalf("%d replies to %v", len(r.sent), c)
	return lf.Frame{}, false
}

// echoed wants the echo of a command.
func (r *plainRig) echoed(number byte, c lf.Command, value int64) {
	r.t.Helper()
	want, _ := lf.Request{Nozzle: number, Command: c, Value: value}.Frame()
	if got, ok := r.ask(number, c, value); !ok || got != want {
		r.t.Fatalf("%v %d: %X %v, want the echo", c, value, got, ok)
	}
}

// refused wants the state form.
func (r *plainRig) refused(number byte, c lf.Command, value int64) {
	r.t.Helper()
	got, ok := r.ask(number, c, value)
	if _, err := lf.ParseStatus(got); !ok || err != nil {
		r.t.Fatalf("%v %d: %X %v, want the state form", c, value, got, ok)
	}
}

func (r *plainRig) poll(number byte) lf.Status {
	r.t.Helper()
	got, ok := r.ask(number, lf.Query, 0)
	s, err := lf.ParseStatus(got)
	if !ok || err != nil {
		r.t.Fatalf("B8: %X %v %v", got, ok, err)
	}
	return s
}

func (r *plainRig) total(number byte, c lf.Command) lf.Total {
	r.t.Helper()
	got, ok := r.ask(number, c, 0)
	s, err := lf.ParseTotal(got)
	if !ok || err != nil || s.Command != c || s.Nozzle != number {
		r.t.Fatalf("%v: %X %v %v", c, got, ok, err)
	}
	return s.Total
}

func (r *plainRig) shift(number byte) lf.ShiftReply {
	r.t.Helper()
	got, ok := r.ask(number, lf.QueryShift, 0)
	s, err := lf.ParseShift(got)
	if !ok || err != nil {
		r.t.Fatalf("A9: %X %v %v", got, ok, err)
	}
	return s
}

// state polls until the state is there; extension bits that are not asked for do not count.
func (r *plainRig) state(number byte, want lf.State, limit time.Duration) lf.Status {
	r.t.Helper()
	for end := r.now.Add(limit); ; {
		s := r.poll(number)
		if s.State == want || s.State&^lf.Extensions == want {
			return s
		}
		if r.now > end {
			r.t.Fatalf("state %02X, want %02X within %v: %+v", byte(s.State), byte(want), limit, r.board.Views())
		}
	}
}

func (r *plainRig) lift(number byte)           { r.board.Lift(r.now, number); r.settle() }
func (r *plainRig) hang(number byte)           { r.board.Hang(r.now, number); r.settle() }
func (r *plainRig) squeeze(number byte, p int) { r.board.Squeeze(r.now, number, p); r.settle() }

func (r *plainRig) view(number byte) PlainView {
	r.t.Helper()
	for _, v := range r.board.Views() {
		if v.Nozzle == number {
			return v
		}
	}
	r.t.Fatalf("no nozzle %d", number)
	return PlainView{}
}

func (r *plainRig) saw(k EventKind, word string) bool {
	for _, e := range r.seen {
		if e.Kind == k && e.Word == word {
			return true
		}
	}
	return false
}

// fill is a sale of the first nozzle up to the stop that the preset brings, still lifted.
func (r *plainRig) fill(c lf.Command, value int64) lf.Status {
	r.t.Helper()
	r.echoed(1, c, value)
	r.lift(1)
	r.squeeze(1, 1000)
	r.state(1, 0xC2, 4*time.Second)
	return r.state(1, 0xC1, 10*time.Minute)
}

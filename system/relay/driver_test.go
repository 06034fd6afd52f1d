package relay_test

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/relay"
	wire "greylock/system/wire/relay"
)

var start = clock.At(2026, 11, 27, 9, 0, 0)

const think = 20 * time.Millisecond // both ways and the board's own time

// rig is a driver and a board that does as the test says.
type rig struct {
	t      *testing.T
	d      *relay.Driver
	now    clock.Instant
	coils  [16]bool
	told   []relay.Event
	asked  []wire.Request
	answer func(q wire.Request, r wire.Reply) []wire.Reply // nil: the right one
	stuck  map[uint16]bool
	late   time.Duration // besides think

	queue []reply
}

type reply struct {
	at    clock.Instant
	frame []byte
}

func newRig(t *testing.T, coils ...uint16) *rig {
	t.Helper()
	d, err := relay.New(relay.Config{Address: 3, Coils: coils})
	if err != nil {
		t.Fatal(err)
	}
	return &rig{t: t, d: d, now: start}
}

// take carries frames to the board.
func (r *rig) take() {
	frames, events := r.d.Take()
	r.told = append(r.told, events...)
	for _, f := range frames {
		q, err := wire.ParseRequest(f)
		if err != nil || q.Address != 3 {
			r.t.Fatalf("asks %X: %v", f, err)
		}
		r.asked = append(r.asked, q)
		a := wire.Reply{Address: 3, Function: q.Function}
		if q.Function == wire.WriteCoil {
			if !r.stuck[q.Coil] {
				r.coils[q.Coil] = q.On
			}
			a.Coil, a.On = q.Coil, q.On
		} else {
			a.Coils = make([]byte, (q.Count+7)/8)
			for i := range q.Count {
				if r.coils[q.Coil+i] {
					a.Coils[i/8] |= 1 << (i % 8)
				}
			}
		}
		all := []wire.Reply{a}
		if r.answer != nil {
			all = r.answer(q, a)
		}
		for _, a := range all {
			f, err := a.Frame()
			if err != nil {
				r.t.Fatal(err)
			}
			r.queue = append(r.queue, reply{r.now.Add(think + r.late), f})
		}
	}
}

// run lets time pass.
func (r *rig) run(d time.Duration) {
	end := r.now.Add(d)
	r.take()
	for {
		at := r.d.Due()
		if len(r.queue) > 0 {
			at = min(at, r.queue[0].at)
		}
		if at > end {
			break
		}
		r.now = max(r.now, at)
		if len(r.queue) > 0 && r.queue[0].at <= r.now {
			f := r.queue[0].frame
			r.queue = r.queue[1:]
			r.d.Receive(r.now, f)
		} else {
			r.d.Wake(r.now)
		}
		r.take()
	}
	r.now = end
}

// events are those since the last call.
func (r *rig) events() []relay.Event {
	e := r.told
	r.told = nil
	return e
}

func (r *rig) want(events ...relay.Event) {
	r.t.Helper()
	if got := r.events(); !reflect.DeepEqual(got, events) && len(got)+len(events) > 0 {
		r.t.Errorf("events %+v, want %+v", got, events)
	}
}

// closed is a rig whose coils are proven on.
func closed(t *testing.T, coils ...uint16) *rig {
	t.Helper()
	r := newRig(t, coils...)
	for i := range coils {
		r.d.Switch(r.now, i, true)
	}
	r.d.Line(r.now, true)
	r.run(600 * time.Millisecond)
	want := []relay.Event{relay.Online{}}
	for i := range coils {
		want = append(want, relay.Proven{Coil: i, On: true})
	}
	r.want(want...)
	return r
}

func TestWrongConfig(t *testing.T) {
	t.Parallel()
	for _, c := range []relay.Config{
		{}, {Address: 1}, {Address: 248, Coils: []uint16{0}}, {Address: 1, Coils: []uint16{1, 1}}, {Address: 1, Coils: []uint16{0, 256}}, {Address: 1, Coils: []uint16{0}, Baud: -1},
	} {
		if _, err := relay.New(c); !errors.Is(err, relay.ErrConfig) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// Eight coils of one board at 9600 baud are off and proven in less than 500 ms, a reading that is under way included.
func TestEightCoilsInTime(t *testing.T) {
	t.Parallel()
	r := closed(t, 0, 1, 2, 3, 4, 5, 6, 7)
	r.run(pollPhase)
	began := r.now
	for i := range 8 {
		r.d.Switch(r.now, i, false)
	}
	r.run(500 * time.Millisecond)
	var want []relay.Event
	for i := range 8 {
		want = append(want, relay.Proven{Coil: i})
		if r.coils[i] {
			t.Errorf("coil %d is on", i)
		}
	}
	r.want(want...)
	if on, known := r.d.Known(7); on || !known {
		t.Error("coil 7 is not known to be off")
	}
	if d := r.now.Sub(began); d != 500*time.Millisecond {
		t.Errorf("ran for %v", d)
	}
}

const pollPhase = 400 * time.Millisecond

func TestOffGoesBeforeOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4, 5, 6)
	for i, on := range []bool{true, true, false} {
		r.d.Switch(r.now, i, on)
	}
	r.d.Line(r.now, true)
	r.run(200 * time.Millisecond)
	var order []uint16
	for _, q := range r.asked {
		if q.Function == wire.WriteCoil {
			order = append(order, q.Coil)
		} else if q.Coil != 4 || q.Count != 3 {
			t.Errorf("reads %d from %d", q.Count, q.Coil)
		}
	}
	if !slices.Equal(order, []uint16{6, 4, 5}) {
		t.Errorf("written in the order %v", order)
	}
}

func TestStuckCoilFails(t *testing.T) {
	t.Parallel()
	r := closed(t, 0, 1)
	r.stuck = map[uint16]bool{1: true}
	r.d.Switch(r.now, 0, false)
	r.d.Switch(r.now, 1, false)
	r.run(relay.ProofLimit)
	r.want(relay.Proven{Coil: 0}, relay.Failed{Coil: 1})
	r.stuck = nil
	r.run(3 * time.Second)
	r.want(relay.Proven{Coil: 1})
}

func TestMuteBoardFailsAndComesBack(t *testing.T) {
	t.Parallel()
	r := closed(t, 0)
	r.answer = func(wire.Request, wire.Reply) []wire.Reply { return nil }
	r.d.Switch(r.now, 0, false)
	r.run(relay.ProofLimit)
	r.want(relay.Offline{}, relay.Failed{Coil: 0})
	if r.coils[0] {
		t.Error("what the board did not confirm was not even tried")
	}
	r.answer = nil
	r.run(3 * time.Second)
	r.want(relay.Online{}, relay.Proven{Coil: 0})
}

func TestLineThatIsLost(t *testing.T) {
	t.Parallel()
	r := closed(t, 0)
	r.d.Line(r.now, false)
	r.d.Switch(r.now, 0, false)
	r.run(relay.ProofLimit)
	r.want(relay.Failed{Coil: 0})
	r.d.Line(r.now, true)
	r.run(time.Second)
	r.want(relay.Online{}, relay.Proven{Coil: 0})
}

func TestWrongEchoIsNoProof(t *testing.T) {
	t.Parallel()
	r := closed(t, 0)
	r.answer = func(q wire.Request, a wire.Reply) []wire.Reply {
		if q.Function == wire.WriteCoil {
			a.Coil++
		}
		return []wire.Reply{a}
	}
	r.d.Switch(r.now, 0, false)
	r.run(relay.ProofLimit)
	got := r.events()
	if !slices.Contains(got, relay.Event(relay.Strange{Coil: 0})) || !slices.Contains(got, relay.Event(relay.Failed{Coil: 0})) || slices.Contains(got, relay.Event(relay.Proven{Coil: 0})) {
		t.Errorf("events %+v", got)
	}
}

func TestRefusalIsTold(t *testing.T) {
	t.Parallel()
	r := closed(t, 0)
	r.answer = func(q wire.Request, a wire.Reply) []wire.Reply {
		if q.Function == wire.WriteCoil {
			a = wire.Reply{Address: 3, Function: q.Function | wire.Refused, Code: 2}
		}
		return []wire.Reply{a}
	}
	r.stuck = map[uint16]bool{0: true}
	r.d.Switch(r.now, 0, false)
	r.run(relay.ProofLimit)
	r.want(relay.Strange{Coil: 0, Refused: 2}, relay.Failed{Coil: 0})
}

// A board that was without power has its coils off: that is told, and they go on again.
func TestBoardWithoutPowerComesBack(t *testing.T) {
	t.Parallel()
	r := closed(t, 0, 3)
	r.coils = [16]bool{}
	r.run(2 * time.Second)
	r.want(relay.Fell{Coil: 0}, relay.Fell{Coil: 1}, relay.Proven{Coil: 0, On: true}, relay.Proven{Coil: 1, On: true})
}

// The runner's clock is set back by an hour in the middle of an order.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	r := closed(t, 0)
	r.d.Switch(r.now, 0, false)
	r.now = r.now.Add(-time.Hour)
	r.run(500 * time.Millisecond)
	r.want(relay.Proven{Coil: 0})
}

// Whatever comes back, garbage or lost answers: a coil is proven off only if it is off.
func TestProofIsTrueWhateverTheLineDoes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		r := closed(t, 0, 1, 2)
		r.answer = func(_ wire.Request, a wire.Reply) []wire.Reply {
			switch rnd.IntN(5) {
			case 0:
				return nil
			case 1:
				r.late = time.Duration(rnd.IntN(300)) * time.Millisecond
			case 2:
				r.late = 0
			}
			return []wire.Reply{a}
		}
		for step := range 200 {
			i := rnd.IntN(3)
			r.stuck = map[uint16]bool{uint16(rnd.IntN(6)): true}
			r.d.Switch(r.now, i, rnd.IntN(2) == 0)
			for range 20 {
				r.run(25 * time.Millisecond)
				for _, e := range r.events() {
					if p, ok := e.(relay.Proven); ok && r.coils[p.Coil] != p.On {
						t.Fatalf("seed %d step %d: coil %d is proven %v", seed, step, p.Coil, p.On)
					}
				}
			}
		}
	}
}

// Ten million random bytes instead of answers, orders in between: nothing is proven, the board counts as lost, and the first good
// answers prove what was ordered.
func TestTenMillionRandomBytes(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(9, 2))
	r := closed(t, 0, 1, 2)
	r.answer = func(wire.Request, wire.Reply) []wire.Reply { return nil }
	noise := make([]byte, 4000)
	for sent := 0; sent < 10_000_000; {
		piece := noise[:1+rnd.IntN(len(noise))]
		if rnd.IntN(2) == 0 {
			piece = piece[:min(len(piece), 8)]
		}
		sent += len(piece)
		for i := range piece {
			piece[i] = byte(rnd.Uint32())
		}
		if len(piece) > 1 {
			piece[0], piece[1] = 3, byte(wire.WriteCoil)
		}
		if rnd.IntN(50) == 0 {
			r.d.Switch(r.now, rnd.IntN(3), false)
		}
		r.d.Receive(r.now, piece)
		r.run(time.Duration(1+rnd.IntN(100)) * time.Millisecond)
		for _, e := range r.events() {
			switch e.(type) {
			case relay.Proven, relay.Online, relay.Found, relay.Fell:
				t.Fatalf("noise became %T%+v", e, e)
			}
		}
	}
	if r.d.Online() {
		t.Error("noise is a board that answers")
	}
	r.answer = nil
	for i := range 3 {
		r.d.Switch(r.now, i, false)
	}
	r.run(relay.ProofLimit)
	r.want(relay.Online{}, relay.Proven{Coil: 0}, relay.Proven{Coil: 1}, relay.Proven{Coil: 2})
}

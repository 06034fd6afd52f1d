package dispenser

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"greylock/system/wire/lf"
)

func askState(n byte) []byte {
	f, err := lf.Request{Nozzle: n, Command: lf.Query}.Frame()
	if err != nil {
		panic(err)
	}
	return f[:]
}

// The board never speaks first, and answers about 20 ms after the last byte.
func TestPlainAnswersOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	r := newPlainRig(t, PlainConfig{})
	r.lift(1)
	r.squeeze(1, 1000)
	r.pass(20 * time.Second)
	r.hang(1)
	r.pass(20 * time.Second)
	if len(r.raw) != 0 {
		t.Fatalf("unasked: %X", r.raw)
	}
	r.send(askState(1)[:11])
	r.pass(40 * time.Millisecond)
	r.send(askState(1)[11:])
	r.pass(replyDelay - 1)
	if len(r.sent) != 0 {
		t.Error("answered at once")
	}
	if r.pass(1); len(r.sent) != 1 {
		t.Error("not answered")
	}
}

// Whatever is not a good frame for one of its nozzles is met with silence, and with no other effect.
func TestPlainIsSilent(t *testing.T) {
	t.Parallel()
	seal := func(b ...byte) []byte {
		f := lf.Frame(append(b, make([]byte, lf.Size-len(b))...))
		f[11] = f.Sum()
		return f[:]
	}
	for name, data := range map[string][]byte{
		"wrong checksum":    append(askState(1)[:11:11], 0x47),
		"wrong nozzle":      askState(2),
		"nozzle 0":          askState(0),
		"nozzle 17":         askState(17), // its low half is ours
		"unknown command":   seal(1, 0, 0xA5),
		"digit above 9":     seal(1, 0, 0xA4, 0x07, 0x8F),
		"surplus data":      seal(1, 0, 0xA0, 1),
		"Data1":             seal(1, 1, 0xA0),
		"a state reply":     seal(1, 0, 7, 0x85, 0, 0, 0, 0, 0, 0, 0x41),
		"half a frame":      askState(1)[:6],
		"one byte too many": append([]byte{0}, askState(1)...),
	} {
		r := controlled(t, PlainConfig{})
		r.pass(lf.Silence)
		before := r.board.nozzles[0].state
		r.sent, r.raw = nil, nil
		r.send(data)
		r.pass(time.Second)
		if len(r.raw) != 0 || r.board.nozzles[0].state != before || !r.view(1).Controlled || r.view(1).Armed {
			t.Errorf("%s: sent %X, %+v", name, r.raw, r.view(1))
		}
		if r.poll(1).State != 0x41 {
			t.Errorf("%s: not answered afterwards", name)
		}
	}
}

// Damage between requests costs at most the request that it meets: behind 50 ms of silence the board hears again.
func TestPlainResynchronises(t *testing.T) {
	t.Parallel()
	r := controlled(t, PlainConfig{})
	rnd := rand.New(rand.NewPCG(5, 1))
	for range 2000 {
		noise := make([]byte, 1+rnd.IntN(40))
		for i := range noise {
			noise[i] = byte(rnd.IntN(256))
		}
		r.send(noise)
		r.pass(time.Duration(rnd.IntN(60)) * time.Millisecond)
		r.sent = nil
		r.pass(lf.Silence)
		r.sent = nil
		r.send(askState(1))
		r.pass(100 * time.Millisecond)
		if len(r.sent) == 0 {
			t.Fatalf("no answer behind %X", noise)
		}
	}
	if c := r.board.Counters(); c.Bad == 0 || c.Noise == 0 || c.Cut == 0 {
		t.Errorf("%+v", c)
	}
}

func TestPlainHabits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		set   Habits
		check func(r *plainRig) bool
	}{
		{"delay", Habits{Delay: 400 * time.Millisecond}, func(r *plainRig) bool {
			r.send(askState(1))
			r.pass(300 * time.Millisecond)
			r.send(askState(1)) // the first reply answers the second request
			early := len(r.sent)
			r.pass(100 * time.Millisecond)
			one := len(r.sent)
			r.pass(time.Second)
			return early == 0 && one == 1 && len(r.sent) == 2
		}},
		{"silent", Habits{Silent: []lf.Command{lf.Stop, lf.SetPrice}}, func(r *plainRig) bool {
			_, one := r.ask(1, lf.SetPrice, 799)
			_, two := r.ask(1, lf.Stop, 0)
			return !one && !two && r.poll(1).Price == 799
		}},
		{"nozzle bits", Habits{NozzleBits: 0xF0}, func(r *plainRig) bool { return r.poll(1).Nozzle == 0xF1 }},
		{"wrong nozzle", Habits{WrongNozzle: true}, func(r *plainRig) bool { return r.poll(1).Nozzle == 2 }},
		{"stale", Habits{Stale: true}, func(r *plainRig) bool {
			r.poll(1)
			r.ask(1, lf.SetPrice, 799)
			f, _ := r.ask(1, lf.Query, 0)
			return f[2] == byte(lf.SetPrice)
		}},
		{"echo", Habits{Echo: true}, func(r *plainRig) bool {
			r.raw = nil
			r.send(askState(1))
			r.pass(100 * time.Millisecond)
			return len(r.raw) == 2*lf.Size && bytes.Equal(r.raw[:lf.Size], askState(1)) && r.raw[lf.Size+2] == 7
		}},
		{"mute", Habits{Mute: true}, func(r *plainRig) bool {
			_, answered := r.ask(1, lf.SetPrice, 799)
			return !answered && r.view(1).Price == 785
		}},
	} {
		r := controlled(t, PlainConfig{})
		r.pass(lf.Silence)
		r.sent = nil
		r.board.SetHabits(r.now, c.set)
		if !c.check(r) {
			t.Errorf("%s: not shown", c.name)
		}
		r.pass(time.Second)
		r.board.SetHabits(r.now, Habits{})
		if s := r.poll(1); s.Nozzle != 1 {
			t.Errorf("%s: does not end: %+v", c.name, s)
		}
	}
}

// A controlled nozzle that hears nothing for 5 s stops and forgets its preset. Source: dispenser.md 4.7.
func TestPlainStopsWhenNobodyPolls(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cfg        PlainConfig
		stops      bool
		controlled bool
	}{
		{PlainConfig{}, true, true},
		{PlainConfig{Lost: 20 * time.Second}, false, true},
		{PlainConfig{Lost: -1}, false, true},
		{PlainConfig{Fallback: true}, true, false},
	} {
		r := controlled(t, c.cfg)
		r.echoed(1, lf.FuelLitres, 5000)
		r.lift(1)
		r.squeeze(1, 1000)
		r.state(1, 0xC2, 4*time.Second)
		r.pass(4800 * time.Millisecond)
		if r.view(1).State != StateFuelling {
			t.Fatalf("%+v stopped too early", c.cfg)
		}
		r.pass(3 * time.Second)
		v := r.view(1)
		if (v.Stop == "link") != c.stops || v.Controlled != c.controlled || r.saw(EventLink, "offline") != c.stops {
			t.Errorf("%+v: %+v", c.cfg, v)
		}
		armed := controlled(t, c.cfg)
		armed.echoed(1, lf.FuelLitres, 5000)
		armed.pass(6 * time.Second)
		if armed.view(1).Armed == c.stops {
			t.Errorf("%+v: armed %v", c.cfg, armed.view(1).Armed)
		}
	}
}

// The same seed and the same inputs give the same bytes at the same times, however often the board is woken in between.
func TestPlainIsDeterministic(t *testing.T) {
	t.Parallel()
	run := func(extra bool) []byte {
		r := controlled(t, PlainConfig{Seed: 99, Nozzles: []PlainNozzle{{Number: 1}, {Number: 2}}})
		r.echoed(1, lf.FuelCash, 10000)
		r.echoed(2, lf.FuelLitres, 1234)
		r.lift(1)
		r.lift(2)
		r.squeeze(1, 900)
		r.squeeze(2, 700)
		for range 400 {
			r.poll(1)
			if extra {
				for range 7 {
					r.pass(3 * time.Millisecond)
				}
				r.pass(4 * time.Millisecond)
			} else {
				r.pass(25 * time.Millisecond)
			}
			r.poll(2)
		}
		return r.raw
	}
	a := run(false)
	if !slices.Equal(a, run(false)) {
		t.Error("two equal runs differ")
	}
	if !slices.Equal(a, run(true)) {
		t.Error("more wakes make another run")
	}
}

// An idle board without a station sleeps; with one it wakes for its replies and little else.
func TestPlainIdleBoardsAreCheap(t *testing.T) {
	t.Parallel()
	r := newPlainRig(t, PlainConfig{})
	r.wakes = 0
	r.pass(time.Hour)
	if r.wakes > 1 {
		t.Errorf("%d wakes in an hour without a station", r.wakes)
	}
}

func TestPlainConfigIsChecked(t *testing.T) {
	t.Parallel()
	for _, c := range [][]PlainNozzle{{{Number: 0}}, {{Number: 3}, {Number: 3}}} {
		if _, err := NewPlain(PlainConfig{Nozzles: c}, &Memory{}); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// FuzzPlain: bytes from the line never move fuel while the nozzle hangs, never make the board speak unasked, and only an intact
// A4 changes the price; behind silence the board answers.
func FuzzPlain(f *testing.F) {
	for _, c := range []lf.Request{{Nozzle: 1, Command: lf.Query}, {Nozzle: 1, Command: lf.FuelCash, Value: 20000},
		{Nozzle: 1, Command: lf.SetPrice, Value: 811}, {Nozzle: 2, Command: lf.Uncontrol}, {Nozzle: 1, Command: lf.Stop}} {
		frame, _ := c.Frame()
		f.Add(frame[:], uint64(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		r := controlled(t, PlainConfig{Nozzles: []PlainNozzle{{Number: 1}, {Number: 2}}})
		r.pass(lf.Silence)
		r.raw = nil
		rnd := rand.New(rand.NewPCG(seed, 2))
		priced := bytes.Contains(data, []byte{byte(lf.SetPrice)})
		for at := 0; at < len(data); {
			n := min(1+rnd.IntN(30), len(data)-at)
			r.send(data[at : at+n])
			at += n
			r.pass(time.Duration(rnd.IntN(70)) * time.Millisecond)
		}
		r.pass(time.Second)
		if len(r.raw)%lf.Size != 0 || len(r.raw) > len(data) {
			t.Fatalf("%d bytes answer %d", len(r.raw), len(data))
		}
		for _, v := range r.board.Views() {
			if v.Total != 0 || v.Flowed != 0 || v.Cash != 0 || v.SmallOpen || v.Price != 785 && !priced {
				t.Fatalf("%+v", v)
			}
		}
		r.poll(1)
		r.poll(2)
	})
}

func BenchmarkPlainPoll(b *testing.B) {
	r := controlled(b, PlainConfig{Lost: -1})
	q := askState(1)
	b.ReportAllocs()
	for b.Loop() {
		r.board.Receive(r.now, q)
		r.now = r.now.Add(replyDelay)
		r.board.Wake(r.now)
		if len(r.board.Take().Send) != 1 {
			b.Fatal("no answer")
		}
		r.now = r.now.Add(lf.Silence)
	}
}

func BenchmarkPlainSale(b *testing.B) {
	for b.Loop() {
		r := controlled(b, PlainConfig{Lost: -1})
		r.fill(lf.FuelLitres, 4000)
		r.hang(1)
		r.state(1, 0x41, 2*time.Second)
	}
}

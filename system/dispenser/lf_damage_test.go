package dispenser_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"greylock/system/dispenser"
	"greylock/system/wire/lf"
	"greylock/system/wire/unit"
)

// spoil damages a reply in one of the ways of dispenser.md 5.2 and trust.md 29, 30, 32, 89.
func spoil(r *rand.Rand, f lf.Frame) [][]byte {
	b := f[:]
	at, to := r.IntN(lf.Size), r.IntN(lf.Size-2)+1
	switch r.IntN(9) {
	case 0:
		return [][]byte{append(b[:at:at], b[at+1:]...)}
	case 1:
		b[at] ^= 1 << r.IntN(8)
	case 2:
		return [][]byte{append(b[:at:at], append([]byte{byte(r.IntN(256))}, b[at:]...)...)}
	case 3:
		return [][]byte{b[:at]}
	case 4:
		return [][]byte{b, b}
	case 5: // two bytes that cancel out in the sum
		by := byte(1 + r.IntN(255))
		from := r.IntN(lf.Size-2) + 1
		b[from] += by
		b[to] -= by
	case 6: // bytes in another place
		from := r.IntN(lf.Size-2) + 1
		b[from], b[to] = b[to], b[from]
	case 7:
		return [][]byte{}
	case 8:
		noise := make([]byte, r.IntN(30))
		for i := range noise {
			noise[i] = byte(r.IntN(256))
		}
		return [][]byte{noise, b}
	}
	return [][]byte{b}
}

// shop runs a customer a few times over a line that is damaged, and compares what the driver tells with what the board did.
type shop struct {
	*lfBench
	r         *rand.Rand
	real      []unit.Quantity
	accidents bool
}

func (s *shop) sell() {
	n := s.n()
	n.lift()
	s.run(time.Second)
	a := dispenser.Authorisation{Volume: unit.Quantity(100 + s.r.IntN(2000))}
	if s.r.IntN(2) == 0 {
		a = dispenser.Authorisation{Money: unit.Fen(500 + s.r.IntN(20000))}
	}
	if s.d.Authorise(s.now, 0, a) != nil {
		n.hang() // not idle or not calling yet: the customer goes away
		s.run(10 * time.Second)
		return
	}
	for range 100 { // until the command has arrived
		if s.run(100 * time.Millisecond); n.armed {
			break
		}
	}
	n.valve()
	accident := s.r.IntN(80)
	for i := range 20 + s.r.IntN(60) {
		s.pump(100 * time.Millisecond)
		if s.accidents && i == accident {
			s.accident(n)
		}
	}
	if n.litres > 0 {
		s.real = append(s.real, n.litres)
	}
	n.hang()
	s.run(time.Duration(5+s.r.IntN(20)) * time.Second)
}

// accident happens in the middle of a delivery.
func (s *shop) accident(n *plainNozzle) {
	switch s.r.IntN(4) {
	case 0: // the cable is out for a while, fuel flows on
		s.mute = true
		s.pump(time.Duration(s.r.IntN(8)) * time.Second)
		s.mute = false
	case 1: // the board restarts and forgets
		s.mute = true
		s.run(time.Duration(s.r.IntN(5)) * time.Second)
		n.litres, n.cash, n.controlled, n.flowing, n.armed = 0, 0, false, false, false
		s.mute = false
	case 2: // the port is lost and opened again
		s.d.Line(s.now, false)
		s.pending = nil
		s.pump(time.Duration(s.r.IntN(3)) * time.Second)
		s.d.Line(s.now, true)
	case 3:
		_ = s.d.Stop(s.now, 0)
		s.run(time.Second)
		_ = s.d.Resume(s.now, 0)
	}
}

func testNeverInvented(t *testing.T, seed uint64, rate int, accidents bool) (sold, damaged int) {
	r := rand.New(rand.NewPCG(seed, 7))
	s := &shop{lfBench: newLFBench(t, dispenser.LFConfig{}).up(), r: r, accidents: accidents}
	before := s.n().totL
	s.damage = func(f lf.Frame) [][]byte {
		if r.IntN(100) >= rate {
			return [][]byte{f[:]}
		}
		damaged++
		return spoil(r, f)
	}
	for range 12 {
		s.sell()
	}
	s.damage = nil
	s.run(3 * time.Minute)
	var moved unit.Quantity
	left := append([]unit.Quantity(nil), s.real...)
	for _, v := range s.sales() {
		moved += v.Moved
		if v.Verdict != dispenser.Agreed {
			continue
		}
		sold++
		want, _ := unit.Amount(v.Volume, v.Price)
		if v.Preset.Money == v.Amount && v.Preset.Money-want < 8 {
			want = v.Amount
		}
		if v.Volume == 0 {
			continue
		}
		found := false
		for i, q := range left {
			if q == v.Volume {
				left, found = append(left[:i:i], left[i+1:]...), true
				break
			}
		}
		if !found || v.Amount != want || v.Volume != v.Moved || v.Price != 785 {
			t.Errorf("seed %d, %d %%: invented %+v; delivered %v", seed, rate, v, s.real)
		}
	}
	if got := unit.Quantity(s.n().totL - before); got != moved {
		t.Errorf("seed %d, %d %%: the totals moved %v, the sales say %v; delivered %v, told %s", seed, rate, got, moved, s.real, s.told())
	}
	for _, e := range s.events {
		if x, ok := e.(dispenser.Strange); ok && x.Why == dispenser.TroubleState {
			t.Errorf("seed %d: a step outside the model", seed)
		}
	}
	if v := s.view(); v.State != dispenser.Idle {
		t.Errorf("seed %d, %d %%: at the end %+v", seed, rate, v)
	}
	return sold, damaged
}

// Volume and money are never invented, whatever happens to the frames; nothing that ran through the meter is lost, and nothing
// is sold twice.
func TestLFVolumeAndMoneyAreNeverInvented(t *testing.T) {
	t.Parallel()
	sold, damaged := 0, 0
	for _, rate := range []int{0, 2, 10, 30} {
		for seed := range uint64(25) {
			s, d := testNeverInvented(t, seed, rate, seed%2 == 1)
			sold, damaged = sold+s, damaged+d
		}
	}
	t.Logf("%d sales agreed, %d frames damaged", sold, damaged)
	if sold < 600 || damaged < 10000 {
		t.Errorf("%d sales, %d frames damaged: the test proves nothing", sold, damaged)
	}
}

// fuelling brings a nozzle to a running sale without a preset.
func (b *lfBench) fuelling() *lfBench {
	b.t.Helper()
	b.n().lift()
	b.run(time.Second)
	b.authorise(dispenser.Authorisation{})
	b.run(time.Second)
	b.n().valve()
	b.run(time.Second)
	b.pump(3 * time.Second)
	b.run(200 * time.Millisecond)
	b.state(dispenser.Fuelling)
	b.events, b.requests, b.sentAt = nil, nil, nil
	return b
}

// once tampers with the first reply to a command, after a number of them.
func once(c lf.Command, skip int, change func(lf.Frame) lf.Frame) func(lf.Request, lf.Frame) (lf.Frame, bool) {
	return func(r lf.Request, f lf.Frame) (lf.Frame, bool) {
		if r.Command != c || change == nil {
			return f, false
		}
		if skip--; skip >= 0 {
			return f, false
		}
		f = change(f)
		f[lf.Size-1] = f.Sum()
		change = nil
		return f, true
	}
}

// One frame with a good sum and false content is never acted on.
func TestLFOneFalseFrameIsNotActedOn(t *testing.T) {
	t.Parallel()
	status := func(s lf.Status) func(lf.Frame) lf.Frame {
		return func(lf.Frame) lf.Frame { s.Nozzle = 1; f, _ := s.Frame(); return f }
	}
	for _, c := range []struct {
		name   string
		change func(lf.Frame) lf.Frame
	}{
		{"amount", status(lf.Status{Price: 785, Cash: 1500, Litres: 190, State: 0xC2})},
		{"price", status(lf.Status{Price: 786, Cash: 1415, Litres: 180, State: 0xC2})},
		{"volume went back", status(lf.Status{Price: 785, Cash: 785, Litres: 100, State: 0xC2})},
		{"volume leapt", status(lf.Status{Price: 785, Cash: 78500, Litres: 10000, State: 0xC2})},
		{"stopped with nothing", status(lf.Status{Price: 785, State: 0xC1})},
		{"an extension bit", status(lf.Status{Price: 785, Cash: 1491, Litres: 190, State: 0xE2})},
	} {
		b := newLFBench(t, dispenser.LFConfig{}).up().fuelling()
		want := b.view()
		b.tamper = once(lf.Query, 0, c.change)
		b.run(300 * time.Millisecond)
		if got := b.view(); got != want || b.asked(lf.Stop) != 0 || b.told() != "" {
			t.Errorf("%s: %+v, want %+v", c.name, got, want)
		}
		if k := b.d.Counters(); k.Implausible+k.Bad != 1 {
			t.Errorf("%s: %+v", c.name, k)
		}
		b.pump(2 * time.Second)
		b.n().hang()
		b.run(4 * time.Second)
		if s := b.sales(); len(s) != 1 || s[0].Verdict != dispenser.Agreed || s[0].Volume != 300 {
			t.Errorf("%s: %+v", c.name, s)
		}
	}
}

// A false frame that says "fuelling" or "hung" for once alarms nobody and ends nothing.
func TestLFOneFalseStateIsNotActedOn(t *testing.T) {
	t.Parallel()
	state := func(s lf.State) func(lf.Frame) lf.Frame {
		return func(f lf.Frame) lf.Frame { f[10] = byte(s); return f }
	}
	b := newLFBench(t, dispenser.LFConfig{}).up()
	b.tamper = once(lf.Query, 0, state(0xC2))
	b.run(2 * time.Second)
	if got := b.told(); got != "" || b.asked(lf.Stop) != 0 {
		t.Errorf("a false C2: told %s", got)
	}
	b.state(dispenser.Idle)
	b.fuelling()
	b.tamper = once(lf.Query, 0, state(0x41))
	b.pump(2 * time.Second)
	if got := b.told(); got != "" {
		t.Errorf("a false 41: told %s", got)
	}
	b.state(dispenser.Fuelling)
	b.n().hang()
	b.run(4 * time.Second)
	if s := b.sales(); len(s) != 1 || s[0].Verdict != dispenser.Agreed || s[0].Volume != 300 {
		t.Errorf("%+v", s)
	}
}

// Senseless frames, again and again, are told once, the valve is shut, and the sale goes to a person.
func TestLFSenselessFramesAgainAndAgain(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{}).up().fuelling()
	b.tamper = func(r lf.Request, f lf.Frame) (lf.Frame, bool) {
		if r.Command != lf.Query {
			return f, false
		}
		s, _ := lf.ParseStatus(f)
		s.Cash += 100
		f, _ = s.Frame()
		return f, true
	}
	b.pump(2 * time.Second)
	if got := b.told(); got != "Strange Stopped" || b.n().flowing {
		t.Errorf("told %s", got)
	}
	b.n().hang()
	b.run(8 * time.Second)
	if s := b.sales(); len(s) != 1 || s[0].Verdict != dispenser.Disagreed {
		t.Errorf("%+v", s)
	}
}

// A total that was read wrong once is read again; the sale is right.
func TestLFTotalReadWrongOnce(t *testing.T) {
	t.Parallel()
	for skip := range 2 {
		for _, c := range []lf.Command{lf.TotalLitres, lf.TotalCash} {
			b := newLFBench(t, dispenser.LFConfig{}).up().fuelling()
			b.tamper = once(c, skip, func(f lf.Frame) lf.Frame { f[8] ^= 1; f[9] ^= 1; return f })
			b.n().hang()
			b.run(6 * time.Second)
			if s := b.sales(); len(s) != 1 || s[0].Verdict != dispenser.Agreed || s[0].Moved != s[0].Volume || b.told() != "Sold" {
				t.Errorf("%v, reading %d: %+v", c, skip, s)
			}
		}
	}
}

// Totals that never read twice alike are no reading: nothing is booked, and it is told once.
func TestLFTotalsNeverAlike(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{}).up().fuelling()
	odd := false
	b.tamper = func(r lf.Request, f lf.Frame) (lf.Frame, bool) {
		if odd = !odd; r.Command != lf.TotalCash || odd {
			return f, false
		}
		x, _ := lf.ParseTotal(f)
		x.Total += lf.Total(b.now % 97)
		f, _ = x.Frame()
		return f, true
	}
	b.n().hang()
	b.run(30 * time.Second)
	if got := b.told(); got != "Strange" {
		t.Errorf("told %s", got)
	}
	b.tamper = nil
	b.run(5 * time.Second)
	if got := b.told(); got != "Sold" {
		t.Errorf("told %s", got)
	}
}

// A reply that comes too late is not taken for the answer to the next request where that would matter: the authorisation is not
// repeated on the word of a poll from before it.
func TestLFStaleReplies(t *testing.T) {
	t.Parallel()
	for by := 300 * time.Millisecond; by < 4*time.Second; by += 20 * time.Millisecond {
		b := newLFBench(t, dispenser.LFConfig{}).up()
		b.n().deafTo = map[lf.Command]bool{} // the echo of A1 is lost below, the command is not
		b.n().lift()
		b.run(time.Second)
		held := 0
		b.late = func(r lf.Request) time.Duration {
			if r.Command == lf.Query && held == 0 {
				held++
				return by
			}
			return 0
		}
		b.run(250 * time.Millisecond)
		lost := 0
		b.tamper = func(r lf.Request, f lf.Frame) (lf.Frame, bool) {
			if r.Command == lf.Fuel {
				lost++
				b.n().valve() // obeyed at once
				return lf.Frame{0, 1, 2}, true
			}
			return f, false
		}
		if b.view().State != dispenser.Calling || b.view().Suspect {
			continue
		}
		if err := b.d.Authorise(b.now, 0, dispenser.Authorisation{}); err != nil {
			t.Fatal(err)
		}
		b.run(6 * time.Second)
		if lost == 0 { // offline before the command left
			if got := b.told(); got != "Offline Refused Online Priced" && got != "Refused Offline Online Priced" {
				t.Errorf("late by %v: told %s", by, got)
			}
			continue
		}
		if lost != 1 {
			t.Errorf("late by %v: authorised %d times; %s", by, lost, b.words())
		}
		b.pump(3 * time.Second)
		b.n().hang()
		b.run(12 * time.Second)
		if s := b.sales(); len(s) != 1 || s[0].Verdict != dispenser.Agreed || s[0].Volume != 180 {
			t.Errorf("late by %v: %+v", by, s)
		}
	}
}

// An authorisation that another nozzle echoes stops both. Source: trust.md rows 41, 89.
func TestLFWrongNozzleEchoesAnAuthorisation(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{Nozzles: []dispenser.LFNozzle{{Number: 1}, {Number: 2}}})
	b.up()
	b.n().lift()
	b.run(time.Second)
	b.tamper = once(lf.Fuel, 0, func(f lf.Frame) lf.Frame { f[0] = 2; return f })
	b.authorise(dispenser.Authorisation{})
	b.run(5 * time.Second)
	if got := b.told(); got != "Strange Stopped Stopped Refused" && got != "Strange Stopped Refused Stopped" {
		t.Errorf("told %s", got)
	}
	for i, n := range b.board {
		if n.armed || n.flowing {
			t.Errorf("nozzle %d is free", i)
		}
	}
}

// Ten million random bytes instead of answers: the nozzle goes offline, nothing is believed, and the first good answers bring it back.
func TestLFBabble(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	b := newLFBench(t, dispenser.LFConfig{}).up()
	b.mute = true
	for sent := 0; sent < 10_000_000; {
		noise := make([]byte, r.IntN(5000))
		if r.IntN(2) == 0 {
			noise = noise[:min(len(noise), lf.Size)]
		}
		sent += len(noise)
		for i := range noise {
			noise[i] = byte(r.IntN(256))
		}
		b.d.Receive(b.now, noise)
		b.run(time.Duration(10+60*r.IntN(2)) * time.Millisecond)
	}
	b.state(dispenser.Inoperative)
	if n := b.asked(lf.Query); n < 10 {
		t.Errorf("babble silenced the station: %d polls", n)
	}
	b.mute = false
	b.run(10 * time.Second)
	b.state(dispenser.Idle)
	if got := b.told(); got != "Offline Online Priced" {
		t.Errorf("told %s", got)
	}
}

// A board that answers after 700 ms is known to be slow and works.
func TestLFSlowBoard(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{})
	b.delay = 700 * time.Millisecond
	b.d.Line(b.now, true)
	b.d.Open(b.now, 0, true)
	b.run(30 * time.Second)
	b.state(dispenser.Idle)
	b.events = nil
	b.n().lift()
	b.run(4 * time.Second)
	b.authorise(dispenser.Authorisation{})
	b.run(2 * time.Second)
	b.n().valve()
	b.run(3 * time.Second)
	b.pump(5 * time.Second)
	b.n().hang()
	b.run(30 * time.Second)
	if s := b.sales(); len(s) != 1 || s[0].Verdict != dispenser.Agreed || s[0].Volume != 300 || b.told() != "Sold" {
		t.Errorf("%+v", s)
	}
	b.delay = 26 * time.Millisecond
	b.run(10 * time.Second)
	b.mute = true
	at := b.now
	for b.view().State != dispenser.Inoperative {
		b.run(10 * time.Millisecond)
	}
	if d := b.now.Sub(at); d > time.Second {
		t.Errorf("quick again, and offline after %v", d)
	}
}

// Running figures that made no sense leave the sale to a person, even if the register agrees with the totals.
func TestLFFiguresThatMadeNoSense(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{}).up().fuelling()
	b.tamper = func(r lf.Request, f lf.Frame) (lf.Frame, bool) {
		s, err := lf.ParseStatus(f)
		if r.Command != lf.Query || err != nil || s.State&lf.Fuelling == 0 {
			return f, false
		}
		s.Cash += 100
		f, _ = s.Frame()
		return f, true
	}
	b.pump(2 * time.Second)
	b.n().hang()
	b.run(8 * time.Second)
	if s := b.sales(); len(s) != 1 || s[0].Verdict != dispenser.Disagreed || s[0].Volume != s[0].Moved {
		t.Errorf("%+v", s)
	}
}

package dispenser_test

import (
	"reflect"
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/wire/lf"
)

// Whatever a line says, in whatever pace: no panic, every frame out is a request, at most one is outstanding, no step outside the
// model, nothing is sold with Agreed that the totals do not prove, and equal input gives equal output.
func FuzzLF(f *testing.F) {
	reply := func(m interface{ Frame() (lf.Frame, error) }) []byte {
		x, err := m.Frame()
		if err != nil {
			f.Fatal(err)
		}
		return x[:]
	}
	idle := reply(lf.Status{Nozzle: 1, Price: 785, State: 0x41})
	fuel := reply(lf.Status{Nozzle: 1, Price: 785, Cash: 9687, Litres: 1234, State: 0xC2})
	total := reply(lf.TotalReply{Nozzle: 1, Command: lf.TotalLitres, Total: 5})
	f.Add(append(append(append([]byte{}, idle...), fuel...), total...), uint8(20), uint8(3))
	f.Add([]byte("\x01\x00\xB8\x00\x00\x00\x00\x00\x00\x00\x00\x48"), uint8(1), uint8(0))
	f.Add([]byte{}, uint8(255), uint8(7))
	f.Fuzz(func(t *testing.T, script []byte, pace, orders uint8) {
		run := func() ([][]byte, []dispenser.Event) {
			return fuzzLF(t, script, time.Duration(pace+1)*time.Millisecond, orders)
		}
		frames, events := run()
		again, sameEvents := run()
		if !reflect.DeepEqual(frames, again) || !reflect.DeepEqual(events, sameEvents) {
			t.Fatal("two runs differ")
		}
	})
}

// fuzzLF plays a script against a driver: a byte below 0x20 chooses what the board answers next, others go out as they are.
func fuzzLF(t *testing.T, script []byte, pace time.Duration, orders uint8) (frames [][]byte, events []dispenser.Event) {
	d, err := dispenser.NewLF(dispenser.LFConfig{Nozzles: []dispenser.LFNozzle{{Number: 1}, {Number: 17, Price: 801}}})
	if err != nil {
		t.Fatal(err)
	}
	now := start
	d.Line(now, true)
	board := map[byte]*plainNozzle{1: {price: 785, totL: 7, totC: 55}, 17: {price: 785}}
	d.Open(now, 0, true)
	var last lf.Request
	next := 0
	for step := range 400 {
		out, told := d.Take()
		frames, events = append(frames, out...), append(events, told...)
		for _, raw := range out {
			if last, err = lf.ParseRequest(lf.Frame(raw)); err != nil {
				t.Fatalf("sent %X: %v", raw, err)
			}
		}
		n := board[1]
		if last.Nozzle == 17 {
			n = board[17]
		}
		act := byte(step)
		if len(script) > 0 {
			act = script[next%len(script)]
			next++
		}
		switch {
		case len(out) == 0:
		case act < 0x20 && act&7 < 6 || len(script) == 0:
			if f, ok := n.obey(last); ok {
				d.Receive(now.Add(pace/2), f[:])
			}
		default:
			d.Receive(now.Add(pace/2), script[next%len(script):])
		}
		fuzzHand(n, act)
		if orders&1 != 0 && act&3 == 1 {
			_ = d.Authorise(now, 0, dispenser.Authorisation{Money: 1234})
		}
		if orders&2 != 0 && act == 9 {
			d.EmergencyStop(now)
		}
		if orders&4 != 0 && act&7 == 5 {
			_ = d.SetPrice(now, int(act>>3)&1, 799)
		}
		if due := d.Due(); due != clock.Never && due <= now.Add(pace) {
			now = max(now.Add(1), due)
		} else {
			now = now.Add(pace)
		}
		d.Wake(now)
		if due := d.Due(); due <= now {
			t.Fatalf("wants to be woken at %v, now is %v", due, now)
		}
	}
	for _, e := range events {
		switch e := e.(type) {
		case dispenser.Strange:
			if e.Why == dispenser.TroubleState {
				t.Fatalf("a step outside the model; %v", events)
			}
		case dispenser.Sold:
			if s := e.Sale; s.Verdict == dispenser.Agreed && (s.Volume-s.Moved > 1 || s.Moved-s.Volume > 1 || s.Volume < 0) {
				t.Fatalf("sold %+v", s)
			}
		}
	}
	return frames, events
}

// fuzzHand is a customer's hand and the flow.
func fuzzHand(n *plainNozzle, act byte) {
	switch act & 15 {
	case 8:
		n.lift()
	case 10:
		n.valve()
	case 12:
		n.pump(5)
	case 14:
		n.hang()
	}
}

// BenchmarkLFPoll is one poll and its answer, the line free of pauses.
func BenchmarkLFPoll(b *testing.B) {
	x := newLFBench(b, dispenser.LFConfig{}).up()
	reply, _ := x.n().status(1).Frame()
	b.ReportAllocs()
	b.ResetTimer()
	sent := uint64(0)
	for sent < uint64(b.N) {
		frames, _ := x.d.Take()
		for _, f := range frames {
			sent++
			answer := reply
			if lf.Command(f[2]) != lf.Query { // an audit in between
				req, _ := lf.ParseRequest(lf.Frame(f))
				answer, _ = x.n().obey(req)
			}
			x.d.Receive(x.now, answer[:])
		}
		x.now = max(x.now+1, x.d.Due())
		x.d.Wake(x.now)
	}
	if good := x.d.Counters().Good; good < uint64(b.N)*9/10 {
		b.Fatalf("%d answers taken of %d", good, b.N)
	}
}

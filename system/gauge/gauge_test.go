package gauge

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"greylock/system/clock"
	"greylock/system/wire/tls350"
)

var start = clock.At(2026, 11, 22, 9, 0, 0)

const (
	askLevels     = "\x01i20100"
	askStatus     = "\x01i20500"
	askDeliveries = "\x01i20200"
)

// rig is a driver and the time.
type rig struct {
	t   testing.TB
	d   *Driver
	now clock.Instant
}

func newRig(t testing.TB) *rig {
	r := &rig{t, New(), start}
	r.d.Line(r.now, true)
	return r
}

// sends takes what the driver wants and compares the frames.
func (r *rig) sends(want ...string) []Event {
	r.t.Helper()
	frames, events := r.d.Take()
	var got []string
	for _, f := range frames {
		got = append(got, string(f))
	}
	if d := cmp.Diff(want, got); d != "" {
		r.t.Fatalf("at %v:\n%s", r.now.Sub(start), d)
	}
	return events
}

func (r *rig) is(events []Event, want ...Event) {
	r.t.Helper()
	if d := cmp.Diff(want, events, cmpopts.EquateErrors(), cmpopts.EquateEmpty()); d != "" {
		r.t.Fatalf("at %v:\n%s", r.now.Sub(start), d)
	}
}

func (r *rig) answer(a tls350.Answer) {
	r.t.Helper()
	b, err := tls350.Encode(a)
	if err != nil {
		r.t.Fatal(err)
	}
	r.now = r.now.Add(200 * time.Millisecond)
	r.d.Receive(r.now, b)
}

func (r *rig) wake() {
	r.now = r.d.Due()
	r.d.Wake(r.now)
}

var (
	minute = clock.Civil{Year: 2026, Month: 11, Day: 22, Hour: 9}
	level  = tls350.Level{Tank: 1, Product: '1', Volume: 1000000, Height: 12000}
)

func levels(status uint16) *tls350.Inventory {
	l := level
	l.Status = status
	return &tls350.Inventory{At: minute, Tanks: []tls350.Level{l}}
}

func dip(status uint16) Dip { return Dip{levels(status).Tanks[0]} }

func alarms(a ...tls350.Alarm) *tls350.Status {
	return &tls350.Status{At: minute, Tanks: []tls350.TankStatus{{Tank: 1, Alarms: a}}}
}

// contact is the first round.
func (r *rig) contact() {
	r.t.Helper()
	r.is(r.sends(askLevels))
	r.answer(levels(0))
	r.is(r.sends(askStatus), Online{}, dip(0))
	r.answer(alarms())
	r.sends(askDeliveries)
	r.answer(&tls350.Deliveries{At: minute})
	r.is(r.sends())
}

func TestRounds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.contact()
	if r.d.Due() != start.Add(Poll) || !r.d.Online() {
		t.Fatalf("due %v", r.d.Due().Sub(start))
	}
	r.wake()
	r.is(r.sends(askLevels))
	r.answer(levels(tls350.Delivering))
	r.is(r.sends(askStatus), dip(tls350.Delivering))
	r.answer(alarms(tls350.HighWater))
	r.is(r.sends(), Alarms{1, []tls350.Alarm{tls350.HighWater}})
	r.wake()
	r.sends(askLevels)
	r.answer(levels(0))
	r.sends(askStatus)
	r.answer(alarms(tls350.HighWater))
	r.is(r.sends("\x01i20201")) // the delivery has ended: what was it?
	x := tls350.Delivery{Start: minute, End: minute, HeightAfter: 1}
	r.answer(&tls350.Deliveries{Asked: 1, At: minute, Tanks: []tls350.TankDeliveries{{Tank: 1, Product: '1', Deliveries: []tls350.Delivery{x}}}})
	r.is(r.sends(), Delivery{1, x})
	r.wake()
	r.sends(askLevels)
	r.answer(levels(0))
	r.sends(askStatus)
	r.answer(alarms())
	r.is(r.sends(), Alarms{1, nil})
}

func TestOfflineAndBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.contact()
	for n := range OfflineAfter {
		r.wake()
		r.sends(askLevels)
		asked := r.now
		r.wake()
		if r.now.Sub(asked) != ReplyTime {
			t.Fatalf("failed after %v", r.now.Sub(asked))
		}
		if n < OfflineAfter-1 {
			r.is(r.sends())
		}
	}
	r.is(r.sends(), Offline{})
	r.wake()
	r.sends(askLevels)
	r.wake()
	r.is(r.sends()) // said once
	r.wake()
	r.sends(askLevels)
	r.answer(levels(0))
	r.is(r.sends(askStatus), Online{}, dip(0))
	r.d.Line(r.now, false)
	r.is(r.sends(), Offline{})
	if r.d.Due() != clock.Never {
		t.Error("a lost line has nothing due")
	}
	r.answer(levels(0))
	r.is(r.sends())
	r.d.Line(r.now, true)
	r.is(r.sends(askLevels))
}

func TestNeverHeardIsOffline(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range OfflineAfter {
		r.sends(askLevels)
		r.wake()
		if r.d.failed < OfflineAfter {
			r.wake()
		}
	}
	r.is(r.sends(), Offline{})
}

func TestWrongAnswersAreToldAndNotActedOn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.contact()
	r.answer(levels(0)) // to no question
	r.is(r.sends(), Strange{errUnasked})
	r.wake()
	r.sends(askLevels)
	b, err := tls350.Encode(levels(0))
	if err != nil {
		t.Fatal(err)
	}
	b[20] ^= 1
	r.d.Receive(r.now, b)
	r.is(r.sends(), Strange{tls350.ErrSum})
	r.wake()
	r.sends(askLevels)
	r.answer(alarms())
	if _, events := r.d.Take(); len(events) != 1 {
		t.Errorf("another function's answer: %v", events)
	}
	r.wake()
	r.sends(askLevels)
	r.d.Receive(r.now, tls350.Unknown())
	r.is(r.sends(), Strange{tls350.ErrUnknown}, Offline{}) // the third failure
}

// An older console knows no 205 and 202: its levels count.
func TestConsoleWithLevelsOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.sends(askLevels)
	r.answer(levels(0))
	r.sends(askStatus)
	r.d.Receive(r.now, tls350.Unknown())
	r.is(r.sends(askDeliveries))
	r.d.Receive(r.now, tls350.Unknown())
	r.is(r.sends())
	r.wake()
	r.sends(askLevels)
}

// An answer that trickles in is waited for, but not for ever.
func TestBabbleEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.sends(askLevels)
	for r.d.waiting {
		r.now = r.now.Add(ReplyTime / 2)
		if r.d.Due() <= r.now {
			r.d.Wake(r.now)
			break
		}
		r.d.Receive(r.now, []byte{'x'})
	}
	if got := r.now.Sub(start); got > longest+ReplyTime {
		t.Errorf("waited %v", got)
	}
}

// Whatever comes in, the driver asks on, and an honest console is heard again within one round.
func FuzzDriver(f *testing.F) {
	b, err := tls350.Encode(levels(0))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, uint64(1))
	f.Add([]byte("\x01\x03\x019999FF1B\x03"), uint64(2))
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		r := newRig(t)
		rnd := rand.New(rand.NewPCG(seed, 1))
		for len(data) > 0 {
			n := min(1+rnd.IntN(30), len(data))
			r.now = r.now.Add(time.Duration(rnd.IntN(3000)) * time.Millisecond)
			r.d.Receive(r.now, data[:n])
			if r.d.Due() <= r.now {
				r.d.Wake(r.now)
			}
			data = data[n:]
			r.d.Take()
		}
		r.d.Take() // what was asked so far has failed or will
		for limit := r.now.Add(Poll + 4*longest); ; {
			r.wake()
			if frames, _ := r.d.Take(); len(frames) == 1 && string(frames[0]) == askLevels {
				break
			}
			if r.now > limit {
				t.Fatal("asks no more")
			}
		}
		r.answer(levels(0))
		for _, e := range r.sends(askStatus) {
			if cmp.Equal(e, Event(dip(0))) {
				return
			}
		}
		t.Fatal("an honest answer was not heard")
	})
}

// Ten million random bytes instead of answers: no level of a tank comes of them, and the first good answer is a level again.
func TestTenMillionRandomBytes(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(9, 3))
	r := newRig(t)
	r.contact()
	noise, rounds := make([]byte, 4000), 0
	for sent := 0; sent < 10_000_000; rounds++ {
		piece := noise[:1+rnd.IntN(len(noise))]
		sent += len(piece)
		for i := range piece {
			piece[i] = byte(rnd.Uint32())
		}
		r.now = r.now.Add(time.Duration(rnd.IntN(2000)) * time.Millisecond)
		r.d.Receive(r.now, piece)
		if r.d.Due() <= r.now {
			r.d.Wake(r.now)
		}
		_, events := r.d.Take()
		for _, e := range events {
			switch e.(type) {
			case Offline, Strange:
			default:
				t.Fatalf("noise became %T%+v", e, e)
			}
		}
	}
	for {
		r.wake()
		if frames, _ := r.d.Take(); len(frames) == 1 && string(frames[0]) == askLevels {
			break
		}
	}
	r.answer(levels(0))
	r.is(r.sends(askStatus), Online{}, dip(0))
}

package station

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/link"
	"greylock/system/wire/record"
	"greylock/system/wire/ups"
)

// powerRig is a station with one card dispenser, one plain one, and a UPS that says what the test wants.
type powerRig struct {
	*rig
	flags ups.Flags
	mute  bool
	deaf  bool
	order []ups.Command // other than questions
	ended string
	slow  bool // acts are not made durable
}

func powerConfig(r *rig, with bool) Config {
	c := Config{Site: "0001", Realm: record.Training, CenterKey: r.key.Public().(ed25519.PublicKey), Ports: []Port{{Number: 1, Protocol: FA}, {Number: 2, Protocol: LF}},
		Source: noSource{}, Rand: rand.New(rand.NewPCG(1, 2))}
	if with {
		c.UPS = &UPSPolicy{}
	}
	return c
}

func newPowerRig(t *testing.T) *powerRig {
	t.Helper()
	s := &powerRig{rig: newRig(t)}
	s.begin(true)
	s.put(record.TopicLayout, 1, record.Layout{Name: "站", Superior: make(record.Hex, 4), Station: make(record.Hex, 4), Ports: []record.PortPlan{
		{Port: 1, POSP: 1, Nozzle: 1, NZN: 1, Product: "1031"}, {Port: 2, Nozzle: 2, NZN: 1, Product: "1031", Protocol: "lf"}}})
	s.run(5 * time.Second)
	return s
}

// begin is a start of the program: the journal so far is replayed.
func (s *powerRig) begin(with bool) {
	s.c, s.acts, s.ended, s.order = New(powerConfig(s.rig, with)), nil, "", nil
	for i, f := range s.log {
		s.c.Apply(uint64(i+1), f)
	}
	s.seq = uint64(len(s.log))
	s.c.Start(s.now)
	s.c.Line(s.now, UPSLine, true)
}

// run lets time pass: the UPS answers at once.
func (s *powerRig) run(d time.Duration) {
	for end := s.now.Add(d); s.now < end && s.ended == ""; s.now = s.now.Add(50 * time.Millisecond) {
		s.c.Wake(s.now)
		for again := true; again && s.ended == ""; {
			again = s.carry(s.c.Take())
		}
	}
}

// carry carries out effects; true if something was done that may want more.
func (s *powerRig) carry(fx link.Effects) (more bool) {
	s.acts = append(s.acts, fx.Acts...)
	for _, x := range fx.Sends {
		if x.Line == UPSLine && x.After == 0 {
			more = true
			s.supply(x.Data)
		}
	}
	if fx.End != nil {
		if fx.End.After != 0 {
			s.t.Fatalf("an end that waits for act %d", fx.End.After)
		}
		s.ended = fx.End.Why
		return false
	}
	for len(s.acts) > 0 && !s.slow {
		a := s.acts[0]
		s.acts, more = s.acts[1:], true
		for _, f := range a.Facts {
			s.seq++
			s.c.Apply(s.seq, f)
			s.log = append(s.log, f)
		}
		s.c.Durable(s.now, a.ID)
	}
	return more
}

// supply is the UPS.
func (s *powerRig) supply(line []byte) {
	c, err := ups.ParseCommand([]byte(strings.TrimSuffix(string(line), "\r")))
	if err != nil {
		s.t.Fatalf("%q: %v", line, err)
	}
	switch {
	case c.Kind == ups.Shutdown || c.Kind == ups.Cancel:
		s.order = append(s.order, c)
		if s.flags &^= ups.ShutdownActive; c.Kind == ups.Shutdown && !s.deaf {
			s.flags |= ups.ShutdownActive
		}
	case c.Kind == ups.AskStatus && !s.mute:
		st := ups.Status{Input: 2260, Fault: 1950, Output: 2260, Load: 14, Frequency: 500, Battery: 2750, Temperature: 250, Flags: s.flags}
		b, err := st.Line()
		if err != nil {
			s.t.Fatal(err)
		}
		s.c.Receive(s.now, UPSLine, b)
	}
}

// powers are the states that the journal has, with the reasons of an end.
func (s *powerRig) powers() (list []string) {
	for _, f := range s.log {
		if p, ok := f.(record.StationPower); ok {
			list = append(list, strings.TrimSpace(p.State+" "+p.Why))
		}
	}
	return list
}

func (s *powerRig) wants(want ...string) {
	s.t.Helper()
	if got := s.powers(); !slices.Equal(got, want) {
		s.t.Errorf("the journal says %q, want %q", got, want)
	}
}

// shut says whether the card dispenser's station info names no nozzle, and in which version.
func (s *powerRig) shut() (bool, byte) {
	o, err := s.c.orders.forPort(1, s.c.shutting(s.c.port(1)))
	if err != nil {
		s.t.Fatal(err)
	}
	return s.c.shutting(s.c.port(1)).shut, o.Versions.Station
}

func TestPowerFailsAndComesBack(t *testing.T) {
	t.Parallel()
	s := newPowerRig(t)
	s.wants()
	shut, before := s.shut()
	s.flags = ups.UtilityFail
	s.run(5 * time.Second)
	s.wants("battery")
	closed, between := s.shut()
	if why := s.c.Unready(s.now); !slices.ContainsFunc(why, func(x string) bool { return strings.Contains(x, "停电") }) || !s.c.status(s.now).NoMains {
		t.Errorf("a monitor is told %q", why)
	}
	m := &link.Meter{}
	if s.c.Measure(s.now, m); !strings.Contains(m.String(), "greylock_ups_up 1") || !strings.Contains(m.String(), "greylock_ups_on_battery 1") {
		t.Errorf("measured %s", m.String())
	}
	if shut || !closed || before == between || !s.c.power.closed() || !slices.Contains(s.alarms(), "on-battery") {
		t.Errorf("shut %v then %v, version %d then %d, alarms %v", shut, closed, before, between, s.alarms())
	}
	s.flags = 0
	s.run(5 * time.Second)
	s.wants("battery", "mains")
	if open, after := s.shut(); open || after == between || s.c.power.closed() || s.ended != "" || len(s.order) > 0 {
		t.Errorf("shut %v, version %d, ended %q, orders %+v", open, after, s.ended, s.order)
	}
	again := New(powerConfig(s.rig, true))
	for i, f := range s.log {
		again.Apply(uint64(i+1), f)
	}
	if again.power.state != s.c.power.state || again.power.since != s.c.power.since || again.port(1).pricing.turns != s.c.port(1).pricing.turns {
		t.Errorf("replay: %+v, was %+v", again.power, s.c.power)
	}
}

// TestIdleStationRidesOutAShortCut, then ends: fact, order to the UPS, end.
func TestIdleStationEnds(t *testing.T) {
	t.Parallel()
	s := newPowerRig(t)
	s.flags = ups.UtilityFail
	began := s.now
	s.run(ridesOut)
	s.wants("battery")
	s.run(time.Minute)
	s.wants("battery", "ending idle")
	if s.ended != EndPower || s.now.Sub(began) > ridesOut+restFor+10*time.Second {
		t.Errorf("ended %q after %v", s.ended, s.now.Sub(began))
	}
	if want := []ups.Command{{Kind: ups.Shutdown, After: offAfter, Restore: restoreAfter}}; !reflect.DeepEqual(s.order, want) {
		t.Errorf("orders %+v", s.order)
	}
}

func TestLowBatteryEndsAtOnce(t *testing.T) {
	t.Parallel()
	s := newPowerRig(t)
	s.c.plainAt(2, 1).arming = true // somebody fuels: that is not waited for
	s.flags = ups.UtilityFail
	s.run(5 * time.Second)
	s.flags |= ups.BatteryLow
	s.run(10 * time.Second)
	s.wants("battery", "low", "ending low")
	if s.ended == "" || !slices.Contains(s.alarms(), "battery-low") {
		t.Errorf("ended %q, alarms %v", s.ended, s.alarms())
	}
}

func TestLongestOnBattery(t *testing.T) {
	t.Parallel()
	s := newPowerRig(t)
	s.c.plainAt(2, 1).arming = true // somebody fuels, and does not end
	s.flags = ups.UtilityFail
	s.run(MostOnBattery - 10*time.Second)
	s.wants("battery")
	s.run(time.Minute)
	s.wants("battery", "ending most")
	if s.ended == "" {
		t.Error("it did not end")
	}
}

// TestRestAfterTheLastFill: its record has time to come.
func TestRestAfterTheLastFill(t *testing.T) {
	t.Parallel()
	s := newPowerRig(t)
	s.c.plainAt(2, 1).arming = true
	s.flags = ups.UtilityFail
	s.run(time.Minute)
	s.c.plainAt(2, 1).arming = false
	s.run(restFor - 2*time.Second)
	s.wants("battery")
	s.run(10 * time.Second)
	s.wants("battery", "ending idle")
}

// TestSlowDisk: nothing waits for the fact to refuse; an authorisation that still waits for the disk is taken back; an end that still
// waits is not carried out once the mains are back.
func TestSlowDisk(t *testing.T) {
	t.Parallel()
	s := newPowerRig(t)
	s.slow = true
	p := s.c.port(2)
	var told error
	s.c.letRun(s.now, p, 0, record.PlainAuthorised{By: "1001", Way: "cash"}, func(_ clock.Instant, err error) { told = err })
	s.flags = ups.UtilityFail
	s.run(5 * time.Second)
	if len(s.powers()) > 0 || !s.c.power.closed() || !errors.Is(s.c.ready(p, 0, dispenser.Authorisation{Volume: 1}), errNoMains) {
		t.Errorf("%q is durable, closed %v", s.powers(), s.c.power.closed())
	}
	s.slow = false
	s.run(50 * time.Millisecond)
	if !errors.Is(told, errNoMains) {
		t.Errorf("an authorisation that waited for the disk ends with %v", told)
	}
	s.run(50 * time.Millisecond)
	s.slow, s.flags = true, ups.UtilityFail|ups.BatteryLow
	s.run(5 * time.Second)
	s.flags = 0
	s.run(5 * time.Second)
	s.slow = false
	s.run(5 * time.Second)
	s.wants("battery", "low", "ending low", "mains")
	for _, o := range s.order {
		if o.Kind == ups.Shutdown {
			t.Errorf("the mains are back, and the UPS is ordered off: %+v", s.order)
		}
	}
}

// TestMainsBackBeforeTheEnd: while the order is on its way the mains come back; it is taken back, and the station sells on.
func TestMainsBackBeforeTheEnd(t *testing.T) {
	t.Parallel()
	s := newPowerRig(t)
	s.deaf = true // the order is repeated, which takes a while
	s.flags = ups.UtilityFail | ups.BatteryLow
	for len(s.order) == 0 {
		s.run(50 * time.Millisecond)
	}
	s.flags = 0
	s.run(20 * time.Second)
	s.wants("low", "ending low", "mains")
	if last := s.order[len(s.order)-1]; s.ended != "" || last.Kind != ups.Cancel || s.c.power.closed() {
		t.Errorf("ended %q, last order %+v", s.ended, last)
	}
}

// TestDeafUPS: an end is an end, and people are told that nobody will switch the machine on.
func TestDeafUPS(t *testing.T) {
	t.Parallel()
	s := newPowerRig(t)
	s.deaf, s.flags = true, ups.UtilityFail|ups.BatteryLow
	s.run(time.Minute)
	if s.ended == "" || !slices.Contains(s.alarms(), "ups-order") || len(s.order) != 3 {
		t.Errorf("ended %q, alarms %v, orders %+v", s.ended, s.alarms(), s.order)
	}
}

// TestSilentUPS: with the mains it is an alarm; on the battery, after a while, the end.
func TestSilentUPS(t *testing.T) {
	t.Parallel()
	s := newPowerRig(t)
	s.mute = true
	s.run(2 * time.Minute)
	s.wants()
	if s.ended != "" || !slices.Contains(s.alarms(), "ups-offline") {
		t.Errorf("ended %q, alarms %v", s.ended, s.alarms())
	}
	s.mute, s.flags = false, ups.UtilityFail
	s.run(10 * time.Second)
	s.wants("battery")
	s.mute = true
	s.run(25 * time.Second)
	s.wants("battery", "ending silent")
	if s.ended == "" || len(s.order) != 0 {
		t.Errorf("ended %q, orders %+v", s.ended, s.order)
	}
}

// TestKilledAtEveryInstantOfAPowerCut: the program dies after every step of 50 ms, with its last acts lost or not; it starts again with
// the mains back, still gone, or without a word of the UPS, and comes to the same end.
func TestKilledAtEveryInstantOfAPowerCut(t *testing.T) {
	t.Parallel()
	const steps = 55 * 20 // until after the end
	tried := 0
	for at := 0; at < steps; at += 7 {
		for _, lost := range []bool{false, true} {
			s := newPowerRig(t)
			s.flags = ups.UtilityFail
			s.run(time.Duration(at) * 50 * time.Millisecond)
			if s.slow = lost; lost {
				s.run(50 * time.Millisecond)
			}
			s.slow = false
			tried++
			before := s.powers()
			s.killed(t, before)
		}
	}
	if tried < 300 {
		t.Errorf("%d instants only", tried)
	}
}

// killed starts the program again three ways on the same journal.
func (s *powerRig) killed(t *testing.T, before []string) {
	t.Helper()
	log, now, flags := slices.Clone(s.log), s.now, s.flags
	last := ""
	if n := len(before); n > 0 {
		last = before[n-1]
	}
	for name, how := range map[string]func(){
		"mains": func() {
			s.flags &^= ups.UtilityFail
			s.run(10 * time.Second)
			if s.ended != "" || s.c.power.closed() || s.flags&ups.ShutdownActive != 0 {
				t.Errorf("%q, then the mains: ended %q, closed %v, flags %v", before, s.ended, s.c.power.closed(), s.flags)
			}
		},
		"battery": func() {
			if closed := s.c.power.closed(); closed != (last != "") {
				t.Errorf("%q: closed %v at the start", before, closed)
			}
			ordered := s.flags&ups.ShutdownActive != 0
			s.run(2 * time.Minute)
			if got := s.powers(); s.ended == "" || got[len(got)-1] != "ending idle" || ordered == (len(s.order) == 1) {
				t.Errorf("%q, then on the battery: ended %q, %q", before, s.ended, got)
			}
		},
		"silence": func() {
			s.mute = true
			s.run(2 * time.Minute)
			if s.ended != "" || s.c.power.closed() {
				t.Errorf("%q, then silence: ended %q, closed %v", before, s.ended, s.c.power.closed())
			}
		},
	} {
		s.log, s.now, s.flags, s.mute = slices.Clone(log), now, flags, false
		s.begin(true)
		if how(); t.Failed() {
			t.Fatal(name)
		}
	}
	s.log, s.now, s.flags = log, now, flags
	s.begin(false) // the UPS was taken away
	if s.run(time.Second); s.c.power.closed() {
		t.Fatalf("%q, then no UPS: closed", before)
	}
}

// TestUPSShown: the page says what is known.
func TestUPSShown(t *testing.T) {
	t.Parallel()
	s := newPowerRig(t)
	shown := func() (a UPS) {
		s.c.Serve(s.now, 7, PathUPS, nil)
		fx := s.c.Take()
		if len(fx.Replies) != 1 {
			t.Fatalf("%+v", fx)
		}
		if err := json.Unmarshal(fx.Replies[0].Body, &a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := shown(); !a.Fitted || !a.Online || a.Power != "mains" || a.State != "mains" || a.Closed || a.Input != 2260 || a.HeardMs == 0 || a.EndsMs != 0 {
		t.Errorf("%+v", a)
	}
	s.flags = ups.UtilityFail
	s.run(5 * time.Second)
	if a := shown(); a.Power != "battery" || a.State != "battery" || !a.Closed || a.EndsMs-a.SinceMs != MostOnBattery.Milliseconds() {
		t.Errorf("%+v", a)
	}
	s.log = nil
	s.begin(false)
	if a := shown(); a.Fitted || a.Zh != "未装 UPS" || a.Input != ups.Unknown {
		t.Errorf("%+v", a)
	}
}

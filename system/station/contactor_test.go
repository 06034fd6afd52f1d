package station

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"time"

	"greylock/system/relay"
	"greylock/system/wire/fa"
	"greylock/system/wire/record"
	wire "greylock/system/wire/relay"
)

// stopRig is a station with two card dispensers of which the first has a contactor, and the relay board.
type stopRig struct {
	*rig
	coil    bool
	stuck   bool
	replies []record.Hex
	status  int
}

func stopConfig(r *rig) Config {
	return Config{Site: "0001", Realm: record.Training, CenterKey: r.key.Public().(ed25519.PublicKey), Ports: []Port{{Number: 1, Protocol: FA}, {Number: 2, Protocol: FA}},
		Contactor: &Contactor{Address: 1, Coils: []Coil{{Port: 1, Coil: 4}}}, Source: noSource{}, Rand: rand.New(rand.NewPCG(1, 2))}
}

func newStopRig(t *testing.T) *stopRig {
	t.Helper()
	s := &stopRig{rig: newRig(t)}
	s.c = New(stopConfig(s.rig))
	s.c.Start(s.now)
	s.c.Line(s.now, ContactorLine, true)
	s.put(record.TopicLayout, 1, record.Layout{Name: "站", Superior: make(record.Hex, 4), Station: make(record.Hex, 4), Ports: []record.PortPlan{
		{Port: 1, POSP: 1, Nozzle: 1, NZN: 1, Product: "1031"}, {Port: 2, POSP: 2, Nozzle: 2, NZN: 1, Product: "1031"}}})
	s.run(2 * time.Second)
	return s
}

// run lets time pass: the relay board answers at once, acts are durable at once.
func (s *stopRig) run(d time.Duration) {
	for end := s.now.Add(d); s.now < end; s.now = s.now.Add(20 * time.Millisecond) {
		s.c.Wake(s.now)
		for again := true; again; {
			fx := s.c.Take()
			s.acts = append(s.acts, fx.Acts...)
			for _, x := range fx.Replies {
				s.status, s.replies = x.Status, append(s.replies, record.Hex(x.Body))
			}
			for _, x := range fx.Sends {
				if x.Line == ContactorLine {
					s.c.Receive(s.now, ContactorLine, s.board1(x.Data))
				}
			}
			again = len(fx.Sends) > 0 || len(s.acts) > 0
			for len(s.acts) > 0 {
				a := s.acts[0]
				s.acts = s.acts[1:]
				for _, f := range a.Facts {
					s.seq++
					s.c.Apply(s.seq, f)
					s.log = append(s.log, f)
				}
				s.c.Durable(s.now, a.ID)
			}
		}
	}
}

// board1 is the relay board: coil 4 alone.
func (s *stopRig) board1(frame []byte) []byte {
	q, err := wire.ParseRequest(frame)
	if err != nil || q.Coil != 4 {
		s.t.Fatalf("%X: %+v %v", frame, q, err)
	}
	a := wire.Reply{Address: 1, Function: q.Function, Coil: q.Coil, On: q.On, Coils: []byte{0}}
	if q.Function == wire.WriteCoil && !s.stuck {
		s.coil = q.On
	}
	if s.coil {
		a.Coils[0] = 1
	}
	f, err := a.Frame()
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

// ask puts an order and lets two seconds pass.
func (s *stopRig) ask(path string, q AskStop) []byte {
	s.t.Helper()
	body, err := json.Marshal(q)
	if err != nil {
		s.t.Fatal(err)
	}
	s.replies = nil
	s.c.Serve(s.now, 9, path, body)
	s.run(2 * time.Second)
	if len(s.replies) == 0 {
		s.t.Fatal("no answer")
	}
	return s.replies[len(s.replies)-1]
}

func (s *stopRig) stop(nozzle record.Nozzle) (a StopAnswer) {
	s.t.Helper()
	text := s.ask(PathStop, AskStop{Nozzle: nozzle, By: "1001", Reason: "漏油"})
	if err := json.Unmarshal(text, &a); err != nil || s.status != http.StatusOK {
		s.t.Fatalf("%d %s", s.status, text)
	}
	return a
}

func TestContactorConfig(t *testing.T) {
	t.Parallel()
	ports := []Port{{Number: 1, Protocol: FA}, {Number: 2, Protocol: LF}}
	if err := (Contactor{Address: 1, Coils: []Coil{{1, 0}}}).Check(ports); err != nil {
		t.Error(err)
	}
	for _, k := range []Contactor{
		{Address: 1}, {Address: 1, Coils: []Coil{{2, 0}}}, {Address: 1, Coils: []Coil{{1, 0}, {1, 1}}}, {Coils: []Coil{{1, 0}}}, {Address: 1, Coils: []Coil{{3, 0}}},
	} {
		if err := k.Check(ports); !errors.Is(err, relay.ErrConfig) {
			t.Errorf("%+v: %v", k, err)
		}
	}
}

// A stop of all proves what has a contactor and says what has none; the journal holds the pump after a restart; the release closes.
func TestStopByContactor(t *testing.T) {
	t.Parallel()
	s := newStopRig(t)
	if !s.coil {
		t.Fatal("a pump of the layout has no power")
	}
	if a := s.stop(0); !reflect.DeepEqual(a, StopAnswer{Shut: []record.Nozzle{1}, Not: []record.Nozzle{2}}) || s.coil {
		t.Errorf("answer %+v, coil %v", a, s.coil)
	}
	st := s.c.status(s.now)
	if len(st.Stops) != 1 || st.Stops[0].Reason != "漏油" || !s.c.shutting(s.c.port(1)).shut {
		t.Errorf("status %+v", st)
	}
	again := New(stopConfig(s.rig))
	for i, f := range s.log {
		again.Apply(uint64(i+1), f)
	}
	if got := again.status(s.now).Stops; !reflect.DeepEqual(got, st.Stops) || again.port(1).pricing.turns != s.c.port(1).pricing.turns {
		t.Errorf("replayed %+v, want %+v", got, st.Stops)
	}
	again.Start(s.now)
	again.Line(s.now, ContactorLine, true)
	for _, x := range again.Take().Sends {
		if q, err := wire.ParseRequest(x.Data); x.Line == ContactorLine && (err != nil || q.Function == wire.WriteCoil && q.On) {
			t.Errorf("after the restart it sends %+v", q)
		}
	}
	if text := s.ask(PathRelease, AskStop{By: "1001", Reason: "已处理"}); s.status != http.StatusOK || !s.coil {
		t.Errorf("release: %d %s, coil %v", s.status, text, s.coil)
	}
	if st := s.c.status(s.now); len(st.Stops) != 0 || s.c.shutting(s.c.port(1)).shut {
		t.Errorf("after the release %+v", st)
	}
}

// A coil that does not move is no stop: the answer says so, an alarm too, and the coil is tried again until it moves.
func TestStuckContactor(t *testing.T) {
	t.Parallel()
	s := newStopRig(t)
	s.stuck = true
	if a := s.stop(1); !reflect.DeepEqual(a, StopAnswer{Shut: []record.Nozzle{}, Not: []record.Nozzle{1}}) {
		t.Errorf("answer %+v", a)
	}
	found := false
	for _, k := range s.alarms() {
		found = found || k == "valve-not-stopped"
	}
	if !found {
		t.Errorf("alarms %v", s.alarms())
	}
	s.stuck = false
	s.run(3 * time.Second)
	if s.coil {
		t.Error("it was not tried again")
	}
}

// A stop that comes while the release of another is on its way to the disk holds.
func TestStopDuringRelease(t *testing.T) {
	t.Parallel()
	s := newStopRig(t)
	s.stop(0)
	s.c.Serve(s.now, 10, PathRelease, []byte(`{"by":"1002","reason":"已处理"}`))
	if a := s.stop(1); len(a.Shut) != 1 || s.coil {
		t.Errorf("answer %+v, coil %v", a, s.coil)
	}
	if st := s.c.status(s.now); len(st.Stops) != 1 || st.Stops[0].Nozzle != 1 {
		t.Errorf("stops %+v", st.Stops)
	}
}

// A pump whose board can not be told of its prices loses its power, stays so over a restart and is no lost stop; the board's word
// gives it back.
func TestPumpOutOfReachOfItsPrices(t *testing.T) {
	t.Parallel()
	s := newStopRig(t)
	says := func(v byte) {
		s.board(&fa.Info{Maker: fa.MakerOf("TEST"), Time: fa.StampOf(s.now.Civil()), Nozzles: []fa.NZN{1}, Versions: fa.Versions{Price: v, Station: 1}})
		s.run(time.Second)
	}
	s.c.Line(s.now, 1, true)
	s.put(record.TopicPrices, 1, table("202611221600", 785, 785))
	says(1)
	s.put(record.TopicPrices, 2, table("202611221600", 799, 799)) // holds at once: a minute to fetch it
	s.run(2 * time.Minute)
	if a := s.c.port(1).pricing; !a.shut || s.coil || !slices.Contains(s.alarms(), "price-missing") {
		t.Fatalf("shut %v, coil %v, alarms %v", a.shut, s.coil, s.alarms())
	}
	again := New(stopConfig(s.rig))
	for i, f := range s.log {
		again.Apply(uint64(i+1), f)
	}
	s.c = again
	s.c.Start(s.now)
	s.c.Line(s.now, ContactorLine, true)
	s.c.Line(s.now, 1, true)
	s.run(20 * time.Second)
	if s.coil || len(s.c.stopsInForce()) > 0 {
		t.Fatalf("after the restart: coil %v, stops %+v", s.coil, s.c.stopsInForce())
	}
	says(2)
	s.run(3 * time.Second)
	if a := s.c.port(1).pricing; a.shut || !s.coil {
		t.Errorf("acknowledged: shut %v, coil %v", a.shut, s.coil)
	}
}

// Pumps without power after a start are a lost stop, but not where the journal ends without mains.
func TestPumpsWithoutPowerAtTheStart(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"", record.PowerBattery, record.PowerEnding, record.PowerMains} {
		s := newStopRig(t)
		if !s.coil {
			t.Fatal("the pump has no power")
		}
		log := s.log
		if state != "" {
			log = append(log, record.StationPower{TimeMs: s.now.Milli(), State: state})
		}
		s.c, s.coil = New(stopConfig(s.rig)), false
		for i, f := range log {
			s.c.Apply(uint64(i+1), f)
		}
		s.c.Start(s.now)
		s.c.Line(s.now, ContactorLine, true)
		s.run(3 * time.Second)
		dark := state == record.PowerBattery || state == record.PowerEnding
		if stops := s.c.stopsInForce(); s.coil != dark || dark == (len(stops) == 1) || slices.Contains(s.alarms(), "stop-recalled") == dark {
			t.Errorf("%q: coil %v, stops %+v, alarms %v", state, s.coil, stops, s.alarms())
		}
	}
}

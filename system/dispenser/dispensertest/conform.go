// Package dispensertest is what every driver of a dispenser line must do, whatever is spoken on it.
package dispensertest

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/wire/unit"
)

// Scene is what a board's only nozzle does.
type Scene int

// The scenes of a delivery, in order, and a board without power.
const (
	Dead    Scene = iota
	Hung          // on the hook, nothing open
	Called        // off the hook, nobody has let it deliver
	Open          // allowed, the valve open, no fuel yet
	Flowing       // 0.30 L/s
	Halted        // the valve shut, nozzle up
)

// Board is the other end of a line, in the driver's protocol.
type Board interface {
	// Turn is called every 10 ms with the frames sent since; it returns what the board says now, in pieces.
	Turn(now clock.Instant, frames [][]byte) [][]byte
	// Show sets the scene from now on.
	Show(Scene)
}

// Rig is a driver before its line is open, and a board.
type Rig struct {
	Driver dispenser.Driver
	Board  Board
	// Ready is called when the line has been opened: it opens the nozzle where that is the station's to do.
	Ready func(now clock.Instant)
	// Allow lets the lifted nozzle deliver.
	Allow func(now clock.Instant)
	Price unit.Price
}

// stage is a rig in virtual time. It holds every driver to what needs no scene: views change only with Changed, states move by
// the model, a wake-up that was wanted is over when it was given.
type stage struct {
	t      *testing.T
	rig    Rig
	now    clock.Instant
	echo   bool // the line returns what is sent
	single bool // bytes come one by one
	events []dispenser.Event
	shown  []dispenser.View
	sent   [][]byte // not yet with the board
	frames int
}

func newStage(t *testing.T, rig Rig) *stage {
	s := &stage{t: t, rig: rig, now: clock.At(2026, 11, 22, 17, 0, 0)}
	s.shown = rig.Driver.Views()
	return s
}

// open opens the line to a nozzle that hangs, and waits until it is idle.
func (s *stage) open() *stage {
	s.t.Helper()
	s.rig.Board.Show(Hung)
	s.rig.Driver.Line(s.now, true)
	s.rig.Ready(s.now)
	s.run(15 * time.Second)
	s.state(dispenser.Idle)
	return s
}

func (s *stage) run(d time.Duration) {
	s.t.Helper()
	for end := s.now.Add(d); s.now < end; s.now = s.now.Add(10 * time.Millisecond) {
		if s.rig.Driver.Due() <= s.now {
			s.rig.Driver.Wake(s.now)
			if due := s.rig.Driver.Due(); due <= s.now {
				s.t.Fatalf("woken at %v, wants to be woken at %v", s.now, due)
			}
		}
		frames := append(s.sent, s.take()...)
		for _, p := range s.rig.Board.Turn(s.now, frames) {
			s.say(p)
		}
		if s.echo {
			for _, f := range frames {
				s.say(f)
			}
		}
		s.sent = s.take()
	}
}

func (s *stage) say(p []byte) {
	if !s.single {
		s.rig.Driver.Receive(s.now, p)
		return
	}
	for _, b := range p {
		s.rig.Driver.Receive(s.now, []byte{b})
	}
}

// take collects what the driver does and compares its views with what it says of them.
func (s *stage) take() [][]byte {
	s.t.Helper()
	frames, events := s.rig.Driver.Take()
	s.events = append(s.events, events...)
	s.frames += len(frames)
	views := s.rig.Driver.Views()
	changed := map[int]bool{}
	for _, e := range events {
		if c, ok := e.(dispenser.Changed); ok {
			changed[c.Nozzle] = true
		}
	}
	for i, v := range views {
		if v != s.shown[i] && !changed[i] {
			s.t.Errorf("nozzle %d: %+v became %+v and nobody was told", i, s.shown[i], v)
		}
		if from := s.shown[i].State; v.State != from && !reaches(from, v.State, 3) {
			s.t.Errorf("nozzle %d went from state %d to %d", i, from, v.State)
		}
	}
	s.shown = views
	return frames
}

// reaches reports whether the model goes from one state to another in so many steps.
func reaches(from, to dispenser.State, steps int) bool {
	if from == to {
		return true
	}
	for step := dispenser.StepLost; steps > 0 && step <= dispenser.StepLocked; step++ {
		if next, err := from.Next(step); err == nil && reaches(next, to, steps-1) {
			return true
		}
	}
	return false
}

func (s *stage) state(want dispenser.State) {
	s.t.Helper()
	if got := s.rig.Driver.Views()[0].State; got != want {
		s.t.Fatalf("state %d, want %d; %s", got, want, s.words())
	}
}

func (s *stage) words() string {
	var all []string
	for _, e := range s.events {
		all = append(all, strings.TrimPrefix(fmt.Sprintf("%T", e), "dispenser."))
	}
	return strings.Join(all, " ")
}

// count counts the events of one type.
func count[E dispenser.Event](s *stage) (n int) {
	for _, e := range s.events {
		if _, ok := e.(E); ok {
			n++
		}
	}
	return n
}

// deliver plays a delivery; seen is called with the view after each scene.
func (s *stage) deliver(seen func(Scene, dispenser.View)) {
	for _, scene := range []Scene{Called, Open, Flowing, Halted, Hung} {
		if scene == Open {
			s.rig.Allow(s.now)
			s.run(time.Second)
		}
		s.rig.Board.Show(scene)
		s.run(5 * time.Second)
		seen(scene, s.rig.Driver.Views()[0])
	}
}

// Run holds a driver to the contract; make returns a fresh rig.
func Run(t *testing.T, make func(t *testing.T) Rig) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, func(t *testing.T) Rig){
		"before the line is open": beforeOpen, "nine states": states, "silence and return": silence, "line lost": lineLost,
		"echo": echo, "pieces": pieces, "clock set back": clockBack, "same input, same output": deterministic,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, make) })
	}
}

func beforeOpen(t *testing.T, make func(t *testing.T) Rig) {
	s := newStage(t, make(t))
	s.rig.Board.Show(Hung)
	if due := s.rig.Driver.Due(); due != clock.Never {
		t.Errorf("wants to be woken at %v", due)
	}
	for _, v := range s.rig.Driver.Views() {
		if v != (dispenser.View{State: dispenser.Inoperative}) {
			t.Errorf("%+v", v)
		}
	}
	s.rig.Driver.Wake(s.now)
	if s.take(); s.frames > 0 || len(s.events) > 0 {
		t.Errorf("%d frames, %s", s.frames, s.words())
	}
}

func states(t *testing.T, make func(t *testing.T) Rig) {
	s := newStage(t, make(t)).open()
	if count[dispenser.Online](s) != 1 || count[dispenser.Offline](s) != 0 {
		t.Errorf("contact: %s", s.words())
	}
	want := map[Scene]dispenser.State{
		Called: dispenser.Calling, Open: dispenser.Started, Flowing: dispenser.Fuelling, Halted: dispenser.SuspendedFuelling,
		Hung: dispenser.Idle,
	}
	s.deliver(func(scene Scene, v dispenser.View) {
		if v.State != want[scene] {
			t.Errorf("scene %d: state %d, want %d; %s", scene, v.State, want[scene], s.words())
		}
		amount, _ := unit.Amount(v.Volume, s.rig.Price)
		if fuel := scene == Flowing || scene == Halted; fuel != (v.Volume > 0) || v.Amount != amount {
			t.Errorf("scene %d: %v L, %v yuan", scene, v.Volume, v.Amount)
		}
	})
	if count[dispenser.Online](s) != 1 || count[dispenser.Offline](s) != 0 || count[dispenser.Echo](s) != 0 {
		t.Errorf("%s", s.words())
	}
}

func silence(t *testing.T, make func(t *testing.T) Rig) {
	s := newStage(t, make(t)).open()
	for range 3 {
		s.events = nil
		s.rig.Board.Show(Dead)
		s.run(15 * time.Second)
		s.state(dispenser.Inoperative)
		if count[dispenser.Offline](s) != 1 || count[dispenser.Online](s) != 0 {
			t.Errorf("silence: %s", s.words())
		}
		s.rig.Board.Show(Hung)
		s.run(15 * time.Second)
		s.state(dispenser.Idle)
		if count[dispenser.Offline](s) != 1 || count[dispenser.Online](s) != 1 {
			t.Errorf("return: %s", s.words())
		}
	}
}

func lineLost(t *testing.T, make func(t *testing.T) Rig) {
	s := newStage(t, make(t)).open()
	s.events, s.frames = nil, 0
	for range 2 { // the second time nothing is left to lose
		s.rig.Driver.Line(s.now, false)
		s.take()
	}
	s.state(dispenser.Inoperative)
	if count[dispenser.Offline](s) != 1 || s.rig.Driver.Due() != clock.Never || s.frames > 0 {
		t.Errorf("%s, %d frames, due %v", s.words(), s.frames, s.rig.Driver.Due())
	}
	s.rig.Driver.Line(s.now, true)
	s.run(15 * time.Second)
	s.state(dispenser.Idle)
	if count[dispenser.Online](s) != 1 {
		t.Errorf("%s", s.words())
	}
}

// echo: a line that returns our own frames is a wiring fault, told once, and no contact; FA, which does not speak first, is woken
// to speak by a board that then dies.
func echo(t *testing.T, make func(t *testing.T) Rig) {
	s := newStage(t, make(t)).open()
	s.events = nil
	s.echo = true
	s.run(3 * time.Second)
	s.state(dispenser.Idle)
	if count[dispenser.Echo](s) != 1 {
		t.Errorf("with a board: %s", s.words())
	}
	s.rig.Board.Show(Dead)
	s.run(15 * time.Second)
	s.state(dispenser.Inoperative)
	s.run(15 * time.Second)
	if count[dispenser.Online](s) != 0 || count[dispenser.Echo](s) != 1 || count[dispenser.Offline](s) != 1 {
		t.Errorf("without a board: %s", s.words())
	}
}

func pieces(t *testing.T, make func(t *testing.T) Rig) {
	var views [2][]dispenser.View
	for i := range views {
		s := newStage(t, make(t))
		s.single = i == 1
		s.open().deliver(func(_ Scene, v dispenser.View) { views[i] = append(views[i], v) })
	}
	if !reflect.DeepEqual(views[0], views[1]) {
		t.Errorf("whole %+v, byte by byte %+v", views[0], views[1])
	}
}

func clockBack(t *testing.T, make func(t *testing.T) Rig) {
	s := newStage(t, make(t)).open()
	s.now = s.now.Add(-3 * time.Hour)
	s.rig.Driver.Wake(s.now)
	s.run(3 * time.Second)
	s.state(dispenser.Idle)
	s.rig.Board.Show(Dead)
	s.run(15 * time.Second)
	s.state(dispenser.Inoperative)
}

func deterministic(t *testing.T, make func(t *testing.T) Rig) {
	var events [2][]dispenser.Event
	var frames [2]int
	for i := range events {
		s := newStage(t, make(t)).open()
		s.deliver(func(Scene, dispenser.View) {})
		events[i], frames[i] = s.events, s.frames
	}
	if !reflect.DeepEqual(events[0], events[1]) || frames[0] != frames[1] || len(events[0]) == 0 {
		t.Errorf("%d and %d events, %d and %d frames", len(events[0]), len(events[1]), frames[0], frames[1])
	}
}

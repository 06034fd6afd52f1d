package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"greylock/system/card"
	"greylock/system/card/pcsc"
	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/station/till"
)

// told is a core that writes down what a till's reader tells it.
type told struct{ list chan string }

func (c told) CardIn(clock.Instant, int)  { c.list <- "in" }
func (c told) CardOut(clock.Instant, int) { c.list <- "out" }
func (c told) CardAnswer(_ clock.Instant, _ int, id uint64, r card.Reply) {
	c.list <- fmt.Sprintf("%d %s %v", id, r.Data, r.Err)
}

// fakeSlot is a reader that answers as planned.
type fakeSlot struct {
	mu    sync.Mutex
	got   []string
	reset []error // of the next resets; nil when used up
	fail  error   // of the next command, once
}

func (s *fakeSlot) Reset() (atr []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, "reset")
	if len(s.reset) > 0 {
		err, s.reset = s.reset[0], s.reset[1:]
	}
	return nil, err
}

func (s *fakeSlot) Transmit(command []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, string(command))
	err := s.fail
	s.fail = nil
	if err != nil {
		return nil, err
	}
	return []byte("ok"), nil
}

func (s *fakeSlot) Off() error   { return nil }
func (s *fakeSlot) Close() error { return nil }

func (s *fakeSlot) commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// readerRig is a till's reader between a watch, slots and a core that are the test's.
type readerRig struct {
	*testing.T
	user, psam *fakeSlot
	core       told
	r          *tillReader
	states     chan []pcsc.State
}

func newReaderRig(t *testing.T) *readerRig {
	t.Helper()
	j, _, err := journal.Open(journal.OS(t.TempDir()), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	x := &readerRig{T: t, user: &fakeSlot{}, psam: &fakeSlot{}, core: told{make(chan string, 64)}, states: make(chan []pcsc.State)}
	x.r = newTillReader(Till{Number: 1, Reader: "user", PSAM: "psam"}, x.user, x.psam, func(ctx context.Context, changed func([]pcsc.State, error)) error {
		for {
			select {
			case s := <-x.states:
				changed(s, nil)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	x.r.core = x.core
	if x.r.runner, err = NewRunner(&echo{}, j, first, clock.System{}, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { _ = x.r.runner.Run(ctx) })
	all.Go(func() { x.r.run(ctx) })
	t.Cleanup(func() { cancel(); all.Wait(); _ = j.Close() })
	return x
}

func (x *readerRig) card(present bool) {
	x.states <- []pcsc.State{{Name: "psam", Present: true}, {Name: "user", Present: present}}
}

// hears waits for what the core is told next.
func (x *readerRig) hears(want ...string) {
	x.Helper()
	for _, w := range want {
		select {
		case got := <-x.core.list:
			if got != w {
				x.Fatalf("the core hears %q, want %q", got, w)
			}
		case <-time.After(time.Minute):
			x.Fatalf("the core does not hear %q", w)
		}
	}
}

func (x *readerRig) send(id uint64, slot, command string) {
	x.r.runner.Do(func(clock.Instant) { x.r.transmit(id, slot, []byte(command)) })
}

// TestTillReader: a card comes, answers and goes.
func TestTillReader(t *testing.T) {
	t.Parallel()
	x := newReaderRig(t)
	x.card(true)
	x.hears("out", "in")
	x.send(1, till.SlotCard, "a")
	x.send(2, till.SlotPSAM, "b")
	for range 2 {
		if got := <-x.core.list; got != "1 ok <nil>" && got != "2 ok <nil>" {
			t.Fatal(got)
		}
	}
	x.card(false)
	x.hears("out", "out")
	x.send(3, till.SlotCard, "c") // the card has gone: whatever lies there next is not meant
	x.hears("3  " + card.ErrRemoved.Error())
	if got := x.user.commands(); !slices.Equal(got, []string{"reset", "a"}) {
		t.Errorf("the card heard %q", got)
	}
	if got := x.psam.commands(); !slices.Equal(got, []string{"reset", "b"}) {
		t.Errorf("the PSAM heard %q", got)
	}
}

// TestTillCardSwapped: the service sees no card that is changed in a moment; what answers then is another card.
func TestTillCardSwapped(t *testing.T) {
	t.Parallel()
	x := newReaderRig(t)
	x.card(true)
	x.hears("out", "in")
	x.user.mu.Lock()
	x.user.fail = card.ErrRemoved
	x.user.mu.Unlock()
	x.r.runner.Do(func(clock.Instant) {
		x.r.transmit(1, till.SlotCard, []byte("a"))
		x.r.transmit(2, till.SlotCard, []byte("for the first card"))
	})
	x.hears("1  "+card.ErrRemoved.Error(), "out", "in", "2  "+card.ErrRemoved.Error())
	x.send(3, till.SlotCard, "b")
	x.hears("3 ok <nil>")
	if got := x.user.commands(); !slices.Equal(got, []string{"reset", "a", "reset", "b"}) {
		t.Errorf("the cards heard %q", got)
	}
}

// TestTillReaderTaken: a card that does not come up because another program has the reader is tried again; a PSAM is powered up
// anew after each failure.
func TestTillReaderTaken(t *testing.T) {
	t.Parallel()
	x := newReaderRig(t)
	x.user.reset = []error{card.ErrReader}
	x.psam.reset, x.psam.fail = []error{nil}, errors.New("unplugged")
	x.send(1, till.SlotPSAM, "a")
	x.hears("1  unplugged")
	x.send(2, till.SlotPSAM, "b")
	x.hears("2 ok <nil>")
	if got := x.psam.commands(); !slices.Equal(got, []string{"reset", "a", "reset", "b"}) {
		t.Errorf("the PSAM heard %q", got)
	}
	x.card(true)
	x.hears("out", "in")
	if got := x.user.commands(); !slices.Equal(got, []string{"reset", "reset"}) {
		t.Errorf("the card heard %q", got)
	}
}

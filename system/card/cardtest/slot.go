package cardtest

import (
	"bytes"
	"errors"
	"testing"

	"greylock/system/card"
)

// Bench is a slot under test, a card beside it, and the hands that move the card.
type Bench struct {
	Slot card.Slot
	// Insert puts the card in and returns when the slot knows; Remove pulls it. Both nil: the card stays where it is.
	Insert, Remove func()
	// Tear pulls the card at the nth command from now, on one side of the card's work; nil: no hand can do that here.
	Tear func(nth int, phase Phase)
	// Obeyed is the number of commands that the card itself has carried out; nil where nobody counts.
	Obeyed func() int

	ATR []byte // of the card; nil: any
	// Enter is a command that the card answers with 9000 and that changes what Inside answers: 9000 only after Enter and
	// only until the card loses its power.
	Enter, Inside []byte
	// T0: the slot carries TPDUs, and an answer may come as 61xx.
	T0 bool
}

// Slots runs the contract of card.Slot against an implementation; each case begins on a bench of its own, card outside where
// hands are, inside where there are none.
func Slots(t *testing.T, open func(t *testing.T) Bench) {
	t.Helper()
	run := func(name string, f func(t *testing.T, b Bench)) {
		t.Run(name, func(t *testing.T) { f(t, open(t)) })
	}
	run("power", power)
	run("answers belong to the caller", owned)
	if open(t).Insert == nil {
		return
	}
	run("empty", empty)
	run("removed between commands", removed)
	run("another visit is another power-up", reinserted)
	if open(t).Tear == nil {
		return
	}
	for _, phase := range []Phase{Before, After} {
		run(phase.String(), func(t *testing.T, b Bench) { torn(t, b, phase) })
	}
}

func (b Bench) in() {
	if b.Insert != nil {
		b.Insert()
	}
}

// up resets and checks the ATR.
func (b Bench) up(t *testing.T) {
	t.Helper()
	atr, err := b.Slot.Reset()
	if err != nil || len(atr) < 2 || b.ATR != nil && !bytes.Equal(atr, b.ATR) {
		t.Fatalf("reset: ATR %X, want %X: %v", atr, b.ATR, err)
	}
}

// sw sends a command that must be answered.
func (b Bench) sw(t *testing.T, command []byte) uint16 {
	t.Helper()
	answer, err := b.Slot.Transmit(command)
	if err != nil || len(answer) < 2 {
		t.Fatalf("> %X: < %X: %v", command, answer, err)
	}
	sw := uint16(answer[len(answer)-2])<<8 | uint16(answer[len(answer)-1])
	if b.T0 && sw>>8 == 0x61 {
		sw = 0x9000
	}
	return sw
}

// lost sends a command that must not reach a card.
func (b Bench) lost(t *testing.T, when string) {
	t.Helper()
	if answer, err := b.Slot.Transmit(b.Inside); !card.Lost(err) || answer != nil {
		t.Errorf("%s: < %X: %v: want an error that says the card is lost", when, answer, err)
	}
}

// inside checks what the card remembers.
func (b Bench) inside(t *testing.T, when string, want bool) {
	t.Helper()
	if sw := b.sw(t, b.Inside); (sw == 0x9000) != want {
		t.Errorf("%s: SW %04X to the command that needs the one before", when, sw)
	}
}

func (b Bench) enter(t *testing.T) {
	t.Helper()
	if sw := b.sw(t, b.Enter); sw != 0x9000 {
		t.Fatalf("> %X: SW %04X", b.Enter, sw)
	}
}

func power(t *testing.T, b Bench) {
	b.in()
	b.lost(t, "before the first reset")
	b.up(t)
	b.inside(t, "after a reset", false)
	b.enter(t)
	b.inside(t, "after the command before it", true)
	b.up(t)
	b.inside(t, "after a second reset", false)
	for range 2 {
		if err := b.Slot.Off(); err != nil {
			t.Errorf("off: %v", err)
		}
	}
	b.lost(t, "without power")
	b.up(t)
	b.inside(t, "after off and reset", false)
	b.enter(t)
	b.inside(t, "at the end", true)
}

func owned(t *testing.T, b Bench) {
	b.in()
	b.up(t)
	b.enter(t)
	command := bytes.Clone(b.Inside)
	first, err := b.Slot.Transmit(command)
	if err != nil {
		t.Fatal(err)
	}
	kept := bytes.Clone(first)
	if !bytes.Equal(command, b.Inside) {
		t.Errorf("the command was changed to %X", command)
	}
	second, err := b.Slot.Transmit(command)
	if err != nil || !bytes.Equal(first, kept) || !bytes.Equal(second, kept) {
		t.Errorf("first %X, now %X, second %X: %v", kept, first, second, err)
	}
	clear(second)
	if third, err := b.Slot.Transmit(command); err != nil || !bytes.Equal(third, kept) {
		t.Errorf("third %X, want %X: %v", third, kept, err)
	}
}

func empty(t *testing.T, b Bench) {
	if atr, err := b.Slot.Reset(); !errors.Is(err, card.ErrAbsent) || atr != nil {
		t.Errorf("reset without a card: %X %v", atr, err)
	}
	b.lost(t, "without a card")
	if err := b.Slot.Off(); err != nil {
		t.Errorf("off without a card: %v", err)
	}
	b.in()
	b.up(t)
}

func removed(t *testing.T, b Bench) {
	b.in()
	b.up(t)
	b.enter(t)
	b.Remove()
	b.lost(t, "after the removal")
	b.lost(t, "the second time")
	b.in()
	b.lost(t, "inserted again, without a reset")
	b.up(t)
	b.inside(t, "inserted again", false)
}

func reinserted(t *testing.T, b Bench) {
	for range 2 {
		b.in()
		b.up(t)
		b.inside(t, "inserted", false)
		b.enter(t)
		b.Remove()
		if _, err := b.Slot.Reset(); !card.Lost(err) {
			t.Errorf("reset after the removal: %v", err)
		}
	}
}

func torn(t *testing.T, b Bench, phase Phase) {
	b.in()
	b.up(t)
	b.enter(t)
	before := b.Obeyed()
	b.Tear(2, phase)
	b.inside(t, "the command before the tear", true)
	answer, err := b.Slot.Transmit(b.Inside)
	if answer != nil || !errors.Is(err, card.ErrRemoved) && !errors.Is(err, card.ErrMute) {
		t.Errorf("%s: %X %v: want removed or mute, outcome unknown", phase, answer, err)
	}
	if got, want := b.Obeyed()-before, 1+int(phase); got != want {
		t.Errorf("%s: the card has obeyed %d commands, want %d", phase, got, want)
	}
	b.lost(t, "after the tear")
	b.in()
	b.up(t)
	b.inside(t, "after the tear and a reset", false)
	b.enter(t)
	b.inside(t, "at the end", true)
}

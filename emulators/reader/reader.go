// Package reader is an emulated card reader: slots into which hands put cards and from which they pull them, also in the
// middle of a command, and a client that offers a slot to a real PC/SC service through vsmartcard's vpcd driver.
//
// A slot gives power and carries commands; it changes no byte and knows no card. Source: libraries.md 4.4, 10.1.
package reader

import (
	"errors"
	"fmt"
	"sync"

	"greylock/system/card"
)

// ErrTaken is wrapped when a card is put into a slot that holds one.
var ErrTaken = errors.New("卡槽里已有卡 (the slot holds a card)")

// Phase says on which side of the card's work its power is cut.
type Phase byte

// Before: the command never reaches the card. After: the card obeys, its answer is lost.
const (
	Before Phase = iota
	After
)

// Slot is one slot of a reader, a card.Slot that people may use at any time from any goroutine. A card is powered only
// between Reset and Off, and it is pulled when its power fails inside a command.
type Slot struct {
	use sync.Mutex // held while the card works

	mu     sync.Mutex
	in     *visit
	change chan struct{} // closed when a card comes or goes
	count  int
	tearAt int // the value of count at which the card is pulled; 0 never
	phase  Phase
}

// visit is one card from its insertion to its removal.
type visit struct {
	card    card.Slot
	powered bool
	out     chan struct{} // closed when it is pulled
}

// NewSlot returns an empty slot.
func NewSlot() *Slot { return &Slot{change: make(chan struct{})} }

// Insert puts a card, without power, into the slot. ErrTaken: there is one.
func (s *Slot) Insert(c card.Slot) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.in != nil {
		return ErrTaken
	}
	s.in = &visit{card: c, out: make(chan struct{})}
	s.changed()
	return nil
}

// Remove pulls the card, whatever it is doing, and returns it without power; nil from an empty slot. A command on the way
// ends with card.ErrRemoved. Remove waits until the card itself has left its command: from then on it is the caller's.
func (s *Slot) Remove() card.Slot {
	s.mu.Lock()
	v := s.in
	s.pull()
	s.mu.Unlock()
	if v == nil {
		return nil
	}
	s.use.Lock()
	defer s.use.Unlock()
	_ = v.card.Off()
	return v.card
}

// pull takes the card out of the slot. The caller holds mu and switches the card off under use.
func (s *Slot) pull() {
	if s.in != nil {
		close(s.in.out)
		s.in = nil
		s.changed()
	}
}

func (s *Slot) changed() {
	close(s.change)
	s.change = make(chan struct{})
}

// Tear pulls the card at the nth command from now on, before or after the card has obeyed; 0 cancels the plan. Like a
// hand, it leaves the card out until Insert.
func (s *Slot) Tear(nth int, phase Phase) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tearAt, s.phase = 0, phase
	if nth > 0 {
		s.tearAt = s.count + nth
	}
}

// Torn reports that no planned cut is waiting any more: a test of a tear must see that it happened.
func (s *Slot) Torn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tearAt == 0
}

// Count is the number of commands that the slot was given with a card in it.
func (s *Slot) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Present reports a card.
func (s *Slot) Present() bool {
	v, _ := s.now()
	return v != nil
}

// now returns the card in the slot and what tells that it is another one or none.
func (s *Slot) now() (*visit, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.in, s.change
}

// Reset gives the card power anew and returns its ATR. card.ErrAbsent: no card; card.ErrMute: the card does not come up,
// its own error beside it.
func (s *Slot) Reset() ([]byte, error) {
	s.use.Lock()
	defer s.use.Unlock()
	v, _ := s.now()
	if v == nil {
		return nil, fmt.Errorf("reader: reset: %w", card.ErrAbsent)
	}
	return s.reset(v)
}

// reset is Reset of a card whose use the caller has.
func (s *Slot) reset(v *visit) ([]byte, error) {
	atr, err := v.card.Reset()
	v.powered = err == nil
	if s.gone(v) {
		return nil, fmt.Errorf("reader: reset: %w", card.ErrRemoved)
	}
	if err != nil {
		return nil, fmt.Errorf("reader: reset: %w: %w", card.ErrMute, err)
	}
	return atr, nil
}

// Off takes the power away.
func (s *Slot) Off() error {
	s.use.Lock()
	defer s.use.Unlock()
	if v, _ := s.now(); v != nil {
		v.powered = false
		return v.card.Off()
	}
	return nil
}

// Transmit carries one command to the card. card.ErrAbsent: no card; card.ErrMute: it has no power; card.ErrRemoved: it
// was pulled, or lost its power inside the command.
func (s *Slot) Transmit(command []byte) ([]byte, error) {
	s.use.Lock()
	defer s.use.Unlock()
	v, _ := s.now()
	if v == nil {
		return nil, fmt.Errorf("reader: %w", card.ErrAbsent)
	}
	return s.transmit(v, command)
}

// transmit is Transmit to a card whose use the caller has.
func (s *Slot) transmit(v *visit, command []byte) ([]byte, error) {
	if !v.powered {
		return nil, fmt.Errorf("reader: the card has no power: %w", card.ErrMute)
	}
	n, torn, phase := s.counted()
	if torn && phase == Before {
		s.lose(v)
		return nil, fmt.Errorf("reader: APDU %d, torn before: %w", n, card.ErrRemoved)
	}
	answer, err := v.card.Transmit(command)
	switch {
	case s.gone(v):
		_ = v.card.Off()
		return nil, fmt.Errorf("reader: APDU %d: %w", n, card.ErrRemoved)
	case err != nil:
		s.lose(v)
		return nil, fmt.Errorf("reader: APDU %d: %w: %w", n, card.ErrRemoved, err)
	case torn:
		s.lose(v)
		return nil, fmt.Errorf("reader: APDU %d, torn after: %w", n, card.ErrRemoved)
	}
	return answer, nil
}

// counted counts a command and tells whether the plan cuts it.
func (s *Slot) counted() (n int, torn bool, phase Phase) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	torn = s.count == s.tearAt
	if torn {
		s.tearAt = 0
	}
	return s.count, torn, s.phase
}

// lose pulls a card whose power failed, unless somebody has pulled it already. The caller has its use.
func (s *Slot) lose(v *visit) {
	_ = v.card.Off()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.in == v {
		s.pull()
	}
}

// gone reports that a card is no longer the one in the slot.
func (s *Slot) gone(v *visit) bool {
	now, _ := s.now()
	return now != v
}

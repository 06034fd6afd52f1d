// Package cardtest holds transports for tests: a recorder, a playback that fails when it is not used up, and a slot whose
// card is pulled at the nth APDU, before or after the card has obeyed.
package cardtest

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"

	"greylock/system/card"
	"greylock/system/card/transcript"
)

// Exchange is one command and what came back.
type Exchange struct {
	Command []byte
	Answer  []byte
	Err     error
}

// Recorder passes commands on and keeps every exchange.
type Recorder struct {
	Card      card.Transport
	Exchanges []Exchange
}

// Transmit passes on and records.
func (r *Recorder) Transmit(command []byte) ([]byte, error) {
	answer, err := r.Card.Transmit(command)
	r.Exchanges = append(r.Exchanges, Exchange{bytes.Clone(command), bytes.Clone(answer), err})
	return answer, err
}

// Playback answers the expected commands in order.
type Playback struct {
	t     testing.TB
	name  string
	lines []Exchange
	next  int
}

// Play returns a transport that expects exactly these exchanges; the test fails at another command and, at its end, if any
// exchange was not used.
func Play(t testing.TB, name string, lines ...Exchange) *Playback {
	t.Helper()
	p := &Playback{t: t, name: name, lines: lines}
	t.Cleanup(func() {
		if p.next < len(p.lines) {
			t.Errorf("%s: %d of %d exchanges were not used; next would be %X", name, len(p.lines)-p.next, len(p.lines), p.lines[p.next].Command)
		}
	})
	return p
}

// Script plays a transcript written in digits, without open bytes.
func Script(t testing.TB, name, text string) *Playback {
	t.Helper()
	written, err := transcript.Parse(text)
	var lines []Exchange
	for i := 0; err == nil && i < len(written); i++ {
		x := Exchange{Err: written[i].Err}
		if x.Command, err = written[i].Bytes(); err == nil {
			x.Answer, err = hex.DecodeString(written[i].Answer)
		}
		lines = append(lines, x)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return Play(t, name, lines...)
}

// Transmit answers the next command; another command than expected fails the test and finds no card.
func (p *Playback) Transmit(command []byte) ([]byte, error) {
	p.t.Helper()
	if p.next >= len(p.lines) {
		p.t.Errorf("%s: command %X after the end of the playback", p.name, command)
		return nil, card.ErrMute
	}
	want := p.lines[p.next]
	if !bytes.Equal(command, want.Command) {
		p.t.Errorf("%s: exchange %d:\n got > %X\nwant > %X", p.name, p.next+1, command, want.Command)
		return nil, card.ErrMute
	}
	p.next++
	return bytes.Clone(want.Answer), want.Err
}

// Phase says on which side of the card's work the card is pulled.
type Phase byte

// Before: the command never reaches the card. After: the card obeys, its answer is lost.
const (
	Before Phase = iota
	After
)

// String is the word of trust.md section 2.
func (p Phase) String() string { return [...]string{"torn-before", "torn-after"}[p] }

// Tear is a slot whose card is pulled at one APDU; until Insert there is no card.
type Tear struct {
	Card  card.Transport
	At    int // the APDU that is torn, from 1; 0 never
	Phase Phase
	Count int // APDUs so far, torn one included
	Out   bool
}

// Transmit passes on, or tears.
func (x *Tear) Transmit(command []byte) ([]byte, error) {
	if x.Out {
		return nil, card.ErrAbsent
	}
	x.Count++
	if x.Count != x.At {
		return x.Card.Transmit(command)
	}
	x.Out = true
	if x.Phase == After {
		if _, err := x.Card.Transmit(command); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("APDU %d, %s: %w", x.Count, x.Phase, card.ErrRemoved)
}

// Insert puts the card back; it is not torn again unless At is set higher than Count.
func (x *Tear) Insert() { x.Out = false }

// Torn reports whether the card was pulled: a test of a tear must see that it happened.
func (x *Tear) Torn() bool { return x.At > 0 && x.Count >= x.At }

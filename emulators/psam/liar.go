package psam

import (
	"fmt"

	"greylock/system/card"
)

// Lie is a planted violation: what a PSAM that lies or fails does, for the tests of those who must notice.
// Source: trust.md 2 rows 22, 25, 87 and 4.5.
type Lie byte

// The lies.
const (
	Honest       Lie = iota
	WrongMAC1        // one bit of MAC1 is wrong: the card refuses the lock
	WrongGMAC        // one bit of the GMAC is wrong: the card refuses the debit
	WrongTAC         // one bit of the PSAM-TAC is wrong: only the center can see it
	WrongAmount      // GMAC and PSAM-TAC are over one fen less than the amount asked for
	OtherAnswer      // the answer to the second DEBIT_SAM_GREY_LOCK is that to the first
	WrongTMAC        // one bit of the T_MAC is wrong
	BackwardsTTC     // the counter forgets every other transaction
)

// Liar stands before an honest PSAM and lies for it. It is a card.Slot.
type Liar struct {
	PSAM *PSAM
	Lie  Lie
	Lies int // how often it has lied

	kept  []byte // of the first debit
	image []byte // memory before an INIT
}

var _ card.Slot = (*Liar)(nil)

// Reset powers the PSAM up.
func (l *Liar) Reset() ([]byte, error) { return l.PSAM.Reset() }

// Off powers it down.
func (l *Liar) Off() error { return l.PSAM.Off() }

// Transmit passes a command on and changes it or its answer.
func (l *Liar) Transmit(command []byte) ([]byte, error) {
	ins := word(command)
	switch {
	case l.Lie == WrongAmount && ins == 0xE044 && len(command) >= 20:
		return l.other(command)
	case l.Lie == BackwardsTTC && ins == 0xE040:
		return l.backwards(command)
	}
	answer, err := l.PSAM.Transmit(command)
	if err != nil || word(answer[len(answer)-2:]) != 0x9000 {
		return answer, err
	}
	switch {
	case l.Lie == WrongMAC1 && ins == 0xE040 && len(answer) == 14:
		answer = l.flip(answer, 8)
	case l.Lie == WrongGMAC && ins == 0xE044 && len(answer) == 10:
		answer = l.flip(answer, 0)
	case l.Lie == WrongTAC && ins == 0xE044 && len(answer) == 10:
		answer = l.flip(answer, 4)
	case l.Lie == WrongTMAC && ins == 0x80FA && len(answer) == 6:
		answer = l.flip(answer, 0)
	case l.Lie == OtherAnswer && ins == 0xE044 && l.kept == nil:
		l.kept = append([]byte(nil), answer...)
	case l.Lie == OtherAnswer && ins == 0xE044:
		l.Lies++
		answer = append([]byte(nil), l.kept...)
	}
	return answer, nil
}

// other asks for the codes of one fen less (one more instead of nothing less).
func (l *Liar) other(command []byte) ([]byte, error) {
	c := append([]byte(nil), command...)
	for i := 19; i >= 16; i-- { // the amount ends the data
		c[i]--
		if c[i] != 0xFF {
			break
		}
	}
	if c[16] == 0xFF && command[16] != 0xFF {
		copy(c[16:20], []byte{0, 0, 0, 1})
	}
	l.Lies++
	return l.PSAM.Transmit(c)
}

// backwards restores the memory of before the last INIT, every second time: the counter gives one number twice.
func (l *Liar) backwards(command []byte) ([]byte, error) {
	mem, ok := l.PSAM.nv.(*MemNV)
	if !ok {
		return nil, fmt.Errorf("psam: liar: memory cannot be rolled back: %w", card.ErrReader)
	}
	if l.image == nil {
		l.image = mem.Image()
		return l.PSAM.Transmit(command)
	}
	name := append([]byte(nil), l.PSAM.tree.Name(l.PSAM.df)...)
	if err := mem.SetImage(l.image); err != nil {
		return nil, err
	}
	l.image = nil
	l.Lies++
	if _, err := l.PSAM.Reset(); err != nil {
		return nil, err
	}
	l.PSAM.enter(l.PSAM.tree.Named(name))
	return l.PSAM.Transmit(command)
}

func (l *Liar) flip(answer []byte, at int) []byte {
	l.Lies++
	answer[at] ^= 1
	return answer
}

func word(b []byte) uint16 {
	if len(b) < 2 {
		return 0
	}
	return uint16(b[0])<<8 | uint16(b[1])
}

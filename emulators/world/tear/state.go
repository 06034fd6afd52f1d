package tear

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"

	"greylock/emulators/cardos"
	"greylock/emulators/psam"
	"greylock/emulators/world"
	"greylock/system/clock"
	"greylock/system/terminal"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// state is all that is left when every power is off: two chips and the journals.
type state struct {
	card, sam            []byte // memories
	center, desk, making []record.Fact
	station              []record.Fact // what the till has written
	acts                 []int         // sizes of the desk's acts since the town was taken apart
	log                  []terminal.Entry
	fuel                 []fuelled // what the pump's register says
	now                  clock.Instant
	sessions             uint64
}

// fuelled is one line of the pump's register: the fuel under one lock, in money.
type fuelled struct {
	ttc    pboc.PSAMTTC
	amount unit.Fen
}

func (s *state) clone() *state {
	c := *s
	c.card, c.sam = slices.Clone(s.card), slices.Clone(s.sam)
	c.center, c.desk, c.making = slices.Clip(s.center), slices.Clip(s.desk), slices.Clip(s.making)
	c.station = slices.Clip(s.station)
	c.acts, c.log, c.fuel = slices.Clip(s.acts), slices.Clip(s.log), slices.Clip(s.fuel)
	return &c
}

// chip is the memory behind a door.
func (s *state) chip(d door) []byte {
	if d == toSAM {
		return s.sam
	}
	return s.card
}

func (s *state) setChip(d door, memory []byte) {
	if d == toSAM {
		s.sam = memory
	} else {
		s.card = memory
	}
}

// key names a state of this town: equal keys go on in the same way. Times of facts count, the number of sessions does not.
func (l *lab) key(s *state) ([32]byte, error) {
	h := sha256.New()
	for _, b := range [][]byte{s.card, s.sam} {
		writeLength(h, len(b))
		h.Write(b)
	}
	since := [][]record.Fact{s.center[len(l.Center.Facts):], s.desk[len(l.Outlet.Facts):], s.making[len(l.Making.Facts):], s.station}
	for _, facts := range since {
		writeLength(h, len(facts))
		for _, f := range facts {
			line, err := record.Encode(f)
			if err != nil {
				return [32]byte{}, fmt.Errorf("fact: %w", err)
			}
			h.Write(line)
		}
	}
	fmt.Fprintf(h, "%+v %+v", s.log, s.fuel)
	var k [32]byte
	h.Sum(k[:0])
	return k, nil
}

func writeLength(h hash.Hash, n int) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	h.Write(b[:])
}

// lab is what never changes: keys, profile, the town's numbers.
type lab struct {
	world.Parts
	card world.CardPart
	sam  world.SAMPart

	forget terminal.Kind // planted: steps of this kind never reach the terminal's log
}

// bytes is a memory that is only looked at.
type bytes []byte

func (b bytes) Size() int { return len(b) }

func (b bytes) Read(off int, to []byte) error {
	copy(to, b[off:])
	return nil
}

func (bytes) Write(int, []byte) error { return nil }

// look reads the card past its commands.
func (l *lab) look(s *state) (cardos.Oracle, error) { return cardos.Look(bytes(s.card), l.Profile) }

// lookSAM reads the PSAM past its commands.
func (l *lab) lookSAM(s *state) (psam.Oracle, error) { return psam.Look(bytes(s.sam), l.Profile) }

// evidence folds the terminal's log into what it knows about a card's last lock.
func (s *state) evidence(asn pboc.ASN) (v terminal.Evidence) {
	for _, e := range s.log {
		if e.Kind == terminal.Begin && e.ASN == asn || v.Found && v.Sale == e.Sale {
			v.Take(e)
		}
	}
	v.Own = v.Found
	return v
}

// ends are the entries of a kind.
func (s *state) ends(k terminal.Kind) (list []terminal.Entry) {
	for _, e := range s.log {
		if e.Kind == k {
			list = append(list, e)
		}
	}
	return list
}

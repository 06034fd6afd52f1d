// Package mem makes the software cards that conformance cases run against: personalised with the test keys through commands
// alone, behind the contact face of a card, each case with a memory of its own.
package mem

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"greylock/emulators/chip"
	"greylock/emulators/conform"
	"greylock/system/card"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

// Set is what a test card and a test PSAM hold.
type Set struct {
	Masters   map[string]pboc.Key // by the names of card.md 4.1
	Transport pboc.Key            // of blanks
	Issuer    pboc.Issuer
	ASN       pboc.ASN // of the user card
	PSAM      pboc.ASN
	TID       pboc.TID // of the PSAM, and of the terminal in the cases
	Desk      pboc.TID // of the issuing desk in the cases
	Start     [4]byte  // YYYYMMDD
	Expiry    [4]byte
}

// blank is an emulator as the factory delivers it.
type emulator interface {
	card.Slot
	Transmit(command []byte) ([]byte, error)
}

// kind is what differs between a user card and a PSAM.
type kind struct {
	size  int
	blank func(nv chip.NV, rnd io.Reader) (emulator, error)
	open  func(nv chip.NV, rnd io.Reader) emulator
	make  func(*maker) error
	wind  func(nv chip.NV, order conform.Order) error
}

// factory is a Maker of one kind: each state is made once and copied for every case.
type factory struct {
	kind
	images map[string][]byte
}

// Maker gives the cards of one kind.
func (k kind) maker() conform.Maker {
	f := &factory{kind: k, images: map[string][]byte{}}
	return f.order
}

func (f *factory) order(o conform.Order) (card.Slot, error) {
	image, err := f.image(o.State)
	if err != nil {
		return nil, err
	}
	nv := chip.NewMem(f.size)
	if err := nv.SetImage(image); err != nil {
		return nil, err
	}
	if err := f.wind(nv, o); err != nil {
		return nil, err
	}
	d := &dice{}
	return &slot{T0: chip.T0{Card: f.open(nv, d)}, dice: d}, nil
}

// image is the memory of a card in a state.
func (f *factory) image(state string) ([]byte, error) {
	if b := f.images[state]; b != nil {
		return b, nil
	}
	nv, d := chip.NewMem(f.size), &dice{}
	e, err := f.blank(nv, d)
	if err != nil {
		return nil, err
	}
	switch state {
	case conform.Blank:
	case conform.Made:
		m := &maker{card: e}
		if _, err := e.Reset(); err != nil {
			return nil, err
		}
		if err := errors.Join(f.make(m), m.err, e.Off()); err != nil {
			return nil, fmt.Errorf("mem: 制测试卡 (make a test card): %w", err)
		}
	default:
		return nil, fmt.Errorf("mem: %s: %w", state, conform.ErrCannot)
	}
	f.images[state] = nv.Image()
	return f.images[state], nil
}

// slot is a card whose randomness can be said.
type slot struct {
	chip.T0
	dice *dice
}

// Draw says what the card draws next.
func (s *slot) Draw(b []byte) { s.dice.said.Write(b) }

// dice gives what was said, then bytes that never repeat within a case.
type dice struct {
	said bytes.Buffer
	n    uint32
}

func (d *dice) Read(b []byte) (int, error) {
	n, _ := d.said.Read(b)
	for i := n; i < len(b); i++ {
		d.n++
		b[i] = byte(d.n * 0x9E3779B1 >> 24)
	}
	return len(b), nil
}

// maker sends commands that must succeed; after a failure it sends nothing more.
type maker struct {
	card emulator
	err  error
}

func (m *maker) ok(c apdu.Command) []byte {
	if m.err != nil {
		return nil
	}
	raw, err := m.card.Transmit(c.Bytes())
	if err != nil {
		m.err = err
		return nil
	}
	a, err := apdu.ParseAnswer(raw)
	if err == nil {
		err = a.SW.Err()
	}
	if err != nil {
		m.err = fmt.Errorf("%02X %02X %02X %02X: %w", c.CLA, c.INS, c.P1, c.P2, err)
		return nil
	}
	return a.Data
}

// challenge takes a random number; zeros after a failure.
func (m *maker) challenge(n int) []byte {
	b := m.ok(fuelcard.GetChallenge{Length: n}.Command())
	if len(b) != n {
		return make([]byte, n)
	}
	return b
}

// authenticate opens a DF with a master key.
func (m *maker) authenticate(s pboc.Suite, k pboc.Key) {
	answer := s.Authenticate(k, fuelcard.Challenge(m.challenge(4)))
	m.ok(fuelcard.ExternalAuthenticate{Cipher: answer}.Command())
}

// values are the names that cases of both kinds know.
func (s Set) values(p fuelcard.Profile) map[string][]byte {
	asn8 := s.ASN.Factor()
	return map[string][]byte{
		"transport": s.Transport[:], "issuer": s.Issuer[:], "asn": s.ASN[:], "asn8": asn8[:], "tid": s.TID[:], "desk": s.Desk[:],
		"kid": {p.KeyID}, "ver": {p.KeyVersion}, "alg": {p.Alg}, "start": s.Start[:], "expiry": s.Expiry[:],
	}
}

func kit(p fuelcard.Profile, values map[string][]byte) (conform.Kit, error) {
	suite, err := p.Suite()
	return conform.Kit{Suite: suite, Values: values, Flag: p.Value}, err
}

// Date packs YYYYMMDD; zeros for anything else.
func Date(s string) (d [4]byte) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(d) {
		return d
	}
	return [4]byte(b)
}

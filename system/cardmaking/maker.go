// Package cardmaking turns blanks of the card vendor into user cards and PSAMs of ours (first issue, 一次发卡): number,
// files, diversified keys, validity, read back.
//
// A job is sequential code over a transport. The number is taken, durably, just before the first write; from then on the
// card is that number or scrap. After a cut the same card goes on with the same number: every step is made again, and what
// is there already says so. Source: card.md section 11, trust.md row 75, adr/0003.
package cardmaking

import (
	"errors"
	"fmt"

	"greylock/system/clock"
	"greylock/system/vault"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// Errors that callers decide on. Any other error with a lost card leaves the job to be done again with the same card.
var (
	ErrNotBlank = errors.New("不是本批白卡, 或已作废 (not a blank of this batch, or scrapped)")
	ErrMade     = errors.New("此卡已制成 (this card is made already)")
	ErrReadBack = errors.New("回读不符, 请作废此卡 (read-back differs: scrap this card)")
	ErrNumbers  = errors.New("卡号用完 (no numbers left)")
)

// Keys are the operations of the making site's vault.
type Keys interface {
	WrapCardKey(name vault.Name, c vault.Card, g vault.Guard, rand []byte, replace bool) (apdu.Command, error)
	WrapPIN(c vault.Card, g vault.Guard, rand []byte, pin fuelcard.PIN) (apdu.Command, error)
	WrapPSAMKey(name vault.Name, psam pboc.ASN, g vault.Guard, rand []byte) (apdu.Command, error)
	ExternalAnswer(name vault.Name, c vault.Card, challenge [8]byte) ([8]byte, error)
	InternalAnswer(c vault.Card, challenge [8]byte) ([8]byte, error)
	PSAMExternalAnswer(name vault.Name, psam pboc.ASN, challenge [8]byte) ([8]byte, error)
	SecureMAC(name vault.Name, c vault.Card, rand, data []byte) (pboc.MAC, error)
	TMAC(data []byte) (pboc.MAC, error)
}

// Door is what a job needs of the program around it.
type Door interface {
	// Append writes the facts as one act; they are on the disk, and given to the maker's Apply, when it returns.
	Append(facts ...record.Fact) error
	Now() clock.Instant
}

// Config of a making site.
type Config struct {
	Realm     record.Realm
	Profile   fuelcard.Profile
	Company   byte // first byte of the issuer id in production, BCD. Source: card.md 3.8
	Province  byte // BCD
	Keys      Keys
	Transport pboc.Key // of the batch of blanks
}

// Maker makes cards one after the other. It is not safe for concurrent use.
type Maker struct {
	cfg   Config
	next  map[series]uint32  // next serial
	cards map[pboc.ASN]state // every number ever taken
	open  *record.CardBegun  // at most one user card is being made
	psam  *record.PSAMBegun  // at most one PSAM
}

// series of numbers that count by themselves.
type series struct{ kind, province byte }

// state of a number.
type state int

const (
	begun state = iota + 1
	made
	scrapped
)

// New returns a maker; the site's journal is replayed into Apply.
func New(cfg Config) *Maker {
	return &Maker{cfg: cfg, next: map[series]uint32{}, cards: map[pboc.ASN]state{}}
}

// Apply takes one fact of the site's journal, at replay and after each durable act.
func (m *Maker) Apply(_ uint64, f record.Fact) {
	switch f := f.(type) {
	case record.CardBegun:
		m.take(f.ASN)
		m.open = &f
	case record.CardMade:
		m.cards[f.ASN] = made
		m.closeCard(f.ASN)
	case record.CardScrapped:
		m.cards[f.ASN] = scrapped
		m.closeCard(f.ASN)
	case record.PSAMBegun:
		m.take(f.Number)
		m.psam = &f
	case record.PSAMMade:
		m.cards[f.Number] = made
		m.closeCard(f.Number)
	}
}

func (m *Maker) take(asn pboc.ASN) {
	m.cards[asn] = begun
	kind, province, serial := Split(asn)
	if s := (series{kind, province}); serial >= m.next[s] {
		m.next[s] = serial + 1
	}
}

func (m *Maker) serial(kind byte) uint32 { return max(1, m.next[series{kind, m.cfg.Province}]) }

func (m *Maker) closeCard(asn pboc.ASN) {
	if m.open != nil && m.open.ASN == asn {
		m.open = nil
	}
	if m.psam != nil && m.psam.Number == asn {
		m.psam = nil
	}
}

// Open is the number of the user card that was begun and is neither made nor scrapped.
func (m *Maker) Open() (pboc.ASN, bool) {
	if m.open == nil {
		return pboc.ASN{}, false
	}
	return m.open.ASN, true
}

// OpenPSAM is the same of a PSAM.
func (m *Maker) OpenPSAM() (pboc.ASN, bool) {
	if m.psam == nil {
		return pboc.ASN{}, false
	}
	return m.psam.Number, true
}

// Count reconciles: numbers taken = made + scrapped + open.
func (m *Maker) Count() (taken, done, spoiled int) {
	for _, s := range m.cards {
		switch s {
		case made:
			done++
		case scrapped:
			spoiled++
		}
	}
	return len(m.cards), done, spoiled
}

// Scrap gives an open number up for ever; its card is to be destroyed.
func (m *Maker) Scrap(door Door, asn pboc.ASN, reason string) error {
	if m.cards[asn] != begun {
		return fmt.Errorf("作废 %s (scrap): 该号未在制作中 (the number is not open)", asn)
	}
	return m.note(door, record.CardScrapped{TimeMs: door.Now().Milli(), ASN: asn, Reason: reason})
}

func (m *Maker) note(door Door, facts ...record.Fact) error {
	if err := door.Append(facts...); err != nil {
		return fmt.Errorf("制卡记录未能存盘 (making not durable): %w", err)
	}
	return nil
}

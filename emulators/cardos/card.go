// Package cardos is the software user card: an FMCOS-type card operating system with the petrol application of card.md,
// from the blank card to the grey lock, over memory that may be torn at any byte.
//
// It is the card's side of the wire alone and shares formats with a terminal, never decisions. A card becomes ours only
// through its commands: SELECT the MF, EXTERNAL AUTHENTICATION with the transport key (39 id 00) for the right to make
// files there, CREATE FILE, WRITE KEY (84 D4, secured by key 39 id 00 of the current DF, of the MF while the DF has none;
// 80 D4 plain inside a DF just made, until it is left). Files and keys may be made again after a cut: an id that is taken
// answers 6A80, a key that is there is replaced.
package cardos

import (
	"errors"
	"fmt"
	"io"

	"greylock/emulators/chip"
	"greylock/system/card"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

// What a card's memory is, see package chip.
type (
	NV     = chip.NV
	MemNV  = chip.Mem
	T0     = chip.T0
	Right  = chip.Right
	handle func(*Card, apdu.Command) ([]byte, apdu.SW)
)

// ErrTorn is a power cut inside a write; it is card.ErrRemoved too.
var ErrTorn = chip.ErrTorn

// Size is the memory of a card in bytes, of the order of the chips in use (8 KiB).
const Size = 8192

// NewMemNV returns an erased memory of a card's size.
func NewMemNV() *MemNV { return chip.NewMem(Size) }

// defaultATR is the answer to reset unless another is set: T=0, direct convention, 372/1.
var defaultATR = []byte{0x3B, 0x66, 0x00, 0x00, 'G', 'R', 'E', 'Y', '0', '1'}

// Card is one user card in a reader: a card.Slot. It is not safe for concurrent use.
type Card struct {
	ATR     []byte // answer to reset
	Lenient bool   // sloppy firmware, see lenient; strict by default

	nv      NV
	rnd     io.Reader
	profile fuelcard.Profile
	tdes    pboc.Suite // with the schedules of this card's keys
	tree    *chip.Tree // nil without power

	// What a card forgets without power. Source: card.md 6.1, 7.1.
	df      *chip.File // current DF
	fresh   *chip.File // DF in personalisation mode: made and not yet left
	mfState byte
	dfState byte
	next    []byte // challenge for the next command
	rand    []byte // challenge good for this command
	pending pending
	torn    error
}

var _ card.Slot = (*Card)(nil)

// New returns the card that a memory holds, without power. rnd is where its random numbers come from.
func New(nv NV, rnd io.Reader, profile fuelcard.Profile) *Card {
	return &Card{ATR: defaultATR, nv: nv, rnd: rnd, profile: profile}
}

// Blank formats the memory as a factory does and returns the card, without power: an MF named 1PAY.SYS.DDF01 in which
// only a holder of the transport key may make files, and its key file with that key as 39 id 00.
// Source: card.md 3.1, section 11.
func Blank(nv NV, rnd io.Reader, profile fuelcard.Profile, transport pboc.Key) (*Card, error) {
	tree, err := chip.OpenTree(nv)
	if err != nil {
		return nil, err
	}
	tree.Format()
	x := tree.Begin()
	tree.Make(x, nil, chip.Spec{Kind: chip.DF, ID: chip.MFID, Body: chip.DFBody(needMaster, needMaster, 0xFFFF, mfName, appSize)})
	tree.SetLife(x, cardUsable)
	if err := x.Commit(); err != nil {
		return nil, fmt.Errorf("cardos: blank: %w", err)
	}
	tree.Refresh()
	x = tree.Begin()
	tree.Make(x, tree.MF(), chip.Spec{Kind: chip.Keys, ID: 0, Write: needMaster, Body: make([]byte, mfKeySpace)})
	if err := x.Commit(); err != nil {
		return nil, fmt.Errorf("cardos: blank: %w", err)
	}
	tree.Refresh()
	x = tree.Begin()
	tree.AddKey(x, tree.MF(), chip.Key{Type: profile.KeyTypes.Master, Use: free, Change: 0xF3, A: fuelcard.StateMaster, B: fuelcard.Retry33, Value: transport[:]})
	if err := x.Commit(); err != nil {
		return nil, fmt.Errorf("cardos: blank: %w", err)
	}
	return New(nv, rnd, profile), nil
}

var mfName = []byte("1PAY.SYS.DDF01") // Source: card.md 3.1

const (
	free       Right = 0xF0 // Source: card.md 3.1
	afterPIN   Right = 0xF1
	needMaster Right = 0x03 // MF state 3: authenticated with the key 39 of the MF

	mfKeySpace = 0x60 // four keys of 16 bytes in FMCOS's own count

	// Life of the chip.
	cardUsable  = 0
	cardBlocked = 1
)

// Reset powers the card up: an interrupted write is finished or dropped first. It returns the ATR, or ErrTorn when the
// power failed again meanwhile.
func (c *Card) Reset() ([]byte, error) {
	_ = c.Off()
	tree, err := chip.OpenTree(c.nv)
	if err != nil {
		return nil, fmt.Errorf("cardos: reset: %w", err)
	}
	if tree.MF() == nil {
		return nil, fmt.Errorf("cardos: reset: memory holds no card: %w", card.ErrMute)
	}
	c.tree, c.df = tree, tree.MF()
	return append([]byte(nil), c.ATR...), nil
}

// Power is Reset.
func (c *Card) Power() ([]byte, error) { return c.Reset() }

// Off powers the card down: all that is volatile is gone.
func (c *Card) Off() error {
	c.tree, c.df, c.fresh = nil, nil, nil
	c.mfState, c.dfState = 0, 0
	c.next, c.rand, c.torn = nil, nil, nil
	c.pending = pending{}
	return nil
}

// Transmit gives one command to the card and returns data and status word at once, as a contactless card does (T0 makes
// the contact form of it). card.ErrMute: the card has no power. ErrTorn: the power was cut inside a write.
func (c *Card) Transmit(command []byte) ([]byte, error) {
	if c.tree == nil {
		return nil, fmt.Errorf("cardos: no power: %w", card.ErrMute)
	}
	if c.next != nil || !c.Lenient {
		c.rand, c.next = c.next, nil
	}
	var data []byte
	cmd, err := apdu.ParseCommand(command)
	sw := apdu.WrongLength
	if err == nil {
		data, sw = c.serve(cmd)
	}
	switch sw {
	case apdu.OK, apdu.NeverWritten, apdu.FileInvalid:
	default:
		data = nil // a refused act answers nothing but its status word
	}
	if c.torn != nil {
		torn := c.torn
		_ = c.Off()
		return nil, fmt.Errorf("cardos: %02X %02X: %w", cmd.CLA, cmd.INS, torn)
	}
	return apdu.Answer{Data: data, SW: sw}.Bytes(), nil
}

// handler finds the command. Source: card.md 6.2, 6.4.
func handler(cla, ins byte) handle {
	switch uint16(cla)<<8 | uint16(ins) {
	case 0x00A4:
		return (*Card).selectFile
	case 0x00B0:
		return (*Card).readBinary
	case 0x00B2:
		return (*Card).readRecord
	case 0x00D6, 0x04D6:
		return (*Card).updateBinary
	case 0x00DC, 0x04DC:
		return (*Card).updateRecord
	case 0x00E2, 0x04E2:
		return (*Card).appendRecord
	case 0x0084:
		return (*Card).getChallenge
	case 0x0082:
		return (*Card).externalAuthenticate
	case 0x0088:
		return (*Card).internalAuthenticate
	case 0x0020:
		return (*Card).verify
	case 0x805E:
		return (*Card).changePIN
	case 0x8424:
		return (*Card).unblockPIN
	case 0x841E:
		return (*Card).blockApplication
	case 0x8418:
		return (*Card).unblockApplication
	case 0x8416:
		return (*Card).blockCard
	case 0x80E0:
		return (*Card).createFile
	case 0x80D4, 0x84D4:
		return (*Card).writeKey
	case 0x805C:
		return (*Card).getBalance
	case 0x805A:
		return (*Card).transactionProve
	case 0x8050:
		return (*Card).initialize
	case 0x8052:
		return (*Card).creditForLoad
	case 0x8054:
		return (*Card).debit
	case 0x8058:
		return (*Card).updateOverdraw
	case 0x80DC:
		return (*Card).updateCAPP
	case 0xE07A:
		return (*Card).greyInit
	case 0xE07C:
		return (*Card).greyLock
	case 0xE07E:
		return (*Card).greyEnd
	case 0xE0CA:
		return (*Card).lockProof
	}
	return nil
}

func (c *Card) serve(cmd apdu.Command) ([]byte, apdu.SW) {
	if c.Lenient {
		return c.lenient(cmd)
	}
	return c.strict(cmd)
}

func (c *Card) strict(cmd apdu.Command) ([]byte, apdu.SW) {
	if h := handler(cmd.CLA, cmd.INS); h != nil {
		return h(c, cmd)
	}
	switch cmd.CLA {
	case 0x00, 0x04, 0x80, 0x84, 0xE0:
		return nil, apdu.UnknownINS
	}
	return nil, apdu.UnknownCLA
}

// admit is the part of the checks that all commands share: what is wrong with their form, then what is blocked.
// Source: card.md 6.3, 7.2.
func (c *Card) admit(form error) apdu.SW {
	if form != nil {
		return status(form)
	}
	if c.tree.Life() == cardBlocked {
		return apdu.FunctionOrBlocked
	}
	switch c.tree.Blocked(c.df) {
	case chip.Temporarily:
		return apdu.FunctionOrBlocked
	case chip.Permanently:
		return apdu.PermanentlyLocked
	}
	return apdu.OK
}

// status is the status word of an error about a command's form.
func status(err error) apdu.SW {
	var sw apdu.SW
	if errors.As(err, &sw) {
		return sw
	}
	return apdu.WrongData
}

// commit makes a transaction durable: 6581 from a worn memory. After a power cut nothing is answered any more.
func (c *Card) commit(x *chip.Tx) apdu.SW {
	switch err := x.Commit(); {
	case err == nil:
		return apdu.OK
	case errors.Is(err, chip.ErrWorn):
		return apdu.MemoryFailure
	default:
		c.torn = err
		return apdu.UnknownFailure
	}
}

// random draws four bytes: 6400, nothing has changed, when the source has none. Source: card.md section 9; the cause [ours].
func (c *Card) random() (r [4]byte, sw apdu.SW) {
	if _, err := io.ReadFull(c.rnd, r[:]); err != nil {
		return r, apdu.FlagsUnchanged
	}
	return r, apdu.OK
}

// personalising reports that the current DF was just made: nothing is enforced. Source: card.md 6.1.
func (c *Card) personalising() bool { return c.fresh != nil && c.fresh == c.df }

// pinGiven reports whether the state is one that the PIN gives. Source: card.md 7.4.
func (c *Card) pinGiven() bool { return c.allows(afterPIN) }

// allows reports whether the security state satisfies a right.
func (c *Card) allows(r Right) bool { return c.personalising() || r.Allows(c.mfState, c.dfState) }

// exact refuses an Le that is neither missing, 00 nor n. Source: card.md 6.1.
func exact(le, n int) apdu.SW {
	if le == apdu.NoLe || le == 0 || le == n {
		return apdu.OK
	}
	return chip.ExactLe(n)
}

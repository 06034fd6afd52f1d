// Package psam is the software PSAM: the dispenser's secure module, which makes MAC1, checks MAC2, gives one GMAC per grey
// lock, and computes PSAM-TAC and T_MAC, over memory that may be torn at any byte.
//
// It is written from card.md 8 alone. A blank becomes ours through its commands: SELECT the MF, EXTERNAL AUTHENTICATION
// with the transport key (usage 00), CREATE FILE, UPDATE BINARY, WRITE KEY (84 D4 00 00, secured by the usage-00 key of the
// current DF, of the MF while the DF has none; a usage and version that are there are replaced), SET STATUS at the end.
package psam

import (
	"errors"
	"fmt"
	"io"

	"greylock/emulators/chip"
	"greylock/system/card"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/samcard"
)

// What a PSAM's memory is, see package chip.
type (
	NV     = chip.NV
	MemNV  = chip.Mem
	Right  = chip.Right
	handle func(*PSAM, apdu.Command) ([]byte, apdu.SW)
)

// ErrTorn is a power cut inside a write; it is card.ErrRemoved too.
var ErrTorn = chip.ErrTorn

// Size is the memory of a PSAM in bytes.
const Size = 4096

// NewMemNV returns an erased memory of a PSAM's size.
func NewMemNV() *MemNV { return chip.NewMem(Size) }

var defaultATR = []byte{0x3B, 0x66, 0x00, 0x00, 'P', 'S', 'A', 'M', '0', '1'}

// PSAM is one PSAM in its slot: a card.Slot. It is not safe for concurrent use.
type PSAM struct {
	ATR []byte // answer to reset

	nv      NV
	rnd     io.Reader
	profile fuelcard.Profile
	tdes    pboc.Suite // with the schedules of the keys met last
	tree    *chip.Tree // nil without power

	// What a PSAM forgets without power.
	df      *chip.File
	fresh   *chip.File // DF in personalisation mode: made and not yet left
	mfState byte
	dfState byte
	next    []byte // challenge for the next command
	rand    []byte // challenge good for this command
	given   delivered
	lost    bool // psam_ctx_nvm off: the reset has taken the stage
	torn    error
}

var _ card.Slot = (*PSAM)(nil)

// New returns the PSAM that a memory holds, without power. rnd is where its random numbers come from.
func New(nv NV, rnd io.Reader, profile fuelcard.Profile) *PSAM {
	return &PSAM{ATR: defaultATR, nv: nv, rnd: rnd, profile: profile}
}

const (
	needMaster Right = 0x03 // state 3: authenticated with the usage-00 key of the MF

	keySpace = 0x0100 // ten keys

	// Life of the chip.
	inMaking = 0
	issued   = 1
)

// Blank erases and formats the memory as a factory does and returns the PSAM, without power: an MF in which only a holder
// of the transport key may make files, and that key as usage 00 version 00. The TTC is 0.
func Blank(nv NV, rnd io.Reader, profile fuelcard.Profile, transport pboc.Key) (*PSAM, error) {
	if err := nv.Write(0, make([]byte, nv.Size())); err != nil {
		return nil, fmt.Errorf("psam: blank: %w", err)
	}
	tree, err := chip.OpenTree(nv)
	if err != nil {
		return nil, err
	}
	s := New(nv, rnd, profile)
	tree.Format()
	s.tree = tree
	x := tree.Begin()
	tree.Make(x, nil, chip.Spec{Kind: chip.DF, ID: chip.MFID,
		Body: chip.DFBody(needMaster, needMaster, 0xFFFF, []byte(fuelcard.NameMF), mfData)})
	tree.SetLife(x, inMaking)
	if err := x.Commit(); err != nil {
		return nil, fmt.Errorf("psam: blank: %w", err)
	}
	tree.Refresh()
	s.df = tree.MF()
	if sw := s.needKeyFile(); sw != apdu.OK {
		return nil, fmt.Errorf("psam: blank: %w", sw)
	}
	x = tree.Begin()
	tree.AddKey(x, s.df, chip.Key{Type: byte(samcard.UsageMaster), B: pboc.AlgTDES, Value: transport[:]})
	if err := x.Commit(); err != nil {
		return nil, fmt.Errorf("psam: blank: %w", err)
	}
	return s, s.Off()
}

// Reset powers the PSAM up: an interrupted write is finished or dropped first. It returns the ATR, or ErrTorn when the
// power failed again meanwhile.
func (s *PSAM) Reset() ([]byte, error) {
	_ = s.Off()
	tree, err := chip.OpenTree(s.nv)
	if err != nil {
		return nil, fmt.Errorf("psam: reset: %w", err)
	}
	if tree.MF() == nil {
		return nil, fmt.Errorf("psam: reset: memory holds no PSAM: %w", card.ErrMute)
	}
	s.tree, s.df = tree, tree.MF()
	s.lost = !s.profile.PSAMContextNVM && s.sale().stage != stageDone
	return append([]byte(nil), s.ATR...), nil
}

// Power is Reset.
func (s *PSAM) Power() ([]byte, error) { return s.Reset() }

// Off powers the PSAM down: all that is volatile is gone.
func (s *PSAM) Off() error {
	s.tree, s.df, s.fresh = nil, nil, nil
	s.mfState, s.dfState = 0, 0
	s.next, s.rand, s.torn = nil, nil, nil
	s.given, s.lost = delivered{}, false
	return nil
}

// Transmit gives one command to the PSAM and returns data and status word at once (chip.T0 makes the contact form of it).
// card.ErrMute: no power. ErrTorn: the power was cut inside a write.
func (s *PSAM) Transmit(command []byte) ([]byte, error) {
	if s.tree == nil {
		return nil, fmt.Errorf("psam: no power: %w", card.ErrMute)
	}
	s.rand, s.next = s.next, nil
	var data []byte
	cmd, err := apdu.ParseCommand(command)
	sw := apdu.WrongLength
	if err == nil {
		data, sw = s.serve(cmd)
	}
	if s.torn != nil {
		torn := s.torn
		_ = s.Off()
		return nil, fmt.Errorf("psam: %02X %02X: %w", cmd.CLA, cmd.INS, torn)
	}
	if sw != apdu.OK && sw != apdu.NeverWritten {
		data = nil
	}
	return apdu.Answer{Data: data, SW: sw}.Bytes(), nil
}

// handler finds the command. Source: card.md 8.1.
func handler(cla, ins byte) handle {
	switch uint16(cla)<<8 | uint16(ins) {
	case 0x00A4:
		return (*PSAM).selectFile
	case 0x00B0:
		return (*PSAM).readBinary
	case 0x00D6:
		return (*PSAM).updateBinary
	case 0x0084:
		return (*PSAM).getChallenge
	case 0x0082:
		return (*PSAM).externalAuthenticate
	case 0x0088:
		return (*PSAM).internalAuthenticate
	case 0x80E0:
		return (*PSAM).createFile
	case 0x84D4:
		return (*PSAM).writeKey
	case 0x80F1:
		return (*PSAM).setStatus
	case 0x801A:
		return (*PSAM).deliveryKey
	case 0x80FA:
		return (*PSAM).cipherData
	case 0xE040:
		return (*PSAM).initGreyLock
	case 0xE042:
		return (*PSAM).certificate
	case 0xE044:
		return (*PSAM).debitGreyLock
	case 0xE046:
		return (*PSAM).getGMAC
	case 0x8070:
		return (*PSAM).initPurchase
	case 0x8072:
		return (*PSAM).creditPurchase
	}
	return nil
}

func (s *PSAM) serve(cmd apdu.Command) ([]byte, apdu.SW) {
	h := handler(cmd.CLA, cmd.INS)
	switch {
	case h != nil && s.tree.Blocked(s.df) == chip.Permanently && cmd.INS != 0xA4:
		return nil, apdu.PermanentlyLocked
	case h != nil:
		return h(s, cmd)
	}
	switch cmd.CLA {
	case 0x00, 0x80, 0x84, 0xE0:
		return nil, apdu.UnknownINS
	}
	return nil, apdu.UnknownCLA
}

// commit makes a transaction durable: 6581 from a worn memory. After a power cut nothing is answered any more.
func (s *PSAM) commit(x *chip.Tx) apdu.SW {
	switch err := x.Commit(); {
	case err == nil:
		return apdu.OK
	case errors.Is(err, chip.ErrWorn):
		return apdu.MemoryFailure
	default:
		s.torn = err
		return apdu.UnknownFailure
	}
}

// status is the status word of an error about a command's form.
func status(err error) apdu.SW {
	var sw apdu.SW
	if errors.As(err, &sw) {
		return sw
	}
	return apdu.WrongData
}

func (s *PSAM) random(n int) ([]byte, apdu.SW) {
	r := make([]byte, n)
	if _, err := io.ReadFull(s.rnd, r); err != nil {
		return nil, apdu.UnknownFailure
	}
	return r, apdu.OK
}

package world

import (
	"fmt"

	"greylock/system/terminal"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

// FakeTerminal is a terminal without our keys that somebody holds to a card. Every method returns the card's status word.
type FakeTerminal interface {
	// Authenticate tries EXTERNAL AUTHENTICATION to the application's master key with a guessed answer.
	Authenticate() (sw uint16, err error)
	// Lock tries to lock the card grey with a MAC1 of its own making.
	Lock() (sw uint16, err error)
	// Write tries to write the card's limits in the plain; WriteMAC with a MAC of its own making, after a fresh challenge.
	Write() (sw uint16, err error)
	WriteMAC() (sw uint16, err error)
}

// fakeTerminal talks to one card, past every reader of ours; the checkers see what it does.
type fakeTerminal struct {
	w *World
	p *plastic
}

// FakeTerminal powers the card up at a stranger's reader; its holder keys the PIN, for the terminal looks like any other.
func (w *World) FakeTerminal(name string) (FakeTerminal, error) {
	p, err := w.card(name)
	if err != nil {
		return nil, err
	}
	if p.in != 0 {
		return nil, fmt.Errorf("%s: %w", name, errNoCard)
	}
	if _, err := p.card.Reset(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f := fakeTerminal{w, p}
	if _, err := f.send(fuelcard.SelectName{Name: w.profile.AIDPetrol}.Command()); err != nil {
		return nil, err
	}
	pin := w.profile.DefaultPIN
	if p.pin != "" {
		if pin, err = terminal.KeyedPIN([]byte(p.pin)); err != nil {
			return nil, err
		}
	}
	a, err := f.send(fuelcard.Verify{PIN: pin}.Command())
	if err == nil && a.SW != apdu.OK {
		err = fmt.Errorf("%s: VERIFY: %w", name, a.SW)
	}
	return f, err
}

func (f fakeTerminal) send(c apdu.Command) (apdu.Answer, error) {
	raw, took, _, err := f.w.transmit(f.p, "假终端", c.Bytes())
	if err != nil {
		return apdu.Answer{}, err
	}
	f.w.Pass(took)
	return apdu.ParseAnswer(raw)
}

// Authenticate answers the card's challenge under a key of the stranger's own.
func (f fakeTerminal) Authenticate() (uint16, error) {
	a, err := f.send(fuelcard.GetChallenge{Length: 8}.Command())
	if err != nil {
		return 0, err
	}
	var challenge [8]byte
	copy(challenge[:], a.Data)
	guess := pboc.TDES.Authenticate(f.key(), challenge)
	a, err = f.send(fuelcard.ExternalAuthenticate{KeyID: 0, Cipher: guess}.Command())
	return uint16(a.SW), err
}

// key is whatever the stranger has: certainly none of ours.
func (f fakeTerminal) key() (k pboc.Key) {
	_, _ = f.w.bytes("stranger").Read(k[:]) // a ChaCha8 stream never fails
	return k
}

// Lock sends GREY LOCK with a MAC1 that no PSAM has made.
func (f fakeTerminal) Lock() (uint16, error) {
	tid, err := pboc.ParseTID("123456789012")
	if err != nil {
		return 0, err
	}
	a, err := f.send(fuelcard.InitGreyLock{Purse: fuelcard.ED, KeyID: 1, TID: tid}.Command())
	if err != nil || a.SW != apdu.OK {
		return uint16(a.SW), err
	}
	a, err = f.send(fuelcard.GreyLock{TTC: 1, Time: f.w.now.Civil().Stamp(), MAC1: pboc.MAC{1, 2, 3, 4}}.Command())
	return uint16(a.SW), err
}

// Write sends UPDATE BINARY of the limits in the plain.
func (f fakeTerminal) Write() (uint16, error) {
	a, err := f.send(fuelcard.UpdateBinary{SFI: fuelcard.SFILimits, Data: []byte{0xFF}}.Command())
	return uint16(a.SW), err
}

// WriteMAC sends UPDATE BINARY of the limits secured with a key that is none of ours.
func (f fakeTerminal) WriteMAC() (uint16, error) {
	a, err := f.send(fuelcard.GetChallenge{Length: 4}.Command())
	if err != nil {
		return 0, err
	}
	free := fuelcard.SecureUpdateBinary{SFI: fuelcard.SFILimits, Data: []byte{0xFF}}.Command()
	a, err = f.send(fuelcard.Seal(pboc.TDES, f.key(), a.Data, free))
	return uint16(a.SW), err
}

package cardmaking

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"greylock/system/card"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
)

// chat is the conversation with one card.
type chat struct{ card card.Transport }

// ask sends a command and wants one of the status words, 9000 if none is named. The error wraps the status word, or says
// that the outcome is unknown.
func (c chat) ask(doing string, cmd apdu.Command, allowed ...apdu.SW) (apdu.Answer, error) {
	raw, err := c.card.Transmit(cmd.Bytes())
	if err != nil {
		return apdu.Answer{}, fmt.Errorf("%s: %w", doing, err)
	}
	a, err := apdu.ParseAnswer(raw)
	if err != nil {
		return apdu.Answer{}, fmt.Errorf("%s: %w: %w", doing, card.ErrMute, err)
	}
	if a.SW != apdu.OK && !slices.Contains(allowed, a.SW) {
		return a, fmt.Errorf("%s: %w", doing, a.SW)
	}
	return a, nil
}

// challenge takes 4 or 8 random bytes of the card for the next command.
func (c chat) challenge(n int) ([]byte, error) {
	a, err := c.ask("取随机数 (GET CHALLENGE)", fuelcard.GetChallenge{Length: n}.Command())
	if err == nil && len(a.Data) != n {
		err = fmt.Errorf("取随机数 (GET CHALLENGE): %d 字节 (bytes): %w", len(a.Data), card.ErrMute)
	}
	return a.Data, err
}

// guarded takes a challenge and sends the command that seal makes with it.
func (c chat) guarded(doing string, seal func(rand []byte) (apdu.Command, error), allowed ...apdu.SW) (apdu.Answer, error) {
	rand, err := c.challenge(4)
	if err != nil {
		return apdu.Answer{}, fmt.Errorf("%s: %w", doing, err)
	}
	cmd, err := seal(rand)
	if err != nil {
		return apdu.Answer{}, fmt.Errorf("%s: %w", doing, err)
	}
	return c.ask(doing, cmd, allowed...)
}

// prove is EXTERNAL AUTHENTICATION with master key 00. It reports whether the card took it: not when it has another key
// (63Cx) or none (6A88). A dead key (6983) is an error.
func (c chat) prove(doing string, encipher func([8]byte) ([8]byte, error)) (bool, error) {
	a, err := c.guarded(doing, func(rand []byte) (apdu.Command, error) {
		cipher, err := encipher(fuelcard.Challenge(rand))
		return fuelcard.ExternalAuthenticate{KeyID: 0, Cipher: cipher}.Command(), err
	}, apdu.KeyNotFound)
	if _, wrong := a.SW.TriesLeft(); wrong && isSW(err) {
		return false, nil
	}
	return err == nil && a.SW == apdu.OK, err
}

// create makes a file; one that is there already (6A80; 6985 after SET STATUS) stays as it is, and the steps that need it
// tell if it is not.
func (c chat) create(doing string, cmd apdu.Command) (isNew bool, err error) {
	a, err := c.ask(doing, cmd, apdu.WrongData, apdu.Conditions)
	return err == nil && a.SW == apdu.OK, err
}

// createIn makes a DF whose files are made under the master key of the MF, or enters it. In the tables the right to make
// files needs the DF's own master key: a cut before that is written would leave a DF that nobody can fill.
func (c chat) createIn(doing string, f fuelcard.CreateFile) error {
	spec, err := fuelcard.ParseDFSpec(f.Data)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	spec.Create = mfMaster
	f.Data = spec.Bytes()
	isNew, err := c.create(doing, f.Command())
	if err != nil || isNew {
		return err
	}
	_, err = c.ask("选择应用 (SELECT application)", fuelcard.SelectFile{FID: f.FID}.Command())
	return err
}

// mfMaster is the right of who is authenticated with the master key of the MF, in any DF: MF state 3 and above.
// Source: card.md 3.1, adr/0003.
const mfMaster byte = 0x03

func (c chat) selectMF() error {
	_, err := c.ask("选择主目录 (SELECT MF)", fuelcard.SelectFile{FID: fuelcard.FIDMF}.Command())
	return err
}

// read reads a binary file and compares it with what it must hold.
func (c chat) read(doing string, sfi byte, want []byte) error {
	a, err := c.ask(doing, fuelcard.ReadBinary{SFI: sfi, Length: len(want)}.Command())
	if err != nil {
		return err
	}
	if !bytes.Equal(a.Data, want) {
		return fmt.Errorf("%s: %w", doing, ErrReadBack)
	}
	return nil
}

func isSW(err error) bool {
	var sw apdu.SW
	return errors.As(err, &sw)
}

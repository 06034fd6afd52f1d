// Package terminal is what a terminal does with a user card and a PSAM: plain sequential code over card.Transport that
// identifies, checks limits, locks, debits, recovers what was torn, loads and unlocks. It holds no key and no goroutine.
//
// The card may leave at any APDU. Every function leaves card, PSAM and log in a state from which Recover goes on; what is
// unknown is said as ErrUnknown, never guessed. Steps that must be durable first take a Durable token (trust.md 1.1).
//
// The order of a sale (card.md 12.1, trust.md 1.1):
//
//	id := Identify            proof, := Recover(id.ASN, id.Proof, evidence) → Settle first if it says so
//	Authenticate, VerifyPIN, Today, Allow
//	lock := Lock              INIT GREY LOCK, INIT_SAM_GREY_LOCK, BEGIN, GREY LOCK, CERTIFICATE
//	Note(lock.Entry(FuelStart))            … fuel …
//	ended := Note(lock.Entry(FuelEnd) with Amount)
//	sig := Sign(lock, ended)  DEBIT_SAM_GREY_LOCK
//	paid := Debit(lock, sig)  DEBIT FOR UNLOCK; card gone: Note(Escape) with GTAC and sig instead
//	done := Note(paid.Entry() with the record); ClearTACUF(done); the card is free; TMAC(record)
package terminal

import (
	"errors"
	"fmt"
	"io"

	"greylock/system/card"
	"greylock/system/clock"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

// Terminal is one place where cards are served: one slot for the user card, and a PSAM where sales are made. It is used by
// one caller at a time. Its zero fields are allowed where the functions used do not need them: a desk has no PSAM.
type Terminal struct {
	Card    card.Transport
	PSAM    card.Transport
	Profile fuelcard.Profile
	Clock   func() clock.Instant
	Rand    io.Reader // challenges for INTERNAL AUTHENTICATION
	Log     Log

	// Brief reads of a card only what a sale needs, where every byte is time at a pump and the holder's name is nobody's
	// business: the public data out of SELECT's answer, no holder data, what is meaningful of 001B and 001C.
	Brief bool

	// Loyalty serves the loyalty application of card and PSAM: points in EP, no limits. Source: card.md 3.1, 3.9.
	Loyalty bool

	// Both, where it is set, lets user card and PSAM work at the same time, each on a command of its own; without it they take
	// turns. What one of them does or suffers is nothing to the other. Source: trust.md P2.
	Both func(user, psam []byte) (ofUser, ofPSAM card.Reply)

	ahead *cardProof // what the PSAM says that the card in the slot answers, asked for while the card was read

	verified bool // the PIN was verified since the application was selected

	// SAM is who the PSAM is; ReadPSAM sets it, after each time the PSAM was powered up.
	SAM SAM
}

// command is what fuelcard and samcard encode.
type command interface{ Command() apdu.Command }

// send transmits a command and wants SW 9000. The error wraps an apdu.SW for a refusal; any other error means that the
// outcome is unknown.
func send(to card.Transport, doing string, c command) ([]byte, error) {
	raw, err := to.Transmit(c.Command().Bytes())
	return parsed(doing, raw, err)
}

// parsed is the data of an answer whose SW is 9000.
func parsed(doing string, raw []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	a, err := apdu.ParseAnswer(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", doing, card.ErrMute, err)
	}
	if err := a.SW.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return a.Data, nil
}

// ask transmits a command and decodes its answer. An answer that can not be decoded leaves the outcome unknown.
func ask[T any](to card.Transport, doing string, c command, parse func([]byte) (T, error)) (T, error) {
	data, err := send(to, doing, c)
	if err != nil {
		var none T
		return none, err
	}
	x, err := parse(data)
	if err != nil {
		return x, fmt.Errorf("%s: 应答无法解析 (answer can not be read): %w: %w", doing, errGarbled, err)
	}
	return x, nil
}

// errGarbled hides a status word that a decoder wraps: a garbled answer is no refusal.
var errGarbled = errors.New("garbled answer")

// refused returns the status word with which a card or PSAM declined; false when the outcome is unknown, as it is after a
// failure of the memory (6581) or one without a name (6F00).
func refused(err error) (apdu.SW, bool) {
	var sw apdu.SW
	if errors.Is(err, errGarbled) || !errors.As(err, &sw) || sw == apdu.MemoryFailure || sw == apdu.UnknownFailure {
		return 0, false
	}
	return sw, true
}

// Note makes an entry durable and returns the token that the next step wants.
func (t *Terminal) Note(e Entry) (Durable, error) {
	if err := t.Log.Append(e); err != nil {
		return Durable{}, fmt.Errorf("%s 未能存盘 (%s not durable): %w", e.Kind, e.Kind, err)
	}
	return Durable{e}, nil
}

// again finds out, after an answer was lost, what the card did: application, number, lock proof. It fails with
// ErrOtherCard when the slot now holds another card, and with the transport's error when there is none.
func (t *Terminal) again(asn pboc.ASN) (fuelcard.LockProof, error) {
	fci, err := t.selectCard()
	if err != nil {
		return fuelcard.LockProof{}, err
	}
	public, err := t.readPublic(fci)
	if err != nil {
		return fuelcard.LockProof{}, err
	}
	if public.ASN != asn {
		return fuelcard.LockProof{}, ErrOtherCard
	}
	return t.Proof()
}

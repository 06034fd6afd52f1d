package issuing

import (
	"bytes"
	"errors"
	"fmt"

	"greylock/system/card"
	"greylock/system/terminal"
	"greylock/system/vault"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// Pad is where the holder keys his PIN; it is asked only where the card wants it, and what it returns is wiped.
type Pad func() (fuelcard.PIN, error)

// Visit is one inserted card: identified, proven to be ours, with nothing left open that could be settled.
type Visit struct {
	desk  *Desk
	door  Door
	term  *terminal.Terminal
	card  vault.Card
	id    terminal.Identity
	block terminal.Block // then the number is all that is known of the card
	left  error          // why an open load or unload could not be settled yet
	pad   Pad
}

// Insert begins a visit. The order is: who is it, keep its proof, is it ours, settle what is open. A refused card's proof is
// kept all the same. A card whose application is blocked is let in for what may still be done with it. *terminal.Refusal,
// terminal.ErrDead, terminal.ErrForeign, ErrRealm, or the transport's error.
func (d *Desk) Insert(door Door, t card.Transport) (*Visit, error) { return d.InsertPIN(door, t, nil) }

// InsertPIN is Insert at a desk with a pad, for cards that want the PIN for more than a sale (pin_scope, pin_unlock, balance_pin).
// Without a pad, what wants the PIN of a holder who has his own is ErrPIN. Source: card.md 7.4.
func (d *Desk) InsertPIN(door Door, t card.Transport, pad Pad) (*Visit, error) {
	v := d.visit(door, t)
	v.pad = pad
	if err := v.enter(); err != nil {
		return nil, err
	}
	return v, nil
}

func (d *Desk) visit(door Door, t card.Transport) *Visit {
	v := &Visit{desk: d, door: door}
	v.term = &terminal.Terminal{Card: t, Profile: d.cfg.Profile, Clock: door.Now, Rand: d.cfg.Random, Log: &log{v}}
	return v
}

func (v *Visit) enter() error {
	v.block = terminal.Unblocked
	err := v.identify()
	if v.id.Refused != nil && v.id.ASN == (pboc.ASN{}) {
		return v.enterBlocked(err)
	}
	if err != nil {
		return err
	}
	if err := v.known(v.id.Public); err != nil {
		return err
	}
	if err := v.term.Authenticate(v.id, host{v}); err != nil {
		return err
	}
	if err := v.verify(v.id.Hidden); err != nil && !noPIN(err) {
		return err
	}
	return v.settle()
}

// enterBlocked lets a card in whose application is blocked; any other that SELECT refuses stays refused. It can prove nothing
// before it is unblocked, and only a card of ours takes the MAC that unblocks it.
func (v *Visit) enterBlocked(refused error) error {
	id, block, err := v.term.IdentifyBlocked()
	switch {
	case err != nil:
		return err
	case block == terminal.Unblocked:
		return refused
	}
	if err := v.known(id.Public); err != nil {
		return err
	}
	v.id, v.block = id, block
	return v.settleAct()
}

// known takes the card's number and realm.
func (v *Visit) known(p fuelcard.PublicData) error {
	if !v.desk.cfg.Realm.OwnsIssuer(p.Issuer) {
		return ErrRealm
	}
	v.card = vault.CardOf(p, v.desk.cfg.Profile.Alg)
	return nil
}

// usable says why money can not be moved, nor the card be opened.
func (v *Visit) usable() error {
	switch {
	case v.block != terminal.Unblocked:
		return ErrBlocked
	case v.id.Proof.State == fuelcard.Grey:
		return ErrGrey
	}
	return nil
}

// identify reads the card and keeps its proof.
func (v *Visit) identify() error {
	var err error
	v.id, err = v.term.Identify()
	if v.id.Proof != (fuelcard.LockProof{}) {
		if noted := v.keepProof(); noted != nil {
			return noted
		}
	}
	if err != nil {
		return err
	}
	if v.id.Refused != nil {
		return v.id.Refused
	}
	return nil
}

// keepProof makes the lock proof durable, once. Source: trust.md rule 4.
func (v *Visit) keepProof() error {
	proof := v.id.Proof.Bytes()
	if bytes.Equal(v.desk.seen[v.id.ASN], proof) {
		return nil
	}
	return v.note(record.ProofSeen{TimeMs: v.door.Now().Milli(), ASN: v.id.ASN, Proof: proof, Where: string(v.desk.cfg.Site)})
}

// settle ends what visits before have left: a load or unload without an end, an act on the card, a TAC that nobody has read. A transfer that can not be
// settled now, because the center is not there or the card is grey, stays open and is said by Load and Unload.
func (v *Visit) settle() error {
	if v.id.Proof.State == fuelcard.TACUnread {
		if err := v.clear(); err != nil {
			return err
		}
	}
	if err := v.settleAct(); err != nil {
		return err
	}
	if v.id.Proof.State == fuelcard.Grey {
		return nil
	}
	v.left = v.settleTransfer()
	switch {
	case errors.Is(v.left, ErrOpen), errors.Is(v.left, terminal.ErrLoadOpen), noPIN(v.left):
		return nil
	case v.left != nil:
		return v.left
	}
	if err := v.elsewhere(); card.Lost(err) {
		return err // anything else is said when money is to be moved
	}
	return nil
}

// clear reads what the card has paid, keeps it, tells the center of an online unlock, and lets the card forget the flag.
func (v *Visit) clear() error {
	done, err := v.term.Note(terminal.Entry{Kind: terminal.Done, ASN: v.id.ASN, TAC: v.id.Proof.Code, Amount: v.id.Proof.Amount()})
	if err != nil {
		return err
	}
	if v.id.Proof.Online() {
		v.unlockEnded(v.id.Proof.OnlineSN(), v.id.Proof.Code)
	}
	if err := v.term.ClearTACUF(done); err != nil {
		return err
	}
	v.id.Proof.State = fuelcard.NotGrey
	return nil
}

// forPurse verifies the PIN where the profile's cards want it before money moves. Source: card.md 7.4, pin_scope.
func (v *Visit) forPurse() error {
	return v.verify(v.desk.cfg.Profile.PINScope == fuelcard.PINAllPurse)
}

// verify shows the card its PIN once, if it is wanted: the default one silently, his own keyed by the holder. ErrPIN;
// *terminal.PINError.
func (v *Visit) verify(wanted bool) error {
	if !wanted || v.term.Verified() {
		return nil
	}
	pin := v.desk.cfg.Profile.DefaultPIN
	if v.id.UserPIN() {
		if v.pad == nil {
			return ErrPIN
		}
		keyed, err := v.pad()
		if err != nil {
			return err
		}
		defer terminal.Wipe(keyed)
		pin = keyed
	}
	if err := v.term.VerifyPIN(pin); err != nil {
		return err
	}
	return v.term.Reveal(&v.id)
}

// noPIN says that an error is about the PIN alone: the visit goes on with what needs none, a new PIN too.
func noPIN(err error) bool {
	var wrong *terminal.PINError
	return errors.Is(err, ErrPIN) || errors.As(err, &wrong)
}

// ASN is the number of the card.
func (v *Visit) ASN() pboc.ASN { return v.id.ASN }

// Identity is what was read from the card.
func (v *Visit) Identity() terminal.Identity { return v.id }

// Unsettled says why a load or unload of this card is still open; nil when none is.
func (v *Visit) Unsettled() error {
	if _, open := v.desk.open[v.id.ASN]; !open {
		return nil
	}
	return errors.Join(ErrOpen, v.left)
}

func (v *Visit) note(facts ...record.Fact) error { return v.desk.note(v.door, facts...) }

// log makes the terminal's durable steps of a desk: the proof of the card that is there.
type log struct{ v *Visit }

// Append keeps the proof that holds the TAC.
func (l *log) Append(e terminal.Entry) error {
	if e.Kind != terminal.Done || e.ASN != l.v.id.ASN || e.TAC != l.v.id.Proof.Code {
		return terminal.ErrOrder
	}
	return l.v.keepProof()
}

// High knows of no PSAM: a desk has none.
func (l *log) High(pboc.TID) (pboc.PSAMTTC, bool) { return 0, false }

// host is the outlet's vault, as the terminal asks for it.
type host struct{ v *Visit }

var (
	_ terminal.Verifier = host{}
	_ terminal.Sealer   = host{}
)

// Authenticate gives what a card of ours answers.
func (h host) Authenticate(asn pboc.ASN, issuer pboc.Issuer, challenge [8]byte) ([8]byte, error) {
	if asn != h.v.card.ASN || issuer != h.v.card.Issuer {
		return [8]byte{}, terminal.ErrOtherCard
	}
	return h.v.desk.cfg.Keys.InternalAnswer(h.v.card, challenge)
}

// Seal gives the MAC of a secured file write.
func (h host) Seal(asn pboc.ASN, issuer pboc.Issuer, challenge []byte, c apdu.Command) (apdu.Command, error) {
	if asn != h.v.card.ASN || issuer != h.v.card.Issuer {
		return c, terminal.ErrOtherCard
	}
	mac, err := h.v.desk.cfg.Keys.SecureMAC(vault.DAMK, h.v.card, challenge, c.MACSpan())
	if err != nil {
		return c, fmt.Errorf("安全报文 (secure messaging): %w", err)
	}
	return c.WithMAC(mac), nil
}

package world

import (
	"errors"

	"greylock/system/app"
	"greylock/system/card"
	"greylock/system/cardmaking"
	"greylock/system/journal"
	"greylock/system/keymgmt"
	"greylock/system/vault"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
)

// KeyRoom is a key room as its custodians see it.
type KeyRoom interface {
	// Sit is one sitting: everyone types in turn, then the keys are made. An error is the room's refusal.
	Sit(entries ...KeyEntry) error
	// Minutes is the paper of the ceremony; an error before it was held.
	Minutes() (string, error)
	// Keys are the check values that the room shows, by name.
	Keys() ([]record.KeyCheck, error)
	// Open opens the vault with the custodians' passwords, in the order of the minutes.
	Open(first, second string) error
	// Verify checks the vault's file against its hash and the journal.
	Verify() error
	// Audit lists what the room's journal holds, oldest first.
	Audit() ([]record.Fact, error)
}

// KeyEntry is what one custodian types; the words of consent are typed along.
type KeyEntry struct{ Custodian, Password string }

// Making is the making room: blanks become cards and PSAMs of ours.
type Making interface {
	// Card makes the named blank a user card.
	Card(name string) (record.CardMade, error)
	// PSAM makes a fresh blank PSAM ours, and again answers the second try on the same PSAM.
	PSAM(name string) (record.PSAMMade, error)
}

// KeyRoom opens a fresh key room.
func (w *World) KeyRoom(scope string) (KeyRoom, error) { return w.newKeyRoom(scope) }

// Sit holds one sitting.
func (k *keyRoom) Sit(entries ...KeyEntry) error {
	c, err := k.room.Ceremony()
	if err != nil {
		return err
	}
	defer c.Cancel()
	for _, e := range entries {
		typed := keymgmt.Entry{Custodian: e.Custodian, Password: []byte(e.Password), Again: []byte(e.Password), Words: keymgmt.Words(k.scope)}
		if err := c.Enter(typed); err != nil {
			return err
		}
	}
	_, err = c.Make()
	return err
}

// Minutes prints the paper.
func (k *keyRoom) Minutes() (string, error) {
	m, err := k.room.Minutes()
	if err != nil {
		return "", err
	}
	return m.Text(), nil
}

// Keys lists the check values.
func (k *keyRoom) Keys() ([]record.KeyCheck, error) {
	m, err := k.room.Minutes()
	return m.Keys, err
}

// Open opens the vault and wipes it again.
func (k *keyRoom) Open(first, second string) error {
	v, err := k.room.Unlock(vault.Passwords{[]byte(first), []byte(second)})
	if err != nil {
		return err
	}
	v.Wipe()
	return nil
}

// Verify checks the vault's file.
func (k *keyRoom) Verify() error { return k.room.Verify() }

// Audit reads the room's journal.
func (k *keyRoom) Audit() (facts []record.Fact, err error) {
	err = k.j.Read(1, func(r journal.Record) error {
		f, err := record.Decode(r.Body)
		facts = append(facts, f)
		return err
	})
	return facts, err
}

// Making is the making room.
func (w *World) Making() Making { return makingRoom{w, map[string]*sam{}} }

type makingRoom struct {
	w      *World
	blanks map[string]*sam
}

// Card makes the named card.
func (m makingRoom) Card(name string) (made record.CardMade, err error) {
	p, err := m.w.card(name)
	if err != nil {
		return made, err
	}
	from, to := m.w.validity()
	err = m.w.making.job(p, nil, func(door app.Door, t card.Transport) error {
		made, err = m.w.maker.MakeCard(door, t, cardmaking.CardOrder{Kind: fuelcard.CardUser, ValidFrom: from, ValidTo: to})
		return err
	})
	if err == nil {
		p.asn = made.ASN
	}
	return made, err
}

// PSAM makes the named PSAM; the first call of a name takes a blank from the batch.
func (m makingRoom) PSAM(name string) (made record.PSAMMade, err error) {
	s, ok := m.blanks[name]
	if !ok {
		if s, err = m.w.newSAM(name); err != nil {
			return made, err
		}
		m.blanks[name] = s
	}
	from, to := m.w.validity()
	err = m.w.making.job(nil, s, func(door app.Door, t card.Transport) error {
		made, err = m.w.maker.MakePSAM(door, t, cardmaking.PSAMOrder{ValidFrom: from, ValidTo: to})
		return err
	})
	return made, err
}

// errNoCard says that a fake terminal has nothing to talk to.
var errNoCard = errors.New("此卡正在别处 (the card is elsewhere)")

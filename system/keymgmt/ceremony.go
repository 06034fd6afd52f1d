package keymgmt

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
	"unicode/utf8"

	"greylock/system/clock"
	"greylock/system/vault"
)

// Rules of a ceremony. Source: trust.md requirements 1, 37.
const (
	window          = 10 * time.Minute
	passwordMin     = 15  // characters
	passwordMax     = 128 // characters
	passwordVariety = 5   // different bytes: refuses a key held down
)

// Entry is what one custodian types, unseen by the other. Each password is typed twice; the two are compared only when both
// custodians are done, so that nothing tells whose hand slipped.
type Entry struct {
	Custodian string
	Password  []byte
	Again     []byte
	Words     string // the words of consent, see Words
}

// Words are what each custodian types to agree to something that can never be undone. Source: ux.md OP-13, 8.5.
func Words(scope string) string { return "同意生成 " + scope }

// step of a ceremony.
type step int

const (
	wantFirst step = iota
	wantSecond
	wantMake
	over
)

// errOrder is our own bug: a page or a command that asks in the wrong order.
var errOrder = errors.New("keymgmt: the ceremony is not at this step")

// Ceremony is one sitting of two custodians: Enter, Enter, Make. A refusal ends it; the next sitting begins anew.
type Ceremony struct {
	room    *Room
	began   clock.Instant
	step    step
	entries [2]Entry
}

// Ceremony opens a sitting. It is refused with ErrHeld when the keys of the scope exist, and with Wait after wrong passwords.
func (r *Room) Ceremony() (*Ceremony, error) {
	if err := r.wait(); err != nil {
		return nil, err
	}
	if err := r.free(); err != nil {
		return nil, err
	}
	return &Ceremony{room: r, began: r.door.Now()}, nil
}

// free refuses when either the journal or the directory knows of keys.
func (r *Room) free() error {
	if r.held != nil {
		return r.refuse(AlreadyHeld)
	}
	_, err := r.read(fileName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	return r.refuse(AlreadyHeld)
}

// Enter takes the entry of the next custodian and keeps a copy; the caller wipes its own. What needs no comparison is
// refused at once: a weak password, the same person.
func (c *Ceremony) Enter(e Entry) error {
	if c.step != wantFirst && c.step != wantSecond {
		return errOrder
	}
	if err := c.inTime(); err != nil {
		return err
	}
	e.Password, e.Again = bytes.Clone(e.Password), bytes.Clone(e.Again)
	c.entries[c.step] = e
	c.step++
	switch {
	case samePerson(e.Custodian, "") || weak(e.Password):
		return c.refuse(WeakPassword)
	case c.step == wantMake && samePerson(e.Custodian, c.entries[0].Custodian):
		return c.refuse(SamePerson)
	}
	return nil
}

// Make makes the keys. On an error before the vault file is in place nothing has happened; on an error after it the keys
// exist, and Start puts the missing fact right.
func (c *Ceremony) Make() (Minutes, error) {
	if c.step != wantMake {
		return Minutes{}, errOrder
	}
	if err := c.inTime(); err != nil {
		return Minutes{}, err
	}
	r := c.room
	a, b := c.entries[0], c.entries[1]
	// All four comparisons are made before any is looked at.
	equal := subtle.ConstantTimeCompare(a.Password, a.Again) & subtle.ConstantTimeCompare(b.Password, b.Again)
	same := subtle.ConstantTimeCompare(a.Password, b.Password)
	words := Words(r.cfg.Scope)
	switch {
	case equal != 1:
		return Minutes{}, c.refuse(WrongPassword)
	case same == 1:
		return Minutes{}, c.refuse(SamePerson)
	case a.Words != words || b.Words != words:
		return Minutes{}, c.refuse(NoConsent)
	}
	defer c.end()
	if err := r.free(); err != nil {
		return Minutes{}, err
	}
	birth := vault.Birth{
		Scope: r.cfg.Scope, Realm: r.cfg.Realm, Profile: r.cfg.Profile, Now: r.door.Now(), Custodians: [2]string{a.Custodian, b.Custodian},
	}
	made, err := vault.Generate(birth, r.cfg.Random)
	if err != nil {
		return Minutes{}, fmt.Errorf("keymgmt: %w", err)
	}
	defer made.Wipe()
	file, err := made.SealMaster(vault.Passwords{a.Password, b.Password}, r.cfg.Cost, r.cfg.Random)
	if err != nil {
		return Minutes{}, fmt.Errorf("keymgmt: %w", err)
	}
	h, err := vault.Inspect(file)
	if err != nil {
		return Minutes{}, fmt.Errorf("keymgmt: %w", err)
	}
	if err := r.place(file); err != nil {
		return Minutes{}, err
	}
	m := minutesOf(h)
	return m, r.append(m.Fact())
}

// Cancel ends the sitting and wipes what was typed.
func (c *Ceremony) Cancel() { c.end() }

func (c *Ceremony) inTime() error {
	now := c.room.door.Now()
	if now < c.began || now > c.began.Add(window) {
		return c.refuse(WindowOver)
	}
	return nil
}

func (c *Ceremony) refuse(why Reason) error {
	var who []string
	for _, e := range c.entries[:min(int(c.step), len(c.entries))] {
		who = append(who, e.Custodian)
	}
	c.end()
	return c.room.refuse(why, who...)
}

func (c *Ceremony) end() {
	c.step = over
	for i := range c.entries {
		clear(c.entries[i].Password)
		clear(c.entries[i].Again)
		c.entries[i] = Entry{}
	}
}

// samePerson compares names as people read them: without spaces and capitals.
func samePerson(a, b string) bool {
	plain := func(s string) string { return strings.Join(strings.Fields(s), "") }
	return strings.EqualFold(plain(a), plain(b))
}

// weak refuses what is too short, too long, not text or a key held down.
func weak(password []byte) bool {
	n := utf8.RuneCount(password)
	if n < passwordMin || n > passwordMax || !utf8.Valid(password) {
		return true
	}
	var seen [256]bool
	variety := 0
	for _, b := range password {
		if !seen[b] {
			seen[b] = true
			variety++
		}
	}
	return variety < passwordVariety
}

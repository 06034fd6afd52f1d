package issuing_test

import (
	"errors"
	"testing"

	"greylock/system/card"
	"greylock/system/issuing"
	"greylock/system/terminal"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
)

// guarded is an outlet whose cards want the PIN before money moves. Source: card.md 7.4, pin_scope.
func guarded(t *testing.T) *outlet {
	t.Helper()
	o := newOutlet(t)
	o.card.guarded, o.profile.PINScope = true, fuelcard.PINAllPurse
	o.restart()
	return o
}

// ownPIN lets the holder have chosen 123456.
func (o *outlet) ownPIN() {
	o.card.pin, o.card.files[fuelcard.SFIOrdinary][0] = []byte{0x12, 0x34, 0x56}, 1
}

// keyed inserts the card at a desk with a pad, where the holder keys a PIN; asked counts how often.
func (o *outlet) keyed(asked *int, pin ...byte) *issuing.Visit {
	o.t.Helper()
	v, err := o.desk.InsertPIN(o, o.card.insert(0, false), func() (fuelcard.PIN, error) {
		*asked++
		return append(fuelcard.PIN(nil), pin...), nil
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return v
}

func TestPurseBehindThePIN(t *testing.T) {
	t.Parallel()
	o := guarded(t)
	if _, err := o.insert().Load(1000); err != nil {
		t.Errorf("the default PIN is shown silently: %v", err)
	}
	o.ownPIN()
	if _, err := o.insert().Load(1000); !errors.Is(err, issuing.ErrPIN) {
		t.Errorf("without a pad: %v", err)
	}
	asked := 0
	v := o.keyed(&asked, 0x12, 0x34, 0x56)
	_, first := v.Load(1000)
	_, second := v.Load(1000)
	if first != nil || second != nil || asked != 1 || o.card.balance != 3000 {
		t.Errorf("%v, %v, asked %d times, %v on the card", first, second, asked, o.card.balance)
	}
	var wrong *terminal.PINError
	if _, err := o.keyed(&asked, 0x11, 0x11).Load(1000); !errors.As(err, &wrong) || wrong.Left != 2 {
		t.Errorf("a wrong PIN: %v", err)
	}
	if n, _ := count[record.LoadBegun](o); n != 3 {
		t.Errorf("%d loads begun", n)
	}
}

// An open load waits for the PIN; the card is served meanwhile.
func TestOpenLoadWaitsForThePIN(t *testing.T) {
	t.Parallel()
	o := guarded(t)
	o.ownPIN()
	asked := 0
	_, err := o.keyed(&asked, 0x12, 0x34, 0x56).Load(1000)
	if err != nil {
		t.Fatal(err)
	}
	credit := o.card.commands
	v, err := o.desk.InsertPIN(o, o.card.insert(credit, true), func() (fuelcard.PIN, error) { return fuelcard.PIN{0x12, 0x34, 0x56}, nil })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Load(1000); !card.Lost(err) && !errors.Is(err, terminal.ErrUnknown) {
		t.Fatalf("the card left at the credit: %v", err)
	}
	if err := o.insert().Unsettled(); !errors.Is(err, issuing.ErrPIN) {
		t.Errorf("without a pad: %v", err)
	}
	var wrong *terminal.PINError
	if err := o.keyed(&asked, 0x11, 0x11).Unsettled(); !errors.As(err, &wrong) {
		t.Errorf("a wrong PIN: %v", err)
	}
	if err := o.keyed(&asked, 0x12, 0x34, 0x56).Unsettled(); err != nil || o.card.balance != 2000 || o.bank.pending != 0 {
		t.Errorf("%v, %v on the card, %v pending", err, o.card.balance, o.bank.pending)
	}
}

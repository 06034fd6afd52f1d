package issuing_test

import (
	"errors"
	"fmt"
	"testing"

	"greylock/system/issuing"
	"greylock/system/terminal"
	"greylock/system/wire/apdu"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// holding is an outlet whose card holds money by the center's books.
func holding(t *testing.T, amount unit.Fen) *outlet {
	o := newOutlet(t)
	if _, err := o.insert().Load(amount); err != nil {
		t.Fatal(err)
	}
	o.bank.questions = 0
	return o
}

func move(v *issuing.Visit, unload bool, amount unit.Fen) (issuing.Moved, error) {
	if unload {
		return v.Unload(amount)
	}
	return v.Load(amount)
}

func TestUnload(t *testing.T) {
	t.Parallel()
	o := holding(t, 50000)
	done, err := o.insert().Unload(20000)
	if err != nil {
		t.Fatal(err)
	}
	if done.Balance != 30000 || o.card.balance != 30000 || o.bank.account != 70000 || !done.Reported || done.Code != o.card.mac3 {
		t.Errorf("%+v, card %d, account %d", done, o.card.balance, o.bank.account)
	}
	if n, f := count[record.UnloadEnded](o); n != 1 || f.How != "answer" || f.MAC3 != done.Code || !f.Debited {
		t.Errorf("%d ends, %+v", n, f)
	}
	if _, err := o.insert().Unload(30001); !errors.Is(err, apdu.BalanceTooLow) {
		t.Errorf("more than the card has: %v", err)
	}
	if _, err := o.insert().Unload(0); !errors.Is(err, terminal.ErrAmount) {
		t.Errorf("nothing: %v", err)
	}
	if _, err := o.insert().Unload(30000); err != nil || o.card.balance != 0 || o.bank.account != 100000 {
		t.Errorf("all of it: %v, card %d, account %d", err, o.card.balance, o.bank.account)
	}
	o.card.grey()
	if _, err := o.insert().Unload(1); !errors.Is(err, issuing.ErrGrey) {
		t.Errorf("a grey card: %v", err)
	}
	if len(o.desk.OpenTransfers()) != 0 {
		t.Error("an unload is open")
	}
}

// The card leaves at each command, or a question is lost on its way or its answer on the way back; the desk is killed. The
// next insert settles: account, card and what is pending sum up as before, nothing stays open, and the next transfer works.
// Source: features.md V4, V5; trust.md rows 17, 18.
func TestTransferHealsAtTheNextInsert(t *testing.T) {
	t.Parallel()
	for _, unload := range []bool{false, true} {
		for _, x := range cuts(t, unload) {
			o := holding(t, 50000)
			v, err := o.desk.Insert(o, o.card.insert(x.card, x.acted))
			if err != nil {
				t.Fatal(err)
			}
			o.bank.questions, o.bank.loseAt, o.bank.acted = 0, x.question, x.acted
			if _, err := move(v, unload, 20000); (err != nil) != (x.question != 2) { // the last question may get lost
				t.Fatalf("%+v: %v", x, err)
			}
			o.restart()
			o.bank.loseAt = 0
			again := o.insert()
			if err := again.Unsettled(); err != nil {
				t.Fatalf("%+v: %v", x, err)
			}
			o.ship()
			if sum := o.bank.account + o.bank.pending + o.card.balance; sum != 100000 || o.bank.pending != 0 {
				t.Errorf("%+v: account %d, pending %d, card %d", x, o.bank.account, o.bank.pending, o.card.balance)
			}
			if len(o.desk.OpenTransfers()) != 0 {
				t.Errorf("%+v: one is open", x)
			}
			before := o.card.balance
			if _, err := again.Load(10000); err != nil || o.card.balance != before+10000 {
				t.Errorf("%+v: the next load: %v, card %d", x, err, o.card.balance)
			}
			if _, err := again.Unload(10000); err != nil || o.card.balance != before {
				t.Errorf("%+v: the next unload: %v, card %d", x, err, o.card.balance)
			}
		}
	}
}

// cut is where one transfer is interrupted.
type cut struct {
	unload         bool
	card, question int
	acted          bool
}

// cuts lists every command and question of a transfer.
func cuts(t *testing.T, unload bool) (all []cut) {
	whole := holding(t, 50000)
	v := whole.insert()
	entered := whole.card.commands
	whole.bank.questions = 0
	if _, err := move(v, unload, 20000); err != nil {
		t.Fatal(err)
	}
	for _, acted := range []bool{false, true} {
		for n := entered + 1; n <= whole.card.commands; n++ {
			all = append(all, cut{unload, n, 0, acted})
		}
		for n := 1; n <= whole.bank.questions; n++ {
			all = append(all, cut{unload, 0, n, acted})
		}
	}
	if len(all) != 8 {
		t.Fatalf("%d cuts, want 2 commands and 2 questions, lost both ways", len(all))
	}
	return all
}

// Another desk began a transfer and never ended it: this desk settles it from the card when it is inserted, or, where the
// center could not be asked then, when the center refuses; then it goes on with its own, in either direction. The first desk,
// at which the card is shown later, learns how it ended and keeps nothing open.
func TestTransferOfAnotherDeskIsHealed(t *testing.T) {
	t.Parallel()
	for n := range 16 {
		left, next, obeyed, late := n&1 != 0, n&2 != 0, n&4 != 0, n&8 != 0
		at := fmt.Sprintf("unload %v, then %v, obeyed %v, late %v", left, next, obeyed, late)
		first := holding(t, 50000)
		v := first.insert()
		first.card.insert(first.card.commands+2, obeyed) // the card's second command
		first.card.commands = first.card.cutAt - 2
		if _, err := move(v, left, 20000); !errors.Is(err, terminal.ErrUnknown) {
			t.Fatal(err)
		}
		second := newOutlet(t)
		second.bank, second.card = first.bank, first.card
		second.bank.questions = 0
		if late {
			second.bank.loseAt = 1
		}
		again := second.insert()
		if open := second.bank.left().Open; (open != nil) != late {
			t.Errorf("%s: after the insert: %+v", at, open)
		}
		done, err := move(again, next, 15000)
		if err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		if sum := second.bank.account + second.card.balance; sum != 100000 || second.bank.pending != 0 {
			t.Errorf("%s: account %d, card %d, pending %d, %+v", at, second.bank.account, second.card.balance, second.bank.pending, done)
		}
		if err := first.insert().Unsettled(); err != nil || len(first.desk.OpenTransfers()) != 0 {
			t.Errorf("%s: the first desk: %v", at, err)
		}
	}
}

// A number that something else has used, with no word of the center about it: people are called, nothing moves.
func TestUnloadWithoutAnyProof(t *testing.T) {
	t.Parallel()
	o := holding(t, 50000)
	o.bank.loseAt, o.bank.acted = 2, true
	if _, err := o.insert().Unload(20000); !errors.Is(err, errLine) {
		t.Fatal(err)
	}
	o.card.sn, o.bank.loseAt = o.card.sn+2, 0
	v := o.insert()
	if err := v.Unsettled(); !errors.Is(err, terminal.ErrLoadOpen) {
		t.Errorf("unsettled: %v", err)
	}
	if _, f := count[record.Alarm](o); f.Kind != "unload-unproven" {
		t.Errorf("alarm %+v", f)
	}
	if _, err := v.Unload(100); !errors.Is(err, issuing.ErrOpen) || o.bank.account != 50000 {
		t.Errorf("another unload: %v, account %d", err, o.bank.account)
	}
}

// A card with another unload key: the center refuses its MAC1, nothing moves and nothing stays open.
func TestUnloadWithAnotherKey(t *testing.T) {
	t.Parallel()
	o := holding(t, 50000)
	o.card.keys["DULK"] = pboc.Key{9}
	if _, err := o.insert().Unload(20000); err == nil || o.card.balance != 50000 {
		t.Errorf("a card with another key: %v, card %d", err, o.card.balance)
	}
	if n, f := count[record.UnloadEnded](o); n != 1 || f.How != "refused" || f.Debited {
		t.Errorf("%d ends %+v", n, f)
	}
}

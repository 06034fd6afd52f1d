package issuing_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"greylock/system/issuing"
	"greylock/system/terminal"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

var (
	oldPIN   = fuelcard.PIN{0x11, 0x22, 0x33}
	freshPIN = fuelcard.PIN{0x44, 0x55, 0x66}
	fleet    = fuelcard.Limits{Products: 3, RegionMode: fuelcard.RegionAny, PerFill: 200, FillsPerDay: 2, FenPerDay: 50000}
)

const (
	boss = "王主管"
	why  = "客户申请"
)

// step is one act on a card, with what the card is before and what shows that it was done.
type step struct {
	name    string
	before  func(o *outlet)
	do      func(v *issuing.Visit) error
	done    func(c *plastic) bool
	pin     bool // sets the PIN
	dead    bool // the card is mute afterwards
	blocked bool // the card is blocked before
}

func userPIN(o *outlet) {
	o.card.pin = bytes.Clone(oldPIN)
	o.card.files[fuelcard.SFIOrdinary][0] = 1
}

func hasFresh(c *plastic) bool { return bytes.Equal(c.pin, freshPIN) }

var steps = []step{
	{name: "change", pin: true, before: userPIN, done: hasFresh,
		do: func(v *issuing.Visit) error { return v.ChangePIN(oldPIN, freshPIN) }},
	{name: "change of the default", pin: true, before: func(*outlet) {}, done: hasFresh,
		do: func(v *issuing.Visit) error { return v.ChangePIN(fuelcard.National().DefaultPIN, freshPIN) }},
	{name: "reload", pin: true, before: userPIN, done: hasFresh,
		do: func(v *issuing.Visit) error { return v.ReloadPIN(freshPIN, boss, why) }},
	{name: "reload of the default", pin: true, before: func(*outlet) {}, done: hasFresh,
		do: func(v *issuing.Visit) error { return v.ReloadPIN(freshPIN, boss, why) }},
	{name: "unblock PIN", pin: true, before: func(o *outlet) { userPIN(o); o.card.tries = 0 }, done: hasFresh,
		do: func(v *issuing.Visit) error { return v.UnblockPIN(freshPIN, boss, why) }},
	{name: "unblock the default", pin: true, before: func(o *outlet) { o.card.tries = 0 }, done: hasFresh,
		do: func(v *issuing.Visit) error { return v.UnblockPIN(freshPIN, boss, why) }},
	{name: "block", before: func(*outlet) {}, done: func(c *plastic) bool { return c.blocked == 1 },
		do: func(v *issuing.Visit) error { return v.Block(record.ActBlock, boss, why) }},
	{name: "block for ever", before: func(*outlet) {}, done: func(c *plastic) bool { return c.blocked == 2 },
		do: func(v *issuing.Visit) error { return v.Block(record.ActBlockForEver, boss, why) }},
	{name: "block card", dead: true, before: func(*outlet) {}, done: func(c *plastic) bool { return c.dead },
		do: func(v *issuing.Visit) error { return v.Block(record.ActBlockCard, boss, why) }},
	{name: "unblock", blocked: true, before: func(o *outlet) { o.card.blocked = 1 }, done: func(c *plastic) bool { return c.blocked == 0 },
		do: func(v *issuing.Visit) error { return v.Unblock(boss, why) }},
	{name: "limits", before: func(*outlet) {}, done: func(c *plastic) bool { return c.files[fuelcard.SFILimits][1] == 3 },
		do: func(v *issuing.Visit) error { return v.SetLimits(fleet, "浙A12345", boss, why) }},
	{name: "holder", before: func(*outlet) {}, done: func(c *plastic) bool { return c.files[fuelcard.SFIHolder][2] != 0 },
		do: func(v *issuing.Visit) error {
			return v.SetHolder(issuing.Order{Holder: "赵六", Identity: "330102199001011234"}, boss, why)
		}},
}

func (s step) outlet(t *testing.T) *outlet {
	o := newOutlet(t)
	s.before(o)
	return o
}

func TestActs(t *testing.T) {
	t.Parallel()
	for _, s := range steps {
		o := s.outlet(t)
		v := o.insert()
		if err := s.do(v); err != nil || !s.done(o.card) {
			t.Fatalf("%s: %v, done %v", s.name, err, s.done(o.card))
		}
		begun, b := count[record.ActBegun](o)
		ended, e := count[record.ActEnded](o)
		if begun != 1 || ended != 1 || !e.Done || e.How != "answer" || e.Act != b.Act || len(v.OpenActs()) != 0 {
			t.Errorf("%s: %+v, %d ends, %+v", s.name, b, ended, e)
		}
		if s.pin && (o.card.tries != 3 || o.card.files[fuelcard.SFIOrdinary][0] != 1) {
			t.Errorf("%s: %d tries, flag %d", s.name, o.card.tries, o.card.files[fuelcard.SFIOrdinary][0])
		}
		for _, q := range o.bank.permits {
			if q.By != boss || q.Reason != why || q.Act != b.Act || q.Outlet != "0003" {
				t.Errorf("%s: question %+v", s.name, q)
			}
		}
	}
}

// No PIN, old, fresh or default, and no identity number is in a fact or in a question.
func TestSecretsStayOutOfFactsAndQuestions(t *testing.T) {
	t.Parallel()
	for _, s := range steps {
		o := s.outlet(t)
		if err := s.do(o.insert()); err != nil {
			t.Fatal(err)
		}
		all := bytes.Join(o.bank.bodies, nil)
		for _, f := range o.facts {
			line, err := record.Encode(f)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, line...)
		}
		for _, pin := range []fuelcard.PIN{oldPIN, freshPIN} {
			if bytes.Contains(bytes.ToUpper(all), []byte(hex.EncodeToString(pin))) || bytes.Contains(all, pin) {
				t.Errorf("%s: a PIN is in %s", s.name, all)
			}
		}
		if bytes.Contains(all, []byte("330102199001011234")) {
			t.Errorf("%s: the identity number is in %s", s.name, all)
		}
	}
}

// The card leaves at each command of each act, or a question is lost on its way or its answer on the way back; the desk is
// killed. The next insert finds out how it ended (a PIN by being shown, a dead card by its number), nothing stays open, and the
// act given again is done.
func TestActsHealAtTheNextInsert(t *testing.T) {
	t.Parallel()
	for _, s := range steps {
		whole := s.outlet(t)
		v := whole.insert()
		entered := whole.card.commands
		whole.bank.questions = 0
		if err := s.do(v); err != nil {
			t.Fatal(err)
		}
		outcomes := map[bool]int{}
		for _, acted := range []bool{false, true} {
			for n := entered + 1; n <= whole.card.commands; n++ {
				outcomes[s.heals(t, cut{card: n, acted: acted})]++
			}
			for n := 1; n <= whole.bank.questions; n++ {
				outcomes[s.heals(t, cut{question: n, acted: acted})]++
			}
		}
		if outcomes[true] == 0 || outcomes[false] == 0 {
			t.Errorf("%s: not both outcomes were seen: %v", s.name, outcomes)
		}
	}
}

// heals runs one cut and says whether the act was done by it.
func (s step) heals(t *testing.T, x cut) bool {
	t.Helper()
	o := s.outlet(t)
	v, err := o.desk.Insert(o, o.card.insert(x.card, x.acted))
	if err != nil {
		t.Fatal(err)
	}
	o.bank.questions, o.bank.loseAt, o.bank.acted = 0, x.question, x.acted
	err = s.do(v)
	if err == nil && s.blocked && x.question == 2 { // what the visit asks when it begins anew may get lost
		return s.done(o.card)
	}
	if err == nil {
		t.Fatalf("%s %+v: not noticed", s.name, x)
	}
	o.restart()
	o.bank.loseAt = 0
	done := s.done(o.card)
	at := fmt.Sprintf("%s %+v: %v: done %v", s.name, x, err, done)
	if s.dead && done {
		if _, err := o.desk.Insert(o, o.card.insert(0, false)); !errors.Is(err, terminal.ErrDead) {
			t.Fatalf("%s: a mute card: %v", at, err)
		}
		if err := o.desk.Dead(o, o.card, o.card.public.ASN); err != nil {
			t.Fatalf("%s: %v", at, err)
		}
	} else {
		v = o.insert()
		s.settlePIN(t, o, v, at)
		if open := v.OpenActs(); len(open) != 0 {
			t.Fatalf("%s: open %v", at, open)
		}
	}
	if n, e := count[record.ActEnded](o); n > 0 && e.Done != s.done(o.card) {
		t.Fatalf("%s: the journal says %+v", at, e)
	}
	if !s.done(o.card) {
		if err := s.do(v); err != nil || !s.done(o.card) {
			t.Fatalf("%s: again: %v", at, err)
		}
	}
	return done
}

// settlePIN shows fresh and old PIN where the act is open, and wants the tries and the flag to fit the PIN that holds.
func (s step) settlePIN(t *testing.T, o *outlet, v *issuing.Visit, at string) {
	t.Helper()
	if !s.pin || len(v.OpenActs()) == 0 {
		return
	}
	tries := o.card.tries
	held, err := v.SettlePIN(freshPIN, oldPIN)
	var wrong *terminal.PINError
	switch {
	case errors.As(err, &wrong) && wrong.Blocked && tries == 0: // it was blocked before, and the act did not happen
		if err := s.do(v); err != nil {
			t.Fatalf("%s: again: %v", at, err)
		}
		return
	case err != nil || held != hasFresh(o.card) || o.card.tries != 3:
		t.Fatalf("%s: settled %v %v, %d tries", at, held, err, o.card.tries)
	}
	if own := o.card.files[fuelcard.SFIOrdinary][0] == 1; own == bytes.Equal(o.card.pin, fuelcard.National().DefaultPIN) {
		t.Fatalf("%s: flag %v, PIN %X", at, own, o.card.pin)
	}
	if _, err := v.SettlePIN(freshPIN, oldPIN); !errors.Is(err, terminal.ErrOrder) {
		t.Fatalf("%s: settled twice: %v", at, err)
	}
}

// The center refuses, or can not be asked: nothing is begun, and the flag of a card with the default PIN stays as it was.
func TestActRefused(t *testing.T) {
	t.Parallel()
	for _, s := range steps {
		for _, line := range []bool{false, true} {
			o := s.outlet(t)
			o.bank.refuse = "CARD_NOT_ISSUED"
			flag := o.card.files[fuelcard.SFIOrdinary][0]
			v := o.insert()
			o.bank.questions = 0
			if line {
				o.bank.loseAt = 1
			}
			err := s.do(v)
			if o.bank.questions == 0 { // the outlet's own key is enough
				if err != nil {
					t.Errorf("%s: %v", s.name, err)
				}
				continue
			}
			var r record.Refusal
			if line != errors.Is(err, errLine) || line == errors.As(err, &r) || s.done(o.card) || len(v.OpenActs()) != 0 {
				t.Errorf("%s: %v, open %v", s.name, err, v.OpenActs())
			}
			if o.card.files[fuelcard.SFIOrdinary][0] != flag {
				t.Errorf("%s: the flag is %d", s.name, o.card.files[fuelcard.SFIOrdinary][0])
			}
			o.bank.refuse, o.bank.loseAt = "", 0
			if err := s.do(o.insert()); err != nil || !s.done(o.card) {
				t.Errorf("%s: again: %v", s.name, err)
			}
		}
	}
}

func TestWrongOldPIN(t *testing.T) {
	t.Parallel()
	o := newOutlet(t)
	userPIN(o)
	var wrong *terminal.PINError
	if err := o.insert().ChangePIN(freshPIN, oldPIN); !errors.As(err, &wrong) || wrong.Left != 2 {
		t.Errorf("wrong old PIN: %v", err)
	}
	if n, _ := count[record.ActBegun](o); n != 0 {
		t.Error("a change was begun")
	}
	for _, bad := range []fuelcard.PIN{{1}, make(fuelcard.PIN, 7), {0xFF, 1}} {
		for _, do := range []func(*issuing.Visit) error{
			func(v *issuing.Visit) error { return v.ChangePIN(oldPIN, bad) },
			func(v *issuing.Visit) error { return v.ReloadPIN(bad, boss, why) },
			func(v *issuing.Visit) error { return v.UnblockPIN(bad, boss, why) },
		} {
			if err := do(o.insert()); !errors.Is(err, issuing.ErrText) {
				t.Errorf("PIN of %d bytes: %v", len(bad), err)
			}
		}
	}
	if view, err := o.insert().Read(nil); err != nil || view.History != nil {
		t.Errorf("history without the PIN: %+v %v", view, err)
	}
}

// A reload while a change is open ends both.
func TestReloadOvertakesATornChange(t *testing.T) {
	t.Parallel()
	o := newOutlet(t)
	userPIN(o)
	v := o.insert()
	o.card.insert(o.card.commands+2, true)
	o.card.commands = o.card.cutAt - 2
	if err := v.ChangePIN(oldPIN, freshPIN); !errors.Is(err, terminal.ErrUnknown) {
		t.Fatal(err)
	}
	v = o.insert()
	if open := v.OpenActs(); len(open) != 1 || open[0] != record.ActChangePIN {
		t.Fatalf("open %v", open)
	}
	if err := v.ReloadPIN(fuelcard.PIN{0x77, 0x88}, boss, why); err != nil || len(v.OpenActs()) != 0 {
		t.Errorf("%v, open %v", err, v.OpenActs())
	}
	if n, e := count[record.ActEnded](o); n != 2 || e.Act != record.ActChangePIN || e.How != "overtaken" {
		t.Errorf("%d ends, %+v", n, e)
	}
}

// What a blocked card still allows: to be seen, and to be unblocked.
func TestBlockedCard(t *testing.T) {
	t.Parallel()
	o := holding(t, 50000)
	if err := o.insert().Block(record.ActBlock, boss, why); err != nil {
		t.Fatal(err)
	}
	v := o.insert()
	view, err := v.Read(nil)
	if err != nil || view.State != "blocked" || view.ASN != o.card.public.ASN || view.Balance != 0 {
		t.Errorf("view %+v %v", view, err)
	}
	_, load := v.Load(100)
	_, unload := v.Unload(100)
	_, open := v.Open(issuing.Order{Account: "A"})
	_, unlock := v.Unlock()
	_, settle := v.SettlePIN(freshPIN, nil)
	for name, err := range map[string]error{"load": load, "unload": unload, "open": open, "unlock": unlock, "settle": settle,
		"limits": v.SetLimits(fleet, "", boss, why), "holder": v.SetHolder(issuing.Order{}, boss, why),
		"reload": v.ReloadPIN(freshPIN, boss, why), "block": v.Block(record.ActBlock, boss, why)} {
		if !errors.Is(err, issuing.ErrBlocked) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := v.Unblock(boss, why); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Unload(50000); err != nil || o.card.balance != 0 {
		t.Errorf("unload after the unblock: %v", err)
	}
	if err := v.Unblock(boss, why); !errors.Is(err, terminal.ErrOrder) {
		t.Errorf("unblock of a free card: %v", err)
	}
	if err := v.Block("eat", boss, why); !errors.Is(err, issuing.ErrAct) {
		t.Errorf("an unknown act: %v", err)
	}
	o.card.blocked = 2
	if err := o.insert().Unblock(boss, why); !errors.Is(err, apdu.Conditions) || o.card.blocked != 2 {
		t.Errorf("unblock of a card blocked for ever: %v", err)
	}
	if n, e := count[record.ActEnded](o); e.Done || e.How != "declined" {
		t.Errorf("%d ends, %+v", n, e)
	}
}

// A load that was open when the card was blocked is settled after the unblock.
func TestUnblockSettlesWhatIsOpen(t *testing.T) {
	t.Parallel()
	o := newOutlet(t)
	v := o.insert()
	o.card.insert(o.card.commands+2, true) // CREDIT FOR LOAD obeyed, its answer lost
	o.card.commands = o.card.cutAt - 2
	if _, err := v.Load(20000); !errors.Is(err, terminal.ErrUnknown) {
		t.Fatal(err)
	}
	o.card.blocked = 1
	v = o.insert()
	if !errors.Is(v.Unsettled(), issuing.ErrOpen) {
		t.Errorf("unsettled: %v", v.Unsettled())
	}
	if err := v.Unblock(boss, why); err != nil || v.Unsettled() != nil || o.bank.pending != 0 {
		t.Errorf("%v, unsettled %v, pending %d", err, v.Unsettled(), o.bank.pending)
	}
}

func TestDeadCard(t *testing.T) {
	t.Parallel()
	o := newOutlet(t)
	asn := o.card.public.ASN
	if err := o.desk.Dead(o, o.card.insert(0, false), asn); !errors.Is(err, issuing.ErrAlive) {
		t.Errorf("a card that answers: %v", err)
	}
	o.card.dead = true
	if err := o.desk.Dead(o, o.card.insert(0, false), asn); !errors.Is(err, terminal.ErrOrder) {
		t.Errorf("a card that nobody has blocked: %v", err)
	}
	if err := o.desk.Dead(o, o.card.insert(0, false), pboc.ASN{1}); !errors.Is(err, terminal.ErrOrder) {
		t.Errorf("another number: %v", err)
	}
}

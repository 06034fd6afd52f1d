package issuing_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greylock/fixtures"
	"greylock/system/card"
	"greylock/system/clock"
	"greylock/system/issuing"
	"greylock/system/terminal"
	"greylock/system/vault"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// outlet is a desk with its journal, a center and one card.
type outlet struct {
	t     *testing.T
	desk  *issuing.Desk
	bank  *bank
	card  *plastic
	facts []record.Fact

	profile fuelcard.Profile
}

func (o *outlet) Now() clock.Instant { return clock.At(2026, time.November, 22, 9, 30, 0) }

func (o *outlet) Append(facts ...record.Fact) error {
	for _, f := range facts {
		if _, err := record.Encode(f); err != nil {
			o.t.Fatal(err)
		}
		o.facts = append(o.facts, f)
		o.desk.Apply(uint64(len(o.facts)), f)
	}
	return nil
}

func (o *outlet) Ask(path string, body []byte) ([]byte, error) { return o.bank.ask(path, body) }

// part is the training realm's vault of a role, opened once for all tests: a vault does not change.
func part(t *testing.T, role record.Kind) *vault.Vault {
	t.Helper()
	master, err := training()
	if err != nil {
		t.Fatal(err)
	}
	v, err := master.For(role, "0003", 0)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var training = sync.OnceValues(func() (*vault.Vault, error) {
	keys := map[vault.Name]pboc.Key{}
	for n, k := range fixtures.TestKeys().Masters {
		keys[vault.Name(n)] = k
	}
	return vault.Known(vault.Birth{Scope: "示范石油", Realm: record.Training}, keys, [32]byte{1})
})

func newOutlet(t *testing.T) *outlet {
	t.Helper()
	o := &outlet{t: t, card: newPlastic(t), profile: fuelcard.National()}
	o.bank = &bank{t: t, keys: part(t, record.KindCenter), card: vault.CardOf(o.card.public, 0), account: 100000,
		loads: map[pboc.OnlineSN]*loading{}, paid: map[string]unit.Fen{}}
	o.restart()
	return o
}

// restart is a kill and a replay of the journal.
func (o *outlet) restart() {
	o.desk = issuing.New(issuing.Config{
		Site: "0003", Realm: record.Training, Profile: o.profile, TID: pboc.TID{0x99, 0x44, 0, 0, 0x99, 0x99},
		Keys: part(o.t, record.KindOutlet), Random: rand.NewChaCha8([32]byte{7}),
	})
	for i, f := range o.facts {
		o.desk.Apply(uint64(i+1), f)
	}
}

func (o *outlet) insert() *issuing.Visit {
	o.t.Helper()
	v, err := o.desk.Insert(o, o.card.insert(0, false))
	if err != nil {
		o.t.Fatal(err)
	}
	return v
}

// ship brings the journal to the center, as the exchange does.
func (o *outlet) ship() {
	for _, f := range o.facts {
		if e, ok := f.(record.LoadEnded); ok && e.Loaded {
			if err := o.bank.post(e.OnlineSN, e.TAC); err != nil {
				o.t.Error(err)
			}
		}
		if e, ok := f.(record.UnloadEnded); ok && e.Debited {
			if err := o.bank.post(e.OnlineSN, e.MAC3); err != nil {
				o.t.Error(err)
			}
		}
	}
}

func count[F record.Fact](o *outlet) (n int, last F) {
	for _, f := range o.facts {
		if x, ok := f.(F); ok {
			n++
			last = x
		}
	}
	return n, last
}

func TestOpenWritesTheCard(t *testing.T) {
	t.Parallel()
	o := newOutlet(t)
	order := issuing.Order{Account: "A-1", Name: "示范运输", Holder: "赵六", Identity: "330102199001011234", Plate: "浙A12345",
		PIN: fuelcard.PIN{0x12, 0x34, 0x56}}
	answer, err := o.insert().Open(order)
	if err != nil || answer.Account != "A-1" {
		t.Fatalf("%+v %v", answer, err)
	}
	if !bytes.Equal(o.card.pin, order.PIN) || o.card.files[fuelcard.SFIOrdinary][0] != 1 {
		t.Errorf("PIN %X flag %d", o.card.pin, o.card.files[fuelcard.SFIOrdinary][0])
	}
	_, fact := count[record.CardIssued](o)
	q := o.bank.opened[0]
	if fact.Holder != "赵六" || fact.Plate != "浙A12345" || len(fact.Limits) != 66 || !bytes.Equal(fact.Limits, q.Limits) || q.Outlet != "0003" {
		t.Errorf("fact %+v question %+v", fact, q)
	}
	if !bytes.Equal(o.card.files[fuelcard.SFILimits][:66], fact.Limits) {
		t.Error("the card's limits are not those of the center")
	}
	view, err := o.insert().Read(order.PIN)
	if err != nil || view.Holder != "赵六" || view.Plate != "浙A12345" || !view.UserPIN || view.State != "free" {
		t.Errorf("view %+v %v", view, err)
	}
	j, err := json.Marshal(view)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"asn", "balance_fen", "history", "limits", "state", "valid_to", "holder"} {
		if !bytes.Contains(j, []byte(`"`+key+`":`)) {
			t.Errorf("the view has no %s", key)
		}
	}
}

// A cut at every command of an opening: the same order again ends in the same card.
func TestOpenAgainAfterEachCut(t *testing.T) {
	t.Parallel()
	order := issuing.Order{Account: "A-1", Holder: "赵六", PIN: fuelcard.PIN{0x12, 0x34}}
	whole := newOutlet(t)
	if _, err := whole.insert().Open(order); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= whole.card.commands; n++ {
		for _, obeyed := range []bool{false, true} {
			o := newOutlet(t)
			v, err := o.desk.Insert(o, o.card.insert(n, obeyed))
			if err == nil {
				_, err = v.Open(order)
			}
			if !errors.Is(err, card.ErrRemoved) {
				t.Fatalf("cut at %d: %v", n, err)
			}
			if issued, _ := count[record.CardIssued](o); issued != 0 {
				t.Fatalf("cut at %d: issued", n)
			}
			if _, err := o.insert().Open(order); err != nil {
				t.Fatalf("cut at %d: again: %v", n, err)
			}
			if diff := cmp.Diff(whole.card.files, o.card.files); diff != "" || !bytes.Equal(o.card.pin, order.PIN) {
				t.Errorf("cut at %d: %s", n, diff)
			}
		}
	}
}

func TestTextThatDoesNotFit(t *testing.T) {
	t.Parallel()
	o := newOutlet(t)
	for name, order := range map[string]issuing.Order{
		"long holder":  {Account: "A", Holder: "一二三四五六七八九十一"},
		"emoji":        {Account: "A", Holder: "😀"},
		"long plate":   {Account: "A", Plate: "浙A1234567890123456"},
		"identity":     {Account: "A", Identity: "证件"},
		"long number":  {Account: "A", Identity: "1234567890123456789"},
		"short PIN":    {Account: "A", PIN: fuelcard.PIN{0x12}},
		"too long PIN": {Account: "A", PIN: make(fuelcard.PIN, 7)},
	} {
		v := o.insert()
		before := cmp.Diff(o.card.files, map[byte][]byte(nil))
		if _, err := v.Open(order); !errors.Is(err, issuing.ErrText) {
			t.Errorf("%s: %v, want ErrText", name, err)
		}
		if o.card.files[fuelcard.SFIOrdinary][0] != 0 || before == "" {
			t.Errorf("%s: the PIN flag was set", name)
		}
	}
}

func TestTopUpIsOnePayment(t *testing.T) {
	t.Parallel()
	o := newOutlet(t)
	q := record.TopUpQuestion{Account: "A-1", Amount: 5000, Tender: "cash", Receipt: "0003-000812"}
	o.bank.loseAt, o.bank.acted = 1, true
	if _, err := o.desk.TopUp(o, q); !errors.Is(err, errLine) {
		t.Fatalf("lost answer: %v", err)
	}
	answer, err := o.desk.TopUp(o, q)
	if err != nil || answer.Balance != 105000 {
		t.Errorf("%+v %v", answer, err)
	}
	if n, f := count[record.AccountToppedUp](o); n != 1 || f.Receipt != q.Receipt || f.Outlet != "0003" {
		t.Errorf("%d facts, %+v", n, f)
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	o := newOutlet(t)
	done, err := o.insert().Load(20000)
	if err != nil {
		t.Fatal(err)
	}
	if done.Balance != 20000 || o.card.balance != 20000 || o.bank.account != 80000 || o.bank.pending != 0 || !done.Reported {
		t.Errorf("%+v, card %d, account %d, pending %d", done, o.card.balance, o.bank.account, o.bank.pending)
	}
	if n, f := count[record.LoadEnded](o); n != 1 || f.How != "answer" || f.TAC != done.Code {
		t.Errorf("%d ends, %+v", n, f)
	}
	if len(o.desk.OpenTransfers()) != 0 {
		t.Error("a load is open")
	}
	view, err := o.insert().Read(nil)
	if err != nil || len(view.History) != 1 || view.History[0].Amount != 20000 || view.History[0].Zh != "圈存" {
		t.Errorf("history %+v %v", view.History, err)
	}
}

func TestLoadRefused(t *testing.T) {
	t.Parallel()
	o := newOutlet(t)
	_, err := o.insert().Load(200000)
	var r record.Refusal
	if !errors.As(err, &r) || r.Code != "INSUFFICIENT_ACCOUNT" {
		t.Fatalf("%v", err)
	}
	if n, f := count[record.LoadEnded](o); n != 1 || f.How != "refused" || f.Loaded {
		t.Errorf("%d ends, %+v", n, f)
	}
	if _, err := o.insert().Load(1000); err != nil {
		t.Errorf("the next load: %v", err)
	}
	if _, err := o.insert().Load(-1); !errors.Is(err, terminal.ErrAmount) {
		t.Errorf("negative amount: %v", err)
	}
}

// While the center can not be asked an open load stays open: no other load, but everything else.
func TestOpenLoadWaitsForTheCenter(t *testing.T) {
	t.Parallel()
	o := newOutlet(t)
	o.bank.loseAt, o.bank.acted = 2, true
	if _, err := o.insert().Load(20000); !errors.Is(err, errLine) {
		t.Fatal(err)
	}
	o.bank.loseAt = 3
	v := o.insert()
	if err := v.Unsettled(); !errors.Is(err, issuing.ErrOpen) || !errors.Is(err, errLine) {
		t.Errorf("unsettled: %v", err)
	}
	if _, err := v.Load(100); !errors.Is(err, issuing.ErrOpen) {
		t.Errorf("another load: %v", err)
	}
	if view, err := v.Read(nil); err != nil || view.Unsettled == "" {
		t.Errorf("view %+v %v", view, err)
	}
	if open := o.desk.OpenTransfers(); len(open) != 1 || open[0].Amount != 20000 {
		t.Errorf("open %+v", open)
	}
}

func TestUnlock(t *testing.T) {
	t.Parallel()
	o := newOutlet(t)
	if _, err := o.insert().Unlock(); !errors.Is(err, terminal.ErrOrder) {
		t.Errorf("a card that is not grey: %v", err)
	}
	o.card.balance, o.bank.owed = 10000, 4200
	o.card.grey()
	v := o.insert()
	if n, f := count[record.ProofSeen](o); n != 1 || !bytes.Equal(f.Proof, o.card.proof.Bytes()) || f.Where != "0003" {
		t.Errorf("%d proofs, %+v", n, f)
	}
	if _, err := v.Load(100); !errors.Is(err, issuing.ErrGrey) {
		t.Errorf("load of a grey card: %v", err)
	}
	if _, err := v.Open(issuing.Order{}); !errors.Is(err, issuing.ErrGrey) {
		t.Errorf("opening a grey card: %v", err)
	}
	done, err := v.Unlock()
	if err != nil || done.Amount != 4200 || done.Balance != 5800 {
		t.Fatalf("%+v %v", done, err)
	}
	if o.card.proof.State != fuelcard.NotGrey || o.bank.mac3 != done.MAC3 {
		t.Errorf("state %02X, the center has %s", byte(o.card.proof.State), o.bank.mac3)
	}
	if n, _ := count[record.ProofSeen](o); n != 2 {
		t.Errorf("%d proofs kept, want the lock and the unlock", n)
	}
	if _, err := v.Load(100); err != nil {
		t.Errorf("load after the unlock: %v", err)
	}
}

func TestUnlockWithoutEvidence(t *testing.T) {
	t.Parallel()
	o := newOutlet(t)
	o.card.balance, o.bank.owed = 10000, -1
	o.card.grey()
	_, err := o.insert().Unlock()
	var r record.Refusal
	if !errors.As(err, &r) || r.Code != "NO_EVIDENCE" || o.card.proof.State != fuelcard.Grey {
		t.Errorf("%v, state %02X", err, byte(o.card.proof.State))
	}
	o.bank.owed = 0 // two persons sign, and the center permits 0
	done, err := o.insert().UnlockForced(record.Forced{By: [2]string{boss, "李经理"}, Reason: why})
	if err != nil || done.Amount != 0 || o.card.balance != 10000 || o.card.proof.State != fuelcard.NotGrey {
		t.Errorf("forced: %+v %v", done, err)
	}
	if last := o.bank.bodies[len(o.bank.bodies)-1]; !bytes.Contains(bytes.Join(o.bank.bodies, nil), []byte("李经理")) {
		t.Errorf("the two are not named: %s", last)
	}
}

// A cut at each command of an unlock: the card pays exactly once, its MAC3 is kept before the flag is cleared.
func TestUnlockHealsAtTheNextInsert(t *testing.T) {
	t.Parallel()
	for n, last := 1, 40; n <= last; n++ {
		for _, obeyed := range []bool{false, true} {
			o := newOutlet(t)
			o.card.balance, o.bank.owed = 10000, 4200
			o.card.grey()
			v, err := o.desk.Insert(o, o.card.insert(n, obeyed))
			if err == nil {
				_, err = v.Unlock()
			}
			if err == nil {
				last = 0 // the whole unlock has fewer commands
				if n <= o.card.commands {
					t.Fatalf("cut at %d was not noticed", n)
				}
			}
			o.restart()
			v = o.insert()
			if o.card.proof.State == fuelcard.Grey {
				if _, err := v.Unlock(); err != nil {
					t.Fatalf("cut at %d: again: %v", n, err)
				}
			}
			if o.card.balance != 5800 || o.card.proof.State != fuelcard.NotGrey {
				t.Errorf("cut at %d: balance %d, state %02X", n, o.card.balance, byte(o.card.proof.State))
			}
			if _, f := count[record.ProofSeen](o); !bytes.Equal(f.Proof[1:], o.card.proof.Bytes()[1:]) {
				t.Errorf("cut at %d: the proof that was cleared is not kept", n)
			}
		}
	}
}

func TestForeignCards(t *testing.T) {
	t.Parallel()
	o := newOutlet(t)
	o.card.keys["DIK"] = pboc.Key{1}
	if _, err := o.desk.Insert(o, o.card.insert(0, false)); !errors.Is(err, terminal.ErrForeign) {
		t.Errorf("card of another ceremony: %v", err)
	}
	live := newOutlet(t)
	live.card.public.Issuer = record.Production.Issuer(0x10)
	live.card.files[fuelcard.SFIPublic] = live.card.public.Bytes()
	if _, err := live.desk.Insert(live, live.card.insert(0, false)); !errors.Is(err, issuing.ErrRealm) {
		t.Errorf("live card at a training desk: %v", err)
	}
	old := newOutlet(t)
	old.card.public.Expiry = [4]byte{0x20, 0x26, 0x01, 0x02}
	old.card.files[fuelcard.SFIPublic] = old.card.public.Bytes()
	var refused *terminal.Refusal
	if _, err := old.desk.Insert(old, old.card.insert(0, false)); !errors.As(err, &refused) {
		t.Errorf("expired card: %v", err)
	}
}

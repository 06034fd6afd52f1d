package ledger

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

var asn = pboc.ASN{1, 0, 1, 0x14, 0x44, 0, 0, 0x12, 0x34, 0x56}

// want is the posting table of design.md 9.6 in another hand: one line per T_TYPE and state, "effect fuel money ttc after".
var want = map[int]map[State]string{
	0:        {None: "post fuel card ttc posted", Posted: "conflict", Owed: "conflict", Settled: "conflict", Cancelled: "conflict"},
	1:        {None: "post fuel receivable ttc owed", Posted: "conflict", Owed: "conflict", Settled: "conflict", Cancelled: "conflict"},
	2:        {None: "post fuel receivable ttc owed", Posted: "conflict", Owed: "conflict", Settled: "conflict", Cancelled: "conflict"},
	3:        {None: "wait", Posted: "repeat", Owed: "post - settle ttc settled", Settled: "repeat", Cancelled: "conflict"},
	4:        {None: "wait", Posted: "repeat", Owed: "post - settle ttc settled", Settled: "repeat", Cancelled: "conflict"},
	5:        {None: "event", Posted: "event", Owed: "event", Settled: "event", Cancelled: "event"},
	6:        {None: "event", Posted: "event", Owed: "event", Settled: "event", Cancelled: "event"},
	7:        {None: "post fuel tender ttc posted", Posted: "conflict", Owed: "conflict", Settled: "conflict", Cancelled: "conflict"},
	TestDraw: {None: "post fuel - ttc posted", Posted: "conflict", Owed: "conflict", Settled: "conflict", Cancelled: "conflict"},
	8:        {None: "event", Posted: "event", Owed: "event", Settled: "event", Cancelled: "event"},
	9:        {None: "post - - ttc cancelled", Posted: "conflict", Owed: "conflict", Settled: "conflict", Cancelled: "repeat"},
}

func words(r Rule) string {
	if r.Effect != Post {
		return string(r.Effect)
	}
	fuel, money, ttc := "-", [...]string{"-", "card", "receivable", "settle", "tender"}[r.Money], "-"
	if r.Fuel {
		fuel = "fuel"
	}
	if r.TTC {
		ttc = "ttc"
	}
	return "post " + fuel + " " + money + " " + ttc + " " + string(r.After)
}

func TestTableRowByRow(t *testing.T) {
	for ttype, row := range want {
		for state, line := range row {
			r := Lookup(ttype, state, false)
			if got := words(r); got != line {
				t.Errorf("T_TYPE %d on %s: %q, want %q", ttype, state, got, line)
			}
			if r.Effect != Post && r.After != state {
				t.Errorf("T_TYPE %d on %s: %s changes the state to %s", ttype, state, r.Effect, r.After)
			}
		}
	}
	if got := words(Lookup(0, Cancelled, true)); got != "post - - ttc posted" {
		t.Errorf("zero T_TYPE 0 on a cancelled TTC: %q", got)
	}
	if got := Lookup(12, None, true).Effect; got != Conflict {
		t.Errorf("T_TYPE 12: %s", got)
	}
}

func TestTableHasEachPairOnce(t *testing.T) {
	seen := map[[2]any]int{}
	for _, r := range Table {
		seen[[2]any{r.TType, r.Before}]++
	}
	for _, ttype := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, TestDraw} {
		for _, s := range States {
			if n := seen[[2]any{ttype, s}]; n != 1 {
				t.Errorf("T_TYPE %d on %s: %d rows", ttype, s, n)
			}
		}
	}
	if len(Table) != 55 {
		t.Errorf("%d rows, want 55", len(Table))
	}
}

func TestEntriesByRow(t *testing.T) {
	s := Sale{ASN: asn, Site: "1001", Product: "1031", Amount: 5000, Value: 5003, Way: "cash"}
	card, owed := "card:01000114440000123456", "receivable:01000114440000123456"
	for _, c := range []struct {
		ttype int
		state State
		want  []record.Entry
	}{
		{0, None, []record.Entry{{Account: card, Amount: 5000}, {Account: "overshoot:1001", Amount: 3}, {Account: "sales:1031", Amount: -5003}}},
		{1, None, []record.Entry{{Account: owed, Amount: 5000}, {Account: "overshoot:1001", Amount: 3}, {Account: "sales:1031", Amount: -5003}}},
		{2, None, []record.Entry{{Account: owed, Amount: 5000}, {Account: "overshoot:1001", Amount: 3}, {Account: "sales:1031", Amount: -5003}}},
		{3, Owed, []record.Entry{{Account: card, Amount: 5000}, {Account: owed, Amount: -5000}}},
		{4, Owed, []record.Entry{{Account: card, Amount: 5000}, {Account: owed, Amount: -5000}}},
		{TestDraw, None, nil},
		{7, None, []record.Entry{{Account: "tender:1001:cash", Amount: 5000}, {Account: "sales:1031", Amount: -5000}}},
		{4, Posted, nil}, {5, None, nil}, {6, None, nil}, {8, None, nil}, {9, None, nil}, {3, None, nil}, {0, Owed, nil},
	} {
		got := Lookup(c.ttype, c.state, false).Entries(s)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("T_TYPE %d on %s:\n%s", c.ttype, c.state, diff)
		}
	}
}

func TestZeroSaleHasNoEntries(t *testing.T) {
	if got := Lookup(0, None, true).Entries(Sale{ASN: asn, Site: "1001", Product: "1031"}); len(got) != 0 {
		t.Errorf("entries of a zero sale: %v", got)
	}
}

// Every posting of every row, and every posting of the desk, sums to 0.
func TestEveryPostingSumsToZero(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		fen := rapid.Map(rapid.Int64Range(0, 1<<40), func(n int64) unit.Fen { return unit.Fen(n) })
		s := Sale{ASN: asn, Site: "1001", Product: "1031", Amount: fen.Draw(t, "amount"), Way: "bank"}
		s.Value = s.Amount + fen.Draw(t, "overshoot")
		for _, r := range Table {
			check(t, r.Entries(s))
		}
		check(t, ToppedUp("2001", "A1", s.Amount))
		check(t, LoadAuthorised("A1", s.Amount))
		check(t, LoadPosted(asn, s.Amount))
		check(t, LoadVoided("A1", s.Amount))
		check(t, Unlocked(asn, s.Amount))
	})
}

func check(t *rapid.T, all []record.Entry) {
	if sum := Sum(all); sum != 0 {
		t.Fatalf("%v sums to %d", all, sum)
	}
	for _, e := range all {
		if e.Amount == 0 {
			t.Fatalf("%v has a line of 0", all)
		}
	}
}

// A load that is authorised and then posted moves account → card; voided, it leaves no trace.
func TestLoadEndsOnOneSide(t *testing.T) {
	balance := func(all ...[]record.Entry) map[string]unit.Fen {
		b := map[string]unit.Fen{}
		for _, list := range all {
			for _, e := range list {
				if b[e.Account] += e.Amount; b[e.Account] == 0 {
					delete(b, e.Account)
				}
			}
		}
		return b
	}
	got := balance(LoadAuthorised("A1", 700), LoadPosted(asn, 700))
	if diff := cmp.Diff(map[string]unit.Fen{"customer:A1": 700, Card(asn): -700}, got); diff != "" {
		t.Error(diff)
	}
	if got := balance(LoadAuthorised("A1", 700), LoadVoided("A1", 700)); len(got) != 0 {
		t.Errorf("a voided load leaves %v", got)
	}
}

func TestClass(t *testing.T) {
	for account, class := range map[string]string{Transit: "transit", Card(asn): "card", Tender("1001", "cash"): "tender"} {
		if got := Class(account); got != class {
			t.Errorf("class of %s: %s", account, got)
		}
	}
}

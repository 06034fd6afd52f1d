package center

import (
	"bytes"
	"fmt"
	"testing"

	"greylock/system/link"
	"greylock/system/vault"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

func TestPutSiteAndProduct(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	lines := len(r.lines)
	r.ok(PathPutSite, PutSite{Site: station, Kind: record.KindStation, Name: "站1001"})
	r.ok(PathPutProduct, PutProduct{Code: product, Name: "92号", Unit: unit.Litre})
	want(t, "the same again writes nothing", len(r.lines), lines)
	r.ok(PathPutSite, PutSite{Site: station, Kind: record.KindStation, Name: "新名"})
	r.refused(WrongKind, PathPutSite, PutSite{Site: station, Kind: record.KindOutlet, Name: "x"})
	for _, q := range []PutSite{{Site: "12", Kind: record.KindStation, Name: "x"}, {Site: record.Center, Kind: record.KindStation, Name: "x"},
		{Site: "1009", Kind: "shop", Name: "x"}, {Site: "1009", Kind: record.KindStation}, {Site: "1009", Kind: record.KindStation, Name: "a\tb"}} {
		r.refused(BadValue, PathPutSite, q)
	}
	for _, q := range []PutProduct{{Code: "92", Name: "x", Unit: unit.Litre}, {Code: "1031", Unit: unit.Litre}, {Code: "1031", Name: "x", Unit: "gal"}} {
		r.refused(BadValue, PathPutProduct, q)
	}
	var s Sites
	r.into(&s, PathSites, nothing{})
	want(t, "sites", len(s.Sites), 4)
	want(t, "first by number", fmt.Sprint(s.Sites[0].Site, s.Sites[0].Name, s.Sites[0].Seq), "1001新名1")
	r.sameAfterReplay()
}

func TestLayoutOrders(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	want(t, "second version", r.layout(station, 2), Issued{station, record.TopicLayout, 2})
	var v LayoutView
	r.into(&v, PathLayout, AskSite{Site: station})
	want(t, "newest", [2]uint64{v.Version, v.Applied}, [2]uint64{2, 0})
	good := v.Layout
	for code, change := range map[string]func(q *PutLayout){
		BadValue:       func(q *PutLayout) { q.Layout.Ports = append(q.Layout.Ports, q.Layout.Ports[0]) },
		UnknownProduct: func(q *PutLayout) { q.Layout.Ports[0].Product = "9999" },
		UnknownPSAM:    func(q *PutLayout) { q.Layout.Ports[0].TID = pboc.TID{1} },
		PSAMTaken:      func(q *PutLayout) { q.Layout.Ports[0].TID = r.cards.PSAMs[1].TID },
		UnknownSite:    func(q *PutLayout) { q.Site = "7777" },
		WrongKind:      func(q *PutLayout) { q.Site = outlet },
	} {
		q := PutLayout{Site: station, Layout: good}
		q.Layout.Ports = append([]record.PortPlan{}, good.Ports...)
		change(&q)
		r.refused(code, PathPutLayout, q)
	}
	r.refused(BadValue, PathPutLayout, PutLayout{Site: station})
	for _, posp := range []byte{0, fa.MaxPOSP + 1, fa.Unconfigured} { // a PC's address: the board could not be spoken to
		q := PutLayout{Site: station, Layout: good}
		q.Layout.Ports = append([]record.PortPlan{}, good.Ports...)
		q.Layout.Ports[0].POSP = posp
		r.refused(BadValue, PathPutLayout, q)
	}
	r.sameAfterReplay()
}

func TestPriceOrders(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.ok(PathPutProduct, PutProduct{Code: "2011", Name: "95号", Unit: unit.Litre})
	var v PricesView
	put := func(effective, code string, p unit.Price) record.PriceTable {
		t.Helper()
		r.ok(PathPutPrices, PutPrices{Site: station, Effective: effective, Prices: []record.Price{{Product: code, Price: p}}})
		v = PricesView{}
		r.into(&v, PathPrices, AskSite{Site: station})
		return v.Table
	}
	r.into(&v, PathPrices, AskSite{Site: station})
	want(t, "first", v.Table, record.PriceTable{Effective: "202611220930",
		Now: []record.Price{{Product: product, Price: 785}}, Next: []record.Price{{Product: product, Price: 785}}})
	want(t, "a product more, tomorrow", put("202611230000", "2011", 849), record.PriceTable{Effective: "202611230000",
		Now:  []record.Price{{Product: product, Price: 785}, {Product: "2011", Price: 849}},
		Next: []record.Price{{Product: product, Price: 785}, {Product: "2011", Price: 849}}})
	want(t, "a change, tomorrow", put("202611230000", product, 790).Now[0].Price, 785)
	r.now = r.now.Add(24 * 3600e9)
	want(t, "in force since", put("", "2011", 850), record.PriceTable{Effective: "202611230930",
		Now:  []record.Price{{Product: product, Price: 790}, {Product: "2011", Price: 849}},
		Next: []record.Price{{Product: product, Price: 790}, {Product: "2011", Price: 850}}})
	want(t, "versions only rise", v.Version, 4)
	for code, q := range map[string]PutPrices{
		EffectivePast:  {Site: station, Effective: "202611230929", Prices: []record.Price{{Product: product, Price: 1}}},
		UnknownProduct: {Site: station, Prices: []record.Price{{Product: "9999", Price: 1}}},
		BadValue:       {Site: station, Prices: []record.Price{{Product: product, Price: 65536}}},
		UnknownSite:    {Site: "7777"},
	} {
		r.refused(code, PathPutPrices, q)
	}
	r.refused(EffectivePast, PathPutPrices, PutPrices{Site: station, Effective: "209913450000", Prices: []record.Price{{Product: product, Price: 1}}})
	r.refused(BadValue, PathPutPrices, PutPrices{Site: station, Prices: []record.Price{{Product: product, Price: 1}, {Product: product, Price: 2}}})
	r.sameAfterReplay()
}

// A change to come is not lost because another product gets a price.
func TestPriceOrdersKeepWhatIsToCome(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const tomorrow, later = "202611230000", "202611240000"
	r.ok(PathPutProduct, PutProduct{Code: "2011", Name: "95号", Unit: unit.Litre})
	order := func(effective, code string, p unit.Price) PutPrices {
		return PutPrices{Site: station, Effective: effective, Prices: []record.Price{{Product: code, Price: p}}}
	}
	prices := func(a, b unit.Price) []record.Price {
		return []record.Price{{Product: product, Price: a}, {Product: "2011", Price: b}}
	}
	holds := func(name string, q PutPrices, table record.PriceTable) {
		t.Helper()
		r.ok(PathPutPrices, q)
		var v PricesView
		r.into(&v, PathPrices, AskSite{Site: station})
		want(t, name, v.Table, table)
	}
	r.ok(PathPutPrices, order("", "2011", 849))
	holds("one tomorrow", order(tomorrow, product, 790), record.PriceTable{Effective: tomorrow, Now: prices(785, 849), Next: prices(790, 849)})
	holds("both tomorrow", order(tomorrow, "2011", 860), record.PriceTable{Effective: tomorrow, Now: prices(785, 849), Next: prices(790, 860)})
	holds("one at once", order("", "2011", 855), record.PriceTable{Effective: tomorrow, Now: prices(785, 855), Next: prices(790, 855)})
	r.refused(PricesPending, PathPutPrices, order(later, "2011", 870))
	r.refused(PricesPending, PathPutPrices, order("202611222359", "2011", 870))
	holds("put off", order(later, product, 795), record.PriceTable{Effective: later, Now: prices(785, 855), Next: prices(795, 855)})
	holds("taken back", order("", product, 785), record.PriceTable{Effective: "202611220930", Now: prices(785, 855), Next: prices(785, 855)})
	r.sameAfterReplay()
}

// Orders are handed out signed, newest per topic, until the site says in its journal that it applies them.
func TestDirectivesUntilApplied(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	public := r.cfg.Keys.(*vault.Vault).PublicKey()
	var a record.DirectivesAnswer
	r.into(&a, record.PathDirectives, record.DirectivesQuestion{Site: station})
	var topics []record.Topic
	for _, l := range a.Directives {
		d, err := l.Open(public)
		if err != nil || d.Site != station || d.Realm != record.Training {
			t.Fatalf("directive %+v: %v", d, err)
		}
		topics = append(topics, d.Topic)
	}
	want(t, "topics", topics, []record.Topic{record.TopicLayout, record.TopicPrices})
	r.ship(station, record.DirectiveApplied{TimeMs: 1, Directive: a.Directives[0]}, record.DirectiveApplied{TimeMs: 1, Directive: a.Directives[1]})
	a = record.DirectivesAnswer{}
	r.into(&a, record.PathDirectives, record.DirectivesQuestion{Site: station, Applied: map[record.Topic]uint64{"layout": 1, "prices": 1}})
	want(t, "nothing new", len(a.Directives), 0)
	var v Versions
	r.into(&v, PathVersions, nothing{})
	want(t, "laggards named", v, Versions{Versions: []VersionView{{station, "layout", 1, 1}, {station, "prices", 1, 1},
		{station2, "layout", 1, 0}, {station2, "prices", 1, 0}}})
	r.refused(UnknownSite, record.PathDirectives, record.DirectivesQuestion{Site: "7777"})
	r.sameAfterReplay()
}

func TestSalesPages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var batch []record.Fact
	for i := range 25 {
		l := r.lock(i%2, 30000, pboc.CTC(i/2), pboc.PSAMTTC(i+1))
		batch = append(batch, fact(l.record(fa.Fuelling, uint32(501+i), 100, 785, unit.Totalizer(100*(i+1)))))
	}
	r.ship(station, batch...)
	page := func(q AskSales) (nos []int, next int) {
		var a Sales
		r.into(&a, PathSales, q)
		for _, s := range a.Sales {
			nos = append(nos, s.No)
		}
		return nos, a.Next
	}
	nos, next := page(AskSales{Limit: 2})
	want(t, "newest first", nos, []int{25, 24})
	nos, next = page(AskSales{Limit: 2, Before: next})
	want(t, "next page", nos, []int{23, 22})
	want(t, "next", next, 22)
	nos, next = page(AskSales{ASN: &r.cards.Users[1], Before: 5})
	want(t, "one card", nos, []int{4, 2})
	want(t, "last page", next, 0)
	nos, next = page(AskSales{ASN: &r.cards.Users[1], Limit: 2, Before: 99})
	want(t, "newest of one card", nos, []int{24, 22})
	nos, _ = page(AskSales{ASN: &r.cards.Users[1], Site: station, Limit: 2, Before: next})
	want(t, "one card at one site, next page", nos, []int{20, 18})
	nos, _ = page(AskSales{ASN: &r.cards.Users[1], Site: station2})
	want(t, "one card at another site", len(nos), 0)
	nos, next = page(AskSales{Site: station, Limit: 20})
	want(t, "one site", [2]int{nos[0], nos[19]}, [2]int{25, 6})
	nos, next = page(AskSales{Site: station, Limit: 20, Before: next})
	want(t, "the last of one site", [3]int{len(nos), nos[4], next}, [3]int{5, 1, 0})
	nos, _ = page(AskSales{Site: station2})
	want(t, "another site", len(nos), 0)
	r.refused(BadValue, PathSales, AskSales{Limit: 501})
	r.refused(UnknownSale, PathSale, AskSale{ID: "nothing"})
	r.refused(UnknownCard, PathCard, AskCard{})
	r.refused(UnknownAccount, PathAccount, AskAccount{Account: "nobody"})
	var c Cards
	r.into(&c, PathCards, nothing{})
	want(t, "card", [3]any{c.Cards[1].Sales, c.Cards[1].Shadow, *c.Cards[1].CTC}, [3]any{12, funds - 12*785, pboc.CTC(11)})
	want(t, "no offline number is missing", c.Cards[1].Missing, []Span{})
}

// Bad input: refused with a sentence, nothing written, nothing broken.
func TestBadBodies(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	lines := len(r.lines)
	deep := bytes.Repeat([]byte("["), 20_000)
	for _, p := range paths {
		for _, body := range [][]byte{[]byte("x"), []byte("[]"), []byte(`"a"`), []byte(`{"nobody_knows":1}`), []byte(`{} {}`), []byte(`{`), deep,
			[]byte("{\"site\":\"\xff\"}{"), []byte(`{"site":1e400}`)} {
			status, answer := r.raw(p.name, body)
			var x record.Refusal
			if err := strict(answer, &x); err != nil || status != 400 || x.Code != BadBody || x.Zh == "" || x.En == "" {
				t.Errorf("%s %.20q: %d %s", p.name, body, status, answer)
			}
		}
		status, answer := r.raw(p.name, make([]byte, p.limit+1))
		if status != 413 {
			t.Errorf("%s with %d bytes: %d %s", p.name, p.limit+1, status, answer)
		}
	}
	status, _ := r.raw("/op/nothing", nil)
	want(t, "unknown path", status, 404)
	want(t, "nothing written", len(r.lines), lines)
}

// Requests that write wait in a bounded queue; more are told to come again, and all that wait are answered.
func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.hold = true
	for i := range maxQueue + 5 {
		q := record.TopUpQuestion{Outlet: outlet, Account: fleet, Amount: 1, Tender: "cash", Receipt: fmt.Sprint("q", i)}
		r.core.Serve(r.now, uint64(1000+i), record.PathAskTopUp, mustJSON(t, q))
	}
	fx := r.core.Take()
	want(t, "one act", len(fx.Acts), 1)
	busy := 0
	for _, a := range fx.Replies {
		if a.Status == 503 {
			busy++
		}
	}
	want(t, "busy", busy, 4)
	r.hold, r.acts = false, fx.Acts
	r.persist(r.acts[0])
	r.acts = nil
	r.core.Durable(r.now, fx.Acts[0].ID)
	released := r.run()
	want(t, "answered", len(released), maxQueue)
	var s Statement
	r.into(&s, PathAccount, AskAccount{Account: fleet})
	want(t, "all paid", s.Balance, unit.Fen(maxQueue+1))
	r.sameAfterReplay()
}

func TestCoreHasNoTimeOfItsOwn(t *testing.T) {
	t.Parallel()
	c := New(Config{})
	c.Receive(0, 1, []byte{1})
	c.Line(0, 1, true)
	c.Wake(0)
	c.Answered(0, 1, 200, nil, nil)
	c.Durable(0, 7)
	if fx := c.Take(); len(fx.Acts)+len(fx.Calls)+len(fx.Replies)+len(fx.Sends) != 0 || fx.Wake != 0 {
		t.Errorf("effects out of nothing: %+v", fx)
	}
	var _ link.Core = c
}

func TestRefusalsAndReasonsHaveWords(t *testing.T) {
	t.Parallel()
	for code, r := range refusals {
		if r.status < 400 || r.zh == "" || r.en == "" {
			t.Errorf("%s: %+v", code, r)
		}
	}
	for reason := range reasonWords {
		if zh, en := ReasonWords(reason); zh == "" || en == "" {
			t.Errorf("%s has no words", reason)
		}
	}
}

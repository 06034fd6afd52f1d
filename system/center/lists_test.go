package center

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"greylock/system/lists"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// lose puts cards on the black list.
func (r *rig) lose(cards ...pboc.ASN) {
	r.t.Helper()
	r.ok(PathPutList, PutList{List: record.TopicBlack, Add: cards, Reason: "挂失", By: "1001"})
}

// follow asks as a station does until nothing is left, and reports what it has applied.
func (r *rig) follow(id record.SiteID, have map[record.Topic]*lists.List) (steps int) {
	r.t.Helper()
	key := r.cfg.Keys.(interface{ PublicKey() ed25519.PublicKey }).PublicKey()
	for {
		q := record.DirectivesQuestion{Site: id, Applied: map[record.Topic]uint64{record.TopicLayout: 99, record.TopicPrices: 99}}
		for t, l := range have {
			q.Applied[t] = l.Place()
		}
		var a record.DirectivesAnswer
		r.into(&a, record.PathDirectives, q)
		if len(a.Directives) == 0 {
			return steps
		}
		for _, line := range a.Directives {
			d, err := line.Open(key)
			if err != nil || d.Site != id || d.Version <= q.Applied[d.Topic] {
				r.t.Fatalf("directive %+v: %v", d, err)
			}
			var s record.ListStep
			if err := json.Unmarshal(d.Body, &s); err != nil {
				r.t.Fatal(err)
			}
			if err := have[d.Topic].Take(s); err != nil {
				r.t.Fatal(err)
			}
			r.ship(id, record.DirectiveApplied{TimeMs: r.now.Milli(), Directive: line})
			steps++
		}
	}
}

// TestListsReachStations: who is listed why, which station knows, and taking off by two persons.
func TestListsReachStations(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	lost, other := r.cards.Users[0], r.cards.Users[1]
	have := map[record.Topic]*lists.List{record.TopicBlack: {}, record.TopicWhite: {}}
	want(t, "steps of empty lists", r.follow(station, have), 0)

	r.lose(lost)
	r.ok(PathPutList, PutList{List: record.TopicWhite, Add: []pboc.ASN{other}, Reason: "员工卡", By: "1001"})
	want(t, "steps", r.follow(station, have), 2)
	want(t, "station 1001 refuses the card", have[record.TopicBlack].Has(lost), true)
	var q CardLists
	r.into(&q, PathListQuery, AskCard{ASN: lost})
	if len(q.Lists) != 1 || !q.Lists[0].On || q.Lists[0].Reason != "挂失" || q.Lists[0].By != "1001" ||
		!slices.Equal(q.Lists[0].Known, []record.SiteID{station}) || !slices.Equal(q.Lists[0].Unknown, []record.SiteID{station2}) {
		t.Errorf("%+v", q)
	}

	remove := PutList{List: record.TopicBlack, Remove: []pboc.ASN{lost}, Reason: "找到", By: "1001"}
	r.refused(TwoPersonsList, PathPutList, remove)
	remove.Second = " 1001"
	r.refused(TwoPersonsList, PathPutList, remove)
	remove.Second = "1002"
	r.ok(PathPutList, remove)
	want(t, "steps", r.follow(station, have), 1)
	want(t, "station 1001 refuses the card", have[record.TopicBlack].Has(lost), false)
	r.into(&q, PathListQuery, AskCard{ASN: lost})
	if q.Lists[0].On || q.Lists[0].Second != "1002" || q.Lists[0].Version != 2 {
		t.Errorf("%+v", q)
	}
	var l Lists
	r.into(&l, PathLists, nothing{})
	if b := l.Lists[0]; b.Version != 2 || b.Count != 0 || b.Current || !b.Sites[0].Current || b.Sites[1].Version != 0 {
		t.Errorf("%+v", l)
	}
	r.sameAfterReplay()
}

// TestListedCardAtAnOutlet: no money moves, and people are told once.
func TestListedCardAtAnOutlet(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := desk{r: r, asn: r.cards.Users[0], balance: funds, sn: 1}
	r.ok(record.PathAskTopUp, record.TopUpQuestion{Outlet: outlet, Account: fleet, Amount: 1000, Tender: "cash", Receipt: "x"})
	r.lose(d.asn)
	for range 2 {
		r.refused(CardListed, record.PathAskLoad, d.ask(1000))
	}
	want(t, "alarms", r.alarms(), []string{"blacklist-hit"})
	r.ok(PathPutList, PutList{List: record.TopicBlack, Remove: []pboc.ASN{d.asn}, Reason: "找到", By: "1001", Second: "1002"})
	r.ok(record.PathAskLoad, d.ask(1000))
	r.sameAfterReplay()
}

func TestPutListRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	card := r.cards.Users[0]
	stranger := pboc.ASN{0x01, 0x00, 0x01, 0x99, 9: 0x01}
	good := PutList{List: record.TopicBlack, Add: []pboc.ASN{card}, Reason: "挂失", By: "1001"}
	for name, c := range map[string]struct {
		code   string
		change func(q *PutList)
	}{
		"list":         {BadValue, func(q *PutList) { q.List = "greylist" }},
		"no card":      {BadValue, func(q *PutList) { q.Add = nil }},
		"too many":     {BadValue, func(q *PutList) { q.Add = make([]pboc.ASN, maxListed+1) }},
		"no reason":    {BadValue, func(q *PutList) { q.Reason = "" }},
		"nobody":       {BadValue, func(q *PutList) { q.By = " " }},
		"unknown card": {UnknownCard, func(q *PutList) { q.Add[0] = stranger }},
		"on and off": {BadValue, func(q *PutList) {
			q.List, q.Add, q.Remove = record.TopicWhite, append(q.Add, r.cards.Users[1]), []pboc.ASN{r.cards.Users[1]}
		}},
		"alone off":       {TwoPersonsList, func(q *PutList) { q.Add, q.Remove = nil, q.Add }},
		"unknown to take": {UnknownCard, func(q *PutList) { q.Add, q.Remove, q.Second = nil, []pboc.ASN{stranger}, "1002" }},
	} {
		if name == "on and off" {
			r.ok(PathPutList, PutList{List: record.TopicWhite, Add: []pboc.ASN{r.cards.Users[1]}, Reason: "员工", By: "1001"})
		}
		q := good
		q.Add = slices.Clone(good.Add)
		c.change(&q)
		t.Run(name, func(*testing.T) { r.refused(c.code, PathPutList, q) })
	}
	foreign := good
	foreign.Add, foreign.Foreign = []pboc.ASN{stranger, card, card}, true
	var a ListPut
	r.into(&a, PathPutList, foreign)
	want(t, "changed", a, ListPut{record.TopicBlack, 1, 2})
	r.into(&a, PathPutList, foreign)
	want(t, "changed", a, ListPut{record.TopicBlack, 1, 0})
}

// TestLargeListTravelsInPieces: a new station gets the base, one that follows gets changes only; after a restart of the center
// the pieces go on where they were.
func TestLargeListTravelsInPieces(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one := map[record.Topic]*lists.List{record.TopicBlack: {}, record.TopicWhite: {}}
	n := 0
	grow := func(acts int) {
		for range acts {
			var cards []pboc.ASN
			for range maxListed {
				n += 3
				a, err := pboc.ParseASN(fmt.Sprintf("0100011199%010d", n))
				if err != nil {
					t.Fatal(err)
				}
				cards = append(cards, a)
			}
			r.ok(PathPutList, PutList{List: record.TopicBlack, Foreign: true, Add: cards, Reason: "全国名单", By: "1001"})
		}
	}
	grow(1)
	r.follow(station, one)
	grow(9)
	two := map[record.Topic]*lists.List{record.TopicBlack: {}, record.TopicWhite: {}}
	var a record.DirectivesAnswer
	r.into(&a, record.PathDirectives, record.DirectivesQuestion{Site: station2, Applied: map[record.Topic]uint64{record.TopicLayout: 9, record.TopicPrices: 9}})
	if len(a.Directives) != 1 || len(a.Directives[0].Line) > maxQuestion {
		t.Fatalf("%d directives, the first of %d bytes", len(a.Directives), len(a.Directives[0].Line))
	}
	r.restart()
	steps := r.follow(station2, two)
	changes := r.follow(station, one)
	if steps < 5 || steps > 12 || changes > 12 || two[record.TopicBlack].Count() != 10*maxListed || one[record.TopicBlack].Hash() != two[record.TopicBlack].Hash() {
		t.Errorf("%d steps to a new station, %d to one that follows, %d cards", steps, changes, two[record.TopicBlack].Count())
	}
}

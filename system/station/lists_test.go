package station

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"greylock/system/lists"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

func userCard(n int) pboc.ASN { return numbered("0100010144", n) }

func staffCard(n int) pboc.ASN { return numbered("0100040144", n) }

func numbered(prefix string, n int) pboc.ASN {
	a, err := pboc.ParseASN(fmt.Sprintf("%s%010d", prefix, n))
	if err != nil {
		panic(err)
	}
	return a
}

// desk is the center of these tests: its lists, and what it signs.
type listDesk struct {
	r     *rig
	black lists.History
	white lists.History
}

func (d *listDesk) change(t record.Topic, added, deleted []pboc.ASN) {
	f := record.ListChanged{Added: added, Deleted: deleted}
	if t == record.TopicBlack {
		d.black.Take(f)
	} else {
		d.white.Take(f)
	}
}

// answer is the center's answer to the question for directives that is under way; nil if there is none.
func (d *listDesk) answer(alter func(string) string) bool {
	d.r.t.Helper()
	for i := len(d.r.call) - 1; i >= 0; i-- {
		c := d.r.call[i]
		if c.Path != record.PathDirectives {
			continue
		}
		d.r.call = slices.Delete(d.r.call, i, i+1)
		var q record.DirectivesQuestion
		if err := json.Unmarshal(c.Body, &q); err != nil {
			d.r.t.Fatal(err)
		}
		var a record.DirectivesAnswer
		for _, topic := range []record.Topic{record.TopicBlack, record.TopicWhite} {
			h := &d.black
			if topic == record.TopicWhite {
				h = &d.white
			}
			step, ok := h.Next(q.Applied[topic])
			if !ok {
				continue
			}
			body, err := json.Marshal(step)
			if err != nil {
				d.r.t.Fatal(err)
			}
			line, err := record.Directive{Site: "0001", Topic: topic, Version: step.Directive(), TimeMs: 1, Realm: record.Training, Body: body}.Sign(d.r.key)
			if err != nil {
				d.r.t.Fatal(err)
			}
			a.Directives = append(a.Directives, line)
		}
		body, err := json.Marshal(a)
		if err != nil {
			d.r.t.Fatal(err)
		}
		d.r.c.Answered(d.r.now, c.ID, http.StatusOK, []byte(alter(string(body))), nil)
		d.r.take()
		d.r.flush()
		return true
	}
	return false
}

func honest(s string) string { return s }

// follow lets the station ask until nothing is left.
func (d *listDesk) follow() {
	d.r.t.Helper()
	for range 200 {
		for d.answer(honest) {
		}
		l := &d.r.c.orders.lists
		if l.black.Version() == d.black.Version() && l.white.Version() == d.white.Version() && l.heard == d.r.now {
			return
		}
		d.wait(listPoll)
	}
	d.r.t.Fatal("the station never caught up")
}

func (d *listDesk) wait(span time.Duration) {
	d.r.now = d.r.now.Add(span)
	d.r.c.Wake(d.r.now)
	d.r.take()
	d.r.flush()
}

// asked is the station's answer to 36H; an error if it is silent.
func (r *rig) asked(asn pboc.ASN) (fa.Match, error) {
	r.sent[1] = nil
	r.board(&fa.ListAsk{ASN: asn})
	for _, f := range r.sent[1] {
		if m, err := fa.Parse(f); err == nil {
			if a, ok := m.(*fa.ListAnswer); ok && a.ASN == asn {
				return a.Flag, nil
			}
		}
	}
	return 0, errors.New("silence")
}

func newListDesk(t *testing.T) (*rig, *listDesk) {
	r := newRig(t)
	d := &listDesk{r: r}
	r.put(record.TopicLayout, 1, record.Layout{Name: "站", Province: 0x44, City: 1, Superior: record.Hex{0, 0, 0, 1}, Station: record.Hex{0, 0, 0, 1},
		Ports: []record.PortPlan{{Port: 1, POSP: 1, Nozzle: 1, NZN: 1, Product: "1031"}}})
	return r, d
}

// TestListsAnswerBoards: 36H means the black list for a user card and the white list for an internal one.
func TestListsAnswerBoards(t *testing.T) {
	t.Parallel()
	r, d := newListDesk(t)
	for _, c := range []pboc.ASN{userCard(1), staffCard(1)} {
		if m, err := r.asked(c); err != nil || m.Found() {
			t.Errorf("no list: %v, %v", m, err)
		}
	}
	d.change(record.TopicBlack, []pboc.ASN{userCard(1), userCard(3)}, nil)
	d.change(record.TopicWhite, []pboc.ASN{staffCard(1)}, nil)
	d.follow()
	for c, want := range map[pboc.ASN]bool{userCard(1): true, userCard(2): false, userCard(3): true, staffCard(1): true, staffCard(2): false} {
		if m, err := r.asked(c); err != nil || m.Found() != want {
			t.Errorf("%s: %v, %v", c.Digits(), m, err)
		}
	}
	d.change(record.TopicBlack, nil, []pboc.ASN{userCard(1)})
	d.follow()
	if m, err := r.asked(userCard(1)); err != nil || m.Found() {
		t.Errorf("taken off: %v, %v", m, err)
	}
	again := newRig(t)
	for i, f := range r.log {
		again.c.Apply(uint64(i+1), f)
	}
	again.c.Start(again.now)
	a, b := r.c.listsStatus(r.now), again.c.listsStatus(r.now)
	if a.Black != b.Black || a.White != b.White || b.Black.Version != 2 {
		t.Errorf("replay: %+v, was %+v", b, a)
	}
}

// TestListFiles: what boards are given is (base ∪ added) \ deleted, and every part that changed has another version.
func TestListFiles(t *testing.T) {
	t.Parallel()
	r, d := newListDesk(t)
	read := func(c fa.Content) []pboc.ASN {
		o, err := r.c.orders.forPort(1, boardPrices{})
		if err != nil {
			t.Fatal(err)
		}
		f, err := fa.ParseListFile(o.Files[c])
		if err != nil {
			t.Fatal(err)
		}
		return f.Cards
	}
	versions := func() fa.Versions {
		o, err := r.c.orders.forPort(1, boardPrices{})
		if err != nil {
			t.Fatal(err)
		}
		return o.Versions
	}
	if v := versions(); v.Base != 0 || v.Added != 0 || v.White != 0 {
		t.Errorf("no list: %+v", v)
	}
	var many []pboc.ASN
	for n := range 1500 {
		many = append(many, userCard(2*n))
	}
	d.change(record.TopicBlack, many, nil)
	d.follow()
	first := versions()
	if len(read(fa.ContentBase)) != 1500 || len(read(fa.ContentAdded)) != 0 || len(read(fa.ContentDeleted)) != 0 {
		t.Error("many changes at once are a new base")
	}
	d.change(record.TopicBlack, []pboc.ASN{userCard(1)}, nil)
	d.follow()
	second := versions()
	if a := read(fa.ContentAdded); !slices.Equal(a, []pboc.ASN{userCard(1)}) || second.Base != first.Base || second.Deleted != first.Deleted || second.Added == first.Added {
		t.Errorf("added %v, versions %+v then %+v", a, first, second)
	}
	d.change(record.TopicBlack, nil, []pboc.ASN{userCard(1), userCard(2)})
	d.follow()
	third := versions()
	if dl := read(fa.ContentDeleted); !slices.Equal(dl, []pboc.ASN{userCard(2)}) || len(read(fa.ContentAdded)) != 0 || third.Base != first.Base || third.Added == second.Added {
		t.Errorf("deleted %v, versions %+v", dl, third)
	}
}

// TestTamperedListIsNotTaken: a step that the center did not sign, or that does not fit although it did, leaves the list as it was.
func TestTamperedListIsNotTaken(t *testing.T) {
	t.Parallel()
	r, d := newListDesk(t)
	d.change(record.TopicBlack, []pboc.ASN{userCard(1)}, nil)
	d.follow()
	d.change(record.TopicBlack, []pboc.ASN{userCard(2)}, nil)
	d.wait(listPoll)
	d.answer(func(s string) string { return strings.Replace(s, `count\":2`, `count\":3`, 1) })
	if r.c.orders.lists.black.Version() != 1 || !slices.Contains(r.alarms(), "directive-refused") {
		t.Fatalf("version %d, alarms %q", r.c.orders.lists.black.Version(), r.alarms())
	}
	good := d.black
	d.black = lists.History{} // a center that has lost its books signs what does not fit here
	d.change(record.TopicBlack, []pboc.ASN{userCard(8)}, nil)
	d.change(record.TopicBlack, []pboc.ASN{userCard(1)}, nil)
	d.wait(listPoll)
	d.answer(honest)
	if l := &r.c.orders.lists.black; l.Version() != 1 || l.Count() != 1 || !slices.Contains(r.alarms(), "list-refused") {
		t.Fatalf("version %d, %d cards, alarms %q", l.Version(), l.Count(), r.alarms())
	}
	d.black = good
	d.follow()
	if m, err := r.asked(userCard(2)); err != nil || !m.Found() {
		t.Errorf("the true step was not taken afterwards: %v, %v", m, err)
	}
}

// TestOldLists: alarm, then silence about cards that are not listed, and an expired base for the boards; a listed card is still
// refused. A restart does not make the lists young; a word of the center does.
func TestOldLists(t *testing.T) {
	t.Parallel()
	r, d := newListDesk(t)
	r.c.cfg.Lists = ListPolicy{Warn: 24 * time.Hour, Refuse: 72 * time.Hour}
	d.change(record.TopicBlack, []pboc.ASN{userCard(1)}, nil)
	d.follow()
	base := func() fa.ListFile {
		o, err := r.c.orders.forPort(1, boardPrices{})
		if err != nil {
			t.Fatal(err)
		}
		f, err := fa.ParseListFile(o.Files[fa.ContentBase])
		if err != nil || f.Version != o.Versions.Base {
			t.Fatalf("%+v, %v", f, err)
		}
		return f
	}
	valid := base()
	r.call = nil // the center is silent
	for range 5 {
		d.wait(6 * time.Hour)
	}
	if got := r.alarms(); !slices.Equal(got, []string{"lists-old"}) || r.c.listsStatus(r.now).State != ListsOld {
		t.Fatalf("after 30 hours: %q, %+v", got, r.c.listsStatus(r.now))
	}
	for range 8 {
		d.wait(6 * time.Hour)
	}
	if got := r.alarms(); !slices.Equal(got, []string{"lists-old", "lists-too-old"}) {
		t.Fatalf("after 78 hours: %q", got)
	}
	if m, err := r.asked(userCard(2)); err == nil {
		t.Errorf("a card that may be lost: %v", m)
	}
	if m, err := r.asked(userCard(1)); err != nil || !m.Found() {
		t.Errorf("a card that is listed: %v, %v", m, err)
	}
	old := base()
	if old.To != never || old.Version == valid.Version || len(old.Cards) != 0 {
		t.Errorf("base for the boards %+v", old)
	}

	again := newRig(t)
	again.c.cfg.Lists = r.c.cfg.Lists
	for i, f := range r.log {
		again.c.Apply(uint64(i+1), f)
	}
	if s := again.c.listsStatus(r.now); s.State != ListsRefused {
		t.Errorf("after a restart: %+v", s)
	}
	d.follow()
	if b := base(); b.Version != valid.Version || r.c.listsStatus(r.now).State != ListsFresh {
		t.Errorf("heard again: base %d, was %d; %+v", b.Version, valid.Version, r.c.listsStatus(r.now))
	}
	if m, err := r.asked(userCard(2)); err != nil || m.Found() {
		t.Errorf("heard again: %v, %v", m, err)
	}
}

// TestListLongerThanABoardHolds: the boards are told that they have no valid list, so that they ask, and refuse where nobody
// answers; the station itself knows every card.
func TestListLongerThanABoardHolds(t *testing.T) {
	t.Parallel()
	r, d := newListDesk(t)
	for from := 0; from <= maxOnBoard; from += 4000 {
		var part []pboc.ASN
		for n := from; n < from+4000; n++ {
			part = append(part, userCard(n))
		}
		d.change(record.TopicBlack, part, nil)
	}
	d.follow()
	for len(r.c.orders.lists.black.Added()) > 0 { // until all of it is base
		d.change(record.TopicBlack, []pboc.ASN{userCard(200_000 + len(r.c.orders.lists.black.Added()))}, nil)
		d.follow()
		if len(r.c.orders.lists.black.Added()) > 2*maxOnBoard {
			t.Fatal("never folded")
		}
	}
	o, err := r.c.orders.forPort(1, boardPrices{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := fa.ParseListFile(o.Files[fa.ContentBase])
	if err != nil || f.To != never || len(f.Cards) != 0 || o.Versions.Base == 0 {
		t.Errorf("%+v, %v", f, err)
	}
	if m, err := r.asked(userCard(104_000)); err != nil || !m.Found() {
		t.Errorf("%v, %v", m, err)
	}
}

// TestListNumbersWrap: a board that was away for 255 changes of the list holds the number that the newest one has, and would never
// fetch: its numbers are turned. One that was not away so long is left alone.
func TestListNumbersWrap(t *testing.T) {
	t.Parallel()
	r, d := newListDesk(t)
	change := func(n int) {
		for range n {
			d.change(record.TopicBlack, []pboc.ASN{userCard(int(d.black.Version()) + 100)}, nil)
		}
		d.follow()
	}
	says := func() fa.Versions { // the board has what it was offered last
		v := r.c.port(1).fa.Orders().Versions
		r.board(&fa.Info{Maker: fa.MakerOf("TEST"), Time: fa.StampOf(r.now.Civil()), Nozzles: []fa.NZN{1}, Versions: v})
		r.flush()
		return v
	}
	change(10)
	r.board(&fa.Poll{})
	says()
	d.wait(time.Minute) // away …
	change(wrapAround)
	had := r.c.port(1).fa.Orders().Versions
	r.board(&fa.Poll{}) // … and back
	says()
	now := r.c.port(1).fa.Orders()
	if had.Added == 0 || now.Versions.Added == had.Added || now.Files[fa.ContentAdded][1] != now.Versions.Added || r.c.port(1).fa.HasLists() {
		t.Fatalf("offered %+v, then %+v, file %X", had, now.Versions, now.Files[fa.ContentAdded][:2])
	}
	had = says()
	d.wait(time.Minute)
	change(3)
	r.board(&fa.Poll{})
	if v := says(); v.Added == had.Added || r.c.port(1).fa.Orders().Versions != v || !r.c.port(1).fa.HasLists() {
		t.Errorf("three changes later: %+v, then %+v", had, v)
	}
}

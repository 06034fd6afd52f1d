package station

import (
	"encoding/json"
	"fmt"
	"time"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/lists"
	"greylock/system/terminal"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// PathLists shows the lists: {} → ListsStatus.
const PathLists = "/op/station/lists"

// ListPolicy says what a station does when it has not heard from the center for so long that its lists may miss a lost card.
// Source: features.md S6; trust.md row 61, M15.
type ListPolicy struct {
	Warn   time.Duration `json:"warn"`   // an alarm; 0 is 24 hours, or half of Refuse if that is sooner
	Refuse time.Duration `json:"refuse"` // user cards are no longer taken: nobody can say whether they are lost; 0 is never
}

const (
	defaultWarn  = 24 * time.Hour
	confirmEvery = time.Hour       // how often the age is noted at least, so that a restart does not make lists old
	listPoll     = 3 * time.Second // a lost card is refused at every pump within five seconds (trust.md P9)
)

// ListState is what the policy says of the lists' age.
type ListState string

// The states.
const (
	ListsFresh   ListState = "fresh"
	ListsOld     ListState = "old"     // an alarm was raised
	ListsRefused ListState = "refused" // user cards are not taken
)

// ListsStatus is the lists as the station works by them.
type ListsStatus struct {
	Black  ListStatus    `json:"blacklist"`
	White  ListStatus    `json:"whitelist"`
	Age    int64         `json:"age_s"` // since the center last said that there is nothing newer
	State  ListState     `json:"state"`
	Zh     string        `json:"zh"`
	En     string        `json:"en"`
	Boards []BoardStatus `json:"boards"`
}

// ListStatus is one list.
type ListStatus struct {
	Version uint32 `json:"version"`          // of the center's; 0: none has come
	Count   int    `json:"count"`            // cards
	Pieces  int    `json:"pieces,omitempty"` // of a new base that are here
	Base    uint32 `json:"base"`             // version at which the base was made that boards are given
	Added   int    `json:"added"`            // cards since
	Deleted int    `json:"deleted"`
}

// BoardStatus is how far a board is, by its own word after its last download of a list.
type BoardStatus struct {
	Port    int  `json:"port"`
	Online  bool `json:"online"`
	Current bool `json:"current"` // it has what it is offered
}

// cardLists are the lists that the station works by. They change only by facts; what is heard between two facts only makes
// them younger.
type cardLists struct {
	black, white lists.List
	baseAt       clock.Instant // when the base came into force
	opened       clock.Instant // when the station began
	confirmed    clock.Instant // the center said that nothing is newer: by a fact
	heard        clock.Instant // the same, since the start
	state        ListState
	files        *dispenser.Orders // what boards are given of them; nil: to be made
}

// of returns a list by its topic.
func (l *cardLists) of(t record.Topic) *lists.List {
	switch t {
	case record.TopicBlack:
		return &l.black
	case record.TopicWhite:
		return &l.white
	}
	return nil
}

func step(d record.Directive) (s record.ListStep, err error) {
	if err := json.Unmarshal(d.Body, &s); err != nil {
		return s, fmt.Errorf("station: list: %w", err)
	}
	if s.Directive() != d.Version {
		return s, fmt.Errorf("station: list: step %d of a directive %d: %w", s.Directive(), d.Version, lists.ErrGap)
	}
	return s, nil
}

// take carries a list on. Source: trust.md row 59.
func (l *cardLists) take(d record.Directive, ms int64) error {
	s, err := step(d)
	if err != nil {
		return err
	}
	list := l.of(d.Topic)
	base, begun := list.BaseVersion(), list.Version() > 0
	if err := list.Take(s); err != nil {
		return err
	}
	if d.Topic == record.TopicBlack && (list.BaseVersion() != base || !begun) {
		l.baseAt = clock.FromMilli(ms)
	}
	l.files = nil
	return nil
}

// fresh is when the center last said that the lists are the newest; before it ever did, when the station began.
func (l *cardLists) fresh() clock.Instant { return max(l.opened, l.confirmed, l.heard) }

// age is how old the lists are; 0 while there is nothing to count from.
func (l *cardLists) age(now clock.Instant) time.Duration {
	if l.fresh() == 0 {
		return 0
	}
	return max(0, now.Sub(l.fresh()))
}

// listed answers a 36H query from the station's own lists: black for a user card, white for an internal one. While the lists are
// older than the policy allows nobody can say that a user card is not lost: silence lets the board fall back on its own list,
// which it is told is no longer valid, and it refuses the card without locking it. Source: dispenser.md 3.9.
func (c *Core) listed(p *port, e dispenser.ListAsked) {
	l := &c.orders.lists
	on := l.black.Has(e.ASN)
	switch e.ASN.CardType() {
	case fuelcard.CardEmployee, fuelcard.CardPumpTest, fuelcard.CardService:
		on = l.white.Has(e.ASN)
	default:
		if !on && l.state == ListsRefused {
			return
		}
	}
	flag := fa.NotFound
	if on {
		flag = fa.Found
	}
	c.out.Send(p.number, p.fa.AnswerList(e.To, fa.ListAnswer{Flag: flag, ASN: e.ASN}), 0)
}

// stepFits says whether a directive that has come may be written: anything but a step of a list that does not fit, which is
// alarmed and asked for again. It is looked at once more when it is durable.
func (c *Core) stepFits(now clock.Instant, line record.DirectiveLine) bool {
	d, err := line.Open(c.cfg.CenterKey)
	list := c.orders.lists.of(d.Topic)
	if err != nil || list == nil {
		return err == nil
	}
	s, err := step(d)
	if err == nil {
		err = list.Check(s)
	}
	if err == nil {
		return true
	}
	c.ship.Again(d.Topic)
	c.alarm(now, "list-refused", string(d.Topic), "收到的名单不完整或被改动, 未采用, 沿用原名单: "+err.Error(),
		"a list came incomplete or altered and was not taken, the one before holds: "+err.Error())
	return false
}

// confirm notes that the center has nothing newer, and about once an hour makes that durable.
func (c *Core) confirm(now clock.Instant) {
	l := &c.orders.lists
	if c.ship.Current() != now {
		return
	}
	l.heard = now
	if now.Sub(l.confirmed) >= min(confirmEvery, c.cfg.Lists.warn()/4) && !c.confirming {
		c.confirming = true
		c.out.Append(record.ListConfirmed{TimeMs: now.Milli(), Black: l.black.Version(), White: l.white.Version()})
	}
	c.judgeLists(now)
}

func (p ListPolicy) warn() time.Duration {
	switch {
	case p.Warn > 0:
		return p.Warn
	case p.Refuse > 0:
		return min(defaultWarn, p.Refuse/2)
	}
	return defaultWarn
}

// stateOf is what the policy says of an age.
func (p ListPolicy) stateOf(age time.Duration) ListState {
	switch {
	case p.Refuse > 0 && age >= p.Refuse:
		return ListsRefused
	case age >= p.warn():
		return ListsOld
	}
	return ListsFresh
}

// next is the age at which the state changes, beyond an age; false if it never does again.
func (p ListPolicy) next(age time.Duration) (at time.Duration, ok bool) {
	for _, x := range [...]time.Duration{p.warn(), p.Refuse} {
		if x > age && (!ok || x < at) {
			at, ok = x, true
		}
	}
	return at, ok
}

// judgeLists looks at the age: a state that gets worse is an alarm, and boards are told when cards are to be refused or taken again.
func (c *Core) judgeLists(now clock.Instant) {
	l := &c.orders.lists
	age := l.age(now)
	was, is := l.state, c.cfg.Lists.stateOf(age)
	if was == is {
		return
	}
	l.state = is
	switch {
	case is == ListsOld && was != ListsRefused:
		c.alarm(now, "lists-old", "", fmt.Sprintf("名单已 %s未更新, 挂失卡可能仍能加油", since(age)), "the lists have not been confirmed by the center for "+age.String())
	case is == ListsRefused:
		c.alarm(now, "lists-too-old", "", fmt.Sprintf("名单已 %s未更新, 按规定停止用卡加油", since(age)), "the lists are too old: user cards are refused, by policy, after "+age.String())
	}
	if was == ListsRefused || is == ListsRefused {
		l.files = nil
		c.order(now)
	}
}

func since(d time.Duration) string {
	if d < 2*time.Hour {
		return fmt.Sprintf("%d 分钟", int(d.Minutes()))
	}
	return fmt.Sprintf("%d 小时", int(d.Hours()))
}

// listDue is when judgeLists is wanted.
func (c *Core) listDue(now clock.Instant) clock.Instant {
	l := &c.orders.lists
	at, ok := c.cfg.Lists.next(l.age(now))
	if !ok || l.fresh() == 0 {
		return clock.Never
	}
	return l.fresh().Add(at)
}

// listAlarm is the alarm about a card that a board has refused because of a list.
func listAlarm(now clock.Instant, r fa.Record) (a record.Alarm, ok bool) {
	if r.Type.Kind() != fa.CardErrorEvent || r.TAC[0] != 0 || r.TAC[1] != 0 {
		return a, false
	}
	a.TimeMs, a.Subject = now.Milli(), r.ASN.String()
	switch code := uint16(r.TAC[2])<<8 | uint16(r.TAC[3]); {
	case code == terminal.ReasonBlack && r.TTC != 0:
		a.Kind, a.Zh, a.En = "blacklist-hit", "黑名单卡被使用, 已拒绝并灰锁", "a blacklisted card was used: refused and locked"
	case code == terminal.ReasonBlack:
		a.Kind, a.Zh, a.En = "blacklist-hit", "黑名单卡被使用, 已拒绝", "a blacklisted card was used: refused"
	case code == terminal.ReasonNotWhite:
		a.Kind, a.Zh, a.En = "not-white", "不在白名单的卡被使用, 已拒绝", "a card that is not on the white list was used: refused"
	default:
		return a, false
	}
	return a, true
}

// always and never are the ends of a list file that holds, and of one that does not hold on any day of ours.
var (
	always = fa.Date{0x20, 0x99, 0x12, 0x31}
	never  = fa.Date{0x20, 0x00, 0x01, 0x01}
	nation = fa.Area{0xFF, 0xFF}
)

// addTo puts the files of the lists into a board's orders. The versions are those at which each part last changed; that of the
// base tells by its lowest bit whether the base holds. Source: dispenser.md 3.8.
func (l *cardLists) addTo(o *dispenser.Orders) error {
	if l.files == nil {
		f, err := l.make()
		if err != nil {
			return err
		}
		l.files = &f
	}
	for content, file := range l.files.Files {
		o.Files[content] = file
	}
	v := l.files.Versions
	o.Versions.Base, o.Versions.Added, o.Versions.Deleted, o.Versions.White = v.Base, v.Added, v.Deleted, v.White
	return nil
}

func (l *cardLists) make() (dispenser.Orders, error) {
	o := dispenser.Orders{Files: map[fa.Content][]byte{}}
	put := func(c fa.Content, version uint16, cards []pboc.ASN, holds bool) error {
		f := fa.ListFile{Version: version, From: l.baseAt.Civil().Date(), To: always, Area: nation, Cards: cards}
		if !holds || len(cards) > maxOnBoard {
			f.From, f.To, f.Cards = never, never, nil // a board without a valid list asks, and refuses where nobody answers
		}
		b, err := f.Bytes()
		o.Files[c] = b
		return err
	}
	if l.black.Version() > 0 {
		holds := l.state != ListsRefused
		turn := 2*uint64(l.black.BaseVersion()) + 2
		if !holds {
			turn++
		}
		o.Versions.Base = fa.FoldBase(turn)
		o.Versions.Added, o.Versions.Deleted = fa.FoldVersion(uint64(l.black.AddedVersion())), fa.FoldVersion(uint64(l.black.DeletedVersion()))
		base := make([]pboc.ASN, 0, min(l.black.Base().Len(), maxOnBoard+1))
		for card := range l.black.Base().All() {
			if base = append(base, card); len(base) > maxOnBoard {
				break
			}
		}
		if err := put(fa.ContentBase, o.Versions.Base, base, holds); err != nil {
			return o, err
		}
		if err := put(fa.ContentAdded, uint16(o.Versions.Added), l.black.Added(), true); err != nil {
			return o, err
		}
		if err := put(fa.ContentDeleted, uint16(o.Versions.Deleted), l.black.Deleted(), true); err != nil {
			return o, err
		}
	}
	if l.white.Version() == 0 {
		return o, nil
	}
	o.Versions.White = fa.FoldVersion(uint64(l.white.Version()))
	white := make([]pboc.ASN, 0, l.white.Count())
	for card := range l.white.All() {
		white = append(white, card)
	}
	return o, put(fa.ContentWhite, uint16(o.Versions.White), white, true)
}

// boardLists is what a port's board is offered of the lists. It lives as long as the program: what is known of a board is asked anew.
type boardLists struct {
	greeted bool   // it has said in this contact which versions it has
	seen    uint32 // the station's newest version when the contact ended; 0: no contact in this life of the program
	turn    bool   // its numbers are one ahead
}

// wrapAround is after how many changes a number on the wire means another list again. Source: dispenser.md 3.4.
const wrapAround = 255

func (l *cardLists) newest() uint32 { return max(l.black.Version(), l.white.Version()) }

// listsInformed looks at the first word of a contact. A board that was away for as many changes as there are numbers may have the
// right number and a wrong list, and would never fetch: its numbers are turned by one, and it fetches.
func (c *Core) listsInformed(now clock.Instant, p *port, has fa.Versions) {
	first, l := !p.lists.greeted, &c.orders.lists
	p.lists.greeted = true
	if !first || l.newest()-min(l.newest(), p.lists.seen) < wrapAround {
		return
	}
	o, err := c.orders.forPort(p.number, c.shutting(p))
	if err != nil {
		return // alarmed when the orders were made
	}
	p.lists.offer(&o)
	same := func(a, b byte) bool { return a != 0 && a == b }
	if v := o.Versions; same(v.Added, has.Added) || same(v.Deleted, has.Deleted) || same(v.White, has.White) {
		p.lists.turn = !p.lists.turn
		c.order(now)
	}
}

// offer turns the numbers of the lists in a board's orders.
func (b boardLists) offer(o *dispenser.Orders) {
	if !b.turn {
		return
	}
	for _, x := range [...]struct {
		content fa.Content
		version *byte
	}{{fa.ContentAdded, &o.Versions.Added}, {fa.ContentDeleted, &o.Versions.Deleted}, {fa.ContentWhite, &o.Versions.White}} {
		if file := o.Files[x.content]; *x.version != 0 && len(file) > 2 {
			*x.version = fa.FoldVersion(uint64(*x.version) + 1)
			o.Files[x.content] = append([]byte{0, *x.version}, file[2:]...) // the file begins with its version
		}
	}
}

// maxOnBoard is how many cards a list file may have: segments are counted with two bytes. Source: dispenser.md 3.7.
const maxOnBoard = (fa.MaxFile - 16) / len(pboc.ASN{})

func (c *Core) listsStatus(now clock.Instant) ListsStatus {
	l := &c.orders.lists
	one := func(x *lists.List) ListStatus {
		s := ListStatus{Version: x.Version(), Count: x.Count(), Base: x.BaseVersion(), Added: len(x.Added()), Deleted: len(x.Deleted())}
		if _, pieces, whole := record.ListPlace(x.Place()); !whole {
			s.Pieces = pieces
		}
		return s
	}
	age := l.age(now)
	s := ListsStatus{Black: one(&l.black), White: one(&l.white), Age: int64(age / time.Second), State: c.cfg.Lists.stateOf(age), Boards: []BoardStatus{}}
	switch s.State {
	case ListsFresh:
		s.Zh, s.En = "名单最新", "lists are fresh"
	case ListsOld:
		s.Zh, s.En = "名单过旧", "lists are old"
	case ListsRefused:
		s.Zh, s.En = "名单过旧, 停止用卡加油", "lists are too old: user cards are refused"
	}
	for _, p := range c.ports {
		if p.fa != nil {
			s.Boards = append(s.Boards, BoardStatus{Port: p.number, Online: p.fa.View().State != dispenser.Inoperative, Current: p.fa.HasLists()})
		}
	}
	return s
}

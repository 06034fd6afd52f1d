package alarm

import "greylock/system/wire/record"

// maxCases bounds a list; the journal has them all. Acknowledged cases go first.
const maxCases = 1000

// Case is one thing that is wrong: all alarms of a kind about a subject since the last one that was acknowledged.
type Case struct {
	Site     record.SiteID `json:"site"`
	Seq      uint64        `json:"seq"` // number of its first alarm in the journal of Site: the name of the case
	Kind     string        `json:"kind"`
	Severity Severity      `json:"severity"`
	Owner    Owner         `json:"owner"`
	Subject  string        `json:"subject"`
	Count    int           `json:"count"`
	FirstMs  int64         `json:"first_ms"`
	LastMs   int64         `json:"last_ms"`
	Zh       string        `json:"zh"` // of the newest alarm
	En       string        `json:"en"`
	AdviceZh string        `json:"advice_zh"`
	AdviceEn string        `json:"advice_en"`
	Ack      *Ack          `json:"ack,omitempty"` // none: the case is open
}

// Ack says who has taken care of a case.
type Ack struct {
	TimeMs int64         `json:"time_ms"`
	Site   record.SiteID `json:"site"` // where it was acknowledged
	By     string        `json:"by"`
	Note   string        `json:"note,omitempty"`
}

// List is the one list of alarms. The zero value is empty; it changes only by facts.
type List struct {
	cases []*Case // by first alarm
	open  map[subject]*Case
	names map[name]*Case
	total int
}

type subject struct {
	site          record.SiteID
	kind, subject string
}

type name struct {
	site record.SiteID
	seq  uint64
}

// Raised takes an alarm of a site's journal.
func (l *List) Raised(site record.SiteID, seq uint64, f record.Alarm) {
	if l.open == nil {
		l.open, l.names = map[subject]*Case{}, map[name]*Case{}
	}
	key := subject{site, f.Kind, f.Subject}
	c := l.open[key]
	if c == nil {
		advice := Of(f.Kind)
		c = &Case{Site: site, Seq: seq, Kind: f.Kind, Severity: advice.Severity, Owner: advice.Owner, Subject: f.Subject,
			FirstMs: f.TimeMs, AdviceZh: advice.Zh, AdviceEn: advice.En}
		l.cases, l.open[key], l.names[name{site, seq}] = append(l.cases, c), c, c
		l.bound()
	}
	c.Count += 1 + f.Silent
	c.LastMs, c.Zh, c.En = f.TimeMs, f.Zh, f.En
	l.total += 1 + f.Silent
}

// Acknowledged takes an acknowledgement written by the site where. The first one counts; one of a case that is not here is
// nothing.
func (l *List) Acknowledged(where record.SiteID, f record.AlarmAcknowledged) {
	c := l.names[name{f.Site, f.Alarm}]
	if c == nil || c.Ack != nil {
		return
	}
	c.Ack = &Ack{f.TimeMs, where, f.By, f.Note}
	delete(l.open, subject{c.Site, c.Kind, c.Subject})
}

// bound drops the oldest acknowledged case of a list that is too long, else the oldest one.
func (l *List) bound() {
	if len(l.cases) <= maxCases {
		return
	}
	drop := 0
	for i, c := range l.cases {
		if c.Ack != nil {
			drop = i
			break
		}
	}
	c := l.cases[drop]
	l.cases = append(l.cases[:drop], l.cases[drop+1:]...)
	delete(l.names, name{c.Site, c.Seq})
	if c.Ack == nil {
		delete(l.open, subject{c.Site, c.Kind, c.Subject})
	}
}

// Find returns a case by its name.
func (l *List) Find(site record.SiteID, seq uint64) (Case, bool) {
	if c := l.names[name{site, seq}]; c != nil {
		return *c, true
	}
	return Case{}, false
}

// Open returns the open case of a kind about a subject.
func (l *List) Open(site record.SiteID, kind, about string) (Case, bool) {
	if c := l.open[subject{site, kind, about}]; c != nil {
		return *c, true
	}
	return Case{}, false
}

// Newest lists at most limit cases, newest first; only the open ones if asked so.
func (l *List) Newest(limit int, open bool) []Case {
	list := []Case{}
	for i := len(l.cases) - 1; i >= 0 && len(list) < limit; i-- {
		if c := l.cases[i]; !open || c.Ack == nil {
			list = append(list, *c)
		}
	}
	return list
}

// Total counts all alarms ever raised.
func (l *List) Total() int { return l.total }

// OpenCases counts the cases that nobody has acknowledged.
func (l *List) OpenCases() int { return len(l.open) }

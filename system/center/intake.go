package center

import (
	"fmt"
	"net/http"
	"time"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/wire/record"
)

// takeBatch takes a piece of a site's journal: it must continue what is here, sequence and chain. The copy and everything
// that it means are one act; the answer, sent once that is durable, is the site's watermark.
// Source: design.md 4, trust.md rows 49, 54, 55.
func (c *Core) takeBatch(now clock.Instant, q record.Batch) outcome {
	s, ok := c.books.sites.get(q.Site)
	if !ok || q.Site == c.cfg.Site {
		return refuseOver(UnknownSite, "%.16s", q.Site)
	}
	d := c.intake.Decide(now, q)
	o := outcome{status: d.Status, answer: d.Answer}
	if d.Status == http.StatusBadRequest {
		o = refuseOver(BatchRefused, "%s", d.Reason)
	}
	if d.Alarm != nil {
		o.facts = append(o.facts, *d.Alarm)
	}
	if d.Taken == nil {
		return o
	}
	if d.Taken.First == 1 {
		if o, ok := c.begins(s, q.Site, decode(*d.Taken).facts[0]); !ok {
			return o
		}
	}
	return c.takeSome(now, *d.Taken, d.Answer)
}

// takeSome takes as many acts of a batch as fit into one act of the center with all that they mean; the site sends the rest
// again, as the watermark tells it.
func (c *Core) takeSome(now clock.Instant, t record.BatchTaken, mark record.BatchAnswer) outcome {
	for {
		facts := c.decide(now, t, decode(t))
		if len(facts) <= journal.MaxAct && fits(t) {
			return reply(mark, facts...)
		}
		if len(t.Acts) == 1 {
			return c.oversized(now, t, len(facts))
		}
		t.Acts = t.Acts[:len(t.Acts)/2]
		lines := 0
		for _, n := range t.Acts {
			lines += n
		}
		t.Lines = t.Lines[:lines]
		t.Head = chainAfter(c.intake.Mark(t.Site).Head, t.Lines)
		mark = record.BatchAnswer{Seq: t.First + uint64(lines) - 1, Head: t.Head}
	}
}

// oversized refuses an act that can not be one act here. The site offers it again and again, and stops there: a person must
// look, and is told once in a while.
func (c *Core) oversized(now clock.Instant, t record.BatchTaken, facts int) outcome {
	o := refuseOver(BatchRefused, "%s#%d: %d", t.Site, t.First, facts)
	const kind = "batch-refused"
	old, open := c.shown.alarms.Open(c.cfg.Site, kind, string(t.Site))
	if !open || now.Sub(clock.FromMilli(old.LastMs)) >= oversizedAgain {
		o.facts = append(o.facts, raise(now, kind, string(t.Site), fmt.Sprintf("站点日志第 %d 条起的一次操作过大, 无法接收, 上传停在此处", t.First),
			fmt.Sprintf("the act at record %d of the site's journal is too large to take: its upload stops there", t.First)))
	}
	return o
}

// oversizedAgain is how often the center tells of an act that is too large.
const oversizedAgain = time.Hour

// fits says whether the copy of a batch can be one record of the own journal: JSON in JSON, where a byte may become six.
func fits(t record.BatchTaken) bool {
	const worst, rest = 6, 64 << 10 // the other fields, and a number per act
	size := rest
	for _, l := range t.Lines {
		size += len(l)
	}
	if size <= journal.MaxBody/worst {
		return true
	}
	line, err := record.Encode(t)
	return err == nil && len(line) <= journal.MaxBody
}

// begins checks the first line of a journal: the site that is registered here, of this realm.
func (c *Core) begins(s site, id record.SiteID, f record.Fact) (outcome, bool) {
	o, ok := f.(record.SiteOpened)
	switch {
	case !ok || o.Site != id:
		return bad("lines[0]", "site.opened "+string(id)), false
	case o.Realm != c.cfg.Realm:
		return refuse(WrongRealm), false
	case o.Kind != s.kind:
		return refuseOver(WrongKind, "%s ≠ %s", o.Kind, s.kind), false
	}
	return outcome{}, true
}

// decide says what a batch means, on a fork of the books.
func (c *Core) decide(now clock.Instant, taken record.BatchTaken, lines carried) []record.Fact {
	j := &judge{center: c, books: c.books.fork(), nowMs: now.Milli()}
	j.books.batch = lines
	j.emit(taken)
	for i, f := range lines.facts {
		j.judge(place{taken.Site, taken.First + uint64(i)}, f)
	}
	c.books.batch = lines // decoded once: Apply finds it there
	return j.facts
}

func chainAfter(head record.Hex, lines []string) record.Hex {
	h := [32]byte(head) // a mark always has 32 bytes
	for _, l := range lines {
		h = journal.Chain(h, []byte(l))
	}
	return h[:]
}

// giveDirectives hands out the newest order of each topic that the site does not apply yet, and the next step of each list.
func (c *Core) giveDirectives(now clock.Instant, q record.DirectivesQuestion) outcome {
	if !c.books.sites.has(q.Site) {
		return refuseOver(UnknownSite, "%.16s", q.Site)
	}
	var a record.DirectivesAnswer
	for _, topic := range topics {
		if o, ok := c.books.orders.get(orderKey{q.Site, topic}); ok && o.version > q.Applied[topic] {
			a.Directives = append(a.Directives, o.line)
		}
	}
	lines, o, ok := c.giveLists(now, q)
	if !ok {
		return o
	}
	a.Directives = append(a.Directives, lines...)
	return reply(a)
}

// topics in the order in which a site needs them: prices name the products of the layout.
var topics = []record.Topic{record.TopicLayout, record.TopicPrices}

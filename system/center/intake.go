package center

import (
	"net/http"
	"slices"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/wire/record"
)

const maxLines = 10_000 // lines of a batch: 1 MiB holds fewer

// takeBatch takes a piece of a site's journal: it must continue what is here, sequence and chain. The copy and everything
// that it means are one act; the answer, sent once that is durable, is the site's watermark.
// Source: design.md 4, trust.md rows 49, 54, 55.
func (c *Core) takeBatch(now clock.Instant, q record.Batch) outcome {
	s, ok := c.books.sites.get(q.Site)
	switch {
	case !ok || q.Site == c.cfg.Site:
		return refuseOver(UnknownSite, "%.16s", q.Site)
	case q.First == 0 || len(q.Lines) == 0 || len(q.Lines) > maxLines:
		return bad("lines", len(q.Lines))
	case !actsSum(q.Acts, len(q.Lines)):
		return bad("acts", "≠ lines")
	}
	last := q.First + uint64(len(q.Lines)) - 1
	head := s.head
	if len(head) == 0 {
		head = make(record.Hex, 32)
	}
	mark := record.BatchAnswer{Seq: s.seq, Head: head}
	if last < s.seq || last == s.seq && slices.Equal(q.Head, head) {
		return reply(mark) // it is here
	}
	if q.First > s.seq+1 || q.First <= s.seq && last != s.seq {
		return outcome{status: http.StatusConflict, answer: mark}
	}
	if q.First <= s.seq || !slices.Equal(q.Prev, head) || !slices.Equal(chainAfter(head, q.Lines), q.Head) {
		o := outcome{status: http.StatusConflict, answer: mark}
		if !c.forked[q.Site] {
			c.forked[q.Site] = true
			o.facts = []record.Fact{alarm(now, "journal-forked", string(q.Site), "站点日志与中心副本不一致: 恢复了旧备份或被改动",
				"the site's journal is not the one of which a copy is here: restored from a backup, or altered")}
		}
		return o
	}
	taken := record.BatchTaken{TimeMs: now.Milli(), Site: q.Site, First: q.First, Lines: q.Lines, Acts: q.Acts, Head: q.Head}
	lines := decode(taken)
	if q.First == 1 {
		if o, ok := c.begins(s, q.Site, lines.facts[0]); !ok {
			return o
		}
	}
	delete(c.forked, q.Site)
	return reply(record.BatchAnswer{Seq: last, Head: q.Head}, c.decide(now, taken, lines)...)
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

func actsSum(acts []int, lines int) bool {
	sum := 0
	for _, n := range acts {
		if n <= 0 || n > lines-sum {
			return false
		}
		sum += n
	}
	return sum == lines
}

func chainAfter(head record.Hex, lines []string) []byte {
	h := [32]byte(head)
	for _, l := range lines {
		h = journal.Chain(h, []byte(l))
	}
	return h[:]
}

// giveDirectives hands out the newest order of each topic that the site does not apply yet.
func (c *Core) giveDirectives(_ clock.Instant, q record.DirectivesQuestion) outcome {
	if !c.books.sites.has(q.Site) {
		return refuseOver(UnknownSite, "%.16s", q.Site)
	}
	var a record.DirectivesAnswer
	for _, topic := range topics {
		if o, ok := c.books.orders.get(orderKey{q.Site, topic}); ok && o.version > q.Applied[topic] {
			a.Directives = append(a.Directives, o.line)
		}
	}
	return reply(a)
}

// topics in the order in which a site needs them: prices name the products of the layout.
var topics = []record.Topic{record.TopicLayout, record.TopicPrices}

package center

import (
	"greylock/system/clock"
	"greylock/system/wire/record"
)

// Resolve says who has settled what a record in quarantine means, and how: booked from its true copy, paid back, forged.
type Resolve struct {
	Site record.SiteID `json:"site"`
	Seq  uint64        `json:"seq"`
	By   string        `json:"by"`
	Note string        `json:"note"`
}

// resolveRecord takes a record out of quarantine. It stays in the journal, and moves no money.
func (c *Core) resolveRecord(now clock.Instant, q Resolve) outcome {
	switch {
	case !word(q.By, false):
		return bad("by", q.By)
	case !word(q.Note, false):
		return bad("note", q.Note)
	}
	n, held := c.books.held.get(place{q.Site, q.Seq})
	if !held || c.books.quarantine.at(n).resolved {
		return refuseOver(NotInQuarantine, "%.16s#%d", q.Site, q.Seq)
	}
	return reply(record.Done{OK: true}, record.QuarantineResolved{TimeMs: now.Milli(), Site: q.Site, Seq: q.Seq, By: q.By, Note: q.Note})
}

package center

import (
	"strings"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/record"
)

// Paths of a change of prices: one person proposes, another decides. Source: trust.md requirement 44; features C8, U3.
const (
	PathProposePrices  = "/op/prices/propose"   // ProposePrices → Proposed
	PathApprovePrices  = "/op/prices/approve"   // DecidePrices → Issued
	PathRejectPrices   = "/op/prices/reject"    // DecidePrices → Done
	PathPriceProposals = "/op/prices/proposals" // AskProposals → Proposals, newest first
	PathPriceStatus    = "/op/prices/status"    // {} → PriceStatus: how far the newest prices are, nozzle by nozzle
)

// ProposePrices asks for a change. Products that are not named keep their price.
type ProposePrices struct {
	Site      record.SiteID  `json:"site"`
	Effective string         `json:"effective"` // civil minute YYYYMMDDhhmm, to come; empty: in the minute of the approval
	Prices    []record.Price `json:"prices"`
	By        string         `json:"by"`
	Reason    string         `json:"reason,omitempty"`
}

// Proposed is the number of a proposal.
type Proposed struct {
	Proposal  uint64 `json:"proposal"`
	ExpiresMs int64  `json:"expires_ms"`
}

// DecidePrices approves or rejects a proposal; By is not the one who made it. A rejection says why.
type DecidePrices struct {
	Proposal uint64 `json:"proposal"`
	By       string `json:"by"`
	Reason   string `json:"reason,omitempty"`
}

// AskProposals filters the proposals; 0 is 100, the most is 500.
type AskProposals struct {
	Open  bool `json:"open,omitempty"` // only those that wait for somebody
	Limit int  `json:"limit,omitempty"`
}

// Proposals lists proposals.
type Proposals struct {
	Proposals []ProposalView `json:"proposals"`
	Open      int            `json:"open"`
}

// ProposalView is one proposal and what became of it.
type ProposalView struct {
	record.PriceProposed
	State   string               `json:"state"` // open, approved, rejected, expired
	Decided *record.PriceDecided `json:"decided,omitempty"`
}

// proposalLife is how long a proposal may wait, and never beyond its own minute: what nobody approved in time is void.
const proposalLife = 24 * time.Hour

// proposal is one change on its way.
type proposal struct {
	fact    record.PriceProposed
	decided *record.PriceDecided
}

func (p proposal) state(now clock.Instant) string {
	switch {
	case p.decided != nil && p.decided.Approved:
		return "approved"
	case p.decided != nil:
		return "rejected"
	case now.Milli() >= p.fact.ExpiresMs:
		return "expired"
	}
	return "open"
}

func (c *Core) proposePrices(now clock.Instant, q ProposePrices) outcome {
	order := PutPrices{Site: q.Site, Effective: q.Effective, Prices: q.Prices, By: q.By}
	if _, o, ok := c.pricesFit(now, order); !ok {
		return o
	}
	switch {
	case samePerson(q.By, "") || !word(q.By, false):
		return bad("by", q.By)
	case !word(q.Reason, true):
		return bad("reason", q.Reason)
	case q.Effective == minuteText(now.Civil()):
		return refuseOver(EffectivePast, "%s", q.Effective) // the other person needs time; "at once" is an empty minute
	}
	expires := now.Add(proposalLife)
	if at, err := minuteInstant(q.Effective); err == nil {
		expires = min(expires, at)
	}
	f := record.PriceProposed{TimeMs: now.Milli(), Proposal: c.books.nProposals + 1, Site: q.Site, Effective: q.Effective,
		Prices: q.Prices, By: q.By, Reason: q.Reason, ExpiresMs: expires.Milli()}
	return reply(Proposed{f.Proposal, f.ExpiresMs}, f)
}

// approvePrices orders what was proposed, if another person says so in time.
func (c *Core) approvePrices(now clock.Instant, q DecidePrices) outcome {
	p, o, ok := c.undecided(now, q)
	if !ok {
		return o
	}
	order := PutPrices{Site: p.fact.Site, Effective: p.fact.Effective, Prices: p.fact.Prices, By: q.By}
	table, o, ok := c.pricesFit(now, order) // other orders may have come between
	if !ok {
		return o
	}
	o = c.issue(now, p.fact.Site, record.TopicPrices, table, p.fact.By+" + "+q.By)
	if issued, ok := o.answer.(Issued); ok {
		o.facts = append(o.facts, record.PriceDecided{TimeMs: now.Milli(), Proposal: q.Proposal, Approved: true, By: q.By,
			Reason: q.Reason, Version: issued.Version})
	}
	return o
}

func (c *Core) rejectPrices(now clock.Instant, q DecidePrices) outcome {
	if strings.TrimSpace(q.Reason) == "" {
		return bad("reason", q.Reason)
	}
	if _, o, ok := c.undecided(now, q); !ok {
		return o
	}
	return reply(record.Done{OK: true}, record.PriceDecided{TimeMs: now.Milli(), Proposal: q.Proposal, By: q.By, Reason: q.Reason})
}

// undecided is the proposal that a person may decide now. Who tries to decide his own leaves an alarm.
func (c *Core) undecided(now clock.Instant, q DecidePrices) (p proposal, o outcome, ok bool) {
	p, known := c.books.proposals.get(q.Proposal)
	switch {
	case !known:
		return p, refuseOver(UnknownProposal, "%d", q.Proposal), false
	case samePerson(q.By, "") || !word(q.By, false):
		return p, bad("by", q.By), false
	case !word(q.Reason, true):
		return p, bad("reason", q.Reason), false
	case p.decided != nil:
		return p, refuseOver(ProposalDecided, "%s", p.decided.By), false
	case p.state(now) == "expired":
		return p, refuse(ProposalExpired), false
	case samePerson(q.By, p.fact.By):
		o = refuse(PriceTwoPersons)
		o.facts = append(o.facts, raise(now, "price-self-approval", string(p.fact.Site), q.By+" 想批准自己提出的调价",
			q.By+" tried to decide on an own change of prices"))
		return p, o, false
	}
	return p, o, true
}

func (c *Core) listProposals(now clock.Instant, q AskProposals) outcome {
	if q.Limit == 0 {
		q.Limit = pageDefault
	}
	if q.Limit < 0 || q.Limit > pageMost {
		return bad("limit", q.Limit)
	}
	a := Proposals{Proposals: []ProposalView{}}
	for n := c.books.nProposals; n > 0; n-- {
		p := c.books.proposals.at(n)
		state := p.state(now)
		if state == "open" {
			a.Open++
		}
		if len(a.Proposals) < q.Limit && (!q.Open || state == "open") {
			a.Proposals = append(a.Proposals, ProposalView{p.fact, state, p.decided})
		}
	}
	return reply(a)
}

// PriceStatus says how far the newest prices of every station are.
type PriceStatus struct {
	Acknowledged int         `json:"acknowledged"` // nozzles that work by the newest prices
	Nozzles      int         `json:"nozzles"`      // that must say so
	Late         []PriceLate `json:"late"`         // the others
}

// PriceLate is a nozzle that does not work by the newest prices.
type PriceLate struct {
	Site    record.SiteID `json:"site"`
	Port    int           `json:"port"`
	Nozzle  record.Nozzle `json:"nozzle"`
	Ordered uint64        `json:"ordered"`
	Has     uint64        `json:"has"`  // by its station's word; 0: none
	Shut    bool          `json:"shut"` // its station has closed it
	Open    bool          `json:"open"` // it could not be closed: it sells on at its old price until its board is reached
}

type portKey struct {
	site record.SiteID
	port int
}

// priceAck is what a nozzle works by.
type priceAck struct {
	version uint64
	shut    bool
	open    bool // it was not reached
}

// priceStatus looks at every card dispenser of the newest layouts; a plain one is priced by its station, sale by sale.
func (c *Core) priceStatus(clock.Instant, nothing) outcome {
	a := PriceStatus{Late: []PriceLate{}}
	for _, id := range sorted(&c.books.layouts) {
		list := c.books.layouts.at(id)
		ordered := c.books.orders.at(orderKey{id, record.TopicPrices}).version
		for _, p := range list[len(list)-1].layout.Ports {
			if ordered == 0 || p.Protocol != "" {
				continue
			}
			a.Nozzles++
			ack := c.books.priceAcks.at(portKey{id, p.Port})
			if ack.version == ordered && !ack.shut {
				a.Acknowledged++
				continue
			}
			a.Late = append(a.Late, PriceLate{id, p.Port, p.Nozzle, ordered, ack.version, ack.shut && !ack.open, ack.open})
		}
	}
	return reply(a)
}

func (b *books) proposed(f record.PriceProposed) {
	b.nProposals = max(b.nProposals, f.Proposal)
	b.proposals.put(f.Proposal, proposal{fact: f})
}

func (b *books) decided(f record.PriceDecided) {
	if p, ok := b.proposals.get(f.Proposal); ok {
		p.decided = &f
		b.proposals.put(f.Proposal, p)
	}
}

// priceHeld looks whether a record's fuel was sold by prices that held at the time of its lock, and by the version that the
// station names. Source: trust.md M14, row 38.
func (j *judge) priceHeld(e *entry, nozzle string) {
	book := j.books.editions.at(e.Site)
	if len(book) == 0 {
		return
	}
	v, _ := book.Sold(e.rec.Product.String(), e.rec.Price, clock.FromMilli(lockTime(e.rec.Time)), e.fact.PriceVersion)
	switch {
	case v == 0:
		j.alarm("price-unknown", nozzle, "单价在该时刻无效, 见 "+e.id, "a price that did not hold at that time, see "+e.id)
	case e.fact.PriceVersion != 0 && v != e.fact.PriceVersion:
		j.alarm("price-stale", nozzle, "油价版本与站点所报不符, 见 "+e.id, "not the version of the prices that the station names, see "+e.id)
	}
}

package center

import (
	"testing"
	"time"

	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

func (r *rig) propose(effective string, p unit.Price, by string) (a Proposed) {
	r.t.Helper()
	r.into(&a, PathProposePrices, ProposePrices{Site: station, Effective: effective, Prices: []record.Price{{Product: product, Price: p}}, By: by, Reason: "调价通知"})
	return a
}

// TestPricesTakeTwoPersons: one proposes, another approves in time; nobody alone, nobody twice, nobody too late.
func TestPricesTakeTwoPersons(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cfg.OnePerson = false
	r.restart()
	const tomorrow = "202611230000"
	r.refused(PriceTwoPersons, PathPutPrices, PutPrices{Site: station, Prices: []record.Price{{Product: product, Price: 790}}, By: "1001"})
	change := []record.Price{{Product: product, Price: 790}}
	for code, q := range map[string]ProposePrices{
		BadValue:       {Site: station, Effective: tomorrow, Prices: change, By: " "},
		EffectivePast:  {Site: station, Effective: "202611220930", Prices: change, By: "1001"}, // the minute that runs
		UnknownProduct: {Site: station, Effective: tomorrow, Prices: []record.Price{{Product: "9999", Price: 1}}, By: "1001"},
		UnknownSite:    {Site: "7777", Effective: tomorrow, Prices: change, By: "1001"},
	} {
		r.refused(code, PathProposePrices, q)
	}
	first := r.propose(tomorrow, 790, "1001")
	want(t, "number", first.Proposal, 1)
	var v PricesView
	r.into(&v, PathPrices, AskSite{Site: station})
	want(t, "a proposal orders nothing", v.Version, 1)
	r.refused(PriceTwoPersons, PathApprovePrices, DecidePrices{Proposal: 1, By: " 1001"})
	r.refused(BadValue, PathApprovePrices, DecidePrices{Proposal: 1})
	r.refused(UnknownProposal, PathApprovePrices, DecidePrices{Proposal: 9, By: "1002"})
	r.ok(PathApprovePrices, DecidePrices{Proposal: 1, By: "1002"})
	r.into(&v, PathPrices, AskSite{Site: station})
	want(t, "approved", v.Version, 2)
	want(t, "the table", v.Table, record.PriceTable{Effective: tomorrow,
		Now: []record.Price{{Product: product, Price: 785}}, Next: []record.Price{{Product: product, Price: 790}}})
	r.refused(ProposalDecided, PathApprovePrices, DecidePrices{Proposal: 1, By: "1003"})

	second := r.propose(tomorrow, 795, "1002")
	r.refused(BadValue, PathRejectPrices, DecidePrices{Proposal: second.Proposal, By: "1001"}) // a rejection says why
	r.ok(PathRejectPrices, DecidePrices{Proposal: second.Proposal, By: "1001", Reason: "价格写错"})
	third := r.propose("", 800, "1001")
	r.now = r.now.Add(proposalLife)
	r.refused(ProposalExpired, PathApprovePrices, DecidePrices{Proposal: third.Proposal, By: "1002"})

	soon := r.propose("202611231000", 801, "1001") // void at its minute, though a day is not over
	r.now = r.now.Add(31 * time.Minute)
	r.refused(ProposalExpired, PathApprovePrices, DecidePrices{Proposal: soon.Proposal, By: "1002"})

	var all Proposals
	r.into(&all, PathPriceProposals, AskProposals{})
	states := ""
	for _, p := range all.Proposals {
		states += p.State + " "
	}
	want(t, "states, newest first", states, "expired expired rejected approved ")
	want(t, "who", all.Proposals[3].By+" "+all.Proposals[3].Decided.By, "1001 1002")
	var alarms Alarms
	r.into(&alarms, PathAlarms, AskAlarms{})
	want(t, "the try alone is an alarm", alarms.Alarms[0].Kind, "price-self-approval")
	r.sameAfterReplay()
}

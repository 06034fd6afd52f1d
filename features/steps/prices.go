package steps

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"greylock/system/center"
	stationprogram "greylock/system/station"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// priceSteps are a change of prices: who wants it, which nozzle has it, and by which version was sold.
func (s *Scene) priceSteps() []Step {
	return []Step{
		{`^"([^"]+)" 提出油品 "(\d{4})" 在 (\d+) 分钟后改为 ([\d.]+) 元$`, s.propose},
		{`^"([^"]+)" (批准|驳回)该调价$`, s.decide},
		{`^中心拒绝, 说 "([^"]+)"$`, s.centerRefused},
		{`^中心的调价申请为 "([^"]+)"$`, s.proposalIs},
		{`^中心的调价由 "([^"]+)" 提出、"([^"]+)" 批准$`, s.decidedBy},
		{`^加油站的油价第 (\d+) 版, 各枪均已确认$`, s.allAcknowledged},
		{`^加油站显示 (\d+) 号枪(已确认最新油价|未确认最新油价|因油价未确认已停用|停不了, 仍按旧价)$`, s.nozzlePrices},
		{`^(\d+) 号枪收不到油价$`, s.deaf},
		{`^(\d+) 号枪又收得到油价$`, s.hears},
		{`^有人在途中改动下一份油价$`, s.forge},
		{`^该笔按第 (\d+) 版油价售出$`, s.soldBy},
		{`^中心各站的油价均为最新$`, s.versionsCurrent},
		{`^中心的告警表上有加油站的 "([^"]+)"$`, s.alarmed},
		{`^中心的油价进度: (\d+) 把枪中 (\d+) 把已确认, (\d+) 把停用$`, s.priceProgress},
	}
}

// centerAct asks the center's operator door and keeps what it refuses with.
func (s *Scene) centerAct(path string, body, into any) error {
	s.prices.refused = ""
	status, text, err := s.Town.Operator().Command(record.Center, path, body)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		s.prices.refused = string(text)
		return nil
	}
	return json.Unmarshal(text, into)
}

func (s *Scene) propose(who, product string, minutes int, price string) error {
	p, err := unit.ParsePrice(price)
	if err != nil {
		return err
	}
	c := s.Town.Now().Add(time.Duration(minutes) * time.Minute).Civil()
	c.Second = 0
	s.prices.effective = c.Instant()
	minute := strings.NewReplacer("-", "", " ", "", ":", "").Replace(c.String())[:12]
	s.prices.proposal = 0
	var a center.Proposed
	err = s.centerAct(center.PathProposePrices, center.ProposePrices{Site: station, Effective: minute, By: who,
		Prices: []record.Price{{Product: product, Price: p}}, Reason: "调价通知"}, &a)
	s.prices.proposal = a.Proposal
	return err
}

func (s *Scene) decide(who, what string) error {
	path := center.PathApprovePrices
	if what == "驳回" {
		path = center.PathRejectPrices
	}
	return s.centerAct(path, center.DecidePrices{Proposal: s.prices.proposal, By: who, Reason: "已核对"}, &struct{}{})
}

func (s *Scene) centerRefused(text string) error {
	if !strings.Contains(s.prices.refused, text) {
		return fmt.Errorf("中心答 %q, 应拒绝并说 %q (the center did not refuse so)", s.prices.refused, text)
	}
	return nil
}

func (s *Scene) lastProposal() (p center.ProposalView, err error) {
	var a center.Proposals
	if err := s.command(record.Center, center.PathPriceProposals, center.AskProposals{}, &a); err != nil {
		return p, err
	}
	if len(a.Proposals) == 0 {
		return p, fmt.Errorf("没有调价申请 (no proposals)")
	}
	return a.Proposals[0], nil
}

func (s *Scene) proposalIs(state string) error {
	words := map[string]string{"open": "待批准", "approved": "已批准", "rejected": "已驳回", "expired": "已过期"}
	p, err := s.lastProposal()
	if err != nil {
		return err
	}
	return want("调价申请", words[p.State], state)
}

func (s *Scene) decidedBy(one, other string) error {
	p, err := s.lastProposal()
	switch {
	case err != nil:
		return err
	case p.Decided == nil || !p.Decided.Approved:
		return fmt.Errorf("调价未批准 (not approved): %s", p.State)
	}
	return first(
		func() error { return want("提出", p.By, one) },
		func() error { return want("批准", p.Decided.By, other) },
	)
}

func (s *Scene) stationPrices() (a stationprogram.Prices, err error) {
	err = s.command(station, stationprogram.PathPrices, struct{}{}, &a)
	return a, err
}

// untilPrices waits until the station shows prices that fit.
func (s *Scene) untilPrices(what string, fit func(stationprogram.Prices) bool) error {
	var last stationprogram.Prices
	var failed error
	err := s.Town.Until(what, func() bool {
		last, failed = s.stationPrices()
		return failed != nil || fit(last)
	}, calm)
	if failed != nil {
		return failed
	}
	if err != nil {
		return fmt.Errorf("%w: %+v", err, last)
	}
	return nil
}

func (s *Scene) allAcknowledged(version int) error {
	return s.untilPrices("各枪确认油价", func(a stationprogram.Prices) bool { return a.Version == uint64(version) && a.Current })
}

func (s *Scene) nozzlePrices(n int, state string) error {
	return s.untilPrices(fmt.Sprintf("%d 号枪%s", n, state), func(a stationprogram.Prices) bool {
		for _, x := range a.Nozzles {
			if x.Nozzle != nozzle(n) {
				continue
			}
			switch current := x.Acknowledged == a.Version; state {
			case "已确认最新油价":
				return current && !x.Shut
			case "未确认最新油价":
				return !current
			case "停不了, 仍按旧价":
				return x.Open && !x.Shut
			default:
				return x.Shut
			}
		}
		return false
	})
}

func (s *Scene) deaf(n int) error { return s.hurt("dispenser %d: deaf", n) }

func (s *Scene) hears(n int) error { return s.heal("dispenser %d: deaf", n) }

func (s *Scene) forge() error { return s.hurt("center %s: wrong", station) }

func (s *Scene) soldBy(version int) error {
	if err := s.known(); err != nil {
		return err
	}
	var p center.SaleProof
	if err := s.command(record.Center, center.PathSale, center.AskSale{ID: s.last.Sale}, &p); err != nil {
		return err
	}
	return want("油价版本", p.Prices, uint64(version))
}

func (s *Scene) versionsCurrent() error {
	if err := s.Town.Settle(calm); err != nil {
		return err
	}
	var v center.Versions
	if err := s.command(record.Center, center.PathVersions, struct{}{}, &v); err != nil {
		return err
	}
	return want("均为最新", v.Current, true)
}

func (s *Scene) alarmed(kind string) error {
	return s.Town.Until("告警 "+kind, func() bool {
		var a center.Alarms
		err := s.command(record.Center, center.PathAlarms, center.AskAlarms{Limit: 500}, &a)
		if err == nil {
			_, err = newest(a.Alarms, station, kind)
		}
		return err == nil
	}, calm)
}

func (s *Scene) priceProgress(nozzles, acknowledged, shut int) error {
	var a center.PriceStatus
	var failed error
	closed := func() (n int) {
		for _, l := range a.Late {
			if l.Shut {
				n++
			}
		}
		return n
	}
	err := s.Town.Until("油价进度", func() bool {
		failed = s.command(record.Center, center.PathPriceStatus, struct{}{}, &a)
		return failed != nil || a.Nozzles == nozzles && a.Acknowledged == acknowledged && closed() == shut
	}, soon)
	if failed != nil {
		return failed
	}
	if err != nil {
		return fmt.Errorf("%w: %+v", err, a)
	}
	return nil
}

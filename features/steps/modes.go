package steps

import (
	"fmt"
	"strings"

	"greylock/emulators/world"
	"greylock/system/center"
	stationprogram "greylock/system/station"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// modeSteps are what is no sale to a user card: staff cards, cash, test draws, maintenance.
func (s *Scene) modeSteps() []Step {
	return []Step{
		{`^制卡中心制成员工卡 "([^"]+)", 员工号 (\d), 密码 (\d{4})$`, s.makeEmployee},
		{`^制卡中心制成(验泵卡|维修卡) "([^"]+)"$`, s.makeStaff},
		{`^在 (\d+) 号枪按 (\d) 确认$`, s.keyOK},
		{`^在 (\d+) 号枪按确认$`, s.ok},
		{`^加油站显示 (\d+) 号枪当班员工为 (\d)$`, s.onDuty},
		{`^加油站显示 (\d+) 号枪无人当班$`, s.offDuty},
		{`^该笔的方式为 "(卡|现金|验泵)"$`, s.modeIs},
		{`^该笔由员工 (\d) 经手$`, s.soldByEmployee},
		{`^账上 "([^"]+)" 科目合计 (-?[\d.]+) 元$`, s.classIs},
		{`^加油站有 (\d+) 笔验泵未回罐$`, s.openTests},
		{`^"([^"]+)" 登记验泵油已回罐$`, s.returnTest},
		{`^(\d+) 号枪断电再上电$`, s.powerCycle},
	}
}

func (s *Scene) makeEmployee(name string, number int, pin string) error {
	s.pins[name] = pin
	return s.Town.Operator().OpenCard(world.CardPlan{Name: name, Kind: "employee", Employee: number, PIN: pin})
}

func (s *Scene) makeStaff(what, name string) error {
	kind := map[string]string{"验泵卡": "test", "维修卡": "service"}[what]
	return s.Town.Operator().OpenCard(world.CardPlan{Name: name, Kind: kind})
}

func (s *Scene) keyOK(n int, digit string) error { return s.Town.Hands().Keys(nozzle(n), digit+"确") }

func (s *Scene) ok(n int) error { return s.Town.Hands().Keys(nozzle(n), "确") }

func (s *Scene) dutyIs(n, employee int) error {
	var a stationprogram.Duty
	var failed error
	err := s.Town.Until(fmt.Sprintf("%d 号枪当班员工 %d", n, employee), func() bool {
		failed = s.command(station, stationprogram.PathDuty, struct{}{}, &a)
		for _, x := range a.Nozzles {
			if x.Nozzle == nozzle(n) {
				return x.Employee == employee
			}
		}
		return failed != nil
	}, soon)
	if failed != nil {
		return failed
	}
	if err != nil {
		return fmt.Errorf("%w: %+v", err, a)
	}
	return nil
}

func (s *Scene) onDuty(n, employee int) error { return s.dutyIs(n, employee) }

func (s *Scene) offDuty(n int) error { return s.dutyIs(n, 0) }

// proof is the sale that "该笔" means, with its evidence.
func (s *Scene) proof() (p center.SaleProof, err error) {
	if err := s.known(); err != nil {
		return p, err
	}
	err = s.command(record.Center, center.PathSale, center.AskSale{ID: s.last.Sale}, &p)
	return p, err
}

func (s *Scene) modeIs(word string) error {
	p, err := s.proof()
	if err != nil {
		return err
	}
	return want("方式", p.Mode, map[string]string{"卡": "card", "现金": "cash", "验泵": "test"}[word])
}

func (s *Scene) soldByEmployee(n int) error {
	p, err := s.proof()
	if err != nil {
		return err
	}
	for _, e := range p.Evidence {
		for _, f := range e.Fields {
			if f.Name == "EMP" {
				return want("员工", strings.TrimSpace(f.Value), fmt.Sprint(n))
			}
		}
	}
	return fmt.Errorf("该笔的凭据没有员工号 (no employee in the evidence)")
}

func (s *Scene) classIs(class, text string) error {
	m, err := money(strings.TrimPrefix(text, "-"))
	if err != nil {
		return err
	}
	if strings.HasPrefix(text, "-") {
		m = -m
	}
	if err := s.Town.Settle(calm); err != nil {
		return err
	}
	var t center.TrialBalance
	if err := s.command(record.Center, center.PathTrialBalance, struct{}{}, &t); err != nil {
		return err
	}
	var got unit.Fen
	for _, l := range t.Classes {
		if l.Account == class {
			got = l.Balance
		}
	}
	return want(class, got, m)
}

func (s *Scene) tests() (a stationprogram.Tests, err error) {
	err = s.command(station, stationprogram.PathTests, struct{}{}, &a)
	return a, err
}

func (s *Scene) openTests(n int) error {
	if err := s.Town.Settle(calm); err != nil {
		return err
	}
	a, err := s.tests()
	if err != nil {
		return err
	}
	return want("未回罐", a.Open, n)
}

func (s *Scene) returnTest(who string) error {
	a, err := s.tests()
	if err != nil {
		return err
	}
	if len(a.Tests) == 0 {
		return fmt.Errorf("没有验泵记录 (no test draws)")
	}
	return s.command(station, stationprogram.PathTestReturn, stationprogram.ReturnTest{Draw: a.Tests[0].Draw, By: who}, &record.Done{})
}

func (s *Scene) powerCycle(n int) error {
	if err := s.powerCut(n); err != nil {
		return err
	}
	s.Town.Pass(2 * soon / 10)
	return s.powerOn(n)
}

package steps

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	stationprogram "greylock/system/station"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// wordFaultSteps bring faults about by the one vocabulary (greylab fault list).
func (s *Scene) wordFaultSteps() []Step {
	return []Step{
		{`^故障 "([^"]+)"$`, s.inject},
		{`^故障都已排除$`, s.relieve},
		{`^故障确已发生$`, s.struck},
		{`^"([^"]+)" 在 (\d+) 号枪耐心加油 ([\d.]+) 升$`, s.patientSale},
		{`^员工授权 (\d+) 号站控枪, 顾客耐心加油 ([\d.]+) 升$`, s.patientPlain},
		{`^网点给 "([^"]+)" 耐心圈存 ([\d.]+) 元, 直到卡上有 ([\d.]+) 元$`, s.patientLoad},
		{`^加油站或中心的告警表上有 "([^"]+)"$`, s.alarmSomewhere},
	}
}

func (s *Scene) inject(text string) error {
	s.injected = append(s.injected, text)
	return s.Town.Faults().Inject(text)
}

// relieve ends the faults once what is under way has met them.
func (s *Scene) relieve() error {
	s.Town.Pass(underWay)
	if err := s.Town.Faults().Relieve(); err != nil {
		return err
	}
	s.Town.Pass(recovered)
	return nil
}

// underWay is how long a record may take to reach the station.
const underWay = 5 * time.Second

// recovered is how long a town may take to find together again once a fault has ended.
const recovered = 20 * time.Second

// struck: a fault that never took effect has proved nothing.
func (s *Scene) struck() error {
	for _, text := range s.injected {
		n, err := s.Town.Faults().Struck(text)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("故障没有发生 (it never took effect): %s", text)
		}
	}
	if len(s.injected) == 0 {
		return errors.New("没有故障 (no fault was injected)")
	}
	return nil
}

// patience is how often a customer tries.
const patience = 6

// patientSale is a customer who tries until the fuel is paid: what goes wrong in between is what the product has to settle.
func (s *Scene) patientSale(card string, n int, amount string) (err error) {
	for range patience {
		if err = s.sale(card, n, amount); err == nil {
			return nil
		}
		s.stepBack(n)
	}
	return fmt.Errorf("试了 %d 次 (tried in vain): %w", patience, err)
}

// stepBack hangs the gun, takes the card and waits a while; what can not be done now was not needed.
func (s *Scene) stepBack(n int) {
	h := s.Town.Hands()
	_ = errors.Join(h.Squeeze(nozzle(n), 0), h.Hang(nozzle(n)))
	s.Town.Pass(3 * time.Second)
	if s.display(n).Card {
		_ = h.Pull(nozzle(n))
	}
	s.Town.Pass(soon)
}

// patientPlain is a customer at a plain nozzle that a person authorises, until the station has booked so much.
func (s *Scene) patientPlain(n int, amount string) error {
	want, err := litres(amount)
	if err != nil {
		return err
	}
	var sum unit.Quantity
	for range patience {
		ask := stationprogram.AskAuthorise{Nozzle: nozzle(n), Volume: want, By: "1001"}
		var a json.RawMessage
		if err = s.command(station, stationprogram.PathAuthorise, ask, &a); err == nil {
			h := s.Town.Hands()
			_ = errors.Join(h.Lift(nozzle(n)), h.Squeeze(nozzle(n), 1000)) // without power nothing comes, and that is seen
			s.Town.Pass(soon)
			_ = errors.Join(h.Squeeze(nozzle(n), 0), h.Hang(nozzle(n)))
		}
		s.Town.Pass(soon)
		var all stationprogram.PlainSales
		if bad := s.command(station, stationprogram.PathPlainSales, struct{}{}, &all); bad != nil {
			return bad
		}
		sum = 0
		for _, x := range all.Sales {
			sum += x.Quantity
		}
		if sum >= want {
			return nil
		}
	}
	return fmt.Errorf("试了 %d 次, 站上只有 %v 升 (tried in vain): %w", patience, sum, err)
}

// patientLoad loads a card at the desk, settles what is open and tries again.
func (s *Scene) patientLoad(card, amount, total string) (err error) {
	m, err := money(amount)
	if err != nil {
		return err
	}
	all, err := money(total)
	if err != nil {
		return err
	}
	for range patience {
		err = s.Town.Operator().Load(card, m)
		if r, bad := s.Town.Operator().InsertAtDesk(card); bad == nil && r.Balance == all {
			return nil
		}
		s.Town.Pass(soon)
	}
	return fmt.Errorf("圈存试了 %d 次 (tried in vain): %w", patience, err)
}

func (s *Scene) alarmSomewhere(kind string) error {
	if err := s.Town.Settle(calm); err != nil {
		return err
	}
	_, err := s.stationCase(kind)
	if err != nil {
		_, err = s.caseAtCenter(record.Center, kind)
	}
	return err
}

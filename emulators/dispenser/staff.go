package dispenser

import (
	"bytes"
	"fmt"

	"greylock/system/terminal"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// free is a fill that no card pays: authorised by an employee, or a test draw.
type free struct {
	Test     bool
	ASN      pboc.ASN // of the staff card
	Time     fa.Stamp // of the authorisation
	Start    unit.Totalizer
	Product  fa.Product
	Price    unit.Price
	Preset   unit.Fen
	Employee byte
}

// goOn is what a customer reads while fuel may flow.
var goOn = Text{"请加油", "please fuel"}

func (s *state) employee() byte {
	if s.Employee == 0 {
		return fa.NoEmployee
	}
	return s.Employee
}

// staff is the visit of an internal card: only those on the white list are heard, and none of them is ever debited.
// Source: card.md 3.7, section 13; dispenser.md 3.6 T-TYPE 5, 6, 7.
func (v *visit) staff() {
	v.seal()
	v.b.sess.free = true
	if v.id.Refused != nil {
		v.refuse(v.id.Refused, "card")
		return
	}
	if !v.lists() {
		return
	}
	switch v.id.ASN.CardType() {
	case fuelcard.CardEmployee:
		v.employee()
	case fuelcard.CardPumpTest:
		v.fillFree("验泵: 请选择升数或加满, 然后提枪", "pump test: choose litres or full, then lift the nozzle", true)
	case fuelcard.CardService:
		v.service()
	default:
		v.b.say("kind", Text{"此卡不在加油机上使用", "not a card for a dispenser"})
	}
}

// employee comes on duty with the first insertion, relieving whoever was; inserted again the card leaves, or authorises a fill
// that is paid in cash.
func (v *visit) employee() {
	n := v.id.Ordinary.Employee
	switch {
	case !v.password():
	case v.b.mem.state.Employee != n:
		v.duty(n)
		v.b.face.prompt = Text{fmt.Sprintf("员工 %d 上班, 请取卡", n), fmt.Sprintf("employee %d on duty, take your card", n)}
		v.b.changed()
	default:
		v.fillFree(fmt.Sprintf("员工 %d: 按 0 确认下班; 或请选择金额、升数、加满, 提枪 (无卡加油)", n),
			fmt.Sprintf("employee %d: 0 OK to leave; or choose and lift the nozzle (sale without a card)", n), false)
	}
}

// tries of a staff password in one visit.
const passwordTries = 3

// password asks for the four digits that file 001B holds. Source: card.md 3.4.
func (v *visit) password() bool {
	b := v.b
	b.face.prompt = Text{"员工卡: 请输入密码, 按确认", "staff card: enter PIN, then OK"}
	for left := passwordTries; left > 0; left-- {
		b.pad.begin(padPIN)
		digits, err := v.t.Ask(askPIN, nil)
		b.pad.end()
		if err != nil {
			return false
		}
		keyed, err := terminal.KeyedPIN(digits)
		terminal.Wipe(digits)
		good := err == nil && bytes.Equal(keyed, v.id.Ordinary.EmployeePassword[:])
		terminal.Wipe(keyed)
		if good {
			return true
		}
		b.say("pin", Text{fmt.Sprintf("密码错误, 还可试 %d 次", left-1), fmt.Sprintf("wrong PIN, %d tries left", left-1)})
	}
	return false
}

// duty writes that the employee on duty leaves and that another comes (0: nobody), each with the totalizer.
func (v *visit) duty(n byte) {
	b := v.b
	event := func(t fa.TType) {
		r := b.blank(t)
		r.ASN, r.Price = v.id.ASN, 0
		b.mem.await(r)
	}
	s := &b.mem.state
	if s.Employee != 0 {
		event(fa.ShiftOff)
	}
	if s.Employee = n; n != 0 {
		event(fa.ShiftOn)
	}
	if !b.kill(b.mem.commit()) {
		v.seal()
	}
}

// fillFree is a fill that no card pays: the preset is frozen when the nozzle is lifted, and it goes on without the card.
func (v *visit) fillFree(zh, en string, test bool) {
	b := v.b
	if why, ok := b.closed(); ok {
		b.say("closed", why)
		return
	}
	b.reprice()
	b.sess.allow = terminal.Allowance{Amount: maxMoney}
	b.face.prompt, b.face.stage = Text{zh, en}, "ready"
	b.pad.begin(padPreset)
	keyed, err := v.t.Ask(askGo, nil)
	b.pad.end()
	switch why, shut := b.closed(); {
	case err != nil:
		return
	case string(keyed) == offDuty && !test:
		v.duty(0)
		b.face.prompt = Text{"已下班, 请取卡", "off duty, take your card"}
		b.changed()
		return
	case shut:
		b.say("closed", why)
		return
	}
	b.sess.plan = b.planned(b.sess.allow)
	b.freeze()
	s, p := &b.mem.state, b.sess.plan
	s.Free = &free{Test: test, ASN: v.id.ASN, Time: b.stamp(), Start: b.mem.total, Product: p.product, Price: p.price, Preset: p.preset, Employee: s.employee()}
	if b.kill(b.mem.commit()) {
		return
	}
	b.fill.balance = maxMoney
	if test {
		b.fill.balance = 0 // nobody pays it
	}
	b.event(Event{Kind: EventStage, Word: "locked", Zh: "员工授权", En: "authorised by staff"})
	b.face.prompt = goOn
	b.arm(p.limit)
	_, _ = v.t.Ask(askPump, nil)
	if b.closeFree(); b.dead {
		return
	}
	v.seal()
	b.face.prompt = Text{"加油完成, 请收款", "done, take the cash"}
	if test {
		b.face.prompt = Text{"验泵完成, 请将油倒回油罐", "test done, return the fuel to the tank"}
	}
	b.changed()
}

// closeFree writes the record of a fill that no card pays; where nothing flowed there is none. A power cut leaves it to the
// next boot.
func (b *Board) closeFree() {
	s := &b.mem.state
	o := s.Free
	if o == nil || b.dead {
		return
	}
	s.Free = nil
	if v := b.mem.total.Since(o.Start); v > 0 {
		r := b.blank(fa.NoCard)
		r.Time, r.ASN, r.Product, r.Price, r.Employee, r.Volume = o.Time, o.ASN, o.Product, o.Price, o.Employee, v
		if r.Unit = fa.PayOther; !o.Test {
			r.Unit, r.Amount = fa.PayCash, owed(v, o.Price, o.Preset, maxMoney)
		}
		b.mem.await(r)
		b.receipt(r, 0)
	}
	if !b.kill(b.mem.commit()) {
		b.changed()
	}
}

// service is the menu of a maintenance card: no fuel. The station is told by 3BH; 确认 takes a lock off that needs a person.
func (v *visit) service() {
	b := v.b
	b.link.faults = append(b.link.faults[max(0, len(b.link.faults)+1-maxFaults):], []byte("S06 SERVICE "+v.id.ASN.Digits()))
	for {
		s := &b.mem.state
		b.face.prompt = Text{
			fmt.Sprintf("维修菜单: 累计 %v 升, 金额 %v 元, 未上传 %d 条, 油价第 %d 版; 按确认解锁, 取卡退出", b.mem.total, s.Cash, b.mem.unsent(), s.Versions.Price),
			fmt.Sprintf("service: total %v, cash %v, unsent %d, prices %d; OK unlocks, take the card to leave", b.mem.total, s.Cash, b.mem.unsent(), s.Versions.Price)}
		b.changed()
		if _, err := v.t.Ask(askPlate, nil); err != nil {
			return
		}
		b.face.locked, b.face.fault, b.fill.creep = false, Text{}, 0
	}
}

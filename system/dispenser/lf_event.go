package dispenser

import (
	"greylock/system/clock"
	"greylock/system/wire/lf"
	"greylock/system/wire/unit"
)

// Authorisation is what a nozzle may deliver: for Money, or Volume, or, if both are 0, until the customer stops.
type Authorisation struct {
	Money  unit.Fen
	Volume unit.Quantity
}

// Meter is a reading of a nozzle's totals that was made twice with equal result.
type Meter struct {
	At     clock.Instant
	Litres lf.Total
	Cash   lf.Total
}

// Origin says how a sale came about.
type Origin int

// The origins.
const (
	Ordered     Origin = iota + 1 // under an Authorisation
	Unlicensed                    // nobody had authorised it; an Unauthorised has told
	Unaccounted                   // found by the totals alone: nobody saw it happen
)

// Verdict says how far the figures of a sale prove each other.
type Verdict int

// The verdicts. Only Agreed may settle without a person. Source: trust.md rows 30, 33, 35, 36; dispenser.md 4.5.
const (
	Agreed     Verdict = iota + 1 // last-sale register, both totals and the running figures say the same
	Forgotten                     // the register lost the sale: the totals give the volume, two persons confirm
	Disagreed                     // they contradict each other: a stale sale, a jump, an edited total
	Unmeasured                    // no total was known before the sale
)

// Sale is one delivery that has ended. Volume, Amount and Price are the board's last-sale register and nothing else; Moved and
// MovedCash are how far the totals ran since the last reading (negative: they went back), 0 if Unmeasured.
// Source: dispenser.md 2.4, 4.5.
type Sale struct {
	Origin      Origin
	Verdict     Verdict
	Preset      Authorisation // of an Ordered sale
	Volume      unit.Quantity
	Amount      unit.Fen
	Price       unit.Price
	Moved       unit.Quantity
	MovedCash   unit.Fen
	Meter       Meter // after the sale
	Interrupted bool  // the link or the board was lost on the way
}

// What an LF line tells. Each names the nozzle by its index in Views.
type (
	// Sold is a delivery that has ended, told once. A volume of 0 with Agreed proves that nothing flowed.
	Sold struct {
		Nozzle int
		Sale   Sale
	}
	// Refused says that an authorisation is void and that, by the totals, nothing flowed.
	Refused struct{ Nozzle int }
	// Stopped says that a poll proved the valve shut after Stop or EmergencyStop.
	Stopped struct{ Nozzle int }
	// NotStopped says that lfTries stops did not help, or that nobody answers: cut the power.
	NotStopped struct{ Nozzle int }
	// Priced says that the board has read back the price it was ordered.
	Priced struct {
		Nozzle int
		Price  unit.Price
	}
	// Unauthorised says that fuel flows, or has flowed, without an authorisation; a stop is under way.
	Unauthorised struct{ Nozzle int }
	// Rebooted says that the board came back without the station's control.
	Rebooted struct{ Nozzle int }
	// Metered is a reading of the totals that may be trusted.
	Metered struct {
		Nozzle int
		Meter  Meter
	}
	// Locked says that the nozzle needs a person: it sells nothing before Unlock, or before the price reads back right.
	Locked struct {
		Nozzle int
		Why    Trouble
	}
	// Strange says that frames with good checksums make no sense, again and again.
	Strange struct {
		Nozzle int
		Why    Trouble
	}
)

func (Sold) event()         {}
func (Refused) event()      {}
func (Stopped) event()      {}
func (NotStopped) event()   {}
func (Priced) event()       {}
func (Unauthorised) event() {}
func (Rebooted) event()     {}
func (Metered) event()      {}
func (Locked) event()       {}
func (Strange) event()      {}

// Trouble is what is wrong with a nozzle.
type Trouble int

// The troubles.
const (
	TroublePrice   Trouble = iota + 1 // the ordered price does not read back
	TroubleBack                       // the totals went back
	TroubleLeap                       // the totals moved more than a pump can deliver
	TroubleAmount                     // amount is not volume × price
	TroubleReverse                    // the figures of a delivery went back
	TroubleFlow                       // more volume than a pump can deliver
	TroubleState                      // a state the board must not have
	TroubleTotals                     // the totals can not be read twice alike
	TroubleNozzle                     // another nozzle answers
	TroubleFrozen                     // the price changed within a delivery
	TroubleSelf                       // the dispenser has locked itself: encoder or metrology seal
)

var troubleWords = [...][2]string{
	TroublePrice:   {"单价设置未被加油机确认: 请检查加油机并重新调价", "the price does not read back: check the dispenser, set the price again"},
	TroubleBack:    {"泵码倒退: 请核对泵码并由两人解锁", "totals went back: compare with the dispenser's display, two persons unlock"},
	TroubleLeap:    {"泵码跳变: 请核对泵码并由两人解锁", "totals leapt: compare with the dispenser's display, two persons unlock"},
	TroubleAmount:  {"金额与油量单价不符: 请停用该枪并报修", "amount is not volume × price: take the nozzle out of use, call service"},
	TroubleReverse: {"加油中油量倒退: 主板可能重启, 请核对泵码", "volume went back while fuelling: the board may have restarted, compare the totals"},
	TroubleFlow:    {"油量增长过快: 请检查连线和加油机", "volume grows too fast: check cable and dispenser"},
	TroubleState:   {"加油机状态异常: 请检查加油机", "the dispenser's state makes no sense: check the dispenser"},
	TroubleTotals:  {"泵码两次读数不一致: 请检查连线", "totals can not be read twice alike: check the cable"},
	TroubleNozzle:  {"枪号应答错误: 请检查端口接线和枪号", "another nozzle answers: check port wiring and nozzle numbers"},
	TroubleFrozen:  {"加油中单价改变: 请核对该笔金额", "the price changed while fuelling: check the amount of the sale"},
	TroubleSelf:    {"加油机自锁(编码器或防作弊): 请停用该枪并报修", "the dispenser has locked itself (encoder, anti-fraud): take the nozzle out of use, call service"},
}

// Words says the trouble to people, with what to do.
func (t Trouble) Words() (zh, en string) {
	if t < TroublePrice || t > TroubleSelf {
		return "未知故障", "unknown trouble"
	}
	return troubleWords[t][0], troubleWords[t][1]
}

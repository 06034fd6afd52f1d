package panel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"greylock/emulators/dispenser"
	"greylock/emulators/world"
	"greylock/system/clock"
	"greylock/system/wire/record"
)

// said is a text for people in both languages.
type said struct {
	Zh string `json:"zh"`
	En string `json:"en"`
}

// state is all that the page shows except the clock and the trace. Money and litres are finished text.
type state struct {
	Station  said         `json:"station"`
	Seed     string       `json:"seed"` // text: more than JavaScript's numbers hold
	Lines    string       `json:"lines"`
	Speed    string       `json:"speed"`
	Paused   bool         `json:"paused"`
	Autoplay bool         `json:"autoplay"`
	Pumps    []pumpShown  `json:"pumps"`
	Cards    []cardShown  `json:"cards"`
	Checks   checksShown  `json:"checks"`
	Receipt  receiptShown `json:"receipt"`
	Ledger   []ledgerRow  `json:"ledger"`
}

// pumpShown is one dispenser.
type pumpShown struct {
	Nozzle   record.Nozzle `json:"n"`
	Name     said          `json:"name"` // 3号枪, nozzle 3
	Product  string        `json:"product"`
	State    said          `json:"state"`
	Kind     string        `json:"kind"` // the state as one English word, for colour and shape
	Amount   string        `json:"amount"`
	Quantity string        `json:"quantity"`
	Price    string        `json:"price"`
	Prompt   said          `json:"prompt"`
	Fault    said          `json:"fault"`
	Card     string        `json:"card"`    // name of the card in the slot
	Number   string        `json:"number"`  // masked, when it has been read
	Balance  string        `json:"balance"` // when it has been read
	Stars    int           `json:"stars"`
	Preset   said          `json:"preset"`
	Up       bool          `json:"up"`
	Flowing  bool          `json:"flowing"`
	Squeeze  int           `json:"squeeze"`
	Online   bool          `json:"online"`
	Power    bool          `json:"power"`
	Unsent   int           `json:"unsent"`
	Visitor  bool          `json:"visitor"` // a customer who came by himself is here
	Step     int           `json:"step"`    // which of the seven steps of a sale comes next, 0: this is not one
}

// cardShown is one card of the wallet.
type cardShown struct {
	Name    string        `json:"name"`
	Holder  string        `json:"holder"`
	Number  string        `json:"number"`
	PIN     string        `json:"pin"` // printed on the training card so that people can try it
	Balance string        `json:"balance"`
	State   said          `json:"state"`
	Kind    string        `json:"kind"` // good, grey, locked, foreign, blank
	In      record.Nozzle `json:"in"`
}

type checksShown struct {
	OK     bool   `json:"ok"`
	Count  int    `json:"count"` // evaluations
	Kinds  int    `json:"kinds"` // invariants looked at
	Broken string `json:"broken"`
	Detail string `json:"detail"`
}

type receiptShown struct {
	Nozzle record.Nozzle `json:"n"`
	Lines  []string      `json:"lines"`
}

// ledgerRow is one sale as the center posted it.
type ledgerRow struct {
	No       int        `json:"no"`
	Time     string     `json:"time"`
	Name     said       `json:"name"`
	Product  string     `json:"product"`
	Quantity string     `json:"quantity"`
	Amount   string     `json:"amount"`
	State    said       `json:"state"`
	Owed     bool       `json:"owed"` // nothing is debited yet, so there is no TAC
	TAC      string     `json:"tac"`
	TACOK    bool       `json:"tac_ok"`
	Entries  []entryRow `json:"entries"`
}

type entryRow struct {
	Side    said   `json:"side"` // 借 debit, 贷 credit
	Account said   `json:"account"`
	Name    string `json:"name"` // the account as the books call it
	Amount  string `json:"amount"`
}

// stateNow is the state at this moment.
func (p *panel) stateNow() state {
	s := state{
		Seed: fmt.Sprint(p.w.Seed()), Lines: p.opt.Lines, Speed: p.pace.name(), Paused: p.pace.paused,
		Autoplay: p.customers.on, Receipt: p.receipt, Checks: p.checks(),
	}
	if s.Lines == "" {
		s.Lines = "mem"
	}
	if st := p.opt.Scenario.Stations; len(st) > 0 {
		s.Station = said{st[0].ID + " " + st[0].Name, "Station " + st[0].ID}
	}
	for _, d := range p.w.Pumps() {
		s.Pumps = append(s.Pumps, p.pump(d))
	}
	for _, c := range p.w.Cards() {
		s.Cards = append(s.Cards, wallet(c))
	}
	if p.posted {
		p.posted = false
		p.ledger = p.books()
	}
	s.Ledger = p.ledger
	return s
}

func (p *panel) pump(d world.PumpShown) pumpShown {
	v := d.View
	s := pumpShown{
		Nozzle: d.Nozzle, Name: nozzleName(d.Nozzle), Product: d.Product, State: said{string(v.State), v.State.English()},
		Kind: strings.Fields(v.State.English())[0], Amount: v.AmountLine, Quantity: v.QuantityLine, Price: v.PriceLine,
		Prompt: said(v.Prompt), Fault: said(v.Fault), Card: d.Card, Stars: v.PINStars,
		Preset: said{v.Preset, presetEnglish.Replace(v.Preset)}, Up: v.NozzleUp, Flowing: (v.BigValve || v.SmallOpen) && p.squeezed[d.Nozzle] > 0,
		Squeeze: p.squeezed[d.Nozzle], Online: v.Online, Power: d.Power, Unsent: v.Unsent, Visitor: p.customers.at(d.Nozzle),
		Step: step(v),
	}
	if v.Read {
		s.Number, s.Balance = v.CardLine, v.Balance.String()
	}
	if !d.Power {
		s.Amount, s.Quantity, s.Price = "", "", ""
		s.Prompt, s.Step = said{"没有电", "no power"}, 0
	}
	return s
}

// step is what a person has to do next of the seven: card, PIN, preset, lift, fuel, hang, take the card.
func step(v dispenser.View) int {
	switch {
	case v.State == dispenser.StateFuelling:
		return 5
	case v.NozzleUp && (!v.Card || v.State == dispenser.StateSettling || v.Prompt.En == promptDone):
		return 6
	case !v.Card:
		return 1
	case v.Stage == "ready" && v.NozzleUp, v.Stage == "ready" && v.Preset != "":
		return 4
	case v.Stage == "ready":
		return 3
	case v.Prompt.En == promptPIN:
		return 2
	case v.Prompt.En == promptDone, v.Fault.Zh != "":
		return 7
	}
	return 0
}

// presetEnglish says a preset as in dispenser.View.Preset in English.
var presetEnglish = strings.NewReplacer("元", "yuan", "升", "L", "加满", "full")

func nozzleName(n record.Nozzle) said {
	return said{fmt.Sprintf("%d号枪", n), fmt.Sprintf("nozzle %d", n)}
}

func wallet(c world.CardShown) cardShown {
	s := cardShown{
		Name: c.Plan.Name, Holder: c.Plan.Holder, PIN: c.Plan.PIN, Balance: c.Balance.String(), In: c.In,
		Number: c.ASN.String(), State: said{"正常", "good"}, Kind: "good",
	}
	switch {
	case c.Plan.Kind == "foreign":
		s.State, s.Kind = said{"外系统卡", "foreign"}, "foreign"
	case !c.Made:
		s.State, s.Kind, s.Number = said{"白卡", "blank"}, "blank", ""
	case c.Grey:
		s.State, s.Kind = said{"灰卡", "grey card"}, "grey"
	case c.Tries == 0:
		s.State, s.Kind = said{"密码已锁", "PIN blocked"}, "locked"
	}
	return s
}

func (p *panel) checks() (c checksShown) {
	c.OK = true
	for _, r := range p.w.Checks() {
		c.Count += r.Evaluations
		if r.Evaluations > 0 {
			c.Kinds++
		}
	}
	if err := p.w.Violation(); err != nil {
		c.OK, c.Detail = false, err.Error()
		c.Broken, _, _ = strings.Cut(c.Detail, " ")
	}
	return c
}

// ledgerRows is how many of the newest sales the page shows.
const ledgerRows = 12

// saleStates are the words for the states of a sale in the center's books.
var saleStates = map[string]said{
	"posted": {"已入账", "posted"}, "owed": {"待补扣", "owed"}, "settled": {"已补扣", "settled"}, "cancelled": {"已取消", "cancelled"},
}

func (p *panel) books() (rows []ledgerRow) {
	list, _ := p.w.Ledger(ledgerRows)
	for _, s := range list {
		key := s.Sale + s.State
		ok, known := p.tacs[key]
		if !known {
			ok = p.w.TACOK(s.Sale)
			p.tacs[key] = ok
		}
		row := ledgerRow{
			No: s.No, Time: s.Time, Name: nozzleName(s.Nozzle), Product: s.Product, Quantity: s.Quantity.String() + " " + string(s.Unit),
			Amount: s.Amount.String(), State: saleStates[s.State], Owed: s.State == "owed", TAC: s.TAC.String(), TACOK: ok,
		}
		for _, e := range s.Entries {
			r := entryRow{said{"借", "Dr"}, accountWords(e.Account, s.Product), e.Account, e.Amount.String()}
			if e.Amount < 0 {
				r.Side, r.Amount = said{"贷", "Cr"}, (-e.Amount).String()
			}
			row.Entries = append(row.Entries, r)
		}
		rows = append(rows, row)
	}
	if len(p.tacs) > 4*ledgerRows { // bounded: what is no longer shown is asked again if it ever is
		clear(p.tacs)
	}
	return rows
}

// accountWords say an account of the books for people: its class, and of a card the last four digits.
func accountWords(account, product string) said {
	class, of, _ := strings.Cut(account, ":")
	tail := " …" + of[max(0, len(of)-4):]
	switch class {
	case "card":
		return said{"卡内资金" + tail, "on card" + tail}
	case "receivable":
		return said{"应收款" + tail, "receivable" + tail}
	case "sales":
		return said{"销售 " + product, "sales " + product}
	case "overshoot":
		return said{"超额损失 " + of, "overshoot " + of}
	}
	return said{account, account}
}

// message is one piece of the live stream.
type message struct {
	Clock   string          `json:"clock"`
	State   json.RawMessage `json:"state,omitempty"` // only when it has changed
	Lines   []lineShown     `json:"lines,omitempty"`
	Skipped int             `json:"skipped,omitempty"` // lines that were too many to show
	Busy    []record.Nozzle `json:"busy,omitempty"`    // nozzles whose serial line carried something
}

// show sends what has changed since the last time.
func (p *panel) show() {
	if now := p.w.Now(); now.Sub(p.verified) >= verify {
		p.verified = now
		p.w.Verify()
	}
	m := message{Clock: clockText(p.w.Now())}
	m.Lines, m.Skipped, m.Busy = p.trace.take()
	if p.hub.count() == 0 {
		p.last = nil
		return
	}
	s, err := json.Marshal(p.stateNow())
	if err != nil {
		return // plain text and numbers always marshal
	}
	if !bytes.Equal(s, p.last) {
		m.State, p.last = s, s
	}
	p.hub.send(m)
}

// whole is a message with everything, for somebody who comes.
func (p *panel) whole() message {
	m := message{Clock: clockText(p.w.Now()), Lines: p.trace.recent()}
	m.State, _ = json.Marshal(p.stateNow()) // plain text and numbers always marshal
	return m
}

// clockText is the town's time with tenths.
func clockText(t clock.Instant) string {
	return fmt.Sprintf("%v.%d", t.Civil(), t.Milli()/100%10)
}

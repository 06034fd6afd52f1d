package world

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"greylock/system/app"
	"greylock/system/card"
	"greylock/system/cardmaking"
	"greylock/system/center"
	"greylock/system/clock"
	"greylock/system/issuing"
	"greylock/system/pricebook"
	"greylock/system/terminal"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Operator is the town's staff.
func (w *World) Operator() Operator { return w }

// OpenCard makes a blank into the planned card: first issue, second issue, cash and load.
func (w *World) OpenCard(c CardPlan) error {
	if err := c.check(); err != nil {
		return err
	}
	if _, twice := w.cards[c.Name]; twice {
		return fmt.Errorf("卡 %q 已有 (there is a card of this name)", c.Name)
	}
	p, err := w.newCard(c.Name, w.transport)
	if err != nil {
		return err
	}
	p.account, p.pin = c.Account, c.PIN
	w.cards[c.Name], w.cardList = p, append(w.cardList, p)
	if c.Kind == "blank" {
		return nil
	}
	if err := w.makeCard(p, c); err != nil {
		return err
	}
	if c.Kind == "foreign" || c.Account == "" {
		return nil
	}
	if err := w.issue(p, c); err != nil {
		return err
	}
	if c.Vessel != "" {
		if err := w.SetVessel(c.Name, c.Vessel, "20351231"); err != nil {
			return err
		}
	}
	if c.Load == "" {
		return nil
	}
	amount, err := unit.ParseFen(c.Load)
	if err != nil {
		return err
	}
	if err := w.TopUp(c.Account, amount); err != nil {
		return err
	}
	return w.Load(c.Name, amount)
}

// makeCard is the first issue; a foreign card is made with another company's keys.
func (w *World) makeCard(p *plastic, c CardPlan) error {
	from, to := w.validity()
	if c.ValidTo != "" {
		to = c.ValidTo
	}
	maker := w.maker
	if c.Kind == "foreign" {
		maker = cardmaking.New(cardmaking.Config{
			Realm: record.Training, Profile: w.profile, Company: company, Province: province + 1, Keys: w.foreign, Transport: w.transport,
		})
	}
	return w.making.job(p, nil, func(door app.Door, t card.Transport) error {
		var d cardmaking.Door = door
		if c.Kind == "foreign" {
			d = elsewhere{door, maker.Apply}
		}
		order, err := c.making()
		if err != nil {
			return err
		}
		order.ValidFrom, order.ValidTo = from, to
		made, err := maker.MakeCard(d, t, order)
		p.asn = made.ASN
		return err
	})
}

// elsewhere is the door of another company's making room: its facts are nobody's business here.
type elsewhere struct {
	app.Door
	apply func(uint64, record.Fact)
}

// Append gives the facts to the other company's maker alone.
func (e elsewhere) Append(facts ...record.Fact) error {
	for _, f := range facts {
		e.apply(0, f)
	}
	return nil
}

// issue is the second issue.
func (w *World) issue(p *plastic, c CardPlan) error {
	if err := w.madeKnown(); err != nil {
		return err
	}
	order := issuing.Order{Account: c.Account, Name: c.Holder, Holder: c.Holder, Limits: c.Limit.limits()}
	if c.PIN != "" {
		pin, err := terminal.KeyedPIN([]byte(c.PIN))
		if err != nil {
			return err
		}
		order.PIN = pin
	}
	return w.visit(p, func(v *issuing.Visit) error {
		_, err := v.Open(order)
		return err
	})
}

// madeKnown waits until the center has heard of everything that was made.
func (w *World) madeKnown() error {
	return w.Until("中心收到制卡记录 (the center knows what was made)", func() bool {
		head, _ := w.making.run.Journal().Head()
		return w.shipped(makingID) >= head
	}, jobLimit)
}

// visit puts a card on the desk's reader; its holder keys the PIN where the card wants it.
func (w *World) visit(p *plastic, run func(v *issuing.Visit) error) error {
	return w.outlet.job(p, nil, func(door app.Door, t card.Transport) error {
		v, err := w.desk.InsertPIN(door, t, p.keyPIN)
		if err != nil {
			return err
		}
		return run(v)
	})
}

// keyPIN is the holder at the desk's pad.
func (p *plastic) keyPIN() (fuelcard.PIN, error) { return terminal.KeyedPIN([]byte(p.pin)) }

func (w *World) card(name string) (*plastic, error) {
	p, ok := w.cards[name]
	if !ok {
		return nil, fmt.Errorf("没有卡 %q (no such card)", name)
	}
	return p, nil
}

// TopUp pays cash into an account at the outlet.
func (w *World) TopUp(account string, amount unit.Fen) error {
	w.receipts++
	q := record.TopUpQuestion{Account: account, Amount: amount, Tender: "cash", Receipt: fmt.Sprintf("%s-%06d", outletID, w.receipts)}
	return w.outlet.job(nil, nil, func(door app.Door, _ card.Transport) error {
		_, err := w.desk.TopUp(door, q)
		return err
	})
}

// Load moves money from the card's account to the card.
func (w *World) Load(name string, amount unit.Fen) error {
	p, err := w.card(name)
	if err != nil {
		return err
	}
	return w.visit(p, func(v *issuing.Visit) error {
		_, err := v.Load(amount)
		return err
	})
}

// Unload moves money from the card back to its account.
func (w *World) Unload(name string, amount unit.Fen) error {
	p, err := w.card(name)
	if err != nil {
		return err
	}
	return w.visit(p, func(v *issuing.Visit) error {
		_, err := v.Unload(amount)
		return err
	})
}

// InsertAtDesk lets the desk settle what is open, and read the card.
func (w *World) InsertAtDesk(name string) (CardRead, error) { return w.CardAtDesk(name) }

// CardAtDesk reads a card as the desk shows it.
func (w *World) CardAtDesk(name string) (r CardRead, err error) {
	p, err := w.card(name)
	if err != nil {
		return r, err
	}
	err = w.visit(p, func(v *issuing.Visit) error {
		var pin fuelcard.PIN
		unsure := slices.ContainsFunc(v.OpenActs(), record.CardAct.PIN) // SettlePIN finds out; a guess would burn a try
		if p.pin != "" && !unsure {
			if pin, err = terminal.KeyedPIN([]byte(p.pin)); err != nil {
				return err
			}
		}
		view, err := v.Read(pin)
		if err != nil {
			return err
		}
		r = CardRead{ASN: view.ASN.Digits(), Holder: view.Holder, Balance: view.Balance, Grey: view.State == "grey", State: view.State, Unsettled: view.Unsettled, OpenActs: view.OpenActs}
		for _, m := range view.History {
			r.Log = append(r.Log, fmt.Sprintf("%s %v", m.Zh, m.Amount))
		}
		return nil
	})
	return r, err
}

// UnlockOnline frees a grey card at the outlet.
func (w *World) UnlockOnline(name string) (paid unit.Fen, err error) {
	p, err := w.card(name)
	if err != nil {
		return 0, err
	}
	err = w.visit(p, func(v *issuing.Visit) error {
		u, err := v.Unlock()
		paid = u.Amount
		return err
	})
	return paid, err
}

// SetPrices orders prices for a station from a civil minute on.
func (w *World) SetPrices(id record.SiteID, effective clock.Instant, prices map[string]unit.Price) error {
	c := effective.Civil()
	minute := fmt.Sprintf("%04d%02d%02d%02d%02d", c.Year, c.Month, c.Day, c.Hour, c.Minute)
	order := center.ProposePrices{Site: id, Effective: minute, By: "王经理"}
	for _, p := range w.scenario.Products { // in the scenario's order, not the map's
		if price, ok := prices[p.Code]; ok {
			order.Prices = append(order.Prices, record.Price{Product: p.Code, Price: price})
		}
	}
	if len(order.Prices) != len(prices) {
		return errors.New("油品不在场景中 (a product is not in the scenario)")
	}
	if minute == pricebook.Minute(w.now) {
		order.Effective = "" // in the minute of the approval
	}
	made, err := answer[center.Proposed](w, center.PathProposePrices, order)
	if err != nil {
		return err
	}
	return w.order1(center.PathApprovePrices, center.DecidePrices{Proposal: made.Proposal, By: "李经理"})
}

// Command calls an operator path of a site.
func (w *World) Command(id record.SiteID, path string, body any) (int, []byte, error) {
	ask, err := w.Begin(id, path, body)
	if err != nil {
		return 0, nil, err
	}
	return w.answered(path, ask)
}

// Begin calls it and lets no time pass.
func (w *World) Begin(id record.SiteID, path string, body any) (Pending, error) {
	if p := w.external[id]; p != nil {
		return p.begin(path, body)
	}
	s := w.stations[id]
	if id == record.Center {
		s = w.center
	}
	return w.beginAsk(s, path, body)
}

// answered waits for an answer.
func (w *World) answered(path string, ask Pending) (status int, body []byte, err error) {
	late := w.until("应答 "+path, func() bool { _, _, _, done := ask(); return done }, time.Minute)
	if late != nil {
		return 0, nil, late
	}
	status, body, err, _ = ask()
	return status, body, err
}

// answer asks the center and reads its answer.
func answer[A any](w *World, path string, body any) (a A, err error) {
	return answerAt[A](w, record.Center, path, body)
}

// answerAt asks a site.
func answerAt[A any](w *World, id record.SiteID, path string, body any) (a A, err error) {
	status, text, err := w.Command(id, path, body)
	if err != nil {
		return a, err
	}
	if status != http.StatusOK {
		return a, fmt.Errorf("%s: %d %s", path, status, text)
	}
	return a, json.Unmarshal(text, &a)
}

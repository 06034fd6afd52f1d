package tear

import (
	"fmt"

	"greylock/system/terminal"
	"greylock/system/vault"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/unit"
)

// goods is what the shop's customer buys.
const goods unit.Fen = 1234

// shop is one insertion at the shop's terminal: settle what is open, then buy, if there is something to buy.
func (x *session) shop(amount unit.Fen) error {
	if _, err := x.term.ReadPSAM(); err != nil {
		return err
	}
	id, err := x.term.Identify()
	if err != nil {
		return err
	}
	buy, open := x.s.openPurchase()
	if err := x.verify(x.Profile.PINScope == fuelcard.PINAllPurse && (open || amount > 0)); err != nil {
		return err
	}
	if open {
		if _, _, err := x.term.SettlePurchase(id, buy); err != nil {
			return err
		}
	}
	if amount == 0 {
		return nil
	}
	_, err = x.term.Buy(id, fuelcard.ED, amount)
	return err
}

// openPurchase is the purchase in the terminal's log that nothing has ended.
func (s *state) openPurchase() (buy terminal.Entry, open bool) {
	for _, e := range s.log {
		switch {
		case e.Kind == terminal.Buy:
			buy, open = e, true
		case open && e.Sale == buy.Sale && (e.Kind == terminal.Bought || e.Kind == terminal.Cancel):
			open = false
		}
	}
	return buy, open
}

// boughtOnce is the town's state with one purchase behind it.
func boughtOnce(l *lab) (*state, error) {
	s := l.state()
	x, err := l.open(s, cut{})
	if err != nil {
		return nil, err
	}
	if err := x.shop(goods); err != nil {
		return nil, err
	}
	return s, x.close()
}

// purchaseOpen: money that has left the card is in the log as bought, or one open purchase names it.
func purchaseOpen(l *lab, from, s *state) error {
	was, err := l.look(from)
	if err != nil {
		return err
	}
	now, err := l.look(s)
	if err != nil {
		return err
	}
	named := bought(s) - bought(from)
	if buy, open := s.openPurchase(); open && was.Balance-now.Balance-named == buy.Amount {
		named += buy.Amount
	}
	if was.Balance-now.Balance != named {
		return fmt.Errorf("M1: the card has paid %v, the log names %v", was.Balance-now.Balance, named)
	}
	return nil
}

func bought(s *state) (sum unit.Fen) {
	for _, e := range s.log {
		if e.Kind == terminal.Bought {
			sum += e.Amount
		}
	}
	return sum
}

// purchaseSettled: the card has paid what the log says, its TACs are genuine, each number of the PSAM has one end, and the next
// purchase works.
func purchaseSettled(l *lab, from, s *state) (string, error) {
	if err := l.boughtRight(from, s); err != nil {
		return "", err
	}
	again := s.clone()
	x, err := l.open(again, cut{})
	if err != nil {
		return "", err
	}
	if err := x.shop(goods); err != nil {
		return "", fmt.Errorf("the next purchase: %w", err)
	}
	if err := x.close(); err != nil {
		return "", err
	}
	if err := l.boughtRight(from, again); err != nil {
		return "", fmt.Errorf("after the next purchase: %w", err)
	}
	if err := l.numbers(again); err != nil {
		return "", err
	}
	if bought(s) == bought(from) {
		return "未付 not paid", nil
	}
	return "已付 paid", nil
}

func (l *lab) boughtRight(from, s *state) error {
	was, err := l.look(from)
	if err != nil {
		return err
	}
	now, err := l.look(s)
	if err != nil {
		return err
	}
	if _, open := s.openPurchase(); open || was.Balance-now.Balance != bought(s)-bought(from) {
		return fmt.Errorf("M1, M2: the card has paid %v, the log says %v, open %v", was.Balance-now.Balance, bought(s)-bought(from), open)
	}
	n := 0
	for _, e := range s.log[len(from.log):] {
		if e.Kind != terminal.Bought {
			continue
		}
		n++
		c := vault.Card{ASN: l.card.ASN, Issuer: l.issuer(), Alg: l.Profile.Alg, Version: l.Profile.KeyVersion}
		tac, err := l.Center.Keys.TAC(c, fuelcard.PurchaseTACData(e.Amount, fuelcard.TypePurchaseED, e.Sale.TID, e.Sale.TTC, e.Stamp))
		if err != nil {
			return err
		}
		if tac != e.TAC {
			return fmt.Errorf("M9: purchase %v: the TAC is not the card's", e.Sale)
		}
	}
	if int(now.CTC-was.CTC) != n {
		return fmt.Errorf("M7: the card counts %d, the log %d", now.CTC-was.CTC, n)
	}
	return nil
}

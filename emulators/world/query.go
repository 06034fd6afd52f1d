package world

import (
	"errors"
	"fmt"

	"greylock/system/center"
	"greylock/system/journal"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Query reads what the product shows.
func (w *World) Query() Query { return w }

// Display is what a dispenser shows; one without power shows nothing.
func (w *World) Display(nozzle record.Nozzle) Display {
	if h, ok := w.plain[nozzle]; ok {
		v := h.view()
		return Display{State: string(v.State), Message: v.Fault.Zh, Amount: v.Amount, Quantity: v.Quantity, Price: v.Price, Total: unit.Totalizer(uint32(v.Total))}
	}
	p := w.pumps[nozzle]
	if p == nil {
		return Display{}
	}
	v := p.view()
	return Display{
		State: string(v.State), Message: v.Prompt.Zh, Amount: v.Amount, Quantity: v.Quantity, Price: v.Price, Total: v.Total,
		Card: v.Card, Unsent: v.Unsent,
	}
}

// Receipt is the last receipt a dispenser printed.
func (w *World) Receipt(nozzle record.Nozzle) []string {
	if p := w.pumps[nozzle]; p != nil {
		return p.receipt
	}
	return nil
}

// Sales lists what the center has posted for a site, oldest first.
func (w *World) Sales(id record.SiteID) (list []SaleShown, err error) {
	all, err := answer[center.Sales](w, center.PathSales, center.AskSales{Site: id, Limit: 500})
	if err != nil {
		return nil, err
	}
	for i := len(all.Sales) - 1; i >= 0; i-- {
		s := all.Sales[i]
		proof, err := answer[center.SaleProof](w, center.PathSale, center.AskSale{ID: s.ID})
		if err != nil {
			return nil, err
		}
		shown := SaleShown{
			Sale: s.ID, TID: s.Sale.TID.String(), TTC: s.Sale.TTC, ASN: s.ASN.Digits(), CTC: int(s.CTC), TType: s.TType, State: s.State, Product: s.Product, Price: s.Price,
			Quantity: s.Quantity, Unit: s.Unit, Amount: s.Amount, Balance: s.Balance, Total: s.Total, TAC: s.TAC.String(), TACOK: tacOK(proof), Posted: s.State == "posted" || s.State == "settled", Time: s.Time,
		}
		switch {
		case s.Settled != nil:
			shown.Settled, shown.DebitTAC = s.Settled.How, s.Settled.TAC.String()
		case shown.Posted:
			shown.DebitTAC = shown.TAC
		}
		list = append(list, shown)
	}
	return list, nil
}

// tacOK reads the center's own check of the TAC: of every record that carries one, and at least one does.
func tacOK(p center.SaleProof) bool {
	n := 0
	for _, e := range p.Evidence {
		for _, c := range e.Checks {
			if c.Name == "tac" {
				if !c.OK {
					return false
				}
				n++
			}
		}
	}
	return n > 0
}

// Account is an account's balance.
func (w *World) Account(account string) (unit.Fen, error) {
	a, err := answer[center.Statement](w, center.PathAccount, center.AskAccount{Account: account})
	return a.Balance, err
}

// Blocked is what the center's register says about a card's block.
func (w *World) Blocked(name string) (string, error) {
	p, err := w.card(name)
	if err != nil {
		return "", err
	}
	v, err := answer[center.CardView](w, center.PathCard, center.AskCard{ASN: p.asn})
	return v.Blocked, err
}

// Quarantine lists what the center has not posted.
func (w *World) Quarantine() (list []QuarantineShown, err error) {
	q, err := answer[center.Quarantine](w, center.PathQuarantine, struct{}{})
	for _, r := range q.Quarantine {
		list = append(list, QuarantineShown{Site: string(r.Site), Seq: r.Seq, Sale: r.Sale.String(), Reason: r.Reason})
	}
	return list, err
}

// Alarms lists the kinds of alarm that the center knows of a site.
func (w *World) Alarms(id record.SiteID) (kinds []string, err error) {
	a, err := answer[center.Alarms](w, center.PathAlarms, center.AskAlarms{Limit: 500})
	for _, x := range a.Alarms {
		if x.Site == id {
			kinds = append(kinds, x.Kind)
		}
	}
	return kinds, err
}

// Audit verifies a site's journal as `greylock audit verify` does.
func (w *World) Audit(id record.SiteID) error {
	if p := w.external[id]; p != nil {
		return p.audit()
	}
	for _, s := range w.sites() {
		if s.open.Site == id {
			return audit(s.disk)
		}
	}
	return fmt.Errorf("没有站点 %s (no such site)", id)
}

func audit(dir journal.Dir) error {
	r, err := journal.Verify(dir)
	switch {
	case err != nil:
		return err
	case r.Damage != nil:
		return r.Damage
	case !r.OK():
		return errors.New("日志末尾不完整 (torn tail)")
	}
	return nil
}

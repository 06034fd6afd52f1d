package till

import (
	"bytes"
	"encoding/hex"
	"time"

	"greylock/system/terminal"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Bounds of a sale at a till.
const (
	maxFill         unit.Quantity = 999_00          // of one delivery. Source: dispenser.md 5.1
	maxMoney        unit.Fen      = 9_999_00        // of one delivery; the wire's field is wider
	cardTime                      = 5 * time.Second // how long an interrupted sale waits for its card before it is billed as escape
	attempt                       = "ATTEMPT"       // the step before a TTC is taken from a PSAM that no step names
	reasonCancelled               = uint16(0x3001)  // class 00, ours: the TTC was burned, or its lock never let the pump run. Source: design.md 9.6
)

// sale is the last lock of a card at this till.
type sale struct {
	terminal.Evidence
	Product fa.Product
	Version byte
	Preset  unit.Fen
	Begun   unit.Price // when the sale began; the evidence has it from FUEL_START on
}

// psam is what the journal knows of a PSAM's counter.
type psam struct {
	high  pboc.PSAMTTC
	tries int // INITs that may have been answered while high is not known yet
}

// book is the till's part of the journal. It changes only by facts, but for doubt and by, which live as long as the process.
type book struct {
	till    int
	step    string
	last    sale               // the last BEGIN of this till
	cards   map[pboc.ASN]sale  // newest sale of each card here
	psams   map[pboc.TID]*psam // counters
	waiting []record.Hex       // records without number and T-MAC, oldest first
	blocks  map[pboc.ASN]bool  // cards that a till has begun to block and does not know the end of
	next    fa.POSTTC

	doubt bool
	by    string
}

func newBook(till int) book {
	return book{till: till, cards: map[pboc.ASN]sale{}, psams: map[pboc.TID]*psam{}, blocks: map[pboc.ASN]bool{}, next: 1}
}

func (b *book) apply(f record.Fact) {
	switch f := f.(type) {
	case record.TillStep:
		if f.Till == b.till {
			b.took(f)
		}
	case record.ActBegun:
		b.blocks[f.ASN] = true
	case record.ActEnded:
		delete(b.blocks, f.ASN)
	case record.DispenserRecord:
		if f.Port == record.TillPort+b.till && len(b.waiting) > 0 {
			b.waiting = b.waiting[1:] // one act seals the oldest
			b.next = max(b.next, fa.POSTTC(f.POSTTC)+1)
		}
	}
}

func (b *book) took(f record.TillStep) {
	if len(f.Record) > 0 {
		b.waiting = append(b.waiting, f.Record)
	}
	if f.Step == attempt {
		b.psam(f.Sale.TID).tries++
		return
	}
	e, ok := EntryOf(f)
	if !ok {
		return
	}
	b.counter(e)
	switch {
	case e.Kind == terminal.Begin:
		b.last = sale{Version: f.Version, Preset: f.Preset, Begun: f.Price}
		if raw, err := hex.DecodeString(f.Product); err == nil {
			copy(b.last.Product[:], raw)
		}
	case b.last.Sale != e.Sale:
		b.older(e)
		return
	}
	b.last.Evidence.Take(e)
	b.step = f.Step
	if e.Kind == terminal.FuelEnd {
		b.doubt, b.by = false, ""
	}
	b.cards[b.last.ASN] = b.last
}

// older folds an entry into a sale that is not the last of the till: a card has come back.
func (b *book) older(e terminal.Entry) {
	if s, ok := b.cards[e.ASN]; ok && s.Sale == e.Sale {
		s.Evidence.Take(e)
		b.cards[e.ASN] = s
	}
}

func (b *book) psam(tid pboc.TID) *psam {
	if b.psams[tid] == nil {
		b.psams[tid] = &psam{}
	}
	return b.psams[tid]
}

// counter follows the PSAM's TTC. What was burned in attempts before the first step is below it and unreported.
func (b *book) counter(e terminal.Entry) {
	own := e.Kind == terminal.Begin || e.Kind == terminal.Cancel || e.Kind == terminal.Suspect || e.Kind == terminal.Hold
	if !own || e.Sale.TTC == 0 {
		return
	}
	p := b.psam(e.Sale.TID)
	p.high, p.tries = max(p.high, e.Sale.TTC), 0
}

// known is the evidence about a card's last lock here.
func (b *book) known(asn pboc.ASN) sale {
	if s, ok := b.cards[asn]; ok {
		return s
	}
	return sale{}
}

// learn takes the counter that a PSAM has just shown: what the attempts before this one burned is below it and unreported.
func (p *psam) learn(ttc pboc.PSAMTTC) {
	if p.tries > 0 {
		p.high, p.tries = ttc-min(ttc, pboc.PSAMTTC(p.tries)), 0
	}
}

// fact makes the fact of an entry.
func (t *Till) fact(e terminal.Entry) record.TillStep {
	f := record.TillStep{
		TimeMs: t.now.Milli(), Till: t.cfg.Number, Step: e.Kind.String(), Sale: e.Sale, PSAM: e.PSAM, ASN: e.ASN, CTC: uint16(e.CTC),
		Balance: e.Balance, GTAC: e.GTAC, Nozzle: record.Nozzle(e.Nozzle), Price: e.Price, Quantity: e.Quantity, Total: e.Total,
		Amount: e.Amount, GMAC: e.GMAC, PSAMTAC: e.PSAMTAC, TAC: e.TAC, TType: e.TType, Record: e.Record, Reason: e.Reason,
	}
	if e.Stamp != ([7]byte{}) {
		f.Stamp = bytes.Clone(e.Stamp[:])
	}
	switch e.Kind {
	case terminal.Begin:
		f.Price = t.plan.nozzle.Price
		f.Product, f.Version, f.Preset, f.By = t.plan.nozzle.Product.String(), t.version(), t.plan.preset.Money, t.plan.order.By
	case terminal.FuelEnd:
		f.By = t.book.by
	}
	return f
}

func (t *Till) version() byte { return t.sam.Application.KeyIndex<<4 | t.cfg.Profile.KeyVersion&15 }

// EntryOf reads the entry back.
func EntryOf(f record.TillStep) (e terminal.Entry, ok bool) {
	kind, ok := terminal.KindOf(f.Step)
	e = terminal.Entry{
		Kind: kind, Sale: f.Sale, PSAM: f.PSAM, ASN: f.ASN, CTC: pboc.CTC(f.CTC), Balance: f.Balance, GTAC: f.GTAC, Nozzle: byte(f.Nozzle),
		Price: f.Price, Quantity: f.Quantity, Total: f.Total, Amount: f.Amount, GMAC: f.GMAC, PSAMTAC: f.PSAMTAC, TAC: f.TAC, TType: f.TType,
		Record: f.Record, Reason: f.Reason,
	}
	copy(e.Stamp[:], f.Stamp)
	return e, ok
}

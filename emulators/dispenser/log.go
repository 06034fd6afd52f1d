package dispenser

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"greylock/system/clock"
	"greylock/system/terminal"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// boardLog is the terminal's log over the board's NV.
type boardLog struct{ b *Board }

// High implements terminal.Log.
func (l boardLog) High(psam pboc.TID) (pboc.PSAMTTC, bool) { return l.b.mem.highest(psam) }

var errForm = errors.New("dispenser: entry without its 95-byte record")

// Append implements terminal.Log. An entry and the record that belongs to it are one commit.
func (l boardLog) Append(e terminal.Entry) error {
	b := l.b
	if b.dead {
		return ErrCut
	}
	s := &b.mem.state
	switch e.Kind {
	case terminal.Escape, terminal.Done:
		if len(e.Record) != fa.RecordSize {
			return errForm
		}
		if e.Kind == terminal.Done {
			b.mem.queue(e.Record)
			s.take(e)
			break
		}
		if err := b.stored(e.Record, func(s *state) { s.take(e) }); err != nil {
			return err
		}
		b.stage(e.Kind)
		return nil
	case terminal.Begin:
		s.Sale = sale{Product: b.sess.plan.product, Price: b.sess.plan.price, Preset: b.sess.plan.preset, Start: b.mem.total,
			Version: b.sess.sam.Application.KeyIndex<<4 | b.cfg.Profile.KeyVersion&15}
		s.take(e)
		s.raise(e.Sale.TID, e.Sale.TTC)
	case terminal.Cancel, terminal.Suspect, terminal.Hold:
		if b.reports(e) {
			b.mem.await(b.cancelled(e))
		}
		s.take(e)
		s.raise(e.Sale.TID, e.Sale.TTC)
	default:
		s.take(e)
	}
	if err := b.mem.commit(); err != nil {
		b.kill(err)
		return err
	}
	b.stage(e.Kind)
	return nil
}

// reports says that an entry leaves a T-TYPE 9 record. A wrong MAC after fuel does not: its sale is billed. A lock that did not
// happen does not burn its number in a PSAM that stores its counter at the certificate. Source: card.md 8.1, psam_ttc_at.
func (b *Board) reports(e terminal.Entry) bool {
	if ev := b.mem.state.Sale.Evidence; e.Kind == terminal.Suspect && ev.Sale == e.Sale && ev.Authorised {
		return false
	}
	return e.Reason != terminal.NotLocked || b.cfg.Profile.PSAMTTCAt != fuelcard.TTCAtCertificate
}

// take folds an entry into the sale that it is of. An entry about another sale (a top-up for another board, a TTC that was
// burned) leaves it alone.
func (s *state) take(e terminal.Entry) {
	if e.Kind == terminal.Begin || s.Sale.Evidence.Found && s.Sale.Evidence.Sale == e.Sale {
		s.Sale.Evidence.Take(e)
	}
}

// stored puts a finished record into the ring.
func (b *Board) stored(raw []byte, change func(*state)) error {
	r, err := fa.ParseRecord(raw)
	if err != nil {
		return err
	}
	overrun := b.mem.state.Overrun
	both := func(s *state) {
		if kind := r.Type.Kind(); kind == fa.Fuelling || kind == fa.Escape || kind == fa.NoCard {
			s.Cash += r.Amount // what was sold, whoever pays it when
		}
		change(s)
	}
	if _, err := b.mem.store(r, both); err != nil {
		b.kill(err)
		return err
	}
	if b.mem.state.Overrun != overrun {
		b.fault("E12 LOG", "未上传记录被覆盖", "a record that was never uploaded has been overwritten")
	}
	zh, en := r.Type.Words()
	b.event(Event{Kind: EventRecord, Word: r.Type.String(), Zh: zh, En: en, Record: append([]byte(nil), raw...)})
	b.changed()
	return nil
}

func (b *Board) stage(k terminal.Kind) {
	words := map[terminal.Kind]Event{
		terminal.Begin:     {Word: "begin", Zh: "灰锁中", En: "locking"},
		terminal.FuelStart: {Word: "locked", Zh: "已灰锁, 已授权", En: "locked and authorised"},
		terminal.FuelEnd:   {Word: "fuel-end", Zh: "待扣款", En: "to be debited"},
		terminal.Void:      {Word: "void", Zh: "零额解灰", En: "released with amount 0"},
		terminal.Cancel:    {Word: "cancelled", Zh: "交易取消", En: "cancelled"},
		terminal.Suspect:   {Word: "suspect", Zh: "卡可疑", En: "suspect card"},
		terminal.Hold:      {Word: "hold", Zh: "黑名单锁卡", En: "listed card held grey"},
		terminal.Escape:    {Word: "escape", Zh: "逃卡, 已记账", En: "escape, billed"},
		terminal.Done:      {Word: "done", Zh: "已扣款", En: "debited"},
	}
	e := words[k]
	e.Kind = EventStage
	b.face.stage = e.Word
	b.event(e)
	b.changed()
}

// Codes of T-TYPE 9 records that tell what became of a TTC. Source: design.md 9.6; dispenser.md 3.11.
const (
	reasonCancelled = 0x3001 // class 00, ours: the TTC was burned, or its lock never let the pump run
	classPSAM       = 0x02
)

// cancelled is the T-TYPE 9 record that accounts for a TTC without a sale.
func (b *Board) cancelled(e terminal.Entry) fa.Record {
	r := b.blank(fa.CardErrorEvent)
	r.ASN, r.Balance, r.CTC, r.TID, r.TTC, r.PSAMNumber = e.ASN, e.Balance, e.CTC, e.Sale.TID, e.Sale.TTC, e.PSAM
	if e.Stamp != ([7]byte{}) {
		r.Time = e.Stamp
	}
	switch e.Kind {
	case terminal.Hold:
		r.TAC = reason(terminal.ReasonBlack)
	case terminal.Suspect:
		r.TAC = reason(reasonCancelled) // a release that failed: nothing was ever authorised
		if e.Reason == terminal.WrongMAC2 {
			r.TAC = pboc.MAC{classPSAM, 0, 0x93, 0x02}
		}
	default:
		r.TAC = reason(reasonCancelled)
	}
	return r
}

// blank is a record of this moment, this nozzle and this PSAM.
func (b *Board) blank(t fa.TType) fa.Record {
	s := &b.mem.state
	return fa.Record{Type: t, Time: b.stamp(), PSAMNumber: b.sess.sam.Number, TID: b.sess.sam.TID, Unit: fa.PayCard,
		NZN: b.nzn(), Product: s.Now.Product, Price: s.Now.Price, Employee: s.employee(), Total: b.mem.total,
		Version: b.sess.sam.Application.KeyIndex<<4 | b.cfg.Profile.KeyVersion&15}
}

// record is a record of the sale that is known.
func (b *Board) record(t fa.TType, known sale) fa.Record {
	r := b.blank(t)
	if ev := known.Evidence; ev.Found {
		r.NZN, r.Volume, r.Price, r.Product = fa.NZN(ev.Nozzle), ev.Quantity, ev.Price, known.Product
		if known.Version != 0 {
			r.Version = known.Version
		}
		if r.Price == 0 {
			r.Price = known.Price
		}
	}
	return r
}

// await queues a record until the PSAM can seal it. The queue is longer than what can come between two of its rounds; were
// it full, the oldest would be stored by the next round all the same.
func (m *memory) await(r fa.Record) {
	raw := r.Bytes()
	m.queue(raw[:])
}

func (m *memory) queue(raw []byte) {
	if len(m.state.Pending) >= maxPending {
		m.state.Pending = m.state.Pending[1:]
		m.state.Overrun++
	}
	m.state.Pending = append(m.state.Pending[:len(m.state.Pending):len(m.state.Pending)], record.Hex(raw))
}

// amend changes a waiting record before it is sealed. It is not durable before that.
func (m *memory) amend(raw [fa.RecordSize]byte, change func(*fa.Record)) {
	i := slices.IndexFunc(m.state.Pending, func(p record.Hex) bool { return bytes.Equal(p, raw[:]) })
	if i < 0 {
		return
	}
	if r, err := fa.ParseRecord(m.state.Pending[i]); err == nil {
		change(&r)
		changed := r.Bytes()
		m.state.Pending = slices.Clone(m.state.Pending)
		m.state.Pending[i] = changed[:]
	}
}

// fuelEnd fills in what the register says: read twice, once as pulses of this fill and once as the difference of totals.
func (m *memory) fuelEnd(e terminal.Entry) terminal.Entry {
	s := m.state.Sale
	e.Total, e.Quantity = m.total, m.total.Since(s.Start)
	e.Price = s.Evidence.Price
	e.Amount = owed(e.Quantity, e.Price, s.Preset, s.Evidence.Balance)
	return e
}

// cardTime is how long after its boot a board waits for the card of an interrupted sale before it bills the sale as escape.
const cardTime = 5 * time.Second

// resume finishes in the log what a power cut interrupted: with the power the fuel stopped, so the register is final. The
// card settles the sale if it is still there; otherwise it is billed after a while.
func (b *Board) resume() {
	b.sess.due = clock.Never
	if b.closeFree(); b.dead {
		return
	}
	s := &b.mem.state
	ev := s.Sale.Evidence
	if !ev.Found || ev.Closed || ev.Billed {
		return
	}
	if ev.Authorised && !ev.Ended {
		e := terminal.Entry{Kind: terminal.FuelEnd, Sale: ev.Sale, PSAM: ev.PSAM, ASN: ev.ASN, CTC: ev.CTC, Balance: ev.Balance,
			Stamp: ev.Stamp, GTAC: ev.GTAC, Nozzle: ev.Nozzle}
		if (boardLog{b}).Append(b.mem.fuelEnd(e)) != nil {
			return
		}
		ev.Ended = true
	}
	if ev.Ended && !ev.Voided {
		b.sess.due = b.now.Add(b.cfg.Boot + cardTime)
	}
	f := &b.fill
	f.volume, f.price = s.Sale.Evidence.Quantity, s.Sale.Evidence.Price
	f.amount = s.Sale.Evidence.Amount
}

// known is the evidence about a card's last lock: the last sale of this board, or else its newest record about this card.
// Source: card.md 12.3.
func (m *memory) known(asn pboc.ASN, proof fuelcard.LockProof) sale {
	if ev := m.state.Sale.Evidence; ev.Found && ev.ASN == asn && (!ev.Cancelled || proof.State != fuelcard.Grey) {
		return m.state.Sale
	}
	for _, raw := range slices.Backward(m.state.Pending) {
		if r, err := fa.ParseRecord(raw); err == nil && r.ASN == asn && tells(r, proof) {
			return remembered(r, proof)
		}
	}
	oldest := m.oldest()
	for n := m.state.Next; n != oldest; {
		n--
		if r, ok := m.about(n, asn); ok && tells(r, proof) {
			return remembered(r, proof)
		}
	}
	return sale{}
}

// about reads a record if it is of this card.
func (m *memory) about(n fa.POSTTC, asn pboc.ASN) (fa.Record, bool) {
	var got pboc.ASN
	m.nv.Read(m.place(n)+asnAt, got[:])
	if got != asn {
		return fa.Record{}, false
	}
	raw, ok := m.read(n)
	if !ok {
		return fa.Record{}, false
	}
	r, err := fa.ParseRecord(raw[:])
	return r, err == nil
}

// tells says that a record is of a sale, or holds the very TAC that the card shows.
func tells(r fa.Record, proof fuelcard.LockProof) bool {
	return r.TTC != 0 || proof.State == fuelcard.TACUnread && r.TAC == proof.Code
}

const asnAt = 12 // of ASN in a record. Source: card.md 14

// remembered turns a record back into evidence. A cancelled TTC matters only to a card that is grey under it, or was
// released from it: the pump was never authorised, so the amount is 0.
func remembered(r fa.Record, proof fuelcard.LockProof) sale {
	kind := r.Type.Kind()
	if kind == fa.CardErrorEvent && (proof.State == fuelcard.NotGrey || r.TAC != reason(reasonCancelled)) {
		return sale{}
	}
	s := sale{Product: r.Product, Version: r.Version, Price: r.Price}
	s.Evidence = terminal.Evidence{Found: true, Own: true, Sale: record.SaleID{TID: r.TID, TTC: r.TTC}, PSAM: r.PSAMNumber, ASN: r.ASN,
		CTC: r.CTC, Balance: r.Balance, Stamp: r.Time, Nozzle: byte(r.NZN)}
	ev := &s.Evidence
	if kind == fa.CardErrorEvent {
		ev.Closed = proof.State == fuelcard.TACUnread
		ev.Cancelled = ev.Closed
		return s
	}
	ev.Authorised, ev.Ended, ev.Amount, ev.Quantity = true, true, r.Amount, r.Volume
	ev.Price, ev.Total, ev.GMAC, ev.PSAMTAC = r.Price, r.Total, r.GMAC, r.PSAMTAC
	ev.Signed = r.GMAC != (pboc.MAC{})
	if kind == fa.Escape {
		ev.GTAC, ev.Billed = r.TAC, true
		return s
	}
	ev.TAC, ev.Closed = r.TAC, true
	ev.Balance = r.Balance + r.Amount
	return s
}

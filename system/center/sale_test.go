package center

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"greylock/system/journal"
	"greylock/system/ledger"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

func cardAccount(r *rig, user int) string { return ledger.Card(r.cards.Users[user]) }

// debits is what was taken from a test card since it was loaded.
func debits(r *rig, user int) unit.Fen { return r.balance(cardAccount(r, user)) + funds }

func TestSaleIsPostedOnceWithItsProof(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rec := r.lock(0, 30000, 0, 1).record(fa.Fuelling, 501, 2548, 20002, 102548)
	seq := r.ship(station, fact(rec))
	want(t, "postings", r.posted(), []record.SalePosted{{
		TimeMs: start.Milli(), Sale: record.SaleID{TID: rec.TID, TTC: 1}, ASN: rec.ASN, Site: station, Seq: seq, Product: product,
		Price: 785, Quantity: 2548, Unit: unit.Litre, Amount: 20002,
		Entries: []record.Entry{{Account: cardAccount(r, 0), Amount: 20002}, {Account: "sales:1031", Amount: -20002}}}})
	want(t, "quarantine", r.reasons(), nil)

	var list Sales
	r.into(&list, PathSales, AskSales{})
	if len(list.Sales) != 1 || list.Total != 1 || list.Next != 0 {
		t.Fatalf("sales: %+v", list)
	}
	var proof SaleProof
	r.into(&proof, PathSale, AskSale{ID: list.Sales[0].ID})
	var checks []string
	for _, c := range proof.Evidence[0].Checks {
		checks = append(checks, fmt.Sprint(c.Name, " ", c.OK))
	}
	want(t, "checks", checks, []string{"chain true", "tmac true", "realm true", "psam true", "tac true", "psam-tac true", "amount true"})
	raw := rec.Bytes()
	want(t, "raw", proof.Evidence[0].Raw, record.Hex(raw[:]))
	if !proof.OK || len(proof.Evidence[0].Fields) < 20 {
		t.Errorf("proof: ok %v, %d fields", proof.OK, len(proof.Evidence[0].Fields))
	}
	r.sameAfterReplay()
}

// The published worked values of card.md 15.3: what the center computes is what another hand computed.
func TestChainOneOfTheSpecification(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := lock{r, r.cards.Users[0], 0, 10000, 0, 0x12, fa.Stamp{0x20, 0x26, 0x11, 0x22, 0x10, 0x20, 0x30}}
	want(t, "TAC", l.tac(5000), pboc.MAC{0xFD, 0xF9, 0x20, 0x97})
	want(t, "GTAC", l.gtac(), pboc.MAC{0x53, 0x80, 0x90, 0x07})
	want(t, "PSAM-TAC", l.psamTAC(5000), pboc.MAC{0x2F, 0x99, 0xCF, 0x02})
	r.ship(station, fact(l.record(fa.Fuelling, 1, 637, 5000, 637)))
	want(t, "quarantine", r.reasons(), nil)
	want(t, "postings", len(r.posted()), 1)
}

// Each verification, failing alone: the record and only it is quarantined, with the stable reason.
func TestEachCheckAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reason string
		change func(r *rig, l *lock, rec *fa.Record, d *record.DispenserRecord)
	}{
		{TMACWrong, func(_ *rig, _ *lock, _ *fa.Record, d *record.DispenserRecord) { d.Raw[80] ^= 1 }},
		{TMACWrong, func(_ *rig, _ *lock, _ *fa.Record, d *record.DispenserRecord) { d.Raw[94] ^= 1 }},
		{TMACWrong, func(_ *rig, _ *lock, _ *fa.Record, d *record.DispenserRecord) { d.Raw[32] ^= 1 }},
		{RealmWrong, func(r *rig, _ *lock, rec *fa.Record, _ *record.DispenserRecord) { *rec = r.unmarked(*rec) }},
		{TACWrongWord, func(r *rig, _ *lock, rec *fa.Record, _ *record.DispenserRecord) { rec.TAC[0] ^= 1; *rec = r.sign(*rec) }},
		{PSAMTACWrong, func(r *rig, _ *lock, rec *fa.Record, _ *record.DispenserRecord) {
			rec.PSAMTAC[3] ^= 1
			*rec = r.sign(*rec)
		}},
		{UnknownPSAMWord, func(r *rig, _ *lock, rec *fa.Record, _ *record.DispenserRecord) {
			rec.TID[5] = 0x77
			*rec = r.sign(*rec)
		}},
		{PSAMNumberWrong, func(r *rig, _ *lock, rec *fa.Record, _ *record.DispenserRecord) {
			rec.PSAMNumber = r.cards.PSAMs[3].Number
			*rec = r.sign(*rec)
		}},
		{PSAMElsewhere, func(r *rig, l *lock, rec *fa.Record, _ *record.DispenserRecord) {
			l.psam = 1
			*rec = l.record(fa.Fuelling, 502, 1000, 7850, 3000)
		}},
		{PSAMElsewhere, func(_ *rig, _ *lock, _ *fa.Record, d *record.DispenserRecord) { d.Port = 2 }},
		{NozzleWrong, func(_ *rig, _ *lock, _ *fa.Record, d *record.DispenserRecord) { d.Nozzle = 2 }},
		{ProductWrong, func(r *rig, _ *lock, rec *fa.Record, _ *record.DispenserRecord) {
			rec.Product[0] = 0x20
			*rec = r.sign(*rec)
		}},
		{UnknownCardWord, func(_ *rig, l *lock, rec *fa.Record, _ *record.DispenserRecord) {
			l.asn[9] = 0x99
			*rec = l.record(fa.Fuelling, 502, 1000, 7850, 3000)
		}},
		{KeyWrong, func(r *rig, _ *lock, rec *fa.Record, _ *record.DispenserRecord) {
			rec.Version = 0x12
			*rec = r.sign(*rec)
		}},
		{NoTTC, func(_ *rig, l *lock, rec *fa.Record, _ *record.DispenserRecord) {
			l.ttc = 0
			*rec = l.record(fa.Fuelling, 502, 1000, 7850, 3000)
		}},
		{PurseWrong, func(r *rig, _ *lock, rec *fa.Record, _ *record.DispenserRecord) { rec.DS = 1; *rec = r.sign(*rec) }},
		{AmountWrong, func(_ *rig, l *lock, rec *fa.Record, _ *record.DispenserRecord) {
			*rec = l.record(fa.Fuelling, 502, 1000, 7858, 3000)
		}},
		{CTCUsed, func(_ *rig, l *lock, rec *fa.Record, _ *record.DispenserRecord) {
			l.ctc = 0
			*rec = l.record(fa.Fuelling, 502, 1000, 7850, 3000)
		}},
		{Conflict, func(_ *rig, l *lock, rec *fa.Record, _ *record.DispenserRecord) { // the same sale, another amount
			l.ttc, l.ctc = 1, 0
			*rec = l.record(fa.Fuelling, 502, 500, 3925, 3000)
		}},
		{Malformed, func(_ *rig, _ *lock, _ *fa.Record, d *record.DispenserRecord) { d.Raw = d.Raw[:94] }},
		{Malformed, func(_ *rig, _ *lock, _ *fa.Record, d *record.DispenserRecord) { d.Raw[5] = 0xFF }},
		{Malformed, func(_ *rig, _ *lock, _ *fa.Record, d *record.DispenserRecord) { d.POSTTC++ }},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			first := fact(r.lock(1, 50000, 0, 1).record(fa.Fuelling, 501, 1000, 7850, 2000))
			l := r.lock(1, 42150, 1, 2)
			rec := l.record(fa.Fuelling, 502, 1000, 7850, 3000)
			d := fact(rec)
			c.change(r, &l, &rec, &d)
			if raw := fact(rec); string(raw.Raw) != string(fact(l.record(fa.Fuelling, 502, 1000, 7850, 3000)).Raw) ||
				l != r.lock(1, 42150, 1, 2) {
				d.Raw, d.POSTTC = raw.Raw, raw.POSTTC
			}
			last := fact(r.lock(1, 34300, 2, 3).record(fa.Fuelling, 503, 1000, 7850, 4000))
			seq := r.ship(station, first, d, last)
			var q Quarantine
			r.into(&q, PathQuarantine, nothing{})
			if len(q.Quarantine) != 1 || q.Quarantine[0].Reason != c.reason || q.Quarantine[0].Seq != seq+1 || q.Quarantine[0].Zh == "" {
				t.Fatalf("quarantine %+v, want %s", q.Quarantine, c.reason)
			}
			want(t, "raw", string(q.Quarantine[0].Raw), string(d.Raw))
			want(t, "alarm", r.alarms()[0], c.reason)
			posted := r.posted()
			if len(posted) != 2 || posted[0].Seq != seq || posted[1].Seq != seq+2 {
				t.Errorf("posted: %+v", posted)
			}
			want(t, "debits", debits(r, 1), unit.Fen(2*7850))
			r.sameAfterReplay()
		})
	}
}

// unmarked is a record without the mark of training, signed.
func (r *rig) unmarked(rec fa.Record) fa.Record {
	rec.Reserved[10] = 0
	span := rec.TMACData()
	mac, err := r.cfg.Keys.TMAC(span[:])
	if err != nil {
		r.t.Fatal(err)
	}
	rec.TMAC = mac
	return rec
}

// One flipped bit anywhere in the 95 bytes: never posted, nothing else touched.
func TestEveryFlippedBitIsQuarantined(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rec := r.lock(0, 30000, 0, 1).record(fa.Fuelling, 501, 1000, 7850, 2000)
	var batch []record.Fact
	for bit := range 8 * fa.RecordSize {
		d := fact(rec)
		d.Raw[bit/8] ^= 1 << (bit % 8)
		if bit < 32 { // the station places it by what it reads
			d.POSTTC = uint32(d.Raw[0])<<24 | uint32(d.Raw[1])<<16 | uint32(d.Raw[2])<<8 | uint32(d.Raw[3])
		}
		batch = append(batch, d)
	}
	r.ship(station, batch[:400]...)
	r.ship(station, batch[400:]...)
	want(t, "postings", r.core.books.nSales, 0)
	want(t, "quarantined", len(r.reasons()), len(batch))
	r.restart()
	r.ship(station, fact(rec))
	want(t, "postings", r.core.books.nSales, 1)
	want(t, "quarantined", len(r.reasons()), len(batch))
}

func TestReplayedBatchPostsOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := fact(r.lock(0, 30000, 0, 1).record(fa.Fuelling, 501, 1000, 7850, 2000))
	b := r.sites[station].batch(t, d)
	for range 3 {
		var a record.BatchAnswer
		r.into(&a, record.PathBatch, b)
		want(t, "watermark", a, record.BatchAnswer{Seq: r.sites[station].seq, Head: b.Head})
	}
	r.ship(station, d)  // the board offered it again under another line
	r.ship(station2, d) // and a copy of it comes from elsewhere
	want(t, "postings", len(r.posted()), 1)
	want(t, "quarantine", r.reasons(), []string{PSAMElsewhere})
	want(t, "debits", debits(r, 0), unit.Fen(7850))
	want(t, "sales", r.balance("sales:1031"), unit.Fen(-7850))
	r.sameAfterReplay()
}

func TestBatchMustContinueTheChain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := fact(r.lock(0, 30000, 0, 1).record(fa.Fuelling, 501, 1000, 7850, 2000))
	s := r.sites[station]
	seq, head := s.seq, append(record.Hex{}, s.head[:]...)
	good := s.batch(t, d)
	r.refused(BatchRefused, record.PathBatch, altered(good, func(b *record.Batch) { b.Lines = []string{b.Lines[0] + " "} }))
	r.refused(BatchRefused, record.PathBatch, altered(good, func(b *record.Batch) { b.Acts = []int{2} }))
	r.refused(BatchRefused, record.PathBatch, record.Batch{Site: station, First: 1})
	r.refused(UnknownSite, record.PathBatch, record.Batch{Site: "7777", First: 1, Lines: []string{"x"}, Acts: []int{1}})
	fork := siteJournal{id: station, seq: seq}
	for name, b := range map[string]record.Batch{
		"a gap":           altered(good, func(b *record.Batch) { b.First++ }),
		"an older branch": fork.batch(t, d),
	} {
		status, body := r.serve(record.PathBatch, b)
		var a record.BatchAnswer
		if err := json.Unmarshal(body, &a); err != nil || status != 409 || a.Seq != seq || string(a.Head) != string(head) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	want(t, "alarms", r.alarms(), []string{"batch-refused"})
	want(t, "postings", len(r.posted()), 0)
	r.ok(record.PathBatch, good)
	want(t, "postings", len(r.posted()), 1)
	r.sameAfterReplay()
}

func altered(b record.Batch, change func(b *record.Batch)) record.Batch {
	change(&b)
	return b
}

// A batch that means more than one act can hold is taken in pieces: the watermark says how far.
func TestBatchThatMeansTooMuch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var facts []record.Fact
	for i := range 480 { // each is a gap of PSAM numbers, a jump of the totalizer, a price and a balance that nobody knows
		rec := r.lock(i%9, 60000, pboc.CTC(i/9), pboc.PSAMTTC(2*i+2)).record(fa.Fuelling, uint32(i), 100, 800, unit.Totalizer(1000*i+1000))
		rec.Time, rec.Price = fa.StampOf(start.Civil()), 800
		l := lock{r, rec.ASN, 0, 60000, rec.CTC, rec.TTC, rec.Time}
		rec.TAC, rec.PSAMTAC = l.tac(800), l.psamTAC(800)
		facts = append(facts, fact(r.sign(rec)))
	}
	b := r.sites[station].batch(t, facts...)
	var seqs []uint64
	for len(seqs) == 0 || seqs[len(seqs)-1] != r.sites[station].seq {
		var a record.BatchAnswer
		r.into(&a, record.PathBatch, b)
		seqs = append(seqs, a.Seq)
		if len(seqs) > 5 {
			t.Fatalf("watermarks %v", seqs)
		}
	}
	want(t, "postings", r.core.books.nSales, 480)
	want(t, "in pieces", len(seqs) > 1, true)
	r.sameAfterReplay()
}

// Whatever a site may put into a line, its copy is never more than the center's journal takes in one record: a batch is taken
// in pieces, a single act beyond that is refused, and the center goes on.
func TestBatchTooBigForARecord(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.sites[station]
	add := func(b *record.Batch, head [32]byte, lines ...string) {
		for _, l := range lines {
			head = journal.Chain(head, []byte(l))
			b.Lines, b.Acts = append(b.Lines, l), append(b.Acts, 1)
		}
		b.Head = head[:]
	}
	b := record.Batch{Site: station, First: s.seq + 1, Prev: s.head[:]}
	add(&b, s.head, strings.Repeat("<", 200<<10), strings.Repeat("\x01", 200<<10), strings.Repeat(`"`, 200<<10))
	for marks := 0; ; marks++ {
		var a record.BatchAnswer
		r.into(&a, record.PathBatch, b)
		for _, l := range r.lines {
			if len(l) > journal.MaxBody {
				t.Fatalf("a record of %d bytes", len(l))
			}
		}
		if a.Seq == s.seq+3 {
			want(t, "in pieces", marks > 0, true)
			break
		}
		if marks == 3 {
			t.Fatalf("watermark %d", a.Seq)
		}
	}
	huge := record.Batch{Site: station, First: s.seq + 4, Prev: b.Head}
	add(&huge, [32]byte(b.Head), strings.Repeat("<", 400<<10))
	r.refused(BatchRefused, record.PathBatch, huge)
	r.refused(BatchRefused, record.PathBatch, huge) // the site offers it for ever: one alarm
	want(t, "alarms", r.alarms()[len(r.alarms())-1:], []string{"batch-refused"})
	r.sameAfterReplay()
}

// A production journal, a stranger's journal and a journal of another kind are refused at their first line.
func TestFirstLineSaysWhoItIs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.ok(PathPutSite, PutSite{Site: "1003", Kind: record.KindStation, Name: "三站"})
	for code, f := range map[string]record.Fact{
		WrongRealm: record.SiteOpened{Site: "1003", Kind: record.KindStation, Realm: record.Production},
		WrongKind:  record.SiteOpened{Site: "1003", Kind: record.KindOutlet, Realm: record.Training},
		BadValue:   record.SiteOpened{Site: "1004", Kind: record.KindStation, Realm: record.Training},
	} {
		s := &siteJournal{id: "1003"}
		r.refused(code, record.PathBatch, s.batch(t, f))
	}
	s := &siteJournal{id: "1003"}
	r.ok(record.PathBatch, s.batch(t, record.SiteOpened{Site: "1003", Kind: record.KindStation, Realm: record.Training}))
}

func TestOverfillAndPresetInTheBooks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.ship(station,
		fact(r.lock(0, 7850, 0, 1).record(fa.Fuelling, 501, 1002, 7850, 1002)), // 0.02 L beyond the balance
		fact(r.lock(1, 30000, 0, 2).record(fa.Fuelling, 502, 637, 5003, 1639)), // preset 50.03, the meter says 50.00: less than a pulse
		fact(r.lock(2, 3000, 0, 3).record(fa.Escape, 503, 383, 3000, 2022)))    // an escape that took all, 7 fen below the meter: less than a pulse
	want(t, "quarantine", r.reasons(), nil)
	want(t, "overshoot", r.balance("overshoot:1001"), unit.Fen(7866-7850))
	want(t, "sales", r.balance("sales:1031"), unit.Fen(-7866-5003-3000))
	want(t, "owed", r.balance(ledger.Receivable(r.cards.Users[2])), unit.Fen(3000))
	want(t, "debit", debits(r, 0), unit.Fen(7850))
	r.sameAfterReplay()
}

func TestEscapeIsSettledOnce(t *testing.T) {
	t.Parallel()
	for name, settle := range map[string]func(r *rig, l lock) []record.Fact{
		"top-up-debit": func(_ *rig, l lock) []record.Fact {
			return []record.Fact{fact(l.record(fa.TopUpDebit, 9, 1000, 7850, 0))}
		},
		"supplement": func(_ *rig, l lock) []record.Fact { return []record.Fact{fact(l.record(fa.Supplement, 9, 0, 7850, 0))} },
		"supplement-without-ttc": func(r *rig, l lock) []record.Fact {
			rec := l.record(fa.Supplement, 9, 0, 7850, 0)
			rec.TTC = 0
			return []record.Fact{fact(r.sign(rec))}
		},
		"proof": func(_ *rig, l lock) []record.Fact { return []record.Fact{l.proof(7850)} },
	} {
		for _, order := range []string{"after", "before", "same batch"} {
			t.Run(name+" "+order, func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				l := r.lock(0, 30000, 4, 1)
				escape, settlement := fact(l.record(fa.Escape, 501, 1000, 7850, 1000)), settle(r, l)
				switch order {
				case "after":
					r.ship(station, escape)
					want(t, "owed", r.balance(ledger.Receivable(l.asn)), unit.Fen(7850))
					r.ship(station2, settlement...)
				case "before":
					r.ship(station2, settlement...)
					want(t, "entries", debits(r, 0), unit.Fen(0))
					r.ship(station, escape)
				default:
					r.ship(station, append(settlement, escape)...)
				}
				r.ship(station2, settlement...)
				r.ship(station2, l.proof(7850))
				want(t, "owed", r.balance(ledger.Receivable(l.asn)), unit.Fen(0))
				want(t, "debit", debits(r, 0), unit.Fen(7850))
				want(t, "sales", r.balance("sales:1031"), unit.Fen(-7850))
				want(t, "quarantine", r.reasons(), nil)
				var proof SaleProof
				r.into(&proof, PathSale, AskSale{ID: record.SaleID{TID: l.tid(), TTC: 1}.String()})
				if proof.State != "settled" || !proof.OK || len(proof.Evidence) != 2 || proof.Settled == nil {
					t.Errorf("proof: %+v", proof)
				}
				r.sameAfterReplay()
			})
		}
	}
}

// A complete sale and the supplement that another terminal wrote for it: one posting, whichever comes first.
func TestSupplementOfACompleteSale(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{true, false} {
		r := newRig(t)
		l := r.lock(0, 30000, 4, 1)
		full := fact(l.record(fa.Fuelling, 501, 1000, 7850, 1000))
		rec := l.record(fa.Supplement, 9, 0, 7850, 0)
		rec.TTC = 0
		supplement := fact(r.sign(rec))
		if first {
			r.ship(station, full)
			r.ship(station2, supplement)
		} else {
			r.ship(station2, supplement)
			want(t, "waits", r.reasons(), []string{Waiting})
			want(t, "no alarm", r.alarms(), nil)
			r.restart()
			r.ship(station, full)
		}
		want(t, "quarantine", r.reasons(), nil)
		want(t, "debit", debits(r, 0), unit.Fen(7850))
		want(t, "owed", r.balance(ledger.Receivable(l.asn)), unit.Fen(0))
		r.sameAfterReplay()
	}
}

// A settlement that does not fit its lock never moves money.
func TestFalseSettlements(t *testing.T) {
	t.Parallel()
	for reason, settle := range map[string]func(r *rig, l lock) fa.Record{
		TACWrongWord: func(r *rig, l lock) fa.Record {
			rec := l.record(fa.TopUpDebit, 9, 0, 7850, 0)
			rec.TAC[0] ^= 1
			return r.sign(rec)
		},
		AmountWrong: func(_ *rig, l lock) fa.Record { return l.record(fa.TopUpDebit, 9, 0, 7000, 0) },
		LockDiffers: func(_ *rig, l lock) fa.Record { // the TAC is good over a TTC that was another card's
			l.asn = l.r.cards.Users[3]
			return l.record(fa.TopUpDebit, 9, 0, 7850, 0)
		},
		Waiting: func(_ *rig, l lock) fa.Record { l.ttc = 77; return l.record(fa.TopUpDebit, 9, 0, 7850, 0) },
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			l := r.lock(0, 30000, 4, 1)
			r.ship(station, fact(l.record(fa.Escape, 501, 1000, 7850, 1000)))
			r.ship(station2, fact(settle(r, l)))
			want(t, "quarantine", r.reasons(), []string{reason})
			want(t, "owed", r.balance(ledger.Receivable(l.asn)), unit.Fen(7850))
			want(t, "debit", debits(r, 0), unit.Fen(0))
			r.sameAfterReplay()
		})
	}
}

// A proof settles nothing unless its TAC is that card's, over that lock.
func TestFalseProofs(t *testing.T) {
	t.Parallel()
	for name, forge := range map[string]func(l lock) record.ProofSeen{
		"tac":    func(l lock) record.ProofSeen { f := l.proof(7850); f.Proof[len(f.Proof)-1] ^= 1; return f },
		"amount": func(l lock) record.ProofSeen { return l.proof(7000) },
		"card": func(l lock) record.ProofSeen {
			owner := l.asn
			l.asn = l.r.cards.Users[3]
			f := l.proof(7850)
			f.ASN = owner
			return f
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			l := r.lock(0, 30000, 4, 1)
			r.ship(station, fact(l.record(fa.Escape, 501, 1000, 7850, 1000)))
			r.ship(station2, forge(l))
			want(t, "owed", r.balance(ledger.Receivable(l.asn)), unit.Fen(7850))
			want(t, "debit", debits(r, 0), unit.Fen(0))
			r.sameAfterReplay()
		})
	}
}

// A record for a sale that is complete must tell of the same debit: another card's, or another counter, is a conflict.
func TestFalseWitnesses(t *testing.T) {
	t.Parallel()
	for name, tell := range map[string]func(l lock) fa.Record{
		"card": func(l lock) fa.Record { l.asn = l.r.cards.Users[3]; return l.record(fa.Supplement, 9, 0, 7850, 0) },
		"ctc":  func(l lock) fa.Record { l.ctc++; return l.record(fa.Supplement, 9, 0, 7850, 0) },
		"sum":  func(l lock) fa.Record { return l.record(fa.TopUpDebit, 9, 0, 7000, 0) },
	} {
		for _, settled := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " settled ", settled), func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				l := r.lock(0, 30000, 4, 1)
				if settled {
					r.ship(station, fact(l.record(fa.Escape, 501, 1000, 7850, 1000)), fact(l.record(fa.TopUpDebit, 502, 1000, 7850, 0)))
				} else {
					r.ship(station, fact(l.record(fa.Fuelling, 501, 1000, 7850, 1000)))
				}
				r.ship(station2, fact(tell(l)))
				want(t, "quarantine", r.reasons(), []string{Conflict})
				want(t, "debit", debits(r, 0), unit.Fen(7850))
				r.sameAfterReplay()
			})
		}
	}
}

func TestEscapeNeedsGTAC(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rec := r.lock(0, 30000, 4, 1).record(fa.Escape, 501, 1000, 7850, 1000)
	rec.TAC[2] ^= 8
	r.ship(station, fact(r.sign(rec)))
	want(t, "quarantine", r.reasons(), []string{GTACWrong})
	want(t, "postings", len(r.posted()), 0)
}

// A cancelled TTC is accounted for; a zero release after it is no sale; fuel under it is a conflict.
func TestCancelledTTC(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.lock(0, 30000, 4, 1)
	cancel := l.record(fa.CardErrorEvent, 501, 0, 0, 1000)
	r.ship(station, fact(cancel))
	var sale SaleProof
	r.into(&sale, PathSale, AskSale{ID: record.SaleID{TID: l.tid(), TTC: 1}.String()})
	want(t, "state", sale.State, "cancelled")
	r.ship(station, fact(l.record(fa.Fuelling, 502, 1000, 7850, 2000)))
	want(t, "quarantine", r.reasons(), []string{Conflict})
	r.ship(station, fact(l.record(fa.Fuelling, 503, 0, 0, 1000)))
	want(t, "quarantine", r.reasons(), []string{Conflict})
	r.into(&sale, PathSale, AskSale{ID: record.SaleID{TID: l.tid(), TTC: 1}.String()})
	want(t, "state", sale.State, "posted")
	want(t, "debit", debits(r, 0), unit.Fen(0))
	r.sameAfterReplay()
}

func TestSaleWithoutCard(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rec := r.lock(0, 30000, 0, 0).record(fa.NoCard, 501, 1000, 7850, 1000)
	rec.Unit = fa.PayBank
	seq := r.ship(station, fact(r.sign(rec)))
	want(t, "quarantine", r.reasons(), nil)
	want(t, "tender", r.balance("tender:1001:bank"), unit.Fen(7850))
	var proof SaleProof
	r.into(&proof, PathSale, AskSale{ID: fmt.Sprintf("1001#%d", seq)})
	if !proof.OK || proof.State != "posted" {
		t.Errorf("proof: %+v", proof)
	}
	altered := rec
	altered.Volume, altered.Amount = 2000, 15700
	r.ship(station, fact(r.sign(altered)))
	want(t, "quarantine", r.reasons(), []string{Conflict})
	r.sameAfterReplay()
}

// A test draw moves the meter and no money; one that claims an amount does not enter the books.
func TestTestDrawSellsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rec := r.lock(0, 30000, 0, 0).record(fa.NoCard, 501, 1000, 0, 1000)
	rec.ASN[2], rec.Unit = 0x05, fa.PayOther
	seq := r.ship(station, fact(r.sign(rec)))
	want(t, "quarantine", r.reasons(), nil)
	var proof SaleProof
	r.into(&proof, PathSale, AskSale{ID: fmt.Sprintf("1001#%d", seq)})
	if !proof.OK || proof.State != "posted" || proof.Mode != "test" || len(proof.Entries) != 0 || proof.Quantity != 1000 {
		t.Errorf("proof: %+v", proof)
	}
	paid := rec
	paid.POSTTC, paid.Amount, paid.Total = 502, 7850, 2000
	r.ship(station, fact(r.sign(paid)))
	want(t, "quarantine", r.reasons(), []string{AmountWrong})
	r.sameAfterReplay()
}

func TestEventsMoveNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i, kind := range []fa.TType{fa.ShiftOn, fa.ShiftOff, fa.PriceReceived, fa.CardErrorEvent} {
		r.ship(station, fact(r.lock(0, 0, 0, 0).record(kind, uint32(501+i), 0, 0, 1000)))
	}
	bad := r.lock(0, 0, 0, 0).record(fa.ShiftOn, 601, 0, 0, 1000)
	bad.TMAC[0] ^= 1
	r.ship(station, fact(bad))
	want(t, "postings", len(r.posted()), 0)
	want(t, "quarantine", r.reasons(), []string{TMACWrong})
	r.sameAfterReplay()
}

// Gaps, jumps, prices and balances that do not stop a proven record raise alarms.
func TestCountersRaiseAlarms(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	sale := func(user int, balance unit.Fen, ctc pboc.CTC, ttc pboc.PSAMTTC, total unit.Totalizer) {
		r.ship(station, fact(r.lock(user, balance, ctc, ttc).record(fa.Fuelling, 500+uint32(ttc), 1000, 7850, total)))
	}
	sale(0, 7850, 0, 1, 1000)
	sale(1, 7850, 0, 4, 5000)
	want(t, "alarms", r.alarms(), []string{"ttc-gap", "totalizer-jump"})
	var p PSAMs
	r.into(&p, PathPSAMs, nothing{})
	want(t, "missing", p.PSAMs[0].Missing, []Span{{2, 3}})
	want(t, "high", p.PSAMs[0].High, pboc.PSAMTTC(4))
	sale(2, 7850, 0, 3, 3000)
	sale(3, 7850, 0, 2, 4000)
	p = PSAMs{}
	r.into(&p, PathPSAMs, nothing{})
	want(t, "missing", p.PSAMs[0].Missing, []Span{})
	want(t, "alarms", len(r.alarms()), 2)
	sale(4, 7850, 0, 5, 1500)
	want(t, "alarms", r.alarms()[2:], []string{"totalizer-back"})
	sale(5, funds+1, 0, 6, 6000)
	want(t, "alarms", r.alarms()[3:], []string{"balance-above-books"})
	rec := r.lock(6, 9000, 0, 7).record(fa.Fuelling, 507, 1000, 9000, 7000)
	rec.Price = 900
	r.ship(station, fact(r.sign(rec)))
	want(t, "alarms", r.alarms()[4:], []string{"price-unknown"})
	want(t, "quarantine", r.reasons(), nil)
	r.sameAfterReplay()
}

// A station's own findings are kept and shown.
func TestStationFindings(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rec := r.lock(0, 30000, 0, 1).record(fa.Fuelling, 501, 1000, 7850, 1000)
	raw := rec.Bytes()
	r.ship(station, record.RecordConflict{Port: 1, POSTTC: 501, Raw: raw[:]}, record.RecordRefused{Port: 1, Raw: raw[:10], Reason: "x"},
		record.Alarm{Kind: "line-lost", Subject: "1", Zh: "断线", En: "line lost"})
	want(t, "quarantine", r.reasons(), []string{Conflict, StationRefused})
	want(t, "alarms", r.alarms(), []string{"line-lost", Conflict, StationRefused})
	want(t, "postings", len(r.posted()), 0)
	r.sameAfterReplay()
}

// Records of an older layout count until the station works by the newer one, and a little after.
func TestLayoutChange(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.layout(station, 2)
	r.ship(station, fact(r.lock(0, 7850, 0, 1).record(fa.Fuelling, 501, 1000, 7850, 1000)))
	want(t, "quarantine", r.reasons(), nil)
	order := r.core.books.orders.at(orderKey{station, record.TopicLayout})
	var v Versions
	r.into(&v, PathVersions, nothing{})
	want(t, "current", v.Current, false)
	r.ship(station, record.DirectiveApplied{TimeMs: start.Milli(), Directive: order.line})
	late := r.lock(1, 7850, 0, 2)
	late.time = fa.StampOf(start.Add(-1).Civil())
	r.ship(station, fact(late.record(fa.Fuelling, 502, 1000, 7850, 2000)))
	want(t, "quarantine", r.reasons(), nil)
	r.ship(station, fact(r.lock(2, 7850, 0, 60).record(fa.Fuelling, 503, 1000, 7850, 3000)))
	want(t, "quarantine", r.reasons(), []string{PSAMElsewhere})
	r.sameAfterReplay()
}

// An escape whose PSAM could not sign any more posts fuel and receivable; half a signature is none.
func TestEscapeWithoutSignature(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rec := r.lock(0, 50000, 0, 1).record(fa.Escape, 1, 637, 5000, 637)
	rec.GMAC, rec.PSAMTAC = pboc.MAC{}, pboc.MAC{}
	r.ship(station, fact(r.sign(rec)))
	want(t, "quarantine", r.reasons(), nil)
	want(t, "postings", len(r.posted()), 1)
	rec = r.lock(0, 50000, 1, 2).record(fa.Escape, 2, 637, 5000, 1274)
	rec.PSAMTAC = pboc.MAC{}
	r.ship(station, fact(r.sign(rec)))
	want(t, "quarantine", r.reasons(), []string{PSAMTACWrong})
	r.sameAfterReplay()
}

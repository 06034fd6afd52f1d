package center

import (
	"testing"
	"time"

	"greylock/system/ledger"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

func forced() *record.Forced {
	return &record.Forced{By: [2]string{"王主管", "李经理"}, Reason: "加油站失火, 记录不存"}
}

func (d desk) force(l lock) record.UnlockQuestion {
	q := d.unlock(l)
	q.Forced = forced()
	return q
}

// Without any record: 48 hours, two persons, a reason, amount 0. A record that comes all the same is owed, and people are told.
func TestForcedUnlock(t *testing.T) {
	t.Parallel()
	r, d, l := grey(t)
	r.now = r.now.Add(47 * time.Hour)
	r.refused(TooEarly, record.PathAskUnlock, d.force(l))
	r.now = r.now.Add(2 * time.Hour)
	r.refused(NoEvidence, record.PathAskUnlock, d.unlock(l))
	for code, change := range map[string]func(f *record.Forced){
		TwoPersons: func(f *record.Forced) { f.By[1] = f.By[0] },
		BadValue:   func(f *record.Forced) { f.Reason = "" },
	} {
		q := d.force(l)
		change(q.Forced)
		r.refused(code, record.PathAskUnlock, q)
	}
	for _, by := range []string{"", " ", d.force(l).Forced.By[0] + " "} {
		alone := d.force(l)
		alone.Forced.By[1] = by
		r.refused(TwoPersons, record.PathAskUnlock, alone)
	}
	false1 := l // a proof that claims an older lock: its GTAC fits no number
	false1.time = fa.StampOf(start.Add(-time.Hour).Civil())
	q := d.force(l)
	claimed := d.unlock(false1)
	copy(q.Proof[15:22], claimed.Proof[15:22])
	r.refused(ProofWrong, record.PathAskUnlock, q)

	var a, b record.UnlockAnswer
	r.into(&a, record.PathAskUnlock, d.force(l))
	want(t, "amount", a.Amount, unit.Fen(0))
	r.restart()
	r.into(&b, record.PathAskUnlock, d.unlock(l)) // the answer was lost: what two have permitted stands
	want(t, "the same answer", b, a)
	d.rand = [4]byte{9, 8, 7, 6}
	r.into(&b, record.PathAskUnlock, d.unlock(l))
	r.ok(record.PathAskUnlEnd, record.UnlockEndQuestion{Outlet: outlet, ASN: d.asn, OnlineSN: 1, MAC3: d.release(l, b)})
	want(t, "alarms", r.alarms(), []string{"forced-unlock"})

	r.ship(station, fact(l.record(fa.Escape, 501, 1000, 7850, 1000)))
	want(t, "owed", r.balance(ledger.Receivable(d.asn)), unit.Fen(7850))
	want(t, "alarms", r.alarms(), []string{"forced-unlock", "record-after-forced-unlock"})
	var v CardView
	r.into(&v, PathCard, AskCard{ASN: d.asn})
	want(t, "the card owes", v.Owed, unit.Fen(7850))
	r.sameAfterReplay()
}

// The record arrives between permission and unlock: the card shows that its number is unused, so the amount is the record's.
func TestForcedUnlockOvertakenByTheRecord(t *testing.T) {
	t.Parallel()
	r, d, l := grey(t)
	r.now = r.now.Add(49 * time.Hour)
	r.ok(record.PathAskUnlock, d.force(l))
	r.ship(station, fact(l.record(fa.Escape, 501, 1000, 7850, 1000)))
	d.rand = [4]byte{1, 1, 1, 1}
	var a record.UnlockAnswer
	r.into(&a, record.PathAskUnlock, d.force(l)) // force is not needed any more
	want(t, "amount", a.Amount, unit.Fen(7850))
	r.ok(record.PathAskUnlEnd, record.UnlockEndQuestion{Outlet: outlet, ASN: d.asn, OnlineSN: 1, MAC3: d.release(l, a)})
	want(t, "owed", r.balance(ledger.Receivable(d.asn)), unit.Fen(0))
	want(t, "alarms", r.alarms(), []string{"forced-unlock"})
	r.sameAfterReplay()
}

// A listed card that is held grey stays so, however many sign; off the list it is freed with 0 and without force.
func TestForcedUnlockOfAHold(t *testing.T) {
	t.Parallel()
	r, d, l := grey(t)
	rec := l.record(fa.CardErrorEvent, 501, 0, 0, 0)
	rec.TAC = pboc.MAC{0, 0, 0, 1}
	r.ship(station, fact(r.sign(rec)))
	r.now = r.now.Add(49 * time.Hour)
	r.lose(d.asn)
	r.refused(LockHeld, record.PathAskUnlock, d.force(l))
	r.ok(PathPutList, PutList{List: record.TopicBlack, Remove: []pboc.ASN{d.asn}, Reason: "找到", By: "1001", Second: "1002"})
	var a record.UnlockAnswer
	r.into(&a, record.PathAskUnlock, d.unlock(l))
	want(t, "amount", a.Amount, unit.Fen(0))
	r.sameAfterReplay()
}

package terminal

import (
	"errors"
	"testing"

	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

var (
	someASN   = pboc.ASN{0x01, 0, 1, 0x14}
	someSale  = record.SaleID{TID: pboc.TID{0x13, 0x44}, TTC: 7}
	someStamp = [7]byte{0x20, 0x26, 0x11, 0x22, 0x10, 0x20, 0x30}
	someTAC   = pboc.MAC{1, 2, 3, 4}
	someGTAC  = pboc.MAC{5, 6, 7, 8}
)

func greyProof() fuelcard.LockProof {
	return fuelcard.LockProof{State: fuelcard.Grey, Type: fuelcard.TypeGreyED, Wallet: fuelcard.ED, Balance: 10000, Serial: 3,
		TID: someSale.TID, Time: someStamp, Detail: [4]byte{9}, Code: someGTAC}
}

func paidProof(state fuelcard.GreyState, typ fuelcard.TxType, serial uint16) fuelcard.LockProof {
	p := fuelcard.LockProof{State: state, Type: typ, Wallet: fuelcard.ED, Balance: 5000, Serial: serial, TID: someSale.TID,
		Time: someStamp, Code: someTAC}
	p.SetAmount(5000)
	return p
}

// sale folds the steps of one sale of this card.
func sale(steps ...Kind) (v Evidence) {
	for _, k := range steps {
		e := Entry{Kind: k, Sale: someSale, ASN: someASN, CTC: 3, Balance: 10000, Stamp: someStamp}
		switch k {
		case FuelEnd:
			e.Amount = 5000
		case Escape:
			e.Amount, e.GMAC = 5000, pboc.MAC{1}
		case Done:
			e.Amount, e.TAC = 5000, someTAC
		}
		v.Take(e)
	}
	return v
}

// TestRecover is the recovery ladder of card.md 12.2 and 12.3, row by row.
func TestRecover(t *testing.T) {
	t.Parallel()
	never := fuelcard.LockProof{}
	history := paidProof(fuelcard.NotGrey, fuelcard.TypeUnlockED, 3)
	older := paidProof(fuelcard.NotGrey, fuelcard.TypeUnlockED, 2)
	unread := paidProof(fuelcard.TACUnread, fuelcard.TypeUnlockED, 3)
	olderUnread := paidProof(fuelcard.TACUnread, fuelcard.TypeUnlockED, 2)
	online := paidProof(fuelcard.TACUnread, fuelcard.TypeOnlineED, 0)
	otherStamp := greyProof()
	otherStamp.Time[6] = 0x31
	otherGTAC := sale(Begin)
	otherGTAC.GTAC = pboc.MAC{0xEE}
	otherBalance := greyProof()
	otherBalance.Balance--
	otherTAC := unread
	otherTAC.Code[0]++
	station := Evidence{Found: true, Asked: true, Sale: someSale, ASN: someASN, CTC: 3, Balance: 10000, Stamp: someStamp, Ended: true,
		Billed: true, Signed: true, Amount: 5000}
	unsigned := station
	unsigned.Signed = false
	tooMuch := station
	tooMuch.Amount = tooMuch.Balance + 1
	strange := sale(Begin)
	strange.ASN[9] = 1
	for _, c := range []struct {
		name  string
		proof fuelcard.LockProof
		v     Evidence
		want  Action
		ttype byte
	}{
		{"new card", never, Evidence{}, GoOn, 0},
		{"00, sale closed", history, sale(Begin, FuelStart, FuelEnd, Done), GoOn, 0},
		{"00, lock never reached the card", never, sale(Begin), Abandon, 0},
		{"00, lock never reached the card, older history", older, sale(Begin), Abandon, 0},
		{"00, BEGIN of another card", never, strange, GoOn, 0},
		{"00, debit cleared elsewhere, not billed", history, sale(Begin, FuelStart, FuelEnd), Complete, TTypeSale},
		{"00, debit cleared elsewhere, billed", history, sale(Begin, FuelStart, FuelEnd, Escape), GoOn, 0},
		{"00, void cleared elsewhere", history, sale(Begin, Void), Complete, TTypeSale},
		{"00, fuel, lock without a trace", older, sale(Begin, FuelStart, FuelEnd), Bill, TTypeEscape},
		{"00, fuel not counted", never, sale(Begin, FuelStart), Count, 0},
		{"10, recorded", unread, sale(Begin, FuelStart, FuelEnd, Done), ClearOnly, 0},
		{"10, answer lost", unread, sale(Begin, FuelStart, FuelEnd), Complete, TTypeSale},
		{"10, billed as escape", unread, sale(Begin, FuelStart, FuelEnd, Escape), Supplement, TTypeSupplement},
		{"10, nothing known", unread, Evidence{}, Supplement, TTypeSupplement},
		{"10, the station knows it", unread, station, Supplement, TTypeSupplement},
		{"10, online unlock", online, Evidence{}, Supplement, TTypeSupplement},
		{"10, online unlock of own billed sale", online, sale(Begin, FuelStart, FuelEnd, Escape), Supplement, TTypeSupplement},
		{"10, online unlock before the bill", online, sale(Begin, FuelStart, FuelEnd), Bill, TTypeEscape},
		{"10, of an older lock, own BEGIN open", olderUnread, sale(Begin), Abandon, 0},
		{"01, nothing known", greyProof(), Evidence{}, AskStation, 0},
		{"01, the station knows nothing", greyProof(), Evidence{Asked: true}, Refuse, 0},
		{"01, the station knows", greyProof(), station, TopUp, TTypeTopUp},
		{"01, the station has no GMAC", greyProof(), unsigned, Refuse, 0},
		{"01, other lock time", otherStamp, station, Refuse, 0},
		{"01, other balance", otherBalance, station, Refuse, 0},
		{"10, recorded with another TAC", otherTAC, sale(Begin, FuelStart, FuelEnd, Done), Supplement, TTypeSupplement},
		{"01, own BEGIN, other GTAC", greyProof(), otherGTAC, Abandon, 0},
		{"01, never authorised", greyProof(), sale(Begin), Release, TTypeSale},
		{"01, cancelled meanwhile, never authorised", greyProof(), sale(Begin, Cancel), Release, TTypeSale},
		{"10, cancelled, then released, recorded", unread, sale(Begin, Cancel, Void, Done), ClearOnly, 0},
		{"10, cancelled, then released", unread, sale(Begin, Cancel, Void), Complete, TTypeSale},
		{"01, release was cut", greyProof(), sale(Begin, Void), Release, TTypeSale},
		{"01, fuel not counted", greyProof(), sale(Begin, FuelStart), Count, 0},
		{"01, not billed", greyProof(), sale(Begin, FuelStart, FuelEnd), Finish, TTypeSale},
		{"01, billed", greyProof(), sale(Begin, FuelStart, FuelEnd, Escape), TopUp, TTypeTopUp},
		{"01, suspect", greyProof(), sale(Begin, Suspect), Refuse, 0},
		{"01, grey hold", greyProof(), sale(Begin, Hold), Refuse, 0},
		{"01, closed here", greyProof(), sale(Begin, FuelStart, FuelEnd, Done), Refuse, 0},
		{"00, debited, but the log lost the count", history, sale(Begin, FuelStart), Count, 0},
		{"00, debited, but never authorised here", history, sale(Begin), Complete, TTypeSale},
		{"10, debited, but the log lost the count", unread, sale(Begin, FuelStart), Count, 0},
		{"00, suspect before fuel", older, sale(Begin, Suspect), GoOn, 0},
		{"00, wrong GMAC, the host has unlocked it", older, sale(Begin, FuelStart, FuelEnd, Suspect), Bill, TTypeEscape},
		{"00, wrong GMAC, billed", older, sale(Begin, FuelStart, FuelEnd, Suspect, Escape), GoOn, 0},
		{"00, grey hold", older, sale(Begin, Hold), GoOn, 0},
		{"10, grey hold released at an outlet", online, sale(Begin, Hold), Supplement, TTypeSupplement},
		{"01, wrong GMAC, not billed", greyProof(), sale(Begin, FuelStart, FuelEnd, Suspect), Bill, TTypeEscape},
		{"01, wrong GMAC, billed", greyProof(), sale(Begin, FuelStart, FuelEnd, Suspect, Escape), Refuse, 0},
		{"01, wrong GMAC of a release", greyProof(), sale(Begin, Void, Suspect), Refuse, 0},
		{"01, of another lock, own fuel not billed", otherStamp, sale(Begin, FuelStart, FuelEnd), Bill, TTypeEscape},
		{"01, of another lock, own fuel not counted", otherStamp, sale(Begin, FuelStart), Count, 0},
		{"01, of another lock, own fuel billed", otherStamp, sale(Begin, FuelStart, FuelEnd, Escape), AskStation, 0},
		{"01, of another lock, own sale closed", otherStamp, sale(Begin, FuelStart, FuelEnd, Done), AskStation, 0},
		{"01, more owed than locked", greyProof(), tooMuch, Refuse, 0},
	} {
		got := Recover(someASN, c.proof, c.v)
		if got.Action != c.want || got.TType != c.ttype || (got.Why != nil) != (c.want == Refuse) {
			t.Errorf("%s: %s T_TYPE %d %v, want %s T_TYPE %d", c.name, got.Action, got.TType, got.Why, c.want, c.ttype)
		}
		if got.Action != Release && got.Action != Abandon && got.Action != GoOn && got.TType != 0 && got.Amount != 5000 {
			t.Errorf("%s: amount %s", c.name, got.Amount)
		}
	}
}

// TestSettleSupplement takes what the card proves; without a local record the TTC is 0.
func TestSettleSupplement(t *testing.T) {
	t.Parallel()
	id := Identity{ASN: someASN, Proof: paidProof(fuelcard.TACUnread, fuelcard.TypeUnlockED, 3)}
	term := &Terminal{}
	got, err := term.Settle(Recover(id.ASN, id.Proof, Evidence{}), id, Evidence{})
	if err != nil || got.Sale != (record.SaleID{TID: someSale.TID}) || got.TAC != someTAC || got.Amount != 5000 || got.CTC != 3 ||
		got.Stamp != someStamp || got.TType != TTypeSupplement || !got.FromProof {
		t.Errorf("%+v %v", got, err)
	}
	v := sale(Begin, FuelStart, FuelEnd, Escape)
	got, err = term.Settle(Recover(id.ASN, id.Proof, v), id, v)
	if err != nil || got.Sale != someSale || got.GMAC != v.GMAC || got.TType != TTypeSupplement {
		t.Errorf("%+v %v", got, err)
	}
	if _, err = term.Settle(Decision{Action: GoOn}, id, v); !errors.Is(err, ErrOrder) {
		t.Errorf("settled nothing: %v", err)
	}
	if _, err = term.Settle(Decision{Action: TopUp}, id, v); !errors.Is(err, ErrOrder) {
		t.Errorf("a debit without a proof of state 01: %v", err)
	}
}

// TestTopUpElsewhere: the card greyed at one board is settled at another of the station with the answer of 35H.
func TestTopUpElsewhere(t *testing.T) {
	t.Parallel()
	a := &board{newBench(t), map[pboc.PSAMTTC]unit.Fen{}}
	if !a.escapes(t) {
		t.Fatal("no escape")
	}
	own := a.log.evidence(a.card.asn)
	other := a.terminal(a.card, nil)
	id, err := other.Identify()
	if err != nil {
		t.Fatal(err)
	}
	if d := Recover(id.ASN, id.Proof, Evidence{}); d.Action != AskStation {
		t.Fatalf("%+v", d)
	}
	answer := Evidence{Found: true, Asked: true, Sale: own.Sale, ASN: own.ASN, CTC: own.CTC, Balance: own.Balance, Stamp: own.Stamp,
		Ended: true, Billed: true, Signed: true, Amount: own.Amount, GMAC: own.GMAC}
	paid, err := other.Settle(Recover(id.ASN, id.Proof, answer), id, answer)
	if err != nil || paid.TType != TTypeTopUp || paid.Sale != own.Sale || paid.Amount != 5000 || a.card.balance != 5000 {
		t.Fatalf("%+v %v", paid, err)
	}
	// Home again before the other board's record is cleared: the origin has billed, so it only supplements.
	home := a.terminal(a.card, a.psam)
	if id, err = home.Identify(); err != nil {
		t.Fatal(err)
	}
	if d := Recover(id.ASN, id.Proof, own); d.Action != Supplement {
		t.Errorf("%+v", d)
	}
}

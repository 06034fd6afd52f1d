package terminal

import (
	"errors"
	"testing"

	"greylock/system/card/cardtest"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// center answers load and unlock questions with the keys of the bench's card, once per online serial.
type center struct {
	b      *bench
	amount unit.Fen // of an unlock
}

var (
	desk       = pboc.TID{0x13, 0x44, 0, 0, 0x99, 0x99}
	answerDate = record.Hex{0x20, 0x26, 0x11, 0x24}
	answerTime = record.Hex{0x15, 0, 0}
)

func (c center) load(q record.LoadQuestion) record.LoadAnswer {
	stamp, _ := stampOf(answerDate, answerTime)
	ses := pboc.TDES.LoadSession(c.b.card.key("DLK"), [4]byte(q.Rand), q.OnlineSN)
	return record.LoadAnswer{Date: answerDate, Time: answerTime,
		MAC2: pboc.TDES.MAC(ses, fuelcard.LoadMAC2Data(q.Amount, fuelcard.TypeLoadED, q.TID, stamp))}
}

func (c center) unload(q record.LoadQuestion) record.LoadAnswer {
	stamp, _ := stampOf(answerDate, answerTime)
	ses := pboc.TDES.LoadSession(c.b.card.key("DULK"), [4]byte(q.Rand), q.OnlineSN)
	return record.LoadAnswer{Date: answerDate, Time: answerTime,
		MAC2: pboc.TDES.MAC(ses, fuelcard.UnloadMAC2Data(q.Amount, q.TID, stamp))}
}

func (c center) unlock(q record.UnlockQuestion) record.UnlockAnswer {
	stamp, _ := stampOf(answerDate, answerTime)
	ses := pboc.TDES.LoadSession(c.b.card.key("DUGK"), [4]byte(q.Rand), q.OnlineSN)
	return record.UnlockAnswer{Amount: c.amount, Date: answerDate, Time: answerTime,
		MAC2: pboc.TDES.MAC(ses, fuelcard.OnlineMAC2Data(c.amount, fuelcard.TypeOnlineED, q.TID, stamp))}
}

// TestTransferPulledAtEveryAPDU loads or unloads 30.00 with the card pulled before and after each APDU; what SettleTransfer
// finds at the next insert is what the card did, for each way in which cards count the proof's serial. Then a load follows.
func TestTransferPulledAtEveryAPDU(t *testing.T) {
	t.Parallel()
	for _, typ := range []fuelcard.TxType{fuelcard.TypeLoadED, fuelcard.TypeUnload} {
		moved := map[bool]int{}
		for _, serial := range []fuelcard.ProveSerial{fuelcard.ProveEither, fuelcard.ProveBefore, fuelcard.ProveAfter} {
			for _, phase := range []cardtest.Phase{cardtest.Before, cardtest.After} {
				for at, torn := 1, true; torn; at++ {
					torn = pulled(t, typ, serial, &cardtest.Tear{At: at, Phase: phase}, moved)
				}
			}
		}
		if moved[true] == 0 || moved[false] == 0 {
			t.Errorf("%v: not both outcomes were seen: %v", typ, moved)
		}
	}
}

// pulled runs one case; false when the transfer was not torn any more.
func pulled(t *testing.T, typ fuelcard.TxType, serial fuelcard.ProveSerial, x *cardtest.Tear, moved map[bool]int) bool {
	b := newBench(t)
	b.card.profile.ProveSerial, b.card.sn = serial, 4
	x.Card = b.card
	term := b.terminal(x, nil)
	l, begun, err := b.transfer(term, typ, 3000)
	torn := err != nil
	if torn && !x.Torn() {
		t.Fatal(err)
	}
	x.Insert()
	x.At = 0
	b.card.on()
	happened := b.card.balance != 10000
	if torn && begun {
		if _, err := term.Identify(); err != nil {
			t.Fatal(err)
		}
		p, err := term.SettleTransfer(typ, b.card.asn, l.OnlineSN, 3000, desk)
		if err != nil || p.Moved != happened || happened && p.Code != b.card.code(typ) || p.Fresh.OnlineSN != b.card.sn {
			t.Fatalf("%v %s, %s APDU %d: moved %v, settled %+v %v", typ, serial, x.Phase, x.Count, happened, p, err)
		}
		moved[happened]++
	}
	before := b.card.balance
	if _, _, err := b.transfer(term, fuelcard.TypeLoadED, 100); err != nil || b.card.balance != before+100 {
		t.Fatalf("second load: %v", err)
	}
	if p, err := term.SettleTransfer(typ, b.card.asn, 2, 3000, desk); !errors.Is(err, ErrLoadOpen) || p.Fresh.OnlineSN != b.card.sn {
		t.Fatalf("one of long ago: %+v %v", p, err)
	}
	return torn
}

// transfer is one visit at the desk; begun says that the note before it would be durable.
func (b *bench) transfer(term *Terminal, typ fuelcard.TxType, amount unit.Fen) (l Loading, begun bool, err error) {
	id, err := term.Identify()
	if err != nil {
		return l, false, err
	}
	init, finish, answer := term.InitForLoad, term.CreditForLoad, center{b: b}.load
	if typ == fuelcard.TypeUnload {
		init, finish, answer = term.InitForUnload, term.DebitForUnload, center{b: b}.unload
	}
	if l, err = init(id.ASN, amount, desk); err != nil {
		return l, false, err
	}
	code, err := finish(answer(l.Question("0101")))
	if err != nil && !errors.Is(err, ErrUnknown) {
		return l, true, errors.Join(err, errFake)
	}
	if err == nil && code != b.card.code(typ) {
		err = errFake
	}
	return l, true, err
}

func TestUnloadRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := b.term.Identify(); err != nil {
		t.Fatal(err)
	}
	for _, amount := range []unit.Fen{0, -1, fuelcard.MaxAmount + 1} {
		if _, err := b.term.InitForUnload(b.card.asn, amount, desk); !errors.Is(err, ErrAmount) {
			t.Errorf("unload of %s: %v", amount, err)
		}
	}
	if _, err := b.term.InitForUnload(b.card.asn, 10001, desk); !errors.Is(err, apdu.BalanceTooLow) {
		t.Errorf("more than the balance: %v", err)
	}
	if _, err := b.term.InitForUnload(b.card.asn, 100, desk); err != nil {
		t.Fatal(err)
	}
	if _, err := b.term.DebitForUnload(record.LoadAnswer{Date: answerDate, Time: answerTime}); !errors.Is(err, apdu.MACWrong) || errors.Is(err, ErrUnknown) {
		t.Errorf("wrong MAC2: %v", err)
	}
	if _, err := b.term.DebitForUnload(record.LoadAnswer{}); !errors.Is(err, apdu.ErrLength) {
		t.Errorf("no date: %v", err)
	}
	b.card.proof = greyProof()
	if _, err := b.term.InitForUnload(b.card.asn, 100, desk); !errors.Is(err, apdu.Conditions) || b.card.balance != 10000 {
		t.Errorf("a grey card: %v", err)
	}
}

func TestLoadRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := b.term.Identify(); err != nil {
		t.Fatal(err)
	}
	for _, amount := range []unit.Fen{0, -1, fuelcard.MaxAmount + 1} {
		if _, err := b.term.InitForLoad(b.card.asn, amount, desk); !errors.Is(err, ErrAmount) {
			t.Errorf("load of %s: %v", amount, err)
		}
	}
	if _, err := b.term.InitForLoad(b.card.asn, 100, desk); err != nil {
		t.Fatal(err)
	}
	if _, err := b.term.CreditForLoad(record.LoadAnswer{Date: answerDate, Time: answerTime}); !errors.Is(err, apdu.MACWrong) || errors.Is(err, ErrUnknown) {
		t.Errorf("wrong MAC2: %v", err)
	}
	if _, err := b.term.CreditForLoad(record.LoadAnswer{}); !errors.Is(err, apdu.ErrLength) {
		t.Errorf("no date: %v", err)
	}
	b.card.proof = greyProof()
	if _, err := b.term.InitForLoad(b.card.asn, 100, desk); !errors.Is(err, apdu.Conditions) {
		t.Errorf("a grey card: %v", err)
	}
}

// TestOnlineUnlockPulledAtEveryAPDU unlocks an escaped card at the desk, pulled before and after each APDU. Whatever was
// torn, at the end the card has paid once and TACUF was cleared after MAC3 was durable.
func TestOnlineUnlockPulledAtEveryAPDU(t *testing.T) {
	t.Parallel()
	for _, phase := range []cardtest.Phase{cardtest.Before, cardtest.After} {
		for at, torn := 1, true; torn; at++ {
			b := &board{newBench(t), map[pboc.PSAMTTC]unit.Fen{}}
			if !b.escapes(t) {
				t.Fatal("no escape")
			}
			b.log.entries = nil // the desk knows nothing of the sale
			x := &cardtest.Tear{Card: b.card, At: at, Phase: phase}
			term := b.terminal(x, nil)
			err := b.unlock(term)
			if torn = err != nil; torn && !x.Out {
				t.Fatal(err)
			}
			x.Insert()
			x.At = 0
			b.card.on()
			if err := b.unlock(term); err != nil {
				t.Fatalf("%s APDU %d: %v", phase, at, err)
			}
			if b.card.balance != 5000 || b.card.proof.State != fuelcard.NotGrey || b.card.sn != 1 {
				t.Fatalf("%s APDU %d: balance %s, state %02X", phase, at, b.card.balance, byte(b.card.proof.State))
			}
		}
	}
}

// unlock is one visit at the desk.
func (b *board) unlock(term *Terminal) error {
	id, err := term.Identify()
	if err != nil {
		return err
	}
	var paid Paid
	switch id.Proof.State {
	case fuelcard.NotGrey:
		return nil
	case fuelcard.TACUnread:
		v := b.log.evidence(id.ASN)
		if done, recorded := v.Recorded(id.Proof); recorded {
			return term.ClearTACUF(done)
		}
		paid, err = term.Settle(Recover(id.ASN, id.Proof, v), id, v)
	default:
		var u Unlocking
		if u, err = term.InitOnlineUnlock(id, desk); err == nil {
			paid, err = term.OnlineUnlock(u, center{b.bench, 5000}.unlock(u.Question("0101")))
		}
	}
	if err != nil {
		return err
	}
	done, err := term.Note(paid.Entry())
	if err != nil {
		return err
	}
	return term.ClearTACUF(done)
}

func TestOnlineUnlockRefused(t *testing.T) {
	t.Parallel()
	b := &board{newBench(t), map[pboc.PSAMTTC]unit.Fen{}}
	id, err := b.term.Identify()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.term.InitOnlineUnlock(id, desk); !errors.Is(err, ErrOrder) {
		t.Errorf("a card that is not grey: %v", err)
	}
	if !b.escapes(t) {
		t.Fatal("no escape")
	}
	term := b.terminal(b.card, nil)
	if id, err = term.Identify(); err != nil {
		t.Fatal(err)
	}
	u, err := term.InitOnlineUnlock(id, desk)
	if err != nil {
		t.Fatal(err)
	}
	a := center{b.bench, 5000}.unlock(u.Question("0101"))
	a.Amount = 10001
	if _, err := term.OnlineUnlock(u, a); !errors.Is(err, ErrAmount) {
		t.Errorf("more than the balance: %v", err)
	}
	a.Amount = 4000
	if _, err := term.OnlineUnlock(u, a); !errors.Is(err, apdu.MACWrong) || b.card.balance != 10000 {
		t.Errorf("wrong MAC2: %v", err)
	}
	if err := term.ClearTACUF(Durable{Entry{Kind: Done}}); !errors.Is(err, apdu.Conditions) {
		t.Errorf("clear while grey: %v", err)
	}
}

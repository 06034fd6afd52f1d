package cardos_test

import (
	"errors"
	"testing"

	"greylock/emulators/cardos"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

// teller trades with a card and keeps its own books of both purses.
type teller struct {
	*bench
	want map[fuelcard.Purse]int64
	ses  pboc.Session
	ctc  pboc.CTC
	on   fuelcard.Purse // of the last lock
	flip int            // bit of the next command's data to spoil; negative for none
	cut  int            // plan of a power cut in the next command; negative for none
}

// act sends a command that moves delta if it is accepted, and compares the card's money with the books. After a power cut
// the command has happened or not.
func (w *teller) act(c apdu.Command, p fuelcard.Purse, delta int64) (apdu.Answer, bool) {
	w.t.Helper()
	if w.flip >= 0 && len(c.Data) > 0 {
		c.Data = append([]byte(nil), c.Data...)
		c.Data[w.flip/8%len(c.Data)] ^= 1 << (w.flip % 8)
	}
	if w.cut >= 0 {
		w.nv.CutAfter(w.cut%5, w.cut/5)
	}
	w.flip, w.cut = -1, -1
	raw, err := w.card.Transmit(c.Bytes())
	if w.nv.Disarm(); errors.Is(err, cardos.ErrTorn) {
		w.reset()
		w.tries(fuelcard.SelectName{Name: w.profile.AIDPetrol}.Command(), apdu.FileInvalid, apdu.FunctionOrBlocked)
		if w.held(p) == w.want[p]+delta {
			w.want[p] += delta
		}
		w.balanced(c)
		return apdu.Answer{}, false
	}
	must(w.t, err)
	a, err := apdu.ParseAnswer(raw)
	must(w.t, err)
	if a.SW == apdu.OK {
		w.want[p] += delta
	}
	w.balanced(c)
	return a, a.SW == apdu.OK
}

// held is what a purse really holds.
func (w *teller) held(p fuelcard.Purse) int64 {
	look := cardos.Look
	if p == fuelcard.EP {
		look = cardos.LookEP
	}
	o, err := look(w.nv, w.profile)
	must(w.t, err)
	return int64(o.Balance)
}

func (w *teller) balanced(c apdu.Command) {
	w.t.Helper()
	for _, p := range []fuelcard.Purse{fuelcard.ED, fuelcard.EP} {
		if got := w.held(p); got != w.want[p] {
			w.t.Fatalf("after %X purse %d holds %d, the books say %d", c.Bytes(), p, got, w.want[p])
		}
	}
}

// trade does one of the trades with an amount.
func (w *teller) trade(op byte, p fuelcard.Purse, n int64) {
	switch op {
	case 0:
		w.loads(p, n)
	case 1, 2, 3:
		w.buys(op, p, n)
	case 4:
		w.updates(n)
	case 5:
		w.locks(p)
	case 6:
		w.act(w.release(w.on, w.ctc, w.ses, n), w.on, -n)
	case 7:
		w.unlocks(n)
	case 8:
		w.act(fuelcard.ClearTACUF{}.Command(), p, 0)
	case 9:
		w.act(fuelcard.Verify{PIN: w.profile.DefaultPIN}.Command(), p, 0)
	case 10:
		w.reset()
		w.tries(fuelcard.SelectName{Name: w.profile.AIDPetrol}.Command(), apdu.FileInvalid, apdu.FunctionOrBlocked)
	case 11:
		w.unloads(n)
	}
}

func (w *teller) loads(p fuelcard.Purse, n int64) {
	raw, ok := w.act(fuelcard.InitForLoad{Purse: p, KeyID: 1, Amount: fen(n), TID: w.terminal()}.Command(), p, 0)
	if !ok {
		return
	}
	a, err := fuelcard.ParseInitForLoadAnswer(raw.Data)
	must(w.t, err)
	ses := w.suite.LoadSession(w.key("DLK"), a.Rand, a.OnlineSN)
	w.act(fuelcard.CreditForLoad{Time: saleTime, MAC2: w.suite.MAC(ses, fuelcard.LoadMAC2Data(fen(n), p.LoadType(), w.terminal(), saleTime))}.Command(), p, n)
}

func (w *teller) unloads(n int64) {
	raw, ok := w.act(fuelcard.InitForUnload{KeyID: 1, Amount: fen(n), TID: w.terminal()}.Command(), fuelcard.ED, 0)
	if !ok {
		return
	}
	a, err := fuelcard.ParseInitForUnloadAnswer(raw.Data)
	must(w.t, err)
	ses := w.suite.LoadSession(w.key("DULK"), a.Rand, a.OnlineSN)
	w.act(fuelcard.DebitForUnload{Time: saleTime, MAC2: w.suite.MAC(ses, fuelcard.UnloadMAC2Data(fen(n), w.terminal(), saleTime))}.Command(), fuelcard.ED, -n)
}

// buys is a purchase (1), cash (2) or a compound purchase (3).
func (w *teller) buys(op byte, p fuelcard.Purse, n int64) {
	init, t := fuelcard.InitForPurchase{Purse: p, KeyID: 1, Amount: fen(n), TID: w.terminal()}.Command(), p.PurchaseType()
	switch op {
	case 2:
		p, t = fuelcard.ED, fuelcard.TypeCash
		init = fuelcard.InitForCash{KeyID: 1, Amount: fen(n), TID: w.terminal()}.Command()
	case 3:
		p, t = fuelcard.EP, fuelcard.TypeCAPP
		init = fuelcard.InitForCAPP{KeyID: 1, Amount: fen(n), TID: w.terminal()}.Command()
	}
	raw, ok := w.act(init, p, 0)
	if !ok {
		return
	}
	a, err := fuelcard.ParseInitForPurchaseAnswer(raw.Data)
	must(w.t, err)
	if op == 3 {
		w.act(fuelcard.UpdateCAPPCache{RecordType: 0xA1, SFI: cappSFI, Data: []byte{0xA1, byte(n), 7}}.Command(), p, 0)
	}
	ses := w.suite.PurchaseSession(w.key("DPK"), a.Rand, a.CTC, 5)
	w.act(fuelcard.DebitForPurchase{TTC: 5, Time: saleTime, MAC1: w.suite.MAC(ses, fuelcard.PurchaseMAC1Data(fen(n), t, w.terminal(), saleTime))}.Command(), p, -n)
}

func (w *teller) updates(n int64) {
	raw, ok := w.act(fuelcard.InitForUpdate{KeyID: 1, TID: w.terminal()}.Command(), fuelcard.ED, 0)
	if !ok {
		return
	}
	a, err := fuelcard.ParseInitForUpdateAnswer(raw.Data)
	must(w.t, err)
	ses := w.suite.LoadSession(w.key("DOLK"), a.Rand, a.OnlineSN)
	w.act(fuelcard.UpdateOverdraw{Limit: fen(n), Time: saleTime, MAC2: w.suite.MAC(ses, fuelcard.OverdraftMAC2Data(fen(n), w.terminal(), saleTime))}.Command(),
		fuelcard.ED, n-int64(a.Overdraft))
}

func (w *teller) locks(p fuelcard.Purse) {
	raw, ok := w.act(w.greyInit(p), p, 0)
	if !ok {
		return
	}
	a, err := fuelcard.ParseInitGreyLockAnswer(raw.Data)
	must(w.t, err)
	ses := w.suite.GreySession(w.key("DPK"), a.Rand, a.CTC, 7, [4]byte{9})
	w.act(fuelcard.GreyLock{TTC: 7, TermRand: [4]byte{9}, Time: saleTime,
		MAC1: w.suite.MAC(ses, fuelcard.GreyMAC1Data(p.GreyType(), w.terminal(), saleTime))}.Command(), p, 0)
	w.on, w.ctc, w.ses = p, a.CTC, ses
}

func (w *teller) unlocks(n int64) {
	raw, ok := w.act(fuelcard.InitGreyUnlock{Purse: w.on, KeyID: 1, TID: w.terminal()}.Command(), w.on, 0)
	if !ok {
		return
	}
	a, err := fuelcard.ParseInitGreyUnlockAnswer(raw.Data)
	must(w.t, err)
	ses := w.suite.LoadSession(w.key("DUGK"), a.Rand, a.OnlineSN)
	w.act(fuelcard.GreyUnlock{Amount: fen(n), Time: saleTime,
		MAC2: w.suite.MAC(ses, fuelcard.OnlineMAC2Data(fen(n), w.on.OnlineType(), w.terminal(), saleTime))}.Command(), w.on, -n)
}

// FuzzTrades lets a party with all keys trade at random, spoil bits, pull the card at any byte, and say anything between: the
// card's money is at every moment what the accepted commands make of it. Source: trust.md 2 rows 1 to 21.
func FuzzTrades(f *testing.F) {
	const ops = 12
	for op := range byte(ops) {
		f.Add([]byte{9, 0, 5, op, 0, 50, op | 0x20, 0, 50, op | 0x40, 13, 70, op | 0x60, 33, 9, op, 0, 1}, op%2 == 0)
	}
	f.Add([]byte{9, 0, 0, 5, 0, 0, 6, 0, 70, 8, 0, 0, 9, 0, 0, 5, 0, 0, 7, 0, 3, 8, 0, 0, 4, 0, 200, 11, 0, 255, 3, 0, 20, 2, 0, 9, 1, 0, 9}, false)
	f.Add([]byte{0x80, 0, 4, 0x00, 0x84, 0x00, 0x00, 10, 0, 0, 0x10, 0, 9}, true)
	ready := both(f, fuelcard.National())
	sm4 := both(f, fuelcard.National().WithAlg(pboc.AlgSM4))
	f.Fuzz(func(t *testing.T, script []byte, lenient bool) {
		from := ready
		if len(script)%5 == 0 {
			from = sm4
		}
		w := &teller{bench: from.again(t), want: map[fuelcard.Purse]int64{fuelcard.ED: 10_000, fuelcard.EP: 10_000}, on: fuelcard.ED, flip: -1, cut: -1}
		w.card.Lenient = lenient
		w.ses = w.suite.LoadSession(w.key("DPK"), [4]byte{}, 0) // of no lock
		for len(script) >= 3 {
			op, at, n := script[0], int(script[1]), script[2]
			script = script[3:]
			if op&0x20 != 0 {
				w.cut = at
			}
			if op&0x40 != 0 {
				w.flip = at
			}
			if op&0x80 != 0 { // anything
				k := min(int(n), len(script))
				a, err := w.card.Transmit(script[:k])
				if must(t, err); len(a) < 2 || len(a) > 258 {
					t.Fatalf("%X answers %X", script[:k], a)
				}
				w.balanced(apdu.Command{})
				script = script[k:]
				continue
			}
			p := fuelcard.ED + fuelcard.Purse(op>>4&1)
			w.trade(op&0x0F%ops, p, int64(n)*37)
		}
	})
}

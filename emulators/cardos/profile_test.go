package cardos_test

import (
	"testing"

	"greylock/emulators/cardos"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

// Every vendor's card in both suites is made through its own key types, is loaded, sells with a PSAM, and is unlocked
// online. Source: card.md 4.1, 17.2, section 16.
func TestProfiles(t *testing.T) {
	t.Parallel()
	for _, profile := range fuelcard.Profiles() {
		t.Run(profile.Name, func(t *testing.T) {
			t.Parallel()
			p := newPump(t, profile)
			p.load(fuelcard.ED, 10_000)
			p.sale(4_000)
			p.greyUnlock(1_000)
			p.ok(fuelcard.ClearTACUF{}.Command())
			p.unload(500)
			if o := p.oracle(); o.Balance != 4_500 || o.CTC != 2 || o.OnlineSN != 3 || o.Grey != fuelcard.NotGrey {
				t.Fatalf("%+v", o)
			}
		})
	}
}

// lock begins a grey lock of a purse and ends it as a PSAM does; it returns the session for the GMAC.
func (b *bench) lock(purse fuelcard.Purse) (pboc.CTC, pboc.Session) {
	b.t.Helper()
	b.pin()
	a, err := fuelcard.ParseInitGreyLockAnswer(b.ok(fuelcard.InitGreyLock{Purse: purse, KeyID: 1, TID: b.terminal()}.Command()))
	must(b.t, err)
	ses := b.suite.GreySession(b.key("DPK"), a.Rand, a.CTC, 7, [4]byte{9})
	b.ok(fuelcard.GreyLock{TTC: 7, TermRand: [4]byte{9}, Time: saleTime,
		MAC1: b.suite.MAC(ses, fuelcard.GreyMAC1Data(purse.GreyType(), b.terminal(), saleTime))}.Command())
	return a.CTC, ses
}

// release is the DEBIT FOR UNLOCK of such a lock.
func (b *bench) release(purse fuelcard.Purse, ctc pboc.CTC, ses pboc.Session, amount int64) apdu.Command {
	return fuelcard.DebitForUnlock{Purse: purse, Amount: fen(amount), CTC: ctc, TID: b.terminal(), TTC: 7, Time: saleTime,
		GMAC: b.suite.MAC(ses, fuelcard.GMACData(fen(amount)))}.Command()
}

// greyUnlock locks the card and unlocks it as a host does.
func (b *bench) greyUnlock(amount int64) {
	b.t.Helper()
	b.lock(fuelcard.ED)
	a, err := fuelcard.ParseInitGreyUnlockAnswer(b.ok(fuelcard.InitGreyUnlock{Purse: fuelcard.ED, KeyID: 1, TID: b.terminal()}.Command()))
	must(b.t, err)
	ses := b.suite.LoadSession(b.key("DUGK"), a.Rand, a.OnlineSN)
	if a.MAC1 != b.suite.MAC(ses, fuelcard.OnlineMAC1Data(a.Balance, a.CTC, fuelcard.TypeOnlineED, b.terminal())) {
		b.t.Fatal("MAC1 of the online unlock is wrong")
	}
	end, err := fuelcard.ParseGreyUnlockAnswer(b.ok(fuelcard.GreyUnlock{Amount: fen(amount), Time: saleTime,
		MAC2: b.suite.MAC(ses, fuelcard.OnlineMAC2Data(fen(amount), fuelcard.TypeOnlineED, b.terminal(), saleTime))}.Command()))
	must(b.t, err)
	if end.MAC3 != b.suite.MAC(ses, fuelcard.OnlineMAC3Data(a.Balance-fen(amount), a.OnlineSN, fen(amount), fuelcard.TypeOnlineED, b.terminal(), saleTime)) {
		b.t.Fatal("MAC3 of the online unlock is wrong")
	}
}

// unload takes money off as an issuer does.
func (b *bench) unload(amount int64) {
	b.t.Helper()
	a, err := fuelcard.ParseInitForUnloadAnswer(b.ok(fuelcard.InitForUnload{KeyID: 1, Amount: fen(amount), TID: b.terminal()}.Command()))
	must(b.t, err)
	ses := b.suite.LoadSession(b.key("DULK"), a.Rand, a.OnlineSN)
	b.ok(fuelcard.DebitForUnload{Time: saleTime, MAC2: b.suite.MAC(ses, fuelcard.UnloadMAC2Data(fen(amount), b.terminal(), saleTime))}.Command())
}

// A card knows its vendor's key types and no other's. Source: card.md 4.1.
func TestKeyTypesOfAnotherVendor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ card, record fuelcard.Profile }{{fuelcard.National(), fuelcard.DaHua()}, {fuelcard.DaHua(), fuelcard.National()}} {
		b := made(t, c.card)
		slot, _ := c.record.KeySlot("DLK")
		w := fuelcard.WriteKey{P1: 1, KeyID: slot.ID, KeyRecord: slot.Record(0, make([]byte, 16))}
		if got := b.send(fuelcard.SealKey(b.suite, b.key("ACK"), b.challenge(4), w)).SW; got != apdu.WrongData {
			t.Errorf("%s takes a key of type %02X: %v", c.card.Name, slot.Type, got)
		}
	}
	b := newBench(t, fuelcard.National())
	other := cardos.New(b.nv, b.rnd, fuelcard.DaHua())
	if _, err := other.Reset(); err != nil {
		t.Fatal(err)
	}
	b.card = other
	if got := b.authenticateSW(b.keys.Transport); got != apdu.KeyNotFound {
		t.Errorf("an FMCOS blank opens as a DaHua one: %v", got)
	}
}

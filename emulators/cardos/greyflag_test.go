package cardos_test

import (
	"bytes"
	"testing"

	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
)

// inits are the commands that begin a change of a purse, but for the grey lock.
func (b *bench) inits() map[string]apdu.Command {
	tid := b.terminal()
	return map[string]apdu.Command{
		"load":      fuelcard.InitForLoad{Purse: fuelcard.ED, KeyID: 1, Amount: 1, TID: tid}.Command(),
		"unload":    fuelcard.InitForUnload{KeyID: 1, Amount: 1, TID: tid}.Command(),
		"purchase":  fuelcard.InitForPurchase{Purse: fuelcard.ED, KeyID: 1, Amount: 1, TID: tid}.Command(),
		"cash":      fuelcard.InitForCash{KeyID: 1, Amount: 1, TID: tid}.Command(),
		"overdraft": fuelcard.InitForUpdate{KeyID: 1, TID: tid}.Command(),
	}
}

// walletInits are the same of the other purse.
func (b *bench) walletInits() map[string]apdu.Command {
	tid := b.terminal()
	return map[string]apdu.Command{
		"load EP":     fuelcard.InitForLoad{Purse: fuelcard.EP, KeyID: 1, Amount: 1, TID: tid}.Command(),
		"purchase EP": fuelcard.InitForPurchase{Purse: fuelcard.EP, KeyID: 1, Amount: 1, TID: tid}.Command(),
		"CAPP":        fuelcard.InitForCAPP{KeyID: 1, Amount: 1, TID: tid}.Command(),
	}
}

// all sends every command of a map.
func (b *bench) all(when string, cs map[string]apdu.Command, want apdu.SW) {
	b.t.Helper()
	for what, c := range cs {
		b.sends(when+": "+what, c, want)
	}
}

func (b *bench) greyInit(p fuelcard.Purse) apdu.Command {
	return fuelcard.InitGreyLock{Purse: p, KeyID: 1, TID: b.terminal()}.Command()
}

func (b *bench) proof() fuelcard.LockProof {
	b.t.Helper()
	p, err := fuelcard.ParseLockProof(b.ok(fuelcard.GetLockProof{}.Command()))
	must(b.t, err)
	return p
}

func loadIn10(t *testing.T, p fuelcard.Profile, v string) {
	b := both(t, p)
	ctc, ses := b.lock(fuelcard.ED)
	b.all("state 01", b.inits(), apdu.Conditions)
	b.ok(b.release(fuelcard.ED, ctc, ses, 1))
	b.all("state 10", b.inits(), either(v == "on", apdu.Conditions))
	b.all("state 10", b.walletInits(), either(v == "on", apdu.Conditions))
	b.sends("INIT GREY LOCK", b.greyInit(fuelcard.ED), apdu.Conditions)
	b.ok(fuelcard.ClearTACUF{}.Command())
	b.all("state 00", b.inits(), apdu.OK)
}

func proofBalance(t *testing.T, p fuelcard.Profile, v string) {
	b := both(t, p)
	want := fen(10_000)
	spend := func(amount int64) {
		t.Helper()
		shown := want
		if want -= fen(amount); v == "after" {
			shown = want
		}
		if got := b.proof(); got.Balance != shown || got.Amount() != fen(amount) || b.oracle().Balance != want {
			t.Errorf("proof %+v, want balance %v; balance %v, want %v", got, shown, b.oracle().Balance, want)
		}
		b.ok(fuelcard.ClearTACUF{}.Command())
	}
	ctc, ses := b.lock(fuelcard.ED)
	if got := b.proof(); got.Balance != want {
		t.Errorf("proof of state 01 %+v", got)
	}
	b.ok(b.release(fuelcard.ED, ctc, ses, 300))
	spend(300)
	b.greyUnlock(400)
	spend(400)
}

func proofWallet(t *testing.T, p fuelcard.Profile, _ string) {
	b := both(t, p)
	for _, purse := range []fuelcard.Purse{fuelcard.ED, fuelcard.EP} {
		ctc, ses := b.lock(purse)
		if got := b.proof(); got.Wallet != purse || got.Type != purse.GreyType() {
			t.Errorf("state 01: %+v", got)
		}
		b.ok(b.release(purse, ctc, ses, 1))
		if got := b.proof(); got.Wallet != purse || got.Type != purse.UnlockType() {
			t.Errorf("state 10: %+v", got)
		}
		b.ok(fuelcard.ClearTACUF{}.Command())
		if got := b.proof(); got.State != fuelcard.NotGrey || got.Wallet != purse || got.Type != purse.UnlockType() {
			t.Errorf("state 00: %+v", got)
		}
	}
}

func neverUsedProof(t *testing.T, p fuelcard.Profile, v string) {
	b := both(t, p)
	a := b.send(fuelcard.GetLockProof{}.Command())
	if v == "zeros" && (a.SW != apdu.OK || !bytes.Equal(a.Data, make([]byte, fuelcard.LockProofLength))) || v != "zeros" && (a.SW != apdu.Conditions || len(a.Data) != 0) {
		t.Errorf("never locked: %X %v", a.Data, a.SW)
	}
	b.ok(fuelcard.ClearTACUF{}.Command())
	ctc, ses := b.lock(fuelcard.ED)
	b.proof()
	b.ok(b.release(fuelcard.ED, ctc, ses, 0))
	b.ok(fuelcard.ClearTACUF{}.Command())
	b.proof()
}

func greyScope(t *testing.T, p fuelcard.Profile, v string) {
	p.LoadIn10 = false // so that state 10 shows its scope too
	b := both(t, p)
	ctc, ses := b.lock(fuelcard.ED)
	purse := either(v == "purse", apdu.Conditions)
	b.all("ED grey", b.inits(), apdu.Conditions)
	b.all("ED grey", b.walletInits(), purse)
	b.sends("a second lock", b.greyInit(fuelcard.EP), apdu.Conditions)
	if v == "purse" {
		b.load(fuelcard.EP, 1)
	}
	b.ok(b.release(fuelcard.ED, ctc, ses, 1))
	b.all("ED unread", b.inits(), apdu.Conditions)
	b.all("ED unread", b.walletInits(), purse)
	b.ok(fuelcard.ClearTACUF{}.Command())
	b.lock(fuelcard.EP)
	b.all("EP grey", b.inits(), purse)
	b.all("EP grey", b.walletInits(), apdu.Conditions)
}

func clearOther(t *testing.T, p fuelcard.Profile, _ string) {
	b := both(t, p)
	b.sends("state 00", fuelcard.ClearTACUF{}.Command(), apdu.OK)
	ctc, ses := b.lock(fuelcard.ED)
	b.sends("state 01", fuelcard.ClearTACUF{}.Command(), apdu.Conditions)
	b.ok(b.release(fuelcard.ED, ctc, ses, 1))
	b.sends("state 10", fuelcard.ClearTACUF{}.Command(), apdu.OK)
	b.sends("state 00 again", fuelcard.ClearTACUF{}.Command(), apdu.OK)
}

func pinScope(t *testing.T, p fuelcard.Profile, v string) {
	b := both(t, p)
	b.enter() // forgets the PIN
	free := either(v == "grey_init", apdu.SecurityState)
	b.all("without PIN", b.inits(), free)
	b.all("without PIN", b.walletInits(), free)
	b.sends("INIT GREY LOCK", b.greyInit(fuelcard.ED), apdu.SecurityState)
	b.pin()
	b.all("with PIN", b.inits(), apdu.OK)
	b.all("with PIN", b.walletInits(), apdu.OK)
	b.sends("INIT GREY LOCK", b.greyInit(fuelcard.ED), apdu.OK)
}

func pinUnlock(t *testing.T, p fuelcard.Profile, v string) {
	b := both(t, p)
	free := either(v == "off", apdu.SecurityState)
	online := fuelcard.InitGreyUnlock{Purse: fuelcard.ED, KeyID: 1, TID: b.terminal()}.Command()
	ctc, ses := b.lock(fuelcard.ED)
	b.reset()
	b.enter()
	b.sends("INIT GREY UNLOCK", online, free)
	b.sends("DEBIT FOR UNLOCK", b.release(fuelcard.ED, ctc, ses, 1), free)
	if v == "on" {
		b.pin()
		b.sends("INIT GREY UNLOCK", online, apdu.OK)
		b.sends("DEBIT FOR UNLOCK", b.release(fuelcard.ED, ctc, ses, 1), apdu.OK)
	}
}

func balancePIN(t *testing.T, p fuelcard.Profile, v string) {
	b := both(t, p)
	b.enter()
	b.sends("ED", fuelcard.GetBalance{Purse: fuelcard.ED}.Command(), either(v == "off", apdu.SecurityState))
	b.sends("EP", fuelcard.GetBalance{Purse: fuelcard.EP}.Command(), apdu.OK)
	b.pin()
	b.sends("ED with PIN", fuelcard.GetBalance{Purse: fuelcard.ED}.Command(), apdu.OK)
}

func pinUnblockForm(t *testing.T, p fuelcard.Profile, v string) {
	b := made(t, p)
	unblock := func(p2 byte) apdu.Command {
		return b.seal("DPUK", fuelcard.PINUnblock{P2: p2, Cipher: b.suite.Encipher(b.key("DPUK"), []byte{0x12, 0x34})}.Command())
	}
	b.sends("00 01", unblock(1), either(v != "id_00", apdu.WrongP1P2))
	b.sends("id 00", unblock(0), either(v != "00_01", apdu.WrongP1P2))
	b.sends("00 02", unblock(2), apdu.WrongP1P2)
	b.sends("the new PIN", fuelcard.Verify{PIN: fuelcard.PIN{0x12, 0x34}}.Command(), apdu.OK)
}

func epGrey(t *testing.T, p fuelcard.Profile, v string) {
	b := both(t, p)
	b.pin()
	b.sends("EP", b.greyInit(fuelcard.EP), either(v == "on", apdu.FunctionOrBlocked))
	b.sends("ED", b.greyInit(fuelcard.ED), apdu.OK)
}

// keyType makes a card with one other type byte, uses every key of it, and offers it the byte that it does not have.
func keyType(f fuelcard.Flag) func(*testing.T, fuelcard.Profile, string) {
	return func(t *testing.T, p fuelcard.Profile, v string) {
		b := both(t, p)
		b.everyKey()
		if v == f.Default() {
			return
		}
		slot, _ := fuelcard.KeySlot("DLK")
		foreign := unhex(f.Default())[0]
		if f.Name == "key_type.mask" {
			foreign = slot.Type // with its line protection
		}
		r := slot.Record(0, make([]byte, 16))
		r.Type = foreign
		w := fuelcard.WriteKey{P1: 1, KeyID: 9, KeyRecord: r}
		b.sends("a foreign type byte", fuelcard.SealKey(b.suite, b.key("ACK"), b.challenge(4), w), apdu.WrongData)
	}
}

// everyKey uses every key of the petrol application once.
func (b *bench) everyKey() {
	b.t.Helper()
	b.pin()
	b.authenticate(b.key("ACK"))
	b.write(fuelcard.SFILimits, 0, []byte{0xFF, 0xFF}) // DAMK
	ctc, ses := b.lock(fuelcard.ED)                    // DPK, DTK
	b.ok(b.release(fuelcard.ED, ctc, ses, 1))
	b.ok(fuelcard.ClearTACUF{}.Command())
	b.greyUnlock(1) // DUGK
	b.ok(fuelcard.ClearTACUF{}.Command())
	b.unload(1) // DULK
	b.load(fuelcard.ED, 1)
	b.limit(1, apdu.OK)
	pin := fuelcard.PIN{0x12, 0x34, 0x56}
	b.ok(fuelcard.ReloadPIN{PIN: pin, MAC: b.suite.TAC(b.key("DRPK"), pin)}.Command())
	b.ok(b.seal("DPUK", b.profile.UnblockPIN(b.suite.Encipher(b.key("DPUK"), b.profile.DefaultPIN)).Command()))
	challenge := [8]byte{1, 2, 3}
	want := b.suite.Authenticate(b.key("DIK"), challenge)
	if got := b.ok(fuelcard.InternalAuthenticate{KeyID: 1, Data: challenge[:]}.Command()); !bytes.Equal(got, want[:]) {
		b.t.Errorf("DIK answers %X, want %X", got, want)
	}
}

package cardos_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"greylock/emulators/cardos"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

// flagTests say what the card does under each value of each flag that acts on it. A test gets the national profile with
// that one value, and the value.
var flagTests = map[string]func(*testing.T, fuelcard.Profile, string){
	"aid.petrol":        petrolAID,
	"aid.loyalty":       loyaltyAID,
	"alg":               algorithm,
	"sm4_alg_id":        func(t *testing.T, p fuelcard.Profile, v string) { algorithm(t, p.WithAlg(pboc.AlgSM4), v) },
	"pin_length":        pinLength,
	"gtac_string":       gtacString,
	"online_mac3":       func(t *testing.T, p fuelcard.Profile, _ string) { both(t, p).greyUnlock(1_000) },
	"overdraft_tac_key": overdraftTACKey,
	"sm_iv":             smIV,
	"strict_ctc":        strictCTC,
	"ctc_increment":     ctcIncrement,
	"prove_serial":      proveSerial,
	"log_zero":          logZero,
	"load_in_10":        loadIn10,
	"proof_balance":     proofBalance,
	"proof_wallet":      proofWallet,
	"never_used_proof":  neverUsedProof,
	"grey_scope":        greyScope,
	"clear_other":       clearOther,
	"pin_scope":         pinScope,
	"pin_unlock":        pinUnlock,
	"balance_pin":       balancePIN,
	"pin_unblock_p1p2":  pinUnblockForm,
	"ep_grey":           epGrey,
}

// Every value of every flag that acts on the card does what its row says, and no flag is without a test.
// Source: card.md 17.1, 17.2.
func TestEveryFlagOfTheCard(t *testing.T) {
	t.Parallel()
	tested := 0
	for _, f := range fuelcard.Flags() {
		if !slices.Contains(f.Acts, fuelcard.OnCard) {
			continue
		}
		test := flagTests[f.Name]
		if strings.HasPrefix(f.Name, "key_type.") {
			test = keyType(f)
		}
		if test == nil {
			t.Errorf("%s acts on the card and has no test", f.Name)
			continue
		}
		tested++
		for _, v := range f.Values {
			t.Run(f.Name+"="+v, func(t *testing.T) {
				t.Parallel()
				p := fuelcard.National()
				if err := p.Set(f.Name, v); err != nil {
					t.Fatal(err)
				}
				test(t, p, v)
			})
		}
	}
	if tested < len(flagTests) {
		t.Errorf("%d flags tested, %d tests", tested, len(flagTests))
	}
}

// sends compares the status word of a command.
func (b *bench) sends(what string, c apdu.Command, want apdu.SW) {
	b.t.Helper()
	if got := b.send(c).SW; got != want {
		b.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// either is the status word by whether something is allowed.
func either(ok bool, no apdu.SW) apdu.SW {
	if ok {
		return apdu.OK
	}
	return no
}

func petrolAID(t *testing.T, p fuelcard.Profile, _ string) {
	b := made(t, p)
	a := b.ok(fuelcard.SelectName{Name: p.AIDPetrol}.Command())
	if !bytes.Contains(a, p.AIDPetrol) {
		t.Errorf("FCI %X", a)
	}
	b.sends("another AID", fuelcard.SelectName{Name: []byte("\xA0\x00\x00\x00\x03NOBODY")}.Command(), apdu.FileNotFound)
}

func loyaltyAID(t *testing.T, p fuelcard.Profile, _ string) {
	b := newBench(t, p)
	b.blankOn(cardos.NewMemNV())
	b.make()
	b.makeLoyalty()
	if a := b.ok(fuelcard.SelectName{Name: p.AIDLoyalty}.Command()); !bytes.Contains(a, p.AIDLoyalty) {
		t.Errorf("FCI %X", a)
	}
}

func algorithm(t *testing.T, p fuelcard.Profile, v string) {
	b := both(t, p)
	b.pin()
	a, err := fuelcard.ParseInitGreyLockAnswer(b.ok(fuelcard.InitGreyLock{Purse: fuelcard.ED, KeyID: 1, TID: b.terminal()}.Command()))
	if must(t, err); v != string([]byte{'0', '0' + a.Alg}) {
		t.Errorf("algorithm %02X, the flag says %s", a.Alg, v)
	}
	ctc, ses := b.lock(fuelcard.ED)
	b.ok(b.release(fuelcard.ED, ctc, ses, 1))
}

func pinLength(t *testing.T, p fuelcard.Profile, v string) {
	fits := func(n int) bool { return v == "2-6" && 2 <= n && n <= 6 || v == "3" && n == 3 || v == "2" && n == 2 }
	if v == "2" {
		p.DefaultPIN = fuelcard.PIN{0x99, 0x99}
	}
	b := made(t, p)
	for n := 1; n <= 7; n++ {
		pin := bytes.Repeat([]byte{0x11}, n)
		reload := apdu.Command{CLA: 0x80, INS: 0x5E, Data: append(slices.Clone(pin), mac(b.suite.TAC(b.key("DRPK"), pin))...), Le: apdu.NoLe}
		b.sends("RELOAD PIN", reload, either(fits(n), apdu.WrongLength))
		verify := apdu.Command{CLA: 0x00, INS: 0x20, Data: pin, Le: apdu.NoLe}
		b.sends("VERIFY", verify, either(fits(n), apdu.WrongLength))
		if n > 6 {
			continue
		}
		unblock := b.seal("DPUK", p.UnblockPIN(b.suite.Encipher(b.key("DPUK"), pin)).Command())
		b.sends("PIN UNBLOCK", unblock, either(fits(n), apdu.WrongData))
		w := fuelcard.WriteKey{P1: 1, KeyID: byte(n), KeyRecord: p.PINSlot().Record(0, pin)}
		if n > 1 {
			b.sends("WRITE KEY", fuelcard.SealKey(b.suite, b.key("ACK"), b.challenge(4), w), either(fits(n), apdu.WrongData))
		}
		if fits(n) {
			b.sends("CHANGE PIN", fuelcard.ChangePIN{Old: pin, New: pin}.Command(), apdu.OK)
			long := append(append(slices.Clone(pin), 0xFF), bytes.Repeat([]byte{0x22}, 6)...)
			b.sends("CHANGE PIN to six bytes", apdu.Command{CLA: 0x80, INS: 0x5E, P1: 1, Data: long, Le: apdu.NoLe}, either(fits(6), apdu.WrongData))
			b.sends("RELOAD PIN", reload, apdu.OK)
		}
	}
}

func mac(m pboc.MAC) []byte { return m[:] }

func gtacString(t *testing.T, p fuelcard.Profile, v string) {
	b := made(t, p)
	b.load(fuelcard.ED, 10_000)
	gtac := map[string]string{"bal_ctc": "53809007", "fmcos_zero": "9C776394", "fmcos_balance": "13DE7AB9"}[v] // card.md 15.4
	b.talk("5A5A0001", verifyPIN, "9000", initGreyC, initAnsC, lockC, gtac+"36C1D13B 9000",
		proofCmd, strings.Replace(proof01C, "53809007", gtac, 1))
}

func overdraftTACKey(t *testing.T, p fuelcard.Profile, v string) {
	b := made(t, p)
	sn, tac := b.limit(5_000, apdu.OK)
	data := fuelcard.OverdraftTACData(5_000, sn, 5_000, b.terminal(), saleTime)
	want := b.suite.TAC(b.key("DTK"), data)
	if v == "direct" {
		want = b.suite.TMAC(b.key("DTK"), data)
	}
	if tac != want {
		t.Errorf("TAC %v, want %v", tac, want)
	}
}

func smIV(t *testing.T, p fuelcard.Profile, v string) {
	b := made(t, p)
	write := func(n int) apdu.Command {
		return fuelcard.Seal(b.suite, b.key("DAMK"), b.challenge(n), fuelcard.SecureUpdateBinary{SFI: fuelcard.SFILimits, Data: []byte{1}}.Command())
	}
	b.sends("challenge of 4", write(4), apdu.OK)
	b.sends("challenge of 8", write(8), either(v == "4+0,8", apdu.Conditions))
}

func strictCTC(t *testing.T, p fuelcard.Profile, v string) {
	b := both(t, p)
	ctc, ses := b.lock(fuelcard.ED)
	b.sends("lock + 2", b.release(fuelcard.ED, ctc+2, ses, 1), apdu.ProofNotAvailable)
	b.sends("lock - 1", b.release(fuelcard.ED, ctc-1, ses, 1), apdu.ProofNotAvailable)
	b.sends("lock + 1", b.release(fuelcard.ED, ctc+1, ses, 1), either(v == "off", apdu.ProofNotAvailable))
	if v == "on" {
		b.ok(b.release(fuelcard.ED, ctc, ses, 1))
	}
	if o := b.oracle(); o.Balance != 9_999 || o.Proof.Serial != uint16(ctc) {
		t.Errorf("%+v", o)
	}
}

func ctcIncrement(t *testing.T, p fuelcard.Profile, _ string) {
	b := both(t, p)
	at := func(what string, want pboc.CTC) {
		t.Helper()
		if o := b.oracle(); o.CTC != want {
			t.Errorf("CTC %d after %s, want %d", o.CTC, what, want)
		}
	}
	b.pin()
	b.ok(fuelcard.InitGreyLock{Purse: fuelcard.ED, KeyID: 1, TID: b.terminal()}.Command())
	at("INIT", 0)
	b.sends("wrong MAC1", fuelcard.GreyLock{}.Command(), apdu.MACWrong)
	at("a wrong MAC1", 0)
	ctc, ses := b.lock(fuelcard.ED)
	at("GREY LOCK", 1)
	b.ok(b.release(fuelcard.ED, ctc, ses, 1))
	at("DEBIT FOR UNLOCK", 1)
}

func proveSerial(t *testing.T, p fuelcard.Profile, v string) {
	b := both(t, p)
	b.unload(1)
	prove := func(sn uint16) apdu.Command {
		return fuelcard.GetTransactionProve{Type: fuelcard.TypeUnload, SN: sn}.Command()
	}
	b.sends("before", prove(1), either(v != "after", apdu.ProofNotAvailable))
	b.sends("after", prove(2), either(v != "before", apdu.ProofNotAvailable))
	b.sends("neither", prove(3), apdu.ProofNotAvailable)
	b.sends("neither", prove(0), apdu.ProofNotAvailable)
}

func logZero(t *testing.T, p fuelcard.Profile, v string) {
	b := made(t, p)
	ctc, ses := b.lock(fuelcard.ED)
	b.ok(b.release(fuelcard.ED, ctc, ses, 0))
	b.sends("the log", fuelcard.ReadRecord{SFI: fuelcard.SFILog, Number: 1}.Command(), either(v == "on", apdu.RecordNotFound))
}

package psam_test

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"

	"greylock/emulators/chip"
	"greylock/emulators/psam"
	"greylock/fixtures"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/samcard"
	"greylock/system/wire/unit"
)

// variants are all profiles, and the national one with each other value of the flags in which a PSAM takes part.
func variants() []fuelcard.Profile {
	all := fuelcard.Profiles()
	for name, change := range map[string]func(*fuelcard.Profile){
		"factor_order=as_given":    func(p *fuelcard.Profile) { p.FactorOrder = fuelcard.AsGiven },
		"psam_ttc_at=certificate":  func(p *fuelcard.Profile) { p.PSAMTTCAt = fuelcard.TTCAtCertificate },
		"psam_ctx_nvm=off":         func(p *fuelcard.Profile) { p.PSAMContextNVM = false },
		"psam_mac2_sw=63Cx":        func(p *fuelcard.Profile) { p.PSAMMAC2SW = 0x63C0 },
		"psam_key_sw=6A88":         func(p *fuelcard.Profile) { p.PSAMKeySW = apdu.KeyNotFound },
		"psam_mismatch_sw=6A80":    func(p *fuelcard.Profile) { p.PSAMMismatchSW = apdu.WrongData },
		"tmac_alg=des_left":        func(p *fuelcard.Profile) { p.TMACAlg = fuelcard.TMACDESLeft },
		"tmac_alg=xor":             func(p *fuelcard.Profile) { p.TMACAlg = fuelcard.TMACXOR },
		"levels.dpk=asn":           func(p *fuelcard.Profile) { p.LevelsDPK = fuelcard.LevelsASN },
		"certificate and lost ctx": func(p *fuelcard.Profile) { p.PSAMTTCAt, p.PSAMContextNVM = fuelcard.TTCAtCertificate, false },
	} {
		p := fuelcard.National()
		p.Name = name
		change(&p)
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b fuelcard.Profile) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	return all
}

// play is the card's half of a sale with a PSAM of any profile.
type play struct {
	*bench
	asn  pboc.ASN
	dpk  pboc.Key // of the card
	rand [4]byte
	ctc  pboc.CTC
	time [7]byte
}

func newPlay(b *bench) *play {
	asn := fixtures.TestCards().Users[0]
	return &play{bench: b, asn: asn, rand: [4]byte{1, 2, 3, 4}, ctc: 7, time: [7]byte(unhex("20261122102030")),
		dpk: b.suite.Diversify(b.keys.Masters["DPK"], b.profile.Factors("DPK", b.issuer, asn)...)}
}

func (p *play) initCommand() apdu.Command {
	return samcard.InitGreyLock{Rand: p.rand, CTC: p.ctc, Balance: 10000, Type: samcard.TypeGreyED, Time: p.time,
		KeyVersion: p.profile.KeyVersion, Alg: p.profile.Alg, Factors: p.profile.PSAMFactors("DPK", p.issuer, p.asn)}.Command()
}

// lock is INIT with its MAC1 checked; it returns the answer and the session key.
func (p *play) lock() (samcard.InitGreyLockAnswer, pboc.Session) {
	p.t.Helper()
	a, err := samcard.ParseInitGreyLockAnswer(p.ok(p.initCommand()))
	if err != nil {
		p.t.Fatal(err)
	}
	ses := p.suite.GreySession(p.dpk, p.rand, p.ctc, a.TTC, a.TermRand)
	if want := p.suite.MAC(ses, fuelcard.GreyMAC1Data(fuelcard.TypeGreyED, p.self.TID, p.time)); a.MAC1 != want {
		p.t.Fatalf("MAC1 %X, want %X", a.MAC1, want)
	}
	return a, ses
}

func (p *play) certify(ses pboc.Session) apdu.Command {
	return samcard.CertificateGreyLock{MAC2: p.suite.MAC(ses, fuelcard.GreyMAC2Data(10000, p.ctc))}.Command()
}

func (p *play) debitCommand(amount int64) apdu.Command {
	return samcard.DebitGreyLock{Type: samcard.TypeUnlockED, ASN8: p.asn.Factor(), CTC: p.ctc, Amount: unit.Fen(amount)}.Command()
}

// codes are what the PSAM has to answer to a debit.
func (p *play) codes(ses pboc.Session, ttc pboc.PSAMTTC, amount int64) []byte {
	return samcard.GMACAnswer{GMAC: p.suite.MAC(ses, fuelcard.GMACData(unit.Fen(amount))),
		TAC: p.own.TAC(p.key("SAMTAC"), samcard.TACData(unit.Fen(amount), samcard.TypeUnlockED, p.self.TID, ttc, p.time))}.Bytes()
}

func (p *play) want(c apdu.Command, sw apdu.SW) {
	p.t.Helper()
	if a := p.send(c); a.SW != sw {
		p.t.Fatalf("%X: %v, want %v", c.Bytes(), a.SW, sw)
	}
}

func (p *play) repower() { p.t.Helper(); p.repowered() }

// A whole sale with everything that a PSAM refuses on its way, a power-down after each step, and the T_MAC, under every
// profile and flag. Source: card.md 8.2, 17.1.
func TestSaleUnderEveryProfile(t *testing.T) {
	for _, profile := range variants() {
		t.Run(profile.Name, func(t *testing.T) {
			t.Parallel()
			p := newPlay(made(t, profile))
			p.locking()
			p.debiting()
			p.purchasing()
			p.records()
			p.lockedOut()
		})
	}
}

// locking is INIT and CERTIFICATE, with wrong MAC2 and missing key.
func (p *play) locking() {
	p.t.Helper()
	missing := p.initCommand()
	missing.Data[fixed-2]++
	p.want(missing, p.profile.PSAMKeySW)
	before := p.oracle().TTC
	a, ses := p.lock()
	step := pboc.PSAMTTC(1)
	if p.profile.PSAMTTCAt == fuelcard.TTCAtCertificate {
		step = 0
	}
	if got := p.oracle().TTC; got != before+step || a.TTC != before+1 {
		p.t.Fatalf("TTC %d after INIT, answered %d, was %d", got, a.TTC, before)
	}
	p.want(p.debitCommand(5000), apdu.WrongState)
	for _, left := range []apdu.SW{2, 1} {
		sw := p.profile.PSAMMAC2SW
		if sw == 0x63C0 {
			sw += left
		}
		p.want(samcard.CertificateGreyLock{}.Command(), sw)
	}
	p.repower()
	if !p.profile.PSAMContextNVM {
		p.want(p.certify(ses), apdu.WrongState)
		a, ses = p.lock()
	}
	p.want(p.certify(ses), apdu.OK)
	if o := p.oracle(); o.TTC != a.TTC || o.MAC2Err != 0 {
		p.t.Fatalf("after the certificate: %+v", o)
	}
}

// fixed is the length of INIT before its factors.
const fixed = 0x14

// debiting is the debit of a new lock with its refusals, repeated, and GET_GMAC after a power-down.
func (p *play) debiting() {
	p.t.Helper()
	a, ses := p.lock()
	p.ok(p.certify(ses))
	other := p.debitCommand(5000)
	other.Data[8] ^= 1
	p.want(other, p.profile.PSAMMismatchSW)
	other = p.debitCommand(5000)
	other.Data[10] ^= 1
	p.want(other, p.profile.PSAMMismatchSW)
	other = p.debitCommand(5000)
	other.Data[0] = 0x94
	p.want(other, apdu.WrongData)
	if p.repower(); !p.profile.PSAMContextNVM {
		p.want(p.debitCommand(5000), apdu.WrongState)
		p.want(samcard.GetGMAC{TTC: a.TTC}.Command(), apdu.ProofNotAvailable)
		a, ses = p.lock()
		p.ok(p.certify(ses))
	}
	want := p.codes(ses, a.TTC, 5000)
	for range 2 {
		if got := p.ok(p.debitCommand(5000)); !bytes.Equal(got, want) {
			p.t.Fatalf("codes %X, want %X", got, want)
		}
		p.want(p.debitCommand(5001), apdu.Conditions)
		p.repower()
		if got := p.ok(samcard.GetGMAC{TTC: a.TTC}.Command()); !bytes.Equal(got, want) {
			p.t.Fatalf("GET_GMAC %X, want %X", got, want)
		}
		p.want(samcard.GetGMAC{TTC: a.TTC + 1}.Command(), apdu.ProofNotAvailable)
	}
}

// purchasing is the purchase pair for every type that it takes; the answer has eight bytes whatever Le says.
// Source: card.md 8.1, psam_purchase_answer.
func (p *play) purchasing() {
	p.t.Helper()
	for i, txType := range []byte{samcard.TypePurchaseED, samcard.TypePurchaseEP, samcard.TypeCash, samcard.TypeCAPP} {
		c := samcard.InitForPurchase{Rand: p.rand, CTC: p.ctc, Amount: 1234, Type: txType, Time: p.time,
			KeyVersion: p.profile.KeyVersion, Alg: p.profile.Alg, Factors: p.profile.PSAMFactors("DPK", p.issuer, p.asn)}.Command()
		c.Le = []int{8, 0x0C, 0, apdu.NoLe}[i]
		a, err := samcard.ParseInitForPurchaseAnswer(p.ok(c))
		if err != nil {
			p.t.Fatal(err)
		}
		ses := p.suite.PurchaseSession(p.dpk, p.rand, p.ctc, a.TTC)
		if want := p.suite.MAC(ses, fuelcard.PurchaseMAC1Data(1234, fuelcard.TxType(txType), p.self.TID, p.time)); a.MAC1 != want {
			p.t.Fatalf("type %02X: MAC1 %X, want %X", txType, a.MAC1, want)
		}
		p.want(p.debitCommand(1234), apdu.WrongState)
		p.ok(samcard.CreditForPurchase{MAC2: p.suite.MAC(ses, fuelcard.PurchaseMAC2Data(1234))}.Command())
		p.want(samcard.GetGMAC{TTC: a.TTC}.Command(), apdu.ProofNotAvailable)
	}
}

// records is the T_MAC by the profile's algorithm.
func (p *play) records() {
	p.t.Helper()
	record := bytes.Repeat([]byte{0x5A, 0xC3, 0x17}, 30)
	p.ok(samcard.DeliveryKey{Usage: samcard.UsageTMAC, KeyVersion: 1}.Command())
	want := p.own.TMAC(p.profile.TMACKey(p.own, p.key("TMAC")), record)
	for range 2 { // the key stays
		if got := p.ok(samcard.TMACRequest(p.own, record).Command()); !bytes.Equal(got, want[:]) {
			p.t.Fatalf("T_MAC %X, want %X", got, want)
		}
	}
}

// lockedOut is the lock of three wrong MAC2, one of them over a power-down: it ends with a new personalisation alone.
func (p *play) lockedOut() {
	p.t.Helper()
	for n := range 3 {
		if p.lock(); n == 1 {
			p.repower()
			p.lock()
		}
		a := p.send(samcard.CertificateGreyLock{}.Command())
		if left, ok := a.SW.TriesLeft(); a.SW != apdu.MACWrong && !(ok && left == 2-n) {
			p.t.Fatal(a.SW)
		}
	}
	p.repower()
	p.want(p.initCommand(), apdu.AuthBlocked)
	p.want(samcard.CertificateGreyLock{}.Command(), apdu.AuthBlocked)
	p.want(samcard.CreditForPurchase{}.Command(), apdu.AuthBlocked)
	if _, err := psam.Blank(p.nv, p.rnd, p.profile, p.keys.Transport); err != nil {
		p.t.Fatal(err)
	}
	p.reset()
	p.make()
	if n := p.oracle().MAC2Err; n != 0 {
		p.t.Fatalf("%d wrong MAC2 in a new PSAM", n)
	}
	p.repower()
	p.lock()
}

// The three forms of T_MAC over the worked record. Source: card.md 15.3 G.
func TestTMACAlternates(t *testing.T) {
	var record []byte
	for _, v := range fixtures.Vectors() {
		if v.Name == "chain1.record.t_mac" {
			record = unhex(v.Inputs["record"])
		}
	}
	for alg, want := range map[fuelcard.TMACAlg]string{fuelcard.TMACRetail: "152BFCC5", fuelcard.TMACDESLeft: "EFB08693", fuelcard.TMACXOR: "DCA33D3A"} {
		p := fuelcard.National()
		p.TMACAlg = alg
		b := made(t, p)
		b.ok(samcard.DeliveryKey{Usage: samcard.UsageTMAC, KeyVersion: 1}.Command())
		if got := b.ok(samcard.TMACRequest(b.own, record).Command()); !bytes.Equal(got, unhex(want)) {
			t.Errorf("%s: %X, want %s", alg, got, want)
		}
	}
}

// The last two TTCs and the refusal behind them, whenever the counter moves. Source: trust.md 2 row 28.
func TestLastTTCUnderEveryProfile(t *testing.T) {
	for _, profile := range variants() {
		t.Run(profile.Name, func(t *testing.T) {
			t.Parallel()
			p := newPlay(made(t, profile))
			if err := psam.Wind(p.nv, math.MaxUint32-2); err != nil {
				t.Fatal(err)
			}
			p.repower()
			for _, want := range []pboc.PSAMTTC{math.MaxUint32 - 1, math.MaxUint32} {
				a, ses := p.lock()
				if a.TTC != want {
					t.Fatalf("TTC %d, want %d", a.TTC, want)
				}
				p.ok(p.certify(ses))
				p.ok(p.debitCommand(1))
			}
			p.want(p.initCommand(), apdu.Conditions)
			p.ok(samcard.GetGMAC{TTC: math.MaxUint32}.Command())
			if got := p.oracle().TTC; got != math.MaxUint32 {
				t.Fatalf("TTC %d", got)
			}
		})
	}
}

// A PSAM whose own keys are SM4 too: WRITE KEY of 32 bytes of cipher, PSAM-TAC and T_MAC in SM4. Source: card.md section 16.
func TestAllSM4(t *testing.T) {
	b := newBench(t, fuelcard.National().WithAlg(pboc.AlgSM4))
	b.own = pboc.SM4
	b.make()
	p := newPlay(b)
	p.repower()
	p.locking()
	p.debiting()
	p.records()
	p.want(apdu.Command{CLA: 0x80, INS: 0xFA, P1: 5, Data: make([]byte, 24), Le: 0}, apdu.WrongLength) // not whole blocks of 16
	rand := p.challenge(4)
	slot := samcard.Keys[4]
	p.ok(samcard.SealKey(pboc.SM4, p.key("SAMACK"), rand, samcard.KeyRecord{Usage: slot.Usage, Version: 2, Alg: pboc.AlgSM4, Key: pboc.Key{1}}))
	p.ok(samcard.DeliveryKey{Usage: samcard.UsageTMAC, KeyVersion: 2}.Command())
}

// The loyalty application sells by the same pair under its own keys, and a transaction is ended where it began.
// Source: card.md 3.9; where it is ended [ours].
func TestLoyalty(t *testing.T) {
	for _, profile := range fuelcard.Profiles() {
		t.Run(profile.Name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, profile)
			b.nv, b.loyalty = chip.NewMem(2*1536), true
			var err error
			if b.sam, err = psam.Blank(b.nv, b.rnd, profile, b.keys.Transport); err != nil {
				t.Fatal(err)
			}
			b.reset()
			b.make()
			p := newPlay(b)
			p.reset()
			loyalty := samcard.SelectName{Name: profile.AIDPSAMLoyalty}.Command()
			p.ok(loyalty)
			p.ok(samcard.ReadBinary{SFI: samcard.SFIApp}.Command())
			p.purchasing()
			p.records()
			a, ses := p.lock()
			p.ok(p.certify(ses))
			p.enter()
			p.want(p.debitCommand(5000), apdu.WrongState)
			p.want(p.certify(ses), apdu.WrongState)
			p.ok(loyalty)
			if got, want := p.ok(p.debitCommand(5000)), p.codes(ses, a.TTC, 5000); !bytes.Equal(got, want) {
				t.Fatalf("codes %X, want %X", got, want)
			}
			p.enter()
			p.debiting()
			if got := p.oracle().TTC; got != a.TTC+1 && profile.PSAMContextNVM {
				t.Fatalf("TTC %d: one counter serves both applications", got)
			}
		})
	}
}

// Every P1 of CIPHER_DATA with a key that enciphers and with one that does not. Source: card.md 8.1; 04 and 06 [ours].
func TestCipherDataModes(t *testing.T) {
	b := made(t, fuelcard.National())
	dik := b.own.Diversify(b.keys.Masters["DIK"], b.issuer, [8]byte(unhex("0114400000123456")))
	iv, data := unhex("0123456789ABCDEF"), bytes.Repeat([]byte{0xA5, 0x5A}, 12)
	zero := make([]byte, 8)
	mac := func(k pboc.Key, iv []byte) []byte {
		m, err := b.own.BlockMAC(k, iv, data)
		if err != nil {
			t.Fatal(err)
		}
		return m[:]
	}
	cipher, err := b.own.ECB(dik, data)
	if err != nil {
		t.Fatal(err)
	}
	tmac := b.keys.Masters["TMAC"]
	for _, c := range []struct {
		mode   samcard.CipherMode
		dik    apdu.SW
		tmac   apdu.SW
		cipher bool // else a MAC, or nothing while more blocks follow
	}{
		{0, apdu.OK, apdu.Conditions, true}, {1, apdu.OK, apdu.OK, false}, {2, apdu.OK, apdu.Conditions, true},
		{3, apdu.OK, apdu.OK, false}, {4, apdu.FunctionOrBlocked, apdu.FunctionOrBlocked, true}, {5, apdu.OK, apdu.OK, false},
		{6, apdu.FunctionOrBlocked, apdu.FunctionOrBlocked, true}, {7, apdu.OK, apdu.OK, false},
	} {
		for _, k := range []struct {
			key     pboc.Key
			deliver string
			sw      apdu.SW
		}{{dik, "80 1A 44 01 10 0114400000123456 10FFFFFFFFFFFFFF", c.dik}, {tmac, "80 1A 08 01 00", c.tmac}} {
			b.ok(command(k.deliver))
			in, vector := data, zero
			if c.mode&samcard.CipherWithIV != 0 {
				in, vector = append(bytes.Clone(iv), data...), iv
			}
			a := b.send(samcard.CipherData{Mode: c.mode, Data: in}.Command())
			var want []byte
			switch {
			case k.sw != apdu.OK:
			case c.cipher:
				want = cipher
			case c.mode&samcard.CipherMore == 0:
				want = mac(k.key, vector)
			}
			if a.SW != k.sw || !bytes.Equal(a.Data, want) {
				t.Errorf("P1 %02X: %X %v, want %X %v", c.mode, a.Data, a.SW, want, k.sw)
			}
			if c.mode&samcard.CipherMore == 0 || k.sw != apdu.OK || c.cipher {
				continue
			}
			last := b.ok(samcard.CipherData{Mode: samcard.CipherMAC, Data: data}.Command())
			if m, err := b.own.BlockMAC(k.key, vector, append(bytes.Clone(data), data...)); err != nil || !bytes.Equal(last, m[:]) {
				t.Errorf("P1 %02X then 01: %X, want %X (%v)", c.mode, last, m, err)
			}
		}
	}
}

// A worn memory answers 6581 to every command that must write, and stays what it was. Source: trust.md 2 row 21.
func TestWorn(t *testing.T) {
	p := newPlay(made(t, fuelcard.National()))
	_, ses := p.lock()
	before := p.oracle()
	p.nv.WearAfter(0)
	p.want(p.initCommand(), apdu.MemoryFailure)
	p.want(samcard.CertificateGreyLock{}.Command(), apdu.MemoryFailure)
	p.want(p.certify(ses), apdu.MemoryFailure)
	p.challenge(4)
	p.want(samcard.WriteKey{Cipher: make([]byte, 24)}.Command(), apdu.MemoryFailure)
	p.challenge(4)
	p.want(samcard.ExternalAuthenticate{}.Command(), apdu.MemoryFailure)
	if after := p.oracle(); after != before {
		t.Fatalf("%+v\n%+v", before, after)
	}
	p.reset() // reads still work
	p.ok(samcard.ReadBinary{SFI: samcard.SFITerminal}.Command())
}

// No randomness, no lock: 6F00, and no TTC is lost.
func TestNoRandomness(t *testing.T) {
	b := made(t, fuelcard.National())
	b.sam = psam.New(b.nv, stuck{}, b.profile)
	b.repowered()
	if a := b.send(command(initC)); a.SW != apdu.UnknownFailure {
		t.Fatal(a.SW)
	}
	if a := b.send(command("00 84 00 00 04")); a.SW != apdu.UnknownFailure {
		t.Fatal(a.SW)
	}
	if got := b.oracle().TTC; got != 0 {
		t.Fatalf("TTC %d", got)
	}
}

func (b *bench) repowered() { b.t.Helper(); b.reset(); b.enter() }

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, errors.New("no randomness") }

package cardos_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"greylock/emulators/cardos"
	"greylock/emulators/psam"
	"greylock/fixtures"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/samcard"
	"greylock/system/wire/unit"
)

// pump is a card and a PSAM before a scripted terminal that knows all keys and checks every code.
type pump struct {
	*bench
	sam  *psam.PSAM
	snv  *psam.MemNV
	self fixtures.PSAM

	dtk    pboc.Key // of the card
	samTAC pboc.Key // of the PSAM
}

func newPump(t testing.TB, profile fuelcard.Profile) *pump {
	t.Helper()
	p := &pump{bench: made(t, profile), self: fixtures.TestCards().PSAMs[0], snv: psam.NewMemNV()}
	var err error
	if p.sam, err = psam.Blank(p.snv, &script{}, profile, p.keys.Transport); err != nil {
		t.Fatal(err)
	}
	p.makeSAM()
	p.dtk = p.key("DTK")
	p.samTAC = pboc.TDES.Diversify(p.keys.Masters["SAMTAC"], p.self.Number.Factor())
	return p
}

func (p *pump) ask(c apdu.Command) []byte {
	raw, err := p.sam.Transmit(c.Bytes())
	if err != nil {
		p.t.Fatal(err)
	}
	a, err := apdu.ParseAnswer(raw)
	if err != nil || a.SW != apdu.OK {
		p.t.Fatalf("PSAM %X: %v %v", c.Bytes(), a.SW, err)
	}
	return a.Data
}

func (p *pump) makeSAM() {
	p.t.Helper()
	if _, err := p.sam.Reset(); err != nil {
		p.t.Fatal(err)
	}
	challenge := func(n int) []byte { return p.ask(samcard.GetChallenge{Length: n}.Command()) }
	p.ask(samcard.ExternalAuthenticate{Cipher: pboc.TDES.Authenticate(p.keys.Transport, fuelcard.Challenge(challenge(4)))}.Command())
	for _, f := range samcard.MFFiles() {
		p.ask(f.Command())
	}
	p.ask(samcard.UpdateBinary{SFI: samcard.SFIPublic, Data: samcard.SAMPublic{Number: p.self.Number}.Bytes()}.Command())
	p.ask(samcard.UpdateBinary{SFI: samcard.SFITerminal, Data: samcard.SAMTerminal{TID: p.self.TID}.Bytes()}.Command())
	p.ask(samcard.PetrolDF(p.profile.AIDPSAMPetrol).Command())
	under := p.keys.Transport
	for _, s := range samcard.KeysWith(p.profile.LevelsOf) {
		k, alg := p.keys.Masters[s.Name], pboc.AlgTDES
		if s.Own {
			k = pboc.TDES.Diversify(k, p.self.Number.Factor())
		} else {
			alg = p.profile.Alg
		}
		p.ask(samcard.SealKey(pboc.TDES, under, challenge(4), samcard.KeyRecord{Usage: s.Usage, Version: s.Version, Alg: alg, Key: k}))
		if s.Usage == samcard.UsageMaster {
			under = k
		}
	}
}

var saleTime = [7]byte{0x20, 0x26, 0x11, 0x22, 0x10, 0x20, 0x30}

// sale is a whole grey-lock sale, with PIN and proof. It returns the PSAM's TTC. Source: card.md 12.1.
func (p *pump) sale(amount unit.Fen) pboc.PSAMTTC {
	p.ok(fuelcard.Verify{PIN: p.profile.DefaultPIN}.Command())
	a, err := fuelcard.ParseInitGreyLockAnswer(p.ok(fuelcard.InitGreyLock{Purse: fuelcard.ED, KeyID: 1, TID: p.self.TID}.Command()))
	must(p.t, err)
	i, err := samcard.ParseInitGreyLockAnswer(p.ask(samcard.InitGreyLock{Rand: a.Rand, CTC: a.CTC, Balance: a.Balance, Type: samcard.TypeGreyED,
		Time: saleTime, KeyVersion: a.KeyVersion, Alg: a.Alg, Factors: p.profile.PSAMFactors("DPK", p.issuer, p.asn)}.Command()))
	must(p.t, err)
	l, err := fuelcard.ParseGreyLockAnswer(p.ok(fuelcard.GreyLock{TTC: i.TTC, TermRand: i.TermRand, Time: saleTime, MAC1: i.MAC1}.Command()))
	must(p.t, err)
	p.ask(samcard.CertificateGreyLock{MAC2: l.MAC2}.Command())
	g, err := samcard.ParseGMACAnswer(p.ask(samcard.DebitGreyLock{Type: samcard.TypeUnlockED, ASN8: p.asn.Factor(), CTC: a.CTC, Amount: amount}.Command()))
	must(p.t, err)
	d, err := fuelcard.ParseDebitForUnlockAnswer(p.ok(fuelcard.DebitForUnlock{Purse: fuelcard.ED, Amount: amount, CTC: a.CTC, TID: p.self.TID,
		TTC: i.TTC, Time: saleTime, GMAC: g.GMAC}.Command()))
	must(p.t, err)
	tac := p.suite.TAC(p.dtk, fuelcard.UnlockTACData(amount, fuelcard.TypeUnlockED, p.self.TID, i.TTC, saleTime))
	if !d.TAC.Equal(tac) || !g.TAC.Equal(pboc.TDES.TAC(p.samTAC, samcard.TACData(amount, samcard.TypeUnlockED, p.self.TID, i.TTC, saleTime))) {
		p.t.Fatalf("TAC %v or PSAM-TAC %v of a sale of %v is wrong", d.TAC, g.TAC, amount)
	}
	p.ok(fuelcard.ClearTACUF{}.Command())
	return i.TTC
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Hundreds of sales with every card: money is conserved, no counter jumps, the log holds the last eleven.
func TestManySales(t *testing.T) {
	everywhere(t, func(t *testing.T, profile fuelcard.Profile) {
		p := newPump(t, profile)
		p.load(fuelcard.ED, 5_000_000)
		rnd := rand.New(rand.NewPCG(1, 2))
		var sum, last unit.Fen
		for n := range 300 {
			last = unit.Fen(rnd.IntN(10_000))
			if ttc := p.sale(last); ttc != pboc.PSAMTTC(n+1) {
				t.Fatalf("TTC %d at sale %d", ttc, n+1)
			}
			sum += last
		}
		o := p.oracle()
		if o.Balance != 5_000_000-sum || o.CTC != 300 || o.OnlineSN != 1 || o.Grey != fuelcard.NotGrey || o.Proof.Amount() != last {
			t.Fatalf("%v left of %v, %+v", o.Balance, sum, o)
		}
		for n := 1; n <= fuelcard.LogRecords; n++ {
			r, err := fuelcard.ParseLogRecord(p.ok(fuelcard.ReadRecord{SFI: fuelcard.SFILog, Number: byte(n)}.Command()))
			must(t, err)
			if r.Serial != uint16(300-n) || r.Type != fuelcard.TypeUnlockED || n == 1 && r.Amount != last {
				t.Fatalf("record %d: %+v", n, r)
			}
		}
		if a := p.send(fuelcard.ReadRecord{SFI: fuelcard.SFILog, Number: fuelcard.LogRecords + 1}.Command()); a.SW != apdu.RecordNotFound {
			t.Fatal(a.SW)
		}
	})
}

// The card proves itself to the PSAM with no host: INTERNAL AUTHENTICATION under DIK. Source: adr/0003.
func TestInternalAuthenticationWithPSAM(t *testing.T) {
	for _, profile := range fuelcard.Profiles() {
		p := newPump(t, profile)
		challenge := []byte{8, 7, 6, 5, 4, 3, 2, 1}
		card := p.ok(fuelcard.InternalAuthenticate{KeyID: 1, Data: challenge}.Command())
		p.ask(samcard.DeliveryKey{Usage: samcard.UsageOf(profile.LevelsOf("DIK"), samcard.UsageInternal.Type()), KeyVersion: 1, Factors: p.profile.PSAMFactors("DIK", p.issuer, p.asn)}.Command())
		if sam := p.ask(samcard.CipherData{Data: challenge}.Command()); !bytes.Equal(card, sam) || len(card) != 8 {
			t.Fatalf("card %X, PSAM %X", card, sam)
		}
	}
}

// The last CTC and the last online serial are never passed. Source: card.md 7.3.
func TestLastCTC(t *testing.T) {
	everywhere(t, func(t *testing.T, p fuelcard.Profile) {
		b := loadedBy(t, p)
		must(t, cardos.Wind(b.nv, p, math.MaxUint16, math.MaxUint16))
		b.reset()
		b.enter()
		b.talk("", verifyPIN, "9000", initGreyC, "6985", initLoadA, "6985", "80 50 01 01 0B 01 00000001 134400000001 0F", "6985",
			"80 50 05 01 0B 01 00000001 134400000001 10", "6985", "80 50 04 01 07 01 134400000001 13", "6985")
	})
}

func BenchmarkAPDU(b *testing.B) {
	c := made(b, fuelcard.National())
	for _, bench := range []struct {
		name string
		c    apdu.Command
	}{
		{"GetBalance", fuelcard.GetBalance{Purse: fuelcard.ED}.Command()},
		{"ReadBinary30", fuelcard.ReadBinary{SFI: fuelcard.SFIPublic, Length: fuelcard.PublicLength}.Command()},
		{"LockProof", fuelcard.GetLockProof{}.Command()},
		{"Verify", fuelcard.Verify{PIN: c.profile.DefaultPIN}.Command()},
	} {
		b.Run(bench.name, func(b *testing.B) {
			raw := bench.c.Bytes()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.card.Transmit(raw); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "APDU/s")
		})
	}
}

// BenchmarkGreySale is a whole sale: nine commands to card and PSAM with PIN, and the terminal's checks of both TACs.
func BenchmarkGreySale(b *testing.B) {
	p := newPump(b, fuelcard.National())
	image := p.nv.Image()
	refill := func() {
		must(b, p.nv.SetImage(image))
		p.card = cardos.New(p.nv, p.rnd, p.profile)
		p.reset()
		p.enter()
		p.load(fuelcard.ED, 1_000_000)
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%50_000 == 0 { // before the CTC runs out
			refill()
		}
		p.sale(1)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sales/s")
}

// BenchmarkGreySaleArithmetic is the bare arithmetic of the same sale on all three sides: with every key schedule made anew,
// and with those of lasting keys and of the session kept as the chips keep them.
func BenchmarkGreySaleArithmetic(b *testing.B) {
	for name, s := range map[string]pboc.Suite{"anew": pboc.TDES, "kept": pboc.Cached(pboc.TDES)} {
		b.Run(name, func(b *testing.B) {
			c := made(b, fuelcard.National())
			dpk, dtk := c.key("DPK"), c.key("DTK")
			sam := s.Diversify(c.keys.Masters["SAMTAC"], c.asn.Factor())
			for n := 0; b.Loop(); n++ {
				c.arithmetic(s, dpk, dtk, sam, pboc.PSAMTTC(n))
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sales/s")
		})
	}
}

// arithmetic is what a sale makes card, PSAM and checker compute; each has its own session key.
func (b *bench) arithmetic(s pboc.Suite, dpk, dtk, sam pboc.Key, ttc pboc.PSAMTTC) {
	tid := b.terminal()
	for range 2 { // card, and PSAM with its diversification
		ses := s.GreySession(dpk, [4]byte{1}, 1, ttc, [4]byte{3})
		s.MAC(ses, fuelcard.GreyMAC1Data(fuelcard.TypeGreyED, tid, saleTime))
		s.MAC(ses, fuelcard.GreyMAC2Data(10000, 1))
		s.MAC(ses, fuelcard.GMACData(100))
	}
	s.Diversify(b.keys.Masters["DPK"], b.issuer, b.asn.Factor())
	s.TAC(dtk, b.profile.GTACData(10000, 1, fuelcard.TypeGreyED, tid, ttc, saleTime))
	for range 2 { // made and checked
		s.TAC(dtk, fuelcard.UnlockTACData(100, fuelcard.TypeUnlockED, tid, ttc, saleTime))
		s.TAC(sam, samcard.TACData(100, samcard.TypeUnlockED, tid, ttc, saleTime))
	}
}

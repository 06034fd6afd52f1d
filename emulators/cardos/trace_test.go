package cardos_test

import (
	"testing"

	"greylock/emulators/cardos"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

// trace is what a card sees of a sale: identified, read, PIN, log, proof, balance, locked, debited, cleared. The two
// commands with a MAC are made anew for each sale. Source: card.md 12.1.
type trace struct {
	*bench
	reads [][]byte
	dpk   pboc.Key
	suite pboc.Suite
}

func newTrace(t testing.TB, profile fuelcard.Profile) *trace {
	b := made(t, profile)
	b.load(fuelcard.ED, 4_000_000_000)
	x := &trace{bench: b, dpk: b.key("DPK"), suite: pboc.Cached(b.suite)}
	for _, c := range []apdu.Command{
		fuelcard.SelectFile{FID: fuelcard.FIDMF}.Command(),
		fuelcard.SelectName{Name: profile.AIDPetrol}.Command(),
		fuelcard.ReadBinary{SFI: fuelcard.SFIPublic, Length: fuelcard.PublicLength}.Command(),
		fuelcard.ReadBinary{SFI: fuelcard.SFIHolder, Length: fuelcard.HolderLength}.Command(),
		fuelcard.ReadBinary{SFI: fuelcard.SFIOrdinary, Length: 32}.Command(),
		fuelcard.ReadBinary{SFI: fuelcard.SFILimits, Length: 66}.Command(),
		fuelcard.Verify{PIN: profile.DefaultPIN}.Command(),
		fuelcard.ReadRecord{SFI: fuelcard.SFILog, Number: 1, Length: fuelcard.LogLength}.Command(),
		fuelcard.GetLockProof{}.Command(),
		fuelcard.GetBalance{Purse: fuelcard.ED}.Command(),
	} {
		x.reads = append(x.reads, c.Bytes())
	}
	return x
}

// sale runs the commands of one sale and returns how many there were.
func (x *trace) sale(ttc pboc.PSAMTTC) (apdus int) {
	for _, c := range x.reads {
		x.raw(c)
	}
	tid := x.terminal()
	a, err := fuelcard.ParseInitGreyLockAnswer(x.raw(fuelcard.InitGreyLock{Purse: fuelcard.ED, KeyID: 1, TID: tid}.Command().Bytes()))
	must(x.t, err)
	ses := x.suite.GreySession(x.dpk, a.Rand, a.CTC, ttc, [4]byte{9})
	x.raw(fuelcard.GreyLock{TTC: ttc, TermRand: [4]byte{9}, Time: saleTime,
		MAC1: x.suite.MAC(ses, fuelcard.GreyMAC1Data(fuelcard.TypeGreyED, tid, saleTime))}.Command().Bytes())
	x.raw(fuelcard.DebitForUnlock{Purse: fuelcard.ED, Amount: 1, CTC: a.CTC, TID: tid, TTC: ttc, Time: saleTime,
		GMAC: x.suite.MAC(ses, fuelcard.GMACData(1))}.Command().Bytes())
	x.raw(clearing)
	return len(x.reads) + 4
}

var clearing = fuelcard.ClearTACUF{}.Command().Bytes()

// raw gives a command that must succeed.
func (x *trace) raw(c []byte) []byte {
	a, err := x.card.Transmit(c)
	if err != nil || len(a) < 2 || a[len(a)-2] != 0x90 {
		if n := len(a); n < 2 || a[n-2] != 0x62 {
			x.t.Fatalf("%X: %X %v", c, a, err)
		}
	}
	return a[:len(a)-2]
}

// BenchmarkMixedSaleTrace is the rate of a card's own commands over whole sales, with real 3DES or SM4, MACs and journaled
// memory; the two MACs of the terminal's side are in it too.
func BenchmarkMixedSaleTrace(b *testing.B) {
	for _, profile := range []fuelcard.Profile{fuelcard.National(), fuelcard.National().WithAlg(pboc.AlgSM4)} {
		b.Run(profile.Name, func(b *testing.B) {
			x := newTrace(b, profile)
			image := x.nv.Image()
			apdus := 0
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if n%60_000 == 59_999 { // before the CTC runs out
					must(b, x.nv.SetImage(image))
					x.card = cardos.New(x.nv, x.rnd, x.profile)
					x.reset()
					x.enter()
				}
				apdus += x.sale(pboc.PSAMTTC(n))
			}
			b.ReportMetric(float64(apdus)/b.Elapsed().Seconds(), "APDU/s")
		})
	}
}

package terminal

import (
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greylock/fixtures"
	"greylock/system/card"
	"greylock/system/card/cardtest"
	"greylock/system/clock"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/samcard"
)

// The worked chain of card.md 15.3 as playbacks: every byte that a terminal sends, in order.

const (
	fileLimits = "FFFF FF FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF FFFF FF FFFFFFFF FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"

	identifyC = `
> 00A40000 02 3F00
< 9000
> 00A40400 0C A00000000353494E4F504543 00
< 9000
> 00B09500 1E
< 10FFFFFFFFFFFFFF 11 01 01000114400000123456 20200101 20301231 01 00 9000
> E0CA0000 1E
< 000000000000000000000000000000000000000000000000000000000000 9000
> 805C0001 04
< 00002710 9000
> 00B09600 29
< 01 00 D5C5C8FD00000000000000000000000000000000 FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF 00 9000
> 00B09B00 27
< 00 01 0000 0000000000000000000000000000000000000000000000000000000000000000000000 9000
> 00B09C00 60
< ` + fileLimits + ` 9000
`
	psamC = `
> 00A40000 02 3F00
< 9000
> 00B09500 0E
< 01001014400000000007 01 01 01 01 9000
> 00B09600 06
< 134400000001 9000
> 00A40400 0D A00000000353494E4F50454331 00
< 9000
> 00B09700 19
< 01 10FFFFFFFFFFFFFF 10FFFFFFFFFFFFFF 20200101 20301231 9000
`
)

func chainTerminal(t *testing.T, user, psam string) (*Terminal, *fakeLog) {
	t.Helper()
	log := &fakeLog{}
	term := &Terminal{Profile: fuelcard.National(), Clock: func() clock.Instant { return benchTime }, Rand: zeroes{}, Log: log}
	if user != "" {
		term.Card = cardtest.Script(t, "card", user)
	}
	if psam != "" {
		term.PSAM = cardtest.Script(t, "psam", psam)
	}
	return term, log
}

func mac(t testing.TB, s string) (m pboc.MAC) {
	t.Helper()
	if err := m.UnmarshalText([]byte(s)); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestChainC plays the grey-lock sale of card.md 15.3 C byte for byte, with the log as trust.md 1.1 orders it.
func TestChainC(t *testing.T) {
	t.Parallel()
	term, log := chainTerminal(t, identifyC+`
> 00200000 03 999999
< 9000
> 00B201C4 17
< 6A83
> E07A0801 07 01 134400000001 0F
< 00002710 0000 000000 01 00 5A5A0001 9000
> E07C0800 13 00000012 C3C30002 20261122 102030 3DB5DE4B 08
< 53809007 36C1D13B 9000
> E07E0801 1B 00001388 0000 134400000001 00000012 20261122 102030 6A81DD13 04
< FDF92097 9000
> E0CA0100 00
< 9000
`, psamC+`
> E0400000 24 5A5A0001 0000 00002710 91 20261122 102030 01 00 0114400000123456 10FFFFFFFFFFFFFF 0C
< 00000012 C3C30002 3DB5DE4B 9000
> E0420000 04 36C1D13B
< 9000
> E0440000 0F 93 0114400000123456 0000 00001388 08
< 6A81DD13 2F99CF02 9000
> 801A0801 00
< 9000
> 80FA0500 68 0000000000000000 00000501002026112210235501000114400000123456000013880013880000FDF920976A81DD132F99CF02010010144000000000071344000000010000001200100110021020 0002BC02CA010001E240FFFFFFFFFFFFFFFFFFFFFF 8000000000 00
< 152BFCC5 9000
`)
	log.entries = []Entry{{Kind: Done, Sale: record.SaleID{TID: pboc.TID{0x13, 0x44, 0, 0, 0, 1}, TTC: 0x11}}}
	if _, err := term.ReadPSAM(); err != nil {
		t.Fatal(err)
	}
	id, err := term.Identify()
	if err != nil || id.Refused != nil || id.Balance != 10000 || id.UserPIN() {
		t.Fatalf("identity %+v, %v", id, err)
	}
	if err := term.VerifyPIN(term.Profile.DefaultPIN); err != nil {
		t.Fatal(err)
	}
	if history, err := term.History(); err != nil || len(history) != 0 {
		t.Fatal(history, err)
	}
	l, err := term.Lock(id, 1)
	if err != nil {
		t.Fatal(err)
	}
	end := l.Entry(FuelEnd)
	end.Amount = l.Cap(5000)
	ended, err := term.Note(end)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := term.Sign(l, ended)
	if err != nil {
		t.Fatal(err)
	}
	paid, err := term.Debit(l, sig)
	if err != nil {
		t.Fatal(err)
	}
	tmac, err := term.TMAC(span(t))
	if err != nil || tmac != mac(t, "152BFCC5") {
		t.Fatal(tmac, err)
	}
	done, err := term.Note(paid.Entry())
	if err != nil {
		t.Fatal(err)
	}
	if err := term.ClearTACUF(done); err != nil {
		t.Fatal(err)
	}
	stamp := [7]byte{0x20, 0x26, 0x11, 0x22, 0x10, 0x20, 0x30}
	sale := record.SaleID{TID: pboc.TID{0x13, 0x44, 0, 0, 0, 1}, TTC: 0x12}
	begin := Entry{Kind: Begin, Sale: sale, PSAM: fixtures.TestCards().PSAMs[0].Number, ASN: id.ASN, Balance: 10000, Stamp: stamp, Nozzle: 1}
	fuel := begin
	fuel.Kind, fuel.GTAC, fuel.Amount = FuelEnd, mac(t, "53809007"), 5000
	last := fuel
	last.Kind, last.GMAC, last.PSAMTAC, last.TAC = Done, mac(t, "6A81DD13"), mac(t, "2F99CF02"), mac(t, "FDF92097")
	if diff := cmp.Diff([]Entry{begin, fuel, last}, log.entries[1:]); diff != "" {
		t.Error(diff)
	}
}

// span is the record of card.md 15.3 G, 91 bytes.
func span(t testing.TB) []byte {
	t.Helper()
	b, err := hex.DecodeString("0000050100202611221023550100011440000012345600001388001388" +
		"0000FDF920976A81DD132F99CF020100101440000000000713440000000100000012001001100210200002BC02CA010001E240FFFFFFFFFFFFFFFFFFFFFF")
	if err != nil || len(b) != 91 {
		t.Fatal(len(b), err)
	}
	return b
}

// TestChainA plays the load of card.md 15.3 A.
func TestChainA(t *testing.T) {
	t.Parallel()
	term, _ := chainTerminal(t, `
> 80500001 0B 01 00002710 134400000001 10
< 00000000 0000 01 00 A1B2C3D4 64310405 9000
> 80520000 0B 20261122 093000 4CF807F2 04
< 503B445A 9000
`, "")
	asn := fixtures.TestCards().Users[0]
	l, err := term.InitForLoad(asn, 10000, pboc.TID{0x13, 0x44, 0, 0, 0, 1})
	if err != nil {
		t.Fatal(err)
	}
	want := record.LoadQuestion{Outlet: "0101", ASN: asn, Amount: 10000, TID: pboc.TID{0x13, 0x44, 0, 0, 0, 1}, Version: 1,
		Rand: record.Hex{0xA1, 0xB2, 0xC3, 0xD4}, MAC1: mac(t, "64310405")}
	if diff := cmp.Diff(want, l.Question("0101")); diff != "" {
		t.Error(diff)
	}
	tac, err := term.CreditForLoad(record.LoadAnswer{Date: record.Hex{0x20, 0x26, 0x11, 0x22}, Time: record.Hex{0x09, 0x30, 0x00},
		MAC2: mac(t, "4CF807F2")})
	if err != nil || tac != mac(t, "503B445A") {
		t.Error(tac, err)
	}
}

// TestChainD plays the online unlock of card.md 15.3 D.
func TestChainD(t *testing.T) {
	t.Parallel()
	term, _ := chainTerminal(t, `
> E07A0901 07 01 134400009999 12
< 00002710 0001 0001 01 00 77889900 CE8F7251 9000
> E07E0900 0F 00001388 20261124 150000 BE1398F7 04
< DBC67897 9000
`, "")
	proof, err := fuelcard.ParseLockProof(must(t, "01910100002710000013440000000120261122102030"+"36C1D13B53809007"))
	if err != nil {
		t.Fatal(err)
	}
	id := Identity{ASN: fixtures.TestCards().Users[0], Proof: proof}
	u, err := term.InitOnlineUnlock(id, pboc.TID{0x13, 0x44, 0, 0, 0x99, 0x99})
	if err != nil {
		t.Fatal(err)
	}
	if q := u.Question("0101"); q.OnlineSN != 1 || q.CTC != 1 || q.Balance != 10000 || q.MAC1 != mac(t, "CE8F7251") || len(q.Proof) != 30 {
		t.Errorf("%+v", q)
	}
	paid, err := term.OnlineUnlock(u, record.UnlockAnswer{Amount: 5000, Date: record.Hex{0x20, 0x26, 0x11, 0x24},
		Time: record.Hex{0x15, 0, 0}, MAC2: mac(t, "BE1398F7")})
	if err != nil || paid.TAC != mac(t, "DBC67897") || paid.Balance != 5000 || paid.CTC != 1 {
		t.Errorf("%+v %v", paid, err)
	}
}

// sealed is a vault that knows DAMK of chain 1.
type sealed struct{}

func (sealed) Seal(asn pboc.ASN, issuer pboc.Issuer, challenge []byte, c apdu.Command) (apdu.Command, error) {
	p := fuelcard.National()
	damk := pboc.TDES.Diversify(fixtures.TestKeys().Masters["DAMK"], p.Factors("DAMK", issuer, asn)...)
	return fuelcard.Seal(pboc.TDES, damk, challenge, c), nil
}

// TestChainF plays the secured update of card.md 15.3 F.
func TestChainF(t *testing.T) {
	t.Parallel()
	term, _ := chainTerminal(t, `
> 00840000 04
< 99AABBCC 9000
> 04D69C2B 0B FFFF 05 0000C350 A36056F4
< 9000
> 00840000 04
< 99AABBCC 9000
> 841E0000 04 BEA40846
< 9000
`, "")
	cards := fixtures.TestCards()
	id := Identity{ASN: cards.Users[0], Public: fuelcard.PublicData{Issuer: cards.Issuer}}
	if err := term.WriteSecure(id, sealed{}, fuelcard.SFILimits, 0x2B, must(t, "FFFF050000C350")); err != nil {
		t.Error(err)
	}
	if err := term.Secure(id, sealed{}, "应用锁定 (APPLICATION BLOCK)", fuelcard.ApplicationBlock{}.Command()); err != nil {
		t.Error(err)
	}
}

func must(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// FuzzAnswers: whatever a card answers, a terminal neither panics nor takes a lock or a payment for granted that the
// models did not make.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte{2, 0x90, 0x00, 2, 0x90, 0x00})
	f.Add([]byte{17, 0, 0, 0x27, 0x10, 0, 0, 0, 0, 0, 1, 0, 0x5A, 0x5A, 0, 1, 0x90, 0x00, 10, 1, 2, 3, 4, 5, 6, 7, 8, 0x90, 0})
	f.Fuzz(func(t *testing.T, answers []byte) {
		b := newBench(t)
		b.psam.selected = true
		b.term.Card = garbage{&answers}
		b.term.SAM = SAM{Number: b.psam.number, TID: b.psam.tid, Application: samcard.SAMApplication{KeyIndex: 1}}
		if id, err := b.term.Identify(); err == nil && id.Refused == nil && id.ASN[0] != 1 {
			t.Errorf("a card number of %v passed", id.ASN[0])
		}
		id := Identity{ASN: b.card.asn, Public: fuelcard.PublicData{Issuer: b.card.issuer}}
		if l, err := b.term.Lock(id, 1); err == nil {
			t.Errorf("locked: %+v", l)
		}
		if b.psam.ttc > 0 && !b.log.has(Begin, 1) && len(answers) > 0 && b.psam.stage > 1 {
			t.Error("certified without BEGIN")
		}
	})
}

type garbage struct{ rest *[]byte }

func (g garbage) Transmit([]byte) ([]byte, error) {
	if len(*g.rest) == 0 {
		return nil, card.ErrRemoved
	}
	n := min(int((*g.rest)[0]), len(*g.rest)-1)
	answer := (*g.rest)[1 : 1+n]
	*g.rest = (*g.rest)[1+n:]
	return answer, nil
}

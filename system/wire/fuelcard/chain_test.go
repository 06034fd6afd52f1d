package fuelcard_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"greylock/fixtures"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

// The worked chains A to F of card.md 15.3, through the structs, byte for byte.

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type party struct {
	testing.TB
	national fuelcard.Profile
}

// key is a card key of chain 1.
func (p party) key(name string) pboc.Key {
	master, ok := fixtures.TestKeys().Masters[p.national.MasterOf(name)]
	if !ok {
		p.Fatalf("no test key %s", name)
	}
	cards := fixtures.TestCards()
	return pboc.TDES.Diversify(master, p.national.Factors(name, cards.Issuer, cards.Users[0])...)
}

// sends checks the bytes of a command and that they decode to the same struct.
func sends[T interface {
	Command() apdu.Command
	comparable
}](p party, x T, parse func(apdu.Command) (T, error), want string) {
	p.Helper()
	b := unhex(p, want)
	if got := x.Command().Bytes(); !bytes.Equal(got, b) {
		p.Errorf("%T\n got %X\nwant %X", x, got, b)
	}
	c, err := apdu.ParseCommand(b)
	if err != nil {
		p.Fatal(err)
	}
	if back, err := parse(c); err != nil || back != x {
		p.Errorf("%X decodes to %+v, %v; want %+v", b, back, err, x)
	}
}

// answers checks the bytes of answer data and that they decode to the same struct.
func answers[T interface {
	Bytes() []byte
	comparable
}](p party, x T, parse func([]byte) (T, error), want string) {
	p.Helper()
	b := unhex(p, want)
	if got := x.Bytes(); !bytes.Equal(got, b) {
		p.Errorf("%T\n got %X\nwant %X", x, got, b)
	}
	if back, err := parse(b); err != nil || back != x {
		p.Errorf("%X decodes to %+v, %v; want %+v", b, back, err, x)
	}
}

func (p party) over(what string, got []byte, want string) []byte {
	p.Helper()
	if !bytes.Equal(got, unhex(p, want)) {
		p.Errorf("%s is over\n     %X\nwant %s", what, got, want)
	}
	return got
}

func (p party) mac(s string) (m pboc.MAC)        { p.Helper(); copy(m[:], unhex(p, s)); return m }
func (p party) tid(s string) (t pboc.TID)        { p.Helper(); copy(t[:], unhex(p, s)); return t }
func (p party) time(s string) (t [7]byte)        { p.Helper(); copy(t[:], unhex(p, s)); return t }
func (p party) four(s string) (t [4]byte)        { p.Helper(); copy(t[:], unhex(p, s)); return t }
func (p party) session(s pboc.Session, w string) { p.Helper(); p.over("session", s.Bytes(), w) }

func newParty(t *testing.T) party {
	t.Parallel()
	return party{t, fuelcard.National()}
}

func TestChainALoad(t *testing.T) {
	p := newParty(t)
	tid, at := p.tid("134400000001"), p.time("20261122 093000")
	s := pboc.TDES.LoadSession(p.key("DLK"), p.four("A1B2C3D4"), 0)
	p.session(s, "C9E819A6809FC616")
	kind := fuelcard.ED.LoadType()
	mac1 := pboc.TDES.MAC(s, p.over("MAC1", fuelcard.LoadMAC1Data(0, 10000, kind, tid), "000000000000271001134400000001"))
	mac2 := pboc.TDES.MAC(s, p.over("MAC2", fuelcard.LoadMAC2Data(10000, kind, tid, at), "000027100113440000000120261122093000"))
	tac := pboc.TDES.TAC(p.key("DTK"), p.over("TAC", fuelcard.LoadTACData(10000, 0, 10000, kind, tid, at),
		"000027100000000027100113440000000120261122093000"))
	sends(p, fuelcard.InitForLoad{Purse: fuelcard.ED, KeyID: 1, Amount: 10000, TID: tid}, fuelcard.ParseInitForLoad,
		"80 50 00 01 0B 01 00002710 134400000001 10")
	answers(p, fuelcard.InitForLoadAnswer{Balance: 0, OnlineSN: 0, KeyVersion: 1, Alg: 0, Rand: p.four("A1B2C3D4"), MAC1: mac1},
		fuelcard.ParseInitForLoadAnswer, "00000000 0000 01 00 A1B2C3D4 64310405")
	sends(p, fuelcard.CreditForLoad{Time: at, MAC2: mac2}, fuelcard.ParseCreditForLoad, "80 52 00 00 0B 20261122 093000 4CF807F2 04")
	answers(p, fuelcard.CreditForLoadAnswer{TAC: tac}, fuelcard.ParseCreditForLoadAnswer, "503B445A")
}

func TestChainBPurchase(t *testing.T) {
	p := newParty(t)
	tid, at := p.tid("134400000001"), p.time("20261122 101500")
	s := pboc.TDES.PurchaseSession(p.key("DPK"), p.four("0BADF00D"), 0, 0x11)
	p.session(s, "EEF9590A84346CD1")
	kind := fuelcard.EP.PurchaseType()
	mac1 := pboc.TDES.MAC(s, p.over("MAC1", fuelcard.PurchaseMAC1Data(1234, kind, tid, at), "000004D20613440000000120261122101500"))
	mac2 := pboc.TDES.MAC(s, p.over("MAC2", fuelcard.PurchaseMAC2Data(1234), "000004D2"))
	tac := pboc.TDES.TAC(p.key("DTK"), p.over("TAC", fuelcard.PurchaseTACData(1234, kind, tid, 0x11, at),
		"000004D2061344000000010000001120261122101500"))
	sends(p, fuelcard.InitForPurchase{Purse: fuelcard.EP, KeyID: 1, Amount: 1234, TID: tid}, fuelcard.ParseInitForPurchase,
		"80 50 01 02 0B 01 000004D2 134400000001 0F")
	sends(p, fuelcard.DebitForPurchase{TTC: 0x11, Time: at, MAC1: mac1}, fuelcard.ParseDebitForPurchase,
		"80 54 01 00 0F 00000011 20261122 101500 6A194A00 08")
	answers(p, fuelcard.DebitForPurchaseAnswer{TAC: tac, MAC2: mac2}, fuelcard.ParseDebitForPurchaseAnswer, "AC870D36 A02A35F9")
}

func TestChainCGreyLock(t *testing.T) {
	p := newParty(t)
	tid, at := p.tid("134400000001"), p.time("20261122 102030")
	s := pboc.TDES.GreySession(p.key("DPK"), p.four("5A5A0001"), 0, 0x12, p.four("C3C30002"))
	p.session(s, "F98E75B173BDD117")
	grey, unlock := fuelcard.ED.GreyType(), fuelcard.ED.UnlockType()
	mac1 := pboc.TDES.MAC(s, p.over("MAC1", fuelcard.GreyMAC1Data(grey, tid, at), "9113440000000120261122102030"))
	mac2 := pboc.TDES.MAC(s, p.over("MAC2", fuelcard.GreyMAC2Data(10000, 0), "000027100000"))
	gmac := pboc.TDES.MAC(s, p.over("GMAC", fuelcard.GMACData(5000), "00001388"))
	gtac := pboc.TDES.TAC(p.key("DTK"), p.over("GTAC", p.national.GTACData(10000, 0, grey, tid, 0x12, at),
		"000027100000911344000000010000001220261122102030"))
	tac := pboc.TDES.TAC(p.key("DTK"), p.over("TAC", fuelcard.UnlockTACData(5000, unlock, tid, 0x12, at),
		"00001388931344000000010000001220261122102030"))
	sends(p, fuelcard.InitGreyLock{Purse: fuelcard.ED, KeyID: 1, TID: tid}, fuelcard.ParseInitGreyLock, "E0 7A 08 01 07 01 134400000001 0F")
	answers(p, fuelcard.InitGreyLockAnswer{Balance: 10000, KeyVersion: 1, Rand: p.four("5A5A0001")},
		fuelcard.ParseInitGreyLockAnswer, "00002710 0000 000000 01 00 5A5A0001")
	sends(p, fuelcard.GreyLock{TTC: 0x12, TermRand: p.four("C3C30002"), Time: at, MAC1: mac1}, fuelcard.ParseGreyLock,
		"E0 7C 08 00 13 00000012 C3C30002 20261122 102030 3DB5DE4B 08")
	answers(p, fuelcard.GreyLockAnswer{GTAC: gtac, MAC2: mac2}, fuelcard.ParseGreyLockAnswer, "53809007 36C1D13B")
	sends(p, fuelcard.DebitForUnlock{Purse: fuelcard.ED, Amount: 5000, CTC: 0, TID: tid, TTC: 0x12, Time: at, GMAC: gmac},
		fuelcard.ParseDebitForUnlock, "E0 7E 08 01 1B 00001388 0000 134400000001 00000012 20261122 102030 6A81DD13 04")
	answers(p, fuelcard.DebitForUnlockAnswer{TAC: tac}, fuelcard.ParseDebitForUnlockAnswer, "FDF92097")
	sends(p, fuelcard.GetLockProof{}, fuelcard.ParseGetLockProof, "E0 CA 00 00 1E")
	locked := fuelcard.LockProof{State: fuelcard.Grey, Type: grey, Wallet: fuelcard.ED, Balance: 10000, TID: tid, Time: at,
		Detail: mac2, Code: gtac}
	answers(p, locked, fuelcard.ParseLockProof, "01 91 01 00002710 0000 134400000001 20261122102030 36C1D13B 53809007")
	if locked.MAC2() != mac2 {
		t.Errorf("MAC2 of the proof %s", locked.MAC2())
	}
	done := fuelcard.LockProof{State: fuelcard.TACUnread, Type: unlock, Wallet: fuelcard.ED, Balance: 5000, TID: tid, Time: at, Code: tac}
	done.SetAmount(5000)
	answers(p, done, fuelcard.ParseLockProof, "10 93 01 00001388 0000 134400000001 20261122102030 00001388 FDF92097")
	if done.Amount() != 5000 || done.Online() {
		t.Errorf("amount of the proof %s, online %v", done.Amount(), done.Online())
	}
	sends(p, fuelcard.ClearTACUF{}, fuelcard.ParseClearTACUF, "E0 CA 01 00 00")
}

func TestChainDOnlineUnlock(t *testing.T) {
	p := newParty(t)
	tid, at := p.tid("134400009999"), p.time("20261124 150000")
	s := pboc.TDES.LoadSession(p.key("DUGK"), p.four("77889900"), 1)
	p.session(s, "BAE11D5EC4427DD1")
	kind := fuelcard.ED.OnlineType()
	mac1 := pboc.TDES.MAC(s, p.over("MAC1", fuelcard.OnlineMAC1Data(10000, 1, kind, tid), "00002710000195134400009999"))
	mac2 := pboc.TDES.MAC(s, p.over("MAC2", fuelcard.OnlineMAC2Data(5000, kind, tid, at), "000013889513440000999920261124150000"))
	mac3 := pboc.TDES.MAC(s, p.over("MAC3", fuelcard.OnlineMAC3Data(5000, 1, 5000, kind, tid, at),
		"000013880001000013889513440000999920261124150000"))
	sends(p, fuelcard.InitGreyUnlock{Purse: fuelcard.ED, KeyID: 1, TID: tid}, fuelcard.ParseInitGreyUnlock, "E0 7A 09 01 07 01 134400009999 12")
	answers(p, fuelcard.InitGreyUnlockAnswer{Balance: 10000, CTC: 1, OnlineSN: 1, KeyVersion: 1, Rand: p.four("77889900"), MAC1: mac1},
		fuelcard.ParseInitGreyUnlockAnswer, "00002710 0001 0001 01 00 77889900 CE8F7251")
	sends(p, fuelcard.GreyUnlock{Amount: 5000, Time: at, MAC2: mac2}, fuelcard.ParseGreyUnlock, "E0 7E 09 00 0F 00001388 20261124 150000 BE1398F7 04")
	answers(p, fuelcard.GreyUnlockAnswer{MAC3: mac3}, fuelcard.ParseGreyUnlockAnswer, "DBC67897")
}

func TestChainEUnload(t *testing.T) {
	p := newParty(t)
	tid, at := p.tid("134400009999"), p.time("20261124 150000")
	s := pboc.TDES.LoadSession(p.key("DULK"), p.four("01020304"), 1)
	p.session(s, "BE6204E6F023CBD9")
	mac1 := pboc.TDES.MAC(s, p.over("MAC1", fuelcard.UnloadMAC1Data(5000, 5000, tid), "000013880000138803134400009999"))
	mac2 := pboc.TDES.MAC(s, p.over("MAC2", fuelcard.UnloadMAC2Data(5000, tid, at), "000013880313440000999920261124150000"))
	mac3 := pboc.TDES.MAC(s, p.over("MAC3", fuelcard.UnloadMAC3Data(0, 1, 5000, tid, at),
		"000000000001000013880313440000999920261124150000"))
	if mac1 != p.mac("A3B74553") || mac2 != p.mac("60CE2040") || mac3 != p.mac("F69B7185") {
		t.Errorf("MAC1 %s MAC2 %s MAC3 %s", mac1, mac2, mac3)
	}
	sends(p, fuelcard.InitForUnload{KeyID: 1, Amount: 5000, TID: tid}, fuelcard.ParseInitForUnload, "80 50 05 01 0B 01 00001388 134400009999 10")
	answers(p, fuelcard.InitForUnloadAnswer{Balance: 5000, OnlineSN: 1, KeyVersion: 1, Rand: p.four("01020304"), MAC1: mac1},
		fuelcard.ParseInitForUnloadAnswer, "00001388 0001 01 00 01020304 A3B74553")
	sends(p, fuelcard.DebitForUnload{Time: at, MAC2: mac2}, fuelcard.ParseDebitForUnload, "80 54 03 00 0B 20261124 150000 60CE2040 04")
	answers(p, fuelcard.DebitForUnloadAnswer{MAC3: mac3}, fuelcard.ParseDebitForUnloadAnswer, "F69B7185")
}

func TestChainFPINAndSecureMessaging(t *testing.T) {
	p := newParty(t)
	pin := fuelcard.PIN{0x12, 0x34, 0x56}
	reload := fuelcard.ReloadPIN{KeyID: 0, PIN: pin, MAC: pboc.TDES.TAC(p.key("DRPK"), fuelcard.ReloadPINData(pin))}
	dpuk, damk := p.key("DPUK"), p.key("DAMK")
	unblock := fuelcard.PINUnblock{P2: 1, Cipher: pboc.TDES.Encipher(dpuk, pin)}.Command()
	limits := fuelcard.SecureUpdateBinary{SFI: fuelcard.SFILimits, Offset: fuelcard.LimitsOffsetPerFill, Data: unhex(t, "FFFF 05 0000C350")}.Command()
	block := fuelcard.ApplicationBlock{}.Command()
	for _, c := range []struct {
		what string
		got  apdu.Command
		want string
	}{
		{"RELOAD PIN", reload.Command(), "80 5E 00 00 07 123456 3226A4AC"},
		{"PIN UNBLOCK", fuelcard.Seal(pboc.TDES, dpuk, unhex(t, "11223344"), unblock), "84 24 00 01 0C 9083BC6AB3E169CA 9C8DE297"},
		{"UPDATE BINARY", fuelcard.Seal(pboc.TDES, damk, unhex(t, "99AABBCC"), limits), "04 D6 9C 2B 0B FFFF 05 0000C350 A36056F4"},
		{"APPLICATION BLOCK", fuelcard.Seal(pboc.TDES, damk, unhex(t, "99AABBCC"), block), "84 1E 00 00 04 BEA40846"},
	} {
		if got := c.got.Bytes(); !bytes.Equal(got, unhex(t, c.want)) {
			t.Errorf("%s\n got %X\nwant %s", c.what, got, c.want)
		}
	}
}

func TestGTACAlternates(t *testing.T) {
	p := newParty(t)
	for form, want := range map[fuelcard.GTACString]string{
		fuelcard.GTACBalCTC: "53809007", fuelcard.GTACFMCOSZero: "9C776394", fuelcard.GTACFMCOSBalance: "13DE7AB9"} {
		profile := p.national
		profile.GTACString = form
		got := pboc.TDES.TAC(p.key("DTK"), profile.GTACData(10000, 0, fuelcard.TypeGreyED, p.tid("134400000001"), 0x12, p.time("20261122102030")))
		if got != p.mac(want) {
			t.Errorf("%s: %s, want %s", form, got, want)
		}
	}
}

func TestReadsOfARealDispenser(t *testing.T) {
	p := newParty(t)
	sends(p, fuelcard.ReadBinary{SFI: fuelcard.SFIPublic, Length: fuelcard.PublicLength}, fuelcard.ParseReadBinary, "00 B0 95 00 1E")
	sends(p, fuelcard.ReadBinary{SFI: fuelcard.SFIHolder, Length: fuelcard.HolderLength}, fuelcard.ParseReadBinary, "00 B0 96 00 29")
	sends(p, fuelcard.ReadBinary{SFI: fuelcard.SFILimits, Length: 0x42}, fuelcard.ParseReadBinary, "00 B0 9C 00 42")
	sends(p, fuelcard.ReadRecord{SFI: fuelcard.SFILog, Number: 3, Length: fuelcard.LogLength}, fuelcard.ParseReadRecord, "00 B2 03 C4 17")
	sends(p, fuelcard.GetBalance{Purse: fuelcard.ED}, fuelcard.ParseGetBalance, "80 5C 00 01 04")
	sends(p, fuelcard.GetChallenge{Length: 4}, fuelcard.ParseGetChallenge, "00 84 00 00 04")
	sends(p, fuelcard.GetTransactionProve{Type: fuelcard.TypeLoadED, SN: 7}, fuelcard.ParseGetTransactionProve, "80 5A 00 01 02 0007 08")
	sends(p, fuelcard.SelectFile{FID: fuelcard.FIDMF}, fuelcard.ParseSelectFile, "00 A4 00 00 02 3F00")
	aid := fuelcard.SelectName{Name: p.national.AIDPetrol}.Command().Bytes()
	if !bytes.Equal(aid, unhex(t, "00 A4 04 00 0C A000000003 53494E4F504543 00")) {
		t.Errorf("SELECT petrol %X", aid)
	}
}

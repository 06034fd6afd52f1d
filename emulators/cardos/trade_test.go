package cardos_test

import (
	"bytes"
	"testing"

	"greylock/emulators/cardos"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

// buy is what a terminal with a PSAM would answer an INIT of a purchase, cash or compound purchase with: the DEBIT and the
// answer that it expects. The terminal's serial is 77.
func (b *bench) buy(init apdu.Command, t fuelcard.TxType, amount int64) (debit apdu.Command, want fuelcard.DebitForPurchaseAnswer) {
	b.t.Helper()
	a, err := fuelcard.ParseInitForPurchaseAnswer(b.ok(init))
	must(b.t, err)
	const ttc = 0x77
	ses := b.suite.PurchaseSession(b.key("DPK"), a.Rand, a.CTC, ttc)
	debit = fuelcard.DebitForPurchase{TTC: ttc, Time: saleTime,
		MAC1: b.suite.MAC(ses, fuelcard.PurchaseMAC1Data(fen(amount), t, b.terminal(), saleTime))}.Command()
	want.TAC = b.suite.TAC(b.key("DTK"), fuelcard.PurchaseTACData(fen(amount), t, b.terminal(), ttc, saleTime))
	want.MAC2 = b.suite.MAC(ses, fuelcard.PurchaseMAC2Data(fen(amount)))
	return debit, want
}

// purchase begins a purchase of the ED and returns its DEBIT.
func (b *bench) purchase(amount int64) apdu.Command {
	b.t.Helper()
	debit, _ := b.buy(fuelcard.InitForPurchase{Purse: fuelcard.ED, KeyID: 1, Amount: fen(amount), TID: b.terminal()}.Command(),
		fuelcard.TypePurchaseED, amount)
	return debit
}

// done sends a DEBIT, compares all of its answer, and the proof of it by both serials.
func (b *bench) done(debit apdu.Command, want fuelcard.DebitForPurchaseAnswer, t fuelcard.TxType, ctc pboc.CTC) {
	b.t.Helper()
	if got := b.ok(debit); !bytes.Equal(got, want.Bytes()) {
		b.t.Fatalf("type %02X answers %X, want %X", byte(t), got, want.Bytes())
	}
	b.proves(t, uint16(ctc), want.MAC2, want.TAC)
}

// proves asks for the proof of the last transaction of a type, whose serial was sn before its increment.
func (b *bench) proves(t fuelcard.TxType, sn uint16, mac, tac pboc.MAC) {
	b.t.Helper()
	for _, q := range []struct {
		sn    uint16
		taken bool
	}{{sn, b.profile.ProveSerial != fuelcard.ProveAfter}, {sn + 1, b.profile.ProveSerial != fuelcard.ProveBefore}, {sn + 2, false}} {
		a := b.send(fuelcard.GetTransactionProve{Type: t, SN: q.sn}.Command())
		if q.taken && (a.SW != apdu.OK || !bytes.Equal(a.Data, fuelcard.TransactionProveAnswer{MAC: mac, TAC: tac}.Bytes())) ||
			!q.taken && a.SW != apdu.ProofNotAvailable {
			b.t.Errorf("prove_serial %s, serial %d, asked %d of type %02X: %X %v", b.profile.ProveSerial, sn, q.sn, byte(t), a.Data, a.SW)
		}
	}
}

// limit changes the overdraft limit as an issuer does; want is the expected status word.
func (b *bench) limit(limit int64, want apdu.SW) (sn pboc.OnlineSN, tac pboc.MAC) {
	b.t.Helper()
	a, err := fuelcard.ParseInitForUpdateAnswer(b.ok(fuelcard.InitForUpdate{KeyID: 1, TID: b.terminal()}.Command()))
	must(b.t, err)
	ses := b.suite.LoadSession(b.key("DOLK"), a.Rand, a.OnlineSN)
	if a.MAC1 != b.suite.MAC(ses, fuelcard.OverdraftMAC1Data(a.Balance, a.Overdraft, b.terminal())) {
		b.t.Fatal("MAC1 of the overdraft update is wrong")
	}
	got := b.send(fuelcard.UpdateOverdraw{Limit: fen(limit), Time: saleTime,
		MAC2: b.suite.MAC(ses, fuelcard.OverdraftMAC2Data(fen(limit), b.terminal(), saleTime))}.Command())
	if got.SW != want {
		b.t.Fatalf("overdraft limit %d: %v, want %v", limit, got.SW, want)
	}
	if want != apdu.OK {
		return a.OnlineSN, tac
	}
	data := fuelcard.OverdraftTACData(a.Balance-a.Overdraft+fen(limit), a.OnlineSN, fen(limit), b.terminal(), saleTime)
	tac = b.profile.OverdraftTAC(b.suite, b.key("DTK"), data)
	if !bytes.Equal(got.Data, tac[:]) {
		b.t.Fatalf("TAC of the overdraft update %X, want %X", got.Data, tac[:])
	}
	return a.OnlineSN, tac
}

// cappFile is a variable-record file for compound purchases; SFI 19.
const cappSFI = 0x19

var cappFile = fuelcard.CreateFile{FID: cappSFI, Data: fuelcard.BinarySpec{Kind: fuelcard.KindVariable, Length: 40, Read: 0xF0, Write: 0xF0, KeyBits: 0x83}.Bytes()}

// both is a card with ED and EP, 100.00 on each, and two records for compound purchases.
func both(t testing.TB, profile fuelcard.Profile) *bench {
	t.Helper()
	b := made(t, profile, epFile, cappFile)
	for _, r := range [][]byte{{0xA1, 1, 1}, {0xA2, 2, 2, 2}} {
		b.ok(fuelcard.AppendRecord{SFI: cappSFI, Data: r}.Command())
	}
	b.load(fuelcard.ED, 10_000)
	b.load(fuelcard.EP, 10_000)
	return b
}

// Every kind of trade of both purses, with every code and every proof, on every vendor's card in both suites.
// Source: card.md 5.3, 6.2.
func TestTrades(t *testing.T) {
	t.Parallel()
	for _, profile := range fuelcard.Profiles() {
		t.Run(profile.Name, func(t *testing.T) {
			t.Parallel()
			b := both(t, profile)
			tid := b.terminal()
			debit, want := b.buy(fuelcard.InitForPurchase{Purse: fuelcard.ED, KeyID: 1, Amount: 100, TID: tid}.Command(), fuelcard.TypePurchaseED, 100)
			b.done(debit, want, fuelcard.TypePurchaseED, 0)
			debit, want = b.buy(fuelcard.InitForCash{KeyID: 1, Amount: 200, TID: tid}.Command(), fuelcard.TypeCash, 200)
			b.done(debit, want, fuelcard.TypeCash, 1)
			debit, want = b.buy(fuelcard.InitForPurchase{Purse: fuelcard.EP, KeyID: 1, Amount: 300, TID: tid}.Command(), fuelcard.TypePurchaseEP, 300)
			b.done(debit, want, fuelcard.TypePurchaseEP, 0)
			debit, want = b.buy(fuelcard.InitForCAPP{KeyID: 1, Amount: 400, TID: tid}.Command(), fuelcard.TypeCAPP, 400)
			b.ok(fuelcard.UpdateCAPPCache{RecordType: 0xA2, SFI: cappSFI, Data: []byte{0xA2, 9, 9, 9}}.Command())
			b.done(debit, want, fuelcard.TypeCAPP, 1)
			if r := b.ok(fuelcard.ReadRecord{SFI: cappSFI, Number: 2}.Command()); !bytes.Equal(r, []byte{0xA2, 9, 9, 9}) {
				t.Errorf("record of the compound purchase %X", r)
			}
			b.unload(500)
			sn, tac := b.limit(5_000, apdu.OK)
			b.proves(fuelcard.TypeOverdraft, uint16(sn), pboc.MAC{}, tac)
			if o := b.oracle(); o.Balance != 10_000-100-200-500+5_000 || o.CTC != 2 || o.OnlineSN != 3 {
				t.Errorf("ED %+v", o)
			}
			b.pin()
			for n, typ := range []fuelcard.TxType{fuelcard.TypeOverdraft, fuelcard.TypeUnload, fuelcard.TypeCAPP, fuelcard.TypePurchaseEP, fuelcard.TypeCash,
				fuelcard.TypePurchaseED, fuelcard.TypeLoadEP, fuelcard.TypeLoadED} {
				r, err := fuelcard.ParseLogRecord(b.ok(fuelcard.ReadRecord{SFI: fuelcard.SFILog, Number: byte(n + 1)}.Command()))
				if err != nil || r.Type != typ || r.TID == (pboc.TID{}) || typ == fuelcard.TypeOverdraft && r.Overdraft != 5_000 {
					t.Errorf("record %d of the log: %+v %v, want type %02X", n+1, r, err, byte(typ))
				}
			}
		})
	}
}

// The balance holds the overdraft limit: it can be spent, not unloaded, and not taken back while it is spent.
// Source: adr/0008.
func TestOverdraft(t *testing.T) {
	t.Parallel()
	b := made(t, fuelcard.National())
	b.load(fuelcard.ED, 1_000)
	b.limit(5_000, apdu.OK)
	unload := func(amount int64) apdu.SW {
		return b.send(fuelcard.InitForUnload{KeyID: 1, Amount: fen(amount), TID: b.terminal()}.Command()).SW
	}
	if got := unload(1_001); got != apdu.BalanceTooLow {
		t.Errorf("unload of overdraft: %v", got)
	}
	ctc, ses := b.lock(fuelcard.ED)
	if got := b.send(b.release(fuelcard.ED, ctc, ses, 6_001)).SW; got != apdu.BalanceTooLow {
		t.Errorf("a fen more than the limit: %v", got)
	}
	b.ok(b.release(fuelcard.ED, ctc, ses, 4_000))
	b.ok(fuelcard.ClearTACUF{}.Command())
	if o := b.oracle(); o.Balance != 2_000 {
		t.Fatalf("%+v", o)
	}
	if got := unload(1); got != apdu.BalanceTooLow {
		t.Errorf("unload while overdrawn: %v", got)
	}
	b.limit(2_999, apdu.BalanceTooLow)
	b.limit(3_000, apdu.OK)
	b.limit(int64(fuelcard.MaxOverdraft), apdu.OK)
	b.load(fuelcard.ED, 3_000)
	b.limit(0, apdu.OK)
	if o := b.oracle(); o.Balance != 0 {
		t.Fatalf("%+v", o)
	}
	for _, s := range []struct{ command, want string }{
		{"80 50 04 02 07 01 134400009999 13", "6A86"}, {"80 50 04 01 06 01 1344000099", "6700"}, {"80 50 04 01 07 02 134400009999 13", "9403"},
		{"80 58 00 00 0E 00C350 20261124 150000 B1B2B3B4 04", "6901"},
	} {
		b.talk("", s.command, s.want)
	}
	b.ok(fuelcard.InitForUpdate{KeyID: 1, TID: b.terminal()}.Command())
	b.talk("", "80 58 00 00 0E 00C350 20261124 150000 B1B2B3B4 04", "9302", "80 58 00 00 0E 00C350 20261124 150000 B1B2B3B4 04", "6901")
	full := made(t, fuelcard.National())
	full.load(fuelcard.ED, 1<<32-1)
	full.limit(1, apdu.Conditions)
}

// A compound purchase stores its record with its debit or not at all. Source: card.md 6.2.
func TestCompoundPurchaseRefused(t *testing.T) {
	t.Parallel()
	b := both(t, fuelcard.National())
	begin := func() apdu.Command {
		debit, _ := b.buy(fuelcard.InitForCAPP{KeyID: 1, Amount: 400, TID: b.terminal()}.Command(), fuelcard.TypeCAPP, 400)
		return debit
	}
	b.talk("", "80 DC A1 C8 03 A10303", "6901")
	debit := begin()
	if got := b.send(debit).SW; got != apdu.WrongState {
		t.Errorf("without its record: %v", got)
	}
	begin()
	b.talk("", "80 DC A3 C8 03 A30303", "6A83", "80 DC A1 C8 02 A103", "6700", "80 DC A1 C8 03 A20303", "6A80", "80 DC A1 A8 03 A10303", "6981",
		"80 DC A1 F0 03 A10303", "6A82", "80 DC A1 C8 00", "6700", "80 DC A1 C8 03 A10303", "9000", "80 54 01 00 0F 00000077 20261122 102030 00000000 08", "9302",
		"00 B2 01 CC 03", "A10101 9000", "80 5A 00 09 02 0000 08", "9406")
	begin()
	b.talk("", "80 DC A1 C8 03 A10303", "9000", "80 DC A2 C8 04 A2040404", "9000") // the second one counts
	begin()
	b.enter()
	b.talk("", "80 DC A1 C8 03 A10303", "6901")
	debit = begin()
	b.talk("", "80 DC A1 C8 03 A10303", "9000", "80 DC A2 C8 04 A2040404", "9000")
	b.ok(debit)
	b.talk("", "00 B2 01 CC 03", "A10101 9000", "00 B2 02 CC 04", "A2040404 9000", "80 5C 00 02 04", "00002580 9000")
	b.lock(fuelcard.EP)
	b.talk("", "80 DC A1 C8 03 A10303", "6985", "80 50 03 02 0B 01 00000001 134400000001 0F", "6985", "80 50 02 01 0B 01 00000001 134400000001 0F", "6985",
		"80 50 04 01 07 01 134400009999 13", "6985", "80 58 00 00 0E 00C350 20261124 150000 B1B2B3B4 04", "6985")
}

// makeLoyalty adds the loyalty application to a made card. Source: card.md 3.1.
func (b *bench) makeLoyalty() {
	b.t.Helper()
	p := b.profile
	b.ok(fuelcard.SelectFile{FID: fuelcard.FIDMF}.Command())
	b.authenticate(b.key("CCK"))
	b.ok(fuelcard.AppendRecord{SFI: 1, Data: p.LoyaltyDirRecord()}.Command())
	b.ok(p.LoyaltyDF().Command())
	b.ok(p.KeyFile().Command())
	under := b.key("CCK")
	for _, s := range p.LoyaltyKeys() {
		k := b.key(s.Name)
		b.writeKey(under, 1, s.ID, s.Record(p.Alg, k[:]))
		if s.Class == fuelcard.KeyMaster {
			under = k
		}
	}
	b.writeKey(under, 1, fuelcard.PINSlot.ID, p.PINSlot().Record(p.Alg, p.DefaultPIN))
	for _, f := range p.LoyaltyFiles() {
		b.ok(f.Command())
	}
	b.write(fuelcard.SFIPublic, 0, fuelcard.PublicData{Issuer: b.issuer, AppType: fuelcard.AppLoyalty, AppVersion: 1, ASN: b.asn}.Bytes())
	b.ok(fuelcard.SelectName{Name: p.AIDLoyalty}.Command())
}

// The loyalty application beside the petrol application: points in an EP of its own, a lock of its own, keys of its own.
// Source: card.md 3.1, 7.1.
func TestLoyalty(t *testing.T) {
	t.Parallel()
	for _, profile := range fuelcard.Profiles() {
		t.Run(profile.Name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, profile)
			b.blankOn(cardos.NewMemNV())
			b.make()
			b.makeLoyalty()
			b.load(fuelcard.EP, 700)
			debit, want := b.buy(fuelcard.InitForPurchase{Purse: fuelcard.EP, KeyID: 1, Amount: 50, TID: b.terminal()}.Command(), fuelcard.TypePurchaseEP, 50)
			b.done(debit, want, fuelcard.TypePurchaseEP, 0)
			ctc, ses := b.lock(fuelcard.EP)
			if got := b.send(fuelcard.InitForLoad{Purse: fuelcard.ED, KeyID: 1}.Command()).SW; got != apdu.Conditions {
				t.Errorf("ED in a grey loyalty application: %v", got)
			}
			b.enter()
			b.load(fuelcard.ED, 900) // the petrol application is not locked
			if o := b.oracle(); o.Balance != 900 || o.Grey != fuelcard.NotGrey || o.CTC != 0 {
				t.Errorf("%+v", o)
			}
			b.ok(fuelcard.SelectName{Name: profile.AIDLoyalty}.Command())
			b.pin()
			b.ok(b.release(fuelcard.EP, ctc, ses, 600))
			if a := b.ok(fuelcard.GetBalance{Purse: fuelcard.EP}.Command()); !bytes.Equal(a, []byte{0, 0, 0, 50}) {
				t.Errorf("%X points left", a)
			}
			if got := b.send(fuelcard.GetBalance{Purse: fuelcard.ED}.Command()).SW; got != apdu.FileNotFound {
				t.Errorf("the loyalty application has an ED: %v", got)
			}
		})
	}
}

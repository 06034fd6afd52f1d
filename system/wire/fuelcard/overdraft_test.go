package fuelcard_test

import (
	"bytes"
	"testing"

	"greylock/fixtures"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

// TestOverdraft: a limit of 500.00 instead of none on a balance of 100.00. Strings and lengths: card.md 5.3, 6.2.
func TestOverdraft(t *testing.T) {
	p := newParty(t)
	tid, at := p.tid("134400009999"), p.time("20261124 150000")
	p.over("MAC1", fuelcard.OverdraftMAC1Data(10000, 0, tid), "00002710 000000 07 134400009999")
	p.over("MAC2", fuelcard.OverdraftMAC2Data(50000, tid, at), "00C350 07 134400009999 20261124150000")
	p.over("TAC", fuelcard.OverdraftTACData(10000, 3, 50000, tid, at), "00002710 0003 00C350 07 134400009999 20261124150000")
	sends(p, fuelcard.InitForUpdate{KeyID: 1, TID: tid}, fuelcard.ParseInitForUpdate, "80 50 04 01 07 01 134400009999 13")
	answers(p, fuelcard.InitForUpdateAnswer{Balance: 10000, OnlineSN: 3, Overdraft: 0, KeyVersion: 1, Rand: p.four("01020304"), MAC1: p.mac("A1A2A3A4")},
		fuelcard.ParseInitForUpdateAnswer, "00002710 0003 000000 01 00 01020304 A1A2A3A4")
	sends(p, fuelcard.UpdateOverdraw{Limit: 50000, Time: at, MAC2: p.mac("B1B2B3B4")}, fuelcard.ParseUpdateOverdraw,
		"80 58 00 00 0E 00C350 20261124 150000 B1B2B3B4 04")
	answers(p, fuelcard.UpdateOverdrawAnswer{TAC: p.mac("C1C2C3C4")}, fuelcard.ParseUpdateOverdrawAnswer, "C1C2C3C4")
	if n := len(fuelcard.OverdraftMAC2Data(fuelcard.MaxOverdraft+1, tid, at)); n == 17 {
		t.Error("a limit beyond three bytes has a string of the right length")
	}
}

// TestCashAndCAPP have the layouts of a purchase under other P1 P2. Source: card.md 6.2.
func TestCashAndCAPP(t *testing.T) {
	p := newParty(t)
	tid := p.tid("134400000001")
	sends(p, fuelcard.InitForCash{KeyID: 1, Amount: 10000, TID: tid}, fuelcard.ParseInitForCash, "80 50 02 01 0B 01 00002710 134400000001 0F")
	sends(p, fuelcard.InitForCAPP{KeyID: 1, Amount: 10000, TID: tid}, fuelcard.ParseInitForCAPP, "80 50 03 02 0B 01 00002710 134400000001 0F")
	const answer = "00002710 0007 000001 01 00 5A5A0001"
	answers(p, fuelcard.InitForCashAnswer{Balance: 10000, CTC: 7, Overdraft: 1, KeyVersion: 1, Rand: p.four("5A5A0001")}, fuelcard.ParseInitForCashAnswer, answer)
	answers(p, fuelcard.InitForCAPPAnswer{Balance: 10000, CTC: 7, Overdraft: 1, KeyVersion: 1, Rand: p.four("5A5A0001")}, fuelcard.ParseInitForCAPPAnswer, answer)
	for _, c := range []struct {
		got  apdu.Command
		want string
	}{
		{fuelcard.UpdateCAPPCache{RecordType: 0xAA, SFI: 0x19, Data: []byte{0xAA, 1, 2}}.Command(), "80 DC AA C8 03 AA0102"},
		{fuelcard.UpdateRecord{SFI: 1, Number: 2, Data: []byte{9}}.Command(), "00 DC 02 0C 01 09"},
		{fuelcard.SecureUpdateRecord{SFI: 1, Number: 2, Data: []byte{9}, MAC: p.mac("CAFEBABE")}.Command(), "04 DC 02 0C 05 09 CAFEBABE"},
		{fuelcard.SecureAppendRecord{SFI: 1, Data: []byte{9}, MAC: p.mac("CAFEBABE")}.Command(), "04 E2 00 0C 05 09 CAFEBABE"},
		{fuelcard.GetResponse{Length: 0x1E}.Command(), "00 C0 00 00 1E"},
	} {
		if !bytes.Equal(c.got.Bytes(), unhex(t, c.want)) {
			t.Errorf("got %X, want %s", c.got.Bytes(), c.want)
		}
	}
}

// TestTMACAlternates are the values of card.md 15.3 G, as a host and as a PSAM make them.
func TestTMACAlternates(t *testing.T) {
	p := newParty(t)
	record := unhex(t, `00000501 00 20261122102355 01000114400000123456 00001388 001388 0000 FDF92097 6A81DD13 2F99CF02`+
		`01001014400000000007 134400000001 00000012 00 10 01 10 02 1020 0002BC 02CA 01 0001E240 FFFFFFFFFFFFFFFFFFFFFF 12345678`)
	tmac := fixtures.TestKeys().Masters["TMAC"]
	for form, want := range map[fuelcard.TMACAlg]string{
		fuelcard.TMACRetail: "152BFCC5", fuelcard.TMACDESLeft: "EFB08693", fuelcard.TMACXOR: "DCA33D3A"} {
		profile := p.national
		profile.TMACAlg = form
		key, data := profile.TMACKey(pboc.TDES, tmac), profile.TMACData(record)
		if got := pboc.TDES.TMAC(key, data); got != p.mac(want) {
			t.Errorf("%s: host %s, want %s", form, got, want)
		}
		if got, err := pboc.TDES.BlockMAC(key, make([]byte, 8), pboc.Pad(data, 8)); err != nil || got != p.mac(want) {
			t.Errorf("%s: PSAM %s, %v, want %s", form, got, err, want)
		}
		if profile.TMACKey(pboc.SM4, tmac) != tmac {
			t.Errorf("%s changes an SM4 key", form)
		}
	}
	long := p.national
	long.TMACSpan = 95
	if got := long.TMACData(record); len(got) != 95 || !bytes.Equal(got[:91], record[:91]) || !bytes.Equal(got[91:], make([]byte, 4)) {
		t.Errorf("95 bytes: %X", got)
	}
}

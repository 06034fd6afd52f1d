package fuelcard_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// round decodes a command and encodes it again.
func round[T interface{ Command() apdu.Command }](parse func(apdu.Command) (T, error)) func(apdu.Command) (apdu.Command, any, error) {
	return func(c apdu.Command) (apdu.Command, any, error) {
		x, err := parse(c)
		return x.Command(), x, err
	}
}

func roundBytes[T interface{ Bytes() []byte }](parse func([]byte) (T, error)) func([]byte) ([]byte, error) {
	return func(b []byte) ([]byte, error) {
		x, err := parse(b)
		return x.Bytes(), err
	}
}

var commands = []func(apdu.Command) (apdu.Command, any, error){
	round(fuelcard.ParseSelectFile), round(fuelcard.ParseSelectName), round(fuelcard.ParseReadBinary), round(fuelcard.ParseUpdateBinary),
	round(fuelcard.ParseSecureUpdateBinary), round(fuelcard.ParseReadRecord), round(fuelcard.ParseAppendRecord),
	round(fuelcard.ParseGetChallenge), round(fuelcard.ParseExternalAuthenticate), round(fuelcard.ParseInternalAuthenticate),
	round(fuelcard.ParseVerify), round(fuelcard.ParseChangePIN), round(fuelcard.ParseReloadPIN), round(fuelcard.ParsePINUnblock),
	round(fuelcard.ParseApplicationBlock), round(fuelcard.ParseApplicationUnblock), round(fuelcard.ParseCardBlock),
	round(fuelcard.ParseGetBalance), round(fuelcard.ParseGetTransactionProve), round(fuelcard.ParseInitForLoad),
	round(fuelcard.ParseCreditForLoad), round(fuelcard.ParseInitForPurchase), round(fuelcard.ParseDebitForPurchase),
	round(fuelcard.ParseInitForUnload), round(fuelcard.ParseDebitForUnload), round(fuelcard.ParseInitGreyLock),
	round(fuelcard.ParseGreyLock), round(fuelcard.ParseDebitForUnlock), round(fuelcard.ParseInitGreyUnlock),
	round(fuelcard.ParseGreyUnlock), round(fuelcard.ParseGetLockProof), round(fuelcard.ParseClearTACUF),
	round(fuelcard.ParseGetResponse), round(fuelcard.ParseSecureAppendRecord), round(fuelcard.ParseUpdateRecord),
	round(fuelcard.ParseSecureUpdateRecord), round(fuelcard.ParseInitForCash), round(fuelcard.ParseInitForCAPP),
	round(fuelcard.ParseUpdateCAPPCache), round(fuelcard.ParseInitForUpdate), round(fuelcard.ParseUpdateOverdraw),
	round(fuelcard.ParseCreateFile), round(fuelcard.ParseWriteKey), round(fuelcard.ParseSecureWriteKey),
}

var bodies = []func([]byte) ([]byte, error){
	roundBytes(fuelcard.ParseBalanceAnswer), roundBytes(fuelcard.ParseInitForLoadAnswer), roundBytes(fuelcard.ParseCreditForLoadAnswer),
	roundBytes(fuelcard.ParseInitForPurchaseAnswer), roundBytes(fuelcard.ParseDebitForPurchaseAnswer),
	roundBytes(fuelcard.ParseInitForUnloadAnswer), roundBytes(fuelcard.ParseDebitForUnloadAnswer),
	roundBytes(fuelcard.ParseTransactionProveAnswer), roundBytes(fuelcard.ParseInitGreyLockAnswer), roundBytes(fuelcard.ParseGreyLockAnswer),
	roundBytes(fuelcard.ParseDebitForUnlockAnswer), roundBytes(fuelcard.ParseInitGreyUnlockAnswer), roundBytes(fuelcard.ParseGreyUnlockAnswer),
	roundBytes(fuelcard.ParseLockProof), roundBytes(fuelcard.ParsePublicData), roundBytes(fuelcard.ParseHolderData),
	roundBytes(fuelcard.ParseOrdinaryData), roundBytes(fuelcard.ParseLimits), roundBytes(fuelcard.ParseLogRecord),
	roundBytes(fuelcard.ParseFCI), roundBytes(fuelcard.ParseDFSpec), roundBytes(fuelcard.ParseBinarySpec),
	roundBytes(fuelcard.ParseCyclicSpec), roundBytes(fuelcard.ParsePurseSpec), roundBytes(fuelcard.ParseKeyFileSpec),
	roundBytes(fuelcard.ParseKeyRecord), roundBytes(fuelcard.ParseInitForCashAnswer), roundBytes(fuelcard.ParseInitForCAPPAnswer),
	roundBytes(fuelcard.ParseInitForUpdateAnswer), roundBytes(fuelcard.ParseUpdateOverdrawAnswer),
}

// samples has one command of each kind.
func samples() []apdu.Command {
	at, tid := [7]byte{0x20, 0x26, 0x11, 0x22, 0x10, 0x20, 0x30}, pboc.TID{0x13, 0x44, 0, 0, 0, 1}
	m := pboc.MAC{0xCA, 0xFE, 0xBA, 0xBE}
	key := fuelcard.Keys[0].Record(0, bytes.Repeat([]byte{0x5C}, 16))
	return []apdu.Command{
		fuelcard.SelectFile{FID: 0x3F01}.Command(), fuelcard.SelectName{Name: []byte("1PAY.SYS.DDF01")}.Command(),
		fuelcard.ReadBinary{SFI: 0x15, Length: 30}.Command(), fuelcard.UpdateBinary{SFI: 0x1B, Offset: 1, Data: []byte{1, 2}}.Command(),
		fuelcard.SecureUpdateBinary{SFI: 0x1C, Offset: 43, Data: []byte{1}, MAC: m}.Command(),
		fuelcard.ReadRecord{SFI: 0x18, Number: 1, Length: 23}.Command(), fuelcard.AppendRecord{SFI: 1, Data: []byte{9}}.Command(),
		fuelcard.GetChallenge{Length: 8}.Command(), fuelcard.ExternalAuthenticate{Cipher: [8]byte{1}}.Command(),
		fuelcard.InternalAuthenticate{KeyID: 1, Data: make([]byte, 8)}.Command(),
		fuelcard.Verify{PIN: fuelcard.PIN{0x73, 0x19, 0x42}}.Command(),
		fuelcard.ChangePIN{Old: fuelcard.PIN{0x73, 0x19, 0x42}, New: fuelcard.PIN{0x73, 0x19, 0x43}}.Command(),
		fuelcard.ReloadPIN{PIN: fuelcard.PIN{0x73, 0x19, 0x42}, MAC: m}.Command(),
		fuelcard.PINUnblock{P2: 1, Cipher: make([]byte, 8), MAC: m}.Command(),
		fuelcard.ApplicationBlock{Permanent: 1, MAC: m}.Command(), fuelcard.ApplicationUnblock{MAC: m}.Command(), fuelcard.CardBlock{MAC: m}.Command(),
		fuelcard.GetBalance{Purse: fuelcard.ED}.Command(), fuelcard.GetTransactionProve{Type: fuelcard.TypeLoadED, SN: 3}.Command(),
		fuelcard.InitForLoad{Purse: fuelcard.ED, KeyID: 1, Amount: 12345, TID: tid}.Command(), fuelcard.CreditForLoad{Time: at, MAC2: m}.Command(),
		fuelcard.InitForPurchase{Purse: fuelcard.EP, KeyID: 1, Amount: 12345, TID: tid}.Command(),
		fuelcard.DebitForPurchase{TTC: 7, Time: at, MAC1: m}.Command(),
		fuelcard.InitForUnload{KeyID: 1, Amount: 12345, TID: tid}.Command(), fuelcard.DebitForUnload{Time: at, MAC2: m}.Command(),
		fuelcard.InitGreyLock{Purse: fuelcard.ED, KeyID: 1, TID: tid}.Command(),
		fuelcard.GreyLock{TTC: 7, TermRand: [4]byte{1, 2, 3, 4}, Time: at, MAC1: m}.Command(),
		fuelcard.DebitForUnlock{Purse: fuelcard.ED, Amount: 12345, CTC: 5, TID: tid, TTC: 7, Time: at, GMAC: m}.Command(),
		fuelcard.InitGreyUnlock{Purse: fuelcard.ED, KeyID: 1, TID: tid}.Command(), fuelcard.GreyUnlock{Amount: 12345, Time: at, MAC2: m}.Command(),
		fuelcard.GetLockProof{}.Command(), fuelcard.ClearTACUF{}.Command(),
		fuelcard.GetResponse{Length: 30}.Command(), fuelcard.SecureAppendRecord{SFI: 1, Data: []byte{9}, MAC: m}.Command(),
		fuelcard.UpdateRecord{SFI: 1, Number: 2, Data: []byte{9}}.Command(),
		fuelcard.SecureUpdateRecord{SFI: 1, Number: 2, Data: []byte{9}, MAC: m}.Command(),
		fuelcard.InitForCash{KeyID: 1, Amount: 12345, TID: tid}.Command(), fuelcard.InitForCAPP{KeyID: 1, Amount: 12345, TID: tid}.Command(),
		fuelcard.UpdateCAPPCache{RecordType: 0xAA, SFI: 0x19, Data: []byte{0xAA, 1, 2}}.Command(),
		fuelcard.InitForUpdate{KeyID: 1, TID: tid}.Command(), fuelcard.UpdateOverdraw{Limit: 50000, Time: at, MAC2: m}.Command(),
		fuelcard.CreateFile{FID: 0x0015, Data: fuelcard.BinarySpec{Kind: fuelcard.KindBinaryMAC, Length: 30}.Bytes()}.Command(),
		fuelcard.WriteKey{P1: 1, KeyRecord: key}.Command(),
		fuelcard.SecureWriteKey{P1: 0x39, Cipher: make([]byte, 24), MAC: m}.Command(),
	}
}

func TestEveryCommandHasOneDecoder(t *testing.T) {
	t.Parallel()
	used := map[int]bool{}
	for _, c := range samples() {
		hits := 0
		for i, again := range commands {
			if back, _, err := again(c); err == nil {
				hits++
				used[i] = true
				if !bytes.Equal(back.Bytes(), c.Bytes()) {
					t.Errorf("%X comes back as %X", c.Bytes(), back.Bytes())
				}
			}
		}
		if hits != 1 {
			t.Errorf("%X is decoded by %d decoders", c.Bytes(), hits)
		}
	}
	if len(used) != len(commands) {
		t.Errorf("%d of %d decoders have a sample", len(used), len(commands))
	}
}

// TestErrorsAreStatusWords: what a card answers to a malformed command, in the order of card.md 6.3.
func TestErrorsAreStatusWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		hex  string
		want apdu.SW
	}{
		{"81 50 00 01 0B 01 00002710 134400000001", apdu.UnknownCLA},
		{"80 51 00 01 0B 01 00002710 134400000001", apdu.UnknownINS},
		{"80 50 00 03 0B 01 00002710 134400000001", apdu.WrongP1P2},
		{"80 50 02 01 0B 01 00002710 134400000001", apdu.WrongP1P2},
		{"80 50 00 03 0A 01 00002710 1344000000", apdu.WrongP1P2},
		{"80 50 00 01 0A 01 00002710 1344000000", apdu.WrongLength},
		{"80 50 00 01 0C 01 00002710 134400000001 00", apdu.WrongLength},
		{"80 50 00 01", apdu.WrongLength},
	} {
		command, err := apdu.ParseCommand(unhex(t, c.hex))
		if err != nil {
			t.Fatal(err)
		}
		_, err = fuelcard.ParseInitForLoad(command)
		var sw apdu.SW
		if !errors.As(err, &sw) || sw != c.want {
			t.Errorf("%s: %v, want SW %s", c.hex, err, c.want)
		}
	}
	c := fuelcard.ChangePIN{Old: fuelcard.PIN{1, 2}, New: fuelcard.PIN{3, 4}}.Command()
	c.Data[2] = 0
	if _, err := fuelcard.ParseChangePIN(c); !errors.Is(err, apdu.WrongData) {
		t.Errorf("CHANGE PIN without its FF: %v", err)
	}
	if _, err := fuelcard.ParseLockProof(make([]byte, 29)); !errors.Is(err, apdu.ErrLength) {
		t.Errorf("lock proof of 29 bytes: %v", err)
	}
}

// TestLeniency: a case-4 command may come without Le or with 00 (card.md 6.1).
func TestLeniency(t *testing.T) {
	t.Parallel()
	for _, le := range []int{apdu.NoLe, 0, 0x0F, 0x10} {
		c := fuelcard.InitGreyLock{Purse: fuelcard.ED, KeyID: 1}.Command()
		c.Le = le
		if _, err := fuelcard.ParseInitGreyLock(c); err != nil {
			t.Errorf("Le %d: %v", le, err)
		}
	}
}

// TestImpossibleMoneyFailsClosed: an amount beyond four bytes, or below zero, never becomes a possible one.
func TestImpossibleMoneyFailsClosed(t *testing.T) {
	t.Parallel()
	for _, amount := range []unit.Fen{-1, fuelcard.MaxAmount + 1, 1<<32 + 100, 1 << 62, -1 << 63} {
		if _, err := fuelcard.ParseInitForLoad(fuelcard.InitForLoad{Purse: fuelcard.ED, Amount: amount}.Command()); !errors.Is(err, apdu.WrongLength) {
			t.Errorf("INIT FOR LOAD of %d fen is accepted: %v", amount, err)
		}
		if n := len(fuelcard.GMACData(amount)); n == 4 {
			t.Errorf("GMAC string of %d fen has 4 bytes", amount)
		}
	}
	x, err := fuelcard.ParseInitForLoad(fuelcard.InitForLoad{Purse: fuelcard.ED, Amount: fuelcard.MaxAmount}.Command())
	if err != nil || x.Amount != fuelcard.MaxAmount {
		t.Errorf("the largest amount comes back as %d, %v", x.Amount, err)
	}
}

// TestDecodedDataIsOwn: decoded bytes do not alias the buffer of the transport.
func TestDecodedDataIsOwn(t *testing.T) {
	t.Parallel()
	c := fuelcard.UpdateBinary{SFI: 0x1B, Data: []byte{1, 2, 3}}.Command()
	x, err := fuelcard.ParseUpdateBinary(c)
	c.Data[0] = 99
	if err != nil || x.Data[0] != 1 {
		t.Errorf("data changed under the struct: %v, %v", x.Data, err)
	}
}

// FuzzCommand: whatever a decoder accepts encodes to the same bytes, Le aside, and decodes to the same struct; describing
// and masking never fail.
func FuzzCommand(f *testing.F) {
	for _, c := range samples() {
		f.Add(c.Bytes())
	}
	f.Add([]byte{0x80, 0x5E, 0x01, 0, 7, 1, 0xFF, 0xFF, 1, 0xFF, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := apdu.ParseCommand(b)
		if err != nil {
			return
		}
		if fuelcard.Describe(c).En == "" || fuelcard.Hex(c) == "" {
			t.Errorf("%X is not described", b)
		}
		for _, again := range commands {
			back, x, err := again(c)
			if err != nil {
				continue
			}
			if back.CLA != c.CLA || back.INS != c.INS || back.P1 != c.P1 || back.P2 != c.P2 || !bytes.Equal(back.Data, c.Data) {
				t.Errorf("%X comes back as %X", b, back.Bytes())
			}
			if _, y, err := again(back); err != nil || !reflect.DeepEqual(x, y) {
				t.Errorf("%X decodes to another struct the second time: %v", b, err)
			}
		}
	})
}

// FuzzBody: whatever a decoder of answers, files and records accepts encodes to the same bytes.
func FuzzBody(f *testing.F) {
	p := fuelcard.National()
	f.Add(make([]byte, 30))
	f.Add(fuelcard.FCI{Name: []byte(fuelcard.NameMF), DirSFI: 1}.Bytes())
	f.Add(fuelcard.FCI{Name: p.AIDPetrol, Public: make([]byte, 30)}.Bytes())
	f.Add(fuelcard.NoLimits().Bytes())
	f.Add(fuelcard.Keys[3].Record(0, make([]byte, 16)).Bytes())
	for _, c := range append(append(p.MFFiles(), p.PetrolDF(), p.KeyFile()), p.PetrolFiles()...) {
		f.Add(c.Data)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for i, again := range bodies {
			if got, err := again(b); err == nil && !bytes.Equal(got, b) {
				t.Errorf("decoder %d: %X comes back as %X", i, b, got)
			}
		}
	})
}

func BenchmarkEncodeDebitForUnlock(b *testing.B) {
	x := fuelcard.DebitForUnlock{Purse: fuelcard.ED, Amount: 5000}
	b.ReportAllocs()
	for b.Loop() {
		x.Command()
	}
}

func BenchmarkParseDebitForUnlock(b *testing.B) {
	c := fuelcard.DebitForUnlock{Purse: fuelcard.ED, Amount: 5000}.Command()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fuelcard.ParseDebitForUnlock(c); err != nil {
			b.Fatal(err)
		}
	}
}

package cardos_test

import (
	"bytes"
	"fmt"
	"testing"

	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
)

// protected is CREATE FILE of a record file with line protection: bit 8 a MAC, bit 7 enciphered. Source: card.md 3.1.
func protected(fid uint16, kind fuelcard.FileKind, bits byte) fuelcard.CreateFile {
	data := fuelcard.BinarySpec{Kind: fuelcard.KindVariable, Length: 60, Read: 0xF0, Write: 0xF0, KeyBits: 0x83}.Bytes()
	if kind == fuelcard.KindCyclic {
		data = fuelcard.CyclicSpec{Count: 3, Length: 4, Read: 0xF0, Write: 0xF0, KeyBits: 0x83}.Bytes()
	}
	data[0] |= bits
	return fuelcard.CreateFile{FID: fid, Data: data}
}

// UPDATE RECORD and APPEND RECORD, linear and cyclic, plain, with a MAC, and enciphered with a MAC, in both suites; each file
// takes its own form alone. Source: card.md 3.1, 5.3, 6.2.
func TestRecordsUnderLineProtection(t *testing.T) {
	t.Parallel()
	const plain, mac, cipher, all = 0x00, 0x80, 0x40, 0xC0
	for _, profile := range []fuelcard.Profile{fuelcard.National(), fuelcard.National().WithAlg(0x04)} {
		for _, kind := range []fuelcard.FileKind{fuelcard.KindVariable, fuelcard.KindCyclic} {
			for _, bits := range []byte{plain, mac, cipher, all} {
				t.Run(fmt.Sprintf("%s %02X", profile.Name, byte(kind)|bits), func(t *testing.T) {
					t.Parallel()
					b := made(t, profile, protected(5, kind, bits))
					text := func(d []byte) []byte {
						if bits&cipher != 0 {
							return b.suite.Encipher(b.key("DAMK"), d)
						}
						return d
					}
					add := func(d []byte) apdu.Command {
						if bits == plain {
							return fuelcard.AppendRecord{SFI: 5, Data: d}.Command()
						}
						return b.seal("DAMK", fuelcard.SecureAppendRecord{SFI: 5, Data: text(d)}.Command())
					}
					change := func(n byte, d []byte) apdu.Command {
						if bits == plain {
							return fuelcard.UpdateRecord{SFI: 5, Number: n, Data: d}.Command()
						}
						return b.seal("DAMK", fuelcard.SecureUpdateRecord{SFI: 5, Number: n, Data: text(d)}.Command())
					}
					b.ok(add([]byte{1, 1, 1, 1}))
					b.ok(add([]byte{2, 2, 2, 2}))
					b.ok(change(2, []byte{9, 8, 7, 6}))
					want := []byte{9, 8, 7, 6}
					for n := byte(1); n <= 2; n++ {
						old := []byte{1, 1, 1, 1} // linear: the first; cyclic: the newest
						if kind == fuelcard.KindCyclic {
							old = []byte{2, 2, 2, 2}
						}
						if n == 2 {
							old = want
						}
						if got := b.ok(fuelcard.ReadRecord{SFI: 5, Number: n}.Command()); !bytes.Equal(got, old) {
							t.Errorf("record %d is %X, want %X", n, got, old)
						}
					}
					if got := b.send(change(3, want)).SW; got != apdu.RecordNotFound {
						t.Errorf("record 3: %v", got)
					}
					if got := b.send(change(1, want[:3])).SW; got != apdu.WrongLength {
						t.Errorf("another length: %v", got)
					}
					other := fuelcard.SecureAppendRecord{SFI: 5, Data: want}.Command()
					if bits != plain {
						other = fuelcard.AppendRecord{SFI: 5, Data: want}.Command()
					}
					b.challenge(4)
					if got := b.send(other).SW; got != apdu.WrongSecureCLA {
						t.Errorf("the other form: %v", got)
					}
					if bits != plain {
						c := change(1, want)
						c.Data[0] ^= 1
						if got := b.send(c).SW; got != apdu.SecureMACWrong {
							t.Errorf("one bit: %v", got)
						}
					}
					if bits&cipher != 0 {
						c := b.seal("DAMK", fuelcard.SecureUpdateRecord{SFI: 5, Number: 1, Data: make([]byte, b.suite.Block())}.Command())
						if got := b.send(c).SW; got != apdu.WrongData {
							t.Errorf("no cipher of ours: %v", got)
						}
					}
				})
			}
		}
	}
}

package cardos_test

import (
	"bytes"
	"testing"

	"greylock/emulators/chip"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
)

// What sloppy firmware lets through, a strict card refuses; each row is a line of the list at Card.Lenient.
func TestLenient(t *testing.T) {
	t.Parallel()
	fresh := fuelcard.CreateFile{FID: 5, Data: fuelcard.BinarySpec{Kind: fuelcard.KindBinary, Length: 4, Read: 0xF0, Write: 0xF0, KeyBits: 0x83}.Bytes()}
	none := func(*bench) {}
	pinned := func(b *bench) { b.pin() }
	for _, r := range []struct {
		name, command, strict, lenient string
		before                         func(*bench)
	}{
		{"channel bits", "81 5C 00 01 04", "6E00", "00002710 9000", none},
		{"data too long", "80 50 00 01 0C 02 00002710 134400000001 EE 10", "6700", "9403", none},
		{"Le too large", "80 5C 00 01 08", "6C04", "00002710 9000", none},
		{"Le too small", "80 5C 00 01 02", "6C04", "0000 9000", none},
		{"over the end", "00 B0 9B 25 09", "6C02", "0000 9000", none},
		{"never written", "00 B0 85 00 02", "0000 6281", "0000 9000", none},
		{"old challenge", "84 1E 00 00 04 BEA40846", "6985", "9000", func(b *bench) {
			b.talk("99AABBCC", "00 84 00 00 04", "99AABBCC 9000", "80 5C 00 01 04", "00002710 9000")
		}},
		{"SELECT keeps the PIN", "00 B2 01 C4 17", "6982", "0000 000000 00002710 02 134400009999 20261122090000 9000", func(b *bench) { b.pin(); b.enter() }},
		{"purchase of a grey card", "80 54 01 00 0F 00000077 20261122 102030 00000000 08", "6985", "6901", func(b *bench) { b.lock(fuelcard.ED) }},
		// The rest is as strict as ever.
		{"channel of no class", "13 5C 00 01 04", "6E00", "6E00", none},
		{"offset behind the end", "00 B0 9B 27 01", "6B00", "6B00", none},
		{"data too short", "80 50 00 01 0A 01 00002710 1344000000 10", "6700", "6700", none},
		{"wrong PIN", "00 20 00 00 03 999998", "63C2", "63C2", none},
		{"wrong MAC", "84 1E 00 00 04 BEA40847", "6988", "6988", func(b *bench) { b.talk("99AABBCC", "00 84 00 00 04", "99AABBCC 9000") }},
		{"wrong MAC1", "E0 7C 08 00 13 00000012 C3C30002 20261122 102030 3DB5DE4A 08", "9302", "9302", func(b *bench) {
			pinned(b)
			b.talk("5A5A0001", initGreyC, initAnsC)
		}},
		{"grey twice", initGreyC, "6985", "6985", func(b *bench) { b.lock(fuelcard.ED); b.pin() }},
	} {
		for _, lenient := range []bool{false, true} {
			b := made(t, fuelcard.National(), epFile, cappFile, fresh)
			b.load(fuelcard.ED, 10_000)
			b.load(fuelcard.EP, 10_000)
			b.card.Lenient = lenient
			r.before(b)
			want := r.strict
			if lenient {
				want = r.lenient
			}
			if got, err := b.card.Transmit(unhex(r.command)); err != nil || !bytes.Equal(got, unhex(want)) {
				t.Errorf("%s, lenient %v: %X %v, want %s", r.name, lenient, got, err, want)
			}
		}
	}
}

// A lenient card's compound purchase without a record; and one debit for one INIT, lenient or not.
func TestLenientCompoundPurchase(t *testing.T) {
	t.Parallel()
	b := both(t, fuelcard.National())
	b.card.Lenient = true
	debit, want := b.buy(fuelcard.InitForCAPP{KeyID: 1, Amount: 400, TID: b.terminal()}.Command(), fuelcard.TypeCAPP, 400)
	b.done(debit, want, fuelcard.TypeCAPP, 0)
	b.sends("the debit again", debit, apdu.WrongState)
}

// The same core behind both faces: a contactless reader gets each answer whole, a T=0 reader the same bytes by 61xx and
// GET RESPONSE or 6Cxx and a second try. Source: card.md 6.1.
func TestContactAndContactless(t *testing.T) {
	t.Parallel()
	whole := loaded(t)
	contact := whole.again(t)
	t0 := &chip.T0{Card: contact.card}
	fetched, resent := 0, 0
	for _, c := range []string{"00 A4 04 00 0C A00000000353494E4F504543", "00 B0 95 00 1E", "00 B0 96 00 00", "80 5C 00 01 04", verifyPIN, "00 B2 01 C4 00",
		"80 5C 00 01 09", "00 84 00 00 04", initGreyC, "E0 CA 00 00 00", "00 20 00 00 03 111111", initLoadA, "80 5A 00 01 02 0000 08", "00 DE 00 00 00"} {
		want, err := whole.card.Transmit(unhex(c))
		must(t, err)
		got, err := t0.Transmit(unhex(c))
		must(t, err)
		if len(got) == 2 && got[0] == 0x61 {
			fetched++
			got, err = t0.Transmit([]byte{0x00, 0xC0, 0x00, 0x00, got[1]})
			must(t, err)
		}
		if len(got) == 2 && got[0] == 0x6C && want[0] != 0x6C {
			resent++
			again := unhex(c)
			again[4] = got[1]
			got, err = t0.Transmit(again)
			must(t, err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: contactless %X, T=0 %X", c, want, got)
		}
	}
	if fetched < 4 || resent < 3 {
		t.Errorf("%d answers fetched, %d sent again: the faces are not different", fetched, resent)
	}
}

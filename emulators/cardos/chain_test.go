package cardos_test

import (
	"bytes"
	"testing"

	"greylock/system/wire/fuelcard"
)

// talk plays a worked conversation: the card's randomness first, then command and answer byte for byte.
func (b *bench) talk(rand string, exchange ...string) {
	b.t.Helper()
	b.rnd.Buffer.Write(unhex(rand))
	for i := 0; i < len(exchange); i += 2 {
		got, err := b.card.Transmit(unhex(exchange[i]))
		if err != nil {
			b.t.Fatal(err)
		}
		if want := unhex(exchange[i+1]); !bytes.Equal(got, want) {
			b.t.Fatalf("> %s\n< %X\nwant %X", exchange[i], got, want)
		}
	}
	if b.rnd.Len() != 0 {
		b.t.Fatalf("%d random bytes not used", b.rnd.Len())
	}
}

const (
	initLoadA   = "80 50 00 01 0B 01 00002710 134400000001 10"
	initAnswerA = "00000000 0000 01 00 A1B2C3D4 64310405 9000"
	creditA     = "80 52 00 00 0B 20261122 093000 4CF807F2 04"
	verifyPIN   = "00 20 00 00 03 999999"
	initGreyC   = "E0 7A 08 01 07 01 134400000001 0F"
	initAnsC    = "00002710 0000 000000 01 00 5A5A0001 9000"
	lockC       = "E0 7C 08 00 13 00000012 C3C30002 20261122 102030 3DB5DE4B 08"
	lockAnsC    = "53809007 36C1D13B 9000"
	proofCmd    = "E0 CA 00 00 1E"
	proof01C    = "01 91 01 00002710 0000 134400000001 20261122102030 36C1D13B 53809007 9000"
	debitC      = "E0 7E 08 01 1B 00001388 0000 134400000001 00000012 20261122 102030 6A81DD13 04"
	proof10C    = "10 93 01 00001388 0000 134400000001 20261122102030 00001388 FDF92097 9000"
	clearC      = "E0 CA 01 00 00"
)

// loaded is chain A: 100.00 on the card.
func loaded(t testing.TB) *bench {
	b := made(t, fuelcard.National())
	b.talk("A1B2C3D4", initLoadA, initAnswerA, creditA, "503B445A 9000")
	return b
}

// locked is chain C up to the grey card.
func locked(t testing.TB) *bench {
	b := loaded(t)
	b.talk("5A5A0001", verifyPIN, "9000", initGreyC, initAnsC, lockC, lockAnsC)
	return b
}

// Source: card.md 15.3 A.
func TestChainALoad(t *testing.T) {
	b := loaded(t)
	b.talk("", "80 5C 00 01 04", "00002710 9000",
		"80 5A 00 01 02 0000 08", "00000000 503B445A 9000", // the load's proof, by its serial before …
		"80 5A 00 01 02 0001 08", "00000000 503B445A 9000") // … or after +1
}

// Source: card.md 15.3 C.
func TestChainCGreyLock(t *testing.T) {
	b := locked(t)
	b.talk("", proofCmd, proof01C, debitC, "FDF92097 9000", proofCmd, proof10C, clearC, "9000",
		proofCmd, "00"+proof10C[2:], "80 5C 00 01 04", "00001388 9000")
}

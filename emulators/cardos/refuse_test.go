package cardos_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"greylock/emulators/cardos"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
)

// stages are the states from which the refusals start; the PIN is given in those where the profile asks for it.
func stages(t *testing.T, p fuelcard.Profile) map[string]func(*testing.T) *bench {
	empty, full, grey := made(t, p), loadedBy(t, p), lockedBy(t, p)
	clone := func(b *bench, then ...func(*bench)) func(*testing.T) *bench {
		return func(t *testing.T) *bench {
			c := b.again(t).ready()
			for _, f := range then {
				f(c)
			}
			return c
		}
	}
	block := func(c apdu.Command) func(*bench) { return func(b *bench) { b.ok(b.seal("DAMK", c)) } }
	talk := func(rand string, exchange ...string) func(*bench) {
		return func(b *bench) { b.talk(rand, exchange...) }
	}
	return map[string]func(*testing.T) *bench{
		"blank":  func(t *testing.T) *bench { return newBench(t, p) },
		"empty":  clone(empty),
		"mf":     clone(empty, talk("", "00 A4 00 00 02 3F00", "6F15840E315041592E5359532E4444463031A503880101 9000")),
		"full":   clone(full),
		"no pin": func(t *testing.T) *bench { return full.again(t) },
		"pin":    clone(full, talk("", verifyPIN, "9000")),
		"no pin left": clone(full, talk("", "00 20 00 00 03 000000", "63C2", "00 20 00 00 03 000000", "63C1",
			"00 20 00 00 03 000000", "63C0")),
		"challenge":     clone(full, talk("99AABBCC", "00 84 00 00 04", "99AABBCC 9000")),
		"init load":     clone(empty, talk("A1B2C3D4", initLoadA, initAnswerA)),
		"init grey":     clone(full, talk("5A5A0001", verifyPIN, "9000", initGreyC, initAnsC)),
		"init purchase": clone(full, talk("5A5A0001", "80 50 01 01 0B 01 000004D2 134400000001 0F", "00002710 0000 000000 01 00 5A5A0001 9000")),
		"grey":          clone(grey),
		"grey pin":      clone(grey, talk("", verifyPIN, "9000")),
		"init online":   clone(grey, talk("77889900", initD, initAnsD)),
		"unread":        clone(grey, talk("", debitC, "FDF92097 9000", verifyPIN, "9000")),
		"blocked":       clone(full, block(fuelcard.ApplicationBlock{}.Command())),
		"forever":       clone(full, block(fuelcard.ApplicationBlock{Permanent: 1}.Command())),
		"dead":          clone(full, block(fuelcard.CardBlock{}.Command())),
	}
}

// refusals: from which state, command, status word, why.
var refusals = []struct{ from, command, want, source string }{
	// Form. card.md 6.1, 6.3, 9.
	{"empty", "10 84 00 00 04", "6E00", "9: unknown CLA"},
	{"empty", "00 FE 00 00 04", "6D00", "9: unknown INS"},
	{"empty", "80 84 00 00 04", "6D00", "9: known INS, other CLA"},
	{"empty", "00 84", "6700", "9: two bytes are no command"},
	{"empty", "00 B0 95 00 05 01", "6700", "9: Lc and data disagree"},
	{"empty", "00 84 00 01 04", "6A86", "6.2: GET CHALLENGE has no P2"},
	{"empty", "00 84 00 00 05", "6700", "6.2: four or eight bytes"},
	{"empty", "00 84 00 00", "6700", "6.2: four or eight bytes"},
	// Files. card.md 3.1, 6.2.
	{"empty", "00 A4 00 00 02 3F09", "6A82", "9: no such DF"},
	{"empty", "00 A4 04 00 02 A000", "6A82", "9: no such name"},
	{"empty", "00 A4 01 00 02 3F00", "6A86", "6.2: P1 of SELECT"},
	{"empty", "00 A4 00 00 03 3F0000", "6700", "6.2: a file id has two bytes"},
	{"empty", "00 B0 9E 00 01", "6A82", "9: no such file"},
	{"empty", "00 B0 15 00 01", "6A86", "6.2: P1 is 80 | SFI"},
	{"empty", "00 B0 95 1E 01", "6B00", "9: offset behind the end"},
	{"empty", "00 B0 95 10 1E", "6C0E", "6.1: exact Le"},
	{"empty", "00 B0 98 00 01", "6981", "9: a log is no binary file"},
	{"no pin", "00 B2 01 C4 17", "6982", "3.1: the log is read after the PIN"},
	{"pin", "00 B2 02 C4 17", "6A83", "3.6: there is one record"},
	{"pin", "00 B2 01 C4 16", "6C17", "6.1: exact Le"},
	{"pin", "00 B2 00 C4 17", "6A86", "6.2: records count from 1"},
	{"pin", "00 B2 01 C0 17", "6A86", "6.2: P2 is SFI<<3 | 4"},
	{"pin", "00 B2 01 AC 17", "6981", "9: 0015 has no records"},
	{"pin", "00 E2 00 C4 17 0000000000000000000000000000000000000000000000", "6982", "3.1: EF, the card alone writes the log"},
	{"empty", "00 D6 95 00 01 00", "6900", "3.1: A8 wants a MAC"},
	{"challenge", "04 D6 9B 00 05 00 11223344", "6900", "3.1: 28 is written plain"},
	{"empty", "04 D6 9C 2B 0B FFFF050000C350A36056F4", "6985", "6.1: no challenge in the command before"},
	{"challenge", "04 D6 9C 2B 03 FFFF05", "6987", "9: no MAC"},
	{"challenge", "04 D6 9C 2B 0B FFFF050000C350A36056F5", "6988", "9: one bit of the MAC"},
	{"challenge", "04 D6 9C 2B 0B FFFF050000C351A36056F4", "6988", "9: one bit of the data"},
	{"challenge", "04 D6 9C 2C 0B FFFF050000C350A36056F4", "6988", "9: one bit of the header"},
	{"empty", "00 D6 9B 27 01 00", "6B00", "9: offset"},
	{"empty", "00 D6 9B 26 02 0000", "6700", "9: over the end"},
	{"empty", "80 E0 0030 07 28 0010 F0 F0 FF 83", "6982", "11: the DF's right to create"},
	{"empty", "80 D4 01 02 15 3E F0 F0 01 00 00112233445566778899AABBCCDDEEFF", "6900", "6.1: plain only while personalising"},
	{"empty", "84 D4 01 02 24 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF00000000", "6985", "6.1: no challenge"},
	{"challenge", "84 D4 01 02 24 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF00000000", "6988", "4.4: MAC under key 39"},
	{"blank", "80 E0 3F01 09 38 0600 F0 F0 95 FF FF 41", "6982", "3.1: a blank opens to its transport key alone"},
	// PIN and authentication. card.md 4.4, 6.2.
	{"empty", "00 20 00 00 03 999998", "63C2", "6.2: two tries left"},
	{"empty", "00 20 00 00 02 9999", "63C2", "3.4: compared with its own length"},
	{"empty", "00 20 00 00 04 99999900", "63C2", "3.4: compared with its own length"},
	{"empty", "00 20 00 00 01 99", "6700", "6.2: PIN of 2 to 6 bytes"},
	{"empty", "00 20 00 00 07 99999999999999", "6700", "6.2: PIN of 2 to 6 bytes"},
	{"empty", "00 20 00 01 03 999999", "6A88", "9: no such PIN"},
	{"empty", "00 20 01 00 03 999999", "6A86", "9: P1 of VERIFY"},
	{"no pin left", verifyPIN, "6983", "6.2: the right PIN too late"},
	{"no pin left", "80 5E 01 00 07 999999 FF 123456", "6983", "6.2: CHANGE PIN as VERIFY"},
	{"empty", "80 5E 01 00 07 999998 FF 123456", "63C2", "6.2: old PIN wrong"},
	{"empty", "80 5E 01 00 07 999999 EE 123456", "6A80", "6.2: FF between the PINs"},
	{"empty", "80 5E 02 00 07 999999 FF 123456", "6A86", "6.2: P1"},
	{"empty", "80 5E 00 00 07 123456 3226A4AD", "9302", "6.2: RELOAD PIN, MAC"},
	{"challenge", unblockWrong, "6988", "6.2: PIN UNBLOCK, MAC"},
	{"empty", "84 24 00 01 0C 9083BC6AB3E169CA 9C8DE297", "6985", "6.1: no challenge"},
	{"challenge", "84 24 01 01 0C 9083BC6AB3E169CA 9C8DE297", "6A86", "6.2: 00 01 or id 00"},
	{"challenge", "84 24 00 01 0B 9083BC6AB3E169 9C8DE297", "6700", "6.2: Lc 0C"},
	{"empty", "00 82 00 00 08 0000000000000000", "6985", "6.1: no challenge"},
	{"challenge", "00 82 00 00 08 0000000000000000", "63C2", "6.2: wrong answer"},
	{"challenge", "00 82 00 05 08 0000000000000000", "6A88", "9: no such key"},
	{"challenge", "00 82 00 00 07 00000000000000", "6700", "6.2: Lc 08"},
	{"empty", "00 88 00 01 07 00000000000000", "6700", "6.2: whole blocks"},
	{"empty", "00 88 03 01 08 0000000000000000", "6A86", "6.2: P1 00, 01, 02"},
	{"empty", "00 88 00 02 08 0000000000000000", "6A88", "9: no such key"},
	{"challenge", "84 1E 00 00 04 BEA40847", "6988", "6.2: APPLICATION BLOCK, MAC"},
	{"challenge", "84 1E 00 02 04 BEA40846", "6A86", "6.2: 00 or 01"},
	{"challenge", "84 1E 00 00 03 BEA408", "6700", "6.2: Lc 04"},
	{"challenge", "84 18 00 00 04 BEA40846", "6985", "7.2: nothing is blocked"},
	{"challenge", "84 16 00 00 04 BEA40846", "6988", "6.2: CARD BLOCK, MAC"},
	// Load, unload, purchase. card.md 6.2, 6.3.
	{"full", "80 50 00 01 0B 02 00000064 134400000001 10", "9403", "9: no such key index"},
	{"full", "80 50 00 03 0B 01 00000064 134400000001 10", "6A86", "6.2: purse 01 or 02"},
	{"full", "80 50 00 01 0A 01 00000064 1344000000", "6700", "6.2: Lc 0B"},
	{"full", "80 50 00 02 0B 01 00000064 134400000001 10", "6A82", "9: this card has no wallet"},
	{"full", "80 50 00 01 0B 01 FFFFFFFF 134400000001 10", "6985", "7.1: the balance would run over"},
	{"full", "80 50 01 01 0B 01 00002711 134400000001 0F", "9401", "9: one fen too much"},
	{"full", "80 50 05 01 0B 01 00002711 134400000001 10", "9401", "9: one fen too much"},
	{"full", "80 50 05 02 0B 01 00000001 134400000001 10", "6A86", "6.2: unload from ED alone"},
	{"full", "80 50 03 02 0B 01 00000001 134400000001 0F", "6A82", "9: this card has no wallet"},
	{"full", creditA, "6901", "9: no load under way"},
	{"init load", "80 52 00 00 0B 20261122 093000 4CF807F3 04", "9302", "5.3: one bit of MAC2"},
	{"init load", "80 52 00 00 0B 20261122 093001 4CF807F2 04", "9302", "5.3: one bit of the time"},
	{"init load", "80 52 00 00 0A 20261122 093000 4CF807", "6700", "6.2: Lc 0B"},
	{"init load", "80 52 00 01 0B 20261122 093000 4CF807F2 04", "6A86", "6.2: P2"},
	{"init load", "80 54 03 00 0B 20261124 150000 60CE2040 04", "6901", "9: a load is no unload"},
	{"init purchase", "80 54 01 00 0F 00000011 20261122 101500 6A194A00 08", "9302", "5.3: MAC1 of another purchase"},
	{"init purchase", "80 54 02 00 0F 00000011 20261122 101500 6A194A00 08", "6A86", "6.2: P1"},
	{"full", "80 54 01 00 0F 00000011 20261122 101500 6A194A00 08", "6901", "9: no purchase under way"},
	{"full", "80 5C 00 03 04", "6A86", "6.2: purse 01 or 02"},
	{"full", "80 5C 00 01 05", "6C04", "6.1: exact Le"},
	{"full", "80 5A 00 01 02 0002 08", "9406", "6.2: another serial"},
	{"full", "80 5A 00 05 02 0000 08", "9406", "6.2: no such transaction"},
	{"full", "80 5A 00 93 02 0000 08", "9406", "6.2: the lock has its own proof"},
	// Grey lock. card.md 7.3.
	{"no pin", initGreyC, "6982", "7.4: without PIN"},
	{"pin", "E0 7A 08 03 07 01 134400000001 0F", "6A86", "7.3: p2"},
	{"pin", "E0 7A 07 01 07 01 134400000001 0F", "6A86", "6.4: P1"},
	{"pin", "E0 7A 08 01 06 01 1344000000", "6700", "7.3: Lc"},
	{"pin", "E0 7A 08 01 07 03 134400000001 0F", "9403", "7.3: key"},
	{"pin", "E0 7A 08 02 07 01 134400000001 0F", "6A82", "9: this card has no wallet"},
	{"pin", lockC, "6901", "7.3: not initialised"},
	{"init load", lockC, "6901", "7.3: a load is no lock"},
	{"init grey", "E0 7C 08 00 0B 00000012 C3C30002 202611", "6700", "18.1: Lc 13, not 0B"},
	{"init grey", "E0 7C 08 00 13 00000012 C3C30002 20261122 102030 3DB5DE4A 08", "9302", "7.3: one bit of MAC1"},
	{"init grey", "E0 7C 08 00 13 00000013 C3C30002 20261122 102030 3DB5DE4B 08", "9302", "7.3: one bit of the TTC"},
	{"init grey", "E0 7C 08 00 13 00000012 C3C30003 20261122 102030 3DB5DE4B 08", "9302", "7.3: one bit of the random number"},
	{"init grey", "E0 7C 08 00 13 00000012 C3C30002 20261122 102031 3DB5DE4B 08", "9302", "7.3: one bit of the time"},
	{"init grey", "E0 7C 09 00 13 00000012 C3C30002 20261122 102030 3DB5DE4B 08", "6A86", "6.4: P1"},
	{"init grey", debitC, "6985", "7.3: not grey"},
	{"full", "E0 7A 09 01 07 01 134400009999 12", "6985", "7.3: not grey"},
	{"grey", "E0 7E 08 03 1B 00001388 0000 134400000001 00000012 20261122 102030 6A81DD13 04", "6A86", "7.3: p2"},
	{"grey", "E0 7E 08 02 1B 00001388 0000 134400000001 00000012 20261122 102030 6A81DD13 04", "6985", "7.3: not the locked purse"},
	{"grey", "E0 7E 08 01 1A 00001388 0000 134400000001 00000012 20261122 102030 6A81DD", "6700", "7.3: Lc"},
	{"grey", "E0 7E 08 01 1B 00001388 0002 134400000001 00000012 20261122 102030 6A81DD13 04", "9406", "7.3: CTC neither lock nor lock + 1"},
	{"grey", "E0 7E 08 01 1B 00002711 0002 134400000001 00000012 20261122 102030 00000000 04", "9406", "CJ/T 304: CTC before balance"},
	{"grey", "E0 7E 08 01 1B 00002711 0000 134400000001 00000012 20261122 102030 00000000 04", "9401", "CJ/T 304: balance before GMAC"},
	{"grey", "E0 7E 08 01 1B 00001388 0000 134400000001 00000012 20261122 102030 6A81DD12 04", "9302", "7.3: one bit of the GMAC"},
	{"grey", "E0 7E 08 01 1B 00001389 0000 134400000001 00000012 20261122 102030 6A81DD13 04", "9302", "7.3: one bit of the amount"},
	{"grey pin", initGreyC, "6985", "7.2: grey"},
	{"grey pin", initLoadA, "6985", "7.2: no load while grey"},
	{"grey pin", "80 50 01 01 0B 01 00000001 134400000001 0F", "6985", "7.2: no purchase while grey"},
	{"grey pin", "80 50 05 01 0B 01 00000001 134400000001 10", "6985", "7.2: no unload while grey"},
	{"grey pin", "80 54 01 00 0F 00000011 20261122 101500 6A194A00 08", "6985", "6.3: 6985, not 6901"},
	{"grey pin", creditA, "6985", "6.3: grey before pending"},
	{"grey", clearC, "6985", "6.4: CLEAR TACUF in state 01"},
	{"grey", "E0 CA 00 01 1E", "6A86", "6.4: P2"},
	{"grey", "E0 CA 02 00 1E", "6A86", "6.4: P1"},
	{"grey", "E0 CA 00 00 1D", "6C1E", "6.1: exact Le"},
	{"grey", "E0 7A 09 02 07 01 134400009999 12", "6985", "7.3: not the locked purse"},
	{"grey", "E0 7A 09 01 07 02 134400009999 12", "9403", "7.3: key"},
	{"grey", "E0 7E 09 00 0F 00001388 20261124 150000 BE1398F7 04", "6901", "7.3: not initialised"},
	{"init online", "E0 7E 09 00 0F 00001388 20261124 150000 BE1398F6 04", "9302", "7.3: one bit of MAC2"},
	{"init online", "E0 7E 09 00 0F 00001389 20261124 150000 BE1398F7 04", "9302", "7.3: one bit of the amount"},
	{"init online", "E0 7E 09 00 0E 00001388 20261124 150000 BE1398", "6700", "6.4: Lc 0F"},
	{"init online", "E0 7E 09 01 0F 00001388 20261124 150000 BE1398F7 04", "6A86", "6.4: P2"},
	{"unread", initGreyC, "6985", "7.2: TAC unread"},
	{"unread", debitC, "6985", "7.3: not grey"},
	{"unread", "E0 7A 09 01 07 01 134400009999 12", "6985", "7.3: not grey"},
	// Blocks. card.md 7.2.
	{"blocked", "80 5C 00 01 04", "6A81", "7.2: temporarily blocked"},
	{"blocked", proofCmd, "6A81", "7.2: temporarily blocked"},
	{"blocked", verifyPIN, "6A81", "7.2: temporarily blocked"},
	{"blocked", "00 B0 95 00 1E", "6A81", "7.2: temporarily blocked"},
	{"blocked", "84 18 00 00 04 00000000", "6985", "6.1: no challenge"},
	{"forever", "80 5C 00 01 04", "9303", "7.2: permanently blocked"},
	{"forever", "84 18 00 00 04 00000000", "9303", "7.2: no way back"},
	{"dead", "00 A4 00 00 02 3F00", "6A81", "6.2: CARD BLOCK"},
	{"dead", "00 84 00 00 04", "6A81", "6.2: CARD BLOCK"},
	{"dead", proofCmd, "6A81", "6.2: CARD BLOCK"},
	{"mf", "80 5C 00 01 04", "6A82", "3.1: the MF has no purse"},
}

// elsewhere are the status words that a profile's flags make other ones, by the flag.
var elsewhere = []struct{ flag, from, command, want string }{
	{"pin_length=3", "empty", "00 20 00 00 02 9999", "6700"},
	{"pin_length=3", "empty", "00 20 00 00 04 99999900", "6700"},
	{"never_used_proof=6985", "full", proofCmd, "6985"},
}

// wanted is the answer under a profile.
func wanted(p fuelcard.Profile, from, command, national string) string {
	for _, e := range elsewhere {
		if e.from == from && e.command == command && strings.Contains(flags(p), e.flag) {
			return e.want
		}
	}
	return national
}

func TestRefusals(t *testing.T) {
	if len(refusals) < 60 {
		t.Fatalf("%d refusals", len(refusals))
	}
	everywhere(t, func(t *testing.T, p fuelcard.Profile) {
		from := stages(t, p)
		for _, r := range refusals {
			b := from[r.from](t)
			before := b.oracle()
			got, err := b.card.Transmit(b.own(r.command))
			if err != nil {
				t.Fatal(err)
			}
			if want := wanted(p, r.from, r.command, r.want); !bytes.Equal(got, unhex(want)) {
				t.Errorf("%s: %s: %X, want %s (card.md %s)", r.from, r.command, got, want, r.source)
			}
			after := b.oracle()
			before.Tries, before.UnlockErr = after.Tries, after.UnlockErr
			if after != before {
				t.Errorf("%s: a refused %s changed the card:\n%+v\n%+v", r.from, r.command, before, after)
			}
		}
	})
}

// What is allowed where other things are refused. Source: card.md 7.2.
func TestAllowed(t *testing.T) {
	everywhere(t, func(t *testing.T, p fuelcard.Profile) {
		from := stages(t, p)
		for _, a := range []struct{ from, command, answer string }{
			{"grey", proofCmd, proof01C},
			{"grey", "80 5C 00 01 04", "00002710 9000"},
			{"grey", verifyPIN, "9000"},
			{"grey", debitCNext, "FDF92097 9000"},
			{"unread", proofCmd, proof10C},
			{"full", clearC, "9000"},
			{"full", proofCmd, "00 00 00 00000000 0000 000000000000 00000000000000 00000000 00000000 9000"},
			{"blocked", "00 A4 00 00 02 3F00", "6F15840E315041592E5359532E4444463031A503880101 9000"},
			{"mf", "00 B2 01 0C 00", fmt.Sprintf("%X 9000", p.DirRecord())},
			{"pin", "00 B2 01 C4 17", "0000 000000 00002710 01 134400000001 20261122093000 9000"},
			{"full", "00 B0 9B 00 04", "00 01 0000 9000"},
			{"full", "80 50 00 01 0B 01 00000001 134400000001", "00000000 0000 00 00 00000000 00000000 9000"}, // a missing Le is taken
		} {
			b := from[a.from](t)
			got, err := b.card.Transmit(b.own(a.command))
			if err != nil {
				t.Fatal(err)
			}
			want := wanted(p, a.from, a.command, a.answer)
			if free := strings.HasPrefix(a.command, "80 50"); free && len(got) == 0x12 && bytes.HasSuffix(got, []byte{0x90, 0x00}) {
				continue // its random number is any
			}
			if !b.answers(got, want) {
				t.Errorf("%s: %s: %X, want %s", a.from, a.command, got, want)
			}
		}
	})
}

// A blocked application answers 6283 with its FCI, and is opened by APPLICATION UNBLOCK; the lock survives.
// Source: card.md 7.2.
func TestThreeWrongGMACsBlockAndUnblock(t *testing.T) {
	everywhere(t, func(t *testing.T, p fuelcard.Profile) {
		b := lockedBy(t, p)
		wrong := "E0 7E 08 01 1B 00001388 0000 134400000001 00000012 20261122 102030 6A81DD12 04"
		b.talk("", wrong, "9302", wrong, "9302", wrong, "9302", debitC, "6A81")
		if a := b.send(fuelcard.SelectName{Name: b.profile.AIDPetrol}.Command()); a.SW != apdu.FileInvalid || len(a.Data) == 0 {
			t.Fatalf("%v with %d bytes", a.SW, len(a.Data))
		}
		b.ok(b.seal("DAMK", fuelcard.ApplicationUnblock{}.Command()))
		if o := b.oracle(); o.UnlockErr != 0 || o.Grey != fuelcard.Grey {
			t.Fatalf("%+v", o)
		}
		b.ready().talk("", debitC, "FDF92097 9000")
	})
}

// Three wrong secure-messaging MACs in a row lock the application for ever; a right one between sets the count back.
// Source: card.md 3.1.
func TestThreeWrongMACsLockForEver(t *testing.T) {
	everywhere(t, func(t *testing.T, p fuelcard.Profile) {
		b := made(t, p)
		wrong := func() apdu.SW {
			b.challenge(4)
			return b.send(fuelcard.SecureUpdateBinary{SFI: fuelcard.SFILimits, Data: []byte{1, 2, 3}}.Command()).SW
		}
		for _, want := range []apdu.SW{0x6988, 0x6988} {
			if got := wrong(); got != want {
				t.Fatal(got)
			}
		}
		b.write(fuelcard.SFILimits, 0, []byte{0xFF, 0xFF})
		for _, want := range []apdu.SW{0x6988, 0x6988, 0x9303, 0x9303} {
			if got := wrong(); got != want {
				t.Fatalf("%v, want %v", got, want)
			}
		}
		b.reset()
		if a := b.send(fuelcard.SelectName{Name: b.profile.AIDPetrol}.Command()); a.SW != apdu.FileInvalid {
			t.Fatal(a.SW)
		}
	})
}

// Keys that are used up stay so. Source: card.md 4.4, 6.2.
func TestDeadKeysStayDead(t *testing.T) {
	everywhere(t, func(t *testing.T, p fuelcard.Profile) {
		b := made(t, p)
		b.talk("", "80 5E 00 00 07 123456 00000000", "9302", "80 5E 00 00 07 123456 00000000", "9302",
			"80 5E 00 00 07 123456 00000000", "9303", "80 5E 00 00 07 123456 3226A4AC", "9303")
		unblock := func() apdu.SW {
			b.challenge(4)
			return b.send(b.command(unblockWrong)).SW
		}
		for _, want := range []apdu.SW{0x6988, 0x6988, 0x9303, 0x9303} {
			if got := unblock(); got != want {
				t.Fatalf("%v, want %v", got, want)
			}
		}
		for _, want := range []apdu.SW{0x63C2, 0x63C1, 0x63C0, 0x6983} {
			b.challenge(4)
			if got := b.send(fuelcard.ExternalAuthenticate{}.Command()).SW; got != want {
				t.Fatalf("%v, want %v", got, want)
			}
		}
		b.reset()
		b.enter()
		b.rnd.Write(unhex("11223344"))
		b.talk("", "00 84 00 00 04", "11223344 9000", "84 24 00 01 0C 9083BC6AB3E169CA 9C8DE297", "9303")
		if got := b.authenticateSW(b.key("ACK")); got != apdu.AuthBlocked {
			t.Fatal(got)
		}
	})
}

func (b *bench) authenticateSW(k [16]byte) apdu.SW {
	rand := b.challenge(4)
	return b.send(fuelcard.ExternalAuthenticate{Cipher: b.suite.Authenticate(k, fuelcard.Challenge(rand))}.Command()).SW
}

// A challenge is good for the next command only; a pending pair ends with INIT, SELECT, reset and its own second half, and
// lives through other commands. Source: card.md 6.1, 7.1.
func TestVolatile(t *testing.T) {
	everywhere(t, func(t *testing.T, p fuelcard.Profile) {
		b := made(t, p)
		b.talk("99AABBCC", "00 84 00 00 04", "99AABBCC 9000", "80 5C 00 01 04", "00000000 9000",
			"84 1E 00 00 04 BEA40846", "6985")
		credit := func(want string) { b.t.Helper(); b.talk("", creditA, want) }
		b.ready().talk("A1B2C3D4", initLoadA, initAnswerA)
		b.enter()
		credit("6901")
		b.ready().talk("A1B2C3D4", initLoadA, initAnswerA, "80 50 01 01 0B 01 00000001 134400000001 0F", "9401")
		credit("6901")
		b.ready().talk("A1B2C3D4", initLoadA, initAnswerA, "80 52 00 00 0B 20261122 093000 00000000 04", "9302")
		credit("6901")
		b.ready().talk("A1B2C3D4", initLoadA, initAnswerA)
		b.reset()
		b.enter()
		credit("6901")
		b.ready().talk("A1B2C3D4", initLoadA, initAnswerA)
		b.challenge(8)
		b.talk("", clearC, "9000")
		credit("503B445A 9000")
		b.pin()
		b.enter() // SELECT takes the PIN's state
		b.talk("", initGreyC, "6982")
	})
}

// A card without power, without randomness, worn out, blank or empty. Source: trust.md 2 rows 11, 21.
func TestBadDays(t *testing.T) {
	b := loaded(t)
	b.pin()
	c := cardos.New(b.nv, stuck{}, b.profile)
	if _, err := c.Transmit(unhex("00 84 00 00 04")); err == nil {
		t.Fatal("a card without power answered")
	}
	if _, err := c.Reset(); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Transmit(unhex("00 84 00 00 04")); err != nil || !bytes.Equal(got, []byte{0x64, 0x00}) {
		t.Fatalf("%X %v", got, err)
	}
	b.nv.WearAfter(0)
	b.talk("", "80 5E 00 00 07 123456 3226A4AC", "6581", "80 5C 00 01 04", "00002710 9000")
	for n := 1; n < 6; n++ {
		d := locked(t)
		d.nv.WearAfter(n)
		d.talk("", debitC, "FDF92097 9000", "80 5C 00 01 04", "00001388 9000") // committed is committed
		d.reset()
		d.enter()
		d.talk("", proofCmd, proof10C)
	}
	if _, err := cardos.New(cardos.NewMemNV(), b.rnd, b.profile).Reset(); err == nil {
		t.Fatal("memory without a card powered up")
	}
	if o, err := cardos.Look(cardos.NewMemNV(), b.profile); err != nil || o.Made {
		t.Fatalf("%+v %v", o, err)
	}
}

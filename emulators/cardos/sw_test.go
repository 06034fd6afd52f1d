package cardos_test

import (
	"bytes"
	"strings"
	"testing"

	"greylock/emulators/cardos"
	"greylock/emulators/chip"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
)

// words are the status words of card.md section 9, x for a digit. Those that the card itself never answers name who does.
var words = []struct{ sw, by string }{
	{"9000", ""}, {"61xx", "T=0 adapter"}, {"6281", ""}, {"6283", ""}, {"63Cx", ""}, {"6400", ""}, {"6581", ""}, {"6700", ""}, {"6900", ""},
	{"6901", ""}, {"6981", ""}, {"6982", ""}, {"6983", ""}, {"6985", ""}, {"6987", ""}, {"6988", ""}, {"6A80", ""}, {"6A81", ""}, {"6A82", ""},
	{"6A83", ""}, {"6A84", ""}, {"6A86", ""}, {"6A88", ""}, {"6B00", ""}, {"6Cxx", ""}, {"6D00", ""}, {"6E00", ""}, {"6F00", ""}, {"9302", ""},
	{"9303", ""}, {"9401", ""}, {"9403", ""}, {"9406", ""},
}

// is reports that a status word is one of a row.
func is(sw apdu.SW, row string) bool {
	return strings.EqualFold(strings.TrimRight(row, "x"), sw.String()[:len(strings.TrimRight(row, "x"))])
}

// Every status word of card.md section 9 comes from a command; -v prints which. Those of the PSAM alone: none; its own table
// is in its tests.
func TestEveryStatusWord(t *testing.T) {
	t.Parallel()
	from := stages(t, fuelcard.National())
	special := map[string]func(*testing.T) (string, apdu.SW){
		"9000": func(t *testing.T) (string, apdu.SW) {
			return "GET BALANCE", loaded(t).send(fuelcard.GetBalance{Purse: fuelcard.ED}.Command()).SW
		},
		"61xx": func(t *testing.T) (string, apdu.SW) {
			a, err := (&chip.T0{Card: loaded(t).card}).Transmit(unhex(initLoadA))
			must(t, err)
			return "INITIALIZE FOR LOAD behind T=0", apdu.SW(a[0])<<8 | apdu.SW(a[1])
		},
		"6281": func(t *testing.T) (string, apdu.SW) {
			b := made(t, fuelcard.National(), protected(5, fuelcard.KindVariable, 0), fuelcard.CreateFile{FID: 6,
				Data: fuelcard.BinarySpec{Kind: fuelcard.KindBinary, Length: 4, Read: 0xF0, Write: 0xF0, KeyBits: 0x83}.Bytes()})
			return "READ BINARY of a new file", b.send(fuelcard.ReadBinary{SFI: 6, Length: 4}.Command()).SW
		},
		"6283": func(t *testing.T) (string, apdu.SW) {
			return "SELECT of a blocked application", from["blocked"](t).send(fuelcard.SelectName{Name: fuelcard.National().AIDPetrol}.Command()).SW
		},
		"6400": func(t *testing.T) (string, apdu.SW) {
			return "INITIALIZE FOR LOAD without randomness", dull(t).send(command(initLoadA)).SW
		},
		"6F00": func(t *testing.T) (string, apdu.SW) {
			b := locked(t)
			session := b.nv.Image()
			at := bytes.LastIndex(session, unhex("01 0000 00000012 00 08")) // purse, CTC, TTC, algorithm and length of the lock
			session[at+8] = 0xFF
			must(t, b.nv.SetImage(session))
			b.reset()
			b.enter()
			return "DEBIT FOR UNLOCK of a lock without sense", b.send(command(debitC)).SW
		},
		"6581": func(t *testing.T) (string, apdu.SW) {
			b := loaded(t)
			b.nv.WearAfter(0)
			return "VERIFY on worn memory", b.send(fuelcard.Verify{PIN: b.profile.DefaultPIN}.Command()).SW
		},
		"6A84": func(t *testing.T) (string, apdu.SW) {
			b := made(t, fuelcard.National(), protected(5, fuelcard.KindVariable, 0))
			return "APPEND RECORD to a full file", b.send(fuelcard.AppendRecord{SFI: 5, Data: make([]byte, 60)}.Command()).SW
		},
	}
	for _, w := range words {
		f, ok := special[w.sw]
		if !ok {
			f = func(t *testing.T) (string, apdu.SW) { return refusal(t, from, w.sw) }
		}
		what, got := f(t)
		if !is(got, w.sw) {
			t.Errorf("%s: %q answers %v", w.sw, what, got)
		}
		zh, en := got.Words()
		t.Logf("%s  %-40s  %s %s  %s", w.sw, what, zh, en, w.by)
	}
}

// refusal runs the first row of the refusals that ends in a status word.
func refusal(t *testing.T, from map[string]func(*testing.T) *bench, sw string) (string, apdu.SW) {
	for _, r := range refusals {
		if len(r.want) != 4 || !is(apdu.SW(unhex(r.want)[0])<<8|apdu.SW(unhex(r.want)[1]), sw) {
			continue
		}
		a, err := from[r.from](t).card.Transmit(unhex(r.command))
		must(t, err)
		return r.source + ": " + r.command, apdu.SW(a[len(a)-2])<<8 | apdu.SW(a[len(a)-1])
	}
	return "nothing", 0
}

// dull is a made card whose source of randomness fails.
func dull(t *testing.T) *bench {
	b := loaded(t)
	b.card = cardos.New(b.nv, stuck{}, b.profile)
	b.reset()
	b.enter()
	return b
}

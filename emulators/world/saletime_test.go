package world

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"greylock/emulators/cardos"
	"greylock/emulators/psam"
)

// floor is the estimate of what a grey-lock sale must cost on the wire at 9600 bit/s: user card and PSAM. Source: trust.md 7.3.
var floor = struct{ card, sam time.Duration }{631 * time.Millisecond, 148 * time.Millisecond}

// chipLine is one command of a sale, on either chip.
type chipLine struct {
	sam             bool
	command, answer []byte
}

func (l chipLine) word() string { return fmt.Sprintf("%02X%02X", l.command[0], l.command[1]) }

// took is its time by the model of reader and chip.
func (l chipLine) took(baud int) time.Duration {
	if l.sam {
		return psam.Duration(l.command, l.answer, baud)
	}
	return cardos.Duration(l.command, l.answer, baud)
}

// secondSale is every command of a dispenser's second sale since power-up: its PSAM is known by then, as at every sale but one.
func secondSale(t *testing.T) (all []chipLine) {
	t.Helper()
	w := town(t, Options{Keep: 1 << 20})
	calm := func() {
		if err := w.Settle(time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	fuel(t, w, zhang, 1, "20元")
	calm()
	before := len(w.Trace().Lines())
	w.pumps[1].receipt = nil // torn off: fuel waits for the next one
	fuel(t, w, zhang, 1, "20元")
	calm()
	for _, l := range w.Trace().Lines()[before:] {
		if l.Kind != "apdu" {
			continue
		}
		x := chipLine{sam: strings.HasSuffix(l.Where, "PSAM")}
		var err error
		if x.command, x.answer, err = Split(l.Data); err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
	return all
}

// TestSaleTime shows what a whole sale costs on the wires of reader and PSAM, and what of it somebody waits for: card in until
// the PIN may be keyed, PIN until the pump may run, nozzle back until the card is free. The floor knows neither the internal
// authentication nor the T-MAC, which are the PSAM's larger part here. A conversation is sequential, so the two slots never work
// at once; the PSAM itself is read before the card comes.
func TestSaleTime(t *testing.T) {
	t.Parallel()
	lines := secondSale(t)
	parts := []struct{ name, until string }{{"card in → PIN", "0020"}, {"PIN → pump", "E044"}, {"hang → paid, TACUF cleared", ""}}
	for _, baud := range []int{9600, 38400, 115200} {
		var spent [2]time.Duration
		var n, bytes [2]int
		for _, l := range lines {
			i := 0
			if l.sam {
				i = 1
			}
			n[i], bytes[i], spent[i] = n[i]+1, bytes[i]+len(l.command)+len(l.answer), spent[i]+l.took(baud)
		}
		t.Logf("%6d bit/s: card %2d commands %3d bytes %5.1f ms; PSAM %2d commands %3d bytes %5.1f ms; together %5.1f ms",
			baud, n[0], bytes[0], ms(spent[0]), n[1], bytes[1], ms(spent[1]), ms(spent[0]+spent[1]))
		if baud == 9600 {
			t.Logf("        floor: card %.0f ms, PSAM %.0f ms (estimates); ratio %.2f", ms(floor.card), ms(floor.sam),
				float64(spent[0]+spent[1])/float64(floor.card+floor.sam))
		}
		rest := lines
		for _, p := range parts {
			var took time.Duration
			var words []string
			for len(rest) > 0 && rest[0].word() != p.until {
				took += rest[0].took(baud)
				words = append(words, rest[0].word())
				rest = rest[1:]
			}
			if len(words) == 0 {
				t.Errorf("%s: no command", p.name)
			}
			t.Logf("        %-30s %5.1f ms  %s", p.name, ms(took), strings.Join(words, " "))
		}
	}
	if len(lines) > 20 { // one more is a deliberate choice: write here why
		t.Errorf("%d commands in a sale", len(lines))
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

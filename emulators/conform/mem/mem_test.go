package mem_test

import (
	"slices"
	"strings"
	"testing"

	"greylock/emulators/conform"
	"greylock/emulators/conform/mem"
	"greylock/fixtures"
	"greylock/system/card"
	"greylock/system/wire/fuelcard"
)

// set is the test card and PSAM of fixtures.
func set() mem.Set {
	keys, cards := fixtures.TestKeys(), fixtures.TestCards()
	return mem.Set{Masters: keys.Masters, Transport: keys.Transport, Issuer: cards.Issuer, ASN: cards.Users[0],
		PSAM: cards.PSAMs[0].Number, TID: cards.PSAMs[0].TID, Desk: cards.DeskTID,
		Start: [4]byte{0x20, 0x26, 1, 1}, Expiry: [4]byte{0x20, 0x36, 0x12, 0x31}}
}

func table(t testing.TB, pattern string, kit conform.Kit) *conform.Table {
	t.Helper()
	table, err := conform.Load(fixtures.ConformCases(), pattern, kit)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// variants are all profiles, and the default with each other value of a side's flags. Key types and AIDs are left to the
// profiles that have others.
func variants(t testing.TB, side fuelcard.Side) []fuelcard.Profile {
	t.Helper()
	all := fuelcard.Profiles()
	for _, f := range fuelcard.Flags() {
		if f.Field == "" || !slices.Contains(f.Acts, side) || strings.HasPrefix(f.Name, "key_type.") || strings.HasPrefix(f.Name, "aid.") {
			continue
		}
		for _, value := range f.Values[1:] {
			p := fuelcard.National()
			if err := p.Set(f.Name, value); err != nil {
				t.Fatal(err)
			}
			if p.Check() != nil {
				continue // one flag alone makes no sense
			}
			p.Name = f.Name + "=" + value
			all = append(all, p)
		}
	}
	return all
}

func TestPSAM(t *testing.T) {
	t.Parallel()
	for _, p := range variants(t, fuelcard.OnPSAM) {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			kit, make, err := mem.PSAM(p, set())
			if err != nil {
				t.Fatal(err)
			}
			report(t, table(t, "psam-*.txt", kit).Run(kit, make), 240)
		})
	}
}

// report fails for every case that did not pass, or when fewer than least were run.
func report(t testing.TB, r conform.Report, least int) {
	t.Helper()
	for _, x := range r.Results {
		if !x.OK {
			t.Errorf("%s %s (%s, %s): %s%s", x.Name, x.Title, x.Source, x.At, x.NotRun, x.Error)
		}
	}
	if r.Passed < least || r.Failed+r.NotRun != 0 || r.Passed != r.Cases {
		t.Errorf("%d cases: %d passed, %d failed, %d not run, want at least %d", r.Cases, r.Passed, r.Failed, r.NotRun, least)
	}
	t.Logf("%d cases, %d commands, %d for other profiles", r.Cases, r.Commands, r.Other)
}

func TestCard(t *testing.T) {
	t.Parallel()
	for _, p := range variants(t, fuelcard.OnCard) {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			kit, make, err := mem.Card(p, set())
			if err != nil {
				t.Fatal(err)
			}
			report(t, table(t, "card-*.txt", kit).Run(kit, make), 220)
		})
	}
}

// bent is a card with one bit of every answer wrong: of the status word, or of the first byte.
type bent struct {
	card.Slot
	at int
}

func (b bent) Transmit(c []byte) ([]byte, error) {
	a, err := b.Slot.Transmit(c)
	if n := len(a); err == nil && b.at < 0 {
		a[n+b.at] ^= 1
	} else if err == nil && n > 2 && c[1] != 0x84 {
		a[b.at] ^= 1
	}
	return a, err
}

// No case passes with a card whose status words are wrong; most of those that look at data notice one bit of it.
func TestCasesNotice(t *testing.T) {
	t.Parallel()
	kit, make, err := mem.Card(fuelcard.National(), set())
	if err != nil {
		t.Fatal(err)
	}
	cases := table(t, "card-*.txt", kit)
	for at, most := range map[int]int{-1: 0, 0: 250} {
		r := cases.Run(kit, func(o conform.Order) (card.Slot, error) {
			s, err := make(o)
			return struct {
				bent
				conform.Dice
			}{bent{s, at}, s.(conform.Dice)}, err
		})
		if r.Passed > most || r.Cases < 350 {
			t.Errorf("bit at %d: %d of %d cases do not notice", at, r.Passed, r.Cases)
		}
		t.Logf("bit at %d: %d of %d cases do not notice", at, r.Passed, r.Cases)
	}
}

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

// bent is a card with one bit of every answer wrong: of its status word, or of the last byte before it, challenges excepted.
type bent struct {
	card.Slot
	behind int // bytes from the end, from 1
}

func (b bent) Transmit(c []byte) ([]byte, error) {
	a, err := b.Slot.Transmit(c)
	if err == nil && len(a) >= b.behind && !(b.behind > 2 && c[1] == 0x84) {
		a[len(a)-b.behind] ^= 1
	}
	return a, err
}

// No case passes with a card whose status words are wrong; most of those that look at data notice one bit of it. The cards
// are behind doors, as a reader would have them.
func TestCasesNotice(t *testing.T) {
	t.Parallel()
	closed := 0
	for at, most := range map[int]int{1: 0, 3: 250} {
		door := func(s card.Slot) (card.Slot, error) { return bent{s, at}, nil }
		b := conform.Through(mem.Backend{Set: set()}, door, door, func() error { closed++; return nil })
		for pattern, made := range map[string]func(fuelcard.Profile) (conform.Kit, conform.Maker, error){"card-*.txt": b.Card, "psam-*.txt": b.PSAM} {
			kit, make, err := made(fuelcard.National())
			if err != nil {
				t.Fatal(err)
			}
			r := table(t, pattern, kit).Run(kit, make)
			if r.Passed > most || r.NotRun != 0 || r.Cases < 240 {
				t.Errorf("%s, byte %d from the end: %d of %d cases do not notice, %d not run", pattern, at, r.Passed, r.Cases, r.NotRun)
			}
			t.Logf("%s, byte %d from the end: %d of %d cases do not notice", pattern, at, r.Passed, r.Cases)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	if closed != 2 {
		t.Errorf("%d doors closed", closed)
	}
}

// Through an honest door every case passes, the worked chains too; through a broken one all fail.
func TestDoors(t *testing.T) {
	t.Parallel()
	type plain struct{ card.Slot } // a reader knows nothing of dice
	door := func(s card.Slot) (card.Slot, error) { return plain{s}, nil }
	broken := func(card.Slot) (card.Slot, error) { return nil, card.ErrReader }
	b := conform.Through(mem.Backend{Set: set()}, door, broken, func() error { return nil })
	kit, make, err := b.Card(fuelcard.National())
	if err != nil {
		t.Fatal(err)
	}
	report(t, table(t, "card-*.txt", kit).Run(kit, make), 450)
	kit, make, err = b.PSAM(fuelcard.National())
	if err != nil {
		t.Fatal(err)
	}
	if r := table(t, "psam-*.txt", kit).Run(kit, make); r.Failed != r.Cases || r.Cases < 240 {
		t.Errorf("%d of %d failed", r.Failed, r.Cases)
	}
}

package terminal

import (
	"testing"

	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// TestAllow is card.md 3.5 and the reason codes of section 13.
func TestAllow(t *testing.T) {
	t.Parallel()
	place := Place{Province: 0x44, City: 0x01, Superior: [4]byte{1, 2, 3, 4}, Station: [4]byte{0x44, 0, 0, 9}, Slot: 3, Product: [2]byte{0x10, 0x20}}
	today, yesterday := [7]byte{0x20, 0x26, 0x11, 0x22, 1}, [7]byte{0x20, 0x26, 0x11, 0x21, 0x23}
	history := []fuelcard.LogRecord{
		{Amount: 1000, Type: fuelcard.TypeUnlockED, Time: today}, {Amount: 2000, Type: fuelcard.TypeOnlineED, Time: today},
		{Amount: 5000, Type: fuelcard.TypeLoadED, Time: today}, {Amount: 7000, Type: fuelcard.TypeUnlockED, Time: yesterday},
	}
	region := func(mode fuelcard.RegionMode, codes ...byte) func(*fuelcard.Limits) {
		return func(l *fuelcard.Limits) {
			l.RegionMode = mode
			for i := range l.Regions {
				l.Regions[i] = 0xFF
			}
			copy(l.Regions[:], codes)
		}
	}
	for _, c := range []struct {
		name   string
		set    func(*fuelcard.Limits)
		amount unit.Fen
		volume unit.Quantity
		plate  string
		code   uint16
	}{
		{"none", func(*fuelcard.Limits) {}, 10000, 0, "", 0},
		{"product", func(l *fuelcard.Limits) { l.Products = 1 << 3 }, 10000, 0, "", 0},
		{"other product", func(l *fuelcard.Limits) { l.Products = 0xFFFF &^ (1 << 3) }, 0, 0, "", ReasonProduct},
		{"product code is no mask", func(l *fuelcard.Limits) { l.Products = 0x1020 }, 0, 0, "", ReasonProduct},
		{"province", region(fuelcard.RegionProvince, 0x11, 0x44), 10000, 0, "", 0},
		{"other province", region(fuelcard.RegionProvince, 0x11, 0x12), 0, 0, "", ReasonRegion},
		{"city", region(fuelcard.RegionCity, 0x44, 0x02, 0x44, 0x01), 10000, 0, "", 0},
		{"city across two codes", region(fuelcard.RegionCity, 0x01, 0x44, 0x01, 0x02), 0, 0, "", ReasonRegion},
		{"superior", region(fuelcard.RegionSuperior, 9, 9, 9, 9, 1, 2, 3, 4), 10000, 0, "", 0},
		{"station", region(fuelcard.RegionStation, 0x44, 0, 0, 9), 10000, 0, "", 0},
		{"other station", region(fuelcard.RegionStation, 0x44, 0, 0, 8), 0, 0, "", ReasonRegion},
		{"unknown mode", region(5), 0, 0, "", ReasonRegion},
		{"yuan per fill", func(l *fuelcard.Limits) { l.PerFill = 0x0032 }, 5000, 0, "", 0},
		{"litres per fill", func(l *fuelcard.Limits) { l.PerFill = 0x1028 }, 10000, 4000, "", 0},
		{"unit unknown", func(l *fuelcard.Limits) { l.PerFill = 0x2028 }, 0, 0, "", ReasonInvalid},
		{"nothing per fill", func(l *fuelcard.Limits) { l.PerFill = 0 }, 0, 0, "", ReasonInvalid},
		{"third fill of three", func(l *fuelcard.Limits) { l.FillsPerDay = 3 }, 10000, 0, "", 0},
		{"third fill of two", func(l *fuelcard.Limits) { l.FillsPerDay = 2 }, 0, 0, "", ReasonDailyCount},
		{"left for today", func(l *fuelcard.Limits) { l.FenPerDay = 4500 }, 1500, 0, "", 0},
		{"nothing left", func(l *fuelcard.Limits) { l.FenPerDay = 3000 }, 0, 0, "", ReasonDailyAmount},
		{"plate", func(l *fuelcard.Limits) { l.Plate = [16]byte{'A', '1', 0} }, 10000, 0, "A1", 0},
	} {
		b := newBench(t)
		id := Identity{Balance: 10000, Limits: noLimits()}
		c.set(&id.Limits)
		a, r := b.term.Allow(id, history, place)
		code := uint16(0)
		if r != nil {
			code = r.Code
		}
		if a.Amount != c.amount || a.Quantity != c.volume || string(a.Plate) != c.plate || code != c.code {
			t.Errorf("%s: %+v %v", c.name, a, r)
		}
	}
}

func TestAllowNeedsMoneyAndReadsProductCodes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, r := b.term.Allow(Identity{Limits: noLimits()}, nil, Place{}); r == nil || r.Code != 0 {
		t.Errorf("an empty card: %v", r)
	}
	b.term.Profile.ProductLimit = fuelcard.ProductBCD4
	id := Identity{Balance: 1, Limits: noLimits()}
	id.Limits.Products = 0x1020
	if _, r := b.term.Allow(id, nil, Place{Slot: 15, Product: [2]byte{0x10, 0x20}}); r != nil {
		t.Errorf("bcd4: %v", r)
	}
}

type lists map[byte]bool

func (l lists) Black(pboc.ASN) Listing { return Listing{On: l['b'], Known: true} }
func (l lists) White(pboc.ASN) Listing { return Listing{On: l['w'], Known: true} }
func (l lists) Excluded(pboc.ASN) bool { return l['x'] }

// TestCheckLists is card.md section 13: a user card by the blacklist, an internal card by the whitelist.
func TestCheckLists(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		typ  byte
		l    lists
		rule fuelcard.WhiteListRule
		code uint16
	}{
		{fuelcard.CardUser, lists{}, fuelcard.WhiteStaffMustMatch, 0},
		{fuelcard.CardUser, lists{'b': true, 'w': true}, fuelcard.WhiteStaffMustMatch, ReasonBlack},
		{fuelcard.CardEmployee, lists{}, fuelcard.WhiteStaffMustMatch, ReasonNotWhite},
		{fuelcard.CardEmployee, lists{'w': true}, fuelcard.WhiteStaffMustMatch, 0},
		{fuelcard.CardPumpTest, lists{'b': true}, fuelcard.WhiteStaffMustMatch, ReasonNotWhite},
		{fuelcard.CardService, lists{'b': true, 'w': true}, fuelcard.WhiteStaffMustMatch, 0},
		{fuelcard.CardUser, lists{'x': true}, fuelcard.WhiteStaffMustMatch, 0},
		{fuelcard.CardUser, lists{'x': true}, fuelcard.WhiteUserNonempty, ReasonNotWhite},
		{fuelcard.CardUser, lists{'x': true, 'b': true}, fuelcard.WhiteUserNonempty, ReasonBlack},
		{fuelcard.CardUser, lists{}, fuelcard.WhiteUserNonempty, 0},
		{fuelcard.CardEmployee, lists{}, fuelcard.WhiteUserNonempty, ReasonNotWhite},
	} {
		l, r := CheckLists(pboc.ASN{1, 0, c.typ}, c.l, c.rule)
		code := uint16(0)
		if r != nil {
			code = r.Code
		}
		if code != c.code || !l.Known {
			t.Errorf("type %02X, %v: %v %v", c.typ, c.l, r, l)
		}
	}
}

package terminal

import (
	"errors"
	"slices"
	"testing"

	"greylock/system/wire/apdu"
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

// TestAllowBoundaries is each limit at the value where it begins to bite, one below and one above. Source: card.md 3.5.
func TestAllowBoundaries(t *testing.T) {
	t.Parallel()
	today := [7]byte{0x20, 0x26, 0x11, 0x22, 1}
	spent := func(amounts ...unit.Fen) (h []fuelcard.LogRecord) {
		for _, a := range amounts {
			h = append(h, fuelcard.LogRecord{Amount: a, Type: fuelcard.TypeUnlockED, Time: today})
		}
		return h
	}
	yesterday := fuelcard.LogRecord{Amount: 1, Type: fuelcard.TypeUnlockED, Time: [7]byte{0x20, 0x26, 0x11, 0x21}}
	nine, ten := spent(1, 1, 1, 1, 1, 1, 1, 1, 1), spent(1, 1, 1, 1, 1, 1, 1, 1, 1, 1)
	loads := slices.Clone(ten)
	for i := range loads {
		loads[i].Type = fuelcard.TypeLoadED
	}
	perFill := func(v uint16) func(*fuelcard.Limits) { return func(l *fuelcard.Limits) { l.PerFill = v } }
	fills := func(n byte) func(*fuelcard.Limits) { return func(l *fuelcard.Limits) { l.FillsPerDay = n } }
	fen := func(n uint32) func(*fuelcard.Limits) { return func(l *fuelcard.Limits) { l.FenPerDay = n } }
	last := func(mode fuelcard.RegionMode, code ...byte) func(*fuelcard.Limits) {
		return func(l *fuelcard.Limits) {
			l.RegionMode, l.Regions = mode, [40]byte{}
			copy(l.Regions[len(l.Regions)-len(code):], code)
		}
	}
	for _, c := range []struct {
		name    string
		set     func(*fuelcard.Limits)
		history []fuelcard.LogRecord
		slot    int
		amount  unit.Fen
		volume  unit.Quantity
		code    uint16
	}{
		{"slot 0", func(l *fuelcard.Limits) { l.Products = 1 }, nil, 0, 10000, 0, 0},
		{"slot 15", func(l *fuelcard.Limits) { l.Products = 0x8000 }, nil, 15, 10000, 0, 0},
		{"slot 16 does not exist", func(l *fuelcard.Limits) { l.Products = 0x8000 }, nil, 16, 0, 0, ReasonProduct},
		{"product not in the table", func(l *fuelcard.Limits) { l.Products = 0x7FFF }, nil, -1, 0, 0, ReasonProduct},
		{"no product at all", func(l *fuelcard.Limits) { l.Products = 0 }, nil, 0, 0, 0, ReasonProduct},
		{"any product, not in the table", func(*fuelcard.Limits) {}, nil, -1, 10000, 0, 0},
		{"40th province", last(fuelcard.RegionProvince, 0x44), nil, 3, 10000, 0, 0},
		{"20th city", last(fuelcard.RegionCity, 0x44, 0x01), nil, 3, 10000, 0, 0},
		{"10th superior unit", last(fuelcard.RegionSuperior, 1, 2, 3, 4), nil, 3, 10000, 0, 0},
		{"10th station", last(fuelcard.RegionStation, 0x44, 0, 0, 9), nil, 3, 10000, 0, 0},
		{"mode 00", last(0, 0x44), nil, 3, 0, 0, ReasonRegion},
		{"1 yuan a fill", perFill(0x0001), nil, 3, 100, 0, 0},
		{"99 yuan a fill", perFill(0x0063), nil, 3, 9900, 0, 0},
		{"100 yuan a fill, the balance", perFill(0x0064), nil, 3, 10000, 0, 0},
		{"4095 yuan a fill", perFill(0x0FFF), nil, 3, 10000, 0, 0},
		{"0 litres a fill", perFill(0x1000), nil, 3, 0, 0, ReasonInvalid},
		{"1 litre a fill", perFill(0x1001), nil, 3, 10000, 100, 0},
		{"4095 litres a fill", perFill(0x1FFF), nil, 3, 10000, 409500, 0},
		{"FFFE is no unit", perFill(0xFFFE), nil, 3, 0, 0, ReasonInvalid},
		{"0 fills a day", fills(0), nil, 3, 0, 0, ReasonDailyCount},
		{"1 of 1", fills(1), spent(1), 3, 0, 0, ReasonDailyCount},
		{"1 of 2", fills(2), spent(1), 3, 10000, 0, 0},
		{"9 of 10", fills(10), nine, 3, 10000, 0, 0},
		{"9 of 10 and yesterday's", fills(11), append(slices.Clone(nine), yesterday), 3, 10000, 0, 0},
		{"the log is full of today", fills(254), ten, 3, 0, 0, ReasonDailyCount},
		{"full of today's loads", fen(1000000), loads, 3, 0, 0, ReasonDailyCount},
		{"full of today, no daily limit", func(*fuelcard.Limits) {}, ten, 3, 10000, 0, 0},
		{"0 fen a day", fen(0), nil, 3, 0, 0, ReasonDailyAmount},
		{"1 fen left", fen(3001), spent(1000, 2000), 3, 1, 0, 0},
		{"0 fen left", fen(3000), spent(1000, 2000), 3, 0, 0, ReasonDailyAmount},
		{"overspent", fen(2999), spent(1000, 2000), 3, 0, 0, ReasonDailyAmount},
		{"more left than the balance", fen(13001), spent(3000), 3, 10000, 0, 0},
		{"FFFFFFFE fen a day", fen(0xFFFFFFFE), spent(3000), 3, 10000, 0, 0},
		{"daily below per fill", func(l *fuelcard.Limits) { l.PerFill, l.FenPerDay = 0x0032, 4999 }, nil, 3, 4999, 0, 0},
		{"per fill below daily", func(l *fuelcard.Limits) { l.PerFill, l.FenPerDay = 0x0032, 5001 }, nil, 3, 5000, 0, 0},
	} {
		b := newBench(t)
		id := Identity{Balance: 10000, Limits: noLimits()}
		c.set(&id.Limits)
		place := Place{Province: 0x44, City: 0x01, Superior: [4]byte{1, 2, 3, 4}, Station: [4]byte{0x44, 0, 0, 9}, Slot: c.slot, Product: [2]byte{0x10, 0x20}}
		a, r := b.term.Allow(id, c.history, place)
		code := uint16(0)
		if r != nil {
			code = r.Code
		}
		if a.Amount != c.amount || a.Quantity != c.volume || code != c.code {
			t.Errorf("%s: %+v %v", c.name, a, r)
		}
	}
}

// TestPlate: padding 00 and FF is no plate, a plate loses its padding.
func TestPlate(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "", "\xff": "", "A": "A", "\xd4\xc1B12345\x00": "\xd4\xc1B12345", "0123456789ABCDEF": "0123456789ABCDEF", "A1\xff\xff": "A1"} {
		var b [16]byte
		copy(b[:], in)
		if got := string(plate(b)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestToday reads no further back than the first record of another day.
func TestToday(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	record := func(day byte) fuelcard.LogRecord {
		return fuelcard.LogRecord{Amount: 1, Type: fuelcard.TypeUnlockED, Time: [7]byte{0x20, 0x26, 0x11, day}}
	}
	b.card.history = []fuelcard.LogRecord{record(0x22), record(0x22), record(0x21), record(0x20), record(0x19)}
	if _, err := b.term.Identify(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.term.Today(); !errors.Is(err, apdu.SecurityState) {
		t.Errorf("without PIN: %v", err)
	}
	if err := b.term.VerifyPIN(b.term.Profile.DefaultPIN); err != nil {
		t.Fatal(err)
	}
	if got, err := b.term.Today(); err != nil || len(got) != 3 {
		t.Errorf("%d records, %v", len(got), err)
	}
	if got, err := b.term.History(); err != nil || len(got) != 5 {
		t.Errorf("%d records, %v", len(got), err)
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

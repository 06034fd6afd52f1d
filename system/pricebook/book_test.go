package pricebook

import (
	"testing"

	"greylock/system/clock"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

func table(effective string, now, next unit.Price) record.PriceTable {
	return record.PriceTable{Effective: effective, Now: []record.Price{{Product: "1031", Price: now}}, Next: []record.Price{{Product: "1031", Price: next}}}
}

func TestSold(t *testing.T) {
	t.Parallel()
	var b Book
	b = b.With(3, table("202611221000", 785, 785))
	b = b.With(4, table("202611221200", 785, 799))
	b = b.With(7, table("202611221400", 799, 785))
	if again := b.With(7, table("202611221500", 1, 1)); len(again) != 3 || again.Newest().Version != 7 {
		t.Fatalf("a version that does not rise: %+v", again)
	}
	at := func(hour, minute, second int) clock.Instant { return clock.At(2026, 11, 22, hour, minute, second) }
	for _, c := range []struct {
		name  string
		price unit.Price
		at    clock.Instant
		least uint64
		want  uint64
		fresh bool
	}{
		{"in force", 785, at(11, 0, 0), 3, 3, true},
		{"the next is there, its minute is not", 785, at(11, 59, 59), 4, 4, true},
		{"its minute has come", 799, at(12, 0, 0), 4, 4, true},
		{"frozen just before the minute", 785, at(12, 0, 30), 4, 4, true},
		{"the station knows of it later than the board", 799, at(12, 5, 0), 3, 4, true},
		{"outdated", 785, at(12, 5, 0), 4, 3, false},
		{"raised and lowered again", 785, at(14, 0, 0), 4, 7, true},
		{"of no table", 123, at(11, 0, 0), 3, 0, false},
	} {
		if v, fresh := b.Sold("1031", c.price, c.at, c.least); v != c.want || fresh != c.fresh {
			t.Errorf("%s: version %d fresh %v, want %d %v", c.name, v, fresh, c.want, c.fresh)
		}
	}
	if v := b.Ordered("1031", 785, at(11, 0, 0)); v != 4 {
		t.Errorf("ordered at 11: %d, want the newest that says so", v)
	}
	if v := b.Ordered("1031", 799, at(11, 0, 0)); v != 7 {
		t.Errorf("799 before the change of a later table: %d, want that table, whose price before the change it is", v)
	}
	if v := b.Ordered("1031", 1, at(11, 0, 0)); v != 0 {
		t.Errorf("a price of no table: %d", v)
	}
	if v, fresh := b.Sold("2011", 785, at(11, 0, 0), 3); v != 0 || fresh {
		t.Errorf("a product without price: %d %v", v, fresh)
	}
	if v, fresh := Book(nil).Sold("1031", 785, at(11, 0, 0), 0); v != 0 || fresh {
		t.Errorf("an empty book: %d %v", v, fresh)
	}
}

func TestBookIsBounded(t *testing.T) {
	t.Parallel()
	var b Book
	for v := range uint64(keep + 10) {
		b = b.With(v+1, table("202611221000", 1, 1))
	}
	if len(b) != keep || b.Newest().Version != keep+10 || b[0].Version != 11 {
		t.Errorf("%d editions, %d to %d", len(b), b[0].Version, b.Newest().Version)
	}
}

package clock

import (
	"testing"
	"time"
)

func TestBusinessDay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at   Civil
		cut  int
		want BusinessDay
	}{
		{Civil{2026, 11, 22, 0, 0, 0}, 0, 20261122},
		{Civil{2026, 11, 22, 23, 59, 59}, 0, 20261122},
		{Civil{2026, 11, 22, 5, 59, 59}, 6 * 60, 20261121},
		{Civil{2026, 11, 22, 6, 0, 0}, 6 * 60, 20261122},
		{Civil{2026, 11, 22, 21, 59, 59}, 22 * 60, 20261122},
		{Civil{2026, 11, 22, 22, 0, 0}, 22 * 60, 20261123},
		{Civil{2026, 12, 31, 22, 0, 0}, 22 * 60, 20270101},
		{Civil{2027, 1, 1, 0, 30, 0}, 60, 20261231},
		{Civil{2028, 3, 1, 0, 0, 0}, 1, 20280229},
	} {
		if got := c.at.BusinessDay(c.cut); got != c.want {
			t.Errorf("%v, cut at minute %d: %v, want %v", c.at, c.cut, got, c.want)
		}
	}
}

// FuzzBusinessDay: days follow each other without a gap and without an overlap, whatever the cut.
func FuzzBusinessDay(f *testing.F) {
	f.Add(int64(1795334412), 0)
	f.Add(int64(1795334412), 1320)
	f.Fuzz(func(t *testing.T, seconds int64, cut int) {
		if cut < 0 || cut > MostCut || seconds < 86400 || seconds > 7e9 {
			return
		}
		at := Instant(seconds * int64(time.Second))
		d := at.Civil().BusinessDay(cut)
		end := d.Ends(cut)
		if !d.Valid() || at >= end || end.Sub(at) > 24*time.Hour {
			t.Fatalf("%v is of %v, which ends at %v", at, d, end)
		}
		if next := end.Civil().BusinessDay(cut); end.Add(-time.Second).Civil().BusinessDay(cut) != d || next <= d || next.Ends(cut).Sub(end) != 24*time.Hour {
			t.Fatalf("%v is followed by %v", d, next)
		}
	})
}

func TestBusinessDayExists(t *testing.T) {
	t.Parallel()
	for d, want := range map[BusinessDay]bool{20261122: true, 20260230: false, 0: false, 20261301: false, 20280229: true, 20270229: false} {
		if d.Valid() != want {
			t.Errorf("%d: valid %v", int(d), d.Valid())
		}
	}
	if s := BusinessDay(20261122).String(); s != "2026-11-22" {
		t.Error(s)
	}
}

package world

import (
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/record"
)

// TestForcedUnlockIsChecked: one person, or less than 48 hours, is a violation; two persons after it let a card pay nothing.
func TestForcedUnlockIsChecked(t *testing.T) {
	t.Parallel()
	at := clock.At(2026, time.November, 22, 8, 0, 0)
	for _, c := range []struct {
		after time.Duration
		by    [2]string
		ok    bool
	}{
		{49 * time.Hour, [2]string{"王主管", "李经理"}, true},
		{49 * time.Hour, [2]string{"王主管", "王主管"}, false},
		{47 * time.Hour, [2]string{"王主管", "李经理"}, false},
	} {
		k := newChecks()
		s := &saleTruth{id: record.SaleID{TTC: 1}, lockedAt: at}
		k.truth.sales[s.id] = s
		k.forced(record.UnlockAuthorised{TimeMs: at.Add(c.after).Milli(), Sale: s.id, Forced: &record.Forced{By: c.by}})
		if s.forced != c.ok || (k.first == nil) != c.ok {
			t.Errorf("%v by %q: forced %v, %v", c.after, c.by, s.forced, k.first)
		}
	}
}

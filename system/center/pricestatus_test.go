package center

import (
	"testing"

	"greylock/system/wire/record"
)

// TestPriceStatus: a nozzle counts once its station has said that it works by the newest prices, and is not shut.
func TestPriceStatus(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	status := func() (a PriceStatus) {
		t.Helper()
		r.into(&a, PathPriceStatus, nothing{})
		return a
	}
	ports := status().Nozzles
	if a := status(); ports == 0 || a.Acknowledged != 0 || len(a.Late) != ports {
		t.Fatalf("nobody has said anything: %+v", a)
	}
	r.ship(station, record.PriceAcknowledged{TimeMs: r.now.Milli(), Port: 1, Nozzle: 1, Version: 1})
	want(t, "one has them", status().Acknowledged, 1)
	r.ok(PathPutPrices, PutPrices{Site: station, Prices: []record.Price{{Product: product, Price: 790}}, By: "test"})
	want(t, "newer ones", status().Acknowledged, 0)
	r.ship(station, record.NozzleShut{TimeMs: r.now.Milli(), Port: 1, Nozzle: 1, Version: 2})
	shut := func() (n int) {
		for _, l := range status().Late {
			if l.Shut && l.Site == station && l.Port == 1 && l.Has == 1 && l.Ordered == 2 {
				n++
			}
		}
		return n
	}
	want(t, "shut", shut(), 1)
	r.ship(station, record.PriceAcknowledged{TimeMs: r.now.Milli(), Port: 1, Nozzle: 1, Version: 2},
		record.NozzleFreed{TimeMs: r.now.Milli(), Port: 1, Nozzle: 1, Version: 2})
	want(t, "free", status().Acknowledged, 1)
	r.sameAfterReplay()
}

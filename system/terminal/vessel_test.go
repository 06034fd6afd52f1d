package terminal

import (
	"testing"

	"greylock/system/clock"
	"greylock/system/wire/fuelcard"
)

func TestMayFill(t *testing.T) {
	t.Parallel()
	term := Terminal{Clock: func() clock.Instant { return clock.At(2026, 11, 22, 23, 59, 59) }}
	date := func(y, m, d byte) [4]byte { return [4]byte{0x20, y, m, d} }
	good := fuelcard.VesselData{Kind: fuelcard.VesselCNG, Inspection: date(0x26, 0x11, 0x22), Scrap: date(0x35, 0x12, 0x31)}
	for name, c := range map[string]struct {
		change func(v *fuelcard.VesselData)
		ok     bool
	}{
		"last day of its inspection": {func(*fuelcard.VesselData) {}, true},
		"last day of its life":       {func(v *fuelcard.VesselData) { v.Scrap = date(0x26, 0x11, 0x22) }, true},
		"none":                       {func(v *fuelcard.VesselData) { v.Kind = 0 }, false},
		"inspection over":            {func(v *fuelcard.VesselData) { v.Inspection = date(0x26, 0x11, 0x21) }, false},
		"life over":                  {func(v *fuelcard.VesselData) { v.Scrap = date(0x26, 0x11, 0x21) }, false},
		"never written":              {func(v *fuelcard.VesselData) { *v = fuelcard.VesselData{} }, false},
	} {
		v := good
		c.change(&v)
		r := term.MayFill(v)
		if (r == nil) != c.ok || r != nil && (r.Code != ReasonVessel || r.Zh == "" || r.En == "") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

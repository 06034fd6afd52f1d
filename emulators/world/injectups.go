package world

import (
	"fmt"

	"greylock/emulators/fault"
	"greylock/emulators/ups"
	"greylock/system/wire/record"
)

// upsInjectors are the faults of a station's UPS.
func upsInjectors() map[pair]injector {
	all := map[pair]injector{
		{fault.UPS, "mains"}: atSupply(func(x *supply, f *injured) {
			x.u.Mains(x.w.now, false)
			f.end = func() { x.u.Mains(x.w.now, true) }
		}),
		{fault.UPS, "low"}: atSupply(func(x *supply, f *injured) {
			x.u.Charge(x.w.now, nearlyEmpty)
			x.u.Mains(x.w.now, false)
			f.end = func() { x.u.Mains(x.w.now, true) }
		}),
		{fault.UPS, "off"}: atSupply(func(x *supply, f *injured) {
			x.u.Off()
			f.end = func() { x.u.PowerOn(x.w.now) }
		}),
		{fault.UPS, "wrong"}: atSupply(func(x *supply, f *injured) {
			times := max(1, f.f.Times)
			x.u.Lie(times)
			f.struck = func() int { return times - x.u.Lies() }
			f.end = func() { x.u.Lie(0) }
		}),
	}
	for kind, way := range map[fault.Kind]ups.Way{"mute": ups.Silent, "garbage": ups.Garbage, "delayed": ups.Slow} {
		all[pair{fault.UPS, kind}] = atSupply(func(x *supply, f *injured) {
			x.u.Talk(way)
			f.end = func() { x.u.Talk(ups.Normal) }
		})
	}
	return all
}

// nearlyEmpty is a battery that is called low, in per cent.
const nearlyEmpty = 10

// atSupply is a fault of a station's UPS; what it and its end set off is carried out.
func atSupply(do func(x *supply, f *injured)) injector {
	return func(w *World, f fault.Fault, i *injured) error {
		x := w.supplies[record.SiteID(f.Place)]
		if x == nil {
			return fmt.Errorf("站点 %s 没有 UPS (no UPS)", f.Place)
		}
		do(x, i)
		x.settle()
		if end := i.end; end != nil {
			i.end = func() {
				end()
				x.settle()
			}
		}
		return nil
	}
}

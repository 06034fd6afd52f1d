package gauge

import (
	"math/bits"

	"greylock/system/wire/unit"
)

// cylinder is the volume table of a lying cylinder: microlitres below each millimetre of height. Integers only, so that it is the
// same on every machine.
type cylinder []int64

const (
	step  = 100  // micrometres: the slices that are added up
	perMM = 1000 // micrometres
	cuts  = perMM / step
)

// newCylinder fills the table for a tank of diameter and length in millimetres.
func newCylinder(diameter, length int) cylinder {
	c := make(cylinder, diameter+1)
	d := int64(diameter) * perMM
	area := int64(0) // 1000 µm²
	for mm := 1; mm <= diameter; mm++ {
		for s := range cuts {
			h := int64(mm-1)*perMM + int64(s)*step + step/2
			area += 2 * root(uint64(h*(d-h))) * step / 1000
		}
		c[mm] = area * int64(length) / 1000
	}
	return c
}

// root is the whole square root.
func root(n uint64) int64 {
	r := uint64(0)
	for bit := uint64(1) << ((bits.Len64(n) + 1) / 2); bit > 0; bit >>= 1 {
		if t := r | bit; t*t <= n {
			r = t
		}
	}
	return int64(r)
}

// full is the whole tank, microlitres.
func (c cylinder) full() int64 { return c[len(c)-1] }

// height of so much liquid, between the table's lines in proportion.
func (c cylinder) height(microlitres int64) unit.Length {
	if microlitres <= 0 {
		return 0
	}
	lo, hi := 0, len(c)-1
	if microlitres >= c[hi] {
		return unit.Length(hi * 10)
	}
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; c[mid] <= microlitres {
			lo = mid
		} else {
			hi = mid
		}
	}
	return unit.Length(int64(lo)*10 + (microlitres-c[lo])*10/(c[hi]-c[lo]))
}

// below is the volume under a height, microlitres.
func (c cylinder) below(h unit.Length) int64 {
	mm := int(h / 10)
	if mm < 0 {
		return 0
	}
	if mm >= len(c)-1 {
		return c.full()
	}
	return c[mm] + (c[mm+1]-c[mm])*int64(h%10)/10
}

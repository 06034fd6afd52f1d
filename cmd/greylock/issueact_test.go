package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"greylock/system/wire/fuelcard"
)

func TestLimitFlags(t *testing.T) {
	t.Parallel()
	got, err := (&limitFlags{products: []int{0, 15}, perFill: 200, perDay: 3, perDayYuan: "500.00", region: "city", regions: []string{"4401", "4403"}}).value()
	want := fuelcard.NoLimits()
	want.Products, want.PerFill, want.FillsPerDay, want.FenPerDay, want.RegionMode = 0x8001, 200, 3, 50000, fuelcard.RegionCity
	copy(want.Regions[:], []byte{0x44, 0x01, 0x44, 0x03})
	if err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("%v %s", err, cmp.Diff(want, got))
	}
	if none, err := (&limitFlags{}).value(); err != nil || none != fuelcard.NoLimits() {
		t.Errorf("nothing given: %+v %v", none, err)
	}
	if l, err := (&limitFlags{perFillLitres: 60}).value(); err != nil || l.PerFill != 0x103C {
		t.Errorf("60 litres: %04X %v", l.PerFill, err)
	}
	for name, bad := range map[string]limitFlags{
		"slot 16": {products: []int{16}}, "slot -1": {products: []int{-1}}, "13 bits": {perFill: 4096}, "both units": {perFill: 1, perFillLitres: 1},
		"255 a day": {perDay: 255}, "no money": {perDayYuan: "x"}, "too much": {perDayYuan: "99999999.00"}, "negative": {perFillLitres: -1},
		"kind of region": {region: "moon", regions: []string{"44"}}, "no codes": {region: "city"}, "no kind": {regions: []string{"44"}},
		"width": {region: "city", regions: []string{"44"}}, "letters": {region: "province", regions: []string{"4x"}},
		"too many": {region: "station", regions: make([]string, 11)},
	} {
		if l, err := bad.value(); err == nil {
			t.Errorf("%s: taken as %+v", name, l)
		}
	}
}

package fuelcard

import (
	"errors"
	"fmt"

	"greylock/system/wire/apdu"
)

// ErrNoPerFill says that the gas layout of 001C has no place for a limit per fill.
var ErrNoPerFill = errors.New("燃气格式的限制数据没有限每次加油量 (no per-fill limit in the gas layout)")

// GasLimits is file 001C in the gas layout, 96 bytes: the first three fields as in Limits, no per-fill limit, and the
// mother card. Source: card.md 3.5, the gas layout; "no limit" as in Limits [ours].
type GasLimits struct {
	Products    uint16
	RegionMode  RegionMode
	Regions     [40]byte
	Plate       [16]byte
	FixedUnit   [4]byte // 定点单位
	FillsPerDay byte
	FenPerDay   uint32
	Gap         [7]byte
	Mother      [8]byte // right 8 bytes of the mother card's number
	Reserved    [13]byte
}

func (x *GasLimits) layout() apdu.Layout {
	mother := apdu.Shown(apdu.Raw("母卡号后16位", "mother card ASN8", x.Mother[:]), func() string {
		d := fmt.Sprintf("%X", x.Mother)
		return d[:2] + "**********" + d[12:]
	})
	return apdu.Layout{Zh: "限制数据(001C 燃气)", En: "limits (001C, gas)", Fields: []apdu.Field{
		apdu.Num("限油品", "products", &x.Products), apdu.Num("限区域方式", "region mode", &x.RegionMode),
		apdu.Raw("区域码", "region codes", x.Regions[:]), apdu.Raw("车牌号(GBK)", "plate (GBK)", x.Plate[:]),
		apdu.Raw("定点单位", "fixed unit", x.FixedUnit[:]), apdu.Num("限每天次数", "fills per day", &x.FillsPerDay),
		apdu.Num("限每天金额", "fen per day", &x.FenPerDay), apdu.Raw("保留", "reserved", x.Gap[:]), mother,
		apdu.Raw("保留", "reserved", x.Reserved[:])}}
}

// ParseLimits decodes file 001C by the profile's layout; fixed unit and mother card of the gas layout are not in Limits.
// Source: card.md 3.5, limits_layout.
func (p Profile) ParseLimits(b []byte) (Limits, error) {
	if p.LimitsLayout != LimitsGas {
		return ParseLimits(b)
	}
	g, err := ParseGasLimits(b)
	if err != nil {
		return Limits{}, err
	}
	l := NoLimits()
	l.Products, l.RegionMode, l.Regions = g.Products, g.RegionMode, g.Regions
	l.Plate, l.FillsPerDay, l.FenPerDay = g.Plate, g.FillsPerDay, g.FenPerDay
	return l, nil
}

// LimitsUsed is how many bytes at the start of file 001C carry limits. Source: card.md 3.5.
func (p Profile) LimitsUsed() int {
	if p.LimitsLayout == LimitsGas {
		return 68
	}
	return 66
}

// LimitsBytes encodes file 001C by the profile's layout, without fixed unit and mother card; ErrNoPerFill for a limit
// that the gas layout has no place for.
func (p Profile) LimitsBytes(l Limits) ([]byte, error) {
	if p.LimitsLayout != LimitsGas {
		return l.Bytes(), nil
	}
	if l.PerFill != 0xFFFF {
		return nil, ErrNoPerFill
	}
	g := GasLimits{Products: l.Products, RegionMode: l.RegionMode, Regions: l.Regions, Plate: l.Plate,
		FillsPerDay: l.FillsPerDay, FenPerDay: l.FenPerDay}
	for _, part := range [][]byte{g.FixedUnit[:], g.Gap[:], g.Mother[:], g.Reserved[:]} {
		for i := range part {
			part[i] = 0xFF
		}
	}
	return g.Bytes(), nil
}

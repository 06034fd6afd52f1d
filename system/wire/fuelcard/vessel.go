package fuelcard

import "greylock/system/wire/apdu"

// The file of what a vehicle fills gas into; only cards that are made for gas have it. Source: card.md 3.1 (file and length).
const (
	FIDVessel    uint16 = 0x000D
	SFIVessel    byte   = 0x0D
	VesselLength        = 64
)

// Kinds of vessel. Source: [ours], adr/0014.
const (
	VesselCNG byte = 0x01 // cylinder of compressed gas
	VesselLNG byte = 0x02 // insulated vessel of liquefied gas
	VesselLPG byte = 0x03
)

// VesselData is file 000D, 64 bytes: the pressure vessel of one vehicle. Source: card.md 3.1 (that it is there); its fields [ours],
// adr/0014.
type VesselData struct {
	Kind       byte     // 0: none is registered
	Number     [16]byte // of its certificate, ASCII, padded 00
	Litres     uint16   // water capacity
	Made       [4]byte  // YYYYMMDD
	Inspection [4]byte  // the next one is due: the last day on which it may be filled
	Scrap      [4]byte  // end of its life
	Plate      [16]byte // of the vehicle, GBK, padded 00
	Reserved   [17]byte
}

func (x *VesselData) layout() apdu.Layout {
	return apdu.Layout{Zh: "气瓶数据(000D)", En: "vessel data (000D)", Fields: []apdu.Field{
		apdu.Num("气瓶类别", "kind of vessel", &x.Kind), apdu.Raw("气瓶编号", "vessel number", x.Number[:]),
		apdu.Num("容积(升)", "capacity", &x.Litres), apdu.Raw("制造日期", "made", x.Made[:]),
		apdu.Raw("下次检验", "inspection due", x.Inspection[:]), apdu.Raw("报废日期", "scrap date", x.Scrap[:]),
		apdu.Raw("车牌(GBK)", "plate (GBK)", x.Plate[:]), apdu.Raw("保留", "reserved", x.Reserved[:])}}
}

// Bytes encodes.
func (x VesselData) Bytes() []byte { return x.layout().Bytes() }

// ParseVesselData decodes.
func ParseVesselData(b []byte) (VesselData, error) { return read[VesselData](b) }

// VesselFile creates file 000D of the petrol application.
func (p Profile) VesselFile() CreateFile {
	return CreateFile{FIDVessel, BinarySpec{KindBinaryMAC, VesselLength, free, free, keyBits}.Bytes()}
}

package fuelcard

import (
	"fmt"

	"greylock/system/wire/apdu"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// Short file identifiers of the application and their lengths. Source: card.md 3.1.
const (
	SFIPublic   byte = 0x15
	SFIHolder   byte = 0x16
	SFILog      byte = 0x18
	SFIOrdinary byte = 0x1B
	SFILimits   byte = 0x1C

	PublicLength   = 30
	HolderLength   = 41
	OrdinaryLength = 39
	LimitsLength   = 96
	LogLength      = 23
	LogRecords     = 11 // records in the file; terminals walk the newest 10
)

// File identifiers. Source: card.md 3.1.
const (
	FIDMF       uint16 = 0x3F00
	FIDKeys     uint16 = 0x0000
	FIDDir      uint16 = 0x0001
	FIDPetrol   uint16 = 0x3F01
	FIDLoyalty  uint16 = 0x3F02
	FIDED       uint16 = 0x0001
	FIDEP       uint16 = 0x0002
	FIDPublic   uint16 = 0x0015
	FIDHolder   uint16 = 0x0016
	FIDLog      uint16 = 0x0018
	FIDOrdinary uint16 = 0x001B
	FIDLimits   uint16 = 0x001C
)

// Card types: byte 2 of the card number and byte 0 of the holder data. Source: card.md 3.7.
const (
	CardUser     byte = 0x01
	CardManager  byte = 0x02
	CardEmployee byte = 0x04
	CardPumpTest byte = 0x05
	CardService  byte = 0x06
)

// Application type ids. Source: card.md 3.2; that of the loyalty application [ours].
const (
	AppPetrol  byte = 0x11
	AppLoyalty byte = 0x12
)

// PublicData is file 0015, 30 bytes. Source: card.md 3.2.
type PublicData struct {
	Issuer     pboc.Issuer
	AppType    byte // AppPetrol
	AppVersion byte
	ASN        pboc.ASN
	Start      [4]byte // YYYYMMDD
	Expiry     [4]byte
	SetVersion byte // instruction-set version
	Reserved   byte
}

func (x *PublicData) layout() apdu.Layout {
	return apdu.Layout{Zh: "公共应用信息(0015)", En: "public application data (0015)", Fields: []apdu.Field{
		apdu.Raw("发卡方标识", "issuer", x.Issuer[:]), apdu.Num("应用类型", "application type", &x.AppType),
		apdu.Num("应用版本", "application version", &x.AppVersion), cardNumber(&x.ASN),
		apdu.Raw("启用日期", "start date", x.Start[:]), apdu.Raw("有效日期", "expiry date", x.Expiry[:]),
		apdu.Num("指令集版本", "instruction-set version", &x.SetVersion), apdu.Num("保留", "reserved", &x.Reserved)}}
}

// HolderData is file 0016, 41 bytes. Source: card.md 3.3.
type HolderData struct {
	CardType     byte
	Staff        byte
	Name         [20]byte // GBK, padded 00 or FF
	Identity     [18]byte // ASCII
	IdentityType byte
}

func (x *HolderData) layout() apdu.Layout {
	return apdu.Layout{Zh: "持卡人信息(0016)", En: "holder data (0016)", Fields: []apdu.Field{
		apdu.Num("卡类型", "card type", &x.CardType), apdu.Num("员工标志", "staff flag", &x.Staff),
		apdu.Raw("姓名(GBK)", "name (GBK)", x.Name[:]), apdu.Secret(apdu.Raw("证件号", "identity number", x.Identity[:])),
		apdu.Num("证件类型", "identity type", &x.IdentityType)}}
}

// OrdinaryData is file 001B, 39 bytes, of which 32 are written. Source: card.md 3.4.
type OrdinaryData struct {
	UserPIN          byte // 00 default PIN, 01 the user's own
	Employee         byte
	EmployeePassword [2]byte // BCD
	Reserved         [35]byte
}

func (x *OrdinaryData) layout() apdu.Layout {
	return apdu.Layout{Zh: "普通数据(001B)", En: "ordinary data (001B)", Fields: []apdu.Field{
		apdu.Num("密码标志", "PIN flag", &x.UserPIN), apdu.Num("员工号", "employee", &x.Employee),
		apdu.Secret(apdu.Raw("员工密码", "employee password", x.EmployeePassword[:])),
		apdu.Raw("保留", "reserved", x.Reserved[:])}}
}

// RegionMode says what the region codes of a card mean. Source: card.md 3.5.
type RegionMode byte

// Region modes.
const (
	RegionProvince RegionMode = 0x01
	RegionCity     RegionMode = 0x02
	RegionSuperior RegionMode = 0x03
	RegionStation  RegionMode = 0x04
	RegionAny      RegionMode = 0xFF
)

// Limits is file 001C, 96 bytes. NoLimits is the value without limits. Source: card.md 3.5.
type Limits struct {
	Products    uint16 // mask, bit i = product slot i; FFFF any
	RegionMode  RegionMode
	Regions     [40]byte
	PerFill     uint16 // high nibble 0 amount, 1 volume; low 12 bits the value; FFFF none
	FillsPerDay byte   // FF none
	FenPerDay   uint32 // FFFFFFFF none
	Plate       [16]byte
	Reserved    [30]byte
}

func (x *Limits) layout() apdu.Layout {
	return apdu.Layout{Zh: "限制数据(001C)", En: "limits (001C)", Fields: []apdu.Field{
		apdu.Num("限油品", "products", &x.Products), apdu.Num("限区域方式", "region mode", &x.RegionMode),
		apdu.Raw("区域码", "region codes", x.Regions[:]), apdu.Num("限每次加油量", "per fill", &x.PerFill),
		apdu.Num("限每天次数", "fills per day", &x.FillsPerDay), apdu.Num("限每天金额", "fen per day", &x.FenPerDay),
		apdu.Raw("车牌号(GBK)", "plate (GBK)", x.Plate[:]), apdu.Raw("保留", "reserved", x.Reserved[:])}}
}

// Offsets inside file 001C, for a partial secured update. Source: card.md 3.5.
const (
	LimitsOffsetPerFill byte = 43
	LimitsOffsetPlate   byte = 50
)

// LogRecord is a record of file 0018, 23 bytes. Source: card.md 3.6.
type LogRecord struct {
	Serial    uint16 // CTC or online SN, before its increment
	Overdraft unit.Fen
	Amount    unit.Fen
	Type      TxType
	TID       pboc.TID
	Time      [7]byte
}

func (x *LogRecord) layout() apdu.Layout {
	return apdu.Layout{Zh: "交易明细", En: "log record", Fields: []apdu.Field{
		apdu.Num("交易序号", "serial", &x.Serial), overdraft(&x.Overdraft), amount(&x.Amount), txType(&x.Type), tid(&x.TID),
		stamp(&x.Time)}}
}

// FCI is the answer of SELECT: 6F len 84 len name A5 len, with the public data of an application inside (9F0C) or the
// SFI of the DIR file of the MF (88). Source: card.md 3.1.
type FCI struct {
	Name   []byte
	Public []byte // 30 bytes of file 0015, for an ADF
	DirSFI byte   // for the MF
}

// Bytes encodes.
func (x FCI) Bytes() []byte {
	tail := []byte{0x88, 0x01, x.DirSFI}
	if x.Public != nil {
		tail = append([]byte{0x9F, 0x0C, byte(len(x.Public))}, x.Public...)
	}
	b := append([]byte{0x6F, byte(2 + len(x.Name) + 2 + len(tail)), 0x84, byte(len(x.Name))}, x.Name...)
	return append(append(b, 0xA5, byte(len(tail))), tail...)
}

// ParseFCI decodes an FCI that is exactly of this form.
func ParseFCI(b []byte) (x FCI, err error) {
	body, rest, ok := tlv(b, 0x6F)
	if !ok || len(rest) > 0 {
		return FCI{}, fmt.Errorf("fuelcard: FCI: no 6F over %d bytes: %w", len(b), apdu.ErrLength)
	}
	name, rest, ok := tlv(body, 0x84)
	if !ok || len(name) > 16 {
		return FCI{}, fmt.Errorf("fuelcard: FCI: no name: %w", apdu.ErrLength)
	}
	own, rest, ok := tlv(rest, 0xA5)
	if !ok || len(rest) > 0 {
		return FCI{}, fmt.Errorf("fuelcard: FCI: no A5: %w", apdu.ErrLength)
	}
	x.Name = append([]byte(nil), name...)
	switch {
	case len(own) == 3 && own[0] == 0x88 && own[1] == 1:
		x.DirSFI = own[2]
	case len(own) >= 3 && own[0] == 0x9F && own[1] == 0x0C && int(own[2]) == len(own)-3:
		x.Public = append([]byte{}, own[3:]...)
	default:
		return FCI{}, fmt.Errorf("fuelcard: FCI: unknown content of A5: %w", apdu.ErrLength)
	}
	return x, nil
}

func tlv(b []byte, tag byte) (value, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != tag || len(b) < 2+int(b[1]) {
		return nil, nil, false
	}
	return b[2 : 2+int(b[1])], b[2+int(b[1]):], true
}

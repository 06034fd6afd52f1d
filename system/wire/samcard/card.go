package samcard

import (
	"fmt"
	"io"
	"log/slog"

	"greylock/system/wire/apdu"
	"greylock/system/wire/pboc"
)

// SelectFile is SELECT by file id, 00 A4 00 00 02 FID. Source: card.md 3.9, 6.2.
type SelectFile struct{ FID uint16 }

func (x *SelectFile) layout() apdu.Layout {
	return apdu.Layout{Zh: "选择文件", En: "SELECT",
		Head: head(0x00, 0xA4, apdu.NoLe), Fields: []apdu.Field{apdu.Num("文件标识", "FID", &x.FID)}}
}

// SelectName is SELECT by name, 00 A4 04 00 Lc AID. Source: card.md 3.9, 6.2.
type SelectName struct{ Name []byte }

func (x *SelectName) layout() apdu.Layout {
	return apdu.Layout{Zh: "选择应用", En: "SELECT by name",
		Head:   apdu.Head{CLA: 0x00, INS: 0xA4, P1: apdu.Fixed(4), P2: apdu.Fixed(0), Le: 0},
		Fields: []apdu.Field{apdu.Rest("名称", "name", &x.Name, 1, 16)}}
}

// GetResponse is GET RESPONSE, 00 C0 00 00 Le: the data behind a 61xx of T=0. Source: card.md 6.1, 6.2.
type GetResponse struct{ Length int } // Le; 0 asks for all

func (x *GetResponse) layout() apdu.Layout {
	return apdu.Layout{Zh: "取响应数据", En: "GET RESPONSE",
		Head: apdu.Head{CLA: 0x00, INS: 0xC0, P1: apdu.Fixed(0), P2: apdu.Fixed(0), LeVar: &x.Length}}
}

// ReadBinary is READ BINARY, 00 B0 80|SFI offset Le. Source: card.md 3.9.
type ReadBinary struct {
	SFI    byte
	Offset byte
	Length int // Le; 0 asks for all
}

func (x *ReadBinary) layout() apdu.Layout {
	return apdu.Layout{Zh: "读二进制文件", En: "READ BINARY",
		Head: apdu.Head{CLA: 0x00, INS: 0xB0, P1: apdu.ShortID(&x.SFI), P2: apdu.Var("偏移", "offset", &x.Offset), LeVar: &x.Length}}
}

// UpdateBinary is UPDATE BINARY in plain, used while a PSAM is made. Source: card.md section 11, 6.2.
type UpdateBinary struct {
	SFI    byte
	Offset byte
	Data   []byte
}

func (x *UpdateBinary) layout() apdu.Layout {
	return apdu.Layout{Zh: "写二进制文件", En: "UPDATE BINARY",
		Head:   apdu.Head{CLA: 0x00, INS: 0xD6, P1: apdu.ShortID(&x.SFI), P2: apdu.Var("偏移", "offset", &x.Offset), Le: apdu.NoLe},
		Fields: []apdu.Field{apdu.Rest("数据", "data", &x.Data, 1, apdu.MaxData)}}
}

// CreateFile is CREATE FILE, 80 E0 FID Lc data; the data are those of a user card's files. Source: card.md section 11.
type CreateFile struct {
	FID  uint16
	Data []byte
}

func (x *CreateFile) layout() apdu.Layout {
	return apdu.Layout{Zh: "建文件", En: "CREATE FILE",
		Head: apdu.Head{CLA: 0x80, INS: 0xE0, P1: apdu.High(&x.FID),
			P2: apdu.Low(&x.FID), Le: apdu.NoLe},
		Fields: []apdu.Field{apdu.Rest("数据", "data", &x.Data, 7, apdu.MaxData)}}
}

// GetChallenge is GET CHALLENGE, 00 84 00 00 04 or 08. Source: card.md 8.1.
type GetChallenge struct{ Length int }

func (x *GetChallenge) layout() apdu.Layout {
	return apdu.Layout{Zh: "取随机数", En: "GET CHALLENGE",
		Head: apdu.Head{CLA: 0x00, INS: 0x84, P1: apdu.Fixed(0), P2: apdu.Fixed(0), LeVar: &x.Length}}
}

// ExternalAuthenticate is EXTERNAL AUTHENTICATION, 00 82 00 kid 08 cipher. Source: card.md 8.1.
type ExternalAuthenticate struct {
	KeyID  byte
	Cipher [8]byte
}

func (x *ExternalAuthenticate) layout() apdu.Layout {
	return apdu.Layout{Zh: "外部认证", En: "EXTERNAL AUTHENTICATION",
		Head:   apdu.Head{CLA: 0x00, INS: 0x82, P1: apdu.Fixed(0), P2: apdu.Var("密钥索引", "key id", &x.KeyID), Le: apdu.NoLe},
		Fields: []apdu.Field{apdu.Raw("密文", "cipher", x.Cipher[:])}}
}

// InternalAuthenticate is INTERNAL AUTHENTICATION, 00 88 00 kid Lc data: the PSAM enciphers. Source: card.md 8.1.
type InternalAuthenticate struct {
	KeyID byte
	Data  []byte
}

func (x *InternalAuthenticate) layout() apdu.Layout {
	return apdu.Layout{Zh: "内部认证", En: "INTERNAL AUTHENTICATION",
		Head:   apdu.Head{CLA: 0x00, INS: 0x88, P1: apdu.Fixed(0), P2: apdu.Var("密钥索引", "key id", &x.KeyID), Le: 0},
		Fields: []apdu.Field{apdu.Rest("数据", "data", &x.Data, 1, apdu.MaxData)}}
}

// DeliveryKey is DELIVERY_KEY, 80 1A usage version Lc factors: it prepares the key of the next CIPHER_DATA.
// TMAC: usage 08, no factor; DIK: usage 44, ASN8 ISSUER8. Source: card.md 8.1; adr/0003.
type DeliveryKey struct {
	Usage      Usage
	KeyVersion byte
	Factors    Factors
}

func (x *DeliveryKey) layout() apdu.Layout {
	return apdu.Layout{Zh: "通用DES初始化", En: "DELIVERY_KEY",
		Head: apdu.Head{CLA: 0x80, INS: 0x1A, P1: apdu.Var("密钥用途", "usage", &x.Usage),
			P2: apdu.Var("密钥版本", "key version", &x.KeyVersion), Le: x.le()},
		Fields: []apdu.Field{factors(&x.Factors, 0)}}
}

// le is the 00 that ends a DELIVERY_KEY without factors: 80 1A 08 01 00.
func (x *DeliveryKey) le() int {
	if len(x.Factors) == 0 {
		return 0
	}
	return apdu.NoLe
}

// CipherMode is P1 of CIPHER_DATA: bit 0 MAC, bit 1 more blocks follow, bit 2 IV in front. Source: card.md 8.1.
type CipherMode byte

// Modes that the system uses.
const (
	CipherEncipher  CipherMode = 0x00
	CipherMAC       CipherMode = 0x01
	CipherMore      CipherMode = 0x02
	CipherWithIV    CipherMode = 0x04
	CipherMACWithIV CipherMode = CipherMAC | CipherWithIV // the last block, with IV
)

// CipherData is CIPHER_DATA, 80 FA P1 00 Lc data, data whole blocks. Source: card.md 8.1.
type CipherData struct {
	Mode CipherMode
	Data []byte // with CipherWithIV the IV first
}

func (x *CipherData) layout() apdu.Layout {
	return apdu.Layout{Zh: "通用DES计算", En: "CIPHER_DATA",
		Head:   apdu.Head{CLA: 0x80, INS: 0xFA, P1: apdu.UpTo("方式", "mode", &x.Mode, 7), P2: apdu.Fixed(0), Le: 0},
		Fields: []apdu.Field{apdu.Rest("数据", "data", &x.Data, 8, apdu.MaxData)}}
}

// TMACRequest is the CIPHER_DATA for the T_MAC of an upload record: IV of zeros and the record padded by the terminal
// to whole blocks of the suite. Source: card.md 8.1.
func TMACRequest(s pboc.Suite, record []byte) CipherData {
	return CipherData{Mode: CipherMACWithIV, Data: append(make([]byte, s.Block()), pboc.Pad(record, s.Block())...)}
}

// CipherMACAnswer is the four-byte MAC of CIPHER_DATA in a MAC mode. Source: card.md 8.1.
type CipherMACAnswer struct{ MAC pboc.MAC }

func (x *CipherMACAnswer) layout() apdu.Layout {
	return apdu.Layout{Zh: "MAC 结果", En: "MAC of CIPHER_DATA", Fields: []apdu.Field{mac("MAC", &x.MAC)}}
}

// WriteKey is WRITE KEY of a PSAM, 84 D4 00 00 1C cipher24 MAC4; SealKey makes it. Source: card.md 4.4.
type WriteKey struct {
	Cipher []byte // 24 bytes; 32 under an SM4 master
	MAC    pboc.MAC
}

func (x *WriteKey) layout() apdu.Layout {
	return apdu.Layout{Zh: "写密钥", En: "WRITE KEY", Head: head(0x84, 0xD4, apdu.NoLe),
		Fields: []apdu.Field{apdu.Rest("密文", "cipher", &x.Cipher, 24, 32), mac("MAC", &x.MAC)}}
}

// KeyRecord is the plain content of WRITE KEY: 13 usage version alg key16. It masks its key. Source: card.md 4.4.
type KeyRecord struct {
	Usage   Usage
	Version byte
	Alg     byte
	Key     pboc.Key
}

func (x *KeyRecord) layout() apdu.Layout {
	return apdu.Layout{Zh: "密钥记录", En: "key record", Fields: []apdu.Field{apdu.Const("length", 0x13),
		apdu.Num("密钥用途", "usage", &x.Usage), apdu.Num("密钥版本", "version", &x.Version),
		apdu.Num("算法标识", "algorithm", &x.Alg), apdu.Secret(apdu.Raw("密钥", "key", x.Key[:]))}}
}

// SealKey makes the WRITE KEY of a record under the application master (or the MF's usage-00 key); rand is the
// challenge just taken. Source: card.md 4.4, 5.3.
func SealKey(s pboc.Suite, master pboc.Key, rand []byte, k KeyRecord) apdu.Command {
	c := WriteKey{Cipher: s.Encipher(master, k.Bytes()[1:])}.Command()
	return c.WithMAC(s.SecureMAC(master, rand, c.MACSpan()))
}

// SetStatus is SET STATUS, 80 F1 00 00 08 E(rand8): the end of personalisation. Source: card.md 8.1.
type SetStatus struct{ Cipher [8]byte }

func (x *SetStatus) layout() apdu.Layout {
	return apdu.Layout{Zh: "设置状态", En: "SET STATUS", Head: head(0x80, 0xF1, apdu.NoLe),
		Fields: []apdu.Field{apdu.Raw("密文", "cipher", x.Cipher[:])}}
}

// SAMPublic is file 0015 of the MF, 14 bytes. Source: card.md 3.9.
type SAMPublic struct {
	Number     pboc.ASN
	Version    byte
	KeyType    byte // key-card type
	SetVersion byte // instruction-set version
	FCI        byte // issuer FCI
}

func (x *SAMPublic) layout() apdu.Layout {
	return apdu.Layout{Zh: "PSAM 公共信息(0015)", En: "PSAM public data (0015)", Fields: []apdu.Field{
		apdu.Shown(apdu.Raw("PSAM卡号", "PSAM number", x.Number[:]), func() string { return x.Number.Digits() }),
		apdu.Num("版本", "version", &x.Version), apdu.Num("密钥卡类型", "key-card type", &x.KeyType),
		apdu.Num("指令集版本", "instruction-set version", &x.SetVersion), apdu.Num("发卡方FCI", "issuer FCI", &x.FCI)}}
}

// SAMTerminal is file 0016 of the MF, 6 bytes. Source: card.md 3.9.
type SAMTerminal struct{ TID pboc.TID }

func (x *SAMTerminal) layout() apdu.Layout {
	return apdu.Layout{Zh: "终端信息(0016)", En: "terminal data (0016)",
		Fields: []apdu.Field{apdu.Raw("终端机编号", "terminal id", x.TID[:])}}
}

// SAMApplication is file 0017 of the ADF, 25 bytes. Source: card.md 3.9.
type SAMApplication struct {
	KeyIndex byte        // of the consume key in the card
	Issuer   pboc.Issuer // application issuer
	Receiver pboc.Issuer
	Start    [4]byte // YYYYMMDD
	Expiry   [4]byte
}

func (x *SAMApplication) layout() apdu.Layout {
	return apdu.Layout{Zh: "PSAM 应用信息(0017)", En: "PSAM application data (0017)", Fields: []apdu.Field{
		apdu.Num("消费密钥索引", "consume-key index", &x.KeyIndex), apdu.Raw("应用发行者", "issuer", x.Issuer[:]),
		apdu.Raw("应用接收者", "receiver", x.Receiver[:]), apdu.Raw("启用日期", "start date", x.Start[:]),
		apdu.Raw("有效日期", "expiry date", x.Expiry[:])}}
}

// Files. Source: card.md 3.9.
const (
	FIDMF        uint16 = 0x3F00
	FIDPetrol    uint16 = 0x3F01
	FIDLoyalty   uint16 = 0x3F02
	SFIPublic    byte   = 0x15
	SFITerminal  byte   = 0x16
	SFIApp       byte   = 0x17
	PublicLength        = 14
	TIDLength           = 6
	AppLength           = 25
)

// String masks the key.
func (x KeyRecord) String() string {
	return fmt.Sprintf("usage %02X version %02X algorithm %02X key ***", byte(x.Usage), x.Version, x.Alg)
}

// Format masks the key under every verb.
func (x KeyRecord) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, x.String()) }

// LogValue masks the key.
func (x KeyRecord) LogValue() slog.Value { return slog.StringValue(x.String()) }

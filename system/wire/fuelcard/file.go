package fuelcard

import (
	"fmt"
	"log/slog"

	"greylock/system/wire/apdu"
	"greylock/system/wire/pboc"
)

// SelectFile is SELECT by file id, 00 A4 00 00 02 FID. Source: card.md 6.2.
type SelectFile struct{ FID uint16 }

func (x *SelectFile) layout() apdu.Layout {
	return apdu.Layout{Zh: "选择文件", En: "SELECT",
		Head:   apdu.Head{CLA: 0x00, INS: 0xA4, P1: apdu.Fixed(0), P2: apdu.Fixed(0), Le: apdu.NoLe},
		Fields: []apdu.Field{apdu.Num("文件标识", "FID", &x.FID)}}
}

// SelectName is SELECT by name, 00 A4 04 00 Lc AID. Source: card.md 6.2.
type SelectName struct{ Name []byte } // 1..16 bytes

func (x *SelectName) layout() apdu.Layout {
	return apdu.Layout{Zh: "选择应用", En: "SELECT by name",
		Head:   apdu.Head{CLA: 0x00, INS: 0xA4, P1: apdu.Fixed(4), P2: apdu.Fixed(0), Le: 0},
		Fields: []apdu.Field{apdu.Shown(apdu.Rest("名称", "name", &x.Name, 1, 16), func() string { return name(x.Name) })}}
}

// GetResponse is GET RESPONSE, 00 C0 00 00 Le: the data behind a 61xx of T=0. Source: card.md 6.1, 6.2.
type GetResponse struct{ Length int } // Le; 0 asks for all

func (x *GetResponse) layout() apdu.Layout {
	return apdu.Layout{Zh: "取响应数据", En: "GET RESPONSE",
		Head: apdu.Head{CLA: 0x00, INS: 0xC0, P1: apdu.Fixed(0), P2: apdu.Fixed(0), LeVar: &x.Length}}
}

// ReadBinary is READ BINARY by short id, 00 B0 80|SFI offset Le. Source: card.md 6.2.
type ReadBinary struct {
	SFI    byte
	Offset byte
	Length int // Le; 0 asks for all
}

func (x *ReadBinary) layout() apdu.Layout {
	return apdu.Layout{Zh: "读二进制文件", En: "READ BINARY",
		Head: apdu.Head{CLA: 0x00, INS: 0xB0, P1: apdu.ShortID(&x.SFI), P2: apdu.Var("偏移", "offset", &x.Offset), LeVar: &x.Length}}
}

// UpdateBinary is UPDATE BINARY in plain, 00 D6 80|SFI offset Lc data. Source: card.md 6.2.
type UpdateBinary struct {
	SFI    byte
	Offset byte
	Data   []byte
}

func (x *UpdateBinary) layout() apdu.Layout {
	return apdu.Layout{Zh: "写二进制文件", En: "UPDATE BINARY",
		Head:   apdu.Head{CLA: 0x00, INS: 0xD6, P1: apdu.ShortID(&x.SFI), P2: apdu.Var("偏移", "offset", &x.Offset), Le: apdu.NoLe},
		Fields: []apdu.Field{data(&x.Data, 1, apdu.MaxData)}}
}

// SecureUpdateBinary is UPDATE BINARY with secure messaging, 04 D6 80|SFI offset Lc data MAC4; Data is enciphered for a
// file of type 68. Source: card.md 6.2, 3.1.
type SecureUpdateBinary struct {
	SFI    byte
	Offset byte
	Data   []byte
	MAC    pboc.MAC
}

func (x *SecureUpdateBinary) layout() apdu.Layout {
	return apdu.Layout{Zh: "带 MAC 写二进制文件", En: "UPDATE BINARY with MAC",
		Head:   apdu.Head{CLA: 0x04, INS: 0xD6, P1: apdu.ShortID(&x.SFI), P2: apdu.Var("偏移", "offset", &x.Offset), Le: apdu.NoLe},
		Fields: []apdu.Field{data(&x.Data, 1, apdu.MaxData-4), mac("MAC", &x.MAC)}}
}

// ReadRecord is READ RECORD, 00 B2 number SFI<<3|4 Le. Record 1 of a cyclic file is the newest. Source: card.md 6.2, 3.6.
type ReadRecord struct {
	SFI    byte
	Number byte
	Length int // Le; 0 asks for all
}

func (x *ReadRecord) layout() apdu.Layout {
	return apdu.Layout{Zh: "读记录", En: "READ RECORD",
		Head: apdu.Head{CLA: 0x00, INS: 0xB2, P1: apdu.Var("记录号", "record", &x.Number), P2: apdu.RecordID(&x.SFI), LeVar: &x.Length}}
}

// AppendRecord is APPEND RECORD, 00 E2 00 SFI<<3|4 Lc data. Source: card.md 6.2; P2 as in READ RECORD.
type AppendRecord struct {
	SFI  byte
	Data []byte
}

func (x *AppendRecord) layout() apdu.Layout {
	return apdu.Layout{Zh: "追加记录", En: "APPEND RECORD",
		Head:   apdu.Head{CLA: 0x00, INS: 0xE2, P1: apdu.Fixed(0), P2: apdu.RecordID(&x.SFI), Le: apdu.NoLe},
		Fields: []apdu.Field{data(&x.Data, 1, apdu.MaxData)}}
}

// SecureAppendRecord is APPEND RECORD with secure messaging, 04 E2 00 SFI<<3|4 Lc data MAC4; Data is enciphered for a file
// whose type says so. Source: card.md 6.2, 3.1.
type SecureAppendRecord struct {
	SFI  byte
	Data []byte
	MAC  pboc.MAC
}

func (x *SecureAppendRecord) layout() apdu.Layout {
	return apdu.Layout{Zh: "带 MAC 追加记录", En: "APPEND RECORD with MAC",
		Head:   apdu.Head{CLA: 0x04, INS: 0xE2, P1: apdu.Fixed(0), P2: apdu.RecordID(&x.SFI), Le: apdu.NoLe},
		Fields: []apdu.Field{data(&x.Data, 1, apdu.MaxData-4), mac("MAC", &x.MAC)}}
}

// UpdateRecord is UPDATE RECORD in plain, 00 DC number SFI<<3|4 Lc data. Source: card.md 6.2; P2 as in READ RECORD.
type UpdateRecord struct {
	SFI    byte
	Number byte
	Data   []byte
}

func (x *UpdateRecord) layout() apdu.Layout {
	return apdu.Layout{Zh: "写记录", En: "UPDATE RECORD",
		Head:   apdu.Head{CLA: 0x00, INS: 0xDC, P1: apdu.Var("记录号", "record", &x.Number), P2: apdu.RecordID(&x.SFI), Le: apdu.NoLe},
		Fields: []apdu.Field{data(&x.Data, 1, apdu.MaxData)}}
}

// SecureUpdateRecord is UPDATE RECORD with secure messaging, 04 DC number SFI<<3|4 Lc data MAC4; Data as in
// SecureAppendRecord. Source: card.md 6.2, 3.1.
type SecureUpdateRecord struct {
	SFI    byte
	Number byte
	Data   []byte
	MAC    pboc.MAC
}

func (x *SecureUpdateRecord) layout() apdu.Layout {
	return apdu.Layout{Zh: "带 MAC 写记录", En: "UPDATE RECORD with MAC",
		Head:   apdu.Head{CLA: 0x04, INS: 0xDC, P1: apdu.Var("记录号", "record", &x.Number), P2: apdu.RecordID(&x.SFI), Le: apdu.NoLe},
		Fields: []apdu.Field{data(&x.Data, 1, apdu.MaxData-4), mac("MAC", &x.MAC)}}
}

// CreateFile is CREATE FILE, 80 E0 FID Lc data; FileSpec makes the data. Source: card.md section 11.
type CreateFile struct {
	FID  uint16
	Data []byte
}

func (x *CreateFile) layout() apdu.Layout {
	return apdu.Layout{Zh: "建文件", En: "CREATE FILE",
		Head:   apdu.Head{CLA: 0x80, INS: 0xE0, P1: apdu.High(&x.FID), P2: apdu.Low(&x.FID), Le: apdu.NoLe},
		Fields: []apdu.Field{data(&x.Data, 7, apdu.MaxData)}}
}

// FileKind is the first byte of CREATE FILE data. Source: card.md section 11, 3.1.
type FileKind byte

// Kinds of file.
const (
	KindDF           FileKind = 0x38
	KindKeyFile      FileKind = 0x3F
	KindBinary       FileKind = 0x28
	KindBinaryMAC    FileKind = 0xA8 // writes need a MAC
	KindBinaryCipher FileKind = 0x68 // writes are enciphered
	KindVariable     FileKind = 0x2C // variable records (DIR)
	KindCyclic       FileKind = 0x2E
	KindPurse        FileKind = 0x2F
)

// DFSpec is the data of CREATE FILE for a DF: 38 space2 create1 erase1 appFID1 FF FF name. Source: card.md section 11.
type DFSpec struct {
	Space  uint16 // bytes; FFFF for the MF
	Create byte   // access byte
	Erase  byte
	SFI    byte   // appFID: short id of the file shown in the FCI, 95 = 15 of 0015
	Name   []byte // 5..16 bytes
}

func (x *DFSpec) layout() apdu.Layout {
	return apdu.Layout{Zh: "目录文件", En: "DF", Fields: []apdu.Field{apdu.Const("kind", byte(KindDF)),
		apdu.Num("空间", "space", &x.Space), apdu.Num("建立权限", "create right", &x.Create),
		apdu.Num("擦除权限", "erase right", &x.Erase), apdu.Num("应用文件", "application file", &x.SFI),
		apdu.Const("reserved", 0xFF, 0xFF),
		apdu.Shown(apdu.Rest("名称", "name", &x.Name, 5, 16), func() string { return name(x.Name) })}}
}

// BinarySpec is the data of CREATE FILE for a binary or variable-record file: kind len2 R W FF keybits.
// Source: card.md section 11.
type BinarySpec struct {
	Kind    FileKind // KindBinary, KindBinaryMAC, KindBinaryCipher, KindVariable
	Length  uint16
	Read    byte // access byte
	Write   byte
	KeyBits byte // b8 plain read, b4..3 read key, b2..1 write key; 11 = id 00
}

func (x *BinarySpec) layout() apdu.Layout {
	return apdu.Layout{Zh: "二进制文件", En: "binary file", Fields: []apdu.Field{
		kind(&x.Kind, KindBinary, KindBinaryMAC, KindBinaryCipher, KindVariable), apdu.Num("长度", "length", &x.Length),
		right("读权限", "read right", &x.Read), right("写权限", "write right", &x.Write), apdu.Const("reserved", 0xFF),
		apdu.Num("密钥位", "key bits", &x.KeyBits)}}
}

// CyclicSpec is the data of CREATE FILE for a cyclic file: 2E count1 len1 R W FF keybits. Source: card.md section 11.
type CyclicSpec struct {
	Count   byte
	Length  byte
	Read    byte
	Write   byte
	KeyBits byte
}

func (x *CyclicSpec) layout() apdu.Layout {
	return apdu.Layout{Zh: "循环记录文件", En: "cyclic file", Fields: []apdu.Field{apdu.Const("kind", byte(KindCyclic)),
		apdu.Num("记录数", "records", &x.Count), apdu.Num("记录长度", "record length", &x.Length),
		right("读权限", "read right", &x.Read), right("写权限", "write right", &x.Write), apdu.Const("reserved", 0xFF),
		apdu.Num("密钥位", "key bits", &x.KeyBits)}}
}

// PurseSpec is the data of CREATE FILE for a purse: 2F 02 08 use1 00 FF logSFI1. FID 0001 is ED, 0002 EP.
// Source: card.md section 11, 3.1.
type PurseSpec struct {
	Use    byte // access byte
	LogSFI byte
}

func (x *PurseSpec) layout() apdu.Layout {
	return apdu.Layout{Zh: "钱包文件", En: "purse file", Fields: []apdu.Field{
		apdu.Const("kind", byte(KindPurse), 0x02, 0x08), right("使用权限", "use right", &x.Use), apdu.Const("reserved", 0x00, 0xFF),
		apdu.Num("日志文件", "log SFI", &x.LogSFI)}}
}

// KeyFileSpec is the data of CREATE FILE for a key file: 3F len2 SFI1 addAC1 FF FF. Source: card.md section 11.
type KeyFileSpec struct {
	Length uint16
	SFI    byte
	Add    byte // access byte for adding keys
}

func (x *KeyFileSpec) layout() apdu.Layout {
	return apdu.Layout{Zh: "密钥文件", En: "key file", Fields: []apdu.Field{apdu.Const("kind", byte(KindKeyFile)),
		apdu.Num("长度", "length", &x.Length), apdu.Num("短文件标识", "SFI", &x.SFI), right("增加权限", "add right", &x.Add),
		apdu.Const("reserved", 0xFF, 0xFF)}}
}

// WriteKey is WRITE KEY in plain, 80 D4 P1 kid Lc type use change par1 par2 key. P1=01 adds a key, P1=type updates it.
// Par1 Par2 are version and algorithm of a transaction key, next state and retry of the others. It masks the key.
// Source: card.md section 11, 4.4.
type WriteKey struct {
	P1    byte
	KeyID byte
	KeyRecord
}

// KeyRecord is the data of WRITE KEY. Source: card.md section 11, 4.4.
type KeyRecord struct {
	Type   byte
	Use    byte // access byte
	Change byte // access byte
	Par1   byte // version | next state
	Par2   byte // algorithm | retry, 33 = at most 3, 3 left
	Key    KeyValue
}

// KeyValue is key bytes in a WRITE KEY: 16, 8 or the 2..6 of a PIN. It masks itself. Source: card.md section 11.
type KeyValue []byte

func (x *WriteKey) layout() apdu.Layout {
	l := x.KeyRecord.layout()
	l.Zh, l.En = "写密钥", "WRITE KEY"
	l.Head = apdu.Head{CLA: 0x80, INS: 0xD4, P1: apdu.Var("方式", "mode", &x.P1), P2: apdu.Var("密钥索引", "key id", &x.KeyID), Le: apdu.NoLe}
	return l
}

func (x *KeyRecord) layout() apdu.Layout {
	return apdu.Layout{Zh: "密钥记录", En: "key record", Fields: []apdu.Field{
		apdu.Num("密钥类型", "key type", &x.Type), right("使用权限", "use right", &x.Use), right("更改权限", "change right", &x.Change),
		apdu.Num("版本/后续状态", "version or next state", &x.Par1), apdu.Num("算法/错误计数", "algorithm or retry", &x.Par2),
		apdu.Secret(apdu.Rest("密钥", "key", &x.Key, 2, 16))}}
}

// SecureWriteKey is WRITE KEY with secure messaging, 84 D4 P1 kid Lc cipher MAC4: ENC over the key record, MAC over
// header and cipher. Source: card.md section 11, 5.1; adr/0003.
type SecureWriteKey struct {
	P1     byte
	KeyID  byte
	Cipher []byte // whole blocks
	MAC    pboc.MAC
}

func (x *SecureWriteKey) layout() apdu.Layout {
	return apdu.Layout{Zh: "密文写密钥", En: "WRITE KEY with secure messaging",
		Head:   apdu.Head{CLA: 0x84, INS: 0xD4, P1: apdu.Var("方式", "mode", &x.P1), P2: apdu.Var("密钥索引", "key id", &x.KeyID), Le: apdu.NoLe},
		Fields: []apdu.Field{apdu.Rest("密文", "cipher", &x.Cipher, 8, apdu.MaxData-4), mac("MAC", &x.MAC)}}
}

func data(p *[]byte, least, most int) apdu.Field { return apdu.Rest("数据", "data", p, least, most) }
func right(zh, en string, p *byte) apdu.Field    { return apdu.Num(zh, en, p) }

func kind(p *FileKind, allowed ...FileKind) apdu.Field {
	return apdu.Checked(apdu.Num("文件类型", "kind", p), func(b []byte) error {
		for _, a := range allowed {
			if b[0] == byte(a) {
				return nil
			}
		}
		return fmt.Errorf("kind %02X", b[0])
	})
}

// name shows an application name: its printable end as text.
func name(b []byte) string {
	i := len(b)
	for i > 0 && b[i-1] >= 0x20 && b[i-1] < 0x7F {
		i--
	}
	if i == len(b) {
		return fmt.Sprintf("%X", b)
	}
	return fmt.Sprintf("%X %q", b[:i], b[i:])
}

// LogValue masks the key.
func (KeyValue) LogValue() slog.Value { return slog.StringValue(masked) }

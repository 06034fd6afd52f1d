package fuelcard

import (
	"fmt"
	"io"
	"log/slog"

	"greylock/system/wire/apdu"
	"greylock/system/wire/pboc"
)

const masked = "***"

// PIN is 2 to 6 bytes, compared byte for byte with its own length. It masks itself when printed. Source: card.md 6.2, 3.4.
type PIN []byte

// String masks the PIN.
func (PIN) String() string { return masked }

// Format masks the PIN under every verb.
func (PIN) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// LogValue masks the PIN.
func (PIN) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText masks the PIN.
func (PIN) MarshalText() ([]byte, error) { return []byte(masked), nil }

// String masks the key.
func (KeyValue) String() string { return masked }

// Format masks the key under every verb.
func (KeyValue) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// MarshalText masks the key.
func (KeyValue) MarshalText() ([]byte, error) { return []byte(masked), nil }

// GetChallenge is GET CHALLENGE, 00 84 00 00 04 or 08. Its value is good for the next command only. Source: card.md 6.2.
type GetChallenge struct{ Length int } // 4 or 8

func (x *GetChallenge) layout() apdu.Layout {
	return apdu.Layout{Zh: "取随机数", En: "GET CHALLENGE",
		Head: apdu.Head{CLA: 0x00, INS: 0x84, P1: apdu.Fixed(0), P2: apdu.Fixed(0), LeVar: &x.Length}}
}

// ExternalAuthenticate is EXTERNAL AUTHENTICATION, 00 82 00 kid 08 E(rand4 0000 or rand8). Source: card.md 6.2.
type ExternalAuthenticate struct {
	KeyID  byte
	Cipher [8]byte // pboc.Suite.Authenticate over the challenge
}

func (x *ExternalAuthenticate) layout() apdu.Layout {
	return apdu.Layout{Zh: "外部认证", En: "EXTERNAL AUTHENTICATION",
		Head:   apdu.Head{CLA: 0x00, INS: 0x82, P1: apdu.Fixed(0), P2: apdu.Var("密钥索引", "key id", &x.KeyID), Le: apdu.NoLe},
		Fields: []apdu.Field{apdu.Raw("密文", "cipher", x.Cipher[:])}}
}

// Challenge is the block that EXTERNAL AUTHENTICATION enciphers: a challenge of 4 bytes filled with zeros, or one of 8.
// Source: card.md 6.2.
func Challenge(rand []byte) (b [8]byte) {
	copy(b[:], rand)
	return b
}

// InternalAuthenticate is INTERNAL AUTHENTICATION, 00 88 mode kid Lc data; mode 00 enciphers. The system asks with
// 8 random bytes under DIK. Source: card.md 6.2; adr/0003.
type InternalAuthenticate struct {
	Mode  byte // 00 encipher, 01 decipher, 02 MAC
	KeyID byte
	Data  []byte
}

func (x *InternalAuthenticate) layout() apdu.Layout {
	return apdu.Layout{Zh: "内部认证", En: "INTERNAL AUTHENTICATION",
		Head:   apdu.Head{CLA: 0x00, INS: 0x88, P1: apdu.UpTo("方式", "mode", &x.Mode, 2), P2: apdu.Var("密钥索引", "key id", &x.KeyID), Le: 0},
		Fields: []apdu.Field{data(&x.Data, 1, apdu.MaxData)}}
}

// Verify is VERIFY, 00 20 00 kid Lc PIN. Source: card.md 6.2.
type Verify struct {
	KeyID byte
	PIN   PIN
}

func (x *Verify) layout() apdu.Layout {
	return apdu.Layout{Zh: "校验密码", En: "VERIFY",
		Head:   apdu.Head{CLA: 0x00, INS: 0x20, P1: apdu.Fixed(0), P2: apdu.Var("密钥索引", "key id", &x.KeyID), Le: apdu.NoLe},
		Fields: []apdu.Field{pin("密码", "PIN", &x.PIN)}}
}

// ChangePIN is CHANGE PIN, 80 5E 01 kid Lc old FF new. Source: card.md 6.2.
type ChangePIN struct {
	KeyID    byte
	Old, New PIN
}

func (x *ChangePIN) layout() apdu.Layout {
	var both PIN
	if len(x.Old)+len(x.New) > 0 {
		both = append(append(append(both, x.Old...), 0xFF), x.New...)
	}
	f := apdu.Rest("旧密码 新密码", "old PIN, new PIN", &both, 2*minPIN+1, 2*maxPIN+1)
	f = apdu.Secret(apdu.Checked(f, func(b []byte) error {
		for i, v := range b {
			if v == 0xFF && i >= minPIN && i <= maxPIN && len(b)-i-1 >= minPIN && len(b)-i-1 <= maxPIN {
				x.Old, x.New = append(PIN(nil), b[:i]...), append(PIN(nil), b[i+1:]...)
				return nil
			}
		}
		return fmt.Errorf("no FF between two PINs of %d to %d bytes", minPIN, maxPIN)
	}))
	return apdu.Layout{Zh: "修改密码", En: "CHANGE PIN",
		Head:   apdu.Head{CLA: 0x80, INS: 0x5E, P1: apdu.Fixed(1), P2: apdu.Var("密钥索引", "key id", &x.KeyID), Le: apdu.NoLe},
		Fields: []apdu.Field{f}}
}

// ReloadPIN is RELOAD PIN, 80 5E 00 kid Lc new MAC4; the MAC is Suite.TAC of DRPK over the new PIN. Source: card.md 6.2, 5.3.
type ReloadPIN struct {
	KeyID byte
	PIN   PIN
	MAC   pboc.MAC
}

func (x *ReloadPIN) layout() apdu.Layout {
	return apdu.Layout{Zh: "重装密码", En: "RELOAD PIN",
		Head:   apdu.Head{CLA: 0x80, INS: 0x5E, P1: apdu.Fixed(0), P2: apdu.Var("密钥索引", "key id", &x.KeyID), Le: apdu.NoLe},
		Fields: []apdu.Field{pin("新密码", "new PIN", &x.PIN), mac("MAC", &x.MAC)}}
}

// PINUnblock is PIN UNBLOCK, 84 24 00 01 0C cipher8 MAC4: ENC over the PIN under DPUK. P1 = PIN id, P2 = 00 is accepted
// too. Source: card.md 6.2, 5.3.
type PINUnblock struct {
	P1, P2 byte
	Cipher []byte // one block
	MAC    pboc.MAC
}

func (x *PINUnblock) layout() apdu.Layout {
	return apdu.Layout{Zh: "密码解锁", En: "PIN UNBLOCK",
		Head:   apdu.Head{CLA: 0x84, INS: 0x24, P1: apdu.Var("P1", "P1", &x.P1), P2: apdu.Var("P2", "P2", &x.P2), Le: apdu.NoLe},
		Fields: []apdu.Field{apdu.Rest("密文", "cipher", &x.Cipher, 8, 16), mac("MAC", &x.MAC)}}
}

// ApplicationBlock is APPLICATION BLOCK, 84 1E 00 mode 04 MAC. Source: card.md 6.2.
type ApplicationBlock struct {
	Permanent byte // 00 temporary, 01 permanent
	MAC       pboc.MAC
}

func (x *ApplicationBlock) layout() apdu.Layout {
	return apdu.Layout{Zh: "应用锁定", En: "APPLICATION BLOCK",
		Head:   apdu.Head{CLA: 0x84, INS: 0x1E, P1: apdu.Fixed(0), P2: apdu.UpTo("永久", "permanent", &x.Permanent, 1), Le: apdu.NoLe},
		Fields: []apdu.Field{mac("MAC", &x.MAC)}}
}

// ApplicationUnblock is APPLICATION UNBLOCK, 84 18 00 00 04 MAC. Source: card.md 6.2.
type ApplicationUnblock struct{ MAC pboc.MAC }

func (x *ApplicationUnblock) layout() apdu.Layout {
	return apdu.Layout{Zh: "应用解锁", En: "APPLICATION UNBLOCK",
		Head:   apdu.Head{CLA: 0x84, INS: 0x18, P1: apdu.Fixed(0), P2: apdu.Fixed(0), Le: apdu.NoLe},
		Fields: []apdu.Field{mac("MAC", &x.MAC)}}
}

// CardBlock is CARD BLOCK, 84 16 00 00 04 MAC. Source: card.md 6.2.
type CardBlock struct{ MAC pboc.MAC }

func (x *CardBlock) layout() apdu.Layout {
	return apdu.Layout{Zh: "卡片锁定", En: "CARD BLOCK",
		Head:   apdu.Head{CLA: 0x84, INS: 0x16, P1: apdu.Fixed(0), P2: apdu.Fixed(0), Le: apdu.NoLe},
		Fields: []apdu.Field{mac("MAC", &x.MAC)}}
}

// PIN lengths. Source: card.md 6.2.
const (
	minPIN = 2
	maxPIN = 6
)

func pin(zh, en string, p *PIN) apdu.Field { return apdu.Secret(apdu.Rest(zh, en, p, minPIN, maxPIN)) }

// Seal fills in the secure-messaging MAC of a command whose data ends in four bytes for it. key is DAMK, DPUK or the
// DF's master key; rand is the challenge just taken, 4 or 8 bytes. Source: card.md 5.3, SM update MAC.
func Seal(s pboc.Suite, key pboc.Key, rand []byte, c apdu.Command) apdu.Command {
	return c.WithMAC(s.SecureMAC(key, rand, c.MACSpan()))
}

// SealKey turns a plain WRITE KEY into its secured form under the current DF's 39 id 00. Source: card.md section 11, 5.1; adr/0003.
func SealKey(s pboc.Suite, key pboc.Key, rand []byte, w WriteKey) apdu.Command {
	return Seal(s, key, rand, SecureWriteKey{P1: w.P1, KeyID: w.KeyID, Cipher: s.Encipher(key, w.KeyRecord.Bytes())}.Command())
}

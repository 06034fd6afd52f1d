package terminal

import (
	"bytes"
	"fmt"
	"slices"

	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/samcard"
	"greylock/system/wire/unit"
)

// Identity is who a card says it is, and what it proves about its last sale. Refused is set for a card that may not be
// served; its proof is there all the same and must be kept and forwarded (trust.md, rule 4).
type Identity struct {
	ASN      pboc.ASN
	Public   fuelcard.PublicData
	Holder   fuelcard.HolderData
	Ordinary fuelcard.OrdinaryData
	Limits   fuelcard.Limits
	Proof    fuelcard.LockProof
	Balance  unit.Fen // from GET BALANCE: of ED, or of EP in the loyalty application
	Hidden   bool     // the card shows its balance only after the PIN (balance_pin): Reveal
	Refused  *Refusal
}

// UserPIN reports that the holder keys a PIN of his own; else VerifyPIN takes the profile's default silently.
func (id Identity) UserPIN() bool { return id.Ordinary.UserPIN != 0 }

// Identify selects the petrol application and reads who the card is: 0015, the lock proof, the balance, 0016, 001B, 001C,
// 8 APDUs, or Brief 5. The proof comes first so that it is harvested from every card, also from one that is refused or pulled: on an
// error the identity holds what was read so far. Source: card.md 12.1 steps 1, 2, 8, 9.
func (t *Terminal) Identify() (Identity, error) {
	var id Identity
	fci, err := t.selectCard()
	if sw, no := refused(err); no {
		id.Refused = selectRefusal(sw)
		return id, nil
	}
	if err != nil {
		return id, err
	}
	if id.Public, err = t.readPublic(fci); err != nil {
		return id, err
	}
	id.ASN = id.Public.ASN
	defer t.proveAhead(id)()
	if id.Proof, err = t.Proof(); err != nil {
		return id, err
	}
	id.Balance, err = t.Balance()
	if sw, no := refused(err); no && sw == apdu.SecurityState {
		id.Hidden, err = true, nil
	}
	if err != nil {
		return id, err
	}
	if id.Refused = t.judge(id.Public); id.Refused != nil {
		return id, nil
	}
	return id, t.readData(&id)
}

// selectCard selects MF and the application, whose FCI it returns; a reset card needs it again. In brief the MF is
// selected only for a card that does not find the application from where it stands.
func (t *Terminal) selectCard() (fci []byte, err error) {
	t.verified = false
	application := fuelcard.SelectName{Name: t.Profile.AIDPetrol}
	if t.Loyalty {
		application.Name = t.Profile.AIDLoyalty
	}
	if t.Brief {
		fci, err := send(t.Card, selecting, application)
		if sw, no := refused(err); !no || sw != apdu.FileNotFound {
			return fci, err
		}
	}
	if _, err := send(t.Card, "选择主目录 (SELECT MF)", fuelcard.SelectFile{FID: fuelcard.FIDMF}); err != nil {
		return nil, err
	}
	return send(t.Card, selecting, application)
}

const selecting = "选择应用 (SELECT application)"

func selectRefusal(sw apdu.SW) *Refusal {
	switch sw {
	case apdu.FileInvalid, apdu.FunctionOrBlocked:
		return &Refusal{ReasonInvalid, "卡应用已锁定, 请到发卡网点", "the card's application is blocked: go to an outlet"}
	case apdu.PermanentlyLocked:
		return &Refusal{ReasonInvalid, "卡已永久锁定, 请到发卡网点", "the card is locked for ever: go to an outlet"}
	}
	return &Refusal{ReasonInvalid, "非加油卡", "not a petrol card: SW " + sw.String()}
}

// readPublic reads 0015, or takes it from the FCI, which carries it. Source: card.md 3.1.
func (t *Terminal) readPublic(fci []byte) (fuelcard.PublicData, error) {
	if t.Brief {
		if x, err := fuelcard.ParseFCI(fci); err == nil && len(x.Public) == fuelcard.PublicLength {
			return fuelcard.ParsePublicData(x.Public)
		}
	}
	return readFile(t, "读公共信息 (read 0015)", fuelcard.SFIPublic, fuelcard.PublicLength, fuelcard.ParsePublicData)
}

// ordinaryUsed is what is meaningful at the start of 001B; the rest is reserved. Source: card.md 3.4.
const ordinaryUsed = 4

// readData reads holder, PIN flag and limits.
func (t *Terminal) readData(id *Identity) (err error) {
	id.Limits = fuelcard.NoLimits()
	if t.Brief {
		if id.Ordinary, err = readFile(t, "读普通数据 (read 001B)", fuelcard.SFIOrdinary, ordinaryUsed, padded(fuelcard.OrdinaryLength, fuelcard.ParseOrdinaryData)); err != nil || t.Loyalty {
			return err
		}
		id.Limits, err = readFile(t, "读限制数据 (read 001C)", fuelcard.SFILimits, t.Profile.LimitsUsed(), padded(fuelcard.LimitsLength, t.Profile.ParseLimits))
		return err
	}
	if id.Holder, err = readFile(t, "读持卡人信息 (read 0016)", fuelcard.SFIHolder, fuelcard.HolderLength, fuelcard.ParseHolderData); err != nil {
		return err
	}
	if id.Ordinary, err = readFile(t, "读普通数据 (read 001B)", fuelcard.SFIOrdinary, fuelcard.OrdinaryLength, fuelcard.ParseOrdinaryData); err != nil || t.Loyalty {
		return err
	}
	id.Limits, err = readFile(t, "读限制数据 (read 001C)", fuelcard.SFILimits, fuelcard.LimitsLength, t.Profile.ParseLimits)
	return err
}

// padded lets the start of a file be read as the whole file, its rest FF.
func padded[T any](length int, parse func([]byte) (T, error)) func([]byte) (T, error) {
	return func(b []byte) (T, error) {
		return parse(append(slices.Clip(b), bytes.Repeat([]byte{0xFF}, max(0, length-len(b)))...))
	}
}

func readFile[T any](t *Terminal, doing string, sfi byte, length int, parse func([]byte) (T, error)) (T, error) {
	return ask(t.Card, doing, fuelcard.ReadBinary{SFI: sfi, Length: length}, parse)
}

// judge applies the rules about application, issuer and dates. Source: card.md 3.2, 3.8, issuer_rule.
func (t *Terminal) judge(p fuelcard.PublicData) *Refusal {
	today := t.Clock().Civil().Date()
	switch {
	case t.Loyalty && p.AppType != fuelcard.AppLoyalty:
		return &Refusal{ReasonInvalid, "非积分应用", fmt.Sprintf("not a loyalty application: type %02X", p.AppType)}
	case !t.Loyalty && p.AppType != fuelcard.AppPetrol:
		return &Refusal{ReasonInvalid, "非加油应用", fmt.Sprintf("not a petrol application: type %02X", p.AppType)}
	case !t.Profile.IssuerOK(p.Issuer):
		return &Refusal{ReasonInvalid, "发卡方标识不符", "issuer id not accepted: " + p.Issuer.String()}
	case p.ASN[0] != 0x01:
		return &Refusal{ReasonInvalid, "卡号不符", "card number not accepted"}
	case bytes.Compare(today[:], p.Start[:]) < 0:
		return &Refusal{ReasonInvalid, "卡未启用", fmt.Sprintf("card is valid from %X", p.Start)}
	case bytes.Compare(today[:], p.Expiry[:]) > 0:
		return &Refusal{ReasonInvalid, "卡已过期", fmt.Sprintf("card expired on %X", p.Expiry)}
	}
	return nil
}

// Proof reads the lock proof; a card that was never locked may say 6985 and counts as all zero. Source: card.md 6.4.
func (t *Terminal) Proof() (fuelcard.LockProof, error) {
	p, err := ask(t.Card, "取灰锁状态 (GET LOCK PROOF)", fuelcard.GetLockProof{}, fuelcard.ParseLockProof)
	if sw, no := refused(err); no && sw == apdu.Conditions {
		return fuelcard.LockProof{}, nil
	}
	return p, err
}

// Balance reads the balance of ED, or of EP in the loyalty application.
func (t *Terminal) Balance() (unit.Fen, error) {
	purse := fuelcard.ED
	if t.Loyalty {
		purse = fuelcard.EP
	}
	b, err := ask(t.Card, "读余额 (GET BALANCE)", fuelcard.GetBalance{Purse: purse}, fuelcard.ParseBalanceAnswer)
	return b.Balance, err
}

// Reveal reads a balance that was hidden, once the PIN was verified.
func (t *Terminal) Reveal(id *Identity) (err error) {
	if id.Hidden {
		id.Balance, err = t.Balance()
		id.Hidden = err != nil
	}
	return err
}

// SAM is who a PSAM is.
type SAM struct {
	Number      pboc.ASN
	TID         pboc.TID
	Application samcard.SAMApplication
}

// ReadPSAM reads the PSAM's number, terminal number and application, leaves the application selected and sets SAM. It is
// called after every power-up of the PSAM. ErrPSAM if its application has run out or not begun. Source: card.md 3.9, 12.1 step 3.
func (t *Terminal) ReadPSAM() (SAM, error) {
	t.SAM = SAM{}
	s, err := t.readPSAM()
	if err != nil {
		return SAM{}, err
	}
	today := t.Clock().Civil().Date()
	if a := s.Application; bytes.Compare(today[:], a.Start[:]) < 0 || bytes.Compare(today[:], a.Expiry[:]) > 0 {
		return SAM{}, fmt.Errorf("PSAM 有效期 %X-%X (validity): %w", a.Start, a.Expiry, ErrPSAM)
	}
	t.SAM = s
	return s, nil
}

func (t *Terminal) readPSAM() (s SAM, err error) {
	if t.PSAM == nil {
		return s, ErrPSAM
	}
	application := samcard.SelectName{Name: t.Profile.AIDPSAMPetrol}
	if t.Loyalty {
		application.Name = t.Profile.AIDPSAMLoyalty
	}
	if _, err = send(t.PSAM, "选择 PSAM 主目录 (SELECT MF of PSAM)", samcard.SelectFile{FID: samcard.FIDMF}); err != nil {
		return s, err
	}
	public, err := ask(t.PSAM, "读 PSAM 0015 (read)", samcard.ReadBinary{SFI: samcard.SFIPublic, Length: samcard.PublicLength}, samcard.ParseSAMPublic)
	if err != nil {
		return s, err
	}
	terminal, err := ask(t.PSAM, "读 PSAM 0016 (read)", samcard.ReadBinary{SFI: samcard.SFITerminal, Length: samcard.TIDLength}, samcard.ParseSAMTerminal)
	if err != nil {
		return s, err
	}
	if _, err = send(t.PSAM, "选择 PSAM 应用 (SELECT application of PSAM)", application); err != nil {
		return s, err
	}
	app, err := ask(t.PSAM, "读 PSAM 0017 (read)", samcard.ReadBinary{SFI: samcard.SFIApp, Length: samcard.AppLength}, samcard.ParseSAMApplication)
	return SAM{public.Number, terminal.TID, app}, err
}

// HistoryDepth is how many records of 0018 a terminal walks. Source: card.md 3.5, 3.6.
const HistoryDepth = 10

// History reads the newest log records, newest first; the PIN must have been verified (access F1). Source: card.md 3.6.
func (t *Terminal) History() ([]fuelcard.LogRecord, error) {
	return t.walk(func(fuelcard.LogRecord) bool { return true })
}

// Today reads the log records of today and the one before them, which is all that Allow looks at.
func (t *Terminal) Today() ([]fuelcard.LogRecord, error) {
	today := t.Clock().Civil().Date()
	return t.walk(func(r fuelcard.LogRecord) bool { return bytes.Compare(r.Time[:4], today[:]) >= 0 })
}

// walk reads the log from its newest record back, as far as it is wanted.
func (t *Terminal) walk(further func(fuelcard.LogRecord) bool) ([]fuelcard.LogRecord, error) {
	var all []fuelcard.LogRecord
	for n := byte(1); n <= HistoryDepth; n++ {
		r, err := ask(t.Card, "读交易明细 (READ RECORD 0018)",
			fuelcard.ReadRecord{SFI: fuelcard.SFILog, Number: n, Length: fuelcard.LogLength}, fuelcard.ParseLogRecord)
		if sw, no := refused(err); no && sw == apdu.RecordNotFound {
			break
		}
		if err != nil {
			return nil, err
		}
		if all = append(all, r); !further(r) {
			break
		}
	}
	return all, nil
}

// VerifyPIN shows the PIN to the card. *PINError says how many tries are left or that the PIN is blocked. The caller wipes
// the PIN when it is done with it. Source: card.md 6.2, 7.4.
func (t *Terminal) VerifyPIN(pin fuelcard.PIN) error {
	_, err := send(t.Card, "校验密码 (VERIFY)", fuelcard.Verify{KeyID: fuelcard.PINSlot.ID, PIN: pin})
	if sw, no := refused(err); no {
		if left, is := sw.TriesLeft(); is {
			return &PINError{Left: left, Blocked: left == 0}
		}
		if sw == apdu.AuthBlocked {
			return &PINError{Blocked: true}
		}
	}
	t.verified = err == nil
	return err
}

// Verified says that the PIN was verified since the application was selected: it need not be shown again for what the
// profile's pin_scope and pin_unlock keep behind it. Source: card.md 7.4.
func (t *Terminal) Verified() bool { return t.verified }

// KeyedPIN packs the digits of a key pad, two to a byte as on the card (card.md 3.4); the caller wipes digits and PIN.
// An odd number of digits is filled with F.
func KeyedPIN(digits []byte) (fuelcard.PIN, error) {
	if len(digits) < 4 || len(digits) > 12 {
		return nil, fmt.Errorf("密码应为 4 至 12 位数字 (a PIN has 4 to 12 digits): %d: %w", len(digits), apdu.ErrLength)
	}
	pin := make(fuelcard.PIN, 0, 6)
	for i := 0; i < len(digits); i += 2 {
		low := byte('F' - 'A' + 10)
		if i+1 < len(digits) {
			low = digits[i+1] - '0'
		}
		high := digits[i] - '0'
		if high > 9 || low > 9 && i+1 < len(digits) {
			Wipe(pin)
			return nil, fmt.Errorf("密码只能是数字 (a PIN is digits only): %w", apdu.WrongData)
		}
		pin = append(pin, high<<4|low)
	}
	return pin, nil
}

// Wipe overwrites a PIN.
func Wipe(pin []byte) { clear(pin) }

// ExternalAuthenticate proves the terminal to the card: it takes a challenge of 8 bytes, lets the host encipher it, and shows
// the result. A terminal without the key is refused with 63Cx. Source: card.md 6.2.
func (t *Terminal) ExternalAuthenticate(keyID byte, encipher func(challenge [8]byte) ([8]byte, error)) error {
	random, err := send(t.Card, "取随机数 (GET CHALLENGE)", fuelcard.GetChallenge{Length: 8})
	if err != nil {
		return err
	}
	if len(random) != 8 {
		return fmt.Errorf("取随机数 (GET CHALLENGE): %d 字节 (bytes): %w", len(random), apdu.ErrLength)
	}
	cipher, err := encipher([8]byte(random))
	if err != nil {
		return err
	}
	_, err = send(t.Card, "外部认证 (EXTERNAL AUTHENTICATION)", fuelcard.ExternalAuthenticate{KeyID: keyID, Cipher: cipher})
	return err
}

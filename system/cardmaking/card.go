package cardmaking

import (
	"errors"
	"fmt"

	"greylock/system/card"
	"greylock/system/vault"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
)

// CardOrder says which user card is wanted.
type CardOrder struct {
	Kind      byte   // fuelcard.CardUser and the others of card.md 3.7
	ValidFrom string // YYYYMMDD
	ValidTo   string

	Employee byte    // of an employee card: 1…9; 0 is 1. Source: card.md 3.4
	Gas      bool    // with a file for the vehicle's vessel
	Password [2]byte // that the employee keys at a dispenser, BCD
}

// making is one user card on its way.
type making struct {
	chat
	m      *Maker
	public fuelcard.PublicData
	c      vault.Card

	employee byte
	gas      bool
	password [2]byte
}

// MakeCard makes the blank in the reader a card of ours, or goes on with the one that was begun. An order that differs from
// what an open card was begun for is that of the open card. ErrNotBlank, ErrMade, ErrReadBack; with a lost card the number
// stays open and the call is made again with the same card. A blank that comes while a number is open scraps that number:
// nobody can know whether another card carries it.
func (m *Maker) MakeCard(door Door, t card.Transport, o CardOrder) (record.CardMade, error) {
	mk := &making{chat: chat{t}, m: m, password: o.Password}
	if err := mk.refuseMade(); err != nil {
		return record.CardMade{}, err
	}
	resumed, err := mk.resume()
	if err != nil {
		return record.CardMade{}, err
	}
	if !resumed {
		if err := mk.begin(door, o); err != nil {
			return record.CardMade{}, err
		}
	}
	steps := []func() error{mk.masterFile, mk.application, mk.keys, mk.files, mk.data, mk.readBack}
	for _, step := range steps {
		if err := step(); err != nil {
			return record.CardMade{}, fmt.Errorf("制卡 %s (making): %w", mk.c.ASN, err)
		}
	}
	b := *m.open
	fact := record.CardMade{TimeMs: door.Now().Milli(), ASN: b.ASN, Issuer: b.Issuer, ValidFrom: b.ValidFrom, ValidTo: b.ValidTo}
	return fact, m.note(door, fact)
}

// refuseMade looks for a public file: a card that has a number that is not open is none of our business.
func (mk *making) refuseMade() error {
	a, err := mk.ask("选择加油应用 (SELECT petrol application)",
		fuelcard.SelectName{Name: mk.m.cfg.Profile.AIDPetrol}.Command(), apdu.FileNotFound, apdu.FileInvalid)
	if err != nil || a.SW == apdu.FileNotFound {
		return err
	}
	a, err = mk.ask("读公共信息 (read 0015)", fuelcard.ReadBinary{SFI: fuelcard.SFIPublic, Length: fuelcard.PublicLength}.Command(),
		apdu.FileNotFound, apdu.NeverWritten)
	if err != nil || a.SW != apdu.OK {
		return err
	}
	p, err := fuelcard.ParsePublicData(a.Data)
	if err != nil {
		return fmt.Errorf("读公共信息 (read 0015): %w", err)
	}
	if open := mk.m.open; open != nil && open.ASN == p.ASN {
		return nil
	}
	return fmt.Errorf("卡号 %s (card number): %w", p.ASN, ErrMade)
}

// resume finds out whether the card in the reader is the open one: it then takes the key that only that number has.
func (mk *making) resume() (bool, error) {
	b := mk.m.open
	if b == nil {
		return false, nil
	}
	if err := mk.describe(*b); err != nil {
		return false, err
	}
	if err := mk.selectMF(); err != nil {
		return false, err
	}
	return mk.prove("卡片主控密钥认证 (authenticate with CCK)", func(r [8]byte) ([8]byte, error) {
		return mk.m.cfg.Keys.ExternalAnswer(vault.CCK, mk.c, r)
	})
}

// begin proves that the card is a blank of the batch, takes a number and replaces the transport key. The number is durable
// just before that first write.
func (mk *making) begin(door Door, o CardOrder) error {
	m := mk.m
	if err := mk.selectMF(); err != nil {
		return err
	}
	suite, err := m.cfg.Profile.Suite()
	if err != nil {
		return err
	}
	blank, err := mk.prove("传输密钥认证 (authenticate with the transport key)", func(r [8]byte) ([8]byte, error) {
		return suite.Authenticate(m.cfg.Transport, r), nil
	})
	if err != nil {
		return err
	}
	if !blank {
		return ErrNotBlank
	}
	rand, err := mk.challenge(4)
	if err != nil {
		return err
	}
	facts, b, err := m.number(door, o)
	if err != nil {
		return err
	}
	if err := mk.describe(b); err != nil {
		return err
	}
	cmd, err := m.cfg.Keys.WrapCardKey(vault.CCK, mk.c, vault.Transport(m.cfg.Transport), rand, true)
	if err != nil {
		return err
	}
	if err := m.note(door, facts...); err != nil {
		return err
	}
	_, err = mk.ask("更换传输密钥 (replace the transport key)", cmd)
	return err
}

// number is the act that takes the next number, and gives up one that is still open.
func (m *Maker) number(door Door, o CardOrder) ([]record.Fact, record.CardBegun, error) {
	now := door.Now().Milli()
	var facts []record.Fact
	if m.open != nil {
		facts = append(facts, record.CardScrapped{TimeMs: now, ASN: m.open.ASN, Reason: "another-blank"})
	}
	switch o.Kind {
	case fuelcard.CardUser, fuelcard.CardManager, fuelcard.CardEmployee, fuelcard.CardPumpTest, fuelcard.CardService:
	default:
		return nil, record.CardBegun{}, fmt.Errorf("卡类型 %02X (card type): %w", o.Kind, errors.ErrUnsupported)
	}
	if o.Employee > 9 {
		return nil, record.CardBegun{}, fmt.Errorf("员工号 %d, 应为 1 至 9 (employee number): %w", o.Employee, errors.ErrUnsupported)
	}
	asn, err := Number(o.Kind, m.cfg.Province, m.serial(o.Kind))
	if err != nil {
		return nil, record.CardBegun{}, err
	}
	b := record.CardBegun{
		TimeMs: now, ASN: asn, Issuer: m.cfg.Realm.Issuer(m.cfg.Company), ValidFrom: o.ValidFrom, ValidTo: o.ValidTo, Employee: o.Employee, Gas: o.Gas,
	}
	return append(facts, b), b, nil
}

// describe fixes what the card will be.
func (mk *making) describe(b record.CardBegun) error {
	from, err := date(b.ValidFrom)
	if err != nil {
		return err
	}
	to, err := date(b.ValidTo)
	if err != nil {
		return err
	}
	mk.public = fuelcard.PublicData{
		Issuer: b.Issuer, AppType: fuelcard.AppPetrol, AppVersion: 1, ASN: b.ASN, Start: from, Expiry: to, SetVersion: 1,
	}
	mk.c = vault.CardOf(mk.public, mk.m.cfg.Profile.Alg)
	mk.employee, mk.gas = max(1, b.Employee), b.Gas
	return nil
}

// write is a WRITE KEY of one of the card's own keys under a master that it holds.
func (mk *making) write(name, under vault.Name) error {
	_, err := mk.guarded("写密钥 (WRITE KEY) "+string(name), func(rand []byte) (apdu.Command, error) {
		return mk.m.cfg.Keys.WrapCardKey(name, mk.c, vault.Own(under), rand, false)
	})
	return err
}

// masterFile completes the MF, in which the card is authenticated: CMK, and DIR with its one entry.
func (mk *making) masterFile() error {
	if err := mk.write(vault.CMK, vault.CCK); err != nil {
		return err
	}
	for _, f := range mk.m.cfg.Profile.MFFiles() {
		if _, err := mk.create("建目录文件 (create DIR)", f.Command()); err != nil {
			return err
		}
	}
	const dir = byte(fuelcard.FIDDir)
	a, err := mk.ask("读目录 (read DIR)", fuelcard.ReadRecord{SFI: dir, Number: 1}.Command(), apdu.RecordNotFound)
	if err != nil || a.SW == apdu.OK {
		return err
	}
	_, err = mk.ask("写目录 (write DIR)", fuelcard.AppendRecord{SFI: dir, Data: mk.m.cfg.Profile.DirRecord()}.Command())
	return err
}

// application makes the petrol application and its key file, or enters it.
func (mk *making) application() error {
	p := mk.m.cfg.Profile
	if err := mk.createIn("建应用 (create application)", p.PetrolDF()); err != nil {
		return err
	}
	_, err := mk.create("建密钥文件 (create key file)", p.KeyFile().Command())
	return err
}

// keys writes every key of the application and the PIN; the first, ACK, under CCK unless an earlier try has put it there.
func (mk *making) keys() error {
	has, err := mk.prove("应用主控密钥认证 (authenticate with ACK)", func(r [8]byte) ([8]byte, error) {
		return mk.m.cfg.Keys.ExternalAnswer(vault.ACK, mk.c, r)
	})
	if err != nil {
		return err
	}
	for _, slot := range mk.m.cfg.Profile.CardKeys() {
		under := vault.ACK
		if name := vault.Name(slot.Name); slot.MF || name == vault.ACK && has {
			continue
		} else if name == vault.ACK {
			under = vault.CCK
		}
		if err := mk.write(vault.Name(slot.Name), under); err != nil {
			return err
		}
	}
	_, err = mk.guarded("写密码 (WRITE KEY) PIN", func(rand []byte) (apdu.Command, error) {
		return mk.m.cfg.Keys.WrapPIN(mk.c, vault.Own(vault.ACK), rand, mk.m.cfg.Profile.DefaultPIN)
	}, apdu.SecurityState) // a PIN that is there can never be written again
	return err
}

func (mk *making) files() error {
	files := mk.m.cfg.Profile.PetrolFiles()
	if mk.gas {
		files = append(files, mk.m.cfg.Profile.VesselFile())
	}
	for _, f := range files {
		if _, err := mk.create(fmt.Sprintf("建文件 %04X (create file)", f.FID), f.Command()); err != nil {
			return err
		}
	}
	return nil
}

// ordinaryWritten is how much of 001B is written. Source: card.md 3.4.
const ordinaryWritten = 32

// contents are the files' first data, in the order in which they are written.
func (mk *making) contents() []content {
	kind := mk.c.ASN.CardType()
	holder := fuelcard.HolderData{CardType: kind}
	if kind != fuelcard.CardUser {
		holder.Staff = 1
	}
	ordinary := fuelcard.OrdinaryData{Employee: mk.employee, EmployeePassword: mk.password}
	limits, err := mk.m.cfg.Profile.LimitsBytes(fuelcard.NoLimits())
	if err != nil {
		panic("cardmaking: no limits do not fit: " + err.Error()) // every layout has them
	}
	return []content{
		{fuelcard.SFIHolder, holder.Bytes(), true},
		{fuelcard.SFIOrdinary, ordinary.Bytes()[:ordinaryWritten], false},
		{fuelcard.SFILimits, limits, true},
		{fuelcard.SFIPublic, mk.public.Bytes(), true}, // last: a card that shows its number is nearly whole
	}
}

type content struct {
	sfi     byte
	data    []byte
	secured bool
}

func (mk *making) data() error {
	for _, x := range mk.contents() {
		doing := fmt.Sprintf("写文件 00%02X (write file)", x.sfi)
		if !x.secured {
			if _, err := mk.ask(doing, fuelcard.UpdateBinary{SFI: x.sfi, Data: x.data}.Command()); err != nil {
				return err
			}
			continue
		}
		_, err := mk.guarded(doing, func(rand []byte) (apdu.Command, error) {
			cmd := fuelcard.SecureUpdateBinary{SFI: x.sfi, Data: x.data}.Command()
			mac, err := mk.m.cfg.Keys.SecureMAC(vault.DAMK, mk.c, rand, cmd.MACSpan())
			return cmd.WithMAC(mac), err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readBack leaves the personalisation and looks at the card as everybody else will: files, PIN, balance 0, never locked, and
// the key that proves that it is ours.
func (mk *making) readBack() error {
	if err := mk.selectMF(); err != nil {
		return err
	}
	if _, err := mk.ask("选择加油应用 (SELECT petrol application)", fuelcard.SelectName{Name: mk.m.cfg.Profile.AIDPetrol}.Command()); err != nil {
		return err
	}
	for _, x := range mk.contents() {
		if err := mk.read(fmt.Sprintf("回读 00%02X (read back)", x.sfi), x.sfi, x.data); err != nil {
			return err
		}
	}
	if _, err := mk.ask("校验默认密码 (VERIFY)", fuelcard.Verify{KeyID: fuelcard.PINSlot.ID, PIN: mk.m.cfg.Profile.DefaultPIN}.Command()); err != nil {
		return err
	}
	a, err := mk.ask("读余额 (GET BALANCE)", fuelcard.GetBalance{Purse: fuelcard.ED}.Command())
	if err != nil {
		return err
	}
	if b, err := fuelcard.ParseBalanceAnswer(a.Data); err != nil || b.Balance != 0 {
		return fmt.Errorf("余额 (balance) %s: %w", b.Balance, ErrReadBack)
	}
	return mk.proveOurs()
}

func (mk *making) proveOurs() error {
	rand, err := mk.challenge(8) // any eight bytes do; the card's own are at hand
	if err != nil {
		return err
	}
	challenge := fuelcard.Challenge(rand)
	want, err := mk.m.cfg.Keys.InternalAnswer(mk.c, challenge)
	if err != nil {
		return err
	}
	slot, _ := fuelcard.KeySlot(dik)
	a, err := mk.ask("内部认证 (INTERNAL AUTHENTICATION)", fuelcard.InternalAuthenticate{KeyID: slot.ID, Data: challenge[:]}.Command())
	if err != nil {
		return err
	}
	if string(a.Data) != string(want[:]) {
		return fmt.Errorf("内部认证 (INTERNAL AUTHENTICATION): %w", ErrReadBack)
	}
	return nil
}

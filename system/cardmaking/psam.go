package cardmaking

import (
	"bytes"
	"fmt"

	"greylock/system/card"
	"greylock/system/vault"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/samcard"
)

// PSAMOrder says how long the PSAM's application is valid.
type PSAMOrder struct {
	ValidFrom string // YYYYMMDD
	ValidTo   string
}

// sealing is one PSAM on its way.
type sealing struct {
	chat
	m      *Maker
	number pboc.ASN
	tid    pboc.TID
	app    samcard.SAMApplication
}

// MakePSAM makes the blank PSAM in the reader ours, or goes on with the one that was begun, as MakeCard does.
func (m *Maker) MakePSAM(door Door, t card.Transport, o PSAMOrder) (record.PSAMMade, error) {
	s := &sealing{chat: chat{t}, m: m}
	issuer := m.cfg.Realm.Issuer(m.cfg.Company)
	s.app = samcard.SAMApplication{KeyIndex: m.cfg.Profile.KeyID, Issuer: issuer, Receiver: issuer}
	var err error
	if s.app.Start, err = date(o.ValidFrom); err != nil {
		return record.PSAMMade{}, err
	}
	if s.app.Expiry, err = date(o.ValidTo); err != nil {
		return record.PSAMMade{}, err
	}
	if err := s.refuseMade(); err != nil {
		return record.PSAMMade{}, err
	}
	resumed, err := s.resume()
	if err != nil {
		return record.PSAMMade{}, err
	}
	if !resumed {
		if err := s.begin(door); err != nil {
			return record.PSAMMade{}, err
		}
	}
	for _, step := range []func() error{s.masterFile, s.application, s.finish, s.readBack} {
		if err := step(); err != nil {
			return record.PSAMMade{}, fmt.Errorf("制 PSAM %s (making): %w", s.number, err)
		}
	}
	fact := record.PSAMMade{TimeMs: door.Now().Milli(), Number: s.number, TID: s.tid}
	return fact, m.note(door, fact)
}

// refuseMade looks for a number that is not the open one.
func (s *sealing) refuseMade() error {
	if err := s.selectMF(); err != nil {
		return err
	}
	a, err := s.ask("读 PSAM 0015 (read)", samcard.ReadBinary{SFI: samcard.SFIPublic, Length: samcard.PublicLength}.Command(),
		apdu.FileNotFound, apdu.NeverWritten)
	if err != nil || a.SW != apdu.OK {
		return err
	}
	p, err := samcard.ParseSAMPublic(a.Data)
	if err != nil {
		return fmt.Errorf("读 PSAM 0015 (read): %w", err)
	}
	if open := s.m.psam; open != nil && open.Number == p.Number {
		return nil
	}
	return fmt.Errorf("PSAM %s: %w", p.Number, ErrMade)
}

func (s *sealing) proveMaster() (bool, error) {
	return s.prove("PSAM 应用主控密钥认证 (authenticate with SAMACK)", func(r [8]byte) ([8]byte, error) {
		return s.m.cfg.Keys.PSAMExternalAnswer(vault.SAMACK, s.number, r)
	})
}

func (s *sealing) resume() (bool, error) {
	b := s.m.psam
	if b == nil {
		return false, nil
	}
	s.number, s.tid = b.Number, b.TID
	return s.proveMaster()
}

// begin proves that the PSAM is a blank of the batch, takes a number and replaces the transport key.
func (s *sealing) begin(door Door) error {
	m := s.m
	blank, err := s.prove("传输密钥认证 (authenticate with the transport key)", func(r [8]byte) ([8]byte, error) {
		return pboc.TDES.Authenticate(m.cfg.Transport, r), nil
	})
	if err != nil {
		return err
	}
	if !blank {
		return ErrNotBlank
	}
	rand, err := s.challenge(4)
	if err != nil {
		return err
	}
	serial := m.serial(kindPSAM)
	if s.number, err = Number(kindPSAM, m.cfg.Province, serial); err != nil {
		return err
	}
	if s.tid, err = terminalNumber(m.cfg.Realm.TIDPrefix(), m.cfg.Province, serial); err != nil {
		return err
	}
	cmd, err := m.cfg.Keys.WrapPSAMKey(vault.SAMACK, s.number, vault.Transport(m.cfg.Transport), rand)
	if err != nil {
		return err
	}
	now := door.Now().Milli()
	var facts []record.Fact
	if m.psam != nil {
		facts = append(facts, record.CardScrapped{TimeMs: now, ASN: m.psam.Number, Reason: "another-blank"})
	}
	facts = append(facts, record.PSAMBegun{TimeMs: now, Number: s.number, TID: s.tid})
	if err := m.note(door, facts...); err != nil {
		return err
	}
	_, err = s.ask("更换传输密钥 (replace the transport key)", cmd)
	return err
}

func (s *sealing) public() samcard.SAMPublic {
	return samcard.SAMPublic{Number: s.number, Version: 1, KeyType: 1, SetVersion: 1, FCI: 1} // as the sample of card.md 3.9
}

// masterFile writes number and terminal number. They are written in plain: until SET STATUS the room is the protection.
func (s *sealing) masterFile() error {
	for _, f := range samcard.MFFiles() {
		if _, err := s.create(fmt.Sprintf("建文件 %04X (create file)", f.FID), f.Command()); err != nil {
			return err
		}
	}
	// The number last: a PSAM that shows it has its terminal number.
	if err := s.update(samcard.SFITerminal, samcard.SAMTerminal{TID: s.tid}.Bytes()); err != nil {
		return err
	}
	return s.update(samcard.SFIPublic, s.public().Bytes())
}

func (s *sealing) update(sfi byte, data []byte) error {
	_, err := s.ask(fmt.Sprintf("写文件 00%02X (write file)", sfi), samcard.UpdateBinary{SFI: sfi, Data: data}.Command())
	return err
}

// application makes the petrol application with its keys and file 0017. Its master has the same value as that of the MF, so
// each WRITE KEY is secured alike whether the first of them has been made or not.
func (s *sealing) application() error {
	if err := s.createIn("建应用 (create application)", fuelcard.CreateFile(samcard.PetrolDF(s.m.cfg.Profile.AIDPSAMPetrol))); err != nil {
		return err
	}
	for _, slot := range samcard.Keys {
		_, err := s.guarded("写密钥 (WRITE KEY) "+slot.Name, func(rand []byte) (apdu.Command, error) {
			return s.m.cfg.Keys.WrapPSAMKey(vault.Name(slot.Name), s.number, vault.Own(vault.SAMACK), rand)
		})
		if err != nil {
			return err
		}
	}
	for _, f := range samcard.PetrolFiles() {
		if _, err := s.create(fmt.Sprintf("建文件 %04X (create file)", f.FID), f.Command()); err != nil {
			return err
		}
	}
	ok, err := s.proveMaster()
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("PSAM 应用主控密钥 (SAMACK in the application): %w", ErrReadBack)
	}
	return s.update(samcard.SFIApp, s.app.Bytes())
}

// finish is SET STATUS. A PSAM that has had it answers 6985.
func (s *sealing) finish() error {
	rand, err := s.challenge(8)
	if err != nil {
		return err
	}
	cipher, err := s.m.cfg.Keys.PSAMExternalAnswer(vault.SAMACK, s.number, [8]byte(rand))
	if err != nil {
		return err
	}
	_, err = s.ask("设置状态 (SET STATUS)", samcard.SetStatus{Cipher: cipher}.Command(), apdu.Conditions)
	return err
}

// readBack looks at the PSAM as a dispenser will: files, and two of the keys that the dispenser uses through it.
func (s *sealing) readBack() error {
	if err := s.selectMF(); err != nil {
		return err
	}
	if err := s.read("回读 PSAM 0015 (read back)", samcard.SFIPublic, s.public().Bytes()); err != nil {
		return err
	}
	if err := s.read("回读 PSAM 0016 (read back)", samcard.SFITerminal, samcard.SAMTerminal{TID: s.tid}.Bytes()); err != nil {
		return err
	}
	name := samcard.SelectName{Name: s.m.cfg.Profile.AIDPSAMPetrol}
	if _, err := s.ask("选择 PSAM 应用 (SELECT application)", name.Command()); err != nil {
		return err
	}
	if err := s.read("回读 PSAM 0017 (read back)", samcard.SFIApp, s.app.Bytes()); err != nil {
		return err
	}
	return s.proveKeys()
}

const dik = string(vault.DIK)

// proveKeys asks the PSAM for a T_MAC and for the internal-authentication value of an imagined card that has its number.
func (s *sealing) proveKeys() error {
	keys, p := s.m.cfg.Keys, s.m.cfg.Profile
	c := vault.CardOf(fuelcard.PublicData{ASN: s.number, Issuer: s.app.Issuer}, p.Alg)
	challenge := s.number.Factor()
	suite, err := p.Suite()
	if err != nil {
		return err
	}
	block := challenge[:]
	if suite.Block() > len(block) {
		block = pboc.Pad(block, suite.Block())
	}
	wantAnswer, err := keys.InternalAnswer(c, challenge)
	if err != nil {
		return err
	}
	wantMAC, err := keys.TMAC(challenge[:])
	if err != nil {
		return err
	}
	for _, x := range []struct {
		doing  string
		key    samcard.DeliveryKey
		cipher samcard.CipherData
		want   []byte
	}{
		{"核对内部认证密钥 (check DIK)", samcard.DeliveryKey{Usage: samcard.UsageOf(p.LevelsOf(dik), samcard.TypeInternal), KeyVersion: 1,
			Factors: p.PSAMFactors(dik, c.Issuer, c.ASN)},
			samcard.CipherData{Mode: samcard.CipherEncipher, Data: block}, wantAnswer[:]},
		{"核对记录校验密钥 (check TMAC)", samcard.DeliveryKey{Usage: samcard.UsageTMAC, KeyVersion: 1},
			samcard.TMACRequest(suite, challenge[:]), wantMAC[:]},
	} {
		if _, err := s.ask(x.doing, x.key.Command()); err != nil {
			return err
		}
		a, err := s.ask(x.doing, x.cipher.Command())
		if err != nil {
			return err
		}
		if len(a.Data) < len(x.want) || !bytes.Equal(a.Data[:len(x.want)], x.want) {
			return fmt.Errorf("%s: %w", x.doing, ErrReadBack)
		}
	}
	return nil
}

package cardmaking_test

import (
	"bytes"
	"encoding/binary"

	"greylock/fixtures"
	"greylock/system/card"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/samcard"
)

// blank is a small model of a chip being made, user card or PSAM, written from card.md section 11 and adr/0003 for these tests
// alone. What is in files and keys survives; insert forgets the rest.
type blank struct {
	psam   bool
	files  map[uint32][]byte // by DF and file id
	keys   map[uint32][]byte // by DF, class (usage) and id (version)
	issued bool              // SET STATUS

	df, fresh, mfState, dfState byte
	challenge                   []byte
	session                     samcard.DeliveryKey
	rnd                         byte

	commands, cutAt int
	obeyed          bool
	trace           [][]byte
}

const (
	atMF  = 0x00
	atADF = 0x01
)

func newBlank(psam bool) *blank {
	b := &blank{psam: psam, files: map[uint32][]byte{}, keys: map[uint32][]byte{}}
	transport := fixtures.TestKeys().Transport
	b.keys[b.at(atMF, b.masterType(), 0)] = transport[:]
	b.files[b.file(atMF, fuelcard.FIDKeys)] = []byte{}
	return b
}

func (b *blank) masterType() byte {
	if b.psam {
		return byte(samcard.UsageMaster)
	}
	return fuelcard.KeyMaster
}

func (b *blank) at(df, kind, id byte) uint32 {
	return uint32(df)<<16 | uint32(kind)<<8 | uint32(id)
}

func (b *blank) file(df byte, fid uint16) uint32 { return uint32(df)<<16 | uint32(fid) }

// insert powers the chip up; it leaves at command n (0: never), having obeyed it or not.
func (b *blank) insert(n int, obeyed bool) *blank {
	b.df, b.fresh, b.mfState, b.dfState, b.challenge = atMF, 0, 0, 0, nil
	b.commands, b.cutAt, b.obeyed = 0, n, obeyed
	return b
}

func (b *blank) Transmit(raw []byte) ([]byte, error) {
	b.commands++
	if b.cutAt > 0 && (b.commands > b.cutAt || b.commands == b.cutAt && !b.obeyed) {
		return nil, card.ErrRemoved
	}
	cmd, err := apdu.ParseCommand(raw)
	if err != nil {
		return apdu.Answer{SW: apdu.WrongLength}.Bytes(), nil
	}
	b.trace = append(b.trace, bytes.Clone(raw))
	data, sw := b.obey(cmd)
	if cmd.INS != 0x84 {
		b.challenge = nil
	}
	if b.commands == b.cutAt {
		return nil, card.ErrRemoved
	}
	return apdu.Answer{Data: data, SW: sw}.Bytes(), nil
}

func (b *blank) obey(cmd apdu.Command) ([]byte, apdu.SW) {
	switch cmd.INS {
	case 0xA4:
		return nil, b.selectFile(cmd)
	case 0x84:
		b.rnd++
		b.challenge = bytes.Repeat([]byte{0xA5, b.rnd}, cmd.Le/2)
		return b.challenge, apdu.OK
	case 0x82:
		return nil, b.authenticate(cmd)
	case 0xE0:
		return nil, b.create(cmd)
	case 0xD4:
		return nil, b.writeKey(cmd)
	case 0xD6:
		return nil, b.update(cmd)
	case 0xB0:
		return b.read(cmd)
	case 0xB2:
		if r := b.files[b.file(atMF, fuelcard.FIDDir)]; len(r) > 0 {
			return r, apdu.OK
		}
		return nil, apdu.RecordNotFound
	case 0xE2:
		b.files[b.file(atMF, fuelcard.FIDDir)] = cmd.Data
		return nil, apdu.OK
	case 0x20:
		if !bytes.Equal(cmd.Data, b.keys[b.at(atADF, fuelcard.KeyPIN, 0)]) {
			return nil, 0x63C2
		}
		return nil, apdu.OK
	case 0x5C:
		return make([]byte, 4), apdu.OK
	case 0x88:
		a := pboc.TDES.Authenticate(pboc.Key(b.keys[b.at(atADF, fuelcard.KeyInternal, cmd.P2)]), [8]byte(cmd.Data))
		return a[:], apdu.OK
	case 0xF1:
		return nil, b.setStatus(cmd)
	case 0x1A, 0xFA:
		return b.cipher(cmd)
	}
	return nil, apdu.UnknownINS
}

func (b *blank) enter(df byte) apdu.SW {
	if df != b.df {
		b.fresh = 0
	}
	b.df, b.dfState = df, 0
	if df == atMF {
		b.dfState = b.mfState
	}
	return apdu.OK
}

func (b *blank) selectFile(cmd apdu.Command) apdu.SW {
	if cmd.P1 == 0 && binary.BigEndian.Uint16(cmd.Data) == fuelcard.FIDMF {
		return b.enter(atMF)
	}
	if b.files[b.file(atMF, fuelcard.FIDPetrol)] == nil {
		return apdu.FileNotFound
	}
	return b.enter(atADF)
}

// master is the key that secures WRITE KEY: that of the current DF, else that of the MF.
func (b *blank) master() (pboc.Key, bool) {
	k, own := b.keys[b.at(b.df, b.masterType(), 0)]
	if !own {
		k = b.keys[b.at(atMF, b.masterType(), 0)]
	}
	return pboc.Key(k), own
}

func (b *blank) authenticate(cmd apdu.Command) apdu.SW {
	k, ok := b.master()
	if !ok {
		return apdu.KeyNotFound
	}
	a := pboc.TDES.Authenticate(k, fuelcard.Challenge(b.challenge))
	if b.challenge == nil || !bytes.Equal(a[:], cmd.Data) {
		return 0x63C2
	}
	b.dfState = fuelcard.StateMaster
	if b.df == atMF {
		b.mfState = b.dfState
	}
	return apdu.OK
}

func (b *blank) allowed() bool { return b.fresh != 0 || b.mfState >= fuelcard.StateMaster }

func (b *blank) create(cmd apdu.Command) apdu.SW {
	fid := uint16(cmd.P1)<<8 | uint16(cmd.P2)
	switch {
	case !b.allowed():
		return apdu.SecurityState
	case b.issued:
		return apdu.Conditions
	case b.files[b.file(b.df, fid)] != nil:
		return apdu.WrongData
	}
	b.files[b.file(b.df, fid)] = []byte{}
	if fid == fuelcard.FIDPetrol {
		b.enter(atADF)
		b.fresh = 1
	}
	return apdu.OK
}

func (b *blank) writeKey(cmd apdu.Command) apdu.SW {
	k, _ := b.master()
	if b.challenge == nil || cmd.CLA != 0x84 {
		return apdu.Conditions
	}
	if !pboc.TDES.SecureMAC(k, b.challenge, cmd.MACSpan()).Equal(pboc.MAC(cmd.Data[len(cmd.Data)-4:])) {
		return apdu.SecureMACWrong
	}
	plain, err := pboc.TDES.Decipher(k, cmd.Data[:len(cmd.Data)-4])
	if err != nil {
		return apdu.WrongData
	}
	if b.psam { // usage version algorithm key16
		b.keys[b.at(b.df, plain[0], plain[1])] = plain[3:]
		return apdu.OK
	}
	r, err := fuelcard.ParseKeyRecord(plain)
	if err != nil || b.files[b.file(b.df, fuelcard.FIDKeys)] == nil {
		return apdu.WrongData
	}
	slot := b.at(b.df, r.Type&fuelcard.KeyTypeMask, cmd.P2)
	if b.keys[slot] != nil && r.Type&fuelcard.KeyTypeMask == fuelcard.KeyPIN {
		return apdu.SecurityState
	}
	b.keys[slot] = bytes.Clone(r.Key)
	return apdu.OK
}

func (b *blank) update(cmd apdu.Command) apdu.SW {
	data, slot := cmd.Data, b.file(b.df, uint16(cmd.P1&0x1F))
	switch {
	case b.files[slot] == nil:
		return apdu.FileNotFound
	case b.psam && b.fresh == 0 && b.dfState < fuelcard.StateMaster:
		return apdu.SecurityState
	case cmd.CLA == 0x04:
		k := pboc.Key(b.keys[b.at(b.df, fuelcard.KeyMaintenance, 0)])
		if !pboc.TDES.SecureMAC(k, b.challenge, cmd.MACSpan()).Equal(pboc.MAC(data[len(data)-4:])) {
			return apdu.SecureMACWrong
		}
		data = data[:len(data)-4]
	}
	b.files[slot] = bytes.Clone(data)
	return apdu.OK
}

func (b *blank) read(cmd apdu.Command) ([]byte, apdu.SW) {
	f := b.files[b.file(b.df, uint16(cmd.P1&0x1F))]
	switch {
	case f == nil:
		return nil, apdu.FileNotFound
	case len(f) == 0:
		return nil, apdu.NeverWritten
	}
	return f, apdu.OK
}

func (b *blank) setStatus(cmd apdu.Command) apdu.SW {
	if b.issued {
		return apdu.Conditions
	}
	k, _ := b.master()
	if a := pboc.TDES.Authenticate(k, [8]byte(b.challenge)); !bytes.Equal(a[:], cmd.Data) {
		return apdu.SecureMACWrong
	}
	b.issued = true
	return apdu.OK
}

// cipher is DELIVERY_KEY and CIPHER_DATA.
func (b *blank) cipher(cmd apdu.Command) ([]byte, apdu.SW) {
	if cmd.INS == 0x1A {
		q, err := samcard.ParseDeliveryKey(cmd)
		if err != nil {
			return nil, apdu.WrongData
		}
		b.session = q
		return nil, apdu.OK
	}
	stored := b.keys[b.at(atADF, byte(b.session.Usage), b.session.KeyVersion)]
	if stored == nil {
		return nil, apdu.KeyNotFound
	}
	k := pboc.TDES.Diversify(pboc.Key(stored), b.session.Factors.IssuerFirst()...)
	if cmd.P1 == byte(samcard.CipherMACWithIV) {
		m, err := pboc.TDES.BlockMAC(k, cmd.Data[:8], cmd.Data[8:])
		if err != nil {
			return nil, apdu.WrongLength
		}
		return m[:], apdu.OK
	}
	a := pboc.TDES.Authenticate(k, [8]byte(cmd.Data))
	return a[:], apdu.OK
}

package psam

import (
	"encoding/binary"

	"greylock/emulators/chip"
	"greylock/system/wire/apdu"
	"greylock/system/wire/pboc"
	"greylock/system/wire/samcard"
)

// The data of every DF: wrong secure-messaging MACs1, failed authentications1. The MF has the sale behind it.
const (
	dfSMFails   = 0
	dfAuthFails = 1
	dfData      = 2
	mfData      = dfData + saleSize

	maxFails = 3
	macSize  = 4
)

func (s *PSAM) at(df *chip.File, item int) int { return df.Body() + chip.DFData + item }

// personalising reports that the current DF was just made: nothing is enforced. Source: card.md 6.1.
func (s *PSAM) personalising() bool { return s.fresh != nil && s.fresh == s.df }

func (s *PSAM) allows(r Right) bool { return s.personalising() || r.Allows(s.mfState, s.dfState) }

// selectFile is SELECT by file id or name; no data selects the MF. Source: card.md 3.9.
func (s *PSAM) selectFile(cmd apdu.Command) ([]byte, apdu.SW) {
	s.given = delivered{}
	var df *chip.File
	switch {
	case cmd.P2 != 0 || cmd.P1 != 0 && cmd.P1 != 4:
		return nil, apdu.WrongP1P2
	case cmd.P1 == 0 && len(cmd.Data) != 0 && len(cmd.Data) != 2, cmd.P1 == 4 && len(cmd.Data) == 0:
		return nil, apdu.WrongLength
	case cmd.P1 == 4:
		df = s.tree.Named(cmd.Data)
	case len(cmd.Data) == 0:
		df = s.tree.MF()
	default:
		df = s.tree.DF(binary.BigEndian.Uint16(cmd.Data))
	}
	if df == nil {
		return nil, apdu.FileNotFound
	}
	s.enter(df)
	return s.tree.FCI(df), apdu.OK
}

// enter makes a DF the current one; a fresh DF that is left is fresh no more.
func (s *PSAM) enter(df *chip.File) {
	if df != s.df {
		s.fresh = nil
	}
	s.df, s.dfState = df, 0
	if df == s.tree.MF() {
		s.dfState = s.mfState
	}
}

// binary finds the file of P1 = 80 | SFI.
func (s *PSAM) binary(cmd apdu.Command) (*chip.File, apdu.SW) {
	f := s.tree.Short(s.df, cmd.P1&0x1F)
	switch {
	case f == nil:
		return nil, apdu.FileNotFound
	case f.Kind != chip.Binary:
		return nil, apdu.WrongFileType
	}
	return f, apdu.OK
}

// readBinary is READ BINARY 00 B0 80|SFI off Le. Source: card.md 3.9.
func (s *PSAM) readBinary(cmd apdu.Command) ([]byte, apdu.SW) {
	switch {
	case cmd.P1&0xE0 != 0x80:
		return nil, apdu.WrongP1P2
	case len(cmd.Data) > 0:
		return nil, apdu.WrongLength
	}
	f, sw := s.binary(cmd)
	switch {
	case sw != apdu.OK:
		return nil, sw
	case !s.allows(f.Read):
		return nil, apdu.SecurityState
	}
	return s.tree.ReadBinary(f, int(cmd.P2), max(cmd.Le, 0))
}

// updateBinary is UPDATE BINARY 00 D6 80|SFI off Lc data, plain. Source: card.md section 11.
func (s *PSAM) updateBinary(cmd apdu.Command) ([]byte, apdu.SW) {
	switch {
	case cmd.P1&0xE0 != 0x80:
		return nil, apdu.WrongP1P2
	case len(cmd.Data) == 0 || len(cmd.Data) > apdu.MaxData:
		return nil, apdu.WrongLength
	}
	f, sw := s.binary(cmd)
	switch {
	case sw != apdu.OK:
		return nil, sw
	case !s.allows(f.Write):
		return nil, apdu.SecurityState
	case f.Protect != 0 && !s.personalising():
		return nil, apdu.WrongSecureCLA // files of a PSAM have no line protection
	}
	x := s.tree.Begin()
	if sw := s.tree.UpdateBinary(x, f, int(cmd.P2), cmd.Data); sw != apdu.OK {
		return nil, sw
	}
	return nil, s.commit(x)
}

// createFile is CREATE FILE 80 E0 FID, until SET STATUS. A new DF becomes the current one, in personalisation mode.
// Source: card.md section 11.
func (s *PSAM) createFile(cmd apdu.Command) ([]byte, apdu.SW) {
	switch {
	case len(cmd.Data) < 7 || len(cmd.Data) > apdu.MaxData:
		return nil, apdu.WrongLength
	case !s.allows(s.tree.Create(s.df)):
		return nil, apdu.SecurityState
	case s.tree.Life() != inMaking:
		return nil, apdu.Conditions
	}
	spec, sw := chip.ParseSpec(uint16(cmd.P1)<<8|uint16(cmd.P2), cmd.Data, dfData, 0)
	switch {
	case sw != apdu.OK:
		return nil, sw
	case spec.Kind == chip.DF && s.df != s.tree.MF():
		return nil, apdu.FunctionOrBlocked
	}
	if sw := s.make(spec); sw != apdu.OK {
		return nil, sw
	}
	if spec.Kind == chip.DF {
		s.enter(s.tree.DF(spec.ID))
		s.fresh = s.df
	}
	return nil, apdu.OK
}

// make adds a file to the current DF.
func (s *PSAM) make(spec chip.Spec) apdu.SW {
	x := s.tree.Begin()
	if sw := s.tree.Make(x, s.df, spec); sw != apdu.OK {
		return sw
	}
	if sw := s.commit(x); sw != apdu.OK {
		return sw
	}
	id, wasFresh := s.df.ID, s.personalising()
	s.tree.Refresh()
	s.df, s.fresh = s.tree.DF(id), nil
	if wasFresh {
		s.fresh = s.df
	}
	return apdu.OK
}

// needKeyFile makes the key file of the current DF with its first key.
func (s *PSAM) needKeyFile() apdu.SW {
	if s.tree.KeysOf(s.df) != nil {
		return apdu.OK
	}
	return s.make(chip.Spec{Kind: chip.Keys, Write: needMaster, Body: make([]byte, keySpace)})
}

// find returns a key of the current DF, or of the MF.
func (s *PSAM) find(ok func(chip.Key) bool) (chip.Key, bool) {
	if k, found := s.tree.FindKey(s.df, ok); found {
		return k, true
	}
	return s.tree.FindKey(s.tree.MF(), ok)
}

func usage(k chip.Key) samcard.Usage { return samcard.Usage(k.Type) }

func exactly(u samcard.Usage, version byte) func(chip.Key) bool {
	return func(k chip.Key) bool { return usage(k) == u && k.ID == version }
}

func keyOf(k chip.Key) (v pboc.Key) {
	copy(v[:], k.Value)
	return v
}

// suite is the arithmetic of a key; WRITE KEY let no unknown algorithm in.
func (s *PSAM) suite(k chip.Key) pboc.Suite {
	if su := s.arithmetic(k.B); su != nil {
		return su
	}
	return s.arithmetic(pboc.AlgTDES)
}

// arithmetic is the suite of an algorithm byte, nil for an unknown one. That of 3DES remembers its key schedules.
func (s *PSAM) arithmetic(alg byte) pboc.Suite {
	su, err := pboc.SuiteFor(alg)
	switch {
	case err != nil:
		return nil
	case su != pboc.TDES:
		return su
	case s.tdes == nil:
		s.tdes = pboc.Cached(su)
	}
	return s.tdes
}

// getChallenge is GET CHALLENGE 00 84 00 00 04/08: good for the next command only. Source: card.md 8.1, 6.1.
func (s *PSAM) getChallenge(cmd apdu.Command) ([]byte, apdu.SW) {
	switch {
	case cmd.P1 != 0 || cmd.P2 != 0:
		return nil, apdu.WrongP1P2
	case len(cmd.Data) > 0 || cmd.Le != 4 && cmd.Le != 8:
		return nil, apdu.WrongLength
	}
	r, sw := s.random(cmd.Le)
	s.next = r
	return r, sw
}

// externalAuthenticate is EXTERNAL AUTHENTICATION 00 82 00 kid 08: kid 00 with the master (usage 00) for state 3, kid 01
// with the maintenance key (usage 01) for state 2. After three failures in a row it is dead in this DF: 6983.
// Source: card.md 8.1; states adr/0003.
func (s *PSAM) externalAuthenticate(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := samcard.ParseExternalAuthenticate(cmd)
	if err != nil {
		return nil, status(err)
	}
	k, ok := s.tree.FindKey(s.df, func(k chip.Key) bool { return k.Type == q.KeyID && k.Type <= byte(samcard.UsageMaintenance) })
	fails := s.tree.Byte(s.at(s.df, dfAuthFails))
	switch {
	case !ok:
		return nil, apdu.KeyNotFound
	case fails >= maxFails:
		return nil, apdu.AuthBlocked
	case s.rand == nil:
		return nil, apdu.Conditions
	}
	var challenge [8]byte
	copy(challenge[:], s.rand)
	right := s.suite(k).Authenticate(keyOf(k), challenge) == q.Cipher
	if sw := s.count(dfAuthFails, fails, right); sw != apdu.OK {
		return nil, sw
	}
	if !right {
		return nil, 0x63C0 | apdu.SW(maxFails-fails-1)
	}
	s.dfState = 3 - q.KeyID
	if s.df == s.tree.MF() {
		s.mfState = s.dfState
	}
	return nil, apdu.OK
}

// count adds to a counter of failures in a row, or sets it back.
func (s *PSAM) count(item int, fails byte, right bool) apdu.SW {
	x := s.tree.Begin()
	switch {
	case !right:
		x.Put(s.at(s.df, item), fails+1)
	case fails > 0:
		x.Put(s.at(s.df, item), 0)
	}
	return s.commit(x)
}

// writeKey is WRITE KEY 84 D4 00 00: 6985 without a challenge, 6988 for a wrong MAC, 9303 for the third in a row, which
// locks the DF for ever. A consume key has at least one level of diversification. Source: card.md 4.1, 4.4, 8.1.
func (s *PSAM) writeKey(cmd apdu.Command) ([]byte, apdu.SW) {
	w, err := samcard.ParseWriteKey(cmd)
	if err != nil {
		return nil, status(err)
	}
	master, ok := s.find(exactly(samcard.UsageMaster, 0))
	switch {
	case !ok:
		return nil, apdu.KeyNotFound
	case s.rand == nil:
		return nil, apdu.Conditions
	}
	fails := s.tree.Byte(s.at(s.df, dfSMFails))
	if !s.suite(master).SecureMAC(keyOf(master), s.rand, cmd.MACSpan()).Equal(w.MAC) {
		x := s.tree.Begin()
		x.Put(s.at(s.df, dfSMFails), fails+1)
		sw := apdu.SecureMACWrong
		if fails+1 >= maxFails {
			s.tree.SetBlocked(x, s.df, chip.Permanently)
			sw = apdu.PermanentlyLocked
		}
		if bad := s.commit(x); bad != apdu.OK {
			return nil, bad
		}
		return nil, sw
	}
	plain, err := s.suite(master).Decipher(keyOf(master), w.Cipher)
	if err != nil {
		return nil, apdu.WrongData
	}
	r, err := samcard.ParseKeyRecord(append([]byte{byte(len(plain))}, plain...))
	if err != nil {
		return nil, apdu.WrongData
	}
	_, err = pboc.SuiteFor(r.Alg)
	if err != nil || r.Usage.Type() == samcard.TypeConsume && r.Usage.Levels() == 0 {
		return nil, apdu.WrongData
	}
	if sw := s.needKeyFile(); sw != apdu.OK {
		return nil, sw
	}
	x := s.tree.Begin()
	if fails > 0 {
		x.Put(s.at(s.df, dfSMFails), 0)
	}
	k := chip.Key{Type: byte(r.Usage), ID: r.Version, B: r.Alg, Value: r.Key[:]}
	var sw apdu.SW
	if old, exists := s.tree.FindKey(s.df, exactly(r.Usage, r.Version)); exists {
		sw = s.tree.ReplaceKey(x, old, k)
	} else {
		sw = s.tree.AddKey(x, s.df, k)
	}
	if sw != apdu.OK {
		return nil, sw
	}
	return nil, s.commit(x)
}

// setStatus is SET STATUS 80 F1 00 00 08 E(rand8) under the master: the end of personalisation. 6988 for a wrong value.
// Source: card.md 8.1.
func (s *PSAM) setStatus(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := samcard.ParseSetStatus(cmd)
	if err != nil {
		return nil, status(err)
	}
	k, ok := s.find(exactly(samcard.UsageMaster, 0))
	switch {
	case !ok:
		return nil, apdu.KeyNotFound
	case s.tree.Life() != inMaking || len(s.rand) != 8:
		return nil, apdu.Conditions
	case s.suite(k).Authenticate(keyOf(k), [8]byte(s.rand)) != q.Cipher:
		return nil, apdu.SecureMACWrong
	}
	x := s.tree.Begin()
	s.tree.SetLife(x, issued)
	sw := s.commit(x)
	if sw == apdu.OK {
		s.fresh = nil
	}
	return nil, sw
}

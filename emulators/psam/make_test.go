package psam_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"greylock/emulators/chip"
	"greylock/emulators/psam"
	"greylock/fixtures"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/samcard"
)

// script is a source of randomness that gives what the test says, then a fixed pattern.
type script struct {
	bytes.Buffer
	n byte
}

func (s *script) Read(b []byte) (int, error) {
	n, _ := s.Buffer.Read(b)
	for i := n; i < len(b); i++ {
		s.n++
		b[i] = s.n
	}
	return len(b), nil
}

// newMem is memory for one petrol PSAM and little more: the tear tests copy it often.
func newMem() *psam.MemNV { return chip.NewMem(1536) }

// bench is a PSAM on the table with what its maker knows.
type bench struct {
	t        testing.TB
	nv       *psam.MemNV
	rnd      *script
	sam      *psam.PSAM
	profile  fuelcard.Profile
	suite    pboc.Suite // of the card keys
	own      pboc.Suite // of the PSAM's own keys
	issuer   pboc.Issuer
	self     fixtures.PSAM
	loyalty  bool // the loyalty application too
	cuttable bool // a torn PSAM ends the making by a panic that interrupted takes
	keys     fixtures.Keys
}

func newBench(t testing.TB, profile fuelcard.Profile) *bench {
	t.Helper()
	cards := fixtures.TestCards()
	suite, err := profile.Suite()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, nv: newMem(), rnd: &script{}, profile: profile, suite: suite, own: pboc.TDES, issuer: cards.Issuer,
		self: cards.PSAMs[0], keys: fixtures.TestKeys()}
	if b.sam, err = psam.Blank(b.nv, b.rnd, profile, b.keys.Transport); err != nil {
		t.Fatal(err)
	}
	b.reset()
	return b
}

// made is a PSAM made and issued, in the petrol application.
func made(t testing.TB, profile fuelcard.Profile) *bench {
	t.Helper()
	b := newBench(t, profile)
	b.make()
	b.reset()
	b.enter()
	return b
}

// again is a second PSAM with the same memory content.
func (b *bench) again(t testing.TB) *bench {
	t.Helper()
	c := *b
	c.t, c.nv, c.rnd = t, newMem(), &script{n: b.rnd.n}
	if err := c.nv.SetImage(b.nv.Image()); err != nil {
		t.Fatal(err)
	}
	c.sam = psam.New(c.nv, c.rnd, c.profile)
	c.reset()
	c.enter()
	return &c
}

func (b *bench) reset() {
	b.t.Helper()
	if _, err := b.sam.Reset(); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) enter() {
	b.t.Helper()
	b.ok(samcard.SelectName{Name: b.profile.AIDPSAMPetrol}.Command())
}

func (b *bench) send(c apdu.Command) apdu.Answer {
	b.t.Helper()
	raw, err := b.sam.Transmit(c.Bytes())
	if b.cuttable && errors.Is(err, psam.ErrTorn) {
		panic(psam.ErrTorn)
	}
	if err != nil {
		b.t.Fatalf("%X: %v", c.Bytes(), err)
	}
	a, err := apdu.ParseAnswer(raw)
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

func (b *bench) ok(c apdu.Command) []byte {
	b.t.Helper()
	a := b.send(c)
	if a.SW != apdu.OK {
		b.t.Fatalf("%X: %v", c.Bytes(), a.SW)
	}
	return a.Data
}

func (b *bench) challenge(n int) []byte { return b.ok(samcard.GetChallenge{Length: n}.Command()) }

// key is a key as it goes into this PSAM.
func (b *bench) key(name string) pboc.Key {
	k := b.keys.Masters[name]
	for _, s := range samcard.Keys {
		if s.Name == name && s.Own {
			k = b.own.Diversify(k, b.self.Number.Factor())
		}
	}
	return k
}

// usage is a key's usage byte under the profile's levels.
func (b *bench) usage(s samcard.Slot) samcard.Usage {
	if s.Usage.Levels() == 0 {
		return s.Usage
	}
	return samcard.UsageOf(b.profile.LevelsOf(s.Name), s.Usage.Type())
}

// arithmetic is the suite of a key in this PSAM.
func (b *bench) arithmetic(name string) pboc.Suite {
	if name == "DPK" || name == "DIK" {
		return b.suite
	}
	return b.own
}

// master is what secures the current DF's WRITE KEY: the transport key (3DES) or its own master.
type master struct {
	suite pboc.Suite
	key   pboc.Key
}

func (b *bench) writeKey(under master, s samcard.Slot) {
	b.t.Helper()
	r := samcard.KeyRecord{Usage: b.usage(s), Version: s.Version, Alg: b.arithmetic(s.Name).Alg(), Key: b.key(s.Name)}
	b.ok(samcard.SealKey(under.suite, under.key, b.challenge(4), r))
}

// make turns the blank into a petrol PSAM, through commands alone.
func (b *bench) make() {
	b.t.Helper()
	b.build(b.keys.Transport, false)
}

// interrupted makes the PSAM until a planned cut and reports whether that came.
func (b *bench) interrupted() (cut bool) {
	b.cuttable = true
	defer func() {
		b.cuttable = false
		if p := recover(); p != nil && p != any(psam.ErrTorn) {
			panic(p)
		} else if p != nil {
			cut = true
		}
	}()
	b.make()
	return false
}

// remake finishes a making that was cut anywhere.
func (b *bench) remake() { b.t.Helper(); b.build(b.keys.Transport, true) }

func (b *bench) authenticate(m master) {
	b.t.Helper()
	rand := b.challenge(4)
	b.ok(samcard.ExternalAuthenticate{Cipher: m.suite.Authenticate(m.key, fuelcard.Challenge(rand))}.Command())
}

// build makes the PSAM; again: some of it may be there.
func (b *bench) build(transport pboc.Key, again bool) {
	b.t.Helper()
	create := func(c apdu.Command) apdu.SW {
		a := b.send(c)
		if a.SW != apdu.OK && !(again && a.SW == apdu.WrongData) {
			b.t.Fatalf("%X: %v", c.Bytes(), a.SW)
		}
		return a.SW
	}
	b.ok(samcard.SelectFile{FID: samcard.FIDMF}.Command())
	b.authenticate(master{pboc.TDES, transport})
	if b.oracle().Issued {
		return // cut in the last write but one
	}
	for _, f := range samcard.MFFiles() {
		create(f.Command())
	}
	b.ok(samcard.UpdateBinary{SFI: samcard.SFIPublic, Data: samcard.SAMPublic{Number: b.self.Number, Version: 1, KeyType: 1,
		SetVersion: 1, FCI: 1}.Bytes()}.Command())
	b.ok(samcard.UpdateBinary{SFI: samcard.SFITerminal, Data: samcard.SAMTerminal{TID: b.self.TID}.Bytes()}.Command())
	if b.loyalty {
		b.application(samcard.LoyaltyDF(b.profile.AIDPSAMLoyalty), transport, create)
		b.ok(samcard.SelectFile{FID: samcard.FIDMF}.Command())
	}
	b.application(samcard.PetrolDF(b.profile.AIDPSAMPetrol), transport, create)
	under := b.master()
	rand8 := [8]byte(b.challenge(8))
	b.ok(samcard.SetStatus{Cipher: under.suite.Authenticate(under.key, rand8)}.Command())
}

func (b *bench) master() master { return master{b.own, b.key("SAMACK")} }

// application makes an application with its keys and file 0017, again where some of it is there, and stays in it.
func (b *bench) application(df samcard.CreateFile, transport pboc.Key, create func(apdu.Command) apdu.SW) {
	b.t.Helper()
	under := master{pboc.TDES, transport}
	df.Data[3] = 0x03 // the MF's master may go on with a making that was cut
	if create(df.Command()) != apdu.OK {
		b.enter()
		rand := b.challenge(4)
		answer := b.own.Authenticate(b.key("SAMACK"), fuelcard.Challenge(rand))
		if b.send(samcard.ExternalAuthenticate{Cipher: answer}.Command()).SW == apdu.OK {
			under = b.master()
		}
	}
	for _, s := range samcard.Keys {
		b.writeKey(under, s)
		under = b.master()
	}
	for _, f := range samcard.PetrolFiles() {
		create(f.Command())
	}
	b.authenticate(under)
	b.ok(samcard.UpdateBinary{SFI: samcard.SFIApp, Data: samcard.SAMApplication{KeyIndex: 1, Issuer: b.issuer, Receiver: b.issuer,
		Start: [4]byte{0x20, 0x26, 1, 1}, Expiry: [4]byte{0x20, 0x36, 0x12, 0x31}}.Bytes()}.Command())
}

func (b *bench) oracle() psam.Oracle {
	b.t.Helper()
	o, err := psam.Look(b.nv, b.profile)
	if err != nil {
		b.t.Fatal(err)
	}
	return o
}

func unhex(s string) []byte {
	d, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return d
}

// talk plays a worked conversation: the PSAM's randomness first, then command and answer byte for byte.
func (b *bench) talk(rand string, exchange ...string) {
	b.t.Helper()
	b.rnd.Buffer.Write(unhex(rand))
	for i := 0; i < len(exchange); i += 2 {
		got, err := b.sam.Transmit(unhex(exchange[i]))
		if err != nil {
			b.t.Fatal(err)
		}
		if want := unhex(exchange[i+1]); !bytes.Equal(got, want) {
			b.t.Fatalf("> %s\n< %X\nwant %X", exchange[i], got, want)
		}
	}
	if b.rnd.Len() != 0 {
		b.t.Fatalf("%d random bytes not used", b.rnd.Len())
	}
}

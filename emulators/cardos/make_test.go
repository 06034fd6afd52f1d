package cardos_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"greylock/emulators/cardos"
	"greylock/fixtures"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
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

// bench is a card on the table with what its maker knows.
type bench struct {
	t       testing.TB
	nv      *cardos.MemNV
	rnd     *script
	card    *cardos.Card
	profile fuelcard.Profile
	suite   pboc.Suite
	issuer  pboc.Issuer
	asn     pboc.ASN
	keys    fixtures.Keys
	sent    [][]byte // commands of the last making
}

func newBench(t testing.TB, profile fuelcard.Profile) *bench {
	t.Helper()
	cards := fixtures.TestCards()
	suite, err := profile.Suite()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, nv: cardos.NewMemNV(), rnd: &script{}, profile: profile, suite: suite, issuer: cards.Issuer,
		asn: cards.Users[0], keys: fixtures.TestKeys()}
	if b.card, err = cardos.Blank(b.nv, b.rnd, profile, b.keys.Transport); err != nil {
		t.Fatal(err)
	}
	b.reset()
	return b
}

// made is a card made and in the petrol application, PIN 99 99 99, nothing on it.
func made(t testing.TB, profile fuelcard.Profile) *bench {
	t.Helper()
	b := newBench(t, profile)
	b.make()
	b.reset()
	b.enter()
	return b
}

// again is a second card with the same memory content.
func (b *bench) again(t testing.TB) *bench {
	t.Helper()
	c := *b
	c.t, c.nv, c.rnd = t, cardos.NewMemNV(), &script{n: b.rnd.n}
	if err := c.nv.SetImage(b.nv.Image()); err != nil {
		t.Fatal(err)
	}
	c.card = cardos.New(c.nv, c.rnd, c.profile)
	c.reset()
	c.enter()
	return &c
}

func (b *bench) reset() {
	b.t.Helper()
	if _, err := b.card.Reset(); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) enter() {
	b.t.Helper()
	b.ok(fuelcard.SelectName{Name: b.profile.AIDPetrol}.Command())
}

// send transmits and splits the answer.
func (b *bench) send(c apdu.Command) apdu.Answer {
	b.t.Helper()
	raw, err := b.card.Transmit(c.Bytes())
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

// challenge takes a random number for the next command.
func (b *bench) challenge(n int) []byte { return b.ok(fuelcard.GetChallenge{Length: n}.Command()) }

func (b *bench) key(name string) pboc.Key {
	return b.suite.Diversify(b.keys.Masters[name], b.profile.Factors(name, b.issuer, b.asn)...)
}

func (b *bench) authenticate(k pboc.Key) {
	b.t.Helper()
	rand := b.challenge(4)
	b.ok(fuelcard.ExternalAuthenticate{Cipher: b.suite.Authenticate(k, fuelcard.Challenge(rand))}.Command())
}

func (b *bench) writeKey(under pboc.Key, p1, id byte, r fuelcard.KeyRecord) {
	b.t.Helper()
	rand := b.challenge(4)
	b.ok(fuelcard.SealKey(b.suite, under, rand, fuelcard.WriteKey{P1: p1, KeyID: id, KeyRecord: r}))
}

// make turns the blank into a petrol card, through commands alone.
func (b *bench) make() {
	b.t.Helper()
	p := b.profile
	b.ok(fuelcard.SelectFile{FID: fuelcard.FIDMF}.Command())
	b.authenticate(b.keys.Transport)
	under := b.keys.Transport
	for _, s := range fuelcard.Keys {
		if !s.MF {
			continue
		}
		k := b.key(s.Name)
		p1 := byte(1)
		if s.Type == fuelcard.KeyMaster {
			p1 = s.Type
		}
		b.writeKey(under, p1, s.ID, s.Record(p.Alg, k[:]))
		under = b.key("CCK")
	}
	for _, f := range p.MFFiles() {
		b.ok(f.Command())
	}
	b.ok(fuelcard.AppendRecord{SFI: 1, Data: p.DirRecord()}.Command())
	b.ok(p.PetrolDF().Command())
	b.ok(p.KeyFile().Command())
	for _, s := range fuelcard.Keys {
		if s.MF {
			continue
		}
		k := b.key(s.Name)
		b.writeKey(under, 1, s.ID, s.Record(p.Alg, k[:]))
		if s.Type&fuelcard.KeyTypeMask == fuelcard.KeyMaster {
			under = k
		}
	}
	b.writeKey(under, 1, fuelcard.PINSlot.ID, fuelcard.PINSlot.Record(p.Alg, p.DefaultPIN))
	for _, f := range p.PetrolFiles() {
		b.ok(f.Command())
	}
	b.write(fuelcard.SFIPublic, 0, fuelcard.PublicData{Issuer: b.issuer, AppType: fuelcard.AppPetrol, AppVersion: 1, ASN: b.asn,
		Start: [4]byte{0x20, 0x26, 1, 1}, Expiry: [4]byte{0x20, 0x36, 0x12, 0x31}, SetVersion: 1}.Bytes())
	b.write(fuelcard.SFIHolder, 0, fuelcard.HolderData{CardType: fuelcard.CardUser}.Bytes())
	b.ok(fuelcard.UpdateBinary{SFI: fuelcard.SFIOrdinary, Data: fuelcard.OrdinaryData{Employee: 1}.Bytes()}.Command())
	b.write(fuelcard.SFILimits, 0, fuelcard.NoLimits().Bytes())
}

// write updates a file with a MAC under DAMK.
func (b *bench) write(sfi, off byte, data []byte) {
	b.t.Helper()
	b.ok(b.seal("DAMK", fuelcard.SecureUpdateBinary{SFI: sfi, Offset: off, Data: data}.Command()))
}

// seal takes a challenge and fills in a secure-messaging MAC.
func (b *bench) seal(key string, c apdu.Command) apdu.Command {
	b.t.Helper()
	return fuelcard.Seal(b.suite, b.key(key), b.challenge(4), c)
}

func (b *bench) pin() {
	b.t.Helper()
	b.ok(fuelcard.Verify{PIN: b.profile.DefaultPIN}.Command())
}

func (b *bench) oracle() cardos.Oracle {
	b.t.Helper()
	o, err := cardos.Look(b.nv, b.profile)
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

var errStuck = errors.New("no randomness")

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, errStuck }

var _ io.Reader = stuck{}

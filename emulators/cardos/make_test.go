package cardos_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"greylock/emulators/cardos"
	"greylock/emulators/chip"
	"greylock/fixtures"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
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

// newMem is memory for one petrol card and little more: the tear tests copy it often.
func newMem() *cardos.MemNV { return chip.NewMem(2304) }

// bench is a card on the table with what its maker knows.
type bench struct {
	t        testing.TB
	nv       *cardos.MemNV
	rnd      *script
	card     *cardos.Card
	profile  fuelcard.Profile
	suite    pboc.Suite
	issuer   pboc.Issuer
	asn      pboc.ASN
	keys     fixtures.Keys
	cuttable bool                  // a torn card ends the making by a panic that interrupted takes
	extra    []fuelcard.CreateFile // made behind the petrol files
}

func newBench(t testing.TB, profile fuelcard.Profile) *bench {
	t.Helper()
	cards := fixtures.TestCards()
	suite, err := profile.Suite()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, nv: newMem(), rnd: &script{}, profile: profile, suite: suite, issuer: cards.Issuer,
		asn: cards.Users[0], keys: fixtures.TestKeys()}
	if b.card, err = cardos.Blank(b.nv, b.rnd, profile, b.keys.Transport); err != nil {
		t.Fatal(err)
	}
	b.reset()
	return b
}

// epFile is the wallet, which a petrol card usually does not have.
var epFile = fuelcard.CreateFile{FID: fuelcard.FIDEP, Data: fuelcard.PurseSpec{Use: 0xF0, LogSFI: fuelcard.SFILog}.Bytes()}

// made is a card made and in the petrol application, PIN 99 99 99, nothing on it.
func made(t testing.TB, profile fuelcard.Profile, extra ...fuelcard.CreateFile) *bench {
	t.Helper()
	b := newBench(t, profile)
	b.extra = extra
	b.make()
	b.reset()
	b.enter()
	return b
}

// blankOn begins again with a blank on a memory of another size.
func (b *bench) blankOn(nv *cardos.MemNV) {
	b.t.Helper()
	var err error
	if b.card, err = cardos.Blank(nv, b.rnd, b.profile, b.keys.Transport); err != nil {
		b.t.Fatal(err)
	}
	b.nv = nv
	b.reset()
}

// again is a second card with the same memory content.
func (b *bench) again(t testing.TB) *bench {
	t.Helper()
	c := *b
	c.t, c.nv, c.rnd = t, newMem(), &script{n: b.rnd.n}
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

// send transmits and splits the answer. Helper is called where it is needed: it costs as much as a command.
func (b *bench) send(c apdu.Command) apdu.Answer {
	raw, err := b.card.Transmit(c.Bytes())
	if b.cuttable && errors.Is(err, cardos.ErrTorn) {
		panic(cardos.ErrTorn)
	}
	if err != nil {
		b.t.Helper()
		b.t.Fatalf("%X: %v", c.Bytes(), err)
	}
	a, err := apdu.ParseAnswer(raw)
	if err != nil {
		b.t.Helper()
		b.t.Fatal(err)
	}
	return a
}

func (b *bench) ok(c apdu.Command) []byte {
	a := b.send(c)
	if a.SW != apdu.OK {
		b.t.Helper()
		b.t.Fatalf("%X: %v", c.Bytes(), a.SW)
	}
	return a.Data
}

// challenge takes a random number for the next command.
func (b *bench) challenge(n int) []byte { return b.ok(fuelcard.GetChallenge{Length: n}.Command()) }

func (b *bench) key(name string) pboc.Key {
	return b.suite.Diversify(b.keys.Masters[b.profile.MasterOf(name)], b.profile.Factors(name, b.issuer, b.asn)...)
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
	for _, s := range p.CardKeys() {
		if !s.MF {
			continue
		}
		k := b.key(s.Name)
		p1 := byte(1)
		if s.Class == fuelcard.KeyMaster {
			p1 = s.Type
		}
		b.writeKey(under, p1, s.ID, s.Record(p.Alg, k[:]))
		under = b.key("CCK")
	}
	for _, f := range p.MFFiles() {
		b.ok(f.Command())
	}
	b.ok(fuelcard.AppendRecord{SFI: 1, Data: p.DirRecord()}.Command())
	b.ok(b.petrolDF())
	b.ok(p.KeyFile().Command())
	for _, s := range p.CardKeys() {
		if s.MF {
			continue
		}
		k := b.key(s.Name)
		b.writeKey(under, 1, s.ID, s.Record(p.Alg, k[:]))
		if s.Class == fuelcard.KeyMaster {
			under = k
		}
	}
	b.writeKey(under, 1, fuelcard.PINSlot.ID, p.PINSlot().Record(p.Alg, p.DefaultPIN))
	for _, f := range append(p.PetrolFiles(), b.extra...) {
		b.ok(f.Command())
	}
	b.fill()
}

// petrolDF creates the application with the right to make files in it given to the MF's master: a making that is cut before
// the application has a key of its own can then go on.
func (b *bench) petrolDF() apdu.Command {
	f := b.profile.PetrolDF()
	f.Data[3] = 0x03
	return f.Command()
}

// fill writes the files of the application.
func (b *bench) fill() {
	b.t.Helper()
	b.write(fuelcard.SFIPublic, 0, fuelcard.PublicData{Issuer: b.issuer, AppType: fuelcard.AppPetrol, AppVersion: 1, ASN: b.asn,
		Start: [4]byte{0x20, 0x26, 1, 1}, Expiry: [4]byte{0x20, 0x36, 0x12, 0x31}, SetVersion: 1}.Bytes())
	b.write(fuelcard.SFIHolder, 0, fuelcard.HolderData{CardType: fuelcard.CardUser}.Bytes())
	b.ok(fuelcard.UpdateBinary{SFI: fuelcard.SFIOrdinary, Data: fuelcard.OrdinaryData{Employee: 1}.Bytes()}.Command())
	b.write(fuelcard.SFILimits, 0, fuelcard.NoLimits().Bytes())
}

// interrupted makes the card until a planned cut and reports whether that came.
func (b *bench) interrupted() (cut bool) {
	b.cuttable = true
	defer func() {
		b.cuttable = false
		if p := recover(); p != nil && p != any(cardos.ErrTorn) {
			panic(p)
		} else if p != nil {
			cut = true
		}
	}()
	b.make()
	return false
}

// tries sends a command and accepts some status words beside 9000.
func (b *bench) tries(c apdu.Command, also ...apdu.SW) apdu.SW {
	b.t.Helper()
	a := b.send(c)
	if a.SW != apdu.OK && !slices.Contains(also, a.SW) {
		b.t.Fatalf("%X: %v", c.Bytes(), a.SW)
	}
	return a.SW
}

// oneOf authenticates with the first of two keys that the card takes.
func (b *bench) oneOf(first, second pboc.Key) pboc.Key {
	b.t.Helper()
	rand := b.challenge(4)
	if b.tries(fuelcard.ExternalAuthenticate{Cipher: b.suite.Authenticate(first, fuelcard.Challenge(rand))}.Command(), 0x63C2) == apdu.OK {
		return first
	}
	b.authenticate(second)
	return second
}

// remake finishes a making that was cut anywhere.
func (b *bench) remake() {
	b.t.Helper()
	p, taken := b.profile, apdu.WrongData
	b.ok(fuelcard.SelectFile{FID: fuelcard.FIDMF}.Command())
	under := b.oneOf(b.key("CCK"), b.keys.Transport)
	keys := func(mf bool) {
		for _, s := range p.CardKeys() {
			if s.MF != mf {
				continue
			}
			k := b.key(s.Name)
			b.writeKey(under, 1, s.ID, s.Record(p.Alg, k[:]))
			if s.Class == fuelcard.KeyMaster {
				under = k
			}
		}
	}
	keys(true)
	for _, f := range p.MFFiles() {
		b.tries(f.Command(), taken)
	}
	if b.send(fuelcard.ReadRecord{SFI: 1, Number: 1}.Command()).SW == apdu.RecordNotFound {
		b.ok(fuelcard.AppendRecord{SFI: 1, Data: p.DirRecord()}.Command())
	}
	if b.tries(b.petrolDF(), taken) == taken {
		b.enter()
	}
	rand := b.challenge(4)
	answer := b.suite.Authenticate(b.key("ACK"), fuelcard.Challenge(rand))
	if b.tries(fuelcard.ExternalAuthenticate{Cipher: answer}.Command(), apdu.KeyNotFound) == apdu.OK {
		under = b.key("ACK")
	}
	b.tries(p.KeyFile().Command(), taken)
	keys(false)
	pin := fuelcard.WriteKey{P1: 1, KeyID: fuelcard.PINSlot.ID, KeyRecord: p.PINSlot().Record(p.Alg, p.DefaultPIN)}
	b.tries(fuelcard.SealKey(b.suite, under, b.challenge(4), pin), apdu.SecurityState)
	for _, f := range p.PetrolFiles() {
		b.tries(f.Command(), taken)
	}
	b.fill()
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

func (b *bench) terminal() pboc.TID { return pboc.TID{0x13, 0x44, 0, 0, 0, 1} }

func fen(n int64) unit.Fen { return unit.Fen(n) }

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

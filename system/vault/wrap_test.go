package vault_test

import (
	"bytes"
	"errors"
	"testing"

	"greylock/fixtures"
	"greylock/system/vault"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/samcard"
)

func making(t *testing.T) *vault.Vault {
	t.Helper()
	return makingFor(t, fuelcard.National())
}

func makingFor(t *testing.T, p fuelcard.Profile) *vault.Vault {
	t.Helper()
	keys := map[vault.Name]pboc.Key{}
	for n, k := range fixtures.TestKeys().Masters {
		keys[vault.Name(n)] = k
	}
	born := birth(record.Training)
	born.Profile = p
	master, err := vault.Known(born, keys, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	v, err := master.For(record.KindMaking, "0002", now)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// own derives a key of the card as card.md 15.2 does.
func own(p fuelcard.Profile, name vault.Name, c vault.Card) pboc.Key {
	return pboc.TDES.Diversify(fixtures.TestKeys().Masters[string(name)], p.Factors(string(name), c.Issuer, c.ASN)...)
}

func TestWrapCardKey(t *testing.T) {
	t.Parallel()
	for _, p := range []fuelcard.Profile{fuelcard.National(), fuelcard.Company(), fuelcard.DaHua()} {
		t.Run(p.Name, func(t *testing.T) { wrapsCardKeys(t, p) })
	}
}

func wrapsCardKeys(t *testing.T, p fuelcard.Profile) {
	v, c, rand := makingFor(t, p), card1(t), []byte{1, 2, 3, 4}
	transport := fixtures.TestKeys().Transport
	for _, slot := range p.CardKeys() {
		name, guard, under, replace := vault.Name(slot.Name), vault.Own(vault.ACK), own(p, vault.ACK, c), false
		if name == vault.CCK {
			guard, under, replace = vault.Transport(transport), transport, true
		}
		cmd, err := v.WrapCardKey(name, c, guard, rand, replace)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		w, err := fuelcard.ParseSecureWriteKey(cmd)
		if err != nil || !pboc.TDES.SecureMAC(under, rand, cmd.MACSpan()).Equal(w.MAC) {
			t.Fatalf("%s: %v, or the MAC is wrong", name, err)
		}
		plain, err := pboc.TDES.Decipher(under, w.Cipher)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		r, err := fuelcard.ParseKeyRecord(plain)
		want := own(p, name, c)
		if err != nil || !bytes.Equal(r.Key, want[:]) || r.Type != slot.Type || w.KeyID != slot.ID {
			t.Errorf("%s: %v, or the record is not of its slot", name, err)
		}
		if wantP1 := map[bool]byte{false: 1, true: slot.Type}[replace]; w.P1 != wantP1 {
			t.Errorf("%s: P1 %02X, want %02X", name, w.P1, wantP1)
		}
		if bytes.Contains(cmd.Bytes(), want[:8]) {
			t.Errorf("%s crosses the wire in clear", name)
		}
	}
	cmd, err := v.WrapPIN(c, vault.Own(vault.ACK), rand, p.DefaultPIN)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := pboc.TDES.Decipher(own(p, vault.ACK, c), cmd.Data[:len(cmd.Data)-4])
	if err != nil || plain[0] != p.PINSlot().Type || !bytes.Equal(plain[5:], p.DefaultPIN) {
		t.Errorf("PIN: record %X, %v", plain, err)
	}
}

func TestWrapPSAMKey(t *testing.T) {
	t.Parallel()
	for _, p := range fuelcard.Profiles() {
		t.Run(p.Name, func(t *testing.T) { wrapsPSAMKeys(t, p) })
	}
}

func wrapsPSAMKeys(t *testing.T, p fuelcard.Profile) {
	v, rand := makingFor(t, p), []byte{1, 2, 3, 4}
	psam, err := pboc.ParseASN("01001014400000000007")
	if err != nil {
		t.Fatal(err)
	}
	suite, err := p.Suite()
	if err != nil {
		t.Fatal(err)
	}
	masters := fixtures.TestKeys().Masters
	master := suite.Diversify(masters["SAMACK"], psam.Factor())
	for _, slot := range samcard.KeysWith(p.LevelsOf) {
		cmd, err := v.WrapPSAMKey(vault.Name(slot.Name), psam, vault.Own(vault.SAMACK), rand)
		if err != nil {
			t.Fatalf("%s: %v", slot.Name, err)
		}
		w, err := samcard.ParseWriteKey(cmd)
		if err != nil || !suite.SecureMAC(master, rand, cmd.MACSpan()).Equal(w.MAC) {
			t.Fatalf("%s: %v, or the MAC is wrong", slot.Name, err)
		}
		plain, err := suite.Decipher(master, w.Cipher)
		if err != nil {
			t.Fatal(err)
		}
		want := masters[slot.Name]
		if slot.Own {
			want = suite.Diversify(want, psam.Factor())
		}
		if head := []byte{byte(slot.Usage), slot.Version, p.Alg}; !bytes.Equal(plain, append(head, want[:]...)) {
			t.Errorf("%s: record %X…, want %X…", slot.Name, plain[:3], head)
		}
	}
	a, err := v.PSAMExternalAnswer(vault.SAMACK, psam, [8]byte{1})
	if err != nil || a != suite.Authenticate(master, [8]byte{1}) {
		t.Errorf("answer %X %v", a, err)
	}
}

// Only card making gives keys away, only under keys of the card, and under a vendor's key only the one that replaces it.
func TestWrapIsRefused(t *testing.T) {
	t.Parallel()
	v, c, rand := making(t), card1(t), []byte{1, 2, 3, 4}
	transport := vault.Transport(fixtures.TestKeys().Transport)
	outlet, err := generated(t, 1).For(record.KindOutlet, "0003", now)
	if err != nil {
		t.Fatal(err)
	}
	_, e1 := outlet.WrapCardKey(vault.DAMK, c, transport, rand, false)
	_, e2 := v.WrapCardKey(vault.DPK, c, transport, rand, false)
	_, e3 := v.WrapCardKey(vault.DPK, c, vault.Own(vault.DAMK), rand, false)
	_, e4 := v.WrapCardKey(vault.TMAC, c, vault.Own(vault.ACK), rand, false)
	_, e5 := v.WrapPSAMKey(vault.DPK, c.ASN, transport, rand)
	_, e6 := v.WrapPSAMKey(vault.DLK, c.ASN, vault.Own(vault.SAMACK), rand)
	_, e7 := generated(t, 1).WrapCardKey(vault.ACK, c, vault.Own(vault.CCK), rand, false)
	_, e8 := v.WrapPIN(c, transport, rand, fuelcard.PIN{0x99, 0x99})
	for i, err := range []error{e1, e2, e3, e4, e5, e6, e7, e8} {
		if !errors.Is(err, vault.ErrPurpose) {
			t.Errorf("case %d: %v, want ErrPurpose", i+1, err)
		}
	}
}

func TestAuthentication(t *testing.T) {
	t.Parallel()
	v, c, challenge := making(t), card1(t), [8]byte{1, 2, 3}
	got, err := v.InternalAnswer(c, challenge)
	if want := pboc.TDES.Authenticate(own(fuelcard.National(), vault.DIK, c), challenge); err != nil || got != want {
		t.Errorf("internal %X %v", got, err)
	}
	got, err = v.ExternalAnswer(vault.ACK, c, challenge)
	if want := pboc.TDES.Authenticate(own(fuelcard.National(), vault.ACK, c), challenge); err != nil || got != want {
		t.Errorf("external %X %v", got, err)
	}
	if p := vault.CardOf(fuelcard.PublicData{ASN: c.ASN, Issuer: c.Issuer}, 0); p != c {
		t.Errorf("CardOf %+v, want %+v", p, c)
	}
}

func BenchmarkTAC(b *testing.B) {
	v, err := vault.Generate(birth(record.Training), random(1))
	if err != nil {
		b.Fatal(err)
	}
	c := vault.Card{Version: 1}
	data := make([]byte, 22)
	for i := 0; b.Loop(); i++ {
		c.ASN[8], c.ASN[9] = byte(i>>8), byte(i)
		if _, err := v.TAC(c, data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenWorking(b *testing.B) {
	v, err := vault.Generate(birth(record.Training), random(1))
	if err != nil {
		b.Fatal(err)
	}
	part, err := v.For(record.KindCenter, record.Center, now)
	if err != nil {
		b.Fatal(err)
	}
	file, secret, err := part.SealWorking(random(2))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := vault.OpenWorking(file, secret); err != nil {
			b.Fatal(err)
		}
	}
}

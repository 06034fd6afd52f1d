package vault_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"greylock/fixtures"
	"greylock/system/clock"
	"greylock/system/vault"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

var (
	now   = clock.At(2026, time.November, 22, 9, 30, 0)
	cheap = vault.Cost{Time: 1, MemoryKiB: 64, Threads: 1}
	both  = vault.Passwords{[]byte("correct horse 1234"), []byte("battery staple 567")}
)

func random(seed uint64) *rand.ChaCha8 {
	var s [32]byte
	s[0], s[1] = byte(seed), byte(seed>>8)
	return rand.NewChaCha8(s)
}

func birth(realm record.Realm) vault.Birth {
	return vault.Birth{Scope: "示范石油", Realm: realm, Custodians: [2]string{"张建国", "陈丽"}, Profile: fuelcard.National(), Now: now}
}

func generated(t *testing.T, seed uint64) *vault.Vault {
	t.Helper()
	v, err := vault.Generate(birth(record.Training), random(seed))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// chain1 is the key set of card.md 15.2.
func chain1(t *testing.T) (*vault.Vault, map[vault.Name]pboc.Key) {
	t.Helper()
	keys := map[vault.Name]pboc.Key{}
	for name, first := range map[vault.Name]byte{
		vault.DPK: 0xA0, vault.DLK: 0xB0, vault.DTK: 0xC0, vault.DULK: 0xD0, vault.DUGK: 0xD0, vault.DRPK: 0xE0,
		vault.DPUK: 0xF0, vault.DAMK: 0x90, vault.SAMTAC: 0x80, vault.TMAC: 0x70,
	} {
		var k pboc.Key
		for i := range k {
			k[i] = first + byte(i)
		}
		keys[name] = k
	}
	v, err := vault.Known(birth(record.Training), keys, [32]byte{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	return v, keys
}

func card1(t *testing.T) vault.Card {
	t.Helper()
	asn, err := pboc.ParseASN("01000114400000123456")
	if err != nil {
		t.Fatal(err)
	}
	return vault.Card{ASN: asn, Issuer: pboc.Issuer{0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, Version: 1}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The values are those of card.md 15.3 and vectors/card.json, made by another hand.
func TestOperationsGiveTheWorkedNumbers(t *testing.T) {
	t.Parallel()
	v, _ := chain1(t)
	c := card1(t)
	psam, err := pboc.ParseASN("01001014400000000007")
	if err != nil {
		t.Fatal(err)
	}
	mac := func(m pboc.MAC, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return m.String()
	}
	load, grey := [4]byte{0xA1, 0xB2, 0xC3, 0xD4}, [4]byte{0x77, 0x88, 0x99, 0x00}
	sm := []byte{0x99, 0xAA, 0xBB, 0xCC}
	pinCipher, err := v.Encipher(vault.DPUK, c, unhex(t, "123456"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ name, got, want string }{
		{"load MAC1", mac(v.LoadMAC(c, load, 0, unhex(t, "00000000 00002710 01 134400000001"))), "64310405"},
		{"load MAC2", mac(v.LoadMAC(c, load, 0, unhex(t, "00002710 01 134400000001 20261122 093000"))), "4CF807F2"},
		{"load TAC", mac(v.TAC(c, unhex(t, "00002710 0000 00002710 01 134400000001 20261122 093000"))), "503B445A"},
		{"GTAC", mac(v.TAC(c, unhex(t, "00002710 0000 91 134400000001 00000012 20261122 102030"))), "53809007"},
		{"PSAM-TAC", mac(v.PSAMTAC(psam, unhex(t, "00001388 93 134400000001 00000012 20261122 102030"))), "2F99CF02"},
		{"unload MAC1", mac(v.UnloadMAC(c, [4]byte{1, 2, 3, 4}, 1, unhex(t, "00001388 00001388 03 134400009999"))), "A3B74553"},
		{"unload MAC2", mac(v.UnloadMAC(c, [4]byte{1, 2, 3, 4}, 1, unhex(t, "00001388 03 134400009999 20261124 150000"))), "60CE2040"},
		{"unload MAC3", mac(v.UnloadMAC(c, [4]byte{1, 2, 3, 4}, 1, unhex(t, "00000000 0001 00001388 03 134400009999 20261124 150000"))), "F69B7185"},
		{"unlock MAC1", mac(v.UnlockMAC(c, grey, 1, unhex(t, "00002710 0001 95 134400009999"))), "CE8F7251"},
		{"unlock MAC2", mac(v.UnlockMAC(c, grey, 1, unhex(t, "00001388 95 134400009999 20261124 150000"))), "BE1398F7"},
		{"unlock MAC3", mac(v.UnlockMAC(c, grey, 1, unhex(t, "00001388 0001 00001388 95 134400009999 20261124 150000"))), "DBC67897"},
		{"reload PIN", mac(v.ReloadMAC(c, unhex(t, "123456"))), "3226A4AC"},
		{"PIN unblock cipher", strings.ToUpper(hex.EncodeToString(pinCipher)), "9083BC6AB3E169CA"},
		{"PIN unblock MAC", mac(v.SecureMAC(vault.DPUK, c, unhex(t, "11223344"), append(unhex(t, "842400010C"), pinCipher...))), "9C8DE297"},
		{"SM update", mac(v.SecureMAC(vault.DAMK, c, sm, unhex(t, "04D69C2B0B FFFF 05 0000C350"))), "A36056F4"},
		{"application block", mac(v.SecureMAC(vault.DAMK, c, sm, unhex(t, "841E000004"))), "BEA40846"},
		{"T_MAC", mac(v.TMAC(unhex(t, "0000050100202611221023550100011440000012345600001388001388"+
			"0000FDF920976A81DD132F99CF0201001014400000000007134400000001000000120010011002"+
			"10200002BC02CA010001E240FFFFFFFFFFFFFFFFFFFFFF"))), "152BFCC5"},
	} {
		if row.got != row.want {
			t.Errorf("%s is %s, want %s", row.name, row.got, row.want)
		}
	}
}

// A vault serves the cards of the profile it was made for, by its name and by the flags of keys, and says the difference.
func TestMadeFor(t *testing.T) {
	t.Parallel()
	born, err := fuelcard.Configure("company", map[string]string{"tmac_alg": "xor", "gtac_string": "fmcos_zero"})
	if err != nil {
		t.Fatal(err)
	}
	keys := map[vault.Name]pboc.Key{}
	for n, k := range fixtures.TestKeys().Masters {
		keys[vault.Name(n)] = k
	}
	master, err := vault.Known(vault.Birth{Scope: "示范石油", Realm: record.Training, Profile: born, Now: now}, keys, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	part, err := master.For(record.KindCenter, record.Center, now)
	if err != nil {
		t.Fatal(err)
	}
	file, secret, err := part.SealWorking(rand.NewChaCha8([32]byte{2}))
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.OpenWorking(file, secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		set  map[string]string
		want string // of the refusal
	}{
		{"company", map[string]string{"tmac_alg": "xor"}, ""},
		{"company", map[string]string{"tmac_alg": "xor", "gtac_string": "bal_ctc", "levels": "asn"}, ""}, // no flags of keys, or as the profile has them
		{"company", nil, "company tmac_alg=xor, 配置 (configured): company:"},
		{"company", map[string]string{"tmac_alg": "xor", "levels": "asn_asn"}, "levels=asn_asn"},
		{"national", map[string]string{"tmac_alg": "xor"}, "national tmac_alg=xor"},
		{"company-sm4", map[string]string{"tmac_alg": "xor"}, "company-sm4"},
	} {
		p, err := fuelcard.Configure(c.name, c.set)
		if err != nil {
			t.Fatal(err)
		}
		err = v.MadeFor(p)
		if (err == nil) != (c.want == "") || err != nil && (!errors.Is(err, vault.ErrProfile) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s %v: %v", c.name, c.set, err)
		}
	}
}

func TestGeneratedKeys(t *testing.T) {
	t.Parallel()
	v := generated(t, 1)
	checks := v.KCVs()
	if len(checks) != len(vault.Names()) {
		t.Fatalf("%d keys, want %d", len(checks), len(vault.Names()))
	}
	seen := map[string]string{}
	for i, k := range checks {
		if k.Name != string(vault.Names()[i]) || k.Version != 1 || len(k.KCV) != 3 {
			t.Errorf("key %d is %+v", i, k)
		}
		if zh, en := vault.Name(k.Name).Purpose(); zh == "" || en == "" {
			t.Errorf("%s has no purpose", k.Name)
		}
		twin := seen[string(k.KCV)]
		if twin != "" && (twin != "DULK" || k.Name != "DUGK") {
			t.Errorf("%s has the check value of %s", k.Name, twin)
		}
		seen[string(k.KCV)] = k.Name
	}
	if other := generated(t, 2).KCVs(); bytes.Equal(other[0].KCV, checks[0].KCV) {
		t.Error("two ceremonies made the same key")
	}
}

func TestRandomSourceThatIsStuck(t *testing.T) {
	t.Parallel()
	for name, rnd := range map[string]*stuck{"zeros": {0}, "ones": {0xFF}, "some byte": {0x5A}} {
		if _, err := vault.Generate(birth(record.Training), rnd); !errors.Is(err, vault.ErrRandom) {
			t.Errorf("%s: %v, want ErrRandom", name, err)
		}
	}
	if _, err := vault.Generate(birth(record.Training), bytes.NewReader(make([]byte, 100))); !errors.Is(err, vault.ErrRandom) {
		t.Errorf("short source: %v, want ErrRandom", err)
	}
}

type stuck struct{ b byte }

func (s *stuck) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = s.b
	}
	return len(p), nil
}

func TestPartsHoldWhatTheRoleNeeds(t *testing.T) {
	t.Parallel()
	master := generated(t, 1)
	c := card1(t)
	for role, want := range map[record.Kind]string{
		record.KindCenter: "DAMK DLK DULK DUGK DTK DPUK DRPK SAMTAC TMAC",
		record.KindOutlet: "DAMK DRPK DIK",
		record.KindMaking: "CCK CMK ACK DAMK DPK DLK DULK DUGK DTK DPUK DRPK DOLK DIK SAMACK SAMMK SAMTAC TMAC",
	} {
		part, err := master.For(role, "0003", now)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, k := range part.KCVs() {
			got = append(got, k.Name)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s holds %s, want %s", role, s, want)
		}
		d := record.Directive{Site: "0001", Topic: record.TopicPrices, Version: 1, Realm: record.Training, Body: json.RawMessage(`{}`)}
		line, err := part.Sign(d)
		if role != record.KindCenter {
			if !errors.Is(err, vault.ErrNoKey) {
				t.Errorf("%s signs a directive: %v", role, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := line.Open(part.PublicKey()); err != nil {
			t.Errorf("directive does not open: %v", err)
		}
		d.Realm = record.Production
		if _, err := part.Sign(d); !errors.Is(err, vault.ErrPurpose) {
			t.Errorf("directive of the other realm: %v", err)
		}
	}
	if _, err := master.For(record.KindStation, "0001", now); !errors.Is(err, vault.ErrPurpose) {
		t.Errorf("a station got a vault: %v", err)
	}
	outlet, err := master.For(record.KindOutlet, "0003", now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := outlet.LoadMAC(c, [4]byte{}, 0, nil); !errors.Is(err, vault.ErrNoKey) {
		t.Errorf("an outlet computes a load MAC: %v", err)
	}
	if _, err := outlet.For(record.KindOutlet, "0004", now); !errors.Is(err, vault.ErrPurpose) {
		t.Errorf("a part gives parts: %v", err)
	}
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	v := generated(t, 1)
	c := card1(t)
	if _, err := v.SecureMAC(vault.DLK, c, make([]byte, 4), nil); !errors.Is(err, vault.ErrPurpose) {
		t.Errorf("secure messaging with the load key: %v", err)
	}
	if _, err := v.SecureMAC(vault.DAMK, c, make([]byte, 5), nil); !errors.Is(err, vault.ErrPurpose) {
		t.Errorf("challenge of 5 bytes: %v", err)
	}
	if _, err := v.ExternalAnswer(vault.DTK, c, [8]byte{}); !errors.Is(err, vault.ErrPurpose) {
		t.Errorf("authentication with the TAC key: %v", err)
	}
	c.Version = 2
	if _, err := v.TAC(c, nil); !errors.Is(err, vault.ErrNoKey) {
		t.Errorf("version 2: %v", err)
	}
	c.Version, c.Alg = 1, 9
	if _, err := v.TAC(c, nil); !errors.Is(err, pboc.ErrAlg) {
		t.Errorf("algorithm 9: %v", err)
	}
}

// A vault shows nothing of itself, under any verb, alone or inside something.
func TestVaultMasksItself(t *testing.T) {
	t.Parallel()
	v, keys := chain1(t)
	type holder struct {
		V     *vault.Vault
		inner *vault.Vault
		value vault.Vault
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("vault", "v", v, "h", holder{v, v, *v})
	text := log.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		text += fmt.Sprintf(verb+verb, v, holder{v, v, *v})
	}
	j, err := json.Marshal(holder{V: v})
	if err != nil {
		t.Fatal(err)
	}
	refuseKeys(t, []byte(text+string(j)), keys)
	if !strings.Contains(text, "示范石油") {
		t.Error("the vault does not say whose it is")
	}
}

// refuseKeys looks for every half of every key, raw, in hexadecimal and as decimal lists.
func refuseKeys(t *testing.T, where []byte, keys map[vault.Name]pboc.Key) {
	t.Helper()
	upper := bytes.ToUpper(where)
	for name, k := range keys {
		for _, half := range [][]byte{k[:8], k[8:]} {
			decimal := strings.Trim(fmt.Sprint(half), "[]")
			for _, form := range [][]byte{half, []byte(fmt.Sprintf("%X", half)), []byte(decimal), []byte(fmt.Sprintf("% X", half))} {
				if bytes.Contains(where, form) || bytes.Contains(upper, form) {
					t.Errorf("half of %s shows as %q", name, form)
				}
			}
		}
	}
}

package pboc_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"greylock/system/wire/pboc"
)

var suites = []struct {
	name string
	pboc.Suite
}{{"3DES", pboc.TDES}, {"SM4", pboc.SM4}}

// TestCachedIsTheSame: remembering changes nothing, also where keys push each other out, and for many askers at once.
func TestCachedIsTheSame(t *testing.T) {
	t.Parallel()
	cached := pboc.Cached(pboc.TDES)
	if pboc.Cached(pboc.SM4) != pboc.SM4 || cached == pboc.TDES {
		t.Error("only 3DES is cached")
	}
	var askers sync.WaitGroup
	for a := range 4 {
		askers.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(a)))
			for range 60 {
				var k pboc.Key
				for i := range k {
					k[i] = byte(r.IntN(256))
				}
				for _, k := range []pboc.Key{k, {1, 2, byte(r.IntN(3))}} { // ever new, and the same again
					if cached.Diversify(k, [8]byte{3}) != pboc.TDES.Diversify(k, [8]byte{3}) || cached.TAC(k, nil) != pboc.TDES.TAC(k, nil) ||
						cached.TMAC(k, nil) != pboc.TDES.TMAC(k, nil) || cached.KCV(k) != pboc.TDES.KCV(k) {
						t.Error("the cached suite computes something else")
					}
				}
			}
		})
	}
	askers.Wait()
}

func TestSuiteFor(t *testing.T) {
	t.Parallel()
	for _, s := range suites {
		if got, err := pboc.SuiteFor(s.Alg()); err != nil || got != s.Suite {
			t.Errorf("%s: SuiteFor(%02X) = %v, %v", s.name, s.Alg(), got, err)
		}
	}
	if _, err := pboc.SuiteFor(0x01); !errors.Is(err, pboc.ErrAlg) {
		t.Errorf("algorithm 01 (single DES): %v", err)
	}
}

func TestPadAlwaysPads(t *testing.T) {
	t.Parallel()
	for n := range 40 {
		p := pboc.Pad(bytes.Repeat([]byte{7}, n), 8)
		if len(p)%8 != 0 || len(p) <= n || len(p) > n+8 || p[n] != 0x80 || bytes.Count(p[n+1:], []byte{0}) != len(p)-n-1 {
			t.Errorf("Pad of %d bytes: %X", n, p)
		}
	}
}

func TestKeyCheckValue(t *testing.T) {
	t.Parallel()
	k := pboc.Key(unhex(t, "0123456789ABCDEFFEDCBA9876543210"))
	for _, s := range suites {
		zeros, err := s.ECB(k, make([]byte, s.Block()))
		if err != nil {
			t.Fatal(err)
		}
		if v := s.KCV(k); !bytes.Equal(v[:], zeros[:3]) {
			t.Errorf("%s: KCV %X, enciphered zeros %X", s.name, v, zeros)
		}
	}
}

func TestDecipherRefusesWhatEncipherNeverMakes(t *testing.T) {
	t.Parallel()
	var k pboc.Key
	for _, s := range suites {
		block := s.Block()
		bad := [][]byte{
			append([]byte{byte(block)}, make([]byte, block-1)...),                                      // longer than the data
			append([]byte{0, 0x81}, make([]byte, block-2)...),                                          // padding does not start with 80
			append([]byte{0, 0x80, 1}, make([]byte, block-3)...),                                       // padding is not zeros
			append([]byte{1, 9, 0x80}, make([]byte, 2*block-3)...),                                     // a block too much
			append(append([]byte{byte(block - 1)}, make([]byte, block-1)...), pboc.Pad(nil, block)...), // padded though whole
		}
		for _, plain := range bad {
			cipher, err := s.ECB(k, plain)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := s.Decipher(k, cipher); !errors.Is(err, pboc.ErrBlocks) {
				t.Errorf("%s: %X deciphers to %X, %v", s.name, plain, got, err)
			}
		}
		for n := range 2 * block {
			if n%block == 0 && n > 0 {
				continue
			}
			if _, err := s.Decipher(k, make([]byte, n)); !errors.Is(err, pboc.ErrBlocks) {
				t.Errorf("%s: Decipher of %d bytes: %v", s.name, n, err)
			}
		}
	}
}

func TestBlocksAreChecked(t *testing.T) {
	t.Parallel()
	var k pboc.Key
	for _, s := range suites {
		n := s.Block()
		for _, c := range []struct{ iv, data int }{{n, 0}, {n, n - 1}, {n, n + 1}, {n - 1, n}, {0, n}, {n + 1, n}} {
			if _, err := s.BlockMAC(k, make([]byte, c.iv), make([]byte, c.data)); !errors.Is(err, pboc.ErrBlocks) {
				t.Errorf("%s: BlockMAC, IV %d, data %d: %v", s.name, c.iv, c.data, err)
			}
		}
		if _, err := s.ECB(k, make([]byte, n+1)); !errors.Is(err, pboc.ErrBlocks) {
			t.Errorf("%s: ECB: %v", s.name, err)
		}
		if _, err := s.DecipherECB(k, make([]byte, n+1)); !errors.Is(err, pboc.ErrBlocks) {
			t.Errorf("%s: DecipherECB: %v", s.name, err)
		}
	}
}

// TestSecureMACTakesBothChallenges: four bytes are filled with zeros, eight are used whole (card.md 5.1).
func TestSecureMACTakesBothChallenges(t *testing.T) {
	t.Parallel()
	k, data := pboc.Key(unhex(t, "00112233445566778899AABBCCDDEEFF")), []byte("header and data")
	for _, s := range suites {
		if s.SecureMAC(k, []byte{1, 2, 3, 4}, data) != s.SecureMAC(k, []byte{1, 2, 3, 4, 0, 0, 0, 0}, data) {
			t.Errorf("%s: four bytes are not filled with zeros", s.name)
		}
		if s.SecureMAC(k, []byte{1, 2, 3, 4, 5}, data) == s.SecureMAC(k, []byte{1, 2, 3, 4}, data) {
			t.Errorf("%s: the fifth byte of a challenge does not enter", s.name)
		}
	}
}

func TestSessionsKeepTheirSuite(t *testing.T) {
	t.Parallel()
	for i, s := range suites {
		session := s.LoadSession(pboc.Key{1}, [4]byte{2}, 3)
		again, err := pboc.SessionOf(session.Bytes())
		if err != nil || again != session || len(session.Bytes()) != s.Block() {
			t.Errorf("%s: session of %d bytes, again: %v", s.name, len(session.Bytes()), err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a %s session is taken by the other suite", s.name)
				}
			}()
			suites[1-i].MAC(session, nil)
		}()
	}
	if _, err := pboc.SessionOf(make([]byte, 9)); !errors.Is(err, pboc.ErrKeyLength) {
		t.Errorf("session of 9 bytes: %v", err)
	}
}

// TestSecretsMaskThemselves prints keys in every way that a program might.
func TestSecretsMaskThemselves(t *testing.T) {
	t.Parallel()
	k := pboc.Key(unhex(t, "A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"))
	s := pboc.TDES.LoadSession(k, [4]byte{}, 0)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", k, "session", s)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", k, "session", s)
	text, err := json.Marshal(map[string]any{"key": k, "session": s, "list": []pboc.Key{k}})
	if err != nil {
		t.Fatal(err)
	}
	_, parse := pboc.ParseKey("A0A1A2A3A4A5A6A7A8A9AAABACADAEAG")
	_, short := pboc.ParseKey("A0A1A2")
	var all strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%08b", "%c"} {
		fmt.Fprintf(&all, verb+" "+verb+" "+verb+"\n", k, s, struct{ Key pboc.Key }{k})
	}
	fmt.Fprintln(&all, log.String(), string(text), parse, short, k.String(), s.String())
	for _, secret := range []string{"A0A1A2", "a0a1a2", "160 161", fmt.Sprintf("%X", s.Bytes()), fmt.Sprintf("%x", s.Bytes()), "10100000"} {
		if strings.Contains(all.String(), secret) {
			t.Errorf("%q is in\n%s", secret, all.String())
		}
	}
	if !strings.Contains(all.String(), "***") {
		t.Error("nothing was masked at all")
	}
}

func TestNumbersAsText(t *testing.T) {
	t.Parallel()
	asn, err := pboc.ParseASN("01000114400000123456")
	if err != nil || asn.CardType() != 1 || asn.Factor() != [8]byte(unhex(t, "0114400000123456")) {
		t.Fatalf("ASN %v, type %d, factor %X: %v", asn, asn.CardType(), asn.Factor(), err)
	}
	if s := fmt.Sprint(asn); s != "010001**********3456" {
		t.Errorf("a card number prints as %s", s)
	}
	var n struct {
		A pboc.ASN
		T pboc.TID
		I pboc.Issuer
		M pboc.MAC
	}
	in := `{"A":"01000114400000123456","T":"134400000001","I":"10FFFFFFFFFFFFFF","M":"FDF92097"}`
	if err := json.Unmarshal([]byte(in), &n); err != nil {
		t.Fatal(err)
	}
	if out, err := json.Marshal(n); err != nil || string(out) != in {
		t.Errorf("%s, %v", out, err)
	}
	if !n.M.Equal(pboc.MAC{0xFD, 0xF9, 0x20, 0x97}) || n.M.Equal(pboc.MAC{0xFD, 0xF9, 0x20, 0x96}) {
		t.Error("MAC.Equal")
	}
	for _, bad := range []string{`{"A":"0100011440000012345A"}`, `{"A":"01"}`, `{"T":"13440000000"}`, `{"T":"13440000000F"}`, `{"I":"10"}`, `{"M":"FDF9209"}`, `{"M":"FDF9209G"}`} {
		if json.Unmarshal([]byte(bad), &n) == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

// FuzzEncipher: ENC and its inverse, and ECB and its inverse, give back what went in.
func FuzzEncipher(f *testing.F) {
	f.Add([]byte{}, []byte("0123456789ABCDEF"))
	f.Add([]byte{0x12, 0x34, 0x56}, []byte("key"))
	f.Add(make([]byte, 255), []byte(""))
	f.Fuzz(func(t *testing.T, data, key []byte) {
		if len(data) > 255 {
			return
		}
		var k pboc.Key
		copy(k[:], key)
		for _, s := range suites {
			if got, err := s.Decipher(k, s.Encipher(k, data)); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s: %X comes back as %X, %v", s.name, data, got, err)
			}
			c, err := s.ECB(k, data)
			if (err == nil) != (len(data)%s.Block() == 0) {
				t.Errorf("%s: ECB of %d bytes: %v", s.name, len(data), err)
			}
			if p, back := s.DecipherECB(k, c); err == nil && (back != nil || !bytes.Equal(p, data)) {
				t.Errorf("%s: ECB of %X comes back as %X, %v", s.name, data, p, back)
			}
			if plain, err := s.Decipher(k, data); err == nil && !bytes.Equal(s.Encipher(k, plain), data) {
				t.Errorf("%s: %X deciphers, but does not encipher back", s.name, data)
			}
		}
	})
}

// measure runs a benchmark in both suites and in the cached one.
func measure(b *testing.B, once func(s pboc.Suite, i int)) {
	for _, s := range []struct {
		name  string
		suite pboc.Suite
	}{{"3DES", pboc.TDES}, {"3DES-cached", pboc.Cached(pboc.TDES)}, {"SM4", pboc.SM4}} {
		b.Run(s.name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				once(s.suite, i)
			}
		})
	}
}

func BenchmarkRetailMAC40(b *testing.B) {
	k, data := pboc.Key(unhex(b, "00112233445566778899AABBCCDDEEFF")), make([]byte, 40)
	measure(b, func(s pboc.Suite, _ int) { s.TMAC(k, data) })
}

// BenchmarkDiversifyAndTAC is the check of an uploaded record's TAC from the master: another card each time.
func BenchmarkDiversifyAndTAC(b *testing.B) {
	k, data := pboc.Key(unhex(b, "00112233445566778899AABBCCDDEEFF")), make([]byte, 22)
	issuer, asn := [8]byte(unhex(b, "10FFFFFFFFFFFFFF")), [8]byte(unhex(b, "0114400000123456"))
	measure(b, func(s pboc.Suite, i int) {
		asn[6], asn[7] = byte(i>>8), byte(i)
		s.TAC(s.Diversify(k, issuer, asn), data)
	})
}

// BenchmarkGreySaleArithmetic is the bare arithmetic of one grey sale on both sides: the card's and the PSAM's keys,
// MAC1, MAC2, GTAC, GMAC, TAC, PSAM-TAC and T_MAC.
func BenchmarkGreySaleArithmetic(b *testing.B) {
	k, data := pboc.Key(unhex(b, "00112233445566778899AABBCCDDEEFF")), make([]byte, 91)
	issuer, asn := [8]byte(unhex(b, "10FFFFFFFFFFFFFF")), [8]byte(unhex(b, "0114400000123456"))
	measure(b, func(s pboc.Suite, i int) {
		card := s.Diversify(k, issuer, asn)
		for range 2 { // card and PSAM
			ses := s.GreySession(card, [4]byte{byte(i), byte(i >> 8)}, 2, 3, [4]byte{4})
			s.MAC(ses, data[:14])
			s.MAC(ses, data[:6])
			s.MAC(ses, data[:4])
		}
		s.TAC(k, data[:24])
		s.TAC(k, data[:22])
		s.TAC(k, data[:22])
		s.TMAC(k, data)
	})
}

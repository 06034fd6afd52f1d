package pboc_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"greylock/fixtures"
	"greylock/system/wire/pboc"
)

// TestVectors evaluates the formula of every entry of vectors/card.json. A formula that the evaluator does not know fails.
func TestVectors(t *testing.T) {
	t.Parallel()
	vectors, functions := fixtures.Vectors(), map[string]int{}
	cached := pboc.Cached(pboc.TDES)
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			formula, _, _ := strings.Cut(v.What, " ; ")
			for _, tdes := range []pboc.Suite{pboc.TDES, cached, cached} { // new, remembering, remembered
				got, name, err := evaluate(tdes, strings.TrimSpace(formula), v.Inputs)
				if err != nil {
					t.Fatalf("%s: %v", formula, err)
				}
				if want := unhex(t, v.Output); !bytes.Equal(got, want) {
					t.Fatalf("%s\n got %X\nwant %X", formula, got, want)
				}
				if tdes == pboc.TDES {
					functions[name]++
				}
			}
		})
	}
	if len(vectors) < 101 {
		t.Errorf("%d vectors, want at least the 101 of the specification", len(vectors))
	}
	t.Logf("%d vectors by %d functions: %v", len(vectors), len(functions), functions)
}

func evaluate(tdes pboc.Suite, formula string, in map[string]string) (out []byte, function string, err error) {
	name, rest, call := strings.Cut(formula, "(")
	if !call {
		out, err = concat(formula, in)
		return out, "concatenation", err
	}
	var args [][]byte
	for _, a := range strings.Split(strings.TrimSuffix(rest, ")"), ",") {
		b, err := concat(a, in)
		if err != nil {
			return nil, name, err
		}
		args = append(args, b)
	}
	defer func() { // an argument of the wrong length
		if p := recover(); p != nil {
			err = fmt.Errorf("%s over %d arguments: %v", name, len(args), p)
		}
	}()
	out, err = apply(tdes, name, args)
	return out, name, err
}

func concat(expression string, in map[string]string) (out []byte, err error) {
	for _, name := range strings.Split(expression, "||") {
		text, ok := in[strings.TrimSpace(name)]
		if !ok {
			return nil, fmt.Errorf("no input %q", strings.TrimSpace(name))
		}
		b, err := hex.DecodeString(text)
		if err != nil {
			return nil, err
		}
		out = append(out, b...)
	}
	return out, nil
}

func apply(tdes pboc.Suite, name string, a [][]byte) ([]byte, error) {
	suite := tdes
	if rest, ok := strings.CutPrefix(name, "sm4_"); ok {
		suite, name = pboc.SM4, rest
	}
	switch name {
	case "sm4":
		return pboc.SM4.ECB(pboc.Key(a[0]), a[1])
	case "diversify":
		var factors [][8]byte
		for _, f := range a[1:] {
			factors = append(factors, [8]byte(f))
		}
		k := suite.Diversify(pboc.Key(a[0]), factors...)
		return k[:], nil
	case "key_load":
		return suite.LoadSession(pboc.Key(a[0]), [4]byte(a[1]), pboc.OnlineSN(binary.BigEndian.Uint16(a[2]))).Bytes(), nil
	case "key_purchase":
		return suite.PurchaseSession(pboc.Key(a[0]), [4]byte(a[1]), ctc(a[2]), ttc(a[3])).Bytes(), nil
	case "key_grey":
		return suite.GreySession(pboc.Key(a[0]), [4]byte(a[1]), ctc(a[2]), ttc(a[3]), [4]byte(a[4])).Bytes(), nil
	case "mac_s", "mac":
		return macS(suite, a[0], a[1])
	case "mac_s_iv": // an IV is the same as its XOR into the first block
		data := bytes.Clone(a[2])
		for i, b := range a[1] {
			data[i] ^= b
		}
		return macS(suite, a[0], data)
	case "mac_r":
		m, err := suite.BlockMAC(pboc.Key(a[0]), a[1], pboc.Pad(a[2], suite.Block()))
		if err == nil && bytes.Equal(a[1], make([]byte, 8)) && suite.TMAC(pboc.Key(a[0]), a[2]) != m {
			return nil, fmt.Errorf("TMAC is not MAC_R with IV 0")
		}
		return m[:], err
	case "tac":
		m := suite.TAC(pboc.Key(a[0]), a[1])
		return m[:], nil
	case "xor_halves": // the suite keeps this key inside: it must be the key of its TAC
		x := make([]byte, 8)
		for i := range x {
			x[i] = a[0][i] ^ a[0][i+8]
		}
		m, err := macS(suite, x, []byte("any text"))
		if tac := suite.TAC(pboc.Key(a[0]), []byte("any text")); err == nil && !bytes.Equal(m, tac[:]) {
			return nil, fmt.Errorf("TAC is not MAC_S under this key")
		}
		return x, err
	case "sm_mac":
		m := suite.SecureMAC(pboc.Key(a[0]), a[1], a[2])
		return m[:], nil
	case "sm_encipher":
		c := suite.Encipher(pboc.Key(a[0]), a[1])
		if plain, err := suite.Decipher(pboc.Key(a[0]), c); err != nil || !bytes.Equal(plain, a[1]) {
			return nil, fmt.Errorf("Decipher gives %X: %v", plain, err) //nolint:errorlint // err may be nil
		}
		return c, nil
	case "ecb":
		k := a[0]
		if len(k) == 8 { // single DES is 3DES with equal halves
			k = append(bytes.Clone(k), k...)
		}
		return suite.ECB(pboc.Key(k), a[1])
	}
	return nil, fmt.Errorf("unknown function %q", name)
}

func macS(s pboc.Suite, key, data []byte) ([]byte, error) {
	session, err := pboc.SessionOf(key)
	if err != nil {
		return nil, err
	}
	m := s.MAC(session, data)
	return m[:], nil
}

func ctc(b []byte) pboc.CTC     { return pboc.CTC(binary.BigEndian.Uint16(b)) }
func ttc(b []byte) pboc.PSAMTTC { return pboc.PSAMTTC(binary.BigEndian.Uint32(b)) }

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestEvaluatorRefuses proves that an unknown formula fails.
func TestEvaluatorRefuses(t *testing.T) {
	t.Parallel()
	in := map[string]string{"a": "00", "k": "00112233445566778899AABBCCDDEEFF"}
	for _, formula := range []string{"frobnicate(k, a)", "a || b", "diversify(k, a)", ""} {
		if out, _, err := evaluate(pboc.TDES, formula, in); err == nil {
			t.Errorf("%q gives %X without an error", formula, out)
		}
	}
}

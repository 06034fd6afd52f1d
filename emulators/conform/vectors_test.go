package conform_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"greylock/emulators/conform"
	"greylock/system/wire/pboc"
)

var suite = pboc.TDES

func vectorFile(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("../../fixtures/vectors/card.json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVectorsOfTheSpecification(t *testing.T) {
	t.Parallel()
	r, err := conform.CheckVectors(vectorFile(t))
	if err != nil {
		t.Fatal(err)
	}
	if r.Failed != 0 || r.Passed != r.Vectors || r.Vectors < 101 || len(r.Results) != r.Vectors {
		t.Fatalf("%d of %d passed", r.Passed, r.Vectors)
	}
	for _, c := range r.Results {
		if !c.OK || c.Got != c.Want || c.Error != "" || c.Function == "" {
			t.Errorf("%+v", c)
		}
	}
}

// Every vector with one digit of its output or of an input changed fails.
func TestVectorsNoticeEveryValue(t *testing.T) {
	t.Parallel()
	r, err := conform.CheckVectors(bytes.ReplaceAll(vectorFile(t), []byte(`"output": "`), []byte(`"output": "00`)))
	if err != nil || r.Passed != 0 || r.Failed != r.Vectors {
		t.Fatalf("%d passed of %d, %v", r.Passed, r.Vectors, err)
	}
}

func TestVectorErrors(t *testing.T) {
	t.Parallel()
	one := func(what, inputs, output string) string {
		return `[{"name":"x","what":"` + what + `","inputs":{` + inputs + `},"output":"` + output + `"}]`
	}
	key := `"k":"00112233445566778899AABBCCDDEEFF","d":"00"`
	for _, c := range []struct{ file, want string }{
		{one("frobnicate(k, d) ; what", key, "00"), "frobnicate"},
		{one("", key, "00"), "unknown kind"},
		{one(" ; a remark only", key, "00"), "unknown kind"},
		{one("mac_s(k, nobody)", key, "00"), "nobody"},
		{one("tac(d, d)", key, "00"), "tac"},
		{one("tac(k)", key, "00"), "tac: 1"},
		{one("tac(k, d", key, "00"), "bracket"},
		{one("tac(k, d) d", key, "00"), "not expected"},
		{one("tac(k, d) || ", key, "00"), "want a name"},
		{one("k || 'zz'", key, "00"), "zz"},
		{one("k || '00", key, "00"), "quote"},
		{one("ecb(k, d)", key, "00"), "whole blocks"},
		{one("mac_s_iv(k, d, d)", key, "00"), "mac_s_iv"},
		{one("d", `"d":"0"`, "00"), "d: "},
		{one("d", `"d":"00"`, "0G"), "output"},
		{`[{"name":"x","what":"d","inputs":{"d":"00"},"output":"00"},{"name":"x","what":"d","inputs":{"d":"00"},"output":"00"}]`, "twice"},
	} {
		r, err := conform.CheckVectors([]byte(c.file))
		if err != nil || r.Failed != 1 || !strings.Contains(r.Results[len(r.Results)-1].Error, c.want) {
			t.Errorf("%s: %+v %v, want %q", c.file, r, err, c.want)
		}
	}
	for _, file := range []string{"", "[]", "{}", `[{"nom":"x"}]`, `[{"name":"x"}] 1`} {
		if _, err := conform.CheckVectors([]byte(file)); !errors.Is(err, conform.ErrVectors) {
			t.Errorf("%s: %v", file, err)
		}
	}
	if r, err := conform.CheckVectors([]byte(one("d", `"d":"00"`, "01"))); err != nil || r.Passed != 0 || r.Results[0].Got != "00" {
		t.Errorf("%+v %v", r, err)
	}
}

// FuzzFormula: a formula either is refused or computes the same when it is read from its own text again, and never panics.
func FuzzFormula(f *testing.F) {
	for _, s := range []string{"mac_s(ses, a || b)", "'00 11' || k", "sm4_diversify(k, a, b)", "tac(k,", "a||", "x(", "sm_encipher(k, d)"} {
		f.Add(s, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	}
	known := conform.CaseFunctions()
	f.Fuzz(func(t *testing.T, text string, value []byte) {
		x, err := conform.ParseFormula(text, known)
		if err != nil {
			return
		}
		any := func(string) ([]byte, bool) { return value, true }
		got, err := x.Eval(suite, any)
		y, err2 := conform.ParseFormula(x.String(), known)
		if err2 != nil {
			t.Fatalf("%q from %q: %v", x.String(), text, err2)
		}
		again, err3 := y.Eval(suite, any)
		if (err == nil) != (err3 == nil) || !bytes.Equal(got, again) {
			t.Fatalf("%q: %X %v, again %X %v", text, got, err, again, err3)
		}
	})
}

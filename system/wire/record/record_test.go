package record

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greylock/system/wire/pboc"
)

func types() []string {
	var names []string
	for name := range table {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// zero returns the type's zero fact.
func zero(t *testing.T, name string) Fact {
	t.Helper()
	f, err := table[name]([]byte("{}"))
	if err != nil || f.FactType() != name {
		t.Fatalf("table[%q] reads %T: %v", name, f, err)
	}
	return f
}

// words that JSON, HTML or a careless printer would change.
var words = []string{"", "加油站 №1", `"quoted"\`, "<&>\u2028\u2029", "line\nfeed\ttab\x00", "😀", "a,b:{c}[d]"}

// fill puts something into every field below v.
func fill(v reflect.Value, rnd *rand.Rand) {
	if _, text := v.Addr().Interface().(encoding.TextUnmarshaler); text && v.Kind() == reflect.Array {
		for i := range v.Len() {
			v.Index(i).SetUint(uint64(rnd.IntN(10)<<4 | rnd.IntN(10))) // digits suit each of them
		}
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(words[rnd.IntN(len(words))])
	case reflect.Bool:
		v.SetBool(rnd.IntN(2) == 0)
	case reflect.Int, reflect.Int64:
		v.SetInt(rnd.Int64() >> rnd.IntN(63))
		if rnd.IntN(2) == 0 {
			v.SetInt(-v.Int())
		}
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(rnd.Uint64() >> (64 - v.Type().Bits()))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), rnd)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), rnd)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+rnd.IntN(3), 3))
		for i := range v.Len() {
			fill(v.Index(i), rnd)
		}
	case reflect.Pointer:
		if rnd.IntN(2) == 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), rnd)
		}
	default:
		panic(fmt.Sprintf("a fact can not hold a %s", v.Type()))
	}
}

// TestEveryTypeRoundTrips: fact → line → the same fact → the same line, for zero and for many values of each type.
func TestEveryTypeRoundTrips(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, name := range types() {
		for i := range 50 {
			f := zero(t, name)
			if i > 0 {
				v := reflect.New(reflect.TypeOf(f)).Elem()
				fill(v, rnd)
				f = v.Interface().(Fact)
			}
			line, err := Encode(f)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if bytes.ContainsRune(line, '\n') {
				t.Fatalf("%s: more than one line: %q", name, line)
			}
			back, err := Decode(line)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if i > 0 {
				if d := cmp.Diff(f, back); d != "" {
					t.Fatalf("%s: %s", name, d)
				}
			}
			if again, err := Encode(back); err != nil || !bytes.Equal(again, line) {
				t.Fatalf("%s became %s: %v", line, again, err)
			}
		}
	}
}

type stranger struct{}

func (stranger) FactType() string { return "stranger" }

// TestEncodeWritesOnlyWhatReadsBack: a line that Decode refuses would keep a site from starting ever again.
func TestEncodeWritesOnlyWhatReadsBack(t *testing.T) {
	t.Parallel()
	line, err := Encode(Alarm{Zh: "a\xFFb", En: `\ufffd`})
	if err != nil {
		t.Fatal(err)
	}
	f, err := Decode(line)
	if err != nil || f.(Alarm).Zh != "a\uFFFDb" || f.(Alarm).En != `\ufffd` {
		t.Errorf("%s: %+v, %v", line, f, err)
	}
	for _, f := range []Fact{stranger{}, CardScrapped{ASN: pboc.ASN{0x0A}}, CardScrapped{ASN: pboc.ASN{9: 0xFF}}} {
		if line, err := Encode(f); err == nil {
			t.Errorf("%T: %s", f, line)
		}
	}
}

// golden returns the lines of testdata/facts.jsonl: one of each type, as a site wrote them. A line that no longer reads
// means that old journals no longer read: raise Version.
func golden(t testing.TB) []string {
	t.Helper()
	b, err := os.ReadFile("testdata/facts.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

func TestGoldenLines(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i, line := range golden(t) {
		f, err := Decode([]byte(line))
		if err != nil {
			t.Errorf("line %d: %v", i+1, err)
			continue
		}
		seen[f.FactType()] = true
		if again, err := Encode(f); err != nil || string(again) != line {
			t.Errorf("line %d became %s: %v", i+1, again, err)
		}
	}
	for _, name := range types() {
		if !seen[name] {
			t.Errorf("no line for %s in testdata/facts.jsonl", name)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	const good = `{"v":1,"type":"alarm","time_ms":1,"kind":"k","subject":"s","zh":"z","en":"e"}`
	if _, err := Decode([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, line string
		unknown    bool
	}{
		{"empty", ``, false},
		{"no JSON", `hello`, false},
		{"cut", good[:len(good)-1], false},
		{"array", `[1]`, false},
		{"null", `null`, false},
		{"number", `1`, false},
		{"no type", `{"v":1}`, false},
		{"no version", `{"type":"alarm"}`, false},
		{"unknown type", strings.Replace(good, "alarm", "alarms", 1), true},
		{"no word", strings.Replace(good, "alarm", "", 1), true},
		{"newer version", strings.Replace(good, `"v":1`, `"v":2`, 1), true},
		{"older version", strings.Replace(good, `"v":1`, `"v":0`, 1), true},
		{"unknown field", strings.Replace(good, `"zh"`, `"more":1,"zh"`, 1), false},
		{"missing field", strings.Replace(good, `"zh":"z",`, ``, 1), false},
		{"doubled field", strings.Replace(good, `"zh"`, `"kind":"k","zh"`, 1), false},
		{"doubled with another value", strings.Replace(good, `"kind":"k"`, `"kind":"x","kind":"k"`, 1), false},
		{"doubled version", strings.Replace(good, `"kind"`, `"v":1,"kind"`, 1), false},
		{"doubled type", strings.Replace(good, `"kind"`, `"type":"alarm","kind"`, 1), false},
		{"other case", strings.Replace(good, `"kind"`, `"Kind"`, 1), false},
		{"other order", strings.Replace(good, `"kind":"k","subject":"s"`, `"subject":"s","kind":"k"`, 1), false},
		{"version last", `{"type":"alarm","v":1,"time_ms":1,"kind":"k","subject":"s","zh":"z","en":"e"}`, false},
		{"space", strings.Replace(good, `,"kind"`, `, "kind"`, 1), false},
		{"space behind", good + " ", false},
		{"line feed behind", good + "\n", false},
		{"second document", good + good, false},
		{"bracket behind", good + "}", false},
		{"wrong type of value", strings.Replace(good, `"time_ms":1`, `"time_ms":"1"`, 1), false},
		{"float", strings.Replace(good, `"time_ms":1`, `"time_ms":1.5`, 1), false},
		{"exponent", strings.Replace(good, `"time_ms":1`, `"time_ms":1e0`, 1), false},
		{"null value", strings.Replace(good, `"zh":"z"`, `"zh":null`, 1), false},
		{"escaped letter", strings.Replace(good, `"kind":"k"`, `"kind":"\u006b"`, 1), false},
		{"no UTF-8", strings.Replace(good, `"kind":"k"`, "\"kind\":\"\xFF\"", 1), false},
		{"lower-case wire bytes", `{"v":1,"type":"card.scrapped","time_ms":1,"asn":"0001110000000000000a","reason":""}`, false},
		{"short card number", `{"v":1,"type":"card.scrapped","time_ms":1,"asn":"000111","reason":""}`, false},
	} {
		f, err := Decode([]byte(c.line))
		if err == nil {
			t.Errorf("%s: read as %#v", c.name, f)
		} else if errors.Is(err, ErrUnknown) != c.unknown {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestDecodeHidesCardNumbers: an error about a line must not carry the line.
func TestDecodeHidesCardNumbers(t *testing.T) {
	t.Parallel()
	const number = "00011100000000000017"
	_, err := Decode([]byte(`{"v":1,"type":"card.scrapped","asn":"` + number + `","time_ms":1,"reason":"torn"}`))
	if err == nil || strings.Contains(err.Error(), number) {
		t.Errorf("%v", err)
	}
}

// FuzzDecode: what Decode accepts, Encode writes byte for byte.
func FuzzDecode(f *testing.F) {
	for _, line := range golden(f) {
		f.Add([]byte(line))
	}
	f.Add([]byte(`{"v":1,"type":"alarm"}{}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		fact, err := Decode(line)
		if err != nil {
			return
		}
		if again, err := Encode(fact); err != nil || !bytes.Equal(again, line) {
			t.Errorf("%q became %q: %v", line, again, err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	lines := golden(b)
	for b.Loop() {
		for _, line := range lines {
			if _, err := Decode([]byte(line)); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N*len(lines))/b.Elapsed().Seconds(), "facts/s")
}

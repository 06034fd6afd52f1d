package tls350_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greylock/system/clock"
	"greylock/system/wire/tls350"
)

// spec is the example of the specification, computed outside of this program. Source: dispenser.md 7.3.
const spec = "\x01i2010026112217000110000074640E6004640090045EF3400449A5000414000004194000042C00000&&EF52\x03"

var specInventory = &tls350.Inventory{
	At: clock.Civil{Year: 2026, Month: 11, Day: 22, Hour: 17},
	Tanks: []tls350.Level{{Tank: 1, Product: '1', Volume: 1234550, Compensated: 1229025, Ullage: 765450, Height: 12345, Water: 120,
		Temperature: 1850, WaterVolume: 9600}},
}

func TestSpecificationExampleBothWays(t *testing.T) {
	t.Parallel()
	got, err := tls350.Encode(specInventory)
	if err != nil || string(got) != spec {
		t.Errorf("encoded %q, %v", got, err)
	}
	a, err := tls350.Parse([]byte(spec))
	if d := cmp.Diff(tls350.Answer(specInventory), a); err != nil || d != "" {
		t.Errorf("%v\n%s", err, d)
	}
}

// The checksums of an answer that a console in the field gave (eredden/Veeder-Root-TLS-Socket-Library, README: i10100) and of
// the manual's answer to an unknown command.
func TestChecksumsOfOthers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint16{"\x01i101002312301342020402&&": 0xFB3B, "\x019999": 0xFF1B} {
		if got := tls350.Sum([]byte(text)); got != want {
			t.Errorf("%q: %04X, want %04X", text, got, want)
		}
	}
	if _, err := tls350.Parse([]byte("\x01i101002312301342020402&&FB3B\x03")); !errors.Is(err, tls350.ErrForm) {
		t.Errorf("a function that is not spoken here: %v", err)
	}
	if _, err := tls350.Parse(tls350.Unknown()); !errors.Is(err, tls350.ErrUnknown) {
		t.Errorf("unknown command: %v", err)
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]tls350.Request{
		"\x01i20100": {Function: tls350.FuncInventory}, "\x01i20203": {Function: tls350.FuncDeliveries, Tank: 3},
		"\x01i20516": {Function: tls350.FuncStatus, Tank: 16},
	} {
		b, err := r.Bytes()
		back, bad := tls350.ParseRequest(b)
		if err != nil || bad != nil || string(b) != want || back != r {
			t.Errorf("%q %v %v %v", b, err, back, bad)
		}
	}
	for _, text := range []string{"", "\x01I20100", "\x01i2010", "\x01i201000", "\x01i2x100", "xi20100"} {
		if _, err := tls350.ParseRequest([]byte(text)); !errors.Is(err, tls350.ErrForm) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := (tls350.Request{Function: 201, Tank: 100}).Bytes(); !errors.Is(err, tls350.ErrRange) {
		t.Errorf("tank 100: %v", err)
	}
}

// others are answers of the other functions.
func others() []tls350.Answer {
	at := clock.Civil{Year: 2026, Month: 11, Day: 22, Hour: 17, Minute: 5}
	d := tls350.Delivery{Start: at, End: at, Before: tls350.Mark{Volume: 500000, Compensated: 498000, Water: 12, Temperature: -350},
		After: tls350.Mark{Volume: 1500000, Compensated: 1494000, Water: 13, Temperature: 1820}, HeightBefore: 6001, HeightAfter: 13002}
	return []tls350.Answer{
		&tls350.Deliveries{At: at, Tanks: []tls350.TankDeliveries{{Tank: 1, Product: '1', Deliveries: []tls350.Delivery{d, d}}, {Tank: 2, Product: '2'}}},
		&tls350.Status{Asked: 2, At: at, Tanks: []tls350.TankStatus{{Tank: 1}, {Tank: 2, Alarms: []tls350.Alarm{tls350.HighWater, tls350.DeliveryNeeded}}}},
		&tls350.Inventory{At: at},
	}
}

func TestAnswersBothWays(t *testing.T) {
	t.Parallel()
	for _, a := range others() {
		b, err := tls350.Encode(a)
		if err != nil {
			t.Fatal(err)
		}
		back, err := tls350.Parse(b)
		if d := cmp.Diff(a, back); err != nil || d != "" {
			t.Errorf("%q: %v\n%s", b, err, d)
		}
	}
}

func TestDamagedAnswersAreNoAnswers(t *testing.T) {
	t.Parallel()
	for at := 1; at < len(spec)-1; at++ {
		bad := []byte(spec)
		bad[at] ^= 0x01
		if a, err := tls350.Parse(bad); err == nil {
			t.Fatalf("byte %d: %v", at, a)
		}
	}
	sealed := func(body string) []byte {
		b := []byte("\x01" + body + "&&")
		return append(append(b, strings.ToUpper(hex4(tls350.Sum(b)))...), 3)
	}
	level := "01100000764" + "0E60046400900" + "45EF3400449A5000414000004194000042C00000"
	for name, body := range map[string]string{
		"not a number": "i201002611221700" + "011000007" + "7FC00000" + strings.Repeat("00000000", 6),
		"infinite":     "i201002611221700" + "011000007" + "7F800000" + strings.Repeat("00000000", 6),
		"lower case":   "i201002611221700" + "011000007" + "4640e600" + strings.Repeat("00000000", 6),
		"six floats":   "i201002611221700" + "011000006" + strings.Repeat("00000000", 6),
		"cut":          "i201002611221700" + level[:40],
		"no such day":  "i201002602301700",
		"surplus":      "i2050026112217000100" + "0",
		"many tanks":   "i205002611221700" + strings.Repeat("0100", tls350.MaxTanks+1),
		"many alarms":  "i205002611221700" + "0121" + strings.Repeat("03", 33),
		"product":      "i201002611221700" + "01\x7f000007" + strings.Repeat("00000000", 7),
	} {
		if a, err := tls350.Parse(sealed(body)); err == nil {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if _, err := tls350.Encode(&tls350.Inventory{}); !errors.Is(err, tls350.ErrRange) {
		t.Errorf("no time: %v", err)
	}
}

func hex4(n uint16) string {
	const d = "0123456789abcdef"
	return string([]byte{d[n>>12], d[n>>8&15], d[n>>4&15], d[n&15]})
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	for frame, want := range map[string]string{
		spec:                         "罐存 inventory · TT=0 · YYMMDDHHmm=2026-11-22 17:00:00 · TT=1 · p=1 · ssss=0 · NN=7 · volume=12345.50 · tc-volume=12290.25 · ullage=7654.50 · height=1234.5 · water=12.0 · temperature=18.50 · water-volume=96.00",
		"\x019999FF1B\x03":           "不认识的命令 command not known",
		spec[:len(spec)-2] + "0\x03": "未知应答 unknown answer · tls350: wrong checksum",
	} {
		if got := tls350.DescribeAnswer([]byte(frame)).String(); !strings.HasPrefix(got, want) {
			t.Errorf("%q:\n%s\n%s", frame, got, want)
		}
	}
	b, err := tls350.Encode(others()[1])
	if err != nil {
		t.Fatal(err)
	}
	if got := tls350.DescribeAnswer(b).String(); !strings.Contains(got, "AA=03 水位过高 · AA=11 需要进油") {
		t.Error(got)
	}
	if got := tls350.DescribeRequest([]byte("\x01i20102")).String(); got != "查询罐存 ask for inventory · function=201 · TT=02" {
		t.Error(got)
	}
	if got := tls350.DescribeRequest([]byte("\x01I20102")); got.Err == nil {
		t.Error(got)
	}
}

func TestDecoderFindsAnswersInAnyPieces(t *testing.T) {
	t.Parallel()
	stream := "noise" + spec + "\x01i2010" + spec + "\x03" + "\x019999FF1B\x03"
	for size := 1; size < len(stream); size += 7 {
		var d tls350.Decoder
		var got []string
		for at := 0; at < len(stream); at += size {
			d.Decode([]byte(stream[at:min(at+size, len(stream))]), func(f []byte) { got = append(got, string(f)) })
		}
		if diff := cmp.Diff([]string{spec, spec, "\x019999FF1B\x03"}, got); diff != "" || d.Counters.Noise != 5+6+1 {
			t.Errorf("pieces of %d: %+v\n%s", size, d.Counters, diff)
		}
	}
	var d tls350.Decoder
	long := append([]byte{tls350.SOH}, make([]byte, 2*tls350.MaxFrame)...)
	n := 0
	d.Decode(append(long, spec...), func([]byte) { n++ })
	if n != 1 || d.Counters.Noise != uint64(len(long)) {
		t.Errorf("%d frames behind one without end, %+v", n, d.Counters)
	}
}

func TestRequestDecoder(t *testing.T) {
	t.Parallel()
	var d tls350.Requests
	var got []string
	for _, b := range []byte("xx\x01i20\x01i20100yy\x01I20100") {
		d.Decode([]byte{b}, func(r []byte) { got = append(got, string(r)) })
	}
	if diff := cmp.Diff([]string{"\x01i20100", "\x01I20100"}, got); diff != "" {
		t.Error(diff)
	}
}

// What reads back is written the same, whatever the bytes were; behind any damage the next answer is found.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(spec), uint16(1))
	f.Add([]byte("\x019999FF1B\x03"), uint16(3))
	for _, a := range others() {
		b, err := tls350.Encode(a)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint16(7))
	}
	f.Fuzz(func(t *testing.T, data []byte, piece uint16) {
		var d tls350.Decoder
		rnd := rand.New(rand.NewPCG(uint64(piece), 1))
		check := func(frame []byte) {
			a, err := tls350.Parse(frame)
			tls350.DescribeAnswer(frame)
			if err != nil {
				return
			}
			again, err := tls350.Encode(a)
			if err != nil {
				t.Fatalf("%q reads as %+v, which can not be written: %v", frame, a, err)
			}
			b, err := tls350.Parse(again)
			if diff := cmp.Diff(a, b); err != nil || diff != "" {
				t.Fatalf("%q: %v\n%s", frame, err, diff)
			}
		}
		for at := 0; at < len(data); {
			n := min(1+rnd.IntN(40), len(data)-at)
			d.Decode(data[at:at+n], check)
			at += n
		}
		found := false
		d.Decode([]byte(spec), func(frame []byte) { found = found || string(frame) == spec })
		if !found {
			t.Fatal("not resynchronised by the next answer")
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.SetBytes(int64(len(spec)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tls350.Parse([]byte(spec)); err != nil {
			b.Fatal(err)
		}
	}
}

package doc

import (
	"bytes"
	"encoding/hex"
	"os"
	"regexp"
	"strings"
	"testing"

	"greylock/fixtures"
	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/lf"
)

// lineBytes are the bytes of a vector.
func lineBytes(t *testing.T, v fixtures.LineVector) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(v.Hex, " ", ""))
	if err != nil {
		t.Fatalf("%s: %v", v.Name, err)
	}
	return b
}

// TestLineVectorsBothWays: the product's codecs read every published frame as it was published, and write it again. The
// frames were computed by another hand.
func TestLineVectorsBothWays(t *testing.T) {
	t.Parallel()
	good := map[string]int{}
	for _, v := range fixtures.Lines() {
		raw := lineBytes(t, v)
		var got []fixtures.LineField
		var back []byte
		switch v.Protocol {
		case "lf":
			got, back = lfVector(t, v, raw)
		case "fa":
			got, back = faVector(t, v, raw)
		default:
			t.Fatalf("%s: protocol %q", v.Name, v.Protocol)
		}
		if v.Bad != "" {
			if back != nil {
				t.Errorf("%s: %X was taken, although %s", v.Name, raw, v.Bad)
			}
			continue
		}
		good[v.Protocol]++
		if !bytes.Equal(back, raw) {
			t.Errorf("%s: written again %X, want %X", v.Name, back, raw)
		}
		sameFields(t, v, got)
	}
	if good["lf"] < 30 || good["fa"] < 40 {
		t.Errorf("only %v vectors", good)
	}
}

func sameFields(t *testing.T, v fixtures.LineVector, got []fixtures.LineField) {
	t.Helper()
	for i, want := range v.Fields {
		if i >= len(got) {
			t.Errorf("%s: %s is missing", v.Name, want.Name)
			return
		}
		if g := got[i]; g.Name != want.Name || g.At != want.At || g.Len != want.Len || !sameValue(g.Value, want.Value) {
			t.Errorf("%s: read %+v, want %+v", v.Name, g, want)
		}
	}
	if len(got) > len(v.Fields) {
		t.Errorf("%s: surplus %+v", v.Name, got[len(v.Fields):])
	}
}

// sameValue compares with a value whose middle may be masked: people see card numbers so.
func sameValue(shown, want string) bool {
	head, tail, masked := strings.Cut(shown, "*")
	tail = strings.TrimLeft(tail, "*")
	return shown == want || masked && len(shown) == len(want) && strings.HasPrefix(want, head) && strings.HasSuffix(want, tail)
}

// lfVector reads and writes a frame; nil bytes if it was not taken.
func lfVector(t *testing.T, v fixtures.LineVector, raw []byte) (fields []fixtures.LineField, back []byte) {
	t.Helper()
	var d lf.Decoder
	d.Decode(1, raw, func(f lf.Frame) bool {
		desc, m := lf.DescribeReply(f), lfReply
		if v.From == "station" {
			desc, m = lf.DescribeRequest(f), lfRequest
		}
		for _, x := range desc.Fields {
			fields = append(fields, fixtures.LineField{Name: x.Name, At: x.Offset, Len: x.Length, Value: x.Value})
		}
		again, err := m(f)
		if err != nil || desc.Err != nil {
			return false
		}
		back = again[:]
		return true
	})
	return fields, back
}

func lfRequest(f lf.Frame) (lf.Frame, error) {
	r, err := lf.ParseRequest(f)
	if err != nil {
		return f, err
	}
	return r.Frame()
}

func lfReply(f lf.Frame) (lf.Frame, error) {
	var m interface{ Frame() (lf.Frame, error) }
	var err error
	switch c := lf.Command(f[2]); {
	case f.IsStatus():
		m, err = lf.ParseStatus(f)
	case c == lf.TotalCash || c == lf.TotalLitres:
		m, err = lf.ParseTotal(f)
	case c == lf.QueryShift:
		m, err = lf.ParseShift(f)
	default:
		m, err = lf.ParseRequest(f)
	}
	if err != nil {
		return f, err
	}
	return m.Frame()
}

// faVector reads and writes a frame; nil bytes if it was not taken.
func faVector(t *testing.T, v fixtures.LineVector, raw []byte) (fields []fixtures.LineField, back []byte) {
	t.Helper()
	var d fa.Decoder
	d.Decode(raw, func(f fa.Frame) {
		if f.FromPC() != (v.From == "station") {
			t.Errorf("%s: bit 6 of %02X does not say who sent it", v.Name, f.Ctl)
		}
		for _, x := range fa.Describe(f).Fields {
			if x.Length == 0 { // nothing of an optional field
				continue
			}
			fields = append(fields, fixtures.LineField{Name: x.Name, At: x.Offset, Len: x.Length, Value: x.Value})
		}
		m, err := fa.Parse(f)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			return
		}
		again, err := fa.Build(f.Dst, f.Src, f.Ctl, m)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			return
		}
		back = fa.Encode(again)
	})
	return fields, back
}

// TestLinePageHoldsTheVectors: what lines.md prints is what the fixture holds, each frame once, by name.
func TestLinePageHoldsTheVectors(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("lines.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, v := range fixtures.Lines() {
		row := "| " + v.Name + " | " + v.Zh + " | `" + v.Hex + "` |"
		if strings.Count(page, row) != 1 {
			t.Errorf("lines.md must hold once: %s", row)
		}
	}
	frames := regexp.MustCompile("(?m)^\\| .* \\| `[0-9A-F]{2}( [0-9A-F]{2})+` \\|$")
	if rows := len(frames.FindAllString(page, -1)); rows != len(fixtures.Lines()) {
		t.Errorf("lines.md prints %d frames, the fixture holds %d", rows, len(fixtures.Lines()))
	}
}

// TestSilenceOfThePage: the page names the silence that the codec keeps.
func TestSilenceOfThePage(t *testing.T) {
	t.Parallel()
	var d lf.Decoder
	taken := 0
	half := []byte{1, 0, 0xB8}
	whole := []byte{1, 0, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0x48}
	at := clock.Instant(1)
	d.Decode(at, half, func(lf.Frame) bool { taken++; return true })
	d.Decode(at.Add(lf.Silence), whole, func(lf.Frame) bool { taken++; return true })
	if taken != 1 || lf.Silence.Milliseconds() != 50 {
		t.Errorf("%d frames taken behind half a frame and %v", taken, lf.Silence)
	}
}

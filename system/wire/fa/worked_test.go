package fa_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"greylock/system/wire/fa"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// one decodes exactly one frame out of raw.
func one(t testing.TB, raw []byte) fa.Frame {
	t.Helper()
	var d fa.Decoder
	var got []fa.Frame
	d.Decode(raw, func(f fa.Frame) { got = append(got, f) })
	if len(got) != 1 || d.Counters != (fa.Counters{Good: 1}) {
		t.Fatalf("%X: %d frames, %+v", raw, len(got), d.Counters)
	}
	return got[0]
}

func TestWorkedFramesBothWays(t *testing.T) {
	t.Parallel()
	for _, w := range workedFrames {
		raw := unhex(t, w.hex)
		f := one(t, raw)
		if enc := fa.Encode(f); !bytes.Equal(enc, raw) {
			t.Errorf("%s: encoded %X, want %X", w.name, enc, raw)
		}
		m, err := fa.Parse(f)
		if err != nil {
			t.Errorf("%s: %v", w.name, err)
			continue
		}
		back, err := fa.Build(f.Dst, f.Src, f.Ctl, m)
		if err != nil || !bytes.Equal(fa.Encode(back), raw) {
			t.Errorf("%s: %+v built %X, %v, want %X", w.name, m, fa.Encode(back), err, raw)
		}
	}
	if len(workedFrames) != 27 {
		t.Errorf("%d worked frames", len(workedFrames))
	}
}

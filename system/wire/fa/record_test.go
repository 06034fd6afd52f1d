package fa_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
)

func TestRecordBytes(t *testing.T) {
	t.Parallel()
	raw := one(t, unhex(t, workedFrames[6].hex)).Data[1:]
	r := workedRecord(t)
	if got := r.Bytes(); !bytes.Equal(got[:], raw) {
		t.Errorf("%X, want %X", got, raw)
	}
	if got := r.TMACData(); !bytes.Equal(got[:], raw[:91]) {
		t.Errorf("T-MAC span %X, want %X", got, raw[:91])
	}
	back, err := fa.ParseRecord(raw)
	if err != nil || back != r {
		t.Errorf("%+v, %v", back, err)
	}
	for _, n := range []int{0, 94, 96} {
		if _, err := fa.ParseRecord(make([]byte, n)); !errors.Is(err, fa.ErrLength) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestTrainingMarkIsTheLastByteUnderTMAC(t *testing.T) {
	t.Parallel()
	r := workedRecord(t)
	if r.Training() {
		t.Error("marked by birth")
	}
	r.MarkTraining()
	if b := r.TMACData(); !r.Training() || b[90] != 'T' || r.Bytes()[90] != 'T' {
		t.Errorf("%X", b)
	}
}

func TestRecordCheck(t *testing.T) {
	t.Parallel()
	if err := workedRecord(t).Check(); err != nil {
		t.Errorf("the worked record: %v", err)
	}
	for _, c := range []struct {
		name  string
		spoil func(*fa.Record)
		word  string
		want  error
	}{
		{"amount too large", func(r *fa.Record) { r.Amount = 1 << 24 }, "AMN", fa.ErrRange},
		{"volume negative", func(r *fa.Record) { r.Volume = -1 }, "VOL", fa.ErrRange},
		{"no time", func(r *fa.Record) { r.Time = fa.Stamp{} }, "TIME", fa.ErrValue},
		{"31 February", func(r *fa.Record) { r.Time = fa.Stamp{0x20, 0x26, 2, 0x31, 0, 0, 0} }, "TIME", fa.ErrValue},
		{"card number not decimal", func(r *fa.Record) { r.ASN[9] = 0x1A }, "ASN", fa.ErrValue},
		{"PSAM number not decimal", func(r *fa.Record) { r.PSAMNumber[0] = 0xF0 }, "PSAM-ASN", fa.ErrValue},
		{"terminal not decimal", func(r *fa.Record) { r.TID[0] = 0xF0 }, "PSAM-TID", fa.ErrValue},
		{"product not decimal", func(r *fa.Record) { r.Product[1] = 0x0B }, "G-CODE", fa.ErrValue},
		{"kind 10", func(r *fa.Record) { r.Type = 10 }, "T-TYPE", fa.ErrValue},
		{"event with fuel", func(r *fa.Record) { r.Type = fa.ShiftOn }, "T-TYPE", fa.ErrValue},
	} {
		r := workedRecord(t)
		c.spoil(&r)
		err := r.Check()
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	r := workedRecord(t)
	r.Time, r.TID[0] = fa.Stamp{}, 0xAA
	if err := r.Check(); err == nil || !strings.Contains(err.Error(), "TIME") || !strings.Contains(err.Error(), "PSAM-TID") {
		t.Errorf("two findings: %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a record that does not fit was encoded")
		}
	}()
	r.Amount = 1 << 24
	r.Bytes()
}

func TestTTypeBits(t *testing.T) {
	t.Parallel()
	for kind, moves := range []bool{true, true, true, true, true, false, false, true, false, false, false} {
		k := fa.TType(kind)
		if k.Moves() != moves {
			t.Errorf("kind %d moves fuel or money: %v", kind, k.Moves())
		}
		marked := k | fa.TypeCardError | fa.TypeLocal | fa.TypeTAC
		if marked.Kind() != k || !marked.CardError() || !marked.Local() || !marked.TACUnread() {
			t.Errorf("%v: %v %v %v %v", marked, marked.Kind(), marked.CardError(), marked.Local(), marked.TACUnread())
		}
		if k.CardError() || k.Local() || k.TACUnread() {
			t.Errorf("%v has marks", k)
		}
		if zh, en := k.Words(); (zh == "未知") != (kind > 9) || en == "" {
			t.Errorf("%v: %s %s", k, zh, en)
		}
	}
}

func TestRecordNeverPrintsTheCardNumber(t *testing.T) {
	t.Parallel()
	r := workedRecord(t)
	if s := r.ASN.String(); strings.Contains(s, "0000001234") {
		t.Errorf("%s", s)
	}
	if s := (pboc.ASN{}).String(); !strings.Contains(s, "*") {
		t.Errorf("%s", s)
	}
}

// Every 95 bytes are a record that encodes to the same bytes; Check never fails to judge.
func FuzzRecord(f *testing.F) {
	f.Add(one(f, unhex(f, workedFrames[6].hex)).Data[1:])
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := fa.ParseRecord(raw)
		if (err == nil) != (len(raw) == fa.RecordSize) {
			t.Fatalf("%d bytes: %v", len(raw), err)
		}
		if err != nil {
			return
		}
		if b := r.Bytes(); !bytes.Equal(b[:], raw) {
			t.Fatalf("%X became %X", raw, b)
		}
		if err := r.Check(); errors.Is(err, fa.ErrRange) {
			t.Fatalf("%X: %v", raw, err)
		}
	})
}

package apdu_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"greylock/system/wire/apdu"
)

func TestParseCommand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   []byte
		data int
		le   int
	}{
		{[]byte{0, 0x16, 0, 0}, 0, apdu.NoLe},                 // case 1
		{[]byte{0xE0, 0xCA, 0, 0, 0x1E}, 0, 0x1E},             // case 2
		{[]byte{0xE0, 0xCA, 1, 0, 0}, 0, 0},                   // case 2, maximum
		{[]byte{0, 0xA4, 0, 0, 2, 0x3F, 0}, 2, apdu.NoLe},     // case 3
		{[]byte{0, 0x88, 0, 1, 2, 0xAA, 0xBB, 0x08}, 2, 0x08}, // case 4
	} {
		got, err := apdu.ParseCommand(c.in)
		if err != nil || len(got.Data) != c.data || got.Le != c.le || !bytes.Equal(got.Bytes(), c.in) {
			t.Errorf("%X: %+v, %v", c.in, got, err)
		}
	}
	for _, bad := range [][]byte{nil, {0, 0, 0}, {0, 0xA4, 0, 0, 0, 1}, {0, 0xA4, 0, 0, 3, 1, 2}, {0, 0xA4, 0, 0, 1, 1, 2, 3}} {
		if got, err := apdu.ParseCommand(bad); !errors.Is(err, apdu.ErrLength) {
			t.Errorf("%X: %+v, %v", bad, got, err)
		}
	}
}

func FuzzCommandBytes(f *testing.F) {
	f.Add([]byte{0, 0xA4, 4, 0, 2, 0x3F, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := apdu.ParseCommand(b); err == nil && !bytes.Equal(c.Bytes(), b) {
			t.Errorf("%X comes back as %X", b, c.Bytes())
		}
		if a, err := apdu.ParseAnswer(b); (err == nil) != (len(b) >= 2) || err == nil && !bytes.Equal(a.Bytes(), b) {
			t.Errorf("%X comes back as %X, %v", b, a.Bytes(), err)
		}
	})
}

func TestStatusWords(t *testing.T) {
	t.Parallel()
	if apdu.OK.Err() != nil || !errors.Is(apdu.MACWrong.Err(), apdu.MACWrong) {
		t.Error("Err")
	}
	if n, ok := apdu.SW(0x63C2).TriesLeft(); n != 2 || !ok {
		t.Error("63C2")
	}
	if n, ok := apdu.SW(0x611E).MoreData(); n != 0x1E || !ok {
		t.Error("611E")
	}
	if n, ok := apdu.SW(0x6C04).ExactLe(); n != 4 || !ok {
		t.Error("6C04")
	}
	if s := fmt.Sprint(apdu.BalanceTooLow.Err()); s != "SW 9401 余额不足 (balance too low)" {
		t.Error(s)
	}
	for sw := range 0x10000 {
		if zh, en := apdu.SW(sw).Words(); zh == "" || en == "" {
			t.Fatalf("%04X has no words", sw)
		}
	}
}

func TestMACSpan(t *testing.T) {
	t.Parallel()
	c := apdu.Command{CLA: 4, INS: 0xD6, P1: 0x9C, P2: 0x2B, Data: []byte{1, 2, 0, 0, 0, 0}, Le: apdu.NoLe}
	if got := c.MACSpan(); !bytes.Equal(got, []byte{4, 0xD6, 0x9C, 0x2B, 6, 1, 2}) {
		t.Errorf("span %X", got)
	}
	sealed := c.WithMAC([4]byte{9, 8, 7, 6})
	if !bytes.Equal(sealed.Data, []byte{1, 2, 9, 8, 7, 6}) || c.Data[2] != 0 {
		t.Errorf("sealed %X, the command before %X", sealed.Data, c.Data)
	}
	c.Data = []byte{1, 2, 3}
	if c.MACSpan() != nil {
		t.Error("three bytes have no MAC")
	}
}

func TestAppendMoney(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		v     int64
		width int
		want  []byte
	}{
		{0x2710, 4, []byte{0, 0, 0x27, 0x10}}, {0xFFFFFF, 3, []byte{0xFF, 0xFF, 0xFF}},
		{1 << 24, 3, []byte{0, 0, 0, 0, 1, 0, 0, 0}}, {-1, 4, bytes.Repeat([]byte{0xFF}, 8)},
	} {
		if got := apdu.AppendMoney(nil, c.v, c.width); !bytes.Equal(got, c.want) {
			t.Errorf("%d in %d bytes: %X, want %X", c.v, c.width, got, c.want)
		}
	}
}

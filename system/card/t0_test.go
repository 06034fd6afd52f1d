package card_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"greylock/system/card"
	"greylock/system/card/cardtest"
)

// TestT0 is card.md 6.1: no Le after data, 61xx, 6Cxx.
func TestT0(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, script, command, want string }{
		{"case 1", "> 00A40000\n< 6A86", "00A40000", "6A86"},
		{"case 2", "> 00B0950002\n< 01029000", "00B0950002", "01029000"},
		{"case 3", "> 0020000003999999\n< 9000", "0020000003999999", "9000"},
		{"case 4", "> E07A0801 07 01134400000001\n< 610F\n> 00C00000 0F\n< 000027100000000000 01005A5A0001 9000",
			"E07A08010701134400000001 0F", "000027100000000000 01005A5A0001 9000"},
		{"in two pieces", "> 00B0950000\n< 0102 6102\n> 00C0000002\n< 0304 9000", "00B0950000", "01020304 9000"},
		{"exact Le", "> 00B0950000\n< 6C1E\n> 00B095001E\n< 01 9000", "00B0950000", "01 9000"},
		{"exact Le of GET RESPONSE", "> 80500001 01 00\n< 6100\n> 00C0000000\n< 6C02\n> 00C0000002\n< 0102 9000", "80500001 01 00 10", "0102 9000"},
		{"6Cxx after data is an answer", "> 0020000001 99\n< 6C03", "0020000001 99", "6C03"},
	} {
		got, err := card.T0(cardtest.Script(t, c.name, c.script)).Transmit(unhex(t, c.command))
		if err != nil || !bytes.Equal(got, unhex(t, c.want)) {
			t.Errorf("%s: %X %v", c.name, got, err)
		}
	}
}

func TestT0Errors(t *testing.T) {
	t.Parallel()
	if _, err := card.T0(cardtest.Script(t, "removed", "> 00A40000\n< removed")).Transmit(unhex(t, "00A40000")); !errors.Is(err, card.ErrRemoved) {
		t.Error(err)
	}
	if _, err := card.T0(cardtest.Script(t, "never sent", "")).Transmit([]byte{0}); err == nil || card.Lost(err) {
		t.Error(err)
	}
	if _, err := card.T0(answers{0x90}).Transmit(unhex(t, "00A40000")); !errors.Is(err, card.ErrMute) {
		t.Errorf("an answer of one byte: %v", err)
	}
	if _, err := card.T0(answers{0x61, 0x01}).Transmit(unhex(t, "00A40000")); !errors.Is(err, card.ErrMute) {
		t.Errorf("61xx without end: %v", err)
	}
}

// answers always gives the same answer.
type answers []byte

func (a answers) Transmit([]byte) ([]byte, error) { return a, nil }

// FuzzT0: whatever the card answers, the layer ends after a bounded number of exchanges, with an answer of two bytes or
// more, never 61xx, or with an error.
func FuzzT0(f *testing.F) {
	f.Add([]byte{0x61, 0x02}, true)
	f.Add([]byte{0x6C, 0x00}, false)
	f.Fuzz(func(t *testing.T, answer []byte, data bool) {
		command := unhex(t, "00B0950000")
		if data {
			command = unhex(t, "0020000001 99 04")
		}
		count := counted{t: answers(answer)}
		got, err := card.T0(&count).Transmit(command)
		if count.n > 8 || err == nil && (len(got) < 2 || got[len(got)-2] == 0x61) {
			t.Errorf("%d exchanges: %X %v", count.n, got, err)
		}
	})
}

type counted struct {
	t card.Transport
	n int
}

func (c *counted) Transmit(command []byte) ([]byte, error) {
	c.n++
	return c.t.Transmit(command)
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(s), []byte(" "), nil)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

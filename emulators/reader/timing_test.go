package reader_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"greylock/emulators/reader"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCharacters counts what crosses the contacts, one case of ISO 7816-3 after the other. Source: card.md 6.1.
func TestCharacters(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, command, answer string
		want                  int
	}{
		{"case 1: header, SW", "E0CA0100", "9000", 7},
		{"case 2: header, ACK, data, SW", "E0CA00001E", strings.Repeat("00", 30) + "9000", 5 + 1 + 30 + 2},
		{"case 2, refused", "E0CA00001E", "6985", 7},
		{"case 3: header, ACK, data, SW", "0020000003 999999", "9000", 5 + 1 + 3 + 2},
		{"case 4: as case 3 with 61xx, then GET RESPONSE", "E07A080107 01134400000001 0F", "000027100000000000 01005A5A0001 9000",
			5 + 1 + 7 + 2 + 5 + 1 + 15 + 2},
		{"case 4, refused", "E07A080107 01134400000001 0F", "6982", 5 + 1 + 7 + 2},
		{"Lc says more than there is", "00B00000FF 01", "6700", 5 + 1 + 1 + 2},
		{"nothing", "", "", 7},
	} {
		if got := reader.Characters(unhex(t, c.command), unhex(t, c.answer)); got != c.want {
			t.Errorf("%s: %d characters, want %d", c.name, got, c.want)
		}
	}
}

// TestLine: 12 etu a character, and the chip's own time once.
func TestLine(t *testing.T) {
	t.Parallel()
	command, answer := unhex(t, "0020000003 999999"), unhex(t, "9000")
	work := func([]byte) time.Duration { return 8 * time.Millisecond }
	for _, c := range []struct {
		line reader.Line
		want time.Duration
	}{
		{reader.Line{Baud: 9600}, 11 * 1250 * time.Microsecond}, // trust.md 7.3: 1.25 ms a byte
		{reader.Line{Baud: 9600, Work: work}, 11*1250*time.Microsecond + 8*time.Millisecond},
		{reader.Line{Baud: 38400}, 11 * 312500 * time.Nanosecond},
		{reader.Line{Baud: 115200}, 11 * 12 * time.Second / 115200},
		{reader.Line{Work: work}, 8 * time.Millisecond},
		{reader.Line{}, 0},
	} {
		if got := c.line.Took(command, answer); got != c.want {
			t.Errorf("%d bit/s: %v, want %v", c.line.Baud, got, c.want)
		}
	}
}

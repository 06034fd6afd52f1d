package transcript_test

import (
	"errors"
	"strings"
	"testing"

	"greylock/system/card"
	"greylock/system/card/transcript"
	"greylock/system/wire/fuelcard"
)

func TestParse(t *testing.T) {
	t.Parallel()
	lines, err := transcript.Parse("# a remark\n> 80 5c 00 01 04  GET BALANCE\r\n< 0000 2710 9000  balance 100.00\n\n> GET-BALANCE purse=1\n> 0020000003******\n< mute\n> 00A4\n< ????9000\n> 00B0\n< removed")
	if err != nil || len(lines) != 5 {
		t.Fatalf("%+v %v", lines, err)
	}
	if x := lines[0]; x.Line != 2 || x.Command != "805C000104" || x.Answer != "000027109000" || x.Named() {
		t.Errorf("%+v", x)
	}
	if x := lines[1]; !x.Named() || x.Command != "GET-BALANCE purse=1" || !x.Matches(nil, nil) || x.Matches(nil, card.ErrMute) {
		t.Errorf("%+v", x)
	}
	if _, err := lines[2].Bytes(); !errors.Is(err, transcript.ErrSecret) || lines[2].Named() || !lines[2].Matches(nil, card.ErrRemoved) || lines[2].Matches([]byte{0x90, 0}, nil) {
		t.Errorf("%+v %v", lines[2], err)
	}
	for answer, want := range map[string]bool{"\x12\x34\x90\x00": true, "\x12\x34\x90\x01": false, "\x90\x00": false} {
		if lines[3].Matches([]byte(answer), nil) != want {
			t.Errorf("%X", answer)
		}
	}
	if !errors.Is(lines[4].Err, card.ErrRemoved) {
		t.Errorf("%+v", lines[4])
	}
	for _, bad := range []string{"< 9000", "> 00\n< 9000\n< 9000", "> 00\n< removed\n< 9000", "> 00\n< 900", "> 00\n< 90", "> 00\n< 9x00"} {
		if _, err := transcript.Parse(bad); !errors.Is(err, transcript.ErrForm) || !strings.Contains(err.Error(), "第") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := (transcript.Exchange{Command: "0"}).Bytes(); !errors.Is(err, transcript.ErrForm) {
		t.Error(err)
	}
}

func TestMasked(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"\x80\x5C\x00\x01\x04":         "805C000104",
		"\x00\x20\x00\x00\x03\x99\x99": "**************", // no APDU
		"\x00\x20\x00\x00\x02\x99\x99": "0020000002****",
		"\x80\x99\x00\x00\x02\x99\x99": "8099000002****",
		"\x80\x99\x00\x00\x08":         "8099000008",
		"\x00\x20\x00\x00\x01\x99":     "0020000001**", // malformed: a PIN of one byte
	} {
		if got := transcript.Masked(fuelcard.Table(), []byte(command)); got != want {
			t.Errorf("%X: %s, want %s", command, got, want)
		}
	}
}

// FuzzParse: what is written of an exchange reads back as the same exchange.
func FuzzParse(f *testing.F) {
	f.Add("> 00A40000023F00\n< 9000")
	f.Add("> VERIFY pin=999999\n< 63C2  wrong\n> 00**\n< removed")
	f.Fuzz(func(t *testing.T, text string) {
		lines, err := transcript.Parse(text)
		if err != nil {
			if !errors.Is(err, transcript.ErrForm) {
				t.Error(err)
			}
			return
		}
		var b strings.Builder
		for _, x := range lines {
			answer := x.Answer
			if x.Err != nil {
				answer = transcript.Said(nil, x.Err)
			}
			if strings.Contains(x.Command, "\r") || answer == "" {
				return
			}
			if err := transcript.Write(&b, x.Command, answer, "about", "meaning"); err != nil {
				t.Fatal(err)
			}
		}
		again, err := transcript.Parse(b.String())
		if err != nil || len(again) != len(lines) {
			t.Fatalf("%q: %v", b.String(), err)
		}
		for i := range again {
			if again[i].Command != lines[i].Command || again[i].Answer != lines[i].Answer || !errors.Is(again[i].Err, lines[i].Err) {
				t.Errorf("%+v became %+v", lines[i], again[i])
			}
		}
	})
}

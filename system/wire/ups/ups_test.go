package ups_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greylock/system/wire/ups"
)

// answers are examples of others: those of Network UPS Tools (comments and testing tables of nutdrv_qx_megatec.c, nutdrv_qx_q1.c).
var answers = map[string]ups.Answer{
	"(226.0 195.0 226.0 014 49.0 27.5 30.0 00001000": &ups.Status{Input: 2260, Fault: 1950, Output: 2260, Load: 14, Frequency: 490, Battery: 2750, Temperature: 300,
		Flags: ups.Standby},
	"(215.0 195.0 230.0 014 49.0 22.7 30.0 00000000": &ups.Status{Input: 2150, Fault: 1950, Output: 2300, Load: 14, Frequency: 490, Battery: 2270, Temperature: 300},
	"#220.0 000 024.0 50.0":                          &ups.Rating{Voltage: 2200, Battery: 240, Frequency: 500},
	"#230.0 000 024.0 50.0":                          &ups.Rating{Voltage: 2300, Battery: 240, Frequency: 500},
	"#NOT_A_LIVE_UPS  TESTING    TESTING   ":         &ups.Identity{Company: "NOT_A_LIVE_UPS", Model: "TESTING", Version: "TESTING"},
}

// commands are those of the same tables.
var commands = map[string]ups.Command{
	"Q1": {Kind: ups.AskStatus}, "F": {Kind: ups.AskRating}, "I": {Kind: ups.AskIdentity}, "C": {Kind: ups.Cancel},
	"S03":      {Kind: ups.Shutdown, After: 3 * time.Minute},
	"S02R0005": {Kind: ups.Shutdown, After: 2 * time.Minute, Restore: 5 * time.Minute},
	"S.5R0000": {Kind: ups.Shutdown, After: 30 * time.Second, Stay: true},
	"S00R0000": {Kind: ups.Shutdown, Stay: true},
}

func TestExamplesOfOthers(t *testing.T) {
	t.Parallel()
	for text, want := range answers {
		got, err := ups.Parse([]byte(text))
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%q: %v\n%s", text, err, d)
		}
		if line, err := want.Line(); err != nil || string(line) != text+"\r" {
			t.Errorf("%q is written %q, %v", text, line, err)
		}
	}
	for text, want := range commands {
		got, err := ups.ParseCommand([]byte(text))
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
		if line, err := want.Line(); err != nil || string(line) != text+"\r" {
			t.Errorf("%q is written %q, %v", text, line, err)
		}
	}
}

// TestFlags: each bit at its place, b7 first.
func TestFlags(t *testing.T) {
	t.Parallel()
	for bits, want := range map[string]ups.Flags{
		"10000000": ups.UtilityFail, "01000000": ups.BatteryLow, "00100000": ups.Bypass, "00010000": ups.Failed,
		"00001000": ups.Standby, "00000100": ups.Testing, "00000010": ups.ShutdownActive, "00000001": ups.Beeper,
	} {
		a, err := ups.Parse([]byte("(226.0 195.0 226.0 014 49.0 27.5 30.0 " + bits))
		if err != nil {
			t.Fatal(err)
		}
		s := a.(*ups.Status)
		if s.Flags != want || !s.Has(want) || s.Has(^want) {
			t.Errorf("%s: %v", bits, s.Flags)
		}
	}
}

func TestUnknownFiguresAndCells(t *testing.T) {
	t.Parallel()
	const text = "(---.- 195.0 226.0 --- 49.0 2.29 --.- 10001001"
	a, err := ups.Parse([]byte(text))
	want := &ups.Status{Input: ups.Unknown, Fault: 1950, Output: 2260, Load: ups.Unknown, Frequency: 490, Battery: 229, PerCell: true, Temperature: ups.Unknown,
		Flags: ups.UtilityFail | ups.Standby | ups.Beeper}
	if d := cmp.Diff(ups.Answer(want), a); err != nil || d != "" {
		t.Fatalf("%v\n%s", err, d)
	}
	if line, err := want.Line(); err != nil || string(line) != text+"\r" {
		t.Errorf("written %q, %v", line, err)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "(", "(226.0 195.0 226.0 014 49.0 27.5 30.0 0000100", "(226.0 195.0 226.0 014 49.0 27.5 30.0 00001002", "(226.0 195.0 226.0 014 49.0 27.5 3a.0 00001000",
		"(226.0 195.0 226.0 014 49.0 27.5 30.0-00001000", "(2260. 195.0 226.0 014 49.0 27.5 30.0 00001000", "#220.0 000 024.0 5000", "#220.0", "Q\x81",
		"(226.0 195.0 226.0 -14 49.0 27.5 30.0 00001000", "(226.0 195.0 226.0 014 49.0 ..75 30.0 00001000", strings.Repeat("x", ups.MaxLine+1),
	} {
		if a, err := ups.Parse([]byte(text)); !errors.Is(err, ups.ErrForm) {
			t.Errorf("%q is taken as %v, %v", text, a, err)
		}
	}
	for _, text := range []string{"", "Q", "q1", "S", "S1", "S11", "S.1", "S.a", "S02R", "S02R5", "S02R00055", "S-1R0001", "T", "S02X0001"} {
		if c, err := ups.ParseCommand([]byte(text)); !errors.Is(err, ups.ErrForm) {
			t.Errorf("%q is taken as %+v, %v", text, c, err)
		}
	}
	for _, c := range []ups.Command{
		{}, {Kind: "X"}, {Kind: ups.Shutdown, After: time.Second}, {Kind: ups.Shutdown, After: 6 * time.Second}, {Kind: ups.Shutdown, After: 90 * time.Second},
		{Kind: ups.Shutdown, After: 11 * time.Minute}, {Kind: ups.Shutdown, Restore: time.Second}, {Kind: ups.Shutdown, Restore: 10000 * time.Minute},
		{Kind: ups.Shutdown, Restore: time.Minute, Stay: true}, {Kind: ups.Shutdown, After: -time.Minute},
	} {
		if line, err := c.Line(); !errors.Is(err, ups.ErrForm) {
			t.Errorf("%+v is written %q, %v", c, line, err)
		}
	}
	for _, a := range []ups.Answer{&ups.Status{Input: 100000}, &ups.Status{Battery: 2755}, &ups.Status{Load: -2}, &ups.Identity{Company: "sixteen letters!"},
		&ups.Identity{Model: "断"}, ups.Word(""), ups.Word("(x")} {
		if line, err := a.Line(); !errors.Is(err, ups.ErrForm) {
			t.Errorf("%+v is written %q, %v", a, line, err)
		}
	}
}

// TestDecoderFindsTheNextAnswer behind any noise, in pieces of any size.
func TestDecoderFindsTheNextAnswer(t *testing.T) {
	t.Parallel()
	const good = "(226.0 195.0 226.0 014 49.0 27.5 30.0 00001000"
	for _, noise := range []string{"", "\r\r", "\x00\xFF", strings.Repeat("y", 500), "(226.0 195", "#(((", good[:30]} {
		for size := 1; size < 60; size += 7 {
			var d ups.Decoder
			var got []string
			stream := []byte(noise + good + "\r")
			for len(stream) > 0 {
				n := min(size, len(stream))
				d.Decode(stream[:n], func(line []byte) { got = append(got, string(line)) })
				stream = stream[n:]
			}
			if len(got) == 0 || got[len(got)-1] != good {
				t.Errorf("%q in pieces of %d: %q", noise, size, got)
			}
		}
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Q1": "查询状态", "F": "额定值", "I": "型号", "C": "取消关机", "S02R0003": "120 秒后关断输出, 市电恢复 180 秒后再开", "S.5R0000": "30 秒后关断输出, 不再恢复", "Z": "无效命令",
	} {
		if got := ups.Describe([]byte(text), false); !strings.Contains(got, want) {
			t.Errorf("%s: %s", text, got)
		}
	}
	for text, want := range map[string]string{
		"(226.0 195.0 226.0 014 49.0 27.5 30.0 11000010": "226.0 V, 输出 output 226.0 V, 负载 load 14 %, 电池 battery 27.50 V, 30.0 ℃: 市电中断, 电池电量低, 关机中",
		"(---.- 195.0 226.0 --- 49.0 --.- --.- 00000000": "电池 battery - V, - ℃: 正常",
		"#220.0 005 024.0 50.0":                          "220.0 V, 5 A", "#NOT_A_LIVE_UPS  TESTING    TESTING   ": "NOT_A_LIVE_UPS", "(ACK": "接受", "NAK": "拒绝", "Z9": "退回", "(": "无效应答",
	} {
		if got := ups.Describe([]byte(text), true); !strings.Contains(got, want) {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// FuzzParse: what is read is written as it was, and the decoder hands out no line that is longer than the bound.
func FuzzParse(f *testing.F) {
	for text := range answers {
		f.Add([]byte(text + "\r"))
	}
	for text := range commands {
		f.Add([]byte(text + "\r"))
	}
	f.Add([]byte("(ACK\r\nNAK\r(---.- 195.0 226.0 --- 49.0 2.29 --.- 10001001\r"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		var d ups.Decoder
		d.Decode(stream, func(line []byte) {
			if len(line) == 0 || len(line) > ups.MaxLine {
				t.Fatalf("a line of %d bytes", len(line))
			}
			if c, err := ups.ParseCommand(line); err == nil {
				if back, err := c.Line(); err != nil || !bytes.Equal(back, append(bytes.Clone(line), '\r')) {
					t.Errorf("%q is read as %+v and written %q, %v", line, c, back, err)
				}
			}
			a, err := ups.Parse(line)
			if err != nil {
				return
			}
			back, err := a.Line()
			again, bad := ups.Parse(bytes.TrimSuffix(back, []byte("\r")))
			if d := cmp.Diff(a, again); err != nil || bad != nil || d != "" {
				t.Errorf("%q: %v, %v\n%s", line, err, bad, d)
			}
			_ = a.String()
		})
	})
}

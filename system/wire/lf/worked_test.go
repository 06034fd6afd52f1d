package lf_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"greylock/system/wire/lf"
)

type framer interface{ Frame() (lf.Frame, error) }

// worked are frames computed outside of this program. Source: dispenser.md 2.6.
var worked = []struct {
	hex string
	m   framer
}{
	{"01 00 B8 00 00 00 00 00 00 00 00 48", lf.Request{Nozzle: 1, Command: lf.Query}},
	{"10 00 B8 00 00 00 00 00 00 00 00 48", lf.Request{Nozzle: 16, Command: lf.Query}},
	{"01 00 A0 00 00 00 00 00 00 00 00 60", lf.Request{Nozzle: 1, Command: lf.Control}},
	{"01 00 B0 00 00 00 00 00 00 00 00 50", lf.Request{Nozzle: 1, Command: lf.Uncontrol}},
	{"01 00 A1 00 00 00 00 00 00 00 00 5F", lf.Request{Nozzle: 1, Command: lf.Fuel}},
	{"01 00 B1 00 00 00 00 00 00 00 00 4F", lf.Request{Nozzle: 1, Command: lf.Stop}},
	{"01 00 A2 02 00 00 00 00 00 00 00 5C", lf.Request{Nozzle: 1, Command: lf.FuelCash, Value: 20000}},
	{"01 00 A3 00 30 00 00 00 00 00 00 2D", lf.Request{Nozzle: 1, Command: lf.FuelLitres, Value: 3000}},
	{"01 00 A4 07 85 00 00 00 00 00 00 D0", lf.Request{Nozzle: 1, Command: lf.SetPrice, Value: 785}},
	{"01 00 A6 30 00 00 00 00 00 00 00 2A", lf.Request{Nozzle: 1, Command: lf.SetPreValve, Value: 30}},
	{"01 00 A8 00 00 00 00 00 00 00 00 58", lf.Request{Nozzle: 1, Command: lf.ClearShift}},
	{"01 00 A9 00 00 00 00 00 00 00 00 57", lf.Request{Nozzle: 1, Command: lf.QueryShift}},
	{"01 00 AC 00 00 00 00 00 00 00 00 54", lf.Request{Nozzle: 1, Command: lf.TotalCash}},
	{"01 00 AD 00 00 00 00 00 00 00 00 53", lf.Request{Nozzle: 1, Command: lf.TotalLitres}},
	{"01 00 07 85 00 00 00 00 00 00 01 73", lf.Status{Nozzle: 1, Price: 785, State: 0x01}},
	{"01 00 07 85 00 00 00 00 00 00 41 33", lf.Status{Nozzle: 1, Price: 785, State: 0x41}},
	{"01 00 07 85 00 00 00 00 00 00 C1 B3", lf.Status{Nozzle: 1, Price: 785, State: 0xC1}},
	{"01 00 07 85 00 96 87 00 12 34 C2 4F", lf.Status{Nozzle: 1, Price: 785, Cash: 9687, Litres: 1234, State: 0xC2}},
	{"01 00 07 85 02 00 00 00 25 48 C1 44", lf.Status{Nozzle: 1, Price: 785, Cash: 20000, Litres: 2548, State: 0xC1}},
	{"01 00 07 85 02 00 00 00 25 48 41 C4", lf.Status{Nozzle: 1, Price: 785, Cash: 20000, Litres: 2548, State: 0x41}},
	{"01 00 AD 00 00 00 00 11 74 79 73 E2", lf.TotalReply{Nozzle: 1, Command: lf.TotalLitres, Total: 11747973}},
	{"01 00 AC 00 00 00 00 91 23 45 67 F4", lf.TotalReply{Nozzle: 1, Command: lf.TotalCash, Total: 91234567}},
	{"01 00 A9 01 23 45 67 00 15 72 70 90", lf.ShiftReply{Nozzle: 1, Cash: 1234567, Litres: 157270}},
}

func TestWorkedFramesBothWays(t *testing.T) {
	t.Parallel()
	for _, w := range worked {
		want := unhex(t, w.hex)
		if got, err := w.m.Frame(); err != nil || got != want {
			t.Errorf("%+v: %X, %v; want %X", w.m, got, err, want)
		}
		if got, err := parseAs(w.m, want); err != nil || got != w.m {
			t.Errorf("%X: %+v, %v; want %+v", want, got, err, w.m)
		}
	}
}

func unhex(t testing.TB, s string) lf.Frame {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil || len(b) != lf.Size {
		t.Fatalf("%s: %d bytes, %v", s, len(b), err)
	}
	return lf.Frame(b)
}

func parseAs(m framer, f lf.Frame) (framer, error) {
	switch m.(type) {
	case lf.Request:
		return lf.ParseRequest(f)
	case lf.Status:
		return lf.ParseStatus(f)
	case lf.TotalReply:
		return lf.ParseTotal(f)
	default:
		return lf.ParseShift(f)
	}
}

func TestBadFramesAreRefused(t *testing.T) {
	t.Parallel()
	sealed := func(f lf.Frame) lf.Frame { f[11] = f.Sum(); return f }
	for _, c := range []struct {
		name string
		as   framer
		f    lf.Frame
		want error
	}{
		{"request, sum", lf.Request{}, lf.Frame{1, 0, 0xB8}, lf.ErrSum},
		{"request, command", lf.Request{}, sealed(lf.Frame{1, 0, 0xA5}), lf.ErrForm},
		{"request, surplus", lf.Request{}, sealed(lf.Frame{1, 0, 0xA4, 7, 0x85, 1}), lf.ErrForm},
		{"request, Data1", lf.Request{}, sealed(lf.Frame{1, 1, 0xB8}), lf.ErrForm},
		{"request, digit", lf.Request{}, sealed(lf.Frame{1, 0, 0xA4, 7, 0x8A}), lf.ErrBCD},
		{"state, sum", lf.Status{}, lf.Frame{1, 0, 7, 0x85, 10: 0x41}, lf.ErrSum},
		{"state, an echo", lf.Status{}, sealed(lf.Frame{1, 0, 0xB8}), lf.ErrForm},
		{"state, byte 1", lf.Status{}, sealed(lf.Frame{1, 1, 7, 0x85, 10: 0x41}), lf.ErrForm},
		{"state, digit", lf.Status{}, sealed(lf.Frame{1, 0, 7, 0x8A, 10: 0x41}), lf.ErrBCD},
		{"state, 42", lf.Status{}, sealed(lf.Frame{1, 0, 7, 0x85, 10: 0x42}), lf.ErrForm},
		{"state, 83", lf.Status{}, sealed(lf.Frame{1, 0, 7, 0x85, 10: 0x83}), lf.ErrForm},
		{"state, C3", lf.Status{}, sealed(lf.Frame{1, 0, 7, 0x85, 10: 0xC3}), lf.ErrForm},
		{"total, sum", lf.TotalReply{}, lf.Frame{1, 0, 0xAD}, lf.ErrSum},
		{"total, bytes 3-4", lf.TotalReply{}, sealed(lf.Frame{1, 0, 0xAD, 1}), lf.ErrForm},
		{"total, digit", lf.TotalReply{}, sealed(lf.Frame{1, 0, 0xAD, 10: 0xA0}), lf.ErrBCD},
		{"shift, sum", lf.ShiftReply{}, lf.Frame{1, 0, 0xA9}, lf.ErrSum},
		{"shift, command", lf.ShiftReply{}, sealed(lf.Frame{1, 0, 0xAD}), lf.ErrForm},
		{"shift, digit", lf.ShiftReply{}, sealed(lf.Frame{1, 0, 0xA9, 0xB0}), lf.ErrBCD},
	} {
		if _, err := parseAs(c.as, c.f); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for _, m := range []framer{
		lf.Request{Command: 0xA5}, lf.Request{Command: lf.Query, Value: 1}, lf.Request{Command: lf.SetPrice, Value: 10000},
		lf.Request{Command: lf.SetPrice, Value: -1}, lf.Status{Price: 10000}, lf.Status{Cash: 1000000}, lf.Status{Litres: -1},
		lf.TotalReply{Command: lf.TotalCash, Total: lf.TotalWrap}, lf.TotalReply{Command: lf.Query}, lf.ShiftReply{Cash: 1e8},
	} {
		if f, err := m.Frame(); err == nil {
			t.Errorf("%+v made %X", m, f)
		}
	}
}

func TestTotalsRollOver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		now, before lf.Total
		want        int64
	}{{100, 40, 60}, {5, lf.TotalWrap - 5, 10}, {40, 40, 0}, {39, 40, int64(lf.TotalWrap) - 1}} {
		if got := c.now.Since(c.before); got != c.want {
			t.Errorf("%v since %v: %d", c.now, c.before, got)
		}
	}
	if s := lf.Total(11747973).String(); s != "117479.73" {
		t.Error(s)
	}
}

// What parses is made of the same bytes again, and no two commands share a name.
func FuzzFrame(f *testing.F) {
	for _, w := range worked {
		frame := unhex(f, w.hex)
		f.Add(frame[:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != lf.Size {
			return
		}
		in := lf.Frame(b)
		for _, as := range []framer{lf.Request{}, lf.Status{}, lf.TotalReply{}, lf.ShiftReply{}} {
			m, err := parseAs(as, in)
			if err != nil {
				continue
			}
			if out, err := m.Frame(); err != nil || out != in {
				t.Errorf("%T %X: made %X, %v", m, in, out, err)
			}
		}
	})
}

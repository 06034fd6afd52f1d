package fuelcard_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/samcard"
)

var tables = map[string]apdu.Shapes{"user card": fuelcard.Table(), "PSAM": samcard.Table()}

// TestEveryCommandIsClassified: no command of either table can be sent by hand without somebody having said what it may do.
func TestEveryCommandIsClassified(t *testing.T) {
	t.Parallel()
	acts := append(apdu.Acts(), apdu.Reads)
	used := map[apdu.Act]bool{}
	for who, table := range tables {
		for _, f := range table.Forms() {
			used[f.Act] = true
			if f.Act == apdu.Unknown || !slices.Contains(acts, f.Act) {
				t.Errorf("%s: %s is not classified (%q): say in the table what it may do to a card", who, f.Name, f.Act)
			}
		}
	}
	for _, a := range acts {
		if !used[a] && a != apdu.Unknown {
			t.Errorf("nothing is %q", a)
		}
	}
}

// values are texts for parameters that do not take any bytes.
var values = map[string]string{
	"purse": "1", "amount": "123.45", "balance": "0.01", "date-time": "2026-11-22 09:30:00", "pin": "123456", "new-pin": "123456",
	"factors": strings.Repeat("1234567890123456", 2), "old-pin-new-pin": "999999FF123456", "overdraft-limit": "100",
}

// build fills a form with values of the right width.
func build(t *testing.T, table apdu.Shapes, f apdu.Form) apdu.Command {
	t.Helper()
	args := map[string]string{}
	for _, p := range f.Params {
		switch v, ok := values[p.Name]; {
		case ok:
			args[p.Name] = v
		case p.Most == 1 || p.Needed:
			args[p.Name] = strings.Repeat("01", p.Least)
		}
	}
	c, err := table.Build(f.Name, args)
	if err != nil {
		t.Fatalf("%s %v: %v", f.Name, args, err)
	}
	return c
}

// TestBuild: what is written by name is the command of that name, with the class of that name, and reads back the same.
func TestBuild(t *testing.T) {
	t.Parallel()
	for who, table := range tables {
		names := map[string]bool{}
		for i, f := range table.Forms() {
			if names[f.Name] {
				t.Errorf("%s: two commands are written %s", who, f.Name)
			}
			names[f.Name] = true
			c := build(t, table, f)
			if d := table.Describe(c); d.En != f.En || d.Zh != f.Zh {
				t.Errorf("%s: %s is %X, which is %s", who, f.Name, c.Bytes(), d.En)
			}
			if got := table.ActOf(c); got != f.Act {
				t.Errorf("%s: %s %X is %q, want %q", who, f.Name, c.Bytes(), got, f.Act)
			}
			l := table[i].Layout()
			if err := l.ReadCommand(c); err != nil || !bytes.Equal(l.Command().Bytes(), c.Bytes()) {
				t.Errorf("%s: %s %X reads back %X: %v", who, f.Name, c.Bytes(), l.Command().Bytes(), err)
			}
			c.Data = append(slices.Clone(c.Data), 1, 2, 3) // a malformed one is no less dangerous
			if got := table.ActOf(c); got != f.Act {
				t.Errorf("%s: %s malformed is %q", who, f.Name, got)
			}
		}
	}
	if got := fuelcard.Table().ActOf(apdu.Command{CLA: 0x80, INS: 0x99}); got != apdu.Unknown {
		t.Errorf("a command of no table is %q", got)
	}
}

func TestBuildByHand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, args, want string
	}{
		{"GET BALANCE", "", "805C000104"},
		{"get-balance", "purse=2", "805C000204"},
		{"READ-BINARY", "sfi=15", "00B0950000"},
		{"READ-BINARY", "sfi=15 offset=08 le=0A", "00B095080A"},
		{"READ-RECORD", "sfi=18 record=01 le=17", "00B201C417"},
		{"VERIFY", "pin=999999", "0020000003999999"},
		{"SELECT", "fid=3F00", "00A40000023F00"},
		{"INITIALIZE-FOR-LOAD", "purse=1 key-id=1 amount=100.5 terminal-id=010203040506", "805000010B010000274201020304050610"},
		{"GET-CHALLENGE", "le=4", "0084000004"},
	} {
		got, err := fuelcard.Table().Build(c.name, args(c.args))
		if err != nil || !bytes.Equal(got.Bytes(), unhex(t, c.want)) {
			t.Errorf("%s %s: %X, want %s: %v", c.name, c.args, got.Bytes(), c.want, err)
		}
	}
	for _, c := range []struct {
		name, args string
		want       error
		say        string
	}{
		{"GET-MONEY", "", apdu.ErrName, "GET-MONEY"},
		{"GET-BALANCE", "purse=3", apdu.ErrArg, "purse"},
		{"GET-BALANCE", "purse=x", apdu.ErrArg, "purse"},
		{"GET-BALANCE", "wallet=1", apdu.ErrArg, "wallet"},
		{"VERIFY", "", apdu.ErrArg, "pin"},
		{"VERIFY", "pin=9", apdu.ErrArg, "pin"},
		{"INITIALIZE-FOR-LOAD", "key-id=1 amount=1.234 terminal-id=010203040506", apdu.ErrArg, "amount"},
		{"INITIALIZE-FOR-LOAD", "key-id=1 amount=99999999 terminal-id=010203040506", apdu.ErrArg, "amount"},
		{"INITIALIZE-FOR-LOAD", "key-id=1 amount=1 terminal-id=0102", apdu.ErrArg, "terminal-id"},
		{"CREDIT-FOR-LOAD", "date-time=2026 mac2=01020304", apdu.ErrArg, "date-time"},
		{"READ-BINARY", "sfi=15 le=100", apdu.ErrArg, "le"},
	} {
		got, err := fuelcard.Table().Build(c.name, args(c.args))
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s %s: %X %v", c.name, c.args, got.Bytes(), err)
		}
	}
	if _, err := fuelcard.Table().Build("VERIFY", args("pin=12345x")); err == nil || strings.Contains(err.Error(), "12345") {
		t.Errorf("a PIN in an error: %v", err)
	}
}

func args(s string) map[string]string {
	m := map[string]string{}
	for _, f := range strings.Fields(s) {
		k, v, _ := strings.Cut(f, "=")
		m[k] = v
	}
	return m
}

// FuzzBuild: whatever is written, a command that comes out is one that the table knows under that name.
func FuzzBuild(f *testing.F) {
	f.Add("GET-BALANCE", "purse", "1")
	f.Add("INITIALIZE-FOR-LOAD", "amount", "-1.5")
	f.Add("CHANGE-PIN", "old-pin-new-pin", "999999FF123456")
	f.Fuzz(func(t *testing.T, name, arg, value string) {
		for who, table := range tables {
			c, err := table.Build(name, map[string]string{arg: value})
			if err != nil {
				if !errors.Is(err, apdu.ErrName) && !errors.Is(err, apdu.ErrArg) {
					t.Error(err)
				}
				continue
			}
			if d := table.Describe(c); apdu.CommandName(d.En) != apdu.CommandName(name) || table.ActOf(c) == apdu.Unknown {
				t.Errorf("%s: %q %s=%q became %X, %s", who, name, arg, value, c.Bytes(), d)
			}
		}
	})
}

package main

import (
	"slices"
	"strings"
	"testing"

	"greylock/cmd/internal/cli"
	"greylock/system/wire/fuelcard"
)

// TestProfiles: every flag has a row, its value in every profile, and is found by its name.
func TestProfiles(t *testing.T) {
	t.Parallel()
	table := into[profileTable](t, call(t, "cards", "profiles", "--json"))
	if len(table.Flags) != len(fuelcard.Flags()) || len(table.Profiles) != len(fuelcard.Profiles()) {
		t.Errorf("%d flags of %d, %d profiles", len(table.Flags), len(fuelcard.Flags()), len(table.Profiles))
	}
	text := call(t, "cards", "profiles").want(t, cli.OK, "参数", "national", "company", "dahua", "依据", "灰锁 TAC 的数据").out
	for _, f := range table.Flags {
		if len(f.Profiles) != len(table.Profiles) || f.Profiles["national"] != f.Default || !slices.Contains(f.Values, f.Default) || f.Mark == "" || f.Section == "" {
			t.Errorf("row %+v", f)
		}
		for _, v := range f.Values {
			if !strings.Contains(text, v) {
				t.Errorf("%s = %s is not in the table for people", f.Flag, v)
			}
		}
	}
	one := into[profileTable](t, call(t, "cards", "profiles", "key_type.consume", "--json"))
	if len(one.Flags) != 1 || one.Flags[0].Profiles["dahua"] != "40" || one.Flags[0].Profiles["national-sm4"] != "3E" {
		t.Errorf("%+v", one.Flags)
	}
	call(t, "cards", "profiles", "pin_", "--lang", "en").want(t, cli.OK, "pin_scope", "pin_unblock_p1p2", "which INIT commands need the PIN", "other values")
	call(t, "cards", "profiles", "nothing").want(t, cli.Usage, "nothing")
}

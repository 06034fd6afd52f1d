package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"greylock/cmd/internal/cli"
	"greylock/system/wire/ups"
)

// TestEmulateUPS: any program opens the port and asks; mains, battery and manners move at a word; an order takes the output away.
func TestEmulateUPS(t *testing.T) {
	t.Parallel()
	d := emulate(t, "ups", "--seed", "3")
	d.says(upsName)
	d.says("on")
	f := d.open(upsName)
	ask := func(command string) ups.Answer {
		t.Helper()
		_, err := f.WriteString(command + "\r")
		if err == nil {
			err = f.SetReadDeadline(time.Now().Add(60 * time.Second))
		}
		var dec ups.Decoder
		var a ups.Answer
		b, done := make([]byte, 64), false
		for err == nil && !done {
			var n int
			if n, err = f.Read(b); err == nil {
				dec.Decode(b[:n], func(line []byte) { a, err = ups.Parse(line); done = true })
			}
		}
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		return a
	}
	flags := func(want ups.Flags) {
		t.Helper()
		if s := ask("Q1").(*ups.Status); s.Flags != want|ups.Standby {
			t.Errorf("%v, want %v", s.Flags, want)
		}
	}
	flags(0)
	d.hand("mains off", "mains off")
	d.hand("battery low", "battery low")
	flags(ups.UtilityFail | ups.BatteryLow | ups.Beeper)
	d.hand("mains on", "mains on")
	d.hand("battery full", "battery full")
	flags(0)
	if x := ask("I").(*ups.Identity); x.Company != "GREYLAB" {
		t.Errorf("%+v", x)
	}
	if _, err := f.WriteString("S00R0001\r"); err != nil {
		t.Fatal(err)
	}
	d.says("off")
	for _, line := range []string{"way deaf", "way slow", "way garbage", "way silent", "way normal", "battery 40", "cut", "join", "noise 0"} {
		d.hand(line, line)
	}
	for _, line := range []string{"mains", "mains up", "battery x", "battery 101", "way loud", "noise 2000", "jump 1", "a b c"} {
		if _, err := fmt.Fprintln(d.typed, line); err != nil {
			t.Fatal(err)
		}
		if !d.errs.Scan() || !strings.Contains(d.errs.Text(), "(") {
			t.Errorf("%s: %q", line, d.errs.Text())
		}
	}
	d.hand("off", "off")
	d.hand("on", "on")
	d.says("on")
	if code := d.stop(); code != cli.OK {
		t.Errorf("exit %d", code)
	}
	for _, bad := range [][]string{{}, {"--dir", d.dir, "--baud", "1"}, {"--dir", d.dir, "--lasts", "1ms"}} {
		if text, code := labSays(t, append([]string{"emulate", "ups"}, bad...)...); code != cli.Usage {
			t.Errorf("%v: exit %d: %s", bad, code, text)
		}
	}
}

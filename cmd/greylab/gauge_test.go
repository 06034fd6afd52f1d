package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"greylock/cmd/internal/cli"
	"greylock/system/wire/tls350"
)

// TestEmulateGauge: any program opens the port and asks; pumps, trucks and probes move at a word.
func TestEmulateGauge(t *testing.T) {
	t.Parallel()
	d := emulate(t, "gauge", "--tanks", "2", "--seed", "3")
	d.says(gaugeName)
	f := d.open(gaugeName)
	ask := func(request string) tls350.Answer {
		t.Helper()
		_, err := f.WriteString("\x01" + request)
		if err == nil {
			err = f.SetReadDeadline(time.Now().Add(60 * time.Second))
		}
		var dec tls350.Decoder
		var a tls350.Answer
		b, done := make([]byte, 64), false
		for err == nil && !done {
			var n int
			if n, err = f.Read(b); err == nil {
				dec.Decode(b[:n], func(frame []byte) { a, err = tls350.Parse(frame); done = true })
			}
		}
		if err != nil {
			t.Fatalf("%s: %v", request, err)
		}
		return a
	}
	first := ask("i20102").(*tls350.Inventory).Tanks[0].Volume
	d.hand("draw 2 500", "draw 2 500")
	if moved := first - ask("i20102").(*tls350.Inventory).Tanks[0].Volume - 50000; moved > 500 || moved < -500 {
		t.Errorf("500 L drawn, the level says %v more", moved)
	}
	for _, line := range []string{"truck 1 1000", "leak 1 5", "wet 1 60", "warm 1 25", "probe 2 out", "way slow", "way normal", "cut", "join", "noise 0", "off", "on"} {
		d.hand(line, line)
	}
	for _, a := range ask("i20500").(*tls350.Status).Tanks {
		want := tls350.HighWater
		if a.Tank == 2 {
			want = tls350.ProbeOut
		}
		if len(a.Alarms) != 1 || a.Alarms[0] != want {
			t.Errorf("%+v", a)
		}
	}
	for _, line := range []string{"draw 9 1", "draw x 1", "draw 1 x", "probe 1 well", "way out", "noise 2000", "jump 1 1", "jump", "a b c d"} {
		if _, err := fmt.Fprintln(d.typed, line); err != nil {
			t.Fatal(err)
		}
		if !d.errs.Scan() || !strings.Contains(d.errs.Text(), "(") {
			t.Errorf("%s: %q", line, d.errs.Text())
		}
	}
	if code := d.stop(); code != cli.OK {
		t.Errorf("exit %d", code)
	}
	if _, err := os.OpenFile(filepath.Join(d.dir, gaugeName), os.O_RDWR|syscall.O_NOCTTY, 0); err == nil {
		t.Error("the name stays")
	}
}

func TestEmulateGaugeRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range [][]string{{"--tanks", "17"}, {"--dir", ""}, {"--baud", "1"}} {
		var stderr strings.Builder
		lb := &lab{Options: cli.Options{Streams: cli.Streams{In: strings.NewReader(""), Out: io.Discard, Err: &stderr}}}
		args := append([]string{"emulate", "gauge", "--dir", t.TempDir()}, c...)
		if code := cli.Run(t.Context(), lb.root(), &lb.Options, args); code != cli.Usage || !strings.Contains(stderr.String(), c[0]) {
			t.Errorf("%v: exit %d: %s", c, code, stderr.String())
		}
	}
}

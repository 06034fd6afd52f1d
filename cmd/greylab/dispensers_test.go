package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"greylock/cmd/internal/cli"
	"greylock/system/wire/fa"
	"greylock/system/wire/lf"
)

// dispensers is `emulate dispenser` while it runs.
type dispensers struct {
	t     *testing.T
	dir   string
	typed *io.PipeWriter
	lines *bufio.Scanner
	errs  *bufio.Scanner
	stop  func() cli.Exit
}

func emulateDispensers(t *testing.T, args ...string) *dispensers {
	t.Helper()
	return emulate(t, "dispenser", append([]string{"--boot", "1ms"}, args...)...)
}

// emulate runs boards behind ports until stop.
func emulate(t *testing.T, what string, args ...string) *dispensers {
	t.Helper()
	d := &dispensers{t: t, dir: t.TempDir()}
	in, typed := io.Pipe()
	out, said := io.Pipe()
	wrong, complained := io.Pipe()
	lb := &lab{Options: cli.Options{Streams: cli.Streams{In: in, Out: said, Err: complained}}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan cli.Exit, 1)
	go func() {
		code := cli.Run(ctx, lb.root(), &lb.Options, append([]string{"emulate", what, "--dir", d.dir, "--baud", "115200"}, args...))
		_ = said.Close()
		_ = complained.Close()
		ended <- code
	}()
	d.typed, d.lines, d.errs = typed, bufio.NewScanner(out), bufio.NewScanner(wrong)
	d.stop = func() cli.Exit {
		cancel()
		_ = typed.Close()
		for d.lines.Scan() { // what is still said
		}
		return <-ended
	}
	return d
}

// says wants a line with those words next; other lines may come before it.
func (d *dispensers) says(words string) {
	d.t.Helper()
	for d.lines.Scan() {
		if strings.Contains(d.lines.Text(), words) {
			return
		}
	}
	d.t.Fatalf("never said: %s", words)
}

func (d *dispensers) hand(line, answer string) {
	d.t.Helper()
	if _, err := fmt.Fprintln(d.typed, line); err != nil {
		d.t.Fatal(err)
	}
	d.says(answer)
}

func (d *dispensers) open(port string) *os.File {
	d.t.Helper()
	f, err := os.OpenFile(filepath.Join(d.dir, port), os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = f.Close() })
	return f
}

// TestEmulatePlainDispensers: any program opens a port and asks; hands, power and cable move at a word.
func TestEmulatePlainDispensers(t *testing.T) {
	t.Parallel()
	d := emulateDispensers(t, "--protocol", "lf", "--ports", "2", "--nozzles", "2", "--price", "8.11")
	d.says("port01")
	d.says("port02")
	f := d.open("port02")
	ask := func(n byte, c lf.Command, wait time.Duration) (lf.Frame, error) {
		t.Helper()
		req, err := lf.Request{Nozzle: n, Command: c}.Frame()
		if err != nil {
			t.Fatal(err)
		}
		var reply lf.Frame
		for begin := time.Now(); ; { // again each second, as a master does: a board that starts or was interrupted drops a frame
			if err = f.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, f) // what came late
			if _, err = f.Write(req[:]); err == nil {
				err = f.SetReadDeadline(time.Now().Add(min(wait, time.Second)))
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err = io.ReadFull(f, reply[:]); err == nil || time.Since(begin) >= wait {
				return reply, err
			}
		}
	}
	const wait = 60 * time.Second
	reply, err := ask(2, lf.Query, wait)
	if s, bad := lf.ParseStatus(reply); err != nil || bad != nil || s != (lf.Status{Nozzle: 2, Price: 811, State: 1}) {
		t.Fatalf("%X: %v %v", reply, err, bad)
	}
	d.hand("lift 2.2", "2.2 stage: 提枪 (lifted)")
	if reply, err = ask(2, lf.Query, wait); err != nil || reply[10] != 0x81 {
		t.Errorf("lifted: %X %v", reply, err)
	}
	d.hand("squeeze 2.2 900", "squeeze 2.2 900")
	d.hand("hang 2.2", "hang 2.2")
	d.hand("cut 2", "cut 2")
	if reply, err = ask(1, lf.Query, 100*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("over a cut cable: %X %v", reply, err)
	}
	d.hand("join 2", "join 2")
	d.hand("noise 2 0", "noise 2 0")
	d.hand("off 2", "off 2")
	for _, line := range []string{"lift 2", "lift 3", "lift 1.3", "lift 1.x", "insert 1", "keys 1.3 50Y", "noise 1 2000", "jump 1", "lift", "a b c d"} {
		if _, err := fmt.Fprintln(d.typed, line); err != nil {
			t.Fatal(err)
		}
		if !d.errs.Scan() || !strings.Contains(d.errs.Text(), "(") {
			t.Errorf("%s: %q", line, d.errs.Text())
		}
	}
	d.hand("on 2", "on 2")
	if reply, err = ask(1, lf.Query, wait); err != nil || reply[10] != 0x01 {
		t.Errorf("power is back: %X %v", reply, err)
	}
	if code := d.stop(); code != cli.OK {
		t.Errorf("exit %d", code)
	}
	if _, err := os.Lstat(filepath.Join(d.dir, "port01")); !os.IsNotExist(err) {
		t.Errorf("the name stays: %v", err)
	}
}

// TestEmulateCardDispensers: the board polls by itself, with a PSAM and a card behind its slots.
func TestEmulateCardDispensers(t *testing.T) {
	t.Parallel()
	image := filepath.Join(t.TempDir(), "psam.img")
	lb := &lab{Options: cli.Options{Streams: cli.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}}}
	if code := cli.Run(t.Context(), lb.root(), &lb.Options, []string{"card", "new", image, "--kind", "psam", "--asn", "01001014400000000001"}); code != cli.OK {
		t.Fatalf("PSAM: exit %d", code)
	}
	d := emulateDispensers(t, "--protocol", "fa", "--ports", "1", "--psam", image, "--card", blankImage(t))
	d.says("port01")
	f := d.open("port01")
	if err := f.SetReadDeadline(time.Now().Add(60 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var dec fa.Decoder
	b, polled := make([]byte, 64), false
	for !polled {
		n, err := f.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		dec.Decode(b[:n], func(f fa.Frame) { polled = polled || f.Word() == fa.WordPoll })
	}
	d.hand("insert 1", "refused") // a blank card is none of ours
	d.hand("pull 1", "pull 1")
	d.hand("keys 1 50Y", "keys 1 50Y")
	d.hand("lift 1", "lift 1")
	if code := d.stop(); code != cli.OK {
		t.Errorf("exit %d", code)
	}
}

func TestEmulateDispensersRefuses(t *testing.T) {
	t.Parallel()
	card := blankImage(t)
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--protocol", "x"}, "--protocol"},
		{[]string{"--dir", ""}, "--dir"},
		{[]string{"--ports", "0"}, "--ports"},
		{[]string{"--ports", "65"}, "--ports"},
		{[]string{"--nozzles", "17"}, "--nozzles"},
		{[]string{"--protocol", "fa", "--nozzles", "2"}, "--nozzles"},
		{[]string{"--baud", "7"}, "--baud"},
		{[]string{"--boot", "2m"}, "--boot"},
		{[]string{"--price", "100"}, "--price"},
		{[]string{"--card", card}, "--card"},
		{[]string{"--protocol", "fa", "--autoplay"}, "--autoplay"},
		{[]string{"--protocol", "fa", "--ports", "1", "--card", card, "--card", card}, "--card"},
		{[]string{"--protocol", "fa", "--card", card, "--psam", card}, card},
		{[]string{"--protocol", "fa", "--products", "12"}, "--products"},
	} {
		var stderr strings.Builder
		lb := &lab{Options: cli.Options{Streams: cli.Streams{In: strings.NewReader(""), Out: io.Discard, Err: &stderr}}}
		args := append([]string{"emulate", "dispenser", "--dir", t.TempDir()}, c.args...)
		if code := cli.Run(t.Context(), lb.root(), &lb.Options, args); code != cli.Usage || !strings.Contains(stderr.String(), c.says) {
			t.Errorf("%v: exit %d: %s", c.args, code, stderr.String())
		}
	}
}

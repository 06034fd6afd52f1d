package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"greylock/cmd/internal/cli"
	"greylock/system/wire/lf"
)

// TestTapeAsADispenser: a tape of the specification's frames answers any program that opens the port, and stops where that
// program does something else. Source of the frames: dispenser.md 2.6.
func TestTapeAsADispenser(t *testing.T) {
	t.Parallel()
	const text = `{"tape":1,"port":"p","baud":9600,"parity":"none","protocol":"lf","masked":false}
{"t_us":0,"d":">","hex":"0100B8000000000000000048"}
{"t_us":20000,"d":"<","hex":"010007850000000000004133"}
{"t_us":120000,"d":">","hex":"0100A202000000000000005C"}
{"t_us":140000,"d":"<","hex":"0100A202000000000000005C"}
`
	path := filepath.Join(t.TempDir(), "lf.tape")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		then lf.Request
		code cli.Exit
		want string
	}{
		{lf.Request{Nozzle: 1, Command: lf.FuelCash, Value: 20000}, cli.OK, "4 / 4"},
		{lf.Request{Nozzle: 1, Command: lf.FuelCash, Value: 20001}, cli.Failed, "lf.tape:4: "},
	} {
		dir := t.TempDir()
		out, said := io.Pipe()
		var errs strings.Builder
		lb := &lab{Options: cli.Options{Streams: cli.Streams{Out: said, Err: &errs}}}
		ctx, cancel := context.WithTimeout(t.Context(), 120*time.Second)
		defer cancel()
		ended := make(chan cli.Exit, 1)
		go func() {
			code := cli.Run(ctx, lb.root(), &lb.Options, []string{"line", "replay", path, "--dir", dir, "--match", "strict"})
			_ = said.Close()
			ended <- code
		}()
		lines := bufio.NewScanner(out)
		if !lines.Scan() || !strings.Contains(lines.Text(), "port01") {
			t.Fatal(lines.Text())
		}
		f, err := os.OpenFile(filepath.Join(dir, "port01"), os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for i, r := range []lf.Request{{Nozzle: 1, Command: lf.Query}, c.then} {
			req, err := r.Frame()
			if err == nil {
				_, err = f.Write(req[:])
			}
			if err != nil {
				t.Fatal(err)
			}
			var reply lf.Frame
			if i == 0 || c.code == cli.OK {
				if _, err := io.ReadFull(f, reply[:]); err != nil || !reply.Good() {
					t.Fatalf("%X %v", reply, err)
				}
			}
		}
		var rest []string
		for lines.Scan() {
			rest = append(rest, lines.Text())
		}
		if code := <-ended; code != c.code || !strings.Contains(strings.Join(rest, "\n")+errs.String(), c.want) {
			t.Errorf("exit %d: %q %s", code, rest, errs.String())
		}
	}
	lb := &lab{Options: cli.Options{Streams: cli.Streams{Out: io.Discard, Err: io.Discard}}}
	if code := cli.Run(t.Context(), lb.root(), &lb.Options, []string{"line", "replay", path}); code != cli.Usage {
		t.Errorf("without --dir: exit %d", code)
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"greylock/cmd/internal/cli"
	"greylock/emulators/conform/lines"
	"greylock/emulators/dispenser"
	"greylock/emulators/hub"
	"greylock/system/clock"
	"greylock/system/wire/lf"
)

// Both sides of both lines are as specified, in virtual time, and the report says how much was asked.
func TestConformLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		suite, protocol string
		least, lacks    int
	}{{"dispenser", "lf", 42, 0}, {"dispenser", "fa", 44, 0}, {"station", "lf", 27, 0}, {"station", "fa", 22, 3}} {
		code, out, stderr := call(t, "conform", c.suite, "--protocol", c.protocol, "--json")
		var r shownLines
		if err := json.Unmarshal([]byte(out), &r); err != nil || code != cli.OK {
			t.Errorf("%s %s: exit %d, %v\n%s%s", c.suite, c.protocol, code, err, out, stderr)
		}
		if r.Suite != c.suite || r.Protocol != c.protocol || r.Passed < c.least || r.Failed != 0 || r.NotRun != c.lacks || len(r.Results) != r.Cases {
			t.Errorf("%s %s: %d passed, %d failed, %d not run of %d", c.suite, c.protocol, r.Passed, r.Failed, r.NotRun, r.Cases)
		}
		names := map[string]bool{}
		for _, x := range r.Results {
			if names[x.Name] || x.Source == "" || x.Zh == "" || x.En == "" {
				t.Errorf("%+v: twice, or without words or source", x)
			}
			names[x.Name] = true
		}
	}
	if code, out, _ := call(t, "conform", "dispenser"); code != cli.OK || !strings.Contains(out, "lf-no-sliding") || !strings.Contains(out, "不符 (failed) 0") {
		t.Errorf("exit %d\n%s", code, out)
	}
	for _, args := range [][]string{{"dispenser", "--protocol", "xx"}, {"station", "--baud", "1"}, {"dispenser", "--nozzle", "99"}} {
		if code, _, stderr := call(t, append([]string{"conform"}, args...)...); code != cli.Usage {
			t.Errorf("%v: exit %d\n%s", args, code, stderr)
		}
	}
	none := filepath.Join(t.TempDir(), "none")
	if code, _, stderr := call(t, "conform", "dispenser", "--port", none, "--locks", filepath.Dir(none)); code != cli.Device || !strings.Contains(stderr, "没有这个串口") {
		t.Errorf("exit %d\n%s", code, stderr)
	}
}

// bent is a peer whose bytes are changed on the way, either way; nil loses them.
type bent struct {
	lines.Peer
	in, out func([]byte) []byte
}

// Receive implements lines.Peer.
func (b bent) Receive(now clock.Instant, data []byte) {
	if b.in != nil {
		data = b.in(bytes.Clone(data))
	}
	if len(data) > 0 {
		b.Peer.Receive(now, data)
	}
}

// Take implements lines.Peer.
func (b bent) Take() (send [][]byte, due clock.Instant) {
	all, due := b.Peer.Take()
	for _, s := range all {
		if b.out != nil {
			s = b.out(bytes.Clone(s))
		}
		if len(s) > 0 {
			send = append(send, s)
		}
	}
	return send, due
}

func failures(r lines.Report) (names []string) {
	for _, c := range r.Results {
		if c.Error != "" {
			names = append(names, c.Name)
		}
	}
	return names
}

// has checks that a planted violation is found by the case that is there for it.
func has(t *testing.T, what string, r lines.Report, names ...string) {
	t.Helper()
	got := failures(r)
	for _, n := range names {
		if !slices.Contains(got, n) {
			t.Errorf("%s: %s did not fail; failed: %v", what, n, got)
		}
	}
}

// The LF suite finds boards that are not as specified.
func TestConformFindsBadPlainBoards(t *testing.T) {
	t.Parallel()
	check := func(h dispenser.Habits, in, out func([]byte) []byte) lines.Report {
		return lines.CheckLFDispenser(lines.LFOptions{}, func() (lines.Dispenser, error) {
			r := &rig{make: func() (hub.Device, error) {
				return dispenser.NewPlain(dispenser.PlainConfig{Nozzles: []dispenser.PlainNozzle{{Number: 1, Price: 785}}, Habits: h}, &dispenser.Memory{})
			}}
			return lines.Dispenser{Wire: lines.NewVirtual(1, bent{r, in, out})}, r.power(1, true)
		})
	}
	summed := func(b []byte) []byte {
		if len(b) == lf.Size {
			b[11] = lf.Frame(b).Sum()
		}
		return b
	}
	of := func(command byte, do func(b []byte) []byte) func([]byte) []byte {
		return func(b []byte) []byte {
			if len(b) == lf.Size && b[2] == command {
				return do(b)
			}
			return b
		}
	}
	has(t, "slow", check(dispenser.Habits{Delay: 400 * time.Millisecond}, nil, nil), "lf-in-time", "lf-unasked")
	has(t, "silent A2", check(dispenser.Habits{Silent: []lf.Command{lf.FuelCash}}, nil, nil), "lf-arm", "lf-preset-pulse")
	has(t, "looped", check(dispenser.Habits{Echo: true}, nil, nil), "lf-twelve")
	has(t, "wrong nozzle", check(dispenser.Habits{WrongNozzle: true}, nil, nil), "lf-in-time")
	has(t, "takes any sum", check(dispenser.Habits{}, summed, nil), "lf-wrong-sum", "lf-sum-span", "lf-damage-does-nothing")
	has(t, "answers for all nozzles", check(dispenser.Habits{}, func(b []byte) []byte { b[0] = 1; return b }, nil), "lf-other-nozzle")
	has(t, "does not control", check(dispenser.Habits{}, of(0xB0, func(b []byte) []byte { b[2] = 0xA0; return summed(b) }), nil), "lf-control", "lf-stand-alone")
	has(t, "no such total", check(dispenser.Habits{}, nil, of(0xAD, func(b []byte) []byte { b[3] = 1; return summed(b) })), "lf-totals")
	has(t, "keeps shift sums", check(dispenser.Habits{}, nil, of(0xA9, func(b []byte) []byte { b[6] = 1; return summed(b) })), "lf-shift")
	has(t, "another price", check(dispenser.Habits{}, nil, of(0x50, func(b []byte) []byte { b[3]++; return summed(b) })), "lf-price")
}

// The FA suite finds boards that are not as specified.
func TestConformFindsBadCardBoards(t *testing.T) {
	t.Parallel()
	check := func(c dispenser.Config, in, out func([]byte) []byte) lines.Report {
		return lines.CheckFADispenser(lines.Pick{}, func() (lines.Dispenser, error) {
			r := &rig{make: func() (hub.Device, error) { return dispenser.New(c, &dispenser.Memory{}), nil }}
			now := clock.At(2026, 11, 22, 17, 0, 0)
			return lines.Dispenser{Wire: lines.NewVirtual(now, bent{r, in, out})}, r.power(now, true)
		})
	}
	single := func(b []byte) []byte {
		return append(b[:1:1], bytes.ReplaceAll(b[1:], []byte{0xFA, 0xFA}, []byte{0xFA})...)
	}
	word := func(w byte, do func(b []byte) []byte) func([]byte) []byte {
		return func(b []byte) []byte {
			if len(b) > 6 && b[6] == w {
				return do(b)
			}
			return b
		}
	}
	lost := func([]byte) []byte { return nil }
	has(t, "does not double FA", check(dispenser.Config{}, nil, single), "fa-escape", "fa-escape-answer")
	has(t, "hears FA once", check(dispenser.Config{}, single, nil), "fa-escape", "fa-escape-crc")
	has(t, "slow", check(dispenser.Config{Poll: 3 * time.Second}, nil, nil), "fa-cadence")
	has(t, "no 3F", check(dispenser.Config{}, nil, word(0x3F, lost)), "fa-no-record")
	has(t, "no number", check(dispenser.Config{}, nil, word(0x38, func(b []byte) []byte { b[3] ^= 1; return b })), "fa-totals")
	has(t, "never downloads", check(dispenser.Config{}, word(0x33, lost), nil), "fa-download-lists", "fa-priority", "fa-download-asks")
	has(t, "deaf to 3A", check(dispenser.Config{}, word(0x3A, lost), nil), "fa-info", "fa-clock")
}

// The suites of the station find drivers that are not as specified.
func TestConformFindsBadStations(t *testing.T) {
	t.Parallel()
	check := func(protocol string, in, out func([]byte) []byte) lines.Report {
		o := lines.StationOptions{Answer: 200 * time.Millisecond, Pick: lines.Pick{Have: lines.Orders}}
		return map[string]func(lines.StationOptions, func() (lines.Station, error)) lines.Report{"lf": lines.CheckLFStation, "fa": lines.CheckFAStation}[protocol](o, func() (lines.Station, error) {
			return driven(protocol, 1, func(p lines.Peer) lines.Peer { return bent{p, in, out} })
		})
	}
	repaired := func(b []byte) []byte {
		if len(b) == lf.Size {
			b[11] = lf.Frame(b).Sum()
		}
		return b
	}
	of := func(at int, word byte, do func([]byte) []byte) func([]byte) []byte {
		return func(b []byte) []byte {
			if len(b) > at && b[at] == word {
				return do(b)
			}
			return b
		}
	}
	lost := func([]byte) []byte { return nil }
	twice := func(b []byte) []byte { return append(b, b...) }
	has(t, "takes any sum", check("lf", repaired, nil), "ls-bad-sum")
	has(t, "takes any nozzle", check("lf", func(b []byte) []byte { b[0] = 1; return b }, nil), "ls-other-nozzle")
	has(t, "never controls", check("lf", nil, of(2, 0xA0, lost)), "ls-greet", "ls-control")
	has(t, "never stops", check("lf", nil, of(2, 0xB1, lost)), "ls-unauthorised", "lo-stop")
	has(t, "no totals", check("lf", nil, of(2, 0xAD, lost)), "ls-totals-twice")
	has(t, "sells by itself", check("lf", nil, of(2, 0xAC, func(b []byte) []byte { b[2] = 0xA1; return repaired(b) })), "ls-greet")
	has(t, "does not wait", check("lf", nil, of(2, 0xB8, twice)), "ls-silent")
	has(t, "does not answer polls with 17 bytes", check("fa", nil, of(6, 0x30, lost)), "fs-poll")
	has(t, "acknowledges twice", check("fa", nil, of(6, 0x32, twice)), "fs-record")
	has(t, "answers live states", check("fa", of(6, 0x31, func(b []byte) []byte { return []byte{0xFA, 0xE0, 0x01, 0x00, 0x00, 0x01, 0x30, 0x24, 0x2A} }), nil), "fs-live")
	has(t, "no 3C", check("fa", nil, of(6, 0x3C, lost)), "fs-fault")
}

// TestConformStationEnds: without a station the command gives up at the end of its wait, and ends at once when it is told to.
func TestConformStationEnds(t *testing.T) {
	t.Parallel()
	port := filepath.Join(t.TempDir(), "port01")
	text, code := labSays(t, "conform", "station", "--protocol", "fa", "--port", port, "--wait", "50ms")
	if code != cli.Device || !strings.Contains(text, "E443") || !strings.Contains(text, "--wait") {
		t.Errorf("nobody came: exit %d: %s", code, text)
	}
	for _, protocol := range []string{"fa", "lf"} {
		var said strings.Builder
		lb := &lab{Options: cli.Options{Streams: cli.Streams{In: strings.NewReader(""), Out: &said, Err: &said}}}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if code := cli.Run(ctx, lb.root(), &lb.Options, []string{"conform", "station", "--protocol", protocol, "--port", port, "--wait", "1h"}); code != cli.Interrupted {
			t.Errorf("%s, interrupted: exit %d: %s", protocol, code, said.String())
		}
		if _, err := os.Lstat(port); err == nil {
			t.Errorf("%s: the name stays", protocol)
		}
	}
}

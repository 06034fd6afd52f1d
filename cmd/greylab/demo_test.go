package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greylock/cmd/internal/cli"
	"greylock/system/journal"
)

// command runs greylab with these words.
func command(ctx context.Context, words ...string) (exit cli.Exit, out, errs string) {
	var o, e bytes.Buffer
	l := &lab{Options: cli.Options{Streams: cli.Streams{In: strings.NewReader(""), Out: &o, Err: &e}}}
	exit = cli.Run(ctx, l.root(), &l.Options, words)
	return exit, o.String(), e.String()
}

// last is the outcome in the last line of a headless run.
func last(t *testing.T, words ...string) outcome {
	t.Helper()
	exit, out, errs := command(t.Context(), append([]string{"demo", "--headless", "--json"}, words...)...)
	if exit != cli.OK {
		t.Fatalf("%v: exit %d: %s", words, exit, errs)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	d := json.NewDecoder(strings.NewReader(lines[len(lines)-1]))
	d.DisallowUnknownFields()
	var o outcome
	if err := d.Decode(&o); err != nil {
		t.Fatal(err)
	}
	return o
}

// The first sale without a page, told as one object; the same seed is the same run, another seed another; the journals stay.
func TestHeadless(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "books")
	o := last(t, "--out", dir)
	if o.Amount != 20000 || o.Quantity != 2401 || o.Unit != "L" || o.Before != 50000 || o.After != 30000 || !o.TACOK || !o.Posted || o.Sales != 1 {
		t.Errorf("%+v", o)
	}
	if len(o.ASN) != 20 || len(o.TID) != 12 || o.TTC == 0 || len(o.TAC) != 8 || len(o.TraceHash) != 64 || o.Events == 0 || o.Seed != 1 || o.Time == "" || o.Dir != dir {
		t.Errorf("%+v", o)
	}
	if sm4 := last(t, "--profile", "dahua-sm4"); sm4.After != o.After || !sm4.TACOK || !sm4.Posted || sm4.TAC == o.TAC {
		t.Errorf("other cards: %+v", sm4)
	}
	looked := 0
	for _, c := range o.Checkers {
		looked += c.Evaluations
		if c.Violation != "" {
			t.Errorf("%+v", c)
		}
	}
	if looked < 100 {
		t.Errorf("%d evaluations", looked)
	}
	if again := last(t, "--out", filepath.Join(t.TempDir(), "again")); again.TraceHash != o.TraceHash || again.Events != o.Events {
		t.Errorf("the same seed twice: %s %s", o.TraceHash, again.TraceHash)
	}
	if other := last(t, "--seed", "2"); other.TraceHash == o.TraceHash || other.Amount != o.Amount || other.Seed != 2 {
		t.Errorf("another seed: %+v", other)
	}
	sites := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || path == dir {
			return err
		}
		sites++
		r, err := journal.Verify(journal.OS(path))
		if err == nil && (r.Records == 0 || !r.OK()) {
			t.Errorf("%s: %+v", path, r)
		}
		return err
	})
	if err != nil || sites != 4 {
		t.Errorf("%d journals: %v", sites, err)
	}
	if exit, _, errs := command(t.Context(), "demo", "--headless", "--out", dir); exit != cli.Usage || !strings.Contains(errs, "目录不空") {
		t.Errorf("twice into one directory: %d %s", exit, errs)
	}
	if exit, out, _ := command(t.Context(), "demo", "--headless"); exit != cli.OK || !strings.Contains(out, "教学模式 · 模拟密钥 · 不作凭证") || !strings.Contains(out, o.TraceHash) {
		t.Errorf("for people: %d %s", exit, out)
	}
}

// What is wrong is said in both languages, with what to do next and the exit code that the README names.
func TestDemoRefusals(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("name: x\nnozzles: 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		words string
		exit  cli.Exit
		says  string
	}{
		{"--profile visa", cli.Usage, "dahua-sm4"},
		{"--headless --profile visa", cli.Usage, "dahua-sm4"},
		{"--scenario nowhere", cli.Usage, "first-sale, forecourt"},
		{"--scenario nowhere.yaml", cli.Config, "no such file"},
		{"--scenario " + broken, cli.Config, "nozzles"},
		{"--headless --scenario forecourt", cli.Usage, "nobody visits"},
		{"--speed 7", cli.Usage, "0.1, 1, 10, 60"},
		{"--speed 7 --headless", cli.Usage, "0.1, 1, 10, 60"},
		{"--lines usb", cli.Usage, "mem or pty"},
		{"--lines pty --speed max", cli.Usage, "real time"},
		{"--autoplay robots", cli.Usage, "customers or off"},
		{"--addr 8080", cli.Usage, "host:port"},
		{"--addr " + taken.Addr().String(), cli.Device, "in use"},
		{"--for -1s", cli.Usage, "more than 0"},
		{"--for soon", cli.Usage, "invalid"},
		{"--out " + t.TempDir(), cli.Usage, "only with --headless"},
		{"--headless --out /dev/null/x", cli.Usage, "can not be made"},
		{"--sped 1", cli.Usage, "unknown flag"},
		{"now", cli.Usage, "unknown command"},
	} {
		exit, out, errs := command(t.Context(), append([]string{"demo"}, strings.Fields(c.words)...)...)
		if exit != c.exit || !strings.Contains(errs, c.says) || !strings.Contains(errs, "下一步") || out != "" {
			t.Errorf("demo %s: exit %d, want %d: %s%s", c.words, exit, c.exit, out, errs)
		}
	}
}

// The page is announced within two seconds, is there, and ends when its time is over or when it is told to.
func TestDemoPage(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 1)
	ctx, cancel := context.WithCancel(t.Context())
	l := &lab{Options: cli.Options{Streams: cli.Streams{In: strings.NewReader(""), Out: says(func(b []byte) { seen <- string(b) }), Err: os.Stderr}}}
	ended := make(chan cli.Exit, 1)
	go func() { ended <- cli.Run(ctx, l.root(), &l.Options, []string{"demo", "--json"}) }()
	var first struct {
		URL string `json:"url"`
	}
	if err := json.Unmarshal([]byte(<-seen), &first); err != nil {
		t.Fatal(err)
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, first.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	cancel()
	if exit := <-ended; exit != cli.OK || answer.StatusCode != http.StatusOK {
		t.Errorf("exit %d, page %d", exit, answer.StatusCode)
	}
	if exit, out, errs := command(t.Context(), "demo", "--for", "50ms"); exit != cli.OK || !strings.Contains(out, "http://127.0.0.1:") || errs != "" {
		t.Errorf("--for: exit %d: %s%s", exit, out, errs)
	}
}

// says hands every write on.
type says func([]byte)

func (s says) Write(b []byte) (int, error) {
	s(b)
	return len(b), nil
}

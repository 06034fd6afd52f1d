package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"greylock/cmd/internal/cli"
	"greylock/system/card"
)

// patience bounds every wait for a real process; each ends as soon as what it waits for is there.
const patience = 90 * time.Second

// buildDir is where the program of the tests is built; TestMain removes it.
var buildDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "greylock-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	buildDir = dir
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// forks keeps commands in this process and new processes apart: a child holds, until it has become another program, every
// file that is open here, a journal's lock too.
var forks sync.RWMutex

func begin(cmd *exec.Cmd) error {
	forks.Lock()
	defer forks.Unlock()
	return cmd.Start()
}

// built is the program as people run it.
var built = sync.OnceValues(func() (string, error) {
	path := filepath.Join(buildDir, "greylock")
	forks.Lock()
	defer forks.Unlock()
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", path, ".").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, err
})

// result is what a command did.
type result struct {
	code     cli.Exit
	out, err string
}

// environ is the environment without settings of ours, in Chinese unless a test says otherwise.
func environ(more ...string) (env []string) {
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "GREYLOCK_") && !strings.HasPrefix(kv, "LANG=") && !strings.HasPrefix(kv, "USER=") {
			env = append(env, kv)
		}
	}
	return append(env, append([]string{"LANG=zh_CN.UTF-8", "USER=王经理"}, more...)...)
}

// run runs the built program to its end.
func run(t *testing.T, env []string, in string, args ...string) result {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	var out, stderr bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = environ(env...), strings.NewReader(in), &out, &stderr
	if err = begin(cmd); err == nil {
		err = cmd.Wait()
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("greylock %s: %v", strings.Join(args, " "), err)
	}
	return checked(t, args, result{cli.Exit(cmd.ProcessState.ExitCode()), out.String(), stderr.String()})
}

// slots are card readers for commands in this process: one reader, one card on it.
type slots struct{ slot card.Slot }

type onReader struct{ card.Slot }

func (onReader) Close() error { return nil }

// call runs a command in this process: the same code as main, without the cost of a process.
func (s slots) call(t *testing.T, in string, args ...string) result {
	t.Helper()
	var out, stderr bytes.Buffer
	e := &env{Options: cli.Options{Streams: cli.Streams{In: strings.NewReader(in), Out: &out, Err: &stderr}},
		readers: func() ([]string, error) { return []string{"读写器 1"}, nil },
		open:    func(string) (reader, error) { return onReader{s.slot}, nil },
		random:  rand.Reader,
		machine: filepath.Join(buildDir, "no-machine"), // its ports are nobody's business
	}
	if s.slot == nil {
		e.open = func(string) (reader, error) { return nil, card.ErrReader }
	}
	forks.RLock()
	code := cli.Run(t.Context(), e.root(), &e.Options, args)
	forks.RUnlock()
	return checked(t, args, result{code, out.String(), stderr.String()})
}

// call is for commands that need no card.
func call(t *testing.T, args ...string) result {
	t.Helper()
	return slots{}.call(t, "", args...)
}

// checked holds what is true of every command: no panic, and a failure says what, and what to do next, in both languages.
func checked(t *testing.T, args []string, r result) result {
	t.Helper()
	if strings.Contains(r.out+r.err, "panic:") || strings.Contains(r.err, "goroutine ") {
		t.Errorf("greylock %s panics:\n%s", strings.Join(args, " "), r.err)
	}
	if r.code == cli.OK {
		return r
	}
	if e, ok := jsonError(r.err); ok {
		if e.Code == "" || e.Zh == "" || e.En == "" || e.NextZh == "" || e.NextEn == "" || e.Exit != r.code {
			t.Errorf("greylock %s: error without a part: %s", strings.Join(args, " "), r.err)
		}
		return r
	}
	if !strings.Contains(r.err, "下一步: ") || !strings.Contains(r.err, "(next: ") {
		t.Errorf("greylock %s: exit %d without a next step:\n%s", strings.Join(args, " "), r.code, r.err)
	}
	return r
}

func jsonError(text string) (e cli.Error, ok bool) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return e, json.Unmarshal([]byte(lines[len(lines)-1]), &e) == nil
}

// want fails unless the exit code is code and everything printed contains each of the words.
func (r result) want(t *testing.T, code cli.Exit, words ...string) result {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit %d, want %d:\n%s%s", r.code, code, r.out, r.err)
	}
	for _, w := range words {
		if !strings.Contains(r.out+r.err, w) {
			t.Fatalf("%q is not in:\n%s%s", w, r.out, r.err)
		}
	}
	return r
}

// into reads a command's JSON.
func into[A any](t *testing.T, r result) (a A) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.want(t, cli.OK).out), &a); err != nil {
		t.Fatalf("%v in:\n%s", err, r.out)
	}
	return a
}

// process is the built program while it runs.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	done chan struct{}

	mu   sync.Mutex
	text []byte
	more chan struct{} // something was said
}

// launch starts the program with nobody at its input; the test's end kills it.
func launch(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = in.Close(), out.Close() })
	return launchOn(t, in, env, args...)
}

// launchOn starts the program with an input of its own.
func launchOn(t *testing.T, in *os.File, env []string, args ...string) *process {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(path, args...), done: make(chan struct{}), more: make(chan struct{}, 1)}
	p.cmd.Env, p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = environ(env...), in, p, p
	if err := begin(p.cmd); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // its state tells
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.done
		if strings.Contains(p.said(), "panic:") {
			t.Errorf("greylock %s panics:\n%s", strings.Join(args, " "), p.said())
		}
	})
	return p
}

// Write takes what the program says.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	p.text = append(p.text, b...)
	p.mu.Unlock()
	select {
	case p.more <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(p.text)
}

// says waits until the program has said all the words in one line, and returns that line.
func (p *process) says(words ...string) string {
	p.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for ended := false; ; {
	lines:
		for line := range strings.Lines(p.said()) {
			for _, w := range words {
				if !strings.Contains(line, w) {
					continue lines
				}
			}
			return line
		}
		if ended {
			p.t.Fatalf("it ended without saying %q:\n%s", words, p.said())
		}
		select {
		case <-p.more:
		case <-p.done:
			ended = true
		case <-limit.C:
			p.t.Fatalf("it does not say %q:\n%s", words, p.said())
		}
	}
}

// door is where the program listens, as its log tells.
func (p *process) door(name string) string {
	p.t.Helper()
	var l struct{ Address string }
	line := p.says(`"door":"` + name + `"`)
	if err := json.Unmarshal([]byte(line), &l); err != nil || l.Address == "" {
		p.t.Fatalf("%v in %s", err, line)
	}
	return l.Address
}

// signal sends a signal and waits for the end.
func (p *process) signal(s syscall.Signal) cli.Exit {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	return p.ended()
}

func (p *process) ended() cli.Exit {
	p.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case <-p.done:
	case <-limit.C:
		p.t.Fatalf("it does not end:\n%s", p.said())
	}
	return cli.Exit(p.cmd.ProcessState.ExitCode())
}

// eventually waits until cond holds; it is for what a process does by itself and does not say.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for !cond() {
		select {
		case <-look.C:
		case <-limit.C:
			t.Fatalf("in vain: %s", what)
		}
	}
}

// file writes a file for its owner alone.
func file(t *testing.T, path, text string) string {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	return path
}

// flip turns one bit of a file.
func flip(t *testing.T, path string, at int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[at] ^= 0x10
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"

	"greylock/system/app"
)

// stationVariable names the configuration that a copy of this program runs as a station's program.
const stationVariable = "GREYLAB_STATION"

// keepLog bounds what is kept of a process's output; the end is what tells why it died.
const keepLog = 64 << 10

// StationProcess is asked first thing by every program that calls Self: if this process is such a copy, it runs the station
// until it is told to stop or its parent is gone, and exit is its exit code.
func StationProcess() (exit int, ours bool) {
	path, ours := os.LookupEnv(stationVariable)
	if !ours {
		return 0, false
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends when the parent does, however it ends
		stop()
	}()
	if err := app.RunStation(ctx, path, slog.New(slog.NewTextHandler(os.Stderr, nil)), clockBeside(path)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1, true
	}
	return 0, true
}

// Self starts the running program again as a station's program in a process of its own.
func Self(config string) (Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &selfProcess{cmd: exec.Command(self)}
	p.cmd.Env = append(os.Environ(), stationVariable+"="+config)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if p.hold, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return p, p.cmd.Start()
}

// selfProcess is a copy of this program; its input stays open as long as this process lives.
type selfProcess struct {
	cmd  *exec.Cmd
	hold io.WriteCloser
	mu   sync.Mutex
	log  []byte
}

// PID is the number of the process.
func (p *selfProcess) PID() int { return p.cmd.Process.Pid }

// Kill is kill -9.
func (p *selfProcess) Kill() error {
	if err := p.cmd.Process.Kill(); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// Freeze lets it stand still, or go on.
func (p *selfProcess) Freeze(on bool) error { return freeze(p.cmd.Process, on) }

// Wait waits for its end and returns its exit code as an error.
func (p *selfProcess) Wait() error { return p.cmd.Wait() }

// Write keeps the end of the output.
func (p *selfProcess) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = append(p.log, b...)
	p.log = p.log[max(0, len(p.log)-keepLog):]
	return len(b), nil
}

// Log is the end of what it has said.
func (p *selfProcess) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(p.log)
}

// Package replay plays a tape of a dispenser line in real time, for both programs: on a serial port, or behind a
// pseudo-terminal.
package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/system/clock"
	"greylock/system/link/tape"
)

// Flags are what a replay is told.
type Flags struct{ match string }

// Add gives a command the flags of a replay.
func (f *Flags) Add(c *cobra.Command) {
	c.Flags().StringVar(&f.match, "match", string(tape.Compact),
		"strict 逐字节相同; compact 时钟与帧号不计, 重复的轮询算一次; minimal 只看命令次序 (how closely the other side must follow)")
	cli.Values(c, "match", string(tape.Strict), string(tape.Compact), string(tape.Minimal))
}

// Load reads a tape's file.
func Load(path string) (h tape.Header, pieces []tape.Piece, err error) {
	file, err := os.Open(path)
	if err != nil {
		return h, nil, err
	}
	defer file.Close()
	h, pieces, err = tape.Read(file)
	if err != nil {
		return h, nil, &cli.Error{Exit: cli.Failed, Code: "E143", Zh: "录音文件有误", En: "the tape's file is wrong",
			NextZh: "用 greylock line capture --out 重新录", NextEn: "record it again with greylock line capture --out", Detail: path + ": " + err.Error(), Err: err}
	}
	return h, pieces, nil
}

// Player prepares the tape in a file.
func (f *Flags) Player(path string) (*tape.Player, tape.Header, error) {
	m := tape.Matching(f.match)
	if m != tape.Strict && m != tape.Compact && m != tape.Minimal {
		return nil, tape.Header{}, cli.Usagef("--match %q: strict, compact 或 minimal (want one of these)", f.match)
	}
	h, pieces, err := Load(path)
	if err != nil {
		return nil, h, err
	}
	p, err := tape.NewPlayer(h, pieces, m)
	if err != nil {
		err = &cli.Error{Exit: cli.Failed, Code: "E143", Zh: "录音文件有误", En: "the tape's file is wrong",
			NextZh: "用 greylock line capture --out 重新录", NextEn: "record it again with greylock line capture --out", Detail: path + ": " + err.Error(), Err: err}
	}
	return p, h, err
}

// Result is what a replay shows.
type Result struct {
	File   string `json:"file"`
	Port   string `json:"port"`
	Match  string `json:"match"`
	Frames int    `json:"frames"` // played, of the tape as the matching takes it
	Of     int    `json:"of"`
}

// Show prints a result.
func (r Result) Show(w io.Writer) {
	fmt.Fprintf(w, "%s → %s (%s): %d / %d 帧相符 (frames as recorded)\n", r.File, r.Port, r.Match, r.Frames, r.Of)
}

// Run plays until the tape's end, until the other side does something else (E141, with position), or until ctx ends. Received
// brings what came; write must not block for long.
func (f *Flags) Run(ctx context.Context, p *tape.Player, file, port string, received <-chan []byte, write func([]byte)) (Result, error) {
	sys := clock.System{}
	p.Start(sys.Now())
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		for _, b := range p.Take() {
			write(b)
		}
		n, of := p.Played()
		r := Result{file, port, f.match, n, of}
		if err := p.Err(); err != nil {
			var d *tape.Diverged
			_ = errors.As(err, &d)
			return r, &cli.Error{Exit: cli.Failed, Code: "E141", Zh: "对方与录音不符", En: "the other side does not follow the tape",
				NextZh: "看所列位置; 只差时钟或轮询次数可用 --match compact 或 minimal", NextEn: "see the position; --match compact or minimal if only clocks or polls differ",
				Detail: fmt.Sprintf("%s:%d: %v", file, d.Line, err), Err: err}
		}
		if p.Done() {
			return r, nil
		}
		timer.Reset(max(0, p.Due().Sub(sys.Now())))
		select {
		case b := <-received:
			p.Receive(sys.Now(), b)
		case <-timer.C:
			p.Wake(sys.Now())
		case <-ctx.Done():
			return r, fmt.Errorf("%d / %d: %w", n, of, ctx.Err())
		}
	}
}

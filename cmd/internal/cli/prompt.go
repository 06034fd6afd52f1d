package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// maxLine bounds one line of input; a password has at most 128 characters.
const maxLine = 1024

// ErrNoTerminal says that hidden input needs a terminal, or --stdin.
var ErrNoTerminal = errors.New("不在终端上: 请在终端运行, 或以 --stdin 逐行送入 (no terminal: run it in one, or feed lines with --stdin)")

// Asker asks people for lines, hidden ones without echo.
type Asker struct {
	in    io.Reader
	out   io.Writer
	lines *bufio.Reader
	fd    int
	tty   bool
}

// NewAsker asks on the terminal; with stdin it takes one line of the input per question, shown or hidden.
func NewAsker(o *Options, stdin bool) (*Asker, error) {
	a := &Asker{in: o.In, out: o.Err, lines: bufio.NewReaderSize(o.In, maxLine)}
	if f, ok := o.In.(*os.File); ok && !stdin {
		a.fd, a.tty = int(f.Fd()), term.IsTerminal(int(f.Fd()))
	}
	if !a.tty && !stdin {
		return nil, Usagef("%v", ErrNoTerminal)
	}
	return a, nil
}

// Line asks for a line that may be seen.
func (a *Asker) Line(ctx context.Context, prompt string) (string, error) {
	fmt.Fprint(a.out, prompt)
	b, err := a.await(ctx, a.read)
	return string(b), err
}

// Hidden asks for a line that nobody may see. The caller wipes it.
func (a *Asker) Hidden(ctx context.Context, prompt string) ([]byte, error) {
	fmt.Fprint(a.out, prompt)
	if !a.tty {
		return a.await(ctx, a.read)
	}
	before, err := term.GetState(a.fd)
	if err != nil {
		return nil, err
	}
	b, err := a.await(ctx, func() ([]byte, error) { return term.ReadPassword(a.fd) })
	if err != nil {
		_ = term.Restore(a.fd, before) // an interrupted question leaves no terminal without echo
	}
	fmt.Fprintln(a.out)
	return b, err
}

func (a *Asker) read() ([]byte, error) {
	line, err := a.lines.ReadSlice('\n')
	if errors.Is(err, io.EOF) && len(line) > 0 {
		err = nil
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, fmt.Errorf("一行超过 %d 字节 (the line is too long)", maxLine)
	}
	if err != nil {
		return nil, fmt.Errorf("输入提前结束 (the input ended too early): %w", err)
	}
	return bytes.Clone(bytes.TrimRight(line, "\r\n")), nil
}

// await reads until the line is there or ctx ends; a read that never returns ends with the process.
func (a *Asker) await(ctx context.Context, read func() ([]byte, error)) ([]byte, error) {
	type result struct {
		line []byte
		err  error
	}
	got := make(chan result, 1)
	go func() {
		line, err := read()
		got <- result{line, err}
	}()
	select {
	case r := <-got:
		return r.line, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

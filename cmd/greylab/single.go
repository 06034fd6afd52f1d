package main

import (
	"bufio"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"greylock/cmd/internal/cli"
	"greylock/emulators/hub"
	"greylock/emulators/line"
)

// single is one device alone behind one pseudo-terminal, moved by typed words.
type single struct {
	dir  string
	baud int
	seed uint64

	name, title string                                 // of the port; before its path on the screen
	device      hub.Device                             // keeps its state without power
	said        <-chan string                          // what the device itself says meanwhile; nil: nothing
	move        func(h *hub.Hub, words []string) error // what is not of the line or the power
}

func (f *single) flags(p *pflag.FlagSet, baud int) {
	p.StringVar(&f.dir, "dir", "", "放端口名的目录 (directory of the stable name)")
	p.IntVar(&f.baud, "baud", baud, "波特率 (bits per second)")
	p.Uint64Var(&f.seed, "seed", 1, "随机种子 (seed)")
}

func (f *single) check() error {
	switch {
	case f.dir == "":
		return cli.Usagef("--dir: 端口名放在哪个目录 (a directory for the stable name)")
	case f.baud < slowest || f.baud > fastest:
		return cli.Usagef("--baud %d: %d…%d", f.baud, slowest, fastest)
	}
	return nil
}

// runSingle serves the device until ctx ends.
func (l *lab) runSingle(ctx context.Context, f *single) error {
	h, err := hub.Open(hub.Config{Dir: f.dir, Baud: f.baud, Seed: f.seed,
		Ports: []hub.Port{{Name: f.name, New: func() (hub.Device, hub.Hands, error) { return f.device, nil, nil }}}})
	if err != nil {
		return err
	}
	fmt.Fprintf(l.Out, "%s: %s\n", f.title, h.Link(0))
	typed := make(chan string)
	go func() {
		lines := bufio.NewScanner(l.In)
		for lines.Scan() {
			select {
			case typed <- lines.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return h.Close()
		case text := <-f.said:
			fmt.Fprintln(l.Out, text)
		case text := <-typed:
			words := strings.Fields(text)
			if len(words) == 0 {
				continue
			}
			if err := f.hand(h, words); err != nil {
				fmt.Fprintf(l.Err, "%v\n", err)
				continue
			}
			fmt.Fprintln(l.Out, strings.Join(words, " "))
		}
	}
}

// hand does one typed line.
func (f *single) hand(h *hub.Hub, words []string) error {
	switch text := strings.Join(words, " "); {
	case text == "off", text == "on":
		return h.Power(0, text == "on")
	case text == "cut":
		h.Line(0, (*line.Mem).Cut)
		return nil
	case text == "join":
		h.Line(0, (*line.Mem).Restore)
		return nil
	case len(words) == 2 && words[0] == "noise":
		n, err := strconv.Atoi(words[1])
		if err != nil || n < 0 || n > 1000 {
			return fmt.Errorf("noise %q: 应为 0…1000 (want thousandths)", words[1])
		}
		h.Line(0, func(m *line.Mem) { m.Noise(n) })
		return nil
	}
	return f.move(h, words)
}

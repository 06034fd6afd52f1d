package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/cmd/internal/replay"
	"greylock/emulators/line"
)

// line groups what is done with recorded lines.
func (l *lab) line() *cobra.Command {
	group := &cobra.Command{Use: "line", Short: "录下的通讯线 (recorded lines)"}
	f := &replay.Flags{}
	dir := ""
	c := &cobra.Command{Use: "replay FILE", Short: "录音当作加油机, 接在伪终端后面 (a tape as a dispenser behind a pseudo-terminal)", Args: cobra.ExactArgs(1),
		Long: "端口名为 目录/port01, 任何站方程序都可打开。对方说出第一个字节后开始; 不符即停, 指出录音的行与帧, 退出码 1。\n" +
			"The port is DIR/port01, for any station. It begins at the other side's first byte when the station speaks first; at a difference it stops, exit 1.",
		RunE: func(c *cobra.Command, args []string) error {
			if dir == "" {
				return cli.Usagef("--dir: 端口名放在哪个目录 (a directory for the stable name)")
			}
			return l.replay(c.Context(), args[0], dir, f)
		}}
	f.Add(c)
	c.Flags().StringVar(&dir, "dir", "", "放端口名的目录 (directory of the stable name)")
	group.AddCommand(c)
	return group
}

// mostReceived pieces wait for the player.
const mostReceived = 1024

func (l *lab) replay(ctx context.Context, path, dir string, f *replay.Flags) (err error) {
	p, h, err := f.Player(path)
	if err != nil {
		return err
	}
	received := make(chan []byte, mostReceived)
	link := filepath.Join(dir, "port01")
	pty, err := line.OpenPty(line.PtyConfig{Config: line.Config{Baud: h.Baud}, Link: link, Rand: rand.New(rand.NewPCG(1, 1)), Received: func(b []byte) {
		received <- append([]byte(nil), b...)
	}})
	if err != nil {
		return err
	}
	defer func() { _ = pty.Close() }()
	if !l.JSON {
		fmt.Fprintf(l.Out, "端口 1 (port): %s\n", link)
	}
	result, err := f.Run(ctx, p, filepath.Base(path), link, received, pty.Write)
	if err != nil {
		return err
	}
	return l.Print(result, result.Show)
}

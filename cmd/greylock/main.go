// Command greylock is the product's one program: key room, card making, issuing desk, center and station. It links no
// emulator and no test key.
package main

import (
	"crypto/rand"
	"io"
	"os"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/system/card"
	"greylock/system/card/pcsc"
)

func main() {
	ctx, stop := cli.Signals()
	e := &env{Options: cli.Options{Streams: cli.Std()}, readers: pcsc.List, open: openReader, random: rand.Reader}
	code := cli.Run(ctx, e.root(), &e.Options, os.Args[1:])
	stop()
	os.Exit(int(code))
}

// env is what the commands reach beyond their arguments; tests put their own readers here.
type env struct {
	cli.Options
	readers func() ([]string, error)
	open    func(name string) (reader, error)
	random  io.Reader
	machine string // where this machine's /dev, /sys and /proc are: "" but in tests
}

// reader is a card reader that this program has for itself.
type reader interface {
	card.Slot
	io.Closer
}

func openReader(name string) (reader, error) { return pcsc.Open(name) }

func (e *env) root() *cobra.Command {
	root := &cobra.Command{Use: "greylock", Short: "IC 卡加油站系统 (IC-card fuel-station system)"}
	root.AddCommand(e.keys(), e.cards(), e.issue(), e.center(), e.station(), e.audit(), e.backup(), e.restore(), e.config(), e.apdu(), e.line(), e.doctor())
	cli.Common(root, &e.Options)
	return root
}

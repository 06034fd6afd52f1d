// Command greylab shows and proves the system beside emulators: the town in a browser, and the features as Gherkin. Its keys
// are for training only.
package main

import (
	"os"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/emulators/world"
)

func main() {
	if exit, ours := world.StationProcess(); ours {
		os.Exit(exit)
	}
	ctx, stop := cli.Signals()
	l := &lab{Options: cli.Options{Streams: cli.Std()}}
	code := cli.Run(ctx, l.root(), &l.Options, os.Args[1:])
	stop()
	os.Exit(int(code))
}

// lab is what the commands share.
type lab struct{ cli.Options }

func (l *lab) root() *cobra.Command {
	root := &cobra.Command{Use: "greylab", Short: "加油站系统的实验室: 演示, 场景验证 (the lab: demo, features)"}
	root.AddCommand(l.demo(), l.run(), l.sim(), l.emulate(), l.fault(), l.trace(), l.card(), l.conform(), l.keys(), l.line())
	cli.Common(root, &l.Options)
	return root
}

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Streams is what a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Std is the process's own streams.
func Std() Streams { return Streams{os.Stdin, os.Stdout, os.Stderr} }

// Options that every command has.
type Options struct {
	Streams
	JSON bool
	Lang string // zh or en
}

// Signals ends the context at SIGINT and SIGTERM; a second signal kills.
func Signals() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// Common gives a root command what every command has: --json, --lang, version, help topics, errors that say what to do.
func Common(root *cobra.Command, o *Options) {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetIn(o.In)
	root.SetOut(o.Out)
	root.SetErr(o.Err)
	root.PersistentFlags().BoolVar(&o.JSON, "json", false, "以 JSON 输出 (print JSON)")
	root.PersistentFlags().StringVar(&o.Lang, "lang", DefaultLang(os.Getenv("LANG")), "zh 或 en (language)")
	Values(root, "lang", "zh", "en")
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if o.Lang != "zh" && o.Lang != "en" {
			return fmt.Errorf("--lang %q: zh 或 en (want zh or en)", o.Lang)
		}
		return nil
	}
	root.Version = ReadVersion().Line()
	root.SetVersionTemplate("{{.Version}}\n")
	root.AddCommand(&cobra.Command{Use: "exit-codes", Short: "退出码 (exit codes)", Long: ExitCodes}, versionCommand(o))
}

// Values offers the few values of a flag to the shell's completion.
func Values(c *cobra.Command, flag string, values ...string) {
	if err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic("cli: " + err.Error()) // a flag that this command does not have, or twice: our bug
	}
}

// Run runs the command line and returns the exit code. What fails before a command's own code is a usage error.
func Run(ctx context.Context, root *cobra.Command, o *Options, args []string) Exit {
	started := false
	mark(root, &started)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && !started {
		err = Usagef("%v", err)
		o.JSON = o.JSON || slices.Contains(args, "--json") // the flags may not have been read
	}
	return Report(o.Err, err, o.JSON)
}

// mark notes that a command's own code has begun, and lets a command that only groups others say so.
func mark(c *cobra.Command, started *bool) {
	if run := c.RunE; run != nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			*started = true
			return run(c, args)
		}
	} else if c.HasSubCommands() {
		c.RunE = func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("没有命令 %q (unknown command for %q)", args[0], c.CommandPath())
			}
			_ = c.Help()
			return errors.New("缺少命令 (which command?)")
		}
	}
	for _, sub := range c.Commands() {
		mark(sub, started)
	}
}

// DefaultLang is zh unless the environment asks for English.
func DefaultLang(env string) string {
	if strings.HasPrefix(env, "en") {
		return "en"
	}
	return "zh"
}

// Say picks the language.
func (o *Options) Say(zh, en string) string {
	if o.Lang == "en" {
		return en
	}
	return zh
}

// Print prints v as indented JSON when that was asked for, else what text prints.
func (o *Options) Print(v any, text func(w io.Writer)) error {
	if !o.JSON {
		text(o.Out)
		return nil
	}
	line, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.Out, "%s\n", line)
	return err
}

// PrintLine prints v as one line of JSON.
func (o *Options) PrintLine(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.Out, "%s\n", line)
	return err
}

// Logger writes to the error stream: text on a terminal, JSON elsewhere.
func (o *Options) Logger() *slog.Logger {
	if f, ok := o.Err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return slog.New(slog.NewTextHandler(o.Err, nil))
	}
	return slog.New(slog.NewJSONHandler(o.Err, nil))
}

// Version is what was built.
type Version struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Date    string `json:"date"`
	Changed bool   `json:"changed"` // the tree differed from the commit
	Go      string `json:"go"`
	PCSC    bool   `json:"pcsc"` // card readers are built in
}

// ReadVersion asks the binary itself.
func ReadVersion() Version {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Version{Version: "(devel)"}
	}
	return versionOf(info)
}

func versionOf(info *debug.BuildInfo) Version {
	v := Version{Version: "(devel)", Go: info.GoVersion}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.time":
			v.Date = s.Value
		case "vcs.modified":
			v.Changed = s.Value == "true"
		case "-tags":
			v.PCSC = strings.Contains(","+s.Value+",", ",pcsc,")
		}
	}
	return v
}

// Line is the version in one line.
func (v Version) Line() string {
	readers := "no"
	if v.PCSC {
		readers = "yes"
	}
	commit := orDash(v.Commit)
	if v.Changed {
		commit += "+changed"
	}
	return fmt.Sprintf("%s commit %s date %s %s pcsc %s", v.Version, commit, orDash(v.Date), v.Go, readers)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func versionCommand(o *Options) *cobra.Command {
	return &cobra.Command{Use: "version", Short: "版本 (version)", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		v := ReadVersion()
		return o.Print(v, func(w io.Writer) { fmt.Fprintf(w, "%s %s\n", c.Root().Name(), v.Line()) })
	}}
}

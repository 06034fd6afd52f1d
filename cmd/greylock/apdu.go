package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/system/card"
	"greylock/system/card/pcsc"
	"greylock/system/card/transcript"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/samcard"
)

// apduFlags are what the commands that speak with a card by hand are told.
type apduFlags struct {
	reader string
	psam   bool
	enter  string
	permit []string
	wait   bool
	pin    string
	out    string
	script string
	file   string

	profile string
}

// Applications that are selected before the first command.
const (
	enterPetrol = "petrol"
	enterNone   = "none"
)

const apduHelp = "命令写成十六进制, 或写成名称和参数: GET-BALANCE purse=1; 金额以元计, 时间为 YYYYMMDDhhmmss, 其余为十六进制。\n" +
	"会改动卡片的命令须以 --permit 允许: " + permits + "。\n" +
	"A command is hexadecimal, or a name with parameters; amounts in yuan, times YYYYMMDDhhmmss, all else hexadecimal.\n" +
	"What may change the card needs --permit."

// permits are the words of --permit; a test holds them against apdu.Acts.
const permits = "auth,pin,load,debit,block,write,personalise,unknown"

func (e *env) apdu() *cobra.Command {
	group := &cobra.Command{Use: "apdu", Short: "逐条命令与卡对话, 记录, 重放 (talk with a card command by command)", Long: apduHelp}
	f := &apduFlags{}
	group.PersistentFlags().BoolVar(&f.psam, "psam", false, "卡是 PSAM (the card is a PSAM)")
	group.PersistentFlags().StringVar(&f.profile, "profile", fuelcard.National().Name, "卡片方案, 决定应用的 AID (card profile, for the AID of the application)")
	cli.Values(group, "profile", profileNames()...)
	onCard := func(c *cobra.Command) *cobra.Command {
		c.Flags().StringVar(&f.reader, "reader", "", "读卡器名称, 只有一个时可省 (reader)")
		c.Flags().StringSliceVar(&f.permit, "permit", nil, "允许的改动, 缺省不许 (what may be changed, default nothing): "+permits)
		c.Flags().BoolVar(&f.wait, "wait", false, "等待插卡 (wait for the card)")
		return c
	}
	entering := func(c *cobra.Command) *cobra.Command {
		c.Flags().StringVar(&f.enter, "select", enterPetrol, "先选择的应用: petrol 或 none (application selected first)")
		return onCard(c)
	}
	list := &cobra.Command{Use: "list", Short: "列出命令, 参数, 所需允许 (list commands, parameters, leave they need)", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return e.apduList(f) }}
	send := entering(&cobra.Command{Use: "send COMMAND [name=value…]", Short: "发送一条命令 (send one command)", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return e.apduSend(c.Context(), f, args) }})
	script := entering(&cobra.Command{Use: "script FILE", Short: "逐条执行脚本, 核对写明的应答 (run a script, check what it expects)", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return e.apduScript(c.Context(), f, args[0]) }})
	record := entering(&cobra.Command{Use: "record SCRIPT", Short: "执行脚本并写成记录, 秘密隐去 (run a script, write a transcript)", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return e.apduRecord(c.Context(), f, args[0]) }})
	record.Flags().StringVar(&f.out, "out", "", "记录文件, 不覆盖已有的, 缺省标准输出 (transcript)")
	replay := onCard(&cobra.Command{Use: "replay TRANSCRIPT", Short: "对卡重放记录; 或以记录代卡执行脚本 (replay to a card, or be the card of a script)", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return e.apduReplay(c.Context(), f, args[0]) }})
	replay.Flags().StringVar(&f.script, "script", "", "以记录代卡, 执行此脚本, 不用读卡器 (the transcript is the card of this script)")
	replay.Flags().StringVar(&f.pin, "pin", "", "补上隐去的密码 (the PIN that is masked)")
	describe := &cobra.Command{Use: "describe [COMMAND [ANSWER]]", Short: "解释命令与应答, 不用读卡器 (say what bytes mean)", Args: cobra.MaximumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error { return e.apduDescribe(f, args) }}
	describe.Flags().StringVar(&f.file, "file", "", "解释整个记录 (a whole transcript)")
	group.AddCommand(list, send, script, record, replay, describe)
	return group
}

// table is the commands of the card in question.
func (f *apduFlags) table() apdu.Shapes {
	if f.psam {
		return samcard.Table()
	}
	return fuelcard.Table()
}

// shownForm is a command in a list for programs.
type shownForm struct {
	Name   string   `json:"name"`
	Zh     string   `json:"zh"`
	Permit string   `json:"permit,omitempty"`
	Params []string `json:"params"`
}

func (e *env) apduList(f *apduFlags) error {
	forms := []shownForm{}
	for _, x := range f.table().Forms() {
		s := shownForm{Name: x.Name, Zh: x.Zh, Params: []string{}}
		if x.Act != apdu.Reads {
			s.Permit = string(x.Act)
		}
		for _, p := range x.Params {
			if p.Needed {
				s.Params = append(s.Params, p.Name+"=")
			} else {
				s.Params = append(s.Params, "["+p.Name+"=]")
			}
		}
		forms = append(forms, s)
	}
	return e.Print(forms, func(w io.Writer) {
		t := cli.Table{Heads: []string{e.Say("命令", "command"), e.Say("名称", "name"), e.Say("所需允许", "permit"), e.Say("参数", "parameters")}}
		for _, s := range forms {
			t.Add(s.Name, s.Zh, s.Permit, strings.Join(s.Params, " "))
		}
		t.Write(w)
	})
}

// planned is one command to be sent.
type planned struct {
	bytes []byte
	want  transcript.Exchange
}

// plan turns what was written into commands. Everything wrong is found before the first is sent.
func (f *apduFlags) plan(lines []transcript.Exchange) (steps []planned, err error) {
	for _, x := range lines {
		var b []byte
		if x.Named() {
			b, err = f.build(x.Command)
		} else if b, err = f.unmasked(x); err == nil {
			_, err = apdu.ParseCommand(b)
		}
		if err != nil {
			return nil, cli.Usagef("第 %d 行 (line): %v", x.Line, err)
		}
		steps = append(steps, planned{b, x})
	}
	if len(steps) == 0 {
		return nil, cli.Usagef("没有命令 (no command)")
	}
	return steps, f.permitted(steps)
}

// build is a command by name.
func (f *apduFlags) build(text string) ([]byte, error) {
	words := strings.Fields(text)
	args := map[string]string{}
	for _, w := range words[1:] {
		name, value, ok := strings.Cut(w, "=")
		if !ok {
			return nil, errors.New("参数应写成 name=value (a parameter is name=value)")
		}
		args[name] = value
	}
	c, err := f.table().Build(words[0], args)
	if err != nil {
		return nil, err
	}
	return c.Bytes(), nil
}

// unmasked is a command in digits; a masked PIN is filled in if --pin fits.
func (f *apduFlags) unmasked(x transcript.Exchange) ([]byte, error) {
	if stars := strings.Repeat("*", len(f.pin)); f.pin != "" && strings.HasPrefix(x.Command, "0020") && strings.Count(x.Command, "*") == len(stars) {
		x.Command = strings.Replace(x.Command, stars, strings.ToUpper(f.pin), 1)
	}
	return x.Bytes()
}

// permitted refuses what may change a card unless it was allowed. Nothing has been sent then.
func (f *apduFlags) permitted(steps []planned) error {
	known := strings.Split(permits, ",")
	for _, p := range f.permit {
		if !slices.Contains(known, p) {
			return cli.Usagef("--permit %s: 应为 (want) %s", p, permits)
		}
	}
	for _, s := range steps {
		c, _ := apdu.ParseCommand(s.bytes)
		if act := f.table().ActOf(c); act != apdu.Reads && !slices.Contains(f.permit, string(act)) {
			d := f.table().Describe(c)
			return &cli.Error{Exit: cli.Permission, Code: "E606", Zh: "命令会改动卡片, 一条也未发送", En: "the command may change the card; nothing was sent",
				NextZh: "确认无误后加 --permit=" + string(act), NextEn: "if you are sure, add --permit=" + string(act),
				Detail: fmt.Sprintf("%s %s: %s", d.Zh, d.En, transcript.Masked(f.table(), s.bytes))}
		}
	}
	return nil
}

// withCard powers the card up, selects the application and hands over the transport.
func (e *env) withCard(ctx context.Context, f *apduFlags, first planned, job func(t card.Transport) error) error {
	name, err := e.pick(f.reader)
	if err != nil {
		return err
	}
	r, err := e.open(name)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	if f.wait {
		if err := pcsc.Wait(ctx, name, true); err != nil {
			return err
		}
	}
	atr, err := r.Reset()
	if err != nil {
		return err
	}
	fmt.Fprintf(e.Err, "# %s, ATR %X\n", name, atr)
	if err := f.selected(r, first); err != nil {
		return err
	}
	return errors.Join(job(r), r.Off())
}

// selected enters the application unless the first command selects by itself.
func (f *apduFlags) selected(t card.Transport, first planned) error {
	switch {
	case f.enter == enterNone || f.enter == "" || len(first.bytes) > 1 && first.bytes[1] == 0xA4:
		return nil
	case f.enter != enterPetrol:
		return cli.Usagef("--select %s: 应为 (want) %s, %s", f.enter, enterPetrol, enterNone)
	}
	p, err := fuelcard.ProfileNamed(f.profile)
	if err != nil {
		return cli.Usagef("--profile: %v", err)
	}
	name := p.AIDPetrol
	if f.psam {
		name = p.AIDPSAMPetrol
	}
	answer, err := t.Transmit(fuelcard.SelectName{Name: name}.Command().Bytes())
	if err != nil {
		return err
	}
	a, err := apdu.ParseAnswer(answer)
	if err != nil {
		return err
	}
	if a.SW != apdu.OK && a.SW != apdu.FileInvalid {
		return fmt.Errorf("选择加油应用 (select the petrol application; --select none leaves it): %w", a.SW)
	}
	return nil
}

// readScript is a file, or the input for "-".
func (e *env) readScript(path string) ([]transcript.Exchange, error) {
	var text []byte
	var err error
	if path == "-" {
		text, err = io.ReadAll(e.In)
	} else {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, err
	}
	lines, err := transcript.Parse(string(text))
	if err != nil {
		return nil, cli.Usagef("%s: %v", path, err)
	}
	return lines, nil
}

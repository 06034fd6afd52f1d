package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"greylock/cmd/internal/cli"
	"greylock/system/card"
	"greylock/system/card/transcript"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/samcard"
)

// shownExchange is one command and its answer, secrets masked.
type shownExchange struct {
	Command string `json:"command"`
	About   string `json:"about"`
	Answer  string `json:"answer"`
	Meaning string `json:"meaning"`
}

// shown says in words what crossed the wire.
func (e *env) shown(f *apduFlags, command, answer []byte, lost error) shownExchange {
	s := shownExchange{Command: transcript.Masked(f.table(), command), Answer: transcript.Said(answer, lost)}
	c, err := apdu.ParseCommand(command)
	if err != nil {
		s.About = e.Say("不是命令", "no command")
		return s
	}
	s.About = f.table().Describe(c).Line(e.Lang)
	if lost != nil {
		s.Meaning = e.Say("没有应答, 结果未知", "no answer, outcome unknown")
		return s
	}
	a, err := apdu.ParseAnswer(answer)
	if err != nil {
		s.Meaning = e.Say("不是应答", "no answer")
		return s
	}
	describe := fuelcard.DescribeAnswer
	if f.psam {
		describe = samcard.DescribeAnswer
	}
	s.Meaning = describe(c, a).Line(e.Lang)
	return s
}

// converse sends the steps and shows each to show; check may end it.
func (e *env) converse(f *apduFlags, t card.Transport, steps []planned, show func(shownExchange) error, check func(i int, s planned, answer []byte, err error) error) error {
	for i, s := range steps {
		answer, err := t.Transmit(s.bytes)
		if err != nil && !card.Lost(err) {
			return err
		}
		if err := errors.Join(show(e.shown(f, s.bytes, answer, err)), check(i, s, answer, err)); err != nil {
			return err
		}
	}
	return nil
}

// printer shows exchanges as they come, or gathers them for JSON; finish prints what was gathered.
func (e *env) printer(w io.Writer) (show func(shownExchange) error, finish func() error) {
	all := []shownExchange{}
	show = func(s shownExchange) error {
		all = append(all, s)
		if e.JSON {
			return nil
		}
		return transcript.Write(w, s.Command, s.Answer, s.About, s.Meaning)
	}
	return show, func() error {
		if !e.JSON {
			return nil
		}
		return e.Print(all, nil)
	}
}

// answered ends a conversation whose card has gone.
func answered(_ int, _ planned, _ []byte, err error) error { return err }

// expected also ends it at an answer other than the one written.
func expected(i int, s planned, answer []byte, err error) error {
	if !s.want.Matches(answer, err) {
		if err != nil {
			return err
		}
		return differs(fmt.Sprintf("第 %d 行 (line), 应为 (want) < %s, 收到 (got) < %X", s.want.Line, s.want.Answer, answer))
	}
	return nil
}

func differs(detail string) error {
	return &cli.Error{Exit: cli.Failed, Code: "E105", Zh: "对话与所写不符", En: "the conversation differs from what is written",
		NextZh: "对照记录与卡的状态; 卡已按发出的命令执行", NextEn: "compare transcript and card; the card has obeyed what was sent", Detail: detail}
}

func (e *env) apduSend(ctx context.Context, f *apduFlags, args []string) error {
	text := strings.Join(args, " ")
	lines, err := transcript.Parse("> " + text)
	if err != nil || len(lines) != 1 {
		return cli.Usagef("%q: %v", args[0], err)
	}
	return e.run(ctx, f, lines, e.Out, answered)
}

func (e *env) apduScript(ctx context.Context, f *apduFlags, path string) error {
	lines, err := e.readScript(path)
	if err != nil {
		return err
	}
	return e.run(ctx, f, lines, e.Out, expected)
}

// apduRecord writes what happens, whatever the script expects.
func (e *env) apduRecord(ctx context.Context, f *apduFlags, path string) (err error) {
	lines, err := e.readScript(path)
	if err != nil {
		return err
	}
	if f.out == "" {
		return e.run(ctx, f, lines, e.Out, answered)
	}
	file, err := os.OpenFile(f.out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return e.run(ctx, f, lines, file, answered)
}

// run carries a whole conversation with the card on the reader.
func (e *env) run(ctx context.Context, f *apduFlags, lines []transcript.Exchange, w io.Writer, check func(int, planned, []byte, error) error) error {
	steps, err := f.plan(lines)
	if err != nil {
		return err
	}
	show, finish := e.printer(w)
	return e.withCard(ctx, f, steps[0], func(t card.Transport) error {
		return errors.Join(e.converse(f, t, steps, show, check), finish())
	})
}

func (e *env) apduReplay(ctx context.Context, f *apduFlags, path string) error {
	lines, err := e.readScript(path)
	if err != nil {
		return err
	}
	if f.script != "" {
		return e.playback(f, lines)
	}
	f.enter = enterNone
	used := 0
	err = e.run(ctx, f, lines, e.Out, func(i int, s planned, answer []byte, err error) error {
		if err := expected(i, s, answer, err); err != nil {
			return err
		}
		used++
		if s.want.Err != nil && used < len(lines) {
			return err // the card has gone as written; what follows was another visit
		}
		return nil
	})
	if used > 0 && used < len(lines) {
		fmt.Fprintf(e.Err, "# 记录有 %d 条, 用了 %d 条 (exchanges of the transcript, used)\n", len(lines), used)
	}
	return err
}

// playback runs a script against a transcript that stands for the card. All of the transcript must be used.
func (e *env) playback(f *apduFlags, lines []transcript.Exchange) error {
	script, err := e.readScript(f.script)
	if err != nil {
		return err
	}
	f.permit = strings.Split(permits, ",") // no card is in danger
	steps, err := f.plan(script)
	if err != nil {
		return err
	}
	p := &player{f: f, lines: lines}
	show, finish := e.printer(e.Out)
	err = e.converse(f, p, steps, show, expected)
	if err == nil && len(p.lines) > 0 {
		err = differs(fmt.Sprintf("记录还有 %d 条未用, 下一条在第 %d 行 (exchanges not used, the next on line): > %s", len(p.lines), p.lines[0].Line, p.lines[0].Command))
	}
	return errors.Join(err, finish())
}

// player is a transcript as a card.
type player struct {
	f     *apduFlags
	lines []transcript.Exchange
}

// Transmit answers the next command; another one than expected is a difference.
func (p *player) Transmit(command []byte) ([]byte, error) {
	masked := transcript.Masked(p.f.table(), command)
	if len(p.lines) == 0 {
		return nil, differs("记录已用完, 又有命令 (a command after the end of the transcript): > " + masked)
	}
	x := p.lines[0]
	if written := strings.ToUpper(hex.EncodeToString(command)); x.Command != masked && x.Command != written {
		return nil, differs(fmt.Sprintf("记录第 %d 行为 (line of the transcript is) > %s, 脚本发出 (the script sends) > %s", x.Line, x.Command, masked))
	}
	p.lines = p.lines[1:]
	if x.Err != nil {
		return nil, x.Err
	}
	answer, err := hex.DecodeString(x.Answer)
	if err != nil || len(answer) < 2 {
		return nil, differs(fmt.Sprintf("记录第 %d 行没有确定的应答 (no definite answer)", x.Line))
	}
	return answer, nil
}

func (e *env) apduDescribe(f *apduFlags, args []string) error {
	var lines []transcript.Exchange
	var err error
	switch {
	case f.file != "" && len(args) == 0:
		lines, err = e.readScript(f.file)
	case f.file == "" && len(args) > 0:
		text := "> " + args[0]
		if len(args) > 1 {
			text += "\n< " + args[1]
		}
		if lines, err = transcript.Parse(text); err != nil {
			err = cli.Usagef("%v", err)
		}
	default:
		return cli.Usagef("给出一条命令, 或 --file (a command, or --file)")
	}
	if err != nil {
		return err
	}
	show, finish := e.printer(e.Out)
	for _, x := range lines {
		s, err := e.described(f, x)
		if err != nil {
			return cli.Usagef("第 %d 行 (line): %v", x.Line, err)
		}
		if err := show(s); err != nil {
			return err
		}
	}
	return finish()
}

// described explains an exchange as written. Masked and open bytes are explained as zeros: nobody asks what they are.
func (e *env) described(f *apduFlags, x transcript.Exchange) (shownExchange, error) {
	if x.Named() {
		b, err := f.build(x.Command)
		if err != nil {
			return shownExchange{}, err
		}
		x.Command = hex.EncodeToString(b)
	}
	command, err := hex.DecodeString(strings.ReplaceAll(x.Command, "*", "0"))
	if err != nil {
		return shownExchange{}, fmt.Errorf("%q: %w", x.Command, transcript.ErrForm)
	}
	answer, err := hex.DecodeString(strings.ReplaceAll(x.Answer, "?", "0"))
	if err != nil {
		return shownExchange{}, err
	}
	s := e.shown(f, command, answer, x.Err)
	if len(answer) == 0 && x.Err == nil {
		s.Answer, s.Meaning = "", ""
	}
	return s, nil
}

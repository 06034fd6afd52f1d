package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/emulators/panel"
	"greylock/emulators/world"
	"greylock/scenarios"
	"greylock/system/clock"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// demoFlags are what the demo is told.
type demoFlags struct {
	addr, scenario, speed string
	lines, out, autoplay  string
	profile               string
	seed                  int64
	headless              bool
	limit                 time.Duration
}

func (l *lab) demo() *cobra.Command {
	f := &demoFlags{}
	c := &cobra.Command{Use: "demo", Short: "在浏览器中演示一座加油站 (the town in a browser)", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return l.runDemo(c.Context(), f) }}
	p := c.Flags()
	p.StringVar(&f.addr, "addr", "127.0.0.1:0", "页面地址 (where the page is served)")
	p.StringVar(&f.scenario, "scenario", "", "内置场景名, 或 .yaml 文件; 页面默认 forecourt, headless 默认 first-sale (name or file)")
	p.Int64Var(&f.seed, "seed", 0, "种子, 0 为场景自带 (0: the scenario's)")
	p.StringVar(&f.speed, "speed", "1", "0.1, 1, 10, 60 或 max (of the page)")
	p.StringVar(&f.lines, "lines", "mem", "mem 或 pty: 真实伪终端, 真实时间 (pty: real pseudo-terminals, real time)")
	p.BoolVar(&f.headless, "headless", false, "不开页面, 全速演完场景 (no page, full speed)")
	p.DurationVar(&f.limit, "for", 0, "到时结束, 0 不限 (end after; 0: never)")
	p.StringVar(&f.out, "out", "", "把各站日志留在此目录, 仅 headless (leave the journals here)")
	p.StringVar(&f.autoplay, "autoplay", "customers", "customers 或 off: 无人操作时顾客自己来 (customers come by themselves)")
	profileFlag(c, &f.profile)
	return c
}

func (l *lab) runDemo(ctx context.Context, f *demoFlags) error {
	name := f.scenario
	switch {
	case name == "" && f.headless:
		name = "first-sale"
	case name == "":
		name = "forecourt"
	}
	s, err := loadScenario(name)
	if err != nil {
		return err
	}
	profile, err := profileNamed(f.profile)
	if err != nil {
		return err
	}
	o := panel.Options{Profile: profile, Addr: f.addr, Scenario: s, Seed: f.seed, Speed: f.speed, Autoplay: f.autoplay, Lines: f.lines, Program: world.Self, Ready: l.ready}
	switch err := o.Check(); {
	case err != nil:
		return cli.Usagef("%v", err)
	case f.limit < 0:
		return cli.Usagef("--for %v: 应大于 0 (want more than 0)", f.limit)
	case f.out != "" && !f.headless:
		return cli.Usagef("--out 只与 --headless 同用 (only with --headless)")
	}
	outer := ctx
	if f.limit > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, f.limit, errLimit)
		defer cancel()
		ctx = limited
	}
	if f.headless {
		return l.headless(ctx, f, s, profile)
	}
	switch err := panel.Serve(ctx, o); {
	case errors.Is(err, panel.ErrAddr):
		return &cli.Error{Exit: cli.Device, Code: "E403", Zh: "地址不可用", En: "address not available", Detail: err.Error(), Err: err,
			NextZh: "停止占用者, 或换一个 --addr; 127.0.0.1:0 自选空闲端口", NextEn: "stop who has it, or use another --addr; 127.0.0.1:0 takes a free port"}
	case outer.Err() != nil, errors.Is(err, errLimit):
		return nil // told to end: that is how a demo ends
	default:
		return err
	}
}

// errLimit says that the time of --for is over.
var errLimit = errors.New("--for 的时间已到, 场景未演完 (the time of --for is over before the scenario ended)")

// ready tells where the page is.
func (l *lab) ready(url string) {
	if l.JSON {
		_ = l.PrintLine(struct {
			URL string `json:"url"`
		}{url}) // who can not read it misses nothing else
		return
	}
	fmt.Fprintf(l.Out, "教学模式 · 模拟密钥 · 不作凭证 (training mode)\n%s\n", url)
}

// loadScenario takes a built-in scenario by name, or a file.
func loadScenario(name string) (s world.Scenario, err error) {
	if strings.HasSuffix(name, ".yaml") {
		s, err = world.Load(os.DirFS(filepath.Dir(name)), filepath.Base(name))
	} else if name = strings.TrimPrefix(name, "scenarios/"); !isBuiltIn(name) {
		return s, cli.Usagef("%q: 没有这个内置场景, 可用 (no such scenario; there are): %s; 文件名以 .yaml 结尾 (a file ends in .yaml)", name, builtIn())
	} else {
		s, err = world.Load(scenarios.FS, name+".yaml")
	}
	if err != nil {
		return s, &cli.Error{Exit: cli.Config, Code: "E304", Zh: "场景文件有误", En: "scenario file", Detail: name + ": " + err.Error(), Err: err,
			NextZh: "照 scenarios/forecourt.yaml 的样子改正", NextEn: "mend it after the pattern of scenarios/forecourt.yaml"}
	}
	return s, nil
}

func isBuiltIn(name string) bool {
	_, err := fs.Stat(scenarios.FS, name+".yaml")
	return err == nil
}

// builtIn lists the scenarios inside the program.
func builtIn() string {
	all, err := fs.Glob(scenarios.FS, "*.yaml")
	if err != nil {
		return err.Error()
	}
	return strings.ReplaceAll(strings.Join(all, ", "), ".yaml", "")
}

// outcome is what a run without a page prints last: the newest sale as the product shows it, and the run itself.
type outcome struct {
	Amount    unit.Fen            `json:"amount_fen"`
	Quantity  unit.Quantity       `json:"quantity_hundredths"`
	Unit      unit.Unit           `json:"unit"`
	Price     unit.Price          `json:"price_fen"`
	Product   string              `json:"product"`
	ASN       string              `json:"asn"`
	CTC       int                 `json:"ctc"`
	TID       string              `json:"psam_tid"`
	TTC       uint32              `json:"psam_ttc"`
	Time      string              `json:"time"`
	TAC       string              `json:"tac"`
	TACOK     bool                `json:"tac_ok"`
	Posted    bool                `json:"center_posted"`
	Before    unit.Fen            `json:"balance_before_fen"`
	After     unit.Fen            `json:"balance_after_fen"`
	Sales     int                 `json:"sales"`
	Checkers  []world.CheckReport `json:"checkers"`
	Events    uint64              `json:"events"`
	Seed      int64               `json:"seed"`
	TraceHash string              `json:"trace_hash"`
	Dir       string              `json:"dir,omitempty"`
}

// errExpected says that a run did not close with the scenario's figures.
var errExpected = errors.New("结果与场景预期不符 (the run did not close as the scenario expects)")

// headless plays a scenario's visits to their end.
func (l *lab) headless(ctx context.Context, f *demoFlags, s world.Scenario, profile fuelcard.Profile) (err error) {
	if len(s.Visits) == 0 {
		return cli.Usagef("--scenario %s: 场景中没有顾客, 不能无页面演出 (nobody visits in this scenario: it can be played on the page only)", s.Name)
	}
	if f.out != "" {
		if err := emptyDir(f.out); err != nil {
			return err
		}
	}
	opt := world.Options{Profile: profile, Seed: f.seed, Lines: f.lines, Dir: f.out, Program: world.Self}
	if f.lines == "pty" {
		opt.Wall = patience{ctx: ctx}
	}
	var o outcome
	w, err := world.Start(s, opt)
	if err == nil {
		o, err = play(w, s)
		err = errors.Join(err, w.Close())
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return err
	}
	o.Dir = f.out
	return l.printOutcome(o, s)
}

// patience is the wall clock until the run is told to end: from then on every wait of the town has lasted too long.
type patience struct {
	clock.System
	ctx context.Context
}

// Now is the wall clock's time, or far beyond every limit.
func (p patience) Now() clock.Instant {
	now := p.System.Now()
	if p.ctx.Err() != nil {
		return now.Add(beyond)
	}
	return now
}

// beyond is longer than anything is waited for.
const beyond = 24 * time.Hour

// play plays the visits and asks the product what came of them.
func play(w *world.World, s world.Scenario) (o outcome, err error) {
	card := s.Visits[len(s.Visits)-1].Card
	before, err := w.CardAtDesk(card)
	if err != nil {
		return o, err
	}
	if err := w.PlayVisits(); err != nil {
		return o, err
	}
	if err := w.Settle(settleLimit); err != nil {
		return o, err
	}
	after, err := w.CardAtDesk(card)
	if err != nil {
		return o, err
	}
	var sales []world.SaleShown
	for _, st := range s.Stations {
		list, err := w.Sales(record.SiteID(st.ID))
		if err != nil {
			return o, err
		}
		sales = append(sales, list...)
	}
	r, err := w.Finish()
	if err != nil {
		return o, err
	}
	o = outcome{Before: before.Balance, After: after.Balance, Sales: len(sales), Checkers: r.Checks, Events: r.Events, Seed: r.Seed, TraceHash: r.TraceHash}
	if err := expected(s, sales); err != nil {
		return o, err
	}
	for _, x := range sales {
		if x.ASN != after.ASN {
			continue
		}
		o.Amount, o.Quantity, o.Unit, o.Price, o.Product = x.Amount, x.Quantity, x.Unit, x.Price, x.Product
		o.ASN, o.CTC, o.TID, o.TTC, o.Time = x.ASN, x.CTC, x.TID, uint32(x.TTC), x.Time
		o.TAC, o.TACOK, o.Posted = x.TAC, x.TACOK, x.Posted
	}
	return o, nil
}

// settleLimit is how long upload and posting may take after the last customer.
const settleLimit = 5 * time.Minute

// expected compares the books with the scenario's closing figures.
func expected(s world.Scenario, sales []world.SaleShown) error {
	var sum unit.Fen
	for _, x := range sales {
		if x.Posted {
			sum += x.Amount
		}
	}
	if s.Expect == nil {
		return nil
	}
	want, err := unit.ParseFen(s.Expect.Amount)
	if err != nil {
		return fmt.Errorf("%w: expect.amount: %w", world.ErrScenario, err)
	}
	if len(sales) != s.Expect.Sales || sum != want {
		return fmt.Errorf("%w: %d 笔 %v 元, 预期 %d 笔 %v 元", errExpected, len(sales), sum, s.Expect.Sales, want)
	}
	return nil
}

func (l *lab) printOutcome(o outcome, s world.Scenario) error {
	if l.JSON {
		return l.PrintLine(o)
	}
	fmt.Fprintf(l.Out, "教学模式 · 模拟密钥 · 不作凭证 (training mode)\n%s: %s 升 × %s = %s 元, 卡余额 %s → %s 元, TAC %s, 中心入账 %s\n",
		s.Name, o.Quantity, o.Price, o.Amount, o.Before, o.After, yes(o.TACOK), yes(o.Posted))
	t := cli.Table{Heads: []string{"检查 (checker)", "次数 (evaluations)", "违反 (violation)"}}
	for _, c := range o.Checkers {
		t.Add(c.Name, c.Evaluations, c.Violation)
	}
	t.Write(l.Out)
	_, err := fmt.Fprintf(l.Out, "事件 (events) %d, 种子 (seed) %d, 轨迹 (trace) %s\n", o.Events, o.Seed, o.TraceHash)
	return err
}

func yes(ok bool) string {
	if ok {
		return "✓"
	}
	return "✗"
}

// emptyDir makes the directory, and refuses one with something in it: a run must not mix with another.
func emptyDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return cli.Usagef("--out %s: 目录不能建立 (the directory can not be made): %v", dir, err)
	}
	f, err := os.Open(dir)
	if err != nil {
		return cli.Usagef("--out %s: 目录不能读 (the directory can not be read): %v", dir, err)
	}
	defer f.Close()
	if _, err := f.Readdirnames(1); !errors.Is(err, io.EOF) {
		return cli.Usagef("--out %s: 目录不空 (the directory is not empty)", dir)
	}
	return nil
}

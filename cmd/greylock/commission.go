package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/station"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// commissionFlags are what `station commission` is told.
type commissionFlags struct {
	nozzle int
	by     string
	out    string
	fill   bool
	wait   time.Duration
}

// examination is one check of a commissioning.
type examination struct {
	Name   string `json:"name"` // wiring, totals, price, fill
	Zh     string `json:"zh"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// protocolText is the protocol of a commissioning. Its hash, taken without the reference, stands in the station's journal.
type protocolText struct {
	Site    record.SiteID          `json:"site"`
	Name    string                 `json:"name"`
	Realm   record.Realm           `json:"realm"`
	Nozzle  record.Nozzle          `json:"nozzle"`
	Port    int                    `json:"port"`
	Product string                 `json:"product"`
	By      string                 `json:"by"`
	Began   string                 `json:"began"`
	Ended   string                 `json:"ended"`
	Passed  bool                   `json:"passed"`
	Checks  []examination          `json:"checks"`
	Fill    *station.Sale          `json:"fill,omitempty"`    // the test fill's record
	Journal *station.CommissionRef `json:"journal,omitempty"` // where it stands
}

// hash is that of the text without its reference.
func (p protocolText) hash() []byte {
	p.Journal = nil
	text, err := json.Marshal(p)
	if err != nil {
		panic("commission: " + err.Error()) // plain values always encode
	}
	sum := sha256.Sum256(text)
	return sum[:]
}

func (e *env) stationCommission(addr *string) *cobra.Command {
	f := &commissionFlags{}
	c := &cobra.Command{Use: "commission", Short: "逐枪检定: 接线, 泵码, 单价, 试加油 (examine a nozzle before it sells)", Args: cobra.NoArgs,
		Long: "向运行中的站查问一条枪: 板上的枪号与计划相符, 泵码与账相符, 单价已确认; 然后等一笔试加油, 核对单价、金额和泵码。\n" +
			"写出检定书 (JSON), 其校验值记入站的日志; commission verify 用日志核对检定书。\n" +
			"Asks a running station about a nozzle, waits for a test fill and checks it. The protocol's hash goes into the journal.",
		RunE: func(c *cobra.Command, _ []string) error { return e.commission(c.Context(), *addr, f) }}
	c.Flags().IntVar(&f.nozzle, "nozzle", 0, "枪号 (nozzle)")
	by(c, &f.by)
	c.Flags().StringVar(&f.out, "out", "", "检定书写到新文件 (write the protocol to a new file)")
	c.Flags().BoolVar(&f.fill, "fill", true, "等一笔试加油 (wait for a test fill)")
	c.Flags().DurationVar(&f.wait, "wait", 10*time.Minute, "试加油最多等多久 (for the test fill)")
	data := ""
	verify := &cobra.Command{Use: "verify FILE", Short: "用日志核对检定书 (hold a protocol against the journal)", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return e.verifyProtocol(args[0], data) }}
	verify.Flags().StringVar(&data, "data", "", "日志所在目录 (directory of the station's journal)")
	c.AddCommand(verify)
	return c
}

// Times of a commissioning; ours.
const (
	answerLimit = 30 * time.Second // for the board's answers: it polls at least every 3 s
	lookEvery   = 500 * time.Millisecond
)

// commissioner examines one nozzle.
type commissioner struct {
	e      *env
	addr   string
	nozzle record.Nozzle
	p      protocolText
}

// ask asks the station; fresh lets it ask the board, whose totals then go into the journal.
func (x *commissioner) ask(ctx context.Context, fresh bool) (station.Commissioning, error) {
	return ask[station.Commissioning](ctx, x.addr, station.PathCommission, station.AskCommission{Nozzle: x.nozzle, Fresh: fresh})
}

// until asks until what is wanted is there or the limit is over; it returns the last answer in both cases.
func (x *commissioner) until(ctx context.Context, fresh bool, limit time.Duration, there func(a station.Commissioning) bool) (a station.Commissioning, ok bool, err error) {
	timer, look := time.NewTimer(limit), time.NewTicker(lookEvery)
	defer timer.Stop()
	defer look.Stop()
	for {
		if a, err = x.ask(ctx, fresh); err != nil || there(a) {
			return a, err == nil, err
		}
		select {
		case <-look.C:
		case <-timer.C:
			return a, false, nil
		case <-ctx.Done():
			return a, false, ctx.Err()
		}
	}
}

func (x *commissioner) check(name, zh string, ok bool, format string, args ...any) {
	c := examination{name, zh, ok, fmt.Sprintf(format, args...)}
	x.p.Checks = append(x.p.Checks, c)
	if !x.e.JSON {
		fmt.Fprintln(x.e.Out, c)
	}
}

// String is a check in one line.
func (c examination) String() string {
	mark := "合格"
	if !c.OK {
		mark = "不合格"
	}
	return fmt.Sprintf("%s %s (%s): %s", mark, c.Zh, c.Name, c.Detail)
}

func (e *env) commission(ctx context.Context, addr string, f *commissionFlags) error {
	if f.nozzle < 1 || strings.TrimSpace(f.by) == "" {
		return cli.Usagef("--nozzle 与 --by: 枪号和检定人 (a nozzle, and who examines it)")
	}
	s, err := ask[station.Status](ctx, addr, station.PathStatus, struct{}{})
	if err != nil {
		return err
	}
	x := &commissioner{e: e, addr: addr, nozzle: record.Nozzle(f.nozzle)}
	x.p = protocolText{Site: s.Site, Name: s.Name, Realm: s.Realm, Nozzle: x.nozzle, By: f.by, Began: clock.System{}.Now().Civil().String()}
	before, err := x.standing(ctx)
	if err == nil && f.fill && x.passed() {
		err = x.testFill(ctx, before, f.wait)
	}
	if err != nil {
		return err
	}
	x.p.Ended, x.p.Passed = clock.System{}.Now().Civil().String(), x.passed() && f.fill
	if err := x.enter(ctx); err != nil {
		return err
	}
	if err := x.write(f.out); err != nil {
		return err
	}
	if err := e.Print(x.p, x.p.show); err != nil {
		return err
	}
	if !x.p.Passed {
		return &cli.Error{Exit: cli.Failed, Code: "E144", Zh: "检定未通过", En: "the nozzle has not passed",
			NextZh: "按各项所示处理后重做", NextEn: "do what the checks say, then again", Detail: x.p.failed(f.fill)}
	}
	return nil
}

func (x *commissioner) passed() bool {
	for _, c := range x.p.Checks {
		if !c.OK {
			return false
		}
	}
	return true
}

// standing examines what needs no fuel: wiring, totals, price.
func (x *commissioner) standing(ctx context.Context) (station.Commissioning, error) {
	since := clock.System{}.Now().Milli()
	a, ok, err := x.until(ctx, true, answerLimit, func(a station.Commissioning) bool {
		return a.Line && a.Online && len(a.Board) > 0 && a.Totals && (a.TotalMs >= since || a.Protocol == station.LF)
	})
	if err != nil {
		return a, err
	}
	x.p.Port, x.p.Product = a.Port, a.Product
	switch {
	case !a.Line:
		x.check("wiring", "接线", false, "%d 号口没有打开: 检查集线器 (the port is not open)", a.Port)
	case !a.Online:
		x.check("wiring", "接线", false, "加油机无应答: 检查供电与连线 (no answer)")
	case !ok:
		x.check("wiring", "接线", false, "加油机没有报出枪号或泵码 (the board tells neither number nor total)")
	default:
		named := false
		for _, n := range a.Board {
			named = named || n == a.NZN
		}
		x.check("wiring", "接线", named, "%d 号口的板自称 %v, 计划 %d (what the board calls itself, planned)", a.Port, a.Board, a.NZN)
	}
	if !x.passed() {
		return a, nil
	}
	x.check("totals", "泵码", !a.Booked || a.Books == a.Total, "板 %v, 账 %v (board, books)", a.Total, booked(a))
	current, _, err := x.until(ctx, true, answerLimit, func(a station.Commissioning) bool { return a.Version > 0 && a.Acked == a.Version })
	if err != nil {
		return a, err
	}
	x.check("price", "单价", current.Version > 0 && current.Acked == current.Version && current.Price > 0,
		"下发第 %d 版, 板确认第 %d 版, %v 元 (ordered, acknowledged)", current.Version, current.Acked, current.Price)
	return a, nil
}

func booked(a station.Commissioning) string {
	if !a.Booked {
		return "无记录 (no record yet)"
	}
	return a.Books.String()
}

// testFill waits for the nozzle's next record and holds it against price, amount and totals.
func (x *commissioner) testFill(ctx context.Context, before station.Commissioning, wait time.Duration) error {
	if !x.e.JSON {
		fmt.Fprintf(x.e.Out, "请在 %d 号枪试加油 (make a test fill at the nozzle)\n", x.nozzle)
	}
	_, ok, err := x.until(ctx, false, wait, func(a station.Commissioning) bool { return a.POSTTC > before.POSTTC })
	if err != nil {
		return err
	}
	if !ok {
		x.check("fill", "试加油", false, "%v 内没有新记录 (no record)", wait)
		return nil
	}
	since := clock.System{}.Now().Milli()
	after, _, err := x.until(ctx, true, answerLimit, func(a station.Commissioning) bool {
		return a.Totals && (a.TotalMs >= since || a.Protocol == station.LF)
	})
	if err == nil && after.Protocol == station.LF {
		err = x.plainFill(ctx, before)
	} else if err == nil {
		err = x.cardFill(ctx, before)
	}
	if err != nil {
		return err
	}
	x.judge(before, after)
	return nil
}

// mostFills is how many of the station's newest records are looked at.
const mostFills = 50

// cardFill finds the fill among the records of a card dispenser.
func (x *commissioner) cardFill(ctx context.Context, before station.Commissioning) error {
	sales, err := ask[station.Sales](ctx, x.addr, station.PathSales, station.AskSales{Limit: mostFills})
	for _, s := range sales.Sales {
		if s.Port == before.Port && s.POSTTC > before.POSTTC && s.Quantity > 0 {
			x.p.Fill = &s
		}
	}
	return err
}

// plainFill finds the fill among the deliveries that the station ran.
func (x *commissioner) plainFill(ctx context.Context, before station.Commissioning) error {
	sales, err := ask[station.PlainSales](ctx, x.addr, station.PathPlainSales, station.AskSales{Limit: mostFills})
	for _, s := range sales.Sales {
		if s.Nozzle == x.nozzle && s.Number > before.POSTTC && s.Quantity > 0 {
			x.p.Fill = &station.Sale{Seq: s.Seq, Port: s.Port, POSTTC: s.Number, Zh: "站控加油 " + s.Verdict, Product: s.Product, Price: s.Price, Quantity: s.Quantity, Amount: s.Amount}
		}
	}
	return err
}

// judge holds the fill's record against what the nozzle showed.
func (x *commissioner) judge(before, after station.Commissioning) {
	s := x.p.Fill
	if s == nil {
		x.check("fill", "试加油", false, "新记录没有油量 (the new record has no fuel)")
		return
	}
	amount, err := unit.Amount(s.Quantity, s.Price)
	off := amount - s.Amount
	pulse := unit.Fen(s.Price+99) / 100
	x.check("fill", "试加油", err == nil && max(off, -off) <= pulse, "%v 升 × %v 元 = %v 元 (quantity, price, amount)", s.Quantity, s.Price, s.Amount)
	x.check("fill-price", "试加油单价", s.Price == after.Price, "记录 %v, 下发 %v (record, ordered)", s.Price, after.Price)
	moved := after.Total.Since(before.Total)
	x.check("fill-totals", "试加油泵码", moved == s.Quantity, "泵码走 %v, 记录 %v (moved, record)", moved, s.Quantity)
}

// enter puts the protocol's hash into the journal and takes its place there.
func (x *commissioner) enter(ctx context.Context) error {
	sum := x.p.hash()
	if _, err := ask[record.Done](ctx, x.addr, station.PathCommissioned, station.Commissioned{Nozzle: x.nozzle, By: x.p.By, Passed: x.p.Passed, Protocol: sum}); err != nil {
		return err
	}
	a, err := x.ask(ctx, false)
	if err == nil && (a.Last == nil || string(a.Last.Protocol) != string(sum)) {
		err = errors.New("另一人同时检定了这条枪, 请重做 (somebody else has examined this nozzle meanwhile)")
	}
	x.p.Journal = a.Last
	return err
}

func (x *commissioner) write(path string) (err error) {
	if path == "" {
		return nil
	}
	text, err := json.MarshalIndent(x.p, "", "  ")
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_, err = file.Write(append(text, '\n'))
	return err
}

// failed names what has not passed.
func (p protocolText) failed(filled bool) string {
	var names []string
	for _, c := range p.Checks {
		if !c.OK {
			names = append(names, c.Zh)
		}
	}
	if !filled {
		names = append(names, "未试加油 (no test fill)")
	}
	return strings.Join(names, ", ")
}

func (p protocolText) show(w io.Writer) {
	result := "合格 (passed)"
	if !p.Passed {
		result = "未通过 (not passed)"
	}
	fmt.Fprintf(w, "检定书: %s %s, %d 号口 %d 号枪 %s, 检定人 %s, %s: %s\n", p.Site, p.Name, p.Port, p.Nozzle, p.Product, p.By, p.Ended, result)
	if p.Journal != nil {
		fmt.Fprintf(w, "日志第 %d 条, 链 %.16X… (journal)\n", p.Journal.Seq, []byte(p.Journal.Chain))
	}
}

// verifyProtocol holds a protocol against the journal of its station: the record is there, under the chain, and of this text.
func (e *env) verifyProtocol(path, data string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if data == "" {
		return cli.Usagef("--data: 站的日志目录 (the journal's directory)")
	}
	var p protocolText
	if err := json.Unmarshal(text, &p); err != nil || p.Journal == nil {
		return forged(path, "不是检定书 (no protocol)")
	}
	found := ""
	r, err := journal.Visit(journal.OS(data), func(x journal.Record) {
		if x.Seq != p.Journal.Seq || string(x.Chain[:]) != string(p.Journal.Chain) {
			return
		}
		f, err := record.Decode(x.Body)
		if c, ok := f.(record.NozzleCommissioned); err == nil && ok && string(c.Protocol) == string(p.hash()) && c.Nozzle == p.Nozzle {
			found = c.By
		}
	})
	switch {
	case err != nil:
		return err
	case r.Damage != nil:
		return r.Damage
	case found == "":
		return forged(path, "日志里没有这份检定书 (the journal does not hold this protocol)")
	}
	return e.Print(p, p.show)
}

func forged(path, what string) error {
	return &cli.Error{Exit: cli.Integrity, Code: "E541", Zh: "检定书与日志不符", En: "protocol and journal differ",
		NextZh: "核对文件与数据目录; 改动过的检定书无效", NextEn: "check file and directory; an altered protocol is void", Detail: path + ": " + what}
}

package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/system/app"
	"greylock/system/card"
	"greylock/system/issuing"
	"greylock/system/terminal"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// actFlags are what the commands that change a card beside its money are told.
type actFlags struct {
	*issueFlags
	by, reason         string
	forEver, wholeCard bool
	number             string
	holder             string
	limits             limitFlags
	vessel             vesselFlags
}

// vesselFlags are a vehicle's pressure vessel. Source: card.md 3.1.
type vesselFlags struct {
	kind, number, made, inspection, scrap, plate string
	litres                                       uint16
}

// vesselKinds are what a card may vouch for.
var vesselKinds = map[string]byte{"cng": fuelcard.VesselCNG, "lng": fuelcard.VesselLNG, "lpg": fuelcard.VesselLPG}

func (l *vesselFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&l.kind, "kind", "cng", "cng, lng 或 lpg")
	cli.Values(c, "kind", "cng", "lng", "lpg")
	c.Flags().StringVar(&l.number, "number", "", "气瓶编号, 至多 16 个字符 (number of its certificate)")
	c.Flags().Uint16Var(&l.litres, "litres", 0, "容积, 升 (water capacity)")
	c.Flags().StringVar(&l.made, "made", "", "制造日期 YYYYMMDD")
	c.Flags().StringVar(&l.inspection, "inspection", "", "下次检验日期 YYYYMMDD, 当日仍可充装 (the last day on which it may be filled)")
	c.Flags().StringVar(&l.scrap, "scrap", "", "报废日期 YYYYMMDD (end of its life)")
	c.Flags().StringVar(&l.plate, "plate", "", "车牌 (plate)")
}

func (l *vesselFlags) value() (x fuelcard.VesselData, err error) {
	kind, ok := vesselKinds[l.kind]
	if !ok {
		return x, cli.Usagef("--kind %q: 应为 cng, lng 或 lpg", l.kind)
	}
	if l.number == "" || len(l.number) > len(x.Number) {
		return x, cli.Usagef("--number %q: 应为 1 至 16 个字符 (want 1 to 16 characters)", l.number)
	}
	x.Kind, x.Litres = kind, l.litres
	copy(x.Number[:], l.number)
	for _, d := range []struct {
		text string
		to   *[4]byte
		flag string
	}{{l.made, &x.Made, "made"}, {l.inspection, &x.Inspection, "inspection"}, {l.scrap, &x.Scrap, "scrap"}} {
		b, err := hex.DecodeString(d.text)
		if err != nil || len(b) != len(d.to) {
			return x, cli.Usagef("--%s %q: 应为 YYYYMMDD (want YYYYMMDD)", d.flag, d.text)
		}
		copy(d.to[:], b)
	}
	return x, nil
}

func (e *env) vesselSet(ctx context.Context, f *actFlags) error {
	if err := f.permit(); err != nil {
		return err
	}
	x, err := f.vessel.value()
	if err != nil {
		return err
	}
	return e.act(ctx, f, record.ActVessel, func(v *issuing.Visit) error { return v.SetVessel(x, f.vessel.plate, f.by, f.reason) })
}

// limitFlags are the limits of a card; what is not given is no limit. Source: card.md 3.5.
type limitFlags struct {
	products      []int
	perFill       int
	perFillLitres int
	perDay        int
	perDayYuan    string
	region        string
	regions       []string
	plate         string
}

func (e *env) issueActs(f *issueFlags) []*cobra.Command {
	a := &actFlags{issueFlags: f}
	run := func(use, short string, do func(context.Context, *actFlags) error) *cobra.Command {
		return &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return do(c.Context(), a) }}
	}
	permitted := func(c *cobra.Command) *cobra.Command {
		c.Flags().StringVar(&a.by, "by", "", "批准人 (who permits it)")
		c.Flags().StringVar(&a.reason, "reason", "", "原因 (reason)")
		return c
	}
	pin := &cobra.Command{Use: "pin", Short: "密码: 修改, 重装, 解锁, 查明 (the holder's PIN)"}
	pin.AddCommand(
		run("change", "修改密码, 持卡人知道原密码 (change; the holder knows the old one)", e.pinChange),
		permitted(run("reload", "重装密码, 由主管批准 (new PIN without the old one)", e.pinReload)),
		permitted(run("unblock", "解锁密码, 由主管批准 (new PIN for a card whose PIN is blocked)", e.pinUnblock)),
		run("settle", "操作中断后查明哪个密码有效 (which PIN holds after an interrupted act)", e.pinSettle))
	block := permitted(run("block", "锁定卡应用 (block the card's application)", e.cardBlock))
	block.Flags().BoolVar(&a.forEver, "for-ever", false, "永久, 不能再解锁 (can never be unblocked)")
	block.Flags().BoolVar(&a.wholeCard, "whole-card", false, "锁死整张卡, 卡不再应答 (the card never answers again)")
	dead := run("dead", "登记锁死中断的卡, 按卡面卡号 (a card that went mute while it was being blocked)", e.cardDead)
	dead.Flags().StringVar(&a.number, "number", "", "卡面卡号 (the number printed on the card)")
	limits := &cobra.Command{Use: "limits", Short: "限制 (limits)"}
	set := permitted(run("set", "改写限制; 未给的为不限 (what is not given is no limit)", e.limitsSet))
	a.limits.flags(set)
	limits.AddCommand(set)
	holder := permitted(run("holder", "改写持卡人 (write the holder)", e.holderSet))
	holder.Flags().StringVar(&a.holder, "holder", "", "持卡人 (holder)")
	vessel := permitted(run("vessel", "登记车用气瓶, 仅加气卡 (the vehicle's pressure vessel, on a card for gas)", e.vesselSet))
	a.vessel.flags(vessel)
	return []*cobra.Command{vessel, pin, block, permitted(run("unblock", "解锁卡应用 (lift a temporary block)", e.cardUnblock)), dead, limits, holder}
}

func (l *limitFlags) flags(c *cobra.Command) {
	c.Flags().IntSliceVar(&l.products, "products", nil, "限油品: 油品表序号, 0 起 (slots of the product table)")
	c.Flags().IntVar(&l.perFill, "per-fill-yuan", 0, "限每次金额, 元 (yuan per fill)")
	c.Flags().IntVar(&l.perFillLitres, "per-fill-litres", 0, "限每次升数 (litres per fill)")
	c.Flags().IntVar(&l.perDay, "per-day", 0, "限每天次数 (fills per day)")
	c.Flags().StringVar(&l.perDayYuan, "per-day-yuan", "", "限每天金额, 元 (yuan per day)")
	c.Flags().StringVar(&l.region, "region", "", "限区域方式: province, city, superior, station (kind of region)")
	c.Flags().StringSliceVar(&l.regions, "regions", nil, "区域码 (region codes)")
	c.Flags().StringVar(&l.plate, "plate", "", "限车牌 (plate)")
}

// regionModes are the words of --region, each with the bytes of its codes. Source: card.md 3.5.
var regionModes = map[string]struct {
	mode  fuelcard.RegionMode
	width int
}{"province": {fuelcard.RegionProvince, 1}, "city": {fuelcard.RegionCity, 2}, "superior": {fuelcard.RegionSuperior, 4}, "station": {fuelcard.RegionStation, 4}}

// most of a per-fill limit: 12 bits. Source: card.md 3.5.
const mostPerFill = 0x0FFF

func (l *limitFlags) value() (fuelcard.Limits, error) {
	v := fuelcard.NoLimits()
	if len(l.products) > 0 {
		v.Products = 0
	}
	for _, slot := range l.products {
		if slot < 0 || slot > 15 {
			return v, cli.Usagef("--products %d: 应为 0 至 15 (want 0 to 15)", slot)
		}
		v.Products |= 1 << slot
	}
	switch {
	case l.perFill < 0 || l.perFill > mostPerFill || l.perFillLitres < 0 || l.perFillLitres > mostPerFill:
		return v, cli.Usagef("限每次: 应为 1 至 %d (per fill: want 1 to %d)", mostPerFill, mostPerFill)
	case l.perFill > 0 && l.perFillLitres > 0:
		return v, cli.Usagef("--per-fill-yuan 与 --per-fill-litres 只能给一个 (give one of them)")
	case l.perDay < 0 || l.perDay > 0xFE:
		return v, cli.Usagef("--per-day %d: 应为 1 至 254 (want 1 to 254)", l.perDay)
	case l.perFill > 0:
		v.PerFill = uint16(l.perFill)
	case l.perFillLitres > 0:
		v.PerFill = 0x1000 | uint16(l.perFillLitres)
	}
	if l.perDay > 0 {
		v.FillsPerDay = byte(l.perDay)
	}
	if l.perDayYuan != "" {
		fen, err := unit.ParseFen(l.perDayYuan)
		if err != nil || fen <= 0 || fen >= 0xFFFFFFFF {
			return v, cli.Usagef("--per-day-yuan %q: 应为元 (want yuan)", l.perDayYuan)
		}
		v.FenPerDay = uint32(fen)
	}
	return v, l.inRegion(&v)
}

func (l *limitFlags) inRegion(v *fuelcard.Limits) error {
	if l.region == "" && len(l.regions) == 0 {
		return nil
	}
	kind, ok := regionModes[l.region]
	if !ok || len(l.regions) == 0 {
		return cli.Usagef("--region 应为 province, city, superior 或 station, 并给出 --regions (and --regions is needed)")
	}
	if len(l.regions)*kind.width > len(v.Regions) {
		return cli.Usagef("--regions: 最多 %d 个 (at most)", len(v.Regions)/kind.width)
	}
	v.RegionMode = kind.mode
	for i, code := range l.regions {
		if len(code) != 2*kind.width || strings.Trim(code, "0123456789") != "" {
			return cli.Usagef("--regions %q: 应为 %d 位数字 (want %d digits)", code, 2*kind.width, 2*kind.width)
		}
		for j := range kind.width {
			v.Regions[i*kind.width+j] = bcd(code[2*j : 2*j+2])
		}
	}
	return nil
}

// pins asks the holder for PINs, each hidden; a fresh one is asked for twice. The caller wipes them.
func (e *env) pins(ctx context.Context, f *issueFlags, prompts ...string) (pins []fuelcard.PIN, err error) {
	ask, err := cli.NewAsker(&e.Options, f.stdin)
	if err != nil {
		return nil, err
	}
	for _, prompt := range prompts {
		digits, err := ask.Hidden(ctx, prompt)
		if err != nil {
			return nil, err
		}
		pin, err := terminal.KeyedPIN(digits)
		clear(digits)
		if err != nil {
			return nil, cli.Usagef("%v", err)
		}
		pins = append(pins, pin)
	}
	return pins, nil
}

const (
	askOld   = "请持卡人输入原密码 (old PIN): "
	askNew   = "请持卡人输入新密码 (new PIN): "
	askAgain = "请再输一次新密码 (new PIN again): "
)

// newPIN asks for what is needed and lets a visit set the PIN.
func (e *env) newPIN(ctx context.Context, f *actFlags, act record.CardAct, prompts []string, set func(v *issuing.Visit, pins []fuelcard.PIN) error) error {
	pins, err := e.pins(ctx, f.issueFlags, prompts...)
	if err != nil {
		return err
	}
	defer func() {
		for _, p := range pins {
			terminal.Wipe(p)
		}
	}()
	if n := len(pins); !bytes.Equal(pins[n-1], pins[n-2]) {
		return cli.Usagef("两次新密码不同 (the new PINs differ)")
	}
	return e.act(ctx, f, act, func(v *issuing.Visit) error { return set(v, pins) })
}

// act does one act on the card and shows that it is done.
func (e *env) act(ctx context.Context, f *actFlags, act record.CardAct, do func(v *issuing.Visit) error) error {
	var asn pboc.ASN
	err := e.visit(ctx, f.issueFlags, func(v *issuing.Visit) error {
		asn = v.ASN()
		return do(v)
	})
	if err != nil {
		return err
	}
	return e.acted(asn, act)
}

func (e *env) acted(asn pboc.ASN, act record.CardAct) error {
	zh, en := act.Words()
	return e.Print(map[string]any{"asn": asn, "act": act, "done": true}, func(w io.Writer) {
		fmt.Fprintf(w, "%s完成 (%s): 卡 %s\n", zh, en, asn.Digits())
	})
}

// permit wants the words that the audit needs.
func (f *actFlags) permit() error {
	if f.by == "" || f.reason == "" {
		return cli.Usagef("请给出 --by 和 --reason (both are needed)")
	}
	return nil
}

func (e *env) pinChange(ctx context.Context, f *actFlags) error {
	return e.newPIN(ctx, f, record.ActChangePIN, []string{askOld, askNew, askAgain}, func(v *issuing.Visit, pins []fuelcard.PIN) error {
		return v.ChangePIN(pins[0], pins[1])
	})
}

func (e *env) pinReload(ctx context.Context, f *actFlags) error {
	if err := f.permit(); err != nil {
		return err
	}
	return e.newPIN(ctx, f, record.ActReloadPIN, []string{askNew, askAgain}, func(v *issuing.Visit, pins []fuelcard.PIN) error {
		return v.ReloadPIN(pins[0], f.by, f.reason)
	})
}

func (e *env) pinUnblock(ctx context.Context, f *actFlags) error {
	if err := f.permit(); err != nil {
		return err
	}
	return e.newPIN(ctx, f, record.ActUnblockPIN, []string{askNew, askAgain}, func(v *issuing.Visit, pins []fuelcard.PIN) error {
		return v.UnblockPIN(pins[0], f.by, f.reason)
	})
}

func (e *env) pinSettle(ctx context.Context, f *actFlags) error {
	pins, err := e.pins(ctx, f.issueFlags, askNew, askOld)
	if err != nil {
		return err
	}
	defer terminal.Wipe(pins[0])
	defer terminal.Wipe(pins[1])
	var held bool
	err = e.visit(ctx, f.issueFlags, func(v *issuing.Visit) (err error) { held, err = v.SettlePIN(pins[0], pins[1]); return err })
	if err != nil {
		return err
	}
	return e.Print(map[string]any{"new_pin_holds": held}, func(w io.Writer) {
		if held {
			fmt.Fprintln(w, "新密码有效 (the new PIN holds)")
			return
		}
		fmt.Fprintln(w, "原密码有效, 请重做 (the old PIN holds: do it again)")
	})
}

func (e *env) cardBlock(ctx context.Context, f *actFlags) error {
	if err := f.permit(); err != nil {
		return err
	}
	act := record.ActBlock
	switch {
	case f.forEver && f.wholeCard:
		return cli.Usagef("--for-ever 与 --whole-card 只能给一个 (give one of them)")
	case f.forEver:
		act = record.ActBlockForEver
	case f.wholeCard:
		act = record.ActBlockCard
	}
	return e.act(ctx, f, act, func(v *issuing.Visit) error { return v.Block(act, f.by, f.reason) })
}

func (e *env) cardUnblock(ctx context.Context, f *actFlags) error {
	if err := f.permit(); err != nil {
		return err
	}
	return e.act(ctx, f, record.ActUnblock, func(v *issuing.Visit) error { return v.Unblock(f.by, f.reason) })
}

func (e *env) cardDead(ctx context.Context, f *actFlags) error {
	asn, err := pboc.ParseASN(f.number)
	if err != nil {
		return cli.Usagef("--number: %v", err)
	}
	err = e.atDesk(ctx, f.issueFlags, true, func(d *issuing.Desk, door app.Door, t card.Transport) error { return d.Dead(door, t, asn) })
	if err != nil {
		return err
	}
	return e.acted(asn, record.ActBlockCard)
}

func (e *env) limitsSet(ctx context.Context, f *actFlags) error {
	if err := f.permit(); err != nil {
		return err
	}
	limits, err := f.limits.value()
	if err != nil {
		return err
	}
	return e.act(ctx, f, record.ActLimits, func(v *issuing.Visit) error { return v.SetLimits(limits, f.limits.plate, f.by, f.reason) })
}

func (e *env) holderSet(ctx context.Context, f *actFlags) error {
	if err := f.permit(); err != nil {
		return err
	}
	if f.holder == "" {
		return cli.Usagef("请给出 --holder (needed)")
	}
	return e.act(ctx, f, record.ActHolder, func(v *issuing.Visit) error {
		return v.SetHolder(issuing.Order{Holder: f.holder}, f.by, f.reason)
	})
}

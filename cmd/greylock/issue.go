package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/cmd/internal/config"
	"greylock/system/app"
	"greylock/system/card"
	"greylock/system/issuing"
	"greylock/system/terminal"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// issueFlags are what the commands of the desk are told.
type issueFlags struct {
	config                       string
	account, name, holder, plate string
	amount, receipt              string
	pin, stdin                   bool
	forcedBy                     []string
	forcedReason                 string
}

func (e *env) issue() *cobra.Command {
	group := &cobra.Command{Use: "issue", Short: "发卡网点: 开户, 充值, 圈存, 圈提, 读卡, 解灰, 密码, 锁卡, 限制 (issuing desk)"}
	f := &issueFlags{}
	group.PersistentFlags().StringVar(&f.config, "config", "issue.yaml", "网点的配置 (configuration)")
	group.PersistentFlags().BoolVar(&f.stdin, "stdin", false, "从标准输入逐行读入密码 (read the PIN from standard input)")
	open := &cobra.Command{Use: "open", Short: "开户并发卡 (open account and card)", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return e.issueOpen(c.Context(), f) }}
	open.Flags().StringVar(&f.account, "account", "", "账户号 (account)")
	open.Flags().StringVar(&f.name, "name", "", "户名, 缺省同持卡人 (account's name)")
	open.Flags().StringVar(&f.holder, "holder", "", "持卡人 (holder)")
	open.Flags().StringVar(&f.plate, "plate", "", "限车牌 (plate)")
	open.Flags().BoolVar(&f.pin, "pin", false, "由持卡人设密码 (the holder chooses a PIN)")
	topUp := &cobra.Command{Use: "top-up", Short: "现金充值到账户 (cash into an account)", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return e.issueTopUp(c.Context(), f) }}
	topUp.Flags().StringVar(&f.account, "account", "", "账户号 (account)")
	topUp.Flags().StringVar(&f.amount, "amount", "", "元 (yuan)")
	topUp.Flags().StringVar(&f.receipt, "receipt", "", "收据号; 同号只记一次 (receipt number: one number is one payment)")
	load := &cobra.Command{Use: "load", Short: "圈存: 从账户到卡 (load the card)", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return e.issueLoad(c.Context(), f) }}
	load.Flags().StringVar(&f.amount, "amount", "", "元 (yuan)")
	unload := &cobra.Command{Use: "unload", Short: "圈提: 从卡回到账户 (unload the card into its account)", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return e.issueUnload(c.Context(), f) }}
	unload.Flags().StringVar(&f.amount, "amount", "", "元; 缺省为卡上全部 (yuan; all that the card has if not given)")
	read := &cobra.Command{Use: "read", Aliases: []string{"show"}, Short: "读卡 (read the card)", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return e.issueRead(c.Context(), f) }}
	read.Flags().BoolVar(&f.pin, "pin", false, "输入密码以读交易明细 (key the PIN to read the history)")
	unlock := &cobra.Command{Use: "unlock", Short: "联机解灰 (unlock a grey card)", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return e.issueUnlock(c.Context(), f) }}
	unlock.Flags().StringSliceVar(&f.forcedBy, "force-by", nil, "强制解灰的两位批准人, 逗号分隔; 满 48 小时仍无记录时 (two persons, when no record has come within 48 hours)")
	unlock.Flags().StringVar(&f.forcedReason, "reason", "", "强制解灰的原因 (reason of a forced unlock)")
	group.AddCommand(open, topUp, load, unload, read, unlock)
	group.AddCommand(e.issueActs(f)...)
	return group
}

// atDesk opens the desk's program and does one job.
func (e *env) atDesk(ctx context.Context, f *issueFlags, withCard bool, job func(d *issuing.Desk, door app.Door, t card.Transport) error) error {
	c, err := load(f.config, config.RoleIssue)
	if err != nil {
		return err
	}
	cards, err := c.Cards()
	if err != nil {
		return err
	}
	id := identity(c)
	keys, err := app.OpenVault(c.Issue.Vault, c.Issue.Secret, record.KindOutlet, id, cards)
	if err != nil {
		return err
	}
	tid, err := pboc.ParseTID(c.Issue.TID)
	if err != nil {
		return fmt.Errorf("%w: issue.tid: %w", config.ErrConfig, err)
	}
	d := issuing.New(issuing.Config{Site: id.ID, Realm: id.Realm, Profile: cards, TID: tid, Keys: keys, Random: e.random})
	name := c.Issue.Reader
	if !withCard {
		name = noReader
	}
	cfg := app.DeskConfig{Site: id, Kind: record.KindOutlet, Data: c.Data, Center: c.Issue.Center, TLS: c.Issue.TLS.Files()}
	return e.desk(ctx, cfg, name, d.Apply, func(door app.Door, t card.Transport) error { return job(d, door, t) })
}

// visit does one job with the card on the reader; its holder is asked for the PIN only where the cards of the profile want it.
func (e *env) visit(ctx context.Context, f *issueFlags, job func(v *issuing.Visit) error) error {
	return e.atDesk(ctx, f, true, func(d *issuing.Desk, door app.Door, t card.Transport) error {
		v, err := d.InsertPIN(door, t, func() (fuelcard.PIN, error) { return e.pad(ctx, f) })
		if err != nil {
			return err
		}
		return job(v)
	})
}

// keyed asks for a PIN on the holder's pad; nil if none is wanted.
func (e *env) keyed(ctx context.Context, f *issueFlags) (fuelcard.PIN, error) {
	if !f.pin {
		return nil, nil
	}
	return e.pad(ctx, f)
}

// pad asks the holder for the PIN.
func (e *env) pad(ctx context.Context, f *issueFlags) (fuelcard.PIN, error) {
	ask, err := cli.NewAsker(&e.Options, f.stdin)
	if err != nil {
		return nil, err
	}
	digits, err := ask.Hidden(ctx, "请持卡人输入密码 (PIN): ")
	if err != nil {
		return nil, err
	}
	defer clear(digits)
	pin, err := terminal.KeyedPIN(digits)
	if err != nil {
		return nil, cli.Usagef("%v", err)
	}
	return pin, nil
}

func (f *issueFlags) yuan() (unit.Fen, error) {
	a, err := unit.ParseFen(f.amount)
	if err != nil || a <= 0 {
		return 0, cli.Usagef("--amount %q: 应为元, 如 500.00 (want yuan, such as 500.00)", f.amount)
	}
	return a, nil
}

func (e *env) issueOpen(ctx context.Context, f *issueFlags) error {
	if f.account == "" || f.holder == "" {
		return cli.Usagef("请给出 --account 和 --holder (both are needed)")
	}
	if f.name == "" {
		f.name = f.holder
	}
	pin, err := e.keyed(ctx, f)
	if err != nil {
		return err
	}
	defer clear(pin)
	var opened record.OpenAnswer
	var asn pboc.ASN
	err = e.visit(ctx, f, func(v *issuing.Visit) (err error) {
		asn = v.ASN()
		opened, err = v.Open(issuing.Order{Account: f.account, Name: f.name, Holder: f.holder, Plate: f.plate, Limits: fuelcard.NoLimits(), PIN: pin})
		return err
	})
	if err != nil {
		return err
	}
	return e.Print(map[string]any{"asn": asn, "account": opened.Account, "balance_fen": opened.Balance}, func(w io.Writer) {
		fmt.Fprintf(w, "发卡完成 (opened): 卡 %s, 账户 %s, 账户余额 %v 元\n", asn.Digits(), opened.Account, opened.Balance)
	})
}

func (e *env) issueTopUp(ctx context.Context, f *issueFlags) error {
	amount, err := f.yuan()
	if err != nil {
		return err
	}
	if f.account == "" || f.receipt == "" {
		return cli.Usagef("请给出 --account 和 --receipt (both are needed)")
	}
	var paid record.TopUpAnswer
	err = e.atDesk(ctx, f, false, func(d *issuing.Desk, door app.Door, _ card.Transport) (err error) {
		paid, err = d.TopUp(door, record.TopUpQuestion{Account: f.account, Amount: amount, Tender: "cash", Receipt: f.receipt})
		return err
	})
	if err != nil {
		return err
	}
	return e.Print(map[string]any{"account": f.account, "amount_fen": amount, "balance_fen": paid.Balance}, func(w io.Writer) {
		fmt.Fprintf(w, "充值 (topped up): 账户 %s, %v 元, 余额 %v 元\n", f.account, amount, paid.Balance)
	})
}

func (e *env) issueLoad(ctx context.Context, f *issueFlags) error {
	amount, err := f.yuan()
	if err != nil {
		return err
	}
	var l issuing.Moved
	if err := e.visit(ctx, f, func(v *issuing.Visit) (err error) { l, err = v.Load(amount); return err }); err != nil {
		return err
	}
	v := map[string]any{"asn": l.ASN, "amount_fen": l.Amount, "balance_fen": l.Balance, "online_sn": l.OnlineSN, "tac": l.Code, "reported": l.Reported}
	return e.Print(v, func(w io.Writer) {
		fmt.Fprintf(w, "圈存 (loaded): 卡 %s, %v 元, 卡余额 %v 元\n", l.ASN.Digits(), l.Amount, l.Balance)
	})
}

func (e *env) issueUnload(ctx context.Context, f *issueFlags) error {
	var amount unit.Fen
	if f.amount != "" {
		var err error
		if amount, err = f.yuan(); err != nil {
			return err
		}
	}
	var m issuing.Moved
	err := e.visit(ctx, f, func(v *issuing.Visit) (err error) {
		if amount == 0 {
			amount = v.Identity().Balance
		}
		m, err = v.Unload(amount)
		return err
	})
	if err != nil {
		return err
	}
	shown := map[string]any{"asn": m.ASN, "amount_fen": m.Amount, "balance_fen": m.Balance, "online_sn": m.OnlineSN, "mac3": m.Code, "reported": m.Reported}
	return e.Print(shown, func(w io.Writer) {
		fmt.Fprintf(w, "圈提 (unloaded): 卡 %s, %v 元回到账户, 卡余额 %v 元\n", m.ASN.Digits(), m.Amount, m.Balance)
	})
}

func (e *env) issueRead(ctx context.Context, f *issueFlags) error {
	pin, err := e.keyed(ctx, f)
	if err != nil {
		return err
	}
	defer clear(pin)
	var view issuing.View
	if err := e.visit(ctx, f, func(v *issuing.Visit) (err error) { view, err = v.Read(pin); return err }); err != nil {
		return err
	}
	return e.Print(view, func(w io.Writer) {
		fmt.Fprintf(w, "卡 %s  持卡人 %s  余额 %v 元  状态 %s\n", view.ASN.Digits(), view.Holder, view.Balance, view.State)
		if view.Unsettled != "" {
			fmt.Fprintf(w, "未了结 (unsettled): %s\n", view.Unsettled)
		}
		for _, act := range view.OpenActs {
			zh, en := act.Words()
			fmt.Fprintf(w, "结果未知 (outcome unknown): %s (%s)\n", zh, en)
		}
		t := cli.Table{Heads: []string{"序号", "时间", "类型", "金额", "终端"}}
		for _, m := range view.History {
			t.Add(m.Serial, fmt.Sprintf("%X", []byte(m.Time)), m.Zh, m.Amount, m.TID)
		}
		t.Write(w)
	})
}

func (e *env) issueUnlock(ctx context.Context, f *issueFlags) error {
	do := (*issuing.Visit).Unlock
	if len(f.forcedBy) > 0 || f.forcedReason != "" {
		if len(f.forcedBy) != 2 || f.forcedReason == "" {
			return cli.Usagef("强制解灰须给出 --force-by 两人 和 --reason (two persons and a reason are needed)")
		}
		forced := record.Forced{By: [2]string(f.forcedBy), Reason: f.forcedReason}
		do = func(v *issuing.Visit) (issuing.Unlocked, error) { return v.UnlockForced(forced) }
	}
	var u issuing.Unlocked
	if err := e.visit(ctx, f, func(v *issuing.Visit) (err error) { u, err = do(v); return err }); err != nil {
		return err
	}
	return e.Print(map[string]any{"asn": u.ASN, "amount_fen": u.Amount, "balance_fen": u.Balance}, func(w io.Writer) {
		fmt.Fprintf(w, "解灰 (unlocked): 卡 %s, 补扣 %v 元, 余额 %v 元\n", u.ASN.Digits(), u.Amount, u.Balance)
	})
}

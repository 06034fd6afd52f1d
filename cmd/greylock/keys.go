package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/system/app"
	"greylock/system/keymgmt"
	"greylock/system/vault"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
)

// trainingCost is Argon2id for keys that everybody may know; production has the vault's floor. It keeps a class from waiting.
var trainingCost = vault.Cost{Time: 2, MemoryKiB: 16 << 10, Threads: 2}

// keysFlags are what the commands of the key room are told.
type keysFlags struct {
	dir, scope, realm string
	role, site        string
	out, secret       string
	stdin             bool
	profile           string
	flags             map[string]string // of the profile
}

func (e *env) keys() *cobra.Command {
	group := &cobra.Command{Use: "keys", Short: "密钥室: 双人生成, 导出, 检查 (key room)"}
	f := &keysFlags{}
	group.PersistentFlags().StringVar(&f.dir, "dir", "keys", "密钥室目录 (directory of the key room)")
	group.PersistentFlags().BoolVar(&f.stdin, "stdin", false, "从标准输入逐行读入, 供自动化 (read the answers line by line from standard input)")
	ceremony := &cobra.Command{Use: "ceremony", Short: "两位保管员生成全部主密钥, 只此一次 (make all master keys, once and for ever)", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return e.keysCeremony(c.Context(), f) }}
	ceremony.Flags().StringVar(&f.scope, "scope", "", "公司或范围名称 (company or scope)")
	ceremony.Flags().StringVar(&f.realm, "realm", "", "training 或 production, 永不再改 (for ever)")
	cli.Values(ceremony, "realm", "training", "production")
	ceremony.Flags().StringVar(&f.profile, "profile", fuelcard.National().Name, "卡片方案, 永不再改, 见 greylock cards profiles (card profile, for ever)")
	ceremony.Flags().StringToStringVar(&f.flags, "set", nil, "方案中另设的参数, 如 levels=asn (flags of the profile that are set otherwise)")
	cli.Values(ceremony, "profile", profileNames()...)
	list := &cobra.Command{Use: "list", Short: "列出密钥校验值 (list key check values)", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return e.keysList(f) }}
	verify := &cobra.Command{Use: "verify", Short: "检查密钥库文件与日志 (verify vault file and journal)", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return e.keysVerify(f) }}
	export := &cobra.Command{Use: "export", Short: "为一个站点导出密封的工作密钥库 (export a site's sealed working vault)", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return e.keysExport(c.Context(), f) }}
	export.Flags().StringVar(&f.role, "role", "", "center, making 或 outlet")
	cli.Values(export, "role", "center", "making", "outlet")
	export.Flags().StringVar(&f.site, "site", "", "四位站点号 (four digits)")
	export.Flags().StringVar(&f.out, "out", "", "工作密钥库文件 (vault file)")
	export.Flags().StringVar(&f.secret, "secret", "", "开启它的文件, 另行保管 (the file that opens it, kept apart)")
	group.AddCommand(ceremony, list, verify, export)
	return group
}

func profileNames() (names []string) {
	for _, p := range fuelcard.Profiles() {
		names = append(names, p.Name)
	}
	return names
}

// room opens the key room; scope and cards are given only where one may be founded.
func (e *env) room(f *keysFlags, scope string, realm record.Realm, cards fuelcard.Profile) (*app.KeyRoom, error) {
	cost := vault.ProductionCost
	if realm == record.Training {
		cost = trainingCost
	}
	return app.OpenKeyRoom(app.KeyRoomConfig{Dir: f.dir, Scope: scope, Realm: realm, Cards: cards, Random: e.random, Cost: cost})
}

func (e *env) keysCeremony(ctx context.Context, f *keysFlags) (err error) {
	realm := record.Realm(f.realm)
	if f.scope == "" || realm != record.Training && realm != record.Production {
		return cli.Usagef("请给出 --scope 名称 和 --realm training|production (both are needed)")
	}
	cards, err := fuelcard.Configure(f.profile, f.flags)
	if err != nil {
		return cli.Usagef("--profile, --set: %v", err)
	}
	ask, err := cli.NewAsker(&e.Options, f.stdin)
	if err != nil {
		return err
	}
	room, err := e.room(f, f.scope, realm, cards)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, room.Close()) }()
	c, err := room.Ceremony()
	if err != nil {
		return err
	}
	defer c.Cancel()
	fmt.Fprintf(e.Err, "密钥生成 (key ceremony): %s, %s, 卡片方案 (card profile) %s\n两位保管员依次录入, 互不可见; 只此一次, 不可重来。\n", f.scope, realm, cards.KeyWords())
	for n := range 2 {
		if err := e.enter(ctx, ask, c, f.scope, n+1); err != nil {
			return err
		}
	}
	m, err := c.Make()
	if err != nil {
		return err
	}
	return e.minutes(m)
}

// enter takes one custodian's entry.
func (e *env) enter(ctx context.Context, ask *cli.Asker, c *keymgmt.Ceremony, scope string, n int) (err error) {
	var x keymgmt.Entry
	defer func() { clear(x.Password); clear(x.Again) }()
	if x.Custodian, err = ask.Line(ctx, fmt.Sprintf("保管员 %d 姓名 (custodian's name): ", n)); err != nil {
		return err
	}
	if x.Password, err = ask.Hidden(ctx, "口令, 至少 15 字 (password, 15 characters or more): "); err != nil {
		return err
	}
	if x.Again, err = ask.Hidden(ctx, "再次输入 (again): "); err != nil {
		return err
	}
	if x.Words, err = ask.Line(ctx, fmt.Sprintf("请键入 (type) “%s”: ", keymgmt.Words(scope))); err != nil {
		return err
	}
	return c.Enter(x)
}

// shownKeys is the minutes for programs; check values only.
type shownKeys struct {
	Scope      string            `json:"scope"`
	Realm      record.Realm      `json:"realm"`
	Time       string            `json:"time"`
	Custodians [2]string         `json:"custodians"`
	Keys       []record.KeyCheck `json:"keys"`
	Directive  record.Hex        `json:"directive_key"`
}

func (e *env) minutes(m keymgmt.Minutes) error {
	v := shownKeys{m.Scope, m.Realm, m.Time.String(), m.Custodians, m.Keys, m.Directive}
	return e.Print(v, func(w io.Writer) { fmt.Fprintln(w, m.Text()) })
}

// opened runs a command in an existing room.
func (e *env) opened(f *keysFlags, do func(room *app.KeyRoom) error) (err error) {
	room, err := e.room(f, "", "", fuelcard.Profile{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, room.Close()) }()
	return do(room)
}

func (e *env) keysList(f *keysFlags) error {
	return e.opened(f, func(room *app.KeyRoom) error {
		m, err := room.Minutes()
		if err != nil {
			return err
		}
		return e.minutes(m)
	})
}

func (e *env) keysVerify(f *keysFlags) error {
	return e.opened(f, func(room *app.KeyRoom) error {
		if err := room.Verify(); err != nil {
			return err
		}
		return e.Print(map[string]any{"scope": room.Scope, "ok": true}, func(w io.Writer) {
			fmt.Fprintf(w, "%s: 密钥库文件与日志相符 (vault file and journal agree)\n", room.Scope)
		})
	})
}

func (e *env) keysExport(ctx context.Context, f *keysFlags) error {
	if f.role == "" || f.site == "" || f.out == "" || f.secret == "" {
		return cli.Usagef("请给出 --role --site --out --secret (all four are needed)")
	}
	ask, err := cli.NewAsker(&e.Options, f.stdin)
	if err != nil {
		return err
	}
	return e.opened(f, func(room *app.KeyRoom) (err error) {
		m, err := room.Minutes()
		if err != nil {
			return err
		}
		keep, err := reserve(f.out, f.secret) // before anybody types: a vault that can not be kept must not be made
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, keep.end(err == nil)) }()
		var p vault.Passwords
		defer func() { clear(p[0]); clear(p[1]) }()
		for i, name := range m.Custodians {
			if p[i], err = ask.Hidden(ctx, name+" 的口令 (password): "); err != nil {
				return err
			}
		}
		x, err := room.Export(p, record.Kind(f.role), record.SiteID(f.site))
		if err != nil {
			return err
		}
		defer clear(x.Secret)
		if err := keep.write(x.File, x.Secret); err != nil {
			return err
		}
		v := map[string]any{"site": f.site, "role": f.role, "vault": f.out, "secret": f.secret, "keys": x.Keys, "directive_key": x.Directive}
		return e.Print(v, func(w io.Writer) {
			fmt.Fprintf(w, "已导出 %s %s 的工作密钥库 (exported): %s\n开启文件另行保管 (keep the secret apart): %s\n", f.role, f.site, f.out, f.secret)
			for _, k := range x.Keys {
				fmt.Fprintf(w, "  %-6s v%d  KCV %X\n", k.Name, k.Version, []byte(k.KCV))
			}
		})
	})
}

// newFiles are files that were not there: made before the work that fills them, taken away if it fails.
type newFiles []*os.File

// reserve makes the files, for their owner alone; fs.ErrExist if one is there.
func reserve(paths ...string) (all newFiles, err error) {
	for _, path := range paths {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, errors.Join(err, all.end(false))
		}
		all = append(all, f)
	}
	return all, nil
}

// write fills the files in their order, durably.
func (n newFiles) write(texts ...[]byte) error {
	for i, f := range n {
		_, err := f.Write(texts[i])
		if err = errors.Join(err, f.Sync()); err != nil {
			return err
		}
	}
	return nil
}

// end closes the files, and takes them away unless they are good.
func (n newFiles) end(good bool) (err error) {
	for _, f := range n {
		err = errors.Join(err, f.Close())
		if !good {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}
	return err
}

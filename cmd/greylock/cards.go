package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/cmd/internal/config"
	"greylock/system/app"
	"greylock/system/card"
	"greylock/system/cardmaking"
	"greylock/system/clock"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// makeFlags are what the commands of the making room are told.
type makeFlags struct {
	config, from, to string

	kind, password string
	employee       uint8
	gas            bool
}

// cardKinds are what can be made of a blank. Source: card.md 3.7.
var cardKinds = map[string]byte{"user": fuelcard.CardUser, "manager": fuelcard.CardManager, "employee": fuelcard.CardEmployee,
	"test": fuelcard.CardPumpTest, "service": fuelcard.CardService}

// order is the card that is wanted; an employee's password comes from a file of his own.
func (f *makeFlags) order() (o cardmaking.CardOrder, err error) {
	if o.ValidFrom, o.ValidTo, err = f.validity(); err != nil {
		return o, err
	}
	kind, ok := cardKinds[f.kind]
	if !ok {
		return o, cli.Usagef("--kind %q: 应为 user, manager, employee, test 或 service", f.kind)
	}
	o.Kind, o.Gas = kind, f.gas
	if f.kind == "employee" {
		o.Employee = f.employee
	}
	if f.password == "" {
		return o, nil
	}
	text, err := os.ReadFile(f.password)
	if err != nil {
		return o, err
	}
	defer clear(text)
	pin, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(pin) != len(o.Password) {
		return o, cli.Usagef("--password-file: 员工密码应为四位数字 (want four digits)")
	}
	copy(o.Password[:], pin)
	return o, nil
}

func (e *env) cards() *cobra.Command {
	group := &cobra.Command{Use: "cards", Short: "制卡: 白卡一次发卡, PSAM 制卡 (card making)"}
	f := &makeFlags{}
	group.PersistentFlags().StringVar(&f.config, "config", "making.yaml", "制卡中心的配置 (configuration)")
	group.PersistentFlags().StringVar(&f.from, "from", "", "启用日期 YYYYMMDD, 缺省今天 (valid from, default today)")
	group.PersistentFlags().StringVar(&f.to, "to", "", "有效日期 YYYYMMDD, 缺省三年后 (valid to, default three years on)")
	user := &cobra.Command{Use: "make", Short: "把读卡器上的白卡制成用户卡、员工卡、验泵卡或维修卡 (make the blank a card)", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return e.makeCard(c.Context(), f) }}
	user.Flags().StringVar(&f.kind, "kind", "user", "user 用户, manager 管理, employee 员工, test 验泵, service 维修")
	cli.Values(user, "kind", "user", "manager", "employee", "test", "service")
	user.Flags().Uint8Var(&f.employee, "employee", 1, "员工号 1 至 9, 仅员工卡 (number of the employee)")
	user.Flags().BoolVar(&f.gas, "gas", false, "加气卡: 带气瓶数据文件 (with a file for the vehicle's vessel)")
	user.Flags().StringVar(&f.password, "password-file", "", "员工在加油机上输入的四位密码的文件 (file with the employee's four digits)")
	group.AddCommand(
		user,
		&cobra.Command{Use: "psam", Short: "把读卡器上的白卡制成 PSAM (make the blank a PSAM)", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error { return e.makePSAM(c.Context(), f) }},
		&cobra.Command{Use: "readers", Short: "列出读卡器 (list readers)", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error { return e.listReaders() }},
		e.profiles(),
	)
	return group
}

func (e *env) listReaders() error {
	names, err := e.readers()
	if err != nil {
		return err
	}
	return e.Print(names, func(w io.Writer) {
		for _, n := range names {
			fmt.Fprintln(w, n)
		}
	})
}

// validity fills in the usual dates.
func (f *makeFlags) validity() (from, to string, err error) {
	c := clock.System{}.Now().Civil()
	from, to = f.from, f.to
	if from == "" {
		from = fmt.Sprintf("%04d%02d%02d", c.Year, c.Month, c.Day)
	}
	if to == "" {
		to = fmt.Sprintf("%04d%02d01", c.Year+3, c.Month)
	}
	for _, d := range []string{from, to} {
		if len(d) != 8 || strings.Trim(d, "0123456789") != "" {
			return "", "", cli.Usagef("日期 %q: 应为 YYYYMMDD (want YYYYMMDD)", d)
		}
	}
	return from, to, nil
}

// making opens the room's program around a maker and does one job.
func (e *env) making(ctx context.Context, f *makeFlags, job func(m *cardmaking.Maker, door app.Door, t card.Transport) error) error {
	c, err := load(f.config, config.RoleMaking)
	if err != nil {
		return err
	}
	transport, err := readKey(c.Making.Transport)
	if err != nil {
		return fmt.Errorf("%w: making.transport: %w", config.ErrConfig, err)
	}
	profile, err := c.Cards()
	if err != nil {
		return err
	}
	id := identity(c)
	keys, err := app.OpenVault(c.Making.Vault, c.Making.Secret, record.KindMaking, id, profile)
	if err != nil {
		return err
	}
	m := cardmaking.New(cardmaking.Config{
		Realm: id.Realm, Profile: profile, Company: bcd(c.Making.Company), Province: bcd(c.Making.Province), Keys: keys, Transport: transport,
	})
	cfg := app.DeskConfig{Site: id, Kind: record.KindMaking, Data: c.Data, Center: c.Making.Center, TLS: c.Making.TLS.Files()}
	return e.desk(ctx, cfg, c.Making.Reader, m.Apply, func(door app.Door, t card.Transport) error { return job(m, door, t) })
}

// desk does one job of a site with a reader; withCard "" is for work without a card.
func (e *env) desk(ctx context.Context, cfg app.DeskConfig, readerName string, apply func(uint64, record.Fact), job func(app.Door, card.Transport) error) (err error) {
	if readerName != noReader {
		if readerName, err = e.pick(readerName); err != nil {
			return err
		}
		r, err := e.open(readerName)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, r.Close()) }()
		cfg.Slot = r
	}
	d, err := app.NewDesk(cfg, apply)
	if err != nil {
		return err
	}
	pending, err := d.Once(ctx, job)
	if pending > 0 {
		fmt.Fprintf(e.Err, "还有 %d 条记录未传到中心, 下次自动补传 (records not yet at the center; they go next time)\n", pending)
	}
	return errors.Join(err, d.Close())
}

// noReader asks desk for no reader.
const noReader = "-"

// pick is the reader of the configuration, or the only one there is.
func (e *env) pick(name string) (string, error) {
	if name != "" {
		return name, nil
	}
	names, err := e.readers()
	if err != nil {
		return "", err
	}
	if len(names) != 1 {
		return "", fmt.Errorf("有 %d 个读卡器, 请在配置中指定 reader: %s (name one in the configuration): %w", len(names), strings.Join(names, "; "), card.ErrReader)
	}
	return names[0], nil
}

func (e *env) makeCard(ctx context.Context, f *makeFlags) error {
	order, err := f.order()
	if err != nil {
		return err
	}
	var made record.CardMade
	err = e.making(ctx, f, func(m *cardmaking.Maker, door app.Door, t card.Transport) (err error) {
		made, err = m.MakeCard(door, t, order)
		return err
	})
	if err != nil {
		return err
	}
	return e.Print(made, func(w io.Writer) {
		fmt.Fprintf(w, "制卡完成 (made): %s, %s–%s\n", made.ASN.Digits(), made.ValidFrom, made.ValidTo)
	})
}

func (e *env) makePSAM(ctx context.Context, f *makeFlags) error {
	from, to, err := f.validity()
	if err != nil {
		return err
	}
	var made record.PSAMMade
	err = e.making(ctx, f, func(m *cardmaking.Maker, door app.Door, t card.Transport) (err error) {
		made, err = m.MakePSAM(door, t, cardmaking.PSAMOrder{ValidFrom: from, ValidTo: to})
		return err
	})
	if err != nil {
		return err
	}
	return e.Print(made, func(w io.Writer) {
		fmt.Fprintf(w, "PSAM 制成 (made): %s, 终端机编号 (TID) %s\n", made.Number.Digits(), made.TID)
	})
}

// readKey reads 32 hexadecimal digits from a file.
func readKey(path string) (pboc.Key, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return pboc.Key{}, err
	}
	defer clear(text)
	return pboc.ParseKey(strings.TrimSpace(string(text)))
}

// bcd is two checked digits as one byte.
func bcd(digits string) byte {
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != 1 {
		panic("greylock: " + digits + " was checked to be two digits")
	}
	return b[0]
}

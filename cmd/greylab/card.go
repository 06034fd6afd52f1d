package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/emulators/cardos"
	"greylock/emulators/chip"
	"greylock/emulators/psam"
	"greylock/emulators/world"
	"greylock/system/cardmaking"
	"greylock/system/clock"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

// card groups what is done to card images.
func (l *lab) card() *cobra.Command {
	c := &cobra.Command{Use: "card", Short: "卡映像: 新建, 查看, 列出 (card images: new, show, dump)"}
	c.AddCommand(l.cardNew(), l.cardShow(), l.cardDump())
	return c
}

// product is a chip that can be made.
type product struct {
	name string
	kind byte // in the number; 0: a blank
}

// kinds are all products. Source: card.md 3.7.
var kinds = []product{
	{"blank", 0}, {"user", fuelcard.CardUser}, {"manager", fuelcard.CardManager}, {"employee", fuelcard.CardEmployee},
	{"pump-test", fuelcard.CardPumpTest}, {"service", fuelcard.CardService}, {"blank-psam", 0}, {"psam", kindPSAM},
}

const kindPSAM byte = 0x10 // Source: card.md 3.7

// newFlags are what `card new` is told.
type newFlags struct{ kind, profile, number, from, to string }

func (l *lab) cardNew() *cobra.Command {
	f := &newFlags{}
	c := &cobra.Command{Use: "new FILE", Short: "新建卡映像 (make a card image)", Args: cobra.ExactArgs(1),
		Long: "新建一张白卡, 或由正式的制卡程序用公开测试密钥制成的卡; 只供训练。已有的文件不覆盖。\n" +
			"A blank, or a card made by the card-making program with the public test keys: for training only. A file that is there stays.",
		RunE: func(_ *cobra.Command, args []string) error { return l.newCard(args[0], f) }}
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	p := c.Flags()
	p.StringVar(&f.kind, "kind", "blank", strings.Join(names, ", "))
	cli.Values(c, "kind", names...)
	p.StringVar(&f.number, "asn", "", "卡号或 PSAM 号, 20 位; 白卡没有 (number, 20 digits; a blank has none)")
	p.StringVar(&f.from, "from", "20260101", "启用日期 (valid from, YYYYMMDD)")
	p.StringVar(&f.to, "to", "20361231", "有效期至 (valid to, YYYYMMDD)")
	profileFlag(c, &f.profile)
	return c
}

func (l *lab) newCard(path string, f *newFlags) error {
	p, err := profileNamed(f.profile)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(kinds, func(k product) bool { return k.name == f.kind })
	if at < 0 {
		return cli.Usagef("--kind %q", f.kind)
	}
	order := world.Order{Kind: kinds[at].kind, ValidFrom: f.from, ValidTo: f.to}
	if order.Number, err = numberFor(f.kind, order.Kind, f.number); err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	w := world.Workshop{Profile: p, Random: rand.Reader, Now: clock.System{}.Now}
	var i chip.Image
	switch f.kind {
	case "blank":
		i, err = w.BlankCard()
	case "blank-psam":
		i, err = w.BlankPSAM()
	case "psam":
		i, err = w.PSAM(order)
	default:
		i, err = w.Card(order)
	}
	if err == nil {
		err = i.Save(path)
	}
	if err != nil {
		return err
	}
	return l.showImage(i)
}

// numberFor reads --asn and holds it to the form of the company's numbers.
func numberFor(name string, kind byte, digits string) (asn pboc.ASN, err error) {
	switch {
	case kind == 0 && digits != "":
		return asn, cli.Usagef("--asn: %s 没有卡号 (has no number)", name)
	case kind == 0:
		return asn, nil
	}
	if asn, err = pboc.ParseASN(digits); err != nil {
		return asn, cli.Usagef("--asn: %v", err)
	}
	have, province, serial := cardmaking.Split(asn)
	if want, err := cardmaking.Number(kind, province, serial); err != nil || want != asn {
		return asn, cli.Usagef("--asn %s: 应为 0100%02X1 省2 00 流水9 (type %02X, version 1, province 2, 00, serial 9), 类型 (type) %02X", digits, kind, kind, have)
	}
	return asn, nil
}

func (l *lab) cardShow() *cobra.Command {
	return &cobra.Command{Use: "show FILE", Short: "卡映像里是哪张卡, 余额与状态 (which card an image is, balance and state)", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			i, err := readImage(args[0])
			if err != nil {
				return err
			}
			return l.showImage(i)
		}}
}

func readImage(path string) (chip.Image, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return chip.Image{}, err
	}
	i, err := chip.ParseImage(b)
	if err != nil {
		return i, fmt.Errorf("%s: %w", path, err)
	}
	return i, nil
}

// shown is an image for people and programs, as words; what a chip does not have is not in it.
type shown struct {
	Kind    string `json:"kind"`
	Profile string `json:"profile"`
	State   string `json:"state"`
	Number  string `json:"number,omitempty"`
	TID     string `json:"tid,omitempty"`

	ED      *shownPurse `json:"ed,omitempty"`
	EP      *shownPurse `json:"ep,omitempty"`
	Grey    string      `json:"grey,omitempty"`
	Lock    string      `json:"lock,omitempty"`
	Tries   *int        `json:"pin_tries,omitempty"`
	BadGMAC *int        `json:"wrong_gmacs,omitempty"`

	TTC     *uint32 `json:"ttc,omitempty"`
	BadMAC2 *int    `json:"wrong_mac2s,omitempty"`
}

type shownPurse struct {
	BalanceFen   int64  `json:"balance_fen"`
	OverdraftFen int64  `json:"overdraft_fen"`
	CTC          uint16 `json:"ctc"`
	OnlineSN     uint16 `json:"online_sn"`
}

func (l *lab) showImage(i chip.Image) error {
	p, err := fuelcard.ProfileNamed(i.Profile)
	if err != nil {
		return err
	}
	s := shown{Kind: i.Kind.String(), Profile: i.Profile}
	if i.Kind == chip.PSAMImage {
		err = s.psam(i, p)
	} else {
		err = s.card(i, p)
	}
	if err != nil {
		return err
	}
	return l.Print(s, s.write)
}

func (s *shown) card(i chip.Image, p fuelcard.Profile) error {
	o, err := cardos.Look(i.Mem(), p)
	if err != nil {
		return err
	}
	switch {
	case o.CardDead:
		s.State = "已锁卡 (CARD BLOCK)"
	case !o.Made:
		s.State = "白卡 (blank)"
		return nil
	case o.Blocked == chip.Temporarily:
		s.State = "应用临时锁定 (application blocked)"
	case o.Blocked == chip.Permanently:
		s.State = "应用永久锁定 (application blocked for ever)"
	default:
		s.State = "可用 (usable)"
	}
	s.Number, s.Tries, s.BadGMAC = o.ASN.Digits(), &o.Tries, &o.UnlockErr
	s.ED = &shownPurse{int64(o.Balance), int64(o.Limit), uint16(o.CTC), uint16(o.OnlineSN)}
	if ep, err := cardos.LookEP(i.Mem(), p); err == nil && ep.Made {
		s.EP = &shownPurse{int64(ep.Balance), 0, uint16(ep.CTC), uint16(ep.OnlineSN)}
	}
	zh, en := o.Grey.Words()
	s.Grey = zh + " (" + en + ")"
	if o.Grey == fuelcard.Grey {
		s.Lock = fmt.Sprintf("TID %s, PSAM TTC %d, CTC %d, P2 %02X", o.Proof.TID, uint32(o.LockTTC), uint16(o.LockCTC), byte(o.Locked))
	}
	return nil
}

func (s *shown) psam(i chip.Image, p fuelcard.Profile) error {
	o, err := psam.Look(i.Mem(), p)
	if err != nil {
		return err
	}
	if o.Number == (pboc.ASN{}) {
		s.State = "空白 (blank)"
		return nil
	}
	ttc := uint32(o.TTC)
	s.State, s.Number, s.TID, s.TTC, s.BadMAC2 = "制作中 (being made)", o.Number.Digits(), o.TID.String(), &ttc, &o.MAC2Err
	if o.Issued {
		s.State = "可用 (usable)"
	}
	return nil
}

func (s shown) write(w io.Writer) {
	t := cli.Table{Heads: []string{"训练卡映像", "training card image"}}
	row := func(name string, value any) {
		if v := fmt.Sprint(value); v != "" {
			t.Add(name, v)
		}
	}
	row("种类 (kind)", s.Kind)
	row("方案 (profile)", s.Profile)
	row("状态 (state)", s.State)
	row("编号 (number)", s.Number)
	row("终端机编号 (TID)", s.TID)
	for _, p := range []struct {
		name string
		*shownPurse
	}{{"ED", s.ED}, {"EP", s.EP}} {
		if p.shownPurse != nil {
			row(p.name+" 余额, 透支限额 (balance, overdraft limit)", fmt.Sprintf("%s, %s", yuan(p.BalanceFen), yuan(p.OverdraftFen)))
			row(p.name+" 脱机序号, 联机序号 (CTC, online SN)", fmt.Sprintf("%d, %d", p.CTC, p.OnlineSN))
		}
	}
	row("灰锁 (grey lock)", s.Grey)
	row("锁定者 (locked by)", s.Lock)
	for _, n := range []struct {
		name string
		n    *int
	}{{"密码可试次数 (PIN tries left)", s.Tries}, {"GMAC 错误次数 (wrong GMACs)", s.BadGMAC}, {"MAC2 错误次数 (wrong MAC2s)", s.BadMAC2}} {
		if n.n != nil {
			row(n.name, *n.n)
		}
	}
	if s.TTC != nil {
		row("终端交易序号 (PSAM TTC)", *s.TTC)
	}
	t.Write(w)
}

func yuan(fen int64) string { return fmt.Sprintf("%d.%02d", fen/100, fen%100) }

func (l *lab) cardDump() *cobra.Command {
	return &cobra.Command{Use: "dump FILE", Short: "列出卡映像的文件与密钥, 密钥值不显示 (files and keys of an image, key values masked)", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			i, err := readImage(args[0])
			if err != nil {
				return err
			}
			files, err := chip.List(i.Mem())
			if err != nil {
				return err
			}
			if len(files) == 0 {
				return errors.New("映像里没有文件 (no files in this image)")
			}
			list := dumped(files)
			return l.Print(list, func(w io.Writer) { writeDump(w, list) })
		}}
}

// dumpLine is one file, record or key of a dump; numbers are hexadecimal as in card.md.
type dumpLine struct {
	Where   string `json:"where"` // DF/file
	What    string `json:"what"`
	Rights  string `json:"rights,omitempty"`
	Bytes   int    `json:"bytes"`
	Content string `json:"content,omitempty"`
}

const hidden = "***"

func dumped(files []chip.Listed) (list []dumpLine) {
	for _, f := range files {
		at := fmt.Sprintf("%04X", f.ID)
		if f.DF != 0 {
			at = fmt.Sprintf("%04X/%04X", f.DF, f.ID)
		}
		d := dumpLine{Where: at, What: fmt.Sprintf("%v %02X", f.Kind, byte(f.Kind)|f.Protect), Bytes: f.Size,
			Rights: fmt.Sprintf("R %02X W %02X", byte(f.Read), byte(f.Write))}
		switch {
		case f.Kind == chip.DF:
			d.Rights, d.Content = fmt.Sprintf("create %02X", byte(f.Create)), fmt.Sprintf("%q", f.Name)
			if f.Blocked != chip.Unblocked {
				d.Content += " blocked"
			}
		case f.Kind == chip.Binary && !f.Written:
			d.Content = "从未写入 (never written)"
		default:
			d.Content = fmt.Sprintf("%X", f.Data)
		}
		list = append(list, d)
		for n, r := range f.Records {
			list = append(list, dumpLine{at, fmt.Sprintf("  %d", n+1), "", len(r), fmt.Sprintf("%X", r)})
		}
		for _, k := range f.Keys {
			list = append(list, dumpLine{at, fmt.Sprintf("  key %02X id %02X", k.Type, k.ID),
				fmt.Sprintf("use %02X change %02X par %02X %02X", byte(k.Use), byte(k.Change), k.A, k.B), k.Length, hidden})
		}
	}
	return list
}

func writeDump(w io.Writer, list []dumpLine) {
	t := cli.Table{Heads: []string{"文件 (file)", "种类 (kind)", "权限 (rights)", "字节 (bytes)", "内容 (content)"}}
	for _, d := range list {
		t.Add(d.Where, d.What, d.Rights, d.Bytes, d.Content)
	}
	t.Write(w)
}

package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/emulators/conform"
	"greylock/emulators/conform/mem"
	"greylock/fixtures"
	"greylock/system/wire/fuelcard"
)

// conform groups what holds cards and formulas to the specification.
func (l *lab) conform() *cobra.Command {
	c := &cobra.Command{Use: "conform", Short: "与规范核对: 卡, PSAM, 向量, 通讯线的两端 (conformance: card, PSAM, vectors, both sides of a line)"}
	c.AddCommand(l.conformVectors(), l.conformCards("card", "用户卡", "user card"), l.conformCards("psam", "PSAM", "PSAM"))
	c.AddCommand(l.conformDispenser(), l.conformStation())
	return c
}

func (l *lab) conformVectors() *cobra.Command {
	return &cobra.Command{Use: "vectors FILE", Short: "核对向量文件 (check a file of vectors)", Args: cobra.ExactArgs(1),
		Long: "逐个计算文件中的向量并与所列的值比较; 有不符、未知的函数或种类时退出码为 1。\n" +
			"Computes every vector of a file and compares; exit 1 for a mismatch, an unknown function or kind.\n\n" +
			conform.VectorFormat + "\n  " + strings.Join(conform.VectorFunctions().Usage(), "\n  "),
		RunE: func(_ *cobra.Command, args []string) error {
			file, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			r, err := conform.CheckVectors(file)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if err := l.Print(r, func(w io.Writer) { printVectors(w, r) }); err != nil {
				return err
			}
			return differs(r.Failed, r.Vectors)
		}}
}

func printVectors(w io.Writer, r conform.VectorReport) {
	t := cli.Table{Heads: []string{"向量 (vector)", "函数 (function)", "结果 (result)", "值 (value)"}}
	for _, c := range r.Results {
		switch {
		case c.OK:
			t.Add(c.Name, c.Function, "ok", c.Got)
		case c.Error != "":
			t.Add(c.Name, c.Function, "错误 (error)", c.Error)
		default:
			t.Add(c.Name, c.Function, "不符 (differs)", c.Got+" 应为 (want) "+c.Want)
		}
	}
	t.Write(w)
	fmt.Fprintf(w, "向量 (vectors) %d, 相符 (passed) %d, 不符 (failed) %d\n", r.Vectors, r.Passed, r.Failed)
}

// differs is the error of a check in which something failed.
func differs(failed, all int) error {
	if failed == 0 {
		return nil
	}
	return &cli.Error{Exit: cli.Failed, Code: "E108", Zh: "与规范不符", En: "not as specified",
		NextZh: "看上表所列的各项", NextEn: "see the rows listed", Detail: fmt.Sprintf("%d / %d", failed, all)}
}

// shownTable is a run of cases for programs.
type shownTable struct {
	Suite   string `json:"suite"`
	Cards   string `json:"cards"`
	Profile string `json:"profile"`
	conform.Report
}

func (l *lab) conformCards(suite, zh, en string) *cobra.Command {
	var cards, reader, profile string
	var flags []string
	c := &cobra.Command{Use: suite, Short: fmt.Sprintf("逐条核对%s的命令 (command cases of a %s)", zh, en), Args: cobra.NoArgs,
		Long: "每个案例用一张新卡; 期望值由测试密钥算出。有不符时退出码为 1。\n" +
			"Every case has a new card; what it must answer is computed from the test keys. Exit 1 when a case fails.\n\n" + conform.CaseFormat,
		RunE: func(*cobra.Command, []string) error {
			p, err := flagged(profile, flags)
			if err != nil {
				return cli.Usagef("%v", err)
			}
			b, err := backend(cards, reader)
			if err != nil {
				return err
			}
			r, err := runTable(b, suite, p)
			if err != nil {
				return err
			}
			shown := shownTable{suite, cards, p.Name, r}
			if err := l.Print(shown, func(w io.Writer) { shown.print(w) }); err != nil {
				return err
			}
			return differs(r.Failed, r.Cases)
		}}
	f := c.Flags()
	f.StringVar(&cards, "cards", "mem", "mem, vpcd 或 pcsc")
	f.StringVar(&reader, "reader", "", "pcsc: 正在运行的服务中 vpcd 两个卡槽的名称与端口, 名称,名称@端口 (names of vpcd's slots in a running service and the port)")
	f.StringVar(&profile, "profile", "national", "卡片方案 (card profile)")
	f.StringSliceVar(&flags, "set", nil, "改变方案的参数 FLAG=VALUE (change a flag of the profile)")
	return c
}

// flagged is a profile with some flags changed.
func flagged(name string, flags []string) (fuelcard.Profile, error) {
	p, err := fuelcard.ProfileNamed(name)
	if err != nil {
		return p, err
	}
	for _, f := range flags {
		flag, value, _ := strings.Cut(f, "=")
		if err := p.Set(flag, value); err != nil {
			return p, err
		}
		p.Name += " " + f
	}
	return p, p.Check()
}

// backend is where the cards come from.
func backend(cards, reader string) (conform.Backend, error) {
	switch cards {
	case "mem":
		if reader != "" {
			return nil, cli.Usagef("--reader 只用于 pcsc (is for pcsc)")
		}
		return mem.Backend{Set: testSet()}, nil
	case "vpcd":
		if reader != "" {
			return nil, cli.Usagef("--reader 只用于 pcsc (is for pcsc)")
		}
		return throughReader(mem.Backend{Set: testSet()}, "")
	case "pcsc":
		if reader == "" {
			return nil, cli.Usagef("--cards pcsc 需要 --reader 名称,名称@端口 (needs --reader NAME,NAME@PORT)")
		}
		return throughReader(mem.Backend{Set: testSet()}, reader)
	}
	return nil, cli.Usagef("--cards %q: mem, vpcd, pcsc", cards)
}

// testSet is the test card and the test PSAM.
func testSet() mem.Set {
	k, c := fixtures.TestKeys(), fixtures.TestCards()
	return mem.Set{Masters: k.Masters, Transport: k.Transport, Issuer: c.Issuer, ASN: c.Users[0], PSAM: c.PSAMs[0].Number,
		TID: c.PSAMs[0].TID, Desk: c.DeskTID, Start: mem.Date(c.Start), Expiry: mem.Date(c.Expiry)}
}

func runTable(b conform.Backend, suite string, p fuelcard.Profile) (r conform.Report, err error) {
	made := b.Card
	if suite == "psam" {
		made = b.PSAM
	}
	kit, maker, err := made(p)
	if err != nil {
		return r, err
	}
	t, err := conform.Load(fixtures.ConformCases(), suite+"-*.txt", kit)
	if err != nil {
		return r, err
	}
	r = t.Run(kit, maker)
	return r, b.Close()
}

func (s shownTable) print(w io.Writer) {
	t := cli.Table{Heads: []string{"案例 (case)", "标题 (title)", "出处 (source)", "结果 (result)"}}
	for _, c := range s.Results {
		switch {
		case c.OK:
			t.Add(c.Name, c.Title, c.Source, "ok")
		case c.NotRun != "":
			t.Add(c.Name, c.Title, c.Source, "未运行 (not run)")
		default:
			t.Add(c.Name, c.Title, c.Source, "不符 (failed)")
		}
	}
	t.Write(w)
	for _, c := range s.Results {
		if !c.OK {
			fmt.Fprintf(w, "%s %s %s: %s%s\n", c.At, c.Name, c.Title, c.NotRun, c.Error)
		}
	}
	fmt.Fprintf(w, "%s %s %s: 案例 (cases) %d, 通过 (passed) %d, 不符 (failed) %d, 未运行 (not run) %d, 属别的参数 (for other flags) %d, 命令 (commands) %d\n",
		s.Suite, s.Cards, s.Profile, s.Cases, s.Passed, s.Failed, s.NotRun, s.Other, s.Commands)
}

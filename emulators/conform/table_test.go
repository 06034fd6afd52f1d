package conform_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"greylock/emulators/conform"
	"greylock/system/card"
)

// kit knows one key and one flag.
func kit() conform.Kit {
	return conform.Kit{Suite: suite, Values: map[string][]byte{"K": make([]byte, 16), "one": {1}},
		Flag: func(name string) string { return map[string]string{"colour": "blue"}[name] }}
}

func load(text string) (*conform.Table, error) {
	return conform.Load(fstest.MapFS{"x-1.txt": {Data: []byte(text)}}, "x-*.txt", kit())
}

// answers is a card that gives what it is told, and remembers what it was asked.
type answers struct {
	list   [][]byte
	asked  []string
	resets int
	drawn  []byte
	off    bool
}

func (a *answers) Reset() ([]byte, error) { a.resets++; return []byte{0x3B, 0}, nil }
func (a *answers) Off() error             { a.off = true; return nil }
func (a *answers) Transmit(c []byte) ([]byte, error) {
	a.asked = append(a.asked, fmt.Sprintf("%X", c))
	if len(a.list) == 0 {
		return nil, card.ErrMute
	}
	next := a.list[0]
	a.list = a.list[1:]
	return next, nil
}

type drawing struct{ *answers }

func (d drawing) Draw(b []byte) { d.drawn = append(d.drawn, b...) }

const whole = `# remark
state first
need made
set ctc 00FF
> 00 84 00 00 04
< r:4 9000
let s = r || 'AA'

state second
need first
rand 0102
reset
> 80 50 00 00 [ {one} {s}
  03 ]   # goes on
< 9000

case x.whole 全部
source ours
need second
when colour blue
> 80 52 00 00 [ {next(r)} ] 04
< t:2 ?1 {size(r)} 63C1
> 80 53 00 00 [ {t} ]
< 01 * 6C05
`

func TestTableRuns(t *testing.T) {
	t.Parallel()
	table, err := load(whole)
	if err != nil {
		t.Fatal(err)
	}
	c := &answers{list: [][]byte{{1, 2, 3, 4, 0x90, 0}, {0x90, 0}, {0xAB, 0xCD, 0xEE, 4, 0x63, 0xC1}, {1, 2, 3, 0x6C, 5}}}
	var order conform.Order
	r := table.Run(kit(), func(o conform.Order) (card.Slot, error) { order = o; return drawing{c}, nil })
	if r.Cases != 1 || r.Passed != 1 || r.Commands != 4 || r.Other != 0 {
		t.Fatalf("%+v", r)
	}
	if order.State != conform.Made || order.Set["ctc"] != 0xFF || c.resets != 2 || !c.off || string(c.drawn) != "\x01\x02" {
		t.Fatalf("%+v %+v", order, c)
	}
	want := "0084000004 805000000701" + "01020304AA03" + " 80520000040102030" + "5 8053000002ABCD"
	if got := strings.Join(c.asked, " "); got != want {
		t.Fatalf("asked %s\nwant  %s", got, want)
	}
}

// One wrong byte anywhere in an answer fails the case; what a backend cannot give is not run.
func TestTableFails(t *testing.T) {
	t.Parallel()
	table, err := load(whole)
	if err != nil {
		t.Fatal(err)
	}
	good := func() [][]byte {
		return [][]byte{{1, 2, 3, 4, 0x90, 0}, {0x90, 0}, {0xAB, 0xCD, 0xEE, 4, 0x63, 0xC1}, {1, 2, 3, 0x6C, 5}}
	}
	for _, c := range []struct {
		name string
		list [][]byte
		want string
	}{
		{"status word of a state", [][]byte{{1, 2, 3, 4, 0x90, 1}}, "x-1.txt:5"},
		{"too short", [][]byte{{1, 2, 3, 0x90, 0}}, "bytes missing"},
		{"too long", [][]byte{{1, 2, 3, 4, 5, 0x90, 0}}, "too much"},
		{"formula", append(good()[:2], []byte{0xAB, 0xCD, 0xEE, 5, 0x63, 0xC1}), "05 应为 (want) 04"},
		{"status word", append(good()[:2], []byte{0xAB, 0xCD, 0xEE, 4, 0x63, 0xC2}), "63C2"},
		{"literal", append(good()[:3], []byte{2, 0x6C, 5}), "02 应为 (want) 01"},
		{"no answer", good()[:3], "card does not answer"},
	} {
		r := table.Run(kit(), func(conform.Order) (card.Slot, error) { return drawing{&answers{list: c.list}}, nil })
		if r.Failed != 1 || r.Passed != 0 || r.Results[0].OK || !strings.Contains(r.Results[0].Error, c.want) {
			t.Errorf("%s: %+v, want %q", c.name, r.Results, c.want)
		}
	}
	r := table.Run(kit(), func(conform.Order) (card.Slot, error) { return &answers{list: good()}, nil })
	if r.NotRun != 1 || r.Failed+r.Passed != 0 || r.Results[0].NotRun == "" {
		t.Errorf("no dice: %+v", r)
	}
	r = table.Run(kit(), func(conform.Order) (card.Slot, error) { return nil, fmt.Errorf("x: %w", conform.ErrCannot) })
	if r.NotRun != 1 {
		t.Errorf("no card: %+v", r)
	}
	r = table.Run(kit(), func(conform.Order) (card.Slot, error) { return nil, card.ErrReader })
	if r.Failed != 1 {
		t.Errorf("no reader: %+v", r)
	}
	red := kit()
	red.Flag = func(string) string { return "red" }
	if r := table.Run(red, nil); r.Other != 1 || r.Cases != 0 {
		t.Errorf("another profile: %+v", r)
	}
}

func TestTableErrors(t *testing.T) {
	t.Parallel()
	head := "case x 题\nsource ours\nneed made\n"
	for _, c := range []struct{ text, want string }{
		{"", "没有案例"},
		{"> 00 84 00 00 04\n< 9000", "x-1.txt:1: \">\" 之前没有 case"},
		{head + "> 00 84 00 00 04\n< r:4 9000", "x-1.txt:5: 取值 r 未使用"},
		{head + "let q = one\n> 00 84 00 00 04\n< 9000", "x-1.txt:4: 取值 q"},
		{head + "> 00 84 00 00 {nobody}\n< 9000", "x-1.txt:4: 没有名为 nobody"},
		{head + "> 00 84 00 00 04\n< {nobody} 9000", "x-1.txt:5: 没有名为 nobody"},
		{head + "> 00 84 00 00 [ {r} ]\n< r:4 9000", "x-1.txt:4: 没有名为 r"},
		{head + "> 00 84 00 00 {frobnicate(K)}\n< 9000", "x-1.txt:4: 没有函数 frobnicate"},
		{head + "> 00 84 00 0\n< 9000", "x-1.txt:4:"},
		{head + "> 00 84 00 00 04\n< 90", "x-1.txt:5: \"90\""},
		{head + "> 00 84 00 00 04\n< * 00 9000", "x-1.txt:5: *"},
		{head + "> 00 84 00 00 04\n< [ 00 ] 9000", "x-1.txt:5: ["},
		{head + "> 00 84 00 00 04\n< {one 9000", "x-1.txt:5: 缺少 }"},
		{head + "> 00 84 00 00 04\n< r:x 9000", "x-1.txt:5:"},
		{head + "> 00 84 00 00 04\n< ?0 9000", "x-1.txt:5:"},
		{head + "> 00 84 00 00 04\n< r:2 r:2 9000", "x-1.txt:5: 名称 \"r\""},
		{head + "> 00 84 00 00 04\n> 00 84 00 00 04\n< 9000", "x-1.txt:5: 命令之后"},
		{head + "> 00 84 00 00 04\nreset\n< 9000", "x-1.txt:5: 命令之后"},
		{head + "< 9000", "x-1.txt:4: 应答之前"},
		{head + "> 00 84 00 00 04", "x-1.txt:4: 命令没有应答行"},
		{head + "jump\n", "x-1.txt:4: 未知的行"},
		{head, "x: 没有命令"},
		{"case x 题\nneed made\n> 00 84 00 00 04\n< 9000", "title or source"},
		{"case x\nsource ours\nneed made\n> 00 84 00 00 04\n< 9000", "title or source"},
		{"case x 题\nsource ours\n> 00 84 00 00 04\n< 9000", "缺少 need"},
		{"case x 题\nsource ours\nneed nowhere\n> 00 84 00 00 04\n< 9000", "x-1.txt:1: 没有状态"},
		{"state a\nneed b\n> 00 84 00 00 04\n< 9000\nstate b\nneed a\n> 00 84 00 00 04\n< 9000", "x-1.txt:1: 没有状态"},
		{"state a\nneed made\n> 00 84 00 00 04\n< 9000", "x-1.txt:1: 状态 a 无人使用"},
		{head + "> 00 84 00 00 04\n< 9000\n" + head, "x-1.txt:6: 名称 \"x\""},
		{"state made\n", "x-1.txt:1: 名称 \"made\""},
		{head + "when taste sweet\n> 00 84 00 00 04\n< 9000", "x-1.txt:1: 没有参数 taste"},
		{head + "when colour\n", "x-1.txt:4: when"},
		{head + "set luck 7\n", "x-1.txt:4: set"},
		{head + "set ctc GG\n", "x-1.txt:4: set"},
		{head + "rand 0\n", "x-1.txt:4:"},
		{head + "let x\n", "x-1.txt:4: let"},
	} {
		_, err := load(c.text)
		if !errors.Is(err, conform.ErrTable) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q:\n got %v\nwant %s", c.text, err, c.want)
		}
	}
	if _, err := conform.Load(fstest.MapFS{}, "x-*.txt", kit()); !errors.Is(err, conform.ErrTable) {
		t.Error(err)
	}
}

// FuzzTable: a case file either is refused with its line or can be run, and never panics.
func FuzzTable(f *testing.F) {
	f.Add(whole)
	f.Add("case x 题\nsource ours\nneed made\n> 00 84 00 00 {auth(K, one)}\n< * {one} 9000")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := load(text)
		if err != nil {
			if !errors.Is(err, conform.ErrTable) {
				t.Fatal(err)
			}
			return
		}
		r := table.Run(kit(), func(conform.Order) (card.Slot, error) {
			return drawing{&answers{list: [][]byte{{1, 2, 3, 4, 0x90, 0}, {0x90, 0}}}}, nil
		})
		if r.Cases+r.Other != len(table.Cases) || r.Passed+r.Failed+r.NotRun != r.Cases {
			t.Fatalf("%+v", r)
		}
	})
}

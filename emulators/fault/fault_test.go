package fault

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTable: every row is sayable in both languages, named once, and read back as it was written.
func TestTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range Table {
		f := sample(p)
		for _, word := range []string{string(p.Kind), p.Alias} {
			key := string(p.Device) + " " + word
			if seen[key] || strings.ContainsAny(word, " :") || word == "" {
				t.Errorf("%s: named twice, or no word", key)
			}
			seen[key] = true
			text := strings.Replace(f.String(), string(p.Kind), word, 1)
			if got, err := Parse(text); err != nil || got != f {
				t.Errorf("%q is read as %+v, %v; want %+v", text, got, err, f)
			}
		}
		if p.Zh == "" || p.En == "" || p.Ends == "" {
			t.Errorf("%s %s: a sentence is missing: %+v", p.Device, p.Kind, p)
		}
	}
	if len(Table) < 25 {
		t.Errorf("%d pairs, want 25 at least", len(Table))
	}
	for _, d := range devices {
		if len(Kinds(d.Device)) == 0 {
			t.Errorf("%s can suffer nothing", d.Device)
		}
	}
}

// sample is a fault of that pair with every option that it takes.
func sample(p Pair) Fault {
	f := Fault{Device: p.Device, Kind: p.Kind, After: 1500 * time.Millisecond}
	switch p.Device {
	case Card:
		f.Place = "张三的卡"
	case Reader:
	case Hub, Station, Disk, Clock, UPS, Center:
		f.Place = "0001"
	default:
		f.Place = "2"
	}
	for _, x := range []struct {
		o  Option
		do func()
	}{{Rate, func() { f.Permill = 25 }}, {Times, func() { f.Times = 3 }}, {At, func() { f.At = 7 }}, {For, func() { f.For = time.Minute }}} {
		if p.Takes&x.o != 0 {
			x.do()
		}
	}
	return f
}

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Fault{
		"line 3: noise 2% for 30s":       {Device: Line, Place: "3", Kind: "noise", Permill: 20, For: 30 * time.Second},
		"3 号线: 噪声 2.5% 持续30秒":            {Device: Line, Place: "3", Kind: "noise", Permill: 25, For: 30 * time.Second},
		"1 号枪: 断电 10秒后 持续5分钟":            {Device: Dispenser, Place: "1", Kind: "off", After: 10 * time.Second, For: 5 * time.Minute},
		"1号枪：断电":                         {Device: Dispenser, Place: "1", Kind: "off"},
		"卡 张三的卡: 应答前断电 第20条":             {Device: Card, Place: "张三的卡", Kind: "tear-answer", At: 20},
		"line 1: tear-byte at 9 times 2": {Device: Line, Place: "1", Kind: "tear-byte", At: 9, Times: 2},
		"reader: unplug at 3":            {Device: Reader, Kind: "unplug", At: 3},
		"加油站 0001: 杀死 持续500毫秒":           {Device: Station, Place: "0001", Kind: "off", For: 500 * time.Millisecond},
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%q is read as %+v, %v; want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]error{
		"": ErrText, "line": ErrText, "line 1:": ErrText, "moon 1: off": ErrText, "line x: off": ErrText, "line 0: off": ErrText, "line 1: off for": ErrText,
		"line 1: noise 0%": ErrText, "line 1: noise 101%": ErrText, "line 1: noise 1.23%": ErrText, "line 1: off 5": ErrText, "reader 1: off at 1": ErrText, "card : slow": ErrText,
		"station 1: off": ErrText, "line 1: flip times 0": ErrText, "line 1: flip 1% after -3s": ErrText,
		"line 1: sync": ErrPair, "card a: noise 1%": ErrPair, "line 1: off 5%": ErrPair, "line 1: off times 2": ErrPair, "line 1: noise at 3": ErrPair, "disk 0001: sync for 1s": ErrPair,
		"line 1: tear-byte": ErrPair,
	} {
		if _, err := Parse(text); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
	_, err := Parse("reader: noise 3%")
	if err == nil || !strings.Contains(err.Error(), "unplug, off") {
		t.Errorf("%v does not say what a reader can suffer", err)
	}
}

// FuzzParse: what is read is written so that it is read again as the same.
func FuzzParse(f *testing.F) {
	for _, p := range Table {
		f.Add(sample(p).String())
	}
	f.Add("1 号枪: 断电 10秒后 持续5分钟")
	f.Fuzz(func(t *testing.T, text string) {
		x, err := Parse(text)
		if err != nil {
			return
		}
		if y, err := Parse(x.String()); err != nil || x != y || !slices.Contains(Kinds(x.Device), string(x.Kind)) {
			t.Errorf("%q: %+v is written %q and read %+v, %v", text, x, x.String(), y, err)
		}
	})
}

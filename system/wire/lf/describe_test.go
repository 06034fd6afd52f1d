package lf_test

import (
	"errors"
	"strings"
	"testing"

	"greylock/system/wire/lf"
	"greylock/system/wire/reading"
	"greylock/system/wire/unit"
)

func describe(m framer, f lf.Frame) reading.Frame {
	if _, ok := m.(lf.Request); ok {
		return lf.DescribeRequest(f)
	}
	return lf.DescribeReply(f)
}

// Every byte that is not 00 by the layout is named, once and in order, in both languages.
func TestDescribeNamesEveryByte(t *testing.T) {
	t.Parallel()
	for _, w := range worked {
		f := unhex(t, w.hex)
		d := describe(w.m, f)
		if d.Err != nil || d.Zh == "" || d.En == "" || strings.HasPrefix(d.Zh, "未知") {
			t.Errorf("%s: %+v", w.hex, d)
		}
		at := 0
		for _, field := range d.Fields {
			for ; at < field.Offset; at++ {
				if f[at] != 0 {
					t.Errorf("%s: byte %d is not described", w.hex, at)
				}
			}
			if field.Offset != at || field.Name == "" || field.Zh == "" || field.En == "" || field.Value == "" {
				t.Errorf("%s: at %d: %+v", w.hex, at, field)
			}
			if (field.MeansZh == "") != (field.MeansEn == "") {
				t.Errorf("%s: %s means something in one language only", w.hex, field.Name)
			}
			at += field.Length
		}
		if at != lf.Size {
			t.Errorf("%s: described up to byte %d", w.hex, at)
		}
	}
}

func TestDescribeSays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		hex, want string
		reply     bool
	}{
		{"01 00 A4 07 85 00 00 00 00 00 00 D0", "设置单价 set price · NOZZLE=1 · CMD=A4 设置单价 · PRICE=7.85 · SUM=D0", false},
		{"01 00 07 85 00 96 87 00 12 34 C2 4F", "状态 state · NOZZLE=1 · PRICE=7.85 · CASH=96.87 · LITRES=12.34 · STATE=C2 受控 加油中 · SUM=4F", true},
		{"01 00 07 85 00 00 00 00 00 00 01 73", "状态 state · NOZZLE=1 · PRICE=7.85 · CASH=0.00 · LITRES=0.00 · STATE=01 脱机 空闲 · SUM=73", true},
		{"01 00 07 85 00 00 00 00 00 00 71 03", "状态 state · NOZZLE=1 · PRICE=7.85 · CASH=0.00 · LITRES=0.00 · STATE=71 受控 空闲 故障 掉电恢复 · SUM=03", true},
		{"01 00 07 85 00 00 00 00 00 00 40 34", "状态 state · NOZZLE=1 · PRICE=7.85 · CASH=0.00 · LITRES=0.00 · STATE=40 受控 锁机 · SUM=34", true},
		{"01 00 AD 00 00 00 00 11 74 79 73 E2", "查询总累升数应答 reply: total litres · NOZZLE=1 · CMD=AD 查询总累升数 · TOTAL=117479.73 · SUM=E2", true},
		{"01 00 A9 01 23 45 67 00 15 72 70 90", "查询班累应答 reply: query shift · NOZZLE=1 · CMD=A9 查询班累 · CASH=12345.67 · LITRES=1572.70 · SUM=90", true},
		{"01 00 A2 02 00 00 00 00 00 00 00 5C", "定金额加油应答 reply: fuel for cash · NOZZLE=1 · CMD=A2 定金额加油 · CASH=200.00 · SUM=5C", true},
		{"01 00 B8 00 00 00 00 00 00 00 00 48", "线路回波 line echo · NOZZLE=1 · CMD=B8 查询状态 · SUM=48", true},
	} {
		d := lf.DescribeRequest(unhex(t, c.hex))
		if c.reply {
			d = lf.DescribeReply(unhex(t, c.hex))
		}
		if d.String() != c.want || d.Err != nil {
			t.Errorf("%s: %s", c.hex, d)
		}
	}
}

// A frame that must not be acted on is described as far as it goes, and says why.
func TestDescribeDamage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		hex   string
		reply bool
		want  error
		words string
	}{
		{"01 00 B8 00 00 00 00 00 00 00 00 49", false, lf.ErrSum, "wrong checksum"},
		{"01 00 A5 00 00 00 00 00 00 00 00 5B", false, lf.ErrForm, "未知命令"},
		{"01 00 A5 00 00 00 00 00 00 00 00 5B", true, lf.ErrForm, "未知应答"},
		{"01 00 A4 0A 85 00 00 00 00 00 00 CD", false, lf.ErrBCD, "PRICE=0A85"},
		{"01 00 B8 00 00 07 00 00 00 00 00 41", false, lf.ErrForm, "DATA=0000070000000000"},
		{"01 00 07 85 00 00 00 00 00 00 43 31", true, lf.ErrForm, "STATE=43"},
	} {
		d := lf.DescribeRequest(unhex(t, c.hex))
		if c.reply {
			d = lf.DescribeReply(unhex(t, c.hex))
		}
		if !errors.Is(d.Err, c.want) || !strings.Contains(d.String(), c.words) {
			t.Errorf("%s: %s", c.hex, d)
		}
	}
}

func TestCommandsHaveOneNameEach(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for b := range 256 {
		c := lf.Command(b)
		if !c.Known() {
			if len(c.String()) != 2 {
				t.Errorf("%02X: %s", b, c)
			}
			continue
		}
		name := c.String()[3:]
		if seen[name] || b < 0xA0 || b > 0xBF {
			t.Errorf("%02X: %s", b, name)
		}
		seen[name] = true
	}
	if len(seen) != 13 {
		t.Errorf("%d commands", len(seen))
	}
}

func TestPlausible(t *testing.T) {
	t.Parallel()
	s := lf.Status{Nozzle: 1, Price: 785, Cash: 20000, Litres: 2548, State: 0xC2}
	for _, c := range []struct {
		cash unit.Fen
		adds bool
	}{{20002, true}, {20000, true}, {20010, true}, {20011, false}, {19994, true}, {19993, false}, {2548, false}} {
		d := s
		d.Cash = c.cash
		if d.Adds() != c.adds {
			t.Errorf("%+v adds: %v", d, !c.adds)
		}
	}
	for _, c := range []struct {
		name   string
		change func(*lf.Status)
		want   bool
	}{
		{"the same", func(*lf.Status) {}, true},
		{"more", func(s *lf.Status) { s.Litres, s.Cash = s.Litres+10, s.Cash+78 }, true},
		{"stopped", func(s *lf.Status) { s.State = 0xC1 }, true},
		{"nozzle", func(s *lf.Status) { s.Nozzle = 2 }, false},
		{"price", func(s *lf.Status) { s.Price++ }, false},
		{"litres back", func(s *lf.Status) { s.Litres-- }, false},
		{"cash back", func(s *lf.Status) { s.Cash-- }, false},
	} {
		next := s
		c.change(&next)
		if next.Follows(s) != c.want {
			t.Errorf("%s follows: %v", c.name, !c.want)
		}
	}
}

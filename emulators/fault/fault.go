// Package fault is the lab's one vocabulary of faults: what goes wrong (Kind) with which device (Device), and when. One text
// form is read and written by stories, scenarios and commands:
//
//	line 3: noise 2% for 30s
//	1 号枪: 断电 10秒后 持续5秒
//	card 张三的卡: tear-answer at 20
//
// What it means is in Table alone. A pair that is not there is an error that names what the device can suffer.
//
// Source: features.md E7; dispenser.md 5.2; trust.md 2, 4.3.
package fault

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Device is what a fault befalls.
type Device string

// The devices. A further one needs rows in Table, an alias in devices, and an injector in the world.
const (
	Line      Device = "line"      // the serial line of a nozzle
	Dispenser Device = "dispenser" // the IC-card dispenser of a nozzle
	Plain     Device = "plain"     // the plain dispenser (LF) of a nozzle
	Card      Device = "card"      // a user card, by its name
	PSAM      Device = "psam"      // the PSAM in the dispenser of a nozzle
	Reader    Device = "reader"    // the desk's card reader
	Hub       Device = "hub"       // all ports of a station
	Station   Device = "station"   // a station's program, by its site number
	Disk      Device = "disk"      // the disk of a station
	Clock     Device = "clock"     // the clock of a station's machine
	UPS       Device = "ups"       // the UPS of a station's machine
	Center    Device = "center"    // the way from a station to the center
)

// Kind is what goes wrong.
type Kind string

// Fault is one fault of one device. The zero value of a number means that the text did not say it.
type Fault struct {
	Device  Device
	Place   string // number of the nozzle or site, name of the card
	Kind    Kind
	Permill int           // probability of each chance, in thousandths
	Times   int           // it ends after so many strikes
	At      int           // the n-th byte, command or hop that it means; "by" for clocks and totals
	After   time.Duration // from now until it begins
	For     time.Duration // how long it lasts; 0: until it is mended
}

// Errors that callers tell apart.
var (
	ErrText = errors.New("故障写法有误 (fault text)")
	ErrPair = errors.New("该设备没有这种故障 (the device can not suffer this)")
)

// Parse reads the text form and checks it against Table: ErrText for what can not be read, ErrPair for a pair or an option
// that is not supported.
func Parse(text string) (Fault, error) {
	head, rest, ok := strings.Cut(strings.ReplaceAll(text, "：", ":"), ":")
	if !ok {
		return Fault{}, fmt.Errorf("%w %q: 应为 设备 编号: 故障 (want device place: kind)", ErrText, text)
	}
	f := Fault{}
	words := strings.Fields(rest)
	if err := f.device(head); err != nil {
		return f, fmt.Errorf("%w %q: %w", ErrText, text, err)
	}
	if len(words) == 0 {
		return f, fmt.Errorf("%w %q: 没有说是什么故障 (no kind)", ErrText, text)
	}
	f.Kind = kindNamed(f.Device, words[0])
	for i := 1; i < len(words); i++ {
		used, err := f.option(words[i:])
		if err != nil {
			return f, fmt.Errorf("%w %q: %w", ErrText, text, err)
		}
		i += used - 1
	}
	return f, f.Check()
}

// device reads "line 3", "3 号枪", "3号枪线路", "card 张三的卡".
func (f *Fault) device(head string) error {
	words := strings.Fields(head)
	if len(words) > 1 && strings.HasPrefix(words[1], "号") {
		words = append([]string{strings.Join(words[1:], "")}, words[0])
	} else if n := strings.Index(head, "号"); n > 0 && len(words) == 1 {
		words = []string{head[n:], head[:n]}
	}
	if len(words) == 0 {
		return errors.New("没有设备 (no device)")
	}
	for _, d := range devices {
		if words[0] == string(d.Device) || slices.Contains(d.Alias, words[0]) {
			f.Device, f.Place = d.Device, strings.Join(words[1:], " ")
			return nil
		}
	}
	return fmt.Errorf("没有设备 %q (no such device); 有 (there are) %s", words[0], strings.Join(Devices(), ", "))
}

// kindNamed is the kind by its word or its Chinese name; an unknown word stays as it is, for Check.
func kindNamed(d Device, word string) Kind {
	for _, p := range Table {
		if p.Device == d && (string(p.Kind) == word || p.Alias == word) {
			return p.Kind
		}
	}
	return Kind(word)
}

// option reads one option and says how many words it took.
func (f *Fault) option(words []string) (used int, err error) {
	w, next := words[0], ""
	if len(words) > 1 {
		next = words[1]
	}
	switch {
	case w == "for":
		f.For, err = duration(next)
		return 2, err
	case w == "after":
		f.After, err = duration(next)
		return 2, err
	case w == "times":
		f.Times, err = count(next)
		return 2, err
	case w == "at":
		f.At, err = count(next)
		return 2, err
	case strings.HasPrefix(w, "持续"):
		f.For, err = duration(strings.TrimPrefix(w, "持续"))
	case strings.HasSuffix(w, "后"):
		f.After, err = duration(strings.TrimSuffix(w, "后"))
	case strings.HasPrefix(w, "第"):
		f.At, err = count(strings.Trim(w, "第条字节个"))
	case strings.HasSuffix(w, "次"):
		f.Times, err = count(strings.TrimSuffix(w, "次"))
	case strings.HasSuffix(w, "%"):
		f.Permill, err = permill(strings.TrimSuffix(w, "%"))
	default:
		err = fmt.Errorf("不懂 %q (not understood): 可用 N%%, times N, at N, after 10s, for 30s", w)
	}
	return 1, err
}

func duration(text string) (time.Duration, error) {
	s := strings.NewReplacer("毫秒", "ms", "分钟", "m", "小时", "h", "秒", "s", "分", "m").Replace(text)
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q 不是时长 (no duration)", text)
	}
	return d, nil
}

func count(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q 应为正整数 (want a whole number above 0)", text)
	}
	return n, nil
}

// permill reads a percentage with at most one decimal.
func permill(text string) (int, error) {
	whole, tenth, _ := strings.Cut(text, ".")
	n, err := strconv.Atoi(whole)
	t := 0
	if err == nil && tenth != "" {
		t, err = strconv.Atoi(tenth)
	}
	if p := n*10 + t; err == nil && len(tenth) < 2 && n >= 0 && t >= 0 && p > 0 && p <= 1000 {
		return p, nil
	}
	return 0, fmt.Errorf("%q%% 应为 0.1%% 到 100%% (want 0.1 to 100)", text)
}

// String is the text form; Parse reads it back.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(string(f.Device))
	if f.Place != "" {
		b.WriteString(" " + f.Place)
	}
	b.WriteString(": " + string(f.Kind))
	switch {
	case f.Permill > 0 && f.Permill%10 != 0:
		fmt.Fprintf(&b, " %d.%d%%", f.Permill/10, f.Permill%10)
	case f.Permill > 0:
		fmt.Fprintf(&b, " %d%%", f.Permill/10)
	}
	for _, o := range []struct {
		word string
		n    int
	}{{"times", f.Times}, {"at", f.At}} {
		if o.n > 0 {
			fmt.Fprintf(&b, " %s %d", o.word, o.n)
		}
	}
	if f.After > 0 {
		b.WriteString(" after " + f.After.String())
	}
	if f.For > 0 {
		b.WriteString(" for " + f.For.String())
	}
	return b.String()
}

// Check holds a fault against Table.
func (f Fault) Check() error {
	p, ok := Find(f.Device, f.Kind)
	if !ok {
		return fmt.Errorf("%w: %s %q; 它可有 (it can suffer) %s", ErrPair, f.Device, f.Kind, strings.Join(Kinds(f.Device), ", "))
	}
	for _, o := range []struct {
		said bool
		take Option
		word string
	}{{f.Permill > 0, Rate, "N%"}, {f.Times > 0, Times, "times"}, {f.At > 0, At, "at"}, {f.For > 0, For, "for"}} {
		if o.said && p.Takes&o.take == 0 {
			return fmt.Errorf("%w: %s %s 不收 %s; 它收 (it takes) %s", ErrPair, f.Device, f.Kind, o.word, p.Takes)
		}
	}
	if p.Takes&mustAt != 0 && f.At == 0 {
		return fmt.Errorf("%w: %s %s 要写 at N: %s (needs at N: %s)", ErrPair, f.Device, f.Kind, p.Zh, p.En)
	}
	return f.place(p)
}

// place: nozzles and sites are numbers, cards are names; the reader is the desk's only one.
func (f Fault) place(p Pair) error {
	n, err := strconv.Atoi(f.Place)
	switch f.Device {
	case Card:
		if f.Place == "" {
			return fmt.Errorf("%w: 哪张卡 (which card)?", ErrText)
		}
	case Reader:
		if f.Place != "" {
			return fmt.Errorf("%w: 网点只有一台读卡器, 不写编号 (the desk has one reader: no number)", ErrText)
		}
	case Hub, Station, Disk, Clock, UPS, Center:
		if len(f.Place) != 4 || err != nil {
			return fmt.Errorf("%w: %s %q: 应为四位站号 (want the four digits of a site)", ErrText, p.Device, f.Place)
		}
	default:
		if err != nil || n < 1 {
			return fmt.Errorf("%w: %s %q: 应为枪号 (want the number of a nozzle)", ErrText, p.Device, f.Place)
		}
	}
	return nil
}

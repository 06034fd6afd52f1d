// Package ports finds the serial ports of a machine without opening one: opening a port raises its control lines and sets its
// speed, which disturbs whoever uses it. It looks at names, sysfs, lock files and the open files of processes.
//
// Source: dispenser.md 6.1, 6.3 rows 7 and 13.
package ports

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"greylock/system/link/serial"
)

// Kind of a port, by how it is named.
type Kind string

// The kinds, most stable name first. Source: dispenser.md 6.1.
const (
	Hub       Kind = "hub"       // /dev/hub/portNN, by our udev rule
	Directory Kind = "directory" // portNN of a directory that was named: emulators
	USBPath   Kind = "usb-path"  // by the socket that it is plugged into
	Multiport Kind = "multiport" // numbered by its card's driver
	UART      Kind = "uart"      // ttyS with a chip behind it
	USBName   Kind = "usb-name"  // by serial number only: chips may share one
	Bare      Kind = "bare"      // numbered in the order of plugging: no stable name
	Named     Kind = "named"     // by a pattern that was given
)

// Words says a kind in Chinese and English.
func (k Kind) Words() (zh, en string) {
	switch k {
	case Hub:
		return "集线器固定名", "fixed name of the hub"
	case Directory:
		return "仿真目录", "emulators' directory"
	case USBPath:
		return "USB 插口位置", "USB socket"
	case Multiport:
		return "多串口卡", "multi-port card"
	case UART:
		return "板载串口", "on-board UART"
	case USBName:
		return "USB 序列号 (可能相同)", "USB serial number, may be shared"
	case Bare:
		return "无固定名", "no stable name"
	}
	return "指定的名称", "by the pattern given"
}

// Candidate is one port.
type Candidate struct {
	Path   string `json:"path"`   // the most stable name
	Device string `json:"device"` // what stands behind it now
	Kind   Kind   `json:"kind"`
	Driver string `json:"driver,omitempty"`
	Busy   string `json:"busy,omitempty"` // who has it, "" if it is free
	Note   string `json:"note,omitempty"` // why its name is no good choice
}

// Search says where to look.
type Search struct {
	Root  string   // "" for this machine; tests have a tree of their own
	Globs []string // more names, as filepath.Glob takes them
	Dirs  []string // directories with portNN in them
	Locks string   // directory of lock files
}

// patterns are the names that are looked for, most stable first. Source: dispenser.md 6.1.
var patterns = []struct {
	kind Kind
	glob string
}{
	{Hub, "/dev/hub/port*"},
	{USBPath, "/dev/serial/by-path/*"},
	{Multiport, "/dev/ttyMP[0-9]*"}, {Multiport, "/dev/ttyMUE[0-9]*"}, {Multiport, "/dev/ttyM[0-9]*"},
	{Multiport, "/dev/ttyr[0-9a-f][0-9a-f]"}, {Multiport, "/dev/ttyXR[0-9]*"},
	{UART, "/dev/ttyS[0-9]*"},
	{USBName, "/dev/serial/by-id/*"},
	{Bare, "/dev/ttyUSB[0-9]*"}, {Bare, "/dev/ttyACM[0-9]*"},
}

// Find lists the ports, each once under its best name, in the order of their names. Nothing is opened.
func (s Search) Find() (found []Candidate, err error) {
	seen := map[string]bool{}
	take := func(kind Kind, glob, root string) error {
		names, err := filepath.Glob(root + glob)
		if err != nil {
			return fmt.Errorf("%s: %w", glob, err)
		}
		slices.SortFunc(names, natural)
		for _, name := range names {
			device, err := filepath.EvalSymlinks(name)
			if err != nil || seen[device] || !s.serial(kind, device) {
				continue // a link that leads nowhere is no port
			}
			seen[device] = true
			c := Candidate{Path: strings.TrimPrefix(name, root), Device: strings.TrimPrefix(device, root), Kind: kind, Driver: s.driver(device)}
			switch kind {
			case Bare:
				c.Note = "号码随插入次序变化: 请用 greylock station udev 定名 (its number changes: give it a name)"
			case USBName:
				c.Note = "几块芯片可能同号: 请用 greylock station udev 定名 (chips may share a number: give it a name)"
			}
			found = append(found, c)
		}
		return nil
	}
	for _, dir := range s.Dirs {
		if err := take(Directory, filepath.Join(dir, "port[0-9]*"), ""); err != nil {
			return nil, err
		}
	}
	for _, p := range patterns {
		if err := take(p.kind, p.glob, s.Root); err != nil {
			return nil, err
		}
	}
	for _, g := range s.Globs {
		if err := take(Named, g, ""); err != nil {
			return nil, err
		}
	}
	opened := s.opened()
	for i := range found {
		found[i].Busy = s.busy(found[i], opened)
	}
	return found, nil
}

// Look tells about one name what Find tells about those that it finds. The error is why nothing is there.
func (s Search) Look(path string) (Candidate, error) {
	device, err := filepath.EvalSymlinks(path)
	if err != nil {
		return Candidate{Path: path, Kind: Named}, err
	}
	c := Candidate{Path: path, Device: device, Kind: Named, Driver: s.driver(device)}
	c.Busy = s.busy(c, s.opened())
	return c, nil
}

// serial says that a name is a port: a ttyS without a chip is a name only. Source: dispenser.md 6.1.
func (s Search) serial(kind Kind, device string) bool {
	if kind == UART {
		text, err := os.ReadFile(s.Root + "/sys/class/tty/" + filepath.Base(device) + "/type")
		return err == nil && strings.TrimSpace(string(text)) != "0"
	}
	info, err := os.Stat(device)
	return err == nil && (s.Root != "" || info.Mode()&fs.ModeCharDevice != 0)
}

// driver is the kernel's word for what stands behind a port, "" where it has none.
func (s Search) driver(device string) string {
	to, err := os.Readlink(s.Root + "/sys/class/tty/" + filepath.Base(device) + "/device/driver")
	if err != nil {
		return ""
	}
	return filepath.Base(to)
}

// busy says who has a port: the holder of its lock file, else a process that has it open, as far as this user may see.
func (s Search) busy(c Candidate, opened map[string]int) string {
	full := c.Path
	if c.Kind != Directory && c.Kind != Named {
		full = s.Root + full
	}
	if holder, held := serial.Held(serial.Config{Path: full, LockDir: s.Locks}); held {
		return holder
	}
	if pid := opened[c.Device]; pid != 0 {
		return strconv.Itoa(pid)
	}
	return ""
}

// opened lists the ports that processes have open; the pseudo-terminals of emulators, held open by them, do not count.
func (s Search) opened() map[string]int {
	all := map[string]int{}
	names, err := filepath.Glob(s.Root + "/proc/[0-9]*/fd/*")
	if err != nil {
		panic("ports: " + err.Error()) // a pattern of ours
	}
	for _, name := range names {
		to, err := os.Readlink(name)
		if err != nil || !strings.HasPrefix(to, "/dev/tty") {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(name)))); err == nil && pid != os.Getpid() {
			all[to] = pid
		}
	}
	return all
}

var digits = regexp.MustCompile(`[0-9]+`)

// natural orders port2 before port10.
func natural(a, b string) int {
	pad := func(s string) string {
		return digits.ReplaceAllStringFunc(s, func(n string) string { return strings.Repeat("0", max(0, 20-len(n))) + n })
	}
	return cmp.Or(cmp.Compare(pad(a), pad(b)), cmp.Compare(a, b))
}

var portName = regexp.MustCompile(`/port([0-9]{1,3})$`)

// Numbers gives each candidate a number: the one given for its device, else that of its name, portNN, else, also where that is
// taken, the free numbers from 1 in their order.
func Numbers(found []Candidate, given map[string]int) []int {
	numbers, taken := make([]int, len(found)), map[int]bool{}
	take := func(i, n int) {
		if n > 0 && !taken[n] {
			numbers[i], taken[n] = n, true
		}
	}
	for i, c := range found {
		take(i, given[c.Device])
	}
	for i, c := range found {
		if m := portName.FindStringSubmatch(c.Path); m != nil && numbers[i] == 0 {
			n, _ := strconv.Atoi(m[1]) // three digits are a number
			take(i, n)
		}
	}
	for i, n := 0, 1; i < len(numbers); i++ {
		for numbers[i] == 0 {
			take(i, n)
			n++
		}
	}
	return numbers
}

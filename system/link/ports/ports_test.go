package ports

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// machine is a tree that looks like a machine's /dev, /sys and /proc.
type machine struct {
	t    *testing.T
	root string
}

func (m machine) file(path, text string) {
	m.t.Helper()
	full := filepath.Join(m.root, path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o700), os.WriteFile(full, []byte(text), 0o600)); err != nil {
		m.t.Fatal(err)
	}
}

func (m machine) link(path, to string) {
	m.t.Helper()
	full := filepath.Join(m.root, path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o700), os.Symlink(to, full)); err != nil {
		m.t.Fatal(err)
	}
}

// TestFind: each port once, by its most stable name; a ttyS without a chip and a link that leads nowhere are none.
func TestFind(t *testing.T) {
	t.Parallel()
	m := machine{t, t.TempDir()}
	for _, x := range [][2]string{{"ttyS0", "4"}, {"ttyS1", "0"}, {"ttyS10", "4"}, {"ttyS2", "4"}} {
		m.file("dev/"+x[0], "")
		m.file("sys/class/tty/"+x[0]+"/type", x[1]+"\n")
	}
	m.file("dev/ttyS3", "") // no sysfs entry
	for _, name := range []string{"ttyUSB0", "ttyUSB1", "ttyUSB2", "ttyMP0", "ttyM0", "ttyr0f", "ttyMUE1", "tty1", "ttyprintk"} {
		m.file("dev/"+name, "")
	}
	m.link("dev/hub/port02", "../ttyUSB1")
	m.link("dev/serial/by-path/pci-0000:00:14.0-usb-0:4.1:1.0-port0", "../../ttyUSB0")
	m.link("dev/serial/by-path/pci-0000:00:14.0-usbv2-0:4.1:1.0-port0", "../../ttyUSB0")
	m.link("dev/serial/by-path/pci-0000:00:14.0-usb-0:4.1:1.1-port0", "../../ttyUSB1")
	m.link("dev/serial/by-path/gone", "../../ttyUSB9")
	m.link("dev/serial/by-id/usb-FTDI_Quad-if00-port0", "../../ttyUSB2")
	m.link("sys/class/tty/ttyUSB1/device/driver", "../../../../bus/usb-serial/drivers/ftdi_sio")
	m.link("proc/4711/fd/7", "/dev/ttyMP0")
	m.file("extra/tty-a", "")
	found, err := Search{Root: m.root, Globs: []string{filepath.Join(m.root, "extra", "*")}, Locks: t.TempDir()}.Find()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range found {
		got = append(got, strings.Join([]string{string(c.Kind), strings.ReplaceAll(c.Path, m.root, ""), strings.ReplaceAll(c.Device, m.root, ""), c.Driver, c.Busy}, " "))
		if zh, en := c.Kind.Words(); zh == "" || en == "" {
			t.Errorf("%s has no words", c.Kind)
		}
		if (c.Kind == USBName) != (c.Note != "") {
			t.Errorf("%s: note %q", c.Path, c.Note)
		}
	}
	want := []string{
		"hub /dev/hub/port02 /dev/ttyUSB1 ftdi_sio ",
		"usb-path /dev/serial/by-path/pci-0000:00:14.0-usb-0:4.1:1.0-port0 /dev/ttyUSB0  ",
		"multiport /dev/ttyMP0 /dev/ttyMP0  4711",
		"multiport /dev/ttyMUE1 /dev/ttyMUE1  ",
		"multiport /dev/ttyM0 /dev/ttyM0  ",
		"multiport /dev/ttyr0f /dev/ttyr0f  ",
		"uart /dev/ttyS0 /dev/ttyS0  ", "uart /dev/ttyS2 /dev/ttyS2  ", "uart /dev/ttyS10 /dev/ttyS10  ",
		"usb-name /dev/serial/by-id/usb-FTDI_Quad-if00-port0 /dev/ttyUSB2  ",
		"named /extra/tty-a /extra/tty-a  ",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if n := Numbers(found, nil); n[0] != 2 || n[1] != 1 || n[2] != 3 || n[10] != 11 {
		t.Errorf("%v", n)
	}
	if _, err := (Search{Globs: []string{"["}}).Find(); err == nil {
		t.Error("a pattern that is none finds something")
	}
	if _, err := (Search{}).Look(filepath.Join(m.root, "nothing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestNumbersThatClash(t *testing.T) {
	t.Parallel()
	found := []Candidate{{Path: "/a/port01", Device: "x"}, {Path: "/b/port01", Device: "y"}, {Path: "/b/port02", Device: "z"}, {Path: "/b/port00", Device: "w"}}
	for _, c := range []struct {
		given map[string]int
		want  [4]int
	}{{nil, [4]int{1, 3, 2, 4}}, {map[string]int{"z": 1}, [4]int{2, 3, 1, 4}}} {
		if n := Numbers(found, c.given); [4]int(n) != c.want {
			t.Errorf("%v: %v, want %v", c.given, n, c.want)
		}
	}
}

// TestRulesAreAsWritten holds each card's rules, for 8 and 16 ports, against its golden file.
func TestRulesAreAsWritten(t *testing.T) {
	t.Parallel()
	for _, c := range Cards {
		for _, n := range []int{8, 16} {
			base := ""
			if c.Based {
				base = "pci-0000:00:14.0-usb-0:4"
			}
			text, err := Rules(c.Name, n, 1, base)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", "udev-"+c.Name+map[int]string{8: "-8", 16: "-16"}[n]+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(want, []byte(text)) {
				t.Errorf("%s: %v\n%s", path, err, text)
			}
			if strings.Count(text, "SYMLINK+=") != n || strings.Count(text, "hub/port") != n {
				t.Errorf("%s: %d links", path, strings.Count(text, "SYMLINK+="))
			}
		}
	}
	if text, err := Rules("mp", 16, 17, ""); err != nil || !strings.Contains(text, `KERNEL=="ttyMP15", SYMLINK+="hub/port32"`) {
		t.Errorf("the second hub: %v\n%s", err, text)
	}
	for _, bad := range []struct {
		card         string
		ports, first int
		base         string
	}{{"none", 8, 1, ""}, {"mp", 9, 1, ""}, {"mp", 8, 0, ""}, {"mp", 8, 65, ""}, {"ftdi", 8, 1, ""}, {"ftdi", 8, 1, "a\"b"}} {
		if _, err := Rules(bad.card, bad.ports, bad.first, bad.base); !errors.Is(err, ErrCard) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

package ports

import (
	"errors"
	"fmt"
	"strings"
)

// Card is a way in which multi-port hardware appears. Source: dispenser.md 6.1.
type Card struct {
	Name   string
	Zh, En string
	Based  bool // its rule needs the ID_PATH of the socket
	match  func(base string, i int) string
}

// Cards are the ways that are known.
var Cards = []Card{
	{"ftdi", "USB, FT4232H 每片四口", "USB, FT4232H, four ports a chip", true, func(base string, i int) string {
		return fmt.Sprintf(`ENV{ID_PATH}=="%s.%d:1.%d"`, base, i/4+1, i%4)
	}},
	{"ch348", "USB, 一个接口多个口 (CH348, Prolific 等)", "USB, many ports of one interface (CH348, Prolific and others)", true, func(base string, i int) string {
		return fmt.Sprintf(`ENV{ID_PATH}=="%s.%d:1.0", ENV{ID_PORT}=="%d"`, base, i/8+1, i%8)
	}},
	{"moxa", "Moxa Smartio/CP (ttyM)", "Moxa Smartio/CP (ttyM)", false, numbered("ttyM%d", 0)},
	{"mue", "Moxa ttyMUE", "Moxa ttyMUE", false, numbered("ttyMUE%d", 0)},
	{"nport", "Moxa NPort Real TTY", "Moxa NPort Real TTY", false, numbered("ttyr%02x", 0)},
	{"mp", "ttyMP 驱动的多串口卡", "cards with an MP driver (ttyMP)", false, numbered("ttyMP%d", 0)},
	{"16550", "PCI/PCIe 16550 (ttyS4 起; 内核参数 8250.nr_uarts=32)", "PCI/PCIe 16550 (from ttyS4 on; kernel parameter 8250.nr_uarts=32)", false, numbered("ttyS%d", 4)},
}

func numbered(format string, first int) func(string, int) string {
	return func(_ string, i int) string { return fmt.Sprintf(`KERNEL=="`+format+`"`, first+i) }
}

// ErrCard says that a rule can not be made.
var ErrCard = errors.New("无法写规则 (no rule)")

// mostHub is the ports of the largest hub.
const mostHub = 16

// Rules is the text of a udev file that names the ports of one card /dev/hub/portNN, NN from first on, for group dialout.
// ErrCard for an unknown card or numbers that make no sense. Source: dispenser.md 6.1.
func Rules(card string, ports, first int, base string) (string, error) {
	var c *Card
	for i := range Cards {
		if Cards[i].Name == card {
			c = &Cards[i]
		}
	}
	switch {
	case c == nil:
		return "", fmt.Errorf("%w: 没有 %q 这种卡 (no such card)", ErrCard, card)
	case ports != 8 && ports != mostHub:
		return "", fmt.Errorf("%w: %d 口, 应为 8 或 16 (ports: want 8 or 16)", ErrCard, ports)
	case first < 1 || first > 64:
		return "", fmt.Errorf("%w: 从 %d 号起, 应为 1…64 (want)", ErrCard, first)
	case c.Based && (base == "" || strings.ContainsAny(base, "\"\n")):
		return "", fmt.Errorf("%w: --path %q: 请给出 udevadm info 所示的 ID_PATH, 到集线芯片为止 (want ID_PATH up to the chip)", ErrCard, base)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# greylock station udev: %s (%s), %d 口, port%02d…port%02d\n", c.Zh, c.En, ports, first, first+ports-1)
	b.WriteString("# 存为 /etc/udev/rules.d/61-greylock-hub.rules, 然后 udevadm control --reload && udevadm trigger --subsystem-match=tty\n")
	for i := range ports {
		fmt.Fprintf(&b, "SUBSYSTEM==\"tty\", %s, SYMLINK+=\"hub/port%02d\", GROUP=\"dialout\", MODE=\"0660\"\n", c.match(base, i), first+i)
	}
	if c.Name == "ftdi" {
		b.WriteString("# 默认 16 ms 的延迟加在每个应答上 (the default of 16 ms is added to every reply)\n")
		b.WriteString("ACTION==\"add\", SUBSYSTEM==\"usb-serial\", DRIVER==\"ftdi_sio\", ATTR{latency_timer}=\"1\"\n")
	}
	return b.String(), nil
}

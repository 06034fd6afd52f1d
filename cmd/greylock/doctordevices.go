package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"greylock/cmd/internal/config"
	"greylock/system/card/pcsc"
)

// devices are the other parts of the seed's machine: reader and PSAM, printers, UPS, modem, PIN pad. Nothing is opened but a UPS's own
// free line.
// Source: features.md H10.
func (d *doctor) devices(ctx context.Context) {
	d.readers()
	if names := d.glob("/dev/usb/lp[0-9]*", "/dev/lp[0-9]*"); len(names) > 0 {
		d.say(fine, "printer", strings.Join(names, " "), "打印机端口", "printer port")
	} else if names := d.queues(); len(names) > 0 {
		d.say(fine, "printer", strings.Join(names, " "), fmt.Sprintf("%d 个打印队列", len(names)), fmt.Sprintf("print queues: %d", len(names)))
	} else if names := d.glob("/run/cups/cups.sock", "/var/run/cups/cups.sock"); len(names) > 0 {
		d.say(fine, "printer", names[0], "打印服务", "print service")
	} else {
		d.say(absent, "printer", "", "没有打印机: 报表可另存文件", "no printer: reports can be saved as files", "接好打印机或启动 cups", "connect a printer or start cups")
	}
	d.say(optional, "receipt printer", "", "选配, 未配置", "optional, not configured", "", "")
	d.ups(ctx)
	if names := d.glob("/dev/cdc-wdm[0-9]*", "/sys/class/net/wwan[0-9]*", "/sys/class/net/ppp[0-9]*"); len(names) > 0 {
		d.say(fine, "modem", strings.Join(names, " "), "有调制解调器", "a modem is there")
	} else {
		d.say(optional, "modem", "", "选配, 未装", "optional, none", "", "")
	}
	d.say(optional, "PIN pad", "", "选配, 未配置: 密码在键盘上输入", "optional, not configured: PINs are keyed on the keyboard", "", "")
}

// queues are the names of /etc/printcap, which the print service keeps for everybody to read: name|description:…
func (d *doctor) queues() (names []string) {
	text, err := os.ReadFile(d.root + "/etc/printcap")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		if name := strings.TrimSpace(line); name != "" && !strings.HasPrefix(name, "#") && line[0] != ' ' && line[0] != '\t' {
			names = append(names, name[:strings.IndexAny(name+"|", "|:")])
		}
	}
	return names
}

// readers needs a reader only where cards are made or issued.
func (d *doctor) readers() {
	want := map[config.Role]string{config.RoleIssue: d.c.Issue.Reader, config.RoleMaking: d.c.Making.Reader}[d.role]
	missing := absent
	if d.role == config.RoleIssue || d.role == config.RoleMaking {
		missing = fail
	}
	names, err := d.e.readers()
	switch {
	case errors.Is(err, pcsc.ErrBuild):
		d.say(missing, "reader", "", "此程序未带读卡器支持", "this build has no card readers", "用带读卡器的安装包, 或以 -tags pcsc 编译", "use the desk's package, or build with -tags pcsc")
	case err != nil:
		d.say(missing, "reader", "", err.Error(), "the readers can not be listed", "检查 pcscd 是否运行", "check that pcscd runs")
	case len(names) == 0:
		d.say(missing, "reader", "", "没有读卡器", "no reader", "接好读卡器", "connect a reader")
	case want != "" && !contains(names, want):
		d.say(fail, "reader", want, "没有配置中的读卡器, 只有 "+strings.Join(names, ", "), "the configured reader is not there", "接好它, 或改正配置", "connect it, or correct the configuration")
	default:
		d.say(fine, "reader", strings.Join(names, ", "), fmt.Sprintf("%d 个读卡器", len(names)), fmt.Sprintf("readers: %d", len(names)))
	}
	if d.role == config.RoleStation {
		d.say(absent, "PSAM", "", "在加油机内, 由加油机自己查验", "inside the dispensers, which examine it themselves", "", "")
	}
}

func contains(names []string, want string) bool {
	for _, n := range names {
		if strings.Contains(n, want) {
			return true
		}
	}
	return false
}

// glob lists names of this machine.
func (d *doctor) glob(patterns ...string) (names []string) {
	for _, p := range patterns {
		found, err := filepath.Glob(d.root + p)
		if err != nil {
			panic("doctor: " + err.Error()) // a pattern of ours
		}
		for _, f := range found {
			names = append(names, strings.TrimPrefix(f, d.root))
		}
	}
	return names
}

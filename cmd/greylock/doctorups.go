package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"greylock/cmd/internal/config"
	"greylock/system/clock"
	"greylock/system/link/serial"
	"greylock/system/station"
	"greylock/system/ups"
	wire "greylock/system/wire/ups"
)

// ups is asked at the station's own line, if the configuration names one; else it is what the kernel or another service watches.
func (d *doctor) ups(ctx context.Context) {
	if d.role == config.RoleStation && d.c.Station.UPS.Path != "" {
		d.stationUPS(ctx, d.c.Station.UPS)
		return
	}
	for _, name := range d.glob("/sys/class/power_supply/*/type") {
		text, err := os.ReadFile(d.root + name)
		if err == nil && strings.TrimSpace(string(text)) == "UPS" {
			d.say(fine, "UPS", filepath.Base(filepath.Dir(name)), "有 UPS", "a UPS is there")
			return
		}
	}
	if names := d.glob("/run/nut/*", "/run/apcupsd.pid"); len(names) > 0 {
		d.say(fine, "UPS", names[0], "UPS 服务在运行", "a UPS service runs")
		return
	}
	d.say(absent, "UPS", "", "没有发现 UPS: 断电时最后一笔由日志与加油机保全", "no UPS found: journal and dispensers keep the last sale through a power cut",
		"接好 UPS, 配置 station.ups.path", "connect a UPS and set station.ups.path")
}

// stationUPS asks the running station, or at the free line.
func (d *doctor) stationUPS(ctx context.Context, u config.UPS) {
	if d.running != nil {
		limited, cancel := context.WithTimeout(ctx, askLimit)
		defer cancel()
		a, err := ask[station.UPS](limited, d.addr, station.PathUPS, struct{}{})
		switch {
		case err != nil || !a.Fitted:
			d.say(warn, "UPS", u.Path, "运行中的站没有用它", "the running station does not use it", "重启站级程序", "restart the station's program")
		case !a.Online:
			d.sayMute(u.Path)
		default:
			d.sayPower(u.Path, a.Power == "mains", a.Zh, a.En)
		}
		return
	}
	found, err := d.search().Look(u.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.say(fail, "UPS", u.Path, "没有这个串口", "no such port", "检查串口线与名称: greylock station ports --scan", "check cable and name: greylock station ports --scan")
	case err != nil:
		d.say(fail, "UPS", u.Path, err.Error(), "the port can not be looked at", "检查目录权限", "check the directory's permissions")
	case found.Busy != "":
		d.say(warn, "UPS", u.Path, fmt.Sprintf("被进程 %s 占用, 未打开", found.Busy), "process "+found.Busy+" has it; it was not opened", "若不是站级程序, 请停止它", "if that is not the station, stop it")
	case !d.probes || d.held:
		d.say(absent, "UPS", u.Path, "未查问", "not asked", "--probe 查问", "--probe asks")
	default:
		s, trouble, ok := askUPS(ctx, serial.Config{Path: u.Path, Baud: cmp.Or(u.Baud, wire.Baud), Parity: serial.Parity(cmp.Or(u.Parity, "none")), LockDir: d.c.Station.Locks})
		switch {
		case trouble != nil:
			d.say(fail, "UPS", u.Path, trouble.Zh, trouble.En, trouble.NextZh, trouble.NextEn)
		case !ok:
			d.sayMute(u.Path)
		default:
			d.sayPower(u.Path, !s.Has(wire.UtilityFail|wire.BatteryLow|wire.Failed), s.String(), s.Flags.String())
		}
	}
}

func (d *doctor) sayMute(path string) {
	d.say(fail, "UPS", path, "UPS 无应答", "the UPS does not answer", "检查 UPS 开关、串口线与波特率 (2400)", "check the UPS's switch, the cable and the baud rate (2400)")
}

func (d *doctor) sayPower(path string, well bool, zh, en string) {
	if well {
		d.say(fine, "UPS", path, zh, en)
		return
	}
	d.say(warn, "UPS", path, zh, en, "greylock station ups", "greylock station ups")
}

// upsLimit is how long the doctor waits for a UPS.
const upsLimit = 8 * time.Second

// askUPS opens a line, asks until the UPS has answered or is silent, and gives the line back.
func askUPS(ctx context.Context, cfg serial.Config) (s wire.Status, trouble *serial.Error, ok bool) {
	type event struct {
		data    []byte
		up      bool
		trouble *serial.Error
	}
	ctx, cancel := context.WithTimeout(ctx, upsLimit)
	defer cancel()
	events := make(chan event, mostHeard)
	l, err := serial.Open(cfg, serial.Handler{
		Data:    func(b []byte) { events <- event{data: append([]byte(nil), b...)} },
		Up:      func(up bool) { events <- event{up: up} },
		Trouble: func(err *serial.Error) { events <- event{trouble: err} },
	})
	if err != nil {
		return s, &serial.Error{Code: serial.CodeNoSerial, Path: cfg.Path, Zh: "设置有误", En: "wrong setting", NextZh: "检查波特率与校验位", NextEn: "check baud rate and parity", Err: err}, false
	}
	defer func() { _ = l.Close() }() // nothing was written that could be lost
	sys, driver := clock.System{}, ups.New()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		frames, told := driver.Take()
		for _, f := range frames {
			_ = l.Write(f) // a line that went away is a silent one
		}
		for _, e := range told {
			switch e.(type) {
			case ups.Changed:
				s, _, ok = driver.Status()
				return s, nil, ok
			case ups.Offline:
				return s, nil, false
			}
		}
		if due := driver.Due(); due != clock.Never {
			timer.Reset(max(0, due.Sub(sys.Now())))
		}
		select {
		case e := <-events:
			switch {
			case e.trouble != nil:
				return s, e.trouble, false
			case e.data != nil:
				driver.Receive(sys.Now(), e.data)
			default:
				driver.Line(sys.Now(), e.up)
			}
		case <-timer.C:
			driver.Wake(sys.Now())
		case <-ctx.Done():
			return s, nil, false
		}
	}
}

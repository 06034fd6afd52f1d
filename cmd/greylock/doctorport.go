package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"sync"

	"greylock/cmd/internal/config"
	"greylock/system/dispenser"
	"greylock/system/link/serial"
	"greylock/system/station"
)

// runningPorts takes the running station's word for its ports and boards.
func (d *doctor) runningPorts(s station.Status) {
	open, path := 0, map[int]string{}
	for _, p := range d.c.Station.Ports {
		path[p.Number] = p.Path
	}
	for _, n := range s.Nozzles {
		name := strconv.Itoa(n.Port)
		switch {
		case path[n.Port] == "":
			d.say(warn, "ports", name, "运行中的站有此口, 配置里没有", "the running station has this port, the configuration has not",
				"重启站级程序, 或补上配置", "restart the station's program, or complete the configuration")
		case !n.Line:
			d.say(fail, "ports", name, path[n.Port]+" 没有打开", path[n.Port]+" is not open", "检查集线器电源与连线", "check the hub's power and cable")
		default:
			open++
			d.say(fine, "ports", name, path[n.Port]+" 由站级程序打开", path[n.Port]+" is open in the station's program")
		}
		switch {
		case !n.Line:
		case dispenser.State(n.State) == dispenser.Inoperative:
			d.say(fail, "boards", name, "加油机无应答", "the dispenser does not answer", "检查加油机供电与连线", "check the dispenser's power and cable")
		case n.Nozzle == 0:
			d.say(warn, "boards", name, n.Zh+", 不在中心下发的布局里", n.En+", not in the center's layout", "由中心下发布局: greylock center layout put", "the center sends the layout: greylock center layout put")
		default:
			d.say(fine, "boards", name, fmt.Sprintf("%d 号枪 %s", n.Nozzle, n.Zh), fmt.Sprintf("nozzle %d %s", n.Nozzle, n.En))
		}
	}
	d.hub(open)
}

// hub counts: as many ports as nozzles, all of them there.
func (d *doctor) hub(there int) {
	all := len(d.c.Station.Ports)
	switch {
	case all == 0:
		d.say(fail, "hub", "", "没有配置端口", "no port is configured", "greylock station ports --scan --write ports.yaml", "greylock station ports --scan --write ports.yaml")
	case there < all:
		d.say(fail, "hub", "", fmt.Sprintf("%d 个口只有 %d 个可用", all, there), fmt.Sprintf("%d of %d ports can be used", there, all),
			"检查集线器电源、多串口卡驱动与 udev 规则", "check the hub's power, the card's driver and the udev rules")
	default:
		d.say(fine, "hub", "", fmt.Sprintf("%d 个口齐全", all), fmt.Sprintf("all %d ports are there", all))
	}
}

// restingPorts looks at the ports of a station that does not run, and asks at the free ones.
func (d *doctor) restingPorts(ctx context.Context) {
	there, free := 0, []config.Port{}
	search := d.search()
	for _, p := range d.c.Station.Ports {
		name := strconv.Itoa(p.Number)
		found, err := search.Look(p.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			d.say(fail, "ports", name, p.Path+" 没有这个串口", "no such port", "检查集线器电源、连线与名称: greylock station ports --scan", "check power, cable and name: greylock station ports --scan")
		case err != nil:
			d.say(fail, "ports", name, p.Path+": "+err.Error(), "the port can not be looked at", "检查目录权限", "check the directory's permissions")
		case !mayOpen(p.Path):
			d.say(fail, "ports", name, p.Path+" 没有权限打开", "this user may not open it", "把运行用户加入 dialout 组", "add the user to the group dialout")
		case found.Busy != "":
			there++
			d.say(warn, "ports", name, fmt.Sprintf("%s 被进程 %s 占用, 未打开", p.Path, found.Busy), "process "+found.Busy+" has it; it was not opened", "若不是站级程序, 请停止它", "if that is not the station, stop it")
		default:
			there++
			free = append(free, p)
			d.say(fine, "ports", name, p.Path+" 空闲", "free", "", "")
		}
	}
	d.hub(there)
	d.sameDevice()
	if !d.probes || d.lockedJournal() {
		for _, p := range free {
			d.say(absent, "boards", strconv.Itoa(p.Number), "未查问", "not asked", "--probe 查问", "--probe asks")
		}
		return
	}
	d.boards(ctx, free)
}

// sameDevice finds two names of one port: a wiring that sells at one and bills at the other.
func (d *doctor) sameDevice() {
	seen := map[string]int{}
	for _, p := range d.c.Station.Ports {
		device, err := filepath.EvalSymlinks(p.Path)
		if err != nil {
			continue // the port's row has said so
		}
		if other, twice := seen[device]; twice {
			d.say(fail, "ports", strconv.Itoa(p.Number), fmt.Sprintf("与 %d 号口是同一个设备 %s", other, device), fmt.Sprintf("the same device as port %d", other),
				"改正 station.ports 或 udev 规则", "correct station.ports or the udev rules")
		}
		seen[device] = p.Number
	}
}

// boards asks at free ports, all together.
func (d *doctor) boards(ctx context.Context, free []config.Port) {
	found := make([]probed, len(free))
	var wait sync.WaitGroup
	room := make(chan struct{}, mostProbes)
	for i, p := range free {
		wait.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			parity := serial.Parity(p.Parity)
			if parity == "" {
				parity = serial.ParityNone
			}
			found[i] = probe(ctx, serial.Config{Path: p.Path, Baud: p.Baud, LockDir: d.c.Station.Locks}, []serial.Parity{parity})
		})
	}
	wait.Wait()
	for i, p := range free {
		name, f := strconv.Itoa(p.Number), found[i]
		switch {
		case f.Trouble != nil:
			d.say(fail, "boards", name, f.Trouble.Zh, f.Trouble.En, f.Trouble.NextZh, f.Trouble.NextEn)
		case f.Protocol != "" && f.Protocol != cmp.Or(p.Protocol, "fa"):
			d.say(fail, "boards", name, fmt.Sprintf("应答的协议是 %s, 配置的是 %s", f.Protocol, cmp.Or(p.Protocol, "fa")), "it speaks another protocol than configured",
				"改正 station.ports 的 protocol", "correct protocol in station.ports")
		case f.Protocol != "":
			d.say(fine, "boards", name, "加油机应答, 协议 "+f.Protocol, "a dispenser answers, protocol "+f.Protocol)
		case f.Echo:
			d.say(fail, "boards", name, "收到自己的帧: 收发线短路", "own frames come back: TX and RX are joined", "检查接线", "check the wiring")
		case f.Bytes > 0:
			d.say(fail, "boards", name, fmt.Sprintf("收到 %d 字节但听不懂", f.Bytes), "bytes come that nobody understands", "检查波特率与校验位", "check baud rate and parity")
		default:
			d.say(fail, "boards", name, "无人应答", "no answer", "检查加油机供电与连线", "check the dispenser's power and cable")
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"greylock/cmd/internal/config"
	"greylock/system/card"
	"greylock/system/card/pcsc"
	"greylock/system/clock"
	"greylock/system/station"
	"greylock/system/terminal"
	"greylock/system/wire/record"
)

// tills has rows for the card terminals that the station runs: its two readers, the PSAM, the slot for cards. A running station is
// asked, and its readers are not touched.
func (d *doctor) tills(ctx context.Context) {
	if len(d.c.Station.Tills) == 0 {
		return
	}
	names, err := d.e.readers()
	there := func(part, till, reader string) bool {
		switch {
		case errors.Is(err, pcsc.ErrBuild):
			d.say(fail, part, till, "此程序未带读卡器支持", "this build has no card readers", "用带读卡器的安装包, 或以 -tags pcsc 编译", "use the station's package with readers, or build with -tags pcsc")
		case err != nil:
			d.say(fail, part, till, err.Error(), "the readers can not be listed", "检查 pcscd 是否运行", "check that pcscd runs")
		case !slices.Contains(names, reader):
			d.say(fail, part, till, "没有读卡器 "+reader, "no such reader", "检查连线; greylock cards readers 列出名称", "check the cable; greylock cards readers lists the names")
		default:
			return true
		}
		return false
	}
	running := d.runningTills(ctx)
	for _, t := range d.c.Station.Tills {
		name := strconv.Itoa(t.Number)
		user, psam := there("till reader", name, t.Reader), there("till PSAM", name, t.PSAM)
		switch {
		case d.running != nil:
			d.runningTill(name, running[t.Number], user && psam)
		case !d.probes || d.lockedJournal():
			d.say(absent, "till", name, "未查问", "not asked", "--probe 查问", "--probe asks")
		default:
			if user {
				d.tillCard(name, t)
			}
			if psam {
				d.tillPSAM(name, t)
			}
		}
	}
}

// runningTills asks the running station for its tills.
func (d *doctor) runningTills(ctx context.Context) map[int]*station.TillView {
	if d.running == nil {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	all, err := ask[station.Tills](limited, d.addr, station.PathTills, struct{}{})
	if err != nil {
		return nil
	}
	found := map[int]*station.TillView{}
	for i := range all.Tills {
		found[all.Tills[i].Till] = &all.Tills[i]
	}
	return found
}

func (d *doctor) runningTill(name string, v *station.TillView, there bool) {
	switch {
	case v == nil:
		d.say(fail, "till", name, "运行中的站级程序没有这个终端", "the running station has no such till", "重启站级程序, 让配置生效", "restart the station's program, so that the configuration holds")
	case v.PSAM == station.PSAMFault:
		d.say(fail, "till", name, "PSAM 无应答", "its PSAM does not answer", "检查 PSAM 读卡器和卡", "check the PSAM's reader and the PSAM")
	case v.Doubt:
		d.say(warn, "till", name, "有一笔加油量待两人确认", "a volume waits for two persons", "greylock station till confirm", "greylock station till confirm")
	case there && v.Card:
		d.say(fine, "till", name, "由站级程序使用, 有卡", "in use by the station, a card is in")
	case there:
		d.say(fine, "till", name, "由站级程序使用, 无卡", "in use by the station, no card")
	}
}

// tillCard powers the slot of the customer's card up and down again. A card of anybody's may lie there; none is as good.
func (d *doctor) tillCard(name string, t config.Till) {
	err := d.powered(t.Reader, func(card.Slot) error { return nil })
	switch {
	case err == nil:
		d.say(fine, "till reader", name, t.Reader+" 有卡, 应答正常", "a card is in and answers")
	case errors.Is(err, card.ErrAbsent):
		d.say(fine, "till reader", name, t.Reader+" 无卡", "no card")
	case errors.Is(err, card.ErrMute):
		d.say(warn, "till reader", name, t.Reader+" 有卡, 无应答", "a card is in and does not answer", "取出卡, 检查方向", "take the card out, check its orientation")
	default:
		d.say(fail, "till reader", name, err.Error(), "the reader can not be used", "检查 pcscd, 关闭占用它的程序", "check pcscd, close the program that has it")
	}
}

// tillPSAM reads the PSAM: it must answer, be in force, and be of the realm.
func (d *doctor) tillPSAM(name string, t config.Till) {
	profile, err := d.c.Cards()
	if err != nil {
		return // the configuration's row has said so
	}
	var sam terminal.SAM
	err = d.powered(t.PSAM, func(s card.Slot) error {
		x := terminal.Terminal{PSAM: s, Profile: profile, Clock: clock.System{}.Now}
		var err error
		sam, err = x.ReadPSAM()
		return err
	})
	realm := record.Realm(d.c.Site.Realm)
	switch {
	case errors.Is(err, card.ErrAbsent):
		d.say(fail, "till PSAM", name, t.PSAM+" 里没有 PSAM", "no PSAM in its slot", "插入 PSAM", "insert the PSAM")
	case errors.Is(err, card.ErrReader):
		d.say(fail, "till PSAM", name, err.Error(), "the reader can not be used", "检查 pcscd, 关闭占用它的程序", "check pcscd, close the program that has it")
	case err != nil:
		d.say(fail, "till PSAM", name, err.Error(), "what lies there is no PSAM in force", "检查 PSAM 与两个读卡器名称是否对调", "check the PSAM, and whether the two readers' names are swapped")
	case !realm.OwnsTID(sam.TID):
		d.say(fail, "till PSAM", name, fmt.Sprintf("PSAM %v 与 site.realm 不符: 教学与正式不能混用", sam.TID), "training and live PSAMs do not mix", "换上本站的 PSAM", "put the station's PSAM in")
	default:
		d.say(fine, "till PSAM", name, fmt.Sprintf("终端机编号 %v", sam.TID), fmt.Sprintf("terminal number %v", sam.TID))
	}
}

// powered does something with the card in a reader, and gives the reader back.
func (d *doctor) powered(name string, do func(card.Slot) error) error {
	r, err := d.e.open(name)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // what it did is known
	if _, err := r.Reset(); err != nil {
		return err
	}
	return do(r)
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"greylock/cmd/internal/cli"
	"greylock/cmd/internal/config"
	"greylock/system/app"
	"greylock/system/clock"
	"greylock/system/exchange/cert"
	"greylock/system/journal"
	"greylock/system/station"
	"greylock/system/wire/record"
)

// lockedJournal says that a program holds the journal, whether or not its door answers.
func (d *doctor) lockedJournal() bool { return d.c.Data != "" && journal.Held(d.c.Data) }

// journal verifies the journal without a lock and without changing a byte, and holds the clock, the center's key and the ports
// against what it tells.
func (d *doctor) journal() {
	if d.c.Data == "" {
		return // the configuration's row has said so
	}
	d.held = d.lockedJournal()
	if d.held && d.running == nil && d.role == config.RoleStation {
		d.say(warn, "journal", d.c.Data, "有程序占用, 但它的门不应答", "a program holds it, and its door does not answer", "检查 --addr 与那个程序", "check --addr and that program")
	}
	past := app.Past{}
	r, err := journal.Visit(journal.OS(d.c.Data), func(x journal.Record) { past.Record(x.Seq, x.Body) })
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.say(absent, "journal", d.c.Data, "还没有日志", "no journal yet", "第一次启动时建立", "the first start makes it")
		return
	case err != nil:
		d.say(fail, "journal", d.c.Data, err.Error(), "it can not be read", "检查目录权限与版本", "check permissions and version")
		return
	case r.Damage != nil:
		d.say(fail, "journal", d.c.Data, r.Damage.Error(), "damaged", "不要改动该目录; 保留副本, 从备份恢复, 并报告", "do not touch the directory; keep a copy, restore from backup, report it")
		return
	case r.Torn != nil && !d.held:
		d.say(warn, "journal", d.c.Data, fmt.Sprintf("%d 条记录完好; 尾部 %d 字节未写完", r.Records, r.Torn.Bytes), "whole, with a torn tail", "下次启动时切除, 无需处理", "the next start cuts it off; nothing to do")
	default:
		d.say(fine, "journal", d.c.Data, fmt.Sprintf("%d 条记录, 链完好", r.Records), fmt.Sprintf("%d records, chain whole", r.Records))
	}
	if err := past.CheckClock(clock.System{}.Now()); err != nil {
		d.say(fail, "clock", "", err.Error(), "clock and journal", "校时后再启动站", "set the clock before the station starts")
	} else {
		d.say(fine, "clock", "journal", "不早于日志的最后一条记录", "not before the journal's last record")
	}
	if d.role != config.RoleStation {
		return
	}
	if err := past.CheckKey(d.centerKey()); err != nil {
		d.say(fail, "keys", "center_key", err.Error(), "another center's key", "greylock center key 给出公钥", "greylock center key prints it")
	} else {
		d.say(fine, "keys", "center_key", "与日志中的指令相符", "fits the directives of the journal")
	}
	list := make([]app.Port, 0, len(d.c.Station.Ports))
	for _, p := range d.c.Station.Ports {
		list = append(list, app.Port{Number: p.Number, Path: p.Path, Protocol: station.Protocol(p.Protocol)})
	}
	if err := past.CheckPorts(list); err != nil {
		d.say(fail, "ports", "layout", err.Error(), "ports and layout do not fit", "改正 station.ports", "correct station.ports")
	}
}

// Bounds of a disk that people should look at; ours.
const (
	littleSpace = 1 << 30   // a year of a busy station's journal
	noSpace     = 64 << 20  // some days
	slowSync    = 50 * 1e6  // ns: a record's acknowledge waits for one sync
	stuckSync   = 500 * 1e6 // ns: boards ask again after 2 s
	syncs       = 8
)

// disk measures what the journal will wait for.
func (d *doctor) disk() {
	if d.c.Data == "" {
		return
	}
	dir := d.c.Data
	for { // the journal's directory is made at the first start
		if info, err := os.Stat(dir); err == nil && info.IsDir() || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	free, err := freeSpace(dir)
	if err != nil {
		d.say(fail, "disk", dir, err.Error(), "it can not be asked", "检查磁盘与挂载", "check disk and mount")
		return
	}
	text, en := fmt.Sprintf("剩余 %.1f GB", float64(free)/1e9), fmt.Sprintf("%.1f GB free", float64(free)/1e9)
	switch {
	case free < noSpace:
		d.say(fail, "disk", dir, text, en, "立即腾出空间", "make room now")
	case free < littleSpace:
		d.say(warn, "disk", dir, text, en, "腾出空间", "make room")
	default:
		d.say(fine, "disk", dir, text, en)
	}
	took, err := syncTimes(dir)
	if err != nil {
		d.say(fail, "disk", "write", err.Error(), "it can not be written", "检查权限、只读挂载与磁盘", "check permissions, a read-only mount and the disk")
		return
	}
	slices.Sort(took)
	middle, worst := took[len(took)/2], took[len(took)-1]
	text, en = fmt.Sprintf("落盘 %v, 最慢 %v", middle.Round(10*time.Microsecond), worst.Round(10*time.Microsecond)), "time of a sync: middle, worst"
	switch {
	case middle > stuckSync:
		d.say(fail, "disk", "fsync", text, en, "换磁盘: 加油机等确认会超时", "another disk: boards will not wait so long")
	case middle > slowSync:
		d.say(warn, "disk", "fsync", text, en, "检查磁盘负载与寿命", "check the disk's load and age")
	default:
		d.say(fine, "disk", "fsync", text, en)
	}
}

// syncTimes writes and syncs a block of its own, some times over.
func syncTimes(dir string) (took []time.Duration, err error) {
	f, err := os.CreateTemp(dir, ".greylock-doctor-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	block := bytes.Repeat([]byte{0xA5}, 4096)
	for i := range syncs {
		began := time.Now()
		if _, err := f.WriteAt(block, int64(i)*int64(len(block))); err != nil {
			return nil, err
		}
		if err := f.Sync(); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}

// stepped is a difference between the clock that people read and the one that is never set, since the doctor began; ours.
const stepped = 250 * time.Millisecond

// lastYear is beyond what cards and frames are made for.
const lastYear = 2099

// clock looks at the machine's clock by itself.
func (d *doctor) clock() {
	now := time.Now()
	if year := now.Year(); year > lastYear {
		d.say(fail, "clock", "year", fmt.Sprintf("%d 年", year), "no such year", "校时", "set the clock")
	}
	steady := now.Sub(d.began)
	wall := now.Round(0).Sub(d.began.Round(0))
	if step := wall - steady; step.Abs() > stepped {
		d.say(warn, "clock", "step", fmt.Sprintf("体检中时钟跳了 %v", step), "the clock was stepped during the check-up", "让时间服务逐渐校准", "let the time service slew")
	}
	if synced, known := synchronised(); !known {
		d.say(absent, "clock", "sync", "不知是否有时间服务", "nobody knows whether a time service runs", "", "")
	} else if !synced {
		d.say(warn, "clock", "sync", "没有与时间服务同步", "not synchronised", "启用 systemd-timesyncd 或 chrony", "enable systemd-timesyncd or chrony")
	} else {
		d.say(fine, "clock", "sync", "已与时间服务同步", "synchronised")
	}
}

// mostSkew between this machine and the center; ours: prices change by the minute.
const mostSkew = 30 * time.Second

// unreachableCode is the error of a center that does not answer at all.
const unreachableCode = "E701"

// linkOf is where a site calls the center, "" for the center itself, and the certificates of the link.
func linkOf(c config.Config, role config.Role) (base string, files cert.Files) {
	switch role {
	case config.RoleStation:
		return c.Station.Center, c.Station.TLS.Files()
	case config.RoleIssue:
		return c.Issue.Center, c.Issue.TLS.Files()
	case config.RoleMaking:
		return c.Making.Center, c.Making.TLS.Files()
	}
	return "", centerFiles(c.Center)
}

// certificates looks at the link's certificates and gives a client that has them.
func (d *doctor) certificates(base string, files cert.Files) *http.Client {
	if !files.Used() {
		zh, en := "本机或教学, 不加密", "this machine alone, or training: no TLS"
		d.say(absent, "certificates", "", zh, en, "", "")
		return http.DefaultClient
	}
	site := record.SiteID(d.c.Site.ID)
	if base == "" {
		site = cert.CenterSite
	}
	now := clock.System{}.Now()
	s, err := files.Check(site, now)
	switch {
	case err != nil:
		d.say(fail, "certificates", files.Cert, err.Error(), "of the link to the center", "greylock center certificate 另签", "greylock center certificate makes another")
	case s.Ends.Sub(now) < cert.Soon:
		d.say(warn, "certificates", files.Cert, fmt.Sprintf("有效期至 %v", s.Ends), "the certificate ends soon", "greylock center certificate --renew 另签, 重启程序", "greylock center certificate --renew, then restart")
	default:
		d.say(fine, "certificates", files.Cert, fmt.Sprintf("TLS 1.3, 有效期至 %v", s.Ends), "TLS 1.3")
	}
	c, err := files.Client(clock.System{})
	if err != nil {
		return http.DefaultClient // the row says so
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: c}}
}

// center asks the center's exchange what this station asks it twice a minute, and looks at who signed the answer.
func (d *doctor) center(ctx context.Context) {
	base, files := linkOf(d.c, d.role)
	client := d.certificates(base, files)
	if base == "" {
		return
	}
	body, err := json.Marshal(record.DirectivesQuestion{Site: record.SiteID(d.c.Site.ID)})
	if err != nil {
		panic("doctor: " + err.Error()) // plain values always encode
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+record.PathDirectives, bytes.NewReader(body))
	if err != nil {
		return // the configuration's row has said so
	}
	req.Header.Set("Content-Type", "application/json")
	began := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		if e := cli.Explain(cert.Explain(err)); e.Code != unreachableCode && e.Exit == cli.Peer {
			d.say(fail, "center", base, e.Code+" "+e.Zh, e.En, e.NextZh, e.NextEn)
			return
		}
		d.say(warn, "center", base, "不可达: "+err.Error(), "not reachable; the station sells all the same and delivers later", "检查网络与中心程序", "check the network and the center's program")
		return
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, app.MaxBody))
	d.skew(resp.Header.Get("Date"), began)
	var refusal record.Refusal
	var answer record.DirectivesAnswer
	switch {
	case cert.Spoken(resp.StatusCode, text) != nil:
		e := cli.Explain(cert.ErrTLS)
		d.say(fail, "center", base, e.Code+" "+e.Zh, e.En, e.NextZh, e.NextEn)
	case err != nil:
		d.say(warn, "center", base, err.Error(), "the answer is cut short", "检查网络", "check the network")
	case resp.StatusCode != http.StatusOK && json.Unmarshal(text, &refusal) == nil && refusal.Code != "":
		d.say(fail, "center", base, "中心拒绝: "+refusal.Zh, "the center refuses: "+refusal.En, "greylock center site put 登记本站", "greylock center site put makes the site known")
	case resp.StatusCode != http.StatusOK || json.Unmarshal(text, &answer) != nil:
		d.say(fail, "center", base, "对端不是 greylock 中心: "+resp.Status, "no center of greylock answers", "检查 station.center", "check station.center")
	case d.role == config.RoleStation && d.forged(answer.Directives):
		d.say(fail, "center", base, "指令不是 station.center_key 签发的", "its directives are not signed by station.center_key", "greylock center key 给出公钥", "greylock center key prints the key")
	default:
		d.say(fine, "center", base, fmt.Sprintf("应答 %v", time.Since(began).Round(time.Millisecond)), "it answers")
	}
}

func (d *doctor) forged(lines []record.DirectiveLine) bool {
	return slices.ContainsFunc(lines, func(l record.DirectiveLine) bool {
		_, err := l.Open(d.centerKey())
		return errors.Is(err, record.ErrSignature)
	})
}

// skew compares with the center's clock, to the second.
func (d *doctor) skew(date string, began time.Time) {
	at, err := http.ParseTime(date)
	if err != nil {
		return // a proxy without a clock
	}
	if off := began.Sub(at); off.Abs() > mostSkew {
		d.say(warn, "clock", "center", fmt.Sprintf("与中心相差 %v", off.Round(time.Second)), "the center's clock differs", "两边都与同一时间服务同步", "synchronise both with one time service")
	}
}

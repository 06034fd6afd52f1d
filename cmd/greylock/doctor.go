package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/cmd/internal/config"
	"greylock/system/link/ports"
	"greylock/system/station"
)

// health is how a part stands.
type health string

// The healths. Absent is a part that this machine does without; an optional one is not there either, and nobody has to miss it.
const (
	fine     health = "ok"
	absent   health = "absent"
	optional health = "optional"
	warn     health = "warn"
	fail     health = "fail"
)

// finding is one row of the doctor: what, how it stands, what to do next.
type finding struct {
	Part    string `json:"part"`
	Subject string `json:"subject,omitempty"`
	Health  health `json:"health"`
	Zh      string `json:"zh"`
	En      string `json:"en"`
	NextZh  string `json:"next_zh,omitempty"`
	NextEn  string `json:"next_en,omitempty"`
}

// report is what the doctor says.
type report struct {
	Role    config.Role `json:"role"`
	Health  health      `json:"health"` // the worst
	Running bool        `json:"running"`
	Rows    []finding   `json:"rows"`
}

// doctor looks at one machine.
type doctor struct {
	e      *env
	c      config.Config
	role   config.Role
	root   string // "" is this machine
	began  time.Time
	probes bool
	addr   string

	running *station.Status // of the station that runs here, nil if none answers
	held    bool            // somebody holds the journal
	rows    []finding
}

func (d *doctor) say(h health, part, subject, zh, en string, next ...string) {
	f := finding{Part: part, Subject: subject, Health: h, Zh: zh, En: en}
	if len(next) == 2 {
		f.NextZh, f.NextEn = next[0], next[1]
	}
	d.rows = append(d.rows, f)
}

func (e *env) doctor() *cobra.Command {
	path, role, d := "", "", &doctor{e: e, root: e.machine}
	c := &cobra.Command{Use: "doctor", Short: "体检: 串口, 加油机, 读卡器, 磁盘, 时钟, 日志, 中心 (check-up of this machine)", Args: cobra.NoArgs,
		Long: "每个部件一行: 正常, 未装 (选配), 警告, 故障, 以及下一步。运行中的站不受打扰: 它占着的端口向它自己查问。\n" +
			"空闲端口上查问加油机 (只问不改), --probe=false 不问。退出码: 0 全部正常, 1 有警告, 4 有故障。\n" +
			"One row per part: ok, absent (optional), warn, fail, and the next step. A running station is not disturbed: it is asked about its ports.\n" +
			"Free ports are asked for a dispenser unless --probe=false. Exit: 0 all well, 1 warnings, 4 failures.",
		RunE: func(c *cobra.Command, _ []string) error { return d.run(c.Context(), path, config.Role(role)) }}
	c.Flags().StringVar(&path, "config", "station.yaml", "配置 (configuration)")
	c.Flags().StringVar(&role, "role", "", "center, station, issue 或 making; 缺省按文件内容 (default: as the file shows)")
	cli.Values(c, "role", "center", "station", "issue", "making")
	c.Flags().StringVar(&d.addr, "addr", "", "运行中的站级程序, 缺省为配置中的 (the running station's operator door)")
	c.Flags().BoolVar(&d.probes, "probe", true, "查问空闲端口 (ask at free ports)")
	return c
}

func (d *doctor) run(ctx context.Context, path string, role config.Role) error {
	d.began = time.Now()
	if role != "" && !knownRole(role) {
		return cli.Usagef("--role %q: center, station, issue 或 making (want one of these)", role)
	}
	c, _, err := config.Load(path)
	if d.c, d.role = c, role; role == "" {
		d.role = guess(c)
	}
	d.configuration(path, errors.Join(err, c.Check(d.role)))
	if d.role == config.RoleStation {
		d.station(ctx)
	}
	d.journal()
	d.disk()
	d.clock()
	d.center(ctx)
	d.devices(ctx)
	r := report{Role: d.role, Health: fine, Running: d.running != nil, Rows: d.rows}
	for _, f := range d.rows {
		if f.Health == fail || f.Health == warn && r.Health == fine {
			r.Health = f.Health
		}
	}
	if err := d.e.Print(r, r.show); err != nil {
		return err
	}
	return r.verdict()
}

// verdict is the exit code as an error. Source: ux.md OP-05; a warning has a code of its own, for scripts.
func (r report) verdict() error {
	var bad []string
	for _, f := range r.Rows {
		if f.Health == r.Health {
			bad = append(bad, strings.TrimSpace(f.Part+" "+f.Subject))
		}
	}
	switch r.Health {
	case fail:
		return &cli.Error{Exit: cli.Device, Code: "E441", Zh: "体检有故障", En: "the check-up found failures",
			NextZh: "按各行所示处理后再查", NextEn: "do what the rows say, then check again", Detail: strings.Join(bad, ", ")}
	case warn:
		return &cli.Error{Exit: cli.Failed, Code: "E142", Zh: "体检有警告", En: "the check-up found warnings",
			NextZh: "按各行所示处理后再查", NextEn: "do what the rows say, then check again", Detail: strings.Join(bad, ", ")}
	}
	return nil
}

var healthWords = map[health]string{fine: "正常 OK", absent: "未装 --", optional: "选配 OPT", warn: "警告 WARN", fail: "故障 FAIL"}

func (r report) show(w io.Writer) {
	t := cli.Table{Heads: []string{"部件", "对象", "状态", "说明", "下一步"}}
	for _, f := range r.Rows {
		next := ""
		if f.NextZh != "" {
			next = f.NextZh + " (" + f.NextEn + ")"
		}
		t.Add(f.Part, f.Subject, healthWords[f.Health], f.Zh+" ("+f.En+")", next)
	}
	t.Write(w)
}

// configuration has one row per problem.
func (d *doctor) configuration(path string, err error) {
	if err == nil {
		d.say(fine, "configuration", path, "配置无误", "no problem")
		return
	}
	var all []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), config.ErrConfig.Error()+":")); line != "" {
			all = append(all, line)
		}
	}
	for _, line := range all {
		d.say(fail, "configuration", path, line, "configuration", "改正后 greylock config check", "correct it, then greylock config check")
	}
}

// askLimit is how long the doctor waits for a program on this machine.
const askLimit = 3 * time.Second

// station asks the running station, or looks at its ports.
func (d *doctor) station(ctx context.Context) {
	if d.addr == "" {
		d.addr = d.c.Station.Operator
	}
	if d.addr != "" && !strings.HasSuffix(d.addr, ":0") {
		limited, cancel := context.WithTimeout(ctx, askLimit)
		s, err := ask[station.Status](limited, d.addr, station.PathStatus, struct{}{})
		cancel()
		switch {
		case err != nil:
			d.say(absent, "program", d.addr, "站级程序没有运行", "the station's program does not run", "greylock station --config …", "greylock station --config …")
		case string(s.Site) != d.c.Site.ID:
			d.say(fail, "program", d.addr, fmt.Sprintf("这里运行的是 %s 站, 不是 %s", s.Site, d.c.Site.ID), "another station's program runs here",
				"检查 station.operator 与 site.id", "check station.operator and site.id")
		default:
			d.running = &s
			d.say(fine, "program", d.addr, fmt.Sprintf("运行中, %d 条加油记录", s.Records), fmt.Sprintf("running, %d records", s.Records))
		}
	}
	if d.running != nil {
		d.runningPorts(*d.running)
	} else {
		d.restingPorts(ctx)
	}
	d.tills(ctx)
}

func (d *doctor) centerKey() []byte {
	key, err := hex.DecodeString(d.c.Station.CenterKey)
	if err != nil {
		return nil // the configuration's row has said so
	}
	return key
}

// search is how the doctor looks at ports.
func (d *doctor) search() ports.Search { return ports.Search{Root: d.root, Locks: d.c.Station.Locks} }

package app

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/station"
	"greylock/system/wire/record"
)

// Reasons why a station does not start on what it has: going on would write wrong times, obey a stranger, or sell at one nozzle
// and bill at another. Source: features.md T10.
var (
	ErrClock   = errors.New("时钟不可信, 不启动 (the clock can not be true: not started)")
	ErrKey     = errors.New("中心的公钥与日志不符, 不启动 (the center's key is not that of the journal: not started)")
	ErrPortMap = errors.New("端口与布局不符, 不启动 (ports and layout do not fit: not started)")
)

// MostBack is how far the clock may stand behind the journal's last record. A time service steps a clock by seconds; more is a
// clock that was lost or set by hand. Ours.
const MostBack = 5 * time.Minute

// firstYear is the year of a build that does not tell its time.
const firstYear = 2026

// builtIn is the year in which this program was built: no clock is right that shows one before.
func builtIn() int {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if t, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
				return t.Year()
			}
		}
	}
	return firstYear
}

// Past is what a station's journal tells before the station starts. The zero value is that of no journal.
type Past struct {
	Last    clock.Instant // of its latest record
	LastSeq uint64
	orders  map[record.Topic]record.DirectiveLine // in force
}

// Record takes the journal's next record. A line that this program does not know is not looked at: Open says so.
func (p *Past) Record(seq uint64, line []byte) {
	if t := clock.FromMilli(timeOf(line)); t > p.Last {
		p.Last, p.LastSeq = t, seq
	}
	if !bytes.Contains(line, []byte(record.DirectiveApplied{}.FactType())) {
		return
	}
	f, err := record.Decode(line)
	d, ok := f.(record.DirectiveApplied)
	if err != nil || !ok {
		return
	}
	var head record.Directive
	if json.Unmarshal([]byte(d.Directive.Line), &head) == nil {
		if p.orders == nil {
			p.orders = map[record.Topic]record.DirectiveLine{}
		}
		p.orders[head.Topic] = d.Directive
	}
}

// timeOf reads time_ms, the first field of a fact, without reading the rest; 0 if there is none.
func timeOf(line []byte) (ms int64) {
	_, tail, _ := bytes.Cut(line, []byte(`"time_ms":`))
	for _, c := range tail {
		if c < '0' || c > '9' || ms > 1<<50 {
			break
		}
		ms = ms*10 + int64(c-'0')
	}
	return ms
}

// CheckClock is ErrClock for a clock before this program was built or too far behind the journal.
func (p *Past) CheckClock(now clock.Instant) error {
	if year, built := now.Civil().Year, builtIn(); year < built {
		return fmt.Errorf("%w: 现在是 %v, 程序却在 %d 年造成: 请校时 (it is earlier than this program: set the clock)", ErrClock, now, built)
	}
	if back := p.Last.Sub(now); p.Last != 0 && back > MostBack {
		return fmt.Errorf("%w: 现在是 %v, 第 %d 条记录却是 %v, 相差 %v: 请校时; 若是那条记录错了, 等到那时或联系中心 "+
			"(the journal is ahead of the clock: set the clock; if the record is wrong, wait or ask the center)", ErrClock, now, p.LastSeq, p.Last, back.Round(time.Second))
	}
	return nil
}

// CheckKey is ErrKey if a directive in force was not signed by this key.
func (p *Past) CheckKey(key []byte) error {
	var strangers []string
	for topic, line := range p.orders {
		if _, err := line.Open(key); errors.Is(err, record.ErrSignature) {
			strangers = append(strangers, string(topic))
		}
	}
	if len(strangers) == 0 {
		return nil
	}
	slices.Sort(strangers)
	return fmt.Errorf("%w: %s 由另一把密钥签发: 检查 station.center_key (greylock center key), 数据目录是否属于这个中心 "+
		"(signed by another key: check station.center_key, and whether the data directory is this center's)", ErrKey, strings.Join(strangers, ", "))
}

// CheckPorts is ErrPortMap if the layout in force names a port that is not configured or speaks another protocol, or two ports are
// one device.
func (p *Past) CheckPorts(ports []Port) error {
	var wrong []string
	configured, devices := map[int]station.Protocol{}, map[string]int{}
	for _, x := range ports {
		configured[x.Number] = cmp.Or(x.Protocol, station.FA)
		device, err := filepath.EvalSymlinks(x.Path)
		if err != nil {
			device = x.Path // it is not there yet: its name stands for it
		}
		if other, twice := devices[device]; twice {
			wrong = append(wrong, fmt.Sprintf("%d 号口与 %d 号口是同一个设备 %s (two ports, one device)", other, x.Number, device))
		}
		devices[device] = x.Number
	}
	var head record.Directive
	var layout record.Layout
	if line, ok := p.orders[record.TopicLayout]; ok && json.Unmarshal([]byte(line.Line), &head) == nil && json.Unmarshal(head.Body, &layout) == nil {
		for _, plan := range layout.Ports {
			switch spoken, planned := configured[plan.Port], cmp.Or(station.Protocol(plan.Protocol), station.FA); spoken {
			case planned:
			case "":
				wrong = append(wrong, fmt.Sprintf("布局第 %d 版的 %d 号口 (%d 号枪) 没有配置 (a port of the layout is not configured)", head.Version, plan.Port, plan.Nozzle))
			default:
				wrong = append(wrong, fmt.Sprintf("布局第 %d 版的 %d 号口是 %s, 配置是 %s (another protocol is configured)", head.Version, plan.Port, planned, spoken))
			}
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s: 改正 station.ports, 或由中心下发新布局 (correct station.ports, or let the center send another layout)", ErrPortMap, strings.Join(wrong, "; "))
}

// Check is all of it.
func (p *Past) Check(now clock.Instant, cfg StationConfig) error {
	return errors.Join(p.CheckClock(now), p.CheckKey(cfg.CenterKey), p.CheckPorts(cfg.Ports))
}

// MayStart replays a station's journal for what it tells against starting: ErrClock, ErrKey, ErrPortMap.
func MayStart(j *journal.Journal, now clock.Instant, cfg StationConfig) error {
	past := Past{}
	if err := j.Read(1, func(r journal.Record) error { past.Record(r.Seq, r.Body); return nil }); err != nil {
		return err
	}
	return past.Check(now, cfg)
}

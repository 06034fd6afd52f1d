package station

import (
	"strconv"
	"time"

	"greylock/system/clock"
	"greylock/system/link"
	"greylock/system/wire/record"
)

var _ link.Measured = (*Core)(nil)

// Measure tells a monitor how the station stands. Source: features.md P6.
func (c *Core) Measure(now clock.Instant, m *link.Meter) {
	for _, p := range c.ports {
		m.Gauge("greylock_port_up", "The serial port is open.", truth(p.up), "port", strconv.Itoa(p.number))
	}
	c.measureLines(m)
	m.Counter("greylock_dispenser_records_total", "Records of dispensers in the journal.", uint64(len(c.sales)))
	missing := 0
	for _, p := range c.ports {
		missing += len(p.intake.missing)
	}
	m.Gauge("greylock_dispenser_records_missing", "Numbers of records that are not there yet.", int64(missing))
	x := c.ship.Status()
	m.Gauge("greylock_exchange_unsent", "Journal records that the center does not have.", int64(x.Pending))
	m.Gauge("greylock_exchange_failures", "Calls to the center in a row without success.", int64(x.Failures))
	m.Gauge("greylock_exchange_quarantined", "Shipping has stopped: the center holds another journal.", truth(x.Quarantine != ""))
	if x.Heard != 0 {
		m.Gauge("greylock_center_heard_seconds", "Since the center last answered.", int64(now.Sub(x.Heard)/time.Second))
	}
	l := &c.orders.lists
	age := l.age(now)
	m.Gauge("greylock_list_age_seconds", "Since the center last said that black and white list are the newest.", int64(age/time.Second))
	m.Gauge("greylock_list_refusing", "The lists are too old: user cards are refused.", truth(c.cfg.Lists.stateOf(age) == ListsRefused))
	m.Gauge("greylock_alarms_open", "Alarms that nobody has acknowledged.", int64(c.alarms.OpenCases()))
	open, is := c.shifts.Open()
	m.Gauge("greylock_shift_open", "A shift is open.", truth(is))
	m.Gauge("greylock_shift_number", "Number of the open shift; 0: none.", int64(open.Number))
	c.power.measure(m)
	m.Gauge("greylock_emergency_stops", "Emergency stops in force.", int64(len(c.estops)))
}

// measureLines tells what the lines to the boards have brought since the start. A card dispenser polls the station, a plain one is
// polled by it.
func (c *Core) measureLines(m *link.Meter) {
	type line struct{ polls, bad, retries uint64 }
	lines := make([]line, len(c.ports))
	for i, p := range c.ports {
		switch {
		case p.fa != nil:
			k := p.fa.Counters()
			lines[i] = line{k.Good, k.BadCRC + k.BadLength + k.Cut + k.Malformed, k.Repeated}
		case p.lf != nil:
			k := p.lf.Counters()
			lines[i] = line{k.Good + k.Missed, k.Bad + k.Cut + k.WrongNozzle + k.Implausible, k.Missed}
		}
	}
	for i, p := range c.ports {
		m.Counter("greylock_port_polls_total", "Polls on the line.", lines[i].polls, "port", strconv.Itoa(p.number))
	}
	for i, p := range c.ports {
		m.Counter("greylock_port_bad_frames_total", "Frames that were damaged or can not be true.", lines[i].bad, "port", strconv.Itoa(p.number))
	}
	for i, p := range c.ports {
		m.Counter("greylock_port_retries_total", "Questions that had to be asked again.", lines[i].retries, "port", strconv.Itoa(p.number))
	}
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Unready: a station without a layout knows no nozzle, one with lists that are too old takes no card, and one whose journal the
// center does not know ships nothing.
func (c *Core) Unready(now clock.Instant) (why []string) {
	if c.orders.versions[record.TopicLayout] == 0 {
		why = append(why, "尚无布局 (no layout yet)")
	}
	if c.cfg.Lists.stateOf(c.orders.lists.age(now)) == ListsRefused {
		why = append(why, "名单过旧, 停止用卡加油 (lists are too old)")
	}
	if c.power.closed() {
		why = append(why, "停电, 不开新单 (no mains: no new sale)")
	}
	if c.ship.Status().Quarantine != "" {
		why = append(why, "日志与中心不符, 停止上传 (the center holds another journal)")
	}
	return why
}

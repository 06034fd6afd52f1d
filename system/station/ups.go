package station

import (
	"time"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/link"
	"greylock/system/ups"
	"greylock/system/wire/record"
	wire "greylock/system/wire/ups"
)

// UPSLine is the line of the UPS; the hub's ports are 1…64.
const UPSLine = 1001

// PathUPS is how the power is: {} → UPS.
const PathUPS = "/op/station/ups"

// UPSPolicy says how long a station may go on without mains.
type UPSPolicy struct {
	Most time.Duration `json:"most,omitempty"` // nanoseconds; 0: MostOnBattery
}

// MostOnBattery is how long a station runs on its battery at most, unless its configuration says otherwise. Ours: the batteries of
// small UPSes last ten minutes and more.
const MostOnBattery = 5 * time.Minute

// Times of a power cut. Ours, but for restoreAfter: with less some models go off and never come back. Source: NUT
// nutdrv_qx_blazer-common.c (default of ondelay).
const (
	ridesOut     = 30 * time.Second // most cuts are shorter: a station without customers waits so long, too
	restFor      = 10 * time.Second // nothing has run for so long: the last record is here
	powerLook    = time.Second
	silentFor    = 15 * time.Second // a UPS on its battery that is silent for so long is at its end
	hearFor      = 30 * time.Second // after a start on a journal that says "no mains": so long the UPS has time to speak
	offAfter     = 2 * time.Minute  // from the order to the end of the output: the machine shuts down meanwhile
	restoreAfter = 3 * time.Minute
)

// EndPower is the word with which a station ends because of its power.
const EndPower = "停电 (no mains)"

// UPS is how the power is, for a screen.
type UPS struct {
	Fitted  bool   `json:"fitted"`
	Online  bool   `json:"online"`
	Power   string `json:"power"` // mains, battery, low; unknown: the UPS has not told yet
	Zh      string `json:"zh"`
	En      string `json:"en"`
	State   string `json:"state"`  // by the journal: record.Power…
	Closed  bool   `json:"closed"` // no new sale is begun
	SinceMs int64  `json:"since_ms,omitempty"`
	EndsMs  int64  `json:"ends_ms,omitempty"` // the program ends then at the latest
	Fills   int    `json:"fills"`             // deliveries that run

	Model       string `json:"model,omitempty"`
	Input       int    `json:"input_tenths_volt"` // -1: the UPS does not say; so are the others
	Output      int    `json:"output_tenths_volt"`
	Load        int    `json:"load_percent"`
	Battery     int    `json:"battery_hundredths_volt"`
	Temperature int    `json:"temperature_tenths"`
	Flags       string `json:"flags,omitempty"`
	HeardMs     int64  `json:"heard_ms,omitempty"`
}

// power is the UPS's line and what is known of the power. Its state changes only by facts.
type power struct {
	drive *ups.Driver // nil: no UPS
	most  time.Duration
	state string // of the last fact; "" is mains
	since int64  // of the last fact that the battery was taken, UTC ms

	wish   string        // of the fact that was written last in this life
	rest   clock.Instant // nothing has run since then; 0: something does
	look   clock.Instant // of the next look at what runs
	silent clock.Instant // until then the UPS should have been heard; Never
	ending bool          // the program is about to end
}

func newPower(p *UPSPolicy) power {
	x := power{look: clock.Never, silent: clock.Never}
	if p != nil {
		x.drive, x.most = ups.New(), p.Most
		if x.most <= 0 {
			x.most = MostOnBattery
		}
	}
	return x
}

// shuts says that no sale begins in this state.
func shuts(state string) bool {
	return state == record.PowerBattery || state == record.PowerLow || state == record.PowerEnding
}

// closed says that no sale begins: also while the fact of it is on its way.
func (p *power) closed() bool { return shuts(p.state) || shuts(p.wish) }

// due is when the power wants to be looked at.
func (p *power) due() clock.Instant {
	return min(p.look, p.silent)
}

// measure tells a monitor; nothing without a UPS.
func (p *power) measure(m *link.Meter) {
	if p.drive == nil {
		return
	}
	m.Gauge("greylock_ups_up", "The UPS answers.", truth(p.drive.Online()))
	m.Gauge("greylock_ups_on_battery", "The UPS runs on its battery.", truth(p.drive.Power() >= ups.Battery))
	m.Gauge("greylock_power_closed", "No sale begins for want of mains.", truth(p.closed()))
}

// applyPower takes the fact. A card dispenser's station info names no nozzle while no sale begins; each turn is one version more, as
// with prices: the link has no command to close a nozzle. A fill that runs goes on. Source: design.md 9.16.
func (c *Core) applyPower(f record.StationPower) {
	was := shuts(c.power.state)
	if c.power.state = f.State; f.State == record.PowerBattery {
		c.power.since = f.TimeMs
	}
	if shuts(f.State) == was {
		return
	}
	for _, p := range c.ports {
		if p.fa != nil {
			p.pricing.turns++
			c.ordered = true
		}
	}
}

// startPower: a journal that says "no mains" is believed until the UPS speaks; without one there is nobody to ask.
func (c *Core) startPower(now clock.Instant) {
	switch p := &c.power; {
	case !p.closed():
	case p.drive == nil:
		c.writePower(now, record.PowerUnwatched, "")
	default:
		p.silent = now.Add(hearFor)
	}
}

// writePower appends a change of the power, with its alarm if it has one; then is done once it is durable.
func (c *Core) writePower(now clock.Instant, state, why string, alarms ...record.Fact) (then func(do func(clock.Instant))) {
	c.power.wish = state
	f := record.StationPower{TimeMs: now.Milli(), State: state, Why: why}
	if state != record.PowerMains && state != record.PowerUnwatched {
		f.Fills = c.fills()
	}
	act := c.out.Append(append([]record.Fact{f}, alarms...)...)
	return func(do func(clock.Instant)) { c.then(act, do) }
}

// wakePower looks whether it is time to end.
func (c *Core) wakePower(now clock.Instant) {
	p := &c.power
	if p.silent <= now {
		p.silent = clock.Never
		c.powerSilent(now)
	}
	if p.look <= now {
		c.watchPower(now)
	}
}

// upsEvents carries out what the driver has to say.
func (c *Core) upsEvents(now clock.Instant) {
	frames, events := c.power.drive.Take()
	for _, f := range frames {
		c.out.Send(UPSLine, f, 0)
	}
	for _, e := range events {
		c.upsEvent(now, e)
	}
	if more, _ := c.power.drive.Take(); len(more) > 0 { // an event may have set off an order
		for _, f := range more {
			c.out.Send(UPSLine, f, 0)
		}
	}
}

func (c *Core) upsEvent(now clock.Instant, e ups.Event) {
	const subject = "ups"
	switch e := e.(type) {
	case ups.Online:
		c.power.silent = clock.Never
	case ups.Offline:
		c.alarm(now, "ups-offline", subject, "UPS 无应答: 停电时无法自动关站", "the UPS does not answer: a power cut would not be seen")
		if c.power.closed() && !c.power.ending {
			c.power.silent = now.Add(silentFor)
		}
	case ups.Changed:
		c.powerIs(now, e.Power)
	case ups.Fault:
		c.alarm(now, "ups-fault", subject, "UPS 报告自身故障: 停电时可能顶不住", "the UPS says that it is broken: it may not carry a power cut")
	case ups.Weak:
		c.alarm(now, "ups-weak", subject, "市电正常而 UPS 电池电量低: 在充电, 或电池老化", "the UPS's battery is low with the mains there: it charges, or it is worn")
	case ups.Strange:
		c.alarm(now, "ups-strange", subject, "UPS 的应答有误, 未采用", "an answer of the UPS was not taken: "+e.Err.Error())
	case ups.Obeyed:
		if e.Off && c.power.ending {
			c.out.End(EndPower, 0)
		}
	case ups.Refused:
		c.upsRefused(now, e.Off)
	}
}

// upsRefused: an end is an end all the same; then the UPS runs until its battery is empty, and nobody knows when the output is back.
func (c *Core) upsRefused(now clock.Instant, off bool) {
	a := record.Alarm{TimeMs: now.Milli(), Kind: "ups-order", Subject: "ups", Zh: "UPS 不听关机命令: 来电后站控可能不会自动启动", En: "the UPS does not obey: the station may not start by itself when the mains are back"}
	if !off {
		a.Zh, a.En = "UPS 不听取消关机的命令: 输出可能被关断", "the UPS does not take its order back: its output may go off"
	}
	c.then(c.out.Append(a), func(clock.Instant) {
		if off && c.power.ending { // the mains may be back meanwhile
			c.out.End(EndPower, 0)
		}
	})
}

// powerIs takes where the output comes from. What an earlier life of the program has written is written again when it is heard anew:
// the time on the battery counts from there.
func (c *Core) powerIs(now clock.Instant, is ups.Power) {
	p := &c.power
	switch {
	case is == ups.Mains:
		if s, _, _ := p.drive.Status(); p.ending || s.Has(wire.ShutdownActive) {
			p.drive.Cancel(now) // also an order of an earlier life
		}
		p.ending, p.look, p.rest = false, clock.Never, 0
		if p.closed() {
			c.writePower(now, record.PowerMains, "")
		}
	case is == ups.Battery && p.wish != record.PowerBattery:
		p.look, p.rest = now.Add(powerLook), 0
		c.writePower(now, record.PowerBattery, "", record.Alarm{TimeMs: now.Milli(), Kind: "on-battery", Subject: "ups",
			Zh: "市电中断, UPS 供电: 在加的加完, 不开新单", En: "no mains, the UPS runs on its battery: fills that run are finished, none is begun"})
	case is == ups.Low && p.wish != record.PowerLow:
		c.writePower(now, record.PowerLow, "", record.Alarm{TimeMs: now.Milli(), Kind: "battery-low", Subject: "ups",
			Zh: "UPS 电池将尽: 存盘后自动关站", En: "the UPS's battery is near its end: the station ends by itself"})
		c.endPower(now, record.EndLow)
	}
}

// powerSilent is a UPS that has not been heard for too long.
func (c *Core) powerSilent(now clock.Instant) {
	switch p := &c.power; {
	case p.drive.Online() || !p.closed() || p.ending:
	case p.drive.Power() >= ups.Battery:
		c.endPower(now, record.EndSilent)
	default: // it has told nothing in this life
		c.writePower(now, record.PowerUnwatched, "")
	}
}

// watchPower ends the program when nothing runs any more, or when it has run on the battery for too long.
func (c *Core) watchPower(now clock.Instant) {
	p := &c.power
	p.look = now.Add(powerLook)
	if p.ending || p.state != record.PowerBattery {
		return
	}
	switch {
	case !c.resting():
		p.rest = 0
	case p.rest == 0:
		p.rest = now
	}
	switch on := now.Sub(clock.FromMilli(p.since)); {
	case on >= p.most:
		c.endPower(now, record.EndMost)
	case on >= ridesOut && p.rest != 0 && now.Sub(p.rest) >= restFor:
		c.endPower(now, record.EndIdle)
	}
}

// endPower ends the program: the journal first, then the order to the UPS, and the end once that is known to be obeyed or not to
// be. The mains may come back meanwhile.
func (c *Core) endPower(now clock.Instant, why string) {
	p := &c.power
	if p.ending {
		return
	}
	p.ending = true
	c.writePower(now, record.PowerEnding, why)(func(now clock.Instant) {
		s, _, _ := p.drive.Status()
		switch {
		case !p.ending: // the mains are back
		case !p.drive.Online() || s.Has(wire.ShutdownActive): // an order of an earlier life holds: another one would put the end off
			c.out.End(EndPower, 0)
		default:
			if err := p.drive.Shutdown(now, offAfter, restoreAfter); err != nil {
				panic("station: " + err.Error()) // our own times
			}
			c.upsEvents(now)
		}
	})
}

// delivers says whether a nozzle has a delivery between its authorisation and its end.
func delivers(s dispenser.State) bool {
	switch s {
	case dispenser.Authorised, dispenser.Started, dispenser.SuspendedStarted, dispenser.Fuelling, dispenser.SuspendedFuelling:
		return true
	}
	return false
}

// fills counts the deliveries that run.
func (c *Core) fills() (n int) {
	for _, p := range c.ports {
		for _, v := range p.drive.Views() {
			if delivers(v.State) {
				n++
			}
		}
	}
	return n
}

// resting says that nothing runs and no record is on its way. A dispenser that does not answer keeps what it has, and a till whose
// sale waits for two persons is not waited for.
func (c *Core) resting() bool {
	if c.fills() > 0 {
		return false
	}
	for _, p := range c.ports {
		if len(p.pending) > 0 {
			return false
		}
		for i, x := range p.plans {
			k := c.plainAt(p.number, x.NZN)
			if k.arming || k.open != nil && p.lf != nil && p.lf.Views()[i].State != dispenser.Inoperative {
				return false
			}
		}
	}
	for _, t := range c.tills {
		if v := t.View(); v.Step != "" && !v.Doubt {
			return false
		}
	}
	return true
}

// powerWords by ups.Power.
var powerWords = map[ups.Power][3]string{
	ups.Unheard: {"unknown", "UPS 尚未应答", "the UPS has not answered yet"}, ups.Mains: {"mains", "市电正常", "mains"},
	ups.Battery: {"battery", "市电中断, UPS 供电", "no mains: on battery"}, ups.Low: {"low", "市电中断, 电池将尽", "no mains: the battery is near its end"},
}

func (c *Core) askUPS(clock.Instant, struct{}) (any, bool) {
	p := &c.power
	a := UPS{Power: "unknown", Zh: "未装 UPS", En: "no UPS", State: p.state, Closed: p.closed(), Fills: c.fills(),
		Input: wire.Unknown, Output: wire.Unknown, Load: wire.Unknown, Battery: wire.Unknown, Temperature: wire.Unknown}
	if a.State == "" {
		a.State = record.PowerMains
	}
	if p.drive == nil {
		return a, true
	}
	w := powerWords[p.drive.Power()]
	a.Fitted, a.Online, a.Power, a.Zh, a.En = true, p.drive.Online(), w[0], w[1], w[2]
	if !a.Online {
		a.Zh, a.En = "UPS 无应答", "the UPS does not answer"
	}
	if a.Closed && p.state == record.PowerBattery {
		a.SinceMs, a.EndsMs = p.since, p.since+p.most.Milliseconds()
	}
	x := p.drive.Identity()
	a.Model = words3(x.Company, x.Model, x.Version)
	if s, at, ok := p.drive.Status(); ok {
		a.Input, a.Output, a.Load, a.Battery, a.Temperature = s.Input, s.Output, s.Load, s.Battery, s.Temperature
		a.Flags, a.HeardMs = s.Flags.String(), at.Milli()
	}
	return a, true
}

// words3 joins what is there.
func words3(list ...string) (text string) {
	for _, w := range list {
		if w == "" {
			continue
		}
		if text != "" {
			text += " "
		}
		text += w
	}
	return text
}

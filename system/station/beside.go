package station

import "greylock/system/clock"

// beside is a device of the station that sells nothing, on a line of its own: tank gauge, UPS, contactors.
type beside struct {
	line  int
	drive interface {
		Line(now clock.Instant, up bool)
		Receive(now clock.Instant, data []byte)
		Wake(now clock.Instant)
		Due() clock.Instant
	}
	events func(now clock.Instant) // carries out what the driver has to say
	lost   func(now clock.Instant) // tells that its serial port is gone
	up     bool
}

// devices are those that the configuration names.
func (c *Core) devices() (list []*beside) {
	if d := c.tanks.drive; d != nil {
		list = append(list, &beside{line: GaugeLine, drive: d, events: c.gaugeEvents, lost: func(now clock.Instant) {
			c.alarm(now, "gauge-offline", "gauge", "液位仪串口断开: 改用人工量油", "the gauge's serial port is lost: dip by hand")
		}})
	}
	if d := c.power.drive; d != nil {
		list = append(list, &beside{line: UPSLine, drive: d, events: c.upsEvents, lost: func(now clock.Instant) {
			c.alarm(now, "ups-offline", "ups", "UPS 串口断开: 停电时无法自动关站", "the UPS's serial port is lost: a power cut would not be seen")
		}})
	}
	if x := c.contactor; x != nil {
		list = append(list, &beside{line: ContactorLine, drive: x.drive, events: c.contactorEvents, lost: func(now clock.Instant) {
			c.alarm(now, "line-lost", "contactor", "接触器板串口断开: 请检查连线", "serial port of the contactors lost: check the cable")
		}})
	}
	return list
}

// deviceAt is the device on a line, nil if none is.
func (c *Core) deviceAt(line int) *beside {
	for _, b := range c.beside {
		if b.line == line {
			return b
		}
	}
	return nil
}

// connect says that the device's line was opened or lost.
func (b *beside) connect(now clock.Instant, up bool) {
	if b.up == up {
		return
	}
	b.up = up
	b.drive.Line(now, up)
	if !up {
		b.lost(now)
	}
	b.events(now)
}

func (b *beside) receive(now clock.Instant, data []byte) {
	b.drive.Receive(now, data)
	b.events(now)
}

// wake lets the driver ask and give up.
func (b *beside) wake(now clock.Instant) {
	if b.drive.Due() <= now {
		b.drive.Wake(now)
		b.events(now)
	}
}

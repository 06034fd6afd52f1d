package world

import (
	"time"

	"greylock/system/wire/record"
)

// PortFaults are what befalls a port of the hub under load.
type PortFaults interface {
	// Unplug takes a nozzle's port off the station's machine: its name goes, whoever has it open sees a hang-up. Replug puts it back.
	Unplug(nozzle record.Nozzle) error
	Replug(nozzle record.Nozzle) error
}

// reopened is how long the station's runner takes in virtual time to see a port that is back; the real one looks four times a
// second.
const reopened = 250 * time.Millisecond

func (f faults) Unplug(n record.Nozzle) error {
	return f.plug(n, false)
}

func (f faults) Replug(n record.Nozzle) error {
	return f.plug(n, true)
}

func (f faults) plug(n record.Nozzle, in bool) error {
	var wrong error
	err := f.at(n, func(p *pump) {
		if !in {
			f.w.happened("port unplugged")
		}
		switch x := p.line.(type) {
		case *memWire:
			cut(x, !in)
			if !in {
				p.station.lineIs(p.port, false)
				return
			}
			f.w.at(f.w.now.Add(reopened), func() { p.station.lineIs(p.port, true) })
		case *ptyWire:
			if !in {
				wrong = x.close()
				return
			}
			var back wire
			if back, wrong = f.w.join(p.site, p.port, p.where, p.receive); wrong == nil {
				p.line = back
			}
		}
	})
	if err == nil {
		err = wrong
	}
	return err
}

package world

import (
	"fmt"

	"greylock/system/station"
	"greylock/system/wire/fa"
	"greylock/system/wire/record"
)

// faults is the lab's own door.
type faults struct{ w *World }

// Faults of the town.
func (w *World) Faults() Faults { return faults{w} }

func (f faults) TearCard(name string, ins byte, nth int, after bool) error {
	p, err := f.w.card(name)
	if err == nil {
		p.tear = &tear{ins: ins, nth: nth, after: after}
	}
	return err
}

func (f faults) TearDesk(n int, after bool) error {
	f.w.outlet.cut = &tear{nth: n, after: after}
	return nil
}

func (f faults) UnplugReader(n int, after bool) error {
	f.w.outlet.cut = &tear{nth: n, after: after, what: readerOut}
	return nil
}

func (f faults) StopReaders(n int, after bool) error {
	f.w.outlet.cut = &tear{nth: n, after: after, what: serviceDown}
	return nil
}

func (f faults) at(nozzle record.Nozzle, do func(p *pump)) error {
	p, ok := f.w.pumps[nozzle]
	if !ok {
		return fmt.Errorf("没有 %d 号枪 (no such nozzle)", nozzle)
	}
	do(p)
	return nil
}

func (f faults) Damaged(n record.Nozzle) (count int) {
	_ = f.line(n, func(x wire) { // a nozzle that is not there has no damage
		count = damage(x)
	})
	return count
}

// line finds the line of a nozzle of either family.
func (f faults) line(n record.Nozzle, do func(x wire)) error {
	x, err := f.w.wired(n)
	if err == nil {
		do(x)
	}
	return err
}

// amountOffset is where AMN's last byte stands in the data of a 32H frame.
const amountOffset = 29

// flipUpload flips a bit of the next record's amount.
func flipUpload(p *pump) {
	p.onUpload("upload flipped", func(_ []byte, frame fa.Frame) []byte {
		frame.Data = append([]byte(nil), frame.Data...)
		frame.Data[amountOffset] ^= 0x01
		return fa.Encode(frame)
	})
}

// repeatUpload sends the next record twice.
func repeatUpload(p *pump) {
	p.onUpload("upload repeated", func(data []byte, _ fa.Frame) []byte { return append(append([]byte(nil), data...), data...) })
}

// onUpload alters the next record of a sale, once.
func (p *pump) onUpload(word string, alter func(data []byte, frame fa.Frame) []byte) {
	p.mangle = func(data []byte) []byte {
		frame, ok := upload(data)
		if !ok {
			return data
		}
		p.mangle = nil
		p.w.happened(word)
		if p.mangled != nil {
			p.mangled()
		}
		return alter(data, frame)
	}
}

// upload returns the frame if it is the 32H record of a sale.
func upload(data []byte) (frame fa.Frame, ok bool) {
	var d fa.Decoder
	d.Decode(data, func(f fa.Frame) { frame, ok = f, f.Word() == fa.WordRecord && len(f.Data) == 1+fa.RecordSize })
	if !ok {
		return frame, false
	}
	r, err := fa.ParseRecord(frame.Data[1:])
	return frame, err == nil && r.Type.Moves()
}

func (f faults) Happened(fault string) int { return f.w.faults[fault] }

// Kill ends a site's program at once.
func (w *World) Kill(id record.SiteID) error {
	if p := w.external[id]; p != nil {
		w.happened("kill")
		return p.kill()
	}
	for _, s := range w.sites() {
		if s.open.Site == id {
			s.kill()
			return nil
		}
	}
	return fmt.Errorf("没有站点 %s (no such site)", id)
}

// Restart starts a killed site's program again.
func (w *World) Restart(id record.SiteID) error {
	if p := w.external[id]; p != nil {
		return p.start()
	}
	for _, s := range w.sites() {
		if s.open.Site != id || s.run != nil {
			continue
		}
		if err := s.start(); err != nil {
			return err
		}
		for _, p := range w.pumpList {
			if p.station == s {
				s.lineIs(p.port, true)
			}
		}
		if w.contactors[id] != nil {
			s.lineIs(station.ContactorLine, true)
		}
		if w.depots[id] != nil {
			s.lineIs(station.GaugeLine, true)
		}
		if w.supplies[id] != nil {
			s.lineIs(station.UPSLine, true)
		}
		for _, p := range w.plainList {
			if p.site == id {
				s.lineIs(p.port, true)
			}
		}
		if w.depots[id] != nil {
			s.lineIs(station.GaugeLine, true)
		}
		w.powerTills(id)
		return nil
	}
	return fmt.Errorf("站点 %s 不在或正在运行 (no such site, or running)", id)
}

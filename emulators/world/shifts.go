package world

import (
	"fmt"
	"time"

	"greylock/emulators/dispenser"
	"greylock/system/wire/fa"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// ShiftFaults are what a shift's figures have to survive.
type ShiftFaults interface {
	// HoldRecord keeps the next sale's record of a nozzle from the station: somebody in the middle acknowledges it and swallows it
	// whenever it is read again, until it is told false.
	HoldRecord(nozzle record.Nozzle, hold bool) error
	// DrawUnseen makes the totalizer of a nozzle read so much more than its board has ever sold.
	DrawUnseen(nozzle record.Nozzle, q unit.Quantity) error
	// ReplaceBoard puts a new board into an idle dispenser: its totals and its record numbers begin again. PSAM and cables stay.
	ReplaceBoard(nozzle record.Nozzle) error
	// KillAsking puts a command to a site and ends its program before it can answer: in virtual time when the command's first act has
	// become durable, over pseudo-terminals at any instant.
	KillAsking(site record.SiteID, path string, body any) error
}

func (f faults) HoldRecord(n record.Nozzle, hold bool) error {
	return f.at(n, func(p *pump) {
		p.mangle = nil
		if !hold {
			return
		}
		held := fa.POSTTC(0)
		p.mangle = func(data []byte) []byte {
			frame, ok := upload(data)
			if !ok {
				return data
			}
			r, err := fa.ParseRecord(frame.Data[1:])
			if err != nil || held != 0 && r.POSTTC != held {
				return data
			}
			if held == 0 {
				held = r.POSTTC
				f.w.happened("record held")
			}
			f.w.acknowledge(p, frame)
			return nil
		}
	})
}

// acknowledge tells a board that its record was taken, in the station's name.
func (w *World) acknowledge(p *pump, upload fa.Frame) {
	ack, err := fa.Build(upload.Src, fa.PCAddress, fa.FromPC|upload.Number(), &fa.UploadAck{})
	if err != nil {
		panic("world: acknowledgement: " + err.Error()) // a plain message always fits
	}
	w.at(w.now.Add(50*time.Millisecond), func() { p.receive(fa.Encode(ack)) })
}

func (f faults) DrawUnseen(n record.Nozzle, q unit.Quantity) error {
	return f.at(n, func(p *pump) {
		p.mangle = func(data []byte) []byte {
			var frame fa.Frame
			var d fa.Decoder
			d.Decode(data, func(x fa.Frame) { frame = x })
			m, err := fa.Parse(frame)
			t, ok := m.(*fa.Totals)
			if err != nil || !ok || len(t.Nozzles) == 0 {
				return data
			}
			for i := range t.Nozzles {
				t.Nozzles[i].Total = t.Nozzles[i].Total.Plus(q)
			}
			lie, err := fa.Build(frame.Dst, frame.Src, frame.Ctl, t)
			if err != nil {
				panic("world: totals: " + err.Error()) // as many nozzles as before
			}
			f.w.happened("totalizer ahead")
			return fa.Encode(lie)
		}
	})
}

func (f faults) ReplaceBoard(n record.Nozzle) error {
	f.w.happened("board replaced")
	if h, ok := f.w.plain[n]; ok {
		on := h.p.board != nil
		h.p.powerOff()
		if h.p.nv = (&dispenser.Memory{}); on {
			h.p.powerOn()
		}
		for i := range h.p.nozzles {
			h.p.first[i], h.p.sold[i] = plainHand{h.p, i}.view().Total, 0
		}
		f.w.rehose(h.p.site)
		return nil
	}
	return f.at(n, func(p *pump) {
		on := p.board != nil
		p.powerOff()
		if p.nv = (&dispenser.Memory{}); on {
			p.powerOn()
		}
		p.first, p.sold, p.stray = p.total(), 0, 0
		f.w.rehose(p.site)
	})
}

// rehose reads the meters of a station's tanks again: a board that was replaced counts from somewhere else.
func (w *World) rehose(site record.SiteID) {
	if d := w.depots[site]; d != nil {
		for _, h := range d.hoses {
			if h.card != nil {
				h.total = h.card.total()
			} else {
				h.sum = h.plain.view().Total
			}
		}
	}
}

func (f faults) KillAsking(id record.SiteID, path string, body any) error {
	w := f.w
	if p := w.external[id]; p != nil {
		ask, err := p.begin(path, body)
		if err != nil {
			return err
		}
		if err := w.Kill(id); err != nil {
			return err
		}
		_, _, _ = w.answered(path, ask) // its program is killed: no answer is the point
		return nil
	}
	if w.stations[id] == nil {
		return fmt.Errorf("没有站点 %s (no such site)", id)
	}
	w.killAt = id
	_, _, err := w.Command(id, path, body)
	if w.killAt != "" || err == nil {
		w.killAt = ""
		return fmt.Errorf("%s: 程序答复了, 没有被杀死 (it was not killed)", path)
	}
	return nil
}

// killed ends a site's program when the fact that it waits for has become durable.
func (w *World) killedBy(s *site, f record.Fact) {
	if _, close := f.(record.ShiftClosed); !close || w.killAt != s.open.Site || w.killAt == "" {
		return
	}
	w.killAt = ""
	w.at(w.now, s.kill)
}

package world

import (
	"bytes"
	"errors"
	"fmt"

	"greylock/system/wire/fa"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Lies is what a lying board, a stale memory or a wrong cable tells the station.
type Lies interface {
	// InjectRecord sends 95 bytes as a record of a nozzle's board, in a good frame.
	InjectRecord(nozzle record.Nozzle, raw []byte) error
	// ReplaySale sends the last sale of a nozzle again, under the next record number.
	ReplaySale(nozzle record.Nozzle) error
	// AddPreviousSale adds the fuel and the money of the last sale to the next one on its way to the station.
	AddPreviousSale(nozzle record.Nozzle) error
	// SwapCables plugs the cables of two nozzles of a station into each other's port; once more puts them right. Virtual time only.
	SwapCables(a, b record.Nozzle) error
	// SayTotal lets a board tell a totalizer that is lower by so much, once.
	SayTotal(nozzle record.Nozzle, less unit.Quantity) error
	// KillBeforeAck kills the station at the instant at which a nozzle's next record is durable and would be acknowledged: the
	// acknowledgement is never sent. Virtual time only.
	KillBeforeAck(nozzle record.Nozzle) error
}

// InjectRecord sends it beside what the board itself says.
func (w *World) InjectRecord(n record.Nozzle, raw []byte) error {
	return faults{w}.at(n, func(p *pump) { p.pretend(raw) })
}

// lieNumber is the frame number of a lie: the board, which has not asked, does not take the answer for its own.
const lieNumber = fa.NumberMask

// pretend sends bytes as a record of the board.
func (p *pump) pretend(raw []byte) {
	f := fa.Frame{Src: byte(p.nozzle % 100), Dst: fa.PCAddress, Ctl: lieNumber, Data: append([]byte{byte(fa.WordRecord)}, raw...)}
	p.send(fa.Encode(f))
}

// lastSale is the newest record of a fuelling that the board wrote.
func (p *pump) lastSale() (fa.Record, error) {
	for i := len(p.records) - 1; i >= 0; i-- {
		if r, err := fa.ParseRecord(p.records[i]); err == nil && r.Type.Kind() == fa.Fuelling {
			return r, nil
		}
	}
	return fa.Record{}, fmt.Errorf("%s 还没有加油记录 (no sale yet)", p.where)
}

// ReplaySale sends the last sale again under the next number.
func (w *World) ReplaySale(n record.Nozzle) (err error) {
	at := faults{w}.at(n, func(p *pump) {
		var r fa.Record
		if r, err = p.lastSale(); err != nil {
			return
		}
		r.POSTTC++
		raw := r.Bytes()
		w.happened("sale replayed")
		p.pretend(raw[:])
	})
	return errors.Join(at, err)
}

// AddPreviousSale adds the last sale to the next one.
func (w *World) AddPreviousSale(n record.Nozzle) (err error) {
	at := faults{w}.at(n, func(p *pump) {
		var old fa.Record
		if old, err = p.lastSale(); err != nil {
			return
		}
		p.mangle = func(data []byte) []byte {
			f, ok := upload(data)
			if !ok {
				return data
			}
			r, err := fa.ParseRecord(f.Data[1:])
			if err != nil || r.Type.Kind() != fa.Fuelling {
				return data
			}
			p.mangle = nil
			w.happened("previous sale added")
			r.Volume, r.Amount = r.Volume+old.Volume, r.Amount+old.Amount
			raw := r.Bytes()
			f.Data = append(bytes.Clone(f.Data[:1]), raw[:]...)
			return fa.Encode(f)
		}
	})
	return errors.Join(at, err)
}

// SayTotal lowers the next 38H answer.
func (w *World) SayTotal(n record.Nozzle, less unit.Quantity) error {
	return faults{w}.at(n, func(p *pump) {
		p.mangle = func(data []byte) []byte {
			var told fa.Frame
			var d fa.Decoder
			d.Decode(data, func(f fa.Frame) { told = f })
			m, err := fa.Parse(told)
			totals, ok := m.(*fa.Totals)
			if err != nil || !ok || len(totals.Nozzles) == 0 {
				return data
			}
			p.mangle = nil
			w.happened("totalizer lowered")
			totals.Nozzles[0].Total -= unit.Totalizer(less)
			f, err := fa.Build(told.Dst, told.Src, told.Ctl, totals)
			if err != nil {
				return data
			}
			return fa.Encode(f)
		}
	})
}

// SwapCables plugs two cables into each other's port.
func (w *World) SwapCables(a, b record.Nozzle) error {
	x, y := w.pumps[a], w.pumps[b]
	var one, other *memWire
	if x != nil && y != nil {
		one, _ = x.line.(*memWire)
		other, _ = y.line.(*memWire)
	}
	switch {
	case x == nil || y == nil || x.site != y.site:
		return fmt.Errorf("%d 号枪和 %d 号枪不在同一站 (not at one station)", a, b)
	case one == nil || other == nil:
		return errors.New("接线对调只在虚拟时间中有 (cables are swapped in virtual time only)")
	}
	w.happened("cables swapped")
	lines := x.station.lines
	lines[x.port], lines[y.port] = lines[y.port], lines[x.port]
	one.port, other.port = other.port, one.port
	return nil
}

// KillBeforeAck waits at the station's door to the line.
func (w *World) KillBeforeAck(n record.Nozzle) error {
	p := w.pumps[n]
	if p == nil || p.station == nil {
		return fmt.Errorf("%d 号枪没有本程序中的站 (no station in virtual time)", n)
	}
	s, port := p.station, p.port
	send := s.lines[port]
	s.lines[port] = func(data []byte) {
		if !acknowledges(data) {
			send(data)
			return
		}
		s.lines[port] = send
		w.happened("killed before ack")
		w.at(w.now, s.kill)
	}
	return nil
}

// acknowledges says whether bytes from the station are the answer to a record.
func acknowledges(data []byte) (yes bool) {
	var d fa.Decoder
	d.Decode(data, func(f fa.Frame) { yes = yes || f.FromPC() && f.Word() == fa.WordRecord })
	return yes
}

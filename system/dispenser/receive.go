package dispenser

import (
	"errors"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/fa"
)

// maxBackStep is how far the time on the wire may step back between two polls. Source: dispenser.md 4.1 clock.
const maxBackStep = time.Second

// frame takes one frame with a good CRC. Request and answer are paired by command word, not by number.
// Source: dispenser.md 3.1.
func (d *FA) frame(now clock.Instant, f fa.Frame) {
	if f.FromPC() { // bit 6 names the sender: our own frame came back
		d.counters.Echoes++
		if !d.echoed {
			d.echoed = true
			d.event(Echo{})
		}
		return
	}
	m, err := fa.Parse(f)
	if errors.Is(err, fa.ErrUnknown) {
		d.counters.Unknown++
		d.contact(now, f.Src)
		return
	}
	if err != nil {
		d.counters.Malformed++
		d.event(Malformed{err})
		return
	}
	d.contact(now, f.Src)
	switch m := m.(type) {
	case *fa.Poll:
		d.answer(f, &fa.PollAnswer{Time: d.time(now), Versions: d.orders.Versions})
	case *fa.Live:
		d.live(m)
	case *fa.Upload:
		asked := d.answered(&fa.Reread{POSTTC: m.Record.POSTTC})
		d.event(Taken{Raw: append([]byte(nil), f.Data[1:]...), Asked: asked, To: Ticket(f.Number())})
	case *fa.NoRecord:
		if d.answered(&fa.Reread{POSTTC: m.POSTTC}) {
			d.event(NoRecord{m.POSTTC})
		}
	case *fa.DownloadAsk:
		d.begin(f, m.Content)
	case *fa.SegmentsAsk:
		d.segments(now, f, m)
	case *fa.GreyAsk:
		d.event(GreyAsked{*m, Ticket(f.Number())})
	case *fa.ListAsk:
		d.event(ListAsked{m.ASN, Ticket(f.Number())})
	case *fa.Totals:
		d.answered(&fa.TotalsAsk{})
		d.event(Totals{m.Nozzles})
	case *fa.Info:
		d.answered(&fa.InfoAsk{})
		d.has = m.Versions
		d.event(Informed{*m})
	case *fa.Fault:
		d.answer(f, &fa.LinkAck{Of: fa.WordFault})
		d.event(Reported{m.String()})
	}
}

// time is the civil time for a board. A clock that was set back goes back on the wire by small steps.
func (d *FA) time(now clock.Instant) fa.Stamp {
	d.told = max(now, d.told.Add(-maxBackStep))
	return fa.StampOf(d.told.Civil())
}

// begin starts a download. Where there is nothing the driver is silent and the board gives up: length 0 would wipe a real
// board's list (dispenser.md 3.14).
func (d *FA) begin(f fa.Frame, c fa.Content) {
	file := d.orders.Files[c]
	if len(file) == 0 || len(file) > fa.MaxFile {
		return
	}
	d.serving[c] = file
	d.answer(f, &fa.DownloadAnswer{Length: uint32(len(file)), Content: c})
}

// segments goes on with the file that was begun, also when there is a newer one; a board that began before this program
// was started gets the present one and finds out by the version inside.
func (d *FA) segments(now clock.Instant, f fa.Frame, m *fa.SegmentsAsk) {
	file, begun := d.serving[m.Content]
	if !begun {
		file = d.orders.Files[m.Content]
	}
	if len(file) > 0 && len(file) <= fa.MaxFile {
		part := m.Cut(file)
		d.answer(f, part)
		if m.Content <= fa.ContentWhite && int(m.Offset)*fa.SegmentSize+len(part.Data) >= len(file) {
			d.ask(now, &fa.InfoAsk{}) // has it taken the list into use?
		}
	}
}

// contact notes a sign of life; the first one greets the board: who are you, where do your meters stand. So does another
// address, which a swapped cable, a replaced or a newly configured board has. Source: dispenser.md 4.1, recovery.
func (d *FA) contact(now clock.Instant, src byte) {
	moved := d.online && src != d.board
	d.last, d.board = now, src
	if d.view.Suspect {
		d.view.Suspect = false
		d.event(Changed{})
	}
	if d.online && !moved {
		return
	}
	if !d.online {
		d.online = true
		d.view = View{State: Closed}
		d.event(Online{})
		d.event(Changed{})
	}
	d.ask(now, &fa.InfoAsk{})
	d.ask(now, &fa.TotalsAsk{})
}

// live moves the nine states by a 31H report. The order of its items means nothing. Source: dispenser.md 3.5, 4.3.
func (d *FA) live(m *fa.Live) {
	v := View{State: Idle}
	if d.board == fa.Unconfigured {
		v.State = Closed
	}
	var fuel *fa.LiveItem
	for n := range m.Items {
		switch i := &m.Items[n]; i.St.State() {
		case fa.StCard:
			v.Card, v.ASN, v.CardSt, v.Balance = true, i.ASN, i.Card, i.Balance
			v.State = Calling
		case fa.StFuel:
			fuel = i
		}
	}
	if fuel == nil {
		d.still = 0
	} else {
		if !v.Card && d.view.Card { // a board that reports one item per nozzle: the card is still in
			v.Card, v.ASN, v.CardSt, v.Balance = true, d.view.ASN, d.view.CardSt, d.view.Balance
		}
		v.Amount, v.Volume, v.Price = fuel.Amount, fuel.Volume, fuel.Price
		v.State = d.flowing(v)
	}
	if v != d.view {
		d.view = v
		d.event(Changed{})
	}
}

// flowing tells the states of a lifted nozzle apart: without fuel by whether a good card is in, with fuel by the volume.
func (d *FA) flowing(v View) State {
	switch {
	case v.Volume == 0:
		d.still = 0
		if v.Card && (v.CardSt == fa.CardNormal || v.CardSt == fa.CardGrey) {
			return Started
		}
		return Calling
	case v.Volume != d.view.Volume:
		d.still = 0
	default:
		d.still++
	}
	if d.still >= stillReports {
		return SuspendedFuelling
	}
	return Fuelling
}

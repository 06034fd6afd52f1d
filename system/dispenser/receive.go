package dispenser

import (
	"errors"

	"greylock/system/clock"
	"greylock/system/wire/fa"
)

// frame takes one frame with a good CRC.
func (d *FA) frame(now clock.Instant, f fa.Frame) {
	if f.FromPC() {
		d.event(Echo{}) // bit 6 names the sender: our own frame came back
		return
	}
	m, err := fa.Parse(f)
	if err != nil {
		if !errors.Is(err, fa.ErrUnknown) {
			d.event(Malformed{err})
		}
		return
	}
	d.board = f.Src
	d.contact(now)
	switch m := m.(type) {
	case *fa.Poll:
		d.answer(f, &fa.PollAnswer{Time: fa.StampOf(now.Civil()), Versions: d.orders.Versions})
	case *fa.Live:
		d.live(m)
	case *fa.Upload:
		n := m.Record.POSTTC
		asked := d.answered(func(a fa.Message) bool { r, ok := a.(*fa.Reread); return ok && r.POSTTC == n })
		d.event(Taken{Raw: append([]byte(nil), f.Data[1:]...), Asked: asked, To: Ticket(f.Number())})
	case *fa.NoRecord:
		if d.answered(func(a fa.Message) bool { r, ok := a.(*fa.Reread); return ok && r.POSTTC == m.POSTTC }) {
			d.event(NoRecord{m.POSTTC})
		}
	case *fa.DownloadAsk:
		// length 0 would wipe a real board's list (dispenser.md 3.14): silence makes it give up instead
		if file := d.orders.Files[m.Content]; len(file) > 0 {
			d.answer(f, &fa.DownloadAnswer{Length: uint32(len(file)), Content: m.Content})
		}
	case *fa.SegmentsAsk:
		if file := d.orders.Files[m.Content]; len(file) > 0 {
			d.answer(f, m.Cut(file))
		}
	case *fa.GreyAsk:
		d.event(GreyAsked{*m, Ticket(f.Number())})
	case *fa.ListAsk:
		d.event(ListAsked{m.ASN, Ticket(f.Number())})
	case *fa.Totals:
		d.answered(func(a fa.Message) bool { return a.Word() == fa.WordTotals })
		d.event(Totals{m.Nozzles})
	case *fa.Info:
		d.answered(func(a fa.Message) bool { return a.Word() == fa.WordInfo })
		d.event(Informed{*m})
	case *fa.Fault:
		d.answer(f, &fa.LinkAck{Of: fa.WordFault})
		d.event(Reported{m.String()})
	}
}

// contact notes a sign of life; the first one greets the board: who are you, where do your meters stand.
// Source: dispenser.md 4.1, recovery.
func (d *FA) contact(now clock.Instant) {
	d.last = now
	if d.view.Suspect {
		d.view.Suspect = false
		d.event(Changed{})
	}
	if d.online {
		return
	}
	d.online = true
	d.view = View{State: Closed}
	d.event(Online{})
	d.event(Changed{})
	d.ask(now, &fa.InfoAsk{})
	d.ask(now, &fa.TotalsAsk{})
}

// live moves the nine states by a 31H report. The order of its items means nothing. Source: dispenser.md 3.5, 4.3.
func (d *FA) live(m *fa.Live) {
	v := View{State: Idle}
	if d.board == fa.Unconfigured {
		v.State = Closed
	}
	for _, i := range m.Items {
		switch i.St.State() {
		case fa.StCard:
			v.Card, v.ASN, v.CardSt, v.Balance = true, i.ASN, i.Card, i.Balance
			if v.State == Idle {
				v.State = Calling
			}
		case fa.StFuel:
			v.Amount, v.Volume, v.Price = i.Amount, i.Volume, i.Price
			v.State = d.flowing(i)
		}
	}
	if v != d.view {
		d.view = v
		d.event(Changed{})
	}
}

// flowing tells started, fuelling and stopped apart by the volume.
func (d *FA) flowing(i fa.LiveItem) State {
	if i.Volume == 0 {
		d.still = 0
		return Started
	}
	if i.Volume != d.view.Volume {
		d.still = 0
		return Fuelling
	}
	if d.still++; d.still >= stillReports {
		return SuspendedFuelling
	}
	return Fuelling
}

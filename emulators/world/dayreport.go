package world

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"greylock/emulators/fault"
	"greylock/system/journal"
	"greylock/system/wire/fa"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// DayReport is what a day has brought.
type DayReport struct {
	Cars      int `json:"cars"`
	Served    int `json:"served"`
	GaveUp    int `json:"gave_up"`    // customers who did not get through, for the faults
	PulledOff int `json:"pulled_off"` // customers who were to pull the card while fuel flowed
	Thieves   int `json:"thieves"`    // people who tried a card that was reported lost
	Loads     int `json:"loads"`      // cards loaded at the desk meanwhile

	Sales    []SaleCount   `json:"sales"`      // in the station's books, by kind
	Posted   int           `json:"posted"`     // sales in the center's books
	Amount   unit.Fen      `json:"amount_fen"` // of these
	Litres   unit.Quantity `json:"hundredths"` // of these
	Refused  int           `json:"refused"`    // records that the station did not believe
	Faults   []FaultCount  `json:"faults"`     // what went wrong, how often
	Felt     int           `json:"felt"`       // pairs of Faults that took effect
	Alarms   []AlarmCount  `json:"alarms"`     // in the station's journal
	Shifts   int           `json:"shifts"`     // reported: Z numbers
	Days     int           `json:"days"`       // closed
	Trucks   int           `json:"trucks"`     // that unloaded
	Measured int           `json:"deliveries"` // that the station has measured by itself
	Reprices int           `json:"reprices"`   // price changes beside the one of each day, for faults to strike
	Prices   uint64        `json:"price_version"`
	Priced   int           `json:"price_tables"` // tables that came into force at the station
	Black    uint32        `json:"blacklist_version"`
	White    uint32        `json:"whitelist_version"`
	Virtual  time.Duration `json:"virtual_ns"` // simulated time
	Run      Report        `json:"run"`
	Nozzles  []NozzleDay   `json:"per_nozzle"`
}

// SaleCount is the sales of one kind.
type SaleCount struct {
	Kind   string        `json:"kind"`
	Count  int           `json:"count"`
	Litres unit.Quantity `json:"hundredths"`
	Amount unit.Fen      `json:"amount_fen"`
}

// FaultCount is how often a device suffered something, and how often it was felt.
type FaultCount struct {
	Device fault.Device `json:"device"`
	Kind   fault.Kind   `json:"kind"`
	Zh     string       `json:"zh"`
	Times  int          `json:"times"`
	Struck int          `json:"struck"`
}

// AlarmCount is how often the station raised an alarm.
type AlarmCount struct {
	Kind  string `json:"kind"`
	Times int    `json:"times"`
}

// NozzleDay is one nozzle's day: the meter against the books.
type NozzleDay struct {
	Nozzle  record.Nozzle `json:"nozzle"`
	Metered unit.Quantity `json:"metered_hundredths"` // by fills: what a fault has let leak or leap is no fill
	Booked  unit.Quantity `json:"booked_hundredths"`
	// Doubtful is what the station holds as a record that it does not believe (its totalizer was tampered with): the board has
	// written it, two persons have to settle it.
	Doubtful unit.Quantity `json:"doubtful_hundredths,omitempty"`
}

// totals are the meters, by fills.
func (p *PlayedDay) totals() map[record.Nozzle]unit.Quantity {
	all := map[record.Nozzle]unit.Quantity{}
	for n, b := range p.w.pumps {
		all[n] = b.moved()
	}
	for n, h := range p.w.plain {
		all[n] = h.p.moved(h.i)
	}
	return all
}

// kinds of sales, as a report shows them.
var kinds = []string{"卡 card", "逃卡 escape", "补扣 settled", "验泵 test", "无卡 no card", "终端 till", "现金 cash", "挂账 account", "银行卡 bank", "油票 voucher", "其他 other"}

// kindOf is the kind of a board's record.
func kindOf(r fa.Record) string {
	switch kind := r.Type.Kind(); {
	case r.TestDraw():
		return kinds[3]
	case kind == fa.Fuelling:
		return kinds[0]
	case kind == fa.Escape:
		return kinds[1]
	case kind == fa.TopUpDebit || kind == fa.Supplement:
		return kinds[2]
	case kind == fa.NoCard:
		return kinds[4]
	}
	return ""
}

var ways = map[string]string{"card": kinds[5], "cash": kinds[6], "account": kinds[7], "bank": kinds[8], "voucher": kinds[9]}

// books reads the station's and the center's journals, and compares every meter with them.
func (p *PlayedDay) books() error {
	r := &p.report
	sales, alarms := map[string]*SaleCount{}, map[string]int{}
	var order []string
	sale := func(kind string, q unit.Quantity, a unit.Fen) {
		if sales[kind] == nil {
			sales[kind] = &SaleCount{Kind: kind}
		}
		s := sales[kind]
		s.Count, s.Litres, s.Amount = s.Count+1, s.Litres+q, s.Amount+a
	}
	tills := map[record.SaleID]bool{}
	booked := map[record.Nozzle]unit.Quantity{}
	var held []record.RecordRefused
	taken := map[saleKey]bool{}
	err := facts(p.w.stations[p.site], func(f record.Fact) {
		switch f := f.(type) {
		case record.DispenserRecord:
			rec, err := fa.ParseRecord(f.Raw)
			taken[keyOf(rec)] = true
			id := record.SaleID{TID: rec.TID, TTC: rec.TTC}
			if kind := kindOf(rec); err == nil && kind != "" && !tills[id] {
				sale(kind, rec.Volume, rec.Amount)
			}
			if err == nil && fuels(rec) && !tills[id] {
				booked[f.Nozzle] += rec.Volume
			}
		case record.PlainSold:
			kind := ways[f.Way]
			if kind == "" {
				kind = kinds[10]
			}
			sale(kind, f.Quantity, f.Amount)
			booked[f.Nozzle] += bookedOf(f)
			if f.Card != (record.SaleID{}) {
				tills[f.Card] = true
			}
		case record.RecordRefused:
			r.Refused++
			held = append(held, f)
		case record.Alarm:
			if alarms[f.Kind] == 0 {
				order = append(order, f.Kind)
			}
			alarms[f.Kind] += 1 + f.Silent
		case record.ShiftReported:
			r.Shifts++
		case record.DayClosed:
			r.Days++
		case record.DeliveryClosed:
			r.Measured++
		case record.DirectiveApplied:
			p.applied(f)
		}
	})
	for _, k := range kinds {
		if sales[k] != nil {
			r.Sales = append(r.Sales, *sales[k])
		}
	}
	for _, k := range order {
		r.Alarms = append(r.Alarms, AlarmCount{k, alarms[k]})
	}
	r.Faults = p.injuries()
	for _, x := range r.Faults {
		r.Felt += min(1, x.Struck)
	}
	return errors.Join(err, p.posted(), p.compare(booked, p.doubtful(held, taken)))
}

// applied notes what came into force at the station.
func (p *PlayedDay) applied(f record.DirectiveApplied) {
	var d record.Directive
	if json.Unmarshal([]byte(f.Directive.Line), &d) != nil {
		return
	}
	version, _, _ := record.ListPlace(d.Version)
	switch d.Topic {
	case record.TopicPrices:
		p.report.Priced, p.report.Prices = p.report.Priced+1, d.Version
	case record.TopicBlack:
		p.report.Black = version
	case record.TopicWhite:
		p.report.White = version
	}
}

// posted adds up what the center has posted.
func (p *PlayedDay) posted() error {
	return facts(p.w.center, func(f record.Fact) {
		if s, ok := f.(record.SalePosted); ok && s.Quantity > 0 {
			p.report.Posted++
			p.report.Amount += s.Amount
			p.report.Litres += s.Quantity
		}
	})
}

// saleKey names a board's record whatever has become of its figures on the way.
type saleKey struct {
	id     record.SaleID
	posTTC fa.POSTTC
	time   fa.Stamp
}

func keyOf(r fa.Record) saleKey {
	return saleKey{record.SaleID{TID: r.TID, TTC: r.TTC}, r.POSTTC, r.Time}
}

// doubtful is the fuel of refused records that a board has really written, and that were not taken later: by nozzle.
func (p *PlayedDay) doubtful(held []record.RecordRefused, taken map[saleKey]bool) map[record.Nozzle]unit.Quantity {
	genuine := map[string]record.Nozzle{}
	for _, b := range p.w.pumpList {
		for _, raw := range b.records {
			genuine[string(raw)] = b.nozzle
		}
	}
	sum := map[record.Nozzle]unit.Quantity{}
	for _, f := range held {
		n, ours := genuine[string(f.Raw)]
		r, err := fa.ParseRecord(f.Raw)
		if ours && err == nil && fuels(r) && !taken[keyOf(r)] {
			taken[keyOf(r)] = true
			sum[n] += r.Volume
		}
	}
	return sum
}

// compare holds every meter against the books.
func (p *PlayedDay) compare(booked, doubtful map[record.Nozzle]unit.Quantity) (err error) {
	now := p.totals()
	for i := range p.town.Stations[0].nozzles() {
		n := record.Nozzle(i + 1)
		line := NozzleDay{n, now[n] - p.meters[n], booked[n], doubtful[n]}
		p.report.Nozzles = append(p.report.Nozzles, line)
		if line.Metered != line.Booked+line.Doubtful {
			err = errors.Join(err, fmt.Errorf("%d 号枪: 泵码走了 %v, 记录共 %v, 存疑 %v (the meter moved more or less than the records say)", n, line.Metered, line.Booked, line.Doubtful))
		}
	}
	return err
}

// facts reads a site's journal from the beginning.
func facts(s *site, take func(record.Fact)) error {
	if s == nil || s.run == nil {
		return errors.New("程序未运行 (the site's program is not running)")
	}
	return s.run.Journal().Read(1, func(r journal.Record) error {
		f, err := record.Decode(r.Body)
		if err == nil {
			take(f)
		}
		return err
	})
}

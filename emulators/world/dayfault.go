package world

import (
	"strconv"
	"time"

	"greylock/emulators/fault"
	"greylock/system/wire/record"
)

// Times of a day's faults, seconds. Each is over before the next one comes.
const (
	firstHarm = 600
	lastHarm  = 23 * 3600
	harmGap   = 240 // at least
	harmMore  = 300 // and up to so much more
	soonest   = 90  // it waits at most so long for the customer who is to feel it
	longest   = 120 // of a fault that lasts
)

// deck is the faults that a day still has to bring, in a shuffled order: all of the vocabulary, again and again.
type deck []fault.Pair

// harmful plans a day's faults.
func (p *PlayedDay) harmful(day int) {
	for second := firstHarm; second < lastHarm; second += harmGap + p.rnd.IntN(harmMore) {
		p.at(day, second, p.strike)
	}
}

// suffers says whether the town has what the fault befalls.
func (p *PlayedDay) suffers(f fault.Pair) bool {
	s := p.town.Stations[0]
	switch f.Device {
	case fault.Plain:
		return len(s.Plain) > 0
	case fault.Dispenser, fault.PSAM:
		return len(s.Nozzles) > 0
	case fault.UPS:
		return s.UPS
	case fault.Center:
		return !p.Offline // it is away anyhow
	case fault.Line:
		return len(s.Nozzles) > 1 || f.Kind != "crossed"
	}
	return true
}

// strike ends the last fault and brings the next one about: at once, or when the customer comes who is to feel it.
func (p *PlayedDay) strike() {
	p.mend()
	if len(p.deck) == 0 {
		for _, x := range fault.Table {
			if p.suffers(x) {
				p.deck = append(p.deck, x)
			}
		}
		p.rnd.Shuffle(len(p.deck), func(i, j int) { p.deck[i], p.deck[j] = p.deck[j], p.deck[i] })
	}
	for range p.deck {
		next := p.deck[0]
		p.deck = p.deck[1:]
		if f, wait, known := p.aim(next); known {
			p.fail(f.Check())
			p.w.After(wait, func() { p.hurt(f, next) })
			return
		}
		p.deck = append(p.deck, next)
	}
}

// hurt brings a fault about, and what it needs to be felt. What can not be now (nothing was sold there yet, no power) comes later.
func (p *PlayedDay) hurt(f fault.Fault, x fault.Pair) {
	switch {
	case x.Device == fault.Reader:
		p.atDesk(func() { p.injure(f, x) })
	case x.Kind == "deaf" || x.Device == fault.Center && x.Kind == "wrong":
		p.injure(f, x)
		p.reprice()
	default:
		p.injure(f, x)
	}
}

func (p *PlayedDay) injure(f fault.Fault, again fault.Pair) {
	x, err := p.w.inject(f)
	if err != nil {
		p.deck = append(p.deck, again)
		return
	}
	p.harm, p.harms = x, append(p.harms, x)
}

// mend ends the fault that is in force.
func (p *PlayedDay) mend() {
	if p.harm != nil {
		p.harm.relieve()
		p.harm = nil
	}
}

// reprice orders the prices that hold anew, for the next minute but one, so that a fault on their way has something to strike.
func (p *PlayedDay) reprice() {
	p.report.Reprices++
	p.fail(p.w.SetPrices(p.site, p.w.now.Add(2*time.Minute), p.prices(1+p.report.Reprices)))
}

// aim chooses the place where a fault will be felt: the nozzle and the card of the customer who comes next.
func (p *PlayedDay) aim(x fault.Pair) (f fault.Fault, wait time.Duration, known bool) {
	f = fault.Fault{Device: x.Device, Kind: x.Kind}
	s := p.town.Stations[0]
	plain := x.Device == fault.Plain || x.Device == fault.Line && p.rnd.IntN(len(s.Plain)+len(s.Nozzles)) < len(s.Plain)
	if x.Kind == "crossed" || x.Kind == "wrong" || x.Device == fault.Dispenser || x.Device == fault.PSAM || x.Device == fault.Card {
		plain = false
	}
	switch x.Device {
	case fault.Reader:
	case fault.Line, fault.Dispenser, fault.Plain, fault.PSAM, fault.Card:
		v, found := p.nextAt(plain, x.Device == fault.Card)
		if !found {
			return f, 0, false
		}
		if wait = p.begin.Add(time.Duration(v.AfterSeconds) * time.Second).Sub(p.w.now); f.Kind == "total-leap" || f.Kind == "total-back" || f.Kind == "unauthorised" {
			wait = 0 // what turns a totalizer does so between two customers
		}
		if f.Place = strconv.Itoa(v.Nozzle); x.Device == fault.Card {
			f.Place = v.Card
		}
		f.At = p.where(x, record.Nozzle(v.Nozzle))
	default:
		f.Place = string(p.site)
	}
	if f.At == 0 {
		f.At = p.where(x, 0)
	}
	if x.Takes&fault.For != 0 {
		f.For = time.Duration(longest/4+p.rnd.IntN(longest*3/4)) * time.Second
	} else if x.Takes&fault.Times != 0 {
		f.Times = 1 + p.rnd.IntN(2)
	}
	if x.Kind == "noise" {
		f.Permill = 10 + p.rnd.IntN(20) // of all bytes
	}
	return f, wait, true
}

// nextAt is the next visit to a nozzle of a family.
func (p *PlayedDay) nextAt(plain, card bool) (Visit, bool) {
	passed := int(p.w.now.Sub(p.begin) / time.Second)
	for len(p.coming) > 0 && p.coming[0].AfterSeconds <= passed {
		p.coming = p.coming[1:]
	}
	for _, v := range p.coming {
		if v.AfterSeconds > passed+soonest {
			break
		}
		if _, is := p.w.plain[record.Nozzle(v.Nozzle)]; is == plain && (!card || v.Card != "" && !p.busy[v.Card]) {
			return v, true
		}
	}
	return Visit{}, false
}

// where is the number that some faults need: a byte, a command, seconds, litres, another nozzle.
func (p *PlayedDay) where(x fault.Pair, n record.Nozzle) int {
	if x.Takes&fault.At == 0 {
		return 0
	}
	switch x.Device {
	case fault.Card:
		return 1 + p.rnd.IntN(15) // of a visit's commands
	case fault.Reader:
		return 1 + p.rnd.IntN(9)
	case fault.Disk:
		return 1 + p.rnd.IntN(2000)
	case fault.Clock:
		return 30 + p.rnd.IntN(90)
	case fault.Hub:
		return 0
	}
	if x.Kind == "crossed" {
		return 1 + int(n)%len(p.town.Stations[0].Nozzles)
	}
	if x.Kind == "tear-byte" {
		return 3 + p.rnd.IntN(20)
	}
	return 1 + p.rnd.IntN(4) // litres
}

// injuries counts the faults of the day by pair, in the order of the vocabulary.
func (p *PlayedDay) injuries() (list []FaultCount) {
	at := map[pair]int{}
	for _, x := range p.harms {
		k := pair{x.f.Device, x.f.Kind}
		i, seen := at[k]
		if !seen {
			i = len(list)
			at[k] = i
			list = append(list, FaultCount{Device: x.f.Device, Kind: x.f.Kind})
		}
		list[i].Times++
		list[i].Struck += x.effect()
	}
	var sorted []FaultCount
	for _, row := range fault.Table {
		if i, seen := at[pair{row.Device, row.Kind}]; seen {
			list[i].Zh = row.Alias
			sorted = append(sorted, list[i])
		}
	}
	return sorted
}

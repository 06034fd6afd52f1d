package dispenser

import (
	"time"

	"greylock/system/clock"
	"greylock/system/wire/fa"
)

// Times of a line. Source: dispenser.md 4.1.
const (
	SuspectAfter = 6 * time.Second
	OfflineAfter = 10 * time.Second
	askPause     = time.Second // between two questions of ours (38H, 3AH, 3EH)
	askTries     = 3           // a question that is not answered so often waits for the next contact
	stillReports = 3           // equal volumes that mean "stopped"
	maxAsks      = 256         // questions that wait: a gap list and the greetings
)

// Orders is what the station wants the board to have. The zero value is right for a board whose place nobody has confirmed:
// every version 0, nothing to download.
type Orders struct {
	Versions fa.Versions
	Files    map[fa.Content][]byte
}

// Counters say what a line has brought, since the driver was made.
type Counters struct {
	fa.Counters
	Unknown   uint64 // good frames with a reserved or vendor command word, ignored
	Malformed uint64 // good frames that make no sense
	Echoes    uint64 // frames of our own that came back
	Repeated  uint64 // questions of ours that were asked again
}

// FA is the station's end of one line with a card-pump board. It answers what only needs the clock and the files at hand; what
// needs the journal or a person is an event, and the station's answer is bytes that it sends when it may. It is not safe for
// concurrent use.
type FA struct {
	dec      fa.Decoder
	counters Counters
	orders   Orders
	serving  map[fa.Content][]byte // the file of each download that was begun: orders may change under it
	board    byte                  // the board's address, learned
	number   byte                  // of our own questions
	last     clock.Instant
	told     clock.Instant // the time of the last poll answer
	echoed   bool          // an Echo was told since the line is open
	online   bool
	has      fa.Versions // of the board's files, by its last 3AH
	asks     []ask
	askAt    clock.Instant
	still    int
	view     View
	out      [][]byte
	events   []Event
}

// ask is a question of ours.
type ask struct {
	m     fa.Message
	tries int // how often it was sent
}

// NewFA returns the driver of a line that has not spoken yet.
func NewFA() *FA {
	return &FA{board: fa.Unconfigured, serving: map[fa.Content][]byte{}, askAt: clock.Never, view: View{State: Inoperative}}
}

// SetOrders gives the board's files and versions; they are announced from the next poll on. A version whose file is missing,
// empty or too long is announced as 0: a board must not ask for what it can not get (dispenser.md 3.14).
func (d *FA) SetOrders(o Orders) {
	have := func(c fa.Content) bool { n := len(o.Files[c]); return n > 0 && n <= fa.MaxFile }
	if !have(fa.ContentBase) {
		o.Versions.Base = 0
	}
	for _, v := range [...]struct {
		c fa.Content
		p *byte
	}{
		{fa.ContentAdded, &o.Versions.Added}, {fa.ContentDeleted, &o.Versions.Deleted}, {fa.ContentWhite, &o.Versions.White},
		{fa.ContentPrice, &o.Versions.Price}, {fa.ContentStation, &o.Versions.Station},
	} {
		if !have(v.c) {
			*v.p = 0
		}
	}
	d.orders = o
}

// Orders are what the board is offered.
func (d *FA) Orders() Orders { return d.orders }

// HasLists reports that the board, by its last word, has the lists that it is offered.
func (d *FA) HasLists() bool {
	a, b := d.has, d.orders.Versions
	return a.Base == b.Base && a.Added == b.Added && a.Deleted == b.Deleted && a.White == b.White
}

// Board is the board's address (POS_P) by its last frame; fa.Unconfigured while it has none.
func (d *FA) Board() byte { return d.board }

// View returns the nozzle as the last frames show it.
func (d *FA) View() View { return d.view }

// Views returns the one nozzle of the board.
func (d *FA) Views() []View { return []View{d.view} }

// Counters returns what the line has brought.
func (d *FA) Counters() Counters {
	c := d.counters
	c.Counters = d.dec.Counters
	return c
}

// Take hands over frames to send at once and events, in order.
func (d *FA) Take() (frames [][]byte, events []Event) {
	frames, events = d.out, d.events
	d.out, d.events = nil, nil
	return frames, events
}

// Line says that the line was opened or lost; half a frame is forgotten.
func (d *FA) Line(now clock.Instant, up bool) {
	d.dec.Reset()
	d.echoed, d.last = false, now
	if !up {
		d.lost()
	}
}

// Receive takes bytes from the line.
func (d *FA) Receive(now clock.Instant, data []byte) {
	d.dec.Decode(data, func(f fa.Frame) { d.frame(now, f) })
}

// Wake looks after silence and open questions.
func (d *FA) Wake(now clock.Instant) {
	if now < d.last { // the clock was set back: silence and pauses count from here
		d.last = now
		if len(d.asks) > 0 {
			d.askAt = min(d.askAt, now.Add(askPause))
		}
	}
	silent := now.Sub(d.last)
	switch {
	case !d.online:
	case silent >= OfflineAfter:
		d.lost()
	case silent >= SuspectAfter && !d.view.Suspect:
		d.view.Suspect = true
		d.event(Changed{})
	}
	if d.online && now >= d.askAt {
		d.askNext(now)
	}
}

// Due is when Wake is wanted.
func (d *FA) Due() clock.Instant {
	if !d.online {
		return clock.Never
	}
	silence := d.last.Add(OfflineAfter)
	if !d.view.Suspect {
		silence = d.last.Add(SuspectAfter)
	}
	return min(silence, d.askAt)
}

// AskInfo asks for 3AH: who the board is and which versions it has.
func (d *FA) AskInfo(now clock.Instant) { d.ask(now, &fa.InfoAsk{}) }

// AskTotals asks for 38H.
func (d *FA) AskTotals(now clock.Instant) { d.ask(now, &fa.TotalsAsk{}) }

// AskRecord asks for one record again (3EH), at most one question a second.
func (d *FA) AskRecord(now clock.Instant, n fa.POSTTC) { d.ask(now, &fa.Reread{POSTTC: n}) }

// Ack makes the answer to a Taken record. The caller sends it when the record is durable, never before.
func (d *FA) Ack(to Ticket, result fa.Result) []byte {
	return d.encode(byte(to), &fa.UploadAck{Result: result})
}

// AnswerGrey makes the answer to a GreyAsked.
func (d *FA) AnswerGrey(to Ticket, a fa.GreyAnswer) []byte { return d.encode(byte(to), &a) }

// AnswerList makes the answer to a ListAsked.
func (d *FA) AnswerList(to Ticket, a fa.ListAnswer) []byte { return d.encode(byte(to), &a) }

func (d *FA) event(e Event) { d.events = append(d.events, e) }

func (d *FA) lost() {
	if !d.online {
		return
	}
	d.online, d.asks, d.askAt = false, nil, clock.Never
	clear(d.serving)
	d.view = View{State: Inoperative}
	d.event(Offline{})
	d.event(Changed{})
}

// encode makes a frame to the board; a message of ours always fits.
func (d *FA) encode(number byte, m fa.Message) []byte {
	f, err := fa.Build(d.board, fa.PCAddress, fa.FromPC|number&fa.NumberMask, m)
	if err != nil {
		panic("dispenser: own frame: " + err.Error())
	}
	return fa.Encode(f)
}

func (d *FA) answer(f fa.Frame, m fa.Message) { d.out = append(d.out, d.encode(f.Number(), m)) }

func (d *FA) ask(now clock.Instant, m fa.Message) {
	if !d.online || len(d.asks) >= maxAsks {
		return
	}
	for _, a := range d.asks {
		if same(a.m, m) {
			return
		}
	}
	d.asks = append(d.asks, ask{m: m})
	if d.askAt == clock.Never {
		d.askAt = now
	}
}

func same(a, b fa.Message) bool {
	x, ok := a.(*fa.Reread)
	y, both := b.(*fa.Reread)
	return a.Word() == b.Word() && (!ok || !both || *x == *y)
}

// askNext sends the first question; it stays first until it is answered or has been tried often enough.
func (d *FA) askNext(now clock.Instant) {
	for len(d.asks) > 0 && d.asks[0].tries >= askTries {
		d.asks = d.asks[1:]
	}
	if len(d.asks) == 0 {
		d.askAt = clock.Never
		return
	}
	if d.asks[0].tries > 0 {
		d.counters.Repeated++
	}
	d.asks[0].tries++
	d.number++
	d.out = append(d.out, d.encode(d.number, d.asks[0].m))
	d.askAt = now.Add(askPause)
}

// answered takes a question off the list and says whether it had been sent.
func (d *FA) answered(m fa.Message) bool {
	for i, a := range d.asks {
		if same(a.m, m) {
			d.asks = append(d.asks[:i:i], d.asks[i+1:]...)
			if len(d.asks) == 0 {
				d.askAt = clock.Never
			}
			return a.tries > 0
		}
	}
	return false
}

package dispenser

import (
	"time"

	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
)

// Times of the pump-active cycle of a real board. Source: dispenser.md 3.2.
const (
	pollEvery    = 500 * time.Millisecond
	replyWait    = 2 * time.Second
	offlineAfter = 3               // polls in a row without an answer
	steady       = 5               // times in a row that a new version is seen before its download starts
	unsealedAge  = 2 * time.Minute // a record without T-MAC is uploaded when it is so old
	offerAgain   = time.Hour       // a disputed record is offered once an hour (dispenser.md 3.6)
	downloadRest = time.Minute     // after a download that brought nothing usable
	maxFaults    = 4               // fault reports that wait: the newest ones count
)

// wait is what the link waits for.
type wait byte

const (
	waitNone   wait = iota // for the time of the next poll
	waitPoll               // for the answer to 30H
	waitUpload             // 32H
	waitStart              // 33H
	waitData               // 34H
	waitGrey               // 35H
	waitList               // 36H
	waitFault              // 3CH
)

// link is the board's side of the FA line.
type link struct {
	dec      fa.Decoder
	pc       byte // address of the station, learned
	number   byte // of the next frame
	wait     wait
	asked    byte // number of the frame that wait waits for
	deadline clock.Instant
	next     clock.Instant // of the next poll
	missed   int
	online   bool
	echoes   bool // the station returns our frame numbers: then a late 32H answer is known by its number
	lastPoll clock.Instant
	offset   time.Duration // station time minus the board's own clock

	announced fa.Versions
	same      int
	turn      bool // download and upload alternate
	uploading fa.POSTTC
	offered   clock.Instant // of disputed records
	again     int           // disputed records still to be offered this hour
	down      download
	rest      [fa.ContentStation + 1]clock.Instant
	query     *query
	faults    [][]byte
}

// download is the file being fetched.
type download struct {
	active  bool
	content fa.Content
	length  int
	data    []byte
}

// query is a 35H or 36H that the terminal waits for.
type query struct {
	grey *fa.GreyAsk
	list *fa.ListAsk
}

func (b *Board) posp() byte {
	if b.mem.state.Confirmed {
		return b.mem.state.Station.POSP
	}
	return fa.Unconfigured
}

// send frames a message of our own and returns its number.
func (b *Board) send(m fa.Message) byte {
	n := b.link.number
	b.link.number = (n + 1) & fa.NumberMask
	b.frame(m, n)
	return n
}

// answer frames the answer to a frame: it carries that frame's number.
func (b *Board) answer(to fa.Frame, m fa.Message) { b.frame(m, to.Number()) }

func (b *Board) frame(m fa.Message, number byte) {
	f, err := fa.Build(b.link.pc, b.posp(), number, m)
	if err != nil {
		panic("dispenser: " + err.Error()) // only our own values enter
	}
	b.out.Send = append(b.out.Send, fa.Encode(f))
}

// ask sends a message whose answer is waited for.
func (b *Board) ask(m fa.Message, w wait) {
	b.link.asked, b.link.wait, b.link.deadline = b.send(m), w, b.now.Add(replyWait)
}

// linkDue is when the link wants to be woken.
func (b *Board) linkDue() clock.Instant {
	if b.link.wait != waitNone {
		return b.link.deadline
	}
	return b.link.next
}

// linkWake polls, or gives up what it waited for.
func (b *Board) linkWake() {
	l := &b.link
	if l.wait != waitNone {
		if b.now < l.deadline {
			return
		}
		b.missed()
	}
	if l.wait == waitNone && b.now >= l.next {
		l.next = b.now.Add(b.cfg.Poll)
		b.ask(&fa.Poll{}, waitPoll)
	}
}

// missed is a time-out: the cycle goes on with polling; three polls without an answer mean that the PC is off line.
func (b *Board) missed() {
	l := &b.link
	w := l.wait
	l.wait = waitNone
	switch w {
	case waitPoll:
		if l.missed++; l.missed == offlineAfter && l.online {
			l.online = false
			b.event(Event{Kind: EventLink, Word: "offline", Zh: "通讯中断, 脱机加油", En: "link lost, selling off line"})
		}
		if !l.online {
			b.answerQuery(nil)
		}
	case waitGrey, waitList:
		b.answerQuery(nil)
	}
}

// received takes one good frame.
func (b *Board) received(f fa.Frame) {
	if !f.FromPC() {
		return // an echo of our own
	}
	m, err := fa.Parse(f)
	if err != nil {
		return // reserved words and wrong lengths are ignored (dispenser.md 3.3)
	}
	b.link.pc = f.Src
	l := &b.link
	switch m := m.(type) {
	case *fa.PollAnswer:
		b.polled(f, m)
	case *fa.UploadAck:
		if l.wait == waitUpload && (!l.echoes || f.Number() == l.asked) {
			l.wait = waitNone
			b.acknowledged(m.Result.Wrong())
		}
	case *fa.DownloadAnswer:
		if l.wait == waitStart && m.Content == l.down.content {
			l.wait = waitNone
			b.begun(m)
		}
	case *fa.Segments:
		if l.wait == waitData && m.Content == l.down.content && int(m.Offset)*fa.SegmentSize == len(l.down.data) {
			l.wait = waitNone
			b.segments(m)
		}
	case *fa.GreyAnswer:
		if l.wait == waitGrey {
			l.wait = waitNone
			b.answerQuery(m)
		}
	case *fa.ListAnswer:
		if l.wait == waitList && l.query != nil && l.query.list != nil && m.ASN == l.query.list.ASN {
			l.wait = waitNone
			b.answerQuery(m)
		}
	case *fa.LinkAck:
		if l.wait == waitFault && m.Of == fa.WordFault {
			l.wait, l.faults = waitNone, l.faults[1:]
		}
	default:
		b.unasked(f, m)
	}
}

// unasked answers what the PC may ask at any time.
func (b *Board) unasked(f fa.Frame, m fa.Message) {
	s := &b.mem.state
	switch m := m.(type) {
	case *fa.TotalsAsk:
		b.answer(f, &fa.Totals{Nozzles: []fa.NozzleTotal{{NZN: b.nzn(), Total: b.mem.total}}})
	case *fa.InfoAsk:
		info := &fa.Info{Maker: fa.MakerOf(b.cfg.Maker), Time: b.stamp(), Nozzles: []fa.NZN{b.nzn()}, Versions: s.Versions}
		if s.Confirmed {
			info.Province, info.City = s.Station.Province, s.Station.City
			info.Superior, info.Station = s.Station.Superior, s.Station.Station
		}
		b.answer(f, info)
	case *fa.Reread:
		if raw, ok := b.mem.read(m.POSTTC); ok {
			r, err := fa.ParseRecord(raw[:])
			if err == nil {
				b.answer(f, &fa.Upload{Record: r})
				return
			}
		}
		b.answer(f, &fa.NoRecord{POSTTC: m.POSTTC})
	}
}

// polled takes station time and versions, shows the live state at once and starts at most one main transaction.
func (b *Board) polled(f fa.Frame, m *fa.PollAnswer) {
	l := &b.link
	if l.wait == waitPoll {
		l.echoes = f.Number() == l.asked
		l.wait = waitNone
	}
	if c, err := m.Time.Civil(); err == nil {
		l.offset = c.Instant().Sub(b.now)
	}
	l.missed, l.lastPoll = 0, b.now
	if !l.online {
		l.online = true
		b.event(Event{Kind: EventLink, Word: "online", Zh: "通讯正常", En: "link up"})
	}
	if m.Versions == l.announced {
		l.same = min(l.same+1, steady)
	} else {
		l.announced, l.same = m.Versions, 1
	}
	if none := m.Versions.Base == 0 && b.mem.state.Versions.Base == 0; l.same == steady && none != b.mem.state.NoLists {
		b.mem.state.NoLists = none
		b.kill(b.mem.commit())
	}
	b.send(b.live())
	if l.wait == waitNone {
		b.transact()
	}
}

// transact starts the one main transaction of this cycle, if there is anything to say. Source: dispenser.md 3.2, 3.
func (b *Board) transact() {
	l := &b.link
	switch {
	case len(l.faults) > 0:
		b.ask(&fa.Fault{Text: l.faults[0]}, waitFault)
	case l.query != nil && l.query.grey != nil:
		b.ask(l.query.grey, waitGrey)
	case l.query != nil && l.query.list != nil:
		b.ask(l.query.list, waitList)
	default:
		if l.turn = !l.turn; l.turn {
			_ = b.fetch() || b.upload()
		} else {
			_ = b.upload() || b.fetch()
		}
	}
}

// upload offers the oldest record that was never answered, or once an hour the ones that the station called wrong.
func (b *Board) upload() bool {
	l, mem := &b.link, b.mem
	if mem.state.Sent != mem.state.Next {
		return b.offer(mem.state.Sent)
	}
	if l.again == 0 && len(mem.disputed) > 0 && b.now.Sub(l.offered) >= offerAgain {
		l.offered, l.again = b.now, len(mem.disputed)
	}
	if l.again == 0 || len(mem.disputed) == 0 {
		l.again = 0
		return false
	}
	l.again--
	return b.offer(mem.disputed[0])
}

func (b *Board) offer(n fa.POSTTC) bool {
	raw, ok := b.mem.read(n)
	if !ok { // NV damaged: the number stays a gap that the station closes by 3EH and 3FH
		b.fault("E09 LOG", "记录损坏", "a record in the log is damaged")
		b.kill(b.mem.answered(n, false))
		return false
	}
	r, err := fa.ParseRecord(raw[:])
	if err != nil {
		return false
	}
	if r.TMAC == (pboc.MAC{}) && b.age(r.Time) < unsealedAge {
		return false
	}
	b.link.uploading = n
	b.ask(&fa.Upload{Record: r}, waitUpload)
	return true
}

func (b *Board) acknowledged(wrong bool) {
	if b.kill(b.mem.answered(b.link.uploading, wrong)) {
		return
	}
	if wrong && b.link.offered == 0 {
		b.link.offered = b.now
	}
	b.changed()
}

// live is the 31H of this moment.
func (b *Board) live() *fa.Live {
	m := &fa.Live{}
	if b.face.read {
		m.Items = append(m.Items, fa.LiveItem{St: fa.StCard, NZN: b.nzn(), ASN: b.face.asn, Card: b.face.status, Balance: b.face.balance})
	}
	if b.hook.up || b.fill.phase != fillNone {
		i := fa.LiveItem{St: fa.StFuel, NZN: b.nzn(), Unit: fa.PayCard, Amount: b.fill.amount, Volume: b.fill.volume, Price: b.fill.price}
		if i.Volume == 0 && b.fill.phase == fillNone {
			i.Price = b.mem.state.Now.Price
		}
		m.Items = append(m.Items, i)
	}
	return m
}

// stamp is the board's civil time: its own clock, set by the station's.
func (b *Board) stamp() fa.Stamp { return fa.StampOf(b.civil()) }

func (b *Board) civil() clock.Civil { return b.now.Add(b.link.offset).Civil() }

func (b *Board) age(s fa.Stamp) time.Duration {
	c, err := s.Civil()
	if err != nil {
		return unsealedAge
	}
	return b.civil().Instant().Sub(c.Instant())
}

package dispenser

import (
	"testing"
	"time"

	"greylock/system/card"
	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// rig is a board on a bench: a scripted station on its line, a PSAM, a card that a hand moves, and a clock.
type rig struct {
	t     *testing.T
	now   clock.Instant
	cfg   Config
	nv    *Memory
	board *Board
	sam   *chipSAM
	in    *chipCard // in the slot
	todo  []todo
	seen  []Event
	wakes int

	station station
	// tap sees each command before the chip does; pull says that the card leaves now, before or after it obeyed.
	tap func(slot string, command []byte) (pull, after bool)
}

type todo struct {
	at  clock.Instant
	seq int
	run func()
}

// station answers the board as dispenser.md 3 says.
type station struct {
	dec      fa.Decoder
	mute     bool
	versions fa.Versions
	files    map[fa.Content][]byte
	result   fa.Result
	deaf     bool // does not acknowledge records
	black    map[pboc.ASN]bool
	grey     *fa.GreyAnswer
	words    []fa.Word // that the board sent
	frames   []fa.Frame
	uploads  []fa.Record
	live     fa.Live
}

const (
	benchProduct = "1031"
	benchPrice   = unit.Price(785)
	chipTime     = 30 * time.Millisecond
	lineTime     = 20 * time.Millisecond
)

func newRig(t *testing.T) *rig {
	r := &rig{t: t, now: clock.At(2026, 11, 22, 9, 0, 0), nv: &Memory{}, sam: newSAM(), cfg: Config{LogSize: 64, Seed: 7}}
	r.station.versions = fa.Versions{Price: 1, Station: 1}
	r.station.files = map[fa.Content][]byte{fa.ContentStation: stationFile(1, 1), fa.ContentPrice: priceFile(1, "202611220000", benchPrice, benchPrice)}
	r.power()
	return r
}

// ready is a rig whose board has station info and prices.
func readyRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.until("prices", 30*time.Second, func() bool {
		return r.board.View().Confirmed && r.board.mem.state.Now.Set && r.board.View().Unsent == 0
	})
	r.seen, r.station.uploads = nil, nil
	return r
}

func stationFile(version byte, nozzles ...fa.NZN) []byte {
	b, err := fa.StationInfo{Version: version, Province: 0x44, City: 0x01, Superior: [4]byte{0x44}, Station: [4]byte{0x44, 0, 0, 1},
		POSP: 5, Nozzles: nozzles}.Bytes()
	if err != nil {
		panic(err)
	}
	return b
}

func priceFile(version byte, effective string, now, next unit.Price) []byte {
	p, _ := fa.ParseProduct(benchProduct)
	var m fa.Minute
	for i := range m {
		m[i] = (effective[2*i]-'0')<<4 + (effective[2*i+1] - '0')
	}
	one := func(u unit.Price) []fa.NozzlePrice {
		return []fa.NozzlePrice{{NZN: 1, Product: p, Density: 1, Prices: []unit.Price{u}}}
	}
	b, err := fa.PriceTable{Version: version, Effective: m, Now: one(now), Next: one(next)}.Bytes()
	if err != nil {
		panic(err)
	}
	return b
}

func (r *rig) power() {
	r.todo = nil
	r.board = New(r.cfg, r.nv)
	r.board.PowerOn(r.now)
	r.sam.reset()
	if r.in != nil {
		r.in.reset()
		r.board.Inserted(r.now)
	}
	r.settle()
}

func (r *rig) cut() {
	r.board.Off()
	r.todo = nil
}

func (r *rig) after(d time.Duration, run func()) {
	board := r.board
	r.todo = append(r.todo, todo{r.now.Add(d), len(r.todo), func() {
		if r.board == board {
			run()
		}
	}})
}

// settle carries out what the board wants.
func (r *rig) settle() {
	fx := r.board.Take()
	r.seen = append(r.seen, fx.Events...)
	for _, s := range fx.Send {
		r.after(lineTime, func() { r.station.dec.Decode(s, r.answer) })
	}
	for _, x := range fx.Transmit {
		r.transmit(x)
	}
}

func (r *rig) transmit(x Transmit) {
	pull, after := false, false
	if r.tap != nil {
		pull, after = r.tap(x.Slot, x.Command)
	}
	if pull && !after {
		r.after(0, r.pull)
		return
	}
	var answer []byte
	if x.Slot == SlotPSAM {
		answer = r.sam.obey(x.Command)
	} else if r.in != nil {
		answer = r.in.obey(x.Command)
	}
	if pull {
		r.after(chipTime, r.pull)
		return
	}
	r.after(chipTime, func() { r.board.Answer(r.now, x.ID, card.Reply{Data: answer}); r.settle() })
}

// step runs the next thing that is due; false at the limit.
func (r *rig) step(limit clock.Instant) bool {
	r.t.Helper()
	next, at := -1, r.board.due()
	for i, e := range r.todo {
		if e.at < at || e.at == at && (next < 0 || e.seq < r.todo[next].seq) {
			next, at = i, e.at
		}
	}
	if at > limit {
		r.now = limit
		return false
	}
	r.now = max(r.now, at)
	if next < 0 {
		r.wakes++
		r.board.Wake(r.now)
		r.settle()
		return true
	}
	run := r.todo[next].run
	r.todo = append(r.todo[:next], r.todo[next+1:]...)
	run()
	return true
}

func (r *rig) pass(d time.Duration) {
	r.t.Helper()
	for limit := r.now.Add(d); r.step(limit); {
	}
}

func (r *rig) until(what string, d time.Duration, cond func() bool) {
	r.t.Helper()
	for limit := r.now.Add(d); !cond(); {
		if !r.step(limit) {
			v := r.board.View()
			r.t.Fatalf("%s did not come in %v: state %s, stage %s, prompt %s, fault %s", what, d, v.State, v.Stage, v.Prompt.Zh, v.Fault.Zh)
		}
	}
}

func (r *rig) do(act func()) { act(); r.settle() }

func (r *rig) insert(c *chipCard) {
	r.in = c
	c.reset()
	r.do(func() { r.board.Inserted(r.now) })
}

func (r *rig) pull() {
	r.in = nil
	r.do(func() { r.board.Pulled(r.now) })
}

func (r *rig) keys(s string) {
	for _, k := range []byte(s) {
		r.do(func() { r.board.Key(r.now, Key(k)) })
	}
}

func (r *rig) lift() { r.do(func() { r.board.Lift(r.now) }) }
func (r *rig) hang() { r.do(func() { r.board.Hang(r.now) }) }
func (r *rig) squeeze(p int) {
	r.do(func() { r.board.Squeeze(r.now, p) })
}

// stage waits until the visit is in that stage.
func (r *rig) stage(s string) {
	r.t.Helper()
	r.until("stage "+s, 2*time.Minute, func() bool { return r.board.View().Stage == s })
}

// ended waits until no talk runs and the pump is at rest.
func (r *rig) ended() {
	r.t.Helper()
	r.until("the end of the visit", 10*time.Minute, func() bool { return r.board.sess.talk == nil && r.board.fill.phase == fillNone })
}

// fill is lift, squeeze, wait for the stop, hang, for a card that is ready.
func (r *rig) fill(stop func() bool) {
	r.t.Helper()
	r.stage("ready")
	r.lift()
	r.until("fuelling", time.Minute, func() bool { return r.board.fill.phase == fillRunning })
	r.squeeze(1000)
	r.until("stop", 10*time.Minute, func() bool { return r.board.fill.phase != fillRunning || stop != nil && stop() })
	r.hang()
	r.ended()
}

func (r *rig) uploaded(n int) []fa.Record {
	r.t.Helper()
	r.until("uploads", 2*time.Minute, func() bool { return len(r.station.uploads) >= n && r.board.View().Unsent == 0 })
	return r.station.uploads
}

func (r *rig) saw(kind EventKind, word string) bool {
	for _, e := range r.seen {
		if e.Kind == kind && e.Word == word {
			return true
		}
	}
	return false
}

// answer is the station's side of one frame.
func (r *rig) answer(f fa.Frame) {
	s := &r.station
	s.words = append(s.words, f.Word())
	s.frames = append(s.frames, f)
	if s.mute {
		return
	}
	m, err := fa.Parse(f)
	if err != nil {
		r.t.Errorf("the board sent %X: %v", f.Data, err)
		return
	}
	switch m := m.(type) {
	case *fa.Poll:
		r.reply(f, &fa.PollAnswer{Time: fa.StampOf(r.now.Civil()), Versions: s.versions})
	case *fa.Live:
		s.live = *m
	case *fa.Upload:
		s.uploads = append(s.uploads, m.Record)
		if !s.deaf {
			r.reply(f, &fa.UploadAck{Result: s.result})
		}
	case *fa.DownloadAsk:
		r.reply(f, &fa.DownloadAnswer{Length: uint32(len(s.files[m.Content])), Content: m.Content})
	case *fa.SegmentsAsk:
		r.reply(f, m.Cut(s.files[m.Content]))
	case *fa.ListAsk:
		flag := fa.NotFound
		if s.black[m.ASN] {
			flag = fa.Found
		}
		r.reply(f, &fa.ListAnswer{Flag: flag, ASN: m.ASN})
	case *fa.GreyAsk:
		if s.grey != nil {
			r.reply(f, s.grey)
		} else {
			r.reply(f, &fa.GreyAnswer{Flag: fa.NotFound})
		}
	case *fa.Fault:
		r.reply(f, &fa.LinkAck{Of: fa.WordFault})
	}
}

func (r *rig) reply(to fa.Frame, m fa.Message) { r.toBoard(to.Src, to.Number(), m) }

func (r *rig) toBoard(dst, number byte, m fa.Message) {
	if dst == fa.Unconfigured {
		dst = 0
	}
	f, err := fa.Build(dst, fa.PCAddress, fa.FromPC|number, m)
	if err != nil {
		r.t.Fatal(err)
	}
	b := fa.Encode(f)
	r.after(lineTime, func() { r.board.Receive(r.now, b); r.settle() })
}

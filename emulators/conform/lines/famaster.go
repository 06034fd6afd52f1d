package lines

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

	"greylock/system/clock"
)

// Times of an FA line. Source: dispenser.md 3.2, 5.2.
const (
	faPoll    = 500 * time.Millisecond // at least, between two polls
	faPollMax = time.Second
	faWait    = 2 * time.Second // for an answer
	faLate    = 600 * time.Millisecond
	faBoot    = 12 * time.Second
	faInARow  = 5 // equal versions that start a download
	faOld     = 2 * time.Minute
)

const (
	faPC      = 0xE0
	faFromPC  = 0x40
	faNumbers = 0x3F
	faSegment = 16
)

// faLengths are the data of frames from a board by command word, least and most. Source: dispenser.md 3.3 to 3.10.
var faLengths = map[byte][2]int{0x30: {1, 1}, 0x31: {2, 500}, 0x32: {96, 96}, 0x33: {4, 4}, 0x34: {5, 5}, 0x35: {25, 25}, 0x36: {11, 11},
	0x38: {7, 500}, 0x3A: {39, 500}, 0x3B: {2, 500}, 0x3C: {3, 3}, 0x3F: {5, 5},
	0x60: {1, 500}, 0x61: {1, 500}, 0x62: {1, 500}, 0x63: {1, 500}, 0x70: {1, 500}, 0x71: {1, 500}, 0x80: {1, 500}}

// seenFrame is a frame of the board.
type seenFrame struct {
	at clock.Instant
	faFrame
}

// faMaster is a PC before one board. While it waits for something it answers what the board asks.
type faMaster struct {
	try
	hands  HandsAt
	reader faReader
	synced bool // a good frame has come: from now on each byte counts

	board    byte // its address by its last frame
	number   byte // of our last frame
	mute     bool // polls stay unanswered
	hold     bool // records stay unacknowledged
	result   byte // of a record
	ahead    time.Duration
	versions faVersions
	files    map[byte][]byte
	twist    func(answer faFrame) []byte // changes the bytes of one answer; nil: none
	seen     []seenFrame
}

// faVersions are those of 30H, by content 0…5. Source: dispenser.md 3.4, 3.7.
type faVersions [6]uint16

// bytes in the order of the wire: base, added, deleted, white, price, station.
func (v faVersions) bytes() []byte {
	return append(binary.BigEndian.AppendUint16(nil, v[0]), byte(v[1]), byte(v[2]), byte(v[3]), byte(v[4]), byte(v[5]))
}

// next is a version that differs and is not 0.
func (v faVersions) next(content byte) uint16 { return v[content]%250 + 1 }

// CheckFADispenser asks a board of each maker's new one, case by case.
func CheckFADispenser(p Pick, make func() (Dispenser, error)) Report {
	return run(faDispenserCases, p, func(entry[*faMaster]) (*faMaster, func() (int, error), error) {
		d, err := make()
		if err != nil {
			return nil, nil, err
		}
		m := &faMaster{try: try{wire: d.Wire}, hands: d.Hands}
		m.greet()
		return m, func() (int, error) { return m.frames, m.outcome() }, nil
	})
}

// greet waits until the board is in step: its polls are answered.
func (m *faMaster) greet() {
	if m.until(faBoot, func(f faFrame) bool { return f.word() == 0x31 }) == nil {
		m.fail("%v 内没有 31H (no 31H within that time)", faBoot)
	}
	m.seen = nil
}

// civil is the PC's clock as 30H carries it.
func (m *faMaster) civil() clock.Civil { return m.wire.Now().Add(m.ahead).Civil() }

func stampBytes(c clock.Civil) []byte {
	return toBCD(((((int64(c.Year)*100+int64(c.Month))*100+int64(c.Day))*100+int64(c.Hour))*100+int64(c.Minute))*100+int64(c.Second), 7)
}

// frame is one of ours to the board.
func (m *faMaster) frame(number byte, data ...byte) faFrame {
	return faFrame{m.board, faPC, faFromPC | number&faNumbers, data}
}

// own is a new frame of ours, with the next number.
func (m *faMaster) own(data ...byte) faFrame {
	m.number++
	return m.frame(m.number, data...)
}

// take reads bytes for frames until the time is over; what is asked on the way is answered.
func (m *faMaster) take(until clock.Instant) (frames []faFrame) {
	b := m.receive(until.Sub(m.wire.Now()))
	for _, x := range b {
		f, ok := m.reader.next(x)
		if ok && !m.synced {
			m.synced, m.reader.trouble = true, nil
		}
		if m.synced && m.reader.trouble != nil {
			m.fail("加油机发出坏帧 (the board sent a bad frame): %w", m.reader.trouble)
		}
		if ok {
			frames = append(frames, f)
			m.judge(f)
			m.seen = append(m.seen, seenFrame{m.wire.Now(), f})
			m.answer(f)
		}
	}
	return frames
}

// judge checks the form of a frame.
func (m *faMaster) judge(f faFrame) {
	m.board = f.src
	span, known := faLengths[f.word()]
	m.want(f.ctl&0x80 == 0 && f.ctl&faFromPC == 0, "%02X: 控制字 %02X 的位 7, 6 应为 0 (bits 7 and 6 of ctl)", f.word(), f.ctl)
	m.want(known, "% X: 加油机不得发此命令字 (no word of a board)", f.data)
	m.want(len(f.data) >= span[0] && len(f.data) <= span[1], "% X: 长度应为 (length, want) %v", f.data, span)
}

// until takes frames till one is as wanted; nil if none is in time.
func (m *faMaster) until(limit time.Duration, wanted func(faFrame) bool) *faFrame {
	for end := m.wire.Now().Add(limit); !m.failed(); {
		before := m.wire.Now()
		for _, f := range m.take(end) {
			if wanted(f) {
				return &f
			}
		}
		if before >= end || m.wire.Now() >= end {
			break
		}
	}
	return nil
}

func never(faFrame) bool { return false }

// pass lets time pass.
func (m *faMaster) pass(d time.Duration) { m.until(d, never) }

// ofWord is the next frame of a word; the case fails without one.
func (m *faMaster) ofWord(limit time.Duration, word byte) faFrame {
	f := m.until(limit, func(f faFrame) bool { return f.word() == word })
	if f == nil {
		m.fail("%v 内没有 %02XH (none within that time)", limit, word)
		return faFrame{data: make([]byte, 500)}
	}
	return *f
}

// none fails if a frame of a word comes.
func (m *faMaster) none(d time.Duration, words ...byte) {
	if f := m.until(d, func(f faFrame) bool { return slices.Contains(words, f.word()) }); f != nil {
		m.fail("不应有 %02XH (none is expected): % X", f.word(), f.data)
	}
}

// ask sends a question and returns its answer, which returns the number.
func (m *faMaster) ask(word byte, data ...byte) faFrame {
	q := m.own(append([]byte{word}, data...)...)
	m.send(q.wire())
	return m.answerTo(q, word)
}

func (m *faMaster) answerTo(q faFrame, words ...byte) faFrame {
	f := m.until(faWait, func(f faFrame) bool { return slices.Contains(words, f.word()) })
	if f == nil {
		m.fail("% X: %v 内没有应答 (no answer)", q.wire(), faWait)
		return faFrame{data: make([]byte, 500)}
	}
	m.want(f.number() == q.number(), "% X: 帧号应为 %d, 是 %d (frame number)", f.data, q.number(), f.number())
	return *f
}

// answer does what a PC does about a frame of the board.
func (m *faMaster) answer(f faFrame) {
	data := []byte{f.word()}
	switch f.word() {
	case 0x30:
		if m.mute {
			return
		}
		data = append(append(append(data, stampBytes(m.civil())...), m.versions.bytes()...), 0, 0)
	case 0x32:
		if m.hold {
			return
		}
		data = append(data, m.result)
	case 0x33:
		data = append(binary.BigEndian.AppendUint32(data, uint32(len(m.files[f.data[1]]))), f.data[1])
	case 0x34:
		data = append(data, m.segments(f.data)...)
	case 0x35:
		data = append(append(data, 1), make([]byte, 41)...)
	case 0x36:
		data = append(append(data, 1), f.data[1:]...)
	case 0x3B:
		data = []byte{0x3C, 0x3B, 0}
	default:
		return
	}
	a := m.frame(f.number(), data...)
	b := a.wire()
	if m.twist != nil {
		b = m.twist(a)
	}
	if len(b) > 0 {
		m.send(b)
	}
}

// segments is what a 34H gets of a file. Source: dispenser.md 3.7.
func (m *faMaster) segments(ask []byte) []byte {
	content, offset, segs := ask[1], int(binary.BigEndian.Uint16(ask[2:])), int(ask[4])
	file := m.files[content]
	m.want(segs >= 1 && offset*faSegment < len(file), "34H % X: 文件 %d 字节 (beyond the file)", ask, len(file))
	from := min(offset*faSegment, len(file))
	part := file[from:min(from+min(segs, 15)*faSegment, len(file))]
	return append([]byte{content, ask[2], ask[3], byte((len(part) + faSegment - 1) / faSegment)}, part...)
}

// of is how many frames of a word were seen.
func (m *faMaster) of(word byte) (list []seenFrame) {
	for _, f := range m.seen {
		if f.word() == word {
			list = append(list, f)
		}
	}
	return list
}

// boardInfo is 3AH. Source: dispenser.md 3.10.
type boardInfo struct {
	maker    []byte
	place    []byte // province, city, superior, station
	time     []byte
	nozzles  []byte
	versions faVersions
}

func (m *faMaster) info() (i boardInfo) {
	d := m.ask(0x3A).data
	n := int(d[30])
	if m.want(len(d) >= 38+n, "3AH % X: 太短 (too short)", d); m.failed() {
		return i
	}
	v := d[31+n:]
	return boardInfo{d[1:13], d[13:23], d[23:30], d[31 : 31+n],
		faVersions{binary.BigEndian.Uint16(v), uint16(v[2]), uint16(v[3]), uint16(v[4]), uint16(v[5]), uint16(v[6])}}
}

// totals is 38H: nozzle and total, by nozzle. Source: dispenser.md 3.10.
func (m *faMaster) totals() map[byte]uint32 {
	d := m.ask(0x38).data
	t := map[byte]uint32{}
	if m.want(len(d) == 2+5*int(d[1]), "38H % X: 应为 2+5n 字节 (bytes, want)", d); m.failed() {
		return t
	}
	for p := d[2:]; len(p) > 0; p = p[5:] {
		t[p[0]] = binary.BigEndian.Uint32(p[1:])
	}
	return t
}

// download announces a file and waits until the board has it.
func (m *faMaster) download(content byte, version uint16, file []byte) {
	m.files = map[byte][]byte{content: file}
	m.versions[content] = version
	limit := 30*time.Second + time.Duration(len(file)/240)*2*time.Second
	for end := m.wire.Now().Add(limit); !m.failed(); m.pass(2 * time.Second) {
		if m.info().versions[content] == version {
			return
		}
		m.want(m.wire.Now() < end, "%v 内未取到版本 %d 的文件 %d (the board does not have it)", limit, version, content)
	}
}

// faList is a list file. Source: dispenser.md 3.8.
func faList(version uint16, cards int) []byte {
	b := binary.BigEndian.AppendUint16(nil, version)
	b = append(b, 0x20, 0x26, 0x01, 0x01, 0x20, 0x36, 0x12, 0x31, 0xFF, 0xFF)
	b = binary.BigEndian.AppendUint32(b, uint32(cards))
	for i := range cards {
		b = append(b, toBCD(1000111110000000000+int64(i)*7, 10)...)
	}
	return b
}

// faPrices is a price table for a nozzle: now, and from a minute on. Source: dispenser.md 3.8.
func faPrices(version uint16, from clock.Civil, nozzles []byte, now, then uint16) []byte {
	b := append(append([]byte{byte(version)}, stampBytes(from)[:6]...), byte(len(nozzles)))
	for _, p := range []uint16{now, then} {
		for _, n := range nozzles {
			b = append(b, n, 0x10, 0x31, 0, 0, 0, 0, 1, byte(p>>8), byte(p))
		}
	}
	return b
}

// faStation is a station info. Source: dispenser.md 3.8.
func faStation(version uint16, posp byte, nozzles []byte) []byte {
	b := []byte{byte(version), 0x11, 0x02, 0x11, 0x02, 0x03, 0x04, 0x11, 0x02, 0x03, 0x05, posp, byte(len(nozzles))}
	return append(b, nozzles...)
}

func (m *faMaster) file(content byte, version uint16, i boardInfo) []byte {
	switch content {
	case 4:
		return faPrices(version, m.civil(), i.nozzles, 785, 785)
	case 5:
		return faStation(version, max(m.board%0xE0, 1), i.nozzles)
	}
	return faList(version, 30)
}

// hand moves hands.
func (m *faMaster) hand(words ...string) {
	for _, w := range words {
		if m.failed() {
			return
		}
		if err := m.hands(w); err != nil {
			m.fail("%s: %w", w, err)
		}
	}
}

// number of a record that no board has; its question, or its answer, has a CRC as wanted.
func seek(wanted func(n []byte) bool) []byte {
	for n := uint32(0xE0000000); ; n++ {
		if b := binary.BigEndian.AppendUint32(nil, n); wanted(b) {
			return b
		}
	}
}

// missing asks for a record that the board does not have.
func (m *faMaster) missing(n []byte) {
	if f := m.askAny(0x3E, n, 0x3F, 0x32); f.word() == 0x3F {
		m.want(bytes.Equal(f.data[1:], n), "3FH % X: 应答的流水号应为 (number, want) % X", f.data, n)
	} else {
		m.fail("3EH % X 得到 %02XH, 应为 3FH (want 3FH)", n, f.word())
	}
}

func (m *faMaster) askAny(word byte, data []byte, words ...byte) faFrame {
	q := m.own(append([]byte{word}, data...)...)
	m.send(q.wire())
	return m.answerTo(q, words...)
}

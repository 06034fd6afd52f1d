package lines

import (
	"encoding/binary"
	"slices"
	"time"

	"greylock/system/clock"
)

// faPCLengths are the data of frames from a PC by command word, least and most. Source: dispenser.md 3.3 to 3.10.
var faPCLengths = map[byte][2]int{0x30: {17, 17}, 0x32: {2, 2}, 0x33: {6, 6}, 0x34: {5, 5 + 15*faSegment}, 0x35: {43, 43}, 0x36: {12, 12},
	0x38: {1, 1}, 0x3A: {1, 1}, 0x3C: {3, 3}, 0x3E: {5, 5}}

// faDevice is a board before a station. It judges every frame of the station.
type faDevice struct {
	try
	StationOptions
	reader  faReader
	src     byte
	number  byte
	total   uint32
	records map[uint32][]byte // that 3EH gets
	log     []seenFrame
}

// CheckFAStation watches a new station of each make, case by case.
func CheckFAStation(o StationOptions, make func() (Station, error)) Report {
	o = o.defaults()
	first := uint32(0) // records of one run count on
	return run(faStationCases, o.Pick, func(entry[*faDevice]) (*faDevice, func() (int, error), error) {
		s, err := make()
		if err != nil {
			return nil, nil, err
		}
		d := &faDevice{try: try{wire: s.Wire}, StationOptions: o, src: 1, total: first}
		d.greet()
		return d, func() (int, error) { first = d.total; return d.frames, d.outcome() }, nil
	})
}

// greet polls until the station answers.
func (d *faDevice) greet() {
	for end := d.wire.Now().Add(d.Wait); !d.failed(); {
		d.poll()
		if d.until(faPoll, 0x30) != nil {
			return
		}
		d.want(d.wire.Now() < end, "%v 内没有应答 30H (no answer to 30H)", d.Wait)
	}
}

// frame is one of ours, with the next number.
func (d *faDevice) frame(data ...byte) faFrame {
	d.number = (d.number + 1) & faNumbers
	return faFrame{faPC, d.src, d.number, data}
}

func (d *faDevice) poll() faFrame {
	f := d.frame(0x30)
	d.send(f.wire())
	return f
}

// take reads bytes for frames until the time is over; what the station asks is answered.
func (d *faDevice) take(until clock.Instant) (frames []faFrame) {
	for _, x := range d.receive(until.Sub(d.wire.Now())) {
		f, ok := d.reader.next(x)
		if d.reader.trouble != nil {
			d.fail("站方发出坏帧 (the station sent a bad frame): %w", d.reader.trouble)
		}
		if ok {
			frames = append(frames, f)
			d.judge(f)
			d.log = append(d.log, seenFrame{d.wire.Now(), f})
			d.answer(f)
		}
	}
	return frames
}

func (d *faDevice) judge(f faFrame) {
	span, known := faPCLengths[f.word()]
	d.want(f.ctl&0x80 == 0 && f.ctl&faFromPC != 0, "%02X: 控制字 %02X 应为位 7=0, 位 6=1 (bits 7 and 6 of ctl)", f.word(), f.ctl)
	d.want(known, "% X: 站方不得发此命令字 (no word of a PC)", f.data)
	d.want(len(f.data) >= span[0] && len(f.data) <= span[1], "% X: 长度应为 (length, want) %v", f.data, span)
	d.want(f.src >= 0xE0 && f.src <= 0xF9, "源地址 %02X, 应为 E0…F9 (src)", f.src)
}

// answer does what a board does about a question.
func (d *faDevice) answer(f faFrame) {
	data := []byte{f.word()}
	switch f.word() {
	case 0x38:
		data = binary.BigEndian.AppendUint32(append(data, 1, 1), 11750521)
	case 0x3A:
		data = append(data, "THIRD HAND  "...)
		data = append(data, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11)
		data = append(append(data, stampBytes(d.wire.Now().Civil())...), 1, 1)
		data = append(data, make([]byte, 7)...)
	case 0x3E:
		n := binary.BigEndian.Uint32(f.data[1:])
		if data = d.records[n]; data == nil {
			data = append([]byte{0x3F}, f.data[1:]...)
		}
	default:
		return
	}
	d.send(faFrame{f.src, d.src, f.number(), data}.wire())
}

// until takes frames till one has a word; nil if none is in time.
func (d *faDevice) until(limit time.Duration, words ...byte) *faFrame {
	for end := d.wire.Now().Add(limit); !d.failed(); {
		for _, f := range d.take(end) {
			if slices.Contains(words, f.word()) {
				return &f
			}
		}
		if d.wire.Now() >= end {
			break
		}
	}
	return nil
}

func (d *faDevice) pass(limit time.Duration) { d.until(limit) }

// none fails if a frame of a word comes.
func (d *faDevice) none(limit time.Duration, words ...byte) {
	if f := d.until(limit, words...); f != nil {
		d.fail("不应有 %02XH (none is expected): % X", f.word(), f.data)
	}
}

// ask sends a frame and returns the answer, which comes in time, to us, with the number.
func (d *faDevice) ask(q faFrame, limit time.Duration, words ...byte) faFrame {
	d.send(q.wire())
	f := d.until(limit, words...)
	if f == nil {
		d.fail("% X: %v 内没有应答 (no answer)", q.wire(), limit)
		return faFrame{data: make([]byte, 500)}
	}
	d.want(f.number() == q.number(), "%02XH: 帧号应为 %d, 是 %d (frame number)", f.word(), q.number(), f.number())
	d.want(f.dst == q.src, "%02XH: 目的地址应为 %02X, 是 %02X (dst)", f.word(), q.src, f.dst)
	return *f
}

// polled polls and returns the answer's data.
func (d *faDevice) polled() []byte { return d.ask(d.frame(0x30), d.Answer, 0x30).data }

// offered are the versions of an answer to 30H, by content. Source: dispenser.md 3.4.
func offered(data []byte) (v faVersions) {
	return faVersions{binary.BigEndian.Uint16(data[8:]), uint16(data[10]), uint16(data[11]), uint16(data[12]), uint16(data[13]), uint16(data[14])}
}

// record is an event that moves nothing: receipt of prices (T-TYPE 8), the next number. Source: dispenser.md 3.6.
func (d *faDevice) record() []byte {
	d.total++
	b := make([]byte, 96)
	b[0] = 0x32
	binary.BigEndian.PutUint32(b[1:], d.total)
	b[5] = 8
	copy(b[6:], stampBytes(d.wire.Now().Civil()))
	b[68] = 1
	b[69], b[70] = 0x10, 0x31
	binary.BigEndian.PutUint16(b[74:], 785)
	b[76] = 255
	binary.BigEndian.PutUint32(b[77:], 11750521)
	b[91] = 'T' // of the training realm. Source: design.md 9.5
	return b
}

// polling goes on as a board does for so long.
func (d *faDevice) polling(limit time.Duration) {
	for end := d.wire.Now().Add(limit); !d.failed() && d.wire.Now() < end; {
		d.polled()
		d.pass(faPoll)
	}
}

// of are the frames of a word since an index of the log.
func (d *faDevice) of(since int, word byte) (list []seenFrame) {
	for _, f := range d.log[since:] {
		if f.word() == word {
			list = append(list, f)
		}
	}
	return list
}

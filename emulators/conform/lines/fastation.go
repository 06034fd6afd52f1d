package lines

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"
)

// faStationCases are what dispenser.md says of the station's side of an FA line.
var faStationCases = []entry[*faDevice]{
	{"fs-poll", "20 次轮询都在时限内应答, 17 字节", "twenty polls, each answered in time with 17 bytes", "3.2, 3.4", 0, func(d *faDevice) {
		for range 20 {
			p := d.polled()
			_, at := fromBCD(p[1:8])
			d.want(at, "PC_TIME % X 不是 BCD", p[1:8])
			d.pass(faPoll)
		}
	}},
	{"fs-clock", "PC_TIME 随时间走, 不倒退", "PC_TIME goes with the time and never back", "3.4, 4.1", 0, func(d *faDevice) {
		before := int64(0)
		for range 20 {
			now, _ := fromBCD(d.polled()[1:8])
			d.want(now >= before, "PC_TIME 从 %d 到 %d (went back)", before, now)
			before = now
			d.pass(faPoll)
		}
	}},
	{"fs-number", "应答返回 64 个帧号", "the answer returns each of the 64 numbers", "3.1", 0, func(d *faDevice) {
		for range 64 {
			d.polled()
		}
	}},
	{"fs-addresses", "任何地址的主板都应答, 未配置的 FF 也是", "a board of any address is answered, FF too", "3.1", 0, func(d *faDevice) {
		for _, a := range [][2]byte{{0xE0, 0xFF}, {0xE0, 0x01}, {0xE0, 0xDF}, {0x00, 0x01}, {0xF9, 0x00}} {
			f := d.frame(0x30)
			f.dst, f.src = a[0], a[1]
			d.ask(f, d.Answer, 0x30)
		}
	}},
	{"fs-bad-crc", "CRC 每一位错都不应答", "each bit of the CRC wrong: no answer", "3.1", 0, func(d *faDevice) {
		for bit := range 16 {
			body := d.frame(0x30).body()
			d.send(faEscape(body, faCRC(body)^1<<bit))
			d.none(d.quiet(), 0x30)
		}
		d.polled()
	}},
	{"fs-bad-length", "长度非 BCD, 0 或过大的帧丢弃", "a length that is no BCD, 0 or too great is dropped", "3.1", 0, func(d *faDevice) {
		for _, length := range [][]byte{{0, 0x0A}, {0, 0}, {0x05, 0x01}, {0xA0, 0}} {
			body := d.frame(0x30).body()
			body[3], body[4] = length[0], length[1]
			d.send(faEscape(body, faCRC(body)))
			d.none(d.quiet(), 0x30)
			d.polled()
		}
	}},
	{"fs-long-poll", "多出字节的 30H 不应答", "a 30H with surplus bytes is not answered", "3.4", 0, func(d *faDevice) {
		d.send(d.frame(0x30, 0).wire())
		d.none(d.quiet(), 0x30)
		d.polled()
	}},
	{"fs-escape", "数据与 CRC 中的 FA", "FA in data and CRC", "3.1", 0, func(d *faDevice) {
		d.send(d.frame(0x31, 1, 2, 1, 0, 0, 0xFA, 0x10, 0, 0x1F, 0xFA, 3, 0x11).wire())
		d.polled()
		for _, fits := range faCRCs {
			number := (d.number + 1) & faNumbers
			text := seek(func(n []byte) bool {
				return fits(faCRC(faFrame{faPC, d.src, number, append([]byte{0x3B, 0}, n...)}.body()))
			})
			d.ask(d.frame(append([]byte{0x3B, 0}, text...)...), faWait, 0x3C)
		}
	}},
	{"fs-pieces", "逐字节到达的帧仍是一帧", "a frame byte by byte is one frame", "3.1", 0, func(d *faDevice) {
		d.polling(5 * time.Second) // no question of the station comes between the pieces
		w := d.frame(0x30).wire()
		for _, b := range w {
			d.pass(10 * time.Millisecond)
			d.send([]byte{b})
		}
		d.want(d.until(d.Answer, 0x30) != nil, "没有应答 (no answer)")
	}},
	{"fs-together", "连在一起的 31H 与 30H", "31H and 30H in one write", "3.1", 0, func(d *faDevice) {
		a, b := d.frame(0x31, 0), d.frame(0x30)
		d.send(append(a.wire(), b.wire()...))
		d.want(d.until(d.Answer, 0x30) != nil, "没有应答 (no answer)")
	}},
	{"fs-cut", "断帧之后的好帧有应答, 每处断开", "a good frame behind a cut one is answered, for every cut", "3.1", 0, func(d *faDevice) {
		whole := d.frame(0x31, 1, 2, 1, 0, 0, 0x25, 0xD7, 0, 4, 0xD2, 3, 0x11).wire()
		for cut := 1; cut < len(whole); cut++ {
			d.send(whole[:cut])
			d.polled()
		}
	}},
	{"fs-garbage", "杂字节之后至多丢一帧", "behind odd bytes one frame is lost at most", "3.1", 0, func(d *faDevice) {
		for seed := uint32(1); seed <= 8; seed++ {
			noise, x := make([]byte, 200), seed
			for i := range noise {
				if x = x*1664525 + 1013904223; x>>29 == 0 {
					noise[i] = 0xFA
				} else {
					noise[i] = byte(x >> 16)
				}
			}
			d.send(noise)
			d.poll()
			d.until(faLate, 0x30)
			d.polled()
		}
	}},
	{"fs-own-echo", "自己的帧返回不应答", "its own frames coming back are not answered", "3.1", 0, func(d *faDevice) {
		d.poll()
		f := d.until(d.Answer, 0x30)
		if d.want(f != nil, "没有应答 (no answer)"); d.failed() {
			return
		}
		d.send(f.wire())
		d.none(d.quiet(), 0x30)
		d.polled()
	}},
	{"fs-live", "31H 不应答", "31H is not answered", "3.3, 3.5", 0, func(d *faDevice) {
		for _, live := range [][]byte{{0}, {1, 0, 1}, {1, 2, 1, 0, 0, 0, 0, 0, 0, 0, 3, 0x11}} {
			since := len(d.log)
			d.send(d.frame(append([]byte{0x31}, live...)...).wire())
			d.pass(d.quiet())
			for _, f := range d.log[since:] {
				d.want(slices.Contains([]byte{0x38, 0x3A, 0x3E}, f.word()), "31H 得到 %02XH (31H was answered)", f.word())
			}
			d.polled()
		}
	}},
	{"fs-reserved", "保留与厂家命令字不理", "reserved and makers' words are ignored", "3.3", 0, func(d *faDevice) {
		for _, w := range []byte{0x37, 0x39, 0x3D, 0x60, 0x63, 0x70, 0x80, 0x00, 0xFF} {
			since := len(d.log)
			d.send(d.frame(w, 1, 2, 3).wire())
			d.pass(d.quiet())
			for _, f := range d.log[since:] {
				d.want(slices.Contains([]byte{0x38, 0x3A, 0x3E}, f.word()), "%02XH 得到 %02XH (was answered)", w, f.word())
			}
			d.polled()
		}
	}},
	{"fs-fault", "3BH 以 3CH 确认", "3BH is acknowledged by 3CH", "3.10", 0, func(d *faDevice) {
		a := d.ask(d.frame(append([]byte{0x3B, 0}, "E07 PULSER"...)...), faWait, 0x3C)
		d.want(bytes.Equal(a.data, []byte{0x3C, 0x3B, 0}), "% X, 应为 (want) 3C 3B 00", a.data)
	}},
	{"fs-list", "36H: 12 字节, 同一卡号", "36H: twelve bytes, the same card", "3.9", 0, func(d *faDevice) {
		asn := toBCD(1000111990000001234, 10)
		a := d.ask(d.frame(append([]byte{0x36}, asn...)...), faWait, 0x36)
		d.want(bytes.Equal(a.data[2:], asn), "% X: 卡号不同 (another card)", a.data)
	}},
	{"fs-grey", "35H 无匹配: 标志 1, 其余为 0; 无人知道则不答", "35H without a match: flag 1, the rest 00; silence when nobody knows", "3.2, 3.9", 0, func(d *faDevice) {
		q := append([]byte{0x35}, toBCD(1000111990000001234, 10)...)
		q = append(append(q, 0, 0, 0xC3, 0x50, 0, 0x11, 0), stampBytes(d.wire.Now().Civil())...)
		d.send(d.frame(q...).wire())
		a := d.until(faWait, 0x35)
		if a == nil { // the center could not be asked: the board falls back to polling and asks again
			d.polled()
			return
		}
		d.want(a.data[1] == 1 && bytes.Equal(a.data[2:], make([]byte, 41)), "% X: 应为 01 与 41 个 00 (want)", a.data)
	}},
	{"fs-download", "公布的版本: 整个文件, 以该版本开头; 版本 0: 不答长度 0", "an announced version: the whole file, which begins with it; version 0: no answer of length 0, which wipes real boards", "3.4, 3.7, 3.14", 0, func(d *faDevice) {
		versions := offered(d.polled())
		for content, v := range versions {
			d.fetch(byte(content), v)
		}
	}},
	{"fs-beyond", "文件之外的段: 空", "segments beyond the file: none", "3.7", 0, func(d *faDevice) {
		for content, v := range offered(d.polled()) {
			if v == 0 {
				continue
			}
			content := byte(content)
			a := d.ask(d.frame(0x34, content, 0xFF, 0xFF, 15), faWait, 0x34)
			d.want(len(a.data) == 5 && a.data[1] == content && a.data[4] == 0, "% X: 应为空 (want none)", a.data)
		}
	}},
	{"fs-record", "记录: 确认 32 00; 重发再确认", "a record is acknowledged, and again when it comes again", "3.6, 4.4", 0, func(d *faDevice) {
		r, since := d.record(), len(d.log)
		for range 3 {
			a := d.ask(d.frame(r...), faWait, 0x32)
			d.want(a.data[1] == 0, "% X: 应为 (want) 32 00", a.data)
		}
		d.pass(3 * time.Second)
		d.want(len(d.of(since, 0x32)) == 3, "确认 %d 次, 应为 3 (acknowledges, want 3)", len(d.of(since, 0x32)))
	}},
	{"fs-record-damaged", "坏帧与长度不对的记录不确认", "a damaged record, or one of a wrong length, is not acknowledged", "3.1, 3.6, 4.4", 0, func(d *faDevice) {
		r := d.record()
		body := d.frame(r...).body()
		d.send(faEscape(body, faCRC(body)^0x10))
		d.none(2*time.Second, 0x32)
		d.send(d.frame(r[:95]...).wire())
		d.none(2*time.Second, 0x32)
		d.ask(d.frame(r...), faWait, 0x32)
	}},
	{"fs-online", "第一次轮询之后问 3AH 与 38H", "asks 3AH and 38H behind the first poll", "4.1", Site, func(d *faDevice) {
		d.pass(15 * time.Second) // offline
		since := len(d.log)
		for end := d.wire.Now().Add(10 * time.Second); !d.failed() && (len(d.of(since, 0x3A)) == 0 || len(d.of(since, 0x38)) == 0); {
			d.polling(faPollMax)
			d.want(d.wire.Now() < end, "10 秒内没有 3AH 与 38H (none in 10 s)")
		}
	}},
	{"fs-gap", "缺号以 3EH 重读, 每秒至多一次; 3FH 了结", "a gap is asked for by 3EH, once a second at most; 3F closes it", "4.1, 4.4", Site, func(d *faDevice) {
		d.ask(d.frame(d.record()...), faWait, 0x32)
		low := d.total
		d.record()
		d.record()
		since := len(d.log)
		d.ask(d.frame(d.record()...), faWait, 0x32)
		d.polling(10 * time.Second)
		asks := d.of(since, 0x3E)
		var numbers []uint32
		for i, f := range asks {
			numbers = append(numbers, binary.BigEndian.Uint32(f.data[1:]))
			d.want(i == 0 || f.at.Sub(asks[i-1].at) >= 950*time.Millisecond, "两次 3EH 相隔 %v (between two)", f.at.Sub(asks[max(i-1, 0)].at))
		}
		slices.Sort(numbers)
		d.want(slices.Equal(numbers, []uint32{low + 1, low + 2}), "3EH 问了 %v, 应为 %d, %d (asked for)", numbers, low+1, low+2)
	}},
	{"fs-reread", "3EH 要来的记录不确认", "a record that was asked for is not acknowledged", "3.10", Site, func(d *faDevice) {
		d.ask(d.frame(d.record()...), faWait, 0x32)
		missing := d.record()
		d.records = map[uint32][]byte{d.total: missing}
		d.ask(d.frame(d.record()...), faWait, 0x32)
		since := len(d.log)
		d.polling(6 * time.Second)
		d.want(len(d.of(since, 0x3E)) == 1, "3EH %d 次 (times)", len(d.of(since, 0x3E)))
		d.want(len(d.of(since, 0x32)) == 0, "要来的记录被确认 (a record that was asked for was acknowledged)")
	}},
}

// quiet is how long nothing may come behind what nobody answers.
func (d *faDevice) quiet() time.Duration { return min(2*d.Answer, faLate) }

// fetch downloads what a version announces.
func (d *faDevice) fetch(content byte, version uint16) {
	if version == 0 {
		d.send(d.frame(0x33, content, 0, 0).wire())
		d.none(d.quiet(), 0x33)
		return
	}
	a := d.ask(d.frame(0x33, content, 0, 0), faWait, 0x33).data
	length := int(binary.BigEndian.Uint32(a[1:]))
	d.want(a[5] == content, "% X: 内容应为 %d (content)", a, content)
	d.want(length > 0, "内容 %d: 版本 %d 而长度 0 (length 0 of an announced version)", content, version)
	var file []byte
	for !d.failed() && len(file) < length {
		offset := len(file) / faSegment
		s := d.ask(d.frame(0x34, content, byte(offset>>8), byte(offset), 15), faWait, 0x34).data
		part := s[5:]
		d.want(s[1] == content && int(binary.BigEndian.Uint16(s[2:])) == offset && len(part) > 0, "% X: 应从第 %d 段 (from segment)", s, offset)
		d.want(int(s[4]) == (len(part)+faSegment-1)/faSegment, "段数 %d, 字节 %d (segments, bytes)", s[4], len(part))
		file = append(file, part...)
	}
	d.want(len(file) == length, "文件 %d 字节, 应为 %d (bytes)", len(file), length)
	if d.failed() {
		return
	}
	got := uint16(file[0])
	if content <= 3 {
		got = binary.BigEndian.Uint16(file)
	}
	d.want(got == version, "文件版本 %d, 30H 是 %d (version)", got, version)
}

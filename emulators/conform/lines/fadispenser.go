package lines

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"
)

// faDispenserCases are what dispenser.md says of an FA board, in its order.
var faDispenserCases = []entry[*faMaster]{
	{"fa-form", "一分钟的帧都合格", "a minute of good frames", "3.1", 0, func(m *faMaster) { m.pass(time.Minute) }},
	{"fa-numbers", "每个新帧帧号加一", "the frame number counts each new frame", "3.1", 0, func(m *faMaster) {
		m.pass(40 * time.Second)
		for i := 1; i < len(m.seen); i++ {
			a, b := m.seen[i-1], m.seen[i]
			m.want(b.number() == (a.number()+1)&faNumbers, "帧号 %d 之后是 %d (%02XH, %02XH) (behind that number)", a.number(), b.number(), a.word(), b.word())
		}
	}},
	{"fa-any-target", "点对点端口上任何目的地址都接受", "any dst is taken on a point-to-point port", "3.1", 0, func(m *faMaster) {
		for _, dst := range []byte{0x00, 0x01, 0x7F, 0xDF, 0xFF} {
			q := m.own(0x38)
			q.dst = dst
			m.send(q.wire())
			m.answerTo(q, 0x38)
		}
	}},
	{"fa-bad-crc", "CRC 每一位错都不应答", "each bit of the CRC wrong: no answer", "3.1", 0, func(m *faMaster) {
		for bit := range 16 {
			body := m.own(0x38).body()
			m.send(faEscape(body, faCRC(body)^1<<bit))
			m.none(faLate, 0x38)
		}
		m.totals()
	}},
	{"fa-bad-length", "长度非 BCD, 0 或过大的帧丢弃", "a length that is no BCD, 0 or too great is dropped", "3.1", 0, func(m *faMaster) {
		for _, length := range [][]byte{{0, 0x0A}, {0, 0}, {0x05, 0x01}, {0xA0, 0}} {
			body := m.own(0x38).body()
			body[3], body[4] = length[0], length[1]
			m.send(faEscape(body, faCRC(body)))
			m.none(faLate, 0x38)
			m.totals()
		}
	}},
	{"fa-escape", "数据中的 FA 加倍", "FA in data is doubled both ways", "3.1", 0, func(m *faMaster) {
		for _, n := range [][]byte{{0xFA, 0xFA, 0xFA, 0xFA}, {0xFA, 0, 0, 1}, {0xF0, 0xFA, 0, 0xFA}, {0xFA, 0xFA, 0, 0xFA}} {
			m.missing(n)
		}
	}},
	{"fa-escape-crc", "CRC 中的 FA 加倍 (站方的帧)", "FA in the CRC of our frame is doubled", "3.1", 0, func(m *faMaster) {
		for _, fits := range faCRCs {
			number := (m.number + 1) & faNumbers
			m.missing(seek(func(n []byte) bool {
				return fits(faCRC(m.frame(number, append([]byte{0x3E}, n...)...).body()))
			}))
		}
	}},
	{"fa-escape-answer", "CRC 中的 FA 加倍 (加油机的帧)", "FA in the CRC of the board's frame is doubled", "3.1", 0, func(m *faMaster) {
		first := m.askAny(0x3E, []byte{0xE0, 0, 0, 0}, 0x3F)
		for _, fits := range faCRCs {
			answer := faFrame{first.dst, first.src, (m.number + 1) & faNumbers, nil}
			m.missing(seek(func(n []byte) bool {
				answer.data = append([]byte{0x3F}, n...)
				return fits(faCRC(answer.body()))
			}))
		}
	}},
	{"fa-pieces", "逐字节到达的帧仍是一帧", "a frame byte by byte is one frame", "3.1", 0, func(m *faMaster) {
		m.ofWord(2*faWait, 0x31) // no poll comes between the pieces
		q := m.own(0x38)
		for _, b := range q.wire() {
			m.pass(10 * time.Millisecond)
			m.send([]byte{b})
		}
		m.answerTo(q, 0x38)
	}},
	{"fa-together", "连在一起的两帧都应答", "two frames in one write are both answered", "3.1", 0, func(m *faMaster) {
		a, b := m.own(0x38), m.own(0x3A)
		m.send(append(a.wire(), b.wire()...))
		m.answerTo(a, 0x38)
		if len(m.of(0x3A)) == 0 {
			m.answerTo(b, 0x3A)
		}
	}},
	{"fa-cut", "断帧之后的好帧有应答, 每处断开", "a good frame behind a cut one is answered, for every cut", "3.1", 0, func(m *faMaster) {
		whole := m.frame(9, 0x3E, 0xE0, 1, 2, 3).wire()
		for cut := 1; cut < len(whole); cut++ {
			q := m.own(0x38)
			m.send(append(slices.Clone(whole[:cut]), q.wire()...))
			m.answerTo(q, 0x38)
		}
	}},
	{"fa-garbage", "杂字节之后至多丢一帧", "behind odd bytes one frame is lost at most", "3.1", 0, func(m *faMaster) {
		for seed := byte(1); seed <= 8; seed++ {
			noise := make([]byte, 200)
			x := uint32(seed)
			for i := range noise {
				if x = x*1664525 + 1013904223; x>>29 == 0 {
					noise[i] = 0xFA
				} else {
					noise[i] = byte(x >> 16)
				}
			}
			m.send(noise)
			m.send(m.own(0x38).wire())
			m.pass(faLate)
			q := m.own(0x3A)
			m.send(q.wire())
			m.answerTo(q, 0x3A)
		}
	}},
	{"fa-own-echo", "自己的帧返回不算应答", "its own frames coming back are no answers", "3.1", 0, func(m *faMaster) {
		m.mute = true
		m.pass(2 * faWait)
		m.seen = nil
		for range 3 {
			f := m.ofWord(2*faWait, 0x30)
			m.send(f.wire())
		}
		m.none(faLate, 0x31)
		m.mute = false
	}},
	{"fa-cadence", "空闲时每 0.5…1 秒轮询", "polls every 0.5 to 1 s while idle", "3.2, 4.1", 0, func(m *faMaster) {
		m.pass(20 * time.Second)
		polls := m.of(0x30)
		m.want(len(polls) >= 15, "20 秒内只有 %d 次 (polls in 20 s)", len(polls))
		for i := 1; i < len(polls); i++ {
			gap := polls[i].at.Sub(polls[i-1].at)
			m.want(gap >= faPoll-20*time.Millisecond && gap <= faPollMax+200*time.Millisecond, "两次轮询相隔 %v (between two polls)", gap)
		}
	}},
	{"fa-live", "每次应答之后立即 31H", "31H at once behind each answer", "3.2, 3.5", 0, func(m *faMaster) {
		for range 5 {
			m.ofWord(faWait, 0x30)
			m.ofWord(faPoll, 0x31)
		}
	}},
	{"fa-live-form", "31H 各项的形式", "the items of 31H are formed as specified", "3.5", 0, func(m *faMaster) {
		for range 5 {
			m.live(m.ofWord(2*faWait, 0x31).data)
		}
	}},
	{"fa-unanswered", "无应答: 2 秒后再轮询, 没有 31H", "no answer: the next poll after 2 s, no 31H", "3.2", 0, func(m *faMaster) {
		m.mute = true
		m.pass(faWait)
		m.seen = nil
		m.none(14*time.Second, 0x31)
		polls := m.of(0x30)
		m.want(len(polls) >= 4, "14 秒内只有 %d 次轮询 (polls)", len(polls))
		for i := 1; i < len(polls); i++ {
			gap := polls[i].at.Sub(polls[i-1].at)
			m.want(gap >= faWait-50*time.Millisecond && gap <= faWait+2*time.Second, "无应答时两次轮询相隔 %v (between two polls)", gap)
		}
		m.mute = false
		m.ofWord(2*faWait, 0x31)
	}},
	{"fa-wrong-answer", "CRC 错的应答等于没有", "an answer with a wrong CRC is none", "3.1, 3.2", 0, func(m *faMaster) {
		m.twist = func(a faFrame) []byte { body := a.body(); return faEscape(body, faCRC(body)+1) }
		m.pass(faWait)
		m.none(10*time.Second, 0x31)
		m.twist = nil
		m.ofWord(2*faWait, 0x31)
	}},
	{"fa-short-answer", "长度不对的 30H 应答不用", "an answer to 30H of a wrong length is not used", "3.4", 0, func(m *faMaster) {
		m.twist = func(a faFrame) []byte {
			if a.word() == 0x30 {
				a.data = a.data[:16]
			}
			return a.wire()
		}
		m.pass(faWait)
		m.none(6*time.Second, 0x31)
		m.twist = nil
		m.ofWord(2*faWait, 0x31)
	}},
	{"fa-number-free", "应答的帧号不符也接受", "an answer with another frame number is taken", "3.1", 0, func(m *faMaster) {
		m.twist = func(a faFrame) []byte { a.ctl = faFromPC | (a.ctl+17)&faNumbers; return a.wire() }
		m.pass(faWait)
		m.seen = nil
		m.pass(5 * time.Second)
		m.want(len(m.of(0x31)) >= 3, "5 秒内只有 %d 个 31H (in 5 s)", len(m.of(0x31)))
		m.twist = nil
	}},
	{"fa-reserved", "保留命令字不理, 照常轮询", "reserved words are ignored and polling goes on", "3.3", 0, func(m *faMaster) {
		for _, w := range []byte{0x37, 0x39, 0x3D, 0x00, 0x2F, 0x40, 0xFF} {
			m.send(m.own(w, 1, 2, 3).wire())
			m.ofWord(2*faWait, 0x30)
			m.ofWord(2*faWait, 0x31)
		}
	}},
	{"fa-clock", "采用 30H 的时间, 跨日跨月", "takes over the time of 30H, over midnight and month", "3.2, 3.4", 0, func(m *faMaster) {
		m.pass(2 * time.Second)
		near := func() {
			got, want := m.info().time, stampBytes(m.civil())
			a, ok := fromBCD(got)
			b, _ := fromBCD(want)
			m.want(ok && (a >= b-3 && a <= b+3 || b%100 < 3 || b%100 > 57), "3AH 的时间 % X, 应为 (time, want) % X", got, want)
		}
		near()
		m.ahead = 400 * 24 * time.Hour
		m.pass(3 * time.Second)
		near()
		m.ahead = 0
		m.pass(3 * time.Second)
		near()
	}},
	{"fa-totals", "38H 形式正确, 两次相等", "38H has its form and twice the same figures", "3.10", 0, func(m *faMaster) {
		a, b := m.totals(), m.totals()
		m.want(len(a) > 0, "38H 没有枪 (no nozzle)")
		for n, t := range a {
			m.want(b[n] == t, "%d 号枪 %d, %d (nozzle)", n, t, b[n])
		}
	}},
	{"fa-info", "3AH 形式正确", "3AH has its form", "3.10", 0, func(m *faMaster) {
		i := m.info()
		for _, c := range i.maker {
			m.want(c >= ' ' && c <= '~', "厂家 %q 不是 ASCII (maker)", i.maker)
		}
		_, place := fromBCD(i.place)
		_, at := fromBCD(i.time)
		m.want(place && at, "%+v: 地点与时间应为 BCD (place and time)", i)
		m.want(len(i.nozzles) > 0, "3AH 没有枪 (no nozzle)")
		for n := range m.totals() {
			m.want(slices.Contains(i.nozzles, n), "38H 的 %d 号枪不在 3AH 中 (nozzle of 38H)", n)
		}
	}},
	{"fa-asked-any-time", "未应答轮询时也回答 38H, 3AH, 3EH", "38H, 3AH, 3EH are answered although polls are not", "3.2", 0, func(m *faMaster) {
		m.mute = true
		m.pass(4 * faWait)
		m.totals()
		m.info()
		m.missing([]byte{0xE0, 0, 0, 7})
		m.mute = false
	}},
	{"fa-no-record", "没有的流水号: 3FH 带原号", "an unknown number: 3FH with it", "3.10", 0, func(m *faMaster) {
		for _, n := range []uint32{0xE0000000, 0xEFFFFFFF, 0xFFFFFFFE} {
			m.missing(binary.BigEndian.AppendUint32(nil, n))
		}
	}},
	{"fa-version-zero", "版本 0 不下载", "version 0 starts no download", "3.2, 3.4", 0, func(m *faMaster) { m.none(12*time.Second, 0x33) }},
	{"fa-four-times", "版本只见四次不下载", "a version that is seen four times starts no download", "3.2", 0, func(m *faMaster) {
		v := m.info().versions
		for range 3 {
			m.versions = faVersions{}
			m.ofWord(2*faWait, 0x30)
			m.versions[0] = v.next(0)
			for range faInARow - 1 {
				m.ofWord(2*faWait, 0x30)
			}
			m.versions = faVersions{}
			m.none(4*time.Second, 0x33)
		}
	}},
	{"fa-five-times", "版本第五次之后才申请", "a download begins behind the fifth sight of a version", "3.2, 3.7", 0, func(m *faMaster) {
		i := m.info()
		m.ofWord(2*faWait, 0x31)
		m.versions[4] = i.versions.next(4)
		m.files = map[byte][]byte{4: m.file(4, m.versions[4], i)}
		m.seen = nil
		f := m.ofWord(10*time.Second, 0x33)
		m.want(f.data[1] == 4, "33H % X: 应为内容 4 (content)", f.data)
		n := len(m.of(0x30))
		m.want(n >= faInARow && n <= faInARow+2, "第 %d 次轮询之后申请, 应为第 5 次 (polls before 33H, want 5)", n)
	}},
	{"fa-download-lists", "四种名单下载后 3AH 为新版本", "each list is downloaded and 3AH shows its version", "3.7, 3.8", 0, func(m *faMaster) {
		for content := range byte(4) {
			i := m.info()
			m.versions = faVersions{}
			v := i.versions.next(content)
			m.download(content, v, m.file(content, v, i))
		}
	}},
	{"fa-download-empty", "空名单也下载", "an empty list is a list", "3.8", 0, func(m *faMaster) {
		v := m.info().versions.next(1)
		m.download(1, v, faList(v, 0))
	}},
	{"fa-download-sizes", "段数整除与不整除的文件", "files that end with, before and behind a segment", "3.7", 0, func(m *faMaster) {
		for _, cards := range []int{4, 12, 22, 24, 25, 60} { // 20 + 10 n bytes: 240 = one ask of fifteen segments
			v := m.info().versions.next(2)
			m.download(2, v, faList(v, cards))
		}
	}},
	{"fa-download-station", "油站信息: 地址与枪号生效", "station info: address and nozzles hold", "3.1, 3.8", 0, func(m *faMaster) {
		i := m.info()
		v := i.versions.next(5)
		m.download(5, v, faStation(v, 9, []byte{7}))
		j := m.info()
		m.want(m.board == 9, "地址应为 9, 是 %d (src)", m.board)
		m.want(bytes.Equal(j.nozzles, []byte{7}), "枪号 % X, 应为 07 (nozzles)", j.nozzles)
		m.want(bytes.Equal(j.place, faStation(v, 9, nil)[1:11]), "地点 % X (place)", j.place)
		m.versions = faVersions{}
		v = j.versions.next(5)
		m.download(5, v, faStation(v, 1, i.nozzles))
	}},
	{"fa-download-damaged", "数据段坏了再申请", "a damaged segment is asked for again", "3.7", 0, func(m *faMaster) {
		v, bad := m.info().versions.next(3), 2
		m.twist = func(a faFrame) []byte {
			body := a.body()
			if a.word() == 0x34 && bad > 0 {
				bad--
				return faEscape(body, faCRC(body)^0x0100)
			}
			return a.wire()
		}
		m.download(3, v, faList(v, 60))
		m.want(bad == 0, "没有申请数据段 (no segments were asked for)")
	}},
	{"fa-download-asks", "34H 从 0 起逐段申请, 33H 带基础名单版本", "34H asks on from 0, 33H carries the base version", "3.7", 0, func(m *faMaster) {
		i := m.info()
		base := i.versions.next(0)
		m.download(0, base, faList(base, 3))
		for _, content := range []byte{1, 2} {
			m.seen = nil
			v := m.info().versions.next(content)
			m.download(content, v, faList(v, 100))
			asks := m.of(0x33)
			m.want(len(asks) > 0 && binary.BigEndian.Uint16(asks[0].data[2:]) == base, "33H 应带 %d (base version)", base)
			next := 0
			for _, f := range m.of(0x34) {
				offset := int(binary.BigEndian.Uint16(f.data[2:]))
				m.want(f.data[1] == content && offset == next, "34H % X: 应从第 %d 段 (from segment)", f.data, next)
				next += min(int(f.data[4]), 15)
			}
		}
	}},
	{"fa-priority", "同时有多种: 油站信息, 油价, 基础, 新增, 新删, 白名单", "the order of downloads", "3.2", 0, func(m *faMaster) {
		i := m.info()
		m.files = map[byte][]byte{}
		for content := range byte(6) {
			m.versions[content] = i.versions.next(content)
			m.files[content] = m.file(content, m.versions[content], i)
		}
		m.seen = nil
		for end := m.wire.Now().Add(3 * time.Minute); !m.failed() && m.info().versions != m.versions; m.pass(2 * time.Second) {
			m.want(m.wire.Now() < end, "三分钟未取完: %v, 应为 (not all of them) %v", m.info().versions, m.versions)
		}
		var order []byte
		for _, f := range m.of(0x33) {
			if !slices.Contains(order, f.data[1]) {
				order = append(order, f.data[1])
			}
		}
		m.want(bytes.Equal(order, []byte{5, 4, 0, 1, 2, 3}), "次序 % X, 应为 05 04 00 01 02 03 (order)", order)
	}},
	{"fa-preempt", "油价打断正在下载的名单", "prices break into a list that is being downloaded", "3.2", 0, func(m *faMaster) {
		i := m.info()
		m.versions[0] = i.versions.next(0)
		m.files = map[byte][]byte{0: faList(m.versions[0], 2000)}
		m.ofWord(20*time.Second, 0x34)
		m.versions[4] = i.versions.next(4)
		m.files[4] = m.file(4, m.versions[4], i)
		f := m.until(30*time.Second, func(f faFrame) bool { return f.word() == 0x33 && f.data[1] == 4 })
		m.want(f != nil, "30 秒内没有申请油价 (no 33H for prices in 30 s)")
		m.want(m.info().versions[0] != m.versions[0], "名单先下载完了 (the list came first)")
		m.versions[0] = 0
		m.pass(10 * time.Second)
	}},
	{"fa-download-nothing", "长度 0: 已有的名单不丢", "length 0: what the board has stays", "3.7, 3.14", 0, func(m *faMaster) {
		v := m.info().versions.next(1)
		m.download(1, v, faList(v, 30))
		m.files, m.versions[1] = nil, (v+100)%250+1 // the last download of a list: a board may rest after it
		m.ofWord(20*time.Second, 0x33)
		m.pass(4 * time.Second)
		m.want(m.info().versions[1] == v, "版本变成 %d, 名单丢了 (the list is gone)", m.info().versions[1])
	}},
	{"fa-price-record", "油价之后写 T-TYPE 8 记录; 内容, 重发, 确认, 重读", "a record of T-TYPE 8 behind new prices: content, repeat, acknowledge, re-read", "3.2, 3.6, 3.10", Minutes, func(m *faMaster) {
		m.hold = true
		i := m.info()
		v := i.versions.next(4)
		m.download(4, v, m.file(4, v, i))
		first := m.ofWord(2*faOld, 0x32).data
		m.event(first, 8)
		m.want(bytes.Equal(m.ofWord(10*time.Second, 0x32).data, first), "未确认的记录应原样重发 (an unacknowledged record comes again)")
		m.want(bytes.Equal(m.askAny(0x3E, first[1:5], 0x32, 0x3F).data, first), "3EH 应给出同一记录 (3EH gives the same)")
		m.hold = false
		m.ofWord(10*time.Second, 0x32)
		m.none(3*faOld, 0x32)
		m.hold = true
		m.want(bytes.Equal(m.askAny(0x3E, first[1:5], 0x32, 0x3F).data, first), "确认之后 3EH 仍应给出 (3EH still gives it)")
	}},
	{"fa-record-order", "记录从旧到新, 流水号连续", "records come oldest first, without a gap", "3.2, 3.6", Minutes, func(m *faMaster) {
		m.hold = true
		for range 3 {
			i := m.info()
			v := i.versions.next(4)
			m.download(4, v, m.file(4, v, i))
		}
		m.hold = false
		m.seen = nil
		m.pass(3 * faOld)
		list := m.of(0x32)
		m.want(len(list) == 3, "%d 条记录, 应为 3 (records)", len(list))
		for j := 1; j < len(list); j++ {
			a, b := binary.BigEndian.Uint32(list[j-1].data[1:]), binary.BigEndian.Uint32(list[j].data[1:])
			m.want(b == a+1, "流水号 %d 之后是 %d (behind that number)", a, b)
		}
	}},
	{"fa-record-away", "电脑不在时记录留存", "records are kept while the PC is away", "3.2, 4.6", Minutes, func(m *faMaster) {
		i := m.info()
		v := i.versions.next(4)
		m.download(4, v, m.file(4, v, i))
		m.mute = true
		m.none(10*faOld, 0x32)
		m.mute = false
		m.event(m.ofWord(faOld, 0x32).data, 8)
	}},
	{"fa-record-disputed", "答 T-MAC 错: 继续, 一小时后再送", "an answer of wrong T-MAC: it goes on, and offers it again in an hour", "3.6", Minutes, func(m *faMaster) {
		i := m.info()
		m.result = 1
		v := i.versions.next(4)
		m.download(4, v, m.file(4, v, i))
		first := m.ofWord(2*faOld, 0x32).data
		m.none(50*time.Minute, 0x32)
		m.want(bytes.Equal(m.ofWord(20*time.Minute, 0x32).data, first), "再送的应是同一记录 (the same record again)")
		m.result = 0
		m.pass(2 * time.Hour)
	}},
	{"fa-lift", "提枪与挂枪见于 31H", "31H shows lift and hang", "3.5, 3.13", Hands, func(m *faMaster) {
		m.hand("lift")
		up := m.until(5*time.Second, func(f faFrame) bool { return f.word() == 0x31 && m.lifted(f.data) })
		m.want(up != nil, "提枪 5 秒后 31H 没有 St=2 (no item with St=2 in 5 s)")
		m.hand("hang")
		down := m.until(5*time.Second, func(f faFrame) bool { return f.word() == 0x31 && !m.lifted(f.data) })
		m.want(down != nil, "挂枪 5 秒后 31H 仍有 St=2 (still St=2)")
	}},
	{"fa-power", "断电重来: 累计数, 版本, 记录还在", "power off and on: totals and versions are there", "5.1, 5.2", Hands, func(m *faMaster) {
		before, totals := m.info(), m.totals()
		m.hand("off")
		m.synced, m.reader = false, faReader{} // a frame may have been cut
		m.none(3*time.Second, 0x30)
		m.hand("on")
		m.ofWord(faBoot, 0x31)
		after := m.info()
		m.want(after.versions == before.versions && bytes.Equal(after.nozzles, before.nozzles), "%+v → %+v", before, after)
		for n, t := range m.totals() {
			m.want(totals[n] == t, "%d 号枪累计数 %d → %d (total of a nozzle)", n, totals[n], t)
		}
	}},
}

// faCRCs are the places of an FA in a CRC.
var faCRCs = []func(uint16) bool{
	func(c uint16) bool { return c>>8 == 0xFA && c&0xFF != 0xFA },
	func(c uint16) bool { return c>>8 != 0xFA && c&0xFF == 0xFA },
	func(c uint16) bool { return c == 0xFAFA },
}

// live walks the items of 31H. Source: dispenser.md 3.5.
func (m *faMaster) live(d []byte) (items [][]byte) {
	p := d[2:]
	for n := 0; n < int(d[1]) && !m.failed(); n++ {
		size := 2
		switch {
		case len(p) < 2:
			size = len(p) + 1
		case p[0]&3 == 1 && len(p) > 2:
			size = 3 + int(p[2])
		case p[0]&3 == 2:
			size = 11
		}
		if m.want(len(p) >= size, "31H % X: 项不完整 (an item is cut)", d); m.failed() {
			return items
		}
		items, p = append(items, p[:size]), p[size:]
	}
	m.want(len(p) == 0, "31H % X: 多余 (surplus) % X", d, p)
	return items
}

// lifted says that an item of 31H shows a nozzle up.
func (m *faMaster) lifted(d []byte) bool {
	return slices.ContainsFunc(m.live(d), func(i []byte) bool { return i[0]&3 == 2 })
}

// event checks a record that moves nothing. Source: dispenser.md 3.6.
func (m *faMaster) event(d []byte, kind byte) {
	m.want(d[5]&0x0F == kind, "T-TYPE %02X, 应为 (want) %d", d[5], kind)
	_, at := fromBCD(d[6:13])
	m.want(at, "TIME % X 不是 BCD", d[6:13])
	m.want(bytes.Equal(d[27:30], []byte{0, 0, 0}) && bytes.Equal(d[71:74], []byte{0, 0, 0}), "事件的 AMN 与 VOL 应为 0 (an event moves nothing): % X", d)
	t, known := m.totals()[d[68]]
	m.want(known && t == binary.BigEndian.Uint32(d[77:]), "V-TOT %d, 38H 是 (38H says) %d", binary.BigEndian.Uint32(d[77:]), t)
}

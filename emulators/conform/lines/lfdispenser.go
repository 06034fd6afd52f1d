package lines

import (
	"slices"
	"time"
)

// lfDispenserCases are what dispenser.md says of an LF dispenser, in its order.
var lfDispenserCases = []entry[*lfMaster]{
	{"lf-unasked", "没有人问就不说话", "never speaks first", "2.1", 0, func(m *lfMaster) {
		m.drain(lfQuiet)
		if got := m.drain(2 * time.Second); len(got) > 0 {
			m.fail("没有问却收到 (unasked): % X", got)
		}
	}},
	{"lf-twelve", "应答恰好 12 字节", "an answer is twelve bytes and no more", "2.1", 0, func(m *lfMaster) {
		m.state()
		if got := m.drain(500 * time.Millisecond); len(got) > 0 {
			m.fail("应答之后又收到 (behind the answer): % X", got)
		}
	}},
	{"lf-in-time", "20 次查询都在时限内应答", "twenty polls, each answered in time", "2.5", 0, func(m *lfMaster) {
		for range 20 {
			m.state()
			m.drain(lfPoll)
		}
	}},
	{"lf-partial", "半帧, 静默, 好帧: 应答好帧", "part of a frame, silence, a good frame: answered, for every cut", "2.1 rule 1", 0, func(m *lfMaster) {
		whole := lfFrame(m.Nozzle, 0xB8)
		for cut := 1; cut < lfSize; cut++ {
			m.silent(whole[:cut])
			m.state()
		}
	}},
	{"lf-pieces", "分两段而间隔短的帧仍是一帧", "a frame in two pieces with a short gap is one frame", "2.1 rule 1", 0, func(m *lfMaster) {
		whole := lfFrame(m.Nozzle, 0xB8)
		answered := false
		for range 3 { // a loaded machine may stretch a gap
			m.drain(lfQuiet)
			m.send(whole[:7])
			m.drain(20 * time.Millisecond)
			answered = answered || len(m.raw(whole[7:])) == lfSize
		}
		m.want(answered, "三次都无应答 (no answer in three tries)")
	}},
	{"lf-no-sliding", "错位的字节流中不找帧", "does not slide along a stream that is off by some bytes", "2.1 rules 2, 3", 0, func(m *lfMaster) {
		for _, lead := range [][]byte{{0x55}, {0x01, 0x00}, {0xB8, 0x00, 0x48}} {
			m.silent(append(slices.Clone(lead), lfFrame(m.Nozzle, 0xB8)...))
			m.state()
		}
	}},
	{"lf-babble", "40 个杂字节后静默, 好帧仍有应答", "forty odd bytes, silence, a good frame: answered", "2.1 rule 2", 0, func(m *lfMaster) {
		noise := make([]byte, 40)
		for i := range noise {
			noise[i] = byte(i*37 + 11)
		}
		m.silent(noise)
		m.state()
	}},
	{"lf-wrong-sum", "校验和每一位错都不应答", "each bit of the sum wrong: no answer", "2.1 rule 2, 2.3", 0, func(m *lfMaster) {
		for bit := range 8 {
			f := lfFrame(m.Nozzle, 0xB8)
			f[11] ^= 1 << bit
			m.silent(f)
		}
		m.state()
	}},
	{"lf-sum-span", "枪号不入校验和", "the nozzle number is not in the sum", "2.2", 0, func(m *lfMaster) {
		f := lfFrame(m.Nozzle, 0xB8)
		f[11] -= m.Nozzle
		m.silent(f)
		m.state()
	}},
	{"lf-damage-does-nothing", "坏帧不起作用", "a damaged command does nothing", "2.1, 2.3", 0, func(m *lfMaster) {
		for _, body := range [][]byte{append([]byte{0xA4}, toBCD(m.price+1, 2)...), {0xB0}} {
			f := lfFrame(m.Nozzle, body...)
			f[11]++
			m.silent(f)
		}
		s := m.state()
		m.want(s.price == m.price && s.state == 0x41, "%v: 坏帧起了作用 (a bad frame was obeyed)", s)
	}},
	{"lf-digit", "BCD 中大于 9 的数字是坏帧", "a digit above 9 in a BCD field is a bad frame", "2.1 rule 4", 0, func(m *lfMaster) {
		for _, body := range [][]byte{{0xA4, 0x07, 0x8A}, {0xA4, 0xA0, 0x00}, {0xA2, 0x00, 0x0F, 0x00}, {0xA3, 0xB0, 0x00, 0x00}, {0xA6, 0x3C}} {
			m.silent(lfFrame(m.Nozzle, body...))
		}
		m.want(m.state().price == m.price, "单价变了 (the price changed)")
	}},
	{"lf-other-nozzle", "别的枪号不应答", "another nozzle's number: no answer, no deed", "2.3", 0, func(m *lfMaster) {
		for _, body := range [][]byte{{0xB8}, {0xA0}, {0xB0}, append([]byte{0xA4}, toBCD(m.price+1, 2)...), {0xAC}, {0xAD}, {0xA9}} {
			m.silent(lfFrame(m.Other, body...))
		}
		s := m.state()
		m.want(s.price == m.price && s.state == 0x41, "%v: 照别的枪号做了 (did what another nozzle was told)", s)
	}},
	{"lf-unknown", "未知命令不应答", "an unknown command: no answer", "2.3", 0, func(m *lfMaster) {
		known := []byte{0xB8, 0xA0, 0xB0, 0xA1, 0xB1, 0xA2, 0xA3, 0xA4, 0xA6, 0xA8, 0xA9, 0xAC, 0xAD}
		for c := 0xA0; c <= 0xBF; c++ {
			if !slices.Contains(known, byte(c)) {
				m.silent(lfFrame(m.Nozzle, byte(c)))
			}
		}
		m.silent(lfFrame(m.Nozzle, 0x00))
		m.silent(lfFrame(m.Nozzle, 0xFF))
		m.state()
	}},
	{"lf-control", "A0 受控, B0 脱机, 均回显; 重复无害", "A0 and B0 are echoed and seen in bit 6; a repeat does no harm", "2.3, 2.4", 0, func(m *lfMaster) {
		for _, c := range []struct{ command, state byte }{{0xA0, 0x41}, {0xB0, 0x01}, {0xB0, 0x01}, {0xA0, 0x41}, {0xA0, 0x41}} {
			m.echo(c.command)
			s := m.state()
			m.want(s.state&^0x3C == c.state, "%02X: %v, 应为 (want) %02X", c.command, s, c.state)
		}
	}},
	{"lf-a1-down", "挂枪时 A1 被拒", "A1 with the nozzle down is refused", "2.3", 0, func(m *lfMaster) { m.refused(0xA1) }},
	{"lf-stand-alone", "脱机时 A1, A2, A3 被拒", "A1, A2, A3 in stand-alone mode are refused", "2.3", 0, func(m *lfMaster) {
		m.echo(0xB0)
		m.refused(0xA1)
		m.refused(0xA2, toBCD(20000, 3)...)
		m.refused(0xA3, toBCD(3000, 3)...)
	}},
	{"lf-arm", "挂枪时 A2, A3 接受, 状态仍为 41, 可替换, B1 取消", "A2 and A3 with the nozzle down are accepted, replace each other, leave 41; B1 cancels", "2.3, 2.4", 0, func(m *lfMaster) {
		for _, p := range [][]byte{append([]byte{0xA2}, toBCD(20000, 3)...), append([]byte{0xA3}, toBCD(3000, 3)...), append([]byte{0xA3}, toBCD(999999, 3)...)} {
			m.echo(p[0], p[1:]...)
			s := m.state()
			m.want(s.state&^0x3C == 0x41 && s.cash == 0 && s.litres == 0, "%v: 预置后应为 41 与 0 (armed: 41 and no figures)", s)
		}
		m.echo(0xB1)
		m.want(m.state().state&^0x3C == 0x41, "B1 后应为 41 (want 41)")
	}},
	{"lf-preset-zero", "预置为 0 被拒", "a preset of 0 is refused", "2.3", 0, func(m *lfMaster) {
		m.refused(0xA2, 0, 0, 0)
		m.refused(0xA3, 0, 0, 0)
	}},
	{"lf-preset-pulse", "不足 0.01 升的金额被拒, 足够的接受", "less money than 0.01 L costs is refused, just enough is accepted", "2.3", 0, func(m *lfMaster) {
		for _, p := range []int64{785, 9999} {
			m.echo(0xA4, toBCD(p, 2)...)
			m.refused(0xA2, toBCD(p/100, 3)...)
			m.echo(0xA2, toBCD(p/100+1, 3)...)
			m.echo(0xB1)
		}
	}},
	{"lf-price", "A4 设单价, B8 读回", "A4 sets the price and B8 reads it back", "2.3", 0, func(m *lfMaster) {
		for _, p := range []int64{1, 785, 5050, 9999} {
			m.echo(0xA4, toBCD(p, 2)...)
			if got := m.state().price; got != p {
				m.fail("单价 (price) %s, 应为 (want) %s", cents(got), cents(p))
			}
		}
	}},
	{"lf-price-zero", "单价 0 被拒", "a price of 0 is refused", "2.3", 0, func(m *lfMaster) { m.refused(0xA4, 0, 0) }},
	{"lf-price-stays", "A0, B0, B1 不改单价", "A0, B0, B1 leave the price", "2.3", 0, func(m *lfMaster) {
		m.echo(0xA4, toBCD(742, 2)...)
		for _, c := range []byte{0xB0, 0xA0, 0xB1} {
			m.echo(c)
			m.want(m.state().price == 742, "%02X 改了单价 (changed the price)", c)
		}
	}},
	{"lf-prevalve", "A6 回显", "A6 is echoed over its range", "2.3", 0, func(m *lfMaster) {
		for _, v := range []int64{0, 99, 30} {
			m.echo(0xA6, toBCD(v, 1)...)
		}
	}},
	{"lf-stop-idle", "空闲时 B1 无害", "B1 while idle does no harm", "2.3", 0, func(m *lfMaster) {
		m.echo(0xB1)
		m.want(m.state().state&^0x3C == 0x41, "B1 后应为 41 (want 41)")
	}},
	{"lf-totals", "AC, AD 读两次相等", "AC and AD read twice alike", "2.3, 4.5", 0, func(m *lfMaster) {
		for _, c := range []byte{0xAC, 0xAD} {
			first := m.total(c)
			m.want(m.total(c) == first, "%02X 两次不同 (twice, not alike)", c)
		}
	}},
	{"lf-totals-stay", "不出油的命令不动累计数", "commands without fuel leave the totals", "2.3, 8", 0, func(m *lfMaster) {
		cash, litres := m.total(0xAC), m.total(0xAD)
		m.echo(0xA4, toBCD(785, 2)...)
		m.echo(0xA2, toBCD(20000, 3)...)
		m.echo(0xB1)
		m.echo(0xA8)
		m.want(m.total(0xAC) == cash && m.total(0xAD) == litres, "累计数变了 (a total moved)")
	}},
	{"lf-shift", "A8 后 A9 为 0", "A9 is 0 after A8", "2.3", 0, func(m *lfMaster) {
		m.shift()
		m.echo(0xA8)
		cash, litres := m.shift()
		m.want(cash == 0 && litres == 0, "A8 后 A9 (A9 after A8) %s %s", cents(cash), cents(litres))
	}},
	{"lf-lift", "受控时提枪为 C1, 不出油; 挂枪为 41", "a lift under control is C1 and waits; 41 when hung", "2.3, 2.4", Hands, func(m *lfMaster) {
		m.hand("lift", "squeeze 1000")
		m.becomes(time.Second, 0xC1)
		s := m.stays(5*time.Second, 0xC1)
		m.want(s.litres == 0, "%v: 未授权出油 (fuel without leave)", s)
		m.hand("squeeze 0", "hang")
		m.becomes(time.Second, 0x41)
	}},
	{"lf-lift-alone", "脱机提枪即加油: 81, 82, 01", "a lift in stand-alone mode fuels at once: 81, 82, 01", "2.3, 2.4", Hands, func(m *lfMaster) {
		litres, cash := m.total(0xAD), m.total(0xAC)
		m.echo(0xB0)
		m.hand("lift")
		m.becomes(3*time.Second, 0x82)
		m.hand("squeeze 1000")
		m.flowed(200)
		m.hand("squeeze 0", "hang")
		s := m.becomes(2*time.Second, 0x01)
		m.booked(s, litres, cash)
	}},
	{"lf-fuel", "A1 授权, 加油, 挂枪: 数字与累计数相符", "A1, fuel, hang: figures and totals agree", "2.3, 2.4, 4.5", Hands, func(m *lfMaster) {
		litres, cash := m.total(0xAD), m.total(0xAC)
		m.fuelling(0xA1)
		m.flowed(300)
		m.hand("squeeze 0", "hang")
		s := m.becomes(2*time.Second, 0x41)
		m.adds(s)
		m.booked(s, litres, cash)
	}},
	{"lf-fuel-repeat", "加油中重复 A1 无害, A2, A3, A4 被拒", "while fuelling A1 again does no harm; A2, A3, A4 are refused", "2.3", Hands, func(m *lfMaster) {
		m.fuelling(0xA1)
		m.flowed(50)
		m.echo(0xA1)
		m.hand("squeeze 0")
		m.refused(0xA2, toBCD(20000, 3)...)
		m.refused(0xA3, toBCD(3000, 3)...)
		m.refused(0xA4, toBCD(m.price+1, 2)...)
		m.want(m.state().price == m.price, "加油中单价变了 (the price changed in a fill)")
		m.hand("hang")
		m.becomes(2*time.Second, 0x41)
	}},
	{"lf-a4-up", "提枪时 A4 被拒", "A4 with the nozzle up is refused", "2.3", Hands, func(m *lfMaster) {
		m.hand("lift")
		m.becomes(time.Second, 0xC1)
		m.refused(0xA4, toBCD(m.price+1, 2)...)
		m.hand("hang")
		m.becomes(time.Second, 0x41)
	}},
	{"lf-preset-litres", "定 5.00 升, 到量即停", "5.00 L preset: it stops there", "2.7, 5.1", Hands, func(m *lfMaster) {
		litres, cash := m.total(0xAD), m.total(0xAC)
		s := m.preset(0xA3, 500)
		m.want(s.litres >= 499 && s.litres <= 501, "%v: 应为 5.00 ± 0.01 升 (litres)", s)
		m.adds(s)
		m.booked(s, litres, cash)
	}},
	{"lf-preset-cash", "定 30.00 元, 到量即停", "30.00 yuan preset: it stops there", "2.7, 5.1", Hands, func(m *lfMaster) {
		litres, cash := m.total(0xAD), m.total(0xAC)
		s := m.preset(0xA2, 3000)
		m.want(s.cash == 3000, "%v: 应为 30.00 元 (yuan)", s)
		m.adds(s)
		m.booked(s, litres, cash)
	}},
	{"lf-cancel", "B1 取消的预置在提枪后不出油", "a preset that B1 cancelled delivers nothing at the next lift", "2.3", Hands, func(m *lfMaster) {
		m.echo(0xA3, toBCD(500, 3)...)
		m.echo(0xB1)
		m.hand("lift", "squeeze 1000")
		m.stays(4*time.Second, 0xC1)
		m.hand("squeeze 0", "hang")
		m.becomes(time.Second, 0x41)
	}},
	{"lf-stop", "加油中 B1: 关阀, C1, 数字不再走", "B1 while fuelling: C1 and the figures stand", "2.3, 2.5", Hands, func(m *lfMaster) {
		m.fuelling(0xA1)
		m.flowed(100)
		m.echo(0xB1)
		m.drain(800 * time.Millisecond)
		s := m.becomes(0, 0xC1)
		m.drain(2 * time.Second)
		later := m.state()
		m.want(later.litres == s.litres, "停机后还在走 (went on after the stop): %v → %v", s, later)
		m.hand("squeeze 0", "hang")
		m.becomes(2*time.Second, 0x41)
	}},
	{"lf-resume", "停机后以 A3 续加: 同一笔交易", "an A3 for the rest goes on with the same sale", "4.2", Hands, func(m *lfMaster) {
		litres, cash := m.total(0xAD), m.total(0xAC)
		m.fuelling(0xA3, toBCD(600, 3)...)
		m.flowed(200)
		m.echo(0xB1)
		m.drain(800 * time.Millisecond)
		s := m.becomes(0, 0xC1)
		m.echo(0xA3, toBCD(600-s.litres, 3)...)
		m.becomes(5*time.Second, 0xC2)
		end := m.becomes(time.Minute, 0xC1)
		m.want(end.litres >= 599 && end.litres <= 601, "%v: 续加后应为 6.00 升 (litres in all)", end)
		m.hand("squeeze 0", "hang")
		m.booked(m.becomes(2*time.Second, 0x41), litres, cash)
	}},
	{"lf-figures", "上一笔的数字保持到下次提枪", "the figures of a sale stay until the next lift", "2.4", Hands, func(m *lfMaster) {
		s := m.preset(0xA3, 200)
		later := m.stays(3*time.Second, 0x41)
		m.want(later.litres == s.litres && later.cash == s.cash, "%v → %v", s, later)
		m.hand("lift")
		now := m.becomes(time.Second, 0xC1)
		m.want(now.litres == 0 && now.cash == 0, "%v: 提枪后应为 0 (want 0 after the lift)", now)
		m.hand("hang")
		m.becomes(time.Second, 0x41)
	}},
	{"lf-shift-sale", "班累等于班内的交易", "the shift sums are the sales of the shift", "2.3", Hands, func(m *lfMaster) {
		m.echo(0xA8)
		a, b := m.preset(0xA3, 200), m.preset(0xA2, 1000)
		cash, litres := m.shift()
		m.want(cash == a.cash+b.cash && litres == a.litres+b.litres, "班累 (shift) %s %s, 交易 (sales) %v, %v", cents(cash), cents(litres), a, b)
	}},
	{"lf-lost", "受控加油中 5 秒无轮询即关阀", "under control, fuelling, nothing heard for 5 s: the valve closes", "4.7", Hands, func(m *lfMaster) {
		m.fuelling(0xA1)
		m.flowed(50)
		m.drain(lfLost + 2*time.Second)
		m.becomes(0, 0xC1)
		m.hand("squeeze 0", "hang")
		m.becomes(2*time.Second, 0x41)
	}},
	{"lf-lost-preset", "5 秒无轮询, 预置作废", "nothing heard for 5 s: an armed preset is void", "4.7", Hands, func(m *lfMaster) {
		m.echo(0xA3, toBCD(500, 3)...)
		m.drain(lfLost + time.Second)
		m.hand("lift", "squeeze 1000")
		m.stays(4*time.Second, 0xC1)
		m.hand("squeeze 0", "hang")
		m.becomes(time.Second, 0x41)
	}},
	{"lf-power", "断电重来: 脱机, 累计数与单价还在", "power off and on: stand-alone, totals and price are there", "5.1, 5.2", Hands, func(m *lfMaster) {
		m.echo(0xA4, toBCD(742, 2)...)
		cash, litres := m.total(0xAC), m.total(0xAD)
		m.hand("off")
		m.silent(lfFrame(m.Nozzle, 0xB8))
		m.hand("on")
		for end := m.wire.Now().Add(lfBoot); !m.failed() && len(m.raw(lfFrame(m.Nozzle, 0xB8))) != lfSize; m.drain(lfPoll) {
			m.want(m.wire.Now() < end, "重新上电后无应答 (no answer after power came back)")
		}
		s := m.state()
		m.want(s.state&^0x3C == 0x01 && s.price == 742, "%v: 上电后应为 01 与原单价 (want 01 and the price)", s)
		m.want(m.total(0xAC) == cash && m.total(0xAD) == litres, "上电后累计数变了 (a total changed)")
	}},
}

// fuelling lifts, authorises by a command and squeezes.
func (m *lfMaster) fuelling(command byte, data ...byte) {
	m.hand("lift")
	m.becomes(time.Second, 0xC1)
	m.echo(command, data...)
	m.becomes(5*time.Second, 0xC2)
	m.hand("squeeze 1000")
}

// flowed waits for so many hundredths of a litre; cash and litres never go back on the way.
func (m *lfMaster) flowed(litres int64) {
	var before lfState
	for end := m.wire.Now().Add(time.Minute); !m.failed() && before.litres < litres; m.drain(lfPoll) {
		s := m.state()
		m.adds(s)
		m.want(s.litres >= before.litres && s.cash >= before.cash, "%v → %v: 走回头了 (went back)", before, s)
		m.want(m.wire.Now() < end, "%v: 一分钟没有加到 (not there in a minute) %s", s, cents(litres))
		before = s
	}
}

// preset arms with the nozzle down, and makes the whole sale.
func (m *lfMaster) preset(command byte, value int64) lfState {
	m.echo(command, toBCD(value, 3)...)
	m.stays(time.Second, 0x41)
	m.hand("lift")
	m.becomes(6*time.Second, 0xC2)
	m.hand("squeeze 1000")
	m.becomes(time.Minute, 0xC1)
	m.hand("squeeze 0", "hang")
	return m.becomes(2*time.Second, 0x41)
}

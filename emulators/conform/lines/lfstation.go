package lines

import (
	"slices"
	"time"
)

// lfStationCases are what dispenser.md says of the station's side of an LF line.
var lfStationCases = []entry[*lfDevice]{
	{"ls-silent", "无应答: 只发 B8, 相隔 0.25…2.5 秒", "no answer: B8 alone, 0.25 to 2.5 s apart", "2.1, 2.5", 0, func(d *lfDevice) {
		d.mute = true
		d.serve(d.Wait, func() bool { return len(d.log) > 0 })
		d.want(len(d.log) > 0, "%v 内没有请求 (no request)", d.Wait)
		since := len(d.log)
		d.onlyPolls(20*time.Second, "无应答 (no answer)")
		for i := since; i < len(d.log); i++ {
			gap := d.log[i].at.Sub(d.log[i-1].at)
			d.want(gap >= 250*time.Millisecond && gap <= 2500*time.Millisecond, "两次查询相隔 %v (between two polls)", gap)
		}
		d.want(len(d.log)-since >= 7, "20 秒内只有 %d 次查询 (polls)", len(d.log)-since)
	}},
	{"ls-greet", "应答之后: A0, 两种累计数", "once answered: A0 and both totals", "2.3, 2.5", 0, func(d *lfDevice) { d.greeted() }},
	{"ls-totals-twice", "累计数读两次", "each total is read twice", "2.4, 4.5", 0, func(d *lfDevice) {
		d.greeted()
		d.want(len(d.of(0, 0xAC)) >= 2 && len(d.of(0, 0xAD)) >= 2, "AC %d 次, AD %d 次 (times)", len(d.of(0, 0xAC)), len(d.of(0, 0xAD)))
	}},
	{"ls-totals-differ", "两次累计数不同则再读", "totals that differ are read again", "4.5", 0, func(d *lfDevice) {
		n := byte(0)
		d.twist = func(q, r []byte) []byte {
			if q[2] == 0xAD && n < 3 {
				n++
				r = lfFrame(d.Nozzle, 0xAD, 0, 0, 0, 0, 0, 0x15, 0x72, n)
			}
			return r
		}
		d.serve(d.Wait+20*time.Second, func() bool { return len(d.of(0, 0xAD)) >= 5 })
		d.want(len(d.of(0, 0xAD)) >= 5, "AD 只有 %d 次 (times)", len(d.of(0, 0xAD)))
	}},
	{"ls-cadence", "空闲时每 100…300 毫秒查询", "polls every 100 to 300 ms while idle", "2.5, 4.1", 0, func(d *lfDevice) {
		d.greeted()
		since := len(d.log)
		d.pass(10 * time.Second)
		polls := d.of(since, 0xB8)
		d.want(len(polls) >= 10*1000/350 && len(polls) <= 101, "10 秒内 %d 次查询 (polls in 10 s)", len(polls))
	}},
	{"ls-control", "状态位 6 为 0: 再发 A0", "bit 6 reads 0: A0 again", "2.3, 2.5", 0, func(d *lfDevice) {
		d.greeted()
		d.alone = true
		d.asked(5*time.Second, 1, 0xA0)
	}},
	{"ls-control-tries", "A0 不起作用: 至少五次", "A0 without effect: five tries at least", "2.5", 0, func(d *lfDevice) {
		d.alone, d.stubborn = true, true
		d.serve(d.Wait, func() bool { return len(d.log) > 0 })
		d.asked(30*time.Second, 5, 0xA0)
	}},
	{"ls-bad-sum", "校验和错的应答不起作用", "a reply with a wrong sum does nothing", "2.1", 0, func(d *lfDevice) {
		d.ignored(func(r []byte) []byte { r[11]++; return r })
	}},
	{"ls-bad-digit", "BCD 不对的应答不起作用", "a reply with a digit above 9 does nothing", "2.1 rule 4", 0, func(d *lfDevice) {
		d.ignored(func(r []byte) []byte { r[9] = 0x3A; r[11] = lfSum(r); return r })
	}},
	{"ls-bad-state", "表中没有的状态不起作用", "a state that is not in the table does nothing", "2.4", 0, func(d *lfDevice) {
		d.ignored(func(r []byte) []byte { r[10] = 0xC3; r[11] = lfSum(r); return r })
	}},
	{"ls-other-nozzle", "别的枪的应答不起作用", "another nozzle's reply does nothing", "2.2", 0, func(d *lfDevice) {
		d.ignored(func(r []byte) []byte { r[0] = d.Nozzle + 1; return r })
	}},
	{"ls-short", "半帧应答不起作用", "part of a reply does nothing", "2.1 rule 1", 0, func(d *lfDevice) {
		d.ignored(func(r []byte) []byte { return r[:9] })
	}},
	{"ls-long", "应答之前有杂字节: 整段丢弃", "odd bytes before a reply: all is discarded", "2.1 rules 2, 3", 0, func(d *lfDevice) {
		d.ignored(func(r []byte) []byte { return append([]byte{0x01, 0x55, 0xAA}, r...) })
	}},
	{"ls-late-echo", "迟到的回显不是 B8 的应答", "a late echo is not the answer to B8", "2.3", 0, func(d *lfDevice) {
		d.ignored(func([]byte) []byte { return lfFrame(d.Nozzle, 0xA1) })
	}},
	{"ls-missed-two", "丢两次应答不算离线", "two missed polls are not offline", "2.5", 0, func(d *lfDevice) {
		d.greeted()
		n := 0
		d.twist = func(_, r []byte) []byte {
			if n++; n <= 2 {
				return nil
			}
			return r
		}
		d.onlyPolls(5*time.Second, "丢两次 (two missed)")
	}},
	{"ls-offline", "离线再来: 三次好的查询, A0, AD, AC", "back from offline: three good polls, A0, AD, AC", "2.5", 0, func(d *lfDevice) {
		d.greeted()
		d.mute = true
		d.pass(8 * time.Second)
		d.mute = false
		since := len(d.log)
		if !d.serve(20*time.Second, func() bool {
			return len(d.of(since, 0xA0)) > 0 && len(d.of(since, 0xAC)) > 0 && len(d.of(since, 0xAD)) > 0
		}) {
			d.fail("20 秒内没有 A0, AC, AD (none in 20 s): %s", d.heardWords())
			return
		}
		first := slices.IndexFunc(d.log[since:], func(a lfAsked) bool { return a.command() != 0xB8 })
		d.want(first >= 3, "第 %d 次之后就发了 %02X (a command behind so many polls)", first, d.log[since+max(first, 0)].command())
	}},
	{"ls-line-echo", "线路回波不是加油机", "an echo of the line is no dispenser", "2.8", 0, func(d *lfDevice) {
		d.twist = func(q, _ []byte) []byte { return q }
		d.onlyPolls(d.Wait+10*time.Second, "回波 (echo)")
		d.want(len(d.log) > 3, "没有查询 (no polls)")
	}},
	{"ls-lifted", "提枪而无人授权: 只查询", "a lifted nozzle that nobody authorises is polled and no more", "2.3, 4.1", 0, func(d *lfDevice) {
		d.greeted()
		d.up = true
		d.onlyPolls(5*time.Second, "提枪 (lifted)")
		d.up = false
		d.pass(2 * time.Second)
	}},
	{"ls-unauthorised", "无人授权而出油: B1, 不听则再发", "fuel without leave: B1, and again while it is not obeyed", "4.3, 2.5", 0, func(d *lfDevice) {
		d.greeted()
		d.up, d.fuelling, d.stubborn = true, true, true
		stops := d.asked(20*time.Second, 3, 0xB1)
		for i := 1; i < len(stops); i++ {
			d.want(stops[i].at.Sub(stops[i-1].at) >= 750*time.Millisecond, "两次 B1 相隔 %v (between two stops)", stops[i].at.Sub(stops[i-1].at))
		}
		d.stubborn = false
		d.asked(20*time.Second, 1, 0xB1)
		since := len(d.log)
		d.pass(3 * time.Second)
		d.want(len(d.of(since, 0xB1)) == 0, "停下后还发 B1 (B1 although it has stopped)")
	}},
	{"lo-authorise", "A1 一次; 600 毫秒后看; C2 后不再发", "A1 once, a look after 600 ms, not again once it is C2", "2.3, 2.5", Orders, func(d *lfDevice) {
		d.up = true
		d.pass(time.Second)
		d.told = []byte{0xA1}
		d.twist = func(q, r []byte) []byte {
			if q[2] == 0xA1 {
				return nil // no source shows the echo of A1
			}
			return r
		}
		since := len(d.log)
		d.order(d.desk.Authorise(0, 0))
		a := d.asked(5*time.Second, 1, 0xA1)
		d.pass(3 * time.Second)
		d.want(len(d.of(since, 0xA1)) == 1, "A1 %d 次 (times)", len(d.of(since, 0xA1)))
		if polls := d.of(since, 0xB8); !d.failed() {
			i := slices.IndexFunc(polls, func(p lfAsked) bool { return p.at > a[0].at })
			d.want(i >= 0 && polls[i].at.Sub(a[0].at) >= 550*time.Millisecond, "A1 之后 600 毫秒才应查询 (the first poll behind A1)")
		}
		d.want(len(d.of(since, 0xB1)) == 0, "授权的加油被停 (an authorised delivery was stopped)")
	}},
	{"lo-authorise-lost", "A1 无声: 查询证明未出油才再发, 5 秒内至多五次", "A1 unheard: again, five times within 5 s at most", "2.5", Orders, func(d *lfDevice) {
		d.up, d.stubborn = true, true
		d.pass(time.Second)
		d.told = []byte{0xA1}
		d.twist = func(q, r []byte) []byte {
			if q[2] == 0xA1 {
				return nil
			}
			return r
		}
		since := len(d.log)
		d.order(d.desk.Authorise(0, 0))
		d.pass(8 * time.Second)
		n := len(d.of(since, 0xA1))
		d.want(n >= 2 && n <= 5, "A1 %d 次, 应为 2…5 (times)", n)
		later := len(d.log)
		d.pass(5 * time.Second)
		d.want(len(d.of(later, 0xA1)) == 0, "5 秒之后还发 A1 (A1 after 5 s)")
	}},
	{"lo-sale", "预置, 提枪, 加油, 挂枪: 之后读 AD, AC, B8", "preset, lift, fuel, hang: then AD, AC and B8", "2.4, 2.7", Orders, func(d *lfDevice) {
		d.told = []byte{0xA3}
		since := len(d.log)
		d.order(d.desk.Authorise(0, 1000))
		a := d.asked(5*time.Second, 1, 0xA3)
		if !d.failed() {
			d.want(slices.Equal(a[0].frame, lfFrame(d.Nozzle, 0xA3, 0, 0x10, 0)), "% X: 应为 10.00 升 (want 10.00 L)", a[0].frame)
		}
		d.pass(time.Second)
		d.want(len(d.of(since, 0xA3)) == 1, "接受了的 A3 又发 (an accepted A3 again)")
		d.up = true
		d.pass(time.Second)
		d.fuelling = true
		d.flow(1000)
		d.fuelling = false
		d.pass(time.Second)
		end := len(d.log)
		d.hang()
		d.serve(10*time.Second, func() bool { return len(d.of(end, 0xAD)) > 0 && len(d.of(end, 0xAC)) > 0 && d.polling(2) })
		d.want(len(d.of(end, 0xAD)) > 0 && len(d.of(end, 0xAC)) > 0, "挂枪后没有读 AD, AC (totals were not read)")
		d.want(len(d.of(since, 0xB1)) == 0, "授权的加油被停 (an authorised delivery was stopped)")
	}},
	{"lo-refused", "以状态应答的预置算被拒: 不再发, 不出油", "a preset that is answered in state form is refused", "2.3", Orders, func(d *lfDevice) {
		d.told = []byte{0xA2}
		d.twist = func(q, r []byte) []byte {
			if q[2] == 0xA2 {
				return d.stateForm()
			}
			return r
		}
		since := len(d.log)
		d.order(d.desk.Authorise(20000, 0))
		d.asked(5*time.Second, 1, 0xA2)
		d.pass(8 * time.Second)
		n := len(d.of(since, 0xA2))
		d.want(n <= 5, "A2 %d 次 (times)", n)
		later := len(d.log)
		d.pass(5 * time.Second)
		d.want(len(d.of(later, 0xA2)) == 0, "被拒之后还发 A2 (A2 although refused)")
	}},
	{"lo-price", "A4 一次, B8 读回即止", "A4 once, proved by B8", "2.3, 4.1", Orders, func(d *lfDevice) {
		d.told = []byte{0xA4}
		since := len(d.log)
		d.order(d.desk.SetPrice(742))
		d.asked(10*time.Second, 1, 0xA4)
		d.pass(6 * time.Second)
		d.want(d.price == 742 && len(d.of(since, 0xA4)) == 1, "A4 %d 次, 单价 (times, price) %s", len(d.of(since, 0xA4)), cents(d.price))
	}},
	{"lo-price-stubborn", "单价读不回: 五次, 相隔 2 秒, 然后不卖", "a price that does not read back: five tries, 2 s apart, then no sale", "2.3, 4.1", Orders, func(d *lfDevice) {
		d.told = []byte{0xA4}
		d.stubborn = true
		since := len(d.log)
		d.order(d.desk.SetPrice(742))
		d.pass(40 * time.Second)
		tries := d.of(since, 0xA4)
		d.want(len(tries) == 5, "A4 %d 次, 应为 5 (tries)", len(tries))
		for i := 1; i < len(tries); i++ {
			d.want(tries[i].at.Sub(tries[i-1].at) >= 1950*time.Millisecond, "两次 A4 相隔 %v (between two tries)", tries[i].at.Sub(tries[i-1].at))
		}
		d.want(d.desk.Authorise(0, 1000) != nil, "单价不对仍可授权 (authorised with a wrong price)")
	}},
	{"lo-price-busy", "提枪时不发 A4, 挂枪后才发", "no A4 while the nozzle is up", "4.1", Orders, func(d *lfDevice) {
		d.up = true
		d.pass(time.Second)
		d.order(d.desk.SetPrice(742))
		d.onlyPolls(5*time.Second, "提枪 (nozzle up)") // A4 is not told yet: it would fail the case
		d.up = false
		d.told = []byte{0xA4}
		d.asked(10*time.Second, 1, 0xA4)
	}},
	{"lo-stop", "B1; 不听则再发", "B1, and again while it is not obeyed", "2.3, 2.5", Orders, func(d *lfDevice) {
		d.up = true
		d.pass(time.Second)
		d.told = []byte{0xA1}
		d.order(d.desk.Authorise(0, 0))
		d.asked(5*time.Second, 1, 0xA1)
		d.pass(2 * time.Second)
		d.stubborn = true
		d.order(d.desk.Stop())
		d.asked(10*time.Second, 2, 0xB1)
		d.stubborn = false
		d.asked(10*time.Second, 1, 0xB1)
		since := len(d.log)
		d.pass(3 * time.Second)
		d.want(len(d.of(since, 0xB1)) == 0, "停下后还发 B1 (B1 although it has stopped)")
	}},
}

// ignored shows a delivery that nobody authorised in replies that count for nothing: the station must do nothing about it.
func (d *lfDevice) ignored(bend func([]byte) []byte) {
	d.greeted()
	for range 3 {
		n := 0
		d.twist = func(q, r []byte) []byte {
			if n++; n > 2 || q[2] != 0xB8 { // two in a row are not offline yet
				return r
			}
			return bend(lfFrame(d.Nozzle, append(append(toBCD(d.price, 2), 0, 0x07, 0x85, 0, 0x01, 0), 0xC2)...))
		}
		d.onlyPolls(3*time.Second, "坏应答 (a bad reply)")
	}
	d.twist = nil
}

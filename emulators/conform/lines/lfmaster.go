package lines

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// Times of an LF master. Source: dispenser.md 2.1, 2.5, 4.7, 5.2.
const (
	lfSilence = 50 * time.Millisecond
	lfQuiet   = 2 * lfSilence // what a case keeps of it: a tty is late
	lfPause   = 150 * time.Millisecond
	lfPoll    = 150 * time.Millisecond
	lfBoot    = 10 * time.Second
	lfLost    = 5 * time.Second
)

// HandsAt moves the hands at a dispenser: lift, squeeze N, hang, off, on, insert, pull, keys K.
type HandsAt func(words string) error

// Dispenser is a dispenser under test.
type Dispenser struct {
	Wire  Wire
	Hands HandsAt // nil: nobody stands there
}

// LFOptions say how an LF dispenser is asked.
type LFOptions struct {
	Nozzle byte          // 1
	Other  byte          // a number that no nozzle of the board has: 99
	Reply  time.Duration // from the last byte of a request to the last of its answer: 250 ms and 12 bytes
	Pick
}

// lfMaster is a station that asks one nozzle.
type lfMaster struct {
	try
	LFOptions
	hands HandsAt
	price int64 // that the case found
}

// CheckLFDispenser asks a dispenser of each maker's new one, case by case.
func CheckLFDispenser(o LFOptions, make func() (Dispenser, error)) Report {
	if o.Nozzle == 0 {
		o.Nozzle = 1
	}
	if o.Other == 0 {
		o.Other = 99
	}
	if o.Reply == 0 {
		o.Reply = 250*time.Millisecond + 2*12500*time.Microsecond
	}
	return run(lfDispenserCases, o.Pick, func(entry[*lfMaster]) (*lfMaster, func() (int, error), error) {
		d, err := make()
		if err != nil {
			return nil, nil, err
		}
		m := &lfMaster{try: try{wire: d.Wire}, LFOptions: o, hands: d.Hands}
		m.greet()
		return m, func() (int, error) { err := m.outcome(); m.leave(); return m.frames, err }, nil
	})
}

// greet waits until the board answers, takes it under control and keeps its price.
func (m *lfMaster) greet() {
	for end := m.wire.Now().Add(lfBoot); !m.failed(); {
		m.drain(lfQuiet)
		if got := m.raw(lfFrame(m.Nozzle, 0xB8)); len(got) == lfSize {
			break
		} else if m.wire.Now() >= end {
			m.fail("%v 内没有应答 (no answer to B8)", lfBoot)
		}
	}
	m.echo(0xB1)
	m.echo(0xA0)
	s := m.state()
	if m.price = s.price; m.price == 0 {
		m.echo(0xA4, toBCD(785, 2)...)
		m.price = m.state().price
	}
	m.want(m.state().state == 0x41, "%v: 用例须从受控空闲 41 开始 (a case begins with 41)", s)
}

// leave puts the board back as greet found it, whatever the case has done.
func (m *lfMaster) leave() {
	m.err = nil
	m.drain(lfQuiet)
	for _, f := range [][]byte{lfFrame(m.Nozzle, 0xB1), lfFrame(m.Nozzle, 0xA0), lfFrame(m.Nozzle, append([]byte{0xA4}, toBCD(m.price, 2)...)...)} {
		m.raw(f)
		m.drain(lfPause)
	}
}

// raw sends bytes and returns what comes up to the time that an answer has; a whole answer ends the wait.
func (m *lfMaster) raw(b []byte) (got []byte) {
	m.send(b)
	for end := m.wire.Now().Add(m.Reply); !m.failed() && len(got) < lfSize; {
		x := m.receive(end.Sub(m.wire.Now()))
		if len(x) == 0 {
			break
		}
		got = append(got, x...)
	}
	return got
}

// ask sends a request and returns its answer, which has the form of an answer.
func (m *lfMaster) ask(command byte, data ...byte) []byte {
	if command != 0xB8 {
		if early := m.drain(lfPause); len(early) > 0 {
			m.fail("没有问却收到 (unasked): % X", early)
		}
	}
	request := lfFrame(m.Nozzle, append([]byte{command}, data...)...)
	got := m.raw(request)
	m.want(len(got) == lfSize, "% X: %v 内应收到 12 字节, 收到 %d (want 12 bytes within that time)", request, m.Reply, len(got))
	if m.failed() {
		return make([]byte, lfSize)
	}
	m.want(got[11] == lfSum(got), "% X: 校验和应为 (sum, want) %02X", got, lfSum(got))
	m.want(got[0] == m.Nozzle || m.Nozzle <= 15 && got[0]&15 == m.Nozzle, "% X: 枪号应为 (nozzle, want) %d", got, m.Nozzle)
	m.want(got[1] == 0, "% X: 第 1 字节应为 00 (byte 1)", got)
	return got
}

// state polls.
func (m *lfMaster) state() lfState {
	f := m.ask(0xB8)
	if m.failed() {
		return lfState{}
	}
	m.want(f[2] != 0xB8, "% X: 线路回波 (line echo)", f)
	s, err := readState(f)
	if err != nil {
		m.fail("%w", err)
	}
	return s
}

// echo sends a command that must be obeyed.
func (m *lfMaster) echo(command byte, data ...byte) {
	got := m.ask(command, data...)
	if want := lfFrame(m.Nozzle, append([]byte{command}, data...)...); !bytes.Equal(got[1:], want[1:]) {
		m.fail("应回显 (want the echo) % X, 收到 (got) % X", want, got)
	}
}

// refused sends a command that cannot be obeyed now: the answer is a state form, and nothing has changed.
func (m *lfMaster) refused(command byte, data ...byte) {
	before := m.state()
	got := m.ask(command, data...)
	s, err := readState(got)
	if !m.failed() && err != nil {
		m.fail("%02X 应以状态拒绝 (want a refusal in state form): %w", command, err)
	}
	m.want(s.price == before.price && s.state == before.state, "%02X 被拒却改变了 (refused, and yet changed): %v → %v", command, before, s)
}

// silent sends bytes that nobody may answer.
func (m *lfMaster) silent(b []byte) {
	m.drain(lfQuiet)
	if got := m.raw(b); len(got) > 0 {
		m.fail("% X 不得应答, 收到 (no answer allowed) % X", b, got)
	}
	m.drain(lfQuiet)
}

// total reads AC or AD.
func (m *lfMaster) total(command byte) int64 {
	f := m.ask(command)
	n, ok := fromBCD(f[5:11])
	m.want(f[2] == command && f[3] == 0 && f[4] == 0 && ok, "% X: 累计应答应为 %02X 00 00 与 6 字节 BCD (form of a total)", f, command)
	return n
}

// shift reads A9.
func (m *lfMaster) shift() (cash, litres int64) {
	f := m.ask(0xA9)
	cash, ok1 := fromBCD(f[3:7])
	litres, ok2 := fromBCD(f[7:11])
	m.want(f[2] == 0xA9 && ok1 && ok2, "% X: 班累应答的形式 (form of A9)", f)
	return cash, litres
}

// becomes polls until the state is one of these.
func (m *lfMaster) becomes(limit time.Duration, states ...byte) (s lfState) {
	for end := m.wire.Now().Add(limit); !m.failed(); m.drain(lfPoll) {
		if s = m.state(); slices.Contains(states, s.state&^0x3C) {
			return s
		}
		m.want(m.wire.Now() < end, "%v 内状态应为 % X (state within that time, want), 是 (is) %v", limit, states, s)
	}
	return s
}

// stays polls so long: the state is this one all the time.
func (m *lfMaster) stays(d time.Duration, state byte) (s lfState) {
	for end := m.wire.Now().Add(d); !m.failed() && m.wire.Now() < end; m.drain(lfPoll) {
		s = m.state()
		m.want(s.state&^0x3C == state, "%v: 应保持 (must stay) %02X", s, state)
	}
	return s
}

// hand moves hands, and lets a debounced hook be seen.
func (m *lfMaster) hand(words ...string) {
	for _, w := range words {
		if m.failed() {
			return
		}
		if err := m.hands(w); err != nil {
			m.fail("%s: %w", w, err)
		}
	}
	m.drain(300 * time.Millisecond)
}

// adds checks that cash is litres × price, but for one pulse of a cash preset. Source: dispenser.md 2.7, 4.5.
func (m *lfMaster) adds(s lfState) {
	want := (s.litres*s.price + 50) / 100
	off := s.cash - want
	m.want(off >= -s.price/100-1 && off <= s.price/100+1, "%v: 金额应为 (cash, want) %d.%02d", s, want/100, want%100)
}

// booked compares a sale with both totals. Source: dispenser.md 4.5, 5.1.
func (m *lfMaster) booked(s lfState, litres, cash int64) {
	if l := m.total(0xAD) - litres; l != s.litres {
		m.fail("总累升数走了 %d, 交易是 %d (hundredths: the total moved, the sale was)", l, s.litres)
	}
	if c := m.total(0xAC) - cash; c != s.cash {
		m.fail("总累金额走了 %d, 交易是 %d (fen: the total moved, the sale was)", c, s.cash)
	}
}

func cents(n int64) string { return fmt.Sprintf("%d.%02d", n/100, n%100) }

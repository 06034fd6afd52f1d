package lines

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"greylock/system/clock"
)

// Desk is a person at a station of one plain nozzle; what is wrong with an order is said. Money counts fen, volume 0.01 L.
type Desk interface {
	Open() error // lets the nozzle be used
	Authorise(money, litres int64) error
	SetPrice(price int64) error
	Stop() error
}

// Station is a station under test.
type Station struct {
	Wire Wire
	Desk Desk // nil: nobody can be told
}

// StationOptions say how a station is watched.
type StationOptions struct {
	Nozzle byte          // LF: the number that it has for its nozzle: 1
	Answer time.Duration // FA: for an answer to 30H: 2 s, greylock 200 ms
	Wait   time.Duration // for its first word: 10 s
	Pick
}

func (o StationOptions) defaults() StationOptions {
	if o.Nozzle == 0 {
		o.Nozzle = 1
	}
	if o.Answer == 0 {
		o.Answer = faWait
	}
	if o.Wait == 0 {
		o.Wait = 10 * time.Second
	}
	return o
}

// lfForgotten is longer than three failed polls of a slow board. Source: dispenser.md 2.5.
const lfForgotten = 10 * time.Second

// lfThink is what our dispenser takes for an answer. Source: dispenser.md 2.5, 5 to 60 ms.
const lfThink = 20 * time.Millisecond

// lfAsked is a request of the station.
type lfAsked struct {
	at    clock.Instant
	frame []byte
	quiet time.Duration // since the last byte either way
}

func (a lfAsked) command() byte { return a.frame[2] }

// lfDevice is a plain dispenser of one nozzle before a station. It judges every request.
type lfDevice struct {
	try
	StationOptions
	desk Desk

	price, cash, litres           int64
	totalCash, totalLitres        int64
	up, alone, fuelling, stubborn bool // stubborn: does not obey what it echoes

	twist func(request, reply []byte) []byte // another reply; nil: silence
	told  []byte                             // commands that a person has ordered
	log   []lfAsked
	part  []byte
	heard clock.Instant // last byte of a request
	said  clock.Instant // last byte of a reply
	calm  time.Duration // before the request that is coming
	mute  bool
}

// CheckLFStation watches a new station of each make, case by case.
func CheckLFStation(o StationOptions, make func() (Station, error)) Report {
	o = o.defaults()
	again := false
	return run(lfStationCases, o.Pick, func(c entry[*lfDevice]) (*lfDevice, func() (int, error), error) {
		s, err := make()
		if err != nil {
			return nil, nil, err
		}
		d := &lfDevice{try: try{wire: s.Wire}, StationOptions: o, desk: s.Desk, price: 785, totalCash: 1234500, totalLitres: 157261}
		if again && o.Have&Site != 0 { // the same station again: it has to lose the nozzle before it greets it anew
			d.mute = true
			d.pass(lfForgotten)
			d.mute, d.log = false, nil
		}
		again = true
		if c.need&Orders != 0 {
			d.greeted()
			d.order(d.desk.Open())
		}
		return d, func() (int, error) { return len(d.log), d.outcome() }, nil
	})
}

func (d *lfDevice) order(err error) {
	if err != nil {
		d.fail("命令被拒 (the order was refused): %w", err)
	}
}

// state is byte 10. Source: dispenser.md 2.4.
func (d *lfDevice) state() (s byte) {
	if d.up {
		s |= 0x80
	}
	if !d.alone {
		s |= 0x40
	}
	if d.fuelling {
		return s | 2
	}
	return s | 1
}

func (d *lfDevice) stateForm() []byte {
	return lfFrame(d.Nozzle, append(append(append(toBCD(d.price, 2), toBCD(d.cash, 3)...), toBCD(d.litres, 3)...), d.state())...)
}

// obey does a request and returns its answer. Source: dispenser.md 2.3.
func (d *lfDevice) obey(f []byte) []byte {
	command := f[2]
	refused := (command == 0xA1 && !d.up) || ((command >= 0xA1 && command <= 0xA3) && d.alone) ||
		((command == 0xA2 || command == 0xA3 || command == 0xA4) && d.fuelling) || command == 0xA4 && d.up
	switch {
	case command == 0xB8 || refused:
		return d.stateForm()
	case command == 0xAC || command == 0xAD:
		total := map[byte]int64{0xAC: d.totalCash, 0xAD: d.totalLitres}[command]
		return lfFrame(d.Nozzle, append([]byte{command, 0, 0}, toBCD(total, 6)...)...)
	case command == 0xA9:
		return lfFrame(d.Nozzle, 0xA9)
	case d.stubborn:
		return slices.Clone(f)
	}
	switch command {
	case 0xA0, 0xB0:
		d.alone = command == 0xB0
	case 0xA1, 0xA2, 0xA3:
		d.fuelling = d.up
		d.cash, d.litres = 0, 0
	case 0xB1:
		d.fuelling = false
	case 0xA4:
		d.price, _ = fromBCD(f[3:5])
	}
	return slices.Clone(f)
}

// serve answers for so long, or until there is enough.
func (d *lfDevice) serve(limit time.Duration, enough func() bool) bool {
	for end := d.wire.Now().Add(limit); !d.failed() && !enough(); {
		left := end.Sub(d.wire.Now())
		if left <= 0 {
			return false
		}
		d.hear(d.receive(left))
	}
	return !d.failed()
}

func (d *lfDevice) pass(limit time.Duration) { d.serve(limit, func() bool { return false }) }

// hear puts pieces together to requests and answers them.
func (d *lfDevice) hear(b []byte) {
	if len(b) == 0 {
		return
	}
	now := d.wire.Now()
	quiet := now.Sub(max(d.heard, d.said))
	if quiet >= lfSilence { // rule 1: a partial frame ends with silence
		d.part = nil
	}
	if len(d.part) == 0 {
		d.calm = quiet
	}
	d.heard = now
	d.part = append(d.part, b...)
	if len(d.part) < lfSize {
		return
	}
	f := d.part
	d.part = nil
	if d.want(len(f) == lfSize, "% X: 请求应恰好 12 字节 (a request is twelve bytes)", f); d.failed() {
		return
	}
	d.judge(f, d.calm)
	d.log = append(d.log, lfAsked{now, f, d.calm})
	if d.failed() || d.mute {
		return
	}
	reply := d.obey(f)
	if d.twist != nil {
		reply = d.twist(f, reply)
	}
	if len(reply) == 0 {
		return
	}
	if early := d.receive(lfThink); len(early) > 0 {
		d.fail("还未应答又收到 (spoke before it was answered): % X", early)
	}
	d.send(reply)
	d.said = d.wire.Now()
}

// lfData is how many bytes of BCD a command carries. Source: dispenser.md 2.3.
var lfData = map[byte]int{0xB8: 0, 0xA0: 0, 0xB0: 0, 0xA1: 0, 0xB1: 0, 0xA2: 3, 0xA3: 3, 0xA4: 2, 0xA6: 1, 0xA8: 0, 0xA9: 0, 0xAC: 0, 0xAD: 0}

// judge checks a request by itself, and that nobody is told to sell or to change unasked. A stop needs no pause before it.
func (d *lfDevice) judge(f []byte, quiet time.Duration) {
	n, known := lfData[f[2]]
	d.want(known, "% X: 没有此命令 (no such command)", f)
	d.want(f[11] == lfSum(f), "% X: 校验和应为 (sum, want) %02X", f, lfSum(f))
	d.want(f[0] == d.Nozzle && f[1] == 0, "% X: 枪号应为 %d, 第 1 字节 00 (nozzle, byte 1)", f, d.Nozzle)
	_, digits := fromBCD(f[3 : 3+n])
	d.want(digits && bytes.Equal(f[3+n:11], make([]byte, 8-n)), "% X: 数据应为 %d 字节 BCD, 其余 00 (data)", f, n)
	d.want(slices.Contains([]byte{0xB8, 0xA0, 0xAC, 0xAD, 0xA9, 0xB1}, f[2]) || slices.Contains(d.told, f[2]), "% X: 无人命令 (nobody ordered that)", f)
	d.want(f[2] == 0xB8 || f[2] == 0xB1 || len(d.log) == 0 || quiet >= lfPause-5*time.Millisecond, "% X: 命令之前应静默 %v, 只有 %v (pause before a command)", f, lfPause, quiet)
}

// of are the requests of a command since an index of the log.
func (d *lfDevice) of(since int, commands ...byte) (list []lfAsked) {
	for _, a := range d.log[since:] {
		if slices.Contains(commands, a.command()) {
			list = append(list, a)
		}
	}
	return list
}

// asked serves until so many requests of a command have come.
func (d *lfDevice) asked(limit time.Duration, n int, command byte) (list []lfAsked) {
	since := len(d.log)
	if !d.serve(limit, func() bool { return len(d.of(since, command)) >= n }) {
		d.fail("%v 内应有 %d 次 %02X, 只有 %d (requests within that time)", limit, n, command, len(d.of(since, command)))
	}
	return d.of(since, command)
}

// onlyPolls serves for so long: nothing but B8 comes.
func (d *lfDevice) onlyPolls(limit time.Duration, why string) {
	since := len(d.log)
	d.pass(limit)
	for _, a := range d.log[since:] {
		d.want(a.command() == 0xB8, "%s: 不应有 (not expected) %02X", why, a.command())
	}
}

// greeted serves until the station has found the nozzle: control, both totals, then nothing but polls.
func (d *lfDevice) greeted() {
	done := func() bool {
		return len(d.of(0, 0xA0)) > 0 && len(d.of(0, 0xAC)) > 0 && len(d.of(0, 0xAD)) > 0 && d.polling(6)
	}
	if !d.serve(d.Wait+20*time.Second, done) {
		d.fail("站方没有做完 A0, AC, AD (the station has not done A0, AC, AD): %s", d.heardWords())
	}
}

// polling says that the last n requests were B8.
func (d *lfDevice) polling(n int) bool {
	last := d.log[max(len(d.log)-n, 0):]
	return len(last) == n && !slices.ContainsFunc(last, func(a lfAsked) bool { return a.command() != 0xB8 })
}

func (d *lfDevice) heardWords() (s string) {
	for _, a := range d.log[max(len(d.log)-20, 0):] {
		s += fmt.Sprintf("%02X ", a.command())
	}
	return s
}

// flow delivers so many hundredths of a litre, 40 L/min.
func (d *lfDevice) flow(litres int64) {
	for range litres / 10 {
		d.litres += 10
		d.cash = (d.litres*d.price + 50) / 100
		d.pass(150 * time.Millisecond)
	}
}

// hang ends a sale.
func (d *lfDevice) hang() {
	d.up, d.fuelling = false, false
	d.totalLitres += d.litres
	d.totalCash += d.cash
}

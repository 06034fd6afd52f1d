package panel

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"greylock/system/clock"
)

// A whole first sale by the page's own requests, and what the page then shows.
func TestFirstSaleByHands(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.fuel("200元")
	s := r.until("step hang", func(s state) bool { return s.pump(2).Step == 6 })
	if p := s.pump(2); p.Amount != "200.00" || p.Quantity != "24.01" || p.Price != "8.33" || !p.Up {
		t.Errorf("display: %+v", p)
	}
	r.post("/hands/hang", `{"nozzle":2}`)
	r.until("step take", func(s state) bool { return s.pump(2).Step == 7 })
	r.post("/hands/pull", `{"nozzle":2}`)
	s = r.until("posting", func(s state) bool { return len(s.Ledger) == 1 })
	row := s.Ledger[0]
	if row.Amount != "200.00" || row.Quantity != "24.01 L" || !row.TACOK || row.Owed || row.State.Zh != "已入账" || len(row.Entries) != 2 {
		t.Errorf("ledger: %+v", row)
	}
	if e := row.Entries; e[0].Account.Zh != "卡内资金 …0001" || e[0].Side.Zh != "借" || e[1].Account.En != "sales 95#汽油" || e[1].Side.En != "Cr" || e[0].Amount != e[1].Amount {
		t.Errorf("entries: %+v", row.Entries)
	}
	if c := s.card("张三的卡"); c.Balance != "300.00" || c.Kind != "good" || c.In != 0 {
		t.Errorf("card: %+v", c)
	}
	if text := strings.Join(s.Receipt.Lines, "\n"); s.Receipt.Nozzle != 2 || !strings.Contains(text, "教学 不作凭证") || !strings.Contains(text, "金额 200.00 元") {
		t.Errorf("receipt: %q", text)
	}
	if !s.Checks.OK || s.Checks.Count == 0 || s.Checks.Kinds < 5 {
		t.Errorf("checks: %+v", s.Checks)
	}
}

// A card that is pulled in mid-fuel is grey; at the same dispenser it pays what it owes.
func TestPulledCardIsGreyUntilItHasPaid(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.fuel("满")
	r.until("some fuel", func(s state) bool { return s.pump(2).Quantity > "1.00" && s.pump(2).Quantity < "5" })
	r.post("/hands/pull", `{"nozzle":2}`)
	s := r.until("a receivable", func(s state) bool { return len(s.Ledger) == 1 })
	if c := s.card("张三的卡"); c.Kind != "grey" || c.State.Zh != "灰卡" || c.Balance != "500.00" {
		t.Errorf("card: %+v", c)
	}
	if row := s.Ledger[0]; !row.Owed || row.TACOK || row.State.En != "owed" || !strings.HasPrefix(row.Entries[0].Account.Zh, "应收款") {
		t.Errorf("ledger: %+v", row)
	}
	if s.pump(2).Step != 6 {
		t.Errorf("step %d, want hang", s.pump(2).Step)
	}
	r.post("/hands/hang", `{"nozzle":2}`)
	r.pass(time.Second)
	r.post("/hands/insert", `{"nozzle":2,"card":"张三的卡"}`)
	s = r.until("the settlement", func(s state) bool { return s.Ledger[0].State.Zh == "已补扣" })
	if row := s.Ledger[0]; row.Owed || !row.TACOK || len(row.Entries) != 4 || s.card("张三的卡").Kind != "good" {
		t.Errorf("ledger: %+v, card %+v", row, s.card("张三的卡"))
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	wall := &fakeWall{now: 1}
	p := pace{wall: wall, speed: realTime}
	p.set(1000, realTime)
	pass := func(d time.Duration, want time.Duration) {
		t.Helper()
		from := p.target()
		wall.now = wall.now.Add(d)
		if got := p.target().Sub(from); got != want {
			t.Errorf("in %v of the wall's time the town may run %v, want %v", d, got, want)
		}
		p.set(p.target(), p.speed)
	}
	pass(time.Second, time.Second)
	for _, s := range speeds {
		p.speed = s.thousandths
		if p.name() != s.name {
			t.Errorf("speed %s calls itself %s", s.name, p.name())
		}
		pass(time.Second, time.Duration(s.thousandths)*time.Millisecond)
	}
	p.speed = realTime
	pass(48*time.Hour, time.Hour) // a computer that slept
	p.pause(p.target(), true)
	pass(time.Minute, 0)
	if w := p.wait(0, 5); w != frame {
		t.Errorf("a paused town waits %v", w)
	}
	p.pause(p.target(), false)
	pass(time.Minute, time.Minute)
	p.speed = 10_000
	if w := p.wait(0, clock.Instant(0).Add(time.Second)); w != 100*time.Millisecond {
		t.Errorf("one second at ×10 waits %v", w)
	}
}

// A step goes on to the next line that is worth reading, and never far.
func TestStep(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.post("/time/pause", `{}`)
	if !r.state().Paused {
		t.Error("not paused")
	}
	r.post("/hands/insert", `{"nozzle":1,"card":"张三的卡"}`)
	for i := range 20 {
		from, lines := r.p.w.Now(), r.p.trace.worth
		r.post("/time/step", `{}`)
		if took := r.p.w.Now().Sub(from); took > stepOver || (r.p.trace.worth == lines && took != stepOver) {
			t.Fatalf("step %d: %d new lines in %v", i, r.p.trace.worth-lines, took)
		}
	}
	if r.p.trace.worth < 20 {
		t.Errorf("20 steps into a card's identification show %d lines", r.p.trace.worth)
	}
	r.post("/time/speed", `{"speed":"60"}`)
	r.post("/time/run", `{}`)
	if s := r.state(); s.Paused || s.Speed != "60" {
		t.Errorf("paused %v, speed %s", s.Paused, s.Speed)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{
		{Speed: "2"}, {Speed: "-1"}, {Autoplay: "robots"}, {Lines: "usb"}, {Lines: "pty", Speed: "max"},
		{Addr: "8080"}, {Addr: "127.0.0.1:http"}, {Addr: "127.0.0.1:70000"},
	} {
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), "(") {
			t.Errorf("%+v: %v, want an error in both languages", o, err)
		}
	}
	for _, o := range []Options{{}, {Addr: ":0"}, {Addr: "[::1]:8080", Speed: "0.1", Autoplay: "customers", Lines: "mem"}, {Lines: "pty", Speed: "1", Autoplay: "off"}} {
		if err := o.Check(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// The page as a program: served at once, live when the town is built, gone when told.
func TestServe(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- Serve(ctx, Options{Scenario: load(t, "two-nozzles"), Speed: "max", Ready: func(url string) { ready <- url }})
	}()
	url := <-ready
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"live", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	stream := bufio.NewScanner(answer.Body)
	stream.Buffer(nil, 4<<20)
	first := next(t, stream)
	if len(first.State) == 0 {
		t.Fatal("the first message has no state")
	}
	for m := first; m.Clock == first.Clock; { // the town lives by itself
		m = next(t, stream)
	}
	_, taken, _ := strings.Cut(strings.TrimSuffix(url, "/"), "//")
	if err := Serve(ctx, Options{Addr: taken, Scenario: load(t, "two-nozzles")}); !errors.Is(err, ErrAddr) {
		t.Errorf("the same address twice: %v", err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("end: %v", err)
	}
	if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", taken); err == nil {
		_ = c.Close()
		t.Error("somebody still listens")
	}
}

// next reads one message of a live stream; heartbeats are passed over.
func next(t *testing.T, stream *bufio.Scanner) (m message) {
	t.Helper()
	for stream.Scan() {
		data, ok := strings.CutPrefix(stream.Text(), "data: ")
		if !ok || data == "null" {
			continue
		}
		if err := json.Unmarshal([]byte(data), &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	t.Fatal("the stream has ended: ", stream.Err())
	return m
}

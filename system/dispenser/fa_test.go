package dispenser_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

var start = clock.At(2026, 11, 22, 17, 0, 0)

// bench is a driver and what comes out of it.
type bench struct {
	t   testing.TB
	d   *dispenser.FA
	now clock.Instant
	dec fa.Decoder
}

func newBench(t testing.TB) *bench {
	b := &bench{t: t, d: dispenser.NewFA(), now: start}
	b.d.Line(b.now, true)
	return b
}

// out takes the messages that the driver sends, with the numbers of their frames, and its events.
func (b *bench) out() (sent []fa.Message, numbers []byte, events []dispenser.Event) {
	b.t.Helper()
	frames, events := b.d.Take()
	for _, raw := range frames {
		sent = append(sent, b.parse(raw))
		numbers = append(numbers, raw[3]&fa.NumberMask)
	}
	return sent, numbers, events
}

func (b *bench) parse(raw []byte) fa.Message {
	b.t.Helper()
	var m fa.Message
	b.dec.Decode(raw, func(f fa.Frame) {
		var err error
		if m, err = fa.Parse(f); err != nil || !f.FromPC() || f.Src != fa.PCAddress {
			b.t.Fatalf("%X: %v", raw, err)
		}
	})
	if m == nil {
		b.t.Fatalf("%X is no frame", raw)
	}
	return m
}

func raw(t testing.TB, src, number byte, m fa.Message) []byte {
	t.Helper()
	f, err := fa.Build(fa.PCAddress, src, number, m)
	if err != nil {
		t.Fatal(err)
	}
	return fa.Encode(f)
}

// board sends a message of the board with address 1.
func (b *bench) board(number byte, m fa.Message) {
	b.t.Helper()
	b.d.Receive(b.now, raw(b.t, 1, number, m))
}

// wait lets time pass, waking the driver whenever it wants.
func (b *bench) wait(d time.Duration) {
	end := b.now.Add(d)
	for due := b.d.Due(); due <= end; due = b.d.Due() {
		b.now = max(b.now, due)
		b.d.Wake(b.now)
		if b.d.Due() <= b.now {
			b.t.Fatalf("wants to be woken at %v, now is %v", b.d.Due(), b.now)
		}
	}
	b.now = end
}

// contact brings the line up and throws away the greetings.
func (b *bench) contact() {
	b.t.Helper()
	b.board(0, &fa.Poll{})
	b.wait(0)
	b.board(1, &fa.Info{})
	b.wait(time.Second)
	b.board(2, &fa.Totals{})
	b.out()
}

func kinds(events []dispenser.Event) string {
	var out []string
	for _, e := range events {
		out = append(out, strings.TrimPrefix(fmt.Sprintf("%T", e), "dispenser."))
	}
	return strings.Join(out, " ")
}

func testRecord(n fa.POSTTC) fa.Record {
	return fa.Record{POSTTC: n, Time: fa.StampOf(start.Civil()), Amount: 20000, Volume: 2548, Price: 785, NZN: 1, Total: 11750521,
		TAC: pboc.MAC{0xFA, 0xFA, 1, 2}}
}

func TestPollIsAnsweredAtOnceAndTheBoardGreeted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if b.d.View().State != dispenser.Inoperative || b.d.Due() != clock.Never {
		t.Errorf("before contact: %+v, due %v", b.d.View(), b.d.Due())
	}
	b.board(5, &fa.Poll{})
	sent, numbers, events := b.out()
	want := []fa.Message{&fa.PollAnswer{Time: fa.StampOf(clock.Civil{Year: 2026, Month: 11, Day: 22, Hour: 17})}}
	if diff := cmp.Diff(want, sent); diff != "" || numbers[0] != 5 {
		t.Errorf("number %d: %s", numbers[0], diff)
	}
	if kinds(events) != "Online Changed" || b.d.View().State != dispenser.Closed {
		t.Errorf("%s, %+v", kinds(events), b.d.View())
	}
	b.wait(0)
	if sent, _, _ = b.out(); len(sent) != 1 || sent[0].Word() != fa.WordInfo {
		t.Fatalf("greeting: %v", sent)
	}
	b.board(1, &fa.Info{Nozzles: []fa.NZN{1}})
	b.wait(time.Second)
	if sent, _, events = b.out(); len(sent) != 1 || sent[0].Word() != fa.WordTotals || kinds(events) != "Informed" {
		t.Fatalf("greeting: %v, %s", sent, kinds(events))
	}
	b.board(2, &fa.Totals{Nozzles: []fa.NozzleTotal{{NZN: 1, Total: 7}}})
	_, _, events = b.out()
	if diff := cmp.Diff([]dispenser.Event{dispenser.Totals{Nozzles: []fa.NozzleTotal{{NZN: 1, Total: 7}}}}, events); diff != "" {
		t.Error(diff)
	}
	b.wait(5 * time.Second)
	if sent, _, _ = b.out(); len(sent) != 0 {
		t.Errorf("answered questions are asked again: %v", sent)
	}
}

func TestAnswersGoToTheAddressThatSpoke(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, src := range []byte{0xFF, 3} {
		b.d.Receive(b.now, raw(t, src, 0, &fa.Poll{}))
		frames, _ := b.d.Take()
		if len(frames) != 1 || frames[0][1] != src {
			t.Errorf("address %02X: %X", src, frames)
		}
	}
}

func TestAnotherAddressIsGreetedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.contact()
	b.d.Receive(b.now, raw(t, 9, 0, &fa.Poll{}))
	b.wait(0)
	sent, _, events := b.out()
	if len(sent) != 2 || sent[1].Word() != fa.WordInfo || kinds(events) != "" {
		t.Errorf("%v, %s", sent, kinds(events))
	}
}

func TestSilence(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.contact()
	b.wait(dispenser.SuspectAfter - time.Millisecond)
	if _, _, events := b.out(); len(events) != 0 || b.d.View().Suspect {
		t.Errorf("before its time: %s", kinds(events))
	}
	b.wait(time.Millisecond)
	if _, _, events := b.out(); kinds(events) != "Changed" || !b.d.View().Suspect {
		t.Errorf("at 6 s: %s", kinds(events))
	}
	b.board(0, &fa.Poll{})
	if _, _, events := b.out(); kinds(events) != "Changed" || b.d.View().Suspect {
		t.Errorf("after a frame: %s", kinds(events))
	}
	b.wait(dispenser.OfflineAfter)
	if _, _, events := b.out(); kinds(events) != "Changed Offline Changed" || b.d.View().State != dispenser.Inoperative {
		t.Errorf("at 10 s: %s, %+v", kinds(events), b.d.View())
	}
	b.board(0, &fa.Poll{})
	if _, _, events := b.out(); kinds(events) != "Online Changed" {
		t.Errorf("back: %s", kinds(events))
	}
	b.d.Line(b.now, false)
	if _, _, events := b.out(); kinds(events) != "Offline Changed" || b.d.Due() != clock.Never {
		t.Errorf("line lost: %s", kinds(events))
	}
	b.d.Line(b.now, false)
	if _, _, events := b.out(); len(events) != 0 {
		t.Errorf("lost twice: %s", kinds(events))
	}
}

func TestClockSetBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.contact()
	stamp := func() string {
		b.board(0, &fa.Poll{})
		sent, _, _ := b.out()
		return sent[0].(*fa.PollAnswer).Time.String()
	}
	stamp()
	told := b.now
	b.now = start.Add(-time.Hour)
	for i := 1; i <= 3; i++ { // the time on the wire goes back a second per poll
		want := fa.StampOf(told.Add(-time.Duration(i) * time.Second).Civil()).String()
		if got := stamp(); got != want {
			t.Errorf("poll %d: %s, want %s", i, got, want)
		}
	}
	b.now = start.Add(-2 * time.Hour)
	b.d.Wake(b.now) // silence counts from here
	b.wait(dispenser.OfflineAfter)
	if b.d.View().State != dispenser.Inoperative {
		t.Errorf("a clock set back hides the silence: %+v", b.d.View())
	}
}

func live(items ...fa.LiveItem) *fa.Live { return &fa.Live{Items: items} }

func cardItem(st fa.CardSt) fa.LiveItem {
	return fa.LiveItem{St: fa.StCard, NZN: 1, ASN: pboc.ASN{1, 0, 1}, Card: st, Balance: 50000}
}

func fuelItem(v unit.Quantity) fa.LiveItem {
	return fa.LiveItem{St: fa.StFuel, NZN: 1, Amount: unit.Fen(v) * 785 / 100, Volume: v, Price: 785}
}

func TestNineStates(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.contact()
	for n, step := range []struct {
		m       *fa.Live
		want    dispenser.State
		card    bool
		volume  unit.Quantity
		changed bool
	}{
		{live(), dispenser.Idle, false, 0, true},
		{live(), dispenser.Idle, false, 0, false},
		{live(fa.LiveItem{St: fa.StIdle, NZN: 1}), dispenser.Idle, false, 0, false},
		{live(fuelItem(0)), dispenser.Calling, false, 0, true}, // lifted without a card
		{live(), dispenser.Idle, false, 0, true},
		{live(cardItem(fa.CardPINWanted)), dispenser.Calling, true, 0, true},
		{live(cardItem(fa.CardPINWanted), fuelItem(0)), dispenser.Calling, true, 0, true},
		{live(fuelItem(0), cardItem(fa.CardNormal)), dispenser.Started, true, 0, true}, // any order
		{live(cardItem(fa.CardNormal), fuelItem(1)), dispenser.Fuelling, true, 1, true},
		{live(fuelItem(250)), dispenser.Fuelling, true, 250, true}, // one item per nozzle: the card is still in
		{live(fuelItem(250)), dispenser.Fuelling, true, 250, false},
		{live(fuelItem(250)), dispenser.Fuelling, true, 250, false},
		{live(fuelItem(250)), dispenser.SuspendedFuelling, true, 250, true},
		{live(fuelItem(260)), dispenser.Fuelling, true, 260, true},
		{live(cardItem(fa.CardNormal)), dispenser.Calling, true, 0, true},
		{live(), dispenser.Idle, false, 0, true},
		{live(fuelItem(30)), dispenser.Fuelling, false, 30, true}, // fuel without a card
		{live(fa.LiveItem{St: 0x80 | fa.StCard, NZN: 1}), dispenser.Calling, true, 0, true},
	} {
		b.board(byte(n), step.m)
		_, _, events := b.out()
		v := b.d.View()
		if v.State != step.want || v.Card != step.card || v.Volume != step.volume || (kinds(events) == "Changed") != step.changed {
			t.Errorf("step %d: %+v, %q, want %+v", n, v, kinds(events), step)
		}
	}
	for s := dispenser.State(0); s <= 10; s++ {
		if zh, en := s.Words(); zh == "" || en == "" || (zh == "未知") != (s < 1 || s > 9) {
			t.Errorf("state %d: %s %s", s, zh, en)
		}
	}
}

func TestUnconfiguredBoardIsClosed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.d.Receive(b.now, raw(t, fa.Unconfigured, 0, &fa.Poll{}))
	b.d.Receive(b.now, raw(t, fa.Unconfigured, 1, live()))
	if b.d.View().State != dispenser.Closed {
		t.Errorf("%+v", b.d.View())
	}
}

func TestRecordIsAnEventAndTheStationAcknowledges(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.contact()
	r := testRecord(70001)
	want := r.Bytes()
	for range 2 { // the acknowledge was lost: the same record again is the same event
		b.board(9, &fa.Upload{Record: r})
		sent, _, events := b.out()
		if len(sent) != 0 {
			t.Fatalf("the driver answered by itself: %v", sent)
		}
		taken, ok := events[0].(dispenser.Taken)
		if len(events) != 1 || !ok || !bytes.Equal(taken.Raw, want[:]) || taken.Asked || taken.To != 9 {
			t.Fatalf("%+v", events)
		}
	}
	for _, result := range []fa.Result{fa.RecordCorrect, fa.RecordWrong} {
		raw := b.d.Ack(9, result)
		if got := b.parse(raw); !cmp.Equal(got, fa.Message(&fa.UploadAck{Result: result})) || raw[1] != 1 || raw[3] != fa.FromPC|9 {
			t.Errorf("%X: %+v", raw, got)
		}
	}
}

func TestGapsAreAskedOncePerSecond(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.contact()
	for n := fa.POSTTC(5); n <= 7; n++ {
		b.d.AskRecord(b.now, n)
		b.d.AskRecord(b.now, n) // already on the list
	}
	var asked []fa.POSTTC
	poll := func() {
		b.board(0, &fa.Poll{})
		sent, _, _ := b.out()
		for _, m := range sent {
			if r, ok := m.(*fa.Reread); ok {
				asked = append(asked, r.POSTTC)
			}
		}
	}
	b.wait(0)
	poll()
	b.wait(999 * time.Millisecond)
	poll()
	if !cmp.Equal(asked, []fa.POSTTC{5}) {
		t.Errorf("within a second: %v", asked)
	}
	b.board(3, &fa.Upload{Record: testRecord(5)})
	if _, _, events := b.out(); len(events) != 1 || !events[0].(dispenser.Taken).Asked {
		t.Errorf("%+v", events)
	}
	b.board(4, &fa.Upload{Record: testRecord(7)}) // offered before it was asked for: it wants its acknowledge
	if _, _, events := b.out(); len(events) != 1 || events[0].(dispenser.Taken).Asked {
		t.Errorf("%+v", events)
	}
	b.wait(time.Second)
	poll()
	b.board(5, &fa.NoRecord{POSTTC: 6})
	if _, _, events := b.out(); !cmp.Equal(events, []dispenser.Event{dispenser.NoRecord{POSTTC: 6}}) {
		t.Errorf("%+v", events)
	}
	b.board(6, &fa.NoRecord{POSTTC: 8}) // nobody asked
	if _, _, events := b.out(); len(events) != 0 {
		t.Errorf("%+v", events)
	}
	for range 5 {
		b.wait(time.Second)
		poll()
	}
	if !cmp.Equal(asked, []fa.POSTTC{5, 6}) {
		t.Errorf("asked %v", asked)
	}
}

func TestQuestionIsRepeatedThreeTimes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.contact()
	b.d.AskTotals(b.now)
	n := 0
	for range 10 {
		b.wait(time.Second)
		b.board(0, &fa.Poll{})
		sent, _, _ := b.out()
		for _, m := range sent {
			if m.Word() == fa.WordTotals {
				n++
			}
		}
	}
	if n != 3 {
		t.Errorf("asked %d times", n)
	}
	off := newBench(t)
	off.d.AskTotals(off.now)
	off.d.AskRecord(off.now, 1)
	if off.d.Due() != clock.Never {
		t.Error("a question to a board that is not there")
	}
	for n := range fa.POSTTC(1000) {
		b.d.AskRecord(b.now, n)
	}
	b.wait(5 * time.Second)
	if sent, _, _ := b.out(); len(sent) != 6 {
		t.Errorf("%d questions in five seconds", len(sent))
	}
}

func TestQueriesAreAnsweredByTheStation(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.contact()
	asn := pboc.ASN{1, 0, 1, 0x11}
	ask := fa.GreyAsk{ASN: asn, Balance: 50000, CTC: 17, Time: fa.StampOf(start.Civil())}
	b.board(7, &ask)
	b.board(8, &fa.ListAsk{ASN: asn})
	sent, _, events := b.out()
	want := []dispenser.Event{dispenser.GreyAsked{Ask: ask, To: 7}, dispenser.ListAsked{ASN: asn, To: 8}}
	if diff := cmp.Diff(want, events); diff != "" || len(sent) != 0 {
		t.Errorf("%v %s", sent, diff)
	}
	grey := fa.GreyAnswer{Flag: fa.NotFound}
	list := fa.ListAnswer{Flag: fa.NotFound, ASN: asn}
	if got := b.parse(b.d.AnswerGrey(7, grey)); !cmp.Equal(got, fa.Message(&grey)) {
		t.Errorf("%+v", got)
	}
	if got := b.parse(b.d.AnswerList(8, list)); !cmp.Equal(got, fa.Message(&list)) {
		t.Errorf("%+v", got)
	}
}

func TestDownload(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	file := make([]byte, 500)
	for i := range file {
		file[i] = byte(i)
	}
	all := fa.Versions{Base: 1, Added: 2, Deleted: 3, White: 4, Price: 5, Station: 6}
	b.d.SetOrders(dispenser.Orders{Versions: all, Files: map[fa.Content][]byte{
		fa.ContentWhite: file, fa.ContentPrice: {}, fa.ContentBase: make([]byte, fa.MaxFile+1)}})
	b.contact()
	b.board(0, &fa.Poll{})
	sent, _, _ := b.out()
	if got := sent[0].(*fa.PollAnswer).Versions; got != (fa.Versions{White: 4}) {
		t.Errorf("versions without a file are announced: %+v", got)
	}
	one := func(m fa.Message) fa.Message {
		t.Helper()
		b.board(3, m)
		sent, numbers, _ := b.out()
		if len(sent) != 1 || numbers[0] != 3 {
			t.Fatalf("%+v: %v", m, sent)
		}
		return sent[0]
	}
	if got := one(&fa.DownloadAsk{Content: fa.ContentWhite}); !cmp.Equal(got, fa.Message(&fa.DownloadAnswer{Length: 500, Content: fa.ContentWhite})) {
		t.Errorf("%+v", got)
	}
	var got []byte
	for len(got) < 500 {
		if len(got) == 240 { // new orders in the middle: the board gets the file that it began
			b.d.SetOrders(dispenser.Orders{Versions: all, Files: map[fa.Content][]byte{fa.ContentWhite: {1, 2, 3}}})
		}
		s := one(&fa.SegmentsAsk{Content: fa.ContentWhite, Offset: uint16(len(got) / 16), Count: 30}).(*fa.Segments)
		if int(s.Offset)*16 != len(got) || len(s.Data) == 0 || s.Count > fa.MaxSegments {
			t.Fatalf("%+v", s)
		}
		got = append(got, s.Data...)
	}
	if !bytes.Equal(got, file) {
		t.Errorf("got %X", got)
	}
	if s := one(&fa.SegmentsAsk{Content: fa.ContentWhite, Offset: 32, Count: 15}).(*fa.Segments); len(s.Data) != 0 || s.Count != 0 {
		t.Errorf("past the end: %+v", s)
	}
	if got := one(&fa.DownloadAsk{Content: fa.ContentWhite}).(*fa.DownloadAnswer); got.Length != 3 {
		t.Errorf("the next download is of %d bytes", got.Length)
	}
	for _, c := range []fa.Content{fa.ContentPrice, fa.ContentBase, fa.ContentProgram, 99} { // never length 0: it wipes lists
		b.board(4, &fa.DownloadAsk{Content: c})
		b.board(5, &fa.SegmentsAsk{Content: c, Count: 1})
		if sent, _, _ := b.out(); len(sent) != 0 {
			t.Errorf("content %d: %+v", c, sent)
		}
	}
	b.d.Line(b.now, false)
	b.d.Line(b.now, true)
	b.contact()
	if s := one(&fa.SegmentsAsk{Content: fa.ContentWhite, Count: 15}).(*fa.Segments); len(s.Data) != 3 {
		t.Errorf("after the line was lost: %+v", s)
	}
}

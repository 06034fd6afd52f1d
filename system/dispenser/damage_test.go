package dispenser_test

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greylock/system/dispenser"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
)

func TestFaultIsAcknowledgedAndReported(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.contact()
	b.board(11, &fa.Fault{Text: []byte("E07 PULSER")})
	sent, numbers, events := b.out()
	if !cmp.Equal(sent, []fa.Message{&fa.LinkAck{Of: fa.WordFault}}) || numbers[0] != 11 {
		t.Errorf("%+v", sent)
	}
	if !cmp.Equal(events, []dispenser.Event{dispenser.Reported{Text: "E07 PULSER"}}) {
		t.Errorf("%+v", events)
	}
}

func TestEchoIsAWiringFaultAndNoContact(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	own := b.d.Ack(0, fa.RecordCorrect)
	b.d.Receive(b.now, own)
	b.d.Receive(b.now, own)
	sent, _, events := b.out()
	if kinds(events) != "Echo" || len(sent) != 0 || b.d.Counters().Echoes != 2 || b.d.View().State != dispenser.Inoperative {
		t.Errorf("%s, %v, %+v", kinds(events), sent, b.d.Counters())
	}
	b.d.Line(b.now, true)
	b.d.Receive(b.now, own)
	if _, _, events := b.out(); kinds(events) != "Echo" {
		t.Errorf("after the line was opened again: %s", kinds(events))
	}
}

func TestUnknownAndMalformedFramesAreCounted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.contact()
	for _, word := range []byte{0x37, 0x39, 0x3D, 0x60, 0x80} {
		b.d.Receive(b.now, fa.Encode(fa.Frame{Dst: 0xE0, Src: 1, Data: []byte{word, 1, 2}}))
	}
	b.d.Receive(b.now, fa.Encode(fa.Frame{Dst: 0xE0, Src: 1, Data: []byte{0x32, 1, 2}}))
	sent, _, events := b.out()
	c := b.d.Counters()
	if len(sent) != 0 || kinds(events) != "Malformed" || c.Unknown != 5 || c.Malformed != 1 {
		t.Errorf("%v, %s, %+v", sent, kinds(events), c)
	}
	if err := events[0].(dispenser.Malformed).Err; !errors.Is(err, fa.ErrLength) {
		t.Errorf("%v", err)
	}
}

func TestMergedFramesSplitFramesAndNoise(t *testing.T) {
	t.Parallel()
	poll := raw(t, 1, 3, &fa.Poll{})
	rec := testRecord(4)
	upload := raw(t, 1, 4, &fa.Upload{Record: rec})
	bad := append([]byte(nil), upload...)
	bad[20] ^= 0x40
	for _, c := range []struct {
		name    string
		pieces  [][]byte
		answers int
		events  string
	}{
		{"two frames in one piece", [][]byte{append(append([]byte(nil), poll...), upload...)}, 1, "Online Changed Taken"},
		{"a frame byte by byte", func() (p [][]byte) {
			for _, b := range upload {
				p = append(p, []byte{b})
			}
			return p
		}(), 0, "Online Changed Taken"},
		{"noise before", [][]byte{{0, 1, 2, 0xFA, 0xFA, 9}, poll}, 1, "Online Changed"},
		{"half a frame, then a whole one", [][]byte{upload[:40], poll}, 1, "Online Changed"},
		{"a damaged frame, then a whole one", [][]byte{bad, poll}, 1, "Online Changed"},
		{"a damaged frame alone", [][]byte{bad}, 0, ""},
	} {
		b := newBench(t)
		for _, p := range c.pieces {
			b.d.Receive(b.now, p)
		}
		sent, _, events := b.out()
		if len(sent) != c.answers || kinds(events) != c.events {
			t.Errorf("%s: %v, %s", c.name, sent, kinds(events))
		}
	}
}

func TestLineLossForgetsHalfAFrame(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	upload := raw(t, 1, 4, &fa.Upload{Record: testRecord(4)})
	b.d.Receive(b.now, upload[:50])
	b.d.Line(b.now, false)
	b.d.Line(b.now, true)
	b.d.Receive(b.now, upload[50:])
	if _, _, events := b.out(); len(events) != 0 {
		t.Errorf("a frame of two halves: %s", kinds(events))
	}
}

// Under damage the driver takes only records that were sent, and takes every one once the line is clean.
func TestDamagedLineNeverInventsARecord(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(5, 6))
	b := newBench(t)
	sent := map[[fa.RecordSize]byte]bool{}
	taken := map[[fa.RecordSize]byte]bool{}
	damaged := 0
	for n := range fa.POSTTC(2000) {
		r := testRecord(n)
		r.TMAC = pboc.MAC{0xFA, byte(n), 0xFA, byte(rnd.IntN(256))}
		sent[r.Bytes()] = true
		for _, data := range [][]byte{raw(t, 1, byte(n)&63, &fa.Poll{}), raw(t, 1, byte(n)&63, &fa.Upload{Record: r})} {
			if rnd.IntN(3) == 0 {
				damaged++
				at := rnd.IntN(len(data))
				switch rnd.IntN(3) {
				case 0:
					data = append(data[:at:at], data[at+1:]...)
				case 1:
					data[at] ^= 1 << rnd.IntN(8)
				case 2:
					data = append(data[:at:at], append([]byte{byte(rnd.IntN(256))}, data[at:]...)...)
				}
			}
			b.d.Receive(b.now, data)
		}
		_, _, events := b.out()
		for _, e := range events {
			if x, ok := e.(dispenser.Taken); ok {
				taken[[fa.RecordSize]byte(x.Raw)] = true
			}
		}
	}
	for raw := range taken {
		if !sent[raw] {
			t.Errorf("invented %X", raw)
		}
	}
	if damaged < 1000 || len(taken) < 1200 {
		t.Errorf("%d damaged, %d of %d taken", damaged, len(taken), len(sent))
	}
}

// Whatever comes: no panic, every frame out is one, and equal input gives equal output.
func FuzzFA(f *testing.F) {
	f.Add(raw(f, 1, 0, &fa.Poll{}), uint16(500))
	f.Add(raw(f, 0xFF, 1, live(cardItem(fa.CardNormal), fuelItem(5))), uint16(7000))
	f.Add(append(raw(f, 1, 2, &fa.Upload{Record: testRecord(1)}), raw(f, 1, 3, &fa.DownloadAsk{Content: 4})...), uint16(12000))
	f.Add(append(raw(f, 1, 2, &fa.Info{}), raw(f, 1, 3, &fa.SegmentsAsk{Content: 4, Offset: 1, Count: 255})...), uint16(1))
	f.Fuzz(func(t *testing.T, data []byte, ms uint16) {
		run := func() (out [][]byte, events []dispenser.Event) {
			b := newBench(t)
			b.d.SetOrders(dispenser.Orders{Versions: fa.Versions{Price: 1}, Files: map[fa.Content][]byte{fa.ContentPrice: make([]byte, 40)}})
			for range 2 {
				b.d.Receive(b.now, data)
				b.wait(time.Duration(ms) * time.Millisecond)
			}
			return b.d.Take()
		}
		out, events := run()
		for _, raw := range out {
			(&bench{t: t}).parse(raw)
		}
		again, sameEvents := run()
		if !reflect.DeepEqual(out, again) || len(events) != len(sameEvents) {
			t.Fatalf("%X: two runs differ", data)
		}
	})
}

// Ten million random bytes on the line of a running driver: nothing of them becomes a record, and the second good frame behind noise
// is understood at the latest.
func TestFATenMillionRandomBytes(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(9, 1))
	b := newBench(t)
	b.contact()
	poll := raw(t, 1, 3, &fa.Poll{})
	noise, rounds := make([]byte, 5000), 0
	for sent := 0; sent < 10_000_000; rounds++ {
		piece := noise[:1+rnd.IntN(len(noise))]
		sent += len(piece)
		for i := range piece {
			if piece[i] = byte(rnd.Uint32()); rnd.IntN(20) == 0 {
				piece[i] = fa.Start
			}
		}
		b.d.Receive(b.now, piece)
		b.wait(time.Duration(rnd.IntN(3000)) * time.Millisecond)
		frames, events := b.d.Take()
		for _, e := range events {
			switch e.(type) {
			case dispenser.Taken, dispenser.Totals, dispenser.Informed, dispenser.GreyAsked, dispenser.ListAsked:
				t.Fatalf("round %d: noise became %+v", rounds, e)
			}
		}
		for _, f := range frames {
			(&bench{t: t}).parse(f)
		}
		b.d.Receive(b.now, poll)
		b.d.Receive(b.now, poll)
		if frames, _ := b.d.Take(); len(frames) == 0 || b.d.View().State == dispenser.Inoperative {
			t.Fatalf("round %d: two polls behind noise and no answer: %+v", rounds, b.d.Counters())
		}
	}
	rec := testRecord(77)
	b.board(9, &fa.Upload{Record: rec})
	_, _, events := b.out()
	want := rec.Bytes()
	if x, ok := events[len(events)-1].(dispenser.Taken); !ok || [fa.RecordSize]byte(x.Raw) != want {
		t.Errorf("a record behind the noise: %s", kinds(events))
	}
}

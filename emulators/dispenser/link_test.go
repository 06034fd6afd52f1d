package dispenser

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// TestFirstFrame is the one frame of dispenser.md 3.1 and 3.12 that was captured from a board without configuration.
func TestFirstFrame(t *testing.T) {
	t.Parallel()
	b := New(Config{}, &Memory{})
	now := clock.At(2026, 11, 22, 9, 0, 0)
	b.PowerOn(now)
	fx := b.Take()
	if len(fx.Send) != 0 || fx.Wake != now.Add(defaultBoot) {
		t.Fatalf("%d frames, wake %v", len(fx.Send), fx.Wake)
	}
	b.Wake(fx.Wake)
	fx = b.Take()
	if len(fx.Send) != 1 || strings.ToUpper(hex.EncodeToString(fx.Send[0])) != "FAE0FF00000130F003" {
		t.Errorf("first frame %X", fx.Send)
	}
}

// TestDownloads: after five equal polls station info, then prices; the board takes its address and leaves a T-TYPE 8 record.
func TestDownloads(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.until("station info", 10*time.Second, func() bool { return r.board.View().Confirmed })
	polls := 0
	for _, w := range r.station.words {
		if w == fa.WordPoll {
			polls++
		}
		if w == fa.WordDownload {
			break
		}
	}
	if polls != steady {
		t.Errorf("first download after %d polls", polls)
	}
	if f := r.station.frames[0]; f.Src != fa.Unconfigured || f.Dst != fa.PCAddress {
		t.Errorf("first frame %+v", f)
	}
	r.until("T-TYPE 8", 10*time.Second, func() bool { return len(r.station.uploads) > 0 })
	rec := r.station.uploads[0]
	sound(t, rec)
	if f := r.station.frames[len(r.station.frames)-1]; f.Src != 5 {
		t.Errorf("address %02X after the station info", f.Src)
	}
	if rec.Type != fa.PriceReceived || rec.Price != benchPrice || rec.Product.String() != benchProduct || rec.Volume != 0 || rec.Amount != 0 {
		t.Errorf("%+v", rec)
	}
	if v := r.board.mem.state.Versions; v != r.station.versions {
		t.Errorf("versions %+v", v)
	}
}

// TestBoardWithoutStationInfoSellsNothing also while the station announces nothing.
func TestBoardWithoutStationInfoSellsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.station.versions = fa.Versions{}
	r.insert(newCard(1, 50000))
	r.pass(20 * time.Second)
	r.lift()
	r.squeeze(1000)
	r.pass(20 * time.Second)
	if v := r.board.View(); v.Total != 0 || v.Confirmed || slices.Contains(r.station.words, fa.WordDownload) {
		t.Errorf("%+v", v)
	}
}

// TestClosedNozzle: a station info without nozzles closes it, the next one opens it again.
func TestClosedNozzle(t *testing.T) {
	t.Parallel()
	r := readyRig(t)
	r.station.versions.Station, r.station.files[fa.ContentStation] = 2, stationFile(2)
	r.until("closed", 20*time.Second, func() bool { return r.board.State() == StateLocked })
	r.insert(newCard(1, 50000))
	r.ended()
	r.pass(2 * time.Second)
	if !r.saw(EventRefused, "closed") {
		t.Fatalf("%+v", r.board.View())
	}
	r.pull()
	r.station.versions.Station, r.station.files[fa.ContentStation] = 3, stationFile(3, 1)
	r.until("open", 20*time.Second, func() bool { return r.board.State() == StateIdle })
}

// TestLongDownload: fifteen segments at a time; a price table pre-empts a list; a hit in the local list refuses off line.
func TestLongDownload(t *testing.T) {
	t.Parallel()
	r := readyRig(t)
	black := newCard(0x42, 50000)
	list := fa.ListFile{Version: 7, From: fa.Date{0x20, 0x26, 1, 1}, To: fa.Date{0x20, 0x27, 1, 1}, Area: fa.Area{0xFF, 0xFF}}
	for i := range 99 {
		list.Cards = append(list.Cards, pboc.ASN{0x01, 0, 0x01, 0x14, 0x40, 0, 0, 0, byte(i/10<<4 | i%10), 0x42})
	}
	file, err := list.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	r.station.files[fa.ContentBase], r.station.versions.Base = file, 7
	asks := func() (n int) {
		for _, f := range r.station.frames {
			if f.Word() == fa.WordSegments && f.Data[1] == byte(fa.ContentBase) {
				n++
			}
		}
		return n
	}
	r.until("the first segments", 20*time.Second, func() bool { return asks() == 2 })
	r.station.versions.Price, r.station.files[fa.ContentPrice] = 2, priceFile(2, "202611220000", 800, 800)
	r.until("the list", time.Minute, func() bool { return r.board.mem.state.Versions.Base == 7 })
	if r.board.mem.state.Now.Price != 800 {
		t.Error("the prices did not pre-empt the list")
	}
	if want := 2 + (len(file)+239)/240; asks() != want {
		t.Errorf("%d asks for %d bytes, want %d", asks(), len(file), want)
	}
	r.station.mute = true
	r.until("off line", 20*time.Second, func() bool { return !r.board.View().Online })
	r.insert(black)
	r.ended()
	r.pass(5 * time.Second)
	if !r.saw(EventRefused, "listed") || black.proof.State != fuelcard.Grey {
		t.Errorf("a listed card was not held: %+v", r.board.View())
	}
	r.pull()
	white := newCard(0x43, 50000)
	r.insert(white)
	r.fill(func() bool { return r.board.fill.volume > 300 })
	if white.debited == 0 {
		t.Error("no sale off line")
	}
	r.station.mute = false
	up := r.uploaded(3)
	last := up[len(up)-1]
	if last.Type.Kind() != fa.Fuelling || !last.Type.Local() {
		t.Errorf("the record does not say that local lists decided: %v", last.Type)
	}
}

// TestEmptyAndBrokenFiles: length 0 and rubbish leave what the board has, and are not asked for without end.
func TestEmptyAndBrokenFiles(t *testing.T) {
	t.Parallel()
	for name, file := range map[string][]byte{"empty": {}, "rubbish": {9, 9, 9}, "cut": priceFile(9, "202611220000", 900, 900)[:20]} {
		r := readyRig(t)
		r.station.versions.Price, r.station.files[fa.ContentPrice] = 9, file
		n := len(r.station.words)
		r.pass(40 * time.Second)
		asked := 0
		for _, w := range r.station.words[n:] {
			if w == fa.WordDownload {
				asked++
			}
		}
		if asked != 1 || r.board.mem.state.Now.Price != benchPrice {
			t.Errorf("%s: asked %d times in 40 s, price %v", name, asked, r.board.mem.state.Now.Price)
		}
	}
}

// TestPriceChange: new prices come into force at their minute, never inside a sale, which keeps the price it began with.
func TestPriceChange(t *testing.T) {
	t.Parallel()
	r := readyRig(t)
	r.insert(newCard(1, 50000))
	r.stage("ready")
	r.lift()
	r.until("fuelling", time.Minute, func() bool { return r.board.fill.phase == fillRunning })
	r.station.versions.Price, r.station.files[fa.ContentPrice] = 2, priceFile(2, "202611220901", benchPrice, 792)
	r.squeeze(1000)
	r.until("the table", 30*time.Second, func() bool { return r.board.mem.state.Versions.Price == 2 })
	r.until("the minute", 2*time.Minute, func() bool { return r.now > clock.At(2026, 11, 22, 9, 1, 5) || r.board.fill.phase != fillRunning })
	if v := r.board.View(); v.Price != benchPrice || r.board.fill.phase != fillRunning {
		t.Fatalf("in the sale: %v, %v", v.Price, r.board.fill.phase)
	}
	r.hang()
	r.ended()
	if v := r.board.View(); v.Price != 792 {
		t.Errorf("after the sale: %v", v.Price)
	}
	for _, rec := range r.uploaded(2) {
		if rec.Type == fa.Fuelling && rec.Price != benchPrice {
			t.Errorf("record with price %v", rec.Price)
		}
	}
}

// TestUpload: unanswered records are offered again, oldest first, and counted; a late acknowledgement of an old frame does not
// stand for a newer record; result 1 keeps the record and offers it hourly.
func TestUpload(t *testing.T) {
	t.Parallel()
	r := readyRig(t)
	r.station.deaf = true
	for i := range 3 {
		r.insert(newCard(byte(i+1), 50000))
		r.fill(func() bool { return r.board.fill.volume > 200 })
		r.pull()
	}
	first := fa.POSTTC(2) // 1 was the T-TYPE 8
	if v := r.board.View(); v.Unsent != 3 {
		t.Fatalf("%d unsent", v.Unsent)
	}
	r.pass(10 * time.Second)
	for _, rec := range r.station.uploads {
		if rec.POSTTC != first {
			t.Fatalf("record %d offered before %d was acknowledged", rec.POSTTC, first)
		}
	}
	uploads := slices.IndexFunc(r.station.frames, func(f fa.Frame) bool { return f.Word() == fa.WordRecord })
	r.toBoard(5, r.station.frames[uploads].Number(), &fa.UploadAck{}) // of a frame that was given up long ago
	r.pass(100 * time.Millisecond)
	if r.board.View().Unsent != 3 {
		t.Error("a late acknowledgement was taken")
	}
	r.station.deaf, r.station.result, r.station.uploads = false, fa.RecordWrong, nil
	r.until("answers", 20*time.Second, func() bool { return r.board.View().Unsent == 0 })
	if v := r.board.View(); v.Disputed != 3 || len(r.station.uploads) < 3 {
		t.Fatalf("%d disputed", v.Disputed)
	}
	r.station.uploads, r.station.result = nil, fa.RecordCorrect
	r.pass(50 * time.Minute)
	if len(r.station.uploads) != 0 {
		t.Fatal("offered again before the hour")
	}
	r.cut()
	r.power() // disputes survive
	r.until("offered again", 90*time.Minute, func() bool { return r.board.View().Disputed == 0 })
	if len(r.station.uploads) != 3 || r.station.uploads[0].POSTTC != first {
		t.Errorf("%d offered again", len(r.station.uploads))
	}
}

// TestAsked: 38H, 3AH, 3EH with its record and 3FH, at any time, under the frame number of the question.
func TestAsked(t *testing.T) {
	t.Parallel()
	r := readyRig(t)
	r.insert(newCard(1, 50000))
	r.fill(func() bool { return r.board.fill.volume > 200 })
	r.uploaded(1)
	ask := func(m fa.Message) fa.Message {
		n := len(r.station.frames)
		r.toBoard(5, 33, m)
		var got fa.Message
		r.until("answer", time.Second, func() bool {
			for _, f := range r.station.frames[n:] {
				if f.Number() == 33 && f.Word() != fa.WordPoll && f.Word() != fa.WordLive {
					got, _ = fa.Parse(f)
				}
			}
			return got != nil
		})
		return got
	}
	if m, ok := ask(&fa.TotalsAsk{}).(*fa.Totals); !ok || len(m.Nozzles) != 1 || m.Nozzles[0].Total != r.board.View().Total || m.Nozzles[0].NZN != 1 {
		t.Errorf("38: %+v", m)
	}
	if m, ok := ask(&fa.InfoAsk{}).(*fa.Info); !ok || m.Maker.String() != "GREYLOCK V1" || m.Versions != r.station.versions || m.Province != 0x44 {
		t.Errorf("3A: %+v", m)
	}
	if m, ok := ask(&fa.Reread{POSTTC: 2}).(*fa.Upload); !ok || m.Record != r.station.uploads[0] {
		t.Errorf("3E: %+v", m)
	}
	if m, ok := ask(&fa.Reread{POSTTC: 70001}).(*fa.NoRecord); !ok || m.POSTTC != 70001 {
		t.Errorf("3F: %+v", m)
	}
}

// TestOffline: three polls without an answer; selling goes on; the first answer puts the link up again.
func TestOffline(t *testing.T) {
	t.Parallel()
	r := readyRig(t)
	r.station.mute = true
	at := r.now
	r.until("off line", 20*time.Second, func() bool { return !r.board.View().Online })
	if d := r.now.Sub(at); d < 6*time.Second || d > 8*time.Second || r.board.State() != StateOffline {
		t.Errorf("off line after %v, state %s", d, r.board.State())
	}
	c := newCard(1, 50000)
	r.insert(c)
	r.fill(func() bool { return r.board.fill.volume > 200 })
	if c.debited == 0 || r.board.View().Unsent != 1 {
		t.Fatalf("off line: %+v", r.board.View())
	}
	r.station.mute = false
	r.uploaded(1)
	if r.board.State() == StateOffline {
		t.Error("still off line")
	}
}

// TestLiveState: 31H shows card, then figures.
func TestLiveState(t *testing.T) {
	t.Parallel()
	r := readyRig(t)
	r.pass(time.Second)
	if len(r.station.live.Items) != 0 {
		t.Errorf("idle: %+v", r.station.live)
	}
	c := newCard(1, 50000)
	r.insert(c)
	r.stage("ready")
	r.pass(time.Second)
	if l := r.station.live.Items; len(l) != 1 || l[0].St != fa.StCard || l[0].ASN != c.asn || l[0].Balance != 50000 || l[0].Card != fa.CardNormal {
		t.Errorf("card: %+v", l)
	}
	r.lift()
	r.until("fuelling", time.Minute, func() bool { return r.board.fill.phase == fillRunning })
	r.squeeze(1000)
	r.pass(8 * time.Second)
	var fuel *fa.LiveItem
	for i := range r.station.live.Items {
		if r.station.live.Items[i].St == fa.StFuel {
			fuel = &r.station.live.Items[i]
		}
	}
	if fuel == nil || fuel.Volume < 200 || fuel.Price != benchPrice {
		t.Fatalf("fuelling: %+v", r.station.live)
	}
	if a, _ := unit.Amount(fuel.Volume, fuel.Price); a != fuel.Amount {
		t.Errorf("amount %v for %v L", fuel.Amount, fuel.Volume)
	}
}

// TestNoiseOnTheLine: rubbish between frames, damaged frames and echoes change nothing.
func TestNoiseOnTheLine(t *testing.T) {
	t.Parallel()
	r := readyRig(t)
	good, _ := fa.Build(5, fa.PCAddress, fa.FromPC, &fa.UploadAck{})
	bad := fa.Encode(good)
	bad[len(bad)-1]++
	echo, _ := fa.Build(fa.PCAddress, 5, 0, &fa.TotalsAsk{})
	n := len(r.station.frames)
	for _, b := range [][]byte{{0xFA}, {0xFA, 0xFA, 0x01}, bad, fa.Encode(echo), {0x00, 0x30}} {
		r.do(func() { r.board.Receive(r.now, b) })
	}
	if len(r.todo) != 0 && len(r.station.frames) != n {
		t.Error("rubbish was answered")
	}
	r.pass(5 * time.Second)
	if !r.board.View().Online || r.board.View().Unsent != 0 {
		t.Errorf("%+v", r.board.View())
	}
}

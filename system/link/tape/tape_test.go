package tape

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Frames of dispenser.md 2.6 and 3.1, which our own code did not make.
const (
	lfQuery    = "01 00 B8 00 00 00 00 00 00 00 00 48"
	lfIdle     = "01 00 07 85 00 00 00 00 00 00 41 33"
	lfLifted   = "01 00 07 85 00 00 00 00 00 00 C1 B3"
	lfPreset   = "01 00 A2 02 00 00 00 00 00 00 00 5C"
	lfFuelling = "01 00 07 85 00 96 87 00 12 34 C2 4F"
	lfTotal    = "01 00 AD 00 00 00 00 00 00 00 00 53"
	lfTotalIs  = "01 00 AD 00 00 00 00 11 74 79 73 E2"
	faPoll     = "FA E0 FF 00 00 01 30 F0 03"
)

// spoken makes pieces, 100 ms apart, out of frames with their way before them.
func spoken(t testing.TB, frames ...string) (pieces []Piece) {
	for i, f := range frames {
		pieces = append(pieces, Piece{time.Duration(i) * 100 * time.Millisecond, Way(f[:1]), unhex(t, f[1:]), i + 2})
	}
	return pieces
}

func lfTape(t testing.TB) []Piece {
	return spoken(t, ">"+lfQuery, "<"+lfIdle, ">"+lfQuery, "<"+lfIdle, ">"+lfQuery, "<"+lfLifted, ">"+lfPreset, "<"+lfPreset,
		">"+lfQuery, "<"+lfFuelling, ">"+lfTotal, "<"+lfTotalIs)
}

// other is the far side of a replay: it sends its frames one by one, each when the dispenser has answered the one before.
func other(t testing.TB, p *Player, frames ...string) (heard []string) {
	now := clock.At(2026, 1, 1, 0, 0, 0)
	p.Start(now)
	for i := 0; i < len(frames) && p.Err() == nil; i++ {
		p.Receive(now, unhex(t, frames[i]))
		for p.Err() == nil && !p.Done() && p.at < len(p.items) && p.items[p.at].Way == FromDispenser {
			now = p.Due()
			p.Wake(now)
		}
		for _, b := range p.Take() {
			heard = append(heard, strings.ToUpper(hex.EncodeToString(b)))
		}
		now = now.Add(100 * time.Millisecond)
	}
	if due := p.Due(); !p.Done() && p.Err() == nil {
		p.Wake(due)
	}
	return heard
}

func TestReplayMatches(t *testing.T) {
	t.Parallel()
	same := []string{lfQuery, lfQuery, lfQuery, lfPreset, lfQuery, lfTotal}
	for _, c := range []struct {
		name   string
		m      Matching
		frames []string
		line   int // where it diverges, 0 if it does not
		got    string
	}{
		{"the same", Strict, same, 0, ""},
		{"one poll less", Strict, []string{lfQuery, lfQuery, lfPreset, lfQuery, lfTotal}, 6, "定金额加油"},
		{"one poll less", Compact, []string{lfQuery, lfQuery, lfPreset, lfQuery, lfTotal}, 0, ""},
		{"one poll more", Compact, []string{lfQuery, lfQuery, lfQuery, lfPreset, lfQuery, lfTotal}, 0, ""},
		{"another amount", Compact, []string{lfQuery, lfQuery, "01 00 A2 03 00 00 00 00 00 00 00 5B", lfQuery, lfTotal}, 8, "300.00"},
		{"another amount", Minimal, []string{lfQuery, lfQuery, "01 00 A2 03 00 00 00 00 00 00 00 5B", lfQuery, lfTotal}, 0, ""},
		{"no polls at all", Minimal, []string{lfPreset, lfTotal}, 0, ""},
		{"polls between", Minimal, []string{lfQuery, lfQuery, lfQuery, lfQuery, lfPreset, lfQuery, lfQuery, lfTotal}, 0, ""},
		{"another order", Minimal, []string{lfQuery, lfTotal, lfPreset}, 8, "定金额加油"},
		{"it ends", Strict, same[:4], 10, "无 (nothing)"},
		{"another nozzle", Minimal, []string{"02 00 A2 02 00 00 00 00 00 00 00 5C"}, 8, "定金额加油"},
	} {
		t.Run(c.name+" "+string(c.m), func(t *testing.T) {
			t.Parallel()
			p, err := NewPlayer(Header{Protocol: LF}, lfTape(t), c.m)
			if err != nil {
				t.Fatal(err)
			}
			heard := other(t, p, c.frames...)
			var d *Diverged
			_ = errors.As(p.Err(), &d)
			switch {
			case c.line == 0 && (p.Err() != nil || !p.Done()):
				t.Errorf("%v", p.Err())
			case c.line == 0 && heard[len(heard)-1] != strings.ReplaceAll(lfTotalIs, " ", ""):
				t.Errorf("last heard %s", heard[len(heard)-1])
			case c.line != 0 && (d == nil || d.Line != c.line || !strings.Contains(d.Error(), c.got)):
				t.Errorf("want line %d %q, got %v", c.line, c.got, p.Err())
			}
		})
	}
}

// TestRepeatedRequestIsAnsweredAgain: with the answer that the dispenser last gave to it.
func TestRepeatedRequestIsAnsweredAgain(t *testing.T) {
	t.Parallel()
	p, err := NewPlayer(Header{Protocol: LF}, lfTape(t), Compact)
	if err != nil {
		t.Fatal(err)
	}
	heard := other(t, p, lfQuery, lfQuery, lfQuery, lfQuery, lfPreset)
	lifted := strings.ReplaceAll(lfLifted, " ", "")
	if len(heard) != 5 || heard[1] != lifted || heard[2] != lifted || heard[3] != lifted {
		t.Errorf("heard %q", heard)
	}
}

// answer is a poll's answer at a second of the clock.
func answer(t testing.TB, second int, price byte) string {
	f, err := fa.Build(1, fa.PCAddress, fa.FromPC|byte(second), &fa.PollAnswer{
		Time: fa.StampOf(clock.At(2026, 1, 1, 8, 0, second).Civil()), Versions: fa.Versions{Price: price},
	})
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(fa.Encode(f))
}

// TestClockOfTheStation counts in the strict matching alone; a version counts in the compact one too.
func TestClockOfTheStation(t *testing.T) {
	t.Parallel()
	pieces := spoken(t, "<"+faPoll, ">"+answer(t, 1, 7), "<"+faPoll, ">"+answer(t, 2, 7), "<"+faPoll, ">"+answer(t, 3, 8))
	for _, c := range []struct {
		m     Matching
		last  byte
		clean bool
	}{{Strict, 8, false}, {Compact, 8, true}, {Compact, 9, false}, {Minimal, 9, true}} {
		p, err := NewPlayer(Header{Protocol: FA}, pieces, c.m)
		if err != nil {
			t.Fatal(err)
		}
		other(t, p, answer(t, 31, 7), answer(t, 32, c.last))
		if _, of := p.Played(); c.m == Compact && of != 4 {
			t.Errorf("%d frames of six after merging", of)
		}
		var d *Diverged
		if clean := p.Err() == nil; clean != c.clean || !clean && !errors.As(p.Err(), &d) {
			t.Errorf("%s %d: %v", c.m, c.last, p.Err())
		}
	}
}

// TestFirstWordsAreRepeated until somebody answers: the other side opens its port when it likes.
func TestFirstWordsAreRepeated(t *testing.T) {
	t.Parallel()
	p, err := NewPlayer(Header{Protocol: FA}, spoken(t, "<"+faPoll, ">"+answer(t, 1, 7), "<"+faPoll), Strict)
	if err != nil {
		t.Fatal(err)
	}
	now := clock.At(2026, 1, 1, 0, 0, 0)
	p.Start(now)
	for range 100 {
		if n := len(p.Take()); n != 1 || p.Err() != nil {
			t.Fatalf("%d frames, %v", n, p.Err())
		}
		now = p.Due()
		p.Wake(now)
	}
	p.Receive(now, unhex(t, answer(t, 1, 7)))
	p.Wake(p.Due())
	if !p.Done() || p.Err() != nil {
		t.Errorf("%v", p.Err())
	}
}

// TestOwnQuestionsOfAStation come when they like in the compact matching, but they must come; the minimal one does without.
func TestOwnQuestionsOfAStation(t *testing.T) {
	t.Parallel()
	frame := func(from byte, m fa.Message) string {
		f, err := fa.Build(1, fa.PCAddress, from, m)
		if err != nil {
			t.Fatal(err)
		}
		return hex.EncodeToString(fa.Encode(f))
	}
	info, totals := frame(fa.FromPC, &fa.InfoAsk{}), frame(fa.FromPC, &fa.TotalsAsk{})
	is := frame(0, &fa.Totals{})
	pieces := spoken(t, "<"+faPoll, ">"+totals, ">"+answer(t, 1, 7), "<"+is, ">"+info)
	for _, c := range []struct {
		m      Matching
		frames []string
		line   int
	}{
		{Strict, []string{totals, answer(t, 1, 7), info}, 0},
		{Strict, []string{answer(t, 1, 7), totals, info}, 3},
		{Compact, []string{answer(t, 1, 7), info, totals}, 0},
		{Compact, []string{info, totals, totals, answer(t, 1, 7)}, 0},
		{Compact, []string{answer(t, 1, 7), totals}, 6},
		{Minimal, []string{answer(t, 1, 7)}, 0},
	} {
		p, err := NewPlayer(Header{Protocol: FA}, pieces, c.m)
		if err != nil {
			t.Fatal(err)
		}
		heard := other(t, p, c.frames...)
		for now := p.Due(); now != clock.Never; now = p.Due() {
			p.Wake(now)
		}
		var d *Diverged
		if errors.As(p.Err(), &d); c.line == 0 && !p.Done() || c.line != 0 && (d == nil || d.Line != c.line) {
			t.Errorf("%s %d frames: want line %d, got %v", c.m, len(c.frames), c.line, p.Err())
		}
		if n := strings.Count(strings.Join(heard, " "), strings.ToUpper(is)); c.m == Compact && c.line == 0 && n == 0 {
			t.Errorf("%s: the question was answered %d times: %q", c.m, n, heard)
		}
	}
}

func TestNothingToPlay(t *testing.T) {
	t.Parallel()
	if _, err := NewPlayer(Header{Protocol: LF}, spoken(t, ">"+lfQuery), Strict); !errors.Is(err, ErrNothing) {
		t.Errorf("%v", err)
	}
}

func asn(t testing.TB) pboc.ASN {
	a, err := pboc.ParseASN("01000114400000123456")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestMaskedTapeHoldsNoCardNumber: neither where a frame has one, nor in a list, nor in a vendor's command, nor in noise; the
// frames are good ones all the same.
func TestMaskedTapeHoldsNoCardNumber(t *testing.T) {
	t.Parallel()
	a := asn(t)
	ask, err := fa.Build(fa.PCAddress, 1, 0, &fa.ListAsk{ASN: a})
	if err != nil {
		t.Fatal(err)
	}
	list, err := fa.Build(1, fa.PCAddress, fa.FromPC, &fa.Segments{Content: fa.ContentAdded, Count: 1, Data: append(make([]byte, 6), a[:]...)})
	if err != nil {
		t.Fatal(err)
	}
	vendor := fa.Frame{Dst: fa.PCAddress, Src: 1, Data: append([]byte{0x70}, a[:]...)}
	var stream []byte
	for _, f := range []fa.Frame{ask, list, vendor} {
		stream = append(stream, fa.Encode(f)...)
	}
	stream = append(append(stream, a[:]...), unhex(t, faPoll)...)
	for _, masked := range []bool{true, false} {
		var text bytes.Buffer
		w, err := NewWriter(&text, Header{Port: "/dev/hub/port01", Baud: 9600, Parity: "none", Protocol: FA, Masked: masked})
		if err != nil {
			t.Fatal(err)
		}
		for i := range stream { // byte by byte, as a line brings them
			if err := w.Write(Piece{At: time.Duration(i) * time.Millisecond, Way: FromDispenser, Data: stream[i : i+1]}); err != nil {
				t.Fatal(err)
			}
		}
		h, pieces, err := Read(&text)
		if err != nil || h.Masked != masked || h.Port != "/dev/hub/port01" {
			t.Fatalf("%+v %v", h, err)
		}
		c := NewCutter(FA)
		var all []byte
		var words []fa.Word
		for _, p := range pieces {
			all = append(all, p.Data...)
			for _, f := range c.Cut(p) {
				words = append(words, f.FA.Word())
				if shown := f.Show(false); strings.Contains(shown.Hex+shown.String(), a.Digits()) {
					t.Errorf("shown: %s", shown)
				}
			}
		}
		if len(words) != 4 || words[0] != fa.WordList || words[3] != fa.WordPoll {
			t.Errorf("masked %v: words %v", masked, words)
		}
		if found := bytes.Contains(all, a[:]); found == masked {
			t.Errorf("masked %v, a card number is there: %v", masked, found)
		}
		if !masked && !bytes.Equal(all, stream) {
			t.Error("a raw tape changes bytes")
		}
	}
}

// TestMaskedTapePlays: what the other side says is masked before it is compared.
func TestMaskedTapePlays(t *testing.T) {
	t.Parallel()
	a := asn(t)
	f, err := fa.Build(1, fa.PCAddress, fa.FromPC, &fa.ListAnswer{Flag: fa.NotFound, ASN: a})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	w, err := NewWriter(&text, Header{Protocol: FA, Masked: true})
	for _, p := range append(spoken(t, "<"+faPoll), Piece{At: time.Second, Way: ToDispenser, Data: fa.Encode(f)}) {
		err = errors.Join(err, w.Write(p))
	}
	h, pieces, bad := Read(&text)
	if errors.Join(err, bad) != nil {
		t.Fatal(err, bad)
	}
	p, err := NewPlayer(h, pieces, Strict)
	if err != nil {
		t.Fatal(err)
	}
	other(t, p, hex.EncodeToString(fa.Encode(f)))
	if p.Err() != nil || !p.Done() {
		t.Errorf("%v", p.Err())
	}
}

func TestTapeIsReadStrictly(t *testing.T) {
	t.Parallel()
	head := `{"tape":1,"port":"p","baud":9600,"parity":"none","protocol":"lf","masked":false}` + "\n"
	for name, c := range map[string]struct{ text, want string }{
		"empty":       {"", "第 1 行"},
		"no header":   {"rubbish\n", "第 1 行"},
		"version":     {strings.Replace(head, `"tape":1`, `"tape":2`, 1), "版本 2"},
		"protocol":    {strings.Replace(head, `"lf"`, `"xx"`, 1), "fa 或 lf"},
		"unknown key": {head + `{"t_us":1,"d":"<","hex":"00","x":1}`, "第 2 行"},
		"two in one":  {head + `{"t_us":1,"d":"<","hex":"00"}{}`, "第 2 行"},
		"hex":         {head + `{"t_us":1,"d":"<","hex":"0"}`, "第 2 行"},
		"way":         {head + `{"t_us":1,"d":"=","hex":"00"}`, "方向"},
		"no bytes":    {head + `{"t_us":1,"d":"<","hex":""}`, "方向"},
		"back":        {head + `{"t_us":2,"d":"<","hex":"00"}` + "\n" + `{"t_us":1,"d":"<","hex":"00"}`, "第 3 行"},
		"long":        {head + strings.Repeat("x", maxLine+1), "第 1 行"},
	} {
		if _, _, err := Read(strings.NewReader(c.text)); !errors.Is(err, ErrTape) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, pieces, err := Read(strings.NewReader(head + `{"t_us":7,"d":">","hex":"0a"}`)); err != nil || len(pieces) != 1 || pieces[0].At != 7*time.Microsecond || pieces[0].Line != 2 {
		t.Errorf("%+v %v", pieces, err)
	}
}

func TestWriterKeepsAnErrorOfTheFile(t *testing.T) {
	t.Parallel()
	if _, err := NewWriter(full{}, Header{Protocol: LF}); !errors.Is(err, errFull) {
		t.Errorf("%v", err)
	}
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// TestShownInBothLanguages: a frame says what it is and what its fields mean; a damaged line is counted.
func TestShownInBothLanguages(t *testing.T) {
	t.Parallel()
	c := NewCutter(LF)
	var lines []string
	for _, p := range append(lfTape(t), Piece{At: time.Hour, Way: FromDispenser, Data: unhex(t, "01 00 07 85 00 00 00 00 00 00 41 34")}) {
		for _, f := range c.Cut(p) {
			lines = append(lines, f.Show(false).String())
		}
	}
	text := strings.Join(lines, "\n")
	for _, want := range []string{"查询状态 (query state)", "状态 (state)", "受控 加油中", "定金额加油 (fuel for cash)", "200.00", "117479.73"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
	if n := c.Counts(); n.Good != 12 || n.Bad != 1 {
		t.Errorf("%+v", n)
	}
}

// FuzzTape: whatever the text, reading and playing it end without panic, and what is read is written again as it was.
func FuzzTape(f *testing.F) {
	var text bytes.Buffer
	w, _ := NewWriter(&text, Header{Protocol: LF, Baud: 9600})
	for _, p := range lfTape(f) {
		_ = w.Write(p)
	}
	f.Add(text.Bytes(), unhex(f, lfQuery))
	f.Add([]byte(`{"tape":1,"port":"","baud":0,"parity":"","protocol":"fa","masked":true}`), unhex(f, faPoll))
	var own bytes.Buffer
	w, _ = NewWriter(&own, Header{Protocol: FA})
	for i, m := range []fa.Message{&fa.TotalsAsk{}, &fa.Totals{}, &fa.InfoAsk{}} {
		x, err := fa.Build(1, fa.PCAddress, []byte{fa.FromPC, 0, fa.FromPC}[i], m)
		if err != nil {
			f.Fatal(err)
		}
		_ = w.Write(Piece{At: time.Duration(i), Way: FromDispenser, Data: fa.Encode(x)})
		f.Add(own.Bytes(), fa.Encode(x))
	}
	f.Fuzz(func(t *testing.T, text, heard []byte) {
		h, pieces, err := Read(bytes.NewReader(text))
		if err != nil {
			if !errors.Is(err, ErrTape) {
				t.Fatal(err)
			}
			return
		}
		var again bytes.Buffer
		raw := h
		raw.Masked = false
		w, err := NewWriter(&again, raw)
		for _, p := range pieces {
			err = errors.Join(err, w.Write(p))
		}
		_, back, bad := Read(&again)
		if errors.Join(err, bad) != nil || len(back) != len(pieces) {
			t.Fatal(err, bad, len(back))
		}
		for i := range back {
			if !bytes.Equal(back[i].Data, pieces[i].Data) || back[i].Way != pieces[i].Way {
				t.Fatalf("piece %d changed", i)
			}
		}
		for _, m := range Matchings {
			p, err := NewPlayer(h, pieces, m)
			if err != nil {
				continue
			}
			now := clock.Instant(0)
			p.Start(now)
			p.Receive(now, heard)
			for i := 0; i <= 2*len(pieces)+2+int(2*Patience/Lead) && p.Due() != clock.Never; i++ {
				now = max(p.Due(), now)
				p.Wake(now)
			}
			if p.Err() == nil && !p.Done() && p.last >= 0 {
				t.Fatal("a replay neither ends nor fails")
			}
		}
	})
}

package panel

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"greylock/emulators/world"
	"greylock/system/clock"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
	"greylock/system/wire/samcard"
)

// Bounds of the trace: more is read by nobody.
const (
	keepLines  = 240  // for somebody who comes
	burstLines = 60   // per update that are worth showing …
	burstPolls = 6    // … and polls
	maxRaw     = 1024 // characters of raw text of one line
)

// lineShown is one line of the trace.
type lineShown struct {
	N      uint64 `json:"i"`
	Time   string `json:"t"`
	Kind   string `json:"kind"` // card, psam, serial, poll, journal, event
	Where  said   `json:"where"`
	Title  said   `json:"title"`
	Detail said   `json:"detail"`
	Why    *said  `json:"why,omitempty"` // in plain words, what this is for
	Raw    string `json:"raw"`
}

// tracer turns the town's trace into lines for people.
type tracer struct {
	nozzles map[string]record.Nozzle // by Line.Where
	wheres  []string
	streams map[string]*fa.Decoder
	kept    []lineShown
	fresh   []lineShown
	polls   int
	skipped int
	busy    []record.Nozzle
	worth   int // lines other than polls so far
}

func newTracer(w *world.World) tracer {
	t := tracer{nozzles: map[string]record.Nozzle{}, streams: map[string]*fa.Decoder{}}
	for _, d := range w.Pumps() {
		t.nozzles[d.Where] = d.Nozzle
		t.wheres = append(t.wheres, d.Where)
	}
	return t
}

// at finds the nozzle of a line, and what its Where says besides.
func (t *tracer) at(where string) (n record.Nozzle, rest string) {
	for _, w := range t.wheres {
		if rest, ok := strings.CutPrefix(where, w); ok && (rest == "" || rest[0] == ' ') {
			return t.nozzles[w], strings.TrimSpace(rest)
		}
	}
	return 0, where
}

// add takes one line of the town's trace; ok says that it belongs to a nozzle.
func (t *tracer) add(l world.Line) (n record.Nozzle, ok bool) {
	n, rest := t.at(l.Where)
	where := said{rest, rest}
	if n != 0 {
		where = nozzleName(n)
	}
	switch l.Kind {
	case "frame":
		if !slices.Contains(t.busy, n) {
			t.busy = append(t.busy, n)
		}
		t.frames(l, where)
	case "apdu":
		t.put(l, apduLine(l.Data, where, rest))
	case "fact":
		t.put(l, factLine(l.Data, l.Where))
	case "event":
		if x, worth := eventLine(l.Data, where); worth {
			t.put(l, x)
		}
	}
	return n, n != 0
}

// put keeps a finished line.
func (t *tracer) put(l world.Line, x lineShown) {
	x.N, x.Time = l.N, timeOfDay(l.At)
	if len(x.Raw) > maxRaw {
		x.Raw = x.Raw[:maxRaw] + "…"
	}
	if x.Kind == "poll" {
		if t.polls++; t.polls > burstPolls {
			return
		}
	} else {
		t.worth++
		if t.kept = append(t.kept, x); len(t.kept) >= 2*keepLines {
			t.kept = append(t.kept[:0], t.kept[len(t.kept)-keepLines:]...)
		}
	}
	if t.fresh = append(t.fresh, x); len(t.fresh) >= 2*burstLines {
		t.skipped += burstLines
		t.fresh = append(t.fresh[:0], t.fresh[burstLines:]...)
	}
}

// take hands out what came since the last time.
func (t *tracer) take() (lines []lineShown, skipped int, busy []record.Nozzle) {
	lines, skipped, busy = t.fresh, t.skipped, t.busy
	t.fresh, t.skipped, t.busy, t.polls = nil, 0, nil, 0
	return lines, skipped, busy
}

// recent are the last lines that are worth showing and not still to be taken.
func (t *tracer) recent() []lineShown {
	end := len(t.kept)
	if len(t.fresh) > 0 {
		for end > 0 && t.kept[end-1].N >= t.fresh[0].N {
			end--
		}
	}
	return append([]lineShown(nil), t.kept[max(0, end-keepLines):end]...)
}

func timeOfDay(t clock.Instant) string {
	c := t.Civil()
	return fmt.Sprintf("%02d:%02d:%02d.%03d", c.Hour, c.Minute, c.Second, t.Milli()%1000)
}

// frames finds the frames in what crossed a serial line; each direction is a stream of its own.
func (t *tracer) frames(l world.Line, where said) {
	d := t.streams[l.Where]
	if d == nil {
		d = &fa.Decoder{}
		t.streams[l.Where] = d
	}
	d.Decode(l.Data, func(f fa.Frame) {
		about := fa.Describe(f)
		x := lineShown{Kind: "serial", Where: where, Raw: fmt.Sprintf("% X", fa.Encode(f))}
		if f.Word() == fa.WordPoll || f.Word() == fa.WordLive {
			x.Kind = "poll"
		}
		arrow := "→"
		if f.FromPC() {
			arrow = "←"
		}
		x.Why = why(frameWhys, fmt.Sprintf("%s %02X", arrow, byte(f.Word())))
		x.Title = said{fmt.Sprintf("%s %02XH %s", arrow, byte(f.Word()), about.Zh), fmt.Sprintf("%s %02XH %s", arrow, byte(f.Word()), about.En)}
		var zh, en []string
		for _, v := range about.Fields {
			zh = append(zh, named(v.Zh, v.Value, v.MeansZh))
			en = append(en, named(v.En, v.Value, v.MeansEn))
		}
		x.Detail = said{strings.Join(zh, " · "), strings.Join(en, " · ")}
		if about.Err != nil {
			x.Detail = said{"格式有误: " + about.Err.Error(), "malformed: " + about.Err.Error()}
		}
		t.put(l, x)
	})
}

// why finds the plain words for a command, a frame or a fact.
func why(whys map[string]said, key string) *said {
	if s, ok := whys[key]; ok {
		return &s
	}
	return nil
}

func named(name, value, means string) string {
	if means != "" {
		return name + " " + means
	}
	return name + " " + value
}

// apduLine is one command and its answer at a user card or a PSAM. PINs and keys are starred in every form.
func apduLine(data []byte, where said, slot string) lineShown {
	psam := strings.HasSuffix(slot, "PSAM")
	x := lineShown{Kind: "card", Where: where}
	if psam {
		x.Kind = "psam"
	}
	command, answer, err := world.Split(data)
	if err != nil {
		x.Title, x.Raw = said{"残缺的命令", "cut command"}, fmt.Sprintf("% X", data)
		return x
	}
	c, err := apdu.ParseCommand(command)
	if err != nil {
		x.Title, x.Detail = said{"无法解析的命令", "unreadable command"}, said{err.Error(), err.Error()}
		return x // not shown raw: nobody can say which of its bytes are secret
	}
	about, raw := fuelcard.Describe(c), fuelcard.Hex(c)
	if psam {
		about, raw = samcard.Describe(c), samcard.Hex(c)
	}
	x.Title, x.Raw, x.Why = said{about.Zh, about.En}, raw, why(commandWhys, about.En)
	zh, en := fields(about)
	a, err := apdu.ParseAnswer(answer)
	if err != nil {
		x.Detail = said{zh + " ⇒ 无应答", en + " ⇒ no answer"}
		return x
	}
	reply := fuelcard.DescribeAnswer(c, a)
	if psam {
		reply = samcard.DescribeAnswer(c, a)
	}
	x.Raw += fmt.Sprintf(" ⇒ %X", answer)
	reply.Fields = reply.Fields[:len(reply.Fields)-1] // the status word, told first and in one language
	rzh, ren := fields(reply)
	word := fmt.Sprintf("⇒ %04X ", uint16(a.SW))
	szh, sen := word, word
	if a.SW != apdu.OK {
		wzh, wen := a.SW.Words()
		szh, sen = word+wzh+" ", word+wen+" "
	}
	x.Detail = said{strings.TrimSpace(zh + " " + szh + rzh), strings.TrimSpace(en + " " + sen + ren)}
	return x
}

func fields(d apdu.Description) (zh, en string) {
	var z, e []string
	for _, f := range d.Fields {
		z = append(z, f.Zh+" "+f.Value)
		e = append(e, f.En+" "+f.Value)
	}
	return strings.Join(z, " · "), strings.Join(e, " · ")
}

// factLine is one line of a site's journal.
func factLine(data []byte, site string) lineShown {
	x := lineShown{Kind: "journal", Where: said{"站点 " + site, "site " + site}, Raw: string(data)}
	if site == string(record.Center) {
		x.Where = said{"中心", "center"}
	}
	f, err := record.Decode(data)
	if err != nil {
		x.Title = said{"未知记录", "unknown record"}
		return x
	}
	word, ok := factWords[f.FactType()]
	if !ok {
		word = said{f.FactType(), f.FactType()}
	}
	x.Title, x.Why = word, why(factWhys, f.FactType())
	if s, ok := f.(record.SalePosted); ok {
		x.Detail = said{
			fmt.Sprintf("%v · %v %s · %v 元", s.Sale, s.Quantity, s.Unit, s.Amount),
			fmt.Sprintf("%v · %v %s · %v yuan", s.Sale, s.Quantity, s.Unit, s.Amount),
		}
	}
	return x
}

// eventLine is what people saw and heard at a dispenser.
func eventLine(data []byte, where said) (x lineShown, worth bool) {
	kind, rest, _ := strings.Cut(string(data), " ")
	word, text, _ := strings.Cut(rest, " ")
	x = lineShown{Kind: "event", Where: where, Raw: string(data)}
	switch kind {
	case "beep", "record", "receipt":
		return x, false
	case "插卡":
		x.Title, x.Detail = said{"插卡", "card in"}, said{rest, rest}
	case "拔卡":
		x.Title, x.Detail = said{"拔卡", "card out"}, said{rest, rest}
	case "stage":
		s, ok := stageWords[word]
		if !ok {
			s = said{text, "last sale settled: " + word}
		}
		x.Title, x.Why = s, why(stageWhys, word)
	case "refused":
		x.Title, x.Detail = said{"拒绝", "refused"}, said{text, word}
	case "fault":
		x.Title, x.Detail = said{"故障", "fault"}, said{word + " " + text, word}
	case "link":
		x.Title = said{"联机", "online"}
		if word != "online" {
			x.Title = said{"离线", "offline"}
		}
	default:
		x.Title = said{string(data), string(data)}
	}
	return x, true
}

func isReceipt(data []byte) bool { return bytes.HasPrefix(data, []byte("receipt")) }

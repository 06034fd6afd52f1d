package features

import (
	"fmt"
	"regexp"
	"strings"

	"greylock/emulators/world"
	"greylock/features/steps"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/samcard"
)

// How much of a failed world is shown.
const (
	tailTrace   = 120
	tailJournal = 30
	factWidth   = 400
)

// evidence is what a failure leaves for whoever looks into it: seed, notes, trace and journal, decoded; secrets are masked by
// the decoders.
func evidence(town steps.Town, seed int64) string {
	w, ok := town.(*world.World)
	if !ok {
		return fmt.Sprintf("种子 (seed): %d\n", seed)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "种子 (seed): %d\n时刻 (town's time): %v\n", seed, w.Now())
	if err := w.Violation(); err != nil {
		fmt.Fprintf(&b, "检查器 (checkers): %v\n", err)
	}
	section(&b, "记事 (notes)", w.Notes(), tailJournal)
	var trace, journal []string
	streams := map[string]*fa.Decoder{}
	for _, l := range w.Trace().Lines() {
		switch l.Kind {
		case "fact":
			journal = append(journal, decode(l))
		case "frame":
			trace = append(trace, frames(streams, l)...)
		default:
			trace = append(trace, decode(l))
		}
	}
	section(&b, "线路与卡 (frames and APDUs)", trace, tailTrace)
	section(&b, "日志 (journals)", journal, tailJournal)
	return masked(b.String())
}

// cardNumber is a card or PSAM number, wherever it stands: in words, in JSON, inside the hexadecimal bytes of a record.
// Source: card.md 3.8.
var cardNumber = regexp.MustCompile(`(0100[0-9]{2})[0-9]{10}([0-9]{4})`)

// masked stars the middle of every card number: reports are sent around.
func masked(text string) string { return cardNumber.ReplaceAllString(text, "$1**********$2") }

// shown is an error as a report may show it.
type shown struct{ error }

// Error masks.
func (e shown) Error() string { return masked(e.error.Error()) }

// Unwrap is the error itself.
func (e shown) Unwrap() error { return e.error }

func section(b *strings.Builder, title string, lines []string, most int) {
	fmt.Fprintf(b, "── %s ──\n", title)
	for _, l := range lines[max(0, len(lines)-most):] {
		b.WriteString("  " + l + "\n")
	}
}

// decode is one line of the trace in words.
func decode(l world.Line) string {
	head := fmt.Sprintf("%v %s ", l.At, l.Where)
	switch l.Kind {
	case "apdu":
		return head + decodeAPDU(l.Where, l.Data)
	case "fact":
		text := string(l.Data)
		if len(text) > factWidth {
			text = text[:factWidth] + "…"
		}
		return head + strings.ToValidUTF8(text, "")
	}
	return head + string(l.Data)
}

// frames are the frames that a piece of a line's stream completes; each direction of each line is a stream. Polls say
// nothing but that the line lives.
func frames(streams map[string]*fa.Decoder, l world.Line) (out []string) {
	d := streams[l.Where]
	if d == nil {
		d = &fa.Decoder{}
		streams[l.Where] = d
	}
	d.Decode(l.Data, func(f fa.Frame) {
		if f.Word() != fa.WordPoll {
			out = append(out, fmt.Sprintf("%v %s %v", l.At, l.Where, fa.Describe(f)))
		}
	})
	return out
}

func decodeAPDU(where string, data []byte) string {
	command, answer, err := world.Split(data)
	if err != nil {
		return err.Error()
	}
	c, err := apdu.ParseCommand(command)
	if err != nil {
		return fmt.Sprintf("命令 %d 字节 (malformed): %v", len(command), err)
	}
	describe, describeAnswer := fuelcard.Describe, fuelcard.DescribeAnswer
	if strings.HasSuffix(where, "PSAM") {
		describe, describeAnswer = samcard.Describe, samcard.DescribeAnswer
	}
	text := fmt.Sprint(describe(c))
	a, err := apdu.ParseAnswer(answer)
	if err != nil {
		return text + " → 无应答 (no answer)"
	}
	return fmt.Sprintf("%s → %v %v", text, a.SW, describeAnswer(c, a))
}

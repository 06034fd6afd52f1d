package lines

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Need is what a case needs besides the line.
type Need int

// The needs.
const (
	Hands   Need = 1 << iota // at the dispenser: lift, squeeze, hang, power
	Orders                   // a person at the station
	Site                     // a whole station behind the line: journal, files
	Minutes                  // more time than anybody has at a real line
)

func (n Need) String() string {
	words := ""
	for _, w := range []struct {
		need Need
		text string
	}{{Hands, "加油机旁的手 (hands at the dispenser)"}, {Orders, "站上的人 (orders at the station)"}, {Site, "完整的站级程序 (a whole station)"}, {Minutes, "几分钟的时间 (minutes)"}} {
		if n&w.need != 0 {
			words += ", " + w.text
		}
	}
	return words[min(len(words), 2):]
}

// Pick says which cases are run.
type Pick struct {
	Have Need
	Only *regexp.Regexp // names of cases; nil: all
}

// Result is what came of a case.
type Result struct {
	Name   string `json:"name"`
	Zh     string `json:"zh"`
	En     string `json:"en"`
	Source string `json:"source"` // section of dispenser.md
	OK     bool   `json:"ok"`
	NotRun string `json:"not_run,omitempty"` // what it lacks
	Error  string `json:"error,omitempty"`
}

// Report is what came of a suite.
type Report struct {
	Cases   int      `json:"cases"`
	Frames  int      `json:"frames"` // sent
	Passed  int      `json:"passed"`
	Failed  int      `json:"failed"`
	NotRun  int      `json:"not_run"`
	Results []Result `json:"results"`
}

// entry is a row of a suite.
type entry[T any] struct {
	name, zh, en, source string
	need                 Need
	run                  func(T)
}

// run goes through a suite; each case has a side of its own from begin, which also says how it ended.
func run[T any](cases []entry[T], p Pick, begin func(entry[T]) (T, func() (frames int, err error), error)) Report {
	var r Report
	for _, c := range cases {
		if p.Only != nil && !p.Only.MatchString(c.name) {
			continue
		}
		out := Result{Name: c.name, Zh: c.zh, En: c.en, Source: c.source}
		r.Cases++
		if lacks := c.need &^ p.Have; lacks != 0 {
			out.NotRun = "缺 (lacks): " + lacks.String()
			r.NotRun++
			r.Results = append(r.Results, out)
			continue
		}
		side, end, err := begin(c)
		if err == nil {
			c.run(side)
			var frames int
			frames, err = end()
			r.Frames += frames
		}
		if err != nil {
			out.Error = err.Error()
			r.Failed++
		} else {
			out.OK = true
			r.Passed++
		}
		r.Results = append(r.Results, out)
	}
	return r
}

// try is one case on its way. The first failure ends it: whatever is done afterwards does nothing.
type try struct {
	wire   Wire
	frames int
	err    error
	trace  []string // the last bytes, for a failure
}

// mostTrace lines stand below a failure.
const mostTrace = 8

func (t *try) failed() bool { return t.err != nil }

// fail notes why the case failed; zh then en.
func (t *try) fail(format string, args ...any) {
	if t.err == nil {
		t.err = fmt.Errorf(format, args...)
	}
}

// want fails when the condition does not hold.
func (t *try) want(ok bool, format string, args ...any) {
	if !ok {
		t.fail(format, args...)
	}
}

func (t *try) note(way string, b []byte) {
	if t.failed() {
		return
	}
	t.trace = append(t.trace, fmt.Sprintf("\n    %s %s % X", t.wire.Now(), way, b))
	t.trace = t.trace[max(len(t.trace)-mostTrace, 0):]
}

func (t *try) send(b []byte) {
	if t.failed() {
		return
	}
	t.frames++
	t.note(">", b)
	if err := t.wire.Send(b); err != nil {
		t.err = err
	}
}

// receive returns bytes, or none when the time is over or the case is lost.
func (t *try) receive(d time.Duration) []byte {
	if t.failed() || d < 0 {
		return nil
	}
	b, err := t.wire.Receive(t.wire.Now().Add(d))
	if err != nil {
		t.err = err
	}
	if len(b) > 0 {
		t.note("<", b)
	}
	return b
}

// drain lets time pass and returns all that came.
func (t *try) drain(d time.Duration) (got []byte) {
	for end := t.wire.Now().Add(d); !t.failed(); {
		b := t.receive(end.Sub(t.wire.Now()))
		if len(b) == 0 {
			break
		}
		got = append(got, b...)
	}
	return got
}

// outcome is the failure with the last bytes.
func (t *try) outcome() error {
	if t.err == nil {
		return nil
	}
	last := ""
	for _, l := range t.trace {
		last += l
	}
	return errors.New(t.err.Error() + last)
}

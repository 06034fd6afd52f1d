package panel

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"greylock/emulators/world"
	"greylock/system/clock"
)

// However much happens, what the page keeps and sends is bounded, and nothing is left out silently.
func TestTraceIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.p.trace.take()
	shown, skipped, sent := 0, 0, 0
	for i := range 10_000 {
		r.p.trace.add(world.Line{N: uint64(1_000_000 + i), At: clock.Instant(i), Kind: "event", Where: "fault", Data: fmt.Appendf(nil, "line %d", i)})
		sent++
		if len(r.p.trace.fresh) > 2*burstLines || len(r.p.trace.kept) > 2*keepLines {
			t.Fatalf("%d fresh, %d kept", len(r.p.trace.fresh), len(r.p.trace.kept))
		}
		if i%3000 == 2999 {
			lines, left, _ := r.p.trace.take()
			shown, skipped = shown+len(lines), skipped+left
		}
	}
	lines, left, _ := r.p.trace.take()
	shown, skipped = shown+len(lines), skipped+left
	if shown+skipped != sent || skipped == 0 {
		t.Errorf("%d lines: %d shown, %d said to be skipped", sent, shown, skipped)
	}
	if got := r.p.trace.recent(); len(got) != keepLines || got[keepLines-1].Title.Zh != "line 9999" {
		t.Errorf("somebody who comes gets %d lines", len(got))
	}
	long := world.Line{Kind: "event", Where: "fault", Data: []byte(strings.Repeat("x", 1<<16))}
	r.p.trace.add(long)
	if lines, _, _ := r.p.trace.take(); len(lines[0].Raw) > maxRaw+len("…") {
		t.Errorf("a line of %d characters", len(lines[0].Raw))
	}
}

// A sale is told in both languages, most of it also in plain words, and never with the PIN.
func TestTraceOfASale(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	var all []lineShown
	collect := func() {
		lines, skipped, _ := r.p.trace.take()
		if skipped > 0 {
			t.Errorf("%d lines skipped", skipped)
		}
		all = append(all, lines...)
	}
	collect()
	all = nil
	r.fuel("50元")
	for range 600 {
		r.pass(100 * time.Millisecond)
		collect()
	}
	r.post("/hands/hang", `{"nozzle":2}`)
	r.pass(5 * time.Second)
	collect()
	var told []string
	for _, l := range all {
		if l.Title.Zh == "" || l.Title.En == "" || l.Kind == "" || l.Time == "" {
			t.Errorf("incomplete: %+v", l)
		}
		if strings.Contains(fmt.Sprint(l), "123456") || strings.Contains(l.Raw, "313233343536") {
			t.Errorf("the PIN is told: %+v", l)
		}
		if l.Why != nil {
			told = append(told, l.Title.En)
		}
	}
	for _, want := range []string{"VERIFY", "GREY LOCK", "DEBIT FOR UNLOCK", "→ 32H completed record", "← 32H record acknowledge", "sale posted", "debited"} {
		if !slices.Contains(told, want) {
			t.Errorf("not explained: %s", want)
		}
	}
	polls := slices.ContainsFunc(all, func(l lineShown) bool { return l.Kind == "poll" && strings.Contains(l.Title.En, "31H") })
	if !polls {
		t.Error("no live frame was told")
	}
}

// What can not be decoded is told as such, and a command that nobody understands is never shown raw: it may hold a secret.
func TestTraceOfRubbish(t *testing.T) {
	t.Parallel()
	for _, data := range [][]byte{nil, {1}, {0, 5, 1, 2}, {0, 1, 0xFF, 0x90, 0x00}} {
		x := apduLine(data, said{}, "PSAM")
		if x.Title.Zh == "" || x.Kind != "psam" {
			t.Errorf("% X: %+v", data, x)
		}
	}
	if x := factLine([]byte("{"), "0001"); x.Title.En != "unknown record" {
		t.Errorf("fact: %+v", x)
	}
	if x, worth := eventLine([]byte("strange"), said{}); !worth || x.Title.Zh != "strange" {
		t.Errorf("event: %+v", x)
	}
}

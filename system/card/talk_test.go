package card_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"greylock/system/card"
	"greylock/system/wire/record"
)

func conversation(log *[]string) func(*card.Talk) {
	return func(t *card.Talk) {
		defer func() { *log = append(*log, "left") }()
		a, err := t.Slot("card").Transmit([]byte{1})
		*log = append(*log, fmt.Sprintf("card %v %v", a, err))
		if err := t.Append(record.Alarm{Kind: "x"}); err != nil {
			*log = append(*log, "append "+err.Error())
			return
		}
		b, err := t.Ask("/ask/load", []byte("{}"))
		*log = append(*log, fmt.Sprintf("center %s %v", b, err))
	}
}

// TestTalk resumes plain code step by step.
func TestTalk(t *testing.T) {
	t.Parallel()
	var log []string
	talk := card.NewTalk(conversation(&log))
	if len(log) != 0 {
		t.Fatal("run before the first Next")
	}
	step, ok := talk.Next(card.Reply{Err: errors.New("ignored")})
	if x, is := step.(card.Transmit); !ok || !is || x.Slot != "card" || x.Command[0] != 1 {
		t.Fatalf("%+v", step)
	}
	step, _ = talk.Next(card.Reply{Data: []byte{0x90, 0}})
	if x, is := step.(card.Append); !is || len(x.Facts) != 1 {
		t.Fatalf("%+v", step)
	}
	step, _ = talk.Next(card.Reply{})
	if x, is := step.(card.Ask); !is || x.Path != "/ask/load" || string(x.Body) != "{}" {
		t.Fatalf("%+v", step)
	}
	if step, ok = talk.Next(card.Reply{Data: []byte("{1}")}); ok || step != nil {
		t.Fatalf("%+v after the end", step)
	}
	if _, ok = talk.Next(card.Reply{}); ok {
		t.Fatal("a step after the end")
	}
	talk.Stop()
	want := []string{"card [144 0] <nil>", "center {1} <nil>", "left"}
	if !slices.Equal(log, want) {
		t.Errorf("%q", log)
	}
}

// TestTalkStopped: the driver goes away at any step; nothing after it runs but deferred calls.
func TestTalkStopped(t *testing.T) {
	t.Parallel()
	for steps := range 4 {
		var log []string
		talk := card.NewTalk(conversation(&log))
		for range steps {
			talk.Next(card.Reply{})
		}
		talk.Stop()
		talk.Stop()
		if _, ok := talk.Next(card.Reply{}); ok {
			t.Errorf("stopped at step %d: goes on", steps)
		}
		want := max(0, min(steps, 2)) // "card" after step 2, "left" whenever it had begun
		if steps == 3 {
			want = 2
		}
		if len(log) != want || want > 0 && log[len(log)-1] != "left" {
			t.Errorf("stopped at step %d: %q", steps, log)
		}
	}
}

// TestTalkPanics: a bug in the sequential code is not swallowed.
func TestTalkPanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("panic swallowed")
		}
	}()
	card.NewTalk(func(*card.Talk) { panic("bug") }).Next(card.Reply{})
}

func TestDrive(t *testing.T) {
	t.Parallel()
	var log []string
	card.Drive(card.NewTalk(conversation(&log)), func(s card.Step) card.Reply {
		if _, is := s.(card.Append); is {
			return card.Reply{Err: errors.New("disk")}
		}
		return card.Reply{Err: card.ErrRemoved}
	})
	if len(log) != 3 || log[1] != "append disk" {
		t.Errorf("%q", log)
	}
}

func TestLost(t *testing.T) {
	t.Parallel()
	for _, err := range []error{card.ErrAbsent, card.ErrRemoved, card.ErrMute, card.ErrReader} {
		if !card.Lost(fmt.Errorf("doing: %w", err)) {
			t.Errorf("%v is not lost", err)
		}
	}
	if card.Lost(nil) || card.Lost(errors.New("disk")) {
		t.Error("lost without a reason")
	}
}

// TestTalkBoth: two cards at once; a driver that does not know it says nothing about the second.
func TestTalkBoth(t *testing.T) {
	t.Parallel()
	lost := errors.New("lost")
	for _, c := range []struct {
		reply        card.Reply
		first, other card.Reply
	}{
		{card.Reply{Data: []byte{1}, Also: &card.Reply{Data: []byte{2}}}, card.Reply{Data: []byte{1}}, card.Reply{Data: []byte{2}}},
		{card.Reply{Err: lost, Also: &card.Reply{Data: []byte{2}}}, card.Reply{Err: lost}, card.Reply{Data: []byte{2}}},
		{card.Reply{Data: []byte{1}, Also: &card.Reply{Err: lost}}, card.Reply{Data: []byte{1}}, card.Reply{Err: lost}},
		{card.Reply{Data: []byte{1}}, card.Reply{}, card.Reply{Err: card.ErrMute}},
	} {
		var a, b card.Reply
		talk := card.NewTalk(func(t *card.Talk) {
			a, b = t.Both(card.Transmit{Slot: "card", Command: []byte{1}}, card.Transmit{Slot: "psam", Command: []byte{2}})
		})
		step, _ := talk.Next(card.Reply{})
		if x, is := step.(card.Both); !is || x.First.Slot != "card" || x.Second.Slot != "psam" || x.Second.Command[0] != 2 {
			t.Fatalf("%+v", step)
		}
		if _, more := talk.Next(c.reply); more {
			t.Fatal("a step after the end")
		}
		if string(a.Data) != string(c.first.Data) || !errors.Is(a.Err, c.first.Err) || string(b.Data) != string(c.other.Data) || !errors.Is(b.Err, c.other.Err) {
			t.Errorf("%+v: %+v %+v", c.reply, a, b)
		}
	}
}

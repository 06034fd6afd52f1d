package world

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"greylock/system/lists"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// whitewash turns every answer about the black list into "not listed", before the board has a list of its own.
func whitewash(t *testing.T, w *World) {
	w.plant.toPump = func(p *pump, data []byte) []byte {
		var d fa.Decoder
		out := data
		d.Decode(data, func(f fa.Frame) {
			m, err := fa.Parse(f)
			if err != nil {
				return
			}
			var back fa.Message
			switch m := m.(type) {
			case *fa.ListAnswer:
				m.Flag = fa.NotFound
				back = m
			case *fa.PollAnswer:
				m.Versions.Base, m.Versions.Added, m.Versions.Deleted = 0, 0, 0
				back = m
			default:
				return
			}
			f, err = fa.Build(f.Dst, f.Src, f.Ctl, back)
			if err != nil {
				t.Fatal(err)
			}
			out = fa.Encode(f)
		})
		return out
	}
	if err := w.List(record.TopicBlack, "挂失", zhang); err != nil {
		t.Fatal(err)
	}
	w.Pass(6 * time.Second)
	fuel(t, w, zhang, 1, "20元")
}

// TestListCheckerKeepsItsOwnCount: a step whose count or hash is not that of the cards, and one that goes back, are noticed.
func TestListCheckerKeepsItsOwnCount(t *testing.T) {
	t.Parallel()
	card := pboc.ASN{0x01, 0, 0x01, 0x44, 9: 0x07}
	good := record.ListStep{Version: 1, Added: record.Cards{card}, Count: 1, Hash: lists.Hash{}.With(card).Bytes()}
	for name, change := range map[string]func(s *record.ListStep){
		"":         func(*record.ListStep) {},
		"header":   func(s *record.ListStep) { s.Count++ },
		"hash":     func(s *record.ListStep) { s.Hash = lists.Hash{}.Bytes() },
		"went":     func(s *record.ListStep) { s.Version = 0 },
		"in force": func(s *record.ListStep) { s.Added = nil },
	} {
		w := &World{}
		c := newChecks()
		s := good
		change(&s)
		body, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		d := record.Directive{Site: "0001", Topic: record.TopicBlack, Version: s.Directive(), Body: body}
		c.listStep(w, "0001", d)
		if (c.broken[inv15] != "") != (name != "") || c.counts[inv15] != 2 {
			t.Errorf("%q: %d evaluations, %s", name, c.counts[inv15], c.broken[inv15])
		}
		if name == "" {
			c.listStep(w, "0001", d)
			if !strings.Contains(c.broken[inv15], "went from") {
				t.Errorf("the same version twice: %q", c.broken[inv15])
			}
		}
	}
}

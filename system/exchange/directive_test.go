package exchange

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"greylock/system/wire/record"
)

func directive(topic record.Topic, version uint64, change func(*record.Directive)) record.DirectiveLine {
	d := record.Directive{Site: site, Topic: topic, Version: version, Realm: record.Training, Body: json.RawMessage(`{"n":1}`)}
	if change != nil {
		change(&d)
	}
	_, key := centerKey()
	line, err := d.Sign(key)
	if err != nil {
		panic(err) // a struct of this file
	}
	return line
}

// offered brings directives to the site in one answer and returns what it hands to its owner.
func (w *town) offered(lines ...record.DirectiveLine) []record.DirectiveLine {
	w.offer, w.got = lines, nil
	for len(w.calls) == 0 {
		w.pass(time.Second)
	}
	for len(w.calls) > 0 {
		w.deliver(0)
	}
	return w.got
}

func TestDirectives(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	prices3, layout1 := directive(record.TopicPrices, 3, nil), directive(record.TopicLayout, 1, nil)
	if got := w.offered(layout1, prices3); len(got) != 2 || got[0].Line != layout1.Line || got[1].Line != prices3.Line {
		t.Fatalf("%v", got)
	}
	if got := w.offered(layout1, prices3); len(got) != 0 {
		t.Errorf("on their way into force, handed again: %v", got)
	}
	for _, topic := range []record.Topic{record.TopicPrices, record.TopicLayout} {
		w.ship.Applied(record.Directive{Topic: topic, Version: 3})
	}
	for name, line := range map[string]record.DirectiveLine{
		"the version in force":  prices3,
		"an older one replayed": directive(record.TopicPrices, 2, nil),
	} {
		if got := w.offered(line); len(got) != 0 || len(w.alarms) != 0 {
			t.Errorf("%s: %v, alarms %v", name, got, w.alarms)
		}
	}
	forged := directive(record.TopicPrices, 9, nil)
	forged.Signature = slices.Clone(forged.Signature)
	forged.Signature[5] ^= 4
	altered := directive(record.TopicPrices, 9, nil)
	altered.Line = altered.Line[:len(altered.Line)-3] + "2}}"
	for name, line := range map[string]record.DirectiveLine{
		"forged":        forged,
		"altered":       altered,
		"another site":  directive(record.TopicPrices, 9, func(d *record.Directive) { d.Site = "3102" }),
		"another realm": directive(record.TopicPrices, 9, func(d *record.Directive) { d.Realm = record.Production }),
	} {
		w.alarms = nil
		for range 3 {
			if got := w.offered(line); len(got) != 0 {
				t.Errorf("%s: taken", name)
			}
		}
		if len(w.alarms) != 1 || w.alarms[0].Kind != "directive-refused" {
			t.Errorf("%s: alarms %v", name, w.alarms)
		}
		v := 10 + w.ship.applied[record.TopicPrices]
		if got := w.offered(line, directive(record.TopicPrices, v, nil)); len(got) != 1 {
			t.Errorf("the good one behind %s: %v", name, got)
		}
		w.ship.Applied(record.Directive{Topic: record.TopicPrices, Version: v})
	}
}

// TestDirectivesAsked: the question names what is applied, comes at once and then every 30 s, and waits longer without answers.
func TestDirectivesAsked(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.ship.Applied(record.Directive{Topic: record.TopicPrices, Version: 4})
	at := func() (when []time.Duration) {
		start := w.now
		for w.now.Sub(start) < 3*time.Minute {
			for len(w.calls) > 0 {
				if c := w.calls[0]; c.Path == record.PathDirectives {
					when = append(when, w.now.Sub(start))
					if len(when) > 1 && string(c.Body) != `{"site":"3101","applied":{"prices":4}}` {
						t.Errorf("question %s", c.Body)
					}
				}
				w.deliver(0)
			}
			w.pass(time.Second)
		}
		return when
	}
	if when := at(); len(when) != 6 || when[0] != 0 || when[5] != 150*time.Second {
		t.Errorf("asked at %v", when)
	}
	for _, bad := range []struct {
		status int
		body   string
	}{{http.StatusServiceUnavailable, `{}`}, {http.StatusOK, `[`}} {
		for len(w.calls) == 0 {
			w.pass(time.Second)
		}
		c := w.calls[0]
		w.calls = nil
		w.answer(c, bad.status, []byte(bad.body), nil)
		if w.ship.ask.failures == 0 || w.ship.ask.due <= w.now {
			t.Errorf("after %d %s: %+v", bad.status, bad.body, w.ship.ask)
		}
	}
}

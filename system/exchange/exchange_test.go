package exchange

import (
	"crypto/ed25519"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/journal/faultfile"
	"greylock/system/link"
	"greylock/system/wire/record"
)

// centerKey is a key of this test alone.
func centerKey() (ed25519.PublicKey, ed25519.PrivateKey) {
	key := ed25519.NewKeyFromSeed([]byte("only for the tests of exchange!!"))
	return key.Public().(ed25519.PublicKey), key
}

// TestAnyFaultAnyOrder: whatever is lost, doubled, overtaken, altered by a bit or cut off by a crash of either side, at every
// step the center's copy is a beginning of the site's journal; and when the faults end, it is the whole journal.
func TestAnyFaultAnyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newTown(t)
		garbled := false
		pick := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "pick") }
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch step := rapid.IntRange(0, 12).Draw(t, "step"); {
			case step <= 2:
				for range rapid.IntRange(1, 8).Draw(t, "acts") {
					w.write(rapid.IntRange(1, 4).Draw(t, "facts"))
				}
				w.kick()
			case step <= 3:
				w.pass(time.Duration(rapid.IntRange(1, 200).Draw(t, "seconds")) * time.Second)
			case step <= 5 && len(w.calls) > 0:
				w.deliver(pick(len(w.calls)))
			case step == 6 && len(w.calls) > 0: // the question is lost
				c := w.calls[0]
				w.calls = w.calls[1:]
				w.answer(c, 0, nil, errLost)
			case step == 7 && len(w.calls) > 0: // the answer is lost, or never comes
				c := w.calls[0]
				w.calls = w.calls[1:]
				w.serve(c.Path, c.Body)
				if pick(2) == 0 {
					w.answer(c, 0, nil, errLost)
				}
			case step == 8 && len(w.sent) > 0: // an old batch comes again
				w.serve(record.PathBatch, w.sent[pick(len(w.sent))].Body)
			case step == 9 && len(w.sent) > 0: // with one bit changed
				b := append([]byte(nil), w.sent[pick(len(w.sent))].Body...)
				b[pick(len(b))] ^= 1 << pick(8)
				w.serve(record.PathBatch, b)
			case step == 10 && len(w.calls) > 0 && !garbled: // an answer with one bit changed
				c := w.calls[0]
				w.calls = w.calls[1:]
				status, body, ok := w.serve(c.Path, c.Body)
				if ok && c.Path == record.PathBatch {
					garbled = true
					body[pick(len(body))] ^= 1 << pick(8)
					w.answer(c, status, body, nil)
				}
			case step == 11:
				w.crashSite()
			case step == 12:
				if pick(2) == 0 {
					w.centerDisk.CutAfter(int64(pick(3000))) // somewhere inside a later commit
				} else {
					w.crashCenter()
				}
			}
			w.check()
		}
		w.centerDisk.CutAfter(-1)
		w.settle()
		w.check()
		if s := w.ship.Status(); s.Pending != 0 || !s.Known || s.Quarantine != "" || w.intake.marks[site] != w.place() {
			t.Fatalf("the exchange stands still: %+v, center at %d, site at %d, alarms %v", s, w.intake.marks[site].seq, w.place().seq, w.alarms)
		}
	})
}

// TestNothingBeforeDurable: what is only staged is not shipped.
func TestNothingBeforeDurable(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.settle()
	if _, err := w.own.Stage([]byte(`{"staged":true}`)); err != nil {
		t.Fatal(err)
	}
	w.kick()
	if len(w.calls) != 0 {
		t.Errorf("%d calls for a staged act", len(w.calls))
	}
	if err := w.own.Commit(); err != nil {
		t.Fatal(err)
	}
	w.kick()
	if len(w.calls) != 1 {
		t.Errorf("%d calls for a durable act", len(w.calls))
	}
	w.settle()
	w.check()
}

// TestBatchBounds: a long silence is made up in batches of bounded size, whole acts each.
func TestBatchBounds(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	for range 400 {
		w.write(3)
	}
	w.write(600) // one act above the bound goes alone
	for range 16 {
		if _, err := w.own.Append([]byte(strings.Repeat(`"`, 100_000))); err != nil { // doubles in JSON
			t.Fatal(err)
		}
	}
	w.settle()
	w.check()
	if w.intake.marks[site] != w.place() {
		t.Fatalf("center at %d of %d", w.intake.marks[site].seq, w.place().seq)
	}
	alone := false
	for _, c := range w.sent {
		var b record.Batch
		if err := json.Unmarshal(c.Body, &b); err != nil {
			t.Fatal(err)
		}
		if len(b.Lines) == 600 {
			alone = len(b.Acts) == 1
		} else if len(b.Lines) > MaxLines || len(c.Body) > MaxBytes+4096 {
			t.Errorf("a batch of %d lines, %d bytes", len(b.Lines), len(c.Body))
		}
	}
	if !alone || len(w.sent) < 3+1+3 {
		t.Errorf("%d batches, the giant act alone: %v", len(w.sent), alone)
	}
}

// TestBackOff: without an answer the waits double from a second to a minute, and new records do not shorten them.
func TestBackOff(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	var waits []time.Duration
	for range 10 {
		for len(w.calls) > 0 {
			c := w.calls[0]
			w.calls = w.calls[1:]
			if c.Path == record.PathBatch {
				w.answer(c, 503, []byte(`{"code":"BUSY","zh":"","en":"later"}`), nil)
				w.write(1)
				w.kick()
				waits = append(waits, w.ship.batch.due.Sub(w.now))
			} else {
				w.answer(c, 0, nil, errLost)
			}
		}
		if s := w.ship.Status(); s.Refusal.Code != "BUSY" || s.Failures == 0 {
			t.Errorf("status %+v", s)
		}
		w.pass(w.ship.batch.due.Sub(w.now))
	}
	most := time.Second
	for i, d := range waits {
		if d < most/2 || d > most {
			t.Errorf("wait %d is %v, want %v to %v", i, d, most/2, most)
		}
		most = min(2*most, time.Minute)
	}
	w.settle()
	if s := w.ship.Status(); s.Pending != 0 || s.Failures != 0 || s.Refusal.Code != "" {
		t.Errorf("status after it: %+v", s)
	}
}

// TestNoAnswerAtAll: a call that nobody answers counts as lost, and its late answer changes nothing.
func TestNoAnswerAtAll(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	old := w.calls
	w.calls = nil
	w.pass(answerLimit)
	if w.ship.Status().Failures != 1 {
		t.Fatalf("%+v", w.ship.Status())
	}
	for _, c := range old {
		status, body, _ := w.serve(c.Path, c.Body)
		w.answer(c, status, body, nil)
	}
	if w.ship.Status().Known {
		t.Error("a late answer was taken")
	}
	w.settle()
	w.check()
}

// TestRestoredBackup: trust.md row 49. The center holds more of the journal than the site, or another one.
func TestRestoredBackup(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]int{"shorter": 0, "forked": 30} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t)
			w.write(2)
			w.settle()
			backup := w.siteDisk.Bytes("journal")
			for range 10 {
				w.write(1)
			}
			w.settle()
			before := w.intake.marks[site]
			w.siteDisk = faultfile.New()
			w.siteDisk.Put("journal", backup)
			w.now = w.now.Add(time.Hour) // so that the new records differ
			w.startSite()
			for range more {
				w.write(1)
			}
			w.kick()
			w.settle()
			s := w.ship.Status()
			if s.Quarantine == "" || len(w.alarms) != 1 || w.alarms[0].Kind != "exchange-quarantine" {
				t.Fatalf("%+v, alarms %v", s, w.alarms)
			}
			if w.intake.marks[site] != before {
				t.Error("the center's copy moved")
			}
			sent := len(w.sent)
			w.write(1)
			w.kick()
			w.settle()
			if len(w.sent) != sent || len(w.alarms) != 1 {
				t.Errorf("%d more batches, alarms %v", len(w.sent)-sent, w.alarms)
			}
		})
	}
}

// TestCenterFromBackup: row 62. A center that fell back gets everything above its watermark again.
func TestCenterFromBackup(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.settle()
	backup := w.centerDisk.Bytes("journal")
	w.write(3)
	w.settle()
	w.centerDisk = faultfile.New()
	w.centerDisk.Put("journal", backup)
	w.startCenter()
	w.write(1)
	w.kick()
	w.settle()
	w.check()
	if w.intake.marks[site] != w.place() || len(w.alarms)+len(w.refusals) != 0 {
		t.Errorf("center at %d of %d, alarms %v %v", w.intake.marks[site].seq, w.place().seq, w.alarms, w.refusals)
	}
}

// TestUnreadableJournal: damage under a running site stops shipping; nothing made up goes up.
func TestUnreadableJournal(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.settle()
	w.write(1)
	w.siteDisk.Flip("journal", (w.verify().Bytes-20)*8)
	w.kick()
	if s := w.ship.Status(); s.Quarantine == "" || len(w.alarms) != 1 || len(w.calls) != 0 {
		t.Errorf("%+v, alarms %v, calls %d", s, w.alarms, len(w.calls))
	}
}

func (w *town) verify() journal.Report {
	w.t.Helper()
	r, err := journal.Verify(w.siteDisk)
	if err != nil {
		w.t.Fatalf("verify: %v", err)
	}
	return r
}

// endless is a Source with a head and nothing behind it.
type endless struct{}

func (endless) Head() (uint64, [32]byte)                          { return 5, [32]byte{1} }
func (endless) Read(_ uint64, _ func(journal.Record) error) error { return nil }

func TestSourceWithoutRecords(t *testing.T) {
	t.Parallel()
	var out link.Outbox
	s := NewShipper(ShipperConfig{Site: site, Source: endless{}, Rand: rand.New(rand.NewPCG(1, 1))})
	s.Start(clock.Instant(1), &out)
	if s.Status().Quarantine == "" {
		t.Error("a journal without its records was shipped")
	}
}

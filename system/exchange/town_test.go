package exchange

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/journal/faultfile"
	"greylock/system/link"
	"greylock/system/wire/record"
)

const site record.SiteID = "3101"

// failer is a testing.T or a rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// town is one site and the center, each with a journal on an unkind disk, and the calls between them.
type town struct {
	t   failer
	rnd *rand.Rand
	now clock.Instant

	siteDisk *faultfile.Disk
	own      *journal.Journal
	ship     *Shipper
	out      *link.Outbox
	calls    []link.Call
	sent     []link.Call // every batch ever sent, to be repeated
	alarms   []record.Alarm
	got      []record.DirectiveLine
	acts     int

	centerDisk *faultfile.Disk
	books      *journal.Journal
	intake     *Intake
	refusals   []record.Alarm
	offer      []record.DirectiveLine
}

func newTown(t failer) *town {
	w := &town{
		t: t, rnd: rand.New(rand.NewPCG(1, 1)), now: clock.At(2026, 11, 22, 8, 0, 0),
		siteDisk: faultfile.New(), centerDisk: faultfile.New(),
	}
	w.startCenter()
	w.startSite()
	return w
}

func (w *town) open(disk *faultfile.Disk) *journal.Journal {
	w.t.Helper()
	j, _, err := journal.Open(disk, journal.Options{Reserve: 2048})
	if err != nil {
		w.t.Fatalf("open: %v", err)
	}
	return j
}

func (w *town) startSite() {
	w.t.Helper()
	w.own = w.open(w.siteDisk)
	if head, _ := w.own.Head(); head == 0 {
		w.write(1)
	}
	public, _ := centerKey()
	w.out, w.calls = new(link.Outbox), nil
	w.ship = NewShipper(ShipperConfig{Site: site, Realm: record.Training, CenterKey: public, Source: w.own, Rand: w.rnd})
	w.ship.Start(w.now, w.out)
	w.take()
}

func (w *town) startCenter() {
	w.t.Helper()
	w.books, w.intake = w.open(w.centerDisk), NewIntake()
	if err := w.books.Read(1, func(r journal.Record) error {
		f, err := record.Decode(r.Body)
		if taken, ok := f.(record.BatchTaken); ok {
			w.intake.Apply(taken)
		}
		return err
	}); err != nil {
		w.t.Fatalf("center's replay: %v", err)
	}
}

// write appends an act of n facts to the site's journal.
func (w *town) write(n int) {
	w.t.Helper()
	var act [][]byte
	for i := range n {
		w.acts++
		line, err := record.Encode(record.TotalsRead{TimeMs: w.now.Milli(), Port: i, Nozzle: 1, Total: 7})
		if err != nil {
			w.t.Fatalf("encode: %v", err)
		}
		act = append(act, line)
	}
	if _, err := w.own.Append(act...); err != nil {
		w.t.Fatalf("append: %v", err)
	}
}

// take carries out what the shipper wants.
func (w *town) take() {
	fx := w.out.Take()
	for _, a := range fx.Acts {
		for _, f := range a.Facts {
			w.alarms = append(w.alarms, f.(record.Alarm))
		}
	}
	w.calls = append(w.calls, fx.Calls...)
	for _, c := range fx.Calls {
		if c.Path == record.PathBatch {
			w.sent = append(w.sent, c)
		}
	}
}

func (w *town) kick() {
	w.ship.Kick(w.now, w.out)
	w.take()
}

func (w *town) pass(d time.Duration) {
	w.now = w.now.Add(d)
	if w.ship.Due() <= w.now {
		w.ship.Wake(w.now, w.out)
		w.take()
	}
}

// serve is the center: durable first, then the answer. ok is false if it lost its power on the way.
func (w *town) serve(path string, body []byte) (status int, answer []byte, ok bool) {
	w.t.Helper()
	if path == record.PathDirectives {
		var q record.DirectivesQuestion
		if err := json.Unmarshal(body, &q); err != nil {
			w.t.Fatalf("question: %v", err)
		}
		b, _ := json.Marshal(record.DirectivesAnswer{Directives: w.offer})
		return http.StatusOK, b, true
	}
	var q record.Batch
	if json.Unmarshal(body, &q) != nil || q.Site != site {
		return http.StatusBadRequest, []byte(`{"code":"BAD_BODY"}`), true
	}
	d := w.intake.Decide(w.now, q)
	if d.Alarm != nil {
		w.refusals = append(w.refusals, *d.Alarm)
	}
	if d.Taken != nil {
		line, err := record.Encode(*d.Taken)
		if err != nil {
			w.t.Fatalf("encode: %v", err)
		}
		if _, err := w.books.Append(line); err != nil {
			w.crashCenter()
			return 0, nil, false
		}
		w.intake.Apply(*d.Taken)
	}
	b, _ := json.Marshal(d.Answer)
	if d.Status == http.StatusBadRequest {
		b, _ = json.Marshal(record.Refusal{Code: "BAD_BATCH", En: d.Reason})
	}
	return d.Status, b, true
}

func (w *town) crashCenter() {
	w.centerDisk = w.centerDisk.Crash(w.rnd.Uint64())
	w.startCenter()
}

func (w *town) crashSite() {
	w.siteDisk = w.siteDisk.Crash(w.rnd.Uint64())
	w.startSite()
}

var errLost = errors.New("connection reset")

func (w *town) answer(c link.Call, status int, body []byte, err error) {
	w.got = append(w.got, w.ship.Answered(w.now, c.ID, status, body, err, w.out)...)
	w.take()
}

// deliver brings the i-th call to the center and its answer back.
func (w *town) deliver(i int) {
	c := w.calls[i]
	w.calls = slices.Delete(w.calls, i, i+1)
	status, body, ok := w.serve(c.Path, c.Body)
	if !ok {
		w.answer(c, 0, nil, errLost)
		return
	}
	w.answer(c, status, body, nil)
}

// settle lets everything arrive until nothing moves any more.
func (w *town) settle() {
	w.kick()
	for range 400 {
		for len(w.calls) > 0 {
			w.deliver(0)
		}
		if w.intake.marks[site] == w.place() && w.ship.Status().Pending == 0 {
			return
		}
		w.pass(time.Minute)
	}
}

func (w *town) place() place {
	seq, chain := w.own.Head()
	return place{seq, chain}
}

// copied is the center's copy of the site's journal, from its own.
func (w *town) copied() (lines []string, acts []int) {
	w.t.Helper()
	if err := w.books.Read(1, func(r journal.Record) error {
		f, err := record.Decode(r.Body)
		if taken, ok := f.(record.BatchTaken); ok {
			if taken.First != uint64(len(lines)+1) {
				return fmt.Errorf("a batch at %d after %d lines", taken.First, len(lines))
			}
			lines, acts = append(lines, taken.Lines...), append(acts, taken.Acts...)
		}
		return err
	}); err != nil {
		w.t.Fatalf("center's journal: %v", err)
	}
	return lines, acts
}

// check: the copy is a beginning of the site's journal, to the byte and to the act, no record twice and none left out.
func (w *town) check() {
	w.t.Helper()
	var lines []string
	var acts []int
	n := 0
	if err := w.own.Read(1, func(r journal.Record) error {
		lines = append(lines, string(r.Body))
		if n++; r.ActEnd {
			acts, n = append(acts, n), 0
		}
		return nil
	}); err != nil {
		w.t.Fatalf("site's journal: %v", err)
	}
	gotLines, gotActs := w.copied()
	if len(gotLines) > len(lines) || !slices.Equal(gotLines, lines[:len(gotLines)]) || !slices.Equal(gotActs, acts[:len(gotActs)]) {
		w.t.Fatalf("the copy (%d lines, acts %v) is not the beginning of the journal (%d lines, acts %v)",
			len(gotLines), gotActs, len(lines), acts)
	}
}

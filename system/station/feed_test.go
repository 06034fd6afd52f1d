package station

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"greylock/system/wire/fa"
	"greylock/system/wire/unit"
)

// watch asks the feed and lets no time pass; answered is false while it is held.
func (r *rig) watch(after uint64) (f Feed, answered bool) {
	r.t.Helper()
	r.last.Status = 0
	body, err := json.Marshal(AskFeed{After: after})
	if err != nil {
		r.t.Fatal(err)
	}
	r.c.Serve(r.now, 7, PathFeed, body)
	r.take()
	return r.fed()
}

// fed is what the feed has answered.
func (r *rig) fed() (f Feed, answered bool) {
	r.t.Helper()
	if r.last.Status == 0 {
		return f, false
	}
	if err := json.Unmarshal(r.last.Body, &f); err != nil || r.last.Status != http.StatusOK {
		r.t.Fatalf("%d %s: %v", r.last.Status, r.last.Body, err)
	}
	return f, true
}

func live(amount unit.Fen) *fa.Live {
	return &fa.Live{Items: []fa.LiveItem{{St: fa.StFuel, NZN: 1, Amount: amount, Volume: 100, Price: 785}}}
}

// A screen sees everything first, then each change at once, and nothing twice.
func TestFeed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	all, ok := r.watch(0)
	if !ok || len(all.Nozzles) != 2 {
		t.Fatalf("first look: %v %+v", ok, all)
	}
	if f, ok := r.watch(all.Version); ok {
		t.Fatalf("nothing changed: %+v", f)
	}
	r.board(live(500))
	f, ok := r.fed()
	if !ok || len(f.Nozzles) != 1 || f.Nozzles[0].Port != 1 || f.Nozzles[0].Amount != 500 || f.Version <= all.Version {
		t.Fatalf("a change: %v %+v", ok, f)
	}
	r.board(live(600)) // nobody waits: the next question sees it
	if f, ok = r.watch(f.Version); !ok || len(f.Nozzles) != 1 || f.Nozzles[0].Amount != 600 {
		t.Fatalf("between two questions: %v %+v", ok, f)
	}
	if _, ok := r.watch(f.Version); ok {
		t.Fatal("told twice")
	}
	r.pass(time.Minute) // the board has fallen silent, and that was told
	f, _ = r.watch(f.Version)
	if _, ok := r.watch(f.Version); ok {
		t.Fatal("nothing changed")
	}
	if r.pass(feedHold - time.Second); r.last.Status != 0 {
		t.Fatalf("before its time: %s", r.last.Body)
	}
	r.pass(time.Second)
	if g, ok := r.fed(); !ok || len(g.Nozzles) != 0 || g.Version < f.Version {
		t.Errorf("after a quiet while: %v %+v", ok, g)
	}
}

// A screen that has lived longer than the program sees everything anew.
func TestFeedOfAnotherLife(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first, _ := r.watch(0)
	r.pass(time.Minute)
	again := newRig(t)
	again.now = r.now
	for _, after := range []uint64{first.Version, first.Version + 1<<40} {
		if f, ok := again.watch(after); !ok || len(f.Nozzles) != 2 {
			t.Errorf("after %d: %v %+v", after, ok, f)
		}
	}
}

func TestFeedIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	f, _ := r.watch(0)
	for range mostFeeds {
		if _, ok := r.watch(f.Version); ok {
			t.Fatal("nothing changed")
		}
	}
	r.last.Status = 0
	r.c.Serve(r.now, 7, PathFeed, []byte(`{"after":1}`))
	r.take()
	if r.last.Status != http.StatusTooManyRequests {
		t.Errorf("%d %s", r.last.Status, r.last.Body)
	}
}

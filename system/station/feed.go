package station

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/fa"
)

// PathFeed is the live forecourt: AskFeed → Feed, as soon as a nozzle shows something new.
const PathFeed = "/op/station/feed"

// AskFeed asks for what is newer than a Feed's version; 0: for everything, at once.
type AskFeed struct {
	After uint64 `json:"after,omitempty"`
}

// Feed is the nozzles that changed since the version asked for; none when nothing did for a while.
type Feed struct {
	Version uint64         `json:"version"` // to ask for next
	TimeMs  int64          `json:"time_ms"`
	Nozzles []NozzleStatus `json:"nozzles"`
}

const (
	feedHold  = 10 * time.Second // a question is answered by then, with nothing if there is nothing
	mostFeeds = 32               // screens that may wait at once
)

// feed is what screens were shown. It is no fact: a new life of the program starts a new one, with higher versions.
type feed struct {
	version uint64
	shown   []NozzleStatus
	at      []uint64 // the version at which each of shown came
	waiting []feedCall
}

// feedCall is a screen that waits.
type feedCall struct {
	id, after uint64
	until     clock.Instant
}

// look compares the forecourt with what was shown.
func (f *feed) look(now clock.Instant, nozzles []NozzleStatus) {
	f.version = max(f.version, uint64(max(now.Milli(), 0)))
	if len(nozzles) != len(f.shown) {
		f.shown, f.at = nozzles, slices.Repeat([]uint64{f.version + 1}, len(nozzles))
		f.version++
		return
	}
	next := f.version
	for i, n := range nozzles {
		if n != f.shown[i] {
			f.shown[i], f.at[i], next = n, f.version+1, f.version+1
		}
	}
	f.version = next
}

// since are the nozzles that changed after a version; all of them for a version of another life.
func (f *feed) since(after uint64) []NozzleStatus {
	list := []NozzleStatus{}
	for i, n := range f.shown {
		if f.at[i] > after || after > f.version {
			list = append(list, n)
		}
	}
	return list
}

func (c *Core) askFeed(now clock.Instant, id uint64, q AskFeed) {
	if len(c.feed.waiting) >= mostFeeds {
		c.refuse(id, http.StatusTooManyRequests, "TOO_MANY_SCREENS", "同时观看的画面太多", "too many screens are watching")
		return
	}
	c.feed.waiting = append(c.feed.waiting, feedCall{id, q.After, now.Add(feedHold)}) // act plans, and plan tells
}

// tellFeed answers the screens that have waited for what is new, or long enough. Without a screen it costs nothing.
func (c *Core) tellFeed(now clock.Instant) {
	f := &c.feed
	if len(f.waiting) == 0 {
		return
	}
	f.look(now, c.nozzles())
	f.waiting = slices.DeleteFunc(f.waiting, func(w feedCall) bool {
		list := f.since(w.after)
		if len(list) == 0 && now < w.until {
			return false
		}
		c.reply(w.id, Feed{Version: f.version, TimeMs: now.Milli(), Nozzles: list}, 0)
		return true
	})
}

// due is when a screen has waited long enough.
func (f *feed) due() clock.Instant {
	at := clock.Never
	for _, w := range f.waiting {
		at = min(at, w.until)
	}
	return at
}

// staff is who works at a nozzle: by the shift's list, else by the card that was shown to the board.
func (c *Core) staff(n NozzleStatus) string {
	if k, ok := c.nozzleKey(n.Nozzle); ok {
		if who := c.shifts.OnDuty(k); who != "" {
			return who
		}
	}
	if r, ok := c.modes.duty[n.Port]; ok && r.Type.Kind() == fa.ShiftOn {
		return strconv.Itoa(int(r.Employee))
	}
	return ""
}

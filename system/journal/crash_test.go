package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"greylock/system/journal"
	"greylock/system/journal/faultfile"
)

// life is a journal's history over many power losses, checked against what was acknowledged.
type life struct {
	t     *testing.T
	rnd   *rand.Rand
	disk  *faultfile.Disk
	acts  [][][]byte // in order: acknowledged ones, then those only staged
	acked int
	next  int // numbers the bodies
}

const seeds = 170 // times 6 generations: more than 1000 power cuts, about a second. Source: features.md P5

// TestCrashes: whatever the disk does with what was not synced, after a restart the journal holds every acknowledged act,
// no half of an act, and nothing that was never staged.
func TestCrashes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(seeds) {
		l := &life{t: t, rnd: rand.New(rand.NewPCG(seed, 1)), disk: faultfile.New()}
		for generation := range 6 {
			if !l.run(fmt.Sprintf("seed %d, generation %d", seed, generation)) {
				return
			}
		}
	}
}

// run opens, checks, plants one fault, appends until it strikes or time is up, and takes the power away.
func (l *life) run(at string) bool {
	if l.rnd.IntN(4) == 0 {
		l.fault(l.rnd.Int64N(300)) // during opening
	}
	j, _, err := journal.Open(l.disk, journal.Options{Reserve: 600})
	if errors.Is(err, faultfile.ErrPower) || errors.Is(err, faultfile.ErrSync) {
		l.restart()
		return true
	}
	if err != nil {
		l.t.Errorf("%s: %v", at, err)
		return false
	}
	if !l.check(at, j) {
		return false
	}
	l.fault(l.rnd.Int64N(4000))
	for range l.rnd.IntN(20) {
		for range 1 + l.rnd.IntN(3) {
			act := l.act()
			if _, err = j.Stage(act...); err != nil {
				break
			}
			l.acts = append(l.acts, act)
		}
		if err == nil {
			err = j.Commit()
		}
		if err != nil {
			break
		}
		l.acked = len(l.acts)
	}
	if l.rnd.IntN(4) == 0 {
		_ = j.Close() // its disk may be dead
	}
	l.restart()
	return true
}

func (l *life) fault(n int64) {
	switch l.rnd.IntN(4) {
	case 0:
		l.disk.FailSync(1 + l.rnd.IntN(6))
	case 1:
	default:
		l.disk.CutAfter(n)
	}
}

func (l *life) restart() {
	switch l.rnd.IntN(3) {
	case 0:
		l.disk = l.disk.Kill()
	case 1:
		l.disk.Evict()
		l.disk = l.disk.Kill()
	default:
		l.disk = l.disk.Crash(l.rnd.Uint64())
	}
}

func (l *life) act() (act [][]byte) {
	for range 1 + l.rnd.IntN(3) {
		l.next++
		body := make([]byte, []int{20, 20, 20, 900}[l.rnd.IntN(4)]) // few lengths, so that stale frames fit new places
		if l.rnd.IntN(4) > 0 {
			body = bytes.Repeat([]byte{byte(l.next)}, len(body))
		}
		act = append(act, fmt.Appendf(body, "#%04d", l.next))
	}
	return act
}

// check compares, and takes what survived as acknowledged from now on: Open has promised it.
func (l *life) check(at string, j *journal.Journal) bool {
	var got [][][]byte
	var act [][]byte
	if err := j.Read(1, func(r journal.Record) error {
		if act = append(act, r.Body); r.ActEnd {
			got, act = append(got, act), nil
		}
		return nil
	}); err != nil || act != nil {
		l.t.Errorf("%s: read: %v, half an act: %v", at, err, act != nil)
		return false
	}
	if len(got) < l.acked || len(got) > len(l.acts) {
		l.t.Errorf("%s: %d acts, acknowledged %d, staged %d", at, len(got), l.acked, len(l.acts))
		return false
	}
	for i := range got {
		if !slices.EqualFunc(got[i], l.acts[i], bytes.Equal) {
			l.t.Errorf("%s: act %d is %q, want %q", at, i, got[i], l.acts[i])
			return false
		}
	}
	l.acts, l.acked = l.acts[:len(got)], len(got)
	return true
}

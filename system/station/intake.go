package station

import (
	"bytes"
	"crypto/sha256"

	"greylock/system/wire/fa"
	"greylock/system/wire/record"
)

// verdict says what a record from a board is, before anything is stored.
type verdict int

const (
	fresh    verdict = iota // store, then acknowledge
	again                   // known bytes: acknowledge, store nothing
	conflict                // known key, other bytes: store as conflict, alarm, acknowledge
	refused                 // does not make sense: store with the reason, alarm, acknowledge as wrong
)

// intake is what one port's board has delivered. It changes only by facts.
// Source: dispenser.md 4.4.
type intake struct {
	port    int
	epoch   int                  // +1 when a board began its numbers again
	last    fa.POSTTC            // highest number of the epoch
	lastAt  fa.Stamp             // time of that record
	have    map[recordKey][]byte // raw bytes by key
	seen    map[epochTTC]bool    // numbers that are there or proven not to exist
	absent  map[epochTTC]bool    // of these, what the board could not give when it was asked
	missing []fa.POSTTC          // gaps of the epoch, lowest first
	meter   []fa.Record          // metered records of the epoch, by number

	conflicts map[string]bool            // raw bytes already kept as conflicts
	refusals  map[[sha256.Size]byte]bool // hashes of raw bytes already refused
}

// recordKey is the key of a record within a port. The number alone is none: a board that was replaced starts again.
type recordKey struct {
	nzn  fa.NZN
	ttc  fa.POSTTC
	time fa.Stamp
}

type epochTTC struct {
	epoch int
	ttc   fa.POSTTC
}

// maxGap bounds the numbers that are asked again after a jump: the depth of a small board's log.
const maxGap = 200

// mostLeap is more records than a nozzle makes while a station is away.
const mostLeap = 100_000

func newIntake(port int) *intake {
	return &intake{
		port: port, have: map[recordKey][]byte{}, seen: map[epochTTC]bool{}, absent: map[epochTTC]bool{},
		conflicts: map[string]bool{}, refusals: map[[sha256.Size]byte]bool{},
	}
}

func keyOf(r fa.Record) recordKey { return recordKey{r.NZN, r.POSTTC, r.Time} }

// judge decides what a record is, by its bytes alone; f says why it is refused.
func (i *intake) judge(raw []byte) (r fa.Record, v verdict, f *finding) {
	r, err := fa.ParseRecord(raw)
	if err != nil {
		return r, refused, find(record.FindLength, "%d", len(raw))
	}
	if old, known := i.have[keyOf(r)]; known {
		if bytes.Equal(old, raw) {
			return r, again, nil
		}
		return r, conflict, nil
	}
	if f := invalid(r); f != nil {
		return r, refused, f
	}
	return r, fresh, nil
}

// epochOf says which epoch a fresh record belongs to: a number at or below the last with a newer time means that the board
// was replaced or reset, and so does a leap that no nozzle sells in years; an older time is a record that comes late.
func (i *intake) epochOf(r fa.Record) (epoch int, restarted bool) {
	if i.last != 0 && r.POSTTC > i.last && r.POSTTC-i.last > mostLeap {
		return i.epoch + 1, true
	}
	late, at := bytes.Compare(r.Time[:], i.lastAt[:]) <= 0, epochTTC{i.epoch, r.POSTTC}
	if i.last == 0 || r.POSTTC > i.last || late && (!i.seen[at] || i.absent[at]) {
		return i.epoch, false
	}
	if i.isMissing(r.POSTTC) {
		return i.epoch, false
	}
	return i.epoch + 1, true
}

func (i *intake) isMissing(n fa.POSTTC) bool {
	for _, m := range i.missing {
		if m == n {
			return true
		}
	}
	return false
}

// took notes a record that is durable.
func (i *intake) took(f record.DispenserRecord, r fa.Record) {
	if f.Epoch > i.epoch {
		i.epoch, i.last, i.missing, i.meter = f.Epoch, 0, nil, nil
	}
	if f.Epoch == i.epoch {
		i.fill(r.POSTTC)
		if r.POSTTC > i.last {
			i.jump(r.POSTTC)
			i.last = r.POSTTC
		}
		if bytes.Compare(r.Time[:], i.lastAt[:]) > 0 {
			i.lastAt = r.Time
		}
	}
	i.have[keyOf(r)] = f.Raw
	delete(i.absent, epochTTC{f.Epoch, r.POSTTC})
	i.seen[epochTTC{f.Epoch, r.POSTTC}] = true
	if metered(r) && f.Epoch == i.epoch {
		i.measure(r)
	}
}

// refuse notes bytes that were refused, so that the same offer is not written twice. The number is asked for again: what came
// may have been damaged on its way, and the board's log has it right.
func (i *intake) refuse(f record.RecordRefused) {
	i.refusals[sha256.Sum256(f.Raw)] = true
	n := fa.POSTTC(f.POSTTC)
	if f.Reread && !i.seen[epochTTC{i.epoch, n}] && !i.isMissing(n) {
		i.missing = append(i.missing, n)
	}
}

// jump notes the numbers between the last and n; those beyond maxGap are too old for any log.
func (i *intake) jump(n fa.POSTTC) {
	if i.last == 0 || n == i.last+1 {
		return
	}
	from := i.last + 1
	if n-from > maxGap {
		from = n - maxGap
	}
	for m := from; m < n; m++ {
		if !i.seen[epochTTC{i.epoch, m}] {
			i.missing = append(i.missing, m)
		}
	}
}

// fill takes a number off the list of gaps.
func (i *intake) fill(n fa.POSTTC) {
	for k, m := range i.missing {
		if m == n {
			i.missing = append(i.missing[:k:k], i.missing[k+1:]...)
			return
		}
	}
}

// gone notes that the board has no record of a number.
func (i *intake) gone(f record.GapClosed) {
	if f.Epoch == i.epoch {
		i.fill(fa.POSTTC(f.POSTTC))
		at := epochTTC{f.Epoch, fa.POSTTC(f.POSTTC)}
		i.absent[at], i.seen[at] = !i.seen[at] || i.absent[at], true
	}
}

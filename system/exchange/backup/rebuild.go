package backup

import (
	"errors"
	"fmt"

	"greylock/system/journal"
	"greylock/system/wire/record"
)

// ErrNothing says that a center has nothing of a site.
var ErrNothing = errors.New("中心没有这个站点的记录 (the center has no record of this site)")

// Rebuild makes a site's journal again, in an empty directory, from the batches that a center's journal holds: every record up to the
// last that the center has taken, under the same numbers and the same chain. The center's directory is only read.
func Rebuild(center journal.Dir, site record.SiteID, to journal.Dir) (r journal.Report, err error) {
	j, _, err := journal.Open(to, journal.Options{})
	if err != nil {
		return r, err
	}
	defer func() {
		if err = errors.Join(err, j.Close()); err == nil {
			r, err = journal.Verify(to) // with its seal
		}
	}()
	var failed error
	found, err := journal.Visit(center, func(x journal.Record) {
		if failed != nil {
			return
		}
		f, err := record.Decode(x.Body)
		if b, ok := f.(record.BatchTaken); err == nil && ok && b.Site == site {
			failed = add(j, b)
		}
	})
	if err == nil && found.Damage != nil {
		err = found.Damage
	}
	if err = errors.Join(err, failed); err != nil {
		return r, err
	}
	if seq, _ := j.Head(); seq == 0 {
		return r, fmt.Errorf("%w: %s", ErrNothing, site)
	}
	return r, nil
}

// add continues a journal by a batch.
func add(j *journal.Journal, b record.BatchTaken) error {
	if seq, _ := j.Head(); b.First != seq+1 {
		return bad(nil, "中心的副本在第 %d 条之后中断 (the center's copy breaks off)", seq)
	}
	lines := b.Lines
	for _, n := range b.Acts {
		if n < 1 || n > len(lines) {
			return bad(nil, "中心的副本在第 %d 条有误 (an act of the center's copy)", b.First)
		}
		act := make([][]byte, 0, n)
		for _, l := range lines[:n] {
			act = append(act, []byte(l))
		}
		lines = lines[n:]
		if _, err := j.Stage(act...); err != nil {
			return err
		}
	}
	if err := j.Commit(); err != nil {
		return err
	}
	if _, chain := j.Head(); string(chain[:]) != string(b.Head) {
		return bad(nil, "第 %d 条起的链与中心收下时不符 (the chain is not that which the center took)", b.First)
	}
	return nil
}

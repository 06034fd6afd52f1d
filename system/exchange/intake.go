package exchange

import (
	"fmt"
	"net/http"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/wire/record"
)

// Intake is the center's half: how far the copy of each site's journal goes. It changes only by Apply. The owner takes one
// batch at a time: Decide, append Taken, and when that is durable Apply and answer; a batch that comes meanwhile waits.
type Intake struct {
	marks   map[record.SiteID]place
	alarmed map[record.SiteID]bool // until the next good batch
}

// NewIntake returns an intake that has nothing.
func NewIntake() *Intake {
	return &Intake{marks: map[record.SiteID]place{}, alarmed: map[record.SiteID]bool{}}
}

// Apply takes a durable batch, at replay and later.
func (i *Intake) Apply(f record.BatchTaken) {
	p := place{seq: f.First + uint64(len(f.Lines)) - 1}
	copy(p.chain[:], f.Head)
	i.marks[f.Site] = p
	delete(i.alarmed, f.Site)
}

// Mark is how far a site's journal is durable here; 0 and zeros if nothing is.
func (i *Intake) Mark(site record.SiteID) record.BatchAnswer {
	p := i.marks[site]
	return record.BatchAnswer{Seq: p.seq, Head: p.chain[:]}
}

// Decision is what a batch is to the center.
type Decision struct {
	Taken  *record.BatchTaken // what is new of it; nil: nothing
	Status int                // 200 here or taken; 409 does not continue the copy; 400 is not what a journal holds
	Answer record.BatchAnswer // the watermark, after Taken
	Reason string             // with 400 and 409
	Alarm  *record.Alarm      // altered, doubled or forked: a person must look; once until the next good batch
}

// Decide looks at a batch of a site that the center knows. Records that are here already are left out of Taken, so that batches may overlap; the same batch
// again is answered again and changes nothing.
func (i *Intake) Decide(now clock.Instant, b record.Batch) Decision {
	mark := i.marks[b.Site]
	d := Decision{Status: http.StatusConflict, Answer: i.Mark(b.Site)}
	chain, reason := walk(b)
	if reason != "" {
		d.Status, d.Reason = http.StatusBadRequest, reason
		return i.alarm(now, b.Site, d)
	}
	last := b.First + uint64(len(b.Lines)) - 1
	if b.First > mark.seq+1 {
		d.Reason = fmt.Sprintf("records %d to %d are missing", mark.seq+1, b.First-1)
		return d // a site that asks where to go on, or a batch that overtook another
	}
	if last < mark.seq {
		d.Status = http.StatusOK
		return d
	}
	skip := int(mark.seq + 1 - b.First)
	if chain[skip] != mark.chain {
		d.Reason = fmt.Sprintf("another chain hash after record %d", mark.seq)
		return i.alarm(now, b.Site, d)
	}
	acts, ok := actsBehind(b.Acts, skip)
	if !ok {
		d.Reason = fmt.Sprintf("record %d is here the end of an act", mark.seq)
		return i.alarm(now, b.Site, d)
	}
	d.Status = http.StatusOK
	if len(acts) == 0 {
		return d
	}
	d.Answer = record.BatchAnswer{Seq: last, Head: chain[len(b.Lines)][:]}
	d.Taken = &record.BatchTaken{
		TimeMs: now.Milli(), Site: b.Site, First: mark.seq + 1, Lines: b.Lines[skip:], Acts: acts, Head: d.Answer.Head,
	}
	return d
}

func (i *Intake) alarm(now clock.Instant, site record.SiteID, d Decision) Decision {
	if !i.alarmed[site] {
		i.alarmed[site] = true
		d.Alarm = &record.Alarm{TimeMs: now.Milli(), Kind: "batch-refused", Subject: string(site),
			Zh: "站点上传的日志与中心副本不一致 (被改动, 或恢复了旧备份): " + d.Reason,
			En: "the site's journal does not continue the copy here (altered, or restored from a backup): " + d.Reason}
	}
	return d
}

// walk checks the shape of a batch and computes the chain: chain[n] is the hash after n lines.
func walk(b record.Batch) (chain [][32]byte, reason string) {
	left := len(b.Lines)
	for _, n := range b.Acts {
		if n < 1 || n > left {
			return nil, fmt.Sprintf("an act of %d lines where %d are left", n, left)
		}
		left -= n
	}
	switch {
	case left != 0 || len(b.Lines) == 0:
		return nil, fmt.Sprintf("%d of %d lines in no act", left, len(b.Lines))
	case len(b.Lines) > MaxLines && len(b.Acts) > 1 || len(b.Lines) > journal.MaxAct:
		return nil, fmt.Sprintf("%d lines", len(b.Lines))
	case b.First < 1 || b.First > 1<<62:
		return nil, fmt.Sprintf("first record %d", b.First)
	case len(b.Prev) != 32 || len(b.Head) != 32:
		return nil, fmt.Sprintf("chain hashes of %d and %d bytes", len(b.Prev), len(b.Head))
	}
	chain = make([][32]byte, len(b.Lines)+1)
	copy(chain[0][:], b.Prev)
	for n, line := range b.Lines {
		chain[n+1] = journal.Chain(chain[n], []byte(line))
	}
	if chain[len(b.Lines)] != [32]byte(b.Head) {
		return nil, "the chain over the lines is not the head that came with them"
	}
	return chain, ""
}

// actsBehind drops the first lines from the list of acts; ok is false if that ends inside an act.
func actsBehind(acts []int, skip int) (rest []int, ok bool) {
	for k, n := range acts {
		if skip == 0 {
			return acts[k:], true
		}
		if skip -= n; skip < 0 {
			return nil, false
		}
	}
	return nil, true
}

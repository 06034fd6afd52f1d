package journal

import (
	"bytes"
	"errors"
	"fmt"
)

// Damage is a finding that no power cut explains. It is an ErrDamaged.
type Damage struct {
	File   string
	Seq    uint64 // the first record that can not be trusted; 0 is the header
	Offset int64  // its first byte in the file
	Reason string
}

// Error names file, record and byte.
func (d *Damage) Error() string {
	return fmt.Sprintf("journal: damaged: %s: record %d at byte %d: %s", d.File, d.Seq, d.Offset, d.Reason)
}

// Is makes it an ErrDamaged.
func (d *Damage) Is(target error) bool { return target == ErrDamaged }

// Report is what Verify found. A torn tail is what a power cut leaves; Open would cut it.
type Report struct {
	File    string
	Version uint32
	Bytes   int64  // of records, without what is written ahead
	Records uint64 // in whole acts, before the first finding
	Acts    uint64
	Head    [32]byte // chain hash after the last of them
	Sealed  bool     // closed in order: nothing is missing behind the last record
	Torn    *Cut
	Damage  *Damage
}

// OK means that every byte is as it was written.
func (r Report) OK() bool { return r.Torn == nil && r.Damage == nil }

// Verify reads the whole journal without changing it and checks every CRC, sequence, act and chain hash. It needs no lock;
// a commit that is being written meanwhile shows as a torn tail. The error is ErrVersion or about reading the file;
// what is wrong with the content is in the report.
func Verify(dir Dir) (Report, error) { return Visit(dir, func(Record) {}) }

// Visit is Verify that shows each record on its way, in order, up to the first finding; those of a torn act too.
func Visit(dir Dir, visit func(Record)) (r Report, err error) {
	file, err := dir.Open(fileName)
	if err != nil {
		return Report{File: path(dir)}, fmt.Errorf("journal: open %s: %w", path(dir), err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return verify(file, path(dir), visit)
}

// verify is Visit of an open file.
func verify(file File, name string, visit func(Record)) (r Report, err error) {
	r.File = name
	w := walk{file: file}
	if w.size, err = file.Size(); err != nil {
		return r, fmt.Errorf("journal: size of %s: %w", r.File, err)
	}
	err = w.run(func(f frame) {
		end := f.flags == flagActEnd
		if end {
			r.Acts++
		}
		if f.flags != flagSeal {
			visit(Record{Seq: f.seq, Chain: f.chain, Body: f.body, ActEnd: end})
		}
	})
	r.Version, r.Bytes, r.Records, r.Head = w.version, w.whole.offset, w.whole.seq, w.whole.chain
	r.Sealed, r.Torn, r.Damage = w.sealed, w.cut, w.damage
	if r.Damage != nil {
		r.Damage.File = r.File
	}
	if err != nil {
		return r, fmt.Errorf("journal: read %s: %w", r.File, err)
	}
	return r, nil
}

// walk reads a journal from its header to its end and decides what is whole, torn or damaged.
type walk struct {
	file File
	size int64

	version  uint32
	whole    position // after the last whole act
	sealed   bool     // a seal is the last frame
	commitAt int64    // where the commit that wrote the last whole act begins
	index    []int64
	cut      *Cut
	dirtyEnd int64 // after the last byte of a torn tail that is not zero
	damage   *Damage

	tip        position // after the last good record, perhaps inside an act
	group      uint64   // of that record
	groupAt    int64
	indexWhole int // entries of index that belong to whole acts
}

func (w *walk) run(visit func(frame)) error {
	win := window{file: w.file, end: w.size}
	h, err := win.peek(headerSize)
	if err != nil {
		return err
	}
	v, reason := parseHeader(h)
	if reason != "" {
		w.damage = &Damage{Reason: reason}
		return nil
	}
	if w.version = v; v != version {
		return fmt.Errorf("%w: format %d, this program reads %d", ErrVersion, v, version)
	}
	win.skip(headerSize)
	w.whole.offset = win.at
	w.tip, w.commitAt, w.groupAt = w.whole, win.at, win.at
	for w.damage == nil {
		f, ok, err := win.next()
		if err != nil {
			return err
		}
		if !ok {
			w.index = w.index[:w.indexWhole]
			return w.tail(&win)
		}
		if reason := w.accept(f, win.at); reason != "" {
			w.damage = &Damage{Seq: w.tip.seq + 1, Offset: w.tip.offset, Reason: reason}
		} else if visit != nil {
			visit(f)
		}
	}
	w.index = w.index[:w.indexWhole]
	return nil
}

// accept takes a good frame that ends at end, or says why it can not stand here. A frame with a good CRC in the wrong place
// is never the work of a power cut.
func (w *walk) accept(f frame, end int64) (reason string) {
	if f.flags == flagSeal {
		if w.tip != w.whole || f.seq != w.tip.seq || f.chain != w.tip.chain {
			return fmt.Sprintf("the seal after record %d stands after record %d", f.seq, w.tip.seq)
		}
		w.tip.offset, w.whole.offset, w.sealed = end, end, true
		return ""
	}
	if f.seq != w.tip.seq+1 {
		return fmt.Sprintf("record %d stands where record %d belongs", f.seq, w.tip.seq+1)
	}
	if f.chain != Chain(w.tip.chain, f.body) {
		return "hash chain broken"
	}
	if f.group != w.group {
		if f.group != f.seq || w.tip != w.whole {
			return fmt.Sprintf("record of commit %d inside commit %d", f.group, w.group)
		}
		w.group, w.groupAt = f.group, w.tip.offset
	}
	if f.seq%indexStep == 1 {
		w.index = append(w.index, w.tip.offset)
	}
	w.tip, w.sealed = position{f.seq, f.chain, end}, false
	if f.flags == flagActEnd {
		w.whole, w.commitAt, w.indexWhole = w.tip, w.groupAt, len(w.index)
	}
	return ""
}

// tail decides what follows the last good frame: nothing but zeros, a torn commit, or damage with a witness behind it.
func (w *walk) tail(win *window) error {
	at, bad, dirty := win.at, w.tip.seq+1, int64(0)
	zero := make([]byte, windowSize)
	for {
		if _, err := win.peek(1); err != nil {
			return err
		}
		b := win.buf
		if len(b) == 0 {
			break
		}
		if len(b) <= len(zero) && bytes.Equal(b, zero[:len(b)]) {
			win.skip(len(b)) // the reserve, in long steps
			continue
		}
		if b[0] == markHead {
			f, ok, err := win.next()
			if err != nil {
				return err
			}
			if ok && f.group > bad {
				w.damage = &Damage{Seq: bad, Offset: at, Reason: fmt.Sprintf(
					"unreadable, though record %d behind it was written later", f.seq)}
				return nil
			}
			if ok {
				dirty = win.at
				continue
			}
		}
		if b[0] != 0 {
			dirty = win.at + 1
		}
		win.skip(1)
	}
	w.dirtyEnd = max(dirty, w.tip.offset)
	if w.dirtyEnd > w.whole.offset {
		reason := "an act is incomplete"
		if dirty > 0 {
			reason = "the last write is torn"
		}
		w.cut = &Cut{w.whole.seq + 1, w.whole.offset, w.dirtyEnd - w.whole.offset, reason}
	}
	return nil
}

// path names the file for people.
func path(dir Dir) string {
	if s, ok := dir.(fmt.Stringer); ok {
		return s.String() + "/" + fileName
	}
	return fileName
}

// Package journaltest holds what every Dir must let a journal promise: after a cut at any byte exactly the acknowledged
// acts are there, a flipped bit anywhere is found and named, a second process is refused, and after a failed sync nothing
// is accepted until the journal is opened again.
package journaltest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"reflect"
	"testing"

	"greylock/system/journal"
)

// Medium is one fresh directory and the hands that tamper with its files.
type Medium struct {
	Dir   journal.Dir
	Bytes func(name string) []byte          // the file as it is
	Put   func(name string, content []byte) // replaces it
	// Stride is the distance between the bytes that are cut and the bits that are flipped: 1 tries all; a real disk, where
	// each try costs syncs, takes more.
	Stride int
}

// small keeps the files of the suite short: it reads every bit of them.
var small = journal.Options{Reserve: 64}

const name = "journal"

// Run runs the suite; fresh gives an empty medium each time.
func Run(t *testing.T, fresh func(t *testing.T) Medium) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Medium)
	}{
		{"KeepsActs", keepsActs},
		{"CutAtEveryByte", cutAtEveryByte},
		{"EveryBitFlippedClosed", flipClosed},
		{"EveryBitFlippedRunning", flipRunning},
		{"RecordsMovedOrMissing", moved},
		{"ForgedWithGoodCRC", forged},
		{"SecondOpenRefused", secondOpen},
		{"OtherVersionRefused", otherVersion},
		{"FailedSync", failedSync},
		{"ShortWrite", shortWrite},
		{"Limits", limits},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, fresh(t)) })
	}
}

// acts is a small history: lengths and commits of every kind. Each inner slice is one act.
func acts() [][][]byte {
	return [][][]byte{
		{[]byte("a")},
		{[]byte("begin"), []byte("fuel-start"), []byte("fuel-end")},
		{[]byte("done")},
		{[]byte("x"), make([]byte, 3)}, // zeros look like the reserve
	}
}

// written returns a journal with all acts, the bytes of its records, and where each record begins.
func written(t *testing.T, m Medium, closed bool) (content []byte, records []journal.Record, starts []int64) {
	t.Helper()
	j := open(t, m.Dir)
	for _, act := range acts() {
		at := report(t, m.Dir).Bytes
		if _, err := j.Append(act...); err != nil {
			t.Fatalf("append: %v", err)
		}
		for _, body := range act {
			starts = append(starts, at)
			at += int64(len(body)) + 61
		}
	}
	records = read(t, j)
	if !closed {
		content = m.Bytes(name)[:report(t, m.Dir).Bytes]
	}
	if err := j.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	if closed {
		content = m.Bytes(name)
	}
	return content, records, starts
}

func keepsActs(t *testing.T, m Medium) {
	_, want, _ := written(t, m, true)
	if r := report(t, m.Dir); !r.OK() || !r.Sealed || r.Records != 7 || r.Acts != 4 || r.Head != want[6].Chain {
		t.Errorf("report %+v", r)
	}
	j, rec, err := journal.Open(m.Dir, small)
	if err != nil || rec.Created || rec.Cut != nil || rec.Records != 7 {
		t.Fatalf("open again: %+v, %v", rec, err)
	}
	defer closed(t, j)
	if got := read(t, j); !reflect.DeepEqual(got, want) {
		t.Errorf("read %v\nwant %v", got, want)
	}
	chain := [32]byte{}
	for i, r := range want {
		if chain = journal.Chain(chain, r.Body); r.Seq != uint64(i+1) || r.Chain != chain {
			t.Errorf("record %d: sequence %d, chain %x, want %x", i+1, r.Seq, r.Chain, chain)
		}
	}
	n := 0
	stop := errors.New("enough")
	err = j.Read(3, func(r journal.Record) error {
		if n++; r.Seq != uint64(2+n) {
			t.Errorf("sequence %d", r.Seq)
		}
		if n == 2 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || n != 2 {
		t.Errorf("read from 3: %d records, %v", n, err)
	}
}

func cutAtEveryByte(t *testing.T, m Medium) {
	content, want, starts := written(t, m, false)
	for n := 32; n <= len(content); n += m.Stride {
		m.Put(name, content[:n])
		whole := 0 // records of acts that lie before the cut
		for i, r := range want {
			if r.ActEnd && starts[i]+int64(len(r.Body))+61 <= int64(n) {
				whole = i + 1
			}
		}
		j, rec, err := journal.Open(m.Dir, small)
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		clean := n == 32 || whole > 0 && starts[whole-1]+int64(len(want[whole-1].Body))+61 == int64(n)
		if rec.Records != uint64(whole) || (rec.Cut == nil) != clean {
			t.Fatalf("cut at %d: %+v (%+v), want %d records", n, rec, rec.Cut, whole)
		}
		if rec.Cut != nil && (rec.Cut.Seq != uint64(whole+1) || rec.Cut.Offset+rec.Cut.Bytes != int64(n) && content[n-1] != 0) {
			t.Fatalf("cut at %d: %+v", n, rec.Cut)
		}
		if got := read(t, j); len(got) != whole || whole > 0 && !reflect.DeepEqual(got, want[:whole]) {
			t.Fatalf("cut at %d: read %v", n, got)
		}
		if n%16 == 0 {
			if first, err := j.Append([]byte("after")); err != nil || first != uint64(whole+1) {
				t.Fatalf("cut at %d: append after it: %d, %v", n, first, err)
			}
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if r := report(t, m.Dir); !r.OK() {
			t.Fatalf("cut at %d, opened and closed: %+v", n, r)
		}
	}
	for n := range 32 { // a header is made whole or not at all, so half of one is damage
		m.Put(name, content[:n])
		wantDamage(t, m, fmt.Sprintf("cut at %d", n), 0, 0)
	}
}

// flipClosed: no bit of a closed journal changes without being named, the last record included.
func flipClosed(t *testing.T, m Medium) {
	content, _, starts := written(t, m, true)
	end := report(t, m.Dir).Bytes
	seal := end - 61
	flip(m, content, func(bit int64) {
		at := fmt.Sprintf("bit %d", bit)
		switch off := bit / 8; {
		case off < 32:
			wantDamage(t, m, at, 0, 0)
		case off < seal:
			seq := 0
			for seq < len(starts) && starts[seq] <= off {
				seq++
			}
			wantDamage(t, m, at, uint64(seq), starts[seq-1])
		default: // the seal and the zeros: nothing is lost, but it is told
			if r := report(t, m.Dir); r.Torn == nil || r.Torn.Seq != 8 || r.Records != 7 {
				t.Fatalf("%s behind the records: %+v", at, r)
			}
		}
	})
}

// flipRunning: without a seal the last commit could be a torn one; it is cut and named. All before it is damage.
func flipRunning(t *testing.T, m Medium) {
	content, _, starts := written(t, m, false)
	last := starts[5]
	flip(m, content, func(bit int64) {
		if off := bit / 8; off < last {
			if r := report(t, m.Dir); r.Damage == nil {
				t.Fatalf("bit %d: %+v", bit, r)
			}
			return
		}
		if r := report(t, m.Dir); r.Damage != nil || r.Torn == nil || r.Torn.Seq != 6 || r.Torn.Offset != last {
			t.Fatalf("bit %d of the last act: %+v", bit, r)
		}
	})
}

func flip(m Medium, content []byte, check func(bit int64)) {
	b := append([]byte(nil), content...)
	for bit := int64(0); bit < int64(len(b))*8; bit += int64(m.Stride) {
		b[bit/8] ^= 1 << (bit % 8)
		m.Put(name, b)
		check(bit)
		b[bit/8] ^= 1 << (bit % 8)
	}
}

// moved: whole good records in the wrong place.
func moved(t *testing.T, m Medium) {
	content, _, s := written(t, m, true)
	cat := func(parts ...[]byte) (all []byte) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	for _, c := range []struct {
		name    string
		content []byte
		seq     uint64
		offset  int64
	}{
		{"first missing", cat(content[:s[0]], content[s[1]:]), 1, s[0]},
		{"one missing inside an act", cat(content[:s[2]], content[s[3]:]), 3, s[2]},
		{"an act missing", cat(content[:s[4]], content[s[5]:]), 5, s[4]},
		{"last act missing before the seal", cat(content[:s[5]], content[s[6]+64:]), 6, s[5]},
		{"doubled", cat(content[:s[1]], content[s[0]:]), 2, s[1]},
		{"swapped", cat(content[:s[1]], content[s[2]:s[3]], content[s[1]:s[2]], content[s[3]:]), 2, s[1]},
	} {
		m.Put(name, c.content)
		wantDamage(t, m, c.name, c.seq, c.offset)
	}
}

// forged: who alters a record and knows how to make its CRC is found by the chain: at that record, or, where he makes its chain
// hash too, at the next. The seal after the last one names it all the same.
func forged(t *testing.T, m Medium) {
	content, records, starts := written(t, m, true)
	for i, at := range starts[:len(records)] {
		for _, chained := range []bool{false, true} {
			b := bytes.Clone(content)
			frame := b[at:]
			size := binary.BigEndian.Uint32(frame[4:])
			body := frame[56 : 56+size]
			body[0] ^= 1
			seq, offset := records[i].Seq, at
			if chained {
				prev := [32]byte{}
				if i > 0 {
					prev = records[i-1].Chain
				}
				head := journal.Chain(prev, body)
				copy(frame[24:], head[:])
				seq, offset = seq+1, at+int64(56+size+5)
			}
			binary.BigEndian.PutUint32(frame[56+size:], crc32.Checksum(frame[:56+size], crc32.MakeTable(crc32.Castagnoli)))
			m.Put(name, b)
			wantDamage(t, m, fmt.Sprintf("record %d, chained %v", records[i].Seq, chained), seq, offset)
		}
	}
}

func secondOpen(t *testing.T, m Medium) {
	j := open(t, m.Dir)
	if _, _, err := journal.Open(m.Dir, small); !errors.Is(err, journal.ErrLocked) {
		t.Errorf("second open: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	closed(t, open(t, m.Dir))
}

func otherVersion(t *testing.T, m Medium) {
	content, _, _ := written(t, m, true)
	for _, v := range []byte{0, 2} {
		b := append([]byte(nil), content...)
		m.Put(name, withVersion(b, v))
		if _, _, err := journal.Open(m.Dir, small); !errors.Is(err, journal.ErrVersion) {
			t.Errorf("version %d: %v", v, err)
		}
		if !reflect.DeepEqual(m.Bytes(name), b) {
			t.Errorf("version %d: the file was changed", v)
		}
	}
}

func limits(t *testing.T, m Medium) {
	j := open(t, m.Dir)
	defer closed(t, j)
	for _, act := range [][][]byte{{}, {{}}, {make([]byte, journal.MaxBody+1)}, make([][]byte, journal.MaxAct+1)} {
		if _, err := j.Append(act...); !errors.Is(err, journal.ErrTooBig) {
			t.Errorf("%d records: %v", len(act), err)
		}
	}
	if _, err := j.Append(make([]byte, journal.MaxBody)); err != nil {
		t.Errorf("the biggest body: %v", err)
	}
	if seq, _ := j.Head(); seq != 1 {
		t.Errorf("head %d", seq)
	}
}

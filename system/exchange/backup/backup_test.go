package backup

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/journal/faultfile"
	"greylock/system/wire/record"
)

var now = clock.At(2026, 11, 28, 9, 0, 0)

func fact(t testing.TB, f record.Fact) []byte {
	t.Helper()
	line, err := record.Encode(f)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// site is a journal of so many acts behind the first record.
func site(t testing.TB, acts int) (*faultfile.Disk, *journal.Journal) {
	t.Helper()
	disk := faultfile.New()
	j, _, err := journal.Open(disk, journal.Options{Reserve: 4096})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(fact(t, record.SiteOpened{TimeMs: now.Milli(), Site: "0001", Kind: record.KindStation, Name: "示范加油站", Realm: record.Training})); err != nil {
		t.Fatal(err)
	}
	for n := range acts {
		a := record.Alarm{TimeMs: now.Milli(), Kind: "line-lost", Subject: fmt.Sprint(n), Zh: "断", En: "lost"}
		if _, err := j.Append(fact(t, a), fact(t, a)); err != nil {
			t.Fatal(err)
		}
	}
	return disk, j
}

func written(t testing.TB, dir journal.Dir) ([]byte, Manifest) {
	t.Helper()
	var b bytes.Buffer
	m, err := Write(&b, now, Source{Journal: dir, Program: "test", Small: []Small{{"config.yaml", []byte("site: {}\n")}}, LeftOut: []string{"center.secret"}})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), m
}

// TestBackup: of a journal that is being written, restored elsewhere: the same head, the program goes on there.
func TestBackup(t *testing.T) {
	t.Parallel()
	disk, j := site(t, 9)
	text, m := written(t, disk)
	if m.Site != "0001" || m.Kind != record.KindStation || m.Records != 19 || m.Acts != 10 || len(m.Files) != 2 || m.LeftOut[0] != "center.secret" {
		t.Fatalf("%+v", m)
	}
	seq, chain := j.Head()
	if seq != m.Records || !bytes.Equal(chain[:], m.Head) {
		t.Errorf("head %d %x", seq, chain)
	}
	alone, err := ReadManifest(bytes.NewReader(text))
	if err != nil || alone.Records != m.Records {
		t.Errorf("%+v %v", alone, err)
	}
	there := faultfile.New()
	got, small, err := Read(bytes.NewReader(text), there, &Known{Seq: 19, Head: chain[:]})
	if err != nil || got.Records != 19 || len(small) != 1 || string(small[0].Text) != "site: {}\n" {
		t.Fatalf("%+v %v %v", got, small, err)
	}
	if r, err := journal.Verify(there); err != nil || r.Head != chain || !r.OK() {
		t.Errorf("%+v %v", r, err)
	}
	if _, _, err := Read(bytes.NewReader(text), there, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another: %v", err)
	}
	k, _, err := journal.Open(there, journal.Options{Reserve: 4096})
	if err != nil {
		t.Fatal(err)
	}
	if first, err := k.Append([]byte("{}")); err != nil || first != 20 {
		t.Errorf("it goes on at %d, %v", first, err)
	}
	if err := errors.Join(k.Close(), j.Close()); err != nil {
		t.Fatal(err)
	}
	if sealed, m := written(t, disk); m.Records != 19 {
		t.Errorf("of a closed journal: %+v (%d bytes)", m, len(sealed))
	}
}

// TestRefused: nothing is there after a copy that is older than what the center has, another's, or damaged anywhere.
func TestRefused(t *testing.T) {
	t.Parallel()
	disk, j := site(t, 9)
	text, _ := written(t, disk)
	_, chain := j.Head()
	other := bytes.Repeat([]byte{7}, 32)
	for what, c := range map[string]struct {
		known *Known
		want  error
	}{
		"older": {&Known{Seq: 20, Head: chain[:]}, ErrOlder}, "another": {&Known{Seq: 19, Head: other}, ErrFork}, "another before": {&Known{Seq: 3, Head: chain[:]}, ErrFork},
	} {
		there := faultfile.New()
		_, _, err := Read(bytes.NewReader(text), there, c.known)
		if _, gone := there.Open("journal"); !errors.Is(err, c.want) || !errors.Is(gone, fs.ErrNotExist) {
			t.Errorf("%s: %v, %v", what, err, gone)
		}
	}
	there := faultfile.New()
	if _, _, err := Read(bytes.NewReader(text), there, &Known{}); err != nil {
		t.Errorf("a center that has nothing: %v", err)
	}
	bad := 0
	for at := 0; at < len(text); at += 7 {
		spoilt := bytes.Clone(text)
		spoilt[at] ^= 1
		there := faultfile.New()
		_, _, err := Read(bytes.NewReader(spoilt), there, nil)
		_, gone := there.Open("journal")
		if err != nil != errors.Is(gone, fs.ErrNotExist) {
			t.Fatalf("byte %d: %v, but %v", at, err, gone)
		}
		if err == nil { // a byte that nobody reads, or of the manifest's words: the journal is right all the same
			if r, err := journal.Verify(there); err != nil || r.Head != chain {
				t.Fatalf("byte %d: %+v %v", at, r, err)
			}
			continue
		}
		bad++
	}
	if bad < len(text)/7/2 {
		t.Errorf("only %d of %d changed bytes were found", bad, len(text)/7)
	}
	for n := 0; n < len(text)-3*512; n += 97 {
		there := faultfile.New()
		_, _, err := Read(bytes.NewReader(text[:n]), there, nil)
		if _, gone := there.Open("journal"); err == nil || !errors.Is(gone, fs.ErrNotExist) {
			t.Fatalf("cut at byte %d: %v, %v", n, err, gone)
		}
	}
}

// TestWrongFiles: names that would leave the directory, more than the manifest names, no manifest.
func TestWrongFiles(t *testing.T) {
	t.Parallel()
	disk, _ := site(t, 1)
	text, _ := written(t, disk)
	for what, change := range map[string][2]string{"a path": {`"config.yaml"`, `"../onfig.ya"`}, "a format": {`"format": 1`, `"format": 9`}, "no journal": {`"name": "journal"`, `"name": "joornal"`}} {
		if _, _, err := Read(bytes.NewReader(bytes.Replace(text, []byte(change[0]), []byte(change[1]), 1)), faultfile.New(), nil); !errors.Is(err, ErrBackup) {
			t.Errorf("%s: %v", what, err)
		}
	}
	var more bytes.Buffer
	out := tar.NewWriter(&more)
	in := tar.NewReader(bytes.NewReader(text))
	for h, err := in.Next(); err == nil; h, err = in.Next() {
		if err := out.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(out, in); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(out.WriteHeader(&tar.Header{Name: "more", Mode: 0o600}), out.Close()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Read(&more, faultfile.New(), nil); !errors.Is(err, ErrBackup) {
		t.Errorf("a file more: %v", err)
	}
	for _, none := range []string{"", "x", "{}", "{"} {
		if _, err := ReadManifest(bytes.NewReader([]byte(none))); !errors.Is(err, ErrBackup) {
			t.Errorf("%q: %v", none, err)
		}
	}
}

// TestRebuild: what the center took of a site is the site's journal again.
func TestRebuild(t *testing.T) {
	t.Parallel()
	_, j := site(t, 5)
	center := faultfile.New()
	c, _, err := journal.Open(center, journal.Options{Reserve: 4096})
	if err != nil {
		t.Fatal(err)
	}
	batch := record.BatchTaken{TimeMs: now.Milli(), Site: "0001", First: 1}
	take := func() {
		if _, err := c.Append(fact(t, batch), fact(t, record.BatchTaken{Site: "0002", First: 1, Lines: []string{"{}"}, Acts: []int{1}, Head: make([]byte, 32)})); err != nil {
			t.Fatal(err)
		}
		batch = record.BatchTaken{TimeMs: now.Milli(), Site: "0001", First: batch.First + uint64(len(batch.Lines))}
	}
	act := 0
	if err := j.Read(1, func(r journal.Record) error {
		act++
		batch.Lines, batch.Head = append(batch.Lines, string(r.Body)), r.Chain[:]
		if r.ActEnd {
			batch.Acts, act = append(batch.Acts, act), 0
		}
		if r.Seq == 3 || r.Seq == 11 {
			take()
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	there := faultfile.New()
	r, err := Rebuild(center, "0001", there)
	if _, chain := j.Head(); err != nil || r.Head != chain || r.Records != 11 || r.Acts != 6 || !r.Sealed {
		t.Errorf("%+v %v", r, err)
	}
	if _, err := Rebuild(center, "0009", faultfile.New()); !errors.Is(err, ErrNothing) {
		t.Errorf("a stranger: %v", err)
	}
	batch = record.BatchTaken{Site: "0001", First: 13, Lines: []string{"{}"}, Acts: []int{1}, Head: make([]byte, 32)}
	take()
	if _, err := Rebuild(center, "0001", faultfile.New()); !errors.Is(err, ErrBackup) {
		t.Errorf("a gap: %v", err)
	}

}

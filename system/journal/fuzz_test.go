package journal_test

import (
	"testing"

	"greylock/system/journal"
	"greylock/system/journal/faultfile"
)

// FuzzOpen: any bytes are refused without a change, or opened and from then on a good journal.
func FuzzOpen(f *testing.F) {
	disk := faultfile.New()
	j, _, err := journal.Open(disk, journal.Options{Reserve: 1})
	if err != nil {
		f.Fatal(err)
	}
	for _, body := range []string{"a", "bc"} {
		if _, err := j.Append([]byte(body), []byte("end")); err != nil {
			f.Fatal(err)
		}
	}
	open := disk.Bytes("journal")
	closed(f, j)
	for _, seed := range [][]byte{disk.Bytes("journal"), open, open[:200], open[:33], append(open[:160:160], open...), nil} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		disk := faultfile.New()
		disk.Put("journal", content)
		report, err := journal.Verify(disk)
		refused := err != nil || report.Damage != nil
		j, rec, err := journal.Open(disk, journal.Options{Reserve: 1})
		if (err != nil) != refused {
			t.Fatalf("verify: %+v, open: %v", report, err)
		}
		if refused {
			if string(disk.Bytes("journal")) != string(content) {
				t.Fatal("a refused journal was changed")
			}
			return
		}
		if rec.Records != report.Records || (rec.Cut == nil) != (report.Torn == nil) {
			t.Fatalf("verify: %+v, open: %+v", report, rec)
		}
		if first, err := j.Append([]byte("next")); err != nil || first != rec.Records+1 {
			t.Fatalf("append: %d, %v", first, err)
		}
		closed(t, j)
		if r, err := journal.Verify(disk); err != nil || !r.OK() || !r.Sealed || r.Records != rec.Records+1 {
			t.Fatalf("after it: %+v, %v", r, err)
		}
	})
}

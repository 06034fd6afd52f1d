package backup

import (
	"bytes"
	"errors"
	"io/fs"
	"testing"

	"greylock/system/journal"
	"greylock/system/journal/faultfile"
)

// FuzzRead: whatever comes as a backup, either nothing is there afterwards, or a whole journal with the head that its manifest names.
func FuzzRead(f *testing.F) {
	disk, j := site(f, 2)
	text, _ := written(f, disk)
	if err := j.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(text[:1024])
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		there := faultfile.New()
		m, _, err := Read(bytes.NewReader(text), there, nil)
		if err != nil {
			if _, gone := there.Open("journal"); !errors.Is(gone, fs.ErrNotExist) {
				t.Fatalf("%v, and yet a journal: %v", err, gone)
			}
			return
		}
		if r, err := journal.Verify(there); err != nil || !r.OK() || !bytes.Equal(r.Head[:], m.Head) || r.Records != m.Records {
			t.Fatalf("%+v is no %+v: %v", r, m, err)
		}
	})
}

package journal_test

import (
	"os"
	"path/filepath"
	"testing"

	"greylock/system/journal"
	"greylock/system/journal/faultfile"
	"greylock/system/journal/journaltest"
)

func TestConformanceOS(t *testing.T) {
	t.Parallel()
	journaltest.Run(t, func(t *testing.T) journaltest.Medium {
		dir := t.TempDir()
		return journaltest.Medium{
			Dir: journal.OS(dir),
			Bytes: func(name string) []byte {
				b, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				return b
			},
			Put: func(name string, content []byte) {
				f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY, 0o600)
				if err != nil {
					t.Fatal(err)
				}
				defer closed(t, f)
				if _, err := f.WriteAt(content, 0); err != nil {
					t.Fatal(err)
				}
				if err := f.Truncate(int64(len(content))); err != nil {
					t.Fatal(err)
				}
			},
			Stride: 13,
		}
	})
}

func TestConformanceFaultFile(t *testing.T) {
	t.Parallel()
	journaltest.Run(t, func(t *testing.T) journaltest.Medium {
		disk := faultfile.New()
		return journaltest.Medium{Dir: disk, Bytes: disk.Bytes, Put: disk.Put, Stride: 1}
	})
}

// Package backup puts a site's journal and configuration into one file and takes them out again, with a manifest that says what
// they are and proves that they are whole. A backup holds no secret in the clear: no vault's secret, no private key.
//
// The file is a tar: manifest.json first, then journal, then the other files by their names in the manifest.
// Source: features.md P5; trust.md row 49, requirement 62.
package backup

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"time"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/wire/record"
)

// Names inside of a backup.
const (
	manifestName = "manifest.json"
	journalName  = "journal"
)

// format is the version of the manifest.
const format = 1

// Bounds of what a manifest and a small file may hold; a hostile one eats no memory.
const (
	maxManifest = 1 << 20
	maxFile     = 16 << 20
)

// Manifest says what a backup holds.
type Manifest struct {
	Format  int           `json:"format"`
	Site    record.SiteID `json:"site"`
	Kind    record.Kind   `json:"kind"`
	Name    string        `json:"name"`
	Realm   record.Realm  `json:"realm"`
	MadeMs  int64         `json:"made_ms"`
	Program string        `json:"program"` // version that made it
	Records uint64        `json:"records"`
	Acts    uint64        `json:"acts"`
	Head    record.Hex    `json:"head"` // chain hash after the last record
	Files   []File        `json:"files"`
	LeftOut []string      `json:"left_out,omitempty"` // secrets: bring them from where they are kept
}

// File is one file of a backup. The first is the journal.
type File struct {
	Name   string     `json:"name"`
	Bytes  int64      `json:"bytes"`
	SHA256 record.Hex `json:"sha256"`
}

// Small is a file that goes beside the journal.
type Small struct {
	Name string // in the backup, without a directory
	Text []byte
}

// Errors of a backup that can not be used.
var (
	ErrBackup = errors.New("备份文件有误 (the backup is damaged or none)") // what it holds is not what its manifest says
	ErrOlder  = errors.New("备份比中心已收到的旧 (the backup is older than what the center has)")
	ErrFork   = errors.New("备份与中心已收到的不是同一份日志 (the backup is not the journal that the center has)")
)

// Source is what is put into a backup.
type Source struct {
	Journal journal.Dir
	Program string
	Small   []Small
	LeftOut []string
}

// Write makes a backup, also of a journal that a program holds and goes on writing. It reads the journal twice.
func Write(to io.Writer, now clock.Instant, s Source) (m Manifest, err error) {
	m = Manifest{Format: format, MadeMs: now.Milli(), Program: s.Program, LeftOut: s.LeftOut}
	r, err := journal.Visit(s.Journal, func(r journal.Record) {
		if r.Seq == 1 {
			if f, err := record.Decode(r.Body); err == nil {
				open, _ := f.(record.SiteOpened)
				m.Site, m.Kind, m.Name, m.Realm = open.Site, open.Kind, open.Name, open.Realm
			}
		}
	})
	if err == nil && r.Damage != nil {
		err = r.Damage
	}
	sum := sha256.New()
	if err == nil {
		err = journal.Copy(s.Journal, sum, r)
	}
	if err != nil {
		return m, err
	}
	m.Records, m.Acts, m.Head = r.Records, r.Acts, r.Head[:]
	m.Files = []File{{journalName, r.Bytes, sum.Sum(nil)}}
	for _, x := range s.Small {
		h := sha256.Sum256(x.Text)
		m.Files = append(m.Files, File{x.Name, int64(len(x.Text)), h[:]})
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return m, err
	}
	out := tar.NewWriter(to)
	if err := put(out, now, manifestName, int64(len(text)), func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
		return m, err
	}
	if err := put(out, now, journalName, r.Bytes, func(w io.Writer) error { return journal.Copy(s.Journal, w, r) }); err != nil {
		return m, err
	}
	for _, x := range s.Small {
		if err := put(out, now, x.Name, int64(len(x.Text)), func(w io.Writer) error { _, err := w.Write(x.Text); return err }); err != nil {
			return m, err
		}
	}
	return m, out.Close()
}

func put(out *tar.Writer, now clock.Instant, name string, size int64, content func(io.Writer) error) error {
	err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: time.UnixMilli(now.Milli()), Typeflag: tar.TypeReg})
	if err == nil {
		err = content(out)
	}
	if err != nil {
		return fmt.Errorf("backup: %s: %w", name, err)
	}
	return nil
}

// bad is an ErrBackup, with its cause if there is one.
func bad(cause error, format string, args ...any) error {
	err := fmt.Errorf("%w: "+format, append([]any{ErrBackup}, args...)...)
	if cause != nil {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return err
}

// ReadManifest reads a manifest alone: the file of a backup, or the manifest by itself.
func ReadManifest(from io.Reader) (m Manifest, err error) {
	head := make([]byte, 1)
	if _, err := io.ReadFull(from, head); err != nil {
		return m, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	from = io.MultiReader(bytes.NewReader(head), from)
	if head[0] == '{' {
		return parse(from)
	}
	in := tar.NewReader(from)
	h, err := in.Next()
	if err != nil || h.Name != manifestName {
		return m, bad(err, "没有 manifest.json (no manifest)")
	}
	return parse(in)
}

func parse(from io.Reader) (m Manifest, err error) {
	dec := json.NewDecoder(io.LimitReader(from, maxManifest))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return m, bad(err, "manifest")
	}
	if m.Format != format {
		return m, fmt.Errorf("%w: 格式 %d, 本程序读 %d (format)", ErrBackup, m.Format, format)
	}
	if len(m.Files) == 0 || m.Files[0].Name != journalName || len(m.Head) != sha256.Size {
		return m, fmt.Errorf("%w: manifest 中没有日志 (no journal in the manifest)", ErrBackup)
	}
	for _, f := range m.Files {
		if f.Name != path.Base(f.Name) || f.Name == "." || f.Name == ".." || len(f.SHA256) != sha256.Size || f.Bytes < 0 {
			return m, fmt.Errorf("%w: manifest: %q", ErrBackup, f.Name)
		}
	}
	return m, nil
}

// Known is what the center says that it has of a site's journal.
type Known record.BatchAnswer

// Read takes a backup out: the journal into a directory that has none, the other files as they are. known, if it is not nil, is what
// the center has: a journal that ends before it must not go on, it would give numbers a second time (trust.md row 49).
// Everything is verified before the journal appears under its name. ErrBackup, ErrOlder, ErrFork, *journal.Damage, fs.ErrExist.
func Read(from io.Reader, to journal.Dir, known *Known) (m Manifest, small []Small, err error) {
	in := tar.NewReader(from)
	h, err := in.Next()
	if err != nil || h.Name != manifestName {
		return m, nil, bad(err, "没有 manifest.json (no manifest)")
	}
	if m, err = parse(in); err != nil {
		return m, nil, err
	}
	if known != nil && known.Seq > m.Records {
		return m, nil, fmt.Errorf("%w: 备份到第 %d 条, 中心已有到第 %d 条 (records)", ErrOlder, m.Records, known.Seq)
	}
	h, err = in.Next()
	if err != nil || h.Name != journalName || h.Size != m.Files[0].Bytes {
		return m, nil, bad(err, "日志长度不符 (length of the journal)")
	}
	sum := sha256.New()
	there := Known{}
	// The journal comes last into being: the other files are read while it waits under another name.
	err = journal.Restore(to, io.TeeReader(in, sum), func(r journal.Record) {
		if known != nil && r.Seq == known.Seq {
			there = Known{r.Seq, r.Chain[:]}
		}
	}, func(r journal.Report) error {
		if !bytes.Equal(sum.Sum(nil), m.Files[0].SHA256) || r.Records != m.Records || !bytes.Equal(r.Head[:], m.Head) {
			return fmt.Errorf("%w: 日志与 manifest 不符: %d 条, 链尾 %s (the journal is not that of the manifest)", ErrBackup, r.Records, hex.EncodeToString(r.Head[:]))
		}
		if known != nil && known.Seq > 0 && !bytes.Equal(there.Head, known.Head) {
			return fmt.Errorf("%w: 第 %d 条 (record)", ErrFork, known.Seq)
		}
		small, err = others(in, m)
		return err
	})
	return m, small, err
}

// others reads what comes after the journal.
func others(in *tar.Reader, m Manifest) (small []Small, err error) {
	for _, f := range m.Files[1:] {
		h, err := in.Next()
		if err != nil || h.Name != f.Name || h.Size != f.Bytes || h.Size > maxFile {
			return nil, bad(err, "%s", f.Name)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			return nil, bad(err, "%s", f.Name)
		}
		if sum := sha256.Sum256(text); !bytes.Equal(sum[:], f.SHA256) {
			return nil, fmt.Errorf("%w: %s 与 manifest 不符 (not that of the manifest)", ErrBackup, f.Name)
		}
		small = append(small, Small{f.Name, text})
	}
	if _, err := in.Next(); !errors.Is(err, io.EOF) {
		return nil, bad(err, "有多余的文件 (more files than the manifest names)")
	}
	return small, nil
}

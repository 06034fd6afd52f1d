package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/system/exchange/backup"
	"greylock/system/journal"
)

// journalFile is the name of a journal's file in its directory.
const journalFile = "journal"

// errNoJournal says that nothing was verified; a check of nothing is not green.
var errNoJournal = errors.New("没有找到日志 (no journal found)")

// verdict is what the audit of one journal found.
type verdict struct {
	Dir     string `json:"dir"`
	OK      bool   `json:"ok"`
	Records uint64 `json:"records"`
	Acts    uint64 `json:"acts"`
	Bytes   int64  `json:"bytes"`
	Head    string `json:"head"`
	Sealed  bool   `json:"sealed"`
	Torn    string `json:"torn,omitempty"`
	BadSeq  uint64 `json:"bad_seq,omitempty"`
	Offset  int64  `json:"bad_offset,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

func (e *env) audit() *cobra.Command {
	group := &cobra.Command{Use: "audit", Short: "审计 (audit)"}
	var strict bool
	x := wanted{}
	verify := &cobra.Command{Use: "verify DIR…", Short: "检查日志的链与校验码 (verify chain and CRC of journals)", Args: cobra.MinimumNArgs(1),
		Long: "检查一个日志目录, 或其下所有日志; 不改动任何文件。有损坏时指出第一条坏记录, 退出码 5。\n" +
			"Verifies a journal's directory, or all journals below it, without changing a byte. Damage: names the first bad record, exit 5.",
		RunE: func(_ *cobra.Command, args []string) error { return e.auditVerify(args, strict, x) }}
	verify.Flags().BoolVar(&strict, "strict", false, "断电留下的残尾也算有误 (a torn tail fails too)")
	verify.Flags().StringVar(&x.head, "head", "", "日志必须含有这个链值, 64 位十六进制: 被截短的日志通不过 (the journal must hold this chain hash: a cut one fails)")
	verify.Flags().StringVar(&x.manifest, "manifest", "", "备份文件或 manifest.json: 日志必须含有它的全部记录 (a backup or its manifest: the journal must hold all of it)")
	group.AddCommand(verify)
	return group
}

// wanted is what a journal must hold: a cut tail, even of a sealed journal, looks like a torn one unless somebody knows better.
type wanted struct{ head, manifest string }

// read reads what is expected: the chain hash, and after which record; 0: any.
func (x wanted) read() (head []byte, seq uint64, err error) {
	switch {
	case x.head != "" && x.manifest != "":
		return nil, 0, cli.Usagef("--head 与 --manifest 只能给一个 (one of them)")
	case x.head != "":
		if head, err = hex.DecodeString(x.head); err != nil || len(head) != 32 {
			return nil, 0, cli.Usagef("--head %q: 应为 64 位十六进制 (want 64 hexadecimal digits)", x.head)
		}
	case x.manifest != "":
		f, err := os.Open(x.manifest)
		if err != nil {
			return nil, 0, err
		}
		defer f.Close()
		m, err := backup.ReadManifest(f)
		if err != nil {
			return nil, 0, err
		}
		return m.Head, m.Records, nil
	}
	return head, 0, nil
}

func (e *env) auditVerify(dirs []string, strict bool, x wanted) error {
	head, seq, err := x.read()
	if err != nil {
		return err
	}
	var list []verdict
	var damage error
	for _, dir := range dirs {
		found, err := journalsIn(dir)
		if err != nil {
			return err
		}
		for _, d := range found {
			v, held, err := verifyOne(d, head, seq)
			if err != nil {
				return fmt.Errorf("%s: %w", d, err)
			}
			list = append(list, v)
			if head != nil && !held && damage == nil {
				damage = fmt.Errorf("%s: 只有 %d 条记录, 没有链值 %x…: 被截短, 或不是这份日志 (cut short, or another journal): %w", d, v.Records, head[:8], journal.ErrDamaged)
			}
			if v.Reason != "" && damage == nil {
				damage = fmt.Errorf("%s: 第 %d 条记录, 字节 %d: %s (record, byte): %w", d, v.BadSeq, v.Offset, v.Reason, journal.ErrDamaged)
			}
			if v.Torn != "" && strict && damage == nil {
				damage = fmt.Errorf("%s: %s: %w", d, v.Torn, journal.ErrDamaged)
			}
		}
	}
	err = e.Print(list, func(w io.Writer) {
		for _, v := range list {
			fmt.Fprintln(w, v.line())
		}
	})
	return errors.Join(damage, err)
}

// journalsIn finds the directories with a journal, in order of their names.
func journalsIn(dir string) (found []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() == journalFile {
			found = append(found, filepath.Dir(path))
		}
		return err
	})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%s: %w", dir, errNoJournal)
	}
	return found, err
}

// verifyOne verifies a journal; held says whether it has a record with that chain hash, which must be record seq unless that is 0.
func verifyOne(dir string, head []byte, seq uint64) (v verdict, held bool, err error) {
	var at uint64 // a record behind the last whole act does not count
	r, err := journal.Visit(journal.OS(dir), func(x journal.Record) {
		if bytes.Equal(x.Chain[:], head) && (seq == 0 || x.Seq == seq) {
			at = x.Seq
		}
	})
	if err != nil {
		return verdict{}, false, err
	}
	held = at > 0 && at <= r.Records || seq == 0 && len(head) == 32 && bytes.Equal(r.Head[:], head)
	v = verdict{Dir: dir, OK: r.OK(), Records: r.Records, Acts: r.Acts, Bytes: r.Bytes, Head: hex.EncodeToString(r.Head[:]), Sealed: r.Sealed}
	if r.Torn != nil {
		v.Torn = fmt.Sprintf("尾部 %d 字节未写完 (torn tail: %s)", r.Torn.Bytes, r.Torn.Reason)
	}
	if r.Damage != nil {
		v.BadSeq, v.Offset, v.Reason = r.Damage.Seq, r.Damage.Offset, r.Damage.Reason
	}
	return v, held, nil
}

func (v verdict) line() string {
	state := "完好 (whole)"
	switch {
	case v.Reason != "":
		state = fmt.Sprintf("损坏: 第 %d 条记录, 字节 %d: %s (damaged)", v.BadSeq, v.Offset, v.Reason)
	case v.Torn != "":
		state = v.Torn
	case v.Sealed:
		state += ", 已封存 (sealed)"
	}
	return fmt.Sprintf("%s: %d 条记录, %d 笔 (records, acts), 链尾 %s…, %s", v.Dir, v.Records, v.Acts, v.Head[:16], state)
}

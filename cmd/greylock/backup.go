package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/cmd/internal/config"
	"greylock/system/app"
	"greylock/system/clock"
	"greylock/system/exchange/backup"
	"greylock/system/exchange/cert"
	"greylock/system/journal"
	"greylock/system/wire/record"
)

// backedUp is what a backup or a restore has done, for people.
type backedUp struct {
	File     string   `json:"file"`
	Data     string   `json:"data,omitempty"`
	Site     string   `json:"site"`
	Records  uint64   `json:"records"`
	Head     string   `json:"head"`
	Files    []string `json:"files,omitempty"`
	LeftOut  []string `json:"left_out,omitempty"`
	Compared bool     `json:"compared"` // with what the center has
}

func (e *env) backup() *cobra.Command {
	path, out := "", ""
	c := &cobra.Command{Use: "backup", Short: "备份日志与配置, 站点可照常运行 (backup of journal and configuration of a running site)", Args: cobra.NoArgs,
		Long: "把日志 (完整的部分)、配置和封存的密钥库写成一个文件, 附 manifest: 条数, 链尾, 大小, SHA-256。程序照常运行。\n" +
			"口令文件和私钥不在其中, manifest 列出它们; greylock restore 恢复, greylock audit verify --manifest 对照。\n" +
			"One file: the journal's whole acts, configuration and sealed vault, with a manifest. No secret in the clear is in it.",
		RunE: func(*cobra.Command, []string) error { return e.runBackup(path, out) }}
	c.Flags().StringVar(&path, "config", "station.yaml", "配置 (configuration)")
	c.Flags().StringVar(&out, "out", ".", "备份文件, 或放它的目录 (file, or the directory for it)")
	return c
}

func (e *env) runBackup(path, out string) error {
	c, _, err := config.Load(path)
	if err != nil {
		return err
	}
	now := clock.System{}.Now()
	if info, err := os.Stat(out); err == nil && info.IsDir() {
		stamp := now.Civil().Stamp()
		out = filepath.Join(out, fmt.Sprintf("greylock-%s-%X.tar", c.Site.ID, stamp[:]))
	}
	source := backup.Source{Journal: journal.OS(c.Data), Program: cli.ReadVersion().Line()}
	if source.Small, source.LeftOut, err = besideJournal(c, path); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(c.Data, journalFile)); err != nil {
		return err // looking for a journal makes no directory
	}
	f, err := os.OpenFile(out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	m, err := backup.Write(f, now, source)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(out))
	}
	r := backedUp{File: out, Site: string(m.Site), Records: m.Records, Head: hex.EncodeToString(m.Head), LeftOut: m.LeftOut}
	for _, x := range m.Files {
		r.Files = append(r.Files, x.Name)
	}
	return e.Print(r, func(w io.Writer) {
		fmt.Fprintf(w, "已备份 (backed up): %s: %s 站, %d 条记录, 链尾 %s…, 文件 %v\n", r.File, r.Site, r.Records, r.Head[:16], r.Files)
		if len(r.LeftOut) > 0 {
			fmt.Fprintf(w, "不在备份中, 请另行保管 (not in it, keep them elsewhere): %v\n", r.LeftOut)
		}
	})
}

// besideJournal are the files that go into a backup, and the secrets that do not.
func besideJournal(c config.Config, path string) (small []backup.Small, leftOut []string, err error) {
	add := func(name, path string) {
		if path == "" || err != nil {
			return
		}
		text, e := os.ReadFile(path)
		if err = e; err == nil {
			small = append(small, backup.Small{Name: name, Text: text})
		}
	}
	add("config.yaml", path)
	for _, p := range []string{c.Center.Vault, c.Issue.Vault, c.Making.Vault} {
		add("vault", p)
	}
	for _, t := range []config.TLS{c.Center.TLS, c.Station.TLS, c.Issue.TLS, c.Making.TLS} {
		add("tls-ca.crt", t.CA)
		add("tls.crt", t.Cert)
	}
	add("tls-revoked", c.Center.Revoked)
	for _, p := range []string{c.Center.Secret, c.Issue.Secret, c.Making.Secret, c.Making.Transport, c.Center.TLS.Key, c.Station.TLS.Key, c.Issue.TLS.Key, c.Making.TLS.Key} {
		if p != "" {
			leftOut = append(leftOut, p)
		}
	}
	return small, leftOut, err
}

// restoreFlags are what the restore is told.
type restoreFlags struct{ config, data, files, center, site string }

func (e *env) restore() *cobra.Command {
	f := &restoreFlags{}
	c := &cobra.Command{Use: "restore [FILE]", Short: "从备份恢复日志 (restore a journal from a backup)", Args: cobra.MaximumNArgs(1),
		Long: "把备份中的日志放入一个没有日志的目录: 先核对 SHA-256、链和 manifest, 再出现。绝不覆盖。\n" +
			"给出 --config 时向中心查问已收到哪里: 比中心旧、或不是同一份日志的备份不恢复 (否则记录会重号)。\n" +
			"备份太旧时, --from-center 用中心的数据目录 (或其副本) 重建本站日志, 到中心已收到的最后一条为止。\n" +
			"Never overwrites. With --config the center is asked what it has: an older copy, or another journal, is refused.\n" +
			"--from-center builds the site's journal again from the center's own.",
		RunE: func(c *cobra.Command, args []string) error { return e.runRestore(c.Context(), f, append(args, "")[0]) }}
	c.Flags().StringVar(&f.config, "config", "", "站点的配置: 数据目录, 中心 (configuration of the site)")
	c.Flags().StringVar(&f.data, "data", "", "数据目录, 缺省为配置中的 (directory of the journal)")
	c.Flags().StringVar(&f.files, "files", "", "其余文件放到哪里, 缺省不取出 (where the other files go)")
	c.Flags().StringVar(&f.center, "from-center", "", "中心的数据目录或其副本 (the center's data directory, or a copy)")
	c.Flags().StringVar(&f.site, "site", "", "--from-center 重建哪个站点 (which site)")
	return c
}

func (e *env) runRestore(ctx context.Context, f *restoreFlags, file string) error {
	if (file == "") == (f.center == "") {
		return cli.Usagef("请给出备份文件, 或 --from-center (a backup's file, or --from-center)")
	}
	var c config.Config
	var err error
	if f.config != "" {
		if c, _, err = config.Load(f.config); err != nil {
			return err
		}
	}
	if f.data == "" {
		f.data = c.Data
	}
	if f.data == "" {
		return cli.Usagef("请给出 --data 或 --config (where to)")
	}
	if f.center != "" {
		return e.rebuild(f)
	}
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	m, err := backup.ReadManifest(in)
	if err != nil {
		return err
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return err
	}
	var known *backup.Known
	if f.config != "" {
		if string(m.Site) != c.Site.ID || string(m.Realm) != c.Site.Realm {
			return fmt.Errorf("%w: 备份属于 %s 站 (%s), 配置是 %s 站 (%s) (the backup is another site's)", app.ErrSetting, m.Site, m.Realm, c.Site.ID, c.Site.Realm)
		}
		if known, err = e.centerHas(ctx, c, m.Site); err != nil {
			return err
		}
	}
	m, small, err := backup.Read(in, journal.OS(f.data), known)
	if err == nil && f.files != "" {
		err = writeSmall(f.files, small)
	}
	if err != nil {
		return err
	}
	return e.Print(backedUp{File: file, Data: f.data, Site: string(m.Site), Records: m.Records, Head: hex.EncodeToString(m.Head), LeftOut: m.LeftOut, Compared: known != nil}, func(w io.Writer) {
		fmt.Fprintf(w, "已恢复 (restored): %s: %s 站, %d 条记录, 链尾 %s…\n", f.data, m.Site, m.Records, hex.EncodeToString(m.Head)[:16])
		if known == nil {
			fmt.Fprintln(w, "没有与中心对照; 若中心已有更新的记录, 站点将停止上传 (not compared with the center)")
		}
		if len(m.LeftOut) > 0 {
			fmt.Fprintf(w, "不在备份中, 请从保管处取回 (not in it, bring them): %v\n", m.LeftOut)
		}
	})
}

func writeSmall(dir string, small []backup.Small) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, x := range small {
		f, err := os.OpenFile(filepath.Join(dir, x.Name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = f.Write(x.Text)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// far is a sequence that no journal reaches: a batch that begins there is never taken, and its answer tells what the center has.
const far = 1 << 61

// centerLimit is how long a restore waits for the center.
const centerLimit = 10 * time.Second

// centerHas asks the center how far its copy of a site's journal goes; nil if this site has no center, or it does not know the site. A
// center that does not answer is an error: people decide to go on without it, by --data.
func (e *env) centerHas(ctx context.Context, c config.Config, site record.SiteID) (*backup.Known, error) {
	base, files := linkOf(c, guess(c))
	if base == "" {
		return nil, nil
	}
	client := &http.Client{Timeout: centerLimit}
	if files.Used() {
		secure, err := files.Client(clock.System{})
		if err != nil {
			return nil, err
		}
		client.Transport = &http.Transport{TLSClientConfig: secure}
	}
	none := [32]byte{}
	line := "{}"
	head := journal.Chain(none, []byte(line))
	body, err := json.Marshal(record.Batch{Site: site, First: far, Prev: none[:], Lines: []string{line}, Acts: []int{1}, Head: head[:]})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+record.PathBatch, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("问不到中心, 若确实不能, 用 --data 代替 --config (the center can not be asked; --data goes on without): %w", cert.Explain(err))
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, app.MaxBody))
	if err != nil {
		return nil, err
	}
	if err := cert.Spoken(resp.StatusCode, text); err != nil {
		return nil, err
	}
	var a record.BatchAnswer
	var r record.Refusal
	switch {
	case resp.StatusCode == http.StatusConflict && json.Unmarshal(text, &a) == nil && len(a.Head) == len(none):
		known := backup.Known(a)
		return &known, nil
	case json.Unmarshal(text, &r) == nil && r.Code != "":
		return nil, r
	}
	return nil, stranger(base, resp.Status)
}

// rebuild makes a site's journal from the center's. It appears under its name only when it is whole.
func (e *env) rebuild(f *restoreFlags) error {
	sites, err := siteNumbers([]string{f.site})
	if err != nil {
		return err
	}
	target := filepath.Join(f.data, journalFile)
	if _, err := os.Stat(target); err == nil {
		return fmt.Errorf("%s: %w", target, fs.ErrExist)
	}
	if err := os.MkdirAll(f.data, 0o700); err != nil {
		return err
	}
	work, err := os.MkdirTemp(f.data, ".restore-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	r, err := backup.Rebuild(journal.OS(f.center), sites[0], journal.OS(work))
	if err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(work, journalFile), target); err != nil {
		return err
	}
	if err := journal.OS(f.data).SyncDir(); err != nil {
		return err
	}
	head := hex.EncodeToString(r.Head[:])
	return e.Print(backedUp{File: f.center, Data: f.data, Site: f.site, Records: r.Records, Head: head, Compared: true}, func(w io.Writer) {
		fmt.Fprintf(w, "已由中心重建 (built from the center's copy): %s: %s 站, %d 条记录, 链尾 %s…\n", f.data, f.site, r.Records, head[:16])
	})
}

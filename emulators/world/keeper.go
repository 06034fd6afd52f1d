package world

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"greylock/system/app"
	"greylock/system/center"
	"greylock/system/exchange/backup"
	"greylock/system/journal"
	"greylock/system/journal/faultfile"
	"greylock/system/link"
	"greylock/system/wire/record"
)

// Keeper is who looks after a station's machine: watches it, backs it up, puts it on another machine.
type Keeper interface {
	// Monitor asks the operator door for /metrics, /healthz or /readyz.
	Monitor(site record.SiteID, path string) (status int, text string, err error)
	// Backup makes a backup while the station works.
	Backup(site record.SiteID) ([]byte, error)
	// Restored takes a backup out on a fresh machine, held against what the center has of that site now.
	Restored(site record.SiteID, text []byte) (journal.Report, error)
	// Rebuilt makes the station's journal again on a fresh machine, from the center's.
	Rebuilt(site record.SiteID) (journal.Report, error)
	// Journal verifies the station's own journal where it lies.
	Journal(site record.SiteID) (journal.Report, error)
}

// Monitor asks the program's own door, or the site in memory.
func (w *World) Monitor(id record.SiteID, path string) (int, string, error) {
	if p := w.external[id]; p != nil {
		return p.get(path)
	}
	s := w.stations[id]
	if s == nil || s.run == nil {
		return 0, "", fmt.Errorf("站点 %s 不在或没有运行 (no such site, or not running)", id)
	}
	switch path {
	case app.PathMetrics:
		m := &link.Meter{}
		s.run.Measure(s.clock(), m)
		return http.StatusOK, m.String(), nil
	case app.PathHealth:
		return http.StatusOK, "ok\n", s.run.Err()
	case app.PathReady:
		if why := s.run.Unready(s.clock()); len(why) > 0 {
			return http.StatusServiceUnavailable, fmt.Sprintln(why), nil
		}
		return http.StatusOK, "ready\n", nil
	}
	return http.StatusNotFound, "", nil
}

// get asks the process.
func (p *program) get(path string) (int, string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), operatorLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.operator+path, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, string(text), err
}

// journalDir is where a station's journal lies.
func (w *World) journalDir(id record.SiteID) (journal.Dir, error) {
	if p := w.external[id]; p != nil {
		return journal.OS(p.data), nil
	}
	if s := w.stations[id]; s != nil {
		return s.disk, nil
	}
	return nil, fmt.Errorf("没有站点 %s (no such site)", id)
}

// Backup copies the journal as it lies there.
func (w *World) Backup(id record.SiteID) ([]byte, error) {
	dir, err := w.journalDir(id)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	_, err = backup.Write(&text, w.Now(), backup.Source{Journal: dir, Program: "town"})
	return text.Bytes(), err
}

// Restored asks the center how far it is.
func (w *World) Restored(id record.SiteID, text []byte) (r journal.Report, err error) {
	all, err := answer[center.Sites](w, center.PathSites, struct{}{})
	if err != nil {
		return r, err
	}
	var known *backup.Known
	for _, s := range all.Sites {
		if s.Site == id {
			known = &backup.Known{Seq: s.Seq, Head: s.Head}
		}
	}
	fresh := faultfile.New()
	if _, _, err := backup.Read(bytes.NewReader(text), fresh, known); err != nil {
		return r, err
	}
	return journal.Verify(fresh)
}

// Rebuilt reads the center's journal.
func (w *World) Rebuilt(id record.SiteID) (journal.Report, error) {
	return backup.Rebuild(w.center.disk, id, faultfile.New())
}

// Journal changes nothing.
func (w *World) Journal(id record.SiteID) (r journal.Report, err error) {
	dir, err := w.journalDir(id)
	if err != nil {
		return r, err
	}
	return journal.Verify(dir)
}

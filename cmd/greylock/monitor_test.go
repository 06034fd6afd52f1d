//go:build linux

package main

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"greylock/cmd/internal/cli"
)

func get(t *testing.T, door, path string) (int, string) {
	t.Helper()
	r, err := http.Get("http://" + door + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(text)
}

// TestMonitorAndLog: center and station answer a monitor at their operator doors, and nowhere else; a log file is written instead of
// the error stream.
func TestMonitorAndLog(t *testing.T) {
	t.Parallel()
	c := newSmall(t).started()
	cfg := stationAlone(t, filepath.Join(t.TempDir(), "none"))
	s := launch(t, nil, "station", "--config", cfg)
	door := s.door("operator")
	for path, want := range map[string][]string{
		"/metrics": {`greylock_port_up{port="1"} 0`, `greylock_port_polls_total{port="1"} 0`, `greylock_port_bad_frames_total{port="1"} 0`, `greylock_port_retries_total{port="1"} 0`,
			"greylock_exchange_unsent ", "greylock_journal_bytes ", "greylock_journal_commit_seconds_bucket", "greylock_list_age_seconds ",
			"greylock_alarms_open ", "greylock_shift_open 0", "# TYPE greylock_dispenser_records_total counter", "greylock_journal_head_info{head="},
		"/healthz": {"ok"},
		"/readyz":  {"尚无布局"},
	} {
		status, text := get(t, door, path)
		if want[0] == "尚无布局" != (status == http.StatusServiceUnavailable) {
			t.Errorf("%s: %d", path, status)
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: no %q in\n%s", path, w, text)
			}
		}
	}
	for path, want := range map[string]string{"/metrics": "greylock_quarantine 0", "/healthz": "ok", "/readyz": "ready"} {
		if status, text := get(t, c.door("operator"), path); status != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("center %s: %d %s", path, status, text)
		}
		if status, text := get(t, c.door("exchange"), path); status != http.StatusNotFound {
			t.Errorf("the door for sites answers %s: %d %s", path, status, text)
		}
	}
	s.signal(syscall.SIGTERM)
	log := filepath.Join(t.TempDir(), "greylock.log")
	q := launch(t, []string{"GREYLOCK_LOG_FILE=" + log}, "station", "--config", cfg)
	q.says("教学模式")
	eventually(t, "the log file says that it has started", func() bool {
		found, err := filepath.Glob(log)
		return err == nil && len(found) == 1 && strings.Contains(text(t, log), "已启动")
	})
	if code := q.signal(syscall.SIGTERM); code != cli.OK || strings.Contains(q.said(), "已启动") {
		t.Errorf("exit %d:\n%s", code, q.said())
	}
	run(t, []string{"GREYLOCK_LOG_FILE=" + filepath.Join(log, "none")}, "", "station", "--config", cfg).want(t, cli.Config, "log.file")
	run(t, []string{"GREYLOCK_LOG_FILE=" + log, "GREYLOCK_LOG_MB=0"}, "", "station", "--config", cfg).want(t, cli.Config, "log.mb")
}

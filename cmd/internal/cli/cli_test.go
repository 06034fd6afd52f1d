package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"

	"greylock/cmd/internal/config"
	"greylock/system/app"
	"greylock/system/card"
	"greylock/system/card/pcsc"
	"greylock/system/exchange/backup"
	"greylock/system/exchange/cert"
	"greylock/system/journal"
	"greylock/system/keymgmt"
	"greylock/system/link/serial"
	"greylock/system/vault"
	"greylock/system/wire/record"
)

// TestEveryErrorHasItsExitCode: whatever layers wrap it, people get the code of its kind; the code's first digit is the exit's.
func TestEveryErrorHasItsExitCode(t *testing.T) {
	t.Parallel()
	path := func(err error) error { return &fs.PathError{Op: "write", Path: "/data/journal", Err: err} }
	for _, c := range []struct {
		err  error
		exit Exit
		code string
	}{
		{errors.New("x"), Failed, "E101"},
		{context.Canceled, Interrupted, "E130"},
		{&url.Error{Op: "Post", URL: "http://a", Err: context.Canceled}, Interrupted, "E130"},
		{Usagef("x"), Usage, "E201"},
		{config.Problem{Text: "x"}, Failed, "E101"},
		{fmt.Errorf("%w: %w", config.ErrConfig, config.Problem{Text: "x"}), Config, "E301"},
		{app.ErrSetting, Config, "E302"}, {cert.ErrFiles, Config, "E302"}, {vault.ErrOpen, Config, "E302"}, {vault.ErrTestKeys, Config, "E302"},
		{app.ErrClock, Device, "E442"}, {app.ErrKey, Permission, "E608"}, {app.ErrPortMap, Config, "E342"},
		{fmt.Errorf("%w: %s", app.ErrEnded, "停电"), Ended, "E801"},
		{app.ErrNoKeyRoom, Config, "E303"}, {keymgmt.ErrNotHeld, Config, "E303"},
		{pcsc.ErrBuild, Device, "E401"}, {card.ErrReader, Device, "E401"}, {card.ErrRemoved, Device, "E402"}, {card.ErrMute, Device, "E402"},
		{app.ErrListen, Device, "E403"}, {&net.OpError{Op: "listen", Err: syscall.EADDRINUSE}, Device, "E403"},
		{&serial.Error{Code: serial.CodeHangUp, Err: syscall.EIO}, Device, "E404"},
		{journal.ErrLocked, Device, "E405"},
		{path(syscall.ENOSPC), Device, "E406"}, {fmt.Errorf("%w: %w", app.ErrStopped, journal.ErrNoSpace), Device, "E406"}, {path(syscall.EDQUOT), Device, "E406"},
		{fmt.Errorf("%w: %w", app.ErrStopped, path(syscall.EIO)), Device, "E407"}, {path(syscall.EROFS), Device, "E407"},
		{&journal.Damage{File: "j", Seq: 3}, Integrity, "E501"}, {vault.ErrDamaged, Integrity, "E501"}, {keymgmt.ErrMissing, Integrity, "E501"},
		{journal.ErrVersion, Integrity, "E502"},
		{keymgmt.Refused{Reason: keymgmt.SamePerson}, Permission, "E601"}, {keymgmt.Wait{}, Permission, "E602"},
		{vault.ErrPurpose, Permission, "E603"}, {path(syscall.EACCES), Permission, "E603"},
		{keymgmt.Refused{Reason: keymgmt.AlreadyHeld}, Permission, "E604"},
		{path(syscall.EEXIST), Failed, "E104"}, {path(syscall.ENOENT), Failed, "E103"}, {path(syscall.ENOTDIR), Failed, "E103"},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, Peer, "E701"}, {context.DeadlineExceeded, Peer, "E701"},
		{cert.Explain(x509.UnknownAuthorityError{}), Peer, "E703"}, {cert.Explain(x509.CertificateInvalidError{Reason: x509.Expired}), Peer, "E704"},
		{cert.Explain(&net.OpError{Op: "remote error", Err: tls.AlertError(42)}), Peer, "E705"}, {cert.Explain(http.ErrSchemeMismatch), Peer, "E706"},
		{cert.Spoken(http.StatusBadRequest, []byte("Client sent an HTTP request to an HTTPS server.\n")), Peer, "E707"},
		{backup.ErrBackup, Integrity, "E503"}, {backup.ErrOlder, Integrity, "E504"}, {backup.ErrFork, Integrity, "E504"}, {backup.ErrNothing, Failed, "E110"},
		{record.Refusal{Code: "UNKNOWN_SITE", Zh: "没有", En: "no"}, Failed, "UNKNOWN_SITE"},
	} {
		for depth, err := range []error{c.err, fmt.Errorf("a: %w", errors.Join(nil, fmt.Errorf("b: %w", c.err)))} {
			e := Explain(err)
			if e.Exit != c.exit || e.Code != c.code {
				t.Errorf("%v (depth %d): exit %d code %s, want %d %s", err, depth, e.Exit, e.Code, c.exit, c.code)
			}
			if e.Zh == "" || e.En == "" || e.NextZh == "" || e.NextEn == "" {
				t.Errorf("%v: a part is missing: %+v", err, e)
			}
			if e.Exit < 10 && strings.HasPrefix(e.Code, "E") && e.Code[1] != '0'+byte(e.Exit) {
				t.Errorf("%s with exit %d", e.Code, e.Exit)
			}
			if !errors.Is(e, c.err) && c.code != "E201" {
				t.Errorf("%v: the cause is lost", err)
			}
			var out bytes.Buffer
			if Report(&out, err, false) != c.exit || !strings.Contains(out.String(), "下一步") || !strings.Contains(out.String(), "(next: ") {
				t.Errorf("report %q", out.String())
			}
		}
	}
	if Report(os.Stderr, nil, false) != OK {
		t.Error("no error is no failure")
	}
}

// TestVersionOfTheBuild: the revision of the sources is shown, and whether they were changed.
// A code names one kind of error, in both programs: people look it up. Its first digit is that of the exit code.
func TestEveryErrorHasACodeOfItsOwn(t *testing.T) {
	t.Parallel()
	written := regexp.MustCompile(`Code: "(E[0-9]+)", Zh: "([^"]+)"`)
	seen, n := map[string]string{}, 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range written.FindAllStringSubmatch(string(text), -1) {
			n++
			if other := seen[m[1]]; other != "" && other != m[2] {
				t.Errorf("%s: %s is %s, elsewhere %s", path, m[1], m[2], other)
			}
			seen[m[1]] = m[2]
		}
		return err
	})
	if err != nil || n < len(classes) {
		t.Errorf("%d codes, %v", n, err)
	}
	codes := map[string]bool{}
	for _, c := range classes {
		if codes[c.Code] || c.Exit != Interrupted && int(c.Code[1]-'0') != int(c.Exit) {
			t.Errorf("%s: twice, or not for exit %d", c.Code, c.Exit)
		}
		codes[c.Code] = true
	}
}

func TestVersionOfTheBuild(t *testing.T) {
	t.Parallel()
	v := versionOf(&debug.BuildInfo{GoVersion: "go1.26.0", Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"}, {Key: "vcs.time", Value: "2026-11-22T00:00:00Z"},
		{Key: "vcs.modified", Value: "true"}, {Key: "-tags", Value: "netgo,pcsc"},
	}})
	if want := (Version{"v1.2.3", "0123456789abcdef0123456789abcdef01234567", "2026-11-22T00:00:00Z", true, "go1.26.0", true}); v != want {
		t.Errorf("%+v", v)
	}
	if l := versionOf(&debug.BuildInfo{}).Line(); !strings.Contains(l, "commit -") || !strings.Contains(l, "pcsc no") {
		t.Error(l)
	}
}

// TestTable: Chinese characters take two columns.
func TestTable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tab := Table{Heads: []string{"站点", "n"}}
	tab.Add("0001", 1)
	tab.Add("中心站", 22)
	tab.Write(&out)
	if want := "站点    n\n0001    1\n中心站  22\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
	out.Reset()
	(&Table{Heads: []string{"a"}}).Write(&out)
	if !strings.Contains(out.String(), "none") {
		t.Errorf("an empty table says nothing: %q", out.String())
	}
}

// TestAsker: one line per question; what ends too early or is too long is an error, never an empty password.
func TestAsker(t *testing.T) {
	t.Parallel()
	o := &Options{Streams: Streams{In: strings.NewReader("甲\r\nsecret\nlast"), Err: new(bytes.Buffer)}}
	if _, err := NewAsker(o, false); !errors.As(err, new(*Error)) {
		t.Errorf("no terminal: %v", err)
	}
	a, err := NewAsker(o, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"甲", "secret", "last"} {
		if got, err := a.Hidden(t.Context(), "?"); err != nil || string(got) != want {
			t.Errorf("%q, %v", got, err)
		}
	}
	if _, err := a.Line(t.Context(), "?"); err == nil {
		t.Error("an empty input gives a line")
	}
	a, err = NewAsker(&Options{Streams: Streams{In: strings.NewReader(strings.Repeat("x", maxLine+1) + "\n"), Err: new(bytes.Buffer)}}, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Line(t.Context(), "?"); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("a line of %d bytes: %v", maxLine+1, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if a, err = NewAsker(&Options{Streams: Streams{In: r, Err: new(bytes.Buffer)}}, true); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Line(ended, "?"); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupted question: %v", err)
	}
}

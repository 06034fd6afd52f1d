//go:build linux

package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"greylock/cmd/internal/cli"
	"greylock/system/keymgmt"
	"greylock/system/vault"
)

const (
	scope = "示范公司"
	wordA = "保管员甲的口令 2026-11-22"
	wordB = "保管员乙的口令 2026-11-22"
)

// entry is what one custodian types.
func entry(name, password, again, words string) string {
	return strings.Join([]string{name, password, again, words}, "\n") + "\n"
}

func agrees(name, password string) string {
	return entry(name, password, password, keymgmt.Words(scope))
}

func ceremony(t *testing.T, dir, typed string, more ...string) result {
	t.Helper()
	return slots{}.call(t, typed, append([]string{"keys", "ceremony", "--dir", dir, "--scope", scope, "--realm", "training", "--stdin"}, more...)...)
}

// newKeys is a key room in which the ceremony was held.
func newKeys(t *testing.T, more ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	ceremony(t, dir, agrees("张建国", wordA)+agrees("陈丽", wordB), more...).want(t, cli.OK)
	return dir
}

func export(t *testing.T, dir, role, site, to, typed string) result {
	t.Helper()
	return slots{}.call(t, typed, "keys", "export", "--dir", dir, "--role", role, "--site", site, "--out", to+".vault", "--secret", to+".secret", "--stdin")
}

const bothWords = wordA + "\n" + wordB + "\n"

// TestCeremony: refusals leave no keys and are kept; two custodians make them; nobody makes them again.
func TestCeremony(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	for what, c := range map[string]struct{ typed, reason string }{
		"A and A":        {agrees("张建国", wordA) + agrees("张建国", wordB), "same-person"},
		"one password":   {agrees("张建国", wordA) + agrees("陈丽", wordA), "same-person"},
		"slip of a hand": {entry("张建国", wordA, wordA+".", keymgmt.Words(scope)) + agrees("陈丽", wordB), "wrong-password"},
		"short":          {agrees("张建国", "14 个字符的口令."), "weak-password"},
		"no consent":     {agrees("张建国", wordA) + entry("陈丽", wordB, wordB, "好"), "no-consent"},
	} {
		t.Run(what, func(t *testing.T) {
			ceremony(t, dir, c.typed).want(t, cli.Permission, "E601", c.reason)
			call(t, "keys", "list", "--dir", dir).want(t, cli.Config, "E303", "greylock keys ceremony")
		})
	}
	ceremony(t, dir, agrees("张建国", wordA)).want(t, cli.Failed, "输入提前结束")
	made := ceremony(t, dir, agrees("张建国", wordA)+agrees("陈丽", wordB)).want(t, cli.OK, "张建国", "陈丽", "KCV", "指令公钥")
	again := ceremony(t, dir, agrees("王五", wordA+"新")+agrees("赵六", wordB+"新")).want(t, cli.Permission, "E604", "KEY_ALREADY_SET")
	if strings.Contains(again.err, "重新进行") {
		t.Errorf("who may never make keys again is told to begin again:\n%s", again.err)
	}
	list := into[shownKeys](t, call(t, "keys", "list", "--dir", dir, "--json"))
	if len(list.Keys) != len(vault.Names()) || list.Custodians != [2]string{"张建国", "陈丽"} || list.Scope != scope {
		t.Errorf("the list shows %d keys of %s by %v", len(list.Keys), list.Scope, list.Custodians)
	}
	for _, k := range list.Keys {
		if kcv := strings.ToUpper(hex.EncodeToString(k.KCV)); len(k.KCV) != 3 || !strings.Contains(made.out, kcv) {
			t.Errorf("%s: check value %s is not in the minutes", k.Name, kcv)
		}
	}
	call(t, "keys", "verify", "--dir", dir).want(t, cli.OK, scope)
	call(t, "audit", "verify", dir).want(t, cli.OK, "完好")
	r := slots{}.call(t, "", "keys", "ceremony", "--dir", dir, "--scope", "别的公司", "--realm", "training", "--stdin")
	r.want(t, cli.Config, "E302", scope)
}

// TestCeremonyForAProfile: keys are made for the cards of one profile; a program that is configured for another does not start.
func TestCeremonyForAProfile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	room := filepath.Join(dir, "keys")
	held := ceremony(t, room, agrees("张建国", wordA)+agrees("陈丽", wordB), "--profile", "company", "--set", "levels=asn_asn")
	held.want(t, cli.OK)
	if !strings.Contains(held.err, "company levels=asn_asn") {
		t.Errorf("the custodians are not told the profile:\n%s", held.err)
	}
	export(t, room, "center", "0000", filepath.Join(dir, "center"), bothWords).want(t, cli.OK)
	for i, c := range []struct {
		card string
		exit cli.Exit
		want []string
	}{
		{"", cli.Config, []string{"E302", "company levels=asn_asn", "national"}},
		{"card: {profile: company}\n", cli.Config, []string{"E302", "levels=asn_asn"}},
		{"card: {profile: company, flags: {levels: asn_asn, gtac_string: fmcos_zero}}\n", cli.OK, nil},
	} {
		path := filepath.Join(dir, fmt.Sprintf("center%d.yaml", i))
		file(t, path, c.card+fmt.Sprintf("site: {id: \"0000\", name: 示范公司, realm: training}\ndata: %q\ncenter: {listen: \"127.0.0.1:0\", vault: %q, secret: %q}\n",
			filepath.Join(dir, "data"), filepath.Join(dir, "center.vault"), filepath.Join(dir, "center.secret")))
		call(t, "center", "key", "--config", path).want(t, c.exit, c.want...)
	}
	for _, wrong := range [][]string{{"--profile", "visa"}, {"--set", "levels=7"}, {"--set", "level=asn"}, {"--set", "strict_ctc=on,ctc_plus_one=on"}} {
		ceremony(t, filepath.Join(dir, "none"), "", wrong...).want(t, cli.Usage, "--profile")
	}
}

// TestCeremonyUsage: what is missing is said before anybody types a password.
func TestCeremonyUsage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	call(t, "keys", "ceremony", "--dir", dir, "--realm", "training", "--stdin").want(t, cli.Usage, "--scope")
	call(t, "keys", "ceremony", "--dir", dir, "--scope", scope, "--realm", "test", "--stdin").want(t, cli.Usage, "training|production")
	call(t, "keys", "ceremony", "--dir", dir, "--scope", scope, "--realm", "training").want(t, cli.Usage, "--stdin")
	call(t, "keys", "list", "--dir", dir).want(t, cli.Config, "E303")
	call(t, "keys", "export", "--dir", dir, "--role", "center").want(t, cli.Usage, "--secret")
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("a refused command left %v, %v", left, err)
	}
}

// TestDamagedKeyRoom: one bit of vault or journal is found without a password, by whatever opens the room; a missing vault too.
func TestDamagedKeyRoom(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	path := filepath.Join(dir, "vault", "master.vault")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(good); at += max(1, len(good)/25) {
		flip(t, path, at)
		call(t, "keys", "verify", "--dir", dir).want(t, cli.Integrity, "E501")
		flip(t, path, at)
	}
	flip(t, path, len(good)-1)
	call(t, "keys", "list", "--dir", dir).want(t, cli.Integrity, "E501")
	ceremony(t, dir, agrees("王五", wordA)+agrees("赵六", wordB)).want(t, cli.Integrity, "E501")
	export(t, dir, "center", "0000", filepath.Join(dir, "center"), bothWords).want(t, cli.Integrity, "E501")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	call(t, "keys", "verify", "--dir", dir).want(t, cli.Integrity, "从备份恢复")
	file(t, path, string(good))
	call(t, "keys", "verify", "--dir", dir).want(t, cli.OK)

	j := filepath.Join(dir, "journal", "journal")
	text, err := os.ReadFile(j)
	if err != nil {
		t.Fatal(err)
	}
	flip(t, j, bytes.Index(text, []byte(scope)))
	call(t, "keys", "verify", "--dir", dir).want(t, cli.Integrity, "E501", "record 1")
	call(t, "audit", "verify", dir).want(t, cli.Integrity, "第 1 条记录")
}

// TestExport: a site's vault needs both passwords; a wrong one is not named; nothing is overwritten, nothing half is left.
func TestExport(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	to := filepath.Join(t.TempDir(), "center")
	for _, role := range []string{"center", "making", "outlet"} {
		export(t, dir, role, "0000", to+"-"+role, bothWords).want(t, cli.OK, "KCV")
		for _, f := range []string{to + "-" + role + ".vault", to + "-" + role + ".secret"} {
			if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 || info.Size() == 0 {
				t.Errorf("%s: %v %v", f, info, err)
			}
		}
	}
	export(t, dir, "center", "0000", to+"-making", bothWords).want(t, cli.Failed, "E104", "-making.vault")
	export(t, dir, "station", "0001", to, bothWords).want(t, cli.Permission, "E603")
	export(t, dir, "center", "0000", filepath.Join(to, "no", "such"), bothWords).want(t, cli.Failed, "E103")
	a := export(t, dir, "center", "0000", to, wordA+"x\n"+wordB+"\n").want(t, cli.Permission, "wrong-password")
	b := export(t, dir, "center", "0000", to, wordA+"\n"+wordB+"x\n").want(t, cli.Permission, "wrong-password")
	if a.err != b.err {
		t.Errorf("the answer tells which password was wrong:\n%s%s", a.err, b.err)
	}
	export(t, dir, "center", "0000", to, bothWords).want(t, cli.Permission, "E602", "等到所示时间")
	for _, f := range []string{to + ".vault", to + ".secret"} {
		if _, err := os.Stat(f); !os.IsNotExist(err) {
			t.Errorf("a refused export left %s (%v)", f, err)
		}
	}
}

// TestNoKeyLeavesTheRoom: nothing that the key room prints or keeps outside of its sealed file holds a password, and
// a working vault without its secret opens nothing.
func TestNoKeyLeavesTheRoom(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	to := filepath.Join(t.TempDir(), "making")
	r := export(t, dir, "making", "9001", to, bothWords).want(t, cli.OK)
	secret, err := os.ReadFile(to + ".secret")
	if err != nil {
		t.Fatal(err)
	}
	j, err := os.ReadFile(filepath.Join(dir, "journal", "journal"))
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string][]byte{"password A": []byte(wordA), "password B": []byte(wordB), "secret": secret} {
		for where, text := range map[string][]byte{"journal": j, "output": []byte(r.out + r.err)} {
			if bytes.Contains(text, s) || bytes.Contains(bytes.ToLower(text), []byte(hex.EncodeToString(s))) {
				t.Errorf("the %s is in the %s", name, where)
			}
		}
	}
}

// console is a pseudo-terminal with somebody at its keyboard.
func console(t *testing.T) (keyboard, tty *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	keyboard = os.NewFile(uintptr(fd), "ptmx")
	if tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = keyboard.Close(), tty.Close() })
	return keyboard, tty
}

// silent reports that the terminal shows nothing of what is typed.
func silent(t *testing.T, tty *os.File) bool {
	t.Helper()
	mode, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return mode.Lflag&unix.ECHO == 0
}

// TestCeremonyAtATerminal: names are seen while they are typed, passwords are not; an interrupt ends it with 130.
func TestCeremonyAtATerminal(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	keyboard, tty := console(t)
	var shown bytes.Buffer
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		_, _ = io.Copy(&shown, keyboard) // ends with the terminal
	}()
	p := launchOn(t, tty, nil, "keys", "ceremony", "--dir", dir, "--scope", scope, "--realm", "training")
	for n, who := range [][2]string{{"ZhangJianguo", wordA}, {"ChenLi", wordB}} {
		for _, x := range []struct {
			prompt, typed string
			hidden        bool
		}{{"name): ", who[0], false}, {"or more): ", who[1], true}, {"(again): ", who[1], true}, {"”: ", keymgmt.Words(scope), false}} {
			eventually(t, x.prompt, func() bool {
				return strings.Count(p.said(), x.prompt) == n+1 && silent(t, tty) == x.hidden
			})
			if _, err := keyboard.WriteString(x.typed + "\n"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if code := p.ended(); code != cli.OK {
		t.Fatalf("exit %d:\n%s", code, p.said())
	}
	if err := errors.Join(tty.Close(), keyboard.Close()); err != nil {
		t.Fatal(err)
	}
	<-watched
	echo := shown.String()
	if strings.Contains(echo, wordA) || strings.Contains(echo, wordB) || !strings.Contains(echo, "ZhangJianguo") {
		t.Errorf("the terminal showed %q", echo)
	}
	call(t, "keys", "verify", "--dir", dir).want(t, cli.OK)

	p = launch(t, nil, "keys", "export", "--dir", dir, "--role", "center", "--site", "0000", "--out", dir+"/v", "--secret", dir+"/s", "--stdin")
	p.says("ZhangJianguo")
	if code := p.signal(syscall.SIGINT); code != cli.Interrupted {
		t.Errorf("exit %d after an interrupt:\n%s", code, p.said())
	}
}

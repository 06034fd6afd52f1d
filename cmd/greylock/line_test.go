//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"greylock/cmd/internal/cli"
	"greylock/emulators/line"
	"greylock/fixtures"
	"greylock/system/link/tape"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/lf"
)

// TestCaptureListensAndRecords: what a board says is shown decoded and written to a new file, which reads the same; a port that
// somebody holds, is missing or is no port ends it with what to do.
func TestCaptureListensAndRecords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newBoard(t, dir, blanks{profile: fuelcard.National()}.psam(t, 1), "1031", fuelcard.National())
	out := filepath.Join(dir, "a.tape")
	args := []string{"line", "capture", b.path, "--locks", dir, "--out", out, "--frames", "2"}
	call(t, args...).want(t, cli.OK, "30H 轮询 (poll)", "2 帧")
	call(t, "line", "describe", out).want(t, cli.OK, "30H 轮询 (poll)", b.path, "2 帧", "坏帧 0")
	call(t, args...).want(t, cli.Failed, "E104", out)
	var first tape.Shown
	text := call(t, "line", "describe", out, "--json").want(t, cli.OK).out
	if err := json.Unmarshal([]byte(strings.SplitN(text, "\n", 2)[0]), &first); err != nil || first.Way != tape.FromDispenser || !strings.HasPrefix(first.Hex, "FA") {
		t.Errorf("%v in %s", err, text)
	}
	if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	p := launch(t, nil, "station", "--config", stationAlone(t, b.path))
	p.says(`"open":true`)
	call(t, "line", "capture", b.path, "--locks", dir).want(t, cli.Device, "E404", b.path, "停止占用")
	call(t, "line", "capture", filepath.Join(dir, "none"), "--locks", dir).want(t, cli.Device, "E404", "没有这个串口")
	call(t, "line", "capture", b.path, "--protocol", "xx").want(t, cli.Usage, "fa 或 lf")
	call(t, "line", "describe", file(t, filepath.Join(dir, "bad.tape"), "{}\n")).want(t, cli.Failed, "E143", "bad.tape", "第 1 行")
	call(t, "line", "describe", filepath.Join(dir, "none")).want(t, cli.Failed, "E103")
}

// TestCaptureWithATap hears both ways of an LF line, each by an ear of its own.
func TestCaptureWithATap(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ears := [2]*line.Pty{}
	for i, name := range []string{"dispenser", "station"} {
		var err error
		ears[i], err = line.OpenPty(line.PtyConfig{Config: line.Config{Baud: 115200}, Link: filepath.Join(dir, name), Rand: rand.New(rand.NewPCG(1, 1)), Received: func([]byte) {
			t.Error("a listener speaks")
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer ears[i].Close()
	}
	out := filepath.Join(dir, "a.tape")
	p := launch(t, nil, "line", "capture", filepath.Join(dir, "dispenser"), "--tap", filepath.Join(dir, "station"), "--protocol", "lf", "--locks", dir, "--out", out)
	ask, err := lf.Request{Nozzle: 1, Command: lf.Query}.Frame()
	if err != nil {
		t.Fatal(err)
	}
	looks := 0
	eventually(t, "both ways are heard", func() bool { // what is said before a port is open is lost
		if looks++; looks%5 == 0 { // silence between the frames
			ears[1].Write(ask[:])
			ears[0].Write([]byte{0x01, 0x00, 0x07, 0x85, 0, 0, 0, 0, 0, 0, 0x41, 0x33})
		}
		said := p.said()
		return strings.Contains(said, "> 查询状态 (query state)") && strings.Contains(said, "< 状态 (state)") && strings.Contains(said, "受控 空闲")
	})
	if code := p.signal(syscall.SIGINT); code != cli.OK {
		t.Errorf("exit %d:\n%s", code, p.said())
	}
	call(t, "line", "describe", out).want(t, cli.OK, "> 查询状态", "< 状态", "lf")
}

// taped is a pseudo-terminal whose both ways are recorded.
type taped struct {
	mu    sync.Mutex
	began time.Time
	w     *tape.Writer
	over  bool
}

func (x *taped) note(t *testing.T, way tape.Way, data []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over {
		return
	}
	if err := x.w.Write(tape.Piece{At: time.Since(x.began), Way: way, Data: data}); err != nil {
		t.Error(err)
	}
}

// TestTapeOfAStationPlaysAgain: a board's talk with a station, recorded, is played to another station on its port by `line
// replay`; the same tape with one answer edited stops at that line.
func TestTapeOfAStationPlaysAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "board.tape")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	x := &taped{began: time.Now()}
	if x.w, err = tape.NewWriter(f, tape.Header{Port: "port01", Baud: 9600, Parity: "none", Protocol: tape.FA, Masked: true}); err != nil {
		t.Fatal(err)
	}
	b := newBoardHeard(t, dir, blanks{profile: fuelcard.National()}.psam(t, 1), "1031", fuelcard.National(), func(way tape.Way, data []byte) { x.note(t, way, data) })
	p := launch(t, nil, "station", "--config", stationAlone(t, b.path))
	eventually(t, "some polls are answered", func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		text, err := os.ReadFile(path)
		said := map[string]int{}
		for line := range strings.Lines(string(text)) {
			said[stationWord(line)]++
		}
		return err == nil && said["30"] >= 2 && said["38"] > 0 && said["3A"] > 0
	})
	p.signal(syscall.SIGTERM)
	x.mu.Lock()
	x.over = true
	x.mu.Unlock()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	near, far := nullModem(t, dir)
	p = launch(t, nil, "station", "--config", stationAlone(t, far))
	p.says(`"open":true`)
	call(t, "line", "replay", path, "--port", near, "--locks", dir).want(t, cli.OK, "board.tape", near, "帧相符")
	p.signal(syscall.SIGTERM)

	other, err := fa.Build(1, fa.PCAddress, fa.FromPC, &fa.PollAnswer{Versions: fa.Versions{Price: 9}})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	at := slices.IndexFunc(lines, func(l string) bool { return stationWord(l) == "30" })
	head, _, _ := strings.Cut(lines[at], `"hex":`)
	lines[at] = head + fmt.Sprintf("\"hex\":\"%X\"}\n", fa.Encode(other))
	edited := file(t, filepath.Join(dir, "edited.tape"), strings.Join(lines, ""))
	p = launch(t, nil, "station", "--config", stationAlone(t, far))
	p.says(`"open":true`)
	call(t, "line", "replay", edited, "--port", near, "--locks", dir).want(t, cli.Failed, "E141", fmt.Sprintf("edited.tape:%d:", at+1), "应为 (want)", "实为 (got)")
	call(t, "line", "replay", edited).want(t, cli.Usage, "--port")
	call(t, "line", "replay", edited, "--port", near, "--match", "loose").want(t, cli.Usage, "compact")
}

// stationWord is the command word of a line of a tape, behind FA, addresses, ctl and length; "" if the board said it.
func stationWord(line string) string {
	_, hex, _ := strings.Cut(line, `"d":">","hex":"`)
	if len(hex) < 14 {
		return ""
	}
	return hex[12:14]
}

// nullModem joins two ports.
func nullModem(t *testing.T, dir string) (near, far string) {
	t.Helper()
	var ends [2]*line.Pty
	var ready sync.WaitGroup
	ready.Add(1)
	for i, name := range []string{"near", "far"} {
		p, err := line.OpenPty(line.PtyConfig{Config: line.Config{Baud: 9600}, Link: filepath.Join(dir, name), Rand: rand.New(rand.NewPCG(1, 1)), Received: func(b []byte) {
			ready.Wait()
			ends[1-i].Write(b)
		}})
		if err != nil {
			t.Fatal(err)
		}
		ends[i] = p
		t.Cleanup(func() { _ = p.Close() })
	}
	ready.Done()
	return filepath.Join(dir, "near"), filepath.Join(dir, "far")
}

// TestDescribeReadsHexadecimal: every published frame is read aloud, and one that nobody may act on is told from them.
func TestDescribeReadsHexadecimal(t *testing.T) {
	t.Parallel()
	for _, v := range fixtures.Lines() {
		args := []string{"line", "describe", "--hex", v.Hex, "--protocol", v.Protocol, "--from", v.From}
		if v.Bad != "" && v.Name != "digit above 9" { // whose sum is right: it is read, and what is wrong is said
			call(t, args...).want(t, cli.Failed, "E171")
			continue
		}
		want := "枪号="
		if v.Protocol == "fa" {
			want = strings.Fields(v.Hex)[6] + "H " // the command word
		}
		call(t, args...).want(t, cli.OK, want)
	}
	call(t, "line", "describe", "--hex", "01 00 A4 07 8A 00 00 00 00 00 00 CB", "--protocol", "lf").want(t, cli.OK, "digit above 9")
	call(t, "line", "describe").want(t, cli.Usage, "二选一")
	call(t, "line", "describe", "--hex", "zz").want(t, cli.Usage, "十六进制")
}

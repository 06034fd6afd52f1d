package features

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"greylock/emulators/world"
	"greylock/system/card/transcript"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/samcard"
)

// traceEnd is how a trace file's name ends.
const traceEnd = ".apdu"

// traced is the commands of one scenario as a file: a head of time, place and chip, then the exchange in the form of a
// transcript. What is secret is starred.
type traced struct{ text strings.Builder }

// tap takes the lines that are commands.
func (t *traced) tap(l world.Line) {
	if l.Kind != "apdu" {
		return
	}
	command, answer, err := world.Split(l.Data)
	if err != nil {
		fmt.Fprintf(&t.text, "@ %v %s %v\n", l.At, l.Where, err)
		return
	}
	table := fuelcard.Table()
	if strings.HasSuffix(l.Where, "PSAM") {
		table = samcard.Table()
	}
	fmt.Fprintf(&t.text, "@ %v %s\n> %s\n< %X\n", l.At, l.Where, transcript.Masked(table, command), answer)
}

// save writes the file of a scenario; one without a card command has an empty file.
func (t *traced) save(dir string, r Result) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("features: trace: %w", err)
	}
	name := strings.NewReplacer(":", "-", "/", "-", " ", "").Replace(r.Place)
	if r.Attempts > 1 {
		name += fmt.Sprintf("-%d", r.Attempt)
	}
	if err := os.WriteFile(filepath.Join(dir, name+traceEnd), []byte(t.text.String()), 0o644); err != nil {
		return fmt.Errorf("features: trace: %w", err)
	}
	return nil
}

// Normalised is one thing that two traces may differ in.
type Normalised struct{ Name, Zh, En string }

// Normal lists all that DiffTraces does not compare. It is short on purpose.
func Normal() []Normalised {
	return []Normalised{{"time", "时刻: 经读卡器的命令花真实时间", "the moment: a command through a reader takes real time"}}
}

// normal takes from a line what is not compared.
func normal(line string) string {
	if head, ok := strings.CutPrefix(line, "@ "); ok {
		if words := strings.SplitN(head, " ", 3); len(words) == 3 {
			return "@ " + words[2] // date, time of day, where
		}
	}
	return line
}

// ErrTraces is wrapped by DiffTraces when nothing, or not the same files, can be compared.
var ErrTraces = errors.New("轨迹目录不可比 (the traces can not be compared)")

// DiffTraces compares the trace files of two runs and prints what differs. It returns the number of lines that do, and of
// those compared. ErrTraces: a file is missing on one side, or there are none.
func DiffTraces(a, b string, w io.Writer) (differ, compared int, err error) {
	left, err := traceFiles(a)
	if err != nil {
		return 0, 0, err
	}
	right, err := traceFiles(b)
	if err != nil {
		return 0, 0, err
	}
	if !slices.Equal(left, right) || len(left) == 0 {
		return 0, 0, fmt.Errorf("%w: %s %d 个文件, %s %d 个 (files): %s", ErrTraces, a, len(left), b, len(right), strings.Join(oneSided(left, right), " "))
	}
	for _, name := range left {
		d, n, err := diffFile(filepath.Join(a, name), filepath.Join(b, name), w)
		if err != nil {
			return differ, compared, err
		}
		differ, compared = differ+d, compared+n
	}
	if compared == 0 {
		return 0, 0, fmt.Errorf("%w: 没有一条卡命令 (not one card command)", ErrTraces)
	}
	return differ, compared, nil
}

func traceFiles(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("features: trace: %w", err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), traceEnd) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func oneSided(a, b []string) (names []string) {
	for _, n := range append(slices.Clone(a), b...) {
		if slices.Contains(a, n) != slices.Contains(b, n) {
			names = append(names, n)
		}
	}
	return names
}

// shownDiffs is how many differences of one file are printed; they follow from the first.
const shownDiffs = 5

func diffFile(a, b string, w io.Writer) (differ, compared int, err error) {
	var lines [2][]string
	for i, path := range []string{a, b} {
		text, err := os.ReadFile(path)
		if err != nil {
			return 0, 0, fmt.Errorf("features: trace: %w", err)
		}
		lines[i] = strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	}
	for i := range max(len(lines[0]), len(lines[1])) {
		var l, r string
		if i < len(lines[0]) {
			l = normal(lines[0][i])
		}
		if i < len(lines[1]) {
			r = normal(lines[1][i])
		}
		if l == "" && r == "" {
			continue
		}
		if compared++; l != r {
			if differ++; differ <= shownDiffs {
				fmt.Fprintf(w, "%s:%d\n- %s\n+ %s\n", filepath.Base(a), i+1, l, r)
			}
		}
	}
	return differ, compared, nil
}

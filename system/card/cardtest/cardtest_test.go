package cardtest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"greylock/system/card"
)

// fakeT is a test that fails without failing this one.
type fakeT struct {
	testing.TB
	said    []string
	cleanup []func()
}

func (f *fakeT) Helper()                   {}
func (f *fakeT) Errorf(s string, a ...any) { f.said = append(f.said, fmt.Sprintf(s, a...)) }
func (f *fakeT) Cleanup(c func())          { f.cleanup = append(f.cleanup, c) }
func (f *fakeT) Fatalf(s string, a ...any) { f.Errorf(s, a...); panic(f) }

func (f *fakeT) end() {
	for _, c := range f.cleanup {
		c()
	}
}

const script = `
a remark
> 00 A4 0000  SELECT
< 9000
> 00B0950002
< removed
`

func TestPlaybackFailsWhereItMust(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		commands []string
		said     string
	}{
		{"all used", []string{"00A40000", "00B0950002"}, ""},
		{"not used up", []string{"00A40000"}, "1 of 2 exchanges were not used"},
		{"another command", []string{"00A40001", "00A40000", "00B0950002"}, "got > 00A40001"},
		{"one too many", []string{"00A40000", "00B0950002", "00A40000"}, "after the end"},
	} {
		f := &fakeT{}
		p := Script(f, c.name, script)
		for _, s := range c.commands {
			answer, err := p.Transmit(unhex(t, s))
			if s == "00B0950002" && !errors.Is(err, card.ErrRemoved) || s == "00A40001" && (answer != nil || !card.Lost(err)) {
				t.Errorf("%s: %X %v", c.name, answer, err)
			}
		}
		f.end()
		if said := strings.Join(f.said, "\n"); (c.said == "") != (said == "") || !strings.Contains(said, c.said) {
			t.Errorf("%s: %q", c.name, said)
		}
	}
}

func TestScriptRefusesNonsense(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"< 9000", "> 00\n< 9000\n< 9000", "> 0"} {
		f := &fakeT{}
		func() {
			defer func() { _ = recover() }()
			Script(f, "bad", text)
		}()
		if len(f.said) != 1 {
			t.Errorf("%q: %q", text, f.said)
		}
	}
}

// echo answers with the command and counts.
type echo struct{ n int }

func (e *echo) Transmit(command []byte) ([]byte, error) { e.n++; return append(command, 0x90, 0), nil }

func TestTear(t *testing.T) {
	t.Parallel()
	for _, phase := range []Phase{Before, After} {
		e := &echo{}
		x := &Tear{Card: e, At: 2, Phase: phase}
		if _, err := x.Transmit([]byte{1}); err != nil || x.Torn() {
			t.Fatal(err)
		}
		if _, err := x.Transmit([]byte{2}); !errors.Is(err, card.ErrRemoved) || !x.Torn() || e.n != 1+int(phase) {
			t.Errorf("%s: %v, the card saw %d", phase, err, e.n)
		}
		if _, err := x.Transmit([]byte{3}); !errors.Is(err, card.ErrAbsent) {
			t.Error(err)
		}
		x.Insert()
		if a, err := x.Transmit([]byte{4}); err != nil || a[0] != 4 || x.Count != 3 {
			t.Errorf("%X %v", a, err)
		}
	}
}

func TestRecorder(t *testing.T) {
	t.Parallel()
	r := &Recorder{Card: &Tear{Card: &echo{}, At: 2}}
	for i := range byte(2) {
		_, err := r.Transmit([]byte{i})
		if (err != nil) != (i == 1) {
			t.Error(err)
		}
	}
	if len(r.Exchanges) != 2 || r.Exchanges[0].Answer[1] != 0x90 || r.Exchanges[1].Err == nil {
		t.Errorf("%+v", r.Exchanges)
	}
	p := Play(t, "again", r.Exchanges...)
	for i := range byte(2) {
		if _, err := p.Transmit([]byte{i}); (err != nil) != (i == 1) {
			t.Error(err)
		}
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greylock/cmd/internal/config"
	"greylock/system/card"
	"greylock/system/station"
	"greylock/system/wire/fuelcard"
)

// emptySlot is a reader without a card, or whatever err says.
type emptySlot struct{ err error }

func (s emptySlot) Reset() ([]byte, error)          { return nil, s.err }
func (s emptySlot) Transmit([]byte) ([]byte, error) { return nil, s.err }
func (emptySlot) Off() error                        { return nil }

// tillDoctor is a doctor of a station with one till whose readers hold these.
func tillDoctor(realm string, names []string, slots map[string]card.Slot) *doctor {
	c := config.Config{}
	c.Site.ID, c.Site.Realm = "0001", realm
	c.Station.Tills = []config.Till{{Number: 1, Reader: "读卡器 A", PSAM: "读卡器 B"}}
	return &doctor{c: c, role: config.RoleStation, probes: true, e: &env{
		readers: func() ([]string, error) { return names, nil },
		open:    func(name string) (reader, error) { return onReader{slots[name]}, nil },
	}}
}

// TestDoctorAtTills: readers there or not, a card or none, the station's PSAM, none, a blank, one of another realm.
func TestDoctorAtTills(t *testing.T) {
	t.Parallel()
	x := newTown(t, fuelcard.National())
	sam, tid := x.psam()
	both := []string{"读卡器 A", "读卡器 B"}
	for name, c := range map[string]struct {
		realm string
		names []string
		user  card.Slot
		psam  card.Slot
		want  map[string]string // health and a word by part
	}{
		"well, no card":      {"training", both, emptySlot{card.ErrAbsent}, sam, map[string]string{"till reader": "ok 无卡", "till PSAM": "ok " + tid.String()}},
		"well, a card":       {"training", both, x.blanks.card(t, 9), sam, map[string]string{"till reader": "ok 有卡", "till PSAM": "ok"}},
		"a card upside down": {"training", both, emptySlot{card.ErrMute}, sam, map[string]string{"till reader": "warn 无应答"}},
		"taken":              {"training", both, emptySlot{card.ErrReader}, emptySlot{card.ErrReader}, map[string]string{"till reader": "fail", "till PSAM": "fail"}},
		"no PSAM":            {"training", both, emptySlot{card.ErrAbsent}, emptySlot{card.ErrAbsent}, map[string]string{"till PSAM": "fail 没有 PSAM"}},
		"swapped":            {"training", both, sam, x.blanks.card(t, 8), map[string]string{"till PSAM": "fail"}},
		"training PSAM":      {"production", both, emptySlot{card.ErrAbsent}, sam, map[string]string{"till PSAM": "fail 不能混用"}},
		"no reader":          {"training", both[1:], nil, sam, map[string]string{"till reader": "fail 读卡器 A", "till PSAM": "ok"}},
	} {
		d := tillDoctor(c.realm, c.names, map[string]card.Slot{"读卡器 A": c.user, "读卡器 B": c.psam})
		d.tills(t.Context())
		for part, want := range c.want {
			f := report{Rows: d.rows}.row(t, part, "1")
			h, word, _ := strings.Cut(want, " ")
			if string(f.Health) != h || !strings.Contains(f.Zh, word) || (f.Health == fail || f.Health == warn) && f.NextEn == "" {
				t.Errorf("%s: %+v, want %s", name, f, want)
			}
		}
	}
	d := tillDoctor("training", both, nil)
	d.e.readers = func() ([]string, error) { return nil, errors.New("pcscd") }
	d.tills(t.Context())
	if f := (report{Rows: d.rows}).row(t, "till PSAM", "1"); f.Health != fail || !strings.Contains(f.NextEn, "pcscd") {
		t.Errorf("without a service: %+v", f)
	}
	none := tillDoctor("training", nil, nil)
	if none.c.Station.Tills = nil; len(none.rows) != 0 {
		t.Error("rows of tills that are not there")
	}
	none.tills(t.Context())
	if len(none.rows) != 0 {
		t.Errorf("rows of tills that are not there: %+v", none.rows)
	}
}

// TestDoctorAsksTheRunningTill: while the station runs its readers are its own, and nobody else opens them.
func TestDoctorAsksTheRunningTill(t *testing.T) {
	t.Parallel()
	both := []string{"读卡器 A", "读卡器 B"}
	for answer, want := range map[string]string{
		`{"tills":[{"till":1,"card":true,"psam":"994400000002"}]}`: "ok 有卡",
		`{"tills":[{"till":1}]}`:                                   "ok 无卡",
		`{"tills":[{"till":1,"psam":"fault"}]}`:                    "fail PSAM",
		`{"tills":[{"till":1,"doubt":true}]}`:                      "warn 两人",
		`{"tills":[]}`:                                             "fail 没有这个终端",
	} {
		door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != station.PathTills {
				t.Errorf("asked %s", r.URL.Path)
			}
			fmt.Fprint(w, answer)
		}))
		d := tillDoctor("training", both, nil)
		d.e.open = func(string) (reader, error) {
			t.Error("a reader of the running station was opened")
			return nil, card.ErrReader
		}
		d.running, d.addr = &station.Status{}, strings.TrimPrefix(door.URL, "http://")
		d.tills(t.Context())
		door.Close()
		h, word, _ := strings.Cut(want, " ")
		if f := (report{Rows: d.rows}).row(t, "till", "1"); string(f.Health) != h || !strings.Contains(f.Zh, word) {
			t.Errorf("%s: %+v", answer, f)
		}
	}
}

// TestDoctorWithoutReaders: a station that has tills in its configuration and a program without readers does not work.
func TestDoctorWithoutReaders(t *testing.T) {
	t.Parallel()
	cfg := stationAlone(t, filepath.Join(t.TempDir(), "port01"))
	text, err := os.ReadFile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	with := file(t, filepath.Join(filepath.Dir(cfg), "tills.yaml"), string(text)+"  tills:\n    - {number: 1, reader: A, psam: B}\n")
	r := rows(t, run(t, nil, "", "doctor", "--config", with, "--probe=false", "--json"))
	if f := r.row(t, "till PSAM", "1"); f.Health != fail || !strings.Contains(f.NextEn, "-tags pcsc") {
		t.Errorf("%+v", f)
	}
}

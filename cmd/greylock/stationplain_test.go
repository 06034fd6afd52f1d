package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"greylock/cmd/internal/cli"
	"greylock/system/station"
	"greylock/system/wire/record"
)

// Presets that make no sense, and a nozzle that is not named, are refused before anything is asked.
func TestStationPlainUsage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"station", "authorise", "--nozzle", "2", "--yuan", "一百"}, "--yuan"},
		{[]string{"station", "authorise", "--nozzle", "2", "--litres", "-3"}, "--litres"},
		{[]string{"station", "authorise", "--nozzle", "2", "--yuan", "1", "--litres", "1"}, "litres"},
		{[]string{"station", "authorise", "--yuan", "1"}, "nozzle"},
		{[]string{"station", "nozzle", "stop"}, "nozzle"},
		{[]string{"station", "nozzle", "unlock"}, "nozzle"},
	} {
		call(t, c.args...).want(t, cli.Usage, c.want)
	}
}

// What was not stopped stands first.
func TestShowStop(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	showStop(&b, station.StopAnswer{Shut: []record.Nozzle{2, 3}, Not: []record.Nozzle{1}})
	if got := b.String(); !strings.HasPrefix(got, "!! 停不住 1 号枪") || !strings.Contains(got, "已证实停住 2, 3 号枪") {
		t.Error(got)
	}
	b.Reset()
	showStop(&b, station.StopAnswer{Shut: []record.Nozzle{2}})
	if got := b.String(); strings.Contains(got, "停不住") {
		t.Error(got)
	}
}

// A stop that a dying program leaves without an answer is ordered again until there is one; a refusal is an answer.
func TestStopIsRepeatedUntilAnswered(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	answer := `{"shut":[1,2]}`
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 3 {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(door.Close)
	args := []string{"station", "--addr", strings.TrimPrefix(door.URL, "http://"), "estop", "--by", "1001", "--reason", "漏油"}
	call(t, args...).want(t, cli.OK, "已证实停住 1, 2 号枪")
	if asked.Load() != 3 {
		t.Errorf("asked %d times", asked.Load())
	}
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"code":"NO_NOZZLE","zh":"没有 9 号枪","en":"there is no nozzle 9"}`))
	}))
	t.Cleanup(refusing.Close)
	args[2] = strings.TrimPrefix(refusing.URL, "http://")
	if r := call(t, args...); asked.Load() != 4 {
		t.Errorf("a refusal was asked for again: %+v", r)
	}
}

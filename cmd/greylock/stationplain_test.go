package main

import (
	"strings"
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

package app

import (
	"slices"
	"testing"

	"greylock/system/station"
	"greylock/system/wire/record"
)

// A station opens the line of everything that it is told to have: no device takes the place of another.
func TestStationOpensEveryLine(t *testing.T) {
	t.Parallel()
	p, err := Station(StationConfig{
		Site: Identity{"0001", "示范加油站", record.Training}, Data: t.TempDir(), CenterKey: make([]byte, 32), Operator: "127.0.0.1:0",
		Ports:     []Port{{Number: 1, Path: "a"}, {Number: 2, Path: "b", Protocol: station.LF}},
		Contactor: &Contactor{Path: "c", Contactor: station.Contactor{Address: 1, Coils: []station.Coil{{Port: 1, Coil: 0}}}},
		Gauge:     &Port{Path: "d"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	var paths []string
	for _, l := range p.ports {
		paths = append(paths, l.Path)
	}
	if want := []string{"a", "b", "c", "d"}; !slices.Equal(paths, want) {
		t.Errorf("lines %v, want %v", paths, want)
	}
	if p.ports[0].Protocol != station.FA {
		t.Errorf("without a protocol: %q", p.ports[0].Protocol)
	}
}

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"greylock/cmd/internal/cli"
	"greylock/cmd/internal/config"
)

// addresses are the keys that say where something is, not what it does: a switch from emulators to the real devices changes these and no
// other. Source: features.md P1.
var addresses = []string{
	"data", "log.file", "center.listen", "center.operator", "center.vault", "center.secret", "center.tls.ca", "center.tls.cert", "center.tls.key", "center.revoked",
	"station.center", "station.tls.ca", "station.tls.cert", "station.tls.key", "station.operator", "station.locks", "station.gauge.path", "station.contactor.path", "station.ups.path",
	"issue.center", "issue.tls.ca", "issue.tls.cert", "issue.tls.key", "issue.vault", "issue.secret", "issue.reader",
	"making.center", "making.tls.ca", "making.tls.cert", "making.tls.key", "making.vault", "making.secret", "making.reader", "making.transport",
}

// difference is one key that two configurations have otherwise.
type difference struct {
	Key     string `json:"key"`
	A       string `json:"a"`
	B       string `json:"b"`
	Address bool   `json:"address"` // it says where something is
}

// compared is what a comparison found.
type compared struct {
	OnlyAddresses bool         `json:"only_addresses"`
	Differences   []difference `json:"differences"`
}

func (e *env) configDiff(a, b string) error {
	x, from, err := config.Load(a)
	if err != nil {
		return err
	}
	y, to, err := config.Load(b)
	if err != nil {
		return err
	}
	r := compare(x, y, from, to)
	err = e.Print(r, func(w io.Writer) {
		t := cli.Table{Heads: []string{"键", a, b, "类别"}}
		for _, d := range r.Differences {
			kind := "其他 (other)"
			if d.Address {
				kind = "地址 (address)"
			}
			t.Add(d.Key, d.A, d.B, kind)
		}
		t.Write(w)
		if r.OnlyAddresses {
			fmt.Fprintln(w, "只有地址不同 (only addresses differ)")
		}
	})
	if err != nil || r.OnlyAddresses {
		return err
	}
	var keys []string
	for _, d := range r.Differences {
		if !d.Address {
			keys = append(keys, d.Key)
		}
	}
	return &cli.Error{Exit: cli.Failed, Code: "E145", Zh: "不只地址不同", En: "more than addresses differ",
		NextZh: "核对所列各键是否有意改动", NextEn: "check that the keys named were changed on purpose", Detail: strings.Join(keys, ", ")}
}

// compare goes through every key, lists entry by entry.
func compare(x, y config.Config, from, to []config.Origin) compared {
	r := compared{OnlyAddresses: true, Differences: []difference{}}
	add := func(key, a, b string, address bool) {
		if a != b {
			r.Differences = append(r.Differences, difference{key, a, b, address})
			r.OnlyAddresses = r.OnlyAddresses && address
		}
	}
	for i, o := range from {
		switch o.Key {
		case "station.ports":
			eachPort(x.Station.Ports, y.Station.Ports, add)
		case "station.tills":
			eachTill(x.Station.Tills, y.Station.Tills, add)
		default:
			add(o.Key, o.Value, to[i].Value, slices.Contains(addresses, o.Key))
		}
	}
	return r
}

// numbersOf are those of both lists, in order.
func numbersOf[T any](a, b []T, number func(T) int) (all []int) {
	for _, x := range append(slices.Clone(a), b...) {
		all = append(all, number(x))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// eachPort compares ports of one number; one that only one side has is a difference of another kind.
func eachPort(a, b []config.Port, add func(key, a, b string, address bool)) {
	find := func(list []config.Port, n int) (path, rest string) {
		for _, p := range list {
			if p.Number == n {
				path, p.Path = p.Path, ""
				return path, fmt.Sprintf("%v/%s", p, orFA(p.Protocol))
			}
		}
		return "", ""
	}
	for _, n := range numbersOf(a, b, func(p config.Port) int { return p.Number }) {
		key := fmt.Sprintf("station.ports[%d]", n)
		path, rest := find(a, n)
		path2, rest2 := find(b, n)
		add(key+".path", path, path2, true)
		add(key, rest, rest2, false)
	}
}

func orFA(protocol string) string {
	if protocol == "" {
		return "fa"
	}
	return protocol
}

func eachTill(a, b []config.Till, add func(key, a, b string, address bool)) {
	find := func(list []config.Till, n int) (t config.Till, there string) {
		for _, t := range list {
			if t.Number == n {
				return t, "有 (there)"
			}
		}
		return t, ""
	}
	for _, n := range numbersOf(a, b, func(t config.Till) int { return t.Number }) {
		key := fmt.Sprintf("station.tills[%d]", n)
		t, there := find(a, n)
		t2, there2 := find(b, n)
		add(key+".reader", t.Reader, t2.Reader, true)
		add(key+".psam", t.PSAM, t2.PSAM, true)
		add(key, there, there2, false)
	}
}

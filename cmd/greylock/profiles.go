package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/system/wire/fuelcard"
)

// flagRow is a flag of the card profiles and its value in each of them.
type flagRow struct {
	Flag     string            `json:"flag"`
	Zh       string            `json:"zh"`
	En       string            `json:"en"`
	Default  string            `json:"default"`
	Values   []string          `json:"values"`
	Form     string            `json:"form,omitempty"` // of other values that may be set
	Profiles map[string]string `json:"profiles"`
	Mark     string            `json:"mark"`
	Section  string            `json:"section"` // of card.md
	Acts     []fuelcard.Side   `json:"acts"`
}

// profileTable is what `cards profiles --json` prints.
type profileTable struct {
	Profiles []string  `json:"profiles"`
	Flags    []flagRow `json:"flags"`
}

func (e *env) profiles() *cobra.Command {
	return &cobra.Command{Use: "profiles [FLAG…]", Short: "列出卡片方案的全部参数: 含义, 取值, 依据 (every flag of the card profiles)",
		Long: "每一处真卡可能不同的地方都是一个参数, 各有取值和依据: [src: …] 有出处, [std] 按标准补, [ours] 为我们的选择。\n" +
			"给出参数名或其开头时只列这些。\n" +
			"Each point where a real card may differ is a flag with its values and its evidence: seen in a source, from the standards, or our choice.\n" +
			"FLAG is a flag's name or how it begins.",
		ValidArgsFunction: func(*cobra.Command, []string, string) (names []string, _ cobra.ShellCompDirective) {
			for _, f := range fuelcard.Flags() {
				names = append(names, f.Name)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error { return e.listProfiles(args) }}
}

func (e *env) listProfiles(wanted []string) error {
	profiles := fuelcard.Profiles()
	table := profileTable{Flags: []flagRow{}}
	for _, p := range profiles {
		table.Profiles = append(table.Profiles, p.Name)
	}
	for _, f := range fuelcard.Flags() {
		if len(wanted) > 0 && !slices.ContainsFunc(wanted, func(w string) bool { return strings.HasPrefix(f.Name, w) }) {
			continue
		}
		row := flagRow{Flag: f.Name, Zh: f.Zh, En: f.En, Default: f.Default(), Values: f.Values, Form: f.Form,
			Profiles: map[string]string{}, Mark: f.Mark, Section: f.Section, Acts: f.Acts}
		for _, p := range profiles {
			row.Profiles[p.Name] = p.Value(f.Name)
		}
		table.Flags = append(table.Flags, row)
	}
	if len(table.Flags) == 0 {
		return cli.Usagef("没有以 %s 开头的卡片参数 (no flag begins so)", strings.Join(wanted, " "))
	}
	return e.Print(table, func(w io.Writer) { e.writeProfiles(w, table) })
}

// writeProfiles shows one column for each profile and leaves out one that differs from the column before in `alg` alone:
// the SM4 variants.
func (e *env) writeProfiles(w io.Writer, table profileTable) {
	shown := slices.DeleteFunc(slices.Clone(table.Profiles), func(n string) bool { return strings.HasSuffix(n, "-sm4") })
	t := cli.Table{Heads: []string{e.Say("参数", "flag")}}
	t.Heads = append(append(t.Heads, shown...), e.Say("其他取值", "other values"), e.Say("依据", "mark"), e.Say("章节", "section"),
		e.Say("作用于", "acts on"), e.Say("含义", "meaning"))
	for _, f := range table.Flags {
		row := []string{f.Flag}
		for _, n := range shown {
			row = append(row, f.Profiles[n])
		}
		others := slices.DeleteFunc(slices.Clone(f.Values), func(v string) bool { return slices.Contains(row[1:], v) })
		if f.Form != "" {
			others = append(others, "…")
		}
		t.Rows = append(t.Rows, append(row, strings.Join(others, " "), f.Mark, f.Section, sides(f.Acts), e.Say(f.Zh, f.En)))
	}
	t.Write(w)
	fmt.Fprint(w, e.Say("每个方案另有 -sm4: 只有 alg 不同, 为 04 (国密)。… 表示可设其他值, 格式见 --json 的 form。\n",
		"Each profile has a variant -sm4, with alg 04 and nothing else changed. … : other values may be set; their form is in --json.\n"))
}

func sides(acts []fuelcard.Side) string {
	var s []string
	for _, a := range acts {
		s = append(s, string(a))
	}
	return strings.Join(s, ",")
}

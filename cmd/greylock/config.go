package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/cmd/internal/config"
	"greylock/system/app"
	"greylock/system/wire/record"
)

// load reads and checks the configuration of a role.
func load(path string, role config.Role) (config.Config, error) {
	c, _, err := config.Load(path)
	if err == nil {
		err = c.Check(role)
	}
	return c, err
}

// logger is where a program that runs writes what happens.
func (e *env) logger(c config.Config) (*slog.Logger, error) {
	if c.Log.File == "" {
		return e.Logger(), nil
	}
	file, err := cli.OpenRotating(c.Log.File, int64(c.Log.MB)<<20, c.Log.Keep)
	if err != nil {
		return nil, fmt.Errorf("%w: log.file: %w", config.ErrConfig, err)
	}
	return slog.New(slog.NewJSONHandler(file, nil)), nil
}

func identity(c config.Config) app.Identity {
	return app.Identity{ID: record.SiteID(c.Site.ID), Name: c.Site.Name, Realm: record.Realm(c.Site.Realm)}
}

// roles are the programs that a configuration can be checked for.
var roles = []config.Role{config.RoleCenter, config.RoleStation, config.RoleIssue, config.RoleMaking}

func (e *env) config() *cobra.Command {
	group := &cobra.Command{Use: "config", Short: "配置 (configuration)"}
	var role string
	check := &cobra.Command{Use: "check FILE", Short: "列出配置的全部问题 (list all problems)", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return e.configCheck(args[0], config.Role(role)) }}
	check.Flags().StringVar(&role, "role", "", "center, station, issue 或 making; 缺省按文件内容 (default: as the file shows)")
	cli.Values(check, "role", "center", "station", "issue", "making")
	var origin bool
	show := &cobra.Command{Use: "show [FILE]", Short: "列出每个键的值 (show every key)", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return e.configShow(append(args, "")[0], origin) }}
	show.Flags().BoolVar(&origin, "origin", false, "同时列出来源 (and where it came from)")
	diff := &cobra.Command{Use: "diff A B", Short: "两份配置的不同, 是否只有地址 (what differs, and whether only addresses do)", Args: cobra.ExactArgs(2),
		Long: "列出取值不同的键; 只有地址 (端口名, 读卡器, 目录, 中心地址) 不同时退出码 0, 否则 1。\n" +
			"From emulators to the real devices only addresses change: exit 0; anything else: exit 1.",
		RunE: func(_ *cobra.Command, args []string) error { return e.configDiff(args[0], args[1]) }}
	group.AddCommand(check, show, diff)
	return group
}

func (e *env) configCheck(path string, role config.Role) error {
	c, _, err := config.Load(path)
	if role == "" {
		role = guess(c)
	}
	if !knownRole(role) {
		return cli.Usagef("--role %q: center, station, issue 或 making (want one of these)", role)
	}
	if err := errors.Join(err, c.Check(role)); err != nil {
		return err
	}
	report := map[string]string{"file": path, "role": string(role), "result": "ok"}
	return e.Print(report, func(w io.Writer) { fmt.Fprintf(w, "%s: %s 配置无误 (no problem)\n", path, role) })
}

func knownRole(role config.Role) bool {
	for _, r := range roles {
		if r == role {
			return true
		}
	}
	return false
}

// guess is the role that the file has settings for.
func guess(c config.Config) config.Role {
	switch {
	case len(c.Station.Ports) > 0 || c.Station.Center != "":
		return config.RoleStation
	case c.Issue.Center != "":
		return config.RoleIssue
	case c.Making.Center != "":
		return config.RoleMaking
	}
	return config.RoleCenter
}

// shown is one key for people: a key of a configuration is never a secret, only the name of its file.
type shown struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
}

func (e *env) configShow(path string, origin bool) error {
	_, origins, err := config.Load(path)
	if err != nil {
		return err
	}
	list := make([]shown, 0, len(origins))
	t := cli.Table{Heads: []string{e.Say("键", "key"), e.Say("值", "value")}}
	if origin {
		t.Heads = append(t.Heads, e.Say("来源", "origin"))
	}
	for _, o := range origins {
		list = append(list, shown{o.Key, o.Value, o.From})
		row := []string{o.Key, o.Value, o.From}
		t.Rows = append(t.Rows, row[:len(t.Heads)])
	}
	return e.Print(list, t.Write)
}

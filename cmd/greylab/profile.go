package main

import (
	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/system/wire/fuelcard"
)

// profileFlag gives a command --profile.
func profileFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "profile", fuelcard.National().Name, "卡片方案, 见 greylock cards profiles (card profile)")
	var names []string
	for _, p := range fuelcard.Profiles() {
		names = append(names, p.Name)
	}
	cli.Values(c, "profile", names...)
}

// profileNamed is the profile of --profile; an unknown name is a mistake of usage.
func profileNamed(name string) (fuelcard.Profile, error) {
	p, err := fuelcard.ProfileNamed(name)
	if err != nil {
		return p, cli.Usagef("--profile: %v", err)
	}
	return p, nil
}

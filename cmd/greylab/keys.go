package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/fixtures"
	"greylock/system/wire/pboc"
)

// shownKey is one key of the public test set.
type shownKey struct {
	Name string `json:"name"`
	KCV  string `json:"kcv"`
}

// keys shows the check values of the public test set, so that a card or vault made with it is recognised.
func (l *lab) keys() *cobra.Command {
	return &cobra.Command{Use: "keys", Short: "公开测试密钥的校验值 (check values of the public test keys)", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			set := fixtures.TestKeys()
			var list []shownKey
			for name, key := range set.Masters {
				list = append(list, shownKey{name, fmt.Sprintf("%X", pboc.TDES.KCV(key))})
			}
			slices.SortFunc(list, func(a, b shownKey) int { return strings.Compare(a.Name, b.Name) })
			return l.Print(list, func(w io.Writer) {
				fmt.Fprintln(w, set.Mark)
				t := cli.Table{Heads: []string{"密钥 (key)", "KCV"}}
				for _, k := range list {
					t.Add(k.Name, k.KCV)
				}
				t.Write(w)
			})
		}}
}

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/system/station"
	"greylock/system/wire/pboc"
)

// stationWhy tells a holder, in plain words, why a card can not be used.
func (e *env) stationWhy(addr *string) *cobra.Command {
	c := command(e, addr, "why CARD", "这张卡为什么不能用: 欠多少, 怎么办 (why a card can not be used)", station.PathWhy, func(args []string) (any, error) {
		asn, err := pboc.ParseASN(args[0])
		if err != nil {
			return nil, cli.Usagef("卡号须为 20 位数字 (a card number is 20 digits): %q", args[0])
		}
		return station.AskWhy{ASN: asn}, nil
	}, func(w io.Writer, a station.Why) {
		fmt.Fprintf(w, "卡 (card) %s\n", a.ASN)
		for i := range a.Zh {
			fmt.Fprintf(w, "%s\n    %s\n", a.Zh[i], a.En[i])
		}
	})
	c.Args = cobra.ExactArgs(1)
	return c
}

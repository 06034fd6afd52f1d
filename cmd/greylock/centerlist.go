package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/system/center"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// listNames are the lists as people name them.
var listNames = map[string]record.Topic{"black": record.TopicBlack, "white": record.TopicWhite}

// listFlag names one of the lists.
func listFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "list", "black", "black 黑名单, white 白名单")
	cli.Values(c, "list", "black", "white")
}

func listTopic(name string) (record.Topic, error) {
	t, ok := listNames[name]
	if !ok {
		return "", cli.Usagef("--list %q: 应为 black 或 white (want black or white)", name)
	}
	return t, nil
}

func listWord(t record.Topic) string {
	if t == record.TopicWhite {
		return "白名单"
	}
	return "黑名单"
}

func (e *env) centerList(addr *string) *cobra.Command {
	group := &cobra.Command{Use: "list", Short: "名单: 黑名单、白名单 (black and white list)"}
	group.AddCommand(e.listPut(addr, "add", "列入名单, 如挂失 (put cards on a list)"), e.listPut(addr, "remove", "撤出名单; 黑名单须两人 (take cards off; two persons for the black list)"),
		e.listQuery(addr), e.listShow(addr),
		command(e, addr, "status", "名单版本、张数与各站进度 (versions, lengths, how far each station is)", center.PathLists, nothing, showLists))
	return group
}

// mostListed is how many cards one act takes; a longer file is several acts.
const mostListed = 2000

func (e *env) listPut(addr *string, verb, short string) *cobra.Command {
	var q center.PutList
	var list, file string
	c := &cobra.Command{Use: verb + " [CARD…]", Short: short, Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		topic, err := listTopic(list)
		if err != nil {
			return err
		}
		cards, err := cardNumbers(args, file)
		if err != nil {
			return err
		}
		q.List = topic
		changed := 0
		var a center.ListPut
		for part := range slices.Chunk(cards, mostListed) {
			if q.Add, q.Remove = part, nil; verb == "remove" {
				q.Add, q.Remove = nil, part
			}
			if a, err = ask[center.ListPut](c.Context(), *addr, center.PathPutList, q); err != nil {
				return err
			}
			changed += a.Changed
		}
		a.Changed = changed
		return e.Print(a, func(w io.Writer) {
			fmt.Fprintf(w, "%s第 %d 版, 变更 %d 张, 已下发各站 (version, cards changed, on its way to every station)\n", listWord(a.List), a.Version, a.Changed)
		})
	}}
	listFlag(c, &list)
	c.Flags().StringVar(&file, "file", "", "卡号文件, 每行一个 (card numbers, one a line)")
	c.Flags().StringVar(&q.Reason, "reason", "", "原因, 如 挂失 (why)")
	c.Flags().BoolVar(&q.Foreign, "foreign", false, "含非本公司的卡 (cards that this company has not made, too)")
	by(c, &q.By)
	c.Flags().StringVar(&q.Second, "second", "", "复核人, 撤出黑名单时必填 (second person)")
	return c
}

// cardNumbers reads whole card numbers of arguments and of a file.
func cardNumbers(args []string, file string) (cards []pboc.ASN, err error) {
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return nil, cli.Usagef("--file: %v", err)
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			if text := strings.TrimSpace(lines.Text()); text != "" {
				args = append(args, text)
			}
		}
		if err := lines.Err(); err != nil {
			return nil, cli.Usagef("--file %s: %v", file, err)
		}
		if err := f.Close(); err != nil {
			return nil, cli.Usagef("--file %s: %v", file, err)
		}
	}
	for i, text := range args {
		a, err := pboc.ParseASN(text)
		if err != nil {
			return nil, cli.Usagef("第 %d 个卡号应为 20 位数字 (card %d is not 20 digits): %v", i+1, i+1, err)
		}
		cards = append(cards, a)
	}
	if len(cards) == 0 {
		return nil, cli.Usagef("没有卡号 (no card number)")
	}
	return cards, nil
}

func (e *env) listQuery(addr *string) *cobra.Command {
	var asn string
	c := command(e, addr, "query", "一张卡在哪些名单上, 原因, 各站是否已知 (which lists a card is on, why, which stations know)", center.PathListQuery,
		func([]string) (any, error) {
			a, err := pboc.ParseASN(asn)
			if err != nil {
				return nil, cli.Usagef("--card %q: %v", asn, err)
			}
			return center.AskCard{ASN: a}, nil
		}, func(w io.Writer, a center.CardLists) {
			t := cli.Table{Heads: []string{"名单", "状态", "版本", "时间", "原因", "经办", "复核", "已知的站", "未知的站"}}
			for _, l := range a.Lists {
				state := "已撤出"
				if l.On {
					state = "在名单上"
				}
				t.Add(listWord(l.List), state, l.Version, civil(l.TimeMs), l.Reason, l.By, l.Second, sites(l.Known), sites(l.Unknown))
			}
			t.Write(w)
		})
	c.Flags().StringVar(&asn, "card", "", "20 位卡号 (card number)")
	return c
}

func sites(ids []record.SiteID) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = string(id)
	}
	return strings.Join(words, " ")
}

func (e *env) listShow(addr *string) *cobra.Command {
	var list string
	c := command(e, addr, "show", "名单上的卡, 最近的在前 (cards on a list, latest first)", center.PathListCards, func([]string) (any, error) {
		topic, err := listTopic(list)
		return center.AskListed{List: topic}, err
	}, func(w io.Writer, a center.ListedCards) {
		fmt.Fprintf(w, "%s第 %d 版, 共 %d 张 (version, cards)\n", listWord(a.List), a.Version, a.Count)
		t := cli.Table{Heads: []string{"卡", "版本", "时间", "原因", "经办"}}
		for _, x := range a.Cards {
			t.Add(x.ASN.Digits(), x.Version, civil(x.TimeMs), x.Reason, x.By)
		}
		t.Write(w)
	})
	listFlag(c, &list)
	return c
}

func showLists(w io.Writer, a center.Lists) {
	t := cli.Table{Heads: []string{"名单", "版本", "张数", "站点", "站内版本", "正在下发的分段", "最新"}}
	for _, l := range a.Lists {
		if len(l.Sites) == 0 {
			t.Add(listWord(l.List), l.Version, l.Count, "", "", "", "")
		}
		for _, s := range l.Sites {
			t.Add(listWord(l.List), l.Version, l.Count, s.Site, s.Version, s.Pieces, okWord(s.Current))
		}
	}
	t.Write(w)
}

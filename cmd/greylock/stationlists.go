package main

import (
	"fmt"
	"io"
	"time"

	"greylock/cmd/internal/cli"
	"greylock/system/station"
)

// listsLine is the lists in one line.
func listsLine(l station.ListsStatus) string {
	return fmt.Sprintf("名单 (lists): 黑 第 %d 版 %d 张, 白 第 %d 版 %d 张, %v 前与中心核对, %s (%s)",
		l.Black.Version, l.Black.Count, l.White.Version, l.White.Count, time.Duration(l.Age)*time.Second, l.Zh, l.En)
}

func showStationLists(w io.Writer, l station.ListsStatus) {
	fmt.Fprintln(w, listsLine(l))
	t := cli.Table{Heads: []string{"名单", "版本", "张数", "基础版本", "新增", "新删", "正在收的分段"}}
	for _, x := range []struct {
		name string
		list station.ListStatus
	}{{"黑名单", l.Black}, {"白名单", l.White}} {
		t.Add(x.name, x.list.Version, x.list.Count, x.list.Base, x.list.Added, x.list.Deleted, x.list.Pieces)
	}
	t.Write(w)
	boards := cli.Table{Heads: []string{"口", "联机", "已用上站内名单"}}
	for _, b := range l.Boards {
		boards.Add(b.Port, yesNo(b.Online), yesNo(b.Current))
	}
	boards.Write(w)
}

func yesNo(yes bool) string {
	if yes {
		return "是"
	}
	return "否"
}

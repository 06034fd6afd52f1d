package fa

import (
	"fmt"

	"greylock/system/wire/reading"
)

// Description is a frame as people read it. Source: dispenser.md 3.3.
type Description struct {
	Word   Word
	FromPC bool
	reading.Frame
}

// String is one line: the word, then what reading.Frame says.
func (d Description) String() string { return d.Word.String() + " " + d.Frame.String() }

// Describe names the fields of a frame, of a malformed one as far as they go.
func Describe(f Frame) Description {
	d := Description{Word: f.Word(), FromPC: f.FromPC(), Frame: reading.Frame{Zh: "未知命令", En: "unknown command"}}
	k, ok := lookup(f)
	if !ok {
		d.Err = ErrUnknown
		if len(f.Data) > 1 {
			d.Fields = []reading.Field{{Offset: 1, Length: len(f.Data) - 1, Name: "DATA", Zh: "数据", En: "data", Value: hexadecimal(f.Data[1:]).String()}}
		}
		return d
	}
	d.Zh, d.En = k.zh, k.en
	c := codec{b: f.Data, at: 1, naming: true}
	k.make().walk(&c)
	d.Err = c.end()
	d.Fields = c.fields
	return d
}

type hexadecimal []byte

func (h hexadecimal) String() string { return fmt.Sprintf("%X", []byte(h)) }

// meaning is implemented by codes that can say what they mean.
type meaning interface{ means() (zh, en string) }

// name notes the n bytes that were just taken.
func (c *codec) name(n int, word, zh, en string, v any) {
	if !c.naming || c.err != nil {
		return
	}
	f := reading.Field{Offset: c.at - n, Length: n, Name: word, Zh: zh, En: en, Value: fmt.Sprint(v)}
	if c.item > 0 {
		f.Name = fmt.Sprintf("%s[%d]", word, c.item)
	}
	if m, ok := v.(meaning); ok {
		f.MeansZh, f.MeansEn = m.means()
	}
	c.fields = append(c.fields, f)
}

// kind is a row of the table of messages.
type kind struct {
	fromPC bool
	word   Word
	zh, en string
	make   func() Message
}

// kinds are all messages that this package knows, by direction and command word. Source: dispenser.md 3.3.
var kinds = [...]kind{
	{false, WordPoll, "轮询", "poll", func() Message { return new(Poll) }},
	{true, WordPoll, "轮询应答", "poll answer", func() Message { return new(PollAnswer) }},
	{false, WordLive, "实时状态", "real-time state", func() Message { return new(Live) }},
	{false, WordRecord, "成交数据", "completed record", func() Message { return new(Upload) }},
	{true, WordRecord, "成交数据确认", "record acknowledge", func() Message { return new(UploadAck) }},
	{false, WordDownload, "申请下载", "ask to start a download", func() Message { return new(DownloadAsk) }},
	{true, WordDownload, "下载长度", "download length", func() Message { return new(DownloadAnswer) }},
	{false, WordSegments, "申请数据段", "ask for segments", func() Message { return new(SegmentsAsk) }},
	{true, WordSegments, "数据段", "segments", func() Message { return new(Segments) }},
	{false, WordGrey, "灰记录查询", "grey-record query", func() Message { return new(GreyAsk) }},
	{true, WordGrey, "灰记录应答", "grey-record answer", func() Message { return new(GreyAnswer) }},
	{false, WordList, "名单查询", "list query", func() Message { return new(ListAsk) }},
	{true, WordList, "名单应答", "list answer", func() Message { return new(ListAnswer) }},
	{true, WordTotals, "读累计数", "ask for totalisers", func() Message { return new(TotalsAsk) }},
	{false, WordTotals, "累计数", "totalisers", func() Message { return new(Totals) }},
	{true, WordInfo, "读加油机信息", "ask for information", func() Message { return new(InfoAsk) }},
	{false, WordInfo, "加油机信息", "dispenser information", func() Message { return new(Info) }},
	{false, WordFault, "内部错误", "internal error report", func() Message { return new(Fault) }},
	{true, WordLinkAck, "链路确认", "link acknowledge", func() Message { return new(LinkAck) }},
	{false, WordLinkAck, "链路确认", "link acknowledge", func() Message { return new(LinkAck) }},
	{true, WordReread, "按流水号重读", "re-read by POS-TTC", func() Message { return new(Reread) }},
	{false, WordNoRecord, "无此记录", "no such record", func() Message { return new(NoRecord) }},
}

func lookup(f Frame) (kind, bool) {
	for _, k := range kinds {
		if k.word == f.Word() && k.fromPC == f.FromPC() {
			return k, true
		}
	}
	return kind{}, false
}

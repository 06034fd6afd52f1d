package fa

import (
	"fmt"

	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// Poll is the board's heartbeat, 30H of 1 byte. Source: dispenser.md 3.4.
type Poll struct{}

// Word is 30H.
func (*Poll) Word() Word  { return WordPoll }
func (*Poll) walk(*codec) {}

// Versions announce what there is to download; 0 = nothing, do not download. Base runs 1..65535, the others 1..255.
// Source: dispenser.md 3.4.
type Versions struct {
	Base    uint16 // BL_VER base blacklist
	Added   byte   // ADD_BL_VER
	Deleted byte   // DEL_BL_VER
	White   byte   // WH_VER
	Price   byte   // PRC_VER price table
	Station byte   // STA_VER station info
}

func (v *Versions) walk(c *codec) {
	number(c, 2, "BL_VER", "基础黑名单版本", "base blacklist version", &v.Base)
	number(c, 1, "ADD_BL_VER", "新增黑名单版本", "added blacklist version", &v.Added)
	number(c, 1, "DEL_BL_VER", "新删黑名单版本", "deleted blacklist version", &v.Deleted)
	number(c, 1, "WH_VER", "白名单版本", "white list version", &v.White)
	number(c, 1, "PRC_VER", "油价版本", "price table version", &v.Price)
	number(c, 1, "STA_VER", "油站信息版本", "station info version", &v.Station)
}

// FoldVersion folds the rising version of a signed directive into 1..255; 0 stays 0. Source: dispenser.md 3.4.
func FoldVersion(v uint64) byte {
	if v == 0 {
		return 0
	}
	return byte((v-1)%255 + 1)
}

// FoldBase folds into 1..65535, for the base blacklist; 0 stays 0. Source: dispenser.md 3.4.
func FoldBase(v uint64) uint16 {
	if v == 0 {
		return 0
	}
	return uint16((v-1)%65535 + 1)
}

// PollAnswer carries the PC's clock and versions, 30H of 17 bytes. Source: dispenser.md 3.4.
type PollAnswer struct {
	Time     Stamp
	Versions Versions
	SelfData byte // SELF_D_VER: not 0 = private data to fetch
	Software byte // SOFT_FLAG: not 0 = new program to fetch
}

// Word is 30H.
func (*PollAnswer) Word() Word { return WordPoll }

func (m *PollAnswer) walk(c *codec) {
	c.fixed("PC_TIME", "电脑时间", "PC time", m.Time[:], &m.Time)
	m.Versions.walk(c)
	number(c, 1, "SELF_D_VER", "自用数据标志", "private data flag", &m.SelfData)
	number(c, 1, "SOFT_FLAG", "程序更新标志", "new program flag", &m.Software)
}

// Upload is a completed record, 32H of 96 bytes. Source: dispenser.md 3.6.
type Upload struct{ Record Record }

// Word is 32H.
func (*Upload) Word() Word      { return WordRecord }
func (m *Upload) walk(c *codec) { m.Record.walk(c) }

// UploadAck answers an Upload, 32H of 2 bytes. Source: dispenser.md 3.6.
type UploadAck struct{ Result Result }

// Word is 32H.
func (*UploadAck) Word() Word { return WordRecord }

func (m *UploadAck) walk(c *codec) {
	number(c, 1, "RESULT", "结果", "result", &m.Result)
}

// Result is b0 of a record's acknowledge. Source: dispenser.md 3.6.
type Result byte

// Results of a record.
const (
	RecordCorrect Result = 0
	RecordWrong   Result = 1 // T-MAC wrong
)

// Wrong says that the record was not accepted as correct.
func (r Result) Wrong() bool { return r&1 != 0 }

func (r Result) means() (zh, en string) {
	if r.Wrong() {
		return "T-MAC 错", "T-MAC wrong"
	}
	return "正确", "correct"
}

// GreyAsk asks for the record of a grey card, 35H of 25 bytes. All five fields must match the stored escape record.
// Source: dispenser.md 3.9.
type GreyAsk struct {
	ASN     pboc.ASN
	Balance unit.Fen // BAL, 4 bytes: of the lock
	CTC     pboc.CTC
	DS      byte
	Time    Stamp
}

// Word is 35H.
func (*GreyAsk) Word() Word { return WordGrey }

func (m *GreyAsk) walk(c *codec) {
	c.fixed("ASN", "卡应用序列号", "card number", m.ASN[:], &m.ASN)
	number(c, 4, "BAL", "余额", "balance", &m.Balance)
	number(c, 2, "CTC", "脱机序号", "card transaction counter", &m.CTC)
	number(c, 1, "DS", "扣款来源", "debit source", &m.DS)
	c.fixed("TIME", "时间", "time", m.Time[:], &m.Time)
}

// GreyAnswer answers a GreyAsk, 35H of 43 bytes; without a match everything behind Flag is 0. Source: dispenser.md 3.9.
type GreyAnswer struct {
	Flag    Match
	ASN     pboc.ASN
	Balance unit.Fen // BAL, 4 bytes
	Amount  unit.Fen // AMN, 3 bytes: what the card owes
	CTC     pboc.CTC
	DS      byte
	Time    Stamp
	GMAC    pboc.MAC
	TID     pboc.TID // PSAM-TID of the lock
	TTC     pboc.PSAMTTC
}

// Word is 35H.
func (*GreyAnswer) Word() Word { return WordGrey }

func (m *GreyAnswer) walk(c *codec) {
	number(c, 1, "FLAG", "匹配标志", "match flag", &m.Flag)
	c.fixed("ASN", "卡应用序列号", "card number", m.ASN[:], &m.ASN)
	number(c, 4, "BAL", "余额", "balance", &m.Balance)
	number(c, 3, "AMN", "数额", "amount", &m.Amount)
	number(c, 2, "CTC", "脱机序号", "card transaction counter", &m.CTC)
	number(c, 1, "DS", "扣款来源", "debit source", &m.DS)
	c.fixed("TIME", "时间", "time", m.Time[:], &m.Time)
	c.fixed("GMAC", "解灰认证码", "un-grey authentication code", m.GMAC[:], &m.GMAC)
	c.fixed("PSAM-TID", "PSAM 终端机编号", "PSAM terminal number", m.TID[:], &m.TID)
	number(c, 4, "PSAM-TTC", "PSAM 终端交易序号", "PSAM transaction counter", &m.TTC)
}

// Match is the flag of an answer to a query: 0 = found. Source: dispenser.md 3.9.
type Match byte

// Answers to a query.
const (
	Found    Match = 0
	NotFound Match = 1
)

// Found says that the query matched.
func (m Match) Found() bool { return m == Found }

func (m Match) means() (zh, en string) {
	if m.Found() {
		return "匹配", "match"
	}
	return "不匹配", "no match"
}

// ListAsk asks whether a card is listed, 36H of 11 bytes. The list meant follows from the card's type: black for a user
// card, white for internal cards. Source: dispenser.md 3.9.
type ListAsk struct{ ASN pboc.ASN }

// Word is 36H.
func (*ListAsk) Word() Word { return WordList }

func (m *ListAsk) walk(c *codec) {
	c.fixed("ASN", "卡应用序列号", "card number", m.ASN[:], &m.ASN)
}

// ListAnswer answers a ListAsk, 36H of 12 bytes. Source: dispenser.md 3.9.
type ListAnswer struct {
	Flag Match
	ASN  pboc.ASN
}

// Word is 36H.
func (*ListAnswer) Word() Word { return WordList }

func (m *ListAnswer) walk(c *codec) {
	number(c, 1, "FLAG", "匹配标志", "match flag", &m.Flag)
	c.fixed("ASN", "卡应用序列号", "card number", m.ASN[:], &m.ASN)
}

// TotalsAsk asks for the totalisers, 38H of 1 byte. Source: dispenser.md 3.3.
type TotalsAsk struct{}

// Word is 38H.
func (*TotalsAsk) Word() Word  { return WordTotals }
func (*TotalsAsk) walk(*codec) {}

// Totals are the board's totalisers, 38H. Source: dispenser.md 3.10.
type Totals struct{ Nozzles []NozzleTotal }

// NozzleTotal is one nozzle's totaliser, in hundredths. Source: dispenser.md 3.10.
type NozzleTotal struct {
	NZN   NZN
	Total unit.Totalizer
}

// Word is 38H.
func (*Totals) Word() Word { return WordTotals }

func (m *Totals) walk(c *codec) {
	list(c, "N", "枪数", "number of nozzles", &m.Nozzles, 5, func(c *codec, t *NozzleTotal) {
		number(c, 1, "NZN", "枪号", "nozzle", &t.NZN)
		number(c, 4, "V-TOT", "升累计", "litre totaliser", &t.Total)
	})
}

// InfoAsk asks for the dispenser's information, 3AH of 1 byte. Source: dispenser.md 3.3.
type InfoAsk struct{}

// Word is 3AH.
func (*InfoAsk) Word() Word  { return WordInfo }
func (*InfoAsk) walk(*codec) {}

// Info says what a board is and works by, 3AH. Source: dispenser.md 3.10.
type Info struct {
	Maker    Maker
	Province byte    // BCD
	City     byte    // BCD
	Superior [4]byte // BCD
	Station  [4]byte // BCD
	Time     Stamp
	Nozzles  []NZN
	Versions Versions
	Extra    []byte // maker data
}

// Word is 3AH.
func (*Info) Word() Word { return WordInfo }

func (m *Info) walk(c *codec) {
	c.fixed("MAKER", "厂家", "maker", m.Maker[:], &m.Maker)
	c.place(&m.Province, &m.City, &m.Superior, &m.Station)
	c.fixed("TIME", "时间", "time", m.Time[:], &m.Time)
	list(c, "N", "枪数", "number of nozzles", &m.Nozzles, 1, nozzle)
	m.Versions.walk(c)
	c.rest("MAKER_DATA", "厂家数据", "maker data", &m.Extra, -1)
}

func nozzle(c *codec, n *NZN) { number(c, 1, "NZN", "枪号", "nozzle", n) }

// place is the province, city, superior unit and station of Info and StationInfo.
func (c *codec) place(province, city *byte, superior, station *[4]byte) {
	number(c, 1, "PROVINCE", "省代号", "province", (*bcdByte)(province))
	number(c, 1, "CITY", "市代号", "city", (*bcdByte)(city))
	c.fixed("SUPERIOR", "上级单位", "superior unit", superior[:], nil)
	c.fixed("STATION", "加油站", "station id", station[:], nil)
}

type bcdByte byte

func (b bcdByte) String() string { return fmt.Sprintf("%02X", byte(b)) }

// Maker is twelve ASCII characters, padded with spaces. Source: dispenser.md 3.10.
type Maker [12]byte

// MakerOf pads or cuts a name.
func MakerOf(name string) (m Maker) {
	copy(m[:], "            ")
	copy(m[:], name)
	return m
}

// String is the name without padding; a character that can not be printed becomes a dot.
func (m Maker) String() string { return printable(m[:]) }

// Fault is the board's internal error report, 3BH; it is answered by LinkAck. Source: dispenser.md 3.10.
type Fault struct {
	Type byte // b0: 0 ASCII, 1 to be interpreted
	Text []byte
}

// Word is 3BH.
func (*Fault) Word() Word { return WordFault }

func (m *Fault) walk(c *codec) {
	number(c, 1, "TYPE", "类型", "type", &m.Type)
	c.rest("TEXT", "内容", "content", &m.Text, -1)
	if n := len(c.fields); n > 1 && m.Type&1 == 0 {
		c.fields[n-1].Value = m.String()
	}
}

// String is the text, or hexadecimal for a report that is to be interpreted.
func (m *Fault) String() string {
	if m.Type&1 != 0 {
		return hexadecimal(m.Text).String()
	}
	return printable(m.Text)
}

// printable cuts trailing blanks and shows anything but ASCII as a dot.
func printable(b []byte) string {
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == 0) {
		b = b[:len(b)-1]
	}
	out := make([]byte, len(b))
	for i, x := range b {
		if x < 0x20 || x > 0x7E {
			x = '.'
		}
		out[i] = x
	}
	return string(out)
}

// LinkAck acknowledges a command by its word, 3CH of 3 bytes, in both directions. Source: dispenser.md 3.10.
type LinkAck struct {
	Of   Word
	Flag byte // b0: 0 ok, 1 error
}

// Word is 3CH.
func (*LinkAck) Word() Word { return WordLinkAck }

func (m *LinkAck) walk(c *codec) {
	number(c, 1, "HANDLE", "被确认命令", "acknowledged command", &m.Of)
	number(c, 1, "FLAG", "结果", "result", &m.Flag)
}

// Reread asks for a record by its number, 3EH of 5 bytes; answered by Upload or NoRecord. Source: dispenser.md 3.10.
type Reread struct{ POSTTC POSTTC }

// Word is 3EH.
func (*Reread) Word() Word { return WordReread }

func (m *Reread) walk(c *codec) {
	number(c, 4, "POS-TTC", "加油机流水号", "record number", &m.POSTTC)
}

// NoRecord says that the board has no record of that number, 3FH of 5 bytes. Source: dispenser.md 3.10.
type NoRecord struct{ POSTTC POSTTC }

// Word is 3FH.
func (*NoRecord) Word() Word { return WordNoRecord }

func (m *NoRecord) walk(c *codec) {
	number(c, 4, "POS-TTC", "加油机流水号", "record number", &m.POSTTC)
}

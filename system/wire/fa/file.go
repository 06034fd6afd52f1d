package fa

import (
	"bytes"
	"fmt"

	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// SegmentSize is the unit of a download; offsets count segments. Source: dispenser.md 3.7.
const SegmentSize = 16

// MaxSegments is what one answer holds within MaxSend. Source: dispenser.md 3.7 (boards ask for 15 or 30).
const MaxSegments = 15

// MaxFile is the longest file that 2-byte segment offsets reach. Source: dispenser.md 3.7.
const MaxFile = 65536 * SegmentSize

// Content names what is downloaded. Source: dispenser.md 3.7.
type Content byte

// The contents of downloads. Source: dispenser.md 3.7.
const (
	ContentBase    Content = 0 // base blacklist
	ContentAdded   Content = 1
	ContentDeleted Content = 2
	ContentWhite   Content = 3
	ContentPrice   Content = 4 // price table
	ContentStation Content = 5 // station info
	ContentPrivate Content = 6
	ContentProgram Content = 7
)

// Words returns the content in words, Chinese first.
func (n Content) Words() (zh, en string) {
	switch n {
	case ContentBase:
		return "基础黑名单", "base blacklist"
	case ContentAdded:
		return "新增黑名单", "added blacklist"
	case ContentDeleted:
		return "新删黑名单", "deleted blacklist"
	case ContentWhite:
		return "白名单", "white list"
	case ContentPrice:
		return "油价表", "price table"
	case ContentStation:
		return "油站信息", "station info"
	case ContentPrivate:
		return "自用数据", "private data"
	case ContentProgram:
		return "程序", "program"
	}
	return "未知", "unknown"
}

func (n Content) means() (zh, en string) { return n.Words() }

// DownloadAsk starts a download, 33H of 4 bytes. Base is the board's base blacklist version for contents 1 and 2, else
// ignored. Source: dispenser.md 3.7.
type DownloadAsk struct {
	Content Content
	Base    uint16
}

// Word is 33H.
func (*DownloadAsk) Word() Word { return WordDownload }

func (m *DownloadAsk) walk(c *codec) {
	number(c, 1, "CONTENT", "内容", "content", &m.Content)
	number(c, 2, "BASE_VER", "基础名单版本", "base version", &m.Base)
}

// DownloadAnswer tells the length in bytes, 33H of 6 bytes; 0 = nothing to give. Source: dispenser.md 3.7.
type DownloadAnswer struct {
	Length  uint32
	Content Content
}

// Word is 33H.
func (*DownloadAnswer) Word() Word { return WordDownload }

func (m *DownloadAnswer) walk(c *codec) {
	number(c, 4, "LENGTH", "总长度", "total length", &m.Length)
	number(c, 1, "CONTENT", "内容", "content", &m.Content)
}

// SegmentsAsk asks for Count segments from Offset on, 34H of 5 bytes. Source: dispenser.md 3.7.
type SegmentsAsk struct {
	Content Content
	Offset  uint16
	Count   byte
}

// Word is 34H.
func (*SegmentsAsk) Word() Word { return WordSegments }

func (m *SegmentsAsk) walk(c *codec) {
	number(c, 1, "CONTENT", "内容", "content", &m.Content)
	number(c, 2, "OFFSET", "段偏移", "segment offset", &m.Offset)
	number(c, 1, "SEGS", "段数", "segments", &m.Count)
}

// Segments are the bytes asked for, 34H; the last segment may be short. Source: dispenser.md 3.7.
type Segments struct {
	Content Content
	Offset  uint16
	Count   byte
	Data    []byte
}

// Word is 34H.
func (*Segments) Word() Word { return WordSegments }

func (m *Segments) walk(c *codec) {
	number(c, 1, "CONTENT", "内容", "content", &m.Content)
	number(c, 2, "OFFSET", "段偏移", "segment offset", &m.Offset)
	number(c, 1, "SEGS", "段数", "segments", &m.Count)
	c.rest("DATA", "数据", "data", &m.Data, -1)
	if c.err == nil && (len(m.Data)+SegmentSize-1)/SegmentSize != int(m.Count) {
		c.fail("DATA", fmt.Errorf("%d bytes in %d segments: %w", len(m.Data), m.Count, ErrLength))
	}
}

// Cut returns the answer to ask out of a whole file: min(asked, MaxSegments, what is left). Past the end it is empty.
// Source: dispenser.md 3.7.
func (m *SegmentsAsk) Cut(file []byte) *Segments {
	from := min(int(m.Offset)*SegmentSize, len(file))
	data := file[from:min(from+min(int(m.Count), MaxSegments)*SegmentSize, len(file))]
	return &Segments{m.Content, m.Offset, byte((len(data) + SegmentSize - 1) / SegmentSize), data}
}

// Date is YYYYMMDD in packed BCD. Source: dispenser.md 3.8.
type Date [4]byte

// String prints the digits.
func (d Date) String() string { return fmt.Sprintf("%X", d[:]) }

// Area says where a list holds, in BCD: FFFF nation, PPFF province, PPCC city. Source: dispenser.md 3.8.
type Area [2]byte

// String prints the digits.
func (a Area) String() string { return fmt.Sprintf("%X", a[:]) }

// ListFile is a black or white list, contents 0-3. Source: dispenser.md 3.8.
type ListFile struct {
	Version  uint16
	From, To Date
	Area     Area
	Cards    []pboc.ASN // strictly ascending: boards search by bisection
}

func (l *ListFile) walk(c *codec) {
	number(c, 2, "VER", "版本", "version", &l.Version)
	c.fixed("FROM", "生效日期", "valid from", l.From[:], &l.From)
	c.fixed("TO", "失效日期", "valid to", l.To[:], &l.To)
	c.fixed("AREA", "有效地区", "area", l.Area[:], &l.Area)
	n := int64(len(l.Cards))
	number(c, 4, "COUNT", "数量", "count", &n)
	groups(c, "ASN", &l.Cards, int(n), len(pboc.ASN{}), func(c *codec, a *pboc.ASN) {
		c.fixed("ASN", "卡应用序列号", "card number", a[:], a)
	})
	for i := 1; c.err == nil && i < len(l.Cards); i++ {
		if bytes.Compare(l.Cards[i-1][:], l.Cards[i][:]) >= 0 {
			c.fail("ASN", fmt.Errorf("card %d of the list is not above the one before it: %w", i+1, ErrValue))
		}
	}
}

// Bytes returns the file. ErrValue for a list that is not strictly ascending, ErrLength beyond MaxFile.
func (l ListFile) Bytes() ([]byte, error) { return fileBytes("list", &l) }

// ParseListFile reads the file; ErrValue if it is not strictly ascending.
func ParseListFile(b []byte) (l ListFile, err error) {
	err = parseFile("list", &l, b)
	return l, err
}

// PriceTable is the prices now and from a civil minute on, content 4. Now and Next name the same number of nozzles.
// Source: dispenser.md 3.8.
type PriceTable struct {
	Version   byte
	Effective Minute
	Now, Next []NozzlePrice
}

// Minute is YYYYMMDDhhmm in packed BCD, civil time. Source: dispenser.md 3.8.
type Minute [6]byte

// Stamp is the minute's first second.
func (m Minute) Stamp() (s Stamp) {
	copy(s[:], m[:])
	return s
}

// String prints the digits.
func (m Minute) String() string { return fmt.Sprintf("%X", m[:]) }

// NozzlePrice is what a nozzle sells and for how much. Source: dispenser.md 3.8.
type NozzlePrice struct {
	NZN     NZN
	Product Product
	Density uint32
	Prices  []unit.Price // 2 bytes each; send one
}

// nozzlePriceMin is a record without any price.
const nozzlePriceMin = 8

func (p *NozzlePrice) walk(c *codec) {
	item := c.item
	number(c, 1, "NZN", "枪号", "nozzle", &p.NZN)
	c.fixed("CODE", "油品代码", "product code", p.Product[:], &p.Product)
	number(c, 4, "DENSITY", "密度", "density", &p.Density)
	list(c, "K", "单价个数", "number of prices", &p.Prices, 2, func(c *codec, v *unit.Price) {
		number(c, 2, "PRC", "单价", "price", v)
	})
	c.item = item
}

func (t *PriceTable) walk(c *codec) {
	number(c, 1, "VER", "版本", "version", &t.Version)
	c.fixed("EFFECTIVE", "生效时间", "effective", t.Effective[:], &t.Effective)
	if c.put && len(t.Now) != len(t.Next) {
		c.fail("N", fmt.Errorf("%d prices now, %d next: %w", len(t.Now), len(t.Next), ErrValue))
		return
	}
	each := func(c *codec, p *NozzlePrice) { p.walk(c) }
	list(c, "N", "枪数", "number of nozzles", &t.Now, nozzlePriceMin, each)
	groups(c, "NEXT", &t.Next, len(t.Now), nozzlePriceMin, each)
}

// Bytes returns the file. ErrRange for a price beyond 2 bytes, ErrValue if Now and Next differ in length.
func (t PriceTable) Bytes() ([]byte, error) { return fileBytes("price table", &t) }

// ParsePriceTable reads the file.
func ParsePriceTable(b []byte) (t PriceTable, err error) {
	err = parseFile("price table", &t, b)
	return t, err
}

// StationInfo says where a board stands and which nozzles it has, content 5. Source: dispenser.md 3.8.
type StationInfo struct {
	Version  byte
	Province byte    // BCD
	City     byte    // BCD
	Superior [4]byte // BCD
	Station  [4]byte // BCD
	POSP     byte    // the board's address
	Nozzles  []NZN   // none = the nozzle is closed
}

func (s *StationInfo) walk(c *codec) {
	number(c, 1, "VER", "版本", "version", &s.Version)
	c.place(&s.Province, &s.City, &s.Superior, &s.Station)
	number(c, 1, "POS_P", "加油机地址", "board address", &s.POSP)
	list(c, "N", "枪数", "number of nozzles", &s.Nozzles, 1, nozzle)
}

// Bytes returns the file.
func (s StationInfo) Bytes() ([]byte, error) { return fileBytes("station info", &s) }

// ParseStationInfo reads the file.
func ParseStationInfo(b []byte) (s StationInfo, err error) {
	err = parseFile("station info", &s, b)
	return s, err
}

func fileBytes(what string, w walker) ([]byte, error) {
	b, err := encode(w)
	if err == nil && len(b) > MaxFile {
		err = fmt.Errorf("%d bytes, at most %d: %w", len(b), MaxFile, ErrLength)
	}
	if err != nil {
		return nil, fmt.Errorf("fa: %s: %w", what, err)
	}
	return b, nil
}

func parseFile(what string, w walker, b []byte) error {
	if err := decode(w, b); err != nil {
		return fmt.Errorf("fa: %s: %w", what, err)
	}
	return nil
}

package dispenser

import (
	"greylock/system/wire/fa"
)

// order is the priority of downloads. Source: dispenser.md 3.2, 5.
var order = [...]fa.Content{fa.ContentStation, fa.ContentPrice, fa.ContentBase, fa.ContentAdded, fa.ContentDeleted, fa.ContentWhite}

// versionOf reads the version of a content out of the six.
func versionOf(v fa.Versions, c fa.Content) uint16 {
	switch c {
	case fa.ContentBase:
		return v.Base
	case fa.ContentAdded:
		return uint16(v.Added)
	case fa.ContentDeleted:
		return uint16(v.Deleted)
	case fa.ContentWhite:
		return uint16(v.White)
	case fa.ContentPrice:
		return uint16(v.Price)
	case fa.ContentStation:
		return uint16(v.Station)
	}
	return 0
}

// wanted is the content that is to be fetched now: announced, not 0, not ours, seen often enough.
func (b *Board) wanted() (fa.Content, bool) {
	l := &b.link
	if l.same < steady {
		return 0, false
	}
	for _, c := range order {
		v := versionOf(l.announced, c)
		if v != 0 && v != versionOf(b.mem.state.Versions, c) && b.now >= l.rest[c] {
			return c, true
		}
	}
	return 0, false
}

// fetch goes on with a download or starts one. Station info and prices pre-empt a running list download.
func (b *Board) fetch() bool {
	d := &b.link.down
	c, ok := b.wanted()
	if !ok {
		d.active = false
		return false
	}
	if d.active && d.content == c {
		at := len(d.data) / fa.SegmentSize
		b.ask(&fa.SegmentsAsk{Content: c, Offset: uint16(at), Count: fa.MaxSegments}, waitData)
		return true
	}
	*d = download{content: c}
	base := versionOf(b.link.announced, c)
	if c == fa.ContentAdded || c == fa.ContentDeleted || c == fa.ContentBase {
		base = b.mem.state.Versions.Base
	}
	b.ask(&fa.DownloadAsk{Content: c, Base: base}, waitStart)
	return true
}

// begun takes the length. Length 0 is "nothing to give": what the board has stays (dispenser.md 3.14).
func (b *Board) begun(m *fa.DownloadAnswer) {
	d := &b.link.down
	if m.Length == 0 || m.Length > uint32(listCap) {
		b.link.rest[d.content] = b.now.Add(downloadRest)
		return
	}
	d.active, d.length = true, int(m.Length)
}

// segments takes the next bytes. A short segment before the end would leave a hole, so it ends the download.
func (b *Board) segments(m *fa.Segments) {
	d := &b.link.down
	d.data = append(d.data, m.Data...)
	switch {
	case len(d.data) >= d.length:
		d.active = false
		if !b.apply(d.content, d.data[:d.length]) && !b.dead {
			b.link.rest[d.content] = b.now.Add(downloadRest)
			b.fault("E11 FILE", "下载数据错误", "a downloaded file is not usable")
		}
	case len(m.Data) == 0 || len(m.Data)%fa.SegmentSize != 0:
		d.active = false
		b.link.rest[d.content] = b.now.Add(downloadRest)
	}
}

// apply makes a file durable and valid; false leaves everything as it was.
func (b *Board) apply(c fa.Content, file []byte) bool {
	switch c {
	case fa.ContentStation:
		return b.applyStation(file)
	case fa.ContentPrice:
		return b.applyPrices(file)
	}
	l, err := fa.ParseListFile(file)
	if err != nil {
		return false
	}
	if b.kill(b.mem.putList(c, file)) {
		return false
	}
	v := &b.mem.state.Versions
	switch c {
	case fa.ContentBase:
		v.Base = l.Version
	case fa.ContentAdded:
		v.Added = byte(l.Version)
	case fa.ContentDeleted:
		v.Deleted = byte(l.Version)
	case fa.ContentWhite:
		v.White = byte(l.Version)
	}
	return !b.kill(b.mem.commit())
}

func (b *Board) applyStation(file []byte) bool {
	s, err := fa.ParseStationInfo(file)
	if err != nil || s.POSP > fa.MaxPOSP {
		return false
	}
	st := &b.mem.state
	was := b.nzn()
	st.Station, st.Confirmed, st.Versions.Station = s, true, s.Version
	if n, open := b.nozzle(); open {
		st.Number = n
	}
	if b.nzn() != was {
		st.Versions.Price = 0 // the table in force was read for another nozzle: fetch it again
	}
	if b.kill(b.mem.commit()) {
		return false
	}
	b.changed()
	return true
}

// applyPrices takes the table of this nozzle and leaves a T-TYPE 8 record. A sale that runs keeps its price; prices to come
// are switched in by reprice.
func (b *Board) applyPrices(file []byte) bool {
	t, err := fa.ParsePriceTable(file)
	if err != nil {
		return false
	}
	if _, err := t.Effective.Stamp().Civil(); err != nil {
		return false
	}
	st := &b.mem.state
	st.Now, st.Then, st.Effective = pick(t.Now, b.nzn()), pick(t.Next, b.nzn()), t.Effective
	st.Versions.Price = t.Version
	b.mem.due(&st.Now, &st.Then, st.Effective, b.civil())
	r := b.blank(fa.PriceReceived)
	r.Product, r.Price = st.Now.Product, st.Now.Price
	b.mem.await(r)
	if b.kill(b.mem.commit()) {
		return false
	}
	b.changed()
	return true
}

// pick finds the price of a nozzle.
func pick(records []fa.NozzlePrice, n fa.NZN) price {
	for _, r := range records {
		if r.NZN == n && len(r.Prices) > 0 && r.Prices[0] > 0 {
			return price{Set: true, Product: r.Product, Price: r.Prices[0]}
		}
	}
	return price{}
}

package fa_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

func TestWorkedFiles(t *testing.T) {
	t.Parallel()
	price := func(n fa.NZN, code byte, p unit.Price) fa.NozzlePrice {
		product := fa.Product{0x10, 0x31}
		if code == 0x20 {
			product = fa.Product{0x20, 0x11}
		}
		return fa.NozzlePrice{NZN: n, Product: product, Prices: []unit.Price{p}}
	}
	prices := fa.PriceTable{Version: 0xF8, Effective: fa.Minute{0x20, 0x26, 0x11, 0x23},
		Now:  []fa.NozzlePrice{price(1, 0x10, 785), price(2, 0x20, 742)},
		Next: []fa.NozzlePrice{price(1, 0x10, 792), price(2, 0x20, 749)}}
	black := fa.ListFile{Version: 0xAB, From: fa.Date{0x20, 0x26, 1, 1}, To: fa.Date{0x20, 0x27, 1, 1}, Area: fa.Area{0x11, 0xFF},
		Cards: []pboc.ASN{asn(t, "01000111110000000007"), asn(t, "01000111110000000042")}}
	info := fa.StationInfo{Version: 0xDF, Province: 0x11, City: 0x11, Superior: ones, Station: ones, POSP: 1, Nozzles: []fa.NZN{1, 2}}

	check := func(key string, want any, got any, err error, enc []byte, encErr error) {
		if err != nil || !cmp.Equal(want, got) {
			t.Errorf("content %s: %v %s", key, err, cmp.Diff(want, got))
		}
		if raw := unhex(t, workedFiles[key]); encErr != nil || !bytes.Equal(enc, raw) {
			t.Errorf("content %s: %X, %v, want %X", key, enc, encErr, raw)
		}
	}
	p, err := fa.ParsePriceTable(unhex(t, workedFiles["4"]))
	enc, encErr := prices.Bytes()
	check("4", prices, p, err, enc, encErr)
	l, err := fa.ParseListFile(unhex(t, workedFiles["0"]))
	enc, encErr = black.Bytes()
	check("0", black, l, err, enc, encErr)
	s, err := fa.ParseStationInfo(unhex(t, workedFiles["5"]))
	enc, encErr = info.Bytes()
	check("5", info, s, err, enc, encErr)
	if prices.Effective.Stamp().String() != "2026-11-23 00:00:00" {
		t.Errorf("effective %v", prices.Effective.Stamp())
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	a, b := asn(t, "01000111110000000007"), asn(t, "01000111110000000042")
	for name, cards := range map[string][]pboc.ASN{"falling": {b, a}, "twice": {a, a}} {
		if _, err := (fa.ListFile{Cards: cards}).Bytes(); !errors.Is(err, fa.ErrValue) {
			t.Errorf("list %s: %v", name, err)
		}
	}
	raw := unhex(t, workedFiles["0"])
	copy(raw[16:26], b[:])
	if _, err := fa.ParseListFile(raw); !errors.Is(err, fa.ErrValue) {
		t.Errorf("unsorted list: %v", err)
	}
	raw = unhex(t, workedFiles["0"])
	raw[12] = 0xFF
	if _, err := fa.ParseListFile(raw); !errors.Is(err, fa.ErrLength) {
		t.Errorf("list with an absurd count: %v", err)
	}
	one := []fa.NozzlePrice{{NZN: 1, Prices: []unit.Price{785}}}
	if _, err := (fa.PriceTable{Now: one}).Bytes(); !errors.Is(err, fa.ErrValue) {
		t.Errorf("prices now and next differ in number: %v", err)
	}
	one[0].Prices[0] = 65536
	if _, err := (fa.PriceTable{Now: one, Next: one}).Bytes(); !errors.Is(err, fa.ErrRange) {
		t.Errorf("price 655.36: %v", err)
	}
	if _, err := (fa.StationInfo{Nozzles: make([]fa.NZN, 256)}).Bytes(); !errors.Is(err, fa.ErrRange) {
		t.Errorf("256 nozzles: %v", err)
	}
	if _, err := (fa.ListFile{Cards: make([]pboc.ASN, 200000)}).Bytes(); err == nil {
		t.Error("a list of equal cards, longer than any download, was made")
	}
	for key, raw := range workedFiles {
		b := unhex(t, raw)
		for n := range b {
			if parseAny(key, b[:n]) == nil {
				t.Errorf("content %s cut to %d bytes was taken", key, n)
			}
		}
		if parseAny(key, append(b, 0)) == nil {
			t.Errorf("content %s with a surplus byte was taken", key)
		}
	}
}

func parseAny(key string, b []byte) (err error) {
	switch key {
	case "0":
		_, err = fa.ParseListFile(b)
	case "4":
		_, err = fa.ParsePriceTable(b)
	case "5":
		_, err = fa.ParseStationInfo(b)
	}
	return err
}

func TestCutOfADownload(t *testing.T) {
	t.Parallel()
	file := make([]byte, 500)
	for i := range file {
		file[i] = byte(i)
	}
	for _, c := range []struct {
		offset uint16
		asked  byte
		count  byte
		size   int
	}{
		{0, 15, 15, 240}, {0, 30, 15, 240}, {0, 1, 1, 16}, {15, 15, 15, 240}, {30, 15, 2, 20}, {31, 15, 1, 4},
		{32, 15, 0, 0}, {65535, 15, 0, 0}, {0, 0, 0, 0},
	} {
		ask := fa.SegmentsAsk{Content: fa.ContentPrice, Offset: c.offset, Count: c.asked}
		got := ask.Cut(file)
		if got.Count != c.count || len(got.Data) != c.size || c.size > 0 && got.Data[0] != byte(int(c.offset)*16) {
			t.Errorf("%+v: %d segments, %d bytes", c, got.Count, len(got.Data))
		}
		if _, err := fa.Build(1, 0xE0, fa.FromPC, got); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestProductDigits(t *testing.T) {
	t.Parallel()
	p, err := fa.ParseProduct("1031")
	if err != nil || p != (fa.Product{0x10, 0x31}) || p.String() != "1031" {
		t.Errorf("%v, %v", p, err)
	}
	for _, s := range []string{"", "103", "10311", "10A1", "油品"} {
		if _, err := fa.ParseProduct(s); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}

// A file that parses encodes to the same bytes.
func FuzzFiles(f *testing.F) {
	for key, raw := range workedFiles {
		f.Add(key[0]-'0', unhex(f, raw))
	}
	f.Fuzz(func(t *testing.T, content byte, raw []byte) {
		var back []byte
		var err, again error
		switch content % 3 {
		case 0:
			var l fa.ListFile
			if l, err = fa.ParseListFile(raw); err == nil {
				back, again = l.Bytes()
			}
		case 1:
			var p fa.PriceTable
			if p, err = fa.ParsePriceTable(raw); err == nil {
				back, again = p.Bytes()
			}
		case 2:
			var s fa.StationInfo
			if s, err = fa.ParseStationInfo(raw); err == nil {
				back, again = s.Bytes()
			}
		}
		if err == nil && (again != nil || !bytes.Equal(back, raw)) {
			t.Fatalf("%X became %X, %v", raw, back, again)
		}
	})
}

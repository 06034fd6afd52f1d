package fa_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
)

func asn(t testing.TB, digits string) pboc.ASN {
	t.Helper()
	a, err := pboc.ParseASN(digits)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

var (
	noon     = fa.StampOf(clock.Civil{Year: 2026, Month: 11, Day: 22, Hour: 17})
	versions = fa.Versions{Base: 0xAB, Added: 0x71, Deleted: 1, White: 0x8E, Price: 0xF8, Station: 0xDF}
	ones     = [4]byte{0x11, 0x11, 0x11, 0x11}
)

// workedRecord is the 32 record of dispenser.md 3.12 in its own words.
func workedRecord(t testing.TB) fa.Record {
	return fa.Record{
		POSTTC: 70001, Type: fa.Fuelling, Time: noon, ASN: asn(t, "01000111990000001234"), Balance: 30000, Amount: 20000,
		CTC: 17, TAC: pboc.MAC{0x11, 0x22, 0x33, 0x44}, PSAMTAC: pboc.MAC{}, PSAMNumber: asn(t, "01000099000000000001"),
		TID: pboc.TID{0, 0, 0, 0, 1, 1}, TTC: 70001, Unit: fa.PayCard, Version: 1, NZN: 1, Product: fa.Product{0x10, 0x31},
		Volume: 2548, Price: 785, Employee: 7, Total: 11750521, TMAC: pboc.MAC{0xA1, 0xB2, 0xC3, 0xD4},
	}
}

func TestWorkedFramesMeanWhatTheySay(t *testing.T) {
	t.Parallel()
	card := asn(t, "01000111990000001234")
	want := []fa.Message{
		&fa.Poll{}, &fa.Poll{},
		&fa.PollAnswer{Time: noon, Versions: versions},
		&fa.Live{},
		&fa.Live{Items: []fa.LiveItem{{St: fa.StCard, NZN: 1, ASN: card, Balance: 50000}}},
		&fa.Live{Items: []fa.LiveItem{{St: fa.StFuel, NZN: 1, Amount: 9687, Volume: 1234, Price: 785}}},
		nil,
		&fa.UploadAck{}, &fa.UploadAck{Result: fa.RecordWrong},
		&fa.DownloadAsk{Content: fa.ContentPrice, Base: 0xAB},
		&fa.DownloadAnswer{Length: 15, Content: fa.ContentStation},
		&fa.SegmentsAsk{Content: fa.ContentStation, Count: 1},
		&fa.Segments{Content: fa.ContentStation, Count: 1, Data: unhex(t, workedFiles["5"])},
		&fa.GreyAsk{ASN: card, Balance: 50000, CTC: 17, Time: noon},
		&fa.GreyAnswer{Flag: fa.NotFound},
		&fa.ListAsk{ASN: card},
		&fa.ListAnswer{Flag: fa.NotFound, ASN: card},
		&fa.TotalsAsk{},
		&fa.Totals{Nozzles: []fa.NozzleTotal{{NZN: 1, Total: 11750521}, {NZN: 2, Total: 8299}}},
		&fa.InfoAsk{},
		&fa.Info{Maker: fa.MakerOf("VDISP V1.00"), Province: 0x11, City: 0x11, Superior: ones, Station: ones, Time: noon,
			Nozzles: []fa.NZN{1, 2}, Versions: versions},
		&fa.Fault{Text: []byte("E07 PULSER")},
		&fa.LinkAck{Of: fa.WordFault},
		&fa.Reread{POSTTC: 70001},
		&fa.NoRecord{POSTTC: 70001},
		&fa.Live{Items: []fa.LiveItem{{St: fa.StFuel, NZN: 1, Amount: 0xFA10, Volume: 0x1FFA, Price: 785}}},
		&fa.ListAsk{ASN: asn(t, "01000111990088100000")},
	}
	for i, w := range workedFrames {
		f := one(t, unhex(t, w.hex))
		if want[i] == nil {
			want[i] = &fa.Upload{Record: workedRecord(t)}
		}
		got, err := fa.Parse(f)
		if err != nil {
			t.Errorf("%s: %v", w.name, err)
		}
		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Errorf("%s: %s", w.name, diff)
		}
		if f.FromPC() != (f.Src == 0xE0) || got.Word() != f.Word() {
			t.Errorf("%s: from PC %v, word %v", w.name, f.FromPC(), f.Word())
		}
	}
}

func TestEveryWordInBothDirectionsHasARow(t *testing.T) {
	t.Parallel()
	board := []byte{0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x38, 0x3A, 0x3B, 0x3C, 0x3F}
	pc := []byte{0x30, 0x32, 0x33, 0x34, 0x35, 0x36, 0x38, 0x3A, 0x3C, 0x3E}
	for word := range 256 {
		for _, dir := range []struct {
			ctl   byte
			known []byte
		}{{0, board}, {fa.FromPC, pc}} {
			_, err := fa.Parse(fa.Frame{Ctl: dir.ctl, Data: []byte{byte(word)}})
			if known := bytes.IndexByte(dir.known, byte(word)) >= 0; known == errors.Is(err, fa.ErrUnknown) {
				t.Errorf("word %02X, ctl %02X: %v", word, dir.ctl, err)
			}
		}
	}
	if _, err := fa.Parse(fa.Frame{}); !errors.Is(err, fa.ErrUnknown) {
		t.Errorf("frame without data: %v", err)
	}
}

func TestMalformedMessages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, data string
		fromPC     bool
		want       error
	}{
		{"30 with a byte more", "30 00", false, fa.ErrLength},
		{"30 answer of 16", "30 20 26 11 22 17 00 00 00 AB 71 01 8E F8 DF 00", true, fa.ErrLength},
		{"31 without a count", "31", false, fa.ErrLength},
		{"31 with too many", "31 FF 01", false, fa.ErrLength},
		{"31 St 3", "31 01 03 01", false, fa.ErrValue},
		{"31 card LEN 15", "31 01 01 01 0F 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", false, fa.ErrLength},
		{"31 card with more extra than there is", "31 01 01 01 12 01 00 01 11 99 00 00 00 12 34 00 00 00 00 C3 50 01", false, fa.ErrLength},
		{"31 fuelling cut", "31 01 02 01 00 00 25 D7", false, fa.ErrLength},
		{"32 of 95", "32" + strings.Repeat(" 00", 94), false, fa.ErrLength},
		{"32 of 97", "32" + strings.Repeat(" 00", 96), false, fa.ErrLength},
		{"34 without its bytes", "34 05 00 00 01", true, fa.ErrLength},
		{"34 with too many bytes", "34 05 00 00 01" + strings.Repeat(" 11", 17), true, fa.ErrLength},
		{"38 with half a nozzle", "38 02 01 00 B3 4C 79 02", false, fa.ErrLength},
		{"3A cut", "3A 56 44", false, fa.ErrLength},
		{"3B alone", "3B", false, fa.ErrLength},
		{"3F cut", "3F 00 01", false, fa.ErrLength},
	} {
		f := fa.Frame{Data: unhex(t, c.data)}
		if c.fromPC {
			f.Ctl = fa.FromPC
		}
		m, err := fa.Parse(f)
		if !errors.Is(err, c.want) || m != nil && err == nil {
			t.Errorf("%s: %v, %v, want %v", c.name, m, err, c.want)
		}
		if d := fa.Describe(f); d.Err == nil {
			t.Errorf("%s: described without an error: %+v", c.name, d)
		}
	}
}

func TestValuesThatDoNotFitAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		m    fa.Message
		want error
	}{
		{"amount of 2^24", &fa.GreyAnswer{Amount: 1 << 24}, fa.ErrRange},
		{"negative balance", &fa.GreyAsk{Balance: -1}, fa.ErrRange},
		{"volume of 2^24", &fa.Live{Items: []fa.LiveItem{{St: fa.StFuel, Volume: 1 << 24}}}, fa.ErrRange},
		{"price of 655.36", &fa.Live{Items: []fa.LiveItem{{St: fa.StFuel, Price: 65536}}}, fa.ErrRange},
		{"extra data of 240", &fa.Live{Items: []fa.LiveItem{{St: fa.StCard, Extra: make([]byte, 240)}}}, fa.ErrRange},
		{"256 nozzles", &fa.Totals{Nozzles: make([]fa.NozzleTotal, 256)}, fa.ErrRange},
		{"more than a frame", &fa.Totals{Nozzles: make([]fa.NozzleTotal, 100)}, fa.ErrLength},
		{"segments that do not match", &fa.Segments{Count: 2, Data: make([]byte, 16)}, fa.ErrLength},
		{"St 3", &fa.Live{Items: []fa.LiveItem{{St: 3}}}, fa.ErrValue},
	} {
		if _, err := fa.Build(1, 2, 0, c.m); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := fa.Build(1, 2, 0, &fa.Live{Items: []fa.LiveItem{{St: fa.StFuel, Volume: 1<<24 - 1, Price: 65535}}}); err != nil {
		t.Errorf("largest values: %v", err)
	}
}

func TestDescribeNamesEveryByte(t *testing.T) {
	t.Parallel()
	for _, w := range workedFrames {
		f := one(t, unhex(t, w.hex))
		d := fa.Describe(f)
		if d.Err != nil || d.Zh == "" || d.En == "" {
			t.Errorf("%s: %+v", w.name, d)
		}
		at := 1
		for _, field := range d.Fields {
			if field.Offset != at || field.Name == "" || field.Zh == "" || field.En == "" || field.Value == "" && field.Name != "IC_DATA" && field.Length > 0 {
				t.Errorf("%s: at %d: %+v", w.name, at, field)
			}
			if (field.MeansZh == "") != (field.MeansEn == "") {
				t.Errorf("%s: %s means something in one language only", w.name, field.Name)
			}
			if strings.Contains(field.Value, "0000001234") {
				t.Errorf("%s: %s shows the card number: %s", w.name, field.Name, field.Value)
			}
			at += field.Length
		}
		if at != len(f.Data) {
			t.Errorf("%s: %d of %d bytes described", w.name, at, len(f.Data))
		}
	}
}

func TestDescribeValues(t *testing.T) {
	t.Parallel()
	value := func(frame int, name string) string {
		for _, f := range fa.Describe(one(t, unhex(t, workedFrames[frame].hex))).Fields {
			if f.Name == name {
				return strings.Join(strings.Fields(f.Value+" "+f.MeansZh+" "+f.MeansEn), " ")
			}
		}
		return "(no field " + name + ")"
	}
	for _, c := range []struct {
		frame      int
		name, want string
	}{
		{2, "PC_TIME", "2026-11-22 17:00:00"},
		{2, "BL_VER", "171"},
		{4, "St[1]", "1 卡插入 card inserted"},
		{4, "CardSt[1]", "0000 正常 normal"},
		{4, "BAL[1]", "500.00"},
		{5, "VOL[1]", "12.34"},
		{6, "AMN", "200.00"},
		{6, "VOL", "25.48"},
		{6, "V-TOT", "117505.21"},
		{6, "T-TYPE", "00 加油 fuelling"},
		{6, "UNIT", "10 油票(卡), 分 oil voucher (card), fen"},
		{6, "ASN", "010001**********1234"},
		{8, "RESULT", "1 T-MAC 错 T-MAC wrong"},
		{9, "CONTENT", "4 油价表 price table"},
		{18, "V-TOT[2]", "82.99"},
		{20, "MAKER", "VDISP V1.00"},
		{20, "PROVINCE", "11"},
		{21, "TEXT", "E07 PULSER"},
		{22, "HANDLE", "3BH"},
	} {
		if got := value(c.frame, c.name); got != c.want {
			t.Errorf("%s %s: %q, want %q", workedFrames[c.frame].name, c.name, got, c.want)
		}
	}
	d := fa.Describe(fa.Frame{Data: []byte{0x60, 1, 2}})
	if !errors.Is(d.Err, fa.ErrUnknown) || len(d.Fields) != 1 || d.Fields[0].Value != "0102" {
		t.Errorf("unknown word: %+v", d)
	}
}

func TestFoldedVersions(t *testing.T) {
	t.Parallel()
	for v, want := range map[uint64]byte{0: 0, 1: 1, 255: 255, 256: 1, 510: 255, 511: 1} {
		if got := fa.FoldVersion(v); got != want {
			t.Errorf("version %d folds to %d, want %d", v, got, want)
		}
	}
	for v, want := range map[uint64]uint16{0: 0, 1: 1, 65535: 65535, 65536: 1} {
		if got := fa.FoldBase(v); got != want {
			t.Errorf("base version %d folds to %d, want %d", v, got, want)
		}
	}
}

func TestPOSTTCSinceRollsOver(t *testing.T) {
	t.Parallel()
	if n := fa.POSTTC(2).Since(0xFFFFFFFF); n != 3 {
		t.Errorf("2 is %d after FFFFFFFF", n)
	}
}

// A frame that parses builds again to the same data; one that does not is an error. Describe never fails on either.
func FuzzParse(f *testing.F) {
	for _, w := range workedFrames {
		frame := one(f, unhex(f, w.hex))
		f.Add(frame.FromPC(), frame.Data)
	}
	f.Fuzz(func(t *testing.T, fromPC bool, data []byte) {
		frame := fa.Frame{Dst: 1, Src: 2, Data: data}
		if fromPC {
			frame.Ctl = fa.FromPC
		}
		m, err := fa.Parse(frame)
		if d := fa.Describe(frame); (d.Err == nil) != (err == nil) {
			t.Fatalf("%X: parsed with %v, described with %v", data, err, d.Err)
		}
		if err != nil || len(data) > fa.MaxAccept {
			return
		}
		back, err := fa.Build(1, 2, frame.Ctl, m)
		if err != nil || !bytes.Equal(back.Data, data) {
			t.Fatalf("%X parsed to %+v and built %X, %v", data, m, back.Data, err)
		}
	})
}

func TestMakerIsPadded(t *testing.T) {
	t.Parallel()
	if m := fa.MakerOf("A NAME THAT IS TOO LONG"); m.String() != "A NAME THAT" || len(m) != 12 {
		t.Errorf("%q", m)
	}
	if m := (fa.Maker{'A', 0xFA, 'B', 0, 0}); m.String() != "A.B" {
		t.Errorf("%q", m)
	}
}

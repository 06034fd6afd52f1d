package dispenser

import (
	"bytes"
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// cutter is an NV whose power fails after so many more bytes, in the middle of a write; left < 0 never.
type cutter struct {
	*Memory
	left   int
	writes []int // length of each write
}

func (c *cutter) Write(off int, p []byte) error {
	c.writes = append(c.writes, len(p))
	if c.left < 0 || len(p) <= c.left {
		if c.left >= 0 {
			c.left -= len(p)
		}
		return c.Memory.Write(off, p)
	}
	_ = c.Memory.Write(off, p[:c.left])
	c.left = 0
	return ErrCut
}

func testRecord(n int) fa.Record {
	return fa.Record{Type: fa.Fuelling, Time: fa.StampOf(clock.At(2026, 11, 22, 9, 0, n%60).Civil()), POSTTC: fa.POSTTC(n),
		ASN: pboc.ASN{1, 0, 1}, Volume: unit.Quantity(n), Amount: unit.Fen(n), TMAC: pboc.MAC{1}}
}

// TestLogSurvivesACutAtEveryByte: records, acknowledgements and totals are the old or the new ones, never something else.
func TestLogSurvivesACutAtEveryByte(t *testing.T) {
	t.Parallel()
	const size = 5
	act := func(m *memory, n int) error {
		if err := m.count(n); err != nil {
			return err
		}
		if _, err := m.store(testRecord(n), func(s *state) { s.Cash += unit.Fen(n) }); err != nil {
			return err
		}
		return m.answered(m.state.Sent, n%3 == 0)
	}
	prefix := func(acts int) *Memory {
		nv := &Memory{}
		m := open(nv, size)
		for n := 1; n <= acts; n++ {
			if err := act(m, n); err != nil {
				t.Fatal(err)
			}
		}
		return nv
	}
	for acts, every := range map[int]int{0: 31, 1: 29, 4: 1, 7: 37} { // bytes: each of them once, elsewhere a sample
		base := prefix(acts)
		old, next := open(base.Clone(), size), open(base.Clone(), size)
		if err := act(next, acts+1); err != nil {
			t.Fatal(err)
		}
		for cut := 0; ; cut += every {
			nv := &cutter{Memory: base.Clone(), left: cut}
			if act(open(nv, size), acts+1) == nil {
				break
			}
			m := open(nv.Memory, size)
			if m.total != old.total && m.total != next.total {
				t.Fatalf("%d acts, cut at %d: total %v", acts, cut, m.total)
			}
			if m.state.Next != old.state.Next && m.state.Next != next.state.Next || m.state.Cash != unit.Fen(m.state.Next-1)*unit.Fen(m.state.Next)/2 {
				t.Fatalf("%d acts, cut at %d: state %+v", acts, cut, m.state)
			}
			for n := max(m.oldest(), m.state.Next-size+1); n < m.state.Next; n++ {
				want := testRecord(int(n)).Bytes()
				if raw, ok := m.read(n); !ok || raw != want {
					t.Fatalf("%d acts, cut at %d: record %d is lost (%v)", acts, cut, n, ok)
				}
			}
			if cut%50 != 0 {
				continue
			}
			if err := act(m, int(m.state.Next)); err != nil { // and the log goes on
				t.Fatal(err)
			}
		}
	}
}

// TestRingNeverForgetsSilently: a record that the station never had is overwritten only with a count.
func TestRingNeverForgetsSilently(t *testing.T) {
	t.Parallel()
	m := open(&Memory{}, 4)
	for n := 1; n <= 6; n++ {
		if _, err := m.store(testRecord(n), nil); err != nil {
			t.Fatal(err)
		}
	}
	if m.state.Overrun != 2 || m.unsent() != 4 || m.state.Sent != 3 {
		t.Errorf("overrun %d, unsent %d, from %d", m.state.Overrun, m.unsent(), m.state.Sent)
	}
	if _, ok := m.read(2); ok {
		t.Error("record 2 is still there")
	}
	if _, ok := m.read(7); ok {
		t.Error("record 7 is there already")
	}
}

func TestMemoryIsFlatBytes(t *testing.T) {
	t.Parallel()
	var m Memory
	long := bytes.Repeat([]byte("greylock"), 2000)
	if err := m.Write(page-3, long); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(long))
	if m.Read(page-3, got); !bytes.Equal(got, long) {
		t.Error("not what was written")
	}
	c := m.Clone()
	_ = m.Write(page, []byte("changed!"))
	if c.Read(page-3, got); !bytes.Equal(got, long) {
		t.Error("the clone changed")
	}
	far := []byte{1, 2, 3}
	if m.Read(1<<30, far); !bytes.Equal(far, make([]byte, 3)) {
		t.Error("bytes never written are not zero")
	}
}

// sale plays one sale with a power cut after so many bytes written to NV; it reports whether the cut happened.
func saleWithCut(t *testing.T, left int, stay bool) (*rig, *chipCard, *cutter) {
	r := readyRig(t)
	nv := &cutter{Memory: r.nv, left: left}
	r.board.mem.nv = nv
	c := newCard(1, 50000)
	r.insert(c)
	hands := func() bool { return r.board.Dead() || r.board.View().Stage == "ready" }
	r.until("ready", time.Minute, hands)
	r.keys("20Y")
	r.lift()
	r.until("fuelling", time.Minute, func() bool { return r.board.Dead() || r.board.fill.phase == fillRunning })
	r.squeeze(1000)
	r.until("end", time.Minute, func() bool {
		return r.board.Dead() || r.board.sess.talk == nil && r.board.fill.phase == fillNone && len(r.station.uploads) > 0 && r.board.View().Unsent == 0
	})
	if !stay {
		r.in = nil
	}
	return r, c, nv
}

// TestPowerCutInsideEachWrite: the power fails in the middle of every write of a sale, also of the first sale that the PSAM
// ever makes. Nothing is lost and nothing paid twice, with the card still in the slot and with the card taken away.
func TestPowerCutInsideEachWrite(t *testing.T) {
	t.Parallel()
	_, _, whole := saleWithCut(t, -1, true)
	at := 0
	for i, n := range whole.writes {
		const meter, sample = 12, 20 // bytes; of the meter's many writes only every so many
		for _, stay := range []bool{true, false} {
			if n == meter && i%sample != 0 {
				continue
			}
			r, c, _ := saleWithCut(t, at+n/2, stay)
			if !r.board.Dead() {
				t.Fatalf("no cut at byte %d", at+n/2)
			}
			afterCut(r, c, stay)
			accounts(t, r, c, i, stay)
		}
		at += n
	}
}

// afterCut gives the power back, lets everything settle, and sells once more.
func afterCut(r *rig, c *chipCard, stay bool) {
	r.cut()
	r.pass(3 * time.Second)
	r.power()
	r.pass(20 * time.Second)
	if !stay {
		r.insert(c)
	}
	r.until("settled", time.Minute, func() bool { return r.board.sess.talk == nil || r.board.View().Stage == "ready" })
	r.pull()
	r.insert(c)
	r.stage("ready")
	r.lift()
	r.until("fuelling", time.Minute, func() bool { return r.board.fill.phase == fillRunning })
	r.squeeze(1000)
	r.pass(3 * time.Second)
	r.hang()
	r.ended()
	r.pass(10 * time.Second)
}

// accounts checks records, card, totalizer and TTCs after two sales.
func accounts(t *testing.T, r *rig, c *chipCard, write int, stay bool) {
	t.Helper()
	var fuel unit.Quantity
	var money, paid unit.Fen
	kinds := map[pboc.PSAMTTC][]fa.TType{}
	numbers := map[fa.POSTTC]bool{}
	for _, rec := range r.station.uploads {
		if numbers[rec.POSTTC] {
			continue // offered again: the acknowledgement was lost in the cut
		}
		numbers[rec.POSTTC] = true
		sound(t, rec)
		kind := rec.Type.Kind()
		if kind == fa.Fuelling || kind == fa.Escape {
			fuel += rec.Volume
			money += rec.Amount
		}
		if kind == fa.Fuelling || kind == fa.TopUpDebit || kind == fa.Supplement {
			paid += rec.Amount
		}
		kinds[rec.TTC] = append(kinds[rec.TTC], kind)
	}
	if fuel != unit.Quantity(r.board.View().Total) || money != c.debited || paid != c.debited {
		t.Errorf("write %d, card stays %v: totalizer %v, records %v L %v yuan, paid %v, card %v: %v", write, stay,
			r.board.View().Total, fuel, money, paid, c.debited, kinds)
	}
	for ttc := pboc.PSAMTTC(1); ttc <= r.sam.ttc; ttc++ {
		if len(kinds[ttc]) == 0 {
			t.Errorf("write %d, card stays %v: TTC %d of %d is in no record: %v", write, stay, ttc, r.sam.ttc, kinds)
		}
	}
}

// TestListSurvivesACut: a download that the power interrupts leaves the list that was there.
func TestListSurvivesACut(t *testing.T) {
	t.Parallel()
	file := func(version uint16, cards int) []byte {
		l := fa.ListFile{Version: version, Area: fa.Area{0xFF, 0xFF}}
		for i := range cards {
			l.Cards = append(l.Cards, pboc.ASN{0x01, 0, 0x01, 9: byte(i)})
		}
		b, err := l.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	put := func(m *memory, f []byte) error {
		if err := m.putList(fa.ContentBase, f); err != nil {
			return err
		}
		return m.commit()
	}
	base := &Memory{}
	for version := range uint16(3) {
		if err := put(open(base, 4), file(version+1, 5)); err != nil {
			t.Fatal(err)
		}
	}
	for cut, done := 0, false; !done; cut += 13 {
		nv := &cutter{Memory: base.Clone(), left: cut}
		done = put(open(nv, 4), file(9, 8)) == nil
		l, ok := open(nv.Memory, 4).list(fa.ContentBase)
		if !ok || !(l.Version == 3 && len(l.Cards) == 5 || l.Version == 9 && len(l.Cards) == 8) || done != (l.Version == 9) {
			t.Fatalf("cut at %d: version %d, %d cards, %v", cut, l.Version, len(l.Cards), ok)
		}
	}
}

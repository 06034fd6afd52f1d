package station

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/link"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// noSource is an empty journal: these tests look at the forecourt side only.
type noSource struct{}

func (noSource) Head() (uint64, [32]byte)                      { return 0, [32]byte{} }
func (noSource) Read(uint64, func(journal.Record) error) error { return nil }

// rig drives a station by hand: it keeps what was sent and makes acts durable when told.
type rig struct {
	t    *testing.T
	c    *Core
	now  clock.Instant
	seq  uint64
	acts []link.Act
	sent map[int][]fa.Frame
	held []link.Send
	call []link.Call
	last link.Reply
	log  []record.Fact
	key  ed25519.PrivateKey
}

func newRig(t *testing.T) *rig {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	r := &rig{t: t, now: clock.At(2026, 11, 22, 17, 0, 0), sent: map[int][]fa.Frame{}, key: key}
	r.c = New(Config{
		Site: "0001", Realm: record.Training, CenterKey: key.Public().(ed25519.PublicKey), Ports: []Port{{Number: 1, Protocol: FA}, {Number: 2, Protocol: FA}},
		Source: noSource{}, Rand: rand.New(rand.NewPCG(1, 2)),
	})
	r.c.Start(r.now)
	r.c.Line(r.now, 1, true)
	r.take()
	return r
}

// take carries out effects; what waits for an act is held back.
func (r *rig) take() {
	fx := r.c.Take()
	r.acts = append(r.acts, fx.Acts...)
	for _, s := range fx.Sends {
		if s.After != 0 {
			r.held = append(r.held, s)
		} else {
			r.deliver(s)
		}
	}
	r.call = append(r.call, fx.Calls...)
	for _, x := range fx.Replies {
		r.last = x
	}
}

func (r *rig) deliver(s link.Send) {
	var d fa.Decoder
	d.Decode(s.Data, func(f fa.Frame) { r.sent[s.Line] = append(r.sent[s.Line], f) })
}

// flush makes every act durable and releases what waited.
func (r *rig) flush() {
	for len(r.acts) > 0 {
		a := r.acts[0]
		r.acts = r.acts[1:]
		for _, f := range a.Facts {
			r.seq++
			r.c.Apply(r.seq, f)
			r.log = append(r.log, f)
		}
		rest := r.held[:0]
		for _, s := range r.held {
			if s.After <= a.ID {
				r.deliver(s)
			} else {
				rest = append(rest, s)
			}
		}
		r.held = rest
		r.c.Durable(r.now, a.ID)
		r.take()
	}
}

// board sends a message from the board on port 1.
func (r *rig) board(m fa.Message) {
	r.t.Helper()
	f, err := fa.Build(fa.PCAddress, 1, 5, m)
	if err != nil {
		r.t.Fatal(err)
	}
	r.c.Receive(r.now, 1, fa.Encode(f))
	r.take()
}

// acks counts the acknowledgements on port 1 by result.
func (r *rig) acks() (good, wrong int) {
	for _, f := range r.sent[1] {
		m, err := fa.Parse(f)
		if err != nil {
			r.t.Fatal(err)
		}
		if a, ok := m.(*fa.UploadAck); ok {
			if a.Result == fa.RecordCorrect {
				good++
			} else {
				wrong++
			}
		}
	}
	return good, wrong
}

func (r *rig) facts(want string) (n int) {
	for _, f := range r.log {
		if f.FactType() == want {
			n++
		}
	}
	return n
}

func (r *rig) alarms() (kinds []string) {
	for _, f := range r.log {
		if a, ok := f.(record.Alarm); ok {
			kinds = append(kinds, a.Kind)
		}
	}
	return kinds
}

// sale is a plausible record; every change of n is another sale with the meter moved on.
func sale(n fa.POSTTC) fa.Record {
	r := fa.Record{
		POSTTC: n, Time: fa.Stamp{0x20, 0x26, 0x11, 0x22, 0x16, byte(n / 60 % 60 / 10 << 4), 0}, NZN: 1,
		ASN: pboc.ASN{0x01, 0x00, 0x01, 0x14, 0x40, 0, 0, 0, 0, 1}, TID: pboc.TID{0x99, 0x44, 0, 0, 0, 1}, TTC: pboc.PSAMTTC(n),
		PSAMNumber: pboc.ASN{0x01, 0, 0x10, 0x14, 0x40, 0, 0, 0, 0, 7}, Product: fa.Product{0x10, 0x31},
		Volume: 1000, Price: 785, Amount: 7850, Balance: 10000, CTC: pboc.CTC(n), Unit: 0x10, Employee: fa.NoEmployee,
	}
	r.Total = r.Total.Plus(1000 * 1)
	for i := fa.POSTTC(1); i < n; i++ {
		r.Total = r.Total.Plus(1000)
	}
	r.Time[6] = byte(n%60/10<<4 | n%10)
	r.MarkTraining()
	return r
}

func TestAcknowledgedOnlyWhenDurable(t *testing.T) {
	r := newRig(t)
	r.board(&fa.Upload{Record: sale(1)})
	if good, _ := r.acks(); good != 0 {
		t.Fatal("acknowledged before the disk has it")
	}
	r.board(&fa.Upload{Record: sale(1)}) // the board repeats while the flush is under way
	r.flush()
	if good, _ := r.acks(); good != 1 || r.facts("dispenser.record") != 1 {
		t.Fatalf("%d acks, %d records", good, r.facts("dispenser.record"))
	}
	r.board(&fa.Upload{Record: sale(1)}) // its acknowledgement was lost
	r.flush()
	if good, _ := r.acks(); good != 2 || r.facts("dispenser.record") != 1 {
		t.Fatalf("repeated: %d acks, %d records", good, r.facts("dispenser.record"))
	}
	if k := r.alarms(); len(k) != 0 {
		t.Errorf("alarms %q", k)
	}
}

func TestIntake(t *testing.T) {
	other := sale(1)
	other.Balance++
	nonsense := sale(1)
	nonsense.ASN[3] = 0xAA
	dear := sale(1)
	dear.Amount += 100
	jump := sale(2)
	jump.Total = jump.Total.Plus(1)
	production := sale(1)
	production.Reserved[10] = 0
	restarted := sale(1)
	restarted.Time, restarted.TTC = fa.Stamp{0x20, 0x26, 0x11, 0x22, 0x16, 0x30, 0}, 3
	leapt := sale(2)
	leapt.POSTTC = 1 << 30
	for _, c := range []struct {
		name                 string
		records              []fa.Record
		stored, conflict, no int
		alarms               []string
	}{
		{"two sales", []fa.Record{sale(1), sale(2)}, 2, 0, 0, nil},
		{"same key, other bytes", []fa.Record{sale(1), other, other}, 1, 1, 0, []string{"record-conflict"}},
		{"nibble above 9", []fa.Record{nonsense, nonsense}, 0, 0, 1, []string{"record-refused"}},
		{"amount does not fit", []fa.Record{dear}, 0, 0, 1, []string{"record-refused"}},
		{"totalizer jumps", []fa.Record{sale(1), jump}, 2, 0, 0, []string{"totalizer-jump"}},
		{"record of the other realm", []fa.Record{production}, 0, 0, 1, []string{"record-refused"}},
		{"a leap of the numbers", []fa.Record{sale(1), leapt}, 2, 0, 0, []string{"board-replaced"}},
		{"board replaced", []fa.Record{sale(1), sale(2), restarted}, 3, 0, 0, []string{"board-replaced"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			for _, x := range c.records {
				r.board(&fa.Upload{Record: x})
				r.flush()
			}
			good, wrong := r.acks()
			if r.facts("dispenser.record") != c.stored || r.facts("dispenser.conflict") != c.conflict || r.facts("dispenser.refused") != c.no {
				t.Errorf("stored %d, conflicts %d, refused %d", r.facts("dispenser.record"), r.facts("dispenser.conflict"), r.facts("dispenser.refused"))
			}
			if good+wrong != len(c.records) || (wrong > 0) != (c.no > 0) {
				t.Errorf("%d good and %d wrong acknowledgements for %d records", good, wrong, len(c.records))
			}
			if got := r.alarms(); !slices.Equal(got, c.alarms) {
				t.Errorf("alarms %q, want %q", got, c.alarms)
			}
		})
	}
}

// TestGapIsAskedAgain: numbers that are missing are asked for one by one, and 3FH closes those that are not there.
func TestGapIsAskedAgain(t *testing.T) {
	r := newRig(t)
	for _, n := range []fa.POSTTC{1, 4} {
		r.board(&fa.Upload{Record: sale(n)})
		r.flush()
	}
	asked := func() (list []fa.POSTTC) {
		for _, f := range r.sent[1] {
			if m, err := fa.Parse(f); err == nil {
				if x, ok := m.(*fa.Reread); ok && !slices.Contains(list, x.POSTTC) {
					list = append(list, x.POSTTC)
				}
			}
		}
		return list
	}
	for range 12 {
		r.now = r.now.Add(time.Second)
		r.c.Wake(r.now)
		r.take()
		for _, n := range asked() {
			switch n {
			case 2:
				r.board(&fa.Upload{Record: sale(2)})
			case 3:
				r.board(&fa.NoRecord{POSTTC: 3})
			}
			r.flush()
		}
	}
	if got := asked(); !slices.Equal(got, []fa.POSTTC{2, 3}) {
		t.Fatalf("asked for %v", got)
	}
	if r.facts("dispenser.record") != 3 || r.facts("dispenser.gap-closed") != 1 {
		t.Errorf("%d records, %d gaps closed", r.facts("dispenser.record"), r.facts("dispenser.gap-closed"))
	}
	if m := r.c.ports[0].intake.missing; len(m) != 0 {
		t.Errorf("still missing %v", m)
	}
}

// TestReplayIsTheSameState: a station that starts again on its journal knows what it knew.
func TestReplayIsTheSameState(t *testing.T) {
	r := newRig(t)
	for _, n := range []fa.POSTTC{1, 2, 5} {
		r.board(&fa.Upload{Record: sale(n)})
		r.flush()
	}
	again := newRig(t)
	for i, f := range r.log {
		again.c.Apply(uint64(i+1), f)
	}
	again.board(&fa.Upload{Record: sale(2)})
	again.flush()
	if again.facts("dispenser.record") != 0 {
		t.Error("a known record was stored again after replay")
	}
	if got, want := again.c.ports[0].intake.missing, []fa.POSTTC{3, 4}; !slices.Equal(got, want) {
		t.Errorf("missing %v, want %v", got, want)
	}
}

func TestGreyQuery(t *testing.T) {
	owed := sale(1)
	owed.Type, owed.TAC, owed.GMAC = fa.Escape, pboc.MAC{1, 2, 3, 4}, pboc.MAC{5, 6, 7, 8}
	ask := fa.GreyAsk{ASN: owed.ASN, Balance: owed.Balance, CTC: owed.CTC, DS: owed.DS, Time: owed.Time}
	answer := func(r *rig) *fa.GreyAnswer {
		for i := len(r.sent[1]) - 1; i >= 0; i-- {
			if m, err := fa.Parse(r.sent[1][i]); err == nil {
				if a, ok := m.(*fa.GreyAnswer); ok {
					return a
				}
			}
		}
		return nil
	}
	r := newRig(t)
	r.board(&fa.Upload{Record: owed})
	r.flush()
	r.board(&ask)
	if a := answer(r); a == nil || a.Flag != fa.Found || a.Amount != owed.Amount || a.GMAC != owed.GMAC || a.TTC != owed.TTC {
		t.Fatalf("own record: answer %+v", a)
	}
	unknown := ask
	unknown.CTC++
	r.sent[1] = nil
	r.board(&unknown)
	if answer(r) != nil || len(r.call) == 0 || r.call[len(r.call)-1].Path != record.PathAskGrey {
		t.Fatalf("not asked at the center: %+v", r.call)
	}
	id := r.call[len(r.call)-1].ID
	body, err := json.Marshal(record.GreyAnswer{Found: true, Amount: 4200, GMAC: pboc.MAC{9}, Sale: record.SaleID{TTC: 77}})
	if err != nil {
		t.Fatal(err)
	}
	r.c.Answered(r.now, id, http.StatusOK, body, nil)
	r.take()
	if a := answer(r); a == nil || a.Flag != fa.Found || a.Amount != 4200 || a.TTC != 77 {
		t.Fatalf("center's record: answer %+v", a)
	}
	paid := sale(2)
	paid.Type, paid.TID, paid.TTC = fa.TopUpDebit, owed.TID, owed.TTC
	r.board(&fa.Upload{Record: paid})
	r.flush()
	r.sent[1], r.call = nil, nil
	r.board(&ask)
	if a := answer(r); a != nil && a.Flag == fa.Found {
		t.Fatalf("a paid sale was offered again: %+v", a)
	}
}

// TestOrders: a directive makes versions and files; one with a bad signature changes nothing.
func TestOrders(t *testing.T) {
	r := newRig(t)
	put := func(topic record.Topic, version uint64, body any, key ed25519.PrivateKey) {
		old := r.key
		r.key = key
		r.put(topic, version, body)
		r.key = old
	}
	polled := func() fa.Versions {
		r.sent[1] = nil
		r.board(&fa.Poll{})
		for _, f := range r.sent[1] {
			if m, err := fa.Parse(f); err == nil {
				if a, ok := m.(*fa.PollAnswer); ok {
					return a.Versions
				}
			}
		}
		t.Fatal("a poll was not answered")
		return fa.Versions{}
	}
	if v := polled(); v != (fa.Versions{}) {
		t.Fatalf("an unconfirmed board is offered %+v", v)
	}
	layout := record.Layout{Name: "站", Province: 0x44, City: 1, Superior: record.Hex{0, 0, 0, 1}, Station: record.Hex{0, 0, 0, 1},
		Ports: []record.PortPlan{{Port: 1, POSP: 1, Nozzle: 1, NZN: 1, Product: "1031"}}}
	stranger := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, ed25519.SeedSize))
	put(record.TopicLayout, 1, layout, stranger)
	if v := polled(); v != (fa.Versions{}) {
		t.Fatalf("a stranger's layout is in force: %+v", v)
	}
	put(record.TopicLayout, 1, layout, r.key)
	put(record.TopicPrices, 3, record.PriceTable{Effective: "202611230000",
		Now: []record.Price{{Product: "1031", Price: 785}}, Next: []record.Price{{Product: "1031", Price: 792}}}, r.key)
	if v := polled(); v.Station != 1 || v.Price != 3 {
		t.Fatalf("versions %+v", v)
	}
	o, err := r.c.orders.forPort(1, boardPrices{})
	if err != nil {
		t.Fatal(err)
	}
	table, err := fa.ParsePriceTable(o.Files[fa.ContentPrice])
	if err != nil || table.Now[0].Prices[0] != 785 || table.Next[0].Prices[0] != 792 || table.Effective.String() != "202611230000" {
		t.Errorf("price table %+v, %v", table, err)
	}
}

// put brings a directive into force, signed with the rig's key.
func (r *rig) put(topic record.Topic, version uint64, body any) {
	r.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	line, err := record.Directive{Site: "0001", Topic: topic, Version: version, TimeMs: 1, Realm: record.Training, Body: text}.Sign(r.key)
	if err != nil {
		r.t.Fatal(err)
	}
	r.acts = append(r.acts, link.Act{ID: 99, Facts: []record.Fact{record.DirectiveApplied{TimeMs: r.now.Milli(), Directive: line}}})
	r.flush()
}

func TestServe(t *testing.T) {
	r := newRig(t)
	r.board(&fa.Upload{Record: sale(1)})
	r.flush()
	for _, c := range []struct {
		path, body, want string
		status           int
	}{
		{PathStatus, "", `"records":1`, http.StatusOK},
		{PathSales, `{"limit":5}`, `"amount_fen":7850`, http.StatusOK},
		{PathSales, `{"limit":-1}`, "BODY", http.StatusBadRequest},
		{PathSales, `{"lmit":1}`, "BODY", http.StatusBadRequest},
		{PathAlarms, "{}", `"alarms":[]`, http.StatusOK},
		{"/op/nothing", "{}", "UNKNOWN_PATH", http.StatusNotFound},
	} {
		r.c.Serve(r.now, 5, c.path, []byte(c.body))
		r.take()
		if r.last.Status != c.status || !strings.Contains(string(r.last.Body), c.want) {
			t.Errorf("%s %s: %d %s", c.path, c.body, r.last.Status, r.last.Body)
		}
	}
}

func TestOfflineIsAlarmed(t *testing.T) {
	r := newRig(t)
	r.board(&fa.Poll{})
	r.now = r.now.Add(11 * time.Second)
	r.c.Wake(r.now)
	r.take()
	r.flush()
	r.c.Line(r.now, 1, false)
	r.take()
	r.flush()
	if got := r.alarms(); !slices.Equal(got, []string{"board-offline", "line-lost"}) {
		t.Errorf("alarms %q", got)
	}
}

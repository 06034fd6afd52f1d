package station

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"greylock/fixtures"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// laidOut is a rig whose port 1 has nozzle 1 with product 1031 at 7.85 and the PSAM of sale, port 2 another PSAM.
func laidOut(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.put(record.TopicLayout, 1, record.Layout{Name: "站", Province: 0x44, City: 1, Superior: record.Hex{0, 0, 0, 1}, Station: record.Hex{0, 0, 0, 1},
		Ports: []record.PortPlan{
			{Port: 1, POSP: 1, Nozzle: 1, NZN: 1, Product: "1031", TID: sale(1).TID},
			{Port: 2, POSP: 2, Nozzle: 2, NZN: 1, Product: "1041", TID: pboc.TID{0x99, 0x44, 0, 0, 0, 2}},
		}})
	r.put(record.TopicPrices, 1, record.PriceTable{Effective: "202611220000",
		Now: []record.Price{{Product: "1031", Price: 785}}, Next: []record.Price{{Product: "1031", Price: 785}}})
	return r
}

// refusals are the codes of the records that were refused.
func (r *rig) refusals() (list []record.Finding) {
	for _, f := range r.log {
		if x, ok := f.(record.RecordRefused); ok {
			list = append(list, x.Code)
		}
	}
	return list
}

func (r *rig) bring(list ...fa.Record) {
	for _, x := range list {
		r.board(&fa.Upload{Record: x})
		r.flush()
	}
}

// TestMalformedFixtures: each of the forty is refused under its code, kept once, and acknowledged.
func TestMalformedFixtures(t *testing.T) {
	t.Parallel()
	all := fixtures.MalformedRecords()
	if len(all) != 40 {
		t.Fatalf("%d fixtures", len(all))
	}
	for _, m := range all {
		t.Run(m.Code+" "+m.What, func(t *testing.T) {
			t.Parallel()
			r := laidOut(t)
			x, err := fa.ParseRecord(m.Raw)
			if err != nil {
				t.Fatal(err)
			}
			r.bring(x, x)
			good, wrong := r.acks()
			if got := r.refusals(); !slices.Equal(got, []record.Finding{record.Finding(m.Code)}) || r.facts("dispenser.record") != 0 {
				t.Errorf("refused as %q, %d stored", got, r.facts("dispenser.record"))
			}
			if zh, en := record.Finding(m.Code).Words(); zh == "" || en == "" || !record.Finding(m.Code).Refused() {
				t.Errorf("%s is no word of a refusal", m.Code)
			}
			if misplaced := m.Code == "nozzle-wrong"; good+wrong != 2 || (wrong == 2) != misplaced {
				t.Errorf("%d good and %d wrong acknowledgements", good, wrong)
			}
		})
	}
}

// TestUntrue: what contradicts the journal or the layout is refused.
func TestUntrue(t *testing.T) {
	t.Parallel()
	added := sale(2) // the fuel of another sale in it: trust.md 3, features T3
	added.Volume, added.Amount = 2000, 15700
	again := sale(1)
	again.POSTTC = 2
	twice := sale(2)
	twice.TTC = 1
	crossed := sale(2)
	crossed.TID = pboc.TID{0x99, 0x44, 0, 0, 0, 2}
	late := sale(2)
	late.Volume, late.Amount, late.Total = 2000, 15700, sale(3).Total
	for _, c := range []struct {
		name    string
		records []fa.Record
		want    []record.Finding
		stored  int
	}{
		{"the sale before is added", []fa.Record{sale(1), added}, []record.Finding{record.FindMeter}, 1},
		{"the sale before again", []fa.Record{sale(1), again}, []record.Finding{record.FindRepeated}, 1},
		{"one number, two sales", []fa.Record{sale(1), twice}, []record.Finding{record.FindTwice}, 1},
		{"another port's board", []fa.Record{sale(1), crossed}, []record.Finding{record.FindCrossed}, 1},
		{"late, reaches into the next", []fa.Record{sale(1), sale(3), late}, []record.Finding{record.FindMeter}, 2},
		{"late, in its place", []fa.Record{sale(1), sale(3), sale(2)}, nil, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := laidOut(t)
			r.bring(c.records...)
			if got := r.refusals(); !slices.Equal(got, c.want) || r.facts("dispenser.record") != c.stored {
				t.Errorf("refused %q, %d stored", got, r.facts("dispenser.record"))
			}
			if len(c.want) == 0 && len(r.alarms()) > 0 {
				t.Errorf("alarms %q", r.alarms())
			}
		})
	}
}

// TestZeroSaleTellsNothingOfTheMeter: a lock released with zeros is no totalizer that went back, and the chain goes on behind it.
func TestZeroSaleTellsNothingOfTheMeter(t *testing.T) {
	t.Parallel()
	zero := sale(2)
	zero.Volume, zero.Amount, zero.Total, zero.Price = 0, 0, 0, 0
	next := sale(3)
	next.Total = sale(2).Total
	r := laidOut(t)
	r.bring(sale(1), zero, next)
	if r.facts("dispenser.record") != 3 || len(r.alarms()) != 0 {
		t.Errorf("%d stored, alarms %q, refused %q", r.facts("dispenser.record"), r.alarms(), r.refusals())
	}
}

// TestDoubts: what may be true is stored with its flag and an alarm.
func TestDoubts(t *testing.T) {
	t.Parallel()
	change := func(n fa.POSTTC, edit func(r *fa.Record)) fa.Record {
		r := sale(n)
		edit(&r)
		return r
	}
	for want, c := range map[record.Finding]struct {
		records []fa.Record
		alarm   string
	}{
		record.FindMeterJump:    {[]fa.Record{sale(1), change(2, func(r *fa.Record) { r.Total = r.Total.Plus(1) })}, "totalizer-jump"},
		record.FindMeterBack:    {[]fa.Record{sale(2), change(3, func(r *fa.Record) { r.Total = 5 })}, "totalizer-back"},
		record.FindPriceUnknown: {[]fa.Record{change(1, func(r *fa.Record) { r.Price, r.Amount = 784, 7840 })}, "record-suspect"},
		record.FindProductOther: {[]fa.Record{change(1, func(r *fa.Record) { r.Product = fa.Product{0x20, 0x11} })}, "record-suspect"},
		record.FindOrder:        {[]fa.Record{change(1, func(r *fa.Record) { r.Time[4] = 0x16; r.Time[5] = 0x30 }), sale(2)}, "record-suspect"},
		record.FindFuture:       {[]fa.Record{change(1, func(r *fa.Record) { r.Time[4] = 0x18 })}, "record-suspect"},
		record.FindTTCOrder:     {[]fa.Record{change(1, func(r *fa.Record) { r.TTC = 9 }), sale(2)}, "record-suspect"},
		record.FindFlow: {[]fa.Record{change(1, func(r *fa.Record) {
			r.Volume, r.Amount, r.Total = 100000, 785000, 100000
			r.Time = fa.Stamp{0x20, 0x26, 0x11, 0x22, 0x16, 0x59, 0}
		})}, "record-suspect"},
		record.FindFill: {[]fa.Record{change(1, func(r *fa.Record) {
			r.Volume, r.Amount, r.Total = 160000, 1256000, 160000
		})}, "record-suspect"},
		record.FindElsewhere: {[]fa.Record{change(1, func(r *fa.Record) { r.TID[5] = 9 })}, "record-suspect"},
		record.FindLate:      {[]fa.Record{sale(1000), sale(700)}, "record-suspect"},
	} {
		t.Run(string(want), func(t *testing.T) {
			t.Parallel()
			r := laidOut(t)
			r.bring(c.records...)
			var found []record.Finding
			for _, f := range r.log {
				if x, ok := f.(record.DispenserRecord); ok {
					found = append(found, x.Suspect...)
				}
			}
			if !slices.Contains(found, want) || len(r.refusals()) != 0 || !slices.Contains(r.alarms(), c.alarm) || want.Refused() {
				t.Errorf("found %q, refused %q, alarms %q", found, r.refusals(), r.alarms())
			}
		})
	}
}

// TestRefusedIsReadAgain: a record that was damaged on its way is right in the board's log: asked for once, it is stored; if the
// board says the same again, that is all there is.
func TestRefusedIsReadAgain(t *testing.T) {
	t.Parallel()
	damaged := sale(2)
	damaged.Volume, damaged.Amount = 2000, 15700
	for name, inside := range map[string]fa.Record{"damaged on the way": sale(2), "wrong in the board": damaged} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := laidOut(t)
			r.bring(sale(1), damaged)
			asked := 0
			for range 20 {
				r.now = r.now.Add(time.Second)
				r.sent[1] = nil
				r.c.Wake(r.now)
				r.take()
				for _, f := range r.sent[1] {
					if m, err := fa.Parse(f); err == nil {
						if q, ok := m.(*fa.Reread); ok && q.POSTTC == 2 {
							asked++
							r.bring(inside)
						}
					}
				}
				r.board(&fa.Poll{})
			}
			stored := map[bool]int{true: 2, false: 1}[inside == sale(2)]
			if asked != 1 || r.facts("dispenser.record") != stored || r.facts("dispenser.refused") != 1 || len(r.c.ports[0].intake.missing) != 0 {
				t.Errorf("asked %d times, %d stored, %d refused, missing %v", asked, r.facts("dispenser.record"), r.facts("dispenser.refused"), r.c.ports[0].intake.missing)
			}
		})
	}
}

// on sends a record from a board with that address on a port.
func (r *rig) on(port int, address byte, x fa.Record) {
	r.t.Helper()
	f, err := fa.Build(fa.PCAddress, address, 5, &fa.Upload{Record: x})
	if err != nil {
		r.t.Fatal(err)
	}
	r.c.Receive(r.now, port, fa.Encode(f))
	r.take()
	r.flush()
}

// TestOtherPort: a sale that came from one port is not taken again from another, whether the layout knows the PSAM or not; a
// board with another port's address is alarmed.
func TestOtherPort(t *testing.T) {
	t.Parallel()
	r := newRig(t) // no layout
	r.on(1, 1, sale(1))
	r.on(2, 2, sale(1))
	if got := r.refusals(); !slices.Equal(got, []record.Finding{record.FindRepeated}) || r.facts("dispenser.record") != 1 {
		t.Errorf("without a layout: refused %q, %d stored", got, r.facts("dispenser.record"))
	}
	r = laidOut(t)
	r.on(2, 1, sale(1))
	if got := r.refusals(); !slices.Equal(got, []record.Finding{record.FindCrossed}) || r.alarms()[0] != "crossed-cables" {
		t.Errorf("crossed: refused %q, alarms %q", got, r.alarms())
	}
	r.on(1, 1, sale(1))
	if r.facts("dispenser.record") != 1 {
		t.Error("not taken where it belongs")
	}
}

// TestRefusalsSurviveReplay: what was refused, asked for and disputed is the same after a start on the journal.
func TestRefusalsSurviveReplay(t *testing.T) {
	t.Parallel()
	r := laidOut(t)
	lied := sale(2)
	lied.Volume, lied.Amount = 2000, 15700
	r.bring(sale(1), lied)
	again := newRig(t)
	for i, f := range r.log {
		again.c.Apply(uint64(i+1), f)
	}
	if got := again.c.ports[0].intake.missing; !slices.Equal(got, []fa.POSTTC{2}) || again.c.ownWhy(lied.ASN).State != "disputed" {
		t.Errorf("missing %v, %s", got, again.c.ownWhy(lied.ASN).State)
	}
	again.bring(lied)
	if good, wrong := again.acks(); good != 1 || wrong != 0 || again.facts("dispenser.refused") != 0 {
		t.Errorf("%d good, %d wrong, %d written", good, wrong, again.facts("dispenser.refused"))
	}
	again.bring(sale(2))
	if again.c.ownWhy(lied.ASN).State != "paid" || len(again.c.ports[0].intake.missing) != 0 {
		t.Errorf("the true one: %s, missing %v", again.c.ownWhy(lied.ASN).State, again.c.ports[0].intake.missing)
	}
}

// FuzzRecord: whatever 95 bytes a board offers, they are kept once, as a record or as a refusal, and acknowledged once.
func FuzzRecord(f *testing.F) {
	good := sale(2).Bytes()
	f.Add(good[:])
	for _, m := range fixtures.MalformedRecords() {
		f.Add(m.Raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		x, err := fa.ParseRecord(raw)
		if err != nil {
			return
		}
		r := laidOut(t)
		r.bring(sale(1))
		r.sent[1] = nil
		r.bring(x)
		good, wrong := r.acks()
		kept := r.facts("dispenser.record") - 1 + r.facts("dispenser.refused") + r.facts("dispenser.conflict")
		if good+wrong != 1 || kept != 1 && x != sale(1) || (r.facts("dispenser.refused") == 1) != (wrong == 1) {
			t.Errorf("%d good, %d wrong, kept %d times: %+v", good, wrong, kept, x)
		}
	})
}

// TestTotalizerBackLocksTheNozzle: a totalizer that went back, in a record or by 38H, takes the nozzle out of the board's place until
// two persons have compared it; a replay knows it.
func TestTotalizerBackLocksTheNozzle(t *testing.T) {
	t.Parallel()
	back := sale(3)
	back.Total = 5
	for name, tell := range map[string]func(r *rig){
		"in a record": func(r *rig) { r.bring(back) },
		"by 38H": func(r *rig) {
			r.board(&fa.Poll{})
			r.board(&fa.Totals{Nozzles: []fa.NozzleTotal{{NZN: 1, Total: 5}}})
			r.flush()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := laidOut(t)
			place := func(c *Core) int {
				pr := c.port(1).pricing
				pr.shut = pr.shut || c.locked(c.port(1)) != ""
				files, err := c.orders.forPort(1, pr)
				if err != nil {
					t.Fatal(err)
				}
				info, err := fa.ParseStationInfo(files.Files[fa.ContentStation])
				if err != nil {
					t.Fatal(err)
				}
				return len(info.Nozzles)
			}
			r.bring(sale(1), sale(2))
			tell(r)
			if place(r.c) != 0 || r.facts("nozzle.locked") != 1 || !slices.Contains(r.alarms(), "totalizer-back") || !slices.Contains(r.alarms(), "nozzle-locked") {
				t.Fatalf("%d nozzles, %d locks, alarms %q", place(r.c), r.facts("nozzle.locked"), r.alarms())
			}
			again := newRig(t)
			for i, f := range r.log {
				again.c.Apply(uint64(i+1), f)
			}
			if place(again.c) != 0 {
				t.Error("forgotten over a start")
			}
			for _, c := range []struct {
				body   string
				status int
				left   int
			}{
				{`{"nozzle":1,"by":["1001","1001"],"reason":"抄表"}`, http.StatusForbidden, 0},
				{`{"nozzle":1,"by":["1001","1002"],"reason":"抄表相符"}`, http.StatusOK, 1},
				{`{"nozzle":1,"by":["1001","1002"],"reason":"再来"}`, http.StatusConflict, 1},
			} {
				r.c.Serve(r.now, 9, PathUnlock, []byte(c.body))
				r.take()
				r.flush()
				if r.last.Status != c.status || place(r.c) != c.left {
					t.Errorf("%s: %d %s, %d nozzles", c.body, r.last.Status, r.last.Body, place(r.c))
				}
			}
		})
	}
}

package center

import (
	"encoding/json"
	"testing"

	"greylock/system/wire/fa"
	"greylock/system/wire/record"
)

// FuzzServe throws any body at any path: the center answers, with a refusal in two languages or a document, the books still
// balance, and what it wrote reads back to the same books.
func FuzzServe(f *testing.F) {
	r := newRig(f)
	l := r.lock(0, 30000, 0, 1)
	d := desk{r: r, asn: l.asn, balance: funds, sn: 1, rand: [4]byte{1, 2, 3, 4}}
	for i, q := range map[string]any{
		record.PathBatch:      r.sites[station].batch(f, fact(l.record(fa.Fuelling, 501, 1000, 7850, 1000)), l.proof(7850)),
		record.PathAskLoad:    d.ask(100),
		record.PathAskLoadEnd: d.end([4]byte{1}),
		record.PathAskUnlock:  d.force(l),
		record.PathAskUnload:  d.unload(100),
		record.PathAskUnldEnd: d.unloadEnd([4]byte{1}),
		record.PathAskAct:     record.ActQuestion{Outlet: outlet, ASN: l.asn, Act: record.ActUnblockPIN, By: "a", Reason: "b", Challenge: record.Hex{1, 2, 3, 4}, PIN: make(record.Hex, 36)},
		record.PathAskCard:    record.CardQuestion{Outlet: outlet, ASN: l.asn},
		record.PathAskGrey:    record.GreyQuestion{Site: station, ASN: l.asn, Time: record.Hex{1, 2, 3, 4, 5, 6, 7}},
		PathPutLayout:         PutLayout{Site: station, Layout: record.Layout{Name: "x", Ports: []record.PortPlan{{Port: 1}}}},
		PathPutPrices:         PutPrices{Site: station, Effective: "202612010000", Prices: []record.Price{{Product: product, Price: 1}}},
		PathSales:             AskSales{ASN: &l.asn, Limit: 3},
	} {
		for n := range paths {
			if paths[n].name == i {
				f.Add(uint8(n), mustJSON(f, q))
			}
		}
	}
	base := r.lines
	f.Fuzz(func(t *testing.T, n uint8, body []byte) {
		r := &rig{t: t, cfg: r.cfg, now: start, cards: r.cards, lines: base[:len(base):len(base)]}
		r.restart()
		status, answer := r.raw(paths[int(n)%len(paths)].name, body)
		if !json.Valid(answer) {
			t.Fatalf("%d %q is no JSON", status, answer)
		}
		var x record.Refusal
		if status >= 400 && json.Unmarshal(answer, &x) == nil && x.Code != "" && (x.Zh == "" || x.En == "") {
			t.Fatalf("refusal without words: %s", answer)
		}
		r.sameAfterReplay()
	})
}

// FuzzRecord feeds any 95 bytes as a station's record: without the keys nobody can post.
func FuzzRecord(f *testing.F) {
	r := newRig(f)
	l := r.lock(0, 30000, 0, 1)
	good := l.record(fa.Fuelling, 501, 1000, 7850, 1000)
	for _, kind := range []fa.TType{fa.Fuelling, fa.Escape, fa.TopUpDebit, fa.Supplement, fa.NoCard, fa.CardErrorEvent} {
		rec := l.record(kind, 501, 0, 0, 0)
		rec.TMAC = [4]byte{}
		raw := rec.Bytes()
		f.Add(raw[:])
	}
	keep := good.Bytes()
	base := r.lines
	head, seq := r.sites[station].head, r.sites[station].seq
	f.Fuzz(func(t *testing.T, raw []byte) {
		if string(raw) == string(keep[:]) {
			return
		}
		r := &rig{t: t, cfg: r.cfg, now: start, cards: r.cards, lines: base[:len(base):len(base)],
			sites: map[record.SiteID]*siteJournal{station: {station, seq, head}}}
		r.restart()
		posttc := uint32(0)
		if len(raw) >= 4 {
			posttc = uint32(raw[0])<<24 | uint32(raw[1])<<16 | uint32(raw[2])<<8 | uint32(raw[3])
		}
		r.ship(station, record.DispenserRecord{Port: 1, Nozzle: 1, POSTTC: posttc, Raw: raw})
		if r.core.books.nSales != 0 || r.core.books.nQuarantine != 1 {
			t.Fatalf("%X: %d sales, %d in quarantine", raw, r.core.books.nSales, r.core.books.nQuarantine)
		}
		r.sameAfterReplay()
	})
}

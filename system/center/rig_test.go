package center

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greylock/fixtures"
	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/link"
	"greylock/system/vault"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// The people and things of these tests: a card maker, an outlet, two stations with the test PSAMs, one product.
const (
	maker    = record.SiteID("3001")
	outlet   = record.SiteID("2001")
	station  = record.SiteID("1001")
	station2 = record.SiteID("1002")
	product  = "1031"
	price    = unit.Price(785)
	funds    = unit.Fen(50_000) // loaded on every test card
	fleet    = "A1"             // the account of every test card
)

var start = clock.At(2026, time.November, 22, 9, 30, 0)

// rig drives one core the way a runner does: an act is encoded, decoded, applied and only then durable.
type rig struct {
	t     testing.TB
	cfg   Config
	core  *Core
	now   clock.Instant
	lines []string // the center's journal
	sites map[record.SiteID]*siteJournal
	cards fixtures.Cards
	keys  map[string]pboc.Key
	next  uint64
	hold  bool // leave acts undurable
	acts  []link.Act
}

// siteJournal is another site's journal, as far as it is written.
type siteJournal struct {
	id   record.SiteID
	seq  uint64
	head [32]byte
}

func testKeys(t testing.TB) Keys {
	t.Helper()
	set := map[vault.Name]pboc.Key{}
	for name, k := range fixtures.TestKeys().Masters {
		set[vault.Name(name)] = k
	}
	v, err := vault.Known(vault.Birth{Scope: "test", Realm: record.Training, Custodians: [2]string{"甲", "乙"}}, set, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// prepared is the journal of a fresh center with its sites, made once.
var prepared struct {
	sync.Once
	lines []string
	sites map[record.SiteID]siteJournal
}

// newRig has sites, product, cards, PSAMs, layouts, prices, one account and funds on every card in place.
func newRig(t testing.TB) *rig {
	t.Helper()
	prepared.Do(func() {
		r := prepare(t)
		prepared.lines, prepared.sites = r.lines, map[record.SiteID]siteJournal{}
		for id, s := range r.sites {
			prepared.sites[id] = *s
		}
	})
	r := &rig{t: t, now: start, sites: map[record.SiteID]*siteJournal{}, cards: fixtures.TestCards(), keys: fixtures.TestKeys().Masters}
	r.cfg = config(t)
	for id, s := range prepared.sites {
		r.sites[id] = &s
	}
	r.lines = prepared.lines[:len(prepared.lines):len(prepared.lines)]
	r.restart()
	return r
}

func config(t testing.TB) Config {
	t.Helper()
	return Config{Site: record.Center, Realm: record.Training, Name: "中心", Keys: testKeys(t), Profile: fuelcard.National(), OnePerson: true}
}

func prepare(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, now: start, sites: map[record.SiteID]*siteJournal{}, cards: fixtures.TestCards(),
		keys: fixtures.TestKeys().Masters}
	r.cfg = config(t)
	r.core = New(r.cfg)
	r.core.Start(r.now)
	sites := []PutSite{{maker, record.KindMaking, "制卡", "test"}, {outlet, record.KindOutlet, "网点", "test"},
		{station, record.KindStation, "站1001", "test"}, {station2, record.KindStation, "站1002", "test"}}
	for _, s := range sites {
		r.ok(PathPutSite, s)
		r.sites[s.Site] = &siteJournal{id: s.Site}
	}
	r.ok(PathPutProduct, PutProduct{Code: product, Name: "92号", Unit: unit.Litre, By: "test"})
	for _, s := range sites {
		r.ship(s.Site, record.SiteOpened{TimeMs: r.now.Milli(), Site: s.Site, Kind: s.Kind, Name: s.Name, Realm: record.Training})
	}
	var made []record.Fact
	for _, asn := range r.cards.Users {
		made = append(made, record.CardMade{ASN: asn, Issuer: r.cards.Issuer, ValidFrom: "20260101", ValidTo: "20361231"})
	}
	for _, p := range r.cards.PSAMs {
		made = append(made, record.PSAMMade{Number: p.Number, TID: p.TID})
	}
	r.ship(maker, made...)
	r.layout(station, 0)
	r.layout(station2, 1)
	for _, id := range []record.SiteID{station, station2} {
		r.ok(PathPutPrices, PutPrices{Site: id, Prices: []record.Price{{Product: product, Price: price}}, By: "test"})
	}
	for user, asn := range r.cards.Users {
		r.ok(record.PathAskOpen, record.OpenQuestion{Outlet: outlet, Account: fleet, Name: "车队", ASN: asn, Holder: "王师傅"})
		r.ok(record.PathAskTopUp, record.TopUpQuestion{Outlet: outlet, Account: fleet, Amount: funds, Tender: "cash",
			Receipt: fmt.Sprint("r", user)})
		r.load(desk{r: r, asn: asn}, funds)
	}
	return r
}

// desk is a test card in an outlet's reader: what it answers there, computed here.
type desk struct {
	r       *rig
	asn     pboc.ASN
	balance unit.Fen
	sn      pboc.OnlineSN
	rand    [4]byte
}

// ask is the question with the card's INIT FOR LOAD answer.
func (d desk) ask(amount unit.Fen) record.LoadQuestion {
	q := record.LoadQuestion{Outlet: outlet, ASN: d.asn, Amount: amount, TID: d.r.cards.DeskTID, Balance: d.balance, OnlineSN: d.sn,
		Version: 1, Rand: append(record.Hex{}, d.rand[:]...)}
	q.MAC1 = d.session(d.r.cardKey("DLK", d.asn), fuelcard.LoadMAC1Data(d.balance, amount, fuelcard.TypeLoadED, q.TID))
	return q
}

func (d desk) session(k pboc.Key, data []byte) pboc.MAC {
	return pboc.TDES.MAC(pboc.TDES.LoadSession(k, d.rand, d.sn), data)
}

// credit checks the center's MAC2 as the card does and returns the card's TAC.
func (d desk) credit(amount unit.Fen, a record.LoadAnswer) pboc.MAC {
	d.r.t.Helper()
	tid, at := d.r.cards.DeskTID, stamp(a.Date, a.Time)
	mac2 := d.session(d.r.cardKey("DLK", d.asn), fuelcard.LoadMAC2Data(amount, fuelcard.TypeLoadED, tid, at))
	if !mac2.Equal(a.MAC2) {
		d.r.t.Fatalf("MAC2 %s, want %s", a.MAC2, mac2)
	}
	return pboc.TDES.TAC(d.r.cardKey("DTK", d.asn),
		fuelcard.LoadTACData(d.balance+amount, d.sn, amount, fuelcard.TypeLoadED, tid, at))
}

// load runs a whole load.
func (r *rig) load(d desk, amount unit.Fen) {
	r.t.Helper()
	var a record.LoadAnswer
	r.into(&a, record.PathAskLoad, d.ask(amount))
	r.ok(record.PathAskLoadEnd, record.LoadEndQuestion{Outlet: outlet, ASN: d.asn, OnlineSN: d.sn, Loaded: true, TAC: d.credit(amount, a)})
}

// layout orders a station with one port and the given test PSAM.
func (r *rig) layout(id record.SiteID, psam int) Issued {
	r.t.Helper()
	var a Issued
	r.into(&a, PathPutLayout, PutLayout{Site: id, By: "test", Layout: record.Layout{
		Name: "站", Province: 0x44, City: 1, Superior: record.Hex{0, 0, 0, 1}, Station: record.Hex{0, 0, 0x10, 1},
		Ports: []record.PortPlan{{Port: 1, POSP: 1, Nozzle: 1, NZN: 1, Product: product, TID: r.cards.PSAMs[psam].TID}}}})
	return a
}

// serve asks and returns status and body.
func (r *rig) serve(path string, q any) (int, []byte) {
	r.t.Helper()
	body, err := json.Marshal(q)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.raw(path, body)
}

func (r *rig) raw(path string, body []byte) (int, []byte) {
	r.t.Helper()
	r.next++
	id := r.next
	r.core.Serve(r.now, id, path, body)
	for _, a := range r.run() {
		if a.ID == id {
			return a.Status, a.Body
		}
	}
	r.t.Fatalf("%s: no answer", path)
	return 0, nil
}

// run makes staged acts durable until nothing is left and returns the answers that were released.
func (r *rig) run() (released []link.Reply) {
	r.t.Helper()
	var waiting []link.Reply
	for {
		fx := r.core.Take()
		for _, a := range fx.Replies {
			if a.After == 0 {
				released = append(released, a)
			} else {
				waiting = append(waiting, a)
			}
		}
		r.acts = append(r.acts, fx.Acts...)
		if r.hold || len(r.acts) == 0 {
			return released
		}
		act := r.acts[0]
		r.acts = r.acts[1:]
		r.persist(act)
		r.core.Durable(r.now, act.ID)
		for _, a := range waiting {
			if a.After == act.ID {
				released = append(released, a)
			}
		}
	}
}

func (r *rig) persist(act link.Act) {
	r.t.Helper()
	if len(act.Facts) == 0 {
		r.t.Fatal("an act without facts")
	}
	for _, f := range act.Facts {
		line, err := record.Encode(f)
		if err != nil {
			r.t.Fatal(err)
		}
		r.lines = append(r.lines, string(line))
		r.core.Apply(uint64(len(r.lines)), f)
	}
}

// restart throws the core away and builds it again from the journal.
func (r *rig) restart() {
	r.t.Helper()
	r.acts = nil
	r.core = New(r.cfg)
	for i, line := range r.lines {
		f, err := record.Decode([]byte(line))
		if err != nil {
			r.t.Fatalf("line %d: %v", i+1, err)
		}
		r.core.Apply(uint64(i+1), f)
	}
	r.core.Start(r.now)
}

// sameAfterReplay compares everything that the center shows before and after a restart, and that the books balance.
func (r *rig) sameAfterReplay() {
	r.t.Helper()
	show := func() (all []string) {
		for _, p := range []string{PathStatus, PathSites, PathProducts, PathVersions, PathCards, PathPSAMs, PathAccounts, PathSales,
			PathQuarantine, PathAlarms, PathTrialBalance, PathLists} {
			status, body := r.raw(p, nil)
			all = append(all, fmt.Sprint(p, status, string(body)))
		}
		return all
	}
	before := show()
	r.restart()
	if diff := cmp.Diff(before, show()); diff != "" {
		r.t.Errorf("replay gives other books:\n%s", diff)
	}
	var t TrialBalance
	r.into(&t, PathTrialBalance, nothing{})
	if t.Sum != 0 {
		r.t.Errorf("the ledger sums to %d", t.Sum)
	}
}

// ok asks and wants 200.
func (r *rig) ok(path string, q any) []byte {
	r.t.Helper()
	status, body := r.serve(path, q)
	if status != 200 {
		r.t.Fatalf("%s: %d %s", path, status, body)
	}
	return body
}

// into asks, wants 200 and reads the answer strictly.
func (r *rig) into(answer any, path string, q any) {
	r.t.Helper()
	if err := strict(r.ok(path, q), answer); err != nil {
		r.t.Fatalf("%s: %v", path, err)
	}
}

// refused asks and wants a refusal with the code.
func (r *rig) refused(code, path string, q any) {
	r.t.Helper()
	status, body := r.serve(path, q)
	var x record.Refusal
	if err := strict(body, &x); err != nil || status < 400 || x.Code != code || x.Zh == "" || x.En == "" {
		r.t.Errorf("%s: %d %s, want refusal %s", path, status, body, code)
	}
}

// batch makes the next batch of a site without sending it.
func (s *siteJournal) batch(t testing.TB, facts ...record.Fact) record.Batch {
	t.Helper()
	b := record.Batch{Site: s.id, First: s.seq + 1, Prev: append(record.Hex{}, s.head[:]...)}
	for _, f := range facts {
		line, err := record.Encode(f)
		if err != nil {
			t.Fatal(err)
		}
		b.Lines, b.Acts = append(b.Lines, string(line)), append(b.Acts, 1)
		s.head = journal.Chain(s.head, line)
		s.seq++
	}
	b.Head = append(record.Hex{}, s.head[:]...)
	return b
}

// ship sends facts as one batch and returns the sequence of the first.
func (r *rig) ship(site record.SiteID, facts ...record.Fact) uint64 {
	r.t.Helper()
	b := r.sites[site].batch(r.t, facts...)
	var a record.BatchAnswer
	r.into(&a, record.PathBatch, b)
	if a.Seq != r.sites[site].seq {
		r.t.Fatalf("watermark %d, want %d", a.Seq, r.sites[site].seq)
	}
	return b.First
}

// lock is one grey lock of a test card at a test station, with the codes that card and PSAM make: computed here with the
// suite, not with the vault.
type lock struct {
	r       *rig
	asn     pboc.ASN
	psam    int
	balance unit.Fen // at the lock
	ctc     pboc.CTC
	ttc     pboc.PSAMTTC
	time    fa.Stamp
}

func (r *rig) key(name string, factors ...[8]byte) pboc.Key {
	return pboc.TDES.Diversify(r.keys[name], factors...)
}

func (r *rig) cardKey(name string, asn pboc.ASN) pboc.Key {
	return r.key(name, [8]byte(r.cards.Issuer), asn.Factor())
}

func (r *rig) lock(user int, balance unit.Fen, ctc pboc.CTC, ttc pboc.PSAMTTC) lock {
	return lock{r, r.cards.Users[user], 0, balance, ctc, ttc, fa.StampOf(r.now.Add(time.Duration(ttc) * time.Minute).Civil())}
}

func (l lock) tid() pboc.TID { return l.r.cards.PSAMs[l.psam].TID }

// tac is the card's TAC of its debit.
func (l lock) tac(amount unit.Fen) pboc.MAC {
	return pboc.TDES.TAC(l.r.cardKey("DTK", l.asn), fuelcard.UnlockTACData(amount, fuelcard.TypeUnlockED, l.tid(), l.ttc, l.time))
}

func (l lock) gtac() pboc.MAC {
	return pboc.TDES.TAC(l.r.cardKey("DTK", l.asn),
		fuelcard.National().GTACData(l.balance, l.ctc, fuelcard.TypeGreyED, l.tid(), l.ttc, l.time))
}

func (l lock) psamTAC(amount unit.Fen) pboc.MAC {
	p := l.r.cards.PSAMs[l.psam]
	return pboc.TDES.TAC(l.r.key("SAMTAC", p.Number.Factor()),
		fuelcard.UnlockTACData(amount, fuelcard.TypeUnlockED, p.TID, l.ttc, l.time))
}

// record is the 32H record of the lock: kind, POS-TTC, what flowed, what was debited and the totalizer after it.
func (l lock) record(kind fa.TType, posttc uint32, volume unit.Quantity, amount unit.Fen, total unit.Totalizer) fa.Record {
	code, _ := fa.ParseProduct(product)
	p := l.r.cards.PSAMs[l.psam]
	rec := fa.Record{
		POSTTC: fa.POSTTC(posttc), Type: kind, Time: l.time, ASN: l.asn, Balance: l.balance - amount, Amount: amount, CTC: l.ctc,
		TAC: l.tac(amount), GMAC: pboc.MAC{9, 9, 9, 9}, PSAMTAC: l.psamTAC(amount), PSAMNumber: p.Number, TID: p.TID, TTC: l.ttc,
		Unit: fa.PayCard, Version: 0x11, NZN: 1, Product: code, Volume: volume, Price: price, Employee: fa.NoEmployee, Total: total,
	}
	if kind == fa.Escape || kind == fa.WrongCard {
		rec.Balance, rec.TAC = l.balance, l.gtac()
	}
	if kind == fa.TopUpDebit || kind == fa.Supplement {
		rec.PSAMTAC = pboc.MAC{}
	}
	return l.r.sign(rec)
}

// sign marks the realm and makes T-MAC.
func (r *rig) sign(rec fa.Record) fa.Record {
	rec.MarkTraining()
	span := rec.TMACData()
	rec.TMAC = pboc.TDES.TMAC(r.keys["TMAC"], span[:])
	return rec
}

// fact is the record as the station takes it.
func fact(rec fa.Record) record.DispenserRecord {
	raw := rec.Bytes()
	return record.DispenserRecord{TimeMs: start.Milli(), Port: 1, Nozzle: 1, POSTTC: uint32(rec.POSTTC), Raw: raw[:]}
}

// proof is the card's lock proof after its debit.
func (l lock) proof(amount unit.Fen) record.ProofSeen {
	p := fuelcard.LockProof{State: fuelcard.TACUnread, Type: fuelcard.TypeUnlockED, Wallet: fuelcard.ED, Balance: l.balance - amount,
		Serial: uint16(l.ctc), TID: l.tid(), Time: l.time, Code: l.tac(amount)}
	p.SetAmount(amount)
	return record.ProofSeen{ASN: l.asn, Proof: p.Bytes(), Where: "nozzle 1"}
}

// greyProof is the card's lock proof while it is grey.
func (l lock) greyProof() record.Hex {
	return fuelcard.LockProof{State: fuelcard.Grey, Type: fuelcard.TypeGreyED, Wallet: fuelcard.ED, Balance: l.balance,
		Serial: uint16(l.ctc), TID: l.tid(), Time: l.time, Detail: [4]byte{1, 2, 3, 4}, Code: l.gtac()}.Bytes()
}

// posted lists the facts of posting in the center's journal.
func (r *rig) posted() (list []record.SalePosted) {
	for _, line := range r.lines {
		f, err := record.Decode([]byte(line))
		if err != nil {
			r.t.Fatal(err)
		}
		if p, ok := f.(record.SalePosted); ok {
			list = append(list, p)
		}
	}
	return list
}

// reasons lists what is in quarantine, oldest first.
func (r *rig) reasons() (list []string) {
	r.t.Helper()
	var q Quarantine
	r.into(&q, PathQuarantine, nothing{})
	for _, x := range q.Quarantine {
		list = append(list, x.Reason)
	}
	return list
}

// alarms lists the kinds of alarms, oldest first.
func (r *rig) alarms() (list []string) {
	r.t.Helper()
	var a Alarms
	r.into(&a, PathAlarms, nothing{})
	for _, x := range a.Alarms {
		list = append([]string{x.Kind}, list...)
	}
	return list
}

// balance is an account of the ledger.
func (r *rig) balance(account string) unit.Fen {
	r.t.Helper()
	var t TrialBalance
	r.into(&t, PathTrialBalance, nothing{})
	for _, l := range t.Accounts {
		if l.Account == account {
			return l.Balance
		}
	}
	return 0
}

// want compares and says what it was.
func want[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

package world

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"greylock/emulators/dispenser"
	"greylock/system/app"
	"greylock/system/card"
	"greylock/system/cardmaking"
	"greylock/system/center"
	lines "greylock/system/dispenser"
	"greylock/system/exchange"
	"greylock/system/issuing"
	"greylock/system/journal"
	"greylock/system/journal/faultfile"
	"greylock/system/keymgmt"
	"greylock/system/link"
	"greylock/system/station"
	"greylock/system/vault"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Places of the sites that a scenario does not number.
const (
	makingID = record.SiteID("9001")
	outletID = record.SiteID("9101")
	province = 0x44
	company  = 0x44
)

// The two custodians of the town's ceremony. They protect training keys; everybody may know their passwords.
var custodians = [2]keymgmt.Entry{
	{Custodian: "张建国", Password: []byte("保管员甲的训练口令 2026-11-22"), Again: []byte("保管员甲的训练口令 2026-11-22")},
	{Custodian: "陈丽", Password: []byte("保管员乙的训练口令 2026-11-22"), Again: []byte("保管员乙的训练口令 2026-11-22")},
}

// keyRoom is the key room and its files.
type keyRoom struct {
	room  *keymgmt.Room
	disk  *faultfile.Disk
	j     *journal.Journal
	scope string
}

// build makes the town through the product's own doors.
func (w *World) build() error {
	if _, err := w.bytes("transport key").Read(w.transport[:]); err != nil {
		return err
	}
	for _, step := range []func() error{w.buildKeys, w.buildSites, w.buildOrders, w.buildPumps, w.buildCards} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// buildKeys holds the ceremony of the company, and one of another company whose cards are foreign here.
func (w *World) buildKeys() error {
	var err error
	if w.keys, err = w.newKeyRoom(w.scenario.Company); err != nil {
		return err
	}
	if err := w.keys.ceremony(custodians); err != nil {
		return err
	}
	other, err := w.newKeyRoom("另一家公司")
	if err != nil {
		return err
	}
	if err := other.ceremony(custodians); err != nil {
		return err
	}
	w.foreign, err = other.working(record.KindMaking, makingID)
	return err
}

func (w *World) newKeyRoom(scope string) (*keyRoom, error) {
	k := &keyRoom{disk: faultfile.New(), scope: scope}
	j, _, err := journal.Open(faultfile.New(), journal.Options{Reserve: 4096})
	if err != nil {
		return nil, err
	}
	k.j = j
	k.room = keymgmt.New(keymgmt.Config{
		Scope: scope, Realm: record.Training, Profile: w.profile, Files: k.disk, Random: w.bytes("keys " + scope),
		Cost: vault.Cost{Time: 1, MemoryKiB: 64, Threads: 1},
	})
	return k, k.room.Start(roomDoor{j, k.room.Apply, w.Now})
}

func (k *keyRoom) ceremony(who [2]keymgmt.Entry) error {
	c, err := k.room.Ceremony()
	if err != nil {
		return err
	}
	for _, e := range who {
		e.Words = keymgmt.Words(k.scope)
		e.Password, e.Again = append([]byte(nil), e.Password...), append([]byte(nil), e.Again...)
		if err := c.Enter(e); err != nil {
			return err
		}
	}
	_, err = c.Make()
	return err
}

// working exports a sealed working vault and opens it, as a site does at its start.
func (k *keyRoom) working(role record.Kind, site record.SiteID) (*vault.Vault, error) {
	p := vault.Passwords{append([]byte(nil), custodians[0].Password...), append([]byte(nil), custodians[1].Password...)}
	x, err := k.room.Export(p, role, site)
	if err != nil {
		return nil, err
	}
	return vault.OpenWorking(x.File, x.Secret)
}

// buildSites starts center, making room, outlet and stations.
func (w *World) buildSites() error {
	keys, err := w.keys.working(record.KindCenter, record.Center)
	if err != nil {
		return err
	}
	w.centerVault = keys
	w.center = &site{
		w: w, disk: faultfile.New(),
		open: record.SiteOpened{Site: record.Center, Kind: record.KindCenter, Name: w.scenario.Company, Realm: record.Training},
		make: func(*journal.Journal) (link.Core, error) {
			return center.New(center.Config{Site: record.Center, Realm: record.Training, Name: w.scenario.Company, Profile: w.profile, Keys: believer{keys, w}}), nil
		},
	}
	if err := w.center.start(); err != nil {
		return err
	}
	if err := w.buildMaking(); err != nil {
		return err
	}
	if err := w.buildOutlet(); err != nil {
		return err
	}
	for _, p := range w.scenario.Stations {
		w.order = append(w.order, record.SiteID(p.ID))
		if w.opt.Lines != "pty" {
			if err := w.buildStation(p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *World) buildMaking() error {
	keys, err := w.keys.working(record.KindMaking, makingID)
	if err != nil {
		return err
	}
	w.makingVault = keys
	open := record.SiteOpened{Site: makingID, Kind: record.KindMaking, Name: "制卡中心", Realm: record.Training}
	w.making = w.newBench(open, func(b *bench) {
		m := cardmaking.New(cardmaking.Config{
			Realm: record.Training, Profile: w.profile, Company: company, Province: province, Keys: keys, Transport: w.transport,
		})
		w.maker, b.apply = m, m.Apply
	})
	return w.making.start()
}

func (w *World) buildOutlet() error {
	keys, err := w.keys.working(record.KindOutlet, outletID)
	if err != nil {
		return err
	}
	w.outletVault = keys
	tid, err := deskTID()
	if err != nil {
		return err
	}
	open := record.SiteOpened{Site: outletID, Kind: record.KindOutlet, Name: "示范网点", Realm: record.Training}
	w.outlet = w.newBench(open, func(b *bench) {
		d := issuing.New(issuing.Config{
			Site: outletID, Realm: record.Training, Profile: w.profile, TID: tid, Keys: keys, Random: w.bytes("desk"),
		})
		w.desk, b.apply = d, d.Apply
	})
	return w.outlet.start()
}

// deskTID is the desk's terminal number.
func deskTID() (pboc.TID, error) { return pboc.ParseTID("994400009999") }

func (w *World) buildStation(p StationPlan) error {
	var ports []station.Port
	for i := range len(p.Nozzles) + len(p.Plain) {
		ports = append(ports, station.Port{Number: i + 1, Protocol: p.protocol(i), Timing: w.timing()})
	}
	id := record.SiteID(p.ID)
	var s *site
	s = &site{
		w: w, disk: faultfile.New(), lines: map[int]func([]byte){},
		open: record.SiteOpened{Site: id, Kind: record.KindStation, Name: p.Name, Realm: record.Training},
		make: func(j *journal.Journal) (link.Core, error) {
			if err := s.mayStart(j, ports); err != nil {
				return nil, err
			}
			return station.New(station.Config{
				Site: id, Realm: record.Training, CenterKey: w.centerVault.PublicKey(), Ports: ports, Contactor: p.contactor(),
				Lists: p.lists(),
				Tills: w.tillPorts(s, p), Products: w.productCodes(), Gauge: len(p.Tanks) > 0, UPS: p.ups(), Cards: w.profile,
				Source: exchange.Source(j), Rand: w.stream("ship " + p.ID),
			}), nil
		},
	}
	w.stations[id] = s
	return s.start()
}

// timing is how often a station of a calm town polls plain boards; the zero value is the product's own pace.
func (w *World) timing() (t lines.LFTiming) {
	if w.opt.Poll > 0 {
		t.Poll, t.Fuelling = w.opt.Poll, max(w.opt.Poll/2, dayFuel)
	}
	return t
}

// ask puts a request to a site of this world and waits for the answer.
func (w *World) ask(s *site, path string, body any) (status int, answer []byte, err error) {
	ask, err := w.beginAsk(s, path, body)
	if err != nil {
		return 0, nil, err
	}
	return w.answered(path, ask)
}

// beginAsk puts a request to a site of this world.
func (w *World) beginAsk(s *site, path string, body any) (Pending, error) {
	line, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	if s == nil || s.run == nil {
		return nil, errors.New("程序未运行 (the site's program is not running)")
	}
	var status int
	var answer []byte
	done := false
	s.serve(path, line, func(st int, b []byte) { status, answer, done = st, b, true })
	return func() (int, []byte, error, bool) {
		if !done && s.run == nil {
			return 0, nil, errors.New("程序在应答前停止 (the site's program stopped)"), true
		}
		return status, answer, nil, done
	}, nil
}

// order puts an operator's order to the center; anything but 200 is an error.
func (w *World) order1(path string, body any) error {
	status, answer, err := w.ask(w.center, path, body)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s: %d %s", path, status, answer)
	}
	return err
}

// buildOrders registers sites and products, and orders layouts and prices.
func (w *World) buildOrders() error {
	const by = "王经理"
	put := []center.PutSite{
		{Site: makingID, Kind: record.KindMaking, Name: "制卡中心", By: by}, {Site: outletID, Kind: record.KindOutlet, Name: "示范网点", By: by},
	}
	for _, s := range w.scenario.Stations {
		put = append(put, center.PutSite{Site: record.SiteID(s.ID), Kind: record.KindStation, Name: s.Name, By: by})
	}
	for _, p := range put {
		if err := w.order1(center.PathPutSite, p); err != nil {
			return err
		}
	}
	var prices []record.Price
	for _, p := range w.scenario.Products {
		if err := w.order1(center.PathPutProduct, center.PutProduct{Code: p.Code, Name: p.Name, Unit: unit.Unit(p.Unit), By: by}); err != nil {
			return err
		}
		price, err := unit.ParsePrice(p.Price)
		if err != nil {
			return err
		}
		prices = append(prices, record.Price{Product: p.Code, Price: price})
	}
	for n, s := range w.scenario.Stations {
		layout, err := w.layout(n, s)
		if err != nil {
			return err
		}
		if err := w.madeKnown(); err != nil {
			return err
		}
		if err := w.order1(center.PathPutLayout, center.PutLayout{Site: record.SiteID(s.ID), Layout: layout, By: by}); err != nil {
			return err
		}
		if err := w.order1(center.PathPutPrices, center.PutPrices{Site: record.SiteID(s.ID), Prices: prices, By: by}); err != nil {
			return err
		}
	}
	return nil
}

// layout makes the PSAMs of a station's dispensers, and says where each stands.
func (w *World) layout(n int, s StationPlan) (record.Layout, error) {
	number, err := strconv.Atoi(s.ID)
	if err != nil {
		return record.Layout{}, err
	}
	code, err := hex.DecodeString(fmt.Sprintf("%08d", number))
	if err != nil {
		return record.Layout{}, err
	}
	l := record.Layout{Name: s.Name, Province: province, City: 0x01, Superior: record.Hex{0x00, 0x00, 0x00, 0x01}, Station: code}
	for i, product := range s.Nozzles {
		p := &pump{w: w, nozzle: record.Nozzle(100*n + i + 1), port: i + 1, site: record.SiteID(s.ID), nv: &dispenser.Memory{}, log: cmp.Or(s.Log, usualLog)}
		p.wake = w.timer(p.woken)
		p.where = fmt.Sprintf("%s站%d号枪", s.ID, i+1)
		p.out, p.to = p.where+" →", p.where+" ←"
		if p.sam, err = w.makeSAM(p.where); err != nil {
			return l, err
		}
		w.pumps[p.nozzle], w.pumpList = p, append(w.pumpList, p)
		l.Ports = append(l.Ports, record.PortPlan{
			Port: i + 1, POSP: byte(i + 1), Nozzle: record.Nozzle(i + 1), NZN: 1, Product: product, TID: p.sam.tid,
		})
	}
	return l, errors.Join(w.planPlain(n, s, &l), w.planTills(n, s, &l), w.planTanks(s, &l))
}

func (w *World) makeSAM(name string) (*sam, error) {
	s, err := w.newSAM(name)
	if err != nil {
		return nil, err
	}
	from, to := w.validity()
	err = w.making.job(nil, s, func(door app.Door, t card.Transport) error {
		made, err := w.maker.MakePSAM(door, t, cardmaking.PSAMOrder{ValidFrom: from, ValidTo: to})
		s.number, s.tid = made.Number, made.TID
		return err
	})
	return s, err
}

func (w *World) validity() (from, to string) {
	c := w.now.Civil()
	return fmt.Sprintf("%04d%02d%02d", c.Year, c.Month, 1), fmt.Sprintf("%04d%02d%02d", c.Year+3, c.Month, 1)
}

// buildPumps puts the dispensers on their lines and gives them power.
func (w *World) buildPumps() (err error) {
	for i, p := range w.pumpList {
		p.cfg = dispenser.Config{LogSize: p.log, Poll: w.opt.Poll, Seed: uint64(w.stream("gun " + p.where).Int64()), Profile: w.profile}
		p.cfg.Unit = w.unitOf(p)
		if p.cfg.Products, err = w.productTable(); err != nil {
			return err
		}
		p.station = w.stations[p.site] // nil over pseudo-terminals
		if p.line, err = w.join(p.site, p.port, p.where, p.receive); err != nil {
			return err
		}
		if x, ok := p.line.(*memWire); ok {
			x.plant = func(data []byte) []byte {
				if w.plant.toPump == nil {
					return data
				}
				return w.plant.toPump(p, data)
			}
		}
		// boards do not boot in step: real ones are switched on one after the other
		w.at(w.now.Add(time.Duration(i)*37*time.Millisecond), p.powerOn)
	}
	if err := errors.Join(w.buildPlain(), w.buildTanks(), w.buildUPS()); err != nil {
		return err
	}
	if err := w.buildContactors(); err != nil {
		return err
	}
	if w.opt.Lines == "pty" {
		return w.startPrograms()
	}
	return nil
}

// productTable is what the masks of file 001C count in.
func (w *World) productTable() (table []fa.Product, err error) {
	for _, x := range w.scenario.Products {
		b, err := hex.DecodeString(x.Code)
		if err != nil || len(b) != len(fa.Product{}) {
			return nil, fmt.Errorf("product code %q", x.Code)
		}
		table = append(table, fa.Product(b))
	}
	return table, nil
}

// buildCards makes, issues and loads the scenario's cards.
func (w *World) buildCards() error {
	for _, c := range w.scenario.Cards {
		if err := w.OpenCard(c); err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	if w.opt.Lines == "pty" {
		return nil // their programs are under way; Start waits in real time
	}
	return w.equipped()
}

// equipped waits until every dispenser can sell.
func (w *World) equipped() error {
	return w.Until("加油机就位, 有油价 (boards have their place and prices)", w.ready, jobLimit)
}

// ready reports that every board knows its place and its price.
func (w *World) ready() bool {
	for _, p := range w.pumpList {
		if v := p.view(); !v.Confirmed || v.Price == 0 || !p.contactor.feeds(p) {
			return false
		}
	}
	return true
}

// limits turns a plan into the card's file 001C.
func (p *LimitPlan) limits() fuelcard.Limits {
	l := fuelcard.NoLimits()
	if p == nil {
		return l
	}
	if len(p.Products) > 0 {
		l.Products = 0
		for _, slot := range p.Products {
			l.Products |= 1 << slot
		}
	}
	if p.PerFillYuan > 0 {
		l.PerFill = uint16(p.PerFillYuan) & 0x0FFF // high nibble 0: yuan. Source: card.md 3.5
	}
	if p.PerDay > 0 {
		l.FillsPerDay = byte(p.PerDay)
	}
	if p.PerDayYuan > 0 {
		l.FenPerDay = uint32(p.PerDayYuan) * 100
	}
	return l
}

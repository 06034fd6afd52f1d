package station

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Paths of the plain nozzles for operators.
const (
	PathAuthorise   = "/op/station/nozzle/authorise" // AskAuthorise → record.Done, when the board was told
	PathNozzleStop  = "/op/station/nozzle/stop"      // AskNozzle → record.Done
	PathResume      = "/op/station/nozzle/resume"    // AskNozzle → record.Done
	PathUnlock      = "/op/station/nozzle/unlock"    // AskUnlock → record.Done
	PathPlainSales  = "/op/station/plain-sales"      // AskSales → PlainSales, newest first
	mostPlainMoney  = unit.Fen(9_999_00)
	mostPlainVolume = unit.Quantity(999_00)
)

// AskAuthorise lets a plain nozzle deliver; neither money nor volume is "until the customer stops".
type AskAuthorise struct {
	Nozzle record.Nozzle `json:"nozzle"`
	Money  unit.Fen      `json:"money_fen,omitempty"`
	Volume unit.Quantity `json:"volume_hundredths,omitempty"`
	Way    string        `json:"way,omitempty"` // cash (default), account, bank, voucher
	By     string        `json:"by"`
}

// AskNozzle names a nozzle and who acts on it, and why.
type AskNozzle struct {
	Nozzle record.Nozzle `json:"nozzle"`
	By     string        `json:"by"`
	Reason string        `json:"reason,omitempty"`
}

// AskUnlock takes a locked nozzle back into use: two persons have compared its totals.
type AskUnlock struct {
	Nozzle record.Nozzle `json:"nozzle"`
	By     [2]string     `json:"by"`
	Reason string        `json:"reason"`
}

// PlainSales lists deliveries of plain dispensers.
type PlainSales struct {
	Sales []PlainSaleView `json:"sales"`
}

// PlainSaleView is one of them.
type PlainSaleView struct {
	Seq uint64 `json:"seq"`
	record.PlainSold
}

// ways of paying for fuel without a card. Source: dispenser.md 3.6 UNIT.
var ways = []string{"cash", "account", "bank", "voucher"}

// plainOf finds a nozzle for an operator, or refuses.
func (c *Core) plainOf(id uint64, n record.Nozzle, by string) (p *port, i int, ok bool) {
	if !word(by) {
		c.refuse(id, http.StatusBadRequest, "BY", "请写明操作人", "say who acts")
		return nil, 0, false
	}
	if p, i, ok = c.plainNozzle(n); !ok {
		c.refuse(id, http.StatusNotFound, "NO_NOZZLE", fmt.Sprintf("%d 号枪不是站控油枪, 枪号见 station status", n),
			fmt.Sprintf("nozzle %d is not one that the station runs: see station status", n))
	}
	return p, i, ok
}

func (c *Core) authorise(now clock.Instant, id uint64, q AskAuthorise) {
	if q.Way == "" {
		q.Way = ways[0]
	}
	p, i, ok := c.plainOf(id, q.Nozzle, q.By)
	switch {
	case !ok:
		return
	case q.Money < 0 || q.Volume < 0 || q.Money > 0 && q.Volume > 0 || q.Money > mostPlainMoney || q.Volume > mostPlainVolume || !slices.Contains(ways, q.Way):
		c.refuse(id, http.StatusBadRequest, "PRESET", "预置不合理", "this preset makes no sense")
		return
	}
	if err := c.ready(p, i, dispenser.Authorisation{Money: q.Money, Volume: q.Volume}); err != nil {
		zh, en := words(err)
		c.refuse(id, http.StatusConflict, "NOT_NOW", zh, en)
		return
	}
	c.letRun(now, p, i, record.PlainAuthorised{Money: q.Money, Volume: q.Volume, By: q.By, Way: q.Way}, func(_ clock.Instant, err error) {
		if err != nil {
			c.refuse(id, http.StatusConflict, "NOT_NOW", "现在不能授权: "+err.Error(), err.Error())
			return
		}
		c.reply(id, record.Done{OK: true}, 0)
	})
}

// errNozzle is why a nozzle can not be let run now.
type errNozzle struct{ zh, en string }

func (e errNozzle) Error() string { return e.zh + " (" + e.en + ")" }

// errNoMains holds every plain nozzle while the station runs on its battery.
var errNoMains = errNozzle{"停电, UPS 供电中: 不开新单, 来电后自动恢复", "no mains: no sale is begun until they are back"}

// words are an error's in both languages; one that has them in one sentence says it twice.
func words(err error) (zh, en string) {
	var e errNozzle
	if errors.As(err, &e) {
		return e.zh, e.en
	}
	return err.Error(), err.Error()
}

// halt shuts a nozzle's valve and takes back an authorisation that still waits for the disk.
func (c *Core) halt(now clock.Instant, p *port, i int) error {
	c.plainAt(p.number, p.plans[i].NZN).arming = false
	err := p.lf.Stop(now, i)
	c.events(now, p)
	return err
}

// ready says whether a plain nozzle can be let run.
func (c *Core) ready(p *port, i int, a dispenser.Authorisation) error {
	plan := p.plans[i]
	k := c.plainAt(p.number, plan.NZN)
	switch v := p.lf.Views()[i]; {
	case c.stopped(plan.Nozzle):
		return errNozzle{fmt.Sprintf("%d 号枪紧急停机中", plan.Nozzle), "an emergency stop holds the nozzle"}
	case c.power.closed():
		return errNoMains
	case k.open != nil || k.arming:
		return errNozzle{fmt.Sprintf("%d 号枪已授权", plan.Nozzle), "a delivery is under way"}
	case k.locked != "":
		return errNozzle{fmt.Sprintf("%d 号枪已停用, 须两人解锁", plan.Nozzle), k.locked}
	case v.Price == 0:
		return errNozzle{fmt.Sprintf("%d 号枪无油价", plan.Nozzle), "the nozzle has no price"}
	case v.State != dispenser.Idle && v.State != dispenser.Calling:
		zh, en := v.State.Words()
		return errNozzle{fmt.Sprintf("%d 号枪现在不能用: %s", plan.Nozzle, zh), en}
	case v.State == dispenser.Idle && a == dispenser.Authorisation{}:
		return errNozzle{fmt.Sprintf("%d 号枪未提枪: 不定量的授权须提枪后再试", plan.Nozzle), "lift the nozzle first: without a preset it is let run when it is up"}
	case !p.lf.Takes(i, a):
		return errNozzle{fmt.Sprintf("%d 号枪正在核对单价或泵码, 稍后再试", plan.Nozzle), "price or totals are being read: try again"}
	}
	return nil
}

// done answers an order to a driver.
func (c *Core) done(id uint64, err error) {
	if err == nil {
		c.reply(id, record.Done{OK: true}, 0)
		return
	}
	code := "NOT_NOW"
	if !errors.Is(err, dispenser.ErrNotNow) {
		code = "VALUE"
	}
	c.refuse(id, http.StatusConflict, code, "现在不能这样做: "+err.Error(), err.Error())
}

func (c *Core) stopNozzle(now clock.Instant, id uint64, q AskNozzle) {
	if p, i, ok := c.plainOf(id, q.Nozzle, q.By); ok {
		c.done(id, c.halt(now, p, i))
	}
}

func (c *Core) resume(now clock.Instant, id uint64, q AskNozzle) {
	if p, i, ok := c.plainOf(id, q.Nozzle, q.By); ok {
		err := p.lf.Resume(now, i)
		c.events(now, p)
		c.done(id, err)
	}
}

// unlock takes a nozzle back into use whose totals two persons have compared.
func (c *Core) unlock(now clock.Instant, id uint64, q AskUnlock) {
	if c.unlockCard(now, id, q) {
		return
	}
	p, i, ok := c.plainOf(id, q.Nozzle, q.By[0])
	switch {
	case !ok:
		return
	case !two(q.By) || !word(q.Reason):
		c.refuse(id, http.StatusForbidden, "TWO_PERSONS", "须由两个不同的人核对泵码并写明原因", "two different persons compare the totals and say why")
		return
	case c.plainAt(p.number, p.plans[i].NZN).locked == "":
		c.refuse(id, http.StatusConflict, "NOT_LOCKED", "该枪没有停用", "the nozzle is not locked")
		return
	}
	plan := p.plans[i]
	act := c.out.Append(record.NozzleUnlocked{TimeMs: now.Milli(), Port: p.number, NZN: plan.NZN, Nozzle: plan.Nozzle, By: q.By, Reason: q.Reason})
	c.then(act, func(now clock.Instant) {
		_ = p.lf.Unlock(now, i) // one that is locked for its price stays so until the price reads back
		c.events(now, p)
	})
	c.reply(id, record.Done{OK: true}, act)
}

func (c *Core) askPlainSales(_ clock.Instant, q AskSales) (any, bool) {
	if q.Limit == 0 {
		q.Limit = defaultSales
	}
	all := PlainSales{Sales: []PlainSaleView{}}
	for i := len(c.plainSales) - 1; i >= 0 && len(all.Sales) < q.Limit; i-- {
		all.Sales = append(all.Sales, PlainSaleView{c.plainSales[i].seq, c.plainSales[i].sold})
	}
	return all, q.Limit > 0 && q.Limit <= mostSales
}

// showPlain makes the lines of a plain board's nozzles.
func (c *Core) showPlain(p *port) (list []NozzleStatus) {
	for i, v := range p.drive.Views() {
		zh, en := v.State.Words()
		k := c.plainAt(p.number, p.plans[i].NZN)
		n := NozzleStatus{Port: p.number, Nozzle: p.plans[i].Nozzle, State: int(v.State), Zh: zh, En: en, Line: p.up, Amount: v.Amount, Quantity: v.Volume,
			Price: v.Price, POSTTC: k.number}
		if k.locked != "" {
			n.Zh, n.En, n.Locked = "停用", "out of use", k.locked
		}
		if k.meter != nil {
			n.Total = unit.Totalizer(uint32(k.meter.Litres))
		}
		list = append(list, n)
	}
	return list
}

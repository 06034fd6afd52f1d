package dispenser

import (
	"testing"
	"time"

	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// sound checks what every record of a sale must be: T-MAC, signatures, amount of the volume, account of the card.
func sound(t *testing.T, r fa.Record) {
	t.Helper()
	span := r.TMACData()
	if pboc.TDES.TMAC(bench.tmac, span[:]) != r.TMAC {
		t.Errorf("record %d: T-MAC is wrong", r.POSTTC)
	}
	if err := r.Check(); err != nil {
		t.Errorf("record %d: %v", r.POSTTC, err)
	}
}

func TestFirstSale(t *testing.T) {
	t.Parallel()
	r := readyRig(t)
	c := newCard(0x56, 50000)
	before := r.board.View().Total
	r.insert(c)
	r.stage("ready")
	r.keys("200Y")
	r.fill(nil)
	v := r.board.View()
	if v.Quantity != 2547 || v.Amount != 20000 || v.Total.Since(before) != 2547 {
		t.Fatalf("display %v L, %v yuan, total moved %v", v.Quantity, v.Amount, v.Total.Since(before))
	}
	if c.balance != 30000 || c.proof.State != fuelcard.NotGrey || c.debits != 1 {
		t.Fatalf("card: balance %v, state %02X, %d debits", c.balance, byte(c.proof.State), c.debits)
	}
	rec := r.uploaded(1)[0]
	sound(t, rec)
	if rec.Type != fa.Fuelling || rec.Amount != 20000 || rec.Volume != 2547 || rec.Balance != 30000 || rec.TAC != c.proof.Code ||
		rec.TTC != 1 || rec.Total != v.Total || rec.Price != benchPrice || rec.NZN != 1 || rec.ASN != c.asn || rec.Time != c.proof.Time {
		t.Errorf("record %+v", rec)
	}
	if len(v.Receipt) == 0 || !r.saw(EventReceipt, "") {
		t.Error("no receipt")
	}
	if r.pull(); r.board.View().Read || r.board.View().State != StateIdle {
		t.Errorf("after the card has left: %+v", r.board.View())
	}
}

func TestPresets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		keys    string
		balance unit.Fen
		litres  unit.Quantity
		amount  unit.Fen
	}{
		{"定额", "100Y", 50000, 1273, 10000},
		{"定量", "20L", 50000, 2000, 15700},
		{"加满到余额", "F", 5000, 637, 5000},
		{"无选择", "", 5000, 637, 5000},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := readyRig(t)
			card := newCard(1, c.balance)
			r.insert(card)
			r.stage("ready")
			r.keys(c.keys)
			r.fill(nil)
			if v := r.board.View(); v.Quantity != c.litres || v.Amount != c.amount || card.debited != c.amount {
				t.Errorf("%v L, %v yuan, debited %v; want %v, %v", v.Quantity, v.Amount, card.debited, c.litres, c.amount)
			}
		})
	}
}

func TestPresetBeyondTheBalanceIsRefused(t *testing.T) {
	t.Parallel()
	r := readyRig(t)
	r.insert(newCard(1, 5000))
	r.stage("ready")
	r.keys("200Y")
	if !r.saw(EventRefused, "preset") || r.board.View().Preset != "" || r.board.View().Stage != "ready" {
		t.Fatalf("%+v", r.board.View())
	}
	r.keys("0Y")
	if r.board.View().Preset != "" {
		t.Error("a preset of nothing was taken")
	}
}

func TestPIN(t *testing.T) {
	t.Parallel()
	r := readyRig(t)
	c := newCard(1, 50000)
	c.pin = []byte{0x12, 0x34, 0x56}
	r.insert(c)
	ask := func() bool { return r.board.sess.waiting == askPIN }
	r.until("PIN", time.Minute, ask)
	r.keys("12345")
	if v := r.board.View(); v.PINStars != 5 || c.verified {
		t.Fatalf("%d stars", v.PINStars)
	}
	r.keys("C123456E")
	r.stage("ready")
	if !c.verified || r.board.View().PINStars != 0 {
		t.Error("right PIN, but not verified")
	}
	r.pull()
	r.ended()

	r.insert(c)
	for range 3 {
		r.until("PIN", time.Minute, ask)
		r.keys("000000E")
		r.pass(time.Second)
	}
	r.ended()
	if !r.saw(EventRefused, "pin-blocked") || c.tries != 0 {
		t.Error("three wrong PINs do not block")
	}
	r.pull()
	r.insert(c)
	r.until("PIN", time.Minute, ask)
	r.keys("123456E")
	r.ended()
	if c.verified {
		t.Error("blocked PIN was verified")
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, word string
		card       func(*chipCard)
		rig        func(*rig)
		code       uint16
		grey       bool
	}{
		{"foreign card", "foreign", func(c *chipCard) { c.foreign = true }, nil, 0x1001, false},
		{"balance too low", "balance", func(c *chipCard) { c.balance = 7 }, nil, 0, false},
		{"empty", "balance", func(c *chipCard) { c.balance = 0 }, nil, 0, false},
		{"product", "limit", func(c *chipCard) { c.limits.Products = 0x0002 }, nil, 0x1002, false},
		{"blacklisted on line, refused only", "listed", nil, func(r *rig) {
			r.station.black = map[pboc.ASN]bool{newCard(1, 0).asn: true}
			r.board.cfg.Profile.BlacklistLock = fuelcard.LockRefuseOnly
		}, 0x0001, false},
		{"not on a whitelist of users", "listed", nil, func(r *rig) { whitelist(r, newCard(2, 0).asn) }, 0x2001, false},
		{"blacklisted on line, held grey", "listed", nil, func(r *rig) { r.station.black = map[pboc.ASN]bool{newCard(1, 0).asn: true} }, 0x0001, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			product, _ := fa.ParseProduct(benchProduct)
			r.cfg.Products = []fa.Product{product, {0x20, 0x11}}
			r.power()
			r.until("prices", 30*time.Second, func() bool { return r.board.mem.state.Now.Set && r.board.View().Unsent == 0 })
			r.station.uploads = nil
			card := newCard(1, 50000)
			if c.card != nil {
				c.card(card)
			}
			if c.rig != nil {
				c.rig(r)
			}
			r.insert(card)
			r.pass(5 * time.Second)
			r.ended()
			if !r.saw(EventRefused, c.word) {
				t.Fatalf("not refused: %+v", r.seen)
			}
			r.lift()
			r.squeeze(1000)
			r.pass(10 * time.Second)
			if r.board.View().Total != 0 || card.debits != 0 {
				t.Error("fuel for a refused card")
			}
			if (card.proof.State == fuelcard.Grey) != c.grey {
				t.Errorf("card state %02X", byte(card.proof.State))
			}
			if c.code == 0 {
				if len(r.station.uploads) != 0 {
					t.Errorf("records %+v", r.station.uploads)
				}
				return
			}
			rec := r.uploaded(1)[0]
			sound(t, rec)
			if rec.Type.Kind() != fa.CardErrorEvent || rec.TAC != reason(c.code) || rec.ASN != card.asn || (rec.TTC != 0) != c.grey {
				t.Errorf("record %+v", rec)
			}
		})
	}
}

// whitelist gives the board a whitelist of user cards, by the rule user_nonempty.
func whitelist(r *rig, cards ...pboc.ASN) {
	r.t.Helper()
	r.board.cfg.Profile.WhiteListRule = fuelcard.WhiteUserNonempty
	file, err := fa.ListFile{Version: 3, From: fa.Date{0x20, 0x26, 1, 1}, To: fa.Date{0x20, 0x27, 1, 1}, Area: fa.Area{0xFF, 0xFF}, Cards: cards}.Bytes()
	if err != nil {
		r.t.Fatal(err)
	}
	r.station.files[fa.ContentWhite], r.station.versions.White = file, 3
	r.until("the whitelist", time.Minute, func() bool { return r.board.mem.state.Versions.White == 3 })
}

// A card that is on the whitelist of users is served; its record says its kind, by c_type. Source: card.md 13, 14.
func TestRecordOfAWhitelistedCard(t *testing.T) {
	t.Parallel()
	r := readyRig(t)
	c := newCard(1, 50000)
	whitelist(r, c.asn)
	r.board.cfg.Profile.CType = fuelcard.CTypeKind
	r.insert(c)
	r.fill(func() bool { return r.board.fill.volume > 300 })
	rec := r.uploaded(1)[0]
	sound(t, rec)
	if rec.Type.Kind() != fa.Fuelling || rec.CType != fuelcard.CardUser {
		t.Errorf("record %+v", rec)
	}
}

// TestPulledWhileFuelling: the valve closes, an escape is billed, the card comes back and pays at the same pump.
func TestPulledWhileFuelling(t *testing.T) {
	t.Parallel()
	r := readyRig(t)
	c := newCard(1, 50000)
	r.insert(c)
	r.stage("ready")
	r.lift()
	r.until("fuelling", time.Minute, func() bool { return r.board.fill.phase == fillRunning })
	r.squeeze(1000)
	r.pass(10 * time.Second)
	at := r.now
	r.pull()
	r.until("valve shut", time.Second, func() bool { return !r.board.View().SmallOpen })
	if d := r.now.Sub(at); d > 200*time.Millisecond {
		t.Errorf("valve closed after %v", d)
	}
	r.ended()
	bill := r.uploaded(1)[0]
	sound(t, bill)
	v := r.board.View()
	if bill.Type != fa.Escape || bill.Balance != 50000 || bill.TAC != c.proof.Code || bill.GMAC == (pboc.MAC{}) || bill.Volume != v.Quantity ||
		bill.Amount != v.Amount || bill.Volume < 300 || c.debits != 0 || c.proof.State != fuelcard.Grey {
		t.Fatalf("escape %+v", bill)
	}
	r.hang()
	r.insert(c)
	r.stage("ready")
	if c.debited != bill.Amount || c.proof.State != fuelcard.NotGrey {
		t.Fatalf("top-up: debited %v of %v, state %02X", c.debited, bill.Amount, byte(c.proof.State))
	}
	up := r.uploaded(2)[1]
	sound(t, up)
	if up.Type.Kind() != fa.TopUpDebit || up.TTC != bill.TTC || up.Amount != bill.Amount || up.TAC != c.proof.Code || up.CTC != bill.CTC {
		t.Errorf("top-up %+v", up)
	}
}

// TestGreyCardOfAnotherBoard: unknown here, the station knows (35H).
func TestGreyCardOfAnotherBoard(t *testing.T) {
	t.Parallel()
	r := readyRig(t)
	other := newSAM()
	other.tid, other.ttc = pboc.TID{0x13, 0x44, 0, 0, 0, 9}, 41
	c := lockedElsewhere(t, other)
	r.insert(c)
	r.ended()
	if !r.saw(EventRefused, "grey") || r.board.View().State != StateGrey {
		t.Fatalf("%+v", r.board.View())
	}
	r.pull()
	r.station.grey = &fa.GreyAnswer{Flag: fa.Found, ASN: c.asn, Balance: 50000, Amount: 12345, CTC: 0, Time: c.proof.Time,
		GMAC: pboc.TDES.MAC(c.session, fuelcard.GMACData(12345)), TID: other.tid, TTC: other.ttc}
	r.insert(c)
	r.stage("ready")
	if c.debited != 12345 || c.proof.State != fuelcard.NotGrey {
		t.Fatalf("debited %v", c.debited)
	}
	rec := r.uploaded(1)[0]
	sound(t, rec)
	if rec.Type.Kind() != fa.TopUpDebit || rec.TID != other.tid || rec.TTC != other.ttc || rec.Amount != 12345 || rec.TAC != c.proof.Code {
		t.Errorf("%+v", rec)
	}
}

// lockedElsewhere is a card that another board has locked.
func lockedElsewhere(t *testing.T, other *chipSAM) *chipCard {
	t.Helper()
	r := readyRig(t)
	r.cut()
	r.sam = other
	r.power()
	c := newCard(1, 50000)
	r.until("link", time.Minute, func() bool { return r.board.View().Online })
	r.tap = func(_ string, cmd []byte) (bool, bool) { return cmd[1] == 0x7C, true }
	r.insert(c)
	r.stage("ready")
	r.lift()
	r.until("pulled", time.Minute, func() bool { return r.in == nil })
	if c.proof.State != fuelcard.Grey {
		t.Fatal("not locked")
	}
	return c
}

// TestZeroFuel: a nozzle lifted and hung again costs nothing, and the card is free.
func TestZeroFuel(t *testing.T) {
	t.Parallel()
	r := readyRig(t)
	c := newCard(1, 50000)
	r.insert(c)
	r.stage("ready")
	r.lift()
	r.pass(300 * time.Millisecond)
	r.hang()
	r.ended()
	rec := r.uploaded(1)[0]
	sound(t, rec)
	if rec.Type != fa.Fuelling || rec.Amount != 0 || rec.Volume != 0 || c.debits != 1 || c.debited != 0 || c.proof.State != fuelcard.NotGrey {
		t.Errorf("%+v, card %+v", rec, c)
	}
}

// TestPulledBeforeEachCommand and after: wherever the card is pulled in a sale, the fuel is either paid once, or the card is
// grey and pays when it comes back; TTCs have no gap.
func TestPulledAtEachCommand(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			r, c, done := pulledAt(t, n, after)
			if done {
				break
			}
			r.hang()
			r.ended()
			if r.in == nil {
				r.insert(c)
			}
			r.until("settled", time.Minute, func() bool { return r.board.sess.talk == nil || r.board.View().Stage == "ready" })
			books(t, r, c, n, after)
		}
	}
}

func pulledAt(t *testing.T, n int, after bool) (*rig, *chipCard, bool) {
	r := readyRig(t)
	c := newCard(1, 50000)
	count := 0
	r.tap = func(slot string, _ []byte) (bool, bool) {
		if slot == SlotCard {
			count++
		}
		return slot == SlotCard && count == n, after
	}
	r.insert(c)
	r.until("ready or pulled", time.Minute, func() bool { return r.in == nil || r.board.View().Stage == "ready" || r.board.sess.talk == nil })
	if r.in != nil {
		r.lift()
		r.until("fuelling or pulled", time.Minute, func() bool { return r.in == nil || r.board.fill.phase == fillRunning })
		r.squeeze(1000)
		r.pass(5 * time.Second)
		r.hang()
		r.ended()
	}
	done := count < n
	r.tap = nil
	return r, c, done
}

// books checks records and card after everything that is open could settle.
func books(t *testing.T, r *rig, c *chipCard, n int, after bool) {
	t.Helper()
	r.until("uploads", time.Minute, func() bool { return r.board.View().Unsent == 0 })
	if c.proof.State != fuelcard.NotGrey || c.debits > 1 {
		t.Errorf("command %d after %v: card state %02X, %d debits", n, after, byte(c.proof.State), c.debits)
	}
	var fuel unit.Quantity
	var paid unit.Fen
	kinds := map[pboc.PSAMTTC][]fa.TType{}
	for _, rec := range r.station.uploads {
		sound(t, rec)
		kind := rec.Type.Kind()
		if kind == fa.Fuelling || kind == fa.Escape {
			fuel += rec.Volume
		}
		if kind == fa.Fuelling || kind == fa.TopUpDebit || kind == fa.Supplement {
			paid += rec.Amount
		}
		kinds[rec.TTC] = append(kinds[rec.TTC], kind)
	}
	if total := r.board.View().Total; fuel != unit.Quantity(total) {
		t.Errorf("command %d after %v: totalizer %v, records %v: %v", n, after, total, fuel, kinds)
	}
	if owed, _ := unit.Amount(fuel, benchPrice); c.debited != owed || paid != owed {
		t.Errorf("command %d after %v: fuel %v costs %v, card paid %v, records say %v: %v", n, after, fuel, owed, c.debited, paid, kinds)
	}
	for ttc := pboc.PSAMTTC(1); ttc <= r.sam.ttc; ttc++ {
		if len(kinds[ttc]) == 0 {
			t.Errorf("command %d after %v: TTC %d of %d is in no record: %v", n, after, ttc, r.sam.ttc, kinds)
		}
	}
}

// TestInterruptedSaleIsBilled: the power fails while fuel flows and the card is taken away. The board bills the sale by itself,
// and before it sells to anybody else.
func TestInterruptedSaleIsBilled(t *testing.T) {
	t.Parallel()
	for _, other := range []bool{false, true} {
		r := readyRig(t)
		c := newCard(1, 50000)
		r.insert(c)
		r.stage("ready")
		r.lift()
		r.until("fuelling", time.Minute, func() bool { return r.board.fill.phase == fillRunning })
		r.squeeze(1000)
		r.pass(10 * time.Second)
		total := r.board.View().Total
		r.cut()
		r.in = nil
		r.pass(5 * time.Second)
		r.power()
		if v := r.board.View(); v.Total != total || v.Quantity != unit.Quantity(total) {
			t.Fatalf("after the cut: total %v of %v, volume %v", v.Total, total, v.Quantity)
		}
		if other {
			second := newCard(2, 50000)
			r.insert(second)
			r.fill(func() bool { return r.board.fill.volume > 500 })
		}
		bill := r.uploaded(1)[0]
		sound(t, bill)
		if bill.Type != fa.Escape || bill.Volume != unit.Quantity(total) || bill.TTC != 1 || bill.GMAC == (pboc.MAC{}) || bill.ASN != c.asn {
			t.Fatalf("other %v: %+v", other, bill)
		}
		if other {
			continue
		}
		r.insert(c)
		r.stage("ready")
		if c.debited != bill.Amount {
			t.Errorf("top-up took %v of %v", c.debited, bill.Amount)
		}
	}
}

// TestPulledAfterTheLock: the pump was never authorised, so there is no bill; the card is released with amount 0 when it comes
// back, or its TTC is reported as cancelled before the next sale. Source: trust.md row 2.
func TestPulledAfterTheLock(t *testing.T) {
	t.Parallel()
	for _, back := range []bool{true, false} {
		r := readyRig(t)
		c := newCard(1, 50000)
		r.tap = func(slot string, cmd []byte) (bool, bool) {
			if slot == SlotPSAM && cmd[1] == 0x42 && r.in == c {
				r.after(0, r.pull)
			}
			return false, false
		}
		r.insert(c)
		r.stage("ready")
		r.lift()
		r.until("pulled", time.Minute, func() bool { return r.in == nil })
		r.squeeze(1000)
		r.pass(10 * time.Second)
		if r.board.View().Total != 0 || c.proof.State != fuelcard.Grey || len(r.station.uploads) != 0 {
			t.Fatalf("total %v, card %02X, records %+v", r.board.View().Total, byte(c.proof.State), r.station.uploads)
		}
		r.hang()
		if back {
			r.insert(c)
			r.stage("ready")
			rec := r.uploaded(1)[0]
			if rec.Type != fa.Fuelling || rec.Amount != 0 || rec.TTC != 1 || c.proof.State != fuelcard.NotGrey || c.balance != 50000 {
				t.Errorf("release %+v", rec)
			}
			continue
		}
		r.insert(newCard(2, 50000))
		r.fill(func() bool { return r.board.fill.volume > 500 })
		up := r.uploaded(2)
		if up[0].Type != fa.CardErrorEvent && up[1].Type != fa.CardErrorEvent {
			t.Fatalf("no cancelled TTC: %+v", up)
		}
		for _, rec := range up {
			if rec.Type == fa.CardErrorEvent && (rec.TTC != 1 || rec.TAC != reason(reasonCancelled) || rec.ASN != c.asn) {
				t.Errorf("cancelled %+v", rec)
			}
		}
		r.pull()
		r.insert(c) // the PSAM has gone on: only an outlet can help
		r.ended()
		if !r.saw(EventRefused, "grey") || c.proof.State != fuelcard.Grey {
			t.Error("the card was not refused as grey")
		}
	}
}

// TestDeadPSAM: no sale, a fault, and the fault reaches the station.
func TestDeadPSAM(t *testing.T) {
	t.Parallel()
	r := readyRig(t)
	r.cut()
	r.sam.mute = true
	r.power()
	r.until("link", time.Minute, func() bool { return r.board.View().Online })
	c := newCard(1, 50000)
	r.insert(c)
	r.pass(3 * time.Second)
	if r.board.State() != StateFault || !r.saw(EventFault, "E05") || c.verified {
		t.Fatalf("state %s", r.board.State())
	}
	said := false
	for _, f := range r.station.frames {
		said = said || f.Word() == fa.WordFault && string(f.Data[2:]) == "E05 PSAM"
	}
	if !said {
		t.Error("no 3BH")
	}
}

package world

import (
	"errors"
	"testing"

	"greylock/emulators/conform"
	"greylock/emulators/conform/mem"
	"greylock/fixtures"
	"greylock/system/card"
	"greylock/system/card/cardtest"
	"greylock/system/clock"
	"greylock/system/terminal"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// till is a shop's terminal with the software card and PSAM, both applications and both purses of them.
type till struct {
	t       *testing.T
	profile fuelcard.Profile
	set     mem.Set
	card    card.Slot
	psam    card.Slot
	loyalty bool
	purse   fuelcard.Purse
	log     []terminal.Entry
}

func newTill(t *testing.T, p fuelcard.Profile, loyalty bool, purse fuelcard.Purse) *till {
	t.Helper()
	keys, cards := fixtures.TestKeys(), fixtures.TestCards()
	x := &till{t: t, profile: p, loyalty: loyalty, purse: purse, set: mem.Set{Masters: keys.Masters, Transport: keys.Transport,
		Issuer: cards.Issuer, ASN: cards.Users[0], PSAM: cards.PSAMs[0].Number, TID: cards.PSAMs[0].TID, Desk: cards.DeskTID,
		Start: [4]byte{0x20, 0x26, 1, 1}, Expiry: [4]byte{0x20, 0x36, 0x12, 0x31}}}
	made := func(_ conform.Kit, m conform.Maker, err error) card.Slot {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		c, err := m(conform.Order{State: conform.Made})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	x.card, x.psam = made(mem.Card(p, x.set)), made(mem.PSAM(p, x.set))
	x.load(10000)
	return x
}

// Append and High make it a terminal's log.
func (x *till) Append(e terminal.Entry) error {
	x.log = append(x.log, e)
	return nil
}

func (x *till) High(tid pboc.TID) (high pboc.PSAMTTC, known bool) {
	for _, e := range x.log {
		if e.Sale.TID == tid {
			high, known = max(high, e.Sale.TTC), true
		}
	}
	return high, known
}

// key is a key of the card, in the application that is served.
func (x *till) key(name string) (pboc.Suite, pboc.Key) {
	s, err := x.profile.Suite()
	if err != nil {
		x.t.Fatal(err)
	}
	if x.loyalty {
		name = "L" + name
	}
	return s, s.Diversify(x.set.Masters[x.profile.MasterOf(name)], x.profile.Factors(name, x.set.Issuer, x.set.ASN)...)
}

// serve powers both up and reads them; user is the way to the card.
func (x *till) serve(user card.Transport) (*terminal.Terminal, terminal.Identity, error) {
	for _, c := range []card.Slot{x.card, x.psam} {
		if _, err := c.Reset(); err != nil {
			x.t.Fatal(err)
		}
	}
	term := &terminal.Terminal{Card: user, PSAM: card.T0(x.psam), Profile: x.profile, Clock: func() clock.Instant { return clock.At(2026, 11, 22, 10, 15, 0) },
		Log: x, Loyalty: x.loyalty}
	if _, err := term.ReadPSAM(); err != nil {
		x.t.Fatal(err)
	}
	id, err := term.Identify()
	if err == nil && id.Refused != nil {
		x.t.Fatal(id.Refused)
	}
	if err == nil {
		err = term.VerifyPIN(x.profile.DefaultPIN)
	}
	return term, id, err
}

// load puts money or points on the card, as the issuer's host does.
func (x *till) load(amount unit.Fen) {
	x.t.Helper()
	user := card.T0(x.card)
	if _, _, err := x.serve(user); err != nil {
		x.t.Fatal(err)
	}
	sends := func(c interface{ Bytes() []byte }) []byte {
		raw, err := user.Transmit(c.Bytes())
		if err != nil || len(raw) < 2 || raw[len(raw)-2] != 0x90 {
			x.t.Fatalf("> %X: < %X %v", c.Bytes(), raw, err)
		}
		return raw[:len(raw)-2]
	}
	init, err := fuelcard.ParseInitForLoadAnswer(sends(fuelcard.InitForLoad{Purse: x.purse, KeyID: x.profile.KeyID, Amount: amount, TID: x.set.Desk}.Command()))
	if err != nil {
		x.t.Fatal(err)
	}
	stamp := [7]byte{0x20, 0x26, 0x11, 0x22, 0x09, 0x30}
	s, dlk := x.key("DLK")
	mac2 := s.MAC(s.LoadSession(dlk, init.Rand, init.OnlineSN), fuelcard.LoadMAC2Data(amount, x.purse.LoadType(), x.set.Desk, stamp))
	sends(fuelcard.CreditForLoad{Time: stamp, MAC2: mac2}.Command())
}

// balance is what the purse holds.
func (x *till) balance() unit.Fen {
	x.t.Helper()
	term, _, err := x.serve(card.T0(x.card))
	if err != nil {
		x.t.Fatal(err)
	}
	raw, err := term.Card.Transmit(fuelcard.GetBalance{Purse: x.purse}.Command().Bytes())
	if err != nil || len(raw) != 6 {
		x.t.Fatalf("%X %v", raw, err)
	}
	b, err := fuelcard.ParseBalanceAnswer(raw[:4])
	if err != nil {
		x.t.Fatal(err)
	}
	return b.Balance
}

// bought checks every TAC of the log and returns what it says was paid.
func (x *till) bought() (sum unit.Fen) {
	x.t.Helper()
	for _, e := range x.log {
		if e.Kind != terminal.Bought {
			continue
		}
		sum += e.Amount
		s, dtk := x.key("DTK")
		if tac := s.TAC(dtk, fuelcard.PurchaseTACData(e.Amount, x.purse.PurchaseType(), e.Sale.TID, e.Sale.TTC, e.Stamp)); tac != e.TAC {
			x.t.Errorf("TTC %d: TAC %s, want %s", e.Sale.TTC, e.TAC, tac)
		}
	}
	return sum
}

func (x *till) open() (buy terminal.Entry, open bool) {
	for _, e := range x.log {
		switch e.Kind {
		case terminal.Buy:
			buy, open = e, true
		case terminal.Bought, terminal.Cancel:
			open = false
		}
	}
	return buy, open
}

// TestPurchases: money from ED, points from EP of either application, on every profile, with the software cards; the card is
// pulled before and after every command. Each purchase is paid once or not at all, and the log knows it in the end.
// Source: card.md 6.2, 8.1, 15.3 B.
func TestPurchases(t *testing.T) {
	t.Parallel()
	for _, p := range fuelcard.Profiles() {
		for _, c := range []struct {
			name    string
			loyalty bool
			purse   fuelcard.Purse
		}{{"ED", false, fuelcard.ED}, {"EP", false, fuelcard.EP}, {"EP of the loyalty application", true, fuelcard.EP}} {
			t.Run(p.Name+", "+c.name, func(t *testing.T) {
				t.Parallel()
				purchases(newTill(t, p, c.loyalty, c.purse))
			})
		}
	}
}

func purchases(x *till) {
	const price unit.Fen = 12
	start, cuts := x.balance(), 0
	for at, whole := 1, false; !whole; at++ {
		for _, phase := range []cardtest.Phase{cardtest.Before, cardtest.After} {
			torn := &cardtest.Tear{Card: card.T0(x.card), At: at, Phase: phase}
			term, id, err := x.serve(torn)
			if err == nil {
				_, err = term.Buy(id, x.purse, price)
			}
			if whole = err == nil; !whole {
				cuts++
			}
			if buy, open := x.open(); open {
				if term, id, err = x.serve(card.T0(x.card)); err != nil {
					x.t.Fatal(err)
				}
				if _, _, err := term.SettlePurchase(id, buy); err != nil {
					x.t.Fatalf("command %d, %s: %v", at, phase, err)
				}
			}
			if paid, said := start-x.balance(), x.bought(); paid != said {
				x.t.Fatalf("command %d, %s: the card has paid %s, the log says %s", at, phase, paid, said)
			}
		}
	}
	if term, id, err := x.serve(card.T0(x.card)); err != nil {
		x.t.Error(err)
	} else if _, err := term.Buy(id, x.purse, start+1); err == nil || errors.Is(err, terminal.ErrUnknown) {
		x.t.Errorf("more than there is: %v", err)
	}
	if cuts < 16 || x.bought() == 0 {
		x.t.Errorf("%d cuts, %s paid", cuts, x.bought())
	}
}

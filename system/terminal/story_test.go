package terminal

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"greylock/fixtures"
	"greylock/system/card"
	"greylock/system/card/cardtest"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// complaints keeps what the model chips have to say about a terminal that breaks a rule.
type complaints struct {
	testing.TB
	said []string
}

func (c *complaints) Errorf(format string, args ...any) {
	c.said = append(c.said, fmt.Sprintf(format, args...))
}

// story is two holders' cards, the pump's terminal that they use, the shop's till on the same terminal, another terminal of the
// station, an outlet. Everything may be torn at any step.
type story struct {
	*board
	say   *complaints
	cards []*fakeCard
	start []unit.Fen
	lines []string // what has happened
}

// purse is on each card at the beginning.
const purse unit.Fen = 50000

const (
	acts   = 10 // of one story: as many as a card remembers
	within = 24 // steps of a visit in which a fault may fall
)

func newStory(t testing.TB, profile fuelcard.Profile) *story {
	say := &complaints{TB: t}
	b := newBench(say)
	b.card.profile, b.psam.profile = profile, profile
	s := &story{board: &board{b, map[pboc.PSAMTTC]unit.Fen{}}, say: say}
	suite, err := profile.Suite()
	if err != nil {
		t.Fatal(err)
	}
	set := fixtures.TestKeys()
	for i := range 2 {
		c := *b.card
		c.asn[9] += byte(i)
		c.balance = purse
		c.keys = map[string]pboc.Key{}
		for name := range b.card.keys {
			c.keys[name] = suite.Diversify(set.Masters[profile.MasterOf(name)], profile.Factors(name, c.issuer, c.asn)...)
		}
		s.cards, s.start = append(s.cards, &c), append(s.start, purse)
	}
	return s
}

// fault is what befalls one visit.
type fault struct {
	what  string // "", card, power, psam
	at    int
	after bool
}

func (f fault) String() string {
	if f.what == "" {
		return "calm"
	}
	return fmt.Sprintf("%s fails at step %d, after it %v", f.what, f.at, f.after)
}

// steps are drawn evenly: a number of rapid's own is small most of the time.
var steps = func() (s []int) {
	for i := range within {
		s = append(s, i+1)
	}
	return s
}()

var faults = rapid.Custom(func(t *rapid.T) fault {
	f := fault{what: rapid.SampledFrom([]string{"card", "power", "psam", ""}).Draw(t, "what")}
	if f.what != "" {
		f.at, f.after = rapid.SampledFrom(steps).Draw(t, "at"), rapid.Bool().Draw(t, "after")
	}
	return f
})

// at makes a terminal that meets the fault.
func (s *story) at(f fault) *Terminal {
	var user, psam card.Transport = s.card, s.psam
	s.log.cut = nil
	switch f.what {
	case "card":
		phase := cardtest.Before
		if f.after {
			phase = cardtest.After
		}
		user = &cardtest.Tear{Card: s.card, At: f.at, Phase: phase}
	case "power":
		p := &power{at: f.at, after: f.after}
		user, psam, s.log.cut = powered{p, s.card}, powered{p, s.psam}, p.step
	case "psam":
		psam = &resetAt{s: s, at: f.at, after: f.after}
	}
	return s.terminal(user, psam)
}

// resetAt is a PSAM that loses its power at its nth command.
type resetAt struct {
	s     *story
	at    int
	after bool
}

func (r *resetAt) Transmit(command []byte) ([]byte, error) {
	if r.at--; r.at != 0 {
		return r.s.psam.Transmit(command)
	}
	if r.after {
		if _, err := r.s.psam.Transmit(command); err != nil {
			return nil, err
		}
	}
	r.s.psam.on()
	return nil, card.ErrMute
}

// atPump settles what is open with every card, bills a sale whose card is not there, and sells.
func (s *story) atPump(term *Terminal, buy unit.Fen) error {
	if err := s.closeOthers(term); err != nil {
		return err
	}
	return s.visit(term, buy)
}

// closeOthers ends the open sales of cards that are not here, as a dispenser does before it sells to another.
func (s *story) closeOthers(term *Terminal) error {
	if _, err := term.ReadPSAM(); err != nil {
		return err
	}
	for _, c := range s.cards {
		v := s.log.evidence(c.asn)
		switch {
		case c == s.card || !v.Found || v.Closed || v.Billed:
		case v.Authorised:
			if err := s.bill(term, c, v); err != nil {
				return err
			}
		default:
			e := Entry{Kind: Cancel, Sale: v.Sale, PSAM: v.PSAM, ASN: v.ASN, CTC: v.CTC, Balance: v.Balance, Stamp: v.Stamp, Reason: "cancelled"}
			if _, err := term.Note(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// bill notes the escape of a card that is not here, with the PSAM's signature if it still has it.
func (s *story) bill(term *Terminal, c *fakeCard, v Evidence) error {
	l := v.Lock(c.issuer, fuelcard.LockProof{Code: v.GTAC, Detail: c.proof.Detail})
	end := l.Entry(FuelEnd)
	if end.Amount = v.Amount; !v.Ended {
		end.Amount = s.fuelled[v.Sale.TTC]
	}
	ended, err := term.Note(end)
	if err != nil {
		return err
	}
	sig, err := term.Sign(l, ended)
	if err != nil {
		sig = Signature{Amount: end.Amount}
	}
	e := l.Entry(Escape)
	e.Amount, e.GMAC, e.PSAMTAC, e.TType = sig.Amount, sig.GMAC, sig.PSAMTAC, TTypeEscape
	_, err = term.Note(e)
	return err
}

// atTill settles an open purchase of the card and makes another.
func (s *story) atTill(term *Terminal, amount unit.Fen) error {
	if err := s.closeOthers(term); err != nil {
		return err
	}
	id, err := term.Identify()
	if err == nil {
		err = term.VerifyPIN(s.card.profile.DefaultPIN)
	}
	if err != nil {
		return err
	}
	for _, e := range s.openPurchases(id.ASN) {
		if _, _, err := term.SettlePurchase(id, e); err != nil {
			return err
		}
	}
	if amount == 0 {
		return nil
	}
	_, err = term.Buy(id, fuelcard.ED, amount)
	return err
}

func (s *story) openPurchases(asn pboc.ASN) (open []Entry) {
	for _, e := range s.log.entries {
		if e.Kind == Buy && e.ASN == asn && !s.log.has(Bought, e.Sale.TTC) && !s.log.has(Cancel, e.Sale.TTC) {
			open = append(open, e)
		}
	}
	return open
}

// atNeighbour is another terminal of the station: it has no log of its own and asks by 35H.
func (s *story) atNeighbour(term *Terminal) error {
	id, err := term.Identify()
	if err != nil {
		return err
	}
	answer := Evidence{Asked: true, ASN: id.ASN}
	if own := s.log.evidence(id.ASN); own.Found && own.Billed && !own.Closed {
		answer = own
		answer.Own, answer.Asked = false, true
	}
	d := Recover(id.ASN, id.Proof, answer)
	if d.Action != TopUp && d.Action != Supplement {
		return nil
	}
	paid, err := term.Settle(d, id, answer)
	if err != nil {
		return err
	}
	return forget(term, paid)
}

// forget is done without the T-MAC of a PSAM.
func forget(term *Terminal, paid Paid) error {
	done, err := term.Note(paid.Entry())
	if err != nil {
		return err
	}
	return term.ClearTACUF(done)
}

// atOutlet unlocks a grey card on line, where the center has a record of the lock: the bill, its cancellation, or that its
// release failed.
func (s *story) atOutlet(term *Terminal) error {
	id, err := term.Identify()
	if err != nil {
		return err
	}
	v := s.log.evidence(id.ASN)
	v.Own, v.Asked, v.Signed = false, true, false // the center's own record, and no GMAC to show
	if d := Recover(id.ASN, id.Proof, v); id.Proof.State != fuelcard.Grey || v.Hold || d.Action != Refuse || !v.matches(id.Proof) || !v.Billed && !v.Cancelled && (!v.Suspect || v.Authorised) {
		return nil
	}
	u, err := term.InitOnlineUnlock(id, pboc.TID{0x13, 0x44, 0, 0, 0x99, 0x99})
	if err != nil {
		return err
	}
	suite, err := s.card.profile.Suite()
	if err != nil {
		return err
	}
	answer := record.UnlockAnswer{Amount: v.Amount, Date: benchStamp[:4], Time: benchStamp[4:]}
	ses := suite.LoadSession(s.card.key("DUGK"), u.Rand, u.OnlineSN)
	answer.MAC2 = suite.MAC(ses, fuelcard.OnlineMAC2Data(v.Amount, fuelcard.TypeOnlineED, u.TID, benchStamp))
	paid, err := term.OnlineUnlock(u, answer)
	if err != nil {
		return err
	}
	return forget(term, paid)
}

var benchStamp = benchTime.Civil().Stamp()

// act is one insertion of one card somewhere.
func (s *story) act(rt *rapid.T) {
	i := rapid.IntRange(0, len(s.cards)-1).Draw(rt, "card")
	where := rapid.SampledFrom([]string{"pump", "pump", "till", "neighbour", "outlet"}).Draw(rt, "where")
	f := faults.Draw(rt, "fault")
	amount := rapid.SampledFrom([]unit.Fen{1, 999, 4000, 0}).Draw(rt, "amount")
	s.insert(rt, i, where, f, amount)
}

func (s *story) insert(rt *rapid.T, i int, where string, f fault, amount unit.Fen) {
	s.card = s.cards[i]
	term := s.at(f)
	var err error
	switch where {
	case "pump":
		err = s.atPump(term, amount)
	case "till":
		err = s.atTill(term, amount)
	case "neighbour":
		err = s.atNeighbour(term)
	case "outlet":
		err = s.atOutlet(term)
	}
	s.lines = append(s.lines, fmt.Sprintf("card %d at the %s for %s, %s: %v", i, where, amount, f, err))
	for _, bug := range []error{ErrOrder, ErrAmount, ErrTTC, ErrPurchaseOpen} {
		if errors.Is(err, bug) {
			rt.Fatalf("%v\n%s", bug, s.told())
		}
	}
	if f.what == "" && err != nil && !errors.Is(err, errGrey) && !errors.Is(err, ErrNoGMAC) && !busy(err) {
		rt.Fatalf("a calm visit fails\n%s", s.told())
	}
	s.once(rt)
}

// busy is a refusal that a calm visit may end in: a till does not serve a grey card.
func busy(err error) bool {
	sw, no := refused(err)
	return no && sw == apdu.Conditions
}

func (s *story) told() (all string) {
	for _, l := range s.lines {
		all += l + "\n"
	}
	for _, e := range s.log.entries {
		all += fmt.Sprintf("  %v %d card %d CTC %d %s T_TYPE %d %s\n", e.Kind, e.Sale.TTC, e.ASN[9], e.CTC, e.Amount, e.TType, e.Reason)
	}
	return all
}

// once holds at every moment: no card has paid more than what was fuelled and bought with it, no rule of the chips is broken,
// no TAC is recorded as two debits of money.
func (s *story) once(rt *rapid.T) {
	if len(s.say.said) > 0 {
		rt.Fatalf("%v\n%s", s.say.said, s.told())
	}
	for i, c := range s.cards {
		if paid, owed := s.start[i]-c.balance, s.owed(c); paid > owed || c.balance < 0 {
			rt.Fatalf("card %d has paid %s, owed %s\n%s", i, paid, owed, s.told())
		}
		if c.unlockErr > 0 {
			rt.Fatalf("wrong GMAC %d times\n%s", c.unlockErr, s.told())
		}
	}
	late := 0
	for _, e := range s.log.entries {
		if e.Kind == Suspect && e.Reason == LateMAC2 {
			late++
		}
	}
	if s.psam.mac2Err > late { // each is noted, so none is shown twice
		rt.Fatalf("wrong MAC2 %d times, noted %d\n%s", s.psam.mac2Err, late, s.told())
	}
}

// owed is what a card's holder has had: fuel by the pump's register, goods by every purchase that was begun and not
// cancelled.
func (s *story) owed(c *fakeCard) (sum unit.Fen) {
	for _, e := range s.log.entries {
		switch {
		case e.ASN != c.asn:
		case e.Kind == Begin:
			sum += s.fuelled[e.Sale.TTC]
		case e.Kind == Buy && !s.log.has(Cancel, e.Sale.TTC):
			sum += e.Amount
		}
	}
	return sum
}

// TestStories: whatever is torn, in whatever order, at whichever terminal: a card never pays twice, and when it comes back in
// peace it has paid exactly what is owed. Source: trust.md M1 to M6, L1, L2.
func TestStories(t *testing.T) {
	t.Parallel()
	reached := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		profile := rapid.SampledFrom(fuelcard.Profiles()).Draw(rt, "profile")
		profile.CertificateAt = rapid.SampledFrom([]fuelcard.CertificateAt{fuelcard.CertificateBeforeFuel, fuelcard.CertificateAtEnd}).Draw(rt, "certificate")
		profile.UnlockClock = rapid.SampledFrom([]fuelcard.UnlockClock{fuelcard.ClockOfLock, fuelcard.ClockNow}).Draw(rt, "clock")
		s := newStory(t, profile)
		for range acts {
			s.act(rt)
		}
		for i := range s.cards {
			for _, where := range []string{"pump", "till", "outlet", "neighbour", "pump"} {
				s.insert(rt, i, where, fault{}, 0)
			}
		}
		for i, c := range s.cards {
			if paid, owed := s.start[i]-c.balance, s.owed(c); paid != owed || c.proof.State != fuelcard.NotGrey || len(s.openPurchases(c.asn)) > 0 {
				rt.Fatalf("card %d has paid %s, owed %s, state %02X, open purchases %v\n%s", i, paid, owed, byte(c.proof.State), s.openPurchases(c.asn), s.told())
			}
		}
		s.numbers(rt)
		s.count(reached)
	})
	t.Log(reached)
}

// count tells how a story's sales ended.
func (s *story) count(reached map[string]int) {
	for _, e := range s.log.entries {
		word := e.Kind.String()
		if e.Kind == Done {
			word = fmt.Sprintf("%s T_TYPE %d", word, e.TType)
			if e.Sale.TTC == 0 {
				word += " without TTC"
			}
		}
		if e.Kind == Cancel {
			word += " " + e.Reason
		}
		reached[word]++
	}
}

// numbers: every number of the PSAM has one end, and what the log says of a sale is what the register says.
func (s *story) numbers(rt *rapid.T) {
	for ttc := pboc.PSAMTTC(1); ttc <= s.psam.ttc; ttc++ {
		paid, ends := unit.Fen(0), 0
		billed, cancelled := false, false
		for _, e := range s.log.entries {
			if e.Sale.TTC != ttc {
				continue
			}
			switch e.Kind {
			case Done, Bought:
				ends++
				paid += e.Amount
			case Escape:
				billed = true
			case Cancel:
				cancelled = true
			}
		}
		switch fuel := s.fuelled[ttc]; {
		case ends > 1:
			rt.Fatalf("TTC %d has %d ends\n%s", ttc, ends, s.told())
		case ends == 0 && !billed && !cancelled:
			if ttc == s.psam.ttc { // burned, and no later sale has said so yet
				continue
			}
			if high, _ := s.log.High(s.psam.tid); ttc > high {
				continue
			}
			rt.Fatalf("TTC %d has no end\n%s", ttc, s.told())
		case ends == 1 && paid != fuel && !s.log.has(Bought, ttc):
			rt.Fatalf("TTC %d: paid %s, fuel %s\n%s", ttc, paid, fuel, s.told())
		case cancelled && fuel > 0:
			rt.Fatalf("TTC %d: cancelled with fuel for %s\n%s", ttc, fuel, s.told())
		}
	}
}

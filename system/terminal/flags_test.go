package terminal

import (
	"errors"
	"testing"
	"time"

	"greylock/system/card"
	"greylock/system/clock"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// withProfile is a bench whose card, PSAM and terminal have one profile, after one lock that is to be paid.
func withProfile(t *testing.T, set func(*fuelcard.Profile)) (*bench, Lock) {
	t.Helper()
	b := newBench(t)
	set(&b.card.profile)
	b.psam.profile = b.card.profile
	b.term = b.terminal(b.card, b.psam)
	return b, lockOf(t, b)
}

// tap keeps the commands with one INS.
type tap struct {
	chip card.Transport
	ins  byte
	seen []apdu.Command
}

func (x *tap) Transmit(command []byte) ([]byte, error) {
	if command[1] == x.ins {
		c, err := apdu.ParseCommand(command)
		if err != nil {
			return nil, err
		}
		x.seen = append(x.seen, c)
	}
	return x.chip.Transmit(command)
}

func endOfFuel(t *testing.T, b *bench, l Lock, amount unit.Fen) Durable {
	t.Helper()
	e := l.Entry(FuelEnd)
	e.Amount = amount
	d, err := b.term.Note(e)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDebitFlags: what DEBIT FOR UNLOCK carries, and what is kept of it. Source: card.md 17.1, ctc_plus_one, unlock_clock.
func TestDebitFlags(t *testing.T) {
	t.Parallel()
	later := benchTime.Add(time.Minute)
	for _, c := range []struct {
		name string
		set  func(*fuelcard.Profile)
		more uint32
		now  bool
	}{
		{"ctc_plus_one=off, unlock_clock=lock", func(*fuelcard.Profile) {}, 0, false},
		{"ctc_plus_one=on", func(p *fuelcard.Profile) { p.CTCPlusOne = true }, 1, false},
		{"unlock_clock=now", func(p *fuelcard.Profile) { p.UnlockClock = fuelcard.ClockNow }, 0, true},
		{"both", func(p *fuelcard.Profile) { p.CTCPlusOne, p.UnlockClock = true, fuelcard.ClockNow }, 1, true},
	} {
		b, l := withProfile(t, c.set)
		x := &tap{chip: b.card, ins: 0x7E}
		b.term.Card = x
		sig, err := b.term.Sign(l, endOfFuel(t, b, l, 5000))
		if err != nil {
			t.Fatal(err)
		}
		b.term.Clock = func() clock.Instant { return later }
		paid, err := b.term.Debit(l, sig)
		if err != nil || len(x.seen) != 1 {
			t.Fatalf("%s: %v, %d debits", c.name, err, len(x.seen))
		}
		d, err := fuelcard.ParseDebitForUnlock(x.seen[0])
		if err != nil {
			t.Fatal(err)
		}
		stamp := l.Stamp
		if c.now {
			stamp = later.Civil().Stamp()
		}
		if d.CTC != l.CTC+pboc.CTC(c.more) || d.TTC != l.Sale.TTC+pboc.PSAMTTC(c.more) || d.Time != stamp || paid.Stamp != stamp || paid.Sale != l.Sale || paid.CTC != l.CTC {
			t.Errorf("%s: %+v, kept %+v", c.name, d, paid)
		}
		if p := b.card.proof; !took(p, l.Sale.TID, l.CTC, 5000) || paid.TAC != p.Code {
			t.Errorf("%s: the proof %+v is not of this debit", c.name, p)
		}
	}
}

// TestCertificateAt: the PSAM sees MAC2 before fuel, or when it signs. Source: card.md 12.1 step 13, certificate_at.
func TestCertificateAt(t *testing.T) {
	t.Parallel()
	for at, stage := range map[fuelcard.CertificateAt]byte{fuelcard.CertificateBeforeFuel: 2, fuelcard.CertificateAtEnd: 1} {
		b, l := withProfile(t, func(p *fuelcard.Profile) { p.CertificateAt = at })
		if b.psam.stage != stage {
			t.Errorf("%s: stage %d after the lock", at, b.psam.stage)
		}
		sig, err := b.term.Sign(l, endOfFuel(t, b, l, 5000))
		if err != nil || sig.GMAC == (pboc.MAC{}) || b.psam.stage != 3 {
			t.Errorf("%s: %+v %v, stage %d", at, sig, err, b.psam.stage)
		}
	}
	b, l := withProfile(t, func(p *fuelcard.Profile) { p.CertificateAt = fuelcard.CertificateAtEnd })
	l.MAC2[0]++
	if _, err := b.term.Sign(l, endOfFuel(t, b, l, 5000)); !errors.Is(err, ErrSuspect) || b.psam.mac2Err != 1 || !b.log.has(Suspect, 1) {
		t.Errorf("a wrong MAC2 at the end: %v, %d wrong", err, b.psam.mac2Err)
	}
}

// TestIssuerRule: bytes 1 to 7 of the issuer id. Source: card.md 3.2, issuer_rule.
func TestIssuerRule(t *testing.T) {
	t.Parallel()
	for rule, refused := range map[fuelcard.IssuerRule]bool{fuelcard.IssuerFFTail: true, fuelcard.IssuerAny: false} {
		b := newBench(t)
		b.card.issuer[7] = 0
		b.term.Profile.IssuerRule = rule
		if id, err := b.term.Identify(); err != nil || (id.Refused != nil) != refused {
			t.Errorf("%s: %v %v", rule, id.Refused, err)
		}
	}
}

// TestDailyTypes: every type counts or does not, as the profile lists it. Source: card.md 3.5, daily_types.
func TestDailyTypes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	today := [7]byte{0x20, 0x26, 0x11, 0x22}
	counts := func(typ fuelcard.TxType) bool {
		n, sum := b.term.today([]fuelcard.LogRecord{{Amount: 7, Type: typ, Time: today}})
		if n*7 != int(sum) {
			t.Errorf("type %02X: %d fills of %s", byte(typ), n, sum)
		}
		return n == 1
	}
	for typ, want := range map[fuelcard.TxType]bool{
		fuelcard.TypeUnlockED: true, fuelcard.TypeUnlockEP: true, fuelcard.TypeOnlineED: true, fuelcard.TypeOnlineEP: true,
		fuelcard.TypePurchaseED: true, fuelcard.TypePurchaseEP: true, fuelcard.TypeLoadED: false, fuelcard.TypeUnload: false, fuelcard.TypeGreyED: false,
	} {
		if counts(typ) != want {
			t.Errorf("type %02X counts: %v", byte(typ), !want)
		}
	}
	b.term.Profile.DailyTypes = []fuelcard.TxType{fuelcard.TypeLoadED}
	if counts(fuelcard.TypeUnlockED) || !counts(fuelcard.TypeLoadED) {
		t.Error("a list of the profile's own is not followed")
	}
}

// TestProductLimit: a code of four BCD digits is a mask, or a code too. Source: card.md 3.5, product_limit.
func TestProductLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule fuelcard.ProductLimit
		slot int
		ok   bool
	}{
		{fuelcard.ProductMask16, 0, false}, {fuelcard.ProductMask16, 5, true}, {fuelcard.ProductMask16, 12, true},
		{fuelcard.ProductBCD4, 0, true}, {fuelcard.ProductBCD4, 5, true}, {fuelcard.ProductBCD4, -1, true},
	} {
		b := newBench(t)
		b.term.Profile.ProductLimit = c.rule
		id := Identity{Balance: 1, Limits: noLimits()}
		id.Limits.Products = 0x1020 // code 1020, or slots 5 and 12
		if _, r := b.term.Allow(id, nil, Place{Slot: c.slot, Product: [2]byte{0x10, 0x20}}); (r == nil) != c.ok {
			t.Errorf("%s, slot %d: %v", c.rule, c.slot, r)
		}
		if _, r := b.term.Allow(id, nil, Place{Slot: -1, Product: [2]byte{0x10, 0x21}}); r == nil {
			t.Errorf("%s: another code is taken", c.rule)
		}
	}
}

// TestProofBalance: the balance after a debit out of the proof. Source: card.md 6.4, proof_balance.
func TestProofBalance(t *testing.T) {
	t.Parallel()
	for _, form := range []fuelcard.ProofBalance{fuelcard.BalanceAfter, fuelcard.BalanceBefore} {
		term := &Terminal{Profile: fuelcard.National()}
		term.Profile.ProofBalance = form
		q := paidProof(fuelcard.TACUnread, fuelcard.TypeUnlockED, 3) // 50.00 of 100.00
		if form == fuelcard.BalanceBefore {
			q.Balance += q.Amount()
		}
		paid, err := term.Settle(Decision{Action: Supplement}, Identity{ASN: someASN, Proof: q}, Evidence{})
		if err != nil || paid.Balance != 5000 || paid.Amount != 5000 {
			t.Errorf("%s: %+v %v", form, paid, err)
		}
		b := newBench(t)
		l := lockOf(t, b)
		b.term.Profile.ProofBalance = form
		sig, err := b.term.Sign(l, endOfFuel(t, b, l, 3000))
		if err != nil {
			t.Fatal(err)
		}
		b.term.Card = &beforeDebit{muteAt{b: b, ins: 0x7E, nth: 1}, form}
		if paid, err = b.term.Debit(l, sig); err != nil || paid.Balance != 7000 || !paid.FromProof {
			t.Errorf("%s, answer lost: %+v %v", form, paid, err)
		}
	}
}

// beforeDebit is a card that loses the answer to its debit and then shows its balance in the form of the profile.
type beforeDebit struct {
	muteAt
	form fuelcard.ProofBalance
}

func (c *beforeDebit) Transmit(command []byte) ([]byte, error) {
	answer, err := c.muteAt.Transmit(command)
	if p := &c.b.card.proof; err != nil && c.form == fuelcard.BalanceBefore && p.State == fuelcard.TACUnread {
		p.Balance += p.Amount()
	}
	return answer, err
}

// TestTTCAtCertificate: a PSAM that stores its counter at the certificate gives the number of a lock that never happened once
// more; one that counts at INIT never does. Source: card.md 8.1, psam_ttc_at.
func TestTTCAtCertificate(t *testing.T) {
	t.Parallel()
	for at, want := range map[fuelcard.PSAMTTCAt]error{fuelcard.TTCAtInit: ErrTTC, fuelcard.TTCAtCertificate: nil} {
		b := newBench(t)
		b.card.profile.PSAMTTCAt = at
		b.term = b.terminal(b.card, b.psam)
		b.card.refuse = map[byte]apdu.SW{0x7C: apdu.MACWrong}
		if _, err := lockAgain(t, b); !errors.Is(err, ErrNotLocked) {
			t.Fatal(err)
		}
		b.card.refuse = nil
		b.psam.ttc-- // as it stands in a PSAM that never saw the certificate
		if l, err := lockAgain(t, b); !errors.Is(err, want) || err == nil && l.Sale.TTC != 1 {
			t.Errorf("%s: %+v %v", at, l, err)
		}
	}
}

func lockAgain(t *testing.T, b *bench) (Lock, error) {
	t.Helper()
	if _, err := b.term.ReadPSAM(); err != nil {
		t.Fatal(err)
	}
	id, err := b.term.Identify()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.term.VerifyPIN(b.term.Profile.DefaultPIN); err != nil {
		t.Fatal(err)
	}
	return b.term.Lock(id, 1)
}

// TestMismatchWord: a PSAM that has moved on to another card says so by either word, and GET_GMAC decides.
// Source: card.md 8.2, psam_mismatch_sw.
func TestMismatchWord(t *testing.T) {
	t.Parallel()
	for _, sw := range []apdu.SW{apdu.ProofNotAvailable, apdu.WrongData} {
		b, l := withProfile(t, func(p *fuelcard.Profile) { p.PSAMMismatchSW = sw })
		x := &tap{chip: b.psam, ins: 0x46}
		b.term.PSAM = x
		b.psam.refuse = map[byte]apdu.SW{0x44: sw}
		if _, err := b.term.Sign(l, endOfFuel(t, b, l, 5000)); !errors.Is(err, ErrNoGMAC) || len(x.seen) != 1 {
			t.Errorf("%s: %v, %d GET_GMAC", sw, err, len(x.seen))
		}
	}
}

// TestTMACSpan: 91 or 95 bytes go to the PSAM as the record's T_MAC, in whole blocks. Source: card.md 14, tmac_span.
func TestTMACSpan(t *testing.T) {
	t.Parallel()
	macs := map[pboc.MAC]bool{}
	for span, sent := range map[int]int{91: 96, 95: 96} {
		b := newBench(t)
		b.term.Profile.TMACSpan = span
		b.psam.selected = true
		x := &tap{chip: b.psam, ins: 0xFA}
		b.term.PSAM = x
		m, err := b.term.TMAC(make([]byte, 91))
		if err != nil || len(x.seen) != 1 || len(x.seen[0].Data) != 8+sent {
			t.Fatalf("%d: %v, %d commands", span, err, len(x.seen))
		}
		if data := x.seen[0].Data[8:]; data[span] != 0x80 {
			t.Errorf("%d: padding begins elsewhere: %X", span, data)
		}
		macs[m] = true
	}
	if len(macs) != 2 {
		t.Error("both spans have one T_MAC")
	}
}

// TestWrongGMACIsNeverShownAgain: a GMAC that the card has counted as wrong is noted; the sale is billed and only the host can
// unlock the card. Three insertions do not block it. Source: card.md 7.3; trust.md rows 25, 88.
func TestWrongGMACIsNeverShownAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	l := lockOf(t, b)
	if _, err := b.term.Note(l.Entry(FuelStart)); err != nil {
		t.Fatal(err)
	}
	ended := endOfFuel(t, b, l, 5000)
	b.psam.session = pboc.TDES.GreySession(b.card.key("DTK"), [4]byte{}, 0, 1, [4]byte{}) // the PSAM computes with a wrong key from now on
	sig, err := b.term.Sign(l, ended)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.term.Debit(l, sig); !errors.Is(err, apdu.MACWrong) {
		t.Fatal(err)
	}
	for range 3 {
		term := b.terminal(b.card, b.psam)
		if _, err := term.ReadPSAM(); err != nil {
			t.Fatal(err)
		}
		id, err := term.Identify()
		if err != nil {
			t.Fatal(err)
		}
		v := b.log.evidence(id.ASN)
		switch d := Recover(id.ASN, id.Proof, v); {
		case !v.Billed && d.Action == Bill && d.Amount == 5000:
			e := l.Entry(Escape)
			e.Amount, e.GMAC = 5000, sig.GMAC
			if _, err := term.Note(e); err != nil {
				t.Fatal(err)
			}
		case v.Billed && d.Action == Refuse:
		default:
			t.Errorf("billed %v: %+v", v.Billed, d)
		}
	}
	if b.card.unlockErr != 1 || b.card.blocked {
		t.Errorf("%d wrong GMACs", b.card.unlockErr)
	}
	// A GMAC of another terminal's PSAM is not this log's matter.
	b = newBench(t)
	l = lockOf(t, b)
	b.term.SAM = SAM{}
	before := len(b.log.entries)
	if _, err := b.term.Debit(l, Signature{Sale: l.Sale, Amount: 5000, GMAC: pboc.MAC{1}}); !errors.Is(err, apdu.MACWrong) || len(b.log.entries) != before {
		t.Errorf("%v, log %v", err, b.log.entries[before:])
	}
}

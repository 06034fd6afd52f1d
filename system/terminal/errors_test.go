package terminal

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"greylock/system/card"
	"greylock/system/card/cardtest"
	"greylock/system/clock"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// escapes sells 50.00 and pulls the card at DEBIT FOR UNLOCK.
func (b *board) escapes(t *testing.T) bool {
	t.Helper()
	x := &pulledAt{chip: b.card, ins: 0x7E}
	return card.Lost(b.visit(b.terminal(x, b.psam), 5000)) && b.card.proof.State == fuelcard.Grey
}

// pulledAt is a card that is pulled before the command with this INS.
type pulledAt struct {
	chip card.Transport
	ins  byte
	out  bool
}

func (p *pulledAt) Transmit(command []byte) ([]byte, error) {
	if p.out = p.out || command[1] == p.ins; p.out {
		return nil, card.ErrRemoved
	}
	return p.chip.Transmit(command)
}

// muteAt is a card whose answer to the nth command with this INS is lost while it stays in the slot and loses its power.
type muteAt struct {
	b      *bench
	ins    byte
	nth    int
	before bool
}

func (m *muteAt) Transmit(command []byte) ([]byte, error) {
	if command[1] == m.ins {
		if m.nth--; m.nth == 0 {
			if !m.before {
				if _, err := m.b.card.Transmit(command); err != nil {
					return nil, err
				}
			}
			m.b.card.on()
			return nil, card.ErrMute
		}
	}
	return m.b.card.Transmit(command)
}

// TestAnswerLostCardStays: the terminal asks the card itself what it did and goes on at once.
func TestAnswerLostCardStays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ins    byte
		before bool
		want   error
		ttc    pboc.PSAMTTC
	}{
		{0x7C, false, nil, 1},         // GREY LOCK obeyed: continue at CERTIFICATE with the MAC2 of the proof
		{0x7C, true, ErrNotLocked, 1}, // not obeyed: cancelled
		{0x7E, false, nil, 1},         // DEBIT obeyed: the TAC is in the proof
		{0x7E, true, nil, 1},          // not obeyed: the same command once more
	} {
		b := &board{newBench(t), map[pboc.PSAMTTC]unit.Fen{}}
		err := b.visit(b.terminal(&muteAt{b.bench, c.ins, 1, c.before}, b.psam), 5000)
		if !errors.Is(err, c.want) || (c.want == nil && err != nil) {
			t.Errorf("INS %02X, before %v: %v", c.ins, c.before, err)
		}
		if b.psam.ttc != c.ttc {
			t.Errorf("INS %02X, before %v: TTC %d", c.ins, c.before, b.psam.ttc)
		}
		b.check(t, 10000)
	}
}

// TestOtherCardInTheSlot: the card was exchanged while an answer was outstanding; the second one is left alone.
func TestOtherCardInTheSlot(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	l := lockOf(t, b)
	other := newBench(t)
	other.card.asn[9]++
	other.card.proof = b.card.proof
	e := l.Entry(FuelEnd)
	e.Amount = 5000
	ended, err := b.term.Note(e)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := b.term.Sign(l, ended)
	if err != nil {
		t.Fatal(err)
	}
	b.term.Card = &swapped{second: other.card}
	if _, err := b.term.Debit(l, sig); !errors.Is(err, ErrUnknown) {
		t.Errorf("another card: %v", err)
	}
	if other.card.balance != 10000 || other.card.unlockErr != 0 {
		t.Error("the other card was debited")
	}
}

// swapped loses the first card at its first command; then the second is in the slot.
type swapped struct {
	second card.Transport
	gone   bool
}

func (s *swapped) Transmit(command []byte) ([]byte, error) {
	if !s.gone {
		s.gone = true
		return nil, card.ErrRemoved
	}
	return s.second.Transmit(command)
}

// TestDebitIsNotRepeatedForEver: a card that stays grey and never answers is left for its next insertion.
func TestDebitIsNotRepeatedForEver(t *testing.T) {
	t.Parallel()
	b := &board{newBench(t), map[pboc.PSAMTTC]unit.Fen{}}
	b.card.refuse = map[byte]apdu.SW{0x7E: apdu.MemoryFailure}
	if err := b.visit(b.term, 5000); !errors.Is(err, ErrUnknown) || !errors.Is(err, apdu.MemoryFailure) {
		t.Fatal(err)
	}
	b.card.refuse = nil
	if err := b.visit(b.terminal(b.card, b.psam), 0); err != nil {
		t.Fatal(err)
	}
	b.check(t, 10000)
}

// TestWrongGMACIsShownOnce: three would block the card.
func TestWrongGMACIsShownOnce(t *testing.T) {
	t.Parallel()
	b := &board{newBench(t), map[pboc.PSAMTTC]unit.Fen{}}
	l := lockOf(t, b.bench)
	_, err := b.term.Debit(l, Signature{Sale: l.Sale, Amount: 5000, GMAC: pboc.MAC{1}})
	if !errors.Is(err, apdu.MACWrong) || b.card.unlockErr != 1 {
		t.Errorf("%v, %d wrong GMACs", err, b.card.unlockErr)
	}
	if _, err := b.term.Debit(l, Signature{}); !errors.Is(err, ErrOrder) {
		t.Errorf("the signature of another sale: %v", err)
	}
}

func lockOf(t *testing.T, b *bench) Lock {
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
	l, err := b.term.Lock(id, 1)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestStepsOutOfOrder: no signature without a durable end of fuel of this sale, no clearing without a durable TAC.
func TestStepsOutOfOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	l := lockOf(t, b)
	note := func(k Kind, amount unit.Fen, ttc pboc.PSAMTTC) Durable {
		e := l.Entry(k)
		e.Amount, e.Sale.TTC = amount, ttc
		d, err := b.term.Note(e)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, c := range []struct {
		name string
		d    Durable
		want error
	}{
		{"nothing", Durable{}, ErrOrder},
		{"FUEL_START", note(FuelStart, 0, 1), ErrOrder},
		{"another sale", note(FuelEnd, 5000, 2), ErrOrder},
		{"more than the balance", note(FuelEnd, 10001, 1), ErrAmount},
		{"less than nothing", note(FuelEnd, -1, 1), ErrAmount},
		{"a void with money", note(Void, 1, 1), ErrAmount},
	} {
		if _, err := b.term.Sign(l, c.d); !errors.Is(err, c.want) {
			t.Errorf("Sign after %s: %v, want %v", c.name, err, c.want)
		}
	}
	if b.psam.stage != 2 {
		t.Errorf("the PSAM signed: stage %d", b.psam.stage)
	}
	for _, d := range []Durable{{}, note(FuelEnd, 5000, 1)} {
		if err := b.term.ClearTACUF(d); !errors.Is(err, ErrOrder) {
			t.Errorf("cleared after %s: %v", d.Entry().Kind, err)
		}
	}
	if got := l.Cap(12000); got != 10000 {
		t.Errorf("capped to %s", got)
	}
}

// TestOtherAmountIsNeverTaken: the PSAM signed 50.00; asked for 40.00 it refuses, and GET_GMAC is not used instead.
func TestOtherAmountIsNeverTaken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	l := lockOf(t, b)
	for i, amount := range []unit.Fen{5000, 4000} {
		e := l.Entry(FuelEnd)
		e.Amount = amount
		ended, err := b.term.Note(e)
		if err != nil {
			t.Fatal(err)
		}
		sig, err := b.term.Sign(l, ended)
		if want := []error{nil, ErrAmount}[i]; !errors.Is(err, want) || (err == nil) != (want == nil) || sig.Amount != []unit.Fen{5000, 0}[i] {
			t.Errorf("%s: %+v %v", amount, sig, err)
		}
	}
}

// TestPSAMHasMovedOn: DEBIT_SAM_GREY_LOCK does not name the TTC, so an older sale is asked for by GET_GMAC alone.
func TestPSAMHasMovedOn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	l := lockOf(t, b)
	older := l
	older.Sale.TTC = 0
	e := older.Entry(FuelEnd)
	ended, err := b.term.Note(e)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.term.Sign(older, ended); !errors.Is(err, ErrNoGMAC) || b.psam.stage != 2 {
		t.Errorf("%v, PSAM at stage %d", err, b.psam.stage)
	}
}

// TestPSAMReset: a PSAM that keeps its stage over a reset signs after it; one that does not is past help, and says so.
func TestPSAMReset(t *testing.T) {
	t.Parallel()
	for _, forget := range []bool{false, true} {
		b := newBench(t)
		b.psam.forget = forget
		l := lockOf(t, b)
		flaky := &resetOnce{b: b, ins: 0x44}
		b.term.PSAM = flaky
		e := l.Entry(FuelEnd)
		e.Amount = 5000
		ended, err := b.term.Note(e)
		if err != nil {
			t.Fatal(err)
		}
		sig, err := b.term.Sign(l, ended)
		switch {
		case !flaky.done:
			t.Error("the PSAM was not reset")
		case forget && !errors.Is(err, ErrNoGMAC):
			t.Errorf("forgetful PSAM: %v", err)
		case !forget && (err != nil || sig.GMAC == (pboc.MAC{})):
			t.Errorf("%+v %v", sig, err)
		}
		if b.psam.mac2Err != 0 {
			t.Errorf("%d wrong MAC2", b.psam.mac2Err)
		}
	}
}

// TestPSAMResetWhileSigning: the certificate comes at the end, and the PSAM is reset at any of the commands that sign.
func TestPSAMResetWhileSigning(t *testing.T) {
	t.Parallel()
	for _, ins := range []byte{0x44, 0x46, 0x42} {
		b, l := withProfile(t, func(p *fuelcard.Profile) { p.CertificateAt = fuelcard.CertificateAtEnd })
		flaky := &resetOnce{b: b, ins: ins}
		b.term.PSAM = flaky
		sig, err := b.term.Sign(l, endOfFuel(t, b, l, 5000))
		if err != nil || sig.GMAC == (pboc.MAC{}) || !flaky.done || b.psam.mac2Err != 0 {
			t.Errorf("reset at %02X, %v: %+v %v", ins, flaky.done, sig, err)
		}
	}
}

// resetOnce is a PSAM that is reset at the first command with this INS.
type resetOnce struct {
	b    *bench
	ins  byte
	done bool
}

func (r *resetOnce) Transmit(command []byte) ([]byte, error) {
	if command[1] == r.ins && !r.done {
		r.done = true
		r.b.psam.on()
		return nil, card.ErrMute
	}
	return r.b.psam.Transmit(command)
}

// TestLockRefused: what stops a lock, what it costs, and what the log says.
func TestLockRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		prepare func(*bench)
		want    error
		locked  bool
		kinds   []Kind
	}{
		{"no PIN", func(b *bench) { b.card.pin = false }, apdu.SecurityState, false, nil},
		{"PSAM locked", func(b *bench) { b.psam.refuse = map[byte]apdu.SW{0x40: apdu.AuthBlocked} }, apdu.AuthBlocked, false, nil},
		{"PSAM not read", func(b *bench) { b.term.SAM = SAM{} }, ErrPSAM, false, nil},
		{"PSAM of foreign keys", func(b *bench) { b.psam.keys = map[string]pboc.Key{} }, ErrNotLocked, false, []Kind{Begin, Cancel}},
		{"log full", func(b *bench) { b.log.cut = func(func()) error { return errFake } }, errFake, false, nil},
		{"counter went back", func(b *bench) { b.log.entries = at(b, 5); b.psam.ttc = 4 }, ErrTTC, false, nil},
		{"counter leapt", func(b *bench) { b.log.entries = at(b, 5); b.psam.ttc = 5 + maxBurned }, ErrTTC, false, nil},
		{"counter at its end", func(b *bench) { b.log.entries = at(b, LastTTC); b.psam.ttc = LastTTC }, ErrTTC, false, []Kind{Cancel}},
		{"burned before", func(b *bench) { b.log.entries = at(b, 5); b.psam.ttc = 7 }, nil, true, []Kind{Cancel, Cancel, Begin}},
		{"card's MAC2 wrong", func(b *bench) { b.psam.refuse = map[byte]apdu.SW{0x42: apdu.MACWrong} }, ErrSuspect, true, []Kind{Begin, Suspect}},
		{"card's MAC2 wrong, other word", func(b *bench) { b.psam.refuse = map[byte]apdu.SW{0x42: 0x63C2} }, ErrSuspect, true, []Kind{Begin, Suspect}},
		{"PSAM fails", func(b *bench) { b.psam.refuse = map[byte]apdu.SW{0x42: apdu.MemoryFailure} }, ErrPSAM, true, []Kind{Begin}},
	} {
		b := newBench(t)
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
		c.prepare(b)
		before := len(b.log.entries)
		_, err = b.term.Lock(id, 1)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v", c.name, err)
		}
		if locked := b.card.proof.State == fuelcard.Grey; locked != c.locked {
			t.Errorf("%s: locked %v", c.name, locked)
		}
		var kinds []Kind
		for _, e := range b.log.entries[before:] {
			kinds = append(kinds, e.Kind)
		}
		if fmt.Sprint(kinds) != fmt.Sprint(c.kinds) {
			t.Errorf("%s: log %v, want %v", c.name, kinds, c.kinds)
		}
	}
}

func at(b *bench, ttc pboc.PSAMTTC) []Entry {
	return []Entry{{Kind: Done, Sale: record.SaleID{TID: b.psam.tid, TTC: ttc}}}
}

// TestIdentify: every card gives its proof, also one that is refused.
func TestIdentify(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		prepare func(*bench)
		now     clock.Instant
		zh      string
	}{
		{"good", func(*bench) {}, benchTime, ""},
		{"last day", func(*bench) {}, clock.At(2030, 12, 31, 23, 59, 59), ""},
		{"expired", func(*bench) {}, clock.At(2031, 1, 1, 0, 0, 0), "已过期"},
		{"not begun", func(*bench) {}, clock.At(2019, 12, 31, 23, 59, 59), "未启用"},
		{"issuer", func(b *bench) { b.card.issuer[7] = 0 }, benchTime, "发卡方"},
		{"number", func(b *bench) { b.card.asn[0] = 2 }, benchTime, "卡号"},
	} {
		b := newBench(t)
		b.card.proof = paidProof(fuelcard.TACUnread, fuelcard.TypeUnlockED, 3)
		c.prepare(b)
		b.term.Clock = func() clock.Instant { return c.now }
		id, err := b.term.Identify()
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if (id.Refused == nil) != (c.zh == "") || id.Refused != nil && !strings.Contains(id.Refused.Error(), c.zh) {
			t.Errorf("%s: %v", c.name, id.Refused)
		}
		if id.Proof != b.card.proof || id.Balance != 10000 {
			t.Errorf("%s: proof not harvested: %+v", c.name, id.Proof)
		}
	}
	for sw, zh := range map[apdu.SW]string{apdu.FunctionOrBlocked: "已锁定", apdu.FileInvalid: "已锁定", apdu.PermanentlyLocked: "永久",
		apdu.FileNotFound: "非加油卡"} {
		b := newBench(t)
		b.card.refuse = map[byte]apdu.SW{0xA4: sw}
		if id, err := b.term.Identify(); err != nil || id.Refused == nil || !strings.Contains(id.Refused.Zh, zh) {
			t.Errorf("%s: %v %v", sw, id.Refused, err)
		}
	}
	b := newBench(t)
	b.card.refuse = map[byte]apdu.SW{0xCA: apdu.Conditions}
	if id, err := b.term.Identify(); err != nil || id.Proof != (fuelcard.LockProof{}) {
		t.Errorf("6985 of a never-used card: %+v %v", id.Proof, err)
	}
}

func TestPIN(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := b.term.Identify(); err != nil {
		t.Fatal(err)
	}
	wrong, err := KeyedPIN([]byte("12345"))
	if err != nil || string(wrong) != "\x12\x34\x5F" {
		t.Fatal([]byte(wrong), err)
	}
	for _, left := range []int{2, 1, 0, 0} {
		var e *PINError
		if err := b.term.VerifyPIN(wrong); !errors.As(err, &e) || e.Left != left || e.Blocked != (left == 0) {
			t.Errorf("%v, want %d left", err, left)
		}
	}
	for _, s := range []string{"", "123", "1234567890123", "12a4", "a234", "123a"} {
		if pin, err := KeyedPIN([]byte(s)); err == nil {
			t.Errorf("%q is a PIN: %d bytes", s, len(pin))
		}
	}
	Wipe(wrong)
	if string(wrong) != "\x00\x00\x00" {
		t.Error("PIN not wiped")
	}
	if s := fmt.Sprintf("%v %+v %x %s", wrong, fuelcard.Verify{PIN: wrong}, wrong, wrong); strings.Contains(s, "00") {
		t.Errorf("a PIN prints itself: %s", s)
	}
}

// TestAuthenticate: the PSAM or a host's vault knows what a card of ours answers.
func TestAuthenticate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := b.term.ReadPSAM(); err != nil {
		t.Fatal(err)
	}
	id, err := b.term.Identify()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.term.Authenticate(id, nil); err != nil {
		t.Errorf("own card: %v", err)
	}
	if err := b.term.Authenticate(id, vault{b.card.key("DIK")}); err != nil {
		t.Errorf("own card, vault: %v", err)
	}
	b.card.keys["DIK"] = pboc.Key{1}
	if err := b.term.Authenticate(id, nil); !errors.Is(err, ErrForeign) {
		t.Errorf("foreign card: %v", err)
	}
	b.card.refuse = map[byte]apdu.SW{0x88: apdu.KeyIndexMissing}
	if err := b.term.Authenticate(id, nil); !errors.Is(err, ErrForeign) {
		t.Errorf("card without the key: %v", err)
	}
	b.term.PSAM = nil
	if err := b.term.Authenticate(id, nil); !errors.Is(err, ErrPSAM) {
		t.Errorf("no PSAM: %v", err)
	}
}

type vault struct{ dik pboc.Key }

func (v vault) Authenticate(_ pboc.ASN, _ pboc.Issuer, challenge [8]byte) ([8]byte, error) {
	return pboc.TDES.Authenticate(v.dik, challenge), nil
}

// TestExternalAuthenticate: the terminal proves itself with its host's key.
func TestExternalAuthenticate(t *testing.T) {
	t.Parallel()
	term := &Terminal{Card: cardtest.Script(t, "card", `
> 00840000 08
< 0102030405060708 9000
> 00820000 08 1112131415161718
< 9000
> 00840000 08
< 0102030405060708 9000
> 00820000 08 1112131415161718
< 63C2
> 00840000 08
< 01020304 9000
`)}
	answer := func(c [8]byte) ([8]byte, error) {
		for i := range c {
			c[i] += 0x10
		}
		return c, nil
	}
	if err := term.ExternalAuthenticate(0, answer); err != nil {
		t.Error(err)
	}
	var sw apdu.SW
	if err := term.ExternalAuthenticate(0, answer); !errors.As(err, &sw) || sw != 0x63C2 {
		t.Error(err)
	}
	if err := term.ExternalAuthenticate(0, answer); !errors.Is(err, apdu.ErrLength) {
		t.Error(err)
	}
}

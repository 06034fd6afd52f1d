package psam_test

import (
	"testing"

	"greylock/emulators/chip/chiptest"
	"greylock/emulators/psam"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/samcard"
)

// tears are all commands that write: what a PSAM in use is asked, and what makes one.
func tears(t testing.TB) map[string]chiptest.Start {
	b := wound(t, fuelcard.National())
	from := func(idle *bench, cmd func(*bench) apdu.Command, before ...string) chiptest.Start {
		return func() (*psam.MemNV, func() error) {
			c := idle.again(t)
			c.rnd.Write(unhex("C3C30002"))
			for _, x := range before {
				c.send(command(x))
			}
			last := cmd(c).Bytes()
			return c.nv, func() error { _, err := c.sam.Transmit(last); return err }
		}
	}
	at := func(cmd string, before ...string) chiptest.Start {
		return from(b, func(*bench) apdu.Command { return command(cmd) }, before...)
	}
	key := func(version byte) func(*bench) apdu.Command {
		return func(c *bench) apdu.Command {
			r := samcard.KeyRecord{Usage: samcard.UsageTMAC, Version: version, Key: pboc.Key{7}}
			return samcard.SealKey(c.own, c.key("SAMACK"), c.challenge(4), r)
		}
	}
	badKey := "84 D4 00 00 1C 00112233445566778899AABBCCDDEEFF0011223344556677 00000000"
	all := map[string]chiptest.Start{
		"INIT_SAM_GREY_LOCK":       at(initC),
		"CERTIFICATE":              at(certC, initC),
		"wrong CERTIFICATE":        at(badCert, initC),
		"third wrong CERTIFICATE":  at(badCert, initC, badCert, badCert),
		"DEBIT_SAM_GREY_LOCK":      at(debitC, initC, certC),
		"INIT_SAM_FOR_PURCHASE":    at(purchaseB),
		"wrong CREDIT":             at("80 72 00 00 04 00000000", purchaseB),
		"EXTERNAL AUTHENTICATION":  at("00 82 00 00 08 0000000000000000", "00 84 00 00 04"),
		"WRITE KEY, a new one":     from(b, key(2)),
		"WRITE KEY, another value": from(b, key(1)),
		"wrong WRITE KEY":          at(badKey, "00 84 00 00 04"),
		"third wrong WRITE KEY":    at(badKey, "00 84 00 00 04", badKey, "00 84 00 00 04", badKey, "00 84 00 00 04"),
	}
	all["CREDIT_SAM_FOR_PURCHASE"] = from(b, func(c *bench) apdu.Command {
		a, err := samcard.ParseInitForPurchaseAnswer(c.ok(command(purchaseB)))
		if err != nil {
			c.t.Fatal(err)
		}
		ses := c.suite.PurchaseSession(newPlay(c).dpk, [4]byte(unhex("0BADF00D")), 0, a.TTC)
		return samcard.CreditForPurchase{MAC2: c.suite.MAC(ses, fuelcard.PurchaseMAC2Data(1234))}.Command()
	})
	return all
}

// Source: trust.md 2 rows 6, 22, 24; 4.3.
func TestTornAnywhereOldOrNew(t *testing.T) {
	for name, start := range tears(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if n := chiptest.Every(t, start); n < 50 {
				t.Fatalf("only %d cuts", n)
			}
			chiptest.Weak(t, 1, start)
		})
	}
}

// However a PSAM is torn, no TTC is given out twice, and what it answered before is not forgotten. Source: card.md 8.1.
func TestTTCNeverReused(t *testing.T) {
	b := made(t, fuelcard.National())
	given := map[pboc.PSAMTTC]bool{}
	answered, torn := 0, 0
	for i := range 400 {
		b.nv.CutAfter(i%4, i%90)
		raw, err := b.sam.Transmit(unhex(initC))
		if err != nil {
			torn++
		} else {
			a, err := samcard.ParseInitGreyLockAnswer(raw[:len(raw)-2])
			if err != nil || given[a.TTC] {
				t.Fatalf("TTC %d a second time (%v)", a.TTC, err)
			}
			given[a.TTC] = true
			answered++
		}
		b.nv.Disarm()
		b.nv.CutAfter(i%3, i%80)
		if _, err := b.sam.Reset(); err != nil {
			b.nv.Disarm()
			b.reset()
		}
		b.nv.Disarm()
		b.enter()
	}
	if torn < 100 || answered < 50 {
		t.Fatalf("%d torn, %d answered", torn, answered)
	}
}

// A making cut in each of its writes ends, done again, in the same PSAM. Source: trust.md 2 row 75.
func TestTornMaking(t *testing.T) {
	b := newBench(t, fuelcard.National())
	start := b.nv.Image()
	total := -b.nv.Writes()
	b.make()
	total += b.nv.Writes()
	whole := chiptest.Home(t, b.nv)
	for write := range total {
		c := *b
		c.nv, c.rnd = newMem(), &script{}
		if err := c.nv.SetImage(start); err != nil {
			t.Fatal(err)
		}
		c.sam = psam.New(c.nv, c.rnd, c.profile)
		c.reset()
		c.nv.CutAfter(write, 1+write%40)
		if !c.interrupted() {
			t.Fatalf("write %d was not reached", write)
		}
		c.reset()
		c.remake()
		if got := chiptest.Home(t, c.nv); string(got) != string(whole) {
			t.Fatalf("cut in write %d: the PSAM made in two goes is another one", write)
		}
	}
}

// Every lie is told and is what its name says. Source: trust.md 4.5.
func TestLiar(t *testing.T) {
	b := wound(t, fuelcard.National())
	for _, l := range []struct {
		lie  psam.Lie
		want [4]string // answers to INIT, CERTIFICATE, DEBIT, TMAC
	}{
		{psam.Honest, [4]string{initAns, "9000", gmacC, ""}},
		{psam.WrongMAC1, [4]string{"00000012 C3C30002 3CB5DE4B 9000", "9000", gmacC, ""}},
		{psam.WrongGMAC, [4]string{initAns, "9000", "6B81DD13 2F99CF02 9000", ""}},
		{psam.WrongTAC, [4]string{initAns, "9000", "6A81DD13 2E99CF02 9000", ""}},
	} {
		c := b.again(t)
		c.rnd.Write(unhex("C3C30002"))
		liar := &psam.Liar{PSAM: c.sam, Lie: l.lie}
		for i, cmd := range []string{initC, certC, debitC} {
			got, err := liar.Transmit(unhex(cmd))
			if err != nil || string(got) != string(unhex(l.want[i])) {
				t.Fatalf("lie %d, command %d: %X %v, want %s", l.lie, i, got, err, l.want[i])
			}
		}
		if (liar.Lies == 0) != (l.lie == psam.Honest) {
			t.Fatalf("lie %d told %d times", l.lie, liar.Lies)
		}
	}
}

// The lies about amounts and counters.
func TestLiarOfMoney(t *testing.T) {
	b := wound(t, fuelcard.National())
	c := b.again(t)
	c.rnd.Write(unhex("C3C30002"))
	liar := &psam.Liar{PSAM: c.sam, Lie: psam.WrongAmount}
	for _, cmd := range []string{initC, certC, debitC} {
		if _, err := liar.Transmit(unhex(cmd)); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.oracle().Amount; got != 4999 || liar.Lies != 1 {
		t.Fatalf("GMAC over %d", got)
	}

	c = b.again(t)
	liar = &psam.Liar{PSAM: c.sam, Lie: psam.BackwardsTTC}
	var seen []byte
	for range 2 {
		got, err := liar.Transmit(unhex(initC))
		if err != nil || len(got) != 14 {
			t.Fatalf("%X %v", got, err)
		}
		seen = append(seen, got[3])
	}
	if seen[0] != seen[1] || liar.Lies != 1 {
		t.Fatalf("TTCs %X", seen)
	}

	c = b.again(t)
	liar = &psam.Liar{PSAM: c.sam, Lie: psam.OtherAnswer}
	var codes []string
	for range 2 {
		c.rnd.Write(unhex("C3C30002"))
		for _, cmd := range []string{initC, "", debitC} {
			if cmd == "" { // the MAC2 of this very lock
				o := c.oracle()
				k := c.suite.Diversify(c.keys.Masters["DPK"], c.issuer, [8]byte(unhex("0114400000123456")))
				ses := c.suite.GreySession(k, [4]byte(unhex("5A5A0001")), 0, o.LastTTC, [4]byte(unhex("C3C30002")))
				c.ok(samcard.CertificateGreyLock{MAC2: c.suite.MAC(ses, fuelcard.GreyMAC2Data(10000, 0))}.Command())
				continue
			}
			got, err := liar.Transmit(unhex(cmd))
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, string(got))
		}
	}
	if codes[1] != codes[3] || liar.Lies != 1 || len(codes[3]) != 10 {
		t.Fatalf("%X", codes)
	}
}

package arithmetic

import (
	"bytes"
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"

	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/samcard"
	"greylock/system/wire/unit"
)

// draw is one set of random inputs: the bytes as they stand in the strings of card.md 5.3, and the same values typed.
type draw struct {
	key                         []byte // 16
	rand, termRand, bal, newBal []byte // 4
	amt, ttc                    []byte // 4
	ctc, sn                     []byte // 2
	tid                         []byte // 6
	stamp                       []byte // date4 time3
	issuer8, asn8               []byte // 8
	k                           pboc.Key
	rand4, termRand4            [4]byte
	balance, newBalance, amount unit.Fen
	ctcN                        pboc.CTC
	snN                         pboc.OnlineSN
	ttcN                        pboc.PSAMTTC
	tidN                        pboc.TID
	stampN                      [7]byte
	issuerFactor, asnFactor     [8]byte
}

func octetsOf(t *rapid.T, what string, n int) []byte {
	return rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, what)
}

func drawn(t *rapid.T) (d draw) {
	d.key, d.rand, d.termRand = octetsOf(t, "key", 16), octetsOf(t, "rand", 4), octetsOf(t, "termRand", 4)
	d.bal, d.newBal, d.amt = octetsOf(t, "balance", 4), octetsOf(t, "new balance", 4), octetsOf(t, "amount", 4)
	d.ttc, d.ctc, d.sn = octetsOf(t, "TTC", 4), octetsOf(t, "CTC", 2), octetsOf(t, "online SN", 2)
	d.tid, d.stamp = octetsOf(t, "TID", 6), octetsOf(t, "stamp", 7)
	d.issuer8, d.asn8 = octetsOf(t, "issuer", 8), octetsOf(t, "ASN8", 8)
	d.k, d.rand4, d.termRand4 = pboc.Key(d.key), [4]byte(d.rand), [4]byte(d.termRand)
	fen := func(b []byte) unit.Fen { return unit.Fen(binary.BigEndian.Uint32(b)) }
	d.balance, d.newBalance, d.amount = fen(d.bal), fen(d.newBal), fen(d.amt)
	d.ctcN, d.snN = pboc.CTC(binary.BigEndian.Uint16(d.ctc)), pboc.OnlineSN(binary.BigEndian.Uint16(d.sn))
	d.ttcN, d.tidN, d.stampN = pboc.PSAMTTC(binary.BigEndian.Uint32(d.ttc)), pboc.TID(d.tid), [7]byte(d.stamp)
	d.issuerFactor, d.asnFactor = [8]byte(d.issuer8), [8]byte(d.asn8)
	return d
}

// both runs check over random inputs for each of the two algorithm sets.
func both(t *testing.T, check func(t *rapid.T, s suite, p pboc.Suite, d draw)) {
	for _, pair := range []struct {
		own suite
		sys pboc.Suite
	}{{tdes, pboc.TDES}, {sm4, pboc.SM4}} {
		t.Run(pair.own.name, func(t *testing.T) {
			t.Parallel()
			if got, err := pboc.SuiteFor(pair.own.alg); err != nil || got != pair.sys || got.Block() != pair.own.block {
				t.Fatalf("algorithm %02X is %v (%v)", pair.own.alg, got, err)
			}
			rapid.Check(t, func(t *rapid.T) { check(t, pair.own, pair.sys, drawn(t)) })
		})
	}
}

func same[T ~[]byte](t *rapid.T, what string, own []byte, sys T) {
	t.Helper()
	if !bytes.Equal(own, sys) {
		t.Fatalf("%s: the second implementation has %X, system/wire/pboc %X", what, own, []byte(sys))
	}
}

func mac(t *rapid.T, what string, own []byte, sys pboc.MAC) {
	t.Helper()
	same(t, what, own, sys[:])
}

func TestDiversification(t *testing.T) {
	both(t, func(t *rapid.T, s suite, p pboc.Suite, d draw) {
		one, two := p.Diversify(d.k, d.asnFactor), p.Diversify(d.k, d.issuerFactor, d.asnFactor)
		same(t, "one level", s.diversify(d.key, d.asn8), one[:])
		same(t, "two levels", s.diversify(d.key, d.issuer8, d.asn8), two[:])
		kcv := p.KCV(d.k)
		same(t, "KCV", s.cipher(d.key, make([]byte, s.block), false)[:3], kcv[:])
	})
}

func TestSessionKeys(t *testing.T) {
	both(t, func(t *rapid.T, s suite, p pboc.Suite, d draw) {
		same(t, "load, unload, overdraft, online unlock", s.loadSession(d.key, d.rand, d.sn), p.LoadSession(d.k, d.rand4, d.snN).Bytes())
		same(t, "purchase", s.purchaseSession(d.key, d.rand, d.ctc, d.ttc), p.PurchaseSession(d.k, d.rand4, d.ctcN, d.ttcN).Bytes())
		same(t, "grey lock", s.greySession(d.key, d.rand, d.ctc, d.ttc, d.termRand),
			p.GreySession(d.k, d.rand4, d.ctcN, d.ttcN, d.termRand4).Bytes())
	})
}

// TestLoadStrings compares the strings of load and unload, and the keys they go under. Source: card.md 5.3.
func TestLoadStrings(t *testing.T) {
	both(t, func(t *rapid.T, s suite, p pboc.Suite, d draw) {
		own, sys := s.loadSession(d.key, d.rand, d.sn), p.LoadSession(d.k, d.rand4, d.snN)
		for _, typ := range []byte{0x01, 0x02} {
			tt, b := fuelcard.TxType(typ), []byte{typ}
			mac(t, "load MAC1", s.macS(own, d.bal, d.amt, b, d.tid), p.MAC(sys, fuelcard.LoadMAC1Data(d.balance, d.amount, tt, d.tidN)))
			mac(t, "load MAC2", s.macS(own, d.amt, b, d.tid, d.stamp), p.MAC(sys, fuelcard.LoadMAC2Data(d.amount, tt, d.tidN, d.stampN)))
			mac(t, "load TAC", s.tac(d.key, d.newBal, d.sn, d.amt, b, d.tid, d.stamp),
				p.TAC(d.k, fuelcard.LoadTACData(d.newBalance, d.snN, d.amount, tt, d.tidN, d.stampN)))
		}
		three := []byte{0x03}
		mac(t, "unload MAC1", s.macS(own, d.bal, d.amt, three, d.tid), p.MAC(sys, fuelcard.UnloadMAC1Data(d.balance, d.amount, d.tidN)))
		mac(t, "unload MAC2", s.macS(own, d.amt, three, d.tid, d.stamp), p.MAC(sys, fuelcard.UnloadMAC2Data(d.amount, d.tidN, d.stampN)))
		mac(t, "unload MAC3", s.macS(own, d.newBal, d.sn, d.amt, three, d.tid, d.stamp),
			p.MAC(sys, fuelcard.UnloadMAC3Data(d.newBalance, d.snN, d.amount, d.tidN, d.stampN)))
		// Overdraft: the session and MAC_S are the same; its strings are written out, no command of the system uses them yet.
		limit := d.termRand[:3]
		for what, str := range map[string][]byte{
			"overdraft MAC1": join(d.bal, limit, []byte{0x07}, d.tid),
			"overdraft MAC2": join(limit, []byte{0x07}, d.tid, d.stamp),
		} {
			mac(t, what, s.macS(own, str), p.MAC(sys, str))
		}
		str := join(d.newBal, d.sn, limit, []byte{0x07}, d.tid, d.stamp)
		mac(t, "overdraft TAC", s.tac(d.key, str), p.TAC(d.k, str))
	})
}

func TestPurchaseStrings(t *testing.T) {
	both(t, func(t *rapid.T, s suite, p pboc.Suite, d draw) {
		own, sys := s.purchaseSession(d.key, d.rand, d.ctc, d.ttc), p.PurchaseSession(d.k, d.rand4, d.ctcN, d.ttcN)
		for _, typ := range []byte{0x05, 0x06, 0x09} {
			tt, b := fuelcard.TxType(typ), []byte{typ}
			mac(t, "purchase MAC1", s.macS(own, d.amt, b, d.tid, d.stamp), p.MAC(sys, fuelcard.PurchaseMAC1Data(d.amount, tt, d.tidN, d.stampN)))
			mac(t, "purchase TAC", s.tac(d.key, d.amt, b, d.tid, d.ttc, d.stamp),
				p.TAC(d.k, fuelcard.PurchaseTACData(d.amount, tt, d.tidN, d.ttcN, d.stampN)))
		}
		mac(t, "purchase MAC2", s.macS(own, d.amt), p.MAC(sys, fuelcard.PurchaseMAC2Data(d.amount)))
	})
}

// TestGreyStrings compares the strings for which no published value exists, in all three forms of the GTAC.
// Source: card.md 5.3, 15.4.
func TestGreyStrings(t *testing.T) {
	both(t, func(t *rapid.T, s suite, p pboc.Suite, d draw) {
		own, sys := s.greySession(d.key, d.rand, d.ctc, d.ttc, d.termRand), p.GreySession(d.k, d.rand4, d.ctcN, d.ttcN, d.termRand4)
		for _, pair := range [][2]byte{{0x91, 0x93}, {0x92, 0x94}} {
			lock, unlock := []byte{pair[0]}, []byte{pair[1]}
			lt, ut := fuelcard.TxType(pair[0]), fuelcard.TxType(pair[1])
			mac(t, "grey MAC1", s.macS(own, lock, d.tid, d.stamp), p.MAC(sys, fuelcard.GreyMAC1Data(lt, d.tidN, d.stampN)))
			gtac := func(form fuelcard.GTACString) pboc.MAC {
				return p.TAC(d.k, fuelcard.Profile{GTACString: form}.GTACData(d.balance, d.ctcN, lt, d.tidN, d.ttcN, d.stampN))
			}
			tail := join(lock, d.tid, d.ttc, d.stamp)
			mac(t, "GTAC", s.tac(d.key, d.bal, d.ctc, tail), gtac(fuelcard.GTACBalCTC))
			mac(t, "GTAC fmcos_zero", s.tac(d.key, make([]byte, 4), tail), gtac(fuelcard.GTACFMCOSZero))
			mac(t, "GTAC fmcos_balance", s.tac(d.key, d.bal, tail), gtac(fuelcard.GTACFMCOSBalance))
			mac(t, "unlock TAC", s.tac(d.key, d.amt, unlock, d.tid, d.ttc, d.stamp),
				p.TAC(d.k, fuelcard.UnlockTACData(d.amount, ut, d.tidN, d.ttcN, d.stampN)))
			mac(t, "PSAM-TAC", s.tac(s.diversify(d.key, d.asn8), d.amt, unlock, d.tid, d.ttc, d.stamp),
				p.TAC(p.Diversify(d.k, d.asnFactor), samcard.TACData(d.amount, pair[1], d.tidN, d.ttcN, d.stampN)))
		}
		mac(t, "grey MAC2", s.macS(own, d.bal, d.ctc), p.MAC(sys, fuelcard.GreyMAC2Data(d.balance, d.ctcN)))
		mac(t, "GMAC", s.macS(own, d.amt), p.MAC(sys, fuelcard.GMACData(d.amount)))
	})
}

func TestOnlineUnlockStrings(t *testing.T) {
	both(t, func(t *rapid.T, s suite, p pboc.Suite, d draw) {
		own, sys := s.loadSession(d.key, d.rand, d.sn), p.LoadSession(d.k, d.rand4, d.snN)
		for _, typ := range []byte{0x95, 0x96} {
			tt, b := fuelcard.TxType(typ), []byte{typ}
			mac(t, "online unlock MAC1", s.macS(own, d.bal, d.ctc, b, d.tid), p.MAC(sys, fuelcard.OnlineMAC1Data(d.balance, d.ctcN, tt, d.tidN)))
			mac(t, "online unlock MAC2", s.macS(own, d.amt, b, d.tid, d.stamp), p.MAC(sys, fuelcard.OnlineMAC2Data(d.amount, tt, d.tidN, d.stampN)))
			mac(t, "online unlock MAC3", s.macS(own, d.newBal, d.sn, d.amt, b, d.tid, d.stamp),
				p.MAC(sys, fuelcard.OnlineMAC3Data(d.newBalance, d.snN, d.amount, tt, d.tidN, d.stampN)))
		}
	})
}

// TestSecureMessaging compares MAC_R with a challenge of 4 and of 8 bytes, RELOAD PIN, ENC both ways and INTERNAL
// AUTHENTICATION.
func TestSecureMessaging(t *testing.T) {
	both(t, func(t *rapid.T, s suite, p pboc.Suite, d draw) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "data")
		span := join([]byte{0x04, 0xD6, 0x9C, 0x2B, byte(len(data) + 4)}, data)
		mac(t, "SM update", s.macR(d.key, d.rand, span), p.SecureMAC(d.k, d.rand, span))
		mac(t, "SM update, 8-byte challenge", s.macR(d.key, d.asn8, span), p.SecureMAC(d.k, d.asn8, span))
		pin := rapid.SliceOfN(rapid.Byte(), 2, 6).Draw(t, "PIN")
		cipher := s.enc(d.key, pin)
		same(t, "PIN UNBLOCK cipher", cipher, p.Encipher(d.k, pin))
		unblock := join([]byte{0x84, 0x24, 0x00, 0x01, byte(len(cipher) + 4)}, cipher)
		mac(t, "PIN UNBLOCK MAC", s.macR(d.key, d.rand, unblock), p.SecureMAC(d.k, d.rand, unblock))
		mac(t, "RELOAD PIN MAC", s.tac(d.key, pin), p.TAC(d.k, fuelcard.ReloadPINData(pin)))

		cipher = s.enc(d.key, data)
		same(t, "ENC", cipher, p.Encipher(d.k, data))
		back, err := p.Decipher(d.k, cipher)
		if err != nil {
			t.Fatalf("ENC back: %v", err)
		}
		same(t, "ENC back", data, back)
		same(t, "ECB there and back", cipher, s.cipher(d.key, s.cipher(d.key, cipher, true), false))
		answer := p.Authenticate(d.k, d.asnFactor)
		block := d.asn8
		if s.block == 16 {
			block = s.pad(block)
		}
		same(t, "INTERNAL AUTHENTICATION", s.cipher(d.key, block, false)[:8], answer[:])
	})
}

// TestRecordMAC compares T_MAC, once over the record and once in the form in which a PSAM is asked: IV and padded blocks.
func TestRecordMAC(t *testing.T) {
	both(t, func(t *rapid.T, s suite, p pboc.Suite, d draw) {
		rec := octetsOf(t, "record", 91)
		own := s.macR(d.key, nil, rec)
		mac(t, "T_MAC", own, p.TMAC(d.k, rec))
		asked := samcard.TMACRequest(p, rec)
		same(t, "CIPHER_DATA", join(make([]byte, s.block), s.pad(rec)), asked.Data)
		m, err := p.BlockMAC(d.k, asked.Data[:s.block], asked.Data[s.block:])
		if err != nil {
			t.Fatal(err)
		}
		mac(t, "T_MAC as a PSAM makes it", own, m)
	})
}

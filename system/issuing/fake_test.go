package issuing_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"sync"
	"testing"

	"greylock/fixtures"
	"greylock/system/card"
	"greylock/system/vault"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// plastic is a small model of a user card at a desk, written from card.md 6 and 7 for these tests alone.
type plastic struct {
	keys   map[string]pboc.Key
	public fuelcard.PublicData
	files  map[byte][]byte
	pin    []byte
	tries  byte

	balance unit.Fen
	sn      pboc.OnlineSN
	ctc     pboc.CTC
	proof   fuelcard.LockProof
	tac     pboc.MAC         // of the last load
	mac3    pboc.MAC         // of the last unload
	lastSN  [2]pboc.OnlineSN // of the last load and unload, before it
	history []fuelcard.LogRecord

	blocked byte // 1 temporarily, 2 for ever
	guarded bool // a load needs the PIN
	dead    bool

	rnd       byte
	challenge []byte
	verified  bool
	pending   byte // INS P1 of the INIT
	rand      [4]byte
	load      fuelcard.InitForLoad
	tid       pboc.TID
	commands  int
	cutAt     int // the card leaves at this command; 0 never
	obeyed    bool
}

const issued = "01000114400000000001"

func newPlastic(t *testing.T) *plastic {
	t.Helper()
	asn, err := pboc.ParseASN(issued)
	if err != nil {
		t.Fatal(err)
	}
	c := &plastic{files: map[byte][]byte{}, pin: []byte{0x99, 0x99, 0x99}, tries: 3}
	c.public = fuelcard.PublicData{Issuer: record.Training.Issuer(0x10), AppType: fuelcard.AppPetrol, AppVersion: 1, ASN: asn,
		Start: [4]byte{0x20, 0x26, 1, 1}, Expiry: [4]byte{0x20, 0x36, 0x12, 0x31}, SetVersion: 1}
	c.keys = maps.Clone(ownKeys())
	c.files[fuelcard.SFIPublic] = c.public.Bytes()
	c.files[fuelcard.SFIHolder] = fuelcard.HolderData{CardType: fuelcard.CardUser}.Bytes()
	c.files[fuelcard.SFIOrdinary] = fuelcard.OrdinaryData{Employee: 1}.Bytes()
	c.files[fuelcard.SFILimits] = fuelcard.NoLimits().Bytes()
	return c
}

// ownKeys are the keys of the one card of these tests.
var ownKeys = sync.OnceValue(func() map[string]pboc.Key {
	keys := map[string]pboc.Key{}
	asn, err := pboc.ParseASN(issued)
	if err != nil {
		panic(err)
	}
	for name, k := range fixtures.TestKeys().Masters {
		keys[name] = pboc.TDES.Diversify(k, fuelcard.National().Factors(name, record.Training.Issuer(0), asn)...)
	}
	return keys
})

// insert powers the card up; it leaves at command n (0: never), having obeyed it or not.
func (c *plastic) insert(n int, obeyed bool) *plastic {
	c.commands, c.cutAt, c.obeyed = 0, n, obeyed
	c.verified, c.pending, c.challenge = false, 0, nil
	return c
}

func (c *plastic) Transmit(b []byte) ([]byte, error) {
	c.commands++
	if c.cutAt > 0 && (c.commands > c.cutAt || c.commands == c.cutAt && !c.obeyed) {
		return nil, card.ErrRemoved
	}
	cmd, err := apdu.ParseCommand(b)
	if err != nil {
		return apdu.Answer{SW: apdu.WrongLength}.Bytes(), nil
	}
	data, sw := c.obey(cmd)
	if cmd.INS != 0x84 {
		c.challenge = nil
	}
	if c.commands == c.cutAt {
		return nil, card.ErrRemoved
	}
	return apdu.Answer{Data: data, SW: sw}.Bytes(), nil
}

func (c *plastic) random(n int) []byte {
	r := make([]byte, n)
	c.rnd++
	r[0], r[n-1] = 0xA5, c.rnd
	return r
}

func (c *plastic) obey(cmd apdu.Command) ([]byte, apdu.SW) {
	if data, sw := c.locked(cmd); sw != 0 {
		return data, sw
	}
	switch uint16(cmd.INS)<<8 | uint16(cmd.P1) {
	case 0xA400, 0xA404:
		c.pending, c.verified = 0, false
		return nil, apdu.OK
	case 0x1E00, 0x1800, 0x1600:
		return nil, c.administer(cmd)
	case 0x2400:
		return nil, c.unblockPIN(cmd)
	case 0xB095, 0xB096, 0xB09B, 0xB09C:
		return c.files[cmd.P1&0x1F], apdu.OK
	case 0xD696, 0xD69B, 0xD69C:
		return nil, c.update(cmd)
	case 0x8400:
		c.challenge = c.random(cmd.Le)
		return c.challenge, apdu.OK
	case 0x8800:
		a := pboc.TDES.Authenticate(c.keys["DIK"], [8]byte(cmd.Data))
		return a[:], apdu.OK
	case 0x2000:
		return nil, c.verify(cmd.Data)
	case 0x5E00, 0x5E01:
		return nil, c.newPIN(cmd)
	case 0x5C00:
		return fuelcard.BalanceAnswer{Balance: c.balance}.Bytes(), apdu.OK
	case 0xCA00:
		return c.proof.Bytes(), apdu.OK
	case 0xCA01:
		c.proof.State = fuelcard.NotGrey
		return nil, apdu.OK
	case 0x5A00:
		return c.prove(cmd)
	case 0x5000:
		if c.guarded && !c.verified {
			return nil, apdu.SecurityState
		}
		return c.initLoad(cmd)
	case 0x5200:
		return c.credit(cmd)
	case 0x5005:
		return c.initUnload(cmd)
	case 0x5403:
		return c.debitForUnload(cmd)
	case 0x7A09:
		return c.initUnlock(cmd)
	case 0x7E09:
		return c.unlock(cmd)
	}
	if cmd.INS == 0xB2 {
		if n := int(cmd.P1); c.verified && n <= len(c.history) {
			return c.history[len(c.history)-n].Bytes(), apdu.OK
		}
		return nil, apdu.RecordNotFound
	}
	return nil, apdu.UnknownINS
}

func (c *plastic) update(cmd apdu.Command) apdu.SW {
	data, sfi := cmd.Data, cmd.P1&0x1F
	if sfi != fuelcard.SFIOrdinary {
		if cmd.CLA != 0x04 || c.challenge == nil {
			return apdu.WrongSecureCLA
		}
		mac := pboc.MAC(data[len(data)-4:])
		if !pboc.TDES.SecureMAC(c.keys["DAMK"], c.challenge, cmd.MACSpan()).Equal(mac) {
			return apdu.SecureMACWrong
		}
		data = data[:len(data)-4]
	}
	copy(c.files[sfi][cmd.P2:], data)
	return apdu.OK
}

func (c *plastic) verify(pin []byte) apdu.SW {
	if c.tries == 0 {
		return apdu.AuthBlocked
	}
	if c.verified = bytes.Equal(pin, c.pin); !c.verified {
		c.tries--
		return 0x63C0 | apdu.SW(c.tries)
	}
	c.tries = 3
	return apdu.OK
}

func (c *plastic) newPIN(cmd apdu.Command) apdu.SW {
	if cmd.P1 == 1 {
		old, fresh, _ := bytes.Cut(cmd.Data, []byte{0xFF})
		if sw := c.verify(old); sw != apdu.OK {
			return sw
		}
		c.pin = bytes.Clone(fresh)
		return apdu.OK
	}
	pin, mac := cmd.Data[:len(cmd.Data)-4], pboc.MAC(cmd.Data[len(cmd.Data)-4:])
	if !pboc.TDES.TAC(c.keys["DRPK"], pin).Equal(mac) {
		return apdu.MACWrong
	}
	c.pin, c.tries = bytes.Clone(pin), 3
	return apdu.OK
}

func (c *plastic) session(key string) pboc.Session {
	return pboc.TDES.LoadSession(c.keys[key], c.rand, c.sn)
}

func (c *plastic) initLoad(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := fuelcard.ParseInitForLoad(cmd)
	if err != nil || c.proof.State == fuelcard.Grey {
		return nil, apdu.Conditions
	}
	c.load, c.rand, c.pending = q, [4]byte(c.random(4)), 0x50
	mac := pboc.TDES.MAC(c.session("DLK"), fuelcard.LoadMAC1Data(c.balance, q.Amount, fuelcard.TypeLoadED, q.TID))
	return fuelcard.InitForLoadAnswer{Balance: c.balance, OnlineSN: c.sn, KeyVersion: 1, Rand: c.rand, MAC1: mac}.Bytes(), apdu.OK
}

func (c *plastic) credit(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := fuelcard.ParseCreditForLoad(cmd)
	was := c.pending
	c.pending = 0
	if err != nil || was != 0x50 {
		return nil, apdu.WrongState
	}
	l := c.load
	if pboc.TDES.MAC(c.session("DLK"), fuelcard.LoadMAC2Data(l.Amount, fuelcard.TypeLoadED, l.TID, q.Time)) != q.MAC2 {
		return nil, apdu.MACWrong
	}
	c.balance += l.Amount
	c.tac = pboc.TDES.TAC(c.keys["DTK"], fuelcard.LoadTACData(c.balance, c.sn, l.Amount, fuelcard.TypeLoadED, l.TID, q.Time))
	c.history = append(c.history, fuelcard.LogRecord{Serial: uint16(c.sn), Amount: l.Amount, Type: fuelcard.TypeLoadED, TID: l.TID, Time: q.Time})
	c.lastSN[0] = c.sn
	c.sn++
	return fuelcard.CreditForLoadAnswer{TAC: c.tac}.Bytes(), apdu.OK
}

func (c *plastic) initUnlock(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := fuelcard.ParseInitGreyUnlock(cmd)
	if err != nil || c.proof.State != fuelcard.Grey {
		return nil, apdu.Conditions
	}
	c.tid, c.rand, c.pending = q.TID, [4]byte(c.random(4)), 0x7A
	mac := pboc.TDES.MAC(c.session("DUGK"), fuelcard.OnlineMAC1Data(c.balance, c.ctc, fuelcard.TypeOnlineED, q.TID))
	return fuelcard.InitGreyUnlockAnswer{Balance: c.balance, CTC: c.ctc, OnlineSN: c.sn, KeyVersion: 1, Rand: c.rand, MAC1: mac}.Bytes(), apdu.OK
}

func (c *plastic) unlock(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := fuelcard.ParseGreyUnlock(cmd)
	was := c.pending
	c.pending = 0
	if err != nil || was != 0x7A {
		return nil, apdu.WrongState
	}
	s := c.session("DUGK")
	if pboc.TDES.MAC(s, fuelcard.OnlineMAC2Data(q.Amount, fuelcard.TypeOnlineED, c.tid, q.Time)) != q.MAC2 {
		return nil, apdu.MACWrong
	}
	c.balance -= q.Amount
	mac3 := pboc.TDES.MAC(s, fuelcard.OnlineMAC3Data(c.balance, c.sn, q.Amount, fuelcard.TypeOnlineED, c.tid, q.Time))
	c.proof = fuelcard.LockProof{State: fuelcard.TACUnread, Type: fuelcard.TypeOnlineED, Wallet: fuelcard.ED, Balance: c.balance,
		Serial: uint16(c.sn), TID: c.tid, Time: q.Time, Code: mac3}
	c.proof.SetAmount(q.Amount)
	c.sn++
	return fuelcard.GreyUnlockAnswer{MAC3: mac3}.Bytes(), apdu.OK
}

// grey puts the card into the state of a sale whose customer has left.
func (c *plastic) grey() {
	c.ctc++
	c.proof = fuelcard.LockProof{State: fuelcard.Grey, Type: fuelcard.TypeGreyED, Wallet: fuelcard.ED, Balance: c.balance,
		Serial: uint16(c.ctc - 1), TID: pboc.TID{0x99, 1}, Time: [7]byte{0x20, 0x26, 0x11, 0x22, 0x10, 0x20, 0x30}, Code: pboc.MAC{1, 2, 3, 4}}
}

// bank is a small model of the center: one account, one card.
type bank struct {
	t       *testing.T
	keys    *vault.Vault
	card    vault.Card
	account unit.Fen
	pending unit.Fen
	loads   map[pboc.OnlineSN]*loading
	owed    unit.Fen // of the grey lock
	mac3    pboc.MAC
	opened  []record.OpenQuestion
	paid    map[string]unit.Fen

	refuse    string // code with which an act is refused
	permits   []record.ActQuestion
	bodies    [][]byte
	questions int
	loseAt    int // this question is lost; 0 none
	acted     bool
}

var errLine = errors.New("line down")

var stamp = [7]byte{0x20, 0x26, 0x11, 0x22, 0x09, 0x30, 0x00}

func (b *bank) ask(path string, body []byte) ([]byte, error) {
	b.questions++
	if b.questions == b.loseAt && !b.acted {
		return nil, errLine
	}
	b.bodies = append(b.bodies, body)
	answer, err := b.serve(path, body)
	if b.questions == b.loseAt {
		return nil, errLine
	}
	if err != nil {
		return nil, err
	}
	out, err := json.Marshal(answer)
	if err != nil {
		b.t.Fatal(err)
	}
	return out, nil
}

func refusal(code string) error { return record.Refusal{Code: code, Zh: "拒绝", En: "refused"} }

func decode[Q any](t *testing.T, body []byte) (q Q) {
	t.Helper()
	if err := json.Unmarshal(body, &q); err != nil {
		t.Fatal(err)
	}
	return q
}

func (b *bank) serve(path string, body []byte) (any, error) {
	switch path {
	case record.PathAskOpen:
		q := decode[record.OpenQuestion](b.t, body)
		b.opened = append(b.opened, q)
		return record.OpenAnswer{Account: q.Account, Balance: b.account}, nil
	case record.PathAskTopUp:
		q := decode[record.TopUpQuestion](b.t, body)
		if _, known := b.paid[q.Receipt]; !known {
			b.paid[q.Receipt] = q.Amount
			b.account += q.Amount
		}
		return record.TopUpAnswer{Balance: b.account}, nil
	case record.PathAskLoad:
		return b.transfer(decode[record.LoadQuestion](b.t, body), false)
	case record.PathAskLoadEnd:
		return b.loadEnd(decode[record.LoadEndQuestion](b.t, body), false)
	case record.PathAskUnload:
		return b.transfer(decode[record.LoadQuestion](b.t, body), true)
	case record.PathAskUnldEnd:
		q := decode[record.UnloadEndQuestion](b.t, body)
		return b.loadEnd(record.LoadEndQuestion{Outlet: q.Outlet, ASN: q.ASN, OnlineSN: q.OnlineSN, Loaded: q.Debited, TAC: q.MAC3, Absent: q.Absent}, true)
	case record.PathAskUnlock:
		return b.unlock(decode[record.UnlockQuestion](b.t, body))
	case record.PathAskCard:
		return b.left(), nil
	case record.PathAskAct:
		return b.act(decode[record.ActQuestion](b.t, body))
	case record.PathAskUnlEnd:
		b.mac3 = decode[record.UnlockEndQuestion](b.t, body).MAC3
		return record.Done{OK: true}, nil
	}
	b.t.Fatalf("path %s", path)
	return nil, nil
}

func (b *bank) must(m pboc.MAC, err error) pboc.MAC {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

func (b *bank) unlock(q record.UnlockQuestion) (any, error) {
	rand := [4]byte(q.Rand)
	if b.must(b.keys.UnlockMAC(b.card, rand, q.OnlineSN, fuelcard.OnlineMAC1Data(q.Balance, q.CTC, fuelcard.TypeOnlineED, q.TID))) != q.MAC1 {
		return nil, refusal("MAC1_WRONG")
	}
	if b.owed < 0 {
		return nil, refusal("NO_EVIDENCE")
	}
	mac2 := b.must(b.keys.UnlockMAC(b.card, rand, q.OnlineSN, fuelcard.OnlineMAC2Data(b.owed, fuelcard.TypeOnlineED, q.TID, stamp)))
	return record.UnlockAnswer{Amount: b.owed, Date: stamp[:4], Time: stamp[4:], MAC2: mac2}, nil
}

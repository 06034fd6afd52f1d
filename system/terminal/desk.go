package terminal

import (
	"fmt"

	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// Unlocking is an online unlock that the card has begun.
type Unlocking struct {
	ASN   pboc.ASN
	TID   pboc.TID // of the desk
	Proof fuelcard.LockProof
	fuelcard.InitGreyUnlockAnswer
}

// Question asks the center for amount and MAC2.
func (u Unlocking) Question(outlet record.SiteID) record.UnlockQuestion {
	return record.UnlockQuestion{Outlet: outlet, ASN: u.ASN, Proof: u.Proof.Bytes(), TID: u.TID, Balance: u.Balance, CTC: u.CTC,
		OnlineSN: u.OnlineSN, Version: u.KeyVersion, Alg: u.Alg, Rand: u.Rand[:], MAC1: u.MAC1}
}

// InitOnlineUnlock begins the online unlock of a grey card. Source: card.md 6.4, section 10, 12.3.
func (t *Terminal) InitOnlineUnlock(id Identity, tid pboc.TID) (Unlocking, error) {
	if id.Proof.State != fuelcard.Grey {
		return Unlocking{}, ErrOrder
	}
	a, err := ask(t.Card, "联机解扣初始化 (INIT GREY UNLOCK)", fuelcard.InitGreyUnlock{Purse: fuelcard.ED, KeyID: t.Profile.KeyID,
		TID: tid}, fuelcard.ParseInitGreyUnlockAnswer)
	return Unlocking{id.ASN, tid, id.Proof, a}, err
}

// OnlineUnlock shows the center's MAC2 and returns the card's MAC3. ErrUnknown: the card has gone or its answer was lost;
// its next proof (state 10, type 95, MAC3) or another unlock tells. The TAC-unread flag is cleared when MAC3 is durable.
func (t *Terminal) OnlineUnlock(u Unlocking, a record.UnlockAnswer) (Paid, error) {
	stamp, err := stampOf(a.Date, a.Time)
	if err != nil {
		return Paid{}, err
	}
	if a.Amount < 0 || a.Amount > u.Balance {
		return Paid{}, fmt.Errorf("联机解扣 %s 元 (yuan to unlock): %w", a.Amount, ErrAmount)
	}
	p := Paid{Sale: record.SaleID{TID: u.TID}, ASN: u.ASN, CTC: pboc.CTC(u.OnlineSN), Stamp: stamp, Amount: a.Amount,
		Balance: u.Balance - a.Amount, TType: TTypeSupplement}
	x, err := ask(t.Card, "联机解扣 (GREY UNLOCK)", fuelcard.GreyUnlock{Amount: a.Amount, Time: stamp, MAC2: a.MAC2},
		fuelcard.ParseGreyUnlockAnswer)
	if err == nil {
		p.TAC = x.MAC3
		return p, nil
	}
	if _, no := refused(err); no {
		return Paid{}, err
	}
	proof, lost := t.again(u.ASN)
	if lost == nil && proof.State == fuelcard.TACUnread && proof.Online() && proof.OnlineSN() == u.OnlineSN && proof.TID == u.TID {
		p.TAC, p.FromProof = proof.Code, true
		return p, nil
	}
	return Paid{}, fmt.Errorf("%w: %w", ErrUnknown, err)
}

// Sealer makes the MAC of a secured command for a challenge just taken: a host's vault.
type Sealer interface {
	Seal(asn pboc.ASN, issuer pboc.Issuer, challenge []byte, c apdu.Command) (apdu.Command, error)
}

// Secure sends a command with secure messaging: GET CHALLENGE of 4, MAC by the host, command. Secured updates, blocks and PIN
// commands go this way. ErrUnknown when the answer was lost. Source: card.md 5.1 sm_iv, 5.3, 6.2.
func (t *Terminal) Secure(id Identity, host Sealer, doing string, c apdu.Command) error {
	challenge, err := send(t.Card, "取随机数 (GET CHALLENGE)", fuelcard.GetChallenge{Length: 4})
	if err != nil {
		return err
	}
	sealed, err := host.Seal(id.ASN, id.Public.Issuer, challenge, c)
	if err != nil {
		return err
	}
	_, err = send(t.Card, doing, raw(sealed))
	return unknown(err)
}

// WriteSecure writes into a file whose writes need a MAC: 0015, 0016, 001C. Writing the same bytes again does no harm.
func (t *Terminal) WriteSecure(id Identity, host Sealer, sfi, offset byte, data []byte) error {
	c := fuelcard.SecureUpdateBinary{SFI: sfi, Offset: offset, Data: data}.Command()
	return t.Secure(id, host, fmt.Sprintf("写 %04X (UPDATE BINARY)", sfi), c)
}

type raw apdu.Command

func (c raw) Command() apdu.Command { return apdu.Command(c) }

// unknown marks an error that is no refusal of the card.
func unknown(err error) error {
	if _, no := refused(err); err == nil || no {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnknown, err)
}

func stampOf(date, time record.Hex) (s [7]byte, err error) {
	if len(date) != 4 || len(time) != 3 {
		return s, fmt.Errorf("中心应答的日期时间 (date and time of the answer): %w", apdu.ErrLength)
	}
	copy(s[:4], date)
	copy(s[4:], time)
	return s, nil
}

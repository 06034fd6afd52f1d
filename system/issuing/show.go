package issuing

import (
	"bytes"

	"golang.org/x/text/encoding/simplifiedchinese"

	"greylock/system/terminal"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// View is what a holder may read of the own card, without login.
type View struct {
	ASN       pboc.ASN         `json:"asn"`
	Issuer    pboc.Issuer      `json:"issuer"`
	ValidFrom record.Hex       `json:"valid_from"` // YYYYMMDD
	ValidTo   record.Hex       `json:"valid_to"`
	CardType  byte             `json:"card_type"`
	Holder    string           `json:"holder"`
	Plate     string           `json:"plate"`
	UserPIN   bool             `json:"user_pin"` // the holder keys a PIN of his own
	Balance   unit.Fen         `json:"balance_fen"`
	State     string           `json:"state"`  // free, grey, tac-unread; blocked, blocked-for-ever: nothing else can be read
	Proof     record.Hex       `json:"proof"`  // 30 bytes
	Limits    record.Hex       `json:"limits"` // 66 bytes
	History   []Movement       `json:"history"`
	Unsettled string           `json:"unsettled,omitempty"` // why a load or unload is still open
	OpenActs  []record.CardAct `json:"open_acts,omitempty"` // begun here, their end not known
}

// Movement is one line of the card's own log.
type Movement struct {
	Serial uint16     `json:"serial"`
	Amount unit.Fen   `json:"amount_fen"`
	Type   byte       `json:"type"`
	Zh     string     `json:"zh"`
	En     string     `json:"en"`
	TID    pboc.TID   `json:"tid"`
	Time   record.Hex `json:"time"` // YYYYMMDDhhmmss
}

// Read returns what the card holds. The history needs the PIN: nil shows the default one, or none on a card with a PIN of its
// own; the history is then empty.
func (v *Visit) Read(pin fuelcard.PIN) (View, error) {
	p := v.id.Public
	view := View{
		ASN: v.id.ASN, Issuer: p.Issuer, ValidFrom: p.Start[:], ValidTo: p.Expiry[:], CardType: v.id.Holder.CardType,
		Holder: text(v.id.Holder.Name[:]), Plate: text(v.id.Limits.Plate[:]), UserPIN: v.id.UserPIN(), Balance: v.id.Balance,
		State: stateWord(v.id.Proof.State), OpenActs: v.OpenActs(), Proof: v.id.Proof.Bytes(), Limits: v.id.Limits.Bytes()[:limitsWritten],
	}
	if err := v.Unsettled(); err != nil {
		view.Unsettled = err.Error()
	}
	if v.block != terminal.Unblocked {
		return View{ASN: v.id.ASN, Issuer: p.Issuer, ValidFrom: p.Start[:], ValidTo: p.Expiry[:], State: v.block.String(),
			OpenActs: view.OpenActs}, nil
	}
	if pin == nil && !v.id.UserPIN() {
		pin = v.desk.cfg.Profile.DefaultPIN
	}
	if pin == nil {
		return view, nil
	}
	if err := v.term.VerifyPIN(pin); err != nil {
		return view, err
	}
	if err := v.term.Reveal(&v.id); err != nil {
		return view, err
	}
	view.Balance = v.id.Balance
	lines, err := v.term.History()
	for _, l := range lines {
		zh, en := l.Type.Words()
		view.History = append(view.History, Movement{l.Serial, l.Amount, byte(l.Type), zh, en, l.TID, l.Time[:]})
	}
	return view, err
}

func stateWord(s fuelcard.GreyState) string {
	switch s {
	case fuelcard.Grey:
		return "grey"
	case fuelcard.TACUnread:
		return "tac-unread"
	}
	return "free"
}

// text reads a GBK field: up to its padding of 00 or FF.
func text(field []byte) string {
	if i := bytes.IndexByte(field, 0); i >= 0 {
		field = field[:i]
	}
	for len(field) > 0 && field[len(field)-1] == 0xFF {
		field = field[:len(field)-1]
	}
	b, err := simplifiedchinese.GBK.NewDecoder().Bytes(field)
	if err != nil {
		return ""
	}
	return string(b)
}

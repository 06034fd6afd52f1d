package record

import (
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// Paths of the exchange between sites, served by the center. Bodies are one JSON document each.
const (
	PathBatch      = "/exchange/batch"      // Batch → BatchAnswer
	PathDirectives = "/exchange/directives" // DirectivesQuestion → DirectivesAnswer
	PathAskLoad    = "/ask/load"            // LoadQuestion → LoadAnswer
	PathAskLoadEnd = "/ask/load-end"        // LoadEndQuestion → Done
	PathAskUnload  = "/ask/unload"          // UnloadQuestion → LoadAnswer
	PathAskUnldEnd = "/ask/unload-end"      // UnloadEndQuestion → Done
	PathAskUnlock  = "/ask/unlock"          // UnlockQuestion → UnlockAnswer
	PathAskUnlEnd  = "/ask/unlock-end"      // UnlockEndQuestion → Done
	PathAskCard    = "/ask/card"            // CardQuestion → CardAnswer: what another desk has left open
	PathAskAct     = "/ask/act"             // ActQuestion → ActAnswer: PIN, block and unblock by the center's MAC
	PathAskGrey    = "/ask/grey"            // GreyQuestion → GreyAnswer: the 35H query beyond the station
	PathAskOpen    = "/ask/open"            // OpenQuestion → OpenAnswer: open an account and bind a card
	PathAskTopUp   = "/ask/top-up"          // TopUpQuestion → TopUpAnswer
)

// Batch is journal records on their way up.
type Batch struct {
	Site  SiteID   `json:"site"`
	First uint64   `json:"first"` // sequence of the first line, from 1
	Prev  Hex      `json:"prev"`  // chain hash before the first line, 32 bytes
	Lines []string `json:"lines"`
	Acts  []int    `json:"acts"` // how many lines each act has, in order; sums to len(Lines)
	Head  Hex      `json:"head"` // chain hash after the last line
}

// BatchAnswer is the center's watermark for the site: everything up to Seq is durable there. It is also the answer
// (status 409) to a batch that does not continue at Seq+1 with chain hash Head.
type BatchAnswer struct {
	Seq  uint64 `json:"seq"`
	Head Hex    `json:"head"`
}

// DirectivesQuestion asks for directives above the versions that the site has applied.
type DirectivesQuestion struct {
	Site    SiteID           `json:"site"`
	Applied map[Topic]uint64 `json:"applied"`
}

// DirectivesAnswer holds at most one line per topic, the newest.
type DirectivesAnswer struct {
	Directives []DirectiveLine `json:"directives"`
}

// LoadQuestion asks for MAC2 of a load. It is keyed (ASN, load, OnlineSN): asked again it moves no more money.
type LoadQuestion struct {
	Outlet   SiteID        `json:"outlet"`
	ASN      pboc.ASN      `json:"asn"`
	Amount   unit.Fen      `json:"amount_fen"`
	TID      pboc.TID      `json:"tid"`
	Balance  unit.Fen      `json:"balance_fen"`
	OnlineSN pboc.OnlineSN `json:"online_sn"`
	Version  byte          `json:"key_version"`
	Alg      byte          `json:"algorithm"`
	Rand     Hex           `json:"rand"`
	MAC1     pboc.MAC      `json:"mac1"`
}

// LoadAnswer authorises the load.
type LoadAnswer struct {
	Date Hex      `json:"date"` // 4 bytes BCD
	Time Hex      `json:"time"` // 3 bytes BCD
	MAC2 pboc.MAC `json:"mac2"`
}

// LoadEndQuestion reports how a load ended: with the card's TAC, or with a fresh INIT answer that shows the old online SN.
type LoadEndQuestion struct {
	Outlet   SiteID        `json:"outlet"`
	ASN      pboc.ASN      `json:"asn"`
	OnlineSN pboc.OnlineSN `json:"online_sn"`
	Loaded   bool          `json:"loaded"`
	TAC      pboc.MAC      `json:"tac"`
	Absent   *LoadQuestion `json:"absent,omitempty"` // an INIT FOR LOAD of now: its MAC1 proves that OnlineSN has not moved
}

// UnloadQuestion asks for MAC2 of an unload: the fields are those of a load. It is keyed (ASN, unload, OnlineSN).
type UnloadQuestion LoadQuestion

// UnloadEndQuestion reports how an unload ended: with the card's MAC3, or with the answer of a fresh INIT FOR LOAD, which
// shows the old online SN: loads and unloads count with one number.
type UnloadEndQuestion struct {
	Outlet   SiteID        `json:"outlet"`
	ASN      pboc.ASN      `json:"asn"`
	OnlineSN pboc.OnlineSN `json:"online_sn"`
	Debited  bool          `json:"debited"`
	MAC3     pboc.MAC      `json:"mac3"`
	Absent   *LoadQuestion `json:"absent,omitempty"`
}

// CardQuestion asks what a visit of this card has to settle first, whichever desk has left it.
type CardQuestion struct {
	Outlet SiteID   `json:"outlet"`
	ASN    pboc.ASN `json:"asn"`
}

// CardAnswer is the load or unload that the center holds open for the card.
type CardAnswer struct {
	Open *OpenTransfer `json:"open,omitempty"`
}

// OpenTransfer is a load or an unload whose end the center does not know.
type OpenTransfer struct {
	Unload   bool          `json:"unload"`
	OnlineSN pboc.OnlineSN `json:"online_sn"`
	Amount   unit.Fen      `json:"amount_fen"`
}

// UnlockQuestion asks for MAC2 of an online unlock; the center decides the amount.
type UnlockQuestion struct {
	Outlet   SiteID        `json:"outlet"`
	ASN      pboc.ASN      `json:"asn"`
	Proof    Hex           `json:"proof"` // 30 bytes, state 01
	TID      pboc.TID      `json:"tid"`
	Balance  unit.Fen      `json:"balance_fen"`
	CTC      pboc.CTC      `json:"ctc"` // current, as INIT GREY UNLOCK answers
	OnlineSN pboc.OnlineSN `json:"online_sn"`
	Version  byte          `json:"key_version"`
	Alg      byte          `json:"algorithm"`
	Rand     Hex           `json:"rand"`
	MAC1     pboc.MAC      `json:"mac1"`
	Forced   *Forced       `json:"forced,omitempty"` // where no record of the lock exists
}

// Forced is what an unlock with 0 without any evidence takes: two persons and a reason. Source: trust.md requirement 25.
type Forced struct {
	By     [2]string `json:"by"`
	Reason string    `json:"reason"`
}

// UnlockAnswer authorises the unlock.
type UnlockAnswer struct {
	Amount unit.Fen `json:"amount_fen"`
	Date   Hex      `json:"date"`
	Time   Hex      `json:"time"`
	MAC2   pboc.MAC `json:"mac2"`
}

// UnlockEndQuestion reports the card's MAC3.
type UnlockEndQuestion struct {
	Outlet   SiteID        `json:"outlet"`
	ASN      pboc.ASN      `json:"asn"`
	OnlineSN pboc.OnlineSN `json:"online_sn"`
	MAC3     pboc.MAC      `json:"mac3"`
}

// GreyQuestion is a 35H query that the station can not answer from its own journal.
type GreyQuestion struct {
	Site    SiteID   `json:"site"`
	ASN     pboc.ASN `json:"asn"`
	Balance unit.Fen `json:"balance_fen"`
	CTC     pboc.CTC `json:"ctc"`
	DS      byte     `json:"ds"`
	Time    Hex      `json:"time"` // 7 bytes BCD
}

// GreyAnswer is what is owed, from a signed record.
type GreyAnswer struct {
	Found  bool     `json:"found"`
	Amount unit.Fen `json:"amount_fen"`
	GMAC   pboc.MAC `json:"gmac"`
	Sale   SaleID   `json:"sale"`
}

// OpenQuestion opens an account if it is not there and binds a made card to it.
type OpenQuestion struct {
	Outlet  SiteID   `json:"outlet"`
	Account string   `json:"account"`
	Name    string   `json:"name"`
	ASN     pboc.ASN `json:"asn"`
	Holder  string   `json:"holder"`
	Plate   string   `json:"plate,omitempty"`
	Limits  Hex      `json:"limits"`
}

// OpenAnswer is the account's state.
type OpenAnswer struct {
	Account string   `json:"account"`
	Balance unit.Fen `json:"balance_fen"`
}

// TopUpQuestion pays cash into an account; the receipt number makes it idempotent.
type TopUpQuestion struct {
	Outlet  SiteID   `json:"outlet"`
	Account string   `json:"account"`
	Amount  unit.Fen `json:"amount_fen"`
	Tender  string   `json:"tender"`
	Receipt string   `json:"receipt"`
}

// TopUpAnswer is the account's balance after the payment.
type TopUpAnswer struct {
	Balance unit.Fen `json:"balance_fen"`
}

// Done says that the center has noted it.
type Done struct {
	OK bool `json:"ok"`
}

// Refusal is the body of every answer with a status of 400 or more: a stable code and a sentence for people.
type Refusal struct {
	Code string `json:"code"` // UNKNOWN_CARD, INSUFFICIENT_ACCOUNT, MAC1_WRONG, …
	Zh   string `json:"zh"`
	En   string `json:"en"`
}

// Error says it in both languages: an ask that was refused returns the Refusal itself, any other error of an ask is of the
// transport, and the center may have acted.
func (r Refusal) Error() string { return r.Code + " " + r.Zh + " (" + r.En + ")" }

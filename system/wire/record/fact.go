package record

import (
	"encoding/hex"
	"fmt"
	"strings"

	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// Hex is wire bytes, written as upper-case hexadecimal.
type Hex []byte

// MarshalText writes hexadecimal.
func (h Hex) MarshalText() ([]byte, error) {
	return []byte(strings.ToUpper(hex.EncodeToString(h))), nil
}

// UnmarshalText reads hexadecimal.
func (h *Hex) UnmarshalText(b []byte) error {
	d, err := hex.DecodeString(string(b))
	if err != nil {
		return fmt.Errorf("hex: %w", err)
	}
	*h = d
	return nil
}

// Realm separates training from production for ever. Source: design.md 9.5.
type Realm string

// The two realms.
const (
	Training   Realm = "training"
	Production Realm = "production"
)

// Kind of a site.
type Kind string

// The kinds of site; each has one journal.
const (
	KindKeys    Kind = "keys"    // 密钥管理
	KindMaking  Kind = "making"  // 制卡
	KindOutlet  Kind = "outlet"  // 发卡网点
	KindCenter  Kind = "center"  // 中心
	KindStation Kind = "station" // 加油站
)

// SiteID is the four digits of a site; the center is 0000.
type SiteID string

// Center is the center's own site number.
const Center SiteID = "0000"

// Nozzle is a nozzle's number, unique within its site; NZN, the number on the wire, is the board's own.
type Nozzle int

// SaleID names a sale for ever. Source: design.md 9.6.
type SaleID struct {
	TID pboc.TID     `json:"psam_tid"`
	TTC pboc.PSAMTTC `json:"psam_ttc"`
}

// String prints TID-TTC.
func (s SaleID) String() string { return fmt.Sprintf("%s-%08d", s.TID, s.TTC) }

// SiteOpened is the first fact of each journal.
type SiteOpened struct {
	TimeMs int64  `json:"time_ms"` // UTC milliseconds, as every time_ms
	Site   SiteID `json:"site"`
	Kind   Kind   `json:"kind"`
	Name   string `json:"name"`
	Realm  Realm  `json:"realm"`
}

// KeyCheck names a key and its check value; never its bytes.
type KeyCheck struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
	KCV     Hex    `json:"kcv"` // 3 bytes
}

// CeremonyHeld says that the master keys of a scope were made, once.
type CeremonyHeld struct {
	TimeMs     int64      `json:"time_ms"`
	Scope      string     `json:"scope"`
	Realm      Realm      `json:"realm"`
	Custodians [2]string  `json:"custodians"`
	Keys       []KeyCheck `json:"keys"`
}

// CeremonyRefused says that somebody tried and why it was refused.
type CeremonyRefused struct {
	TimeMs     int64    `json:"time_ms"`
	Scope      string   `json:"scope"`
	Custodians []string `json:"custodians"`
	Reason     string   `json:"reason"` // same-person, wrong-password, already-held, weak-password, window-over, no-consent
}

// VaultExported says that a sealed working vault was made for a site.
type VaultExported struct {
	TimeMs     int64      `json:"time_ms"`
	Scope      string     `json:"scope"`
	Site       SiteID     `json:"site"`
	Role       Kind       `json:"role"`
	Custodians [2]string  `json:"custodians"`
	Keys       []KeyCheck `json:"keys"`
}

// CardBegun says that a number is taken and a blank is being written; it is durable before the first write.
type CardBegun struct {
	TimeMs    int64       `json:"time_ms"`
	ASN       pboc.ASN    `json:"asn"`
	Issuer    pboc.Issuer `json:"issuer"`
	ValidFrom string      `json:"valid_from"` // YYYYMMDD
	ValidTo   string      `json:"valid_to"`
	Employee  byte        `json:"employee,omitempty"` // number on an employee card
	Gas       bool        `json:"gas,omitempty"`      // with a file for a vessel
}

// CardMade says that the card is complete and read back.
type CardMade struct {
	TimeMs    int64       `json:"time_ms"`
	ASN       pboc.ASN    `json:"asn"`
	Issuer    pboc.Issuer `json:"issuer"`
	ValidFrom string      `json:"valid_from"`
	ValidTo   string      `json:"valid_to"`
}

// CardScrapped says that a begun number will never be a card; it is not used again.
type CardScrapped struct {
	TimeMs int64    `json:"time_ms"`
	ASN    pboc.ASN `json:"asn"`
	Reason string   `json:"reason"`
}

// PSAMBegun is durable before the first write to a blank PSAM.
type PSAMBegun struct {
	TimeMs int64    `json:"time_ms"`
	Number pboc.ASN `json:"psam_asn"`
	TID    pboc.TID `json:"psam_tid"`
}

// PSAMMade says that the PSAM is complete.
type PSAMMade struct {
	TimeMs int64    `json:"time_ms"`
	Number pboc.ASN `json:"psam_asn"`
	TID    pboc.TID `json:"psam_tid"`
}

// AccountOpened opens a customer's account at the center.
type AccountOpened struct {
	TimeMs  int64  `json:"time_ms"`
	Account string `json:"account"`
	Name    string `json:"name"`
	Outlet  SiteID `json:"outlet"`
}

// CardIssued binds a made card to an account and a holder. The PIN is never in it.
type CardIssued struct {
	TimeMs  int64    `json:"time_ms"`
	ASN     pboc.ASN `json:"asn"`
	Account string   `json:"account"`
	Holder  string   `json:"holder"`
	Plate   string   `json:"plate,omitempty"`
	Limits  Hex      `json:"limits"` // 66 bytes as in file 001C
	Outlet  SiteID   `json:"outlet"`
}

// AccountToppedUp is cash paid into an account.
type AccountToppedUp struct {
	TimeMs  int64    `json:"time_ms"`
	Account string   `json:"account"`
	Amount  unit.Fen `json:"amount_fen"`
	Tender  string   `json:"tender"` // cash
	Outlet  SiteID   `json:"outlet"`
	Receipt string   `json:"receipt"` // the outlet's number; the same number is the same payment
}

// LoadBegun is the outlet's note before it asks the center for MAC2, and so before CREDIT FOR LOAD: if no LoadEnded follows,
// the load is open, and the next insert of the card settles it.
type LoadBegun struct {
	TimeMs   int64         `json:"time_ms"`
	ASN      pboc.ASN      `json:"asn"`
	OnlineSN pboc.OnlineSN `json:"online_sn"`
	Amount   unit.Fen      `json:"amount_fen"`
	Before   unit.Fen      `json:"balance_before_fen"`
	TID      pboc.TID      `json:"tid"`
}

// LoadEnded is the outlet's evidence of how a load ended.
type LoadEnded struct {
	TimeMs   int64         `json:"time_ms"`
	ASN      pboc.ASN      `json:"asn"`
	OnlineSN pboc.OnlineSN `json:"online_sn"`
	Loaded   bool          `json:"loaded"`
	TAC      pboc.MAC      `json:"tac"` // zero when not loaded
	How      string        `json:"how"` // answer, proof, absent, refused: the center gave no MAC2, center: it knew already
}

// LoadAuthorised is the center's debit of an account for a load: money is pending until LoadPosted or LoadVoided.
type LoadAuthorised struct {
	TimeMs   int64         `json:"time_ms"`
	ASN      pboc.ASN      `json:"asn"`
	Account  string        `json:"account"`
	OnlineSN pboc.OnlineSN `json:"online_sn"`
	Amount   unit.Fen      `json:"amount_fen"`
	Before   unit.Fen      `json:"balance_before_fen"`
	TID      pboc.TID      `json:"tid"`
	Version  byte          `json:"key_version"`
	Alg      byte          `json:"algorithm"`
	Rand     Hex           `json:"rand"` // 4 bytes of the card
	MAC1     pboc.MAC      `json:"mac1"`
	Date     Hex           `json:"date"`
	Time     Hex           `json:"time"`
	Outlet   SiteID        `json:"outlet"`
}

// LoadPosted says that the card proved the load (its TAC verified).
type LoadPosted struct {
	TimeMs   int64         `json:"time_ms"`
	ASN      pboc.ASN      `json:"asn"`
	OnlineSN pboc.OnlineSN `json:"online_sn"`
	TAC      pboc.MAC      `json:"tac"`
}

// LoadVoided says that the card proved that the load did not happen; the account has its money back.
type LoadVoided struct {
	TimeMs   int64         `json:"time_ms"`
	ASN      pboc.ASN      `json:"asn"`
	OnlineSN pboc.OnlineSN `json:"online_sn"`
	Evidence Hex           `json:"evidence"` // INIT answer whose MAC1 shows the online SN unchanged
}

// UnloadBegun is the outlet's note before it asks the center for MAC2 of an unload, and so before DEBIT FOR UNLOAD: if no
// UnloadEnded follows, the unload is open, and the next insert of the card settles it.
type UnloadBegun LoadBegun

// UnloadEnded is the outlet's evidence of how an unload ended.
type UnloadEnded struct {
	TimeMs   int64         `json:"time_ms"`
	ASN      pboc.ASN      `json:"asn"`
	OnlineSN pboc.OnlineSN `json:"online_sn"`
	Debited  bool          `json:"debited"`
	MAC3     pboc.MAC      `json:"mac3"` // zero when not debited
	How      string        `json:"how"`  // as of a load
}

// UnloadAuthorised is the center's permission to take money off a card; the account gets it with UnloadPosted.
type UnloadAuthorised LoadAuthorised

// UnloadPosted says that the card proved the unload (its MAC3 verified); the account has the money.
type UnloadPosted struct {
	TimeMs   int64         `json:"time_ms"`
	ASN      pboc.ASN      `json:"asn"`
	OnlineSN pboc.OnlineSN `json:"online_sn"`
	MAC3     pboc.MAC      `json:"mac3"`
}

// UnloadVoided says that the card proved that the unload did not happen; nothing has moved.
type UnloadVoided LoadVoided

// ProofSeen is a lock proof or transaction proof harvested from a card, whoever owns that sale.
type ProofSeen struct {
	TimeMs int64    `json:"time_ms"`
	ASN    pboc.ASN `json:"asn"`
	Proof  Hex      `json:"proof"` // 30 bytes
	Where  string   `json:"where"`
}

// GapClosed says that the board has no record of a number that was missing (3FH).
type GapClosed struct {
	TimeMs int64  `json:"time_ms"`
	Port   int    `json:"port"`
	Epoch  int    `json:"epoch"`
	POSTTC uint32 `json:"pos_ttc"`
}

// TotalsRead is a nozzle's totalizer as the board told it (38H).
type TotalsRead struct {
	TimeMs int64          `json:"time_ms"`
	Port   int            `json:"port"`
	Nozzle Nozzle         `json:"nozzle"`
	Total  unit.Totalizer `json:"total_hundredths"`
}

// DirectiveApplied says which version of a directive the site now works by.
type DirectiveApplied struct {
	TimeMs    int64         `json:"time_ms"`
	Directive DirectiveLine `json:"directive"`
}

// BatchTaken is a piece of another site's journal, carried unchanged; it is the center's copy.
type BatchTaken struct {
	TimeMs int64    `json:"time_ms"`
	Site   SiteID   `json:"site"`
	First  uint64   `json:"first"`
	Lines  []string `json:"lines"` // the bodies, as hashed at their origin
	Acts   []int    `json:"acts"`  // how many lines each act has, in order
	Head   Hex      `json:"head"`  // chain hash after the last line, 32 bytes
}

// SitePut registers or changes a site at the center.
type SitePut struct {
	TimeMs int64  `json:"time_ms"`
	Site   SiteID `json:"site"`
	Kind   Kind   `json:"kind"`
	Name   string `json:"name"`
	By     string `json:"by"`
}

// ProductPut registers or changes a product.
type ProductPut struct {
	TimeMs int64     `json:"time_ms"`
	Code   string    `json:"code"` // four digits, G-CODE of the wire
	Name   string    `json:"name"`
	Unit   unit.Unit `json:"unit"`
	By     string    `json:"by"`
}

// DirectiveIssued is a signed directive of the center.
type DirectiveIssued struct {
	TimeMs    int64         `json:"time_ms"`
	Directive DirectiveLine `json:"directive"`
	By        string        `json:"by"`
}

// SalePosted says that a station's record entered the books, once. Site and Seq point at the evidence.
type SalePosted struct {
	TimeMs   int64         `json:"time_ms"`
	Sale     SaleID        `json:"sale"`
	ASN      pboc.ASN      `json:"asn"`
	CTC      pboc.CTC      `json:"ctc"`
	Site     SiteID        `json:"site"`
	Seq      uint64        `json:"seq"`
	TType    int           `json:"t_type"`
	Product  string        `json:"product"`
	Price    unit.Price    `json:"price_fen"`
	Quantity unit.Quantity `json:"quantity_hundredths"`
	Unit     unit.Unit     `json:"unit"`
	Amount   unit.Fen      `json:"amount_fen"`
	Entries  []Entry       `json:"entries"` // sums to 0
}

// Entry is one line of double entry: positive is debit, negative is credit.
type Entry struct {
	Account string   `json:"account"`
	Amount  unit.Fen `json:"amount_fen"`
}

// SaleQuarantined says that a record was not posted and why. It stays until a person resolves it.
type SaleQuarantined struct {
	TimeMs int64  `json:"time_ms"`
	Site   SiteID `json:"site"`
	Seq    uint64 `json:"seq"`
	Sale   SaleID `json:"sale"`
	Reason string `json:"reason"` // tac-wrong, psam-tac-wrong, tmac-wrong, unknown-psam, conflict, …
}

// UnlockAuthorised is the center's permission to unlock a grey card online.
type UnlockAuthorised struct {
	TimeMs   int64         `json:"time_ms"`
	ASN      pboc.ASN      `json:"asn"`
	CTC      pboc.CTC      `json:"ctc"`
	OnlineSN pboc.OnlineSN `json:"online_sn"`
	Sale     SaleID        `json:"sale"`
	Amount   unit.Fen      `json:"amount_fen"`
	Before   unit.Fen      `json:"balance_before_fen"`
	TID      pboc.TID      `json:"tid"`
	Version  byte          `json:"key_version"`
	Alg      byte          `json:"algorithm"`
	Rand     Hex           `json:"rand"` // 4 bytes of the card
	MAC1     pboc.MAC      `json:"mac1"`
	Date     Hex           `json:"date"`
	Time     Hex           `json:"time"`
	Outlet   SiteID        `json:"outlet"`
	Forced   *Forced       `json:"forced,omitempty"` // amount 0 without evidence; a record that comes later is owed
}

// UnlockPosted says that the card proved the unlock (MAC3 verified).
type UnlockPosted struct {
	TimeMs   int64         `json:"time_ms"`
	ASN      pboc.ASN      `json:"asn"`
	OnlineSN pboc.OnlineSN `json:"online_sn"`
	MAC3     pboc.MAC      `json:"mac3"`
}

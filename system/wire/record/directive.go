package record

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// Topic of a directive; versions count per site and topic.
type Topic string

// The topics of directives.
const (
	TopicLayout Topic = "layout" // Layout
	TopicPrices Topic = "prices" // PriceTable
)

// Directive is an order of the center to one site: signed, versioned, monotone.
type Directive struct {
	Site    SiteID          `json:"site"`
	Topic   Topic           `json:"topic"`
	Version uint64          `json:"version"` // only rises
	TimeMs  int64           `json:"time_ms"`
	Realm   Realm           `json:"realm"`
	Body    json.RawMessage `json:"body"` // Layout, PriceTable or ListStep
}

// DirectiveLine is a directive as it travels: the signed bytes and the signature over them.
type DirectiveLine struct {
	Line      string `json:"line"` // JSON of Directive
	Signature Hex    `json:"signature"`
}

// ErrSignature is returned for a directive that the center did not sign.
var ErrSignature = errors.New("record: directive signature wrong")

// Sign makes the travelling form.
func (d Directive) Sign(key ed25519.PrivateKey) (DirectiveLine, error) {
	line, err := json.Marshal(d)
	if err != nil {
		return DirectiveLine{}, fmt.Errorf("record: directive: %w", err)
	}
	return DirectiveLine{string(line), ed25519.Sign(key, line)}, nil
}

// Open checks the signature and reads the directive strictly.
func (l DirectiveLine) Open(key ed25519.PublicKey) (Directive, error) {
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, []byte(l.Line), l.Signature) {
		return Directive{}, ErrSignature
	}
	var d Directive
	if err := strict([]byte(l.Line), &d); err != nil {
		return Directive{}, fmt.Errorf("record: directive: %w", err)
	}
	return d, nil
}

// Layout says what stands at a station: one port = one FA board = one PSAM = one nozzle (design.md 9.12).
type Layout struct {
	Name     string     `json:"name"`
	Province byte       `json:"province"` // BCD
	City     byte       `json:"city"`     // BCD
	Superior Hex        `json:"superior"` // 4 bytes BCD
	Station  Hex        `json:"station"`  // 4 bytes BCD
	Ports    []PortPlan `json:"ports"`
	Tills    []TillPlan `json:"tills,omitempty"`
	DayCut   int        `json:"day_cut_minute,omitempty"` // civil minute at which a business day ends: clock.Civil.BusinessDay
	Tanks    []TankPlan `json:"tanks,omitempty"`
}

// TillPlan is a station-run card terminal and its PSAM.
type TillPlan struct {
	Number int      `json:"number"` // 1…
	TID    pboc.TID `json:"psam_tid"`
}

// ProtocolLF marks the ports of plain dispensers.
const ProtocolLF = "lf"

// PortPlan is a nozzle and the hub port that it hangs on: one for an FA board; a plain board may have several, each with an NZN of
// its own. A plain board has no PSAM: its TID is zeros.
type PortPlan struct {
	Port    int      `json:"port"` // 1…
	POSP    byte     `json:"pos_p"`
	Nozzle  Nozzle   `json:"nozzle"`
	NZN     byte     `json:"nzn"`
	Product string   `json:"product"` // G-CODE, four digits
	TID     pboc.TID `json:"psam_tid"`

	Protocol string    `json:"protocol,omitempty"` // "": FA
	Unit     unit.Unit `json:"unit,omitempty"`     // that the product is sold in, set by the center; "": litres
}

// PriceTable is the prices now and from a civil minute on.
type PriceTable struct {
	Effective string  `json:"effective"` // YYYYMMDDhhmm
	Now       []Price `json:"now"`
	Next      []Price `json:"next"`
}

// Price is the price of one product.
type Price struct {
	Product string     `json:"product"`
	Price   unit.Price `json:"price_fen"`
}

func strict(line []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something behind the document")
	}
	return nil
}

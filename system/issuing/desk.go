// Package issuing is the desk of an outlet (second issue, 二次发卡): customers and cards, PIN, limits, blocks, cash, load, unload and
// the online unlock of grey cards.
//
// The money is the center's: the desk asks, and keeps its journal as evidence. A visit is sequential code over the card that
// was inserted; whatever a visit before left open for that card is settled before anything else is done with it.
// Source: design.md 9.1, 9.2; card.md section 10; trust.md rows 17, 18.
package issuing

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"greylock/system/clock"
	"greylock/system/vault"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// Errors that callers decide on, beside those of terminal and record.Refusal.
var (
	// ErrRealm: a card of the training realm at a live desk, or the other way round. Source: design.md 9.5.
	ErrRealm = errors.New("教学卡与正式卡不能混用 (cards of training and production do not mix)")
	// ErrGrey: only an unlock helps a grey card.
	ErrGrey = errors.New("灰卡, 请先解灰 (grey card: unlock it first)")
	// ErrOpen: a load or unload of this card is not settled; it is settled at its next insert when the center can be asked.
	ErrOpen = errors.New("上一笔圈存或圈提未了结, 请重新插卡 (a load or unload is not settled: insert the card again)")
	// ErrPIN: the profile's cards want their holder's PIN for it, and there is no pad. Source: card.md 7.4, pin_scope, pin_unlock.
	ErrPIN = errors.New("须持卡人输入密码 (the holder's PIN is wanted)")
	// ErrText: a name or plate does not fit its field or can not be written in GBK.
	ErrText = errors.New("文字过长或有不能写入卡的字 (text too long, or not writable on the card)")
)

// Keys are the operations of the outlet's vault: files, PIN and proof of the card. Money keys are the center's.
type Keys interface {
	SecureMAC(name vault.Name, c vault.Card, rand, data []byte) (pboc.MAC, error)
	ReloadMAC(c vault.Card, pin []byte) (pboc.MAC, error)
	SealPIN(rnd io.Reader, c vault.Card, pin []byte) ([]byte, error)
	InternalAnswer(c vault.Card, challenge [8]byte) ([8]byte, error)
}

// Door is what a visit needs of the program around it.
type Door interface {
	// Append writes the facts as one act; they are on the disk, and given to the desk's Apply, when it returns.
	Append(facts ...record.Fact) error
	// Ask asks the center. A record.Refusal is its answer; any other error is of the transport, and it may have acted.
	Ask(path string, body []byte) ([]byte, error)
	Now() clock.Instant
}

// Config of a desk.
type Config struct {
	Site    record.SiteID
	Realm   record.Realm
	Profile fuelcard.Profile
	TID     pboc.TID // of the desk, in the log of the cards
	Keys    Keys
	Random  io.Reader // challenges for the card, nonces of sealed PINs
}

// Desk is an outlet's desk. It is not safe for concurrent use.
type Desk struct {
	cfg  Config
	open map[pboc.ASN]Transfer      // loads and unloads that nothing has ended: at most one of a card
	acts map[actKey]record.ActBegun // what was begun to be done to cards, and nothing has ended
	seen map[pboc.ASN][]byte        // the last proof kept of each card
}

// New returns a desk; the site's journal is replayed into Apply.
func New(cfg Config) *Desk {
	return &Desk{cfg: cfg, open: map[pboc.ASN]Transfer{}, acts: map[actKey]record.ActBegun{}, seen: map[pboc.ASN][]byte{}}
}

// Apply takes one fact of the site's journal, at replay and after each durable act.
func (d *Desk) Apply(_ uint64, f record.Fact) {
	switch f := f.(type) {
	case record.LoadBegun:
		d.open[f.ASN] = Transfer{LoadBegun: f}
	case record.UnloadBegun:
		d.open[f.ASN] = Transfer{Unload: true, LoadBegun: record.LoadBegun(f)}
	case record.LoadEnded:
		d.close(f.ASN, f.OnlineSN, false)
	case record.UnloadEnded:
		d.close(f.ASN, f.OnlineSN, true)
	case record.ActBegun:
		d.acts[actKey{f.ASN, f.Act}] = f
	case record.ActEnded:
		delete(d.acts, actKey{f.ASN, f.Act})
	case record.ProofSeen:
		d.seen[f.ASN] = f.Proof
	}
}

func (d *Desk) close(asn pboc.ASN, sn pboc.OnlineSN, unload bool) {
	if o, ok := d.open[asn]; ok && o.OnlineSN == sn && o.Unload == unload {
		delete(d.open, asn)
	}
}

// OpenTransfers lists the loads and unloads that nothing has ended, for the screen; the order is that of the card numbers.
func (d *Desk) OpenTransfers() []Transfer {
	all := slices.Collect(maps.Values(d.open))
	slices.SortFunc(all, func(a, b Transfer) int { return bytes.Compare(a.ASN[:], b.ASN[:]) })
	return all
}

// TopUp pays cash into an account; it needs no card. The receipt number makes it one payment however often it is asked, so
// after an error of the transport it is asked again with the same number.
func (d *Desk) TopUp(door Door, q record.TopUpQuestion) (record.TopUpAnswer, error) {
	q.Outlet = d.cfg.Site
	a, err := ask[record.TopUpAnswer](door, record.PathAskTopUp, q)
	if err != nil {
		return a, fmt.Errorf("充值 %s (top-up): %w", q.Receipt, err)
	}
	return a, d.note(door, record.AccountToppedUp{
		TimeMs: door.Now().Milli(), Account: q.Account, Amount: q.Amount, Tender: q.Tender, Outlet: q.Outlet, Receipt: q.Receipt,
	})
}

func (d *Desk) note(door Door, facts ...record.Fact) error {
	if err := door.Append(facts...); err != nil {
		return fmt.Errorf("网点记录未能存盘 (not durable): %w", err)
	}
	return nil
}

// ask puts one question to the center.
func ask[A any](door Door, path string, question any) (a A, err error) {
	body, err := json.Marshal(question)
	if err != nil {
		return a, fmt.Errorf("%s: %w", path, err)
	}
	answer, err := door.Ask(path, body)
	if err != nil {
		return a, fmt.Errorf("%s: %w", path, err)
	}
	dec := json.NewDecoder(bytes.NewReader(answer))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&a); err != nil {
		return a, fmt.Errorf("%s: 中心应答无法解析 (answer can not be read): %w", path, err)
	}
	return a, nil
}

// refusal returns the center's refusal; false when nobody knows whether it acted.
func refusal(err error) (record.Refusal, bool) {
	var r record.Refusal
	return r, errors.As(err, &r)
}

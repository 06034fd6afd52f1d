package cardmaking_test

import (
	"bytes"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greylock/fixtures"
	"greylock/system/card"
	"greylock/system/cardmaking"
	"greylock/system/clock"
	"greylock/system/vault"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/samcard"
)

var training = sync.OnceValues(func() (*vault.Vault, error) {
	keys := map[vault.Name]pboc.Key{}
	for n, k := range fixtures.TestKeys().Masters {
		keys[vault.Name(n)] = k
	}
	master, err := vault.Known(vault.Birth{Scope: "示范石油", Realm: record.Training}, keys, [32]byte{1})
	if err != nil {
		return nil, err
	}
	return master.For(record.KindMaking, "0002", 0)
})

// room is a making site with its journal.
type room struct {
	t     *testing.T
	m     *cardmaking.Maker
	facts []record.Fact
	fail  error
}

func newRoom(t *testing.T) *room {
	t.Helper()
	r := &room{t: t}
	r.restart()
	return r
}

// restart is a kill and a replay of the journal.
func (r *room) restart() {
	keys, err := training()
	if err != nil {
		r.t.Fatal(err)
	}
	r.m = cardmaking.New(cardmaking.Config{Realm: record.Training, Profile: fuelcard.National(), Company: 0x10, Province: 0x44,
		Keys: keys, Transport: fixtures.TestKeys().Transport})
	for i, f := range r.facts {
		r.m.Apply(uint64(i+1), f)
	}
}

func (r *room) Now() clock.Instant { return clock.At(2026, time.November, 22, 9, 30, 0) }

func (r *room) Append(facts ...record.Fact) error {
	if r.fail != nil {
		return r.fail
	}
	for _, f := range facts {
		r.facts = append(r.facts, f)
		r.m.Apply(uint64(len(r.facts)), f)
	}
	return nil
}

var (
	order     = cardmaking.CardOrder{Kind: fuelcard.CardUser, ValidFrom: "20260101", ValidTo: "20361231"}
	psamOrder = cardmaking.PSAMOrder{ValidFrom: "20260101", ValidTo: "20361231"}
)

// make makes what b is and returns its number.
func (r *room) make(b *blank) (pboc.ASN, error) {
	if b.psam {
		f, err := r.m.MakePSAM(r, b, psamOrder)
		return f.Number, err
	}
	f, err := r.m.MakeCard(r, b, order)
	return f.ASN, err
}

func (r *room) open(b *blank) (pboc.ASN, bool) {
	if b.psam {
		return r.m.OpenPSAM()
	}
	return r.m.Open()
}

func kinds(t *testing.T, f func(t *testing.T, psam bool)) {
	for name, psam := range map[string]bool{"card": false, "PSAM": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, psam)
		})
	}
}

func TestMakeCard(t *testing.T) {
	t.Parallel()
	r, b := newRoom(t), newBlank(false)
	made, err := r.m.MakeCard(r, b, order)
	if err != nil {
		t.Fatal(err)
	}
	want := record.CardMade{TimeMs: r.Now().Milli(), ASN: made.ASN, Issuer: record.Training.Issuer(0x10), ValidFrom: "20260101", ValidTo: "20361231"}
	if diff := cmp.Diff(want, made); diff != "" || made.ASN.Digits() != "01000114400000000001" {
		t.Errorf("%s %s", made.ASN.Digits(), diff)
	}
	if len(r.facts) != 2 {
		t.Errorf("facts %v", r.facts)
	}
	for _, slot := range fuelcard.Keys {
		df := byte(atADF)
		if slot.MF {
			df = atMF
		}
		want := pboc.TDES.Diversify(fixtures.TestKeys().Masters[slot.Name], fuelcard.National().Factors(slot.Name, made.Issuer, made.ASN)...)
		if got := b.keys[b.at(df, slot.Type&fuelcard.KeyTypeMask, slot.ID)]; !bytes.Equal(got, want[:]) {
			t.Errorf("%s is not the card's own", slot.Name)
		}
	}
	if _, err := r.make(b.insert(0, false)); !errors.Is(err, cardmaking.ErrMade) {
		t.Errorf("a second time: %v", err)
	}
	if next, err := r.make(newBlank(false)); err != nil || next.Digits() != "01000114400000000002" {
		t.Errorf("the next card: %s %v", next.Digits(), err)
	}
	if taken, done, spoiled := r.m.Count(); taken != 2 || done != 2 || spoiled != 0 {
		t.Errorf("count %d %d %d", taken, done, spoiled)
	}
}

func TestMakePSAM(t *testing.T) {
	t.Parallel()
	r, b := newRoom(t), newBlank(true)
	made, err := r.m.MakePSAM(r, b, psamOrder)
	if err != nil {
		t.Fatal(err)
	}
	if made.Number.Digits() != "01001014400000000001" || made.TID.String() != "994400000001" {
		t.Errorf("number %s TID %s", made.Number.Digits(), made.TID)
	}
	masters := fixtures.TestKeys().Masters
	for _, slot := range samcard.Keys {
		want := masters[slot.Name]
		if slot.Own {
			want = pboc.TDES.Diversify(want, made.Number.Factor())
		}
		if got := b.keys[b.at(atADF, byte(slot.Usage), slot.Version)]; !bytes.Equal(got, want[:]) {
			t.Errorf("%s is wrong", slot.Name)
		}
	}
	own := pboc.TDES.Diversify(masters["SAMACK"], made.Number.Factor())
	if !bytes.Equal(b.keys[b.at(atMF, 0, 0)], own[:]) || !b.issued {
		t.Error("the transport key is still there, or personalisation is open")
	}
	if _, err := r.make(b.insert(0, false)); !errors.Is(err, cardmaking.ErrMade) {
		t.Errorf("a second time: %v", err)
	}
}

// The power is cut at every command, obeyed or not, and the site is killed: the same card goes on, under the same number, and
// ends as if nothing had happened. Only a cut at the very first write may cost a number. Source: trust.md row 75.
func TestCutAtEveryCommand(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, psam bool) {
		whole := newBlank(psam)
		if _, err := newRoom(t).make(whole); err != nil {
			t.Fatal(err)
		}
		lost := 0
		for n := 1; n <= whole.commands; n++ {
			for _, obeyed := range []bool{false, true} {
				r, b := newRoom(t), newBlank(psam)
				if _, err := r.make(b.insert(n, obeyed)); !errors.Is(err, card.ErrRemoved) {
					t.Fatalf("cut at %d: %v", n, err)
				}
				r.restart()
				number, open := r.open(b)
				again, err := r.make(b.insert(0, false))
				if err != nil {
					t.Fatalf("cut at %d, obeyed %v: again: %v", n, obeyed, err)
				}
				if open && again != number {
					lost++
					continue
				}
				if !maps.EqualFunc(whole.files, b.files, bytes.Equal) || !maps.EqualFunc(whole.keys, b.keys, bytes.Equal) {
					t.Errorf("cut at %d: another card than without the cut", n)
				}
			}
		}
		if lost != 1 {
			t.Errorf("%d numbers were lost, want 1: the cut before the first write", lost)
		}
	})
}

// A number is durable before the first write; without that nothing is written.
func TestNumberIsDurableFirst(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, psam bool) {
		r, b := newRoom(t), newBlank(psam)
		transport := bytes.Clone(b.keys[b.at(atMF, b.masterType(), 0)])
		r.fail = errors.New("disk full")
		if _, err := r.make(b); !errors.Is(err, r.fail) {
			t.Fatalf("%v", err)
		}
		if !bytes.Equal(b.keys[b.at(atMF, b.masterType(), 0)], transport) {
			t.Error("the card was written")
		}
	})
}

// A card that was begun and put aside: the next blank gets another number, and the old card is refused from then on.
func TestAnotherBlankScrapsTheOpenNumber(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, psam bool) {
		r, aside := newRoom(t), newBlank(psam)
		if _, err := r.make(aside.insert(12, true)); !errors.Is(err, card.ErrRemoved) {
			t.Fatal(err)
		}
		first, _ := r.open(aside)
		second, err := r.make(newBlank(psam))
		if err != nil || second == first {
			t.Fatalf("second blank: %s %v", second, err)
		}
		scrapped, ok := r.facts[1].(record.CardScrapped)
		if !ok || scrapped.ASN != first {
			t.Errorf("facts %v", r.facts)
		}
		if _, err := r.make(aside.insert(0, false)); err == nil {
			t.Error("the card that was put aside was made")
		}
		if taken, done, spoiled := r.m.Count(); taken != done+spoiled || spoiled != 1 {
			t.Errorf("count %d %d %d", taken, done, spoiled)
		}
	})
}

func TestForeignCardsAreLeftAlone(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, psam bool) {
		r, b := newRoom(t), newBlank(psam)
		b.keys[b.at(atMF, b.masterType(), 0)] = bytes.Repeat([]byte{7}, 16)
		if _, err := r.make(b); !errors.Is(err, cardmaking.ErrNotBlank) {
			t.Errorf("blank of another batch: %v", err)
		}
		if len(r.facts) != 0 {
			t.Errorf("facts %v", r.facts)
		}
	})
	r := newRoom(t)
	for name, o := range map[string]cardmaking.CardOrder{
		"kind": {Kind: 0x33, ValidFrom: "20260101", ValidTo: "20361231"},
		"from": {Kind: 1, ValidFrom: "2026-01-01", ValidTo: "20361231"},
		"to":   {Kind: 1, ValidFrom: "20260101", ValidTo: "2036ABCD"},
	} {
		if _, err := r.m.MakeCard(r, newBlank(false), o); err == nil {
			t.Errorf("order with a wrong %s was taken", name)
		}
	}
	if len(r.facts) != 0 {
		t.Errorf("facts %v", r.facts)
	}
}

func TestScrap(t *testing.T) {
	t.Parallel()
	r, b := newRoom(t), newBlank(false)
	if _, err := r.make(b.insert(20, true)); err == nil {
		t.Fatal("no cut")
	}
	asn, _ := r.m.Open()
	if err := r.m.Scrap(r, asn, "bent"); err != nil {
		t.Fatal(err)
	}
	if err := r.m.Scrap(r, asn, "bent"); err == nil {
		t.Error("scrapped twice")
	}
	r.restart()
	if next, err := r.make(newBlank(false)); err != nil || next == asn {
		t.Errorf("the number came again: %s %v", next, err)
	}
}

// Canary: no key, master or diversified, crosses the wire in clear. Source: features.md M3.
func TestNoKeyInTheTrace(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, psam bool) {
		r, b := newRoom(t), newBlank(psam)
		if _, err := r.make(b); err != nil {
			t.Fatal(err)
		}
		trace := bytes.Join(b.trace, nil)
		transport := fixtures.TestKeys().Transport
		secrets := map[string][]byte{"transport": transport[:8]}
		for name, k := range fixtures.TestKeys().Masters {
			secrets["master "+name] = bytes.Clone(k[:8])
		}
		for at, k := range b.keys {
			if len(k) == 16 {
				secrets["own "+string(rune('0'+at%10))] = k[8:]
			}
		}
		for name, s := range secrets {
			if bytes.Contains(trace, s) {
				t.Errorf("%s is in the trace", name)
			}
		}
	})
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]byte{1, 2, 4, 5, 6, 0x10}).Draw(t, "kind")
		province := rapid.SampledFrom([]byte{0x10, 0x44, 0x53, 0x90}).Draw(t, "province")
		serial := rapid.Uint32Range(1, 999_999_999).Draw(t, "serial")
		asn, err := cardmaking.Number(kind, province, serial)
		if err != nil {
			t.Fatal(err)
		}
		k, p, s := cardmaking.Split(asn)
		if k != kind || p != province || s != serial || asn.CardType() != kind || asn[0] != 0x01 || asn[3]>>4 != 1 {
			t.Fatalf("%s: %02X %02X %d", asn.Digits(), k, p, s)
		}
	})
	for _, serial := range []uint32{0, 1_000_000_000} {
		if _, err := cardmaking.Number(1, 0x44, serial); !errors.Is(err, cardmaking.ErrNumbers) {
			t.Errorf("serial %d: %v", serial, err)
		}
	}
}

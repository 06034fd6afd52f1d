package lists

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// card is the nth serial of a province.
func card(province byte, n uint64) pboc.ASN { return number([5]byte{0x01, 0, 0x01, province, 0}, n) }

func sortedCards(rnd *rand.Rand, n int, span uint64) []pboc.ASN {
	seen := map[pboc.ASN]bool{}
	for len(seen) < n {
		seen[card([]byte{0x11, 0x44, 0x45, 0x99}[rnd.IntN(4)], rnd.Uint64N(span))] = true
	}
	all := make([]pboc.ASN, 0, n)
	for c := range seen {
		all = append(all, c)
	}
	slices.SortFunc(all, compare)
	return all
}

// TestSetIsExact: at every density the set has its numbers, gives them back in order, and has no other.
func TestSetIsExact(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, span := range []uint64{1000, 5000, 100_000, 50_000_000, 10_000_000_000} {
		for _, n := range []int{0, 1, 2, 300, 3000} {
			if uint64(n) > span {
				continue
			}
			all := sortedCards(rnd, n, span)
			s, err := NewSet(all)
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.Collect(s.All()); !slices.Equal(got, all) || s.Len() != n {
				t.Fatalf("span %d: %d cards in, %d out", span, n, len(got))
			}
			for _, c := range all {
				if !s.Has(c) {
					t.Fatalf("span %d: %s is lost", span, c.Digits())
				}
			}
			for range 20_000 {
				c := card([]byte{0x11, 0x44, 0x45, 0x99, 0x12}[rnd.IntN(5)], rnd.Uint64N(span))
				if _, in := find(all, c); s.Has(c) != in {
					t.Fatalf("span %d: Has(%s) = %v", span, c.Digits(), !in)
				}
			}
		}
	}
}

// TestDenseSet: every number of a span, and the last number there is.
func TestDenseSet(t *testing.T) {
	t.Parallel()
	var all []pboc.ASN
	for n := range uint64(2000) {
		all = append(all, card(0x11, n))
	}
	all = append(all, card(0x11, 9_999_999_999))
	s, err := NewSet(all)
	if err != nil || !slices.Equal(slices.Collect(s.All()), all) || !s.Has(all[2000]) || s.Has(card(0x11, 2000)) {
		t.Fatalf("%v", err)
	}
}

func TestSetRefuses(t *testing.T) {
	t.Parallel()
	a, b, far := card(0x11, 1), card(0x11, 2), card(0x12, 1)
	odd := a
	odd[9] = 0x0A
	strange := a
	strange[0] = 0xA1
	for _, list := range [][]pboc.ASN{{b, a}, {a, a}, {far, a}, {a, far, b}, {odd}, {a, odd}, {strange}} {
		if _, err := NewSet(list); !errors.Is(err, ErrOrder) {
			t.Errorf("%v: %v", list, err)
		}
	}
	s, err := NewSet([]pboc.ASN{number([5]byte(a[:5]), 10)}) // 0x0A read as a number would be 10
	if err != nil || s.Has(odd) {
		t.Errorf("a number that is none is taken for a listed one: %v", err)
	}
}

// town is a center's list and the site that follows it.
type town struct {
	t    *testing.T
	rnd  *rand.Rand
	h    History
	site List
}

func (x *town) change(most int) {
	f := record.ListChanged{}
	seen := map[pboc.ASN]bool{}
	for range x.rnd.IntN(most) + 1 {
		c := card(0x44, x.rnd.Uint64N(uint64(8*most)))
		if seen[c] {
			continue
		}
		seen[c] = true
		if x.h.Has(c) {
			f.Deleted = append(f.Deleted, c)
		} else {
			f.Added = append(f.Added, c)
		}
	}
	x.h.Take(f)
}

// follow brings the site up to date; every step crosses the wire as text.
func (x *town) follow() (steps int) {
	for {
		s, ok := x.h.Next(x.site.Place())
		if !ok {
			return steps
		}
		before := x.site.Place()
		if err := x.site.Take(wire(x.t, s)); err != nil {
			x.t.Fatal(err)
		}
		if x.site.Place() <= before || x.site.Place() != s.Directive() {
			x.t.Fatalf("from place %x to %x, the step is %x", before, x.site.Place(), s.Directive())
		}
		steps++
	}
}

func wire(t *testing.T, s record.ListStep) (back record.ListStep) {
	t.Helper()
	text, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func (x *town) same() {
	x.t.Helper()
	want := x.h.Cards()
	if got := slices.Collect(x.site.All()); !slices.Equal(got, want) || x.site.Count() != len(want) || x.site.Version() != x.h.Version() {
		x.t.Fatalf("version %d: %d cards at the site, %d at the center (version %d)", x.site.Version(), len(got), len(want), x.h.Version())
	}
	for range 100 {
		if c := card(0x44, x.rnd.Uint64N(1000)); x.site.Has(c) != x.h.Has(c) {
			x.t.Fatalf("site and center differ about %s", c.Digits())
		}
	}
	if HashOf(x.site.All()) != x.site.Hash() {
		x.t.Fatal("the hash that was carried on is not that of the cards")
	}
}

// TestSiteFollowsCenter: base and increments make the center's set, whenever the site looks.
func TestSiteFollowsCenter(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		x := &town{t: t, rnd: rand.New(rand.NewPCG(seed, 7))}
		most := []int{3, 40, 900}[seed%3]
		for range 60 {
			for range x.rnd.IntN(4) + 1 {
				x.change(most)
			}
			if x.rnd.IntN(3) > 0 {
				x.follow()
				x.same()
			}
		}
		x.follow()
		x.same()
	}
}

// TestNewSiteGetsTheBase: a site without a list, and one that is far behind, get it in pieces; the list before holds until the last.
func TestNewSiteGetsTheBase(t *testing.T) {
	t.Parallel()
	x := &town{t: t, rnd: rand.New(rand.NewPCG(3, 3))}
	x.h.Take(record.ListChanged{Added: []pboc.ASN{card(0x11, 1)}})
	x.follow()
	for from := uint64(0); from < 30_000; from += 2000 {
		var f record.ListChanged
		for n := from; n < from+2000; n++ {
			f.Added = append(f.Added, card(0x44, 7*n))
		}
		x.h.Take(f)
	}
	for n := 0; ; n++ {
		s, ok := x.h.Next(x.site.Place())
		if !ok {
			break
		}
		if n < 2 && (s.Piece != n+1 || x.site.Version() != 1 || x.site.Has(card(0x44, 7))) {
			t.Fatalf("step %d is piece %d, the site stands at version %d", n, s.Piece, x.site.Version())
		}
		if n == 2 {
			x.change(5) // the list moves on under the download
		}
		if err := x.site.Take(wire(t, s)); err != nil {
			t.Fatal(err)
		}
	}
	x.same()
	if x.site.BaseVersion() < 2 {
		t.Error("no base was given")
	}
}

// TestTamperedStepsAreRefused: a step that was cut, turned round, repeated or left out changes nothing.
func TestTamperedStepsAreRefused(t *testing.T) {
	t.Parallel()
	x := &town{t: t, rnd: rand.New(rand.NewPCG(5, 5))}
	x.change(40)
	x.follow()
	x.change(40)
	good, _ := x.h.Next(x.site.Place())
	x.change(3)
	later, _ := x.h.Next(good.Directive())
	if len(good.Added) < 2 {
		t.Fatal("a step without two cards proves little")
	}
	edit := func(f func(*record.ListStep)) record.ListStep {
		s := wire(t, good)
		f(&s)
		return s
	}
	before := fmt.Sprintf("%+v", x.site)
	for name, s := range map[string]record.ListStep{
		"card left out": edit(func(s *record.ListStep) { s.Added = s.Added[1:] }),
		"card left out, count mended": edit(func(s *record.ListStep) {
			s.Added, s.Count = s.Added[1:], s.Count-1
		}),
		"other card":     edit(func(s *record.ListStep) { s.Added[len(s.Added)-1] = card(0x99, 1) }),
		"count":          edit(func(s *record.ListStep) { s.Count++ }),
		"hash":           edit(func(s *record.ListStep) { s.Hash[3] ^= 1 }),
		"no hash":        edit(func(s *record.ListStep) { s.Hash = nil }),
		"twice the same": edit(func(s *record.ListStep) { s.Added = append(s.Added[:1:1], s.Added...) }),
		"deletes what is not there": edit(func(s *record.ListStep) {
			s.Deleted = append(s.Deleted, card(0x99, 2))
		}),
		"a later one first": later,
		"as a piece":        edit(func(s *record.ListStep) { s.Piece, s.Pieces = 2, 2 }),
		"negative piece":    edit(func(s *record.ListStep) { s.Piece, s.Pieces = -1, 2 }),
		"version 0":         edit(func(s *record.ListStep) { s.Version = 0 }),
		"backwards":         edit(func(s *record.ListStep) { s.Version = s.From }),
	} {
		if x.site.Take(s) == nil || fmt.Sprintf("%+v", x.site) != before {
			t.Errorf("%s: was taken", name)
		}
	}
	if err := x.site.Check(good); err != nil || fmt.Sprintf("%+v", x.site) != before {
		t.Errorf("Check changed the list: %v", err)
	}
	if err := x.site.Take(good); err != nil {
		t.Fatal(err)
	}
	if err := x.site.Take(good); !errors.Is(err, ErrGap) {
		t.Errorf("the same step twice: %v", err)
	}
}

// TestCutAtEachByte: the packed cards of a step and of a base's last piece, cut at each byte, never change the list.
func TestCutAtEachByte(t *testing.T) {
	t.Parallel()
	for _, base := range []bool{false, true} {
		var h History
		var f record.ListChanged
		for n := range uint64(120) {
			f.Added = append(f.Added, card([]byte{0x11, 0x44}[n/60], n*n*1001))
		}
		h.Take(f)
		s := h.between(0)
		if base {
			h.base, h.baseVersion = h.sorted(), 1
			s = h.piece(1)
		}
		text, err := s.Added.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		for n := range len(text) {
			var l List
			cut := s
			if cut.Added.UnmarshalText(text[:n]) == nil && l.Take(cut) == nil || l.Version() != 0 || l.Count() != 0 {
				t.Fatalf("base %v: cut at byte %d of %d was taken", base, n, len(text))
			}
		}
		var l List
		if err := l.Take(s); err != nil || l.Count() != 120 {
			t.Fatal(err)
		}
	}
}

// millions is a list as big companies have it: 31 provinces, five million serials each.
func millions(n int) []pboc.ASN {
	rnd := rand.New(rand.NewPCG(9, 9))
	all := make([]pboc.ASN, 0, n)
	for p := range 31 {
		quota := n/31 + 1
		province := byte(p/10<<4 | p%10)
		for serial := range uint64(5_000_000) {
			if left := 5_000_000 - serial; quota > 0 && rnd.Uint64N(left) < uint64(quota) && len(all) < n {
				all = append(all, card(province, serial))
				quota--
			}
		}
	}
	return all
}

func BenchmarkSet(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000, 10_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchmarkSet(b, n) })
	}
}

func benchmarkSet(b *testing.B, n int) {
	all := millions(n)
	s, err := NewSet(all)
	if err != nil {
		b.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(4, 4))
	probes := make([]pboc.ASN, 1<<16)
	for i := range probes {
		probes[i] = all[rnd.IntN(len(all))]
		if i%2 == 1 {
			probes[i] = card(byte(rnd.IntN(4)<<4|rnd.IntN(10)), rnd.Uint64N(5_000_000))
		}
	}
	b.Run("has", func(b *testing.B) {
		n := 0
		for i := 0; b.Loop(); i++ {
			if s.Has(probes[i%len(probes)]) {
				n++
			}
		}
		b.ReportMetric(float64(s.Size())/1e6, "MB")
		b.ReportMetric(float64(8*s.Size())/float64(s.Len()), "bits/card")
	})
	b.Run("build", func(b *testing.B) {
		for b.Loop() {
			if _, err := NewSet(all); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("hash", func(b *testing.B) {
		for b.Loop() {
			HashOf(slices.Values(all))
		}
	})
	b.Run("increment of 200", func(b *testing.B) {
		l := List{version: 1, base: s, count: s.Len(), hash: HashOf(slices.Values(all))}
		step := record.ListStep{Version: 2, From: 1, Count: l.count}
		hash := l.hash
		for n := range uint64(100) {
			c := card(0x99, n)
			step.Added, hash = append(step.Added, c), hash.With(c)
			c = all[int(n)*len(all)/200]
			step.Deleted, hash = append(step.Deleted, c), hash.Without(c)
		}
		step.Hash = hash.Bytes()
		b.ResetTimer()
		for b.Loop() {
			if err := l.Check(step); err != nil {
				b.Fatal(err)
			}
		}
	})
}

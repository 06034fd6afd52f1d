// Package lists keeps the black list and the white list as a site works by them: an exact, compact set of card numbers that is
// built once (the base) and what was added to it and deleted from it since. A step from the center comes into force whole or
// not at all. It is bookkeeping without I/O. Source: card.md 13; dispenser.md 3.7 to 3.9; trust.md rows 59, 60, M15.
package lists

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"sort"

	"greylock/system/wire/pboc"
)

// ErrOrder is returned for card numbers that do not rise, or that are not 20 digits.
var ErrOrder = errors.New("lists: card numbers do not rise, or are no digits")

// Set is an immutable set of card numbers. It is exact: there are no false positives. The numbers are partitioned by their first
// ten digits; each partition is an Elias-Fano code of the last ten: the low bits of each number side by side, the rest in unary.
// Ten million numbers of 31 provinces with five million serials each take 7.6 MB. The zero value is empty.
type Set struct {
	keys  []uint64 // the prefixes of parts, as numbers: close together, for the search
	parts []part
	n     int
}

// part is the numbers that begin with one prefix.
type part struct {
	prefix [5]byte
	n      int
	width  uint     // of the low bits
	low    []uint64 // n times width bits
	high   []uint64 // for each value of the high bits: a one for each number that has it, then a zero
	jump   []uint32 // where the code of every 256th value begins in high
}

const (
	stride = 256 // values between two jumps: 32 bits for 256 values cost an eighth of a bit each
)

// NewSet builds the set of strictly rising numbers. ErrOrder otherwise.
func NewSet(cards []pboc.ASN) (*Set, error) {
	s := &Set{n: len(cards)}
	for from := 0; from < len(cards); {
		prefix := [5]byte(cards[from][:5])
		to := from + sort.Search(len(cards)-from, func(i int) bool { return bytes.Compare(cards[from+i][:5], prefix[:]) > 0 })
		p, err := newPart(prefix, cards[from:to])
		if err != nil || len(s.parts) > 0 && bytes.Compare(s.parts[len(s.parts)-1].prefix[:], prefix[:]) >= 0 {
			return nil, fmt.Errorf("card %d of %d: %w", from+1, len(cards), ErrOrder)
		}
		s.keys, s.parts = append(s.keys, key(prefix)), append(s.parts, p)
		from = to
	}
	return s, nil
}

// newPart codes the numbers of one prefix.
func newPart(prefix [5]byte, cards []pboc.ASN) (part, error) {
	_, digits := decimal(prefix)
	most, ok := decimal([5]byte(cards[len(cards)-1][5:]))
	if !digits || !ok || most+1 < uint64(len(cards)) {
		return part{}, ErrOrder
	}
	p := part{prefix: prefix, n: len(cards), width: uint(bits.Len64((most+1)/uint64(len(cards)))) - 1}
	values := int(most>>p.width) + 1
	p.low = make([]uint64, (uint(len(cards))*p.width+63)/64)
	p.high = make([]uint64, (len(cards)+values+63)/64)
	p.jump = make([]uint32, 0, values/stride+1)
	at, value, last := 0, 0, int64(-1)
	for i, c := range cards {
		v, ok := decimal([5]byte(c[5:]))
		if !ok || int64(v) <= last || v > most || [5]byte(c[:5]) != prefix {
			return part{}, ErrOrder
		}
		last = int64(v)
		for ; value < int(v>>p.width); value++ {
			p.mark(at, value)
			at++
		}
		p.mark(at, value)
		p.high[at/64] |= 1 << (at % 64)
		at++
		p.put(i, v&(1<<p.width-1))
	}
	return p, nil
}

// mark notes where the code of a value begins, if it has a jump that is not there yet.
func (p *part) mark(at, value int) {
	if value%stride == 0 && len(p.jump) == value/stride {
		p.jump = append(p.jump, uint32(at))
	}
}

func (p *part) put(i int, v uint64) {
	if p.width == 0 {
		return
	}
	at := uint(i) * p.width
	p.low[at/64] |= v << (at % 64)
	if at%64+p.width > 64 {
		p.low[at/64+1] |= v >> (64 - at%64)
	}
}

func (p *part) get(i int) uint64 {
	if p.width == 0 {
		return 0
	}
	at := uint(i) * p.width
	v := p.low[at/64] >> (at % 64)
	if at%64+p.width > 64 {
		v |= p.low[at/64+1] << (64 - at%64)
	}
	return v & (1<<p.width - 1)
}

// has looks a serial up: jump near its high bits, count zeros to them, compare the low bits of those that share them.
func (p *part) has(v uint64) bool {
	value := int(v >> p.width)
	if value/stride >= len(p.jump) {
		return false
	}
	at, ok := p.after(int(p.jump[value/stride]), value%stride)
	if !ok {
		return false
	}
	want := v & (1<<p.width - 1)
	for i := at - value; i < p.n && p.high[at/64]>>(at%64)&1 == 1; i, at = i+1, at+1 {
		if low := p.get(i); low >= want {
			return low == want
		}
	}
	return false
}

// after returns the place behind the nth zero from at on; n = 0 is at itself.
func (p *part) after(at, n int) (int, bool) {
	if n == 0 {
		return at, true
	}
	word := at / 64
	zeros := ^p.high[word] >> (at % 64) << (at % 64)
	for {
		k := bits.OnesCount64(zeros)
		if k >= n {
			return word*64 + nth(zeros, n) + 1, true
		}
		n -= k
		if word++; word == len(p.high) {
			return 0, false
		}
		zeros = ^p.high[word]
	}
}

// nth is the place of the nth one (1…) of a word that has so many.
func nth(w uint64, n int) int {
	at := 0
	for half := 32; half >= 8; half /= 2 {
		if k := bits.OnesCount64(w & (1<<half - 1)); k < n {
			n -= k
			w >>= half
			at += half
		}
	}
	for ; n > 1; n-- {
		w &= w - 1
	}
	return at + bits.TrailingZeros64(w)
}

// Has reports whether the number is in the set. A number that is not 20 digits is in none.
func (s *Set) Has(card pboc.ASN) bool {
	if s == nil || len(s.parts) == 0 {
		return false
	}
	v, ok := decimal([5]byte(card[5:]))
	if !ok {
		return false
	}
	want, from, to := key([5]byte(card[:5])), 0, len(s.keys)
	for to-from > 1 {
		if mid := (from + to) / 2; s.keys[mid] <= want {
			from = mid
		} else {
			to = mid
		}
	}
	return s.keys[from] == want && s.parts[from].has(v)
}

// Len is how many numbers there are.
func (s *Set) Len() int {
	if s == nil {
		return 0
	}
	return s.n
}

// Size is how many bytes the set takes.
func (s *Set) Size() (n int) {
	if s == nil {
		return 0
	}
	const head = 5 + 8 + 8 + 3*24 + 3
	for _, p := range s.parts {
		n += head + 8*len(p.low) + 8*len(p.high) + 4*len(p.jump)
	}
	return n
}

// All yields the numbers, rising.
func (s *Set) All() iter.Seq[pboc.ASN] {
	return func(yield func(pboc.ASN) bool) {
		if s == nil {
			return
		}
		for _, p := range s.parts {
			for i, at, value := 0, 0, uint64(0); i < p.n; at++ {
				if p.high[at/64]>>(at%64)&1 == 0 {
					value++
					continue
				}
				if !yield(number(p.prefix, value<<p.width|p.get(i))) {
					return
				}
				i++
			}
		}
	}
}

// key is a prefix as a number that sorts as its bytes do.
func key(b [5]byte) uint64 {
	return uint64(b[0])<<32 | uint64(b[1])<<24 | uint64(b[2])<<16 | uint64(b[3])<<8 | uint64(b[4])
}

// pairs is the number that two packed digits make; noPair where a half byte is above 9.
var pairs = func() (t [256]byte) {
	for i := range t {
		if t[i] = noPair; i>>4 <= 9 && i&15 <= 9 {
			t[i] = byte(i>>4*10 + i&15)
		}
	}
	return t
}()

const noPair = 0xFF

// decimal reads ten digits; false where a half byte is above 9, so that no number can be taken for another.
func decimal(b [5]byte) (v uint64, ok bool) {
	p := [5]byte{pairs[b[0]], pairs[b[1]], pairs[b[2]], pairs[b[3]], pairs[b[4]]}
	if (p[0]|p[1]|p[2]|p[3]|p[4])&0x80 != 0 {
		return 0, false
	}
	return ((uint64(p[0])*100+uint64(p[1]))*100+uint64(p[2]))*10_000 + uint64(p[3])*100 + uint64(p[4]), true
}

func number(prefix [5]byte, v uint64) (a pboc.ASN) {
	copy(a[:5], prefix[:])
	for i := len(a) - 1; i >= 5; i-- {
		a[i] = byte(v/10%10<<4 | v%10)
		v /= 100
	}
	return a
}

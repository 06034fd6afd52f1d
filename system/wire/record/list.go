package record

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"greylock/system/wire/pboc"
)

// The topics of the company's lists; the body of their directives is a ListStep.
const (
	TopicBlack Topic = "blacklist"
	TopicWhite Topic = "whitelist"
)

// ListStep carries a list a step on: a piece of a whole list (a base) where a site has none or is far behind, or the changes
// from one version to a later one. Count and Hash are of the list at Version: a step after which they do not hold is not taken.
// Source: trust.md rows 59, M15.
type ListStep struct {
	Version uint32 `json:"list_version"`
	From    uint32 `json:"from,omitempty"`   // changes: the version that they go on from; 0 is the empty list
	Piece   int    `json:"piece,omitempty"`  // of a base, 1…Pieces; 0: changes
	Pieces  int    `json:"pieces,omitempty"` // of a base
	Added   Cards  `json:"added,omitempty"`
	Deleted Cards  `json:"deleted,omitempty"`
	Count   int    `json:"count"`
	Hash    Hex    `json:"hash"` // 16 bytes, see system/lists
}

// wholeStep is the low half of the directive's version once a list stands at its version; below it counts the pieces.
const wholeStep = 0xFFFF

// Directive is the version of the step's directive: the list's version above, how much of it is there below. It only rises.
func (s ListStep) Directive() uint64 {
	if s.Piece < s.Pieces {
		return uint64(s.Version)<<16 | uint64(s.Piece)
	}
	return ListAt(s.Version)
}

// ListAt is the directive version of a list that stands at its version; 0 for none.
func ListAt(version uint32) uint64 {
	if version == 0 {
		return 0
	}
	return uint64(version)<<16 | wholeStep
}

// ListPlace reads a directive version: the list's version, and how many pieces of its base are there; whole says that it stands.
func ListPlace(directive uint64) (version uint32, pieces int, whole bool) {
	return uint32(directive >> 16), int(directive & wholeStep), directive == 0 || directive&wholeStep == wholeStep
}

// Cards are strictly rising card numbers. As text they are packed: base64 of, for each number, how far its last ten digits are
// above those before; 0 brings another first half of five bytes and starts the second from nothing.
type Cards []pboc.ASN

// MarshalText packs. An error for numbers that do not rise or are no digits.
func (c Cards) MarshalText() ([]byte, error) {
	var b []byte
	var prefix [5]byte
	last, begun := int64(-1), false
	for i, a := range c {
		v, ok := halfOf(a[5:])
		if _, digits := halfOf(a[:5]); !ok || !digits || i > 0 && bytes.Compare(c[i-1][:], a[:]) >= 0 {
			return nil, fmt.Errorf("record: card %d of a list does not rise or is no number", i+1)
		}
		if !begun || prefix != [5]byte(a[:5]) {
			prefix, last, begun = [5]byte(a[:5]), -1, true
			b = append(append(b, 0), prefix[:]...)
		}
		b = binary.AppendUvarint(b, uint64(v-last))
		last = v
	}
	return []byte(base64.StdEncoding.EncodeToString(b)), nil
}

var errPacked = errors.New("record: packed card numbers are damaged")

// UnmarshalText unpacks what MarshalText writes, and nothing else.
func (c *Cards) UnmarshalText(text []byte) error {
	b, err := base64.StdEncoding.Strict().DecodeString(string(text))
	if err != nil || bytes.ContainsAny(text, "\r\n") { // base64 reads over line ends
		return errPacked
	}
	var all Cards
	var prefix []byte
	last, bare := int64(-1), false // bare: a prefix without a card
	for len(b) > 0 {
		step, n := binary.Uvarint(b)
		if n <= 0 || n > 1 && b[n-1] == 0 || step > maxHalf {
			return errPacked
		}
		b = b[n:]
		if step == 0 {
			if _, digits := halfOf(b[:min(5, len(b))]); bare || len(b) < 6 || !digits || prefix != nil && bytes.Compare(prefix, b[:5]) >= 0 {
				return errPacked
			}
			prefix, b, last, bare = b[:5], b[5:], -1, true
			continue
		}
		if last += int64(step); prefix == nil || last >= maxHalf {
			return errPacked
		}
		all, bare = append(all, cardOf(prefix, last)), false
	}
	*c = all
	return nil
}

// maxHalf is one above the biggest ten digits.
const maxHalf = 10_000_000_000

// halfOf reads packed digits.
func halfOf(b []byte) (v int64, ok bool) {
	for _, x := range b {
		if x>>4 > 9 || x&15 > 9 {
			return 0, false
		}
		v = v*100 + int64(x>>4)*10 + int64(x&15)
	}
	return v, true
}

func cardOf(prefix []byte, v int64) (a pboc.ASN) {
	copy(a[:5], prefix)
	for i := len(a) - 1; i >= 5; i-- {
		a[i] = byte(v/10%10<<4 | v%10)
		v /= 100
	}
	return a
}

// ListChanged says that the center put cards on a list or took them off, and who did it why. Taking a card off the black list
// is done by two persons. Source: trust.md requirement 44.
type ListChanged struct {
	TimeMs  int64      `json:"time_ms"`
	List    Topic      `json:"list"`
	Version uint32     `json:"list_version"` // of the list afterwards
	Added   []pboc.ASN `json:"added,omitempty"`
	Deleted []pboc.ASN `json:"deleted,omitempty"`
	Reason  string     `json:"reason"`
	By      string     `json:"by"`
	Second  string     `json:"second,omitempty"`
}

// ListConfirmed says that a site has heard from the center that its lists are the newest; noted about once an hour, so that the
// age of the lists survives a restart.
type ListConfirmed struct {
	TimeMs int64  `json:"time_ms"`
	Black  uint32 `json:"black_version"`
	White  uint32 `json:"white_version"`
}

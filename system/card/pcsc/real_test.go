//go:build pcsc

package pcsc

import (
	"errors"
	"strings"
	"testing"

	"github.com/ebfe/scard"

	"greylock/system/card"
)

var _ card.Slot = (*Reader)(nil)

// TestExplain: what the service says becomes what callers of card decide on; a status of our own stays what it is.
func TestExplain(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]error{
		scard.ErrNoService: card.ErrReader, scard.ErrSharingViolation: card.ErrReader, scard.ErrNoSmartcard: card.ErrAbsent,
		scard.ErrRemovedCard: card.ErrRemoved, scard.ErrUnresponsiveCard: card.ErrMute, scard.ErrCommError: card.ErrReader,
		card.ErrAbsent: card.ErrAbsent, errUnpowered: card.ErrMute,
	} {
		if got := explain("doing", err); !errors.Is(got, want) || !errors.Is(got, err) || !card.Lost(got) {
			t.Errorf("%v: %v", err, got)
		}
	}
}

// TestEveryError: whatever PC/SC may say, a caller can decide and a person is told what to do, in both languages.
func TestEveryError(t *testing.T) {
	t.Parallel()
	known := 0
	for code := scard.Error(0x80100001); code < 0x80100080; code++ {
		got := explain("doing", code)
		if !card.Lost(got) || !errors.Is(got, code) {
			t.Errorf("%08X: %v", uint32(code), got)
		}
		next := strings.Split(got.Error(), ": ")[1]
		zh := strings.IndexFunc(got.Error(), func(r rune) bool { return r > 0x3000 })
		if zh < 0 || !strings.Contains(got.Error()[zh:], " (") {
			t.Errorf("%08X: %q is not Chinese, then English", uint32(code), next)
		}
		if _, ok := hints[code]; ok {
			known++
		}
	}
	if known != len(hints) || known < 30 {
		t.Errorf("%d of %d hints are of PC/SC", known, len(hints))
	}
}

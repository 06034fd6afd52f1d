//go:build pcsc

package pcsc

import (
	"errors"
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
		card.ErrAbsent: card.ErrAbsent,
	} {
		if got := explain("doing", err); !errors.Is(got, want) || !errors.Is(got, err) || !card.Lost(got) {
			t.Errorf("%v: %v", err, got)
		}
	}
}

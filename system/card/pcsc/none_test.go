//go:build !pcsc

package pcsc

import (
	"errors"
	"strings"
	"testing"

	"greylock/system/card"
)

var _ card.Slot = (*Reader)(nil)

// TestNone: a build without card readers says so, everywhere, in both languages, with what to do.
func TestNone(t *testing.T) {
	t.Parallel()
	var r Reader
	_, list := List()
	_, open := Open("x")
	_, reset := r.Reset()
	_, transmit := r.Transmit(nil)
	wait := Wait(t.Context(), "x", true)
	for _, err := range []error{list, open, reset, transmit, wait, r.Off(), r.Close()} {
		if !errors.Is(err, ErrBuild) || !strings.Contains(err.Error(), "-tags pcsc") {
			t.Error(err)
		}
	}
}

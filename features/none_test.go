//go:build !pcsc

package features

import (
	"errors"
	"testing"

	"greylock/system/card/pcsc"
)

// TestCardsNeedReaders: a build without card readers says so before anything is run.
func TestCardsNeedReaders(t *testing.T) {
	t.Parallel()
	if sum, err := Run(t.Context(), Options{Cards: CardsVPCD}); !errors.Is(err, pcsc.ErrBuild) || sum.Scenarios != 0 {
		t.Errorf("%+v %v", sum, err)
	}
}

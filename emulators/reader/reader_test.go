package reader_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"greylock/emulators/cardos"
	"greylock/emulators/chip"
	"greylock/emulators/psam"
	"greylock/emulators/reader"
	"greylock/fixtures"
	"greylock/system/card"
	"greylock/system/card/cardtest"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/samcard"
)

// dice of a card.
func dice() *rand.ChaCha8 { return rand.NewChaCha8([32]byte{1}) }

// counter counts what reaches a card.
type counter struct {
	card.Slot
	mu sync.Mutex
	n  int
}

func (c *counter) Transmit(command []byte) ([]byte, error) {
	answer, err := c.Slot.Transmit(command)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return answer, err
}

func (c *counter) obeyed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// blank is a card of the vendor, and how to see that it remembers something: after the authentication's challenge the
// transport key opens the MF, which a reset closes.
func blank(t testing.TB) *counter {
	t.Helper()
	c, err := cardos.Blank(cardos.NewMemNV(), dice(), fuelcard.National(), fixtures.TestKeys().Transport)
	if err != nil {
		t.Fatal(err)
	}
	return &counter{Slot: &chip.T0{Card: c}}
}

// cardATR is what cardos answers to reset.
var cardATR = []byte{0x3B, 0x66, 0x00, 0x00, 'G', 'R', 'E', 'Y', '0', '1'}

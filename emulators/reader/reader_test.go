package reader_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"greylock/emulators/cardos"
	"greylock/emulators/chip"
	"greylock/emulators/psam"
	"greylock/emulators/reader"
	"greylock/fixtures"
	"greylock/system/card"
	"greylock/system/card/cardtest"
	"greylock/system/wire/apdu"
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

// petrol is a card with a petrol application that holds a purse and nothing else, behind its contact face.
func petrol(t testing.TB) *counter {
	t.Helper()
	p, transport := fuelcard.National(), fixtures.TestKeys().Transport
	c, err := cardos.Blank(cardos.NewMemNV(), dice(), p, transport)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Reset(); err != nil {
		t.Fatal(err)
	}
	send := func(x apdu.Command) []byte {
		raw, err := c.Transmit(x.Bytes())
		if err != nil || len(raw) < 2 || raw[len(raw)-2] != 0x90 {
			t.Fatalf("> %X < %X: %v", x.Bytes(), raw, err)
		}
		return raw[:len(raw)-2]
	}
	suite, err := p.Suite()
	if err != nil {
		t.Fatal(err)
	}
	challenge := send(fuelcard.GetChallenge{Length: 4}.Command())
	send(fuelcard.ExternalAuthenticate{Cipher: suite.Authenticate(transport, fuelcard.Challenge(challenge))}.Command())
	send(p.PetrolDF().Command())
	for _, f := range p.PetrolFiles() {
		send(f.Command())
	}
	if err := c.Off(); err != nil {
		t.Fatal(err)
	}
	return &counter{Slot: &chip.T0{Card: c}}
}

var (
	// cardATR is what cardos answers to reset.
	cardATR = []byte{0x3B, 0x66, 0x00, 0x00, 'G', 'R', 'E', 'Y', '0', '1'}

	enter  = fuelcard.SelectName{Name: fuelcard.National().AIDPetrol}.Command().Bytes()
	inside = fuelcard.GetBalance{Purse: fuelcard.ED}.Command().Bytes()
)

// bench is a slot with a card beside it.
func bench(t *testing.T) (cardtest.Bench, *reader.Slot, *counter) {
	s, c := reader.NewSlot(), petrol(t)
	return cardtest.Bench{
		Slot: s, ATR: cardATR, Enter: enter, Inside: inside, T0: true, Obeyed: c.obeyed,
		Insert: func() {
			if err := s.Insert(c); err != nil {
				t.Error(err)
			}
		},
		Remove: func() { s.Remove() },
		Tear:   func(nth int, phase cardtest.Phase) { s.Tear(nth, reader.Phase(phase)) },
	}, s, c
}

// TestSlot is the contract of card.Slot with hands.
func TestSlot(t *testing.T) {
	t.Parallel()
	cardtest.Slots(t, func(t *testing.T) cardtest.Bench { b, _, _ := bench(t); return b })
}

func TestHands(t *testing.T) {
	t.Parallel()
	_, s, c := bench(t)
	if s.Present() || s.Remove() != nil {
		t.Error("a new slot holds a card")
	}
	if err := s.Insert(c); err != nil || !s.Present() {
		t.Error(err)
	}
	if err := s.Insert(c); !errors.Is(err, reader.ErrTaken) {
		t.Error(err)
	}
	s.Tear(1, reader.Before)
	s.Tear(0, reader.Before)
	if !s.Torn() {
		t.Error("a cancelled plan waits")
	}
	s.Tear(3, reader.After)
	if _, err := s.Reset(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.Transmit(inside); err != nil {
			t.Fatal(err)
		}
	}
	if s.Torn() || s.Count() != 2 {
		t.Errorf("torn %v, count %d", s.Torn(), s.Count())
	}
	if _, err := s.Transmit(inside); !errors.Is(err, card.ErrRemoved) || !s.Torn() || s.Present() || c.obeyed() != 3 {
		t.Errorf("%v, torn %v, present %v, obeyed %d", err, s.Torn(), s.Present(), c.obeyed())
	}
	if err := s.Insert(c); err != nil || s.Remove() != card.Slot(c) {
		t.Error(err)
	}
}

// TestTornInside: a card whose memory loses its power is out, and comes back with the old or the new state.
func TestTornInside(t *testing.T) {
	t.Parallel()
	nv := cardos.NewMemNV()
	c, err := cardos.Blank(nv, dice(), fuelcard.National(), fixtures.TestKeys().Transport)
	if err != nil {
		t.Fatal(err)
	}
	s := reader.NewSlot()
	if err := s.Insert(c); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Reset(); err != nil {
		t.Fatal(err)
	}
	nv.CutAfter(0, 0)
	wrong := fuelcard.ExternalAuthenticate{}.Command().Bytes() // counts a try down
	if _, err := s.Transmit(fuelcard.GetChallenge{Length: 4}.Command().Bytes()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Transmit(wrong); !errors.Is(err, card.ErrRemoved) || !errors.Is(err, cardos.ErrTorn) || s.Present() {
		t.Errorf("%v, present %v", err, s.Present())
	}
	if err := s.Insert(c); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Reset(); err != nil {
		t.Error(err)
	}
}

// stuck never answers until it is let go.
type stuck struct {
	card.Slot
	entered, letGo chan struct{}
}

func (s *stuck) Transmit([]byte) ([]byte, error) {
	close(s.entered)
	<-s.letGo
	return []byte{0x90, 0}, nil
}

// TestPulledWhileWorking: Remove waits for the card, and the command's outcome is unknown although the card has answered.
func TestPulledWhileWorking(t *testing.T) {
	t.Parallel()
	x := &stuck{petrol(t), make(chan struct{}), make(chan struct{})}
	s := reader.NewSlot()
	if err := s.Insert(x); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Reset(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if answer, err := s.Transmit(inside); !errors.Is(err, card.ErrRemoved) || answer != nil {
			t.Errorf("%X %v", answer, err)
		}
	})
	<-x.entered
	removed := make(chan struct{})
	wg.Go(func() { s.Remove(); close(removed) })
	for s.Present() {
		runtime.Gosched()
	}
	select {
	case <-removed:
		t.Error("removed while the card works")
	default:
	}
	close(x.letGo)
	<-removed
	wg.Wait()
}

// TestManyHands: hands and a program at once never see anything but an answer or a lost card.
func TestManyHands(t *testing.T) {
	t.Parallel()
	b, s, _ := bench(t)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for range 200 {
				if _, err := s.Reset(); err != nil && !card.Lost(err) {
					t.Error(err)
				}
				answer, err := s.Transmit(enter)
				if err == nil && len(answer) < 2 || err != nil && !card.Lost(err) {
					t.Errorf("%X %v", answer, err)
				}
			}
		})
	}
	for range 200 {
		b.Insert()
		s.Tear(1, reader.After)
		s.Remove()
	}
	wg.Wait()
}

// TestOurCards: a whole card and a PSAM in one reader.
func TestOurCards(t *testing.T) {
	t.Parallel()
	sam, err := psam.Blank(psam.NewMemNV(), dice(), fuelcard.National(), fixtures.TestKeys().Transport)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []card.Slot{petrol(t), sam} {
		s := reader.NewSlot()
		if err := s.Insert(c); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Reset(); err != nil {
			t.Fatal(err)
		}
		answer, err := s.Transmit(samcard.SelectFile{FID: fuelcard.FIDMF}.Command().Bytes())
		if err != nil || len(answer) < 2 || bytes.Equal(answer, []byte{0x6A, 0x82}) {
			t.Errorf("%X %v", answer, err)
		}
	}
}

// Package chiptest proves that a chip's acts are whole or not at all, by cutting the power everywhere.
package chiptest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"greylock/emulators/chip"
)

// Start puts a chip in the state just before the act, always the same, and returns its memory and the act: one command or
// more. The act's error is what the chip's Transmit returned.
type Start func() (mem *chip.Mem, act func() error)

// Every runs the act once and then again and again, cutting the power at every byte of every write, and at every byte of
// every write of each recovery. After each the memory must hold the state before the act, the state after it, or one
// given in also (of an act that is two transactions by design), and keep it. It returns how many cuts it made.
func Every(t testing.TB, start Start, also ...[]byte) (cuts int) {
	t.Helper()
	mem, act := start()
	states := append([][]byte{home(t, mem)}, also...)
	if err := act(); err != nil {
		t.Fatalf("without a cut: %v", err)
	}
	states = append(states, home(t, mem))
	each(func(write, cut int) (length int, more bool) {
		mem, act := start()
		mem.CutAfter(write, cut)
		err := act()
		if mem.Disarm() {
			return 0, false
		}
		if !errors.Is(err, chip.ErrTorn) {
			t.Fatalf("write %d byte %d: %v instead of a torn card", write, cut, err)
		}
		length = mem.LastWrite()
		cuts += 1 + recoveries(t, mem, states, write, cut)
		return length, true
	})
	if cuts == 0 {
		t.Fatal("the act writes nothing: nothing is proved")
	}
	return cuts
}

// recoveries powers a torn memory up: whole, and cut everywhere.
func recoveries(t testing.TB, torn *chip.Mem, states [][]byte, write, cut int) (cuts int) {
	t.Helper()
	m := chip.NewMem(torn.Size())
	m.Copy(torn, nil)
	want := home(t, m)
	if !among(want, states) {
		t.Fatalf("cut in write %d at byte %d: neither the old nor the new state", write, cut)
	}
	each(func(w, n int) (length int, more bool) {
		m.Copy(torn, nil)
		m.CutAfter(w, n)
		_, err := chip.Open(m)
		if m.Disarm() {
			return 0, false
		}
		if !errors.Is(err, chip.ErrTorn) {
			t.Fatalf("recovery: %v instead of torn", err)
		}
		cuts++
		if got := home(t, m); !bytes.Equal(got, want) {
			t.Fatalf("cut in write %d at byte %d, recovery cut in write %d at byte %d: another state", write, cut, w, n)
		}
		return m.LastWrite(), true
	})
	return cuts
}

// Weak does what Every does with memory whose torn byte reads at random until it is written again: the state is the old or
// the new one, decided once and for all at the first power-up that ends, however often it is cut.
func Weak(t testing.TB, seed uint64, start Start, also ...[]byte) (cuts int) {
	t.Helper()
	mem, act := start()
	states := append([][]byte{home(t, mem)}, also...)
	if err := act(); err != nil {
		t.Fatal(err)
	}
	states = append(states, home(t, mem))
	m := chip.NewMem(mem.Size())
	each(func(write, cut int) (length int, more bool) {
		mem, act := start()
		mem.Weak(rand.NewPCG(seed, uint64(write)<<16+uint64(cut)))
		mem.CutAfter(write, cut)
		_ = act()
		if mem.Disarm() {
			return 0, false
		}
		length = mem.LastWrite()
		for i := range uint64(4) {
			m.Copy(mem, rand.NewPCG(seed, i))
			m.CutAfter(int(i), cut/2) // one cut in the recovery, or none when it has fewer writes
			_, _ = chip.Open(m)
			m.Disarm()
			first := home(t, m)
			if !among(first, states) || !bytes.Equal(first, home(t, m)) {
				t.Fatalf("weak bit of write %d at byte %d: not decided", write, cut)
			}
			cuts++
		}
		return length, true
	})
	return cuts
}

// each counts writes and, in each, bytes from 0 to its length.
func each(run func(write, cut int) (length int, more bool)) {
	for write := 0; ; write++ {
		for cut := 0; ; cut++ {
			length, more := run(write, cut)
			if !more {
				return
			}
			if cut >= length {
				break
			}
		}
	}
}

// Home powers a copy of the memory up and returns what the chip then is.
func Home(t testing.TB, mem *chip.Mem) []byte {
	t.Helper()
	m := chip.NewMem(mem.Size())
	m.Copy(mem, nil)
	return home(t, m)
}

func home(t testing.TB, mem *chip.Mem) []byte {
	t.Helper()
	s, err := chip.Open(mem)
	if err != nil {
		t.Fatalf("power-up: %v", err)
	}
	return s.Bytes(chip.Home, mem.Size()-chip.Home)
}

func among(s []byte, states [][]byte) bool {
	for _, x := range states {
		if bytes.Equal(s, x) {
			return true
		}
	}
	return false
}

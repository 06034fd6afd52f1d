package line

import (
	"fmt"
	"slices"
	"time"

	"greylock/system/clock"
)

// Kind is a kind of damage.
type Kind uint8

// The kinds of damage. Those from Duplicate on strike a write (a frame), the others a chunk. Source: dispenser.md 5.2.
const (
	Drop      Kind = iota // one byte is missing
	Flip                  // one bit is wrong
	Insert                // one random byte too many
	Lose                  // the chunk is missing
	Babble                // random bytes before the chunk
	Delay                 // the chunk and what follows it come later
	Duplicate             // the write comes twice
	Echo                  // the write comes back to its sender, too
	Reorder               // the write comes after the next one
	Stale                 // the write before comes in place of this one
	Tear                  // only the first At bytes of the write come
	kinds
)

// babbleMost is the most bytes that one babble adds: about a short frame.
const babbleMost = 16

var kindWords = [kinds]string{"drop", "flip", "insert", "lose", "babble", "delay", "duplicate", "echo", "reorder", "stale", "tear"}

// String is the word in scenarios.
func (k Kind) String() string {
	if k >= kinds {
		return fmt.Sprintf("fault %d", uint8(k))
	}
	return kindWords[k]
}

// MarshalText writes the word.
func (k Kind) MarshalText() ([]byte, error) {
	if k >= kinds {
		return nil, fmt.Errorf("line: no fault %d", uint8(k))
	}
	return []byte(kindWords[k]), nil
}

// UnmarshalText reads the word.
func (k *Kind) UnmarshalText(b []byte) error {
	for i, w := range kindWords {
		if w == string(b) {
			*k = Kind(i)
			return nil
		}
	}
	return fmt.Errorf("line: unknown fault %q: want one of %v", b, kindWords)
}

// Fault is one kind of damage on one direction.
type Fault struct {
	Kind     Kind          `yaml:"kind"`
	PerMille int           `yaml:"per_mille"` // of the chunks (or writes) that it strikes, 0..1000
	Times    int           `yaml:"times"`     // it ends after so many strikes; 0 = never
	Delay    time.Duration `yaml:"delay"`     // of Delay: the longest
	At       int           `yaml:"at"`        // of Tear: how many bytes come
	Struck   int           `yaml:"-"`         // how often it has struck
}

// Noise damages about that many of 1000 bytes in both directions, by flip, drop and insert; 0 ends all faults. It counts
// bytes, so that a line is as bad whatever the size of its chunks.
func (m *Mem) Noise(perMille int) {
	perMille = min(1000, max(0, perMille)*m.chunk)
	third := perMille / 3
	for _, to := range []Side{Station, Device} {
		m.Faults(to, Fault{Kind: Flip, PerMille: perMille - 2*third}, Fault{Kind: Drop, PerMille: third}, Fault{Kind: Insert, PerMille: third})
	}
}

// Faults replaces the faults of the direction towards a side; none ends them.
func (m *Mem) Faults(to Side, faults ...Fault) {
	m.to[to].faults = nil
	for _, f := range faults {
		m.Add(to, f)
	}
}

// Add adds a fault to a direction and returns it as it lives there.
func (m *Mem) Add(to Side, f Fault) *Fault {
	m.to[to].faults = append(m.to[to].faults, &f)
	return &f
}

// Remove takes a fault off again, of whichever direction it is.
func (m *Mem) Remove(f *Fault) {
	for i := range m.to {
		if n := slices.Index(m.to[i].faults, f); n >= 0 {
			m.to[i].faults = slices.Delete(m.to[i].faults, n, n+1)
		}
	}
}

// strikes decides whether a fault strikes this time and counts it.
func (m *Mem) strikes(w *wire, f *Fault) bool {
	if f.PerMille <= 0 || m.rnd.IntN(1000) >= f.PerMille {
		return false
	}
	if f.Times > 0 {
		if f.Times--; f.Times == 0 {
			f.PerMille = 0
		}
	}
	f.Struck++
	w.counters.Damaged++
	w.counters.Struck[f.Kind]++
	return true
}

// hits asks the faults of one kind, for a whole write, and returns how many strike.
func (m *Mem) hits(w *wire, k Kind) (n int) {
	for i := range w.faults {
		if f := w.faults[i]; f.Kind == k && m.strikes(w, f) {
			n++
		}
	}
	return n
}

// damage lets the faults of a direction strike one chunk and queues what is left of it.
func (m *Mem) damage(now clock.Instant, to Side, piece []byte) {
	w := &m.to[to]
	data := append([]byte(nil), piece...)
	for i := range w.faults {
		f := w.faults[i]
		if f.Kind >= Duplicate || len(data) == 0 || !m.strikes(w, f) {
			continue
		}
		at := m.rnd.IntN(len(data))
		switch f.Kind {
		case Drop:
			data = append(data[:at], data[at+1:]...)
		case Flip:
			data[at] ^= 1 << m.rnd.IntN(8)
		case Insert:
			data = append(data[:at], append([]byte{byte(m.rnd.IntN(256))}, data[at:]...)...)
		case Lose:
			data = nil
		case Babble:
			m.cross(now, w, m.random(1+m.rnd.IntN(babbleMost)))
		case Delay:
			if f.Delay > 0 {
				m.hold(now, w, time.Duration(1+m.rnd.Int64N(int64(f.Delay))))
			}
		}
	}
	m.cross(now, w, m.heard(w, to, data))
}

// hold delays all that is queued from now on.
func (m *Mem) hold(now clock.Instant, w *wire, d time.Duration) {
	if now >= m.free(w) {
		w.busy, w.sent, w.held = now, 0, 0
	}
	w.held += d
}

func (m *Mem) random(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(m.rnd.IntN(256))
	}
	return b
}

// Babble sends n random bytes towards a side although nobody wrote.
func (m *Mem) Babble(now clock.Instant, to Side, n int) {
	w := &m.to[to]
	n = min(n, maxQueue-w.waiting)
	if m.cut || n <= 0 {
		return
	}
	w.counters.Damaged++
	w.counters.Struck[Babble]++
	m.cross(now, w, m.random(n))
}

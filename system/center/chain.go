package center

// chain follows a counter through the pieces that records account for: a PSAM's TTC (each record one step) or a nozzle's
// totalizer (each record its volume). Pieces may come late; what nobody accounts for stays visible as a gap. The counters
// roll over at 2³². Source: trust.md M6, M8; dispenser.md 4.5.
type chain struct {
	started bool
	at      uint32 // end of the newest piece
	gaps    []gap  // below at, oldest first
}

// gap is the counter from ≤ x < to.
type gap struct{ from, to uint32 }

// step says how a piece continues the chain.
type step int

const (
	continues step = iota // from where the chain was
	jumps                 // something is missing before it
	fills                 // a piece that was missing
	overlaps              // the counter was there before: tampering, reset or a second record for the same piece
)

// take returns the chain after the piece from…to. A chain that has not started takes the piece as its beginning.
func (c chain) take(from, to uint32) (chain, step) {
	switch ahead := int32(from - c.at); {
	case !c.started:
		return chain{started: true, at: to}, continues
	case ahead == 0:
		c.at = to
		return c, continues
	case from == to && ahead < 0:
		return c, continues // nothing moved, reported late
	case ahead > 0:
		c.gaps = with(c.gaps, gap{c.at, from})
		c.at = to
		return c, jumps
	}
	for i, g := range c.gaps {
		if from-g.from <= g.to-g.from && to-g.from <= g.to-g.from && from-g.from <= to-g.from {
			rest := append([]gap{}, c.gaps[:i]...)
			if g.from != from {
				rest = append(rest, gap{g.from, from})
			}
			if to != g.to {
				rest = append(rest, gap{to, g.to})
			}
			c.gaps = append(rest, c.gaps[i+1:]...)
			return c, fills
		}
	}
	return c, overlaps
}

package lf

import "greylock/system/wire/unit"

// The checksum has 8 bits and two errors may cancel out: one damaged frame in 256 looks good. What follows is all that a state
// reply proves or disproves by itself and against the one before. Who judges, and what then, is decided elsewhere.

// Adds reports whether cash = litres × price, rounded half up, or at most the value of one pulse (0.01 L) beside it, as the
// display of a cash preset may be. Source: dispenser.md 2.7, 4.5, 5.1.
func (s Status) Adds() bool {
	want, err := unit.Amount(s.Litres, s.Price)
	if err != nil {
		return false
	}
	return max(s.Cash-want, want-s.Cash) <= unit.Fen(s.Price+99)/100
}

// Follows reports whether s can come after before within one lift: the same nozzle, the price of the start, litres and cash
// that do not go back. Source: dispenser.md 4.1, 4.2; trust.md row 30.
func (s Status) Follows(before Status) bool {
	return s.Nozzle == before.Nozzle && s.Price == before.Price && s.Litres >= before.Litres && s.Cash >= before.Cash
}

// Package terminal is what a terminal does with a user card and a PSAM: plain sequential code over card.Transport that
// identifies, checks limits, locks, debits, recovers what was torn, loads and unlocks. It holds no key and no goroutine.
//
// The card may leave at any APDU. Every function leaves card, PSAM and log in a state from which Recover goes on; what is
// unknown is said as ErrUnknown, never guessed. Steps that must be durable first take a Durable token (trust.md 1.1).
package terminal

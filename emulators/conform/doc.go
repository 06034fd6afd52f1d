// Package conform holds cards to the specification: a calculator for the formulas of card.md section 15, a check of vector
// files with it, and tables of command cases in text that run against any card.
//
// It is the other hand: what a card must answer is written in the tables from the text of the specification, and computed
// here from the test keys; nothing is asked of the emulators. Cards come in through a Maker, keys through a Kit.
package conform

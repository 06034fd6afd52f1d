// Package chip is what the user card and the PSAM emulators have in common: non-volatile memory that can be torn at any
// byte, transactions over it, the file tree with its access rights and keys, the T=0 face of a card, and its slowness.
//
// It knows no money. It is written from card.md 3, 6, 9 and 11 alone; a terminal's code is never looked at.
package chip

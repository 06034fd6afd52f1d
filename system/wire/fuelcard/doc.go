// Package fuelcard is the user card on the wire: its files, one struct per command and answer, the exact string of
// every MAC and TAC, the table of its keys, and the profile of rules that card, terminal and host share.
//
// Every command has a layout that encodes, decodes and describes it; a decoder's error wraps the status word that a
// card answers. Cryptography is pboc's.
package fuelcard

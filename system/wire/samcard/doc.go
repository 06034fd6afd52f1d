// Package samcard is the PSAM on the wire: its files, one struct per command and answer, the string of the PSAM-TAC,
// and the table of its keys. It is made like fuelcard.
package samcard

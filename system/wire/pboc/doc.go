// Package pboc is the arithmetic of petrol cards: diversification, session keys, MAC and TAC, in a 3DES and an SM4
// suite, and the numbers (ASN, TID, counters) that enter it.
//
// 3DES, ECB and four-byte MACs are what the cards compute; this package is the only importer of crypto/des and of
// gmsm, and the written exception of trust.md 15. The exact strings of every MAC are in fuelcard and samcard.
package pboc

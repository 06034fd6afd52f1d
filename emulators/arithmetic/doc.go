// Package arithmetic is a second implementation of the card arithmetic (diversification, session keys, MAC_S, MAC_R, TAC,
// ENC, T_MAC; 3DES and SM4), written by another hand from the standards and card.md alone. It lives in test files only:
// it serves no program, it contradicts system/wire/pboc if one of the two is wrong.
//
// What it can and can not prove: the published values of card.md 15.1 bind both implementations to the world for DES,
// SM4, diversification, load, purchase and PSAM WRITE KEY. No published value of any grey-lock result (MAC1, MAC2, GTAC,
// GMAC, unlock TAC, online unlock) is known. For those the two implementations agree with each other and with the
// computed values of card.md 15.3, which were made from the same rules; whether a real card computes the same is open.
//
// Source: card.md 4, 5, 15, 16; FIPS 46-3; ISO/IEC 9797-1; GB/T 32907.
package arithmetic

package pboc

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Algorithm bytes of INIT answers and PSAM commands. Source: card.md section 16.
const (
	AlgTDES byte = 0x00
	AlgSM4  byte = 0x04
)

// ErrBlocks is wrapped when data that must be whole blocks is not.
var ErrBlocks = errors.New("data is not whole blocks")

// ErrAlg is wrapped when an algorithm byte names no suite.
var ErrAlg = errors.New("unknown algorithm")

// Suite is one family of card arithmetic. Both suites are stateless values, safe for concurrent use.
// Source: card.md 4.2, 4.3, 5.1, section 16.
type Suite interface {
	// Alg is the algorithm byte, AlgTDES or AlgSM4.
	Alg() byte
	// Block is the length of a block, 8 or 16.
	Block() int
	// Diversify derives a key through its levels, factors applied from left to right: issuer first, ASN last.
	Diversify(k Key, factors ...[8]byte) Key
	// LoadSession is the key of load, unload, overdraft and online unlock, over rand4 onlineSN2 8000.
	LoadSession(k Key, rand [4]byte, sn OnlineSN) Session
	// PurchaseSession is the key of a purchase and the first step of a grey lock, over rand4 CTC2 TTC[2..3].
	PurchaseSession(k Key, rand [4]byte, ctc CTC, ttc PSAMTTC) Session
	// GreySession is the key of a grey lock, both steps.
	GreySession(k Key, rand [4]byte, ctc CTC, ttc PSAMTTC, termRand [4]byte) Session
	// MAC is MAC_S under a session key of this suite; data is padded.
	MAC(s Session, data []byte) MAC
	// TAC is MAC_S under the TAC key (3DES: left ⊕ right half; SM4: the key itself). RELOAD PIN uses it too.
	TAC(k Key, data []byte) MAC
	// SecureMAC is the secure-messaging MAC; rand is the challenge of 4 or 8 bytes, filled with zeros to the IV.
	SecureMAC(k Key, rand, data []byte) MAC
	// TMAC is the MAC of an upload record: MAC_R, IV 0, data is padded.
	TMAC(k Key, data []byte) MAC
	// BlockMAC is MAC_R over whole blocks with an IV of Block bytes and no padding: PSAM CIPHER_DATA.
	// It returns ErrBlocks for data (at least one block) or an IV of another length.
	BlockMAC(k Key, iv, blocks []byte) (MAC, error)
	// Encipher is ENC: length byte, data, padding only if needed, ECB. It panics for data above 255 bytes, more than
	// any APDU holds.
	Encipher(k Key, data []byte) []byte
	// Decipher undoes Encipher; ErrBlocks for a length or padding that Encipher never makes.
	Decipher(k Key, cipher []byte) ([]byte, error)
	// ECB enciphers whole blocks; ErrBlocks otherwise.
	ECB(k Key, data []byte) ([]byte, error)
	// DecipherECB deciphers whole blocks; ErrBlocks otherwise.
	DecipherECB(k Key, data []byte) ([]byte, error)
	// Authenticate is the answer to an 8-byte challenge in INTERNAL and EXTERNAL AUTHENTICATION: the challenge, padded
	// where the block is longer, enciphered; the left 8 bytes.
	Authenticate(k Key, challenge [8]byte) [8]byte
	// KCV is the key check value, the left three bytes of enciphered zeros.
	KCV(k Key) [3]byte
}

// SuiteFor returns the suite of an algorithm byte, or ErrAlg.
func SuiteFor(alg byte) (Suite, error) {
	switch alg {
	case AlgTDES:
		return TDES, nil
	case AlgSM4:
		return SM4, nil
	}
	return nil, fmt.Errorf("pboc: algorithm %02X: %w", alg, ErrAlg)
}

// Pad appends 80 and then 00 up to a multiple of block; whole blocks get a block more. Source: card.md 5.1.
func Pad(data []byte, block int) []byte {
	n := len(data)/block*block + block
	p := make([]byte, n)
	copy(p, data)
	p[len(data)] = 0x80
	return p
}

func loadInput(rand [4]byte, sn OnlineSN) (in [8]byte) {
	copy(in[:], rand[:])
	binary.BigEndian.PutUint16(in[4:], uint16(sn))
	in[6] = 0x80
	return in
}

func purchaseInput(rand [4]byte, ctc CTC, ttc PSAMTTC) (in [8]byte) {
	copy(in[:], rand[:])
	binary.BigEndian.PutUint16(in[4:], uint16(ctc))
	binary.BigEndian.PutUint16(in[6:], uint16(ttc)) // only the low two bytes enter
	return in
}

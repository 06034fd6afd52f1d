package pboc

import "fmt"

// TDES is the 3DES suite, the default. Source: card.md 4.2, 4.3, 5.1.
var TDES Suite = tdes{}

type tdes struct{}

func (tdes) Alg() byte  { return AlgTDES }
func (tdes) Block() int { return desBlock }

func (tdes) Diversify(k Key, factors ...[8]byte) Key {
	for _, x := range factors {
		c := tdesCipher(k)
		c.Encrypt(k[:8], x[:])
		for i := range x {
			x[i] = ^x[i]
		}
		c.Encrypt(k[8:], x[:])
	}
	return k
}

func (tdes) LoadSession(k Key, rand [4]byte, sn OnlineSN) Session {
	return tdesSession(k, loadInput(rand, sn))
}

func (tdes) PurchaseSession(k Key, rand [4]byte, ctc CTC, ttc PSAMTTC) Session {
	return tdesSession(k, purchaseInput(rand, ctc, ttc))
}

func (tdes) GreySession(k Key, rand [4]byte, ctc CTC, ttc PSAMTTC, termRand [4]byte) Session {
	s := tdesSession(k, purchaseInput(rand, ctc, ttc))
	in := Pad(termRand[:], desBlock)
	desCipher(s.key[:desBlock]).Encrypt(s.key[:desBlock], in)
	return s
}

func tdesSession(k Key, in [8]byte) (s Session) {
	tdesCipher(k).Encrypt(s.key[:desBlock], in[:])
	s.n = desBlock
	return s
}

func (tdes) MAC(s Session, data []byte) MAC {
	if s.n != desBlock {
		panic("pboc: 3DES MAC under a session key of another suite")
	}
	return desMAC(s.key[:desBlock], data)
}

func (tdes) TAC(k Key, data []byte) MAC {
	x := xorHalves(k)
	return desMAC(x[:], data)
}

func (t tdes) SecureMAC(k Key, rand, data []byte) MAC { return retail(k, rand, Pad(data, desBlock)) }
func (t tdes) TMAC(k Key, data []byte) MAC            { return retail(k, nil, Pad(data, desBlock)) }

func (tdes) BlockMAC(k Key, iv, blocks []byte) (MAC, error) {
	if len(iv) != desBlock || len(blocks) == 0 || len(blocks)%desBlock != 0 {
		return MAC{}, fmt.Errorf("pboc: MAC over %d bytes, IV %d: %w of 8", len(blocks), len(iv), ErrBlocks)
	}
	return retail(k, iv, blocks), nil
}

func (tdes) Encipher(k Key, data []byte) []byte            { return seal(tdesCipher(k), data) }
func (tdes) Decipher(k Key, cipher []byte) ([]byte, error) { return open(tdesCipher(k), cipher) }

func (tdes) ECB(k Key, data []byte) ([]byte, error) {
	return ecb(tdesCipher(k).Encrypt, desBlock, data)
}

func (tdes) DecipherECB(k Key, data []byte) ([]byte, error) {
	return ecb(tdesCipher(k).Decrypt, desBlock, data)
}

func (tdes) Authenticate(k Key, challenge [8]byte) (a [8]byte) {
	tdesCipher(k).Encrypt(a[:], challenge[:])
	return a
}

func (tdes) KCV(k Key) (v [3]byte) {
	var zero [desBlock]byte
	tdesCipher(k).Encrypt(zero[:], zero[:])
	copy(v[:], zero[:])
	return v
}

// desMAC is MAC_S: DES-CBC-MAC, IV 0, padded.
func desMAC(key8, data []byte) MAC {
	return left4(chain(desCipher(key8), nil, Pad(data, desBlock)))
}

// retail is MAC_R, ISO 9797-1 algorithm 3: CBC with the left half, then D(right), E(left) on the last block.
// blocks is padded; an IV shorter than a block is filled with zeros.
func retail(k Key, iv, blocks []byte) MAC {
	if len(iv) > desBlock {
		iv = iv[:desBlock]
	}
	left := desCipher(k[:8])
	x := chain(left, iv, blocks)
	desCipher(k[8:]).Decrypt(x, x)
	left.Encrypt(x, x)
	return left4(x)
}

func xorHalves(k Key) (x [8]byte) {
	for i := range x {
		x[i] = k[i] ^ k[i+8]
	}
	return x
}

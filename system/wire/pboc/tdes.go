package pboc

import "fmt"

// TDES is the 3DES suite, the default. Source: card.md 4.2, 4.3, 5.1.
var TDES Suite = tdes{}

// tdes keeps no schedules unless it is Cached.
type tdes struct{ schedules *schedules }

func (tdes) Alg() byte  { return AlgTDES }
func (tdes) Block() int { return desBlock }

func (t tdes) Diversify(k Key, factors ...[8]byte) Key {
	for _, x := range factors {
		c := t.triple(k)
		c.Encrypt(k[:8], x[:])
		for i := range x {
			x[i] = ^x[i]
		}
		c.Encrypt(k[8:], x[:])
	}
	return k
}

func (t tdes) LoadSession(k Key, rand [4]byte, sn OnlineSN) Session {
	return t.session(k, loadInput(rand, sn))
}

func (t tdes) PurchaseSession(k Key, rand [4]byte, ctc CTC, ttc PSAMTTC) Session {
	return t.session(k, purchaseInput(rand, ctc, ttc))
}

func (t tdes) GreySession(k Key, rand [4]byte, ctc CTC, ttc PSAMTTC, termRand [4]byte) Session {
	s := t.session(k, purchaseInput(rand, ctc, ttc))
	in := Pad(termRand[:], desBlock)
	t.single(s.key[:desBlock]).Encrypt(s.key[:desBlock], in)
	return s
}

func (t tdes) session(k Key, in [8]byte) (s Session) {
	t.triple(k).Encrypt(s.key[:desBlock], in[:])
	s.n = desBlock
	return s
}

func (t tdes) MAC(s Session, data []byte) MAC {
	if s.n != desBlock {
		panic("pboc: 3DES MAC under a session key of another suite")
	}
	return t.cbc(s.key[:desBlock], data)
}

func (t tdes) TAC(k Key, data []byte) MAC {
	x := xorHalves(k)
	return t.cbc(x[:], data)
}

func (t tdes) SecureMAC(k Key, rand, data []byte) MAC { return t.retail(k, rand, Pad(data, desBlock)) }
func (t tdes) TMAC(k Key, data []byte) MAC            { return t.retail(k, nil, Pad(data, desBlock)) }

func (t tdes) BlockMAC(k Key, iv, blocks []byte) (MAC, error) {
	if len(iv) != desBlock || len(blocks) == 0 || len(blocks)%desBlock != 0 {
		return MAC{}, fmt.Errorf("pboc: MAC over %d bytes, IV %d: %w of 8", len(blocks), len(iv), ErrBlocks)
	}
	return t.retail(k, iv, blocks), nil
}

func (t tdes) Encipher(k Key, data []byte) []byte            { return seal(t.triple(k), data) }
func (t tdes) Decipher(k Key, cipher []byte) ([]byte, error) { return open(t.triple(k), cipher) }

func (t tdes) ECB(k Key, data []byte) ([]byte, error) {
	return ecb(t.triple(k).Encrypt, desBlock, data)
}

func (t tdes) DecipherECB(k Key, data []byte) ([]byte, error) {
	return ecb(t.triple(k).Decrypt, desBlock, data)
}

func (t tdes) Authenticate(k Key, challenge [8]byte) (a [8]byte) {
	t.triple(k).Encrypt(a[:], challenge[:])
	return a
}

func (t tdes) KCV(k Key) (v [3]byte) {
	var zero [desBlock]byte
	t.triple(k).Encrypt(zero[:], zero[:])
	copy(v[:], zero[:])
	return v
}

// cbc is MAC_S: DES-CBC-MAC, IV 0, padded.
func (t tdes) cbc(key8, data []byte) MAC {
	return left4(chain(t.single(key8), nil, Pad(data, desBlock)))
}

// retail is MAC_R, ISO 9797-1 algorithm 3: CBC with the left half, then D(right), E(left) on the last block.
// blocks is padded; an IV shorter than a block is filled with zeros.
func (t tdes) retail(k Key, iv, blocks []byte) MAC {
	if len(iv) > desBlock {
		iv = iv[:desBlock]
	}
	left := t.single(k[:8])
	x := chain(left, iv, blocks)
	t.single(k[8:]).Decrypt(x, x)
	left.Encrypt(x, x)
	return left4(x)
}

func xorHalves(k Key) (x [8]byte) {
	for i := range x {
		x[i] = k[i] ^ k[i+8]
	}
	return x
}

package pboc

import "fmt"

// SM4 is the national-cipher suite. Source: card.md section 16.
var SM4 Suite = sm4Suite{}

type sm4Suite struct{}

func (sm4Suite) Alg() byte  { return AlgSM4 }
func (sm4Suite) Block() int { return sm4Block }

func (sm4Suite) Diversify(k Key, factors ...[8]byte) Key {
	for _, x := range factors {
		var in [sm4Block]byte
		for i, b := range x {
			in[i], in[8+i] = b, ^b
		}
		sm4Cipher(k[:]).Encrypt(k[:], in[:])
	}
	return k
}

func (sm4Suite) LoadSession(k Key, rand [4]byte, sn OnlineSN) Session {
	in := loadInput(rand, sn)
	return sm4Session(k[:], in[:])
}

func (sm4Suite) PurchaseSession(k Key, rand [4]byte, ctc CTC, ttc PSAMTTC) Session {
	in := purchaseInput(rand, ctc, ttc)
	return sm4Session(k[:], in[:])
}

func (t sm4Suite) GreySession(k Key, rand [4]byte, ctc CTC, ttc PSAMTTC, termRand [4]byte) Session {
	s := t.PurchaseSession(k, rand, ctc, ttc)
	return sm4Session(s.key[:], termRand[:])
}

// sm4Session pads its input to one block always, also one that ends in 8000.
func sm4Session(k, in []byte) (s Session) {
	sm4Cipher(k).Encrypt(s.key[:], Pad(in, sm4Block))
	s.n = sm4Block
	return s
}

func (sm4Suite) MAC(s Session, data []byte) MAC {
	if s.n != sm4Block {
		panic("pboc: SM4 MAC under a session key of another suite")
	}
	return sm4MAC(s.key[:], nil, Pad(data, sm4Block))
}

func (sm4Suite) TAC(k Key, data []byte) MAC { return sm4MAC(k[:], nil, Pad(data, sm4Block)) }

func (sm4Suite) SecureMAC(k Key, rand, data []byte) MAC {
	return sm4MAC(k[:], rand, Pad(data, sm4Block))
}

func (sm4Suite) TMAC(k Key, data []byte) MAC { return sm4MAC(k[:], nil, Pad(data, sm4Block)) }

func (sm4Suite) BlockMAC(k Key, iv, blocks []byte) (MAC, error) {
	if len(iv) != sm4Block || len(blocks) == 0 || len(blocks)%sm4Block != 0 {
		return MAC{}, fmt.Errorf("pboc: MAC over %d bytes, IV %d: %w of 16", len(blocks), len(iv), ErrBlocks)
	}
	return sm4MAC(k[:], iv, blocks), nil
}

func (sm4Suite) Encipher(k Key, data []byte) []byte            { return seal(sm4Cipher(k[:]), data) }
func (sm4Suite) Decipher(k Key, cipher []byte) ([]byte, error) { return open(sm4Cipher(k[:]), cipher) }

func (sm4Suite) ECB(k Key, data []byte) ([]byte, error) {
	return ecb(sm4Cipher(k[:]).Encrypt, sm4Block, data)
}

func (sm4Suite) DecipherECB(k Key, data []byte) ([]byte, error) {
	return ecb(sm4Cipher(k[:]).Decrypt, sm4Block, data)
}

func (sm4Suite) Authenticate(k Key, challenge [8]byte) (a [8]byte) {
	var out [sm4Block]byte
	sm4Cipher(k[:]).Encrypt(out[:], Pad(challenge[:], sm4Block))
	copy(a[:], out[:])
	return a
}

func (sm4Suite) KCV(k Key) (v [3]byte) {
	var zero [sm4Block]byte
	sm4Cipher(k[:]).Encrypt(zero[:], zero[:])
	copy(v[:], zero[:])
	return v
}

// sm4MAC is SM4-CBC-MAC over whole blocks, left four bytes; an IV shorter than a block is filled with zeros.
func sm4MAC(k, iv, blocks []byte) MAC {
	return left4(chain(sm4Cipher(k), iv, blocks))
}

package arithmetic

// The rules of card.md 4.2, 4.3, 5.1 and the SM4 column of section 16, in the words of the specification.

// suite is one of the two algorithm sets.
type suite struct {
	name  string
	alg   byte
	block int
	ecb   func(key, block []byte, decipher bool) []byte // 16-byte key, one block
}

var (
	tdes = suite{"3DES", 0x00, 8, tdesBlock}
	sm4  = suite{"SM4", 0x04, 16, sm4Block}
)

func tdesBlock(k, b []byte, decipher bool) []byte {
	return desBlock(k[:8], desBlock(k[8:], desBlock(k[:8], b, decipher), !decipher), decipher)
}

// cipher runs ECB over whole blocks.
func (s suite) cipher(key, data []byte, decipher bool) (out []byte) {
	for ; len(data) > 0; data = data[s.block:] {
		out = append(out, s.ecb(key, data[:s.block], decipher)...)
	}
	return out
}

// pad is PAD: always 80, then 00 to a whole block.
func (s suite) pad(data []byte) []byte {
	p := append(join(data), 0x80)
	for len(p)%s.block != 0 {
		p = append(p, 0)
	}
	return p
}

// diversify is DIV, factors from left to right. Source: card.md 4.2, 16.
func (s suite) diversify(key []byte, factors ...[]byte) []byte {
	for _, x := range factors {
		not := make([]byte, len(x))
		for i := range x {
			not[i] = ^x[i]
		}
		key = s.cipher(key, join(x, not), false)
	}
	return key
}

// session is E(key, input): 8 bytes of input are a whole DES block; SM4 adds 80 00 … to 16. Source: card.md 4.3, 16.
func (s suite) session(key []byte, input ...[]byte) []byte {
	in := join(input...)
	if s.block == 16 {
		in = s.pad(in)
	}
	return s.cipher(key, in, false)
}

func (s suite) loadSession(key, rand4, onlineSN2 []byte) []byte {
	return s.session(key, rand4, onlineSN2, []byte{0x80, 0})
}

func (s suite) purchaseSession(key, rand4, ctc2, ttc4 []byte) []byte {
	return s.session(key, rand4, ctc2, ttc4[2:])
}

func (s suite) greySession(key, rand4, ctc2, ttc4, termRand4 []byte) []byte {
	tmp := s.purchaseSession(key, rand4, ctc2, ttc4)
	return s.one(tmp, s.pad(termRand4))
}

// one enciphers a block under a session-length key: DES under 8 bytes, SM4 under 16.
func (s suite) one(key, block []byte) []byte {
	if s.block == 8 {
		return desBlock(key, block, false)
	}
	return sm4Block(key, block, false)
}

// macS is MAC_S under a session or TAC key. Source: card.md 5.1.
func (s suite) macS(key []byte, data ...[]byte) []byte {
	chain := make([]byte, s.block)
	for p := s.pad(join(data...)); len(p) > 0; p = p[s.block:] {
		chain = s.one(key, xor(chain, p[:s.block]))
	}
	return chain[:4]
}

// macR is MAC_R, ISO 9797-1 algorithm 3 for 3DES; for SM4 the plain chain with the IV. iv may be shorter than a block.
func (s suite) macR(key, iv []byte, data ...[]byte) []byte {
	chain := append(join(iv), make([]byte, s.block-len(iv))...)
	for p := s.pad(join(data...)); len(p) > 0; p = p[s.block:] {
		chain = s.one(key[:s.block], xor(chain, p[:s.block]))
	}
	if s.block == 8 {
		chain = desBlock(key[:8], desBlock(key[8:], chain, true), false)
	}
	return chain[:4]
}

// tacKey folds a 16-byte key for 3DES and keeps it for SM4.
func (s suite) tacKey(key []byte) []byte {
	if s.block == 8 {
		return xor(key[:8], key[8:])
	}
	return key
}

func (s suite) tac(key []byte, data ...[]byte) []byte { return s.macS(s.tacKey(key), data...) }

// enc is ENC: LD, data, padded only when not already whole. Source: card.md 5.1.
func (s suite) enc(key, data []byte) []byte {
	p := join([]byte{byte(len(data))}, data)
	if len(p)%s.block != 0 {
		p = s.pad(p)
	}
	return s.cipher(key, p, false)
}

func xor(a, b []byte) []byte {
	c := make([]byte, len(a))
	for i := range a {
		c[i] = a[i] ^ b[i]
	}
	return c
}

// join copies, so that no caller's bytes are touched.
func join(parts ...[]byte) (all []byte) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

package arithmetic

import "math/bits"

// SM4 as GB/T 32907 describes it. The S-box is computed, not copied: S(x) = A·(A·x + C)⁻¹ + C over GF(2⁸) with the
// polynomial x⁸+x⁷+x⁶+x⁵+x⁴+x²+1, A circulant. The published value of card.md 15.1 and the comparison check it.

func sm4Times(a, b byte) (p byte) {
	for x := uint(a); b != 0; b >>= 1 {
		if b&1 != 0 {
			p ^= byte(x)
		}
		if x <<= 1; x&0x100 != 0 {
			x ^= 0x1F5
		}
	}
	return p
}

func sm4Affine(x byte) (y byte) {
	for i := range 8 {
		y |= byte(bits.OnesCount8(x&bits.RotateLeft8(0xA7, i))&1) << i
	}
	return y ^ 0xD3
}

func sm4Substitute(x byte) byte {
	x = sm4Affine(x)
	inverse := byte(1) // x^254, which is 0 for 0
	for range 254 {
		inverse = sm4Times(inverse, x)
	}
	return sm4Affine(inverse)
}

var sm4Box = func() (box [256]byte) {
	for i := range box {
		box[i] = sm4Substitute(byte(i))
	}
	return box
}()

func sm4Tau(x uint32) (y uint32) {
	for shift := 24; shift >= 0; shift -= 8 {
		y |= uint32(sm4Box[byte(x>>shift)]) << shift
	}
	return y
}

func sm4RoundKeys(key []byte) (rk [32]uint32) {
	fk := [4]uint32{0xA3B1BAC6, 0x56AA3350, 0x677D9197, 0xB27022DC}
	var k [4]uint32
	for i := range k {
		k[i] = uint32(number(key[4*i:4*i+4])) ^ fk[i]
	}
	for i := range rk {
		var ck uint32
		for j := range 4 {
			ck = ck<<8 | uint32(byte((4*i+j)*7))
		}
		b := sm4Tau(k[1] ^ k[2] ^ k[3] ^ ck)
		rk[i] = k[0] ^ b ^ bits.RotateLeft32(b, 13) ^ bits.RotateLeft32(b, 23)
		k[0], k[1], k[2], k[3] = k[1], k[2], k[3], rk[i]
	}
	return rk
}

func sm4Block(key, block []byte, decipher bool) []byte {
	rk := sm4RoundKeys(key)
	var x [4]uint32
	for i := range x {
		x[i] = uint32(number(block[4*i : 4*i+4]))
	}
	for i := range rk {
		k := rk[i]
		if decipher {
			k = rk[31-i]
		}
		b := sm4Tau(x[1] ^ x[2] ^ x[3] ^ k)
		t := b ^ bits.RotateLeft32(b, 2) ^ bits.RotateLeft32(b, 10) ^ bits.RotateLeft32(b, 18) ^ bits.RotateLeft32(b, 24)
		x[0], x[1], x[2], x[3] = x[1], x[2], x[3], x[0]^t
	}
	return append(octets(uint64(x[3])<<32|uint64(x[2])), octets(uint64(x[1])<<32|uint64(x[0]))...)
}

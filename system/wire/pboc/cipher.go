package pboc

import (
	"crypto/cipher"
	"crypto/des" // 3DES is what petrol cards compute; this package is its only user (trust.md 15)
	"fmt"

	"github.com/emmansun/gmsm/sm4"
)

const (
	desBlock = 8
	sm4Block = 16
)

// singleDES takes the left 8 bytes.
func singleDES(k Key) cipher.Block {
	c, err := des.NewCipher(k[:desBlock])
	if err != nil {
		panic("pboc: DES key: " + err.Error()) // only under GODEBUG=fips140=only, never for a key's bytes
	}
	return c
}

func tripleDES(k Key) cipher.Block {
	var k3 [24]byte
	copy(k3[:], k[:])
	copy(k3[16:], k[:8])
	c, err := des.NewTripleDESCipher(k3[:])
	if err != nil {
		panic("pboc: 3DES key: " + err.Error())
	}
	return c
}

func sm4Cipher(k []byte) cipher.Block {
	c, err := sm4.NewCipher(k)
	if err != nil {
		panic("pboc: SM4 key: " + err.Error())
	}
	return c
}

// chain runs CBC over whole blocks and returns the last one.
func chain(c cipher.Block, iv, blocks []byte) []byte {
	n := c.BlockSize()
	x := make([]byte, n)
	copy(x, iv)
	for ; len(blocks) >= n; blocks = blocks[n:] {
		for i := range x {
			x[i] ^= blocks[i]
		}
		c.Encrypt(x, x)
	}
	return x
}

func ecb(crypt func(dst, src []byte), block int, data []byte) ([]byte, error) {
	if len(data)%block != 0 {
		return nil, fmt.Errorf("pboc: %d bytes: %w of %d", len(data), ErrBlocks, block)
	}
	out := make([]byte, len(data))
	for i := 0; i < len(data); i += block {
		crypt(out[i:i+block], data[i:i+block])
	}
	return out, nil
}

// maxEncipher is the longest data whose length fits the length byte of ENC.
const maxEncipher = 255

func seal(c cipher.Block, data []byte) []byte {
	if len(data) > maxEncipher {
		panic(fmt.Sprintf("pboc: %d bytes to encipher, at most %d", len(data), maxEncipher))
	}
	n := c.BlockSize()
	p := append([]byte{byte(len(data))}, data...)
	if len(p)%n != 0 {
		p = Pad(p, n)
	}
	for i := 0; i < len(p); i += n {
		c.Encrypt(p[i:i+n], p[i:i+n])
	}
	return p
}

func open(c cipher.Block, text []byte) ([]byte, error) {
	p, err := ecb(c.Decrypt, c.BlockSize(), text)
	if err != nil {
		return nil, err
	}
	if len(p) == 0 || len(p) < 1+int(p[0]) {
		return nil, fmt.Errorf("pboc: enciphered data without its length: %w", ErrBlocks)
	}
	data, rest := p[1:1+int(p[0])], p[1+int(p[0]):]
	if len(rest) >= c.BlockSize() {
		return nil, fmt.Errorf("pboc: enciphered data with %d bytes behind it: %w", len(rest), ErrBlocks)
	}
	for i, b := range rest {
		if i == 0 && b != 0x80 || i > 0 && b != 0 {
			return nil, fmt.Errorf("pboc: enciphered data with bad padding: %w", ErrBlocks)
		}
	}
	return data, nil
}

func left4(b []byte) (m MAC) {
	copy(m[:], b)
	return m
}

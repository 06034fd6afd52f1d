package pboc

import (
	"crypto/cipher"
	"encoding/binary"
	"sync/atomic"
)

// Cached returns a suite that computes the same and remembers the key schedules of the keys it met last: a DES schedule
// costs more than ten blocks. It is for a holder of masters (a vault, a card) that asks with the same keys again; the
// keys live as long as it does. Safe for concurrent use. SM4 schedules are cheap and are not kept.
func Cached(s Suite) Suite {
	if s == TDES {
		return tdes{new(schedules)}
	}
	return s
}

// schedules is a direct-mapped table: a key has one place, and the newest key there wins. 512 places hold the keys of
// forty cards, or of every master and issuer of a company, in about 400 kB.
type schedules [512]atomic.Pointer[schedule]

type schedule struct {
	key   Key // 8 bytes and zeros for single DES
	block cipher.Block
}

// triple returns the 3DES cipher of a key.
func (t tdes) triple(k Key) cipher.Block { return t.schedules.find(k, 1, tripleDES) }

// single returns the DES cipher of 8 bytes.
func (t tdes) single(k8 []byte) cipher.Block {
	var k Key
	copy(k[:], k8[:desBlock])
	return t.schedules.find(k, 0, singleDES)
}

// find takes places of one parity for 3DES and of the other for DES, so that equal bytes are never mistaken.
func (c *schedules) find(k Key, parity uint64, make func(Key) cipher.Block) cipher.Block {
	if c == nil {
		return make(k)
	}
	mix := (binary.LittleEndian.Uint64(k[:8]) ^ binary.LittleEndian.Uint64(k[8:])*3) * 0x9E3779B97F4A7C15
	place := &c[mix>>56<<1|parity]
	if s := place.Load(); s != nil && s.key == k {
		return s.block
	}
	s := &schedule{k, make(k)}
	place.Store(s)
	return s.block
}

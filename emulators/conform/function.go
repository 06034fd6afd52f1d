package conform

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"greylock/system/wire/pboc"
)

// Functions are the functions of a language by their names.
type Functions map[string]function

type function struct {
	least, most int
	usage       string // arguments, for the help
	suite       pboc.Suite
	work        func(s pboc.Suite, a *args) []byte
}

// many is more factors than any key has.
const many = 8

func (f function) arity() string {
	if f.least == f.most {
		return fmt.Sprint(f.least)
	}
	return fmt.Sprintf("%d…%d", f.least, f.most)
}

// args are the arguments of one call; the first of a wrong length ends it.
type args struct {
	function string
	list     [][]byte
	err      error
}

func (a *args) apply(suite pboc.Suite, f function) ([]byte, error) {
	if f.suite != nil {
		suite = f.suite
	}
	out := f.work(suite, a)
	if a.err != nil {
		return nil, a.err
	}
	return out, nil
}

func (a *args) fail(err error) {
	if a.err == nil && err != nil {
		a.err = wrongFormula("%s: %v", a.function, err)
	}
}

// fixed is argument i, which has n bytes.
func (a *args) fixed(i, n int) []byte {
	if b := a.list[i]; len(b) == n {
		return b
	}
	a.fail(fmt.Errorf("第 %d 个参数有 %d 字节, 应为 %d (bytes in argument %d)", i+1, len(a.list[i]), n, i+1))
	return make([]byte, n)
}

func (a *args) key(i int) pboc.Key      { return pboc.Key(a.fixed(i, len(pboc.Key{}))) }
func (a *args) four(i int) [4]byte      { return [4]byte(a.fixed(i, 4)) }
func (a *args) ctc(i int) pboc.CTC      { return pboc.CTC(binary.BigEndian.Uint16(a.fixed(i, 2))) }
func (a *args) ttc(i int) pboc.PSAMTTC  { return pboc.PSAMTTC(binary.BigEndian.Uint32(a.fixed(i, 4))) }
func (a *args) sn(i int) pboc.OnlineSN  { return pboc.OnlineSN(binary.BigEndian.Uint16(a.fixed(i, 2))) }
func (a *args) code(m pboc.MAC) []byte  { return m[:] }
func (a *args) value(k pboc.Key) []byte { return k[:] }

// ofSuite are the functions that both suites have. Source: card.md section 15, 16.
var ofSuite = Functions{
	"diversify": {2, many, "key, factor, …", nil, func(s pboc.Suite, a *args) []byte {
		var factors [][8]byte
		for i := 1; i < len(a.list); i++ {
			factors = append(factors, [8]byte(a.fixed(i, 8)))
		}
		return a.value(s.Diversify(a.key(0), factors...))
	}},
	"key_load": {3, 3, "key, rand, online_sn", nil, func(s pboc.Suite, a *args) []byte {
		return s.LoadSession(a.key(0), a.four(1), a.sn(2)).Bytes()
	}},
	"key_purchase": {4, 4, "key, rand, ctc, ttc", nil, func(s pboc.Suite, a *args) []byte {
		return s.PurchaseSession(a.key(0), a.four(1), a.ctc(2), a.ttc(3)).Bytes()
	}},
	"key_grey": {5, 5, "key, rand, ctc, ttc, term_rand", nil, func(s pboc.Suite, a *args) []byte {
		return s.GreySession(a.key(0), a.four(1), a.ctc(2), a.ttc(3), a.four(4)).Bytes()
	}},
	"mac_s": {2, 2, "session_key, data", nil, func(s pboc.Suite, a *args) []byte { return macS(s, a, a.list[1]) }},
	"mac_r": {3, 3, "key, iv, data", nil, func(s pboc.Suite, a *args) []byte {
		m, err := s.BlockMAC(a.key(0), a.fixed(1, s.Block()), pboc.Pad(a.list[2], s.Block()))
		a.fail(err)
		return m[:]
	}},
	"tac": {2, 2, "key, data", nil, func(s pboc.Suite, a *args) []byte { return a.code(s.TAC(a.key(0), a.list[1])) }},
	"sm_mac": {3, 3, "key, rand, data", nil, func(s pboc.Suite, a *args) []byte {
		if n := len(a.list[1]); n > s.Block() {
			a.fail(fmt.Errorf("随机数 %d 字节, 至多 %d (random of %d bytes)", n, s.Block(), n))
			return nil
		}
		return a.code(s.SecureMAC(a.key(0), a.list[1], a.list[2]))
	}},
	"sm_encipher": {2, 2, "key, data", nil, func(s pboc.Suite, a *args) []byte {
		const most = 0xFF
		if n := len(a.list[1]); n > most {
			a.fail(fmt.Errorf("%d 字节, 至多 %d (bytes)", n, most))
			return nil
		}
		return s.Encipher(a.key(0), a.list[1])
	}},
	"ecb": {2, 2, "key, data", nil, func(s pboc.Suite, a *args) []byte {
		k := a.list[0]
		if len(k) == 8 && s.Alg() == pboc.AlgTDES { // single DES is 3DES with equal halves
			a.list[0] = append(bytes.Clone(k), k...)
		}
		out, err := s.ECB(a.key(0), a.list[1])
		a.fail(err)
		return out
	}},
}

func macS(s pboc.Suite, a *args, data []byte) []byte {
	ses, err := pboc.SessionOf(a.fixed(0, s.Block()))
	a.fail(err)
	if a.err != nil {
		return nil
	}
	return a.code(s.MAC(ses, data))
}

// VectorFunctions are those of card.md section 15: 3DES, and SM4 by the prefix sm4_.
func VectorFunctions() Functions {
	f := Functions{
		"mac_s_iv": {3, 3, "key8, iv, data", pboc.TDES, func(s pboc.Suite, a *args) []byte {
			data := bytes.Clone(a.list[2])
			for i, b := range a.fixed(1, 8) { // an IV is its XOR into the first block
				if i < len(data) {
					data[i] ^= b
				} else {
					a.fail(fmt.Errorf("数据不足一块 (less than a block of data)"))
				}
			}
			return macS(s, a, data)
		}},
		"xor_halves": {1, 1, "key", pboc.TDES, func(_ pboc.Suite, a *args) []byte {
			k := a.key(0)
			x := make([]byte, 8)
			for i := range x {
				x[i] = k[i] ^ k[8+i]
			}
			return x
		}},
		"sm4": {2, 2, "key, block", pboc.SM4, ofSuite["ecb"].work},
	}
	for name, x := range ofSuite {
		x.suite = pboc.TDES
		f[name] = x
		x.suite = pboc.SM4
		f["sm4_"+strings.TrimSuffix(name, "_s")] = x // mac_s is sm4_mac
	}
	return f
}

// CaseFunctions are those of command cases: without a prefix in the card's suite, with tdes_ or sm4_ in that one, and a few
// that bend and count bytes.
func CaseFunctions() Functions {
	own := Functions{
		"flip":  {1, 1, "x", nil, func(_ pboc.Suite, a *args) []byte { return a.edit(func(b []byte) { b[len(b)-1] ^= 1 }) }},
		"next":  {1, 1, "x", nil, func(_ pboc.Suite, a *args) []byte { return a.plus(1) }},
		"prev":  {1, 1, "x", nil, func(_ pboc.Suite, a *args) []byte { return a.plus(-1) }},
		"size":  {1, 1, "x", nil, func(_ pboc.Suite, a *args) []byte { return []byte{byte(len(a.list[0]))} }},
		"pad":   {1, 1, "x", nil, func(s pboc.Suite, a *args) []byte { return pboc.Pad(a.list[0], s.Block()) }},
		"block": {1, 1, "x", nil, func(s pboc.Suite, a *args) []byte { return fill(a.list[0], s.Block()) }},
		"auth": {2, 2, "key, challenge", nil, func(s pboc.Suite, a *args) []byte {
			c := s.Authenticate(a.key(0), [8]byte(fill(a.list[1], 8)))
			return c[:]
		}},
		"mac_blocks": {3, 3, "key, iv, blocks", nil, func(s pboc.Suite, a *args) []byte {
			m, err := s.BlockMAC(a.key(0), a.fixed(1, s.Block()), a.list[2])
			a.fail(err)
			return m[:]
		}},
	}
	f := Functions{}
	for _, family := range []Functions{own, ofSuite} {
		for name, x := range family {
			f[name] = x
			x.suite = pboc.TDES
			f["tdes_"+name] = x
			x.suite = pboc.SM4
			f["sm4_"+name] = x
		}
	}
	return f
}

// fill is x with zeros behind it up to n bytes.
func fill(x []byte, n int) []byte {
	return append(bytes.Clone(x), make([]byte, max(n-len(x), 0))...)[:n]
}

// edit changes a copy of the one argument, which has a byte at least.
func (a *args) edit(change func([]byte)) []byte {
	b := bytes.Clone(a.list[0])
	if len(b) == 0 {
		a.fail(fmt.Errorf("没有字节 (no byte)"))
		return nil
	}
	change(b)
	return b
}

// plus counts, big-endian, and rolls over.
func (a *args) plus(d int) []byte {
	return a.edit(func(b []byte) {
		for i := len(b) - 1; i >= 0; i-- {
			b[i] += byte(d)
			if d > 0 && b[i] != 0 || d < 0 && b[i] != 0xFF {
				return
			}
		}
	})
}

// Usage lists the functions with their arguments, sorted.
func (f Functions) Usage() []string {
	var list []string
	for name, x := range f {
		list = append(list, name+"("+x.usage+")")
	}
	slices.Sort(list)
	return list
}

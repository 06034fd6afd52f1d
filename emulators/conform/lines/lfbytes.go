package lines

import "fmt"

// lfSize is the length of every LF frame. Source: dispenser.md 2.1.
const lfSize = 12

// lfSum is the two's complement of the 8-bit sum of bytes 1 to 10. Source: dispenser.md 2.2.
func lfSum(b []byte) byte {
	var s byte
	for _, x := range b[1:11] {
		s += x
	}
	return -s
}

// lfFrame is a frame of up to nine bytes behind byte 1. Source: dispenser.md 2.2.
func lfFrame(nozzle byte, body ...byte) []byte {
	b := make([]byte, lfSize)
	b[0] = nozzle
	copy(b[2:11], body)
	b[11] = lfSum(b)
	return b
}

// toBCD is n in width bytes, high digits first. Source: dispenser.md 1.4.
func toBCD(n int64, width int) []byte {
	b := make([]byte, width)
	for i := width - 1; i >= 0; i-- {
		b[i] = byte(n/10%10<<4 | n%10)
		n /= 100
	}
	return b
}

// fromBCD reads; false for a digit above 9.
func fromBCD(b []byte) (n int64, ok bool) {
	for _, x := range b {
		if x>>4 > 9 || x&15 > 9 {
			return 0, false
		}
		n = n*100 + int64(x>>4)*10 + int64(x&15)
	}
	return n, true
}

// lfState is a reply in state form. Source: dispenser.md 2.2.
type lfState struct {
	price, cash, litres int64
	state               byte
}

func (s lfState) String() string {
	return fmt.Sprintf("单价 %d.%02d, 金额 %d.%02d, 升数 %d.%02d, 状态 %02X", s.price/100, s.price%100, s.cash/100, s.cash%100, s.litres/100, s.litres%100, s.state)
}

// readState reads a state form; what is wrong is said.
func readState(f []byte) (s lfState, err error) {
	var ok [3]bool
	s.price, ok[0] = fromBCD(f[2:4])
	s.cash, ok[1] = fromBCD(f[4:7])
	s.litres, ok[2] = fromBCD(f[7:10])
	s.state = f[10]
	if ok != [3]bool{true, true, true} {
		return s, fmt.Errorf("% X: 不是状态应答 (no state form)", f)
	}
	switch s.state &^ 0x3C { // bits 5..2 are extensions. Source: dispenser.md 2.4
	case 0x41, 0xC1, 0xC2, 0x01, 0x81, 0x82, 0x40, 0xC0, 0x00, 0x80: // the last four: locked by itself. Source: dispenser.md 5.1
		return s, nil
	}
	return s, fmt.Errorf("% X: 状态 %02X 不在表中 (state is not in the table)", f, s.state)
}

// Package relay is the wire of a relay board as contactors hang on it: Modbus RTU, of which reading coils and writing one coil
// are enough. Formats only: who asks what and when is decided elsewhere.
//
// Source: MODBUS Application Protocol Specification V1.1b3, 6.1, 6.5, 7; MODBUS over Serial Line V1.02, 2.5.1, appendix B.
package relay

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Sizes of frames. Source: MODBUS over Serial Line 2.5.1.
const (
	MaxFrame    = 256 // address, function, data, CRC
	requestSize = 8   // both requests
	refusalSize = 5
	readHead    = 3 // of an answer with coils: address, function, count of bytes
	crcSize     = 2
)

// MaxCoils is how many coils one question may ask for. Source: MODBUS Application Protocol 6.1.
const MaxCoils = 2000

// Addresses of boards; 0 is all of them, and none answers. Source: MODBUS over Serial Line 2.2.
const (
	FirstAddress = 1
	LastAddress  = 247
)

// Errors of a frame that must not be acted on.
var (
	ErrCRC  = errors.New("relay: wrong CRC")
	ErrForm = errors.New("relay: no such form")
)

// Function says what a frame is. Source: MODBUS Application Protocol 6.
type Function byte

// The functions. Source: MODBUS Application Protocol 6.1, 6.5, 7.
const (
	ReadCoils Function = 0x01
	WriteCoil Function = 0x05
	Refused   Function = 0x80 // added to the function that the board refuses
)

// Values of a coil in WriteCoil. Source: MODBUS Application Protocol 6.5.
const (
	coilOn  = 0xFF00
	coilOff = 0x0000
)

// CRC is the checksum of a frame, low byte first on the wire. Source: MODBUS over Serial Line appendix B.
func CRC(data []byte) uint16 {
	crc := uint16(0xFFFF)
	for _, b := range data {
		crc ^= uint16(b)
		for range 8 {
			odd := crc&1 != 0
			if crc >>= 1; odd {
				crc ^= 0xA001
			}
		}
	}
	return crc
}

// seal adds the CRC.
func seal(f []byte) []byte { return binary.LittleEndian.AppendUint16(f, CRC(f)) }

// Good reports whether a whole frame has the right CRC.
func Good(f []byte) bool {
	n := len(f) - crcSize
	return n > 0 && binary.LittleEndian.Uint16(f[n:]) == CRC(f[:n])
}

// Request is what a station asks: the state of Count coils from Coil on, or that Coil be switched On.
type Request struct {
	Address  byte
	Function Function
	Coil     uint16
	Count    uint16 // ReadCoils: 1…MaxCoils
	On       bool   // WriteCoil
}

// Frame makes the bytes. ErrForm: the request makes no sense.
func (r Request) Frame() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	f := binary.BigEndian.AppendUint16([]byte{r.Address, byte(r.Function)}, r.Coil)
	return seal(binary.BigEndian.AppendUint16(f, r.value())), nil
}

func (r Request) value() uint16 {
	switch {
	case r.Function == ReadCoils:
		return r.Count
	case r.On:
		return coilOn
	}
	return coilOff
}

func (r Request) check() error {
	switch {
	case r.Address > LastAddress || r.Function == ReadCoils && r.Address < FirstAddress:
		return fmt.Errorf("address %d: %w", r.Address, ErrForm)
	case r.Function == WriteCoil:
		return nil
	case r.Function != ReadCoils:
		return fmt.Errorf("function %02X: %w", byte(r.Function), ErrForm)
	case r.Count == 0 || r.Count > MaxCoils || int(r.Coil)+int(r.Count) > 1<<16:
		return fmt.Errorf("%d coils from %d: %w", r.Count, r.Coil, ErrForm)
	}
	return nil
}

// ParseRequest reads a frame of the station. ErrCRC, ErrForm.
func ParseRequest(f []byte) (Request, error) {
	switch {
	case len(f) != requestSize:
		return Request{}, fmt.Errorf("%d bytes: %w", len(f), ErrForm)
	case !Good(f):
		return Request{}, ErrCRC
	}
	r := Request{Address: f[0], Function: Function(f[1]), Coil: binary.BigEndian.Uint16(f[2:])}
	v := binary.BigEndian.Uint16(f[4:])
	switch {
	case r.Function == ReadCoils:
		r.Count = v
	case v == coilOn:
		r.On = true
	case v != coilOff:
		return Request{}, fmt.Errorf("coil value %04X: %w", v, ErrForm)
	}
	return r, r.check()
}

// Reply is what a board answers: coils (ReadCoils), the request again (WriteCoil), or that it refuses.
type Reply struct {
	Address  byte
	Function Function
	Coils    []byte // ReadCoils: the first coil is bit 0 of the first byte
	Coil     uint16 // WriteCoil
	On       bool   // WriteCoil
	Code     Code   // Function has Refused
}

// CoilOn reports coil i of those asked for; false beyond them.
func (r Reply) CoilOn(i int) bool { return i/8 < len(r.Coils) && r.Coils[i/8]>>(i%8)&1 == 1 }

// Frame makes the bytes. ErrForm: the reply makes no sense.
func (r Reply) Frame() ([]byte, error) {
	switch {
	case r.Function&Refused != 0:
		return seal([]byte{r.Address, byte(r.Function), byte(r.Code)}), nil
	case r.Function == WriteCoil:
		return Request{Address: r.Address, Function: WriteCoil, Coil: r.Coil, On: r.On}.Frame()
	case r.Function != ReadCoils || len(r.Coils) == 0 || len(r.Coils) > MaxCoils/8:
		return nil, fmt.Errorf("function %02X, %d bytes of coils: %w", byte(r.Function), len(r.Coils), ErrForm)
	}
	return seal(append([]byte{r.Address, byte(r.Function), byte(len(r.Coils))}, r.Coils...)), nil
}

// ParseReply reads a frame of a board. ErrCRC, ErrForm.
func ParseReply(f []byte) (Reply, error) {
	if size, ok := replySize(f); !ok || size != len(f) {
		return Reply{}, fmt.Errorf("%d bytes: %w", len(f), ErrForm)
	}
	if !Good(f) {
		return Reply{}, ErrCRC
	}
	r := Reply{Address: f[0], Function: Function(f[1])}
	switch {
	case r.Function&Refused != 0:
		r.Code = Code(f[2])
	case r.Function == WriteCoil:
		q, err := ParseRequest(f)
		r.Coil, r.On = q.Coil, q.On
		return r, err
	default:
		r.Coils = append(r.Coils, f[readHead:len(f)-crcSize]...)
	}
	return r, nil
}

// askSize is how long the request is that begins like this; false if none does. ok with 0: more bytes are needed to tell.
func askSize(f []byte) (n int, ok bool) {
	if len(f) < 2 {
		return 0, true
	}
	return requestSize, Function(f[1]) == ReadCoils || Function(f[1]) == WriteCoil
}

// replySize is the same for a reply.
func replySize(f []byte) (n int, ok bool) {
	switch {
	case len(f) < readHead:
		return 0, len(f) < 2 || Function(f[1])&^Refused == ReadCoils || Function(f[1])&^Refused == WriteCoil
	case Function(f[1]) == WriteCoil:
		return requestSize, true
	case Function(f[1]) == ReadCoils:
		return readHead + int(f[2]) + crcSize, f[2] >= 1 && int(f[2]) <= MaxCoils/8
	case Function(f[1]) == Refused|ReadCoils, Function(f[1]) == Refused|WriteCoil:
		return refusalSize, true
	}
	return 0, false
}

// Code is why a board refuses. Source: MODBUS Application Protocol 7.
type Code byte

// Words say what the code means. Source: MODBUS Application Protocol 7.
func (c Code) Words() (zh, en string) {
	switch c {
	case 1:
		return "不支持的功能", "function not supported"
	case 2:
		return "没有这个线圈", "no such coil"
	case 3:
		return "数据不合理", "value makes no sense"
	case 4:
		return "设备故障", "device failure"
	case 6:
		return "设备忙", "device busy"
	}
	return "未知", "unknown"
}

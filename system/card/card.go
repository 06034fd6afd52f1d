// Package card is the way to a card: a one-method transport, its errors, and Talk, which lets plain sequential card code
// run under a virtual clock or a real reader alike.
package card

import "errors"

// Transport sends one command APDU to a powered card and returns its answer with the status word, exactly as they cross
// the wire. It blocks until the answer is there. After any error the caller does not know whether the card obeyed.
type Transport interface {
	Transmit(command []byte) (answer []byte, err error)
}

// Slot is a transport whose card comes and goes.
type Slot interface {
	Transport
	// Reset powers the card up anew and returns its ATR; ErrAbsent when there is none.
	Reset() (atr []byte, err error)
	// Off powers the card down.
	Off() error
}

// What a transport may say. Drivers wrap these with what was being done.
var (
	ErrAbsent  = errors.New("读卡器上没有卡 (no card in the reader)")
	ErrRemoved = errors.New("卡已拔出, 结果未知 (card removed, outcome unknown)")
	ErrMute    = errors.New("卡无应答, 结果未知 (card does not answer, outcome unknown)")
	ErrReader  = errors.New("读卡器不可用 (reader not available)")
)

// Lost reports that the card has gone and the last command's outcome is unknown.
func Lost(err error) bool {
	return errors.Is(err, ErrRemoved) || errors.Is(err, ErrMute) || errors.Is(err, ErrAbsent) || errors.Is(err, ErrReader)
}

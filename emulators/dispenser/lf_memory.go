package dispenser

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"greylock/system/wire/lf"
	"greylock/system/wire/unit"
)

// plainState is everything durable of a nozzle. One commit is one act: whole or not at all.
type plainState struct {
	Litres, Cash           lf.Total // 总累
	ShiftLitres, ShiftCash int64    // 班累
	Price                  unit.Price
	Prevalve               unit.Quantity
	Volume                 unit.Quantity // of the sale: the running one if Open, else the last
	Amount                 unit.Fen
	Open                   bool   // a sale is running; its amount is not in the sums yet
	PowerFail              bool   // the last sale was interrupted
	Encoder                uint32 // the one that the monitor was initialised with
	Errors                 uint8  // sales beyond ±0.6 %
	Foreign                uint8  // sales with an encoder that is not initialised
	Lock                   uint8  // why the pump has locked itself
}

// Why a pump has locked itself. Source: dispenser.md 5.1 (JJG 443).
const (
	lockNone    = iota
	lockError   // encoder and monitor differ beyond ±0.6 % in five sales
	lockEncoder // three sales with an encoder or board that was not initialised
)

const (
	maxErrors  = 5
	maxForeign = 3
	plainSlot  = 128 // sequence, state, CRC; two of them per nozzle, written in turn
	shiftWrap  = 1e8 // four BCD bytes (dispenser.md 2.3)
)

// load reads what a power cut or a new board left. It writes nothing.
func (n *plain) load() {
	n.state = plainState{Price: n.cfg.Price, Encoder: n.cfg.Encoder, Prevalve: max(n.pump.phys.Prevalve, 0)}
	size := 4 + binary.Size(plainState{})
	for i := range 2 {
		b := make([]byte, size+4)
		n.board.nv.Read((2*n.index+i)*plainSlot, b)
		seq := binary.BigEndian.Uint32(b)
		if seq <= n.seq || crc32.ChecksumIEEE(b[:size]) != binary.BigEndian.Uint32(b[size:]) {
			continue
		}
		if err := binary.Read(bytes.NewReader(b[4:size]), binary.BigEndian, &n.state); err != nil {
			panic("dispenser: a state with a good CRC does not read: " + err.Error()) // our own bytes: a bug of commit
		}
		n.seq, n.slot = seq, 1-i
	}
	n.pump.phys.Prevalve = n.state.Prevalve
	n.volume, n.amount = n.state.Volume, n.state.Amount
}

// commit makes the state durable. False: the power failed in the middle of it.
func (n *plain) commit() bool {
	b := binary.BigEndian.AppendUint32(nil, n.seq+1)
	b, err := binary.Append(b, binary.BigEndian, n.state)
	if err != nil || len(b)+4 > plainSlot {
		panic("dispenser: the state of a plain nozzle does not fit its slot")
	}
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	if n.board.nv.Write((2*n.index+n.slot)*plainSlot, b) != nil {
		n.board.dead = true
		return false
	}
	n.seq, n.slot = n.seq+1, 1-n.slot
	return true
}

// book adds the sale to the sums and closes it; the caller commits.
func (s *plainState) book(volume unit.Quantity, amount unit.Fen) {
	s.Volume, s.Amount, s.Open = volume, amount, false
	s.Cash = (s.Cash + lf.Total(amount)) % lf.TotalWrap
	s.ShiftLitres = (s.ShiftLitres + int64(volume)) % shiftWrap
	s.ShiftCash = (s.ShiftCash + int64(amount)) % shiftWrap
}

// resume books the sale that a power cut interrupted. Source: dispenser.md 4.6.
func (n *plain) resume() {
	s := &n.state
	forget := n.board.cfg.Habits.ForgetsSale && s.Volume != 0
	if !s.Open && !forget {
		return
	}
	if s.Open {
		s.book(s.Volume, s.Amount)
		s.PowerFail = true
	}
	if forget {
		s.Volume, s.Amount = 0, 0
	}
	n.volume, n.amount = s.Volume, s.Amount
	n.commit()
}

// verify compares encoder and meter after a sale: the pump locks itself when they differ too often, or when the encoder is one
// that metrology has not initialised. Source: dispenser.md 5.1.
func (n *plain) verify() {
	s := &n.state
	off := max(n.volume-n.flowed, n.flowed-n.volume)
	if off > 1 && off*1000 > 6*n.flowed {
		s.Errors = min(s.Errors+1, maxErrors)
	}
	if s.Encoder != n.cfg.Encoder && n.flowed > 0 {
		s.Foreign = min(s.Foreign+1, maxForeign)
	}
	switch {
	case s.Lock != lockNone:
	case s.Errors >= maxErrors:
		s.Lock = lockError
		n.trouble("E08", "编码器超差, 已锁机, 请报修", "encoder beyond ±0.6 %: pump locked, call service")
	case s.Foreign >= maxForeign:
		s.Lock = lockEncoder
		n.trouble("E09", "编码器未初始化, 已锁机, 请报修", "encoder not initialised: pump locked, call service")
	}
}

package dispenser

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"

	"greylock/system/terminal"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// The map of NV. What changes as a whole has two slots that are written in turn: a cut leaves the older one good.
const (
	stateSlot  = 4096                     // two slots of the state: length, sequence, CRC, JSON
	meterAt    = 2 * stateSlot            // two slots of the meter
	meterSlot  = 64                       // sequence, total, CRC
	ringAt     = 3 * stateSlot            // the log ring
	ringSlot   = 128                      // 95 bytes, CRC, flag: as the board firmware (dispenser.md 5.1)
	flagAt     = fa.RecordSize + 4        // the flag is one byte outside the CRC: old or new, never torn
	listCap    = fa.MaxFile               // what segment offsets reach; boards that cut a list at 20 000 cards are not this one
	maxPending = 8                        // records that wait for a T-MAC: more than one session can leave behind
	maxPSAMs   = 4                        // PSAMs that this board remembers the counter of
	maxState   = stateSlot - slotHead     //
	slotHead   = 2 + 4 + 4                // length, sequence, CRC
	lists      = int(fa.ContentWhite) + 1 // contents 0-3
	halves     = 2                        // a list is written into the half that is not in use
)

// Flags of a record in the ring.
const (
	flagFresh    = 0x00
	flagDisputed = 0x5A // the station answered result 1: kept, offered again every hour
)

// state is everything durable but meter, records and lists. One commit is one act: whole or not at all.
type state struct {
	Next, Sent fa.POSTTC // next number to give out; oldest number that was never answered
	Cash       unit.Fen  // cash totalizer
	Versions   fa.Versions
	Confirmed  bool
	Station    fa.StationInfo
	Number     fa.NZN // that a station info named last; it stays while the nozzle is closed
	Now, Then  price  // prices in force and to come
	Effective  fa.Minute
	Lists      [lists]listPlace
	NoLists    bool // the station said that there is no base blacklist
	Sale       sale
	Employee   byte  // on duty; 0: nobody
	Free       *free // a fill that no card pays, under way
	PSAMs      []psamHigh
	Pending    []record.Hex // records without POS-TTC and T-MAC, oldest first
	Errors     uint8        `json:",omitempty"` // sales whose pulses differ from the meter beyond ±0.6 %
	Overrun    uint32       // records that were overwritten before the station had them: an error, never silent
}

// price is what the nozzle sells.
type price struct {
	Set     bool
	Product fa.Product
	Price   unit.Price
}

// listPlace says where a list is.
type listPlace struct {
	Half, Len int
	CRC       uint32
}

// sale is the last lock of this board, as its entries tell it, and what the meter showed when the valve opened.
type sale struct {
	Evidence terminal.Evidence
	Start    unit.Totalizer
	Product  fa.Product
	Price    unit.Price // frozen when the sale began
	Version  byte       // VER: key index and version
	Preset   unit.Fen   // the customer's cash preset, 0 for none
}

// psamHigh is the counter of one PSAM, as the log has seen it.
type psamHigh struct {
	TID   pboc.TID
	High  pboc.PSAMTTC
	Tries uint32 // INIT_SAM_GREY_LOCKs that may have been answered while High is not known yet; 0 when it is
}

// memory is NV with the board's structure, and the part of it that is held in RAM.
type memory struct {
	nv    NV
	size  int // records in the ring
	state state
	total unit.Totalizer

	seq, meterSeq   uint32
	slot, meterNext int
	disputed        []fa.POSTTC // in order of number
}

// open reads what a power cut or a new board left. It writes nothing.
func open(nv NV, size int) *memory {
	m := &memory{nv: nv, size: size, state: state{Next: 1, Sent: 1}}
	var newest []byte
	for i := range 2 {
		if body, seq, ok := m.readSlot(i); ok && seq > m.seq {
			newest, m.seq, m.slot = body, seq, 1-i
		}
	}
	if newest != nil {
		m.state = state{}
		if err := json.Unmarshal(newest, &m.state); err != nil {
			panic("dispenser: a state with a good CRC does not read: " + err.Error()) // our own bytes: a bug of commit
		}
	}
	for i := range 2 {
		var b [12]byte
		nv.Read(meterAt+i*meterSlot, b[:])
		seq := binary.BigEndian.Uint32(b[:])
		if crc32.ChecksumIEEE(b[:8]) == binary.BigEndian.Uint32(b[8:]) && seq > m.meterSeq {
			m.meterSeq, m.total, m.meterNext = seq, unit.Totalizer(binary.BigEndian.Uint32(b[4:])), 1-i
		}
	}
	for n := m.oldest(); n != m.state.Sent; n++ {
		var flag [1]byte
		nv.Read(m.place(n)+flagAt, flag[:])
		if flag[0] == flagDisputed {
			m.disputed = append(m.disputed, n)
		}
	}
	return m
}

func (m *memory) readSlot(i int) (body []byte, seq uint32, ok bool) {
	var head [slotHead]byte
	m.nv.Read(i*stateSlot, head[:])
	n := int(binary.BigEndian.Uint16(head[:]))
	if n == 0 || n > maxState {
		return nil, 0, false
	}
	body = make([]byte, n)
	m.nv.Read(i*stateSlot+slotHead, body)
	sum := crc32.Update(crc32.ChecksumIEEE(head[:6]), crc32.IEEETable, body)
	return body, binary.BigEndian.Uint32(head[2:]), sum == binary.BigEndian.Uint32(head[6:])
}

// commit makes the state durable.
func (m *memory) commit() error {
	body, err := json.Marshal(m.state)
	if err != nil || len(body) > maxState {
		panic(fmt.Sprintf("dispenser: state of %d bytes, at most %d: %v", len(body), maxState, err))
	}
	b := make([]byte, slotHead, slotHead+len(body))
	binary.BigEndian.PutUint16(b, uint16(len(body)))
	binary.BigEndian.PutUint32(b[2:], m.seq+1)
	binary.BigEndian.PutUint32(b[6:], crc32.Update(crc32.ChecksumIEEE(b[:6]), crc32.IEEETable, body))
	if err := m.nv.Write(m.slot*stateSlot, append(b, body...)); err != nil {
		return err
	}
	m.seq, m.slot = m.seq+1, 1-m.slot
	return nil
}

// count adds pulses to the totalizer, durably: fuel that has flowed is never forgotten.
func (m *memory) count(pulses int) error {
	if pulses == 0 {
		return nil
	}
	return m.register(m.total.Plus(unit.Quantity(pulses)))
}

// register makes a reading of the totalizer durable.
func (m *memory) register(total unit.Totalizer) error {
	var b [12]byte
	binary.BigEndian.PutUint32(b[:], m.meterSeq+1)
	binary.BigEndian.PutUint32(b[4:], uint32(total))
	binary.BigEndian.PutUint32(b[8:], crc32.ChecksumIEEE(b[:8]))
	if err := m.nv.Write(meterAt+m.meterNext*meterSlot, b[:]); err != nil {
		return err
	}
	m.meterSeq, m.total, m.meterNext = m.meterSeq+1, total, 1-m.meterNext
	return nil
}

func (m *memory) place(n fa.POSTTC) int { return ringAt + int(uint32(n)%uint32(m.size))*ringSlot }

// oldest is the oldest number that the ring can still hold.
func (m *memory) oldest() fa.POSTTC {
	if held := m.state.Next.Since(1); held < uint32(m.size) {
		return 1
	}
	return m.state.Next - fa.POSTTC(m.size)
}

// room is how many records can be added before one that the station never had would be overwritten.
func (m *memory) room() int { return m.size - m.unsent() }

// unsent counts the records that were never answered, the waiting ones included.
func (m *memory) unsent() int {
	return int(m.state.Next.Since(m.state.Sent)) + len(m.state.Pending)
}

// store puts a finished record, which carries the next POS-TTC under its T-MAC, into the ring and commits it together with
// what change does to the state: that is one act.
func (m *memory) store(r fa.Record, change func(*state)) (raw [fa.RecordSize]byte, err error) {
	raw = r.Bytes()
	var b [flagAt + 1]byte
	copy(b[:], raw[:])
	binary.BigEndian.PutUint32(b[fa.RecordSize:], crc32.ChecksumIEEE(raw[:]))
	if err := m.nv.Write(m.place(m.state.Next), b[:]); err != nil {
		return raw, err
	}
	if m.forget(m.state.Next - fa.POSTTC(m.size)) {
		m.state.Overrun++
	}
	if m.state.Next.Since(m.state.Sent) >= uint32(m.size) {
		m.state.Sent++
		m.state.Overrun++
	}
	m.state.Next++
	if change != nil {
		change(&m.state)
	}
	return raw, m.commit()
}

// read returns the record of a number, if the ring still holds it whole.
func (m *memory) read(n fa.POSTTC) (raw [fa.RecordSize]byte, ok bool) {
	if back := m.state.Next.Since(n); back == 0 || back > m.state.Next.Since(m.oldest()) {
		return raw, false
	}
	var b [flagAt]byte
	m.nv.Read(m.place(n), b[:])
	copy(raw[:], b[:])
	if crc32.ChecksumIEEE(raw[:]) != binary.BigEndian.Uint32(b[fa.RecordSize:]) {
		return raw, false
	}
	return raw, fa.POSTTC(binary.BigEndian.Uint32(raw[:])) == n
}

// answered takes the station's answer to a record. A record that it calls wrong is kept and named disputed.
func (m *memory) answered(n fa.POSTTC, wrong bool) error {
	m.forget(n)
	flag := byte(flagFresh)
	if wrong {
		flag, m.disputed = flagDisputed, append(m.disputed, n)
	}
	if err := m.nv.Write(m.place(n)+flagAt, []byte{flag}); err != nil {
		return err
	}
	if n != m.state.Sent {
		return nil // a disputed record, offered again
	}
	m.state.Sent++
	return m.commit()
}

func (m *memory) forget(n fa.POSTTC) bool {
	i := slices.Index(m.disputed, n)
	if i >= 0 {
		m.disputed = slices.Delete(m.disputed, i, i+1)
	}
	return i >= 0
}

// highest is the highest TTC that this board has seen of a PSAM.
func (m *memory) highest(tid pboc.TID) (pboc.PSAMTTC, bool) {
	p := m.state.psam(tid)
	if p == nil || p.Tries > 0 {
		return 0, false
	}
	return p.High, true
}

// unsure says that no TTC of the PSAM is in the log yet.
func (m *memory) unsure(tid pboc.TID) bool {
	_, known := m.highest(tid)
	return !known
}

func (s *state) psam(tid pboc.TID) *psamHigh {
	for i := range s.PSAMs {
		if s.PSAMs[i].TID == tid {
			return &s.PSAMs[i]
		}
	}
	return nil
}

// attempt counts a TTC that is about to be taken from a PSAM whose counter is not known.
func (s *state) attempt(tid pboc.TID) {
	if p := s.psam(tid); p != nil {
		p.Tries++
		return
	}
	if len(s.PSAMs) >= maxPSAMs {
		s.PSAMs = s.PSAMs[1:]
	}
	s.PSAMs = append(s.PSAMs[:len(s.PSAMs):len(s.PSAMs)], psamHigh{TID: tid, Tries: 1})
}

// sure learns the counter: what was burned in the attempts before this one is then below it and unreported.
func (s *state) sure(tid pboc.TID, ttc pboc.PSAMTTC) {
	if p := s.psam(tid); p != nil && p.Tries > 0 {
		p.High, p.Tries = ttc-min(ttc, pboc.PSAMTTC(p.Tries)), 0
	}
}

// raise takes a TTC that the log names now.
func (s *state) raise(tid pboc.TID, ttc pboc.PSAMTTC) {
	if p := s.psam(tid); p != nil && p.Tries == 0 {
		p.High = max(p.High, ttc)
	}
}

func (m *memory) listAt(content fa.Content, half int) int {
	return ringAt + m.size*ringSlot + (int(content)*halves+half)*listCap
}

// putList stores a list beside the one in use; the commit of the state switches to it.
func (m *memory) putList(content fa.Content, file []byte) error {
	place := &m.state.Lists[content]
	half := 1 - place.Half
	if err := m.nv.Write(m.listAt(content, half), file); err != nil {
		return err
	}
	*place = listPlace{half, len(file), crc32.ChecksumIEEE(file)}
	return nil
}

// list reads a list; false if there is none or NV holds it damaged.
func (m *memory) list(content fa.Content) (fa.ListFile, bool) {
	p := m.state.Lists[content]
	if p.Len == 0 || p.Len > listCap {
		return fa.ListFile{}, false
	}
	file := make([]byte, p.Len)
	m.nv.Read(m.listAt(content, p.Half), file)
	if crc32.ChecksumIEEE(file) != p.CRC {
		return fa.ListFile{}, false
	}
	l, err := fa.ParseListFile(file)
	return l, err == nil
}

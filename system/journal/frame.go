package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// The file, all numbers big-endian:
//
//	header (32)   magic "greylock-journal" (16) · version u32 · zeros (8) · CRC-32C of the 28 bytes before
//	frame, again and again
//	              mark 52h · flags · zeros (2) · body length u32 · seq u64 · group u64 · chain (32) · body ·
//	              CRC-32C of everything before in the frame · mark A5h
//	zeros         written ahead: the reserve
//
// flags: 1 last record of its act; 2 seal, a frame without body, written by Close; 0 otherwise.
// group is the first sequence of the commit that wrote the frame. So a good frame proves that everything below its group
// had been synced: a bad frame before it is damage. A bad frame with no such witness is a torn tail, also when the
// sectors of that last commit reached the disk in any order.
const (
	version    = 1
	headerSize = 32
	headSize   = 56 // of a frame, before the body
	tailSize   = 5
	sealSize   = headSize + tailSize

	markHead = 0x52
	markTail = 0xA5

	flagActEnd = 1
	flagSeal   = 2
)

var (
	magic      = []byte("greylock-journal")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

func header() []byte {
	h := make([]byte, headerSize)
	copy(h, magic)
	binary.BigEndian.PutUint32(h[16:], version)
	binary.BigEndian.PutUint32(h[28:], crc32.Checksum(h[:28], castagnoli))
	return h
}

// parseHeader returns the version, or why it is none.
func parseHeader(h []byte) (v uint32, reason string) {
	switch {
	case len(h) < headerSize || !bytes.Equal(h[:16], magic):
		return 0, "this is no journal"
	case binary.BigEndian.Uint32(h[28:]) != crc32.Checksum(h[:28], castagnoli):
		return 0, "header checksum wrong"
	}
	return binary.BigEndian.Uint32(h[16:]), ""
}

type frame struct {
	flags byte
	seq   uint64
	group uint64
	chain [32]byte
	body  []byte
}

func frameSize(body int) int { return headSize + body + tailSize }

func (f frame) append(b []byte) []byte {
	start := len(b)
	b = append(b, markHead, f.flags, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(f.body)))
	b = binary.BigEndian.AppendUint64(b, f.seq)
	b = binary.BigEndian.AppendUint64(b, f.group)
	b = append(b, f.chain[:]...)
	b = append(b, f.body...)
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
	return append(b, markTail)
}

// window is a sliding view of a file. Every piece that it reads has memory of its own, so bodies may be kept.
type window struct {
	file io.ReaderAt
	at   int64 // offset of the next byte
	end  int64 // nothing is read from here on
	buf  []byte
}

const windowSize = 64 << 10 // one read serves some hundred records

// peek returns the next n bytes without moving; fewer only at the end.
func (w *window) peek(n int) ([]byte, error) {
	n = int(min(int64(n), w.end-w.at))
	if len(w.buf) < n {
		grown := make([]byte, min(int64(max(n, windowSize)), w.end-w.at))
		have := copy(grown, w.buf)
		read, err := w.file.ReadAt(grown[have:], w.at+int64(have))
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		w.buf = grown[:have+read]
	}
	return w.buf[:min(n, len(w.buf))], nil
}

func (w *window) skip(n int) {
	w.at += int64(n)
	w.buf = w.buf[n:]
}

// next reads one frame and moves behind it; ok is false, and the place unchanged, when there is no good frame.
func (w *window) next() (f frame, ok bool, err error) {
	h, err := w.peek(headSize)
	if err != nil || len(h) < headSize {
		return frame{}, false, err
	}
	n := binary.BigEndian.Uint32(h[4:])
	if h[0] != markHead || h[1] > flagSeal || h[2]|h[3] != 0 || n > MaxBody || (h[1] == flagSeal) != (n == 0) {
		return frame{}, false, nil
	}
	size := frameSize(int(n))
	b, err := w.peek(size)
	if err != nil || len(b) < size {
		return frame{}, false, err
	}
	sum := binary.BigEndian.Uint32(b[size-tailSize:])
	if b[size-1] != markTail || sum != crc32.Checksum(b[:size-tailSize], castagnoli) {
		return frame{}, false, nil
	}
	f = frame{flags: b[1], seq: binary.BigEndian.Uint64(b[8:]), group: binary.BigEndian.Uint64(b[16:])}
	copy(f.chain[:], b[24:headSize])
	f.body = b[headSize : size-tailSize : size-tailSize]
	w.skip(size)
	return f, true, nil
}

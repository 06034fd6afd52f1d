package reader_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"greylock/emulators/reader"
)

// service is vpcd's side of one slot.
type service struct {
	t    *testing.T
	l    net.Listener
	port int
	conn net.Conn
}

// limit is how long a test waits for the other goroutine before it gives up.
const limit = 60 * time.Second

func listen(t *testing.T) *service {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return &service{t: t, l: l, port: l.Addr().(*net.TCPAddr).Port}
}

func (s *service) accept() {
	s.t.Helper()
	conn, err := s.l.Accept()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	s.conn = conn
}

func (s *service) send(payload ...byte) {
	s.t.Helper()
	if _, err := s.conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(payload))), payload...)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *service) receive() []byte {
	s.t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(s.conn, head[:]); err != nil {
		s.t.Fatal(err)
	}
	b := make([]byte, binary.BigEndian.Uint16(head[:]))
	if _, err := io.ReadFull(s.conn, b); err != nil {
		s.t.Fatal(err)
	}
	return b
}

// over checks that the card is gone.
func (s *service) over() {
	s.t.Helper()
	if n, err := s.conn.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		s.t.Fatalf("%d bytes, %v: want the end of the connection", n, err)
	}
}

func plug(t *testing.T, port int) (*reader.Virtual, *counter) {
	t.Helper()
	v, c := reader.NewVirtual("127.0.0.1", port, 1), petrol(t)
	t.Cleanup(func() { _ = v.Close() })
	v.Plug()
	v.Plug()
	if err := v.Slots[0].Insert(c); err != nil {
		t.Fatal(err)
	}
	return v, c
}

// Source: libraries.md 10.1, vpcd frames.
func TestVPCD(t *testing.T) {
	t.Parallel()
	s := listen(t)
	v, _ := plug(t, s.port)
	s.accept()
	for range 2 {
		s.send(4)
		if atr := s.receive(); !bytes.Equal(atr, cardATR) {
			t.Fatalf("ATR %X", atr)
		}
	}
	s.send(1)
	s.send(enter...)
	if a := s.receive(); len(a) != 2 || a[0] != 0x61 {
		t.Fatalf("> %X < %X", enter, a)
	}
	s.send(inside...)
	if a := s.receive(); !bytes.Equal(a, []byte{0, 0, 0, 0, 0x90, 0}) {
		t.Fatalf("> %X < %X", inside, a)
	}
	s.send(2)
	s.send(inside...)
	if a := s.receive(); a[0] == 0 {
		t.Errorf("after a reset: < %X", a)
	}
	s.send(9) // a control code that nobody knows is not answered
	s.send(0)
	s.send(4)
	if atr := s.receive(); !bytes.Equal(atr, cardATR) {
		t.Errorf("ATR %X without power", atr)
	}
	s.send(enter...) // a card without power does not answer: the line is cut, and the card offered anew
	s.over()
	s.accept()
	s.send(4)
	s.receive()
	v.Slots[0].Remove()
	s.over()
}

// TestTornBehindVPCD: the command is not answered, and the connection ends.
func TestTornBehindVPCD(t *testing.T) {
	t.Parallel()
	for _, phase := range []reader.Phase{reader.Before, reader.After} {
		s := listen(t)
		v, c := plug(t, s.port)
		s.accept()
		s.send(1)
		s.send(enter...)
		s.receive()
		v.Slots[0].Tear(1, phase)
		s.send(inside...)
		s.over()
		if c.obeyed() != 1+int(phase) || v.Slots[0].Present() {
			t.Errorf("phase %d: the card has obeyed %d commands", phase, c.obeyed())
		}
		if err := v.Slots[0].Insert(c); err != nil {
			t.Fatal(err)
		}
		s.accept()
		s.send(4)
		s.receive()
	}
}

// TestUnplugged: the reader goes and comes back with the card in its slot, without power; the service likewise.
func TestUnplugged(t *testing.T) {
	t.Parallel()
	s := listen(t)
	v, c := plug(t, s.port)
	s.accept()
	s.send(1)
	s.send(enter...)
	s.receive()
	v.Unplug()
	v.Unplug()
	s.over()
	if !v.Slots[0].Present() {
		t.Error("the card has gone with the reader")
	}
	if _, err := c.Slot.Transmit(inside); err == nil {
		t.Error("the card has power in an unplugged reader")
	}
	v.Plug()
	s.accept()
	_ = s.conn.Close() // the service stops and starts again
	s.accept()
	s.send(4)
	if atr := s.receive(); !bytes.Equal(atr, cardATR) {
		t.Errorf("ATR %X", atr)
	}
}

package fuelcard

import (
	"bytes"
	"testing"
)

func TestVesselFile(t *testing.T) {
	t.Parallel()
	x := VesselData{Kind: VesselLNG, Litres: 450, Number: [16]byte([]byte("LN-2026-00001234")), Made: [4]byte{0x20, 0x20, 0x01, 0x02},
		Inspection: [4]byte{0x20, 0x27, 0x06, 0x30}, Scrap: [4]byte{0x20, 0x35, 0x12, 0x31}}
	b := x.Bytes()
	if len(b) != VesselLength || b[0] != 0x02 || string(b[1:17]) != "LN-2026-00001234" || !bytes.Equal(b[17:31], []byte{0x01, 0xC2,
		0x20, 0x20, 0x01, 0x02, 0x20, 0x27, 0x06, 0x30, 0x20, 0x35, 0x12, 0x31}) {
		t.Errorf("%d bytes: %X", len(b), b)
	}
	if again, err := ParseVesselData(b); err != nil || again != x {
		t.Errorf("%+v, %v", again, err)
	}
	for _, n := range []int{0, VesselLength - 1, VesselLength + 1} {
		if _, err := ParseVesselData(make([]byte, n)); err == nil {
			t.Errorf("%d bytes were read", n)
		}
	}
}

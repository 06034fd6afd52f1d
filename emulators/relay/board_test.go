package relay_test

import (
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
	"time"

	"greylock/emulators/relay"
	"greylock/system/clock"
)

var start = clock.At(2026, 11, 27, 9, 0, 0)

// ask sends a frame in hexadecimal and returns the answer after the board's time to think, "" for none.
func ask(t *testing.T, b *relay.Board, frame string) (string, []relay.Change) {
	t.Helper()
	f, err := hex.DecodeString(strings.ReplaceAll(frame, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	b.Receive(start, f)
	fx := b.Take()
	changed := fx.Changed
	if len(fx.Send) > 0 {
		t.Fatalf("%s is answered at once", frame)
	}
	if fx.Wake == clock.Never {
		return "", changed
	}
	if fx.Wake.Sub(start) != 5*time.Millisecond {
		t.Fatalf("answers after %v", fx.Wake.Sub(start))
	}
	b.Wake(fx.Wake)
	var said []byte
	for _, s := range b.Take().Send {
		said = append(said, s...)
	}
	return strings.ToUpper(hex.EncodeToString(said)), changed
}

func TestBoardObeys(t *testing.T) {
	t.Parallel()
	b := relay.New(relay.Config{})
	if said, _ := ask(t, b, "01 01 00 00 00 08 3D CC"); said != "" {
		t.Errorf("without power it says %s", said)
	}
	b.PowerOn()
	for _, c := range []struct {
		ask, want string
		changed   []relay.Change
	}{
		{"01 01 00 00 00 08 3D CC", "010101005188", nil},
		{"01 05 00 00 FF 00 8C 3A", "01050000FF008C3A", []relay.Change{{Coil: 0, On: true}}},
		{"01 05 00 00 FF 00 8C 3A", "01050000FF008C3A", nil}, // it is on
		{"01 01 00 00 00 08 3D CC", "010101019048", nil},
		{"01 01 00 00 00 09 FC 0C", "018102C191", nil}, // it has eight
		{"02 01 00 00 00 08 3D FF", "", nil},           // another board's
		{"01 05 00 00 00 00 CD CA", "010500000000CDCA", []relay.Change{{Coil: 0}}},
	} {
		if said, changed := ask(t, b, c.ask); said != c.want || !reflect.DeepEqual(changed, c.changed) {
			t.Errorf("%s: %s %+v, want %s %+v", c.ask, said, changed, c.want, c.changed)
		}
	}
}

func TestPowerOffOpensEveryCoil(t *testing.T) {
	t.Parallel()
	b := relay.New(relay.Config{})
	b.PowerOn()
	ask(t, b, "01 05 00 00 FF 00 8C 3A")
	b.PowerOff()
	if fx := b.Take(); !reflect.DeepEqual(fx.Changed, []relay.Change{{Coil: 0}}) || b.On(0) {
		t.Errorf("power off: %+v", fx)
	}
	b.PowerOn()
	if b.On(0) {
		t.Error("on again by itself")
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	const on = "01 05 00 00 FF 00 8C 3A"
	for _, c := range []struct {
		name string
		f    relay.Faults
		said bool
		on   bool
	}{
		{"mute", relay.Faults{Mute: true}, false, true},
		{"deaf", relay.Faults{Deaf: true}, false, false},
		{"stuck", relay.Faults{Stuck: map[int]bool{0: true}}, true, false},
		{"wrong echo", relay.Faults{WrongEcho: true}, true, true},
	} {
		b := relay.New(relay.Config{})
		b.PowerOn()
		b.Break(c.f)
		said, _ := ask(t, b, on)
		if (said != "") != c.said || b.On(0) != c.on {
			t.Errorf("%s: says %q, coil %v", c.name, said, b.On(0))
		}
		if c.f.WrongEcho && !strings.HasPrefix(said, "01050001FF00") {
			t.Errorf("echo %s", said)
		}
	}
}

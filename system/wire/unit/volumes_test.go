package unit

import (
	"encoding/json"
	"testing"
)

// TestVolumes: units stand beside one another, whatever is done with them.
func TestVolumes(t *testing.T) {
	t.Parallel()
	all := Litre.Of(200).Plus(Kilogram.Of(300)).Plus(CubicMetre.Of(500)).Plus(Unit("").Of(1))
	if want := (Volumes{201, 300, 500}); all != want {
		t.Errorf("%+v, want %+v", all, want)
	}
	for v, want := range map[Volumes]string{
		all: "2.01 升 3.00 公斤 5.00 立方米", {}: "0.00 升", all.Minus(Volumes{201, 0, 500}): "3.00 公斤", Volumes{}.Minus(CubicMetre.Of(7)): "-0.07 立方米",
	} {
		if got := v.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	text, err := json.Marshal(Kilogram.Of(300))
	if err != nil || string(text) != `{"kg":300}` {
		t.Errorf("%s %v", text, err)
	}
}

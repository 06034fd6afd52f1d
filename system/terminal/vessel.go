package terminal

import (
	"bytes"
	"fmt"

	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
)

// Vessel reads which pressure vessel the card vouches for; Kind 0 where it vouches for none. Source: card.md 3.1.
func (t *Terminal) Vessel() (fuelcard.VesselData, error) {
	v, err := readFile(t, "读气瓶数据 (read 000D)", fuelcard.SFIVessel, fuelcard.VesselLength, fuelcard.ParseVesselData)
	if sw, no := refused(err); no && (sw == apdu.FileNotFound || sw == apdu.NeverWritten) {
		return fuelcard.VesselData{}, nil
	}
	return v, err
}

// MayFill says why a vessel must not be filled today; nil if it may. Dates are inclusive. Source: features.md T8; the rules
// [ours]: TSG 23 wants a registered vessel inside its inspection period and its life.
func (t *Terminal) MayFill(v fuelcard.VesselData) *Refusal {
	today := t.Clock().Civil().Date()
	switch {
	case v.Kind == 0:
		return &Refusal{ReasonVessel, "气瓶未登记, 不能加气", "no vessel is registered: no gas"}
	case bytes.Compare(today[:], v.Inspection[:]) > 0:
		return &Refusal{ReasonVessel, "气瓶检验过期, 不能加气", fmt.Sprintf("the vessel's inspection was due on %X: no gas", v.Inspection)}
	case bytes.Compare(today[:], v.Scrap[:]) > 0:
		return &Refusal{ReasonVessel, "气瓶已到报废期, 不能加气", fmt.Sprintf("the vessel's life ended on %X: no gas", v.Scrap)}
	}
	return nil
}

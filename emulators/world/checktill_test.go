package world

import (
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/station"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// pays fuels until the preset is reached, and takes the card.
func pays(t *testing.T, w *World) {
	t.Helper()
	h := w.Hands()
	must(t, h.Lift(2), h.Squeeze(2, 1000))
	waitFor(t, w, "the preset is reached", func() bool { return w.plain[2].view().Stop == "preset" })
	must(t, h.Squeeze(2, 0), h.Hang(2))
	w.Pass(15 * time.Second)
	must(t, w.TakeFromTill(1))
}

// TestCheckersSeeTills plants a violation at a till for each checker that watches tills.
func TestCheckersSeeTills(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		inv   invariant
		plant func(t *testing.T, w *World)
	}{
		{"INV-03 扣款多一元 (box between till and chips)", inv03, func(t *testing.T, w *World) {
			w.plant.apdu = dearer
			begin(t, w)
			pays(t, w)
		}},
		{"INV-04 加油时灰标记被抹掉 (lock undone while fuel flows)", inv04, func(t *testing.T, w *World) {
			p := w.cards[zhang]
			var before []byte
			w.plant.apdu = func(slot string, command []byte) []byte {
				if slot == "card" && len(command) > 2 && command[1] == 0x7C {
					before = p.nv.Image()
				}
				return command
			}
			begin(t, w)
			h := w.Hands()
			must(t, h.Lift(2), h.Squeeze(2, 1000))
			w.Pass(10 * time.Second)
			must(t, w.TakeFromTill(1), p.nv.SetImage(before), h.Squeeze(2, 0), h.Hang(2))
			w.Pass(20 * time.Second)
		}},
		{"INV-05 油枪未停就扣款 (debited while the nozzle delivers)", inv05, func(t *testing.T, w *World) {
			w.plant.apdu = func(slot string, command []byte) []byte {
				if slot == "card" && len(command) > 2 && command[1] == 0x7E { // what the station has heard of is another nozzle's end
					s := w.checks.truth.order[0]
					s.closed, s.plain = false, &plainHand{w.plain[3].p, 1}
				}
				return command
			}
			begin(t, w)
			h := w.Hands()
			must(t, h.Lift(3))
			w.Pass(5 * time.Second)
			if status, body, err := w.Command("0001", station.PathAuthorise, station.AskAuthorise{Nozzle: 3, Money: 40000, By: "1001"}); err != nil || status != 200 {
				t.Fatal(status, string(body), err)
			}
			must(t, h.Squeeze(3, 1000))
			pays(t, w)
			must(t, h.Squeeze(3, 0), h.Hang(3))
			w.Pass(20 * time.Second)
		}},
		{"INV-06 PSAM 被人取走用过 (a number taken from the till's PSAM elsewhere)", inv06, func(t *testing.T, w *World) {
			begin(t, w)
			pays(t, w)
			w.plant.apdu = func(slot string, command []byte) []byte {
				if slot == "psam" && len(command) > 2 && command[1] == 0x40 { // answered to somebody else, then to the till
					_, _ = w.tills[1].sam.slot.Transmit(command)
				}
				return command
			}
			begin(t, w)
			pays(t, w)
		}},
		{"INV-15 名单上的卡在终端加油 (a listed card sold to)", inv15, func(t *testing.T, w *World) {
			w.checks.lists.sites[siteList{"0001", record.TopicBlack}] = &listInForce{cards: map[pboc.ASN]clock.Instant{w.cards[zhang].asn: w.now}}
			begin(t, w)
			pays(t, w)
		}},
		{"INV-15 中心早已列入名单 (a card that the center has listed longer than the policy allows)", inv15, func(t *testing.T, w *World) {
			w.checks.lists.black[w.cards[zhang].asn] = w.now.Add(-25 * time.Hour)
			begin(t, w)
			pays(t, w)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := tillWorld(t)
			c.plant(t, w)
			caught(t, w, c.inv)
		})
	}
}

// TestAuthorisedWithoutLock: a nozzle that runs for a card sale under which no card was locked.
func TestAuthorisedWithoutLock(t *testing.T) {
	t.Parallel()
	w := tillWorld(t)
	w.checks.tillFact(w, "0001", 1<<40, record.PlainAuthorised{Port: 2, NZN: 1, Number: 99, Way: "card", Card: record.SaleID{TID: w.tills[1].sam.tid, TTC: 77}})
	if w.checks.broken[inv04] == "" {
		t.Error("INV-04 did not notice")
	}
}

package world

import (
	"testing"
	"time"

	"greylock/system/station"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
)

// applicationBlock is INS of APPLICATION BLOCK. Source: card.md 6.2.
const applicationBlock = 0x1E

// blackAtTill puts a listed card on the till and returns what the till says when it is done.
func blackAtTill(t *testing.T, w *World) {
	t.Helper()
	must(t, w.PutOnTill(zhang, 1))
	tillWaits(t, w, "pin")
	must(t, w.KeyPINAtTill(1, "123456"))
	w.Pass(15 * time.Second)
}

func tillSays(t *testing.T, w *World, zh string) {
	t.Helper()
	if v, err := w.Till(1); err != nil || v.Zh != zh {
		t.Errorf("the till says %q, want %q: %v", v.Zh, zh, err)
	}
}

// TestBlockTornAtTill: the listed card is pulled at APPLICATION BLOCK, before or after it has obeyed. Its next visit shows how the
// act has ended, and locks it if it must. The register at the center knows.
func TestBlockTornAtTill(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		w := tillWorld(t)
		must(t, w.List(record.TopicBlack, "挂失", zhang))
		w.Pass(10 * time.Second)
		must(t, w.Faults().TearCard(zhang, applicationBlock, 1, after))
		blackAtTill(t, w)
		if w.faults["card torn before"]+w.faults["card torn after"] != 1 {
			t.Fatal("nothing was torn", w.faults)
		}
		must(t, w.PutOnTill(zhang, 1))
		w.Pass(5 * time.Second)
		if !after {
			must(t, w.KeyPINAtTill(1, "123456"))
			w.Pass(15 * time.Second)
			tillSays(t, w, "黑名单卡, 已锁卡")
		} else {
			tillSays(t, w, "卡应用已锁定, 请到发卡网点")
		}
		must(t, w.TakeFromTill(1), w.Settle(time.Minute))
		if how, err := w.Blocked(zhang); err != nil || how != string(record.ActBlock) {
			t.Errorf("torn after=%v: the center's register says %q: %v", after, how, err)
		}
		acts := 0
		must(t, facts(w.stations["0001"], func(f record.Fact) {
			switch f.(type) {
			case record.ActBegun:
				acts++
			case record.ActEnded:
				acts--
			}
		}))
		if acts != 0 {
			t.Errorf("torn after=%v: %d acts are open", after, acts)
		}
		if _, err := w.Finish(); err != nil {
			t.Errorf("torn after=%v: %v", after, err)
		}
	}
}

// TestBlacklistLockAtTill: what becomes of a listed card by the profile's flag, on line and off.
func TestBlacklistLockAtTill(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lock    fuelcard.BlacklistLock
		offline bool
		blocked bool
		grey    bool
	}{
		{fuelcard.LockBlockOrHold, false, true, false}, {fuelcard.LockBlockOrHold, true, false, true},
		{fuelcard.LockBlockOnline, false, true, false}, {fuelcard.LockBlockOnline, true, false, false},
		{fuelcard.LockRefuseOnly, false, false, false},
	} {
		s, err := Parse([]byte(plainTown))
		must(t, err)
		s.Stations[0].Tills = 1
		p := fuelcard.National()
		p.BlacklistLock = c.lock
		w, err := Start(s, Options{Profile: p})
		must(t, err)
		must(t, w.List(record.TopicBlack, "挂失", zhang))
		w.Pass(10 * time.Second)
		if c.offline {
			must(t, w.Faults().Inject("center 0001: off"))
			w.Pass(30 * time.Second)
		}
		blackAtTill(t, w)
		must(t, w.TakeFromTill(1))
		if c.offline {
			must(t, w.Faults().Mend("center 0001: off"))
		}
		must(t, w.Settle(3*time.Minute))
		o := w.look(w.cards[zhang])
		how, err := w.Blocked(zhang)
		must(t, err)
		if grey := o.Grey == fuelcard.Grey; grey != c.grey || (how != "") != c.blocked {
			t.Errorf("%s, offline %v: grey %v, blocked %q", c.lock, c.offline, grey, how)
		}
		all, err := answerAt[station.Alarms](w, "0001", station.PathAlarms, station.AskAlarms{})
		must(t, err)
		if n := len(all.Alarms); n == 0 || all.Alarms[n-1].Kind != "blacklist-hit" && all.Alarms[0].Kind != "blacklist-hit" {
			t.Errorf("%s, offline %v: alarms %+v", c.lock, c.offline, all.Alarms)
		}
		if _, err := w.Finish(); err != nil {
			t.Errorf("%s, offline %v: %v", c.lock, c.offline, err)
		}
		must(t, w.Close())
	}
}

// TestStationKilledWhileItLocks: the station dies at every moment of a listed card's visit. Started again it locks the card that
// still lies there, once, and no act stays open.
func TestStationKilledWhileItLocks(t *testing.T) {
	t.Parallel()
	open := 0
	for ms := 1; ms < 400; ms += 1 + ms/16 {
		w := tillWorld(t)
		must(t, w.List(record.TopicBlack, "挂失", zhang))
		w.Pass(10 * time.Second)
		must(t, w.PutOnTill(zhang, 1))
		tillWaits(t, w, "pin")
		w.After(time.Duration(ms)*time.Millisecond, func() {
			must(t, w.Kill("0001"))
			w.After(2*time.Second, func() { must(t, w.Restart("0001")) })
		})
		must(t, w.KeyPINAtTill(1, "123456"))
		w.Pass(10 * time.Second)
		if v, err := w.Till(1); err == nil && v.Waits == "pin" {
			must(t, w.KeyPINAtTill(1, "123456"))
			w.Pass(10 * time.Second)
		}
		must(t, w.TakeFromTill(1), w.Settle(3*time.Minute))
		acts, ends := 0, 0
		must(t, facts(w.stations["0001"], func(f record.Fact) {
			switch f := f.(type) {
			case record.ActBegun:
				acts++
			case record.ActEnded:
				ends++
				if f.How == "seen" {
					open++
				}
			}
		}))
		how, err := w.Blocked(zhang)
		if o := w.look(w.cards[zhang]); err != nil || acts != ends || (how == "") != (o.Grey == fuelcard.Grey) {
			t.Errorf("killed after %d ms: %d acts, %d ends, the center says %q, grey %v: %v", ms, acts, ends, how, o.Grey, err)
		}
		if _, err := w.Finish(); err != nil {
			t.Errorf("killed after %d ms: %v", ms, err)
		}
	}
	if open == 0 {
		t.Error("the station never died while the outcome was open")
	}
}

package dispenser

import (
	"testing"
	"time"

	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

// flagged is a rig that is ready to sell under a profile.
func flagged(t *testing.T, set func(*fuelcard.Profile)) *rig {
	t.Helper()
	r := newRig(t)
	r.cfg.Profile = fuelcard.National()
	set(&r.cfg.Profile)
	r.power()
	r.until("prices", 30*time.Second, func() bool { return r.board.mem.state.Now.Set && r.board.View().Unsent == 0 })
	r.station.uploads = nil
	return r
}

// TestBlacklistLock: a listed card is held grey, or only refused, which on this line is the same as blocked on line.
// Source: card.md 17.1, blacklist_lock.
func TestBlacklistLock(t *testing.T) {
	t.Parallel()
	for lock, grey := range map[fuelcard.BlacklistLock]bool{fuelcard.LockBlockOrHold: true, fuelcard.LockBlockOnline: false, fuelcard.LockRefuseOnly: false} {
		r := flagged(t, func(p *fuelcard.Profile) { p.BlacklistLock = lock })
		c := newCard(1, 50000)
		r.station.black = map[pboc.ASN]bool{c.asn: true}
		r.insert(c)
		r.pass(5 * time.Second)
		r.ended()
		if !r.saw(EventRefused, "listed") || (c.proof.State == fuelcard.Grey) != grey {
			t.Errorf("%s: card state %02X", lock, byte(c.proof.State))
		}
		if rec := r.uploaded(1)[0]; rec.Type.Kind() != fa.CardErrorEvent || rec.TAC != reason(0x0001) || (rec.TTC != 0) != grey {
			t.Errorf("%s: record %+v", lock, rec)
		}
	}
}

// TestRecordFlags: C_TYPE, and the bit that says that a TAC is good though nobody knows whether TACUF was cleared.
// Source: card.md section 14, c_type, ttype_tac_bit.
func TestRecordFlags(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		set   func(*fuelcard.Profile)
		bit   fa.TType
		ctype byte
	}{
		{func(*fuelcard.Profile) {}, fa.TypeTAC, 0},
		{func(p *fuelcard.Profile) { p.TTypeTACBit = 5 }, fa.TypeTACB5, 0},
		{func(p *fuelcard.Profile) { p.CType = fuelcard.CTypeKind }, fa.TypeTAC, fuelcard.CardUser},
	} {
		for _, left := range []bool{false, true} {
			r := flagged(t, c.set)
			card := newCard(1, 50000)
			r.tap = func(_ string, cmd []byte) (bool, bool) { return left && cmd[1] == 0xCA && cmd[2] == 1, false }
			r.insert(card)
			r.fill(func() bool { return r.board.fill.volume > 300 })
			rec := r.uploaded(1)[0]
			sound(t, rec)
			if marked := rec.Type &^ fa.TypeLocal; marked != fa.Fuelling && !left || left && marked != fa.Fuelling|c.bit || rec.CType != c.ctype {
				t.Errorf("card left %v: T_TYPE %v, C_TYPE %02X", left, rec.Type, rec.CType)
			}
			if left != (card.proof.State == fuelcard.TACUnread) || card.debits != 1 {
				t.Errorf("card left %v: state %02X, %d debits", left, byte(card.proof.State), card.debits)
			}
			if !left {
				continue
			}
			r.tap = nil
			r.insert(card)
			r.stage("ready")
			r.pull()
			r.ended()
			r.pass(time.Second)
			if n := len(r.station.uploads); n != 1 || card.proof.State != fuelcard.NotGrey {
				t.Errorf("a TAC that is in the log is recorded again: %d records, card state %02X", n, byte(card.proof.State))
			}
		}
	}
}

// TestUnknownGMAC: a station that knows a sale without its GMAC authorises nothing; no GMAC of zeros is shown to the card.
func TestUnknownGMAC(t *testing.T) {
	t.Parallel()
	r := readyRig(t)
	other := newSAM()
	other.tid, other.ttc = pboc.TID{0x13, 0x44, 0, 0, 0, 9}, 41
	c := lockedElsewhere(t, other)
	r.station.grey = &fa.GreyAnswer{Flag: fa.Found, ASN: c.asn, Balance: 50000, Amount: 12345, Time: c.proof.Time, TID: other.tid, TTC: other.ttc}
	shown := 0
	r.tap = func(_ string, cmd []byte) (bool, bool) {
		if cmd[1] == 0x7E {
			shown++
		}
		return false, false
	}
	r.insert(c)
	r.ended()
	if !r.saw(EventRefused, "grey") || shown != 0 {
		t.Errorf("%d GMACs shown", shown)
	}
}

package station

import (
	"testing"

	"greylock/system/wire/fa"
	"greylock/system/wire/record"
)

// TestLateAfterItsGapWasClosed: a record that the board could not give when it was asked, and offers later, is late and no sign of
// another board; a number that is there already, with another time, is one.
func TestLateAfterItsGapWasClosed(t *testing.T) {
	t.Parallel()
	i := newIntake(1)
	at := func(n fa.POSTTC, minute byte) fa.Record {
		return fa.Record{POSTTC: n, Time: fa.Stamp{0x20, 0x26, 0x11, 0x22, 0x08, minute, 0}}
	}
	take := func(r fa.Record, epoch int) {
		raw := r.Bytes()
		i.took(record.DispenserRecord{Epoch: epoch, POSTTC: uint32(r.POSTTC), Raw: raw[:]}, r)
	}
	take(at(1, 1), 0)
	take(at(3, 3), 0)
	i.gone(record.GapClosed{POSTTC: 2})
	if epoch, restarted := i.epochOf(at(2, 2)); epoch != 0 || restarted {
		t.Errorf("late: epoch %d, %v", epoch, restarted)
	}
	take(at(2, 2), 0)
	if epoch, restarted := i.epochOf(at(2, 1)); epoch != 1 || !restarted {
		t.Errorf("another record of a number that is there: epoch %d, %v", epoch, restarted)
	}
}

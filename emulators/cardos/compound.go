package cardos

import (
	"greylock/emulators/chip"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
)

// cappRecord is what a compound purchase writes with its debit: one record of a variable-record file, found by its first
// byte. The file's own right to write and its line protection are not asked: MAC1 of the PSAM covers the act.
// Source: card.md 6.2; which record [std], its rights [ours].
type cappRecord struct {
	file   *chip.File // nil: none cached
	number int
	data   []byte
}

// updateCAPP is UPDATE CAPP DATA CACHE 80 DC recType SFI<<3: 6901 outside a compound purchase, 6A83 for a type that no
// record of the file begins with, 6700 for another length than that record's, 6A80 for data that begin with another type. A
// second one replaces the first; nothing is stored before the debit. Source: card.md 6.2.
func (c *Card) updateCAPP(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := fuelcard.ParseUpdateCAPPCache(cmd)
	if sw := c.admit(err); sw != apdu.OK {
		return nil, sw
	}
	if sw := c.tradable(c.pending.purse); sw != apdu.OK {
		return nil, sw
	}
	if c.pending.kind != capp {
		return nil, apdu.WrongState
	}
	f := c.tree.Short(c.df, q.SFI)
	switch {
	case f == nil:
		return nil, apdu.FileNotFound
	case f.Kind != chip.Record:
		return nil, apdu.WrongFileType
	case q.Data[0] != q.RecordType:
		return nil, apdu.WrongData
	}
	for n := 1; ; n++ {
		old, sw := c.tree.ReadRecord(f, n)
		switch {
		case sw != apdu.OK:
			return nil, sw
		case len(old) == 0 || old[0] != q.RecordType:
			continue
		case len(old) != len(q.Data):
			return nil, apdu.WrongLength
		}
		c.pending.record = cappRecord{f, n, append([]byte(nil), q.Data...)}
		return nil, apdu.OK
	}
}

// put writes the cached record with the debit.
func (r cappRecord) put(c *Card, x *chip.Tx) apdu.SW {
	if r.file == nil {
		return apdu.OK
	}
	return c.tree.UpdateRecord(x, r.file, r.number, r.data)
}

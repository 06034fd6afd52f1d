package cardos

import (
	"encoding/binary"

	"greylock/emulators/chip"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
)

// selectFile is SELECT by file id (P1 00) or name (P1 04); no data selects the MF. 6283 with the FCI of a blocked
// application. Source: card.md 6.2, 7.2.
func (c *Card) selectFile(cmd apdu.Command) ([]byte, apdu.SW) {
	c.pending = pending{}
	var df *chip.File
	switch {
	case cmd.P2 != 0 || cmd.P1 != 0 && cmd.P1 != 4:
		return nil, apdu.WrongP1P2
	case cmd.P1 == 0 && len(cmd.Data) != 0 && len(cmd.Data) != 2, cmd.P1 == 4 && len(cmd.Data) == 0:
		return nil, apdu.WrongLength
	case c.tree.Life() == cardBlocked:
		return nil, apdu.FunctionOrBlocked
	case cmd.P1 == 4:
		df = c.tree.Named(cmd.Data)
	case len(cmd.Data) == 0:
		df = c.tree.MF()
	default:
		df = c.tree.DF(binary.BigEndian.Uint16(cmd.Data))
	}
	if df == nil {
		return nil, apdu.FileNotFound
	}
	c.enter(df)
	if c.tree.Blocked(df) != chip.Unblocked {
		return c.tree.FCI(df), apdu.FileInvalid
	}
	return c.tree.FCI(df), apdu.OK
}

// enter makes a DF the current one; a fresh DF that is left is fresh no more.
func (c *Card) enter(df *chip.File) {
	if df == c.df && c.Lenient {
		return
	}
	if df != c.df {
		c.fresh = nil
	}
	c.df, c.dfState = df, 0
	if df == c.tree.MF() {
		c.dfState = c.mfState
	}
}

// setState records an authentication in the current DF.
func (c *Card) setState(s byte) {
	c.dfState = s
	if c.df == c.tree.MF() {
		c.mfState = s
	}
}

// binary finds the file of P1 = 80 | SFI.
func (c *Card) binary(cmd apdu.Command) (*chip.File, apdu.SW) {
	if cmd.P1&0xE0 != 0x80 {
		return nil, apdu.WrongP1P2
	}
	f := c.tree.Short(c.df, cmd.P1&0x1F)
	switch {
	case f == nil:
		return nil, apdu.FileNotFound
	case f.Kind != chip.Binary:
		return nil, apdu.WrongFileType
	}
	return f, apdu.OK
}

// readBinary is READ BINARY 00 B0 80|SFI off Le. Source: card.md 6.2.
func (c *Card) readBinary(cmd apdu.Command) ([]byte, apdu.SW) {
	switch {
	case cmd.P1&0xE0 != 0x80:
		return nil, apdu.WrongP1P2
	case len(cmd.Data) > 0:
		return nil, apdu.WrongLength
	}
	if sw := c.admit(nil); sw != apdu.OK {
		return nil, sw
	}
	f, sw := c.binary(cmd)
	switch {
	case sw != apdu.OK:
		return nil, sw
	case !c.allows(f.Read):
		return nil, apdu.SecurityState
	}
	return c.tree.ReadBinary(f, int(cmd.P2), max(cmd.Le, 0))
}

// updateBinary is UPDATE BINARY 00/04 D6 80|SFI off Lc data [MAC4]. Source: card.md 6.2, 5.3.
func (c *Card) updateBinary(cmd apdu.Command) ([]byte, apdu.SW) {
	switch {
	case cmd.P1&0xE0 != 0x80:
		return nil, apdu.WrongP1P2
	case len(cmd.Data) == 0 || len(cmd.Data) > apdu.MaxData:
		return nil, apdu.WrongLength
	}
	if sw := c.admit(nil); sw != apdu.OK {
		return nil, sw
	}
	f, sw := c.binary(cmd)
	if sw != apdu.OK {
		return nil, sw
	}
	return nil, c.change(cmd, f, func(x *chip.Tx, data []byte) apdu.SW {
		return c.tree.UpdateBinary(x, f, int(cmd.P2), data)
	})
}

// record finds the file of P2 = SFI<<3 | low.
func (c *Card) record(cmd apdu.Command) (*chip.File, apdu.SW) {
	f := c.tree.Short(c.df, cmd.P2>>3)
	switch {
	case f == nil:
		return nil, apdu.FileNotFound
	case f.Kind != chip.Cyclic && f.Kind != chip.Record:
		return nil, apdu.WrongFileType
	}
	return f, apdu.OK
}

// readRecord is READ RECORD 00 B2 nn SFI<<3|4 Le. Source: card.md 6.2.
func (c *Card) readRecord(cmd apdu.Command) ([]byte, apdu.SW) {
	switch {
	case cmd.P2&7 != 4 || cmd.P1 == 0:
		return nil, apdu.WrongP1P2
	case len(cmd.Data) > 0:
		return nil, apdu.WrongLength
	}
	if sw := c.admit(nil); sw != apdu.OK {
		return nil, sw
	}
	f, sw := c.record(cmd)
	switch {
	case sw != apdu.OK:
		return nil, sw
	case !c.allows(f.Read):
		return nil, apdu.SecurityState
	}
	data, sw := c.tree.ReadRecord(f, int(cmd.P1))
	if sw == apdu.OK {
		sw = exact(cmd.Le, len(data))
	}
	if sw != apdu.OK {
		return nil, sw
	}
	return data, apdu.OK
}

// updateRecord is UPDATE RECORD 00/04 DC nn SFI<<3|4. Source: card.md 6.2.
func (c *Card) updateRecord(cmd apdu.Command) ([]byte, apdu.SW) {
	return c.changeRecord(cmd, cmd.P2&7 == 4 && cmd.P1 != 0, func(x *chip.Tx, f *chip.File, data []byte) apdu.SW {
		return c.tree.UpdateRecord(x, f, int(cmd.P1), data)
	})
}

// appendRecord is APPEND RECORD 00/04 E2 00 SFI<<3 or SFI<<3|4. Source: card.md 6.2.
func (c *Card) appendRecord(cmd apdu.Command) ([]byte, apdu.SW) {
	return c.changeRecord(cmd, cmd.P2&3 == 0 && cmd.P1 == 0, c.tree.Append)
}

func (c *Card) changeRecord(cmd apdu.Command, form bool, put func(*chip.Tx, *chip.File, []byte) apdu.SW) ([]byte, apdu.SW) {
	switch {
	case !form:
		return nil, apdu.WrongP1P2
	case len(cmd.Data) == 0 || len(cmd.Data) > apdu.MaxData:
		return nil, apdu.WrongLength
	}
	if sw := c.admit(nil); sw != apdu.OK {
		return nil, sw
	}
	f, sw := c.record(cmd)
	if sw != apdu.OK {
		return nil, sw
	}
	return nil, c.change(cmd, f, func(x *chip.Tx, data []byte) apdu.SW { return put(x, f, data) })
}

// change checks the right to write a file and the line protection that its type asks for, then writes: CLA 00 plain,
// CLA 04 with a MAC and, by type, enciphered. A DF in personalisation mode takes plain writes of every file.
// Source: card.md 3.1, 5.3, 6.1.
func (c *Card) change(cmd apdu.Command, f *chip.File, put func(*chip.Tx, []byte) apdu.SW) apdu.SW {
	if !c.allows(f.Write) {
		return apdu.SecurityState
	}
	data := cmd.Data
	switch secure := cmd.CLA == 0x04; {
	case secure != (f.Protect != 0) && !(c.personalising() && !secure):
		return apdu.WrongSecureCLA
	case secure:
		id := f.KeyBits & 3
		if id == 3 {
			id = 0 // keybits 11 name key 00. Source: card.md section 11.
		}
		k, ok := c.key(fuelcard.KeyMaintenance, id)
		if !ok {
			return apdu.KeyNotFound
		}
		if sw := c.secured(cmd, k); sw != apdu.OK {
			return sw
		}
		data = data[:len(data)-macSize]
		if f.Protect&chip.WriteCipher != 0 {
			var err error
			if data, err = c.suite(k).Decipher(keyOf(k), data); err != nil {
				return apdu.WrongData
			}
		}
	}
	x := c.tree.Begin()
	c.forgive(x)
	if sw := put(x, data); sw != apdu.OK {
		return sw
	}
	return c.commit(x)
}

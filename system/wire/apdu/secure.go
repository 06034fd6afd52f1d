package apdu

// macLength is the length of a secure-messaging MAC, the end of the command data. Source: card.md 5.3, SM update MAC.
const macLength = 4

// MACSpan returns what a secure-messaging MAC covers: CLA INS P1 P2 Lc and the data without its last four bytes.
// It returns nil for a command with less than four bytes of data. Source: card.md 5.3, SM update MAC.
func (c Command) MACSpan() []byte {
	n := len(c.Data)
	if n < macLength || n > 255 {
		return nil
	}
	return append([]byte{c.CLA, c.INS, c.P1, c.P2, byte(n)}, c.Data[:n-macLength]...)
}

// WithMAC returns the command with the last four bytes of its data replaced.
func (c Command) WithMAC(mac [4]byte) Command {
	c.Data = append([]byte(nil), c.Data...)
	copy(c.Data[len(c.Data)-macLength:], mac[:])
	return c
}

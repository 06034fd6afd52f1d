package fuelcard

// Key types of WRITE KEY, without the two line-protection bits. Source: card.md 4.1; DIK adr/0003.
const (
	KeyMaster       byte = 0x39 // CCK at the MF, ACK in the ADF
	KeyMaintenance  byte = 0x36 // CMK at the MF, DAMK in the ADF
	KeyConsume      byte = 0x3E
	KeyLoad         byte = 0x3F
	KeyUnload       byte = 0x3D
	KeyOnlineUnlock byte = 0x19
	KeyTAC          byte = 0x34
	KeyPINUnblock   byte = 0x37
	KeyPINReload    byte = 0x38
	KeyOverdraft    byte = 0x3C
	KeyInternal     byte = 0x30
	KeyPIN          byte = 0x3A
	KeyProtected    byte = 0xC0 // the two bits: later updates need secure messaging
	KeyTypeMask     byte = 0x3F
)

// Slot is a key of a user card: where it is and what it is for. Type carries the line-protection bits with which it is
// written. Par1 and Par2 are version and algorithm of a transaction key (the algorithm is the suite's), next state and
// retry of the others. Source: card.md 4.1, section 11.
type Slot struct {
	Name       string
	MF         bool // in the MF's key file; else in the petrol ADF's
	Type, ID   byte
	Use        byte // access byte
	Change     byte // access byte
	Par1, Par2 byte
	Zh, En     string
	Purpose    string
}

// Transaction reports that Par1 and Par2 are version and algorithm.
func (s Slot) Transaction() bool {
	switch s.Type & KeyTypeMask {
	case KeyConsume, KeyLoad, KeyUnload, KeyOnlineUnlock, KeyTAC, KeyOverdraft, KeyInternal:
		return true
	}
	return false
}

// Record is the key record of WRITE KEY for a card of an algorithm.
func (s Slot) Record(alg byte, key []byte) KeyRecord {
	r := KeyRecord{Type: s.Type, Use: s.Use, Change: s.Change, Par1: s.Par1, Par2: s.Par2, Key: key}
	if s.Transaction() {
		r.Par2 = alg
	}
	return r
}

// Retry33 is the retry byte of a key or PIN with three tries: at most 3, 3 left. Source: card.md 4.4.
const Retry33 byte = 0x33

// Next states that an external authentication or PIN gives. Source: card.md 3.1, 6.1; the values are ours, adr/0003.
const (
	StatePIN         byte = 0x1 // after VERIFY: reads of the log (access F1)
	StateMaintenance byte = 0x2
	StateMaster      byte = 0x3
)

// Access bytes XY: Y ≤ state ≤ X; X below Y is never. Source: card.md 3.1.
const (
	free       byte = 0xF0
	afterPIN   byte = 0xF1
	onlyMaster byte = 0xF3 // StateMaster
	never      byte = 0xEF
)

// Keys is what a user card holds, in the order in which it is written; the master of a DF comes first.
// Source: card.md 4.1, section 11; DIK, states and access bytes adr/0003.
var Keys = []Slot{
	{"CCK", true, 0x39, 0, free, onlyMaster, StateMaster, Retry33, "卡片主控密钥", "card master", "creates and erases at the MF"},
	{"CMK", true, 0x36, 0, free, onlyMaster, StateMaintenance, Retry33, "卡片维护密钥", "card maintenance", "secured file writes at the MF"},
	{"ACK", false, 0xF9, 0, free, onlyMaster, StateMaster, Retry33, "应用主控密钥", "application master", "installs keys in the application"},
	{"DPK", false, 0xFE, 1, free, onlyMaster, 1, 0, "消费密钥(灰锁)", "consume and grey lock", "purchase, grey lock, GMAC"},
	{"DLK", false, 0xFF, 1, free, onlyMaster, 1, 0, "圈存密钥", "load", "MAC1 and MAC2 of a load"},
	{"DULK", false, 0xFD, 1, free, onlyMaster, 1, 0, "圈提密钥", "unload", "MAC1, MAC2, MAC3 of an unload"},
	{"DTK", false, 0xF4, 0, free, onlyMaster, 1, 0, "TAC 密钥", "TAC", "TAC and GTAC"},
	{"DPUK", false, 0xF7, 0, free, onlyMaster, 0, Retry33, "密码解锁密钥", "PIN unblock", "PIN UNBLOCK"},
	{"DRPK", false, 0xF8, 0, free, onlyMaster, 0, Retry33, "密码重装密钥", "PIN reload", "RELOAD PIN"},
	{"DOLK", false, 0xFC, 1, free, onlyMaster, 1, 0, "透支限额密钥", "overdraft limit", "UPDATE OVERDRAW LIMIT"},
	{"DUGK", false, 0xD9, 1, free, onlyMaster, 1, 0, "联机解扣密钥", "online grey unlock", "MAC1, MAC2, MAC3 of an online unlock"},
	{"DAMK", false, 0xF6, 0, free, onlyMaster, StateMaintenance, Retry33, "应用维护密钥", "application maintenance", "secured file writes, block, unblock"},
	{"DIK", false, 0xF0, 1, free, onlyMaster, 1, 0, "内部认证密钥", "internal authentication", "proves that the card is ours"},
}

// PINSlot is the PIN's place: BA id 00. Its key value is the PIN. Source: card.md 4.1.
var PINSlot = Slot{"PIN", false, 0xBA, 0, free, never, StatePIN, Retry33, "密码", "PIN", "VERIFY"}

// KeySlot returns the slot of a key name.
func KeySlot(name string) (Slot, bool) {
	for _, s := range Keys {
		if s.Name == name {
			return s, true
		}
	}
	return Slot{}, false
}

package fuelcard

// Classes of keys: what a key is for, named by the type byte that FMCOS has for it, without the two line-protection bits.
// The byte that a vendor's card has for a class is in KeyTypes. Source: card.md 4.1; DIK adr/0003.
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

// KeyTypes are the type bytes that a vendor's WRITE KEY has for each class, and the bits of a written byte that count;
// the others are line protection. A card asks Is and Class, who makes cards takes slots from the profile.
// Source: card.md 4.1.
type KeyTypes struct {
	Master, Maintenance, Consume, Load, Unload, OnlineUnlock, TAC, PINUnblock, PINReload, Overdraft, Internal, PIN byte
	Mask                                                                                                           byte
}

// FMCOS are the bytes of FMCOS cards: the classes themselves, under two bits of line protection. Source: card.md 4.1.
func FMCOS() KeyTypes {
	return KeyTypes{Master: KeyMaster, Maintenance: KeyMaintenance, Consume: KeyConsume, Load: KeyLoad, Unload: KeyUnload,
		OnlineUnlock: KeyOnlineUnlock, TAC: KeyTAC, PINUnblock: KeyPINUnblock, PINReload: KeyPINReload,
		Overdraft: KeyOverdraft, Internal: KeyInternal, PIN: KeyPIN, Mask: KeyTypeMask}
}

// daHua are the bytes of DaHua cards; unload and online unlock are one. Source: card.md 4.1; its PIN was not seen, 3A and
// the whole byte [ours].
func daHua() KeyTypes {
	return KeyTypes{Consume: 0x40, Load: 0x41, TAC: 0x42, PINUnblock: 0x43, PINReload: 0x44, Maintenance: 0x45,
		Unload: 0x46, OnlineUnlock: 0x46, Overdraft: 0x47, Internal: 0x48, Master: 0x49, PIN: KeyPIN, Mask: 0xFF}
}

// classes in the order in which a written byte is looked up.
var classes = []byte{KeyMaster, KeyMaintenance, KeyConsume, KeyLoad, KeyUnload, KeyOnlineUnlock, KeyTAC, KeyPINUnblock,
	KeyPINReload, KeyOverdraft, KeyInternal, KeyPIN}

// Of is the type byte of a class, without line protection; 00 for what is no class.
func (t KeyTypes) Of(class byte) byte {
	switch class {
	case KeyMaster:
		return t.Master
	case KeyMaintenance:
		return t.Maintenance
	case KeyConsume:
		return t.Consume
	case KeyLoad:
		return t.Load
	case KeyUnload:
		return t.Unload
	case KeyOnlineUnlock:
		return t.OnlineUnlock
	case KeyTAC:
		return t.TAC
	case KeyPINUnblock:
		return t.PINUnblock
	case KeyPINReload:
		return t.PINReload
	case KeyOverdraft:
		return t.Overdraft
	case KeyInternal:
		return t.Internal
	case KeyPIN:
		return t.PIN
	}
	return 0
}

// Is reports that a type byte as written, with its line protection, is of a class. One byte may be of two.
func (t KeyTypes) Is(written, class byte) bool {
	own := t.Of(class)
	return own != 0 && written&t.Mask == own&t.Mask
}

// Class is the class of a type byte as written, the first of the table above where the vendor has one byte for two.
func (t KeyTypes) Class(written byte) (class byte, ok bool) {
	for _, c := range classes {
		if t.Is(written, c) {
			return c, true
		}
	}
	return 0, false
}

// Transactional reports that Par1 and Par2 of a key of this class are version and algorithm; the others have next state
// and retry counter. Source: card.md 4.4.
func Transactional(class byte) bool {
	switch class {
	case KeyConsume, KeyLoad, KeyUnload, KeyOnlineUnlock, KeyTAC, KeyOverdraft, KeyInternal:
		return true
	}
	return false
}

// Slot is a key of a user card: where it is and what it is for. Type is the byte that WRITE KEY carries, with its line
// protection. Par1 and Par2 are version and algorithm of a transaction key (the algorithm is the suite's), next state and
// retry of the others. Source: card.md 4.1, section 11.
type Slot struct {
	Name       string
	MF         bool // in the MF's key file; else in an application's
	Loyalty    bool // in the loyalty application's
	Class      byte // KeyConsume, ...
	Type, ID   byte
	Use        byte // access byte
	Change     byte // access byte
	Par1, Par2 byte
	Zh, En     string
	Purpose    string
}

// Transaction reports that Par1 and Par2 are version and algorithm.
func (s Slot) Transaction() bool { return Transactional(s.Class) }

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

// Keys is what a user card of FMCOS type holds at the MF and in the petrol application, in the order in which it is
// written; the master of a DF comes first. Profile.CardKeys is the same with a vendor's type bytes.
// Source: card.md 4.1, section 11; DIK, states and access bytes adr/0003.
var Keys = []Slot{
	{"CCK", true, false, KeyMaster, 0x39, 0, free, onlyMaster, StateMaster, Retry33, "卡片主控密钥", "card master", "creates and erases at the MF"},
	{"CMK", true, false, KeyMaintenance, 0x36, 0, free, onlyMaster, StateMaintenance, Retry33, "卡片维护密钥", "card maintenance", "secured file writes at the MF"},
	{"ACK", false, false, KeyMaster, 0xF9, 0, free, onlyMaster, StateMaster, Retry33, "应用主控密钥", "application master", "installs keys in the application"},
	{"DPK", false, false, KeyConsume, 0xFE, 1, free, onlyMaster, 1, 0, "消费密钥(灰锁)", "consume and grey lock", "purchase, grey lock, GMAC"},
	{"DLK", false, false, KeyLoad, 0xFF, 1, free, onlyMaster, 1, 0, "圈存密钥", "load", "MAC1 and MAC2 of a load"},
	{"DULK", false, false, KeyUnload, 0xFD, 1, free, onlyMaster, 1, 0, "圈提密钥", "unload", "MAC1, MAC2, MAC3 of an unload"},
	{"DTK", false, false, KeyTAC, 0xF4, 0, free, onlyMaster, 1, 0, "TAC 密钥", "TAC", "TAC and GTAC"},
	{"DPUK", false, false, KeyPINUnblock, 0xF7, 0, free, onlyMaster, 0, Retry33, "密码解锁密钥", "PIN unblock", "PIN UNBLOCK"},
	{"DRPK", false, false, KeyPINReload, 0xF8, 0, free, onlyMaster, 0, Retry33, "密码重装密钥", "PIN reload", "RELOAD PIN"},
	{"DOLK", false, false, KeyOverdraft, 0xFC, 1, free, onlyMaster, 1, 0, "透支限额密钥", "overdraft limit", "UPDATE OVERDRAW LIMIT"},
	{"DUGK", false, false, KeyOnlineUnlock, 0xD9, 1, free, onlyMaster, 1, 0, "联机解扣密钥", "online grey unlock", "MAC1, MAC2, MAC3 of an online unlock"},
	{"DAMK", false, false, KeyMaintenance, 0xF6, 0, free, onlyMaster, StateMaintenance, Retry33, "应用维护密钥", "application maintenance", "secured file writes, block, unblock"},
	{"DIK", false, false, KeyInternal, 0xF0, 1, free, onlyMaster, 1, 0, "内部认证密钥", "internal authentication", "proves that the card is ours"},
}

// PINSlot is the PIN's place: BA id 00. Its key value is the PIN. Source: card.md 4.1.
var PINSlot = Slot{"PIN", false, false, KeyPIN, 0xBA, 0, free, never, StatePIN, Retry33, "密码", "PIN", "VERIFY"}

// loyalty begins the names of the loyalty application's keys: LACK, LDPK ...
const loyalty = "L"

// KeySlot returns the slot of a key name as an FMCOS card has it, those of the loyalty application too (L before the
// petrol key's name). Profile.KeySlot is the same with a vendor's type bytes.
func KeySlot(name string) (Slot, bool) {
	for _, s := range Keys {
		switch {
		case s.Name == name:
			return s, true
		case loyalty+s.Name == name && s.inLoyalty():
			return s.forLoyalty(), true
		}
	}
	return Slot{}, false
}

// inLoyalty reports that the loyalty application has this key too: all of the petrol application's but those that only
// ED needs, unload and overdraft. Source: card.md 3.1 ("keys"), 6.2; which ones [ours].
func (s Slot) inLoyalty() bool { return !s.MF && s.Class != KeyUnload && s.Class != KeyOverdraft }

func (s Slot) forLoyalty() Slot {
	s.Name, s.Loyalty = loyalty+s.Name, true
	s.Zh, s.En = "积分应用 "+s.Zh, "loyalty: "+s.En
	return s
}

// CardKeys is Keys as a card of this profile has them: with its type bytes, and without DUGK where the vendor has one
// byte for it and DULK, so that both are one key. Source: card.md 4.1.
func (p Profile) CardKeys() []Slot { return p.slots(func(s Slot) (Slot, bool) { return s, true }) }

// LoyaltyKeys is what the loyalty application holds, in the order in which it is written.
func (p Profile) LoyaltyKeys() []Slot {
	return p.slots(func(s Slot) (Slot, bool) { return s.forLoyalty(), s.inLoyalty() })
}

func (p Profile) slots(pick func(Slot) (Slot, bool)) []Slot {
	var all []Slot
	unload := byte(0)
	for _, s := range Keys {
		s, ok := pick(p.typed(s))
		switch {
		case !ok || s.Class == KeyOnlineUnlock && s.Type == unload:
			continue
		case s.Class == KeyUnload:
			unload = s.Type
		}
		all = append(all, s)
	}
	return all
}

// KeySlot returns the slot of a key name with the profile's type byte; DUGK has one also where its key is DULK's.
func (p Profile) KeySlot(name string) (Slot, bool) {
	s, ok := KeySlot(name)
	if !ok {
		return Slot{}, false
	}
	return p.typed(s), true
}

// PINSlot is the place of the PIN with the profile's type byte.
func (p Profile) PINSlot() Slot { return p.typed(PINSlot) }

// typed puts in the profile's type byte; FMCOS's line protection stays where the vendor has such bits.
func (p Profile) typed(s Slot) Slot {
	s.Type = p.KeyTypes.Of(s.Class) | s.Type&KeyProtected&^p.KeyTypes.Mask
	return s
}

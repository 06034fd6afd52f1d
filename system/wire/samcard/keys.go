package samcard

// Usage is the usage byte of a PSAM key: diversification levels (high 3 bits) | key type (low 5). Source: card.md 4.1.
type Usage byte

// Key types and usages. Source: card.md 4.1; DIK adr/0003.
const (
	UsageMaster      Usage = 0x00
	UsageMaintenance Usage = 0x01
	UsageTMAC        Usage = 0x08
	UsageTAC         Usage = 0x15 // printed as 15; the PSAM diversified it when it was made
	UsageConsume     Usage = 0x42 // 2 levels | type 2
	UsageInternal    Usage = 0x44 // 2 levels | type 4

	TypeConsume  byte = 2
	TypeInternal byte = 4
)

// UsageOf is the usage of a key of a type behind a number of levels, 0..7; fuelcard.Profile.LevelsOf says how many.
func UsageOf(levels int, keyType byte) Usage { return Usage(levels<<5) | Usage(keyType&0x1F) }

// Levels is the number of diversification levels.
func (u Usage) Levels() int { return int(u >> 5) }

// Type is the key type.
func (u Usage) Type() byte { return byte(u & 0x1F) }

// Slot is a key of a PSAM. Source: card.md 4.1, section 11.
type Slot struct {
	Name    string
	Usage   Usage
	Version byte
	Own     bool // diversified by the PSAM number's right 8 bytes when the PSAM is made
	Zh, En  string
	Purpose string
}

// Keys is what a PSAM holds, in the order in which they are written; the master comes first.
// Source: card.md 4.1, section 11; DIK adr/0003.
var Keys = []Slot{
	{"SAMACK", UsageMaster, 0x00, true, "PSAM 应用主控密钥", "PSAM application master", "seals WRITE KEY; ends personalisation"},
	{"SAMMK", UsageMaintenance, 0x00, true, "PSAM 应用维护密钥", "PSAM application maintenance", "external authentication before file writes"},
	{"DPK", UsageConsume, 0x01, false, "消费主密钥(MPK)", "consume master (MPK)", "MAC1, MAC2, GMAC of purchase and grey lock"},
	{"SAMTAC", UsageTAC, 0x00, true, "PSAM TAC 密钥", "PSAM-TAC", "PSAM-TAC of each debit"},
	{"TMAC", UsageTMAC, 0x01, false, "记录校验密钥", "T_MAC", "T_MAC of upload records"},
	{"DIK", UsageInternal, 0x01, false, "内部认证主密钥", "internal authentication master", "checks that a user card is ours"},
}

// KeysWith is Keys for cards of a profile: DPK and DIK stand behind as many levels as levels says of them.
func KeysWith(levels func(key string) int) []Slot {
	all := append([]Slot(nil), Keys...)
	for i, s := range all {
		if s.Usage.Levels() > 0 {
			all[i].Usage = UsageOf(levels(s.Name), s.Usage.Type())
		}
	}
	return all
}

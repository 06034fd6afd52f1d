package vault

import (
	"slices"

	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// Name of a master key. Source: card.md 4.1.
type Name string

// The keys of one scope. Source: card.md 4.1.
const (
	CCK    Name = "CCK"    // card master: creates and erases at the MF
	CMK    Name = "CMK"    // card maintenance at the MF
	ACK    Name = "ACK"    // application master: installs keys in the ADF
	DAMK   Name = "DAMK"   // application maintenance: secured updates, block, unblock
	DPK    Name = "DPK"    // consume, also grey lock
	DLK    Name = "DLK"    // load
	DULK   Name = "DULK"   // unload
	DUGK   Name = "DUGK"   // online grey unlock
	DTK    Name = "DTK"    // TAC of the card
	DPUK   Name = "DPUK"   // PIN unblock
	DRPK   Name = "DRPK"   // PIN reload
	DOLK   Name = "DOLK"   // overdraft limit
	DIK    Name = "DIK"    // internal authentication
	SAMACK Name = "SAMACK" // application master of the PSAM
	SAMMK  Name = "SAMMK"  // maintenance of the PSAM
	SAMTAC Name = "SAMTAC" // PSAM-TAC
	TMAC   Name = "TMAC"   // T_MAC of upload records
)

// use is what a key may do; the vault refuses the rest. Source: trust.md row 73.
type use uint

const (
	useLoad use = 1 << iota
	useUnload
	useUnlock
	useTAC
	usePSAMTAC
	useTMAC
	useSecure   // secure messaging: MAC and encipherment
	useReload   // PIN reload MAC
	useExternal // answer the card's challenge
	useInternal // check the card's answer
)

// names is the table of keys, in the order in which people read them.
var names = []struct {
	Name   Name
	Zh, En string
	use    use
}{
	{CCK, "卡片主控密钥", "card master", useSecure | useExternal},
	{CMK, "卡片维护密钥", "card maintenance", useSecure | useExternal},
	{ACK, "应用主控密钥", "application master", useSecure | useExternal},
	{DAMK, "应用维护密钥", "application maintenance", useSecure | useExternal},
	{DPK, "消费密钥(灰锁)", "consume and grey lock", 0},
	{DLK, "圈存密钥", "load", useLoad},
	{DULK, "圈提密钥", "unload", useUnload},
	{DUGK, "联机解扣密钥", "online grey unlock", useUnlock},
	{DTK, "TAC 密钥", "TAC", useTAC},
	{DPUK, "PIN 解锁密钥", "PIN unblock", useSecure},
	{DRPK, "PIN 重装密钥", "PIN reload", useReload},
	{DOLK, "透支限额密钥", "overdraft limit", 0},
	{DIK, "内部认证密钥", "internal authentication", useInternal},
	{SAMACK, "PSAM 应用主控密钥", "PSAM application master", useExternal},
	{SAMMK, "PSAM 维护密钥", "PSAM maintenance", useExternal},
	{SAMTAC, "PSAM TAC 密钥", "PSAM-TAC", usePSAMTAC},
	{TMAC, "记录校验密钥", "T_MAC of upload records", useTMAC},
}

// Names lists every key of a scope in the order of the table.
func Names() []Name {
	all := make([]Name, 0, len(names))
	for _, n := range names {
		all = append(all, n.Name)
	}
	return all
}

// Purpose says in Chinese and English what a key is for; empty for a name that is not in the table.
func (n Name) Purpose() (zh, en string) {
	for _, row := range names {
		if row.Name == n {
			return row.Zh, row.En
		}
	}
	return "", ""
}

func (n Name) may(u use) bool {
	for _, row := range names {
		if row.Name == n {
			return row.use&u != 0
		}
	}
	return false
}

// roleKeys says which masters the working vault of a role holds; a station holds none. Source: design.md 9.3.
// The outlet writes files and first PINs (DAMK, DRPK) and proves cards (DIK); money keys stay at the center.
func roleKeys(role record.Kind) []Name {
	switch role {
	case record.KindCenter:
		return []Name{DAMK, DLK, DULK, DUGK, DTK, DPUK, DRPK, SAMTAC, TMAC}
	case record.KindMaking:
		return Names()
	case record.KindOutlet:
		return []Name{DAMK, DRPK, DIK}
	}
	return nil
}

func sameKeys(a, b []record.KeyCheck) bool {
	return slices.EqualFunc(a, b, func(x, y record.KeyCheck) bool {
		return x.Name == y.Name && x.Version == y.Version && slices.Equal(x.KCV, y.KCV)
	})
}

func kcv(k pboc.Key) record.Hex {
	c := pboc.TDES.KCV(k)
	return c[:]
}

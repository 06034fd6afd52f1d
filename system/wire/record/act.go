package record

import "greylock/system/wire/pboc"

// CardAct is what an outlet does to a card beside moving money.
type CardAct string

// The acts. Source: card.md 6.2.
const (
	ActChangePIN    CardAct = "pin-change"     // by the holder, who knows the old one
	ActReloadPIN    CardAct = "pin-reload"     // by a supervisor, with the center's MAC
	ActUnblockPIN   CardAct = "pin-unblock"    // by a supervisor, with the center's MAC
	ActBlock        CardAct = "block"          // the application, temporarily
	ActBlockForEver CardAct = "block-for-ever" // the application
	ActBlockCard    CardAct = "block-card"     // the whole card; it never answers again
	ActUnblock      CardAct = "unblock"        // the application, of a temporary block
	ActLimits       CardAct = "limits"         // file 001C
	ActHolder       CardAct = "holder"         // file 0016
	ActVessel       CardAct = "vessel"         // file 000D
)

// CardActs lists the acts, in the order in which people read them.
var CardActs = []CardAct{ActChangePIN, ActReloadPIN, ActUnblockPIN, ActBlock, ActBlockForEver, ActBlockCard, ActUnblock, ActLimits, ActHolder, ActVessel}

// PIN reports an act that sets the PIN. Only who keys the PIN can tell how a torn one ended.
func (a CardAct) PIN() bool { return a == ActChangePIN || a == ActReloadPIN || a == ActUnblockPIN }

// Words says an act in Chinese and English.
func (a CardAct) Words() (zh, en string) {
	switch a {
	case ActChangePIN:
		return "修改密码", "change of PIN"
	case ActReloadPIN:
		return "重装密码", "reload of PIN"
	case ActUnblockPIN:
		return "解锁密码", "unblocking of PIN"
	case ActBlock:
		return "锁定应用", "block of the application"
	case ActBlockForEver:
		return "永久锁定应用", "block of the application for ever"
	case ActBlockCard:
		return "锁死卡片", "block of the card"
	case ActUnblock:
		return "解锁应用", "unblocking of the application"
	case ActLimits:
		return "修改限制", "change of limits"
	case ActHolder:
		return "修改持卡人", "change of holder"
	case ActVessel:
		return "登记气瓶", "registration of a vessel"
	}
	return "未知操作", "unknown act"
}

// ActBegun is the outlet's note before it changes a card, with the center's MAC at hand where one is needed: if no ActEnded
// follows, the act is open, and the next insert of the card finds out. A PIN is never in it.
type ActBegun struct {
	TimeMs     int64    `json:"time_ms"`
	ASN        pboc.ASN `json:"asn"`
	Act        CardAct  `json:"act"`
	By         string   `json:"by,omitempty"` // who permitted it; the holder changes the PIN alone
	Reason     string   `json:"reason,omitempty"`
	DefaultPIN bool     `json:"default_pin,omitempty"` // the card's PIN flag was not set before
	Holder     string   `json:"holder,omitempty"`      // ActHolder
	Plate      string   `json:"plate,omitempty"`       // ActLimits
	Limits     Hex      `json:"limits,omitempty"`      // ActLimits: file 001C
	Vessel     Hex      `json:"vessel,omitempty"`      // ActVessel: file 000D
}

// ActEnded says how an act on a card ended.
type ActEnded struct {
	TimeMs int64    `json:"time_ms"`
	ASN    pboc.ASN `json:"asn"`
	Act    CardAct  `json:"act"`
	Done   bool     `json:"done"`
	// How: answer; seen, at a later insert; keyed, the holder showed which PIN holds; declined, by the card; refused, the
	// center gave no MAC; overtaken, by a later act on the PIN; number, the card is dead and a person read its number.
	How    string `json:"how"`
	Holder string `json:"holder,omitempty"` // ActHolder, done
	Plate  string `json:"plate,omitempty"`  // ActLimits, done
	Limits Hex    `json:"limits,omitempty"` // ActLimits, done
	Vessel Hex    `json:"vessel,omitempty"` // ActVessel, done
}

// ActPermitted says that the center gave a MAC for one act on one card, under one challenge of it.
type ActPermitted struct {
	TimeMs    int64    `json:"time_ms"`
	ASN       pboc.ASN `json:"asn"`
	Act       CardAct  `json:"act"`
	By        string   `json:"by"`
	Reason    string   `json:"reason"`
	Outlet    SiteID   `json:"outlet"`
	Challenge Hex      `json:"challenge,omitempty"` // none for a reload of the PIN, whose command has none
}

// ActQuestion asks the center for the MAC of an act; the center makes the command itself, so nothing else can be had for it.
// It is keyed (ASN, act, challenge): the same question has the same answer.
type ActQuestion struct {
	Outlet    SiteID   `json:"outlet"`
	ASN       pboc.ASN `json:"asn"`
	Act       CardAct  `json:"act"`
	By        string   `json:"by"`
	Reason    string   `json:"reason"`
	Challenge Hex      `json:"challenge,omitempty"` // 4 bytes of the card
	PIN       Hex      `json:"pin,omitempty"`       // sealed by the outlet's vault; the center's opens it
}

// ActAnswer completes the act's command.
type ActAnswer struct {
	Cipher Hex      `json:"cipher,omitempty"` // ActUnblockPIN: the PIN enciphered
	MAC    pboc.MAC `json:"mac"`
}

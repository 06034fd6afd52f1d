package keymgmt

import (
	"fmt"
	"strings"

	"greylock/system/clock"
	"greylock/system/vault"
	"greylock/system/wire/record"
)

// Minutes is the record of a ceremony that both custodians sign on paper: who, when, what, check values; never a key.
type Minutes struct {
	Scope      string
	Realm      record.Realm
	Time       clock.Instant
	Custodians [2]string
	Keys       []record.KeyCheck
	Directive  record.Hex // public key of the center's directives, 32 bytes; stations are given it
}

func minutesOf(h vault.Header) Minutes {
	return Minutes{
		Scope: h.Scope, Realm: h.Realm, Time: clock.FromMilli(h.MadeMs), Custodians: h.Custodians, Keys: h.Keys, Directive: h.Directive,
	}
}

// Fact is what the journal keeps of it.
func (m Minutes) Fact() record.CeremonyHeld {
	return record.CeremonyHeld{TimeMs: m.Time.Milli(), Scope: m.Scope, Realm: m.Realm, Custodians: m.Custodians, Keys: m.Keys}
}

// Text is the paper, Chinese with English beside it.
func (m Minutes) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "密钥仪式笔录 / Minutes of the key ceremony\n范围 Scope: %s\n环境 Realm: %s\n时间 Time: %s\n", m.Scope, m.Realm, m.Time.Civil())
	fmt.Fprintf(&b, "保管员 Custodians: %s, %s\n\n", m.Custodians[0], m.Custodians[1])
	for _, k := range m.Keys {
		zh, en := vault.Name(k.Name).Purpose()
		fmt.Fprintf(&b, "%-7s v%d  KCV %X  %s (%s)\n", k.Name, k.Version, []byte(k.KCV), zh, en)
	}
	fmt.Fprintf(&b, "\n指令公钥 Directive key: %X\n签字 Signed: ____________________    ____________________\n", []byte(m.Directive))
	return b.String()
}

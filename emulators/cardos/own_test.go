package cardos_test

import (
	"bytes"
	"fmt"
	"testing"

	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

// worked are the commands of card.md 15.3 whose MAC is right, each with how a terminal, PSAM or host of another profile makes
// it in the same place of the conversation. A command with a wrong bit is not here: it is as wrong under every key.
var worked = map[string]func(*bench) apdu.Command{
	creditA: func(b *bench) apdu.Command {
		c, _ := fuelcard.ParseCreditForLoad(command(creditA))
		ses := b.suite.LoadSession(b.key("DLK"), four("A1B2C3D4"), 0)
		c.MAC2 = b.suite.MAC(ses, fuelcard.LoadMAC2Data(10000, fuelcard.TypeLoadED, b.terminal(), c.Time))
		return c.Command()
	},
	lockC: func(b *bench) apdu.Command {
		c, _ := fuelcard.ParseGreyLock(command(lockC))
		c.MAC1 = b.suite.MAC(b.sessionC(), fuelcard.GreyMAC1Data(fuelcard.TypeGreyED, b.terminal(), c.Time))
		return c.Command()
	},
	debitC:     func(b *bench) apdu.Command { return b.debitOfC(debitC) },
	debitCNext: func(b *bench) apdu.Command { return b.debitOfC(debitCNext) },
	unlockD: func(b *bench) apdu.Command {
		c, _ := fuelcard.ParseGreyUnlock(command(unlockD))
		ses := b.suite.LoadSession(b.key("DUGK"), four("77889900"), 1)
		c.MAC2 = b.suite.MAC(ses, fuelcard.OnlineMAC2Data(c.Amount, fuelcard.TypeOnlineED, [6]byte{0x13, 0x44, 0, 0, 0x99, 0x99}, c.Time))
		return c.Command()
	},
	limitsF: func(b *bench) apdu.Command {
		return fuelcard.Seal(b.suite, b.key("DAMK"), unhex("99AABBCC"), command(limitsF))
	},
	blockF: func(b *bench) apdu.Command {
		return fuelcard.Seal(b.suite, b.key("DAMK"), unhex("99AABBCC"), command(blockF))
	},
	reloadF: func(b *bench) apdu.Command {
		c, _ := fuelcard.ParseReloadPIN(command(reloadF))
		c.MAC = b.suite.TAC(b.key("DRPK"), fuelcard.ReloadPINData(c.PIN))
		return c.Command()
	},
	unblockF: func(b *bench) apdu.Command {
		c := b.profile.UnblockPIN(b.suite.Encipher(b.key("DPUK"), unhex("123456"))).Command()
		return fuelcard.Seal(b.suite, b.key("DPUK"), unhex("11223344"), c)
	},
	unblockWrong: func(b *bench) apdu.Command {
		c := command(unblockWrong)
		c.Data = append(b.suite.Encipher(b.key("DPUK"), unhex("123456")), 0, 0, 0, 0)
		return c
	},
}

// Commands of card.md 15.3 D and F beside those of A and C.
const (
	debitCNext = "E0 7E 08 01 1B 00001388 0001 134400000001 00000012 20261122 102030 6A81DD13 04"
	initD      = "E0 7A 09 01 07 01 134400009999 12"
	initAnsD   = "00002710 0001 0001 01 00 77889900 CE8F7251 9000"
	unlockD    = "E0 7E 09 00 0F 00001388 20261124 150000 BE1398F7 04"
	limitsF    = "04 D6 9C 2B 0B FFFF 05 0000C350 A36056F4"
	blockF     = "84 1E 00 00 04 BEA40846"
	reloadF    = "80 5E 00 00 07 123456 3226A4AC"
	unblockF   = "84 24 00 01 0C 9083BC6AB3E169CA 9C8DE297"

	unblockWrong = "84 24 00 01 0C 9083BC6AB3E169CA 00000000" // one block longer in SM4
)

func four(hex string) [4]byte { return [4]byte(unhex(hex)) }

// sessionC is the session key of the lock of chain C.
func (b *bench) sessionC() pboc.Session {
	return b.suite.GreySession(b.key("DPK"), four("5A5A0001"), 0, 0x12, four("C3C30002"))
}

func (b *bench) debitOfC(hex string) apdu.Command {
	c, _ := fuelcard.ParseDebitForUnlock(command(hex))
	c.GMAC = b.suite.MAC(b.sessionC(), fuelcard.GMACData(c.Amount))
	return c.Command()
}

// own is a command of card.md as this bench's profile has it.
func (b *bench) own(hex string) []byte {
	if f := worked[hex]; f != nil {
		return f(b).Bytes()
	}
	return unhex(hex)
}

// command is own, parsed.
func (b *bench) command(hex string) apdu.Command {
	c, err := apdu.ParseCommand(b.own(hex))
	must(b.t, err)
	return c
}

// answers compares an answer with one of card.md: to the byte under the profile of the worked numbers, by length and status
// word under another, whose codes are others.
func (b *bench) answers(got []byte, hex string) bool {
	want := unhex(hex)
	if b.profile.Name == fuelcard.National().Name {
		return bytes.Equal(got, want)
	}
	return len(got) == len(want) && bytes.Equal(got[len(got)-2:], want[len(want)-2:])
}

// The commands made anew are those of card.md to the byte. Source: card.md 15.3.
func TestOwnCommandsAreTheWorkedOnes(t *testing.T) {
	t.Parallel()
	b := made(t, fuelcard.National())
	for hex := range worked {
		if got := b.own(hex); !bytes.Equal(got, unhex(hex)) {
			t.Errorf("%X, want %s", got, hex)
		}
	}
}

// everywhere runs a test under every vendor's profile in both suites.
func everywhere(t *testing.T, test func(*testing.T, fuelcard.Profile)) {
	t.Helper()
	t.Parallel()
	for _, p := range fuelcard.Profiles() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

// ready gives the PIN where the profile asks for it before what national does without.
func (b *bench) ready() *bench {
	b.t.Helper()
	if b.profile.PINScope == fuelcard.PINAllPurse || b.profile.PINUnlock {
		b.pin()
	}
	return b
}

// flags tells a profile's values of the flags that change a status word.
func flags(p fuelcard.Profile) string {
	return fmt.Sprintf("pin_length=%s pin_scope=%s never_used_proof=%s", p.Value("pin_length"), p.Value("pin_scope"), p.Value("never_used_proof"))
}

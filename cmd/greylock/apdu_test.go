package main

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greylock/cmd/internal/cli"
	"greylock/emulators/cardos"
	"greylock/emulators/chip"
	"greylock/fixtures"
	"greylock/system/card"
	"greylock/system/card/cardtest"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
)

// petrolCard is a software card with a petrol application that is not filled, on a reader of T=0.
func petrolCard(t *testing.T) slots {
	t.Helper()
	p, transport := fuelcard.National(), fixtures.TestKeys().Transport
	c, err := cardos.Blank(cardos.NewMemNV(), rand.Reader, p, transport)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Reset(); err != nil {
		t.Fatal(err)
	}
	send := func(x apdu.Command) []byte {
		raw, err := c.Transmit(x.Bytes())
		if err != nil || len(raw) < 2 || raw[len(raw)-2] != 0x90 {
			t.Fatalf("> %X < %X: %v", x.Bytes(), raw, err)
		}
		return raw[:len(raw)-2]
	}
	suite, err := p.Suite()
	if err != nil {
		t.Fatal(err)
	}
	send(fuelcard.ExternalAuthenticate{Cipher: suite.Authenticate(transport, fuelcard.Challenge(send(fuelcard.GetChallenge{Length: 4}.Command())))}.Command())
	send(p.PetrolDF().Command())
	for _, f := range p.PetrolFiles() {
		send(f.Command())
	}
	face := &chip.T0{Card: c}
	return slots{contact{card.T0(face), c, face}}
}

// contact is a slot made of a transport and a card under it.
type contact struct {
	card.Transport
	power card.Slot
	face  card.Slot // TPDUs; nil for a playback
}

func (c contact) Reset() ([]byte, error) { return c.power.Reset() }
func (c contact) Off() error             { return c.power.Off() }

// scripted is a reader whose card is a playback.
func scripted(t *testing.T, script string) slots {
	t.Helper()
	return slots{contact{cardtest.Script(t, "card", script), poweredUp{}, nil}}
}

type poweredUp struct{ card.Slot }

func (poweredUp) Reset() ([]byte, error) { return []byte{0x3B, 0x00}, nil }
func (poweredUp) Off() error             { return nil }

const selects = "> 00A404000CA00000000353494E4F50454300\n< 9000\n"

func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPermitsAreTheActs: what people may allow is what commands are classified by.
func TestPermitsAreTheActs(t *testing.T) {
	t.Parallel()
	var acts []string
	for _, a := range apdu.Acts() {
		acts = append(acts, string(a))
	}
	if got := strings.Join(acts, ","); got != permits {
		t.Errorf("permits %s, acts %s", permits, got)
	}
}

func TestAPDUList(t *testing.T) {
	t.Parallel()
	call(t, "apdu", "list").want(t, cli.OK, "GET-BALANCE", "读余额", "DEBIT-FOR-UNLOCK", "debit", "VERIFY", "pin=", "[purse=]")
	call(t, "apdu", "list", "--psam").want(t, cli.OK, "INIT-SAM-GREY-LOCK", "factors=")
	for _, f := range into[[]shownForm](t, call(t, "apdu", "list", "--json")) {
		if f.Permit == "" && strings.Contains(f.Name, "DEBIT") || f.Permit == "unknown" {
			t.Errorf("%+v", f)
		}
	}
}

func TestAPDUSend(t *testing.T) {
	t.Parallel()
	s := petrolCard(t)
	s.call(t, "", "apdu", "send", "GET-BALANCE").want(t, cli.OK, "> 805C000104  读余额", "< 000000009000", "余额=0.00", "ATR 3B66")
	s.call(t, "", "apdu", "send", "GET-BALANCE", "purse=1", "--lang", "en").want(t, cli.OK, "GET BALANCE", "balance=0.00")
	s.call(t, "", "apdu", "send", "80", "5c", "00", "01", "04").want(t, cli.OK, "余额=0.00")
	s.call(t, "", "apdu", "send", "GET-BALANCE", "--select", "none").want(t, cli.OK, "< 6A82", "文件未找到")
	s.call(t, "", "apdu", "send", "00A40000023F00").want(t, cli.OK, "文件控制信息")
	got := into[[]shownExchange](t, s.call(t, "", "apdu", "send", "GET-BALANCE", "--json"))
	if len(got) != 1 || got[0].Command != "805C000104" || got[0].Answer != "000000009000" || !strings.Contains(got[0].Meaning, "余额=0.00") {
		t.Errorf("%+v", got)
	}
	for _, bad := range [][]string{{"GET-MONEY"}, {"GET-BALANCE", "purse=9"}, {"GET-BALANCE", "purse"}, {"805C"}, {"80"}, {"GET-BALANCE", "--select", "moon"},
		{"GET-BALANCE", "--permit", "everything"}} {
		s.call(t, "", append([]string{"apdu", "send"}, bad...)...).want(t, cli.Usage, "E201")
	}
}

// TestAPDUPermit: what may change a card is not sent without leave; nothing of the script is. The answer of a card that
// was never asked would fail the playback.
func TestAPDUPermit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ command, permit string }{
		{"VERIFY pin=999999", "pin"}, {"0020000003999999", "pin"}, {"00200000", "pin"}, {"805200000B2026112209000001020304", "load"},
		{"E07E08011B" + strings.Repeat("00", 27), "debit"}, {"841E000004 01020304", "block"}, {"04D6950005 0001020304", "write"},
		{"80E03F0107 00112233445566", "personalise"}, {"0082000008 0102030405060708", "auth"}, {"80FF000000", "unknown"}, {"04B0950004", "unknown"},
	} {
		path := written(t, "> GET-BALANCE\n> "+c.command+"\n")
		for _, permit := range []string{"", others(c.permit)} {
			r := scripted(t, "").call(t, "", "apdu", "script", path, "--permit", permit).want(t, cli.Permission, "E606", "一条也未发送", "--permit="+c.permit)
			if strings.Contains(r.out+r.err, "999999") {
				t.Errorf("a PIN is shown: %s", r.err)
			}
		}
	}
	scripted(t, selects+"> 805C000104\n< 000000009000\n> 0020000003999999\n< 63C2").
		call(t, "> GET-BALANCE\n> VERIFY pin=999999", "apdu", "script", "-", "--permit", "pin").want(t, cli.OK, "> 0020000003******", "还可试 2 次")
}

// others are all permits but one.
func others(permit string) string {
	var rest []string
	for _, p := range strings.Split(permits, ",") {
		if p != permit {
			rest = append(rest, p)
		}
	}
	return strings.Join(rest, ",")
}

func TestAPDUScript(t *testing.T) {
	t.Parallel()
	s := petrolCard(t)
	good := "> GET-BALANCE purse=1\n< 0000 0000 9000\n> GET-CHALLENGE le=04\n< ????????9000\n# a remark\n> 00B0950000\n"
	s.call(t, good, "apdu", "script", "-").want(t, cli.OK, "< 000000009000")
	s.call(t, "> GET-BALANCE\n< 000000019000\n> GET-CHALLENGE le=04\n", "apdu", "script", "-").want(t, cli.Failed, "E105", "第 1 行", "000000019000", "000000009000")
	s.call(t, "", "apdu", "script", "-").want(t, cli.Usage, "没有命令")
	s.call(t, "< 9000", "apdu", "script", "-").want(t, cli.Usage, "应答之前没有命令")
	s.call(t, "> 0020000003******", "apdu", "script", "-").want(t, cli.Usage, "秘密已隐去")
	s.call(t, "", "apdu", "script", filepath.Join(t.TempDir(), "none")).want(t, cli.Failed, "E103")
	scripted(t, selects+"> 805C000104\n< removed").call(t, "> GET-BALANCE\n> GET-BALANCE", "apdu", "script", "-").want(t, cli.Device, "< removed", "结果未知")
	scripted(t, selects+"> 805C000104\n< removed").call(t, "> GET-BALANCE\n< removed", "apdu", "script", "-").want(t, cli.OK, "< removed")
	scripted(t, "> 00A404000CA00000000353494E4F50454300\n< 6A82").call(t, "> GET-BALANCE", "apdu", "script", "-").want(t, cli.Failed, "--select none")
}

// TestAPDURecordAndReplay: a transcript names no secret, is the same in every run, is replayed to a card and stands for one.
func TestAPDURecordAndReplay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := written(t, "> SELECT-BY-NAME name=A00000000353494E4F504543\n> GET-BALANCE\n> VERIFY pin=999999\n> READ-BINARY sfi=15\n")
	var texts [2]string
	for i := range texts {
		path := filepath.Join(dir, string(rune('a'+i)))
		petrolCard(t).call(t, "", "apdu", "record", script, "--permit", "pin", "--out", path).want(t, cli.OK)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(text)
	}
	if texts[0] != texts[1] || strings.Contains(texts[0], "999999") || !strings.Contains(texts[0], "> 0020000003******") {
		t.Errorf("two runs:\n%s\n%s", texts[0], texts[1])
	}
	a := filepath.Join(dir, "a")
	s := petrolCard(t)
	s.call(t, "", "apdu", "record", script, "--permit", "pin", "--out", a).want(t, cli.Failed, "E104")
	s.call(t, "", "apdu", "replay", a, "--permit", "pin", "--pin", "999999").want(t, cli.OK, "> 805C000104")
	s.call(t, "", "apdu", "replay", a, "--permit", "pin").want(t, cli.Usage, "秘密已隐去")
	s.call(t, "", "apdu", "replay", a, "--pin", "999999").want(t, cli.Permission, "--permit=pin")
	call(t, "apdu", "replay", a, "--script", script).want(t, cli.OK, "> 805C000104")
	call(t, "apdu", "describe", "--file", a).want(t, cli.OK, "余额=0.00", "******")

	short := written(t, "> SELECT-BY-NAME name=A00000000353494E4F504543\n> GET-BALANCE\n")
	call(t, "apdu", "replay", a, "--script", short).want(t, cli.Failed, "E105", "还有 2 条未用")
	other := written(t, "> SELECT-BY-NAME name=A00000000353494E4F504543\n> GET-BALANCE purse=2\n")
	call(t, "apdu", "replay", a, "--script", other).want(t, cli.Failed, "脚本发出", "805C000204")
	call(t, "apdu", "replay", written(t, "> 805C000104\n"), "--script", written(t, "> GET-BALANCE\n")).want(t, cli.Failed, "没有确定的应答")
	changed := written(t, strings.Replace(texts[0], "< 000000009000", "< 000000019000", 1))
	s.call(t, "", "apdu", "replay", changed, "--permit", "pin", "--pin", "999999").want(t, cli.Failed, "E105", "用了 1 条")
	torn := written(t, "> 805C000104\n< removed\n> 805C000104\n< 000000009000\n")
	scripted(t, "> 805C000104\n< removed").call(t, "", "apdu", "replay", torn).want(t, cli.Device, "用了 1 条")
	longer := written(t, "> 805C000104\n< 000000009000\n")
	call(t, "apdu", "replay", longer, "--script", written(t, "> GET-BALANCE\n> GET-BALANCE\n")).want(t, cli.Failed, "记录已用完")
}

func TestAPDUDescribe(t *testing.T) {
	t.Parallel()
	call(t, "apdu", "describe", "805C000104", "0000271090 00").want(t, cli.OK, "余额=100.00")
	call(t, "apdu", "describe", "--psam", "E046000004 00000001").want(t, cli.OK, "PSAM 取 GMAC")
	r := call(t, "apdu", "describe", "0020000003123456").want(t, cli.OK, "校验密码", "******")
	if strings.Contains(r.out, "123456") {
		t.Errorf("a PIN is shown: %s", r.out)
	}
	call(t, "apdu", "describe", "80FF0000031234 56").want(t, cli.OK, "未知命令", "80FF000003******")
	call(t, "apdu", "describe", "GET-BALANCE").want(t, cli.OK, "805C000104")
	call(t, "apdu", "describe", "nothing").want(t, cli.Usage, "NOTHING")
	call(t, "apdu", "describe").want(t, cli.Usage, "--file")
	call(t, "apdu", "describe", "80", "9").want(t, cli.Usage, "E201")
}

// TestAPDUWithoutReaders: this build has none, and says so with what to do.
func TestAPDUWithoutReaders(t *testing.T) {
	t.Parallel()
	for _, c := range [][]string{{"send", "GET-BALANCE"}, {"send", "GET-BALANCE", "--reader", "x"}, {"script", written(t, "> GET-BALANCE")},
		{"record", written(t, "> GET-BALANCE")}, {"replay", written(t, "> 805C000104\n< 9000")}} {
		run(t, nil, "", append([]string{"apdu"}, c...)...).want(t, cli.Device, "E401", "-tags pcsc", "以 -tags pcsc 重新编译")
	}
	slots{}.call(t, "", "apdu", "send", "GET-BALANCE").want(t, cli.Device)
}

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greylock/cmd/internal/cli"
	"greylock/emulators/cardos"
	"greylock/emulators/chip"
	"greylock/fixtures"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

const testNumber = "01000114400000123456"

// TestCardNew: every kind under every profile is made, shown and listed.
func TestCardNew(t *testing.T) {
	t.Parallel()
	for _, p := range fuelcard.Profiles() {
		for _, k := range kinds {
			t.Run(p.Name+" "+k.name, func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(t.TempDir(), "card.img")
				args, number := []string{"card", "new", path, "--kind", k.name, "--profile", p.Name, "--json"}, ""
				if k.kind != 0 {
					number = fmt.Sprintf("0100%02X14400%09d", k.kind, 42)
					args = append(args, "--asn", number)
				}
				code, out, stderr := call(t, args...)
				var s shown
				if err := json.Unmarshal([]byte(out), &s); code != cli.OK || err != nil || s.Profile != p.Name || s.Number != number {
					t.Fatalf("exit %d, %v:\n%s%s", code, err, out, stderr)
				}
				if again, shown, stderr := call(t, "card", "show", path, "--json"); again != cli.OK || shown != out {
					t.Errorf("exit %d:\n%s%s", again, shown, stderr)
				}
				if code, text, stderr := call(t, "card", "dump", path); code != cli.OK || !strings.Contains(text, "1PAY.SYS.DDF01") {
					t.Errorf("exit %d:\n%s%s", code, text, stderr)
				}
			})
		}
	}
}

// TestCardNewRefuses: what is wrong is named, and no file is left.
func TestCardNewRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	there := filepath.Join(dir, "there.img")
	if err := os.WriteFile(there, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		args []string
		code cli.Exit
		says string
	}{
		"no file":        {nil, cli.Usage, "accepts 1 arg"},
		"kind":           {[]string{dir + "/x", "--kind", "credit"}, cli.Usage, "credit"},
		"profile":        {[]string{dir + "/x", "--profile", "visa"}, cli.Usage, "visa"},
		"no number":      {[]string{dir + "/x", "--kind", "user"}, cli.Usage, "--asn"},
		"short number":   {[]string{dir + "/x", "--kind", "user", "--asn", testNumber[1:]}, cli.Usage, "19"},
		"other kind":     {[]string{dir + "/x", "--kind", "psam", "--asn", testNumber}, cli.Usage, "10"},
		"other version":  {[]string{dir + "/x", "--kind", "user", "--asn", "01000124400000123456"}, cli.Usage, "version 1"},
		"number, blank":  {[]string{dir + "/x", "--asn", testNumber}, cli.Usage, "没有卡号"},
		"date":           {[]string{dir + "/x", "--kind", "user", "--asn", testNumber, "--to", "2036"}, cli.Failed, "2036"},
		"there":          {[]string{there}, cli.Failed, "there.img"},
		"no directory":   {[]string{dir + "/none/x"}, cli.Failed, "none"},
		"show nothing":   {[]string{"show", dir + "/x"}, cli.Failed, "x"},
		"show no image":  {[]string{"show", there}, cli.Failed, "not a chip image"},
		"dump no image":  {[]string{"dump", there}, cli.Failed, "not a chip image"},
		"dump no memory": {[]string{"dump", empty(t, dir)}, cli.Failed, "没有文件"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			if len(c.args) == 0 || c.args[0] != "show" && c.args[0] != "dump" {
				c.args = append([]string{"new"}, c.args...)
			}
			code, out, stderr := call(t, append([]string{"card"}, c.args...)...)
			if code != c.code || !strings.Contains(stderr, c.says) || !strings.Contains(stderr, "下一步") {
				t.Errorf("exit %d:\n%s%s", code, out, stderr)
			}
		})
	}
	t.Cleanup(func() {
		if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
			t.Errorf("left behind: %v %v", left, err)
		}
		if mine, err := os.ReadFile(there); err != nil || string(mine) != "mine" {
			t.Errorf("a file that was there is %q now (%v)", mine, err)
		}
	})
}

// empty is an image of a memory that never was a card.
func empty(t *testing.T, dir string) string {
	path := filepath.Join(dir, "empty.img")
	if err := (chip.Image{Kind: chip.CardImage, Profile: "national", Memory: make([]byte, 2048)}).Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCardShow tells of a card with money that is grey, and neither it nor the dump tells a key, the session key of the lock
// or the PIN.
func TestCardShow(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "card.img")
	if code, _, stderr := call(t, "card", "new", path, "--kind", "user", "--asn", testNumber); code != cli.OK {
		t.Fatal(stderr)
	}
	p := fuelcard.National()
	nv, err := chip.OpenFiled(path, chip.CardImage, p.Name)
	if err != nil {
		t.Fatal(err)
	}
	secrets := serve(t, cardos.New(nv, strings.NewReader(strings.Repeat("r", 64)), p), p)
	code, out, stderr := call(t, "card", "show", path)
	for _, want := range []string{testNumber, "100.00, 0.00", "灰锁 (grey locked)", "PSAM TTC 18", "1, 1", "可用"} {
		if code != cli.OK || !strings.Contains(out, want) {
			t.Errorf("exit %d, no %q:\n%s%s", code, want, out, stderr)
		}
	}
	_, list, _ := call(t, "card", "dump", path)
	_, inJSON, _ := call(t, "card", "dump", path, "--json")
	for _, s := range append(secrets, fmt.Sprintf("%X", []byte(p.DefaultPIN))) {
		if strings.Contains(strings.ToUpper(out+list+inJSON), s) {
			t.Errorf("a secret is shown: %s", s)
		}
	}
	if !strings.Contains(list, "key FE id 01") || !strings.Contains(list, hidden) {
		t.Errorf("no masked keys:\n%s", list)
	}
	var lines []dumpLine
	if err := json.Unmarshal([]byte(inJSON), &lines); err != nil || len(lines) < 20 {
		t.Errorf("%d lines: %v", len(lines), err)
	}
}

// serve loads the card and locks it grey; it returns the keys in hexadecimal that took part, whole and halved.
func serve(t *testing.T, c *cardos.Card, p fuelcard.Profile) (secrets []string) {
	t.Helper()
	ask := func(cmd apdu.Command) []byte {
		t.Helper()
		raw, err := c.Transmit(cmd.Bytes())
		if err != nil || len(raw) < 2 || raw[len(raw)-2] != 0x90 {
			t.Fatalf("%X: %X %v", cmd.Bytes(), raw, err)
		}
		return raw[:len(raw)-2]
	}
	if _, err := c.Reset(); err != nil {
		t.Fatal(err)
	}
	ask(fuelcard.SelectName{Name: p.AIDPetrol}.Command())
	public, err := fuelcard.ParsePublicData(ask(fuelcard.ReadBinary{SFI: fuelcard.SFIPublic}.Command()))
	if err != nil {
		t.Fatal(err)
	}
	key := func(name string) pboc.Key {
		k := pboc.TDES.Diversify(fixtures.TestKeys().Masters[name], p.Factors(name, public.Issuer, public.ASN)...)
		secrets = append(secrets, fmt.Sprintf("%X", k[:8]), fmt.Sprintf("%X", k[8:]))
		return k
	}
	var tid pboc.TID
	var at [7]byte
	l, err := fuelcard.ParseInitForLoadAnswer(ask(fuelcard.InitForLoad{Purse: fuelcard.ED, KeyID: 1, Amount: 10000, TID: tid}.Command()))
	if err != nil {
		t.Fatal(err)
	}
	ses := pboc.TDES.LoadSession(key("DLK"), l.Rand, l.OnlineSN)
	ask(fuelcard.CreditForLoad{MAC2: pboc.TDES.MAC(ses, fuelcard.LoadMAC2Data(10000, fuelcard.TypeLoadED, tid, at))}.Command())
	ask(fuelcard.Verify{PIN: p.DefaultPIN}.Command())
	i, err := fuelcard.ParseInitGreyLockAnswer(ask(fuelcard.InitGreyLock{Purse: fuelcard.ED, KeyID: 1, TID: tid}.Command()))
	if err != nil {
		t.Fatal(err)
	}
	ses = pboc.TDES.GreySession(key("DPK"), i.Rand, i.CTC, 18, [4]byte{})
	secrets = append(secrets, fmt.Sprintf("%X", ses.Bytes()))
	ask(fuelcard.GreyLock{TTC: 18, MAC1: pboc.TDES.MAC(ses, fuelcard.GreyMAC1Data(fuelcard.TypeGreyED, tid, at))}.Command())
	key("DTK")
	key("DAMK")
	return secrets
}

package fuelcard_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"greylock/fixtures"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

func parse(t *testing.T, s string) apdu.Command {
	t.Helper()
	c, err := apdu.ParseCommand(unhex(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ hex, zh, en string }{
		{"E0 7E 08 01 1B 00001388 0000 134400000001 00000012 20261122 102030 6A81DD13 04",
			"解扣 · 钱包=01 · 金额=50.00 · 脱机序号=0000 · 终端机编号=134400000001 · PSAM交易序号=00000012 · 日期时间=2026-11-22 10:20:30 · GMAC=6A81DD13",
			"DEBIT FOR UNLOCK · purse=01 · amount=50.00 · CTC=0000 · terminal id=134400000001 · PSAM TTC=00000012 · date time=2026-11-22 10:20:30 · GMAC=6A81DD13"},
		{"00 20 00 00 03 731942", "校验密码 · 密钥索引=00 · 密码=***", "VERIFY · key id=00 · PIN=***"},
		{"00 20 00 00 07 73194273194273", "校验密码(格式错误) · 命令头=00 20 00 00 · 数据长度=7", "VERIFY (malformed) · header=00 20 00 00 · data length=7"},
		{"00 99 00 00 03 731942", "未知命令 · 命令头=00 99 00 00 · 数据长度=3", "unknown command · header=00 99 00 00 · data length=3"},
		{"E0 CA 00 00 1E", "取灰锁状态", "GET LOCK PROOF"},
		{"00 A4 04 00 0C A000000003 53494E4F504543", `选择应用 · 名称=A000000003 "SINOPEC"`, `SELECT by name · name=A000000003 "SINOPEC"`},
	} {
		d := fuelcard.Describe(parse(t, c.hex))
		if got := d.Line("zh"); got != c.zh {
			t.Errorf("%s\n got %s\nwant %s", c.hex, got, c.zh)
		}
		if got := d.Line("en"); got != c.en {
			t.Errorf("%s\n got %s\nwant %s", c.hex, got, c.en)
		}
		if s := d.String(); !strings.HasPrefix(s, d.Zh+" "+d.En) {
			t.Errorf("both languages: %s", s)
		}
	}
}

func TestDescribeAnswer(t *testing.T) {
	t.Parallel()
	proof := unhex(t, "01 91 01 00002710 0000 134400000001 20261122102030 36C1D13B 53809007")
	public := fuelcard.PublicData{Issuer: fixtures.TestCards().Issuer, AppType: fuelcard.AppPetrol, ASN: fixtures.TestCards().Users[0]}
	for _, c := range []struct {
		command string
		answer  apdu.Answer
		want    []string
	}{
		{"E0 CA 00 00 1E", apdu.Answer{Data: proof, SW: apdu.OK},
			[]string{"灰锁状态", "lock proof", "灰锁 grey locked", "91 灰锁 grey lock", "100.00", "36C1D13B", "9000"}},
		{"E0 7C 08 00 13 00000012 C3C30002 20261122 102030 3DB5DE4B 08", apdu.Answer{SW: apdu.MACWrong}, []string{"9302 MAC 错误 (MAC wrong)"}},
		{"80 5C 00 01 04", apdu.Answer{Data: []byte{0, 0, 0x27, 0x10}, SW: apdu.OK}, []string{"余额(balance)=100.00"}},
		{"80 5C 00 01 04", apdu.Answer{Data: []byte{1, 2}, SW: apdu.OK}, []string{"数据长度(data length)=2"}},
		{"00 B0 95 00 1E", apdu.Answer{Data: public.Bytes(), SW: apdu.OK}, []string{"卡号(card number)=010001**********3456", "10FFFFFFFFFFFFFF"}},
		{"00 A4 04 00 0C A00000000353494E4F504543", apdu.Answer{Data: fuelcard.FCI{Name: []byte("X"), Public: public.Bytes()}.Bytes(), SW: apdu.OK},
			[]string{"文件控制信息 FCI", "010001**********3456"}},
		{"00 B2 01 C4 17", apdu.Answer{Data: fuelcard.LogRecord{Type: fuelcard.TypeUnlockED, Amount: 5000}.Bytes(), SW: apdu.OK}, []string{"93 解扣", "50.00"}},
		{"00 84 00 00 04", apdu.Answer{Data: []byte{1, 2, 3, 4}, SW: apdu.OK}, []string{"01020304"}},
		{"00 99 00 00", apdu.Answer{SW: apdu.UnknownINS}, []string{"6D00"}},
	} {
		got := fuelcard.DescribeAnswer(parse(t, c.command), c.answer).String()
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q is not in %s", c.command, want, got)
			}
		}
		if strings.Contains(got, "01000114400000123456") {
			t.Errorf("%s: the whole card number is in %s", c.command, got)
		}
	}
}

// TestEveryCommandIsDescribed: a sample of every command has a name and every field of it in both languages.
func TestEveryCommandIsDescribed(t *testing.T) {
	t.Parallel()
	for _, c := range samples() {
		d := fuelcard.Describe(c)
		if strings.Contains(d.En, "unknown") || strings.Contains(d.En, "malformed") {
			t.Errorf("%X: %s", c.Bytes(), d)
		}
		for _, f := range append(d.Fields, apdu.Named{Zh: d.Zh, En: d.En, Value: "x"}) {
			if f.Zh == "" || f.En == "" || f.Value == "" {
				t.Errorf("%X: a field without words: %+v", c.Bytes(), f)
			}
		}
	}
}

// TestSecretsNeverShow prints every command that carries a PIN or a key in every way there is.
func TestSecretsNeverShow(t *testing.T) {
	t.Parallel()
	secrets := []string{"731942", "731943", "5C5C5C", "5c5c5c", "92 92", "115 25", "s\x19B"}
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	var all strings.Builder
	show := func(x any) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&all, verb+"\n", x)
		}
		text, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
		logger.Info("x", "x", x)
	}
	for _, c := range samples() {
		fmt.Fprintln(&all, fuelcard.Describe(c), fuelcard.Hex(c))
	}
	pin := fuelcard.PIN{0x73, 0x19, 0x42}
	record := fuelcard.Keys[0].Record(0, bytes.Repeat([]byte{0x5C}, 16))
	show(pin)
	show(fuelcard.Verify{PIN: pin})
	show(fuelcard.ChangePIN{Old: pin, New: pin})
	show(fuelcard.ReloadPIN{PIN: pin})
	show(record)
	show(fuelcard.WriteKey{KeyRecord: record})
	show(record.Key)
	all.WriteString(log.String())
	for _, s := range secrets {
		if strings.Contains(all.String(), s) {
			t.Errorf("%q shows in\n%s", s, all.String())
		}
	}
	if n := strings.Count(all.String(), "***"); n < 40 {
		t.Errorf("only %d masks: the check would prove nothing", n)
	}
}

func TestHexKeepsTheRest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ hex, want string }{
		{"00 20 00 00 03 731942", "0020000003******"},
		{"80 5E 00 00 07 731942 3226A4AC", "805E000007******3226A4AC"},
		{"80 5C 00 01 04", "805C000104"},
		{"80 5C 00 01 00", "805C000100"},
		{"00 20 00 00 07 73194273194273", "00200000[7]"},
	} {
		if got := fuelcard.Hex(parse(t, c.hex)); got != c.want {
			t.Errorf("%s: %s, want %s", c.hex, got, c.want)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, w := range []func() (string, string){fuelcard.ED.Words, fuelcard.EP.Words, fuelcard.Purse(9).Words, fuelcard.NotGrey.Words,
		fuelcard.Grey.Words, fuelcard.TACUnread.Words, fuelcard.GreyState(9).Words} {
		zh, en := w()
		if zh == "" || en == "" || seen[en] {
			t.Errorf("words %q %q", zh, en)
		}
		seen[en] = true
	}
	for kind := range 0x100 {
		if zh, en := fuelcard.TxType(kind).Words(); zh == "" || en == "" {
			t.Errorf("type %02X has no words", kind)
		}
	}
	if fuelcard.EP.GreyType() != 0x92 || fuelcard.EP.UnlockType() != 0x94 || fuelcard.EP.OnlineType() != 0x96 || fuelcard.EP.LoadType() != 2 || fuelcard.ED.PurchaseType() != 5 {
		t.Error("types of EP")
	}
	if fuelcard.Purse(3).Valid() || !fuelcard.EP.Valid() {
		t.Error("valid purses")
	}
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	national, company := fuelcard.National(), fuelcard.Company()
	cards := fixtures.TestCards()
	asn := cards.Users[0]
	for _, c := range []struct {
		profile fuelcard.Profile
		key     string
		want    string
	}{
		{national, "DPK", "4A03BBCE8D50BD34E09A95A01595BD2D"}, {national, "DLK", "C0D8CE67569A6A2FF856BD724925A274"},
		{company, "DLK", "FA8D5497B1862A1DBD527C570D7E1703"}, {company, "DTK", "1B1F217859672CE885DE7BA7DD379AED"},
	} {
		k := pboc.TDES.Diversify(fixtures.TestKeys().Masters[c.key], c.profile.Factors(c.key, cards.Issuer, asn)...)
		if !bytes.Equal(k[:], unhex(t, c.want)) {
			t.Errorf("%s: card key %s is %X, want %s", c.profile.Name, c.key, k[:], c.want)
		}
	}
	if f := company.Factors("DPK", cards.Issuer, asn); len(f) != 2 || f[0] != asn.Factor() || f[1] != asn.Factor() {
		t.Errorf("company: factors of DPK %X", f)
	}
	if national.MasterOf("DUGK") != "DULK" || national.MasterOf("DPK") != "DPK" {
		t.Error("dugk = same_as_dulk")
	}
	own := national
	own.OwnDUGK, own.IssuerRule = true, fuelcard.IssuerAny
	if own.MasterOf("DUGK") != "DUGK" {
		t.Error("dugk = own")
	}
	odd := pboc.Issuer{0x10, 0xFF, 0xFE}
	if national.IssuerOK(odd) || !own.IssuerOK(odd) || !national.IssuerOK(cards.Issuer) {
		t.Error("issuer_rule")
	}
	for _, name := range []string{"national", "company"} {
		if p, err := fuelcard.ProfileNamed(name); err != nil || p.Name != name {
			t.Errorf("profile %s: %v", name, err)
		}
	}
	if _, err := fuelcard.ProfileNamed("petrochina"); err == nil {
		t.Error("an unknown profile is found")
	}
	if s, err := national.Suite(); err != nil || s != pboc.TDES {
		t.Errorf("suite %v, %v", s, err)
	}
}

func TestKeyTable(t *testing.T) {
	t.Parallel()
	names, places := map[string]bool{}, map[[3]byte]bool{}
	for _, s := range append([]fuelcard.Slot{fuelcard.PINSlot}, fuelcard.Keys...) {
		place := [3]byte{s.Type & fuelcard.KeyTypeMask, s.ID}
		if s.MF {
			place[2] = 1
		}
		if names[s.Name] || places[place] || s.Zh == "" || s.En == "" || s.Purpose == "" {
			t.Errorf("slot %+v is double or has no words", s)
		}
		names[s.Name], places[place] = true, true
		r, err := fuelcard.ParseKeyRecord(s.Record(pboc.AlgSM4, make([]byte, 16)).Bytes())
		if err != nil || s.Transaction() != (r.Par2 == pboc.AlgSM4) || !s.Transaction() && r.Par2 != fuelcard.Retry33 {
			t.Errorf("record of %s: %02X %02X, %v", s.Name, r.Par1, r.Par2, err)
		}
	}
	if len(fuelcard.Keys) != 13 {
		t.Errorf("%d keys, want the 13 names of a user card", len(fuelcard.Keys))
	}
	for name := range fixtures.TestKeys().Masters {
		if _, ok := fuelcard.KeySlot(name); ok != names[name] {
			t.Errorf("KeySlot(%s) = %v", name, ok)
		}
	}
	if !names["DUGK"] || !names["DIK"] {
		t.Error("DUGK or DIK is missing")
	}
}

func TestMadeCard(t *testing.T) {
	t.Parallel()
	p := fuelcard.National()
	if got := p.PetrolDF().Data; !bytes.Equal(got, unhex(t, "38 0600 F3 F3 95 FFFF A00000000353494E4F504543")) {
		t.Errorf("petrol DF %X", got)
	}
	if got := p.KeyFile().Command().Bytes(); !bytes.Equal(got, unhex(t, "80 E0 0000 07 3F 0200 00 F3 FFFF")) {
		t.Errorf("key file %X", got)
	}
	want := []string{"80E00015 07 A8001E F0F0FF83", "80E00016 07 A80029 F0F0FF83", "80E0001B 07 280027 F0F0FF83",
		"80E0001C 07 A80060 F0F0FF83", "80E00018 07 2E0B17 F1EFFF83", "80E00001 07 2F0208 F000FF18"}
	for i, c := range p.PetrolFiles() {
		if got := c.Command().Bytes(); !bytes.Equal(got, unhex(t, want[i])) {
			t.Errorf("file %d\n got %X\nwant %s", i, got, want[i])
		}
	}
	if got := p.DirRecord(); !bytes.Equal(got, unhex(t, "61 17 4F 0C A00000000353494E4F504543 50 07 53494E4F504543")) {
		t.Errorf("DIR %X", got)
	}
	limits := fuelcard.NoLimits()
	if b := limits.Bytes(); len(b) != fuelcard.LimitsLength || bytes.Count(b, []byte{0xFF}) != fuelcard.LimitsLength-15 {
		t.Errorf("no limits: %X", limits.Bytes())
	}
	fci := fuelcard.FCI{Name: []byte(fuelcard.NameMF), DirSFI: 1}.Bytes()
	if !bytes.Equal(fci, unhex(t, "6F15 840E 315041592E5359532E4444463031 A503 880101")) {
		t.Errorf("FCI of the MF %X", fci)
	}
}

// TestSealKey: what card making sends is what the card can open.
func TestSealKey(t *testing.T) {
	t.Parallel()
	master, rand := fixtures.TestKeys().Transport, []byte{1, 2, 3, 4}
	slot, _ := fuelcard.KeySlot("CCK")
	record := slot.Record(0, bytes.Repeat([]byte{7}, 16))
	for _, s := range []pboc.Suite{pboc.TDES, pboc.SM4} {
		c := fuelcard.SealKey(s, master, rand, fuelcard.WriteKey{P1: fuelcard.KeyMaster, KeyRecord: record})
		w, err := fuelcard.ParseSecureWriteKey(c)
		if err != nil || !s.SecureMAC(master, rand, c.MACSpan()).Equal(w.MAC) {
			t.Fatalf("MAC %v", err)
		}
		plain, err := s.Decipher(master, w.Cipher)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := fuelcard.ParseKeyRecord(plain); err != nil || !bytes.Equal(got.Bytes(), record.Bytes()) {
			t.Errorf("key record comes back as %X, %v", plain, err)
		}
	}
}

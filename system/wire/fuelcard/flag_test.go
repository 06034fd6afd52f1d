package fuelcard_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"greylock/fixtures"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

// named are the flags and constants of card.md section 17, in its order, and those that are ours.
const named = `gtac_string psam_tac_string online_mac3 dugk levels factor_order ctc_plus_one strict_ctc unlock_clock ctc_increment
prove_serial tmac_span tmac_alg ttype_tac_bit product_limit region_width fill_unit daily_types log_zero check_digit default_pin
issuer_rule load_in_10 psam_ttc_at psam_ctx_nvm psam_mac2_sw psam_key_sw psam_mismatch_sw psam_purchase_answer certificate_at
aid.petrol aid.loyalty aid.psam_petrol aid.psam_loyalty base_entry c_type list_area_all white_list_rule blacklist_lock
proof_balance proof_wallet never_used_proof grey_scope supplement_ttc clear_other pin_scope pin_unlock balance_pin sm_iv
overdraft_tac_key pin_unblock_p1p2 ep_grey sm4_alg_id
key.index key.version alg limits_layout
key_type.master key_type.maintenance key_type.consume key_type.load key_type.unload key_type.online_unlock key_type.tac
key_type.pin_unblock key_type.pin_reload key_type.overdraft key_type.internal key_type.pin key_type.mask
levels.dpk loyalty_keys pin_length`

func TestFlagTableIsComplete(t *testing.T) {
	t.Parallel()
	var got []string
	for _, f := range fuelcard.Flags() {
		got = append(got, f.Name)
		if f.Zh == "" || f.En == "" || len(f.Values) == 0 || f.Section == "" || len(f.Acts) == 0 {
			t.Errorf("%s: a cell of the row is empty: %+v", f.Name, f)
		}
		if f.Mark != "[ours]" && f.Mark != "[std]" && !strings.HasPrefix(f.Mark, "[src: ") {
			t.Errorf("%s: mark %q", f.Name, f.Mark)
		}
		if f.Field == "" && (len(f.Values) != 1 || f.Form != "") {
			t.Errorf("%s has no field of the profile but %d values", f.Name, len(f.Values))
		}
		if v := fuelcard.National().Value(f.Name); v != f.Default() {
			t.Errorf("%s of the national profile is %q, its default %q", f.Name, v, f.Default())
		}
	}
	want := strings.Fields(named)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("flags\n got %v\nwant %v", got, want)
	}
}

// fields are the fields of a struct, dotted through structs.
func fields(x reflect.Type, prefix string) (all []string) {
	for i := range x.NumField() {
		f := x.Field(i)
		if f.Type.Kind() == reflect.Struct {
			all = append(all, fields(f.Type, prefix+f.Name+".")...)
		} else {
			all = append(all, prefix+f.Name)
		}
	}
	return all
}

func field(p *fuelcard.Profile, dotted string) reflect.Value {
	v := reflect.ValueOf(p).Elem()
	for _, name := range strings.Split(dotted, ".") {
		v = v.FieldByName(name)
	}
	return v
}

// TestFlagsAndProfileAgree: every field but the name belongs to one flag, and every value of a flag can be set, is read
// back and changes that field alone.
func TestFlagsAndProfileAgree(t *testing.T) {
	t.Parallel()
	owner := map[string]string{"Name": "-"}
	for _, f := range fuelcard.Flags() {
		if f.Field != "" {
			if other := owner[f.Field]; other != "" {
				t.Errorf("%s belongs to %s and %s", f.Field, other, f.Name)
			}
			owner[f.Field] = f.Name
		}
		for _, v := range f.Values {
			p, national := fuelcard.National(), fuelcard.National()
			if err := p.Set(f.Name, v); err != nil || p.Value(f.Name) != v {
				t.Errorf("%s = %s: %v, reads %q", f.Name, v, err, p.Value(f.Name))
				continue
			}
			if f.Field == "" {
				continue
			}
			at, was := field(&p, f.Field), field(&national, f.Field)
			if same := reflect.DeepEqual(at.Interface(), was.Interface()); same != (v == f.Default()) {
				t.Errorf("%s = %s leaves %s at %v", f.Name, v, f.Field, at)
			}
			at.Set(was)
			if !reflect.DeepEqual(p, national) {
				t.Errorf("%s = %s changes more than %s", f.Name, v, f.Field)
			}
		}
	}
	for _, name := range fields(reflect.TypeFor[fuelcard.Profile](), "") {
		if owner[name] == "" {
			t.Errorf("Profile.%s has no flag", name)
		}
		delete(owner, name)
	}
	if len(owner) > 0 {
		t.Errorf("flags of fields that are not there: %v", owner)
	}
}

func TestSetRefuses(t *testing.T) {
	t.Parallel()
	for _, f := range fuelcard.Flags() {
		for _, v := range []string{"", "no such value", "ZZ", "A0 \"open"} {
			p := fuelcard.National()
			if err := p.Set(f.Name, v); !errors.Is(err, fuelcard.ErrFlag) || !reflect.DeepEqual(p, fuelcard.National()) {
				t.Errorf("%s = %q: %v", f.Name, v, err)
			}
		}
	}
	p := fuelcard.National()
	for name, v := range map[string]string{"aid.petrol": "A0000003", "default_pin": "11223344556677", "daily_types": "93,93", "key.index": "0101"} {
		if err := p.Set(name, v); !errors.Is(err, fuelcard.ErrFlag) {
			t.Errorf("%s = %q: %v", name, v, err)
		}
	}
	if err := p.Set("gtac", "bal_ctc"); !errors.Is(err, fuelcard.ErrFlag) {
		t.Errorf("a flag that is not there: %v", err)
	}
	if !reflect.DeepEqual(p, fuelcard.National()) || p.Value("gtac") != "" {
		t.Error("a refused value changes the profile")
	}
}

// TestConfigure: another company in a few lines, and what cannot be.
func TestConfigure(t *testing.T) {
	t.Parallel()
	p, err := fuelcard.Configure("national", map[string]string{"aid.petrol": `A000000003 "PETROCHINA"`, "default_pin": "9999", "pin_length": "2",
		"daily_types": "93,95", "key_type.consume": "7A", "key.index": "02"})
	if err != nil || string(p.AIDPetrol) != "\xA0\x00\x00\x00\x03PETROCHINA" || len(p.DefaultPIN) != 2 || len(p.DailyTypes) != 2 || p.KeyID != 2 {
		t.Errorf("%+v, %v", p, err)
	}
	if s, ok := p.KeySlot("DPK"); !ok || s.Type != 0xFA || !p.KeyTypes.Is(s.Type, fuelcard.KeyConsume) {
		t.Errorf("DPK is written as %02X", s.Type)
	}
	if p.Value("default_pin") != "9999" || p.Value("aid.petrol") != `A000000003 "PETROCHINA"` {
		t.Error("a value reads otherwise")
	}
	for _, bad := range []struct {
		name string
		set  map[string]string
	}{
		{"petrochina", nil},
		{"national", map[string]string{"nothing": "on"}},
		{"national", map[string]string{"pin_length": "2"}},
		{"national", map[string]string{"strict_ctc": "on", "ctc_plus_one": "on"}},
		{"national", map[string]string{"key_type.load": "3E"}},
		{"national", map[string]string{"key_type.load": "00"}},
		{"dahua", map[string]string{"dugk": "own"}},
	} {
		if _, err := fuelcard.Configure(bad.name, bad.set); !errors.Is(err, fuelcard.ErrFlag) {
			t.Errorf("%s %v: %v", bad.name, bad.set, err)
		}
	}
	p.Alg = 0x01
	if err := p.Check(); !errors.Is(err, fuelcard.ErrFlag) || !errors.Is(err, pboc.ErrAlg) {
		t.Errorf("single DES: %v", err)
	}
}

func TestEveryProfileIsSound(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range fuelcard.Profiles() {
		if err := p.Check(); err != nil || seen[p.Name] {
			t.Errorf("%s: %v, double %v", p.Name, err, seen[p.Name])
		}
		seen[p.Name] = true
		s, err := p.Suite()
		if sm4 := strings.HasSuffix(p.Name, "-sm4"); err != nil || (s == pboc.SM4) != sm4 || p.WithAlg(pboc.AlgTDES).WithAlg(p.Alg).Name != p.Name {
			t.Errorf("%s: suite %v, %v", p.Name, s, err)
		}
		for _, list := range [][]fuelcard.Slot{p.CardKeys(), p.LoyaltyKeys()} {
			for _, slot := range list {
				class, ok := p.KeyTypes.Class(slot.Type)
				one := p.KeyTypes.Unload == p.KeyTypes.OnlineUnlock && slot.Class == fuelcard.KeyOnlineUnlock // one byte for both
				if !ok || !p.KeyTypes.Is(slot.Type, slot.Class) || class != slot.Class && !one || fuelcard.Transactional(class) != slot.Transaction() {
					t.Errorf("%s: %s is written as %02X, read as class %02X", p.Name, slot.Name, slot.Type, class)
				}
			}
		}
		for _, f := range append(p.LoyaltyFiles(), p.LoyaltyDF(), p.PetrolDF()) {
			if back, err := fuelcard.ParseCreateFile(f.Command()); err != nil || !reflect.DeepEqual(back, f) {
				t.Errorf("%s: %v, %v", p.Name, f, err)
			}
		}
		if dir := p.MFFiles()[0].Data[2]; int(dir) < len(p.DirRecord())+len(p.LoyaltyDirRecord()) {
			t.Errorf("%s: a DIR of %d bytes for entries of %d and %d", p.Name, dir, len(p.DirRecord()), len(p.LoyaltyDirRecord()))
		}
	}
	if len(seen) != 6 {
		t.Errorf("%d profiles", len(seen))
	}
}

// TestKeyTypes are the bytes of card.md 4.1 for both vendors.
func TestKeyTypes(t *testing.T) {
	t.Parallel()
	list := func(p fuelcard.Profile) (b []byte) {
		for _, s := range append(p.CardKeys(), p.PINSlot()) {
			b = append(b, s.Type)
		}
		return b
	}
	if got, want := list(fuelcard.National()), unhex(t, "39 36 F9 FE FF FD F4 F7 F8 FC D9 F6 F0 BA"); !slices.Equal(got, want) {
		t.Errorf("FMCOS\n got %X\nwant %X", got, want)
	}
	if got, want := list(fuelcard.DaHua()), unhex(t, "49 45 49 40 41 46 42 43 44 47 45 48 3A"); !slices.Equal(got, want) {
		t.Errorf("DaHua\n got %X\nwant %X", got, want)
	}
	dahua := fuelcard.DaHua()
	online, _ := dahua.KeySlot("DUGK")
	if !dahua.KeyTypes.Is(online.Type, fuelcard.KeyUnload) || dahua.MasterOf("DUGK") != "DULK" {
		t.Error("DaHua: the online-unlock key is not the unload key")
	}
	if _, ok := dahua.KeyTypes.Class(0xFE); ok {
		t.Error("DaHua takes FMCOS's consume key")
	}
	if fuelcard.FMCOS().Is(0xFE, 0x00) || (fuelcard.KeyTypes{}).Is(0, fuelcard.KeyConsume) {
		t.Error("what is no class is of one")
	}
	if _, ok := dahua.KeySlot("TMAC"); ok {
		t.Error("a PSAM's key has a slot in the card")
	}
}

// TestLoyalty: the second application, its keys and whose masters they have.
func TestLoyalty(t *testing.T) {
	t.Parallel()
	p := fuelcard.National()
	var names []string
	for _, s := range p.LoyaltyKeys() {
		names = append(names, s.Name)
		if again, ok := fuelcard.KeySlot(s.Name); !ok || !reflect.DeepEqual(again, s) || !s.Loyalty || s.MF {
			t.Errorf("slot %+v, by its name %+v", s, again)
		}
	}
	if got := strings.Join(names, " "); got != "LACK LDPK LDLK LDTK LDPUK LDRPK LDUGK LDAMK LDIK" {
		t.Errorf("keys %s", got)
	}
	if p.MasterOf("LDPK") != "DPK" || p.MasterOf("LDUGK") != "DULK" || p.MasterOf("LX") != "LX" {
		t.Error("loyalty_keys = same_as_petrol")
	}
	p.OwnLoyaltyKeys = true
	if p.MasterOf("LDPK") != "LDPK" || p.MasterOf("LDUGK") != "LDUGK" {
		t.Error("loyalty_keys = own")
	}
	if _, ok := fuelcard.KeySlot("LDULK"); ok {
		t.Error("the loyalty application has an unload key")
	}
	if got := p.LoyaltyDF().Command().Bytes(); !slices.Equal(got, unhex(t, "80 E0 3F02 14 38 0600 F3 F3 95 FFFF A000000003 4C4F59414C5459")) {
		t.Errorf("loyalty DF %X", got)
	}
	want := []string{"80E00015 07 A8001E F0F0FF83", "80E00016 07 A80029 F0F0FF83", "80E0001B 07 280027 F0F0FF83",
		"80E00018 07 2E0B17 F1EFFF83", "80E00002 07 2F0208 F000FF18"}
	for i, c := range p.LoyaltyFiles() {
		if got := c.Command().Bytes(); !slices.Equal(got, unhex(t, want[i])) {
			t.Errorf("file %d\n got %X\nwant %s", i, got, want[i])
		}
	}
}

// TestLevels: factors by key, level by level, and as a PSAM is told of them.
func TestLevels(t *testing.T) {
	t.Parallel()
	cards := fixtures.TestCards()
	issuer, f := [8]byte(cards.Issuer), cards.Users[0].Factor()
	for _, c := range []struct {
		dpk, rest    fuelcard.Levels
		key          string
		applied, sam [][8]byte
	}{
		{fuelcard.LevelsIssuerASN, fuelcard.LevelsASN, "DPK", [][8]byte{issuer, f}, [][8]byte{f, issuer}},
		{fuelcard.LevelsIssuerASN, fuelcard.LevelsASN, "LDPK", [][8]byte{issuer, f}, [][8]byte{f, issuer}},
		{fuelcard.LevelsASN, fuelcard.LevelsIssuerASN, "DPK", [][8]byte{f}, [][8]byte{f}},
		{fuelcard.LevelsASNASN, fuelcard.LevelsIssuerASN, "DIK", [][8]byte{issuer, f}, [][8]byte{f, issuer}},
		{fuelcard.LevelsASN, fuelcard.LevelsASNASN, "DTK", [][8]byte{f, f}, [][8]byte{f, f}},
	} {
		p := fuelcard.National()
		p.LevelsDPK, p.Levels = c.dpk, c.rest
		if got := p.Factors(c.key, cards.Issuer, cards.Users[0]); !reflect.DeepEqual(got, c.applied) || p.LevelsOf(c.key) != len(got) {
			t.Errorf("%s of %s, %s: %X in %d levels", c.key, c.dpk, c.rest, got, p.LevelsOf(c.key))
		}
		if got := p.PSAMFactors(c.key, cards.Issuer, cards.Users[0]); !reflect.DeepEqual(got, c.sam) {
			t.Errorf("%s of %s, %s to the PSAM: %X", c.key, c.dpk, c.rest, got)
		}
		p.FactorOrder = fuelcard.AsGiven
		if got := p.PSAMFactors(c.key, cards.Issuer, cards.Users[0]); !reflect.DeepEqual(got, c.applied) {
			t.Errorf("%s of %s, %s as given: %X", c.key, c.dpk, c.rest, got)
		}
	}
}

// TestRules of flags that act on bytes or digits.
func TestRules(t *testing.T) {
	t.Parallel()
	for flag, want := range map[fuelcard.PINLength][]bool{fuelcard.PIN2to6: {false, true, true, true, true, true, false},
		fuelcard.PIN3: {false, false, true, false, false, false, false}, fuelcard.PIN2: {false, true, false, false, false, false, false}} {
		for i, fits := range want {
			if (fuelcard.Profile{PINLength: flag}).PINFits(i+1) != fits {
				t.Errorf("pin_length %s: %d bytes", flag, i+1)
			}
		}
	}
	p, asn := fuelcard.National(), fixtures.TestCards().Users[0]
	if p.TTypeTAC() != 0x10 || p.CTypeOf(asn) != 0 {
		t.Error("T_TYPE bit or C_TYPE by default")
	}
	p.TTypeTACBit, p.CType = 5, fuelcard.CTypeKind
	if p.TTypeTAC() != 0x20 || p.CTypeOf(asn) != fuelcard.CardUser {
		t.Error("ttype_tac_bit = 5, c_type = kind")
	}
	if got := p.Printed(asn); got != "1000114400000123456" {
		t.Errorf("printed %s", got)
	}
	p.CheckDigit = fuelcard.CheckLuhn
	example, err := pboc.ParseASN("00000000007992739871") // 7992739871-3 is the textbook's example of Luhn
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Printed(example); got != "0000000007992739871-3" {
		t.Errorf("printed %s", got)
	}
}

// TestGasLimits is the layout of card.md 3.5 for gas.
func TestGasLimits(t *testing.T) {
	t.Parallel()
	p := fuelcard.National()
	p.LimitsLayout = fuelcard.LimitsGas
	l := fuelcard.NoLimits()
	l.Products, l.FillsPerDay, l.FenPerDay = 0x0003, 5, 50000
	copy(l.Plate[:], "TEST-1")
	b, err := p.LimitsBytes(l)
	if err != nil || len(b) != fuelcard.LimitsLength {
		t.Fatal(len(b), err)
	}
	for _, c := range []struct {
		off  int
		want string
	}{{0, "0003FF"}, {43, "544553542D31"}, {59, "FFFFFFFF"}, {63, "05"}, {64, "0000C350"}, {75, "FFFFFFFFFFFFFFFF"}} {
		if w := unhex(t, c.want); !slices.Equal(b[c.off:c.off+len(w)], w) {
			t.Errorf("at %d: %X, want %s", c.off, b[c.off:c.off+len(w)], c.want)
		}
	}
	if back, err := p.ParseLimits(b); err != nil || !reflect.DeepEqual(back, l) {
		t.Errorf("limits come back as %+v, %v", back, err)
	}
	l.PerFill = 0x0100
	if _, err := p.LimitsBytes(l); !errors.Is(err, fuelcard.ErrNoPerFill) {
		t.Errorf("a per-fill limit: %v", err)
	}
	if _, err := p.ParseLimits(b[:66]); err == nil {
		t.Error("a part of the file is the file")
	}
	if back, err := fuelcard.National().ParseLimits(l.Bytes()); err != nil || back != l {
		t.Errorf("petrol: %+v, %v", back, err)
	}
}

// FuzzSet: a flag that takes a value gives it back in a form that it takes again, and no value shakes anything.
func FuzzSet(f *testing.F) {
	for i, flag := range fuelcard.Flags() {
		for _, v := range flag.Values {
			f.Add(i, v)
		}
	}
	all := fuelcard.Flags()
	f.Fuzz(func(t *testing.T, i int, v string) {
		flag := all[uint(i)%uint(len(all))]
		p := fuelcard.National()
		if p.Set(flag.Name, v) != nil {
			if !reflect.DeepEqual(p, fuelcard.National()) {
				t.Errorf("%s = %q is refused and changes the profile", flag.Name, v)
			}
			return
		}
		again := fuelcard.National()
		if err := again.Set(flag.Name, p.Value(flag.Name)); err != nil || !reflect.DeepEqual(again, p) {
			t.Errorf("%s = %q reads %q: %v", flag.Name, v, p.Value(flag.Name), err)
		}
		_ = p.Check()
	})
}

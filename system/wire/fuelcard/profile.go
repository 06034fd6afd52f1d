package fuelcard

import (
	"fmt"
	"strings"

	"greylock/system/wire/apdu"
	"greylock/system/wire/pboc"
)

// Profile is the set of constants and flags that card, PSAM, terminal and host share. Flags is the table of all of them;
// a gap of card.md 17.1 with one value so far is a rule of the code: it is in the table and has no field here. Fields are
// named after the flags. Source: card.md section 17.
type Profile struct {
	Name string // national, company or dahua; with -sm4 for the SM4 variant

	AIDPetrol      []byte // aid.petrol
	AIDLoyalty     []byte // aid.loyalty
	AIDPSAMPetrol  []byte // aid.psam_petrol
	AIDPSAMLoyalty []byte // aid.psam_loyalty
	KeyID          byte   // key.index: of DPK, DLK, DULK, DUGK, DOLK, DIK
	KeyVersion     byte   // key.version
	Alg            byte   // alg: pboc.AlgTDES or pboc.AlgSM4
	DefaultPIN     PIN    // default_pin: entered silently while the card's PIN flag is 00
	PINLength      PINLength
	LimitsLayout   LimitsLayout

	// Keys.
	KeyTypes       KeyTypes    // key_type.*
	LevelsDPK      Levels      // levels.dpk
	Levels         Levels      // levels: of every other key
	OwnDUGK        bool        // dugk: false = same_as_dulk
	OwnLoyaltyKeys bool        // loyalty_keys: false = same_as_petrol
	FactorOrder    FactorOrder // factor_order: how a PSAM reads the factors of a command

	// The user card.
	GTACString      GTACString
	StrictCTC       bool // strict_ctc
	ProveSerial     ProveSerial
	LogZero         bool // log_zero
	LoadIn10        bool // load_in_10
	ProofBalance    ProofBalance
	NeverUsedProof  apdu.SW // never_used_proof: OK = zeros, or 6985
	GreyScope       GreyScope
	PINScope        PINScope
	PINUnlock       bool // pin_unlock
	BalancePIN      bool // balance_pin
	SMIV8           bool // sm_iv: an 8-byte challenge is accepted beside 4+0
	OverdraftTACKey OverdraftTACKey
	PINUnblock      PINUnblockForm
	EPGrey          bool // ep_grey

	// The PSAM.
	PSAMTTCAt      PSAMTTCAt
	PSAMContextNVM bool    // psam_ctx_nvm
	PSAMMAC2SW     apdu.SW // psam_mac2_sw: 9302, or 63C0 for 63Cx
	PSAMKeySW      apdu.SW // psam_key_sw: 9403 or 6A88
	PSAMMismatchSW apdu.SW // psam_mismatch_sw: 9406 or 6A80
	TMACSpan       int     // tmac_span: 91 or 95
	TMACAlg        TMACAlg

	// The terminal.
	CTCPlusOne    bool // ctc_plus_one
	UnlockClock   UnlockClock
	CertificateAt CertificateAt
	TTypeTACBit   byte // ttype_tac_bit: 4 or 5
	ProductLimit  ProductLimit
	IssuerRule    IssuerRule
	DailyTypes    []TxType // daily_types
	CheckDigit    CheckDigit
	CType         CType
	WhiteListRule WhiteListRule
	BlacklistLock BlacklistLock
}

// PINLength is pin_length: how many bytes a PIN may have. Source: card.md 6.2 (2 to 6); one length only [ours].
type PINLength string

// LimitsLayout is the layout of 001C. Source: card.md 3.5, 17.2.
type LimitsLayout string

// Levels is levels: the factors between a master and a card's key. Source: card.md 4.2, 17.2.
type Levels string

// FactorOrder is factor_order. Source: card.md 4.2, 17.1.
type FactorOrder string

// GTACString is gtac_string. Source: card.md 15.4, 17.1.
type GTACString string

// ProveSerial is prove_serial: the serial that GET TRANSACTION PROVE accepts. Source: card.md 6.2, 17.1.
type ProveSerial string

// ProofBalance is proof_balance: the balance in a lock proof of state 10. Source: card.md 6.4, 17.1.
type ProofBalance string

// GreyScope is grey_scope: what one grey lock stops, the application or one purse. Source: card.md 7.1, 17.1.
type GreyScope string

// PINScope is pin_scope: what the card refuses without PIN. Source: card.md 7.4, 17.1.
type PINScope string

// OverdraftTACKey is overdraft_tac_key: how DTK makes the TAC of UPDATE OVERDRAW LIMIT. Source: card.md 5.1, 17.1.
type OverdraftTACKey string

// PINUnblockForm is pin_unblock_p1p2. Source: card.md 6.2, 17.1.
type PINUnblockForm string

// PSAMTTCAt is psam_ttc_at: when a PSAM's TTC is stored. Source: card.md 8.1, 17.1.
type PSAMTTCAt string

// TMACAlg is tmac_alg: the algorithm of T_MAC. Source: card.md section 14, 17.1.
type TMACAlg string

// UnlockClock is unlock_clock: the time that DEBIT FOR UNLOCK carries. Source: card.md 12.1, 17.1.
type UnlockClock string

// CertificateAt is certificate_at: when the PSAM checks MAC2. Source: card.md 12.1, 17.1.
type CertificateAt string

// ProductLimit is product_limit: how file 001C names products. Source: card.md 3.5, 17.1.
type ProductLimit string

// IssuerRule is issuer_rule: bytes 1..7 of the issuer id. Source: card.md 3.2, 17.1.
type IssuerRule string

// CheckDigit is check_digit: whether a screen shows one behind the card number. Source: card.md 3.8, 17.1.
type CheckDigit string

// CType is c_type: what C_TYPE of the upload record says. Source: card.md section 14, 17.1.
type CType string

// WhiteListRule is white_list_rule: who must be on the white list. Source: card.md section 13, 17.1.
type WhiteListRule string

// BlacklistLock is blacklist_lock: what becomes of a listed card. Source: card.md section 13, 17.1.
type BlacklistLock string

// The values of the flags; the first of each is the default.
const (
	PIN2to6 PINLength = "2-6"
	PIN3    PINLength = "3" // six digits
	PIN2    PINLength = "2"

	LimitsPetrol LimitsLayout = "petrol"
	LimitsGas    LimitsLayout = "gas"

	LevelsIssuerASN Levels = "issuer_asn"
	LevelsASN       Levels = "asn"
	LevelsASNASN    Levels = "asn_asn"

	IssuerFirst FactorOrder = "issuer_first"
	AsGiven     FactorOrder = "as_given"

	GTACBalCTC       GTACString = "bal_ctc"
	GTACFMCOSZero    GTACString = "fmcos_zero"
	GTACFMCOSBalance GTACString = "fmcos_balance"

	ProveEither ProveSerial = "either"
	ProveBefore ProveSerial = "before"
	ProveAfter  ProveSerial = "after"

	BalanceAfter  ProofBalance = "after"
	BalanceBefore ProofBalance = "before"

	GreyApplication GreyScope = "application"
	GreyPurse       GreyScope = "purse"

	PINGreyInit PINScope = "grey_init"
	PINAllPurse PINScope = "all_purse"

	OverdraftXOR    OverdraftTACKey = "xor"
	OverdraftDirect OverdraftTACKey = "direct"

	UnblockBoth  PINUnblockForm = "both"
	Unblock00_01 PINUnblockForm = "00_01"
	UnblockID00  PINUnblockForm = "id_00"

	TTCAtInit        PSAMTTCAt = "init"
	TTCAtCertificate PSAMTTCAt = "certificate"

	TMACRetail  TMACAlg = "retail"
	TMACDESLeft TMACAlg = "des_left"
	TMACXOR     TMACAlg = "xor"

	ClockOfLock UnlockClock = "lock"
	ClockNow    UnlockClock = "now"

	CertificateBeforeFuel CertificateAt = "before_fuel"
	CertificateAtEnd      CertificateAt = "at_end"

	ProductMask16 ProductLimit = "mask16"
	ProductBCD4   ProductLimit = "bcd4"

	IssuerFFTail IssuerRule = "ff_tail"
	IssuerAny    IssuerRule = "any"

	CheckNone CheckDigit = "none"
	CheckLuhn CheckDigit = "luhn_display"

	CTypeFamily CType = "family"
	CTypeKind   CType = "kind"

	WhiteStaffMustMatch WhiteListRule = "staff_must_match"
	WhiteUserNonempty   WhiteListRule = "user_nonempty"

	LockBlockOrHold BlacklistLock = "block_or_hold"
	LockBlockOnline BlacklistLock = "block_online"
	LockRefuseOnly  BlacklistLock = "refuse_only"
)

// NameMF is the name of the MF. Source: card.md 3.1.
const NameMF = "1PAY.SYS.DDF01"

// rid begins every AID seen but PBOC's sample. Source: card.md 3.1.
const rid = "\xA0\x00\x00\x00\x03"

// National is the profile of the Sinopec layout, the default. Source: card.md 17.2.
func National() Profile {
	return Profile{
		Name:      "national",
		AIDPetrol: []byte(rid + "SINOPEC"), AIDLoyalty: []byte(rid + "LOYALTY"),
		AIDPSAMPetrol: []byte(rid + "SINOPEC1"), AIDPSAMLoyalty: []byte(rid + "SINOPEC2"),
		KeyID: 1, KeyVersion: 1, Alg: pboc.AlgTDES, DefaultPIN: PIN{0x99, 0x99, 0x99}, PINLength: PIN2to6, LimitsLayout: LimitsPetrol,
		KeyTypes: FMCOS(), LevelsDPK: LevelsIssuerASN, Levels: LevelsIssuerASN, FactorOrder: IssuerFirst,
		GTACString: GTACBalCTC, ProveSerial: ProveEither, LogZero: true, LoadIn10: true, ProofBalance: BalanceAfter,
		NeverUsedProof: apdu.OK, GreyScope: GreyApplication, PINScope: PINGreyInit, SMIV8: true, OverdraftTACKey: OverdraftXOR,
		PINUnblock: UnblockBoth, EPGrey: true,
		PSAMTTCAt: TTCAtInit, PSAMContextNVM: true, PSAMMAC2SW: apdu.MACWrong, PSAMKeySW: apdu.KeyIndexMissing,
		PSAMMismatchSW: apdu.ProofNotAvailable, TMACSpan: 91, TMACAlg: TMACRetail,
		UnlockClock: ClockOfLock, CertificateAt: CertificateBeforeFuel, TTypeTACBit: 4, ProductLimit: ProductMask16,
		IssuerRule: IssuerFFTail,
		DailyTypes: []TxType{TypeUnlockED, TypeUnlockEP, TypeOnlineED, TypeOnlineEP, TypePurchaseED, TypePurchaseEP},
		CheckDigit: CheckNone, CType: CTypeFamily, WhiteListRule: WhiteStaffMustMatch, BlacklistLock: LockBlockOrHold,
	}
}

// Company is the profile of a one-tier issuer, with the example AIDs of a gas company. Source: card.md 17.2; the AIDs of
// its PSAM [ours].
func Company() Profile {
	p := National()
	p.Name, p.LevelsDPK, p.Levels = "company", LevelsASNASN, LevelsASN
	p.AIDPetrol, p.AIDPSAMPetrol = []byte(rid+"ENN ENERGY"), []byte(rid+"ENN ENERGY1")
	p.AIDLoyalty, p.AIDPSAMLoyalty = []byte(rid+"ENN LOYALTY"), []byte(rid+"ENN ENERGY2")
	return p
}

// DaHua is the profile of a second vendor's card operating system under the national layout: its key-type bytes are
// seen, all else stands on the other side of the default wherever a terminal must live with both. Source: card.md 4.1,
// 17.1; the choice of values [ours].
func DaHua() Profile {
	p := National()
	p.Name, p.KeyTypes = "dahua", daHua()
	p.PINLength, p.PINScope, p.PINUnlock = PIN3, PINAllPurse, true
	p.CTCPlusOne, p.ProveSerial, p.NeverUsedProof, p.PINUnblock = true, ProveAfter, apdu.Conditions, Unblock00_01
	p.PSAMMAC2SW, p.PSAMKeySW, p.PSAMMismatchSW = 0x63C0, apdu.KeyNotFound, apdu.WrongData
	return p
}

// sm4Suffix ends the name of an SM4 variant.
const sm4Suffix = "-sm4"

// WithAlg is the profile with another algorithm id; its name says so. Source: card.md section 16, sm4_alg_id.
func (p Profile) WithAlg(alg byte) Profile {
	p.Alg, p.Name = alg, strings.TrimSuffix(p.Name, sm4Suffix)
	if alg == pboc.AlgSM4 {
		p.Name += sm4Suffix
	}
	return p
}

// Profiles are all profiles, each in 3DES and then each in SM4.
func Profiles() []Profile {
	all := []Profile{National(), Company(), DaHua()}
	for _, p := range all {
		all = append(all, p.WithAlg(pboc.AlgSM4))
	}
	return all
}

// ProfileNamed returns a profile by its name.
func ProfileNamed(name string) (Profile, error) {
	var names []string
	for _, p := range Profiles() {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Profile{}, fmt.Errorf("没有卡片方案 %q, 可选: %s (no card profile of this name)", name, strings.Join(names, " "))
}

// UnblockPIN is PIN UNBLOCK with the P1 and P2 that the profile's cards take. Source: card.md 6.2, pin_unblock_p1p2.
func (p Profile) UnblockPIN(cipher []byte) PINUnblock {
	if p.PINUnblock == UnblockID00 {
		return PINUnblock{P1: PINSlot.ID, Cipher: cipher}
	}
	return PINUnblock{P2: 0x01, Cipher: cipher}
}

// Suite is the profile's arithmetic.
func (p Profile) Suite() (pboc.Suite, error) { return pboc.SuiteFor(p.Alg) }

// levels are those of a card's key: DPK (and the loyalty application's) has its own.
func (p Profile) levels(key string) Levels {
	if key == "DPK" || key == loyalty+"DPK" {
		return p.LevelsDPK
	}
	return p.Levels
}

// LevelsOf is the number of levels between a master and a card's key: the high bits of a PSAM's usage byte.
// Source: card.md 4.1, 4.2.
func (p Profile) LevelsOf(key string) int {
	if p.levels(key) == LevelsASN {
		return 1
	}
	return 2
}

// Factors are the diversification factors of a card's key, in the order in which they are applied. Source: card.md 4.2.
func (p Profile) Factors(key string, issuer pboc.Issuer, asn pboc.ASN) [][8]byte {
	f := asn.Factor()
	switch p.levels(key) {
	case LevelsASN:
		return [][8]byte{f}
	case LevelsASNASN:
		return [][8]byte{f, f}
	}
	return [][8]byte{issuer, f}
}

// PSAMFactors are the same factors as a command to a PSAM lists them: from the inner to the outer level, or as they are
// applied where the PSAM reads them as given. Source: card.md 4.2, 8.1, factor_order.
func (p Profile) PSAMFactors(key string, issuer pboc.Issuer, asn pboc.ASN) [][8]byte {
	f := p.Factors(key, issuer, asn)
	if p.FactorOrder != AsGiven && len(f) == 2 {
		f[0], f[1] = f[1], f[0]
	}
	return f
}

// MasterOf is the name of the master behind a card's key: DUGK is DULK and a key of the loyalty application that of the
// petrol application, unless the profile has its own. Source: card.md 4.1, dugk; loyalty_keys [ours].
func (p Profile) MasterOf(key string) string {
	if s, ok := KeySlot(key); ok && s.Loyalty && !p.OwnLoyaltyKeys {
		key = key[len(loyalty):]
	}
	if key == "DUGK" && !p.OwnDUGK {
		return "DULK"
	}
	return key
}

// IssuerOK applies issuer_rule. Source: card.md 3.2.
func (p Profile) IssuerOK(i pboc.Issuer) bool {
	for _, b := range i[1:] {
		if b != 0xFF && p.IssuerRule == IssuerFFTail {
			return false
		}
	}
	return true
}

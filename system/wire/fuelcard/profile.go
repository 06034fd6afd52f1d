package fuelcard

import (
	"fmt"

	"greylock/system/wire/apdu"
	"greylock/system/wire/pboc"
)

// Profile is the set of constants and flags that card, PSAM, terminal and host share. A gap of card.md 17.1 with one
// value so far is a rule of the code and has no flag here. Fields are named after the flags. Source: card.md section 17.
type Profile struct {
	Name string // national or company

	AIDPetrol     []byte // aid.petrol
	AIDPSAMPetrol []byte // aid.psam_petrol
	KeyID         byte   // index of DPK, DLK, DULK, DUGK, DIK
	KeyVersion    byte
	Alg           byte // pboc.AlgTDES or pboc.AlgSM4
	DefaultPIN    PIN  // default_pin: entered silently while the card's PIN flag is 00

	// Keys.
	OneLevel    bool        // levels: false = issuer, ASN for every key; true = DPK ASN, ASN and the rest ASN
	OwnDUGK     bool        // dugk: false = same_as_dulk
	FactorOrder FactorOrder // factor_order: how a PSAM reads the factors of a command

	// The user card.
	GTACString     GTACString
	StrictCTC      bool // strict_ctc
	ProveSerial    ProveSerial
	LogZero        bool // log_zero
	LoadIn10       bool // load_in_10
	ProofBalance   ProofBalance
	NeverUsedProof apdu.SW // never_used_proof: OK = zeros, or 6985
	PINScope       PINScope
	PINUnlock      bool // pin_unlock
	BalancePIN     bool // balance_pin
	SMIV8          bool // sm_iv: an 8-byte challenge is accepted beside 4+0
	PINUnblock     PINUnblockForm
	EPGrey         bool // ep_grey

	// The PSAM.
	PSAMTTCAt      PSAMTTCAt
	PSAMContextNVM bool    // psam_ctx_nvm
	PSAMMAC2SW     apdu.SW // psam_mac2_sw: 9302, or 63C0 for 63Cx
	PSAMKeySW      apdu.SW // psam_key_sw: 9403 or 6A88
	PSAMMismatchSW apdu.SW // psam_mismatch_sw: 9406 or 6A80

	// The terminal.
	CTCPlusOne    bool // ctc_plus_one
	UnlockClock   UnlockClock
	CertificateAt CertificateAt
	ProductLimit  ProductLimit
	IssuerRule    IssuerRule
	DailyTypes    []TxType // daily_types
}

// FactorOrder is factor_order. Source: card.md 4.2, 17.1.
type FactorOrder string

// GTACString is gtac_string. Source: card.md 15.4, 17.1.
type GTACString string

// ProveSerial is prove_serial: the serial that GET TRANSACTION PROVE accepts. Source: card.md 6.2, 17.1.
type ProveSerial string

// ProofBalance is proof_balance: the balance in a lock proof of state 10. Source: card.md 6.4, 17.1.
type ProofBalance string

// PINScope is pin_scope: what the card refuses without PIN. Source: card.md 7.4, 17.1.
type PINScope string

// PINUnblockForm is pin_unblock_p1p2. Source: card.md 6.2, 17.1.
type PINUnblockForm string

// PSAMTTCAt is psam_ttc_at: when a PSAM's TTC is stored. Source: card.md 8.1, 17.1.
type PSAMTTCAt string

// UnlockClock is unlock_clock: the time that DEBIT FOR UNLOCK carries. Source: card.md 12.1, 17.1.
type UnlockClock string

// CertificateAt is certificate_at: when the PSAM checks MAC2. Source: card.md 12.1, 17.1.
type CertificateAt string

// ProductLimit is product_limit: how file 001C names products. Source: card.md 3.5, 17.1.
type ProductLimit string

// IssuerRule is issuer_rule: bytes 1..7 of the issuer id. Source: card.md 3.2, 17.1.
type IssuerRule string

// The values of the flags; the first of each is the default.
const (
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

	PINGreyInit PINScope = "grey_init"
	PINAllPurse PINScope = "all_purse"

	UnblockBoth  PINUnblockForm = "both"
	Unblock00_01 PINUnblockForm = "00_01"
	UnblockID00  PINUnblockForm = "id_00"

	TTCAtInit        PSAMTTCAt = "init"
	TTCAtCertificate PSAMTTCAt = "certificate"

	ClockOfLock UnlockClock = "lock"
	ClockNow    UnlockClock = "now"

	CertificateBeforeFuel CertificateAt = "before_fuel"
	CertificateAtEnd      CertificateAt = "at_end"

	ProductMask16 ProductLimit = "mask16"
	ProductBCD4   ProductLimit = "bcd4"

	IssuerFFTail IssuerRule = "ff_tail"
	IssuerAny    IssuerRule = "any"
)

// NameMF is the name of the MF. Source: card.md 3.1.
const NameMF = "1PAY.SYS.DDF01"

// rid begins every AID of the national profile. Source: card.md 3.1.
const rid = "\xA0\x00\x00\x00\x03"

// National is the profile of the Sinopec layout, the default. Source: card.md 17.2.
func National() Profile {
	return Profile{
		Name: "national", AIDPetrol: []byte(rid + "SINOPEC"), AIDPSAMPetrol: []byte(rid + "SINOPEC1"),
		KeyID: 1, KeyVersion: 1, Alg: pboc.AlgTDES, DefaultPIN: PIN{0x99, 0x99, 0x99},
		FactorOrder: IssuerFirst,
		GTACString:  GTACBalCTC, ProveSerial: ProveEither, LogZero: true, LoadIn10: true, ProofBalance: BalanceAfter,
		NeverUsedProof: apdu.OK, PINScope: PINGreyInit, SMIV8: true, PINUnblock: UnblockBoth, EPGrey: true,
		PSAMTTCAt: TTCAtInit, PSAMContextNVM: true, PSAMMAC2SW: apdu.MACWrong, PSAMKeySW: apdu.KeyIndexMissing,
		PSAMMismatchSW: apdu.ProofNotAvailable,
		UnlockClock:    ClockOfLock, CertificateAt: CertificateBeforeFuel, ProductLimit: ProductMask16,
		IssuerRule: IssuerFFTail,
		DailyTypes: []TxType{TypeUnlockED, TypeUnlockEP, TypeOnlineED, TypeOnlineEP, TypePurchaseED, TypePurchaseEP},
	}
}

// Company is the profile of a one-tier issuer, with the example AIDs of a gas company. Source: card.md 17.2.
func Company() Profile {
	p := National()
	p.Name, p.OneLevel = "company", true
	p.AIDPetrol, p.AIDPSAMPetrol = []byte(rid+"ENN ENERGY"), []byte(rid+"ENN ENERGY1")
	return p
}

// ProfileNamed returns a profile by its name.
func ProfileNamed(name string) (Profile, error) {
	switch name {
	case "national":
		return National(), nil
	case "company":
		return Company(), nil
	}
	return Profile{}, fmt.Errorf("fuelcard: no profile %q; there are national and company", name)
}

// Suite is the profile's arithmetic.
func (p Profile) Suite() (pboc.Suite, error) { return pboc.SuiteFor(p.Alg) }

// Factors are the diversification factors of a card's key, in the order in which they are applied. Source: card.md 4.2.
func (p Profile) Factors(key string, issuer pboc.Issuer, asn pboc.ASN) [][8]byte {
	f := asn.Factor()
	switch {
	case !p.OneLevel:
		return [][8]byte{issuer, f}
	case key == "DPK":
		return [][8]byte{f, f}
	}
	return [][8]byte{f}
}

// MasterOf is the name of the master behind a card's key: DUGK is DULK unless the profile has its own.
// Source: card.md 4.1, dugk.
func (p Profile) MasterOf(key string) string {
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

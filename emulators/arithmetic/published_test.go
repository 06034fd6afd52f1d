package arithmetic

import (
	"encoding/hex"
	"strings"
	"testing"
)

func h(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func want(t *testing.T, what string, got []byte, hexed string) {
	t.Helper()
	if g := strings.ToUpper(hex.EncodeToString(got)); g != strings.ReplaceAll(hexed, " ", "") {
		t.Errorf("%s: %s, want %s", what, g, hexed)
	}
}

// TestPublished holds this implementation to the values that others have printed. Source: card.md 15.1.
func TestPublished(t *testing.T) {
	k := h("11223344556677888877665544332211")
	ses := tdes.loadSession(k, h("11223344"), h("0000"))
	want(t, "load SES", ses, "9B1D924E05595603")
	want(t, "load MAC1", tdes.macS(ses, h("00000000 00001000 01 001122334455")), "2988AE5A")
	want(t, "load MAC2", tdes.macS(ses, h("00001000 01 001122334455 20111221 214822")), "3A845BF0")
	ses = tdes.purchaseSession(k, h("11223344"), h("0000"), h("00000001"))
	want(t, "purchase SESPK", ses, "003238ABC57659DD")
	want(t, "purchase MAC1", tdes.macS(ses, h("00001000 06 001122334455 20120229135100")), "F15CAB75")
	want(t, "purchase MAC2", tdes.macS(ses, h("00001000")), "56988A13")

	m := h("00112233445566778899AABBCCDDEEFF")
	want(t, "diversify", tdes.diversify(m, h("1122334455667788")), "496BD7A3513644533100B54E71196528")
	cipher := tdes.cipher(m, join(h("13220000"), m, h("80000000")), false)
	want(t, "PSAM WRITE KEY cipher", cipher, "DCC0BB5793ABFCA2CA8C1624822F6E01A86A0B5CBED191DD")
	want(t, "PSAM WRITE KEY MAC", tdes.macR(m, h("5D72B3FD"), h("84D400001C"), cipher), "8A9D4ADB")
	chain := h("5D72B3FD00000000")
	for p := tdes.pad(join(h("84D400001C"), cipher)); len(p) > 0; p = p[8:] {
		chain = desBlock(m[:8], xor(chain, p[:8]), false)
	}
	want(t, "the same data under single DES, the contrast", chain[:4], "6C996864")

	want(t, "FMCOS internal authentication", desBlock(h("1122334455667788"), h("0102030405060708"), false), "178F59F8578E0D3F")
	x := h("0123456789ABCDEFFEDCBA9876543210")
	want(t, "SM4", sm4Block(x, x, false), "681EDF34D206965E86B3E94F536E4246")
	want(t, "SM4 back", sm4Block(x, h("681EDF34D206965E86B3E94F536E4246"), true), "0123456789ABCDEFFEDCBA9876543210")
}

// TestWorkedChain holds it to the computed chain. Source: card.md 15.2, 15.3 A, C, D, F, G, section 16.
func TestWorkedChain(t *testing.T) {
	issuer, asn8, tid := h("10FFFFFFFFFFFFFF"), h("0114400000123456"), h("134400000001")
	dpk := tdes.diversify(h("A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"), issuer, asn8)
	want(t, "DPK", dpk, "4A03BBCE8D50BD34E09A95A01595BD2D")
	dtk := tdes.diversify(h("C0C1C2C3C4C5C6C7C8C9CACBCCCDCECF"), issuer, asn8)
	want(t, "TAC key", tdes.tacKey(dtk), "1EE46F9532C853FF")
	stamp := h("20261122102030")
	ses := tdes.greySession(dpk, h("5A5A0001"), h("0000"), h("00000012"), h("C3C30002"))
	want(t, "grey SESPK", ses, "F98E75B173BDD117")
	want(t, "grey MAC1", tdes.macS(ses, h("91"), tid, stamp), "3DB5DE4B")
	want(t, "grey MAC2", tdes.macS(ses, h("00002710 0000")), "36C1D13B")
	want(t, "GTAC", tdes.tac(dtk, h("00002710 0000 91"), tid, h("00000012"), stamp), "53809007")
	want(t, "GMAC", tdes.macS(ses, h("00001388")), "6A81DD13")
	want(t, "unlock TAC", tdes.tac(dtk, h("00001388 93"), tid, h("00000012"), stamp), "FDF92097")
	sam := tdes.diversify(h("808182838485868788898A8B8C8D8E8F"), h("1014400000000007"))
	want(t, "PSAM-TAC", tdes.tac(sam, h("00001388 93"), tid, h("00000012"), stamp), "2F99CF02")
	dlk := h("C0D8CE67569A6A2FF856BD724925A274")
	want(t, "load SES", tdes.loadSession(dlk, h("A1B2C3D4"), h("0000")), "C9E819A6809FC616")
	want(t, "load TAC", tdes.tac(dtk, h("00002710 0000 00002710 01"), tid, h("20261122093000")), "503B445A")
	want(t, "RELOAD PIN", tdes.tac(h("DB78963A5ADC44F1242C0BDFBF6F1529"), h("123456")), "3226A4AC")
	dpuk := h("3B44489EDC54059D7AB92DE0B64DF131")
	want(t, "PIN UNBLOCK", tdes.enc(dpuk, h("123456")), "9083BC6AB3E169CA")
	want(t, "PIN UNBLOCK MAC", tdes.macR(dpuk, h("11223344"), h("842400010C"), h("9083BC6AB3E169CA")), "9C8DE297")
	rec := h("00000501 00 20261122102355 01000114400000123456 00001388 001388 0000 FDF92097 6A81DD13 2F99CF02" +
		"01001014400000000007 134400000001 00000012 00 10 01 10 02 1020 0002BC 02CA 01 0001E240 FFFFFFFFFFFFFFFFFFFFFF")
	want(t, "T_MAC", tdes.macR(h("707172737475767778797A7B7C7D7E7F"), nil, rec), "152BFCC5")

	dpk = sm4.diversify(h("0123456789ABCDEFFEDCBA9876543210"), issuer, asn8)
	want(t, "SM4 card key", dpk, "B24CBC48A887D0EDA3F95ED4BA0B40EE")
	ses = sm4.greySession(dpk, h("5A5A0001"), h("0000"), h("00000012"), h("C3C30002"))
	want(t, "SM4 grey SESPK", ses, "1BE97365BAE042BF6F4001DD1EDA3EB0")
	want(t, "SM4 MAC1", sm4.macS(ses, h("91"), tid, stamp), "E6D8F7CD")
	want(t, "SM4 MAC2", sm4.macS(ses, h("00002710 0000")), "3F81AD11")
	want(t, "SM4 GMAC", sm4.macS(ses, h("00001388")), "C7AD0F75")
}

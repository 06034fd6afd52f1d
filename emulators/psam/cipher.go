package psam

import (
	"greylock/emulators/chip"
	"greylock/system/wire/apdu"
	"greylock/system/wire/pboc"
	"greylock/system/wire/samcard"
)

// delivered is the key of the next CIPHER_DATA and the MAC under way with it. The zero value is none.
type delivered struct {
	key    pboc.Key
	suite  pboc.Suite // nil: no key
	usage  samcard.Usage
	iv     []byte
	blocks []byte // of a MAC that more blocks follow
}

// maxMAC bounds a MAC of several commands: ten times an upload record.
const maxMAC = 1024

// deliveryKey is DELIVERY_KEY 80 1A usage version: DIK (type 4) with as many factors as the usage has levels, TMAC (08)
// with none, by the profile's tmac_alg. Other keys are not delivered: with the consume key a terminal could make any GMAC by itself.
// Source: card.md 8.1; DIK adr/0003.
func (s *PSAM) deliveryKey(cmd apdu.Command) ([]byte, apdu.SW) {
	s.given = delivered{}
	q, err := samcard.ParseDeliveryKey(cmd)
	if err != nil {
		return nil, status(err)
	}
	k, ok := s.find(exactly(q.Usage, q.KeyVersion))
	switch {
	case !ok, q.Usage.Type() != samcard.UsageTMAC.Type() && q.Usage.Type() != samcard.UsageInternal.Type():
		return nil, s.profile.PSAMKeySW
	case len(q.Factors) != q.Usage.Levels():
		return nil, apdu.WrongLength
	}
	su := s.suite(k)
	s.given = delivered{key: su.Diversify(keyOf(k), s.ordered(q.Factors)...), suite: su, usage: q.Usage}
	if q.Usage.Type() == samcard.UsageTMAC.Type() {
		s.given.key = s.profile.TMACKey(su, s.given.key)
	}
	return nil, apdu.OK
}

// cipherData is CIPHER_DATA 80 FA P1 00: P1 00 enciphers (DIK only; eight bytes as an answer to a challenge), 02 likewise
// whole blocks of which more follow; bit 0 makes a MAC over whole blocks without padding, bit 1 says that more blocks
// follow, bit 2 that an IV comes first. Enciphering has no IV: 6A81. The key stays for the next CIPHER_DATA. 6985 without a
// delivered key. Source: card.md 8.1.
func (s *PSAM) cipherData(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := samcard.ParseCipherData(cmd)
	if err != nil {
		return nil, status(err)
	}
	g := &s.given
	switch {
	case g.suite == nil:
		return nil, apdu.Conditions
	case q.Mode&samcard.CipherMAC != 0:
		return g.mac(q)
	case q.Mode&samcard.CipherWithIV != 0:
		return nil, apdu.FunctionOrBlocked
	case g.usage.Type() != samcard.UsageInternal.Type():
		return nil, apdu.Conditions
	}
	g.iv, g.blocks = nil, nil // a MAC under way is given up
	if len(q.Data) == 8 && q.Mode&samcard.CipherMore == 0 {
		a := g.suite.Authenticate(g.key, [8]byte(q.Data))
		return a[:], apdu.OK
	}
	out, err := g.suite.ECB(g.key, q.Data)
	if err != nil {
		return nil, apdu.WrongLength
	}
	return out, apdu.OK
}

// mac takes the blocks of one command and answers the MAC at the last.
func (g *delivered) mac(q samcard.CipherData) ([]byte, apdu.SW) {
	block, data := g.suite.Block(), q.Data
	if len(data)%block != 0 {
		return nil, apdu.WrongLength
	}
	if q.Mode&samcard.CipherWithIV != 0 {
		g.iv, g.blocks, data = append([]byte(nil), data[:block]...), nil, data[block:]
	}
	if g.iv == nil {
		g.iv = make([]byte, block)
	}
	if len(g.blocks)+len(data) > maxMAC {
		return nil, apdu.NoSpace
	}
	g.blocks = append(g.blocks, data...)
	if q.Mode&samcard.CipherMore != 0 {
		return nil, apdu.OK
	}
	m, err := g.suite.BlockMAC(g.key, g.iv, g.blocks)
	g.iv, g.blocks = nil, nil
	if err != nil {
		return nil, apdu.WrongLength
	}
	return samcard.CipherMACAnswer{MAC: m}.Bytes(), apdu.OK
}

// internalAuthenticate is INTERNAL AUTHENTICATION 00 88 00 kid 08: the PSAM proves itself with DIK of version kid,
// diversified by its own issuer and number; an undiversified key would give away every card's. Source: card.md 8.1.
func (s *PSAM) internalAuthenticate(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := samcard.ParseInternalAuthenticate(cmd)
	switch {
	case err != nil:
		return nil, status(err)
	case len(q.Data) != 8:
		return nil, apdu.WrongLength
	}
	k, ok := s.find(func(k chip.Key) bool { return usage(k).Type() == samcard.UsageInternal.Type() && k.ID == q.KeyID })
	if !ok {
		return nil, s.profile.PSAMKeySW
	}
	number, _, sw := s.own()
	app := s.tree.In(s.df, chip.Binary, 0x0017)
	levels := usage(k).Levels()
	switch {
	case sw != apdu.OK:
		return nil, sw
	case levels < 1 || levels > 2:
		return nil, apdu.Conditions
	case app == nil || app.Size < 9:
		return nil, apdu.FileNotFound
	}
	factors := samcard.Factors{number.Factor(), [8]byte(s.tree.Bytes(app.Body()+1, 8))}
	su := s.suite(k)
	a := su.Authenticate(su.Diversify(keyOf(k), factors[:levels].IssuerFirst()...), [8]byte(q.Data))
	return a[:], apdu.OK
}

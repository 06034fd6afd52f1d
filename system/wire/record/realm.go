package record

import "greylock/system/wire/pboc"

// Marks of the realm that a card and a PSAM carry in band. No province or company has code 99 and no live terminal number
// begins with it. Source: design.md 9.5; card.md 3.2, 3.8.
const (
	trainingMark byte = 0x99 // first byte of the issuer id and of the TID
	liveTID      byte = 0x13 // first byte of a live TID
)

// Issuer is the issuer id of the realm's cards: company (BCD, card.md 3.8) in production, 99 in training; bytes 1..7 are FF.
func (r Realm) Issuer(company byte) pboc.Issuer {
	i := pboc.Issuer{company, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}
	if r == Training {
		i[0] = trainingMark
	}
	return i
}

// TIDPrefix is the first byte of the realm's terminal numbers.
func (r Realm) TIDPrefix() byte {
	if r == Training {
		return trainingMark
	}
	return liveTID
}

// OwnsIssuer reports that a card with this issuer id is of the realm: training and production refuse each other's cards.
func (r Realm) OwnsIssuer(i pboc.Issuer) bool { return (i[0] == trainingMark) == (r == Training) }

// OwnsTID reports that a PSAM with this terminal number is of the realm.
func (r Realm) OwnsTID(t pboc.TID) bool { return (t[0] == trainingMark) == (r == Training) }

// Valid reports one of the two realms.
func (r Realm) Valid() bool { return r == Training || r == Production }

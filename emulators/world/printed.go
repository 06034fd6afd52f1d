package world

// Plastic is what is printed on the cards.
type Plastic interface {
	// PrintedNumber is the 20 digits on a card.
	PrintedNumber(card string) (string, error)
}

// PrintedNumber reads the number off the plastic.
func (w *World) PrintedNumber(name string) (string, error) {
	p, err := w.card(name)
	if err != nil {
		return "", err
	}
	return p.asn.Digits(), nil
}

package world

import (
	"greylock/emulators/psam"
	"greylock/system/card"
	"greylock/system/center"
	"greylock/system/wire/pboc"
)

// Plant is a violation put into a town on purpose: the checker that watches for it must catch it.
type Plant string

// The plants, one or more for each checker. Each stands in for a bug or a liar outside of the product's own source.
const (
	NoPlant      Plant = ""
	PlantMoney   Plant = "balance" // INV-01: a card's memory gains money by itself
	PlantTwice   Plant = "twice"   // INV-02: the world sees a second debit of one lock
	PlantDebit   Plant = "debit"   // INV-03: the PSAM signs another amount than the board asked for
	PlantFree    Plant = "free"    // INV-04: fuel flows, the lock is undone, nothing is paid
	PlantNoFuel  Plant = "no-fuel" // INV-05: the card is debited, the meter did not move
	PlantGap     Plant = "ttc-gap" // INV-06: a PSAM number never reaches the center
	PlantMeter   Plant = "meter"   // INV-08: the meter runs without a record
	PlantNoTAC   Plant = "no-tac"  // INV-09: the center's keys agree with every TAC
	PlantPrice   Plant = "price"   // INV-14: a board sells at a price nobody ordered
	PlantJournal Plant = "journal" // INV-16: one bit of a journal flips on the disk
	PlantRandom  Plant = "random"  // INV-20: one flipped byte on a line makes another run
)

// plantSAM puts a liar before a PSAM.
func (w *World) plantSAM(p *psam.PSAM) card.Slot {
	if w.opt.Plant == PlantDebit {
		return &psam.Liar{PSAM: p, Lie: psam.WrongAmount}
	}
	return p
}

// plantKeys lets the center believe every TAC.
func (w *World) plantKeys(k center.Keys) center.Keys {
	if w.opt.Plant == PlantNoTAC {
		return believer{k}
	}
	return k
}

// believer has keys that agree with whatever a record says.
type believer struct{ center.Keys }

// TMAC is wrong on purpose.
func (b believer) TMAC(data []byte) (pboc.MAC, error) { return b.Keys.TMAC(data) }

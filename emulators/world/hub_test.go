package world

import (
	"math/rand/v2"
	"testing"
	"time"

	"greylock/emulators/hub"
)

// slotOf is the card slot of a dispenser, as the hub's customer fills it.
type slotOf struct {
	p *pump
	c *plastic
}

func (s slotOf) Reset() ([]byte, error) {
	s.p.in, s.c.in = s.c, s.p.nozzle
	s.p.atr()
	return nil, nil
}

func (slotOf) Off() error                      { return nil }
func (slotOf) Transmit([]byte) ([]byte, error) { panic("the board asks the world") }

// TestHubCustomerAtACardDispenser: the customer who comes by itself pays with the card, again and again, until the money is
// spent, and every checker of the town holds.
func TestHubCustomerAtACardDispenser(t *testing.T) {
	t.Parallel()
	w := town(t, Options{})
	p := w.pumps[1]
	c := hub.NewCardCustomer(p.board, slotOf{p, w.cards["张三的卡"]}, "123456", rand.New(rand.NewPCG(1, 1)))
	p.presetMoney = true // it keys yuan
	var act func()
	act = func() {
		next := c.Act(w.now)
		p.settle()
		if p.in != nil && !p.board.View().Card {
			w.rest(p.in.card, &p.in.seat)
			p.in.in, p.in = 0, nil
		}
		w.at(next, act)
	}
	act()
	sold := func() int {
		sales, err := w.Sales("0001")
		if err != nil {
			t.Fatal(err)
		}
		return len(sales)
	}
	if err := w.Until("the money is spent", func() bool { return p.board.View().Prompt.Zh == "余额不足" }, 3*time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := w.Until("the customer leaves", func() bool { return p.in == nil }, time.Hour); err != nil {
		t.Fatal(err)
	}
	if n := sold(); n < 4 {
		t.Errorf("%d sales for 500 yuan", n)
	}
	if _, err := w.Finish(); err != nil {
		t.Error(err)
	}
}

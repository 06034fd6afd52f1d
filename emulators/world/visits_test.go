package world

import (
	"errors"
	"strings"
	"testing"
)

// TestVisits: customers of a scenario come at their times, wait for a taken nozzle, pull the card when told, and one whose
// card is refused leaves with an error that says what he saw.
func TestVisits(t *testing.T) {
	t.Parallel()
	s, err := Parse([]byte(firstSale + `  - {name: 李四的卡, account: "A0002", holder: 李四, pin: "654321", load: "300.00"}
visits:
  - {after_s: 1, card: 张三的卡, nozzle: 1, pin: "123456", preset: 100元}
  - {after_s: 2, card: 李四的卡, nozzle: 1, pin: "654321", preset: 50元}
`))
	if err != nil {
		t.Fatal(err)
	}
	w, err := Start(s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.PlayVisits(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	sales, err := w.Sales("0001")
	if err != nil || len(sales) != 2 || sales[0].Amount != 10000 || sales[1].Amount != 5000 || !sales[1].Posted || !sales[0].TACOK {
		t.Fatalf("sales %+v, %v", sales, err)
	}
	w.scenario.Visits = []Visit{{Card: "李四的卡", Nozzle: 2, PIN: "000000", Preset: "50元"}}
	if err := w.PlayVisits(); !errors.Is(err, ErrVisit) || !strings.Contains(err.Error(), "密码") {
		t.Errorf("a wrong PIN: %v", err)
	}
	w.scenario.Visits = []Visit{{Card: "张三的卡", Nozzle: 2, PIN: "123456", Preset: "50元", PullAfter: "3.00"}}
	if err := w.PlayVisits(); err != nil {
		t.Fatal(err)
	}
	if r, err := w.CardAtDesk("张三的卡"); err != nil || !r.Grey || r.Balance != 40000 {
		t.Errorf("the pulled card: %+v, %v", r, err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

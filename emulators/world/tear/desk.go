package tear

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"

	"greylock/emulators/world"
	"greylock/system/center"
	"greylock/system/exchange"
	"greylock/system/issuing"
	"greylock/system/journal"
	"greylock/system/journal/faultfile"
	"greylock/system/link"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Money of the desk's flows: cash paid in at the start, and what is moved.
const (
	cash  unit.Fen = 20000
	moved unit.Fen = 10000
)

const account = "A0001"

// insert is a visit at the desk, with the holder beside it.
func (x *session) insert() (*issuing.Visit, error) {
	return x.theDesk().InsertPIN(x, way{x, toCard}, x.pin)
}

// settledVisit is an insertion that must leave nothing open.
func (x *session) settledVisit() error {
	v, err := x.insert()
	if err != nil {
		return err
	}
	return v.Unsettled()
}

// paidIn is the town's state with cash in the account.
func paidIn(l *lab) (*state, error) {
	s := l.state()
	x, err := l.open(s, cut{})
	if err != nil {
		return nil, err
	}
	_, err = x.theDesk().TopUp(x, record.TopUpQuestion{Account: account, Amount: cash, Tender: "cash", Receipt: "9101-900001"})
	if err != nil {
		return nil, err
	}
	return s, x.close()
}

func load(x *session) error {
	v, err := x.insert()
	if err != nil {
		return err
	}
	_, err = v.Load(moved)
	return err
}

func unload(x *session) error {
	v, err := x.insert()
	if err != nil {
		return err
	}
	_, err = v.Unload(moved)
	return err
}

// purse is where a customer's money is: in the account, under way under a name at the center, on the card.
type purse struct{ account, named, card unit.Fen }

func (p purse) all() unit.Fen { return p.account + p.card }

// money asks the center, and looks into the card past its commands.
func (l *lab) money(s *state) (p purse, err error) {
	o, err := l.look(s)
	if err != nil {
		return p, err
	}
	p.card = o.Balance
	a, err := asked[center.Statement](l, s, center.PathAccount, center.AskAccount{Account: account})
	if err != nil {
		return p, err
	}
	c, err := asked[center.CardView](l, s, center.PathCard, center.AskCard{ASN: l.card.ASN})
	p.account, p.named = a.Balance, c.Pending+c.Unloading
	return p, err
}

// asked is what the center shows.
func asked[A any](l *lab, s *state, path string, question any) (a A, err error) {
	x, err := l.open(s.clone(), cut{})
	if err != nil {
		return a, err
	}
	line, err := json.Marshal(question)
	if err != nil {
		return a, err
	}
	status, body, err := x.serve(path, line)
	if err != nil || status != http.StatusOK {
		return a, errors.Join(err, fmt.Errorf("%s: %d %s", path, status, body))
	}
	return a, json.Unmarshal(body, &a)
}

// openMove: money that is neither in the account nor on the card has a name at the center.
func openMove(l *lab, from, s *state) error {
	was, err := l.money(from)
	if err != nil {
		return err
	}
	now, err := l.money(s)
	if err != nil {
		return err
	}
	missing := was.all() - now.all()
	if missing != 0 && missing != now.named || now.named != 0 && now.named != moved {
		return fmt.Errorf("M18: %+v, before %+v", now, was)
	}
	return nil
}

// ship brings the desk's journal to the center, as the program does by itself between visits.
func (l *lab) ship(s *state) error {
	disk := faultfile.New()
	disk.Put("journal", l.Outlet.Journal)
	j, _, err := journal.Open(disk, journal.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = j.Close() }() // in memory
	facts := s.desk[len(l.Outlet.Facts):]
	for _, n := range s.acts {
		lines := make([][]byte, 0, n)
		for _, f := range facts[:n] {
			line, err := record.Encode(f)
			if err != nil {
				return err
			}
			lines = append(lines, line)
		}
		facts = facts[n:]
		if _, err := j.Append(lines...); err != nil {
			return err
		}
	}
	x, err := l.open(s, cut{})
	if err != nil {
		return err
	}
	ship := exchange.NewShipper(exchange.ShipperConfig{Site: l.Outlet.ID, Realm: record.Training, Source: j, Rand: rand.New(random(s.sessions, 5))})
	var out link.Outbox
	for ship.Start(s.now, &out); ; {
		fx := out.Take()
		if len(fx.Calls) == 0 {
			break
		}
		for _, c := range fx.Calls {
			status, body, err := x.serve(c.Path, c.Body)
			ship.Answered(s.now, c.ID, status, body, err, &out)
		}
	}
	if st := ship.Status(); st.Pending != 0 || st.Quarantine != "" {
		return fmt.Errorf("M9: the desk's journal does not reach the center: %+v", st)
	}
	return nil
}

// moveSettled checks that account and card hold together what they held, that nothing is open, and that the next move works.
func moveSettled(move func(*session) error, outcome func(before, after unit.Fen) string) func(l *lab, from, s *state) (string, error) {
	return func(l *lab, from, s *state) (string, error) {
		if err := l.ship(s); err != nil {
			return "", err
		}
		was, err := l.money(from)
		if err != nil {
			return "", err
		}
		now, err := l.money(s)
		if err != nil {
			return "", err
		}
		if now.named != 0 || now.all() != was.all() {
			return "", fmt.Errorf("M1, M18: %+v, before %+v", now, was)
		}
		again := s.clone()
		x, err := l.open(again, cut{})
		if err != nil {
			return "", err
		}
		if err := move(x); err != nil {
			return "", fmt.Errorf("the next one: %w", err)
		}
		if err := x.close(); err != nil {
			return "", err
		}
		next, err := l.money(again)
		if err != nil {
			return "", err
		}
		if next.all() != now.all() || next.card == now.card {
			return "", fmt.Errorf("the next one: %+v, before %+v", next, now)
		}
		return outcome(was.card, now.card), nil
	}
}

func loadOutcome(before, after unit.Fen) string {
	switch after - before {
	case 0:
		return "未圈存 not loaded"
	case moved:
		return "已圈存 loaded"
	}
	return "金额有误 wrong amount"
}

func unloadOutcome(before, after unit.Fen) string {
	switch before - after {
	case 0:
		return "未圈提 not unloaded"
	case moved:
		return "已圈提 unloaded"
	}
	return "金额有误 wrong amount"
}

// escaped is a town in which the card was pulled while fuel flowed, and the center knows.
func escaped() world.Scenario {
	s := town
	s.Cards = append([]world.CardPlan(nil), town.Cards...)
	s.Visits = []world.Visit{{AfterSeconds: 2, Card: holder, Nozzle: 1, PIN: "123456", Preset: "满", PullAfter: "1.00"}}
	return s
}

func unlock(x *session) error {
	v, err := x.insert()
	if err != nil {
		return err
	}
	if v.Identity().Proof.State != fuelcard.Grey {
		return nil // freed by the visit before
	}
	_, err = v.Unlock()
	return err
}

// unlockOpen: a grey card's sale is owed at the center, or the card has paid it.
func unlockOpen(l *lab, _, s *state) error {
	o, err := l.look(s)
	if err != nil {
		return err
	}
	owed, state, err := l.owed(s)
	if err != nil {
		return err
	}
	if o.Grey == fuelcard.Grey && state != "owed" {
		return fmt.Errorf("M4: the card is grey, the sale is %s (%v)", state, owed)
	}
	return nil
}

// owed is the one sale of the center's books.
func (l *lab) owed(s *state) (amount unit.Fen, status string, err error) {
	all, err := asked[center.Sales](l, s, center.PathSales, center.AskSales{})
	if err != nil {
		return 0, "", err
	}
	if len(all.Sales) != 1 {
		return 0, "", fmt.Errorf("the books hold %d sales", len(all.Sales))
	}
	return all.Sales[0].Amount, all.Sales[0].State, nil
}

// unlockSettled: the card has paid what the center's record says, once, and the center knows.
func unlockSettled(l *lab, from, s *state) (string, error) {
	if err := l.ship(s); err != nil {
		return "", err
	}
	was, err := l.look(from)
	if err != nil {
		return "", err
	}
	now, err := l.look(s)
	if err != nil {
		return "", err
	}
	amount, status, err := l.owed(s)
	if err != nil {
		return "", err
	}
	if now.Grey != fuelcard.NotGrey || was.Balance-now.Balance != amount || status != "settled" {
		return "", fmt.Errorf("M2, M3: card %02X, paid %v of %v, the sale is %s", byte(now.Grey), was.Balance-now.Balance, amount, status)
	}
	return "已解扣 unlocked", nil
}

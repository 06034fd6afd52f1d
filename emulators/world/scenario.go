package world

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"go.yaml.in/yaml/v3"

	"greylock/system/clock"
	"greylock/system/station"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Scenario is a town as data: who and what is there, and what happens by itself. Codes are quoted strings of digits.
type Scenario struct {
	Name     string        `yaml:"name"`
	Text     string        `yaml:"text"` // what it shows, for people
	Seed     int64         `yaml:"seed"`
	Start    string        `yaml:"start"` // civil, YYYY-MM-DD hh:mm:ss
	Company  string        `yaml:"company"`
	Products []ProductPlan `yaml:"products"`
	Stations []StationPlan `yaml:"stations"`
	Cards    []CardPlan    `yaml:"cards"`
	Visits   []Visit       `yaml:"visits"`
	Calm     bool          `yaml:"calm"` // boards poll each second and frames arrive whole: for stories of days
	Day      *DayPlan      `yaml:"day"`
	Expect   *Expect       `yaml:"expect"`
}

// ProductPlan is one product and its price at the start.
type ProductPlan struct {
	Code  string `yaml:"code"`
	Name  string `yaml:"name"`
	Unit  string `yaml:"unit"`
	Price string `yaml:"price"` // yuan per unit
}

// StationPlan is one station; nozzle i hangs on port i.
type StationPlan struct {
	ID      string   `yaml:"id"`
	Name    string   `yaml:"name"`
	Nozzles []string `yaml:"nozzles"` // product code of nozzle 1, 2, …

	Log int `yaml:"log"` // records that a card dispenser's board holds; 0: 1000

	Hubs []int `yaml:"hubs"` // how many ports each hub has, 8 or 16; none: not said

	RefuseSeconds int `yaml:"refuse_s"` // user cards are refused when the lists are so old; 0: never
	// Plain are plain dispensers that the station runs, on the ports behind; each is the products of its nozzles, whose numbers go on.
	Plain [][]string `yaml:"plain"`
	Tills int        `yaml:"tills"` // card terminals that the station runs for them; in real time they need a PC/SC service
	// Contactor gives each card dispenser's pump a contactor, on one relay board that the station switches.
	Contactor bool `yaml:"contactor"`
	// UPS feeds the station's machine and has a line of its own.
	UPS bool `yaml:"ups"`
	// Tanks have a gauge on a line of its own.
	Tanks []TankPlan `yaml:"tanks"`
}

// Records that a board holds: as many as it must (features.md H8), and enough for what one visit can leave behind.
const (
	usualLog = 1000
	leastLog = 32
)

// protocol is what is spoken on the port with this index.
func (s StationPlan) protocol(i int) station.Protocol {
	if i < len(s.Nozzles) {
		return station.FA
	}
	return station.LF
}

// Visit is one customer's act: at a time after the start, a card to a nozzle for so much fuel.
type Visit struct {
	AfterSeconds int    `yaml:"after_s"`
	Card         string `yaml:"card"`
	Nozzle       int    `yaml:"nozzle"`
	PIN          string `yaml:"pin"`
	Preset       string `yaml:"preset"`     // 200元, 30升, 满
	PullAfter    string `yaml:"pull_after"` // litres after which the card is pulled; "" never
}

// Expect is the closing figures that a run must show.
type Expect struct {
	Sales  int    `yaml:"sales"`
	Amount string `yaml:"amount"` // yuan
}

// ErrScenario wraps every mistake in a scenario file.
var ErrScenario = errors.New("场景文件有误 (scenario file)")

// Load reads and checks a scenario file.
func Load(files fs.FS, name string) (Scenario, error) {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return Scenario{}, fmt.Errorf("%w: %w", ErrScenario, err)
	}
	s, err := Parse(text)
	if err != nil {
		return Scenario{}, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// Parse reads and checks a scenario; unknown keys are errors.
func Parse(text []byte) (Scenario, error) {
	var s Scenario
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&s); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the file is empty")
		}
		return Scenario{}, fmt.Errorf("%w: %w", ErrScenario, err)
	}
	if err := s.check(); err != nil {
		return Scenario{}, fmt.Errorf("%w: %w", ErrScenario, err)
	}
	return s, nil
}

// check names everything that is wrong at once.
func (s Scenario) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if _, err := s.start(); err != nil {
		bad("start %q: want 2026-11-22 08:00:00", s.Start)
	}
	products := map[string]bool{}
	for i, p := range s.Products {
		if !isDigits(p.Code, 4) || products[p.Code] {
			bad("products[%d].code %q: want four digits, quoted, each once", i, p.Code)
		}
		products[p.Code] = true
		if _, err := unit.ParsePrice(p.Price); err != nil {
			bad("products[%d].price: %w", i, err)
		}
	}
	if len(s.Stations) == 0 || len(products) == 0 {
		bad("a town needs at least one product and one station")
	}
	for i, st := range s.Stations {
		st.check(products, func(format string, args ...any) { bad("stations[%d]"+format, append([]any{i}, args...)...) })
	}
	names := map[string]bool{}
	for i, c := range s.Cards {
		if c.Name == "" || names[c.Name] {
			bad("cards[%d].name %q: want a name, each once", i, c.Name)
		}
		names[c.Name] = true
		if err := c.check(); err != nil {
			bad("cards[%d]: %w", i, err)
		}
	}
	if s.Day != nil {
		if err := s.Day.check(); err != nil {
			bad("day: %w", err)
		}
	}
	for i, v := range s.Visits {
		if !names[v.Card] {
			bad("visits[%d].card %q is not in cards", i, v.Card)
		}
	}
	return errors.Join(errs...)
}

// check names what is wrong with a station.
func (s StationPlan) check(products map[string]bool, bad func(format string, args ...any)) {
	if !isDigits(s.ID, 4) || record.SiteID(s.ID) == record.Center {
		bad(".id %q: want four digits, quoted, not 0000", s.ID)
	}
	if s.Log != 0 && (s.Log < leastLog || s.Log > usualLog) {
		bad(".log %d: want %d to %d", s.Log, leastLog, usualLog)
	}
	n := len(s.Nozzles)
	for j, t := range s.Tanks {
		if err := t.check(products); err != nil {
			bad(".tanks[%d]: %w", j, err)
		}
	}
	for j, board := range s.Plain {
		n += len(board)
		for _, code := range board {
			if !products[code] {
				bad(".plain[%d]: product %q is not in products", j, code)
			}
		}
	}
	if n < 1 || n > maxNozzles {
		bad(": %d nozzles, want 1…%d", n, maxNozzles)
	}
	ports := 0
	for _, n := range s.Hubs {
		if ports += n; n != 8 && n != 16 {
			bad(".hubs: %d ports, want 8 or 16", n)
		}
	}
	if n := len(s.Nozzles) + len(s.Plain); len(s.Hubs) > 0 && n > ports {
		bad(".hubs: %d ports for %d boards", ports, n)
	}
	for j, code := range s.Nozzles {
		if !products[code] {
			bad(".nozzles[%d]: product %q is not in products", j, code)
		}
	}
}

// maxNozzles bounds a station: four 16-port hubs (features H2).
const maxNozzles = 64

func (c CardPlan) check() error {
	if c.PIN != "" && (!isDigits(c.PIN, len(c.PIN)) || len(c.PIN) < 4 || len(c.PIN) > 6) {
		return errors.New("pin: want 4 to 6 digits, quoted")
	}
	if c.Load != "" {
		if _, err := unit.ParseFen(c.Load); err != nil {
			return fmt.Errorf("load: %w", err)
		}
	}
	if _, staff := staffKinds[c.Kind]; !staff && c.Kind != "" && c.Kind != "foreign" && c.Kind != "blank" {
		return fmt.Errorf("kind %q: want foreign, blank, employee, test, service or nothing", c.Kind)
	}
	return nil
}

func (s Scenario) start() (clock.Instant, error) {
	var c clock.Civil
	n, err := fmt.Sscanf(s.Start, "%d-%d-%d %d:%d:%d", &c.Year, &c.Month, &c.Day, &c.Hour, &c.Minute, &c.Second)
	if err != nil || n != 6 || c.Instant().Civil() != c {
		return 0, errors.New("not a civil time")
	}
	return c.Instant(), nil
}

func isDigits(s string, n int) bool {
	return len(s) == n && n > 0 && strings.Trim(s, "0123456789") == ""
}

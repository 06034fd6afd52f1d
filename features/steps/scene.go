// Package steps is the step library: what people do and see in a town, as functions that know nothing of the engine that
// calls them. Steps act only through Town; then-steps read only what the product shows.
package steps

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"greylock/emulators/world"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Town is a running world, as steps see it.
type Town = world.Town

// Step is one step: a pattern over its whole text, and a method of the scene it acts in.
type Step struct {
	Pattern string
	Do      any
}

// Scene is one scenario on its way: its town, and what has been seen so far.
type Scene struct {
	// Begin builds the town of this name.
	Begin func(name string) (Town, error)
	Town  Town

	pins     map[string]string
	totals   map[record.Nozzle]unit.Totalizer // before the first insertion
	last     world.SaleShown                  // the sale that "该笔" means
	injected []string                         // faults, as they were said
	refuse   error                            // what the last desk act said no with
	unlocked unit.Fen                         // by the last online unlock
	key      keyRoom
	maker    making
	fake     fakeTerminal
	prices   priceOrder
	shift    shiftScene
	plain    plainOrder
	stop     stopping
	watched  world.Watched // on the live screen
	sold     int           // visits of sellUntil

	backup      []byte          // the last one made
	back        []time.Duration // from each kill until every board answers again
	refusedTank string          // what the station's tank act said no with
}

// station is the one station of the stories.
const station = record.SiteID("0001")

// Limits of waiting. They bound a story, they are not its times: a wait ends as soon as what it waits for is there.
const (
	soon    = 20 * time.Second // a prompt, a key, a card
	filling = 5 * time.Minute
	calm    = 3 * time.Minute // boards idle, everything uploaded and posted
)

// Steps are all steps of the library, bound to the scene.
func (s *Scene) Steps() []Step {
	var all []Step
	for _, group := range [][]Step{s.townSteps(), s.pumpSteps(), s.shownSteps(), s.deskSteps(), s.actSteps(), s.bookSteps(), s.faultSteps(), s.keySteps(), s.makingSteps(), s.alarmSteps(), s.lieSteps(), s.listSteps(), s.priceSteps(), s.tankSteps(), s.modeSteps(), s.gasSteps(), s.startSteps(), s.tillSteps(), s.plainSteps(), s.stopSteps(), s.powerSteps(), s.keeperSteps()} {
		all = append(all, group...)
	}
	return append(append(all, s.wordFaultSteps()...), append(s.hubSteps(), append(s.screenSteps(), s.memorySteps()...)...)...)
}

func (s *Scene) townSteps() []Step {
	return []Step{
		{`^按 "([^"]+)" 建成城镇$`, s.begin},
		{`^过了 (\d+) 秒$`, s.pass},
		{`^一切了结$`, s.settle},
	}
}

// begin builds the town. The cards of scenario files carry the PIN 123456.
func (s *Scene) begin(name string) (err error) {
	s.pins, s.totals = map[string]string{}, map[record.Nozzle]unit.Totalizer{}
	s.Town, err = s.Begin(name)
	return err
}

func (s *Scene) pass(seconds int) { s.Town.Pass(time.Duration(seconds) * time.Second) }

func (s *Scene) settle() error { return s.Town.Settle(calm) }

// pin of a card: the one that it was opened with, or that of the scenario files.
func (s *Scene) pin(card string) string {
	if p, ok := s.pins[card]; ok {
		return p
	}
	return "123456"
}

// nozzle converts what people say into the number of a nozzle.
func nozzle(n int) record.Nozzle { return record.Nozzle(n) }

func (s *Scene) display(n int) world.Display { return s.Town.Query().Display(nozzle(n)) }

// says waits until a dispenser shows a line that contains text.
func (s *Scene) says(n int, text string) error {
	err := s.Town.Until(fmt.Sprintf("%d 号枪提示 %s", n, text), func() bool { return strings.Contains(s.display(n).Message, text) }, soon)
	if err != nil {
		return fmt.Errorf("%d 号枪提示 %q: %w", n, s.display(n).Message, err)
	}
	return nil
}

// money reads yuan as people write them.
func money(text string) (unit.Fen, error) { return unit.ParseFen(text) }

// litres reads litres as people write them, in hundredths.
func litres(text string) (unit.Quantity, error) {
	f, err := unit.ParseFen(text)
	return unit.Quantity(f), err
}

// want compares; the error says both.
func want[T comparable](what string, got, wanted T) error {
	if got != wanted {
		return fmt.Errorf("%s: 是 %v, 应为 %v (is, want)", what, got, wanted)
	}
	return nil
}

var errUnseen = errors.New("此前没有步骤取得该笔交易 (no step has fetched the sale that this step speaks of)")

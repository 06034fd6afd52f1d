package dispenser

import (
	"errors"
	"fmt"
)

// State is one of the nine states of a fuelling point. Source: dispenser.md 4.3.
type State int

// The nine IFSF states, numbered as there.
const (
	Inoperative       State = 1 // offline, or needs a person
	Closed            State = 2 // in contact, not yet confirmed (FA) or not opened by the station (LF)
	Idle              State = 3
	Calling           State = 4 // card in, or nozzle up before fuel
	Authorised        State = 5
	Started           State = 6 // valve open, no pulse yet
	SuspendedStarted  State = 7
	Fuelling          State = 8
	SuspendedFuelling State = 9 // FA: volume unchanged in three reports; LF: valve shut, nozzle up
)

var stateWords = [...][2]string{
	Inoperative: {"离线", "inoperative"}, Closed: {"锁定", "closed"}, Idle: {"空闲", "idle"}, Calling: {"提枪", "calling"},
	Authorised: {"已授权", "authorised"}, Started: {"已授权", "started"}, SuspendedStarted: {"已授权", "suspended"},
	Fuelling: {"加油中", "fuelling"}, SuspendedFuelling: {"待扣款", "suspended"},
}

// Words says the state to people. Source: ux.md ST-02.
func (s State) Words() (zh, en string) {
	if s < Inoperative || s > SuspendedFuelling {
		return "未知", "unknown"
	}
	return stateWords[s][0], stateWords[s][1]
}

// Step is what can happen to a nozzle, in the words of either protocol. Source: dispenser.md 4.3.
type Step int

// The steps.
const (
	StepLost    Step = iota + 1 // no answer any more
	StepGreeted                 // in contact: under control, totals read
	StepOpened                  // the station opens the nozzle
	StepShut                    // the station closes it
	StepHung                    // on the hook, and nothing of a delivery is open
	StepCalled                  // off the hook before fuel; FA: or a card is in
	StepArmed                   // an authorisation is accepted
	StepDropped                 // it is void, and nothing has flowed
	StepValve                   // valve open, no fuel yet
	StepFlow                    // fuel flows
	StepHalted                  // valve shut after fuel, nozzle up
	StepResumed                 // an interrupted delivery goes on under its authorisation
	StepWild                    // fuel flows that nobody has authorised
	StepLocked                  // needs a person: price refused, totals went back
)

var stepWords = [...]string{
	StepLost: "lost", StepGreeted: "greeted", StepOpened: "opened", StepShut: "shut", StepHung: "hung", StepCalled: "called",
	StepArmed: "armed", StepDropped: "dropped", StepValve: "valve open", StepFlow: "flow", StepHalted: "halted",
	StepResumed: "resumed", StepWild: "unauthorised flow", StepLocked: "locked",
}

// String names the step in English.
func (s Step) String() string {
	if s < StepLost || s > StepLocked {
		return fmt.Sprintf("step %d", int(s))
	}
	return stepWords[s]
}

// ErrStep is returned for a step that a nozzle can not make in its state. Where fuel flows, that is an unauthorised delivery.
var ErrStep = errors.New("dispenser: no such step in this state")

// steps is the nozzle model of both protocols: state × step → state. A pair that is not listed is an error.
// Source: dispenser.md 4.3; the closed nozzle and the steps Dropped, Resumed and Locked are ours.
var steps = [...][StepLocked + 1]State{
	Inoperative: {
		StepLost: Inoperative, StepGreeted: Closed, StepLocked: Inoperative, StepHung: Inoperative, StepCalled: Inoperative,
		StepHalted: Inoperative, StepWild: Fuelling,
	},
	Closed: {
		StepLost: Inoperative, StepGreeted: Closed, StepOpened: Idle, StepShut: Closed, StepHung: Closed, StepCalled: Closed,
		StepHalted: Closed, StepResumed: Fuelling, StepWild: Fuelling, StepLocked: Inoperative,
	},
	Idle: {
		StepLost: Inoperative, StepOpened: Idle, StepShut: Closed, StepHung: Idle, StepCalled: Calling, StepArmed: Authorised,
		StepWild: Fuelling, StepLocked: Inoperative,
	},
	Calling: {
		StepLost: Inoperative, StepShut: Closed, StepHung: Idle, StepCalled: Calling, StepArmed: Authorised, StepWild: Fuelling,
		StepLocked: Inoperative,
	},
	Authorised: {
		StepLost: Inoperative, StepHung: Authorised, StepCalled: Authorised, StepArmed: Authorised, StepDropped: Idle,
		StepValve: Started, StepFlow: Fuelling, StepHalted: SuspendedFuelling, StepLocked: Inoperative,
	},
	Started: {
		StepLost: Inoperative, StepHung: Idle, StepCalled: SuspendedStarted, StepDropped: Idle, StepValve: Started,
		StepFlow: Fuelling, StepHalted: SuspendedFuelling, StepLocked: Inoperative,
	},
	SuspendedStarted: {
		StepLost: Inoperative, StepHung: Idle, StepCalled: SuspendedStarted, StepDropped: Idle, StepHalted: SuspendedFuelling,
		StepResumed: Started, StepWild: Fuelling, StepLocked: Inoperative,
	},
	Fuelling: {
		StepLost: Inoperative, StepHung: Idle, StepFlow: Fuelling, StepHalted: SuspendedFuelling, StepLocked: Inoperative,
	},
	SuspendedFuelling: {
		StepLost: Inoperative, StepHung: Idle, StepHalted: SuspendedFuelling, StepResumed: Fuelling, StepWild: Fuelling,
		StepLocked: Inoperative,
	},
}

// Next returns the state after a step; ErrStep for a pair that the model does not list.
func (s State) Next(step Step) (State, error) {
	if s < Inoperative || s > SuspendedFuelling || step < StepLost || step > StepLocked || steps[s][step] == 0 {
		_, en := s.Words()
		return s, fmt.Errorf("%s while %s: %w", step, en, ErrStep)
	}
	return steps[s][step], nil
}

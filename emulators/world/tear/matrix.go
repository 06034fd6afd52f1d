// Package tear tries a power cut at every instant of every conversation with a card: before, inside (at every byte of every
// write of the chip's memory) and after every command, on the user card and on the PSAM, with the programs alive and with
// everything dark, and at every instant of the recovery too. After each the product's own recovery runs, and the money must
// be right. Every point is enumerated, none is drawn. Source: trust.md 2 rows 1 to 7, 16, 17, 24, 4.3.
package tear

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"greylock/emulators/chip"
	"greylock/emulators/world"
	"greylock/system/clock"
	"greylock/system/wire/fuelcard"
)

// flow is one conversation and what must hold after it.
type flow struct {
	name, zh string
	// town is where the first state comes from; nil: the one that all share.
	town func() world.Scenario
	// start is the state in which the conversation begins.
	start func(l *lab) (*state, error)
	// act is the conversation; its error is what the caller of the product's code would see.
	act func(x *session) error
	// back is the next insertion: the product's own recovery. It must end without an error.
	back func(x *session) error
	// open checks a state that a cut has left, the card not being back: what is open has one name.
	open func(l *lab, from, s *state) error
	// passive says that the program does nothing more after an error, so that a pulled card leaves what darkness leaves.
	passive bool
	// settled checks a state after back, and names the outcome.
	settled func(l *lab, from, s *state) (outcome string, err error)
}

// Row is what came of one flow.
type Row struct {
	Flow     string         `json:"flow"`
	Zh       string         `json:"zh"`
	Steps    int            `json:"steps"`    // commands and questions of the conversation
	Cases    int            `json:"cases"`    // cuts of the conversation and of its recovery
	PowerUps int            `json:"power_up"` // cuts of the chips' own recoveries beside them
	Sessions int            `json:"sessions"` // conversations played
	States   int            `json:"states"`   // different states that the cuts have left
	Outcomes map[string]int `json:"outcomes"` // cases by what came of them
	Illegal  []string       `json:"illegal"`  // cases that are not right, the first ones in words
	Wrong    int            `json:"wrong"`    // number of them
}

// maxShown bounds what is told of wrong cases.
const maxShown = 10

// Report is the whole matrix.
type Report struct {
	Rows    []Row   `json:"rows"`
	Cases   int     `json:"cases"`
	Illegal int     `json:"illegal"`
	Seconds float64 `json:"seconds"`
}

// ErrFlow says that there is no flow of a name.
var ErrFlow = errors.New("没有这个流程 (no such flow)")

// Flows are the names, in order.
func Flows() (names []string) {
	for _, f := range flows {
		names = append(names, f.name)
	}
	return names
}

// Run tries the flows named, all of them when none is, with cards of a profile (the zero value is fuelcard.National()). done is called as each ends, in any order.
func Run(profile fuelcard.Profile, done func(Row), names ...string) (Report, error) {
	begin := clock.System{}.Now()
	list := flows
	if len(names) > 0 {
		list = nil
		for _, n := range names {
			i := slices.IndexFunc(flows, func(f flow) bool { return f.name == n })
			if i < 0 {
				return Report{}, fmt.Errorf("%q: %w; %s", n, ErrFlow, strings.Join(Flows(), " "))
			}
			list = append(list, flows[i])
		}
	}
	l, err := labOf(town, profile)
	if err != nil {
		return Report{}, err
	}
	rows, errs := make([]Row, len(list)), make([]error, len(list))
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i, f := range list {
		wg.Go(func() {
			l := l
			if f.town != nil {
				var err error
				if l, err = labOf(f.town(), profile); err != nil {
					errs[i] = fmt.Errorf("tear %s: %w", f.name, err)
					return
				}
			}
			m := newMatrix(l, f)
			errs[i] = m.run()
			rows[i] = m.row
			if done != nil {
				mu.Lock()
				defer mu.Unlock()
				done(m.row)
			}
		})
	}
	wg.Wait()
	r := Report{Rows: rows}
	for _, row := range rows {
		r.Cases += row.Cases
		r.Illegal += row.Wrong
	}
	r.Seconds = float64(clock.System{}.Now().Sub(begin)) / float64(time.Second)
	return r, errors.Join(errs...)
}

// matrix is one flow under way.
type matrix struct {
	*lab
	flow flow
	row  Row
	from *state
	seen map[[32]byte]string // states → what comes of them when nobody cuts any more
	ups  [2]*powerUp         // of card and PSAM
}

func newMatrix(l *lab, f flow) *matrix {
	return &matrix{
		lab: l, flow: f, row: Row{Flow: f.name, Zh: f.zh, Outcomes: map[string]int{}, Illegal: []string{}},
		seen: map[[32]byte]string{}, ups: [2]*powerUp{newPowerUp(), newPowerUp()},
	}
}

func (m *matrix) run() error {
	from, err := m.flow.start(m.lab)
	if err != nil {
		return fmt.Errorf("tear %s: start: %w", m.flow.name, err)
	}
	m.from = from
	end, err := m.clean(from)
	if err != nil {
		return fmt.Errorf("tear %s: without a cut: %w", m.flow.name, err)
	}
	if _, err := m.recover(end); err != nil {
		return fmt.Errorf("tear %s: without a cut: %w", m.flow.name, err)
	}
	left, err := m.cuts(from, m.flow.act, true)
	if err != nil {
		return err
	}
	m.row.Steps = left.steps
	recovered := map[[32]byte]bool{}
	for _, s := range left.states {
		k, err := m.key(s)
		if err != nil {
			return err
		}
		if recovered[k] {
			continue
		}
		recovered[k] = true
		if _, err := m.cuts(s, m.flow.back, !m.flow.passive); err != nil {
			return err
		}
	}
	m.row.States = len(m.seen)
	m.row.PowerUps = m.ups[0].cuts + m.ups[1].cuts
	return nil
}

// clean plays the conversation without a cut.
func (m *matrix) clean(from *state) (*state, error) {
	s := from.clone()
	x, err := m.lab.open(s, cut{})
	if err != nil {
		return nil, err
	}
	if err := m.flow.act(x); err != nil {
		return nil, err
	}
	m.row.Sessions++
	return s, x.close()
}

// left is what the cuts of one conversation leave.
type left struct {
	steps  int
	states []*state
}

// cuts tries a conversation with a cut at every point and judges each case. Without alone only the power is cut.
func (m *matrix) cuts(from *state, act func(*session) error, pulled bool) (l left, err error) {
	s := from.clone()
	x, err := m.lab.open(s, cut{})
	if err != nil {
		return l, err
	}
	x.record = true
	_ = act(x) // a recovery may refuse: that is judged where nobody cuts
	m.row.Sessions++
	l.steps = len(x.steps)
	for i, st := range x.steps {
		for _, v := range []victim{alone, power} {
			if v == alone && (!pulled || st.door == toDisk) {
				continue // a disk that fails stops the program: that is the journal's matter
			}
			points, err := m.points(i, st, v)
			if err != nil {
				return l, fmt.Errorf("%s %s: %w", m.flow.name, st, err)
			}
			for _, p := range points {
				s, err := m.leave(from, act, st, p)
				if err != nil {
					return l, fmt.Errorf("tear %s: %v: %w", m.flow.name, p.cut, err)
				}
				l.states = append(l.states, s)
				m.judge(s, p, st)
			}
		}
	}
	return l, nil
}

// point stands for all cuts of one step that leave the same memory.
type point struct {
	cut   cut
	cases int
	home  int // inside: what the chip's memory becomes
}

// points are the cuts of one step: before and after it, and for a chip every byte of every write, grouped by what its memory
// becomes at power-up.
func (m *matrix) points(at int, st step, v victim) ([]point, error) {
	list := []point{{cut{at: at, when: before, victim: v}, 1, 0}, {cut{at: at, when: after, victim: v}, 1, 0}}
	if len(st.writes) == 0 {
		return list, nil
	}
	up := m.ups[st.door]
	groups := map[int]int{} // home → place in list
	im := newImage(st.pre.chip(st.door))
	for w, wr := range st.writes {
		for n := 0; n <= len(wr.data); n++ {
			if n > 0 {
				im.set(wr.off+n-1, wr.data[n-1])
			}
			home, err := up.home(im)
			if err != nil {
				return nil, fmt.Errorf("write %d byte %d: %w", w, n, err)
			}
			if i, ok := groups[home]; ok {
				list[i].cases++
				continue
			}
			groups[home] = len(list)
			list = append(list, point{cut{at: at, when: inside, victim: v, write: w, bytes: n}, 1, home})
		}
	}
	return list, nil
}

// leave is what one cut leaves, chips powered up: in darkness what was durable, else what the program makes of it.
func (m *matrix) leave(from *state, act func(*session) error, st step, p point) (*state, error) {
	if p.cut.victim == alone {
		return m.play(from, act, p.cut)
	}
	switch p.cut.when {
	case before:
		return st.pre.atRest()
	case inside:
		s := st.pre.clone()
		s.setChip(st.door, m.ups[st.door].known[p.home])
		return s.atRest()
	}
	return st.post.atRest()
}

// play plays a conversation with one cut.
func (m *matrix) play(from *state, act func(*session) error, c cut) (*state, error) {
	s := from.clone()
	x, err := m.lab.open(s, c)
	if err != nil {
		return nil, err
	}
	_ = act(x) // it was cut: what its caller sees is not the point, what is left is
	m.row.Sessions++
	if err := x.close(); err != nil {
		return nil, err
	}
	return s.atRest()
}

// atRest is the state with its chips powered up.
func (s *state) atRest() (_ *state, err error) {
	s = s.clone()
	for _, mem := range []*[]byte{&s.card, &s.sam} {
		if *mem, err = settledMemory(*mem); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// settledMemory is what a memory becomes at power-up.
func settledMemory(cells []byte) ([]byte, error) {
	m := chip.NewMem(len(cells))
	if err := m.SetImage(cells); err != nil {
		return nil, err
	}
	if _, err := chip.Open(m); err != nil {
		return nil, err
	}
	return atRest(m), nil
}

// judge checks a state that a cut has left, and what becomes of it.
func (m *matrix) judge(s *state, p point, st step) {
	m.row.Cases += p.cases
	k, err := m.key(s)
	if err != nil {
		m.wrong(p, st, err)
		return
	}
	outcome, known := m.seen[k]
	if !known {
		if err := m.flow.open(m.lab, m.from, s); err != nil {
			m.wrong(p, st, fmt.Errorf("open: %w", err))
		}
		if outcome, err = m.recover(s); err != nil {
			m.wrong(p, st, err)
			outcome = "illegal"
		}
		m.seen[k] = outcome
	}
	m.row.Outcomes[outcome] += p.cases
}

func (m *matrix) wrong(p point, st step, err error) {
	m.row.Wrong += p.cases
	if len(m.row.Illegal) < maxShown {
		m.row.Illegal = append(m.row.Illegal, fmt.Sprintf("%s: %v (%d cases): %v", st, p.cut, p.cases, err))
	}
}

func (s step) String() string {
	return fmt.Sprintf("%s %02X%02X", doorWords[s.door], s.name[0], s.name[1])
}

// maxInserts bounds how often the card must come back before everything is settled.
const maxInserts = 3

// recover lets the card come back until the product finds nothing open any more.
func (m *matrix) recover(s *state) (string, error) {
	s = s.clone()
	var err error
	for range maxInserts {
		x, openErr := m.lab.open(s, cut{})
		if openErr != nil {
			return "", openErr
		}
		err = m.flow.back(x)
		m.row.Sessions++
		if closeErr := x.close(); closeErr != nil {
			return "", closeErr
		}
		if err == nil {
			break
		}
	}
	if err != nil {
		return "", fmt.Errorf("recovery: %w", err)
	}
	return m.flow.settled(m.lab, m.from, s)
}

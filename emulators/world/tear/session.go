package tear

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"greylock/emulators/cardos"
	"greylock/emulators/chip"
	"greylock/emulators/psam"
	"greylock/system/card"
	"greylock/system/cardmaking"
	"greylock/system/center"
	"greylock/system/clock"
	"greylock/system/issuing"
	"greylock/system/link"
	"greylock/system/terminal"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// door is where one step of a session crosses: to the user card, to the PSAM, to the center, to the program's own disk.
type door byte

const (
	toCard door = iota
	toSAM
	toCenter
	toDisk
)

var doorWords = [...]string{"card", "psam", "center", "disk"}

// when a cut falls, seen from the step that it strikes.
type when byte

const (
	never  when = iota
	before      // the command does not reach the chip, the question not the center
	inside      // in the middle of a write
	after       // it was obeyed, the answer is lost
)

var whenWords = [...]string{"never", "before", "inside", "after"}

// victim is who loses what.
type victim byte

const (
	alone victim = iota // the card is pulled; the PSAM is reset; the line to the center fails
	power               // everything goes dark: both chips and the program
)

var victimWords = [...]string{"alone", "power"}

// cut is one planned cut.
type cut struct {
	at     int // number of the step, from 0
	when   when
	victim victim
	write  int // inside: writes that are whole …
	bytes  int // … and bytes of the next one
}

func (c cut) String() string {
	if c.when == inside {
		return fmt.Sprintf("step %d, %s, write %d byte %d", c.at, victimWords[c.victim], c.write, c.bytes)
	}
	return fmt.Sprintf("step %d, %s, %s", c.at, whenWords[c.when], victimWords[c.victim])
}

// step is one crossing of a clean run: what is durable before it and after it, and what its chip has written meanwhile. In
// darkness nothing goes on, so these are also what a power cut at this step leaves.
type step struct {
	door      door
	name      [2]byte // CLA INS
	pre, post *state
	writes    []write
}

var (
	errDead   = errors.New("tear: the power is off")
	errLine   = errors.New("tear: the line to the center fails")
	errMisses = errors.New("tear: the planned cut did not happen")
)

// session is one time with power: chips, programs and people between two cuts.
type session struct {
	*lab
	s      *state
	plan   cut
	record bool
	steps  []step
	n      int
	hit    bool
	dead   bool
	out    bool // the card was pulled

	userCard *cardos.Card
	userMem  *recorder
	psam     *psam.PSAM
	samMem   *recorder
	host     *center.Core
	desk     *issuing.Desk
	maker    *cardmaking.Maker
	term     *terminal.Terminal
}

// open switches everything on.
func (l *lab) open(s *state, plan cut) (*session, error) {
	x := &session{lab: l, s: s, plan: plan}
	s.sessions++
	s.now = s.now.Add(time.Minute)
	var err error
	if x.userMem, err = memory(s.card); err != nil {
		return nil, err
	}
	if x.samMem, err = memory(s.sam); err != nil {
		return nil, err
	}
	x.userCard = cardos.New(x.userMem, random(s.sessions, 1), l.Profile)
	x.psam = psam.New(x.samMem, random(s.sessions, 2), l.Profile)
	if _, err := x.userCard.Reset(); err != nil {
		return nil, err
	}
	if _, err := x.psam.Reset(); err != nil {
		return nil, err
	}
	x.term = &terminal.Terminal{Brief: true, Card: way{x, toCard}, PSAM: way{x, toSAM}, Profile: l.Profile, Clock: x.Now, Rand: random(s.sessions, 4), Log: ring{x}}
	return x, nil
}

// The programs start when somebody needs them: a terminal's conversation has no use for a desk.

func (x *session) theCenter() *center.Core {
	if x.host == nil {
		x.host = center.New(center.Config{Site: x.Center.ID, Realm: record.Training, Name: "center", Keys: x.Center.Keys, Profile: x.Profile})
		replay(x.s.center, x.host.Apply)
	}
	return x.host
}

func (x *session) theDesk() *issuing.Desk {
	if x.desk == nil {
		x.desk = issuing.New(issuing.Config{
			Site: x.Outlet.ID, Realm: record.Training, Profile: x.Profile, TID: x.DeskTID, Keys: x.Outlet.Keys, Random: random(x.s.sessions, 3),
		})
		replay(x.s.desk, x.desk.Apply)
	}
	return x.desk
}

func (x *session) theMaker() *cardmaking.Maker {
	if x.maker == nil {
		x.maker = cardmaking.New(cardmaking.Config{
			Realm: record.Training, Profile: x.Profile, Company: x.Company, Province: x.Province, Keys: x.Making.Keys, Transport: x.Transport,
		})
		replay(x.s.making, x.maker.Apply)
	}
	return x.maker
}

func memory(image []byte) (*recorder, error) {
	m := chip.NewMem(len(image))
	return &recorder{Mem: m}, m.SetImage(image)
}

func replay(facts []record.Fact, apply func(uint64, record.Fact)) {
	for i, f := range facts {
		apply(uint64(i+1), f)
	}
}

// close switches everything off and keeps what is left. A cut that was planned must have happened.
func (x *session) close() error {
	if x.plan.when != never && !x.hit {
		return errMisses
	}
	*x.s = *x.left()
	return nil
}

// Now is the session's time.
func (x *session) Now() clock.Instant { return x.s.now }

// way is the transport to one of the chips.
type way struct {
	x    *session
	door door
}

// Transmit crosses the wire under the plan.
func (w way) Transmit(command []byte) ([]byte, error) { return w.x.transmit(w.door, command) }

func (x *session) transmit(d door, command []byte) ([]byte, error) {
	switch {
	case x.dead:
		return nil, errDead
	case d == toCard && x.out:
		return nil, card.ErrRemoved
	}
	mem, slot := x.userMem, card.Slot(x.userCard)
	if d == toSAM {
		mem, slot = x.samMem, x.psam
	}
	now := x.cross()
	if now == before {
		return nil, x.strike(d)
	}
	if now == inside {
		mem.CutAfter(x.plan.write, x.plan.bytes)
	}
	x.begin(d, [2]byte(command[:2]))
	from := len(mem.writes)
	answer, err := slot.Transmit(command)
	x.end(mem.writes[from:])
	if now == inside && mem.Disarm() {
		return nil, errMisses
	}
	if now != never {
		return nil, x.strike(d)
	}
	return answer, err
}

// begin and end record a step of a clean run.
func (x *session) begin(d door, name [2]byte) {
	if x.record {
		x.steps = append(x.steps, step{door: d, name: name, pre: x.left()})
	}
}

func (x *session) end(writes []write) {
	if x.record {
		st := &x.steps[len(x.steps)-1]
		st.post, st.writes = x.left(), writes
	}
}

// left is what would be left if everything went dark now.
func (x *session) left() *state {
	s := x.s.clone()
	s.card, s.sam = x.userMem.Image(), x.samMem.Image()
	return s
}

// cross counts a step and tells whether the cut is at it.
func (x *session) cross() when {
	x.n++
	if x.plan.when != never && x.plan.at == x.n-1 {
		x.hit = true
		return x.plan.when
	}
	return never
}

// strike lets the victim lose its power.
func (x *session) strike(d door) error {
	if x.plan.victim == power {
		x.dead = true
		_ = x.userCard.Off()
		_ = x.psam.Off()
		return errDead
	}
	if d == toCard {
		x.out = true
		_ = x.userCard.Off()
		return card.ErrRemoved
	}
	if _, err := x.psam.Reset(); err != nil {
		return err
	}
	return card.ErrMute
}

// Append makes facts of the desk durable.
func (x *session) Append(facts ...record.Fact) error {
	return x.disk(func() {
		x.s.acts = append(x.s.acts, len(facts))
		keep(&x.s.desk, x.theDesk().Apply, facts)
	})
}

// disk is one durable step of a program: the power may go before it and after it.
func (x *session) disk(write func()) error {
	if x.dead {
		return errDead
	}
	now := x.cross()
	if now == before {
		return x.strike(toDisk)
	}
	x.begin(toDisk, [2]byte{})
	write()
	x.end(nil)
	if now == after {
		return x.strike(toDisk)
	}
	return nil
}

func keep(journal *[]record.Fact, apply func(uint64, record.Fact), facts []record.Fact) {
	for _, f := range facts {
		*journal = append(*journal, f)
		apply(uint64(len(*journal)), f)
	}
}

// Ask puts a question to the center: two steps of a wire.
func (x *session) Ask(path string, body []byte) ([]byte, error) {
	if x.dead {
		return nil, errDead
	}
	now := x.cross()
	if now == before {
		return nil, x.lost()
	}
	x.begin(toCenter, [2]byte{})
	status, answer, err := x.serve(path, body)
	x.end(nil)
	switch {
	case err != nil:
		return nil, err
	case now == after:
		return nil, x.lost()
	case status == http.StatusOK:
		return answer, nil
	}
	var r record.Refusal
	if err := json.Unmarshal(answer, &r); err != nil {
		return nil, err
	}
	return nil, r
}

func (x *session) lost() error {
	if x.plan.victim == power {
		return x.strike(toCenter)
	}
	return errLine
}

// serve lets the center answer: each act of it is durable at once.
func (x *session) serve(path string, body []byte) (status int, answer []byte, err error) {
	const question = 1
	host := x.theCenter()
	host.Serve(x.s.now, question, path, body)
	for range 16 { // acts that one question may lead to, with a wide margin
		fx := host.Take()
		for _, a := range fx.Acts {
			keep(&x.s.center, host.Apply, a.Facts)
			host.Durable(x.s.now, a.ID)
		}
		for _, r := range fx.Replies {
			status, answer = r.Status, r.Body
		}
		if len(fx.Acts) == 0 && len(fx.Replies) == 0 {
			break
		}
	}
	if status == 0 {
		return 0, nil, fmt.Errorf("tear: the center does not answer %s", path)
	}
	return status, answer, nil
}

var _ link.Core = (*center.Core)(nil)

// room is the making room's door.
type room struct{ *session }

// Append makes facts of the making room durable.
func (r room) Append(facts ...record.Fact) error {
	return r.disk(func() { keep(&r.s.making, r.theMaker().Apply, facts) })
}

// ring is the terminal's log.
type ring struct{ x *session }

// Append makes one step of a sale durable.
func (r ring) Append(e terminal.Entry) error {
	return r.x.disk(func() {
		if e.Kind != r.x.forget {
			r.x.s.log = append(r.x.s.log, e)
		}
	})
}

// High is the highest number of the PSAM that the log names.
func (r ring) High(tid pboc.TID) (high pboc.PSAMTTC, known bool) {
	for _, e := range r.x.s.log {
		if e.Sale.TID == tid && e.Sale.TTC > 0 {
			high, known = max(high, e.Sale.TTC), true
		}
	}
	return high, known
}

// pin is the holder's PIN.
func (l *lab) pin() (fuelcard.PIN, error) { return terminal.KeyedPIN([]byte(l.card.PIN)) }

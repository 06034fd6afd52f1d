package tear

import (
	"errors"
	"fmt"

	"greylock/emulators/chip"
	"greylock/system/issuing"
	"greylock/system/terminal"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
)

// Who lets the desk act, and the PIN that comes.
const (
	boss = "王主管"
	why  = "客户申请"
)

var freshPIN = fuelcard.PIN{0x65, 0x43, 0x21}

// act is one act of the desk on a card beside moving money.
type act struct {
	do func(v *issuing.Visit, l *lab) error
	// before brings the card to where the act makes sense.
	before func(x *session) error
	// done says whether the card shows it; err, that the card shows something that it may not.
	done func(l *lab, s *state) (bool, error)
	pin  bool
	dead bool // the card may be mute afterwards
}

// flow makes the matrix's flow of an act.
func (a act) flow(name, zh string) flow {
	return flow{
		name: name, zh: zh,
		start: func(l *lab) (*state, error) {
			s := l.state()
			x, err := l.open(s, cut{})
			if err != nil {
				return nil, err
			}
			if a.before != nil {
				if err := a.before(x); err != nil {
					return nil, err
				}
			}
			return s, x.close()
		},
		act: func(x *session) error {
			v, err := x.insert()
			if err != nil {
				return err
			}
			return a.do(v, x.lab)
		},
		back: a.back,
		open: func(l *lab, _, s *state) error {
			_, err := a.done(l, s)
			return err
		},
		settled: a.settled,
	}
}

// back is the next insertion: what the desk has begun gets an end from what the card shows.
func (a act) back(x *session) error {
	v, err := x.insert()
	if err != nil && a.dead {
		if err = x.theDesk().Dead(x, way{x, toCard}, x.card.ASN); errors.Is(err, terminal.ErrOrder) {
			return nil // mute, and its block is closed
		}
		return err
	}
	if err != nil {
		return err
	}
	if len(v.OpenActs()) > 0 && a.pin {
		pin, err := x.pin()
		if err != nil {
			return err
		}
		_, err = v.SettlePIN(freshPIN, pin)
		var neither *terminal.PINError
		if errors.As(err, &neither) { // blocked, by cuts that each burned a try, or as it was before: the supervisor helps
			err = v.UnblockPIN(freshPIN, boss, why)
		}
		if err != nil {
			return err
		}
	}
	if open := v.OpenActs(); len(open) > 0 {
		return fmt.Errorf("tear: still open: %v", open)
	}
	return nil
}

// settled: the card is as before, or as the act makes it, and the journal says which.
func (a act) settled(l *lab, from, s *state) (string, error) {
	done, err := a.done(l, s)
	if err != nil {
		return "", err
	}
	said, helped := acted(s.desk[len(from.desk):])
	if said != done {
		return "", fmt.Errorf("the card shows done %v, the journal %v", done, said)
	}
	was, err := l.look(from)
	if err != nil {
		return "", err
	}
	now, err := l.look(s)
	if err != nil {
		return "", err
	}
	const most = 2 // tries that two cuts can burn; the next right PIN gives them back
	if a.pin && now.Tries != was.Tries && now.Tries < 3-most {
		return "", fmt.Errorf("%d tries are left of the PIN that holds", now.Tries)
	}
	if now.Balance != was.Balance || now.CTC != was.CTC || now.OnlineSN != was.OnlineSN {
		return "", fmt.Errorf("M1: the act has moved money: %+v, before %+v", now, was)
	}
	switch {
	case helped:
		return "主管解锁密码 unblocked by the supervisor", nil
	case done:
		return "已办 done", nil
	}
	return "未办 not done", nil
}

// acted reads from the desk's journal whether an act was done in the end, and whether a supervisor had to unblock a PIN that
// an act on it has left blocked.
func acted(facts []record.Fact) (done, helped bool) {
	first := record.CardAct("")
	for _, f := range facts {
		switch f := f.(type) {
		case record.ActBegun:
			if first == "" {
				first = f.Act
			}
			helped = helped || f.Act == record.ActUnblockPIN && first != f.Act
		case record.ActEnded:
			done = done || f.Done
		}
	}
	return done, helped
}

// pinHolds tells which PIN opens the card: exactly one of the old and the fresh one, with all its tries.
func pinHolds(l *lab, s *state) (bool, error) {
	old, err := l.pin()
	if err != nil {
		return false, err
	}
	opens := func(p fuelcard.PIN) (bool, error) {
		x, err := l.open(s.clone(), cut{})
		if err != nil {
			return false, err
		}
		if _, err := x.term.Identify(); err != nil {
			return false, err
		}
		return x.term.VerifyPIN(p) == nil, nil
	}
	byOld, err := opens(old)
	if err != nil {
		return false, err
	}
	byFresh, err := opens(freshPIN)
	if err != nil {
		return false, err
	}
	o, err := l.look(s)
	if err != nil {
		return false, err
	}
	if byOld && byFresh || !byOld && !byFresh && o.Tries > 0 {
		return false, fmt.Errorf("the old PIN opens: %v, the fresh one: %v", byOld, byFresh)
	}
	return byFresh, nil
}

// wrongThrice blocks the PIN.
func wrongThrice(x *session) error {
	if _, err := x.term.Identify(); err != nil {
		return err
	}
	var pin *terminal.PINError
	for range 3 {
		if err := x.term.VerifyPIN(fuelcard.PIN{0x00, 0x00, 0x01}); !errors.As(err, &pin) {
			return fmt.Errorf("a wrong PIN: %w", err)
		}
	}
	if !pin.Blocked && pin.Left != 0 {
		return fmt.Errorf("%d tries left after three wrong ones", pin.Left)
	}
	return nil
}

func blockedIs(want chip.Block) func(*lab, *state) (bool, error) {
	return func(l *lab, s *state) (bool, error) {
		o, err := l.look(s)
		return o.Blocked == want, err
	}
}

// fleet are the limits that come.
func fleet() fuelcard.Limits {
	x := fuelcard.NoLimits()
	x.FillsPerDay, x.FenPerDay = 2, 50000
	return x
}

// identity reads the card at a terminal.
func (l *lab) identity(s *state) (terminal.Identity, error) {
	x, err := l.open(s.clone(), cut{})
	if err != nil {
		return terminal.Identity{}, err
	}
	x.term.Brief = false
	return x.term.Identify()
}

// newHolder is who the card belongs to after the act.
const newHolder = "赵六"

var acts = []flow{
	act{pin: true, done: pinHolds, do: func(v *issuing.Visit, l *lab) error {
		old, err := l.pin()
		if err != nil {
			return err
		}
		return v.ChangePIN(old, freshPIN)
	}}.flow("pin-change", "修改密码"),
	act{pin: true, done: pinHolds, do: func(v *issuing.Visit, _ *lab) error { return v.ReloadPIN(freshPIN, boss, why) }}.flow("pin-reload", "重装密码"),
	act{pin: true, done: pinHolds, before: wrongThrice,
		do: func(v *issuing.Visit, _ *lab) error { return v.UnblockPIN(freshPIN, boss, why) }}.flow("pin-unblock", "解锁密码"),
	act{done: blockedIs(chip.Temporarily),
		do: func(v *issuing.Visit, _ *lab) error { return v.Block(record.ActBlock, boss, why) }}.flow("block", "临时锁应用"),
	act{done: blockedIs(chip.Permanently),
		do: func(v *issuing.Visit, _ *lab) error { return v.Block(record.ActBlockForEver, boss, why) }}.flow("block-for-ever", "永久锁应用"),
	act{dead: true, done: func(l *lab, s *state) (bool, error) {
		o, err := l.look(s)
		return o.CardDead, err
	}, do: func(v *issuing.Visit, _ *lab) error { return v.Block(record.ActBlockCard, boss, why) }}.flow("block-card", "锁卡"),
	act{before: func(x *session) error {
		v, err := x.insert()
		if err != nil {
			return err
		}
		return v.Block(record.ActBlock, boss, why)
	}, done: blockedIs(chip.Unblocked), do: func(v *issuing.Visit, _ *lab) error { return v.Unblock(boss, why) }}.flow("unblock", "应用解锁"),
	act{done: func(l *lab, s *state) (bool, error) {
		id, err := l.identity(s)
		return id.Limits.FillsPerDay == fleet().FillsPerDay, err
	}, do: func(v *issuing.Visit, _ *lab) error { return v.SetLimits(fleet(), "粤B12345", boss, why) }}.flow("limits", "改限制"),
	act{done: func(l *lab, s *state) (bool, error) {
		id, err := l.identity(s)
		return err == nil && id.Holder.Name[1] == 0xD4, err // 赵 in GBK: D5D4
	}, do: func(v *issuing.Visit, _ *lab) error {
		return v.SetHolder(issuing.Order{Holder: newHolder, Identity: "330102199001011234"}, boss, why)
	}}.flow("holder", "改持卡人"),
}

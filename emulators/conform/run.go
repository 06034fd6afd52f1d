package conform

import (
	"bytes"
	"errors"
	"fmt"

	"greylock/system/card"
)

// Order is the card that a case begins with.
type Order struct {
	State string            // Blank or Made
	Set   map[string]uint32 // counters by name: ctc, sn of every purse; ttc
}

// Maker gives a new card as ordered, without power. The card before is not used any more. ErrCannot: this kind of card
// cannot be had so.
type Maker func(Order) (card.Slot, error)

// Dice is a card whose random numbers can be said: b comes next. A slot without it runs no case with rand.
type Dice interface{ Draw(b []byte) }

// ErrCannot is what a Maker wraps for a card that it cannot give; the case is not run and not counted as passed.
var ErrCannot = errors.New("这种卡给不出 (this kind of card cannot be had so)")

// Result is what came of a case.
type Result struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Source string `json:"source"`
	At     string `json:"at"` // file:line
	OK     bool   `json:"ok"`
	NotRun string `json:"not_run,omitempty"` // why
	Error  string `json:"error,omitempty"`
}

// Report is what came of a table.
type Report struct {
	Cases    int      `json:"cases"`
	Commands int      `json:"commands"` // sent, those of states too
	Passed   int      `json:"passed"`
	Failed   int      `json:"failed"`
	NotRun   int      `json:"not_run"` // this backend cannot give the card
	Other    int      `json:"other"`   // for profiles with other flags
	Results  []Result `json:"results"`
}

// Run gives every case that the kit's profile has a new card. It goes on after a failure.
func (t *Table) Run(kit Kit, make Maker) Report {
	r := Report{}
	for _, c := range t.Cases {
		_, states, err := t.chain(c)
		if err == nil && !kit.has(append(states, c)) {
			r.Other++
			continue
		}
		r.Cases++
		out := Result{Name: c.Name, Title: c.Title, Source: c.Source, At: fmt.Sprintf("%s:%d", c.File, c.Line)}
		run := runner{kit: kit, values: map[string][]byte{}}
		if err == nil {
			err = run.all(t, c, make)
		}
		r.Commands += run.commands
		switch {
		case errors.Is(err, ErrCannot):
			out.NotRun = err.Error()
			r.NotRun++
		case err != nil:
			out.Error = err.Error()
			r.Failed++
		default:
			out.OK = true
			r.Passed++
		}
		r.Results = append(r.Results, out)
	}
	return r
}

func (k Kit) has(list []*Case) bool {
	for _, c := range list {
		for _, w := range c.when {
			if k.Flag(w[0]) != w[1] {
				return false
			}
		}
	}
	return true
}

// runner is one case on its way.
type runner struct {
	kit      Kit
	slot     card.Slot
	values   map[string][]byte
	commands int
}

func (r *runner) all(t *Table, c *Case, make Maker) (err error) {
	base, states, err := t.chain(c)
	if err != nil {
		return err
	}
	order := Order{State: base, Set: map[string]uint32{}}
	blocks := append(states, c)
	for _, b := range blocks {
		for name, n := range b.set {
			order.Set[name] = n
		}
	}
	if r.slot, err = make(order); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.slot.Off()) }()
	if _, err := r.slot.Reset(); err != nil {
		return err
	}
	for _, b := range blocks {
		for _, s := range b.steps {
			if err := r.step(s); err != nil {
				return fmt.Errorf("%s:%d: %w", b.File, s.line, err)
			}
		}
	}
	return nil
}

func (r *runner) value(name string) ([]byte, bool) {
	if b, ok := r.values[name]; ok {
		return b, true
	}
	b, ok := r.kit.Values[name]
	return b, ok
}

func (r *runner) step(s step) error {
	switch s.kind {
	case stepReset:
		if err := r.slot.Off(); err != nil {
			return err
		}
		_, err := r.slot.Reset()
		return err
	case stepRand:
		d, ok := r.slot.(Dice)
		if !ok {
			return fmt.Errorf("随机数由卡自定 (the card draws its own random numbers): %w", ErrCannot)
		}
		d.Draw(s.bytes)
		return nil
	case stepLet:
		b, err := s.formula.Eval(r.kit.Suite, r.value)
		r.values[s.let] = b
		return err
	}
	return r.send(s)
}

func (r *runner) send(s step) error {
	command, err := r.build(s.command)
	if err != nil {
		return err
	}
	r.commands++
	answer, err := card.T0(r.slot).Transmit(command)
	if err != nil {
		return fmt.Errorf("> %X: %w", command, err)
	}
	if len(answer) < 2 {
		return fmt.Errorf("> %X < %X: 没有状态字 (no status word)", command, answer)
	}
	data, got := answer[:len(answer)-2], answer[len(answer)-2:]
	sw, err := r.build([]token{s.sw})
	if err == nil && !bytes.Equal(got, sw) {
		err = fmt.Errorf("状态字 %X 应为 (status word, want) %X", got, sw)
	}
	if err == nil {
		err = r.match(s.answer, data)
	}
	if err != nil {
		return fmt.Errorf("> %X < %X %X, 应为 (want) %s: %w", command, data, got, s.want, err)
	}
	return nil
}

func (r *runner) build(list []token) (out []byte, err error) {
	for _, t := range list {
		switch t.kind {
		case tokenFormula:
			b, err := t.formula.Eval(r.kit.Suite, r.value)
			if err != nil {
				return nil, err
			}
			out = append(out, b...)
		case tokenSized:
			b, err := r.build(t.inner)
			if err != nil {
				return nil, err
			}
			out = append(append(out, byte(len(b))), b...)
		default:
			out = append(out, t.bytes...)
		}
	}
	return out, nil
}

// match holds the data of an answer to its pattern, from left to right.
func (r *runner) match(list []token, data []byte) error {
	for _, t := range list {
		want, n := t.bytes, t.n
		switch t.kind {
		case tokenRest:
			return nil
		case tokenFormula:
			b, err := t.formula.Eval(r.kit.Suite, r.value)
			if err != nil {
				return err
			}
			want = b
		}
		if t.kind == tokenBytes || t.kind == tokenFormula {
			n = len(want)
		}
		if len(data) < n {
			return fmt.Errorf("缺少 %d 字节 (bytes missing)", n-len(data))
		}
		got := data[:n]
		data = data[n:]
		switch {
		case t.kind == tokenTake:
			r.values[t.name] = got
		case t.kind != tokenAny && !bytes.Equal(got, want):
			return fmt.Errorf("%X 应为 (want) %X", got, want)
		}
	}
	if len(data) > 0 {
		return fmt.Errorf("多出 %X (too much)", data)
	}
	return nil
}

package dispenser

import (
	"testing"
	"time"

	"greylock/system/wire/lf"
)

// What a pump does with a command. Source: dispenser.md 2.3.
const (
	echoes  = "echo"
	refuses = "state form"
	keepsMu = "silence"
	reads   = "reading"
)

// situations are the states of a nozzle that commands can meet.
var situations = []struct {
	name string
	make func(r *plainRig)
}{
	{"idle", func(r *plainRig) { r.echoed(1, lf.Control, 0) }},
	{"armed down", func(r *plainRig) { r.echoed(1, lf.Control, 0); r.echoed(1, lf.FuelLitres, 1000) }},
	{"lifted", func(r *plainRig) { r.echoed(1, lf.Control, 0); r.lift(1); r.state(1, 0xC1, time.Second) }},
	{"fuelling", func(r *plainRig) {
		r.echoed(1, lf.Control, 0)
		r.echoed(1, lf.FuelLitres, 2000)
		r.lift(1)
		r.squeeze(1, 1000)
		r.state(1, 0xC2, 4*time.Second)
		for r.poll(1).Litres < 200 {
		}
	}},
	{"stopped", func(r *plainRig) {
		r.echoed(1, lf.Control, 0)
		r.fill(lf.FuelLitres, 300)
		r.pass(time.Second)
	}},
	{"stand-alone", func(r *plainRig) { r.state(1, 0x01, 0) }},
	{"stand-alone fuelling", func(r *plainRig) { r.lift(1); r.squeeze(1, 1000); r.state(1, 0x82, 4*time.Second) }},
	{"locked", func(r *plainRig) {
		r.echoed(1, lf.Control, 0)
		r.board.nozzle(1).state.Lock = lockError
		r.lift(1)
		r.state(1, 0xC0, time.Second)
	}},
}

// TestPlainEveryCommandInEverySituation: the answer, and that a refused command has changed nothing.
func TestPlainEveryCommandInEverySituation(t *testing.T) {
	t.Parallel()
	values := map[lf.Command]int64{lf.FuelCash: 5000, lf.FuelLitres: 1000, lf.SetPrice: 799, lf.SetPreValve: 20}
	answers := map[lf.Command][8]string{ // in the order of situations
		lf.Query:       {reads, reads, reads, reads, reads, reads, reads, reads},
		lf.TotalCash:   {reads, reads, reads, reads, reads, reads, reads, reads},
		lf.TotalLitres: {reads, reads, reads, reads, reads, reads, reads, reads},
		lf.QueryShift:  {reads, reads, reads, reads, reads, reads, reads, reads},
		lf.Control:     {echoes, echoes, echoes, echoes, echoes, echoes, echoes, echoes},
		lf.Uncontrol:   {echoes, echoes, echoes, echoes, echoes, echoes, echoes, echoes},
		lf.Stop:        {echoes, echoes, echoes, echoes, echoes, echoes, echoes, echoes},
		lf.SetPreValve: {echoes, echoes, echoes, echoes, echoes, echoes, echoes, echoes},
		lf.ClearShift:  {echoes, echoes, echoes, echoes, echoes, echoes, echoes, echoes},
		lf.Fuel:        {refuses, refuses, echoes, echoes, echoes, refuses, refuses, keepsMu},
		lf.FuelCash:    {echoes, echoes, echoes, refuses, echoes, refuses, refuses, refuses},
		lf.FuelLitres:  {echoes, echoes, echoes, refuses, echoes, refuses, refuses, refuses},
		lf.SetPrice:    {echoes, refuses, refuses, refuses, refuses, echoes, refuses, refuses},
	}
	for command, want := range answers {
		for i, s := range situations {
			r := newPlainRig(t, PlainConfig{})
			s.make(r)
			before := r.view(1)
			f, ok := r.ask(1, command, values[command])
			got := keepsMu
			echo, _ := lf.Request{Nozzle: 1, Command: command, Value: values[command]}.Frame()
			_, notStatus := lf.ParseStatus(f)
			switch {
			case !ok:
			case command == lf.Query && notStatus == nil:
				got = reads
			case notStatus == nil:
				got = refuses
			case command == lf.TotalCash || command == lf.TotalLitres || command == lf.QueryShift:
				if f[2] == byte(command) {
					got = reads
				}
			case f == echo:
				got = echoes
			}
			if got != want[i] {
				t.Errorf("%v while %s: %s (%X), want %s", command, s.name, got, f, want[i])
			}
			if after := r.view(1); got != echoes && still(before) != still(after) {
				t.Errorf("%v while %s changes %+v to %+v", command, s.name, before, after)
			}
		}
	}
}

// still is a view without what moves by itself.
func still(v PlainView) PlainView {
	v.Amount, v.Quantity, v.AmountLine, v.QuantityLine, v.PriceLine, v.Total, v.Flowed = 0, 0, "", "", "", 0, 0
	v.BigValve, v.SmallOpen = false, false
	return v
}

func TestPlainRefusesWhatNoPulseCosts(t *testing.T) {
	t.Parallel()
	r := controlled(t, PlainConfig{})
	r.refused(1, lf.FuelCash, 0)
	r.refused(1, lf.FuelLitres, 0)
	r.refused(1, lf.FuelCash, 7) // 0.01 L cost 0.08 yuan
	r.refused(1, lf.SetPrice, 0)
	if r.view(1).Armed {
		t.Fatal("armed")
	}
	r.echoed(1, lf.FuelCash, 8)
	r.lift(1)
	r.squeeze(1, 1000)
	r.state(1, 0xC2, 4*time.Second)
	r.state(1, 0xC1, time.Minute)
	r.hang(1)
	if s := r.state(1, 0x41, 2*time.Second); s.Litres < 1 || s.Cash < 8 || !s.Adds() {
		t.Errorf("%+v", s)
	}
	b, err := NewPlain(PlainConfig{}, &Memory{}) // no price at all
	if err != nil {
		t.Fatal(err)
	}
	r.board = b
	b.PowerOn(r.now)
	r.pass(defaultBoot)
	r.lift(1)
	r.squeeze(1, 1000)
	r.pass(5 * time.Second)
	r.echoed(1, lf.Control, 0)
	r.refused(1, lf.Fuel, 0)
	r.refused(1, lf.FuelCash, 5000)
	r.refused(1, lf.FuelLitres, 500)
	if r.poll(1).Litres != 0 {
		t.Error("fuel without a price")
	}
}

// A preset that is armed is replaced by another one, and never by none.
func TestPlainRepeatedAuthorisation(t *testing.T) {
	t.Parallel()
	r := controlled(t, PlainConfig{})
	r.echoed(1, lf.FuelLitres, 9000)
	r.echoed(1, lf.FuelLitres, 9000)
	r.echoed(1, lf.FuelCash, 3925)
	r.lift(1)
	r.squeeze(1, 1000)
	r.state(1, 0xC1, time.Second)
	r.echoed(1, lf.Fuel, 0)
	r.state(1, 0xC2, 4*time.Second)
	r.state(1, 0xC1, time.Minute)
	if r.pass(time.Second); r.poll(1).Cash != 3925 {
		t.Errorf("%+v", r.poll(1))
	}
	r.hang(1)
	r.state(1, 0x41, time.Second)
	r.echoed(1, lf.FuelLitres, 500)
	if s := r.poll(1); s.State != 0x41 || s.Litres != 0 || s.Cash != 0 {
		t.Errorf("armed, the figures of the sale before: %+v", s)
	}
	r.echoed(1, lf.Stop, 0) // cancels what is armed
	r.lift(1)
	r.squeeze(1, 1000)
	for range 30 {
		if s := r.poll(1); s.State == 0xC2 {
			t.Fatal("fuel after a cancelled preset")
		}
	}
}

func TestPlainPriceAndPreValve(t *testing.T) {
	t.Parallel()
	r := controlled(t, PlainConfig{Nozzles: []PlainNozzle{{Number: 1, Physics: Physics{Prevalve: -1}}}})
	if r.view(1).Prevalve != 0 {
		t.Errorf("pre-valve %v", r.view(1).Prevalve)
	}
	r.echoed(1, lf.SetPrice, 811)
	if s := r.poll(1); s.Price != 811 {
		t.Errorf("%+v", s)
	}
	r.fill(lf.FuelLitres, 1000)
	r.hang(1)
	if s := r.state(1, 0x41, 2*time.Second); s.Litres < 1002 || s.Litres > 1025 {
		t.Errorf("without a pre-valve: %+v", s)
	}
	r.echoed(1, lf.SetPreValve, 40)
	r.fill(lf.FuelLitres, 1000)
	r.hang(1)
	if s := r.state(1, 0x41, 2*time.Second); s.Litres != 1000 || s.Cash != 8110 {
		t.Errorf("with a pre-valve of 0.40 L: %+v", s)
	}
	r.power() // price and pre-valve are in NV
	if v := r.view(1); v.Price != 811 || v.Prevalve != 40 {
		t.Errorf("after power: %+v", v)
	}
}

func TestPlainShiftSums(t *testing.T) {
	t.Parallel()
	r := controlled(t, PlainConfig{})
	sell := func() {
		r.fill(lf.FuelLitres, 100)
		r.hang(1)
		r.state(1, 0x41, 2*time.Second)
	}
	sell()
	sell()
	if s := r.shift(1); s != (lf.ShiftReply{Nozzle: 1, Cash: 1570, Litres: 200}) {
		t.Errorf("%+v", s)
	}
	r.echoed(1, lf.ClearShift, 0)
	if s := r.shift(1); s != (lf.ShiftReply{Nozzle: 1}) {
		t.Errorf("cleared: %+v", s)
	}
	sell()
	if s := r.shift(1); s.Litres != 100 || r.total(1, lf.TotalLitres) != 300 || r.total(1, lf.TotalCash) != 2355 {
		t.Errorf("%+v", s)
	}
	n := r.board.nozzle(1)
	n.state.Litres, n.state.Cash, n.state.ShiftLitres, n.state.ShiftCash = lf.TotalWrap-50, lf.TotalWrap-1, shiftWrap-50, shiftWrap-1
	sell()
	if s := r.shift(1); s.Litres != 50 || s.Cash != 784 || r.total(1, lf.TotalLitres) != 50 || r.total(1, lf.TotalCash) != 784 {
		t.Errorf("rolled over: %+v", s)
	}
}

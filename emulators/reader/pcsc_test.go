//go:build pcsc

package reader_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"greylock/emulators/reader"
	"greylock/emulators/reader/pcscd"
	"greylock/system/card"
	"greylock/system/card/cardtest"
	"greylock/system/card/pcsc"
)

// These tests run the product's readers against a PC/SC service of their own, one after the other: they stop it, too.

var service1 *pcscd.Service

func TestMain(m *testing.M) {
	os.Exit(withService(m))
}

func withService(m *testing.M) int {
	dir, err := os.MkdirTemp("", "pcscd")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		service1, err = pcscd.Start(dir, 1)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tests with tag pcsc need their own PC/SC service:", err)
		return 1
	}
	defer func() { _ = service1.Stop() }()
	if err := os.Setenv(pcscd.SocketVariable, service1.Socket()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// place is a plugged virtual reader and the product's readers of its two slots.
type place struct {
	t    *testing.T
	v    *reader.Virtual
	r    [pcscd.Slots]*pcsc.Reader
	name [pcscd.Slots]string
}

func plugged(t *testing.T) *place { return pluggedWith(t, reader.HandTime) }

func pluggedWith(t *testing.T, hand time.Duration) *place {
	t.Helper()
	x := service1.Readers()[0]
	p := &place{t: t, v: reader.NewVirtual("127.0.0.1", x.Port, pcscd.Slots), name: x.Names}
	p.v.HandTime = hand
	p.v.Plug()
	t.Cleanup(func() { _ = p.v.Close() })
	for i := range p.r {
		var err error
		if p.r[i], err = pcsc.Open(x.Names[i]); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.r[i].Close() })
	}
	p.wait(false)
	return p
}

// wait returns when the service sees the first slot so.
func (p *place) wait(present bool) {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.t.Context(), limit)
	defer stop()
	if err := pcsc.Wait(ctx, p.name[0], present); err != nil {
		p.t.Fatalf("waiting for present=%v: %v", present, err)
	}
}

func (p *place) insert(c card.Slot) {
	p.t.Helper()
	p.wait(false) // the service may not have seen yet that the card before has gone
	if err := p.v.Slots[0].Insert(c); err != nil {
		p.t.Fatal(err)
	}
	p.wait(true)
}

// up resets and selects.
func (p *place) up() {
	p.t.Helper()
	atr, err := p.r[0].Reset()
	if err != nil || !bytes.Equal(atr, cardATR) {
		p.t.Fatalf("reset: %X %v", atr, err)
	}
	p.ok(enter)
	p.ok(inside)
}

func (p *place) ok(command []byte) {
	p.t.Helper()
	answer, err := p.r[0].Transmit(command)
	if err != nil || !bytes.HasSuffix(answer, []byte{0x90, 0}) {
		p.t.Fatalf("> %X < %X: %v", command, answer, err)
	}
}

// fails checks what a command that must fail says.
func (p *place) fails(want error, say string) {
	p.t.Helper()
	answer, err := p.r[0].Transmit(inside)
	if answer != nil || !errors.Is(err, want) || !strings.Contains(fmt.Sprint(err), say) {
		p.t.Errorf("< %X: %v: want %v and %q", answer, err, want, say)
	}
}

// TestContract is the contract of card.Slot, through the service.
func TestContract(t *testing.T) {
	cardtest.Slots(t, func(t *testing.T) cardtest.Bench {
		p, c := plugged(t), petrol(t)
		return cardtest.Bench{
			Slot: p.r[0], ATR: cardATR, Enter: enter, Inside: inside, Obeyed: c.obeyed,
			Insert: func() { p.insert(c) },
			Remove: func() { p.v.Slots[0].Remove() },
			Tear:   func(nth int, phase cardtest.Phase) { p.v.Slots[0].Tear(nth, reader.Phase(phase)) },
		}
	})
}

// TestSwapped: another card in the same moment. The service notices nothing; the first command is lost, and the reset tells.
func TestSwapped(t *testing.T) {
	p := pluggedWith(t, 0)
	a, b := petrol(t), petrol(t)
	p.insert(a)
	p.up()
	p.v.Slots[0].Remove()
	if err := p.v.Slots[0].Insert(&otherATR{b}); err != nil {
		t.Fatal(err)
	}
	p.fails(card.ErrRemoved, "")
	if b.obeyed() != 0 {
		t.Error("the other card was given a command meant for the first")
	}
	p.wait(true)
	atr, err := p.r[0].Reset()
	if err != nil || bytes.Equal(atr, cardATR) {
		t.Errorf("reset after the swap: ATR %X, %v", atr, err)
	}
}

type otherATR struct{ card.Slot }

func (c *otherATR) Reset() ([]byte, error) {
	_, err := c.Slot.Reset()
	return []byte{0x3B, 0x61, 0x00, 0x00, 'X'}, err
}

// TestBothSlots: user card and PSAM, two goroutines, each with its own reader.
func TestBothSlots(t *testing.T) {
	p := plugged(t)
	for i, s := range p.v.Slots {
		if err := s.Insert(petrol(t)); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), limit)
		if err := pcsc.Wait(ctx, p.name[i], true); err != nil {
			t.Fatal(err)
		}
		stop()
	}
	var wg sync.WaitGroup
	for _, r := range p.r {
		wg.Go(func() {
			if _, err := r.Reset(); err != nil {
				t.Error(err)
			}
			for range 500 {
				if answer, err := r.Transmit(enter); err != nil || !bytes.HasSuffix(answer, []byte{0x90, 0}) {
					t.Errorf("< %X %v", answer, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestReaderUnplugged between and in the middle of commands; the same Reader goes on.
func TestReaderUnplugged(t *testing.T) {
	p, c := plugged(t), petrol(t)
	p.insert(c)
	p.up()
	p.v.Unplug()
	p.fails(card.ErrRemoved, "")
	p.wait(false)
	if _, err := p.r[0].Reset(); !errors.Is(err, card.ErrAbsent) || !strings.Contains(err.Error(), "请插卡 (insert the card)") {
		t.Error(err)
	}
	p.v.Plug()
	p.wait(true)
	p.up()

	x := &stuck{Slot: c, entered: make(chan struct{}), letGo: make(chan struct{})}
	p.v.Slots[0].Remove()
	p.wait(false)
	p.insert(x)
	if _, err := p.r[0].Reset(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		<-x.entered
		wg.Go(p.v.Unplug)
	})
	p.fails(card.ErrRemoved, "")
	close(x.letGo)
	wg.Wait()
}

// TestServiceKilled: the service is gone, and back. Nothing of the program is started again.
func TestServiceKilled(t *testing.T) {
	p, c := plugged(t), petrol(t)
	p.insert(c)
	p.up()
	told := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	watching := make(chan error, 1)
	go func() {
		watching <- pcsc.Watch(ctx, func(_ []pcsc.State, err error) {
			if err != nil {
				told <- err
			}
		})
	}()
	for range 2 {
		if err := service1.Kill(); err != nil {
			t.Fatal(err)
		}
		p.fails(card.ErrReader, "pcscd")
		if _, err := p.r[0].Reset(); !errors.Is(err, card.ErrReader) || !strings.Contains(err.Error(), "请启动 pcscd (start pcscd)") {
			t.Error(err)
		}
		if _, err := pcsc.List(); !errors.Is(err, card.ErrReader) {
			t.Error(err)
		}
		select {
		case err := <-told:
			if !errors.Is(err, card.ErrReader) {
				t.Error(err)
			}
		case <-time.After(limit):
			t.Fatal("nobody told of the service's end")
		}
		if err := service1.Run(); err != nil {
			t.Fatal(err)
		}
		p.wait(true)
		p.up()
	}
	stop()
	if err := <-watching; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestServiceKilledInACommand: the outcome is unknown, and the program goes on.
func TestServiceKilledInACommand(t *testing.T) {
	p := plugged(t)
	x := &stuck{Slot: petrol(t), entered: make(chan struct{}), letGo: make(chan struct{})}
	p.insert(x)
	if _, err := p.r[0].Reset(); err != nil {
		t.Fatal(err)
	}
	killed := make(chan error, 1)
	go func() {
		<-x.entered
		killed <- service1.Kill()
		close(x.letGo)
	}()
	p.fails(card.ErrReader, "pcscd")
	if err := <-killed; err != nil {
		t.Fatal(err)
	}
	if err := service1.Run(); err != nil {
		t.Fatal(err)
	}
	p.v.Slots[0].Remove()
	p.insert(petrol(t))
	p.up()
}

// TestMute: a card that never answers costs Patience, is named, and is over when it is taken out.
func TestMute(t *testing.T) {
	p := plugged(t)
	p.r[0].Patience = 100 * time.Millisecond
	x := &stuck{Slot: petrol(t), entered: make(chan struct{}), letGo: make(chan struct{})}
	p.insert(x)
	if _, err := p.r[0].Reset(); err != nil {
		t.Fatal(err)
	}
	p.fails(card.ErrMute, "请取出卡 (no answer, take the card out)")
	if _, err := p.r[0].Reset(); !errors.Is(err, card.ErrMute) || !strings.Contains(err.Error(), "请取出卡") {
		t.Error(err)
	}
	p.fails(card.ErrMute, "reset first")
	close(x.letGo)
	p.v.Slots[0].Remove()
	p.r[0].Patience = pcsc.Patience
	p.wait(false)
	p.insert(petrol(t))
	for limit := time.Now().Add(limit); ; { // until the call that was left behind has returned
		if _, err := p.r[0].Reset(); err == nil {
			break
		} else if !card.Lost(err) || time.Now().After(limit) {
			t.Fatal(err)
		}
	}
	p.up()
}

// TestInUse: a reader is taken by one program at a time, and free after Off.
func TestInUse(t *testing.T) {
	p := plugged(t)
	p.insert(petrol(t))
	p.up()
	other, err := pcsc.Open(p.name[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	if _, err := other.Reset(); !errors.Is(err, card.ErrReader) || !strings.Contains(err.Error(), "占用") {
		t.Error(err)
	}
	p.ok(inside)
	if err := p.r[0].Off(); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Reset(); err != nil {
		t.Error(err)
	}
	if answer, err := other.Transmit(inside); err != nil || bytes.HasSuffix(answer, []byte{0x90, 0}) {
		t.Errorf("the other program finds what the first has selected: < %X %v", answer, err)
	}
}

// TestWatch: cards and readers come and go, and a sleeping program is told of each, once.
func TestWatch(t *testing.T) {
	p := plugged(t)
	seen := make(chan []pcsc.State, 16)
	ctx, stop := context.WithCancel(t.Context())
	watching := make(chan error, 1)
	go func() {
		watching <- pcsc.Watch(ctx, func(states []pcsc.State, err error) {
			if err == nil {
				seen <- states
			}
		})
	}()
	next := func(what string, cards ...bool) {
		t.Helper()
		for wait := time.After(limit); ; {
			select {
			case states := <-seen:
				if len(states) == 1 && len(cards) != 1 {
					continue // a service that ends takes its slots off one by one
				}
				if len(states) != len(cards) {
					t.Fatalf("%s: %+v", what, states)
				}
				for i, s := range states {
					if s.Name != p.name[i] || s.Present != cards[i] || s.Present != (len(s.ATR) > 0) {
						t.Fatalf("%s: %+v, want cards %v", what, states, cards)
					}
				}
				return
			case <-wait:
				t.Fatalf("%s: nobody told", what)
			}
		}
	}
	again := func(change func(int) error) {
		t.Helper()
		if err := errors.Join(service1.Stop(), change(0), service1.Run()); err != nil {
			t.Fatal(err)
		}
	}
	next("at once", false, false)
	for range 2 {
		if err := p.v.Slots[1].Insert(petrol(t)); err != nil {
			t.Fatal(err)
		}
		next("inserted", false, true)
		p.v.Slots[1].Remove()
		next("removed", false, false)
	}
	again(service1.Detach)
	next("reader gone")
	if _, err := p.r[0].Reset(); !errors.Is(err, card.ErrReader) {
		t.Error(err)
	}
	again(service1.Attach)
	next("reader back", false, false)
	p.insert(petrol(t))
	next("inserted", true, false)
	p.up()
	stop()
	if err := <-watching; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestList names both slots, and a name that is none says what to do.
func TestList(t *testing.T) {
	p := plugged(t)
	names, err := pcsc.List()
	if err != nil || !slices.Equal(names, p.name[:]) {
		t.Errorf("%q %v", names, err)
	}
	r, err := pcsc.Open("nobody's")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if _, err := r.Reset(); !errors.Is(err, card.ErrReader) || !strings.Contains(err.Error(), "没有此名称的读卡器") {
		t.Error(err)
	}
	if _, err := p.r[0].Transmit(nil); err == nil {
		t.Error("an empty command")
	}
}

//go:build pcsc

package pcsc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ebfe/scard"
)

// How long Watch waits before it asks for a service that is not there: nothing tells of its coming.
const (
	firstRetry = 20 * time.Millisecond
	lastRetry  = time.Second
)

// lookAgain ends a sleep: a reader that comes just between listing and sleeping is seen then at the latest.
const lookAgain = time.Minute

// plugged is the name under which PC/SC tells of readers that come and go.
const plugged = `\\?PnP?\Notification`

// mostStates is what the service takes in one question (PCSCLITE_MAX_READERS_CONTEXTS), and the number of readers it has at
// most: with so many there is none to come.
const mostStates = 16

// Watch tells of the readers: at once, and whenever a reader or a card has come or gone. While the service is not there it
// tells so, once, with what to do, and goes on by itself when it is back. It sleeps inside the service, without polling, and
// returns the error of ctx when that ends.
func Watch(ctx context.Context, changed func([]State, error)) error {
	w := &watch{changed: changed, retry: firstRetry}
	for ctx.Err() == nil {
		err := w.connected(ctx)
		if ctx.Err() != nil {
			break
		}
		if !w.down {
			w.down = true
			changed(nil, explain("读卡器服务 (PC/SC service)", err))
		}
		wait := time.NewTimer(w.retry)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
		}
		w.retry = min(2*w.retry, lastRetry)
	}
	return ctx.Err()
}

type watch struct {
	changed func([]State, error)
	retry   time.Duration
	down    bool
	told    []State
	began   bool
}

// connected watches until the service goes or ctx ends.
func (w *watch) connected(ctx context.Context) error {
	sc, err := scard.EstablishContext()
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	released := make(chan struct{})
	go func() { // Cancel reaches only a call that has begun to wait: say it until the watch has ended
		defer close(released)
		select {
		case <-ctx.Done():
		case <-ended:
			return
		}
		again := time.NewTicker(firstRetry)
		defer again.Stop()
		for {
			_ = sc.Cancel()
			select {
			case <-again.C:
			case <-ended:
				return
			}
		}
	}()
	err = w.loop(ctx, sc)
	close(ended)
	<-released
	_ = sc.Release()
	return err
}

// loop asks with what it knows and is answered when that is no longer so.
func (w *watch) loop(ctx context.Context, sc *scard.Context) error {
	var names []string
	var known []scard.StateFlag // of each name, then of plugged; unaware is answered at once
	for ctx.Err() == nil {
		now, err := sc.ListReaders()
		if err != nil && !errors.Is(err, scard.ErrNoReadersAvailable) {
			return err
		}
		if known == nil || !slices.Equal(now, names) {
			names, known = now, make([]scard.StateFlag, len(now)+1)
			if len(names) == 0 {
				w.tell(nil)
			}
		}
		ask := make([]scard.ReaderState, 0, len(known))
		for i, n := range append(slices.Clone(names), plugged) {
			ask = append(ask, scard.ReaderState{Reader: w.pin(n), CurrentState: known[i]})
		}
		ask = ask[:min(len(ask), mostStates)]
		switch err := sc.GetStatusChange(ask, lookAgain); {
		case errors.Is(err, scard.ErrTimeout):
			continue
		case errors.Is(err, scard.ErrUnknownReader), errors.Is(err, scard.ErrReaderUnavailable):
			known = nil // it went between the two calls
			continue
		case err != nil:
			return err
		}
		states := make([]State, 0, len(names))
		for i, x := range ask {
			known[i] = x.EventState &^ scard.StateChanged
			if i < len(names) {
				states = append(states, State{
					Name: names[i], Present: x.EventState&scard.StatePresent != 0, Mute: x.EventState&scard.StateMute != 0,
					InUse: x.EventState&(scard.StateInuse|scard.StateExclusive) != 0, ATR: bytes.Clone(x.Atr),
				})
			}
		}
		if len(names) > 0 {
			w.tell(states)
		}
	}
	return ctx.Err()
}

// tell passes on what people can see; PC/SC also counts what they can not.
func (w *watch) tell(states []State) {
	same := w.began && !w.down && len(states) == len(w.told)
	for i := range states {
		same = same && states[i].equal(w.told[i])
	}
	w.began, w.down, w.retry = true, false, firstRetry
	if !same {
		w.told = states
		w.changed(states, nil)
	}
}

func (s State) equal(o State) bool {
	return s.Name == o.Name && s.Present == o.Present && s.Mute == o.Mute && s.InUse == o.InUse && string(s.ATR) == string(o.ATR)
}

// pin makes the name one that only this watch uses: the binding keeps the memory that the service reads from under the
// name, and another watch of the same reader would free it under our feet. C reads up to the first zero byte.
func (w *watch) pin(name string) string { return fmt.Sprintf("%s\x00%p", name, w) }

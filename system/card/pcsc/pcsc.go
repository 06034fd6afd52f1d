// Package pcsc opens PC/SC card readers (build tag pcsc; it needs cgo and libpcsclite on Linux). Without the tag every
// function returns ErrBuild, so that the rest of the program builds with nothing but Go.
package pcsc

import (
	"context"
	"errors"
	"time"
)

// ErrBuild is returned by a program that was built without card readers.
var ErrBuild = errors.New("本程序未含读卡器支持: 请使用网点或加油站安装包, 或以 -tags pcsc 重新编译 " +
	"(this build has no card readers: use the desk or station package, or build with -tags pcsc)")

// Patience is how long a card may take for one command before the reader is given up: a card's slowest write takes well
// under a second, so this is a dead card. Source: libraries.md 10.1.
const Patience = 5 * time.Second

// State is one reader as the PC/SC service sees it.
type State struct {
	Name    string
	Present bool   // a card is in it
	Mute    bool   // the card does not answer to reset
	InUse   bool   // some program has connected to the card
	ATR     []byte // of the card; nil without one
}

// Wait returns when the named reader is there and its card has come (present) or gone; the error of ctx when that ends
// before. ErrBuild: a build without readers.
func Wait(ctx context.Context, name string, present bool) error {
	seen, stop := context.WithCancel(ctx)
	defer stop()
	found := false
	err := Watch(seen, func(states []State, _ error) {
		for _, s := range states {
			if s.Name == name && s.Present == present && !s.Mute {
				found = true
				stop()
			}
		}
	})
	if found {
		return nil
	}
	return err
}

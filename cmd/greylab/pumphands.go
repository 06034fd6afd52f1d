package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"greylock/emulators/dispenser"
	"greylock/emulators/hub"
	"greylock/emulators/line"
	"greylock/system/clock"
)

var errPumpHand = errors.New("应为 lift, hang, squeeze, off, on, cut, join, noise, insert, pull 或 keys, 然后端口或 端口.枪号 " +
	"(want one of these words, then a port or port.nozzle)")

// gun is what hands do at a nozzle of either family.
type gun interface {
	Lift(now clock.Instant)
	Hang(now clock.Instant)
	Squeeze(now clock.Instant, permille int)
}

// plainGun is one nozzle of a plain board.
type plainGun struct {
	*dispenser.Plain
	n byte
}

func (g plainGun) Lift(now clock.Instant)           { g.Plain.Lift(now, g.n) }
func (g plainGun) Hang(now clock.Instant)           { g.Plain.Hang(now, g.n) }
func (g plainGun) Squeeze(now clock.Instant, p int) { g.Plain.Squeeze(now, g.n, p) }

// move does one typed line: a word, a port, perhaps a value.
func (ps *pumps) move(words []string) error {
	if len(words) < 2 || len(words) > 3 {
		return errPumpHand
	}
	port, nozzle, err := ps.place(words[1])
	if err != nil {
		return err
	}
	value, number := "", 0
	if len(words) == 3 {
		value = words[2]
	}
	if number, err = strconv.Atoi(value); words[0] == "squeeze" || words[0] == "noise" {
		if err != nil || number < 0 || number > 1000 {
			return fmt.Errorf("%s %q: 应为 0…1000 (want thousandths)", words[0], value)
		}
	}
	switch words[0] {
	case "off", "on":
		err = ps.hub.Power(port, words[0] == "on")
	case "cut":
		ps.hub.Line(port, (*line.Mem).Cut)
		err = nil
	case "join":
		ps.hub.Line(port, (*line.Mem).Restore)
		err = nil
	case "noise":
		ps.hub.Line(port, func(m *line.Mem) { m.Noise(number) })
	case "keys":
		err = ps.atPad(port, nozzle, value)
	case "insert", "pull":
		err = ps.atSlot(port, words[0])
	case "lift", "hang", "squeeze":
		err = ps.atGun(port, nozzle, words[0], number)
	default:
		return errPumpHand
	}
	if err == nil {
		ps.say("%s", strings.Join(words, " "))
	}
	return err
}

// place reads a port or port.nozzle, both from 1.
func (ps *pumps) place(text string) (port int, nozzle byte, err error) {
	head, tail, more := strings.Cut(text, ".")
	port, err = strconv.Atoi(head)
	n := 1
	if err == nil && more {
		n, err = strconv.Atoi(tail)
	}
	if err != nil || port < 1 || port > ps.hub.Ports() || n < 1 || n > mostNozzles {
		return 0, 0, fmt.Errorf("没有端口或枪 %q (no such port or nozzle)", text)
	}
	return port - 1, byte(n), nil
}

var errDark = errors.New("没有电 (no power)")

func (ps *pumps) atGun(port int, nozzle byte, word string, permille int) error {
	err := errDark
	ps.hub.Do(port, func(now clock.Instant, d hub.Device) {
		var g gun
		switch b := d.(type) {
		case *dispenser.Plain:
			if int(nozzle) > len(b.Views()) {
				err = fmt.Errorf("没有 %d 号枪 (no such nozzle)", nozzle)
				return
			}
			g = plainGun{b, nozzle}
		case *dispenser.Board:
			g = b
		}
		switch word {
		case "lift":
			g.Lift(now)
		case "hang":
			g.Hang(now)
		default:
			g.Squeeze(now, permille)
		}
		err = nil
	})
	return err
}

// atPad presses keys: a card dispenser's, or those of a plain nozzle, which takes a preset while it stands alone.
func (ps *pumps) atPad(port int, nozzle byte, keys string) error {
	err := errDark
	ps.hub.Do(port, func(now clock.Instant, d hub.Device) {
		err = nil
		for _, k := range []byte(keys) {
			switch b := d.(type) {
			case *dispenser.Board:
				b.Key(now, dispenser.Key(k))
			case *dispenser.Plain:
				if int(nozzle) > len(b.Views()) {
					err = fmt.Errorf("没有 %d 号枪 (no such nozzle)", nozzle)
					return
				}
				b.Key(now, nozzle, dispenser.Key(k))
			}
		}
	})
	return err
}

// atSlot moves the card of a port.
func (ps *pumps) atSlot(port int, word string) error {
	err := errDark
	if !ps.fa || ps.in[port] == nil {
		return errors.New("这个端口没有卡, 见 --card (no card at this port: --card)")
	}
	ps.hub.Do(port, func(now clock.Instant, d hub.Device) {
		b := d.(*dispenser.Board)
		switch word {
		case "insert":
			if _, err = ps.in[port].Reset(); err == nil {
				b.Inserted(now)
			}
			return
		case "pull":
			b.Pulled(now)
		}
		err = nil
	})
	return err
}

//go:build pcsc

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"greylock/cmd/internal/cli"
	"greylock/emulators/conform"
	"greylock/emulators/reader"
	"greylock/emulators/reader/pcscd"
	"greylock/system/card"
	"greylock/system/card/pcsc"
)

// readerPatience is how long a service may take to see the first card.
const readerPatience = 10 * time.Second

// throughReader puts the cards of a backend behind a real PC/SC service. at "" starts a service of its own; NAME,NAME@PORT is a
// service that runs: the names of vpcd's two slots and the port of the first.
func throughReader(makes conform.Backend, at string) (conform.Backend, error) {
	names, port, end, err := readers(at)
	if err != nil {
		return nil, err
	}
	v := reader.NewVirtual("127.0.0.1", port, pcscd.Slots)
	v.Plug()
	end = both(v.Close, end)
	doors := make([]conform.Door, pcscd.Slots)
	for i := range doors {
		d := &readerDoor{name: names[i], slot: v.Slots[i]}
		doors[i], end = d.put, both(d.close, end)
	}
	return conform.Through(makes, doors[0], doors[1], end), nil
}

func both(a, b func() error) func() error { return func() error { return errors.Join(a(), b()) } }

func readers(at string) (names [pcscd.Slots]string, port int, end func() error, err error) {
	if at != "" {
		text, where, ok := strings.Cut(at, "@")
		user, sam, two := strings.Cut(text, ",")
		port, bad := strconv.Atoi(where)
		if !ok || !two || bad != nil {
			return names, 0, nil, cli.Usagef("--reader %q: 应为 名称,名称@端口 (want NAME,NAME@PORT)", at)
		}
		return [pcscd.Slots]string{user, sam}, port, func() error { return nil }, nil
	}
	dir, err := os.MkdirTemp("", "pcscd")
	if err != nil {
		return names, 0, nil, err
	}
	remove := func() error { return os.RemoveAll(dir) }
	s, err := pcscd.Start(dir, 1)
	if err != nil {
		return names, 0, nil, errors.Join(&cli.Error{Exit: cli.Device, Code: "E409", Zh: "虚拟读卡服务未能启动", En: "no service with virtual readers",
			NextZh: "以 root 运行, 并安装 pcscd 和 vsmartcard-vpcd", NextEn: "run as root, with pcscd and vsmartcard-vpcd installed", Detail: err.Error()}, remove())
	}
	if err := os.Setenv(pcscd.SocketVariable, s.Socket()); err != nil {
		return names, 0, nil, errors.Join(err, s.Stop(), remove())
	}
	r := s.Readers()[0]
	return r.Names, r.Port, both(s.Stop, remove), nil
}

// readerDoor is the way to card after card through one slot. A card is changed inside the slot and powered up anew, which the
// service sees as a reset: taking it out and putting another in costs a hand's time for each.
type readerDoor struct {
	name string
	slot *reader.Slot
	now  switched
	open *pcsc.Reader
}

// switched is a contact face behind which the card can be changed.
type switched struct{ card.Slot }

func (d *readerDoor) put(c card.Slot) (card.Slot, error) {
	d.now.Slot = c
	if d.open == nil {
		if err := d.slot.Insert(&d.now); err != nil {
			return nil, err
		}
		ctx, stop := context.WithTimeout(context.Background(), readerPatience)
		defer stop()
		if err := pcsc.Wait(ctx, d.name, true); err != nil {
			return nil, fmt.Errorf("%s: %w", d.name, err)
		}
		var err error
		if d.open, err = pcsc.Open(d.name); err != nil {
			return nil, err
		}
	}
	_, err := d.open.Reset()
	return d.open, err
}

func (d *readerDoor) close() error {
	if d.open == nil {
		return nil
	}
	return d.open.Close()
}

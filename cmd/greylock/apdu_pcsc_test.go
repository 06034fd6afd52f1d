//go:build pcsc

package main

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"greylock/cmd/internal/cli"
	virtual "greylock/emulators/reader"
	"greylock/emulators/reader/pcscd"
	"greylock/system/card/pcsc"
)

// TestAPDUThroughService: the same commands through a PC/SC service, with readers that come and go between them.
func TestAPDUThroughService(t *testing.T) {
	dir, err := os.MkdirTemp("", "pcscd")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	service, err := pcscd.Start(dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = service.Stop() }()
	t.Setenv(pcscd.SocketVariable, service.Socket())
	x := service.Readers()[0]
	v := virtual.NewVirtual("127.0.0.1", x.Port, 1)
	defer func() { _ = v.Close() }()
	v.Plug()
	run := func(args ...string) result {
		t.Helper()
		var out, stderr bytes.Buffer
		e := &env{Options: cli.Options{Streams: cli.Streams{In: bytes.NewReader(nil), Out: &out, Err: &stderr}},
			readers: pcsc.List, open: openReader, random: rand.Reader}
		return checked(t, args, result{cli.Run(t.Context(), e.root(), &e.Options, args), out.String(), stderr.String()})
	}
	run("cards", "readers").want(t, cli.OK, x.Names[0], x.Names[1])
	run("apdu", "send", "GET-BALANCE").want(t, cli.Device, "E401", x.Names[0]) // two readers: which?
	run("apdu", "send", "GET-BALANCE", "--reader", x.Names[0]).want(t, cli.Device, "E402", "请插卡")
	if err := v.Slots[0].Insert(petrolCard(t).slot.(contact).face); err != nil {
		t.Fatal(err)
	}
	run("apdu", "send", "GET-BALANCE", "--reader", x.Names[0], "--wait").want(t, cli.OK, "余额=0.00", "ATR 3B66")
	script, record := written(t, "> GET-BALANCE\n> READ-BINARY sfi=15\n"), filepath.Join(t.TempDir(), "record")
	run("apdu", "record", script, "--reader", x.Names[0], "--out", record).want(t, cli.OK)
	run("apdu", "script", script, "--reader", x.Names[0]).want(t, cli.OK, "> 00B0950000")
	v.Slots[0].Tear(2, virtual.After) // the SELECT is the first
	run("apdu", "script", script, "--reader", x.Names[0]).want(t, cli.Device, "结果未知")
	if err := service.Kill(); err != nil {
		t.Fatal(err)
	}
	run("apdu", "send", "GET-BALANCE", "--reader", x.Names[0]).want(t, cli.Device, "E401", "请启动 pcscd (start pcscd)")
}

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greylock/cmd/internal/cli"
	"greylock/emulators/cardos"
	"greylock/emulators/chip"
	"greylock/fixtures"
	"greylock/system/wire/fuelcard"
)

// blankImage is a blank card as a file.
func blankImage(t *testing.T) string {
	t.Helper()
	nv, p := cardos.NewMemNV(), fuelcard.National()
	if _, err := cardos.Blank(nv, rand.Reader, p, fixtures.TestKeys().Transport); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "card.img")
	if err := (chip.Image{Kind: chip.CardImage, Profile: p.Name, Memory: nv.Image()}).Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestEmulateCard: the image answers at vpcd's socket, leaves and comes at a word, is torn, and keeps what it has written.
func TestEmulateCard(t *testing.T) {
	t.Parallel()
	const limit = 60 * time.Second
	path := blankImage(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	in, typed := io.Pipe()
	var out, stderr bytes.Buffer
	lb := &lab{Options: cli.Options{Streams: cli.Streams{In: in, Out: &out, Err: &stderr}}}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan cli.Exit, 1)
	go func() {
		ended <- cli.Run(ctx, lb.root(), &lb.Options, []string{"emulate", "card", "--image", path, "--reader", l.Addr().String()})
	}()
	accept := func() net.Conn {
		t.Helper()
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	ask := func(conn net.Conn, frame string) string {
		t.Helper()
		var head [2]byte
		_, err := fmt.Fprintf(conn, "%c%c%s", 0, len(frame), frame)
		if err == nil {
			_, err = io.ReadFull(conn, head[:])
		}
		b := make([]byte, int(head[0])<<8|int(head[1]))
		if err == nil {
			_, err = io.ReadFull(conn, b)
		}
		if err != nil {
			t.Fatalf("%X: %v", frame, err)
		}
		return string(b)
	}
	over := func(conn net.Conn) {
		t.Helper()
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Fatalf("the card is still there: %v", err)
		}
	}
	conn := accept()
	if atr := ask(conn, "\x04"); !strings.HasPrefix(atr, "\x3B") {
		t.Fatalf("ATR %X", atr)
	}
	fmt.Fprint(conn, "\x00\x01\x01")                                               // power
	if a := ask(conn, "\x00\x84\x00\x00\x04"); !strings.HasSuffix(a, "\x90\x00") { // GET CHALLENGE
		t.Fatalf("< %X", a)
	}
	ask(conn, "\x00\x82\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00") // a wrong EXTERNAL AUTHENTICATION costs a try
	fmt.Fprint(typed, "out 1\n")
	over(conn)
	fmt.Fprint(typed, "in 1\ntear 1 1 before\n")
	conn = accept()
	ask(conn, "\x04")
	fmt.Fprint(conn, "\x00\x01\x01\x00\x05\x00\x84\x00\x00\x04")
	over(conn)
	fmt.Fprint(typed, "in 1\n")
	ask(accept(), "\x04")
	fmt.Fprint(typed, "in 1\nout 3\nout\njump 1\ntear 1 0 after\n")
	if err := typed.Close(); err != nil {
		t.Fatal(err)
	}
	stop()
	if code := <-ended; code != cli.OK {
		t.Errorf("exit %d: %s", code, stderr.String())
	}
	after, err := os.ReadFile(path)
	if err != nil || bytes.Equal(before, after) {
		t.Errorf("the image is as before: %v", err)
	}
	if i, err := chip.ParseImage(after); err != nil || i.Kind != chip.CardImage {
		t.Error(err)
	}
}

func TestEmulateCardRefuses(t *testing.T) {
	t.Parallel()
	path, none := blankImage(t), filepath.Join(t.TempDir(), "none")
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(broken, []byte("GREYCHIP"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		args []string
		code cli.Exit
		says string
	}{
		"no image":  {nil, cli.Usage, "--image"},
		"three":     {[]string{"--image", path + "," + path + "," + path}, cli.Usage, "--image"},
		"no port":   {[]string{"--image", path, "--reader", "here"}, cli.Usage, "here"},
		"bad port":  {[]string{"--image", path, "--reader", "here:99999"}, cli.Usage, "99999"},
		"no file":   {[]string{"--image", none}, cli.Failed, none},
		"no image ": {[]string{"--image", broken}, cli.Failed, "不是芯片映像文件"},
	} {
		code, out, stderr := call(t, append([]string{"emulate", "card"}, c.args...)...)
		if code != c.code || !strings.Contains(stderr, c.says) {
			t.Errorf("%s: exit %d:\n%s%s", what, code, out, stderr)
		}
	}
}

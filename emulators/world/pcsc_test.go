//go:build pcsc

package world

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greylock/emulators/chip"
	"greylock/emulators/reader"
	"greylock/emulators/reader/pcscd"
	"greylock/system/card/pcsc"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
)

// shop is a card of the town, made, issued and loaded by the product, behind a PC/SC service of the test's own.
type shop struct {
	t    *testing.T
	w    *World
	card *plastic
	name string // of the reader
	env  []string
}

func openShop(t *testing.T) *shop {
	t.Helper()
	dir, err := os.MkdirTemp("", "pcscd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	service, err := pcscd.Start(dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = service.Stop() })
	t.Setenv(pcscd.SocketVariable, service.Socket())
	w := town(t, Options{})
	s := &shop{t: t, w: w, card: w.cards["张三的卡"], name: service.Readers()[0].Names[0], env: os.Environ()}
	v := reader.NewVirtual("127.0.0.1", service.Readers()[0].Port, 1)
	t.Cleanup(func() { _ = v.Close() })
	v.Plug()
	if err := v.Slots[0].Insert(&chip.T0{Card: s.card.card}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	if err := pcsc.Wait(ctx, s.name, true); err != nil {
		t.Fatal(err)
	}
	return s
}

// asked is what is asked of the card and what it must answer; data "" is any.
type asked struct {
	command apdu.Command
	data    []byte
	sw      apdu.SW
}

// questions are SELECT, READ, a wrong and the right VERIFY, and GET BALANCE, with the answers that the specification and the
// town's books demand. Source: card.md 3.3, 6.2.
func (s *shop) questions() []asked {
	o, err := s.card.card.Oracle()
	if err != nil {
		s.t.Fatal(err)
	}
	p := fuelcard.National()
	public := fuelcard.PublicData{}
	if file, err := s.read(fuelcard.SFIPublic); err == nil {
		public = file
	} else {
		s.t.Fatal(err)
	}
	if public.ASN != s.card.asn {
		s.t.Errorf("file 0015 holds %s, the books %s", public.ASN, s.card.asn)
	}
	pin := fuelcard.PIN{0x12, 0x34, 0x56}
	return []asked{
		{fuelcard.SelectFile{FID: fuelcard.FIDMF}.Command(), nil, apdu.OK},
		{fuelcard.SelectName{Name: p.AIDPetrol}.Command(), nil, apdu.OK},
		{fuelcard.ReadBinary{SFI: fuelcard.SFIPublic, Length: fuelcard.PublicLength}.Command(), public.Bytes(), apdu.OK},
		{fuelcard.Verify{PIN: fuelcard.PIN{0x99, 0x99, 0x99}}.Command(), nil, 0x63C2},
		{fuelcard.Verify{PIN: pin}.Command(), nil, apdu.OK},
		{fuelcard.GetBalance{Purse: fuelcard.ED}.Command(), fuelcard.BalanceAnswer{Balance: o.Balance}.Bytes(), apdu.OK},
		{fuelcard.GetBalance{Purse: fuelcard.EP}.Command(), nil, apdu.FileNotFound},
	}
}

// read is what the card itself holds, past every reader.
func (s *shop) read(sfi byte) (x fuelcard.PublicData, err error) {
	c := s.card.card
	if _, err := c.Reset(); err != nil {
		return x, err
	}
	for _, q := range []apdu.Command{fuelcard.SelectName{Name: fuelcard.National().AIDPetrol}.Command(), fuelcard.ReadBinary{SFI: sfi}.Command()} {
		raw, err := c.Transmit(q.Bytes())
		if err != nil {
			return x, err
		}
		if a, err := apdu.ParseAnswer(raw); err == nil && a.SW == apdu.OK {
			x, _ = fuelcard.ParsePublicData(a.Data)
		}
	}
	return x, c.Off()
}

// TestOurClientThenOthers asks through the product's reader, then through two programs that are not ours.
func TestOurClientThenOthers(t *testing.T) {
	s := openShop(t)
	questions := s.questions()
	r, err := pcsc.Open(s.name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Reset(); err != nil {
		t.Fatal(err)
	}
	for _, q := range questions {
		raw, err := r.Transmit(q.command.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		a, err := apdu.ParseAnswer(raw)
		if err != nil || a.SW != q.sw || q.data != nil && !bytes.Equal(a.Data, q.data) {
			t.Errorf("> %X < %X, want %X %v: %v", q.command.Bytes(), raw, q.data, q.sw, err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	t.Run("opensc-tool", func(t *testing.T) { s.openSC(t, questions) })
	t.Run("scriptor", func(t *testing.T) { s.scriptor(t, questions) })
}

// openSC sends every question in one run of opensc-tool.
func (s *shop) openSC(t *testing.T, questions []asked) {
	args := []string{"--reader", s.name, "--card-driver", "default"}
	for _, q := range questions {
		args = append(args, "--send-apdu", fmt.Sprintf("%X", q.command.Bytes()))
	}
	out := s.run(t, "opensc-tool", "", args...)
	parts := strings.Split(out, "Received (SW1=0x")
	if len(parts) != len(questions)+1 {
		t.Fatalf("%d answers to %d questions:\n%s", len(parts)-1, len(questions), out)
	}
	for i, q := range questions {
		part := parts[i+1]
		var sw1, sw2 int
		if n, err := fmt.Sscanf(part, "%02X, SW2=0x%02X)", &sw1, &sw2); n != 2 {
			t.Fatalf("%q: %v", part, err)
		}
		_, data, _ := strings.Cut(part, "\n")
		data, _, _ = strings.Cut(data, "Sending")
		check(t, q, dump(data), apdu.SW(sw1<<8|sw2))
	}
}

// dump reads the hexadecimal columns of a listing, which have three characters per byte, sixteen to a line.
func dump(text string) (b []byte) {
	for _, line := range strings.Split(text, "\n") {
		for i := 0; i+2 <= min(len(line), 48); i += 3 {
			var v byte
			if _, err := fmt.Sscanf(line[i:i+2], "%02X", &v); err != nil {
				return b
			}
			b = append(b, v)
		}
	}
	return b
}

// scriptor sends them as a script. It knows nothing of T=0: data are fetched by GET RESPONSE, as the card asks.
func (s *shop) scriptor(t *testing.T, questions []asked) {
	var script strings.Builder
	var want []asked
	for _, q := range questions {
		c := q.command
		if len(c.Data) > 0 {
			c.Le = apdu.NoLe
		}
		fmt.Fprintf(&script, "%s\n", spaced(c.Bytes()))
		want = append(want, asked{c, q.data, q.sw})
	}
	out := s.run(t, "scriptor", script.String(), "-r", s.name, "-p", "T=0")
	var answers [][]byte
	for _, part := range strings.Split(out, "\n> ")[1:] {
		if _, text, ok := strings.Cut(part, "\n< "); ok {
			text, _, _ := strings.Cut(text, ":") // several lines, and what the program thinks of it
			var b []byte
			for _, x := range strings.Fields(text) {
				var v byte
				if _, err := fmt.Sscanf(x, "%02X", &v); err != nil {
					t.Fatalf("%q: %v", part, err)
				}
				b = append(b, v)
			}
			answers = append(answers, b)
		}
	}
	if len(answers) != len(want) {
		t.Fatalf("%d answers to %d questions:\n%s", len(answers), len(want), out)
	}
	for i, q := range want {
		a, err := apdu.ParseAnswer(answers[i])
		if err != nil {
			t.Fatal(err)
		}
		if n, more := a.SW.MoreData(); more && n > 0 && q.data == nil {
			a.SW = apdu.OK
		}
		check(t, q, a.Data, a.SW)
	}
}

func spaced(b []byte) string { return strings.TrimSpace(fmt.Sprintf("% X", b)) }

func check(t *testing.T, q asked, data []byte, sw apdu.SW) {
	t.Helper()
	if sw != q.sw || q.data != nil && !bytes.Equal(data, q.data) {
		t.Errorf("> %X: < %X %04X, want %X %04X", q.command.Bytes(), data, uint16(sw), q.data, uint16(q.sw))
	}
}

// run runs a program and keeps what it said for whoever reads the proof.
func (s *shop) run(t *testing.T, name, in string, args ...string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Stdin = s.env, strings.NewReader(in)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	if dir := os.Getenv("PROOF"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name+".txt"), out, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return string(out)
}

//go:build pcsc

package reader_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"greylock/emulators/reader"
	"greylock/emulators/reader/pcscd"
	"greylock/system/card/pcsc"
)

// challenge is a command that our card and others' both know.
var challenge = []byte{0x00, 0x84, 0x00, 0x00, 0x08}

// BenchmarkPeerOurs and BenchmarkPeerVicc are the same command through the same service: our card, and Debian's vicc.
func BenchmarkPeerOurs(b *testing.B) {
	x := service1.Readers()[0]
	v := reader.NewVirtual("127.0.0.1", x.Port, pcscd.Slots)
	v.Plug()
	defer func() { _ = v.Close() }()
	if err := v.Slots[0].Insert(petrol(b)); err != nil {
		b.Fatal(err)
	}
	challenges(b, x.Names[0])
}

// BenchmarkPeerVicc needs vsmartcard-vpicc and python3-pycryptodome; vicc looks for the latter under its old name.
// Source: trust.md 7.3.
func BenchmarkPeerVicc(b *testing.B) {
	if _, err := exec.LookPath("vicc"); err != nil {
		b.Skip("vicc is not installed: no peer to compare with")
	}
	alias := b.TempDir()
	if err := os.Symlink("/usr/lib/python3/dist-packages/Cryptodome", filepath.Join(alias, "Crypto")); err != nil {
		b.Fatal(err)
	}
	x := service1.Readers()[0]
	cmd := exec.Command("vicc", "--type", "iso7816", "--hostname", "127.0.0.1", "--port", fmt.Sprint(x.Port))
	cmd.Env = append(os.Environ(), "PYTHONPATH=/usr/lib/python3/site-packages:/usr/lib/python3/site-packages/virtualsmartcard:"+alias)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	}()
	challenges(b, x.Names[0])
}

func challenges(b *testing.B, name string) {
	if err := pcsc.Wait(b.Context(), name, true); err != nil {
		b.Fatal(err)
	}
	r, err := pcsc.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	for try := 1; ; try++ { // vicc may still be answering the service's own power-up
		if _, err := r.Reset(); err == nil {
			break
		} else if try == 5 {
			b.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	took := make([]time.Duration, 0, 1<<16)
	for b.Loop() {
		start := time.Now()
		if answer, err := r.Transmit(challenge); err != nil || len(answer) != 10 {
			b.Fatalf("%X %v", answer, err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e6, "ms-median")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "APDU/s")
}

package vault_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"greylock/system/vault"
	"greylock/system/wire/record"
)

func TestMasterOpensWithBothOnly(t *testing.T) {
	t.Parallel()
	v := generated(t, 1)
	file, err := v.SealMaster(both, cheap, random(3))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := vault.OpenMaster(file, both)
	if err != nil {
		t.Fatal(err)
	}
	c := card1(t)
	want, err1 := v.TAC(c, []byte("x"))
	got, err2 := opened.TAC(c, []byte("x"))
	if err1 != nil || err2 != nil || want != got || !bytes.Equal(opened.PublicKey(), v.PublicKey()) {
		t.Errorf("opened vault computes %v %v, want %v %v", got, err2, want, err1)
	}
	a, b, wrong := both[0], both[1], []byte("not the password 1")
	for name, p := range map[string]vault.Passwords{
		"first alone": {a, nil}, "second alone": {nil, b}, "first twice": {a, a}, "second twice": {b, b}, "swapped": {b, a},
		"second wrong": {a, wrong}, "first wrong": {wrong, b}, "both wrong": {wrong, wrong}, "none": {},
	} {
		_, err := vault.OpenMaster(file, p)
		if !errors.Is(err, vault.ErrOpen) || err.Error() != vault.ErrOpen.Error() {
			t.Errorf("%s: %v, want just ErrOpen", name, err)
		}
	}
}

func TestWorkingOpensWithItsSecretOnly(t *testing.T) {
	t.Parallel()
	part, err := generated(t, 1).For(record.KindCenter, record.Center, now)
	if err != nil {
		t.Fatal(err)
	}
	file, secret, err := part.SealWorking(random(4))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := vault.OpenWorking(file, secret)
	if err != nil {
		t.Fatal(err)
	}
	if opened.Role() != record.KindCenter || opened.Site() != record.Center || opened.Realm() != record.Training {
		t.Errorf("opened %v", opened)
	}
	for name, s := range map[string][]byte{"none": nil, "short": secret[1:], "wrong": bytes.Repeat([]byte{7}, vault.SecretLen)} {
		if _, err := vault.OpenWorking(file, s); !errors.Is(err, vault.ErrOpen) {
			t.Errorf("%s secret: %v, want ErrOpen", name, err)
		}
	}
	master, err := generated(t, 1).SealMaster(both, cheap, random(3))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vault.OpenWorking(master, secret); !errors.Is(err, vault.ErrPurpose) {
		t.Errorf("master as working: %v", err)
	}
	if _, err := vault.OpenMaster(file, both); !errors.Is(err, vault.ErrPurpose) {
		t.Errorf("working as master: %v", err)
	}
}

// Every byte counts: a flipped bit anywhere is seen without a password; with the outer hash made good again it is seen at
// the latest when the vault is opened.
func TestTamperingWithEachByte(t *testing.T) {
	t.Parallel()
	part, err := generated(t, 1).For(record.KindOutlet, "0003", now)
	if err != nil {
		t.Fatal(err)
	}
	file, secret, err := part.SealWorking(random(4))
	if err != nil {
		t.Fatal(err)
	}
	for i := range file {
		bad := bytes.Clone(file)
		bad[i] ^= 1 << (i % 8)
		if _, err := vault.Inspect(bad); !errors.Is(err, vault.ErrDamaged) {
			t.Fatalf("byte %d of %d: %v, want ErrDamaged", i, len(file), err)
		}
		if i >= len(file)-32 {
			continue
		}
		if _, err := vault.OpenWorking(rehash(bad), secret); err == nil {
			t.Fatalf("byte %d of %d with a good hash: opened", i, len(file))
		}
	}
	for n := range file {
		if _, err := vault.Inspect(file[:n]); !errors.Is(err, vault.ErrDamaged) {
			t.Fatalf("cut at %d: %v, want ErrDamaged", n, err)
		}
	}
	if _, err := vault.Inspect(append(bytes.Clone(file), 0)); !errors.Is(err, vault.ErrDamaged) {
		t.Errorf("a byte more: %v", err)
	}
}

// The parameters of Argon2id are authenticated: a cheaper file does not open, in production it is not even tried.
func TestParameterDowngrade(t *testing.T) {
	t.Parallel()
	v := generated(t, 1)
	file, err := v.SealMaster(both, vault.Cost{Time: 2, MemoryKiB: 64, Threads: 1}, random(3))
	if err != nil {
		t.Fatal(err)
	}
	weaker := rehash(bytes.Replace(file, []byte(`"time":2`), []byte(`"time":1`), 1))
	if bytes.Equal(weaker, file) {
		t.Fatal("the file has no time parameter")
	}
	if _, err := vault.OpenMaster(weaker, both); !errors.Is(err, vault.ErrOpen) {
		t.Errorf("downgraded: %v, want ErrOpen", err)
	}
	huge := rehash(bytes.Replace(file, []byte(`"threads":1`), []byte(`"threads":0`), 1))
	if _, err := vault.OpenMaster(huge, both); !errors.Is(err, vault.ErrCost) {
		t.Errorf("no thread: %v, want ErrCost", err)
	}
	production := rehash(bytes.Replace(file, []byte(`"training"`), []byte(`"production"`), 1))
	if _, err := vault.OpenMaster(production, both); err == nil {
		t.Error("the realm could be changed")
	}
}

func TestProductionFloor(t *testing.T) {
	t.Parallel()
	v, err := vault.Generate(birth(record.Production), random(9))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []vault.Cost{cheap, {Time: 3, MemoryKiB: 1 << 20, Threads: 2}, {Time: 4, MemoryKiB: 1<<20 - 1, Threads: 2}} {
		if _, err := v.SealMaster(both, c, random(3)); !errors.Is(err, vault.ErrCost) {
			t.Errorf("cost %+v in production: %v, want ErrCost", c, err)
		}
	}
	if _, err := v.SealMaster(both, vault.Cost{Time: 1 << 20, MemoryKiB: 1 << 20, Threads: 2}, random(3)); !errors.Is(err, vault.ErrCost) {
		t.Error("an endless cost was accepted")
	}
}

func TestFilesOfASite(t *testing.T) {
	t.Parallel()
	part, err := generated(t, 1).For(record.KindOutlet, "0003", now)
	if err != nil {
		t.Fatal(err)
	}
	file, secret, err := part.SealWorking(random(4))
	if err != nil {
		t.Fatal(err)
	}
	a, b := filepath.Join(t.TempDir(), "outlet.vault"), filepath.Join(t.TempDir(), "outlet.secret")
	if err := errors.Join(os.WriteFile(a, file, 0o600), os.WriteFile(b, secret, 0o600)); err != nil {
		t.Fatal(err)
	}
	if v, err := vault.ReadFiles(a, b); err != nil || v.Site() != "0003" {
		t.Errorf("%v %v", v, err)
	}
	if err := os.Chmod(b, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := vault.ReadFiles(a, b); runtime.GOOS != "windows" && !errors.Is(err, vault.ErrMode) {
		t.Errorf("a secret that others may read: %v", err)
	}
}

func TestWipe(t *testing.T) {
	t.Parallel()
	master := generated(t, 1)
	center, err := master.For(record.KindCenter, record.Center, now)
	if err != nil {
		t.Fatal(err)
	}
	master.Wipe()
	if _, err := master.TAC(card1(t), nil); !errors.Is(err, vault.ErrNoKey) {
		t.Errorf("a wiped vault computes: %v", err)
	}
	if _, err := center.TAC(card1(t), nil); err != nil {
		t.Errorf("the part was wiped too: %v", err)
	}
	if _, err := center.Sign(record.Directive{Realm: record.Training, Body: []byte("{}")}); err != nil {
		t.Errorf("the part can not sign: %v", err)
	}
}

// Canary: no key byte is in any file, sealed or shown.
func TestNoKeyInAnyFile(t *testing.T) {
	t.Parallel()
	v, keys := chain1(t)
	master, err := v.SealMaster(both, cheap, random(3))
	if err != nil {
		t.Fatal(err)
	}
	refuseKeys(t, master, keys)
	for _, role := range []record.Kind{record.KindCenter, record.KindMaking, record.KindOutlet} {
		part, err := v.For(role, "0009", now)
		if err != nil {
			t.Fatal(err)
		}
		file, secret, err := part.SealWorking(random(4))
		if err != nil {
			t.Fatal(err)
		}
		refuseKeys(t, append(file, secret...), keys)
	}
	for _, p := range both {
		if bytes.Contains(master, p) {
			t.Error("a password is in the vault file")
		}
	}
}

func FuzzInspect(f *testing.F) {
	v, err := vault.Generate(birth(record.Training), random(1))
	if err != nil {
		f.Fatal(err)
	}
	part, err := v.For(record.KindOutlet, "0003", now)
	if err != nil {
		f.Fatal(err)
	}
	file, secret, err := part.SealWorking(random(4))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range [][]byte{b, rehash(b)} { // the second gets past the outer hash
			if _, err := vault.OpenWorking(b, secret); err == nil && !bytes.Equal(b, file) {
				t.Error("another file opened")
			}
		}
	})
}

// rehash makes the outer hash good again, as a forger would.
func rehash(file []byte) []byte {
	if len(file) < sha256.Size {
		return file
	}
	body := file[:len(file)-sha256.Size]
	sum := sha256.Sum256(body)
	return append(bytes.Clone(body), sum[:]...)
}

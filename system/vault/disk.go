package vault

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// ErrMode says that others than the owner can read the secret, or that it lies beside the vault file.
var ErrMode = errors.New("解锁密钥文件权限或位置不当 (the secret file is readable by others, or lies beside the vault file)")

// othersMay are the permission bits that a secret file must not have.
const othersMay fs.FileMode = 0o077

// WriteFiles stores a working vault and its secret as new files of mode 0600, in two directories: who copies one has nothing.
// A file that is there is not replaced.
func WriteFiles(vaultPath string, file []byte, secretPath string, secret []byte) error {
	if filepath.Dir(filepath.Clean(vaultPath)) == filepath.Dir(filepath.Clean(secretPath)) {
		return fmt.Errorf("%s, %s: %w", vaultPath, secretPath, ErrMode)
	}
	if err := writeNew(secretPath, secret); err != nil {
		return err
	}
	return writeNew(vaultPath, file)
}

func writeNew(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("vault: write %s: %w", path, err)
	}
	return nil
}

// ReadFiles opens the working vault of a site from its two files. ErrMode if others may read the secret.
func ReadFiles(vaultPath, secretPath string) (*Vault, error) {
	info, err := os.Stat(secretPath)
	if err != nil {
		return nil, fmt.Errorf("vault: secret: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&othersMay != 0 {
		return nil, fmt.Errorf("%s: mode %o: %w", secretPath, info.Mode().Perm(), ErrMode)
	}
	secret, err := os.ReadFile(secretPath)
	if err != nil {
		return nil, fmt.Errorf("vault: secret: %w", err)
	}
	defer clear(secret)
	file, err := os.ReadFile(vaultPath)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	return OpenWorking(file, secret)
}

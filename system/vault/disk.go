package vault

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
)

// ErrMode says that others than the owner can read the secret.
var ErrMode = errors.New("开启文件权限过宽, 请 chmod 600 (others may read this secret)")

// othersMay are the permission bits that a secret file must not have.
const othersMay fs.FileMode = 0o077

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

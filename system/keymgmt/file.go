package keymgmt

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

const (
	lockName = "LOCK"
	fileMax  = 1 << 20 // a vault file is some 8 KiB
)

// read returns a whole file; fs.ErrNotExist when it is not there.
func (r *Room) read(name string) ([]byte, error) {
	f, err := r.cfg.Files.Open(name)
	if err != nil {
		return nil, fmt.Errorf("keymgmt: open %s: %w", name, err)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, fmt.Errorf("keymgmt: size of %s: %w", name, err)
	}
	if size > fileMax {
		return nil, fmt.Errorf("keymgmt: %s has %d bytes, at most %d are read", name, size, fileMax)
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("keymgmt: read %s: %w", name, err)
	}
	return b, nil
}

// place puts the vault file under its name, whole or not at all. The directory is locked and free, so that the rename
// replaces nothing.
func (r *Room) place(file []byte) error {
	if err := r.write(file); err != nil {
		return fmt.Errorf("keymgmt: write %s: %w", tempName, err)
	}
	if _, err := r.read(fileName); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("keymgmt: %s appeared meanwhile: %w", fileName, ErrHeld)
	}
	if err := r.cfg.Files.Rename(tempName, fileName); err != nil {
		return fmt.Errorf("keymgmt: rename %s: %w", tempName, err)
	}
	if err := r.cfg.Files.SyncDir(); err != nil {
		return fmt.Errorf("keymgmt: directory: %w", err)
	}
	return nil
}

func (r *Room) write(file []byte) error {
	f, err := r.cfg.Files.Create(tempName)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(file, 0); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

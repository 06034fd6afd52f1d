package dispenser

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// FileNV is an NV in a file: a board's memory that outlives the program. Bytes are in the file when Write returns, not on the
// disk: the end of the program does not lose them, a power cut of the machine may.
type FileNV struct{ file *os.File }

// OpenNV opens or makes the file. It is the board's alone as long as it is open.
func OpenNV(path string) (*FileNV, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("dispenser: 加油机内存 (memory of a board): %w", err)
	}
	return &FileNV{f}, nil
}

// Read implements NV; what can not be read is zero, as memory that went bad.
func (m *FileNV) Read(off int, p []byte) {
	n, err := m.file.ReadAt(p, int64(off))
	if err != nil && !errors.Is(err, io.EOF) {
		n = 0
	}
	clear(p[n:])
}

// Write implements NV; a file that can not be written ends the board as a power cut does.
func (m *FileNV) Write(off int, p []byte) error {
	if _, err := m.file.WriteAt(p, int64(off)); err != nil {
		return fmt.Errorf("%w: %w", ErrCut, err)
	}
	return nil
}

// Close closes the file; the board on it must have no power any more.
func (m *FileNV) Close() error { return m.file.Close() }

//go:build !pcsc

package pcsc

import (
	"context"
	"time"
)

// Reader is one PC/SC reader with its card; this build has none.
type Reader struct{ Patience time.Duration }

// Watch tells of readers. It returns ErrBuild.
func Watch(context.Context, func([]State, error)) error { return ErrBuild }

// List names the readers. It returns ErrBuild.
func List() ([]string, error) { return nil, ErrBuild }

// Open takes a reader for this program alone. It returns ErrBuild.
func Open(string) (*Reader, error) { return nil, ErrBuild }

// Reset powers the card up. It returns ErrBuild.
func (*Reader) Reset() ([]byte, error) { return nil, ErrBuild }

// Transmit sends one command. It returns ErrBuild.
func (*Reader) Transmit([]byte) ([]byte, error) { return nil, ErrBuild }

// Off powers the card down. It returns ErrBuild.
func (*Reader) Off() error { return ErrBuild }

// Close gives the reader back. It returns ErrBuild.
func (*Reader) Close() error { return ErrBuild }

//go:build !unix

package serial

// lock has nothing to do: this system opens a port for one program only.
func lock(Config) (func(), error) { return func() {}, nil }

// Held can not tell without opening the port.
func Held(Config) (string, bool) { return "", false }

// Package scenarios holds towns as data: stations, dispensers, products, cards, and what happens by itself.
package scenarios

import "embed"

// FS holds the scenario files at its root.
//
//go:embed *.yaml
var FS embed.FS

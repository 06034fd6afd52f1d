package cli

import (
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/width"
)

// Table prints rows under their heads; Chinese characters take two columns.
type Table struct {
	Heads []string
	Rows  [][]string
}

// Add appends a row of values.
func (t *Table) Add(values ...any) {
	row := make([]string, 0, len(values))
	for _, v := range values {
		row = append(row, fmt.Sprint(v))
	}
	t.Rows = append(t.Rows, row)
}

// Write prints the table; an empty one says so.
func (t *Table) Write(w io.Writer) {
	wide := make([]int, len(t.Heads))
	for _, row := range append([][]string{t.Heads}, t.Rows...) {
		for i, cell := range row {
			wide[i] = max(wide[i], columns(cell))
		}
	}
	for _, row := range append([][]string{t.Heads}, t.Rows...) {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell + strings.Repeat(" ", wide[i]-columns(cell)+2))
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
	if len(t.Rows) == 0 {
		fmt.Fprintln(w, "(无 none)")
	}
}

// columns is how wide a terminal shows s.
func columns(s string) (n int) {
	for _, r := range s {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// section is what one part found.
type section struct {
	title  string
	notes  []string
	tables []table
}

// table has a title and rows as wide as its head. The first column is text, the others are figures
// unless text is set.
type table struct {
	title string
	text  bool
	head  []string
	rows  [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// report is everything, as it is printed and written.
type report struct {
	machine  machine
	command  string
	sections []section
}

// String is Markdown that can be read as it is.
func (r report) String() string {
	var b strings.Builder
	b.WriteString("# Measurements\n\nWritten by `make bench`; see [main.go](main.go) for how it measures. Machines differ and are shared: read the ratios.\n\n")
	b.WriteString(r.machine.table().String())
	fmt.Fprintf(&b, "\n```sh\n%s\n```\n", r.command)
	for _, s := range r.sections {
		fmt.Fprintf(&b, "\n## %s\n", s.title)
		for _, n := range s.notes {
			fmt.Fprintf(&b, "\n%s\n", n)
		}
		for _, t := range s.tables {
			if t.title != "" {
				fmt.Fprintf(&b, "\n%s:\n", t.title)
			}
			b.WriteString("\n" + t.String())
		}
	}
	return b.String()
}

// String is the table with aligned columns.
func (t *table) String() string {
	width := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell), 3)
		}
	}
	var b strings.Builder
	line := func(row []string) {
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i == 0 || t.text {
				b.WriteString("| " + cell + pad + " ")
			} else {
				b.WriteString("| " + pad + cell + " ")
			}
		}
		b.WriteString("|\n")
	}
	line(t.head)
	for i, w := range width {
		if i == 0 || t.text {
			b.WriteString("|" + strings.Repeat("-", w+2))
		} else {
			b.WriteString("|" + strings.Repeat("-", w+1) + ":")
		}
	}
	b.WriteString("|\n")
	for _, row := range t.rows {
		line(row)
	}
	return b.String()
}

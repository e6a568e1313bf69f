package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// section holds the results of a part.
type section struct {
	title  string
	notes  []string
	tables []table
}

// table has rows with as many cells as its head. The first column is text; the others are figures,
// aligned right, unless text is set.
type table struct {
	title string
	text  bool
	head  []string
	rows  [][]string
	marks []mark // what the rows say about goals
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// report holds all results.
type report struct {
	machine  machine
	command  string
	sections []section
}

// String returns the report as Markdown.
func (r report) String() string {
	var b strings.Builder
	b.WriteString("# Measurements\n\nWritten by the command below; [main.go](main.go) describes how. Machines differ and are shared:\ncompare ratios, not absolute figures.\n\n")
	b.WriteString(r.machine.table().String())
	fmt.Fprintf(&b, "\n```sh\n%s\n```\n", r.command)
	for _, s := range r.sections {
		fmt.Fprintf(&b, "\n## %s\n", s.title)
		for _, n := range s.notes {
			fmt.Fprintf(&b, "\n%s\n", wrap(n))
		}
		for _, t := range s.tables {
			if t.title != "" {
				fmt.Fprintf(&b, "\n%s\n", wrap(t.title+":"))
			}
			b.WriteString("\n" + t.String())
		}
	}
	return b.String()
}

// maxLine is the width of text in the report.
const maxLine = 100

// wrap breaks each line of a text between words. Further lines of a list item are indented.
func wrap(text string) string {
	var b strings.Builder
	for i, line := range strings.Split(text, "\n") {
		indent := ""
		if strings.HasPrefix(line, "- ") {
			indent = "  "
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		width := 0
		for j, word := range strings.Split(line, " ") {
			n := utf8.RuneCountInString(word)
			switch {
			case j == 0:
			case width+1+n > maxLine:
				b.WriteString("\n" + indent)
				width = len(indent)
			default:
				b.WriteByte(' ')
				width++
			}
			b.WriteString(word)
			width += n
		}
	}
	return b.String()
}

// String returns the table as Markdown with aligned columns.
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

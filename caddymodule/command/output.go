package command

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/flow"
)

// style is an ANSI color, which only terminals show.
type style string

const (
	plain  style = ""
	dim    style = "\x1b[2m"
	green  style = "\x1b[32m"
	yellow style = "\x1b[33m"
	red    style = "\x1b[31m"
	reset        = "\x1b[0m"
)

// hasColors reports whether w is a terminal that shows colors (https://no-color.org).
func hasColors(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(f.Fd()))
}

func paint(w io.Writer, s style, text string) string {
	if s == plain || !hasColors(w) {
		return text
	}
	return string(s) + text + reset
}

// cell is a field of a table.
type cell struct {
	text  string
	style style
}

// textCell returns a cell without style. Its text may come from elsewhere, so control characters
// are removed.
func textCell(text string) cell { return cell{text: printable(text)} }

// textCells returns a row of cells without style.
func textCells(texts ...string) []cell {
	row := make([]cell, len(texts))
	for i, text := range texts {
		row[i] = textCell(text)
	}
	return row
}

// table writes rows below a head. A column is as wide as its widest cell.
func table(w io.Writer, head []string, rows [][]cell) {
	t := columns{w: w, head: head}
	t.fit(rows)
	t.title()
	t.rows(rows)
}

// columns writes the rows of a table, all at once or as they come. Widths count runes and no color
// codes, which text/tabwriter would count.
type columns struct {
	w      io.Writer
	head   []string
	widths []int
}

// fit widens the columns for rows.
func (t *columns) fit(rows [][]cell) {
	if t.widths == nil {
		for _, h := range t.head {
			t.widths = append(t.widths, utf8.RuneCountInString(h))
		}
	}
	for _, r := range rows {
		for i, c := range r {
			t.widths[i] = max(t.widths[i], utf8.RuneCountInString(c.text))
		}
	}
}

// title writes the head.
func (t *columns) title() {
	top := make([]cell, len(t.head))
	for i, h := range t.head {
		top[i] = cell{h, dim}
	}
	t.rows([][]cell{top})
}

// rows writes rows that fit.
func (t *columns) rows(rows [][]cell) {
	for _, cells := range rows {
		var b strings.Builder
		for i, c := range cells {
			b.WriteString(paint(t.w, c.style, c.text))
			if i < len(cells)-1 {
				b.WriteString(strings.Repeat(" ", t.widths[i]-utf8.RuneCountInString(c.text)+2))
			}
		}
		fmt.Fprintln(t.w, strings.TrimRight(b.String(), " "))
	}
}

// rowPrinter returns a function that writes lines with a name and a text, the texts in one column.
func rowPrinter(w io.Writer, nameWidth int) func(name, format string, args ...any) {
	return func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s%s\n", paint(w, dim, fmt.Sprintf("%-*s", nameWidth, name)), fmt.Sprintf(format, args...))
	}
}

// printJSON writes v as indented JSON.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// maxAligned is the length of a JSON path up to which reasons are aligned, in runes.
const maxAligned = 60

// printProblems writes a line with file, position, JSON path and reason for each problem of a
// document. The reasons are aligned. When there are as many as a report takes, a last line says so.
func printProblems(w io.Writer, file string, problems []adminapi.Problem) {
	places := make([]string, len(problems))
	width := 0
	for i, p := range problems {
		places[i] = printable(file) + ":"
		if p.Line > 0 {
			places[i] += fmt.Sprintf("%d:%d:", p.Line, p.Column)
		}
		if p.Path != "" {
			places[i] += " " + printable(p.Path) + ":"
		}
		if utf8.RuneCountInString(p.Path) <= maxAligned {
			width = max(width, utf8.RuneCountInString(places[i]))
		}
	}
	for i, p := range problems {
		padding := strings.Repeat(" ", max(0, width-utf8.RuneCountInString(places[i])))
		fmt.Fprintf(w, "%s%s %s\n", paint(w, red, places[i]), padding, printable(p.Reason))
	}
	if len(problems) == flow.MaxProblems {
		fmt.Fprintf(w, "%s: there may be more problems: at most %d are listed\n", printable(file), flow.MaxProblems)
	}
}

// printable removes control characters, and the rest of a character that was cut.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
}

// cut shortens s to at most n runes.
func cut(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i] + "…"
		}
	}
	return s
}

// plural returns "1 workflow", "2 workflows".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// orDash returns s, or - if it is empty.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// orNone returns s, or none if it is empty.
func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

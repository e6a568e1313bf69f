package command

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// text and flag read flags that the command has declared itself.
func text(c *cobra.Command, name string) string {
	s, _ := c.Flags().GetString(name)
	return s
}

func flag(c *cobra.Command, name string) bool {
	b, _ := c.Flags().GetBool(name)
	return b
}

// style is an ANSI colour; it only shows on a terminal.
type style string

const (
	plain  style = ""
	dim    style = "\x1b[2m"
	green  style = "\x1b[32m"
	yellow style = "\x1b[33m"
	red    style = "\x1b[31m"
	reset        = "\x1b[0m"
)

// colours tells whether w is a terminal that may get colours (https://no-color.org).
func colours(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(f.Fd()))
}

func paint(w io.Writer, s style, text string) string {
	if s == plain || !colours(w) {
		return text
	}
	return string(s) + text + reset
}

// cell is one field of a table.
type cell struct {
	text  string
	style style
}

// c is a cell with text as it came, which may be of others: what a terminal would obey is not in
// it.
func c(text string) cell { return cell{text: printable(text)} }

// table writes rows under a head in columns as wide as their widest cell.
func table(w io.Writer, head []string, rows [][]cell) {
	t := columns{w: w, head: head}
	t.fit(rows)
	t.title()
	t.rows(rows)
}

// columns writes rows that may come one after the other. Widths count runes, not the bytes of
// colours, which is why text/tabwriter does not do.
type columns struct {
	w     io.Writer
	head  []string
	width []int
}

// fit makes columns wide enough for rows; they never get narrower.
func (t *columns) fit(rows [][]cell) {
	if t.width == nil {
		for _, h := range t.head {
			t.width = append(t.width, utf8.RuneCountInString(h))
		}
	}
	for _, r := range rows {
		for i, x := range r {
			t.width[i] = max(t.width[i], utf8.RuneCountInString(x.text))
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
		for i, x := range cells {
			b.WriteString(paint(t.w, x.style, x.text))
			if i < len(cells)-1 {
				b.WriteString(strings.Repeat(" ", t.width[i]-utf8.RuneCountInString(x.text)+2))
			}
		}
		fmt.Fprintln(t.w, strings.TrimRight(b.String(), " "))
	}
}

// printJSON writes v as indented JSON.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// printProblems writes a document's problems: file, JSON path, reason.
func printProblems(w io.Writer, file string, problems []problem) {
	for _, p := range problems {
		where := file
		if p.Path != "" {
			where += ": " + p.Path
		}
		fmt.Fprintf(w, "%s: %s\n", paint(w, red, printable(where)), printable(p.Reason))
	}
}

// plural gives "1 workflow", "2 workflows".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

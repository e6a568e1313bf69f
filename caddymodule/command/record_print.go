package command

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// maxShown is the number of bytes that are shown of a value. --json shows all that was recorded.
const maxShown = 500

// printRecord writes an execution for people: its state, its trigger, and its nodes in the order of
// the plan.
func printRecord(w io.Writer, r *journal.Record) {
	row := rowPrinter(w, 12)
	row("execution", "%s", r.ID)
	row("workflow", "%s, revision %d", r.Workflow, r.Revision)
	row("status", "%s", paint(w, statusStyle(r.Status), r.Status))
	if r.Code != "" {
		row("failed", "%s", failure(r.Node, r.Code, r.Message))
	}
	if r.ReplayOf != "" {
		row("replays", "%s", r.ReplayOf)
	}
	if r.Source != "" {
		row("sent by", "the %s", r.Source)
	}
	by := ""
	if r.Machine != "" {
		by = " by " + printable(r.Machine)
	}
	row("accepted", "%s%s", r.AcceptedAt.UTC().Format(time.RFC3339Nano), by)
	if t := took(r.Summary); t != "" {
		row("took", "%s", t)
	}
	if r.Trigger != nil {
		row("trigger", "%s %s", r.Trigger.Method, shown(r.Trigger.Data))
	}
	if r.Cut {
		row("cut", "recording all of it would have taken too much work")
	}
	for _, n := range r.Nodes {
		printNode(w, r, n)
	}
}

func printNode(w io.Writer, r *journal.Record, n journal.NodeRecord) {
	at := "          "
	if !n.StartedAt.IsZero() {
		at = fmt.Sprintf("%+10s", n.StartedAt.Sub(r.StartedAt).Round(100*time.Microsecond))
	}
	line := fmt.Sprintf("%s  %s (%s) %s", at, n.ID, n.Type, n.State)
	if n.Handle != "" {
		line += " → " + n.Handle
	}
	if n.Why != "" {
		line += ": " + n.Why
	}
	if n.Machine != "" {
		line += " on " + printable(n.Machine)
	}
	if n.Attempts > 0 && n.State != journal.Running {
		line += fmt.Sprintf(", %s in %s, fuel %d", plural(n.Attempts, "attempt"), n.Duration.Round(10*time.Microsecond), n.Fuel)
	}
	fmt.Fprintln(w, line)
	detail := func(name string, s style, text string) {
		fmt.Fprintf(w, "%12s%s %s\n", "", paint(w, dim, fmt.Sprintf("%-6s", name)), paint(w, s, text))
	}
	if n.Input != (journal.Value{}) {
		detail("input", plain, shown(n.Input))
	}
	for _, c := range n.Calls {
		for _, h := range c.Host {
			detail("asks", plain, h.Function+" "+shown(h.Request))
			switch {
			case h.Code != "":
				detail("gets", plain, printable(failure("", h.Code, h.Message)))
			case h.Answer != (journal.Value{}):
				detail("gets", plain, shown(h.Answer))
			}
		}
	}
	if n.Output != (journal.Value{}) {
		detail("output", plain, shown(n.Output))
	}
	if n.Code != "" {
		detail("error", red, printable(failure("", n.Code, n.Message)))
	}
	for line := range strings.Lines(n.Detail) {
		detail("", dim, printable(line))
	}
	for _, l := range n.Logs {
		detail("log", dim, printable(l))
	}
}

func failure(node, code, message string) string {
	out := code
	if node != "" {
		out = node + ": " + code
	}
	if message != "" {
		out += ": " + message
	}
	return out
}

// shown returns a value in one line. It may come from elsewhere, so control characters are removed.
func shown(v journal.Value) string {
	if v.Cut {
		return "(not recorded)"
	}
	if v.Text == "" && v.SHA256 == "" {
		return fmt.Sprintf("(%d bytes)", v.Size)
	}
	if v.Text == "" {
		return fmt.Sprintf("(%d bytes, sha256 %s)", v.Size, v.SHA256)
	}
	if len(v.Text) > maxShown {
		return printable(v.Text[:maxShown]) + "…"
	}
	return printable(v.Text)
}

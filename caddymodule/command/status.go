package command

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/caddymodule/adminapi"
)

type statusOptions struct {
	serverOptions
	ready bool
}

func statusCommand() *cobra.Command {
	o := new(statusOptions)
	cmd := newCommand("status [--ready]", "Shows the state of the running server, and what needs to be fixed",
		`Shows the state of the running server: its store, workflows, execution slots, memory and
journal, and what needs to be fixed.

The exit status is 1 if something needs to be fixed: the store is unreachable, a document or a
secret is invalid, or an active webhook has no secret. Warnings do not change it. They are about
workflows that are served but would be rejected if they were stored today, and about machines that
share the journal and differ in their versions or configs.

With --ready the exit status only says whether webhooks are served. It is 0 as soon as the
content of the store is loaded, even if documents are still being prepared or need to be fixed.`, cobra.NoArgs, o.run)
	o.addFlags(cmd)
	cmd.Flags().BoolVar(&o.ready, "ready", false, "Only check whether webhooks are served")
	return cmd
}

func (o *statusOptions) run(cmd *cobra.Command, _ []string) error {
	cl, err := o.client()
	if err != nil {
		return err
	}
	var s adminapi.Status
	if err := cl.get(cmd.Context(), "status", &s); err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if o.ready {
		return printReady(w, o.json, s)
	}
	if o.json {
		err = printJSON(w, s)
	} else {
		printStatus(w, s)
	}
	if err == nil && len(s.Troubles) > 0 {
		return errSilent
	}
	return err
}

// printReady prints whether webhooks are served, and returns an error if they are not.
func printReady(w io.Writer, asJSON bool, s adminapi.Status) error {
	var err error
	switch {
	case asJSON:
		err = printJSON(w, map[string]bool{"ready": s.Ready})
	case s.Ready:
		fmt.Fprintln(w, "ready")
	default:
		fmt.Fprintln(w, "not ready: the store is "+s.Store.State)
	}
	if err == nil && !s.Ready {
		return errSilent
	}
	return err
}

// maxListed is the maximum number of names in a row.
const maxListed = 10

func printStatus(w io.Writer, s adminapi.Status) {
	row := rowPrinter(w, 12)
	row("version", "%s", s.Version)
	row("store", "%s, %s since %s, revision %d", s.Store.Engine, s.Store.State, s.Store.Since.UTC().Format(time.RFC3339), s.Store.Revision)
	row("workflows", "%d serving, %d inactive, %d stale, %d invalid", s.Workflows.Serving, s.Workflows.Inactive, s.Workflows.Stale, s.Workflows.Invalid)
	if n := len(s.Preparing); n > 0 {
		more := ""
		if n > maxListed {
			more = " and more"
		}
		row("preparing", "%d: %s%s", n, printable(strings.Join(s.Preparing[:min(n, maxListed)], ", ")), more)
	}
	row("executions", "%d of %d slots in use", s.Executions.InUse, s.Executions.Limit)
	row("sandbox", "%s of %s, %d calls waiting for memory", humanize.IBytes(uint64(s.Sandbox.Memory)), humanize.IBytes(uint64(s.Sandbox.Limit)), s.Sandbox.Waiting)
	printJournal(row, s.Journal, s.Durability)
	for _, m := range s.Machines {
		self := ""
		if m.Self {
			self = ", this one"
		}
		row("machine", "%s%s, version %s, %d claims, seen %s", printable(m.Name), self, printable(m.Version), m.Claims, m.LastSeen.UTC().Format(time.RFC3339))
	}
	for _, t := range s.Troubles {
		printTrouble(w, red, t)
	}
	for _, t := range s.Warnings {
		printTrouble(w, yellow, t)
	}
}

func printTrouble(w io.Writer, color style, t adminapi.Trouble) {
	where := t.Where
	if t.Path != "" {
		where += ": " + t.Path
	}
	fmt.Fprintf(w, "%s: %s\n", paint(w, color, printable(where)), printable(t.Reason))
}

func printJournal(row func(name, format string, args ...any), j adminapi.JournalStatus, durability string) {
	oldest := ""
	if j.Oldest != nil {
		oldest = fmt.Sprintf(" (the oldest since %s)", j.Oldest.UTC().Format(time.RFC3339))
	}
	row("journal", "%d pending%s, %d running, durability: %s", j.Pending, oldest, j.Running, durability)
	if j.MaxBytes > 0 {
		disk := ""
		if j.DiskFree != nil {
			disk = fmt.Sprintf(", %s free on its disk", humanize.IBytes(uint64(*j.DiskFree)))
		}
		row("", "%s of %s%s, %.0f writes per second", humanize.IBytes(uint64(j.Bytes)), humanize.IBytes(uint64(j.MaxBytes)), disk, j.WritesPerSecond)
	}
	if j.NotRecorded > 0 {
		row("", "%d executions were not recorded", j.NotRecorded)
	}
}

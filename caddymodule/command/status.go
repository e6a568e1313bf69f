package command

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
)

func statusCommand() *cobra.Command {
	cmd := serverFlags(leaf("status [--ready]", "Shows the state of the running server: store, durability, executions, what needs mending",
		`The exit status is 1 when something needs mending: the store is away, a document or a secret is
invalid, an active webhook has no secret. Warnings are about what serves on and would be refused
if it were put into the store today; they do not change the exit status.

With --ready the exit status says whether webhooks are served: 0 as soon as the store's content is
there, also while documents are being prepared or need mending; 1 before.`, cobra.NoArgs, status))
	cmd.Flags().Bool("ready", false, "Say only whether webhooks are served")
	return cmd
}

// Status is what GET /flowtrux/status answers.
type Status struct {
	Durability string          `json:"durability"`
	Store      StoreStatus     `json:"store"`
	Journal    JournalStatus   `json:"journal"`
	Executions ExecutionStatus `json:"executions"`
	Sandbox    SandboxStatus   `json:"sandbox"`
	Workflows  WorkflowStatus  `json:"workflows"`
	// Troubles are what an operator or author must mend, worst first.
	Troubles []Trouble `json:"troubles"`
	// Warnings are what serves and would not be taken today: rules that came after it was stored.
	Warnings []Trouble `json:"warnings"`
	// Ready tells whether webhooks are served: the store's content is there. Documents of it may be
	// being prepared.
	Ready bool `json:"ready"`
	// Preparing are the ids of the workflows whose newest document is being prepared, sorted.
	Preparing []string `json:"preparing"`
}

// StoreStatus is the store's part of Status.
type StoreStatus struct {
	Engine   string    `json:"engine"`
	State    string    `json:"state"`
	Revision int64     `json:"revision"`
	Since    time.Time `json:"since"`
	Error    string    `json:"error,omitempty"`
}

// JournalStatus counts accepted executions that wait or run apart from a request, and says how the
// journal does.
type JournalStatus struct {
	Pending         int        `json:"pending"`
	Running         int        `json:"running"`
	Oldest          *time.Time `json:"oldest,omitempty"`   // of the pending ones
	Bytes           int64      `json:"bytes,omitempty"`    // what is kept takes so much
	MaxBytes        int64      `json:"maxBytes,omitempty"` // and may take so much
	DiskFree        *int64     `json:"diskFree,omitempty"` // bytes; missing = not known
	WritesPerSecond float64    `json:"writesPerSecond"`    // of the last seconds
	NotRecorded     uint64     `json:"notRecorded"`        // executions that ended without a record
}

// ExecutionStatus counts execution slots.
type ExecutionStatus struct {
	InUse int `json:"inUse"`
	Limit int `json:"limit"`
}

// SandboxStatus tells what sandboxes take of memory, in bytes.
type SandboxStatus struct {
	Memory  int64 `json:"memory"`
	Limit   int64 `json:"limit"`   // limits.sandbox_memory
	Waiting int64 `json:"waiting"` // calls of nodes that wait for memory
}

// WorkflowStatus counts workflows by state.
type WorkflowStatus struct {
	Serving   int `json:"serving"`
	Inactive  int `json:"inactive"`
	Stale     int `json:"stale"`
	Invalid   int `json:"invalid"`
	Preparing int `json:"preparing"`
}

// Trouble is one thing to mend.
type Trouble struct {
	Where  string `json:"where"` // "store", or a key of it
	Path   string `json:"path,omitempty"`
	Reason string `json:"reason"`
}

func status(cmd *cobra.Command, _ []string) error {
	cl, err := newClient(cmd)
	if err != nil {
		return err
	}
	var s Status
	if err := cl.get(cmd.Context(), "status", &s); err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if flag(cmd, "ready") {
		return printReady(cmd, s)
	}
	if flag(cmd, "json") {
		err = printJSON(w, s)
	} else {
		printStatus(cmd, s)
	}
	if err == nil && len(s.Troubles) > 0 {
		return errSilent
	}
	return err
}

// printReady says whether webhooks are served; that they are not is an error.
func printReady(cmd *cobra.Command, s Status) error {
	w := cmd.OutOrStdout()
	var err error
	switch {
	case flag(cmd, "json"):
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

// maxListed is how many names a row has.
const maxListed = 10

func printStatus(cmd *cobra.Command, s Status) {
	w := cmd.OutOrStdout()
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s%s\n", paint(w, dim, fmt.Sprintf("%-12s", name)), fmt.Sprintf(format, args...))
	}
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
	row("sandbox", "%s of %s, %d calls wait for memory", humanize.IBytes(uint64(s.Sandbox.Memory)), humanize.IBytes(uint64(s.Sandbox.Limit)), s.Sandbox.Waiting)
	printJournal(row, s.Journal, s.Durability)
	for _, t := range s.Troubles {
		printTrouble(w, red, t)
	}
	for _, t := range s.Warnings {
		printTrouble(w, yellow, t)
	}
}

func printTrouble(w io.Writer, colour style, t Trouble) {
	where := t.Where
	if t.Path != "" {
		where += ": " + t.Path
	}
	fmt.Fprintf(w, "%s: %s\n", paint(w, colour, printable(where)), printable(t.Reason))
}

func printJournal(row func(name, format string, args ...any), j JournalStatus, durability string) {
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
		row("", "%s of %s%s, %.0f writes a second", humanize.IBytes(uint64(j.Bytes)), humanize.IBytes(uint64(j.MaxBytes)), disk, j.WritesPerSecond)
	}
	if j.NotRecorded > 0 {
		row("", "%d executions were not recorded", j.NotRecorded)
	}
}

// NodeType is one row of GET /flowtrux/nodes.
type NodeType struct {
	Type         string   `json:"type"`
	Version      string   `json:"version"`
	Summary      string   `json:"summary"`
	Source       string   `json:"source"` // "built in", or the file
	Handles      []string `json:"handles,omitempty"`
	Capabilities []string `json:"capabilities,omitempty"` // asked for and granted
	Memory       uint64   `json:"memory"`                 // bytes
	Timeout      string   `json:"timeout"`
	Fuel         uint64   `json:"fuel,omitempty"` // budget of a call; 0 = none
	Slow         []string `json:"slow,omitempty"` // why each call gets a new instance
}

func nodesCommand() *cobra.Command {
	return serverFlags(leaf("nodes", "Lists the node types of the running server and what they may do", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
		cl, err := newClient(cmd)
		if err != nil {
			return err
		}
		if flag(cmd, "json") {
			return passOn(cmd, cl, "nodes")
		}
		var answer struct {
			Nodes []NodeType `json:"nodes"`
		}
		if err := cl.get(cmd.Context(), "nodes", &answer); err != nil {
			return err
		}
		rows := make([][]cell, 0, len(answer.Nodes))
		for _, n := range answer.Nodes {
			may := "nothing"
			if len(n.Capabilities) > 0 {
				may = strings.Join(n.Capabilities, " ")
			}
			summary := c(n.Summary)
			if len(n.Slow) > 0 {
				summary = cell{"slow: " + strings.Join(n.Slow, ", "), yellow}
			}
			rows = append(rows, []cell{c(n.Type), c(dash(n.Version)), c(n.Source), c(may), summary})
		}
		table(cmd.OutOrStdout(), []string{"TYPE", "VERSION", "SOURCE", "MAY USE", "SUMMARY"}, rows)
		return nil
	}))
}

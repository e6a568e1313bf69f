package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/replay"
)

// verdict is the result of comparing a node, or an execution, with its record.
type verdict string

const (
	unchanged    verdict = "unchanged"
	changed      verdict = "changed"
	incomparable verdict = "not comparable"
)

func (v verdict) style() style {
	switch v {
	case unchanged:
		return green
	case changed:
		return red
	default:
		return yellow
	}
}

// worse returns the verdict on two things together. A change is certain, so it counts most.
func (v verdict) worse(other verdict) verdict {
	for _, w := range []verdict{changed, incomparable} {
		if v == w || other == w {
			return w
		}
	}
	return unchanged
}

// exit ends the command with the exit status of the verdict: 0 unchanged, 1 changed, 2 not
// comparable.
func (v verdict) exit(cmd *cobra.Command) error {
	switch v {
	case unchanged:
		return nil
	case changed:
		return errSilent
	default:
		return exitWith(cmd, 2)
	}
}

// comparedNode is the comparison of a node with its record.
type comparedNode struct {
	ID          string   `json:"id"`
	Type        string   `json:"type"`
	Verdict     verdict  `json:"verdict"`
	Why         string   `json:"why,omitempty"`         // it is not comparable
	Differences []string `json:"differences,omitempty"` // from the record
	FuelWas     uint64   `json:"fuelWas,omitempty"`
	FuelIs      uint64   `json:"fuelIs,omitempty"`
}

// comparedExecution is the comparison of an execution with its record.
type comparedExecution struct {
	ID       string         `json:"id"`
	Workflow string         `json:"workflow"`
	Verdict  verdict        `json:"verdict"`
	Why      string         `json:"why,omitempty"` // none of it is comparable
	Nodes    []comparedNode `json:"nodes"`         // those that were called
}

// compareRecord repeats the calls of a record with the local node types.
func (l *localNodes) compareRecord(ctx context.Context, r *journal.Record) comparedExecution {
	out := comparedExecution{ID: r.ID, Workflow: r.Workflow, Verdict: unchanged, Nodes: []comparedNode{}}
	for i := range r.Nodes {
		n := &r.Nodes[i]
		if !replay.HasCalls(n) {
			continue
		}
		node := compareNode(n, replay.Node(ctx, l.nodes, n))
		out.Verdict = out.Verdict.worse(node.Verdict)
		out.Nodes = append(out.Nodes, node)
	}
	if r.Status == journal.Pending || r.Status == journal.Running {
		out.Verdict, out.Why = incomparable, "it has not ended"
	}
	return out
}

func compareNode(n *journal.NodeRecord, r replay.Comparison) comparedNode {
	node := comparedNode{ID: n.ID, Type: n.Type, Verdict: unchanged, Why: r.Incomparable, FuelWas: r.FuelRecorded, FuelIs: r.FuelReplayed}
	if node.Why != "" {
		node.Verdict = incomparable
		return node
	}
	differs := func(what, was, is string) {
		if was != is {
			node.Differences = append(node.Differences, fmt.Sprintf("%s: want %s, got %s", what, orNone(was), orNone(is)))
		}
	}
	differs("error", failure("", r.Recorded.Code, r.Recorded.Message), failure("", r.Replayed.Code, r.Replayed.Message))
	differs("handle", r.Recorded.Handle, r.Replayed.Handle)
	if r.Recorded.Code == "" && r.Replayed.Code == "" {
		node.Differences = append(node.Differences, diffNamed("output", r.Recorded.Output, r.Replayed.Output)...)
	}
	requests := make(map[string]int) // by function
	for _, a := range r.Requests {
		requests[a.Function]++
		name := a.Function + " request " + strconv.Itoa(requests[a.Function])
		node.Differences = append(node.Differences, diffNamed(name, a.Recorded, a.Replayed)...)
	}
	if len(node.Differences) > 0 {
		node.Verdict = changed
	}
	return node
}

// print writes a line for the execution and one for each node, with its differences.
func (e *comparedExecution) print(w io.Writer) {
	line := string(e.Verdict)
	if e.Why != "" {
		line += ": " + e.Why
	}
	fmt.Fprintf(w, "%s (%s) %s\n", e.ID, e.Workflow, paint(w, e.Verdict.style(), line))
	for _, n := range e.Nodes {
		line := string(n.Verdict)
		switch {
		case n.Why != "":
			line += ": " + n.Why
		case n.FuelIs == n.FuelWas:
			line += fmt.Sprintf(", fuel %d", n.FuelIs)
		default:
			line += fmt.Sprintf(", fuel %d → %d", n.FuelWas, n.FuelIs)
		}
		fmt.Fprintf(w, "  %s (%s) %s\n", n.ID, n.Type, paint(w, n.Verdict.style(), printable(line)))
		for _, d := range n.Differences {
			fmt.Fprintf(w, "    %s\n", printable(d))
		}
	}
}

// comparison compares records with what the local node types do.
type comparison struct {
	outputOptions
	nodeTypeOptions
}

// compareAll compares the records that next returns, until it returns nil, and prints each result.
func (c *comparison) compareAll(cmd *cobra.Command, next func() (*journal.Record, error)) error {
	ctx, w := cmd.Context(), cmd.OutOrStdout()
	local, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer local.close(ctx)
	all, counts, total := []comparedExecution{}, make(map[verdict]int), unchanged
	for {
		r, err := next()
		if err != nil {
			return err
		}
		if r == nil {
			break
		}
		e := local.compareRecord(ctx, r)
		if err := ctx.Err(); err != nil {
			return err
		}
		counts[e.Verdict]++
		total = total.worse(e.Verdict)
		if all = append(all, e); !c.json {
			e.print(w)
		}
	}
	if c.json {
		if err := printJSON(w, map[string]any{"verdict": total, "executions": all}); err != nil {
			return err
		}
		return total.exit(cmd)
	}
	fmt.Fprintf(w, "%d unchanged, %d changed, %d not comparable\n", counts[unchanged], counts[changed], counts[incomparable])
	return total.exit(cmd)
}

// compareFile compares the record in a file that `run --record` or `executions show --json` has
// written.
func (c *comparison) compareFile(cmd *cobra.Command, file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	record := new(journal.Record)
	if err := json.Unmarshal(b, record); err != nil {
		return fmt.Errorf("%s is not the record of an execution: %w", file, err)
	}
	if record.ID == "" {
		return fmt.Errorf("%s is not the record of an execution: it has no id", file)
	}
	return c.compareAll(cmd, func() (r *journal.Record, _ error) {
		r, record = record, nil
		return r, nil
	})
}

// compareServed compares executions of the running server: those with the ids, or without ids the
// newest ones of --workflow.
func (o *executionsReplayOptions) compareServed(cmd *cobra.Command, ids []string) error {
	cl, err := o.client()
	if err != nil {
		return err
	}
	if len(ids) > 0 && (cmd.Flags().Changed("workflow") || cmd.Flags().Changed("limit")) {
		return errors.New("name executions, or a workflow with --workflow, not both")
	}
	if len(ids) == 0 {
		if ids, err = o.newestEnded(cmd.Context(), cl); err != nil {
			return err
		}
	}
	c := comparison{outputOptions: o.outputOptions, nodeTypeOptions: o.nodeTypeOptions}
	return c.compareAll(cmd, func() (*journal.Record, error) {
		if len(ids) == 0 {
			return nil, nil
		}
		r := new(journal.Record)
		err := cl.get(cmd.Context(), executionPath(ids[0]), r)
		if err != nil {
			err = fmt.Errorf("%s: %w", ids[0], err)
		}
		ids = ids[1:]
		return r, err
	})
}

// newestEnded returns the ids of the newest executions of --workflow that have ended.
func (o *executionsReplayOptions) newestEnded(ctx context.Context, cl *client) (ids []string, err error) {
	if o.workflow == "" {
		return nil, errors.New("name executions, or a workflow with --workflow")
	}
	ended := []string{journal.Succeeded, journal.Failed, journal.Cancelled, journal.TimedOut}
	filter := executionFilter{workflow: o.workflow, status: strings.Join(ended, ","), limit: o.limit}
	query, err := filter.query(time.Now())
	if err != nil {
		return nil, err
	}
	var page adminapi.Executions
	if err := cl.get(ctx, "executions?"+query.Encode(), &page); err != nil {
		return nil, err
	}
	for _, s := range page.Executions {
		ids = append(ids, s.ID)
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("there is no record of an execution of %q that has ended", o.workflow)
	}
	return ids, nil
}

// writeRecord writes the record of a run to a file.
func writeRecord(file string, r *journal.Record) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o600)
}

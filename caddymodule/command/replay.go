package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/journal"
)

// verdict says how a node, or an execution, that is made again compares with its record.
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

// worse is the verdict on two things together. That something would change is known for certain, so
// it counts most.
func (v verdict) worse(other verdict) verdict {
	for _, w := range []verdict{changed, incomparable} {
		if v == w || other == w {
			return w
		}
	}
	return unchanged
}

// exit is the exit status: 0 unchanged, 1 changed, 2 not comparable.
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

// comparedNode and comparedExecution are what --json prints.
type comparedNode struct {
	ID          string   `json:"id"`
	Type        string   `json:"type"`
	Verdict     verdict  `json:"verdict"`
	Why         string   `json:"why,omitempty"`         // it is not comparable
	Differences []string `json:"differences,omitempty"` // from the record
	FuelWas     uint64   `json:"fuelWas,omitempty"`
	FuelIs      uint64   `json:"fuelIs,omitempty"`
}

type comparedExecution struct {
	ID       string         `json:"id"`
	Workflow string         `json:"workflow"`
	Verdict  verdict        `json:"verdict"`
	Why      string         `json:"why,omitempty"` // none of it is comparable
	Nodes    []comparedNode `json:"nodes"`         // those that were called
}

// compareRecord makes the calls of a record again with the desk's node types.
func (d *desk) compareRecord(ctx context.Context, r *journal.Record) comparedExecution {
	out := comparedExecution{ID: r.ID, Workflow: r.Workflow, Verdict: unchanged, Nodes: []comparedNode{}}
	for i := range r.Nodes {
		n := &r.Nodes[i]
		if !engine.Called(n) {
			continue
		}
		c := compareNode(n, d.nodes.Repeat(ctx, n))
		out.Verdict = out.Verdict.worse(c.Verdict)
		out.Nodes = append(out.Nodes, c)
	}
	if r.Status == journal.Pending || r.Status == journal.Running {
		out.Verdict, out.Why = incomparable, "it has not ended"
	}
	return out
}

func compareNode(n *journal.NodeRecord, r engine.Repeated) comparedNode {
	c := comparedNode{ID: n.ID, Type: n.Type, Verdict: unchanged, Why: r.Incomparable, FuelWas: r.FuelWas, FuelIs: r.FuelIs}
	if c.Why != "" {
		c.Verdict = incomparable
		return c
	}
	if was, is := failure("", r.Was.Code, r.Was.Message), failure("", r.Is.Code, r.Is.Message); was != is {
		c.Differences = append(c.Differences, fmt.Sprintf("error: want %s, got %s", orNone(was), orNone(is)))
	}
	if r.Was.Handle != r.Is.Handle {
		c.Differences = append(c.Differences, fmt.Sprintf("handle: want %s, got %s", orNone(r.Was.Handle), orNone(r.Is.Handle)))
	}
	if r.Was.Code == "" && r.Is.Code == "" {
		c.Differences = append(c.Differences, diffNamed("output", r.Was.Output, r.Is.Output)...)
	}
	of := make(map[string]int)
	for _, a := range r.Asked {
		of[a.Function]++
		c.Differences = append(c.Differences, diffNamed(a.Function+" request "+strconv.Itoa(of[a.Function]), a.Was, a.Is)...)
	}
	if len(c.Differences) > 0 {
		c.Verdict = changed
	}
	return c
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// print writes a comparison for people: a line for the execution, one for each node that is not
// what it was, and its differences.
func (x *comparedExecution) print(cmd *cobra.Command) {
	w := cmd.OutOrStdout()
	line := string(x.Verdict)
	if x.Why != "" {
		line += ": " + x.Why
	}
	fmt.Fprintf(w, "%s (%s) %s\n", x.ID, x.Workflow, paint(w, x.Verdict.style(), line))
	for _, n := range x.Nodes {
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

// compareAll compares records as they come from next, nil = no more, and prints each when it is
// done.
func compareAll(cmd *cobra.Command, next func() (*journal.Record, error)) error {
	ctx := cmd.Context()
	d, err := openDesk(ctx, cmd)
	if err != nil {
		return err
	}
	defer d.close(ctx)
	all, counts, total := []comparedExecution{}, make(map[verdict]int), unchanged
	for {
		r, err := next()
		if err != nil {
			return err
		}
		if r == nil {
			break
		}
		x := d.compareRecord(ctx, r)
		if err := ctx.Err(); err != nil {
			return err
		}
		counts[x.Verdict]++
		total = total.worse(x.Verdict)
		if flag(cmd, "json") {
			all = append(all, x)
		} else {
			x.print(cmd)
		}
	}
	if flag(cmd, "json") {
		if err := printJSON(cmd.OutOrStdout(), map[string]any{"verdict": total, "executions": all}); err != nil {
			return err
		}
		return total.exit(cmd)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%d unchanged, %d changed, %d not comparable\n", counts[unchanged], counts[changed], counts[incomparable])
	return total.exit(cmd)
}

// compareFile compares the record of a file, which --record or `executions show --json` has
// written.
func compareFile(cmd *cobra.Command, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	record := new(journal.Record)
	if err := json.Unmarshal(text, record); err != nil {
		return fmt.Errorf("%s is not the record of an execution: %w", file, err)
	}
	if record.ID == "" {
		return fmt.Errorf("%s is not the record of an execution: it has no id", file)
	}
	return compareAll(cmd, func() (r *journal.Record, _ error) {
		r, record = record, nil
		return r, nil
	})
}

// compareServed compares executions of the running server: those that are named, or else the newest
// of a workflow.
func compareServed(cmd *cobra.Command, ids []string) error {
	cl, err := newClient(cmd)
	if err != nil {
		return err
	}
	if len(ids) > 0 && (cmd.Flags().Changed("workflow") || cmd.Flags().Changed("limit")) {
		return errors.New("name executions, or a workflow with --workflow, not both")
	}
	if len(ids) == 0 {
		if ids, err = newest(cmd, cl); err != nil {
			return err
		}
	}
	return compareAll(cmd, func() (*journal.Record, error) {
		if len(ids) == 0 {
			return nil, nil
		}
		r := new(journal.Record)
		err := cl.get(cmd.Context(), "executions/"+url.PathEscape(ids[0]), r)
		if err != nil {
			err = fmt.Errorf("%s: %w", ids[0], err)
		}
		ids = ids[1:]
		return r, err
	})
}

// newest are the ids of the newest executions that have ended, as --workflow and --limit say.
func newest(cmd *cobra.Command, cl *client) (ids []string, err error) {
	workflow := text(cmd, "workflow")
	if workflow == "" {
		return nil, errors.New("name executions, or a workflow with --workflow")
	}
	limit, _ := cmd.Flags().GetInt("limit")
	var page Executions
	q := url.Values{"workflow": {workflow}, "limit": {strconv.Itoa(limit)}}
	if err := cl.get(cmd.Context(), "executions?"+q.Encode(), &page); err != nil {
		return nil, err
	}
	for _, s := range page.Executions {
		if s.Status != journal.Pending && s.Status != journal.Running {
			ids = append(ids, s.ID)
		}
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("no execution of %q that has ended is recorded", workflow)
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

package command

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
)

// printTimeline writes a table of the nodes of a run.
func printTimeline(w io.Writer, plan *flow.Plan, r *engine.Result) {
	rows := make([][]cell, 0, len(plan.Nodes))
	for i := range plan.Nodes {
		n := &r.Nodes[i]
		took, fuel, note := "-", "-", ""
		if n.Attempts > 0 {
			took, fuel = n.Duration.Round(time.Microsecond).String(), strconv.FormatUint(n.Fuel, 10)
		}
		if n.Err != nil {
			note = n.Err.Code + ": " + n.Err.Message
		} else if why := engine.SkipReason(plan, r, i); why != "" {
			note = why
		} else if n.Handle != "" {
			note = "→ " + n.Handle
		}
		row := textCells(plan.Nodes[i].ID, plan.Nodes[i].Type, "", took, fuel, note)
		row[2] = nodeState(n.State)
		rows = append(rows, row)
	}
	table(w, []string{"NODE", "TYPE", "STATE", "TOOK", "FUEL", ""}, rows)
	fmt.Fprintf(w, "%s in %s\n\n", r.Status, r.Duration.Round(time.Microsecond))
}

func nodeState(s engine.NodeState) cell {
	switch s {
	case engine.Completed:
		return cell{"completed", green}
	case engine.NodeFailed:
		return cell{"failed", red}
	case engine.Skipped:
		return cell{"skipped", dim}
	case engine.Stopped:
		return cell{"stopped", yellow}
	}
	return cell{"not run", dim}
}

package engine

import (
	"strings"

	"github.com/flowtrux/edge/runtime/flow"
)

// SkipReason returns why a node of a finished execution did not run, or "" if it ran.
func SkipReason(p *flow.Plan, r *Result, n int) string {
	var because []string
	switch r.Nodes[n].State {
	case Skipped:
		for _, edge := range p.Nodes[n].In {
			because = append(because, notTaken(p, r, edge))
		}
	case Stopped:
		for _, edge := range p.Nodes[n].In {
			switch r.Nodes[edge.From].State {
			case NodeFailed:
				because = append(because, p.Nodes[edge.From].ID+" failed")
			case Stopped:
				because = append(because, p.Nodes[edge.From].ID+" was stopped")
			}
		}
	case NotRun:
		return "the execution ended before"
	}
	return strings.Join(because, ", ")
}

// notTaken returns why an edge was not taken.
func notTaken(p *flow.Plan, r *Result, edge flow.Edge) string {
	from, id := &r.Nodes[edge.From], p.Nodes[edge.From].ID
	switch {
	case from.State != Completed:
		return id + " was skipped"
	case from.Err != nil && from.Handle == "" && edge.Handle != "":
		return id + " failed and chose no way"
	case from.Handle == flow.HandleError:
		return id + " failed"
	case edge.Handle == flow.HandleError:
		return id + " did not fail"
	default:
		return id + " chose " + from.Handle + ", not " + edge.Handle
	}
}

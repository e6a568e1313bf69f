//go:build unix

package main

import (
	"context"
	"fmt"

	"github.com/flowtrux/edge/runtime/journal"
)

// outcome is what became of the webhooks that senders have sent.
type outcome struct {
	saw
	executions int      // in the journal
	lost       []string // executions that were accepted and did not succeed
	extra      []string // executions of a webhook that has another one
	reached
}

// settle waits until all executions have ended, and compares them with what the senders saw.
func (f *fleet) settle(ctx context.Context, all saw) (outcome, error) {
	o := outcome{saw: all}
	edge := f.edges[0]
	if err := edge.WaitDrained(ctx, patience); err != nil {
		return o, err
	}
	err := poll(ctx, func() error {
		listed, err := edge.Executions(ctx)
		if err != nil {
			return err
		}
		o.executions, o.lost, o.extra = len(listed), nil, nil
		for id := range all.ids {
			switch status := listed[id].Status; status {
			case journal.Succeeded:
			case journal.Pending, journal.Running: // the counts of other machines were old
				return fmt.Errorf("%s is %s", id, status)
			default:
				o.lost = append(o.lost, id)
			}
		}
		for id, row := range listed {
			if row.Workflow == workflow && !all.ids[id] {
				o.extra = append(o.extra, id)
			}
		}
		return nil
	})
	o.reached = f.target.reachedBy(all.ids)
	return o, err
}

// kept returns an error if a promise was broken.
func (o outcome) kept() error {
	for _, broken := range []struct {
		what string
		ids  []string
	}{
		{"webhooks were never accepted", o.given},
		{"accepted executions did not succeed", o.lost},
		{"accepted executions did not reach the target", o.missing},
		{"executions are of webhooks that have another one", o.extra},
		{"executions ran a node again that had a checkpoint", o.late},
	} {
		if n := len(broken.ids); n > 0 {
			return fmt.Errorf("%d %s, such as %s", n, broken.what, broken.ids[0])
		}
	}
	if len(o.ids) != o.accepted {
		return fmt.Errorf("%d webhooks were accepted as %d executions", o.accepted, len(o.ids))
	}
	return nil
}

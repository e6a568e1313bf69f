package engine

import (
	"cmp"
	"slices"

	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/trace"
)

// calls are the calls that were noted of a node.
func (v *view) calls(n int) []journal.Call {
	noted := v.x.trace.Calls(n)
	slices.SortFunc(noted, func(a, b trace.Call) int {
		return cmp.Or(cmp.Compare(a.Item, b.Item), cmp.Compare(a.Attempt, b.Attempt))
	})
	var calls []journal.Call
	for _, c := range noted {
		row := journal.Call{
			Item: c.Item, Attempt: c.Attempt, Start: c.Start.UTC(), Fuel: c.Fuel, Code: c.Code, Message: c.Message,
		}
		if c.Host != nil {
			row.Live = c.Host.Live
			if c.Host.Random {
				seed := v.x.seed(c.CallID)
				row.Seed = seed[:]
			}
			for _, h := range c.Host.Calls {
				row.Host = append(row.Host, v.hostCall(h))
			}
		}
		calls = append(calls, row)
	}
	return calls
}

func (v *view) hostCall(h trace.HostCall) journal.HostCall {
	row := journal.HostCall{Function: h.Function, Request: v.said(h.Request, h.RequestSize), Answer: v.said(h.Response, h.ResponseSize)}
	if h.Failure != nil {
		row.Code, row.Fatal = h.Failure.Code, h.Failure.Fatal
		if !v.ignorant {
			row.Message = v.x.secrets.Line(h.Failure.Message, hostapi.MaxMessage)
		}
	}
	return row
}

// said is what is shown of a request or an answer.
func (v *view) said(b []byte, size int) journal.Value {
	if b == nil {
		return journal.Value{Size: size}
	}
	return v.value(v.masker.Append(nil, trace.CanonicalJSON(b)))
}

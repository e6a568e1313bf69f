package record

import (
	"cmp"
	"slices"

	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/trace"
)

// calls returns the traced calls of a node, sorted by item and attempt.
func (v *view) calls(n int) []journal.Call {
	traced := v.x.Trace().Calls(n)
	slices.SortFunc(traced, func(a, b trace.Call) int {
		return cmp.Or(cmp.Compare(a.Item, b.Item), cmp.Compare(a.Attempt, b.Attempt))
	})
	var calls []journal.Call
	for _, c := range traced {
		row := journal.Call{
			Item: c.Item, Attempt: c.Attempt, Start: c.Start.UTC(), Duration: c.Duration, Fuel: c.Fuel, Code: c.Code, Message: c.Message,
		}
		if c.Host != nil {
			row.Live = c.Host.Live
			if c.Host.Random {
				seed := v.x.Seed(c.CallID)
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
	row := journal.HostCall{Function: h.Function, Request: v.message(h.Request, h.RequestSize), Answer: v.message(h.Response, h.ResponseSize)}
	if h.Failure != nil {
		row.Code, row.Fatal = h.Failure.Code, h.Failure.Fatal
		if !v.ignorant {
			row.Message = v.x.Secrets().Line(h.Failure.Message, hostapi.MaxMessage)
		}
	}
	return row
}

// message returns a request or a response as the record shows it.
func (v *view) message(b []byte, size int) journal.Value {
	if b == nil {
		return journal.Value{Size: size}
	}
	return v.value(v.masker.Append(nil, trace.CanonicalJSON(b)))
}

package engine

import (
	"cmp"
	"slices"

	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
)

// calls are the calls that were noted of a node.
func (v *view) calls(n int) []journal.Call {
	v.x.notes.mu.Lock()
	noted := slices.Clone(v.x.notes.calls[n])
	v.x.notes.mu.Unlock()
	slices.SortFunc(noted, func(a, b notedCall) int {
		return cmp.Or(cmp.Compare(a.call.index, b.call.index), cmp.Compare(a.call.attempt, b.call.attempt))
	})
	var calls []journal.Call
	for _, c := range noted {
		row := journal.Call{Item: c.call.index, Attempt: c.call.attempt, Start: c.start.UTC(), Fuel: c.fuel}
		if c.err != nil {
			row.Code, row.Message = c.err.Code, c.err.Message
		}
		if c.heard != nil {
			row.Live = c.heard.live
			if c.heard.drew {
				seed := v.x.seed(c.call)
				row.Seed = seed[:]
			}
			for _, h := range c.heard.host {
				row.Host = append(row.Host, v.hostCall(h))
			}
		}
		calls = append(calls, row)
	}
	return calls
}

func (v *view) hostCall(h hostCall) journal.HostCall {
	row := journal.HostCall{Function: h.function, Request: v.said(h.request, h.requestSize), Answer: v.said(h.answer, h.answerSize)}
	if h.failure != nil {
		row.Code, row.Fatal = h.failure.Code, h.failure.Fatal
		if !v.ignorant {
			row.Message = v.x.secrets.Line(h.failure.Message, hostapi.MaxMessage)
		}
	}
	return row
}

// said is what is shown of a request or an answer.
func (v *view) said(b []byte, size int) journal.Value {
	if b == nil {
		return journal.Value{Size: size}
	}
	return v.value(v.masker.Append(nil, asJSON(b)))
}

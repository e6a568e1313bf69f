package response

import (
	"strings"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
)

// Of returns the response of an ended execution. The mode "" stands for the plan's mode, or
// lastNode for a plan without webhook settings. ev is the event that started the execution.
//
// The response of an execution that did not succeed is 500 with the failing node's id and message,
// or 504, regardless of mode and status. Of the plan's headers it omits Content-Type.
func Of(p *flow.Plan, mode flow.Mode, r *engine.Result, ev *flow.Event) Response {
	if r.Status != engine.Succeeded {
		return failed(p, r)
	}
	if mode == "" {
		mode = flow.LastNode
		if p.Webhook != nil {
			mode = p.Webhook.Mode
		}
	}
	var body []byte
	switch mode {
	case flow.Minimal:
		body = appendAccepted(nil, r.ID)
	case flow.AllNodes:
		body = appendAll(nil, p, r, ev)
	case flow.SpecificNode:
		node := -1
		if p.Webhook != nil {
			node = p.Webhook.ResponseNode
		}
		body = output(r, ev, node)
	default:
		body = output(r, ev, r.Last())
	}
	a := of(p, status(p), r.ID, body)
	if rawjson.KindOf(a.Body) == rawjson.String && !isJSON(a.Header.Get("Content-Type")) {
		a.Body = rawjson.AppendString(nil, a.Body)
	}
	return a
}

// output returns a node's output as raw JSON, or null if it has none. The trigger's is its data.
func output(r *engine.Result, ev *flow.Event, node int) []byte {
	switch {
	case node == 0:
		return ev.Data
	case node > 0 && r.Nodes[node].State == engine.Completed:
		return r.Nodes[node].Output
	default:
		return []byte("null")
	}
}

// appendAll appends name and output of every node that ran, by id and in plan order.
func appendAll(dst []byte, p *flow.Plan, r *engine.Result, ev *flow.Event) []byte {
	dst = append(dst, '{')
	for i := range p.Nodes {
		if i > 0 {
			if r.Nodes[i].State != engine.Completed {
				continue
			}
			dst = append(dst, ',')
		}
		n := &p.Nodes[i]
		dst = rawjson.AppendQuoted(dst, []byte(n.ID))
		dst = append(dst, `:{"name":`...)
		dst = rawjson.AppendQuoted(dst, []byte(n.Name))
		dst = append(dst, `,"output":`...)
		dst = append(dst, output(r, ev, i)...)
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// failed returns the response of an execution that did not succeed.
func failed(p *flow.Plan, r *engine.Result) Response {
	code, message := ExecutionFailed, kinds[ExecutionFailed].message
	switch {
	case r.Status == engine.TimedOut:
		code, message = ExecutionTimeout, kinds[ExecutionTimeout].message
	case r.Status == engine.Cancelled:
		message = "the execution was cancelled"
	case r.Failing >= 0 && r.Nodes[r.Failing].Err != nil:
		message = `node "` + p.Nodes[r.Failing].ID + `": ` + r.Nodes[r.Failing].Err.Message
	}
	a := failure(code, message, r.ID)
	if p.Webhook != nil {
		for _, f := range p.Webhook.Header {
			if f.Name != "Content-Type" && f.Name != headerID {
				a.Header.Set(f.Name, f.Value)
			}
		}
	}
	return a
}

// isJSON reports whether a Content-Type is application/json or ends with +json (RFC 6839), ignoring
// its parameters.
func isJSON(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	return media == "application/json" || strings.HasSuffix(media, "+json")
}

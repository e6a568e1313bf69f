package answer

import (
	"strings"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
)

// Of makes the answer of an ended execution. mode is how it is shown: "" is the plan's own, and for
// a plan without webhook settings that is lastNode. ev is the event that r came from.
//
// An execution that did not succeed answers 500 with the failing node's id and message, or 504,
// whatever the mode and the plan's status are; of the plan's headers Content-Type is left out then.
func Of(p *flow.Plan, mode flow.Mode, r *engine.Result, ev *flow.Event) Answer {
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

// output is the raw JSON that a node gave; null when it gave nothing. The trigger's is its data.
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

// appendAll appends name and output of every node that ran, by id and in plan order, and nothing
// else of them.
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

// failed is the answer of an execution that did not succeed.
func failed(p *flow.Plan, r *engine.Result) Answer {
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
				a.Header[f.Name] = []string{f.Value}
			}
		}
	}
	return a
}

// isJSON tells whether a Content-Type is application/json or ends with +json (RFC 6839). Parameters
// do not count.
func isJSON(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	return media == "application/json" || strings.HasSuffix(media, "+json")
}

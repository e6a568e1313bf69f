// Package recordjson encodes records as the JSON by which journals on disk and in databases keep
// them.
package recordjson

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/journal"
)

// Encode encodes a record in two parts, so that a list need not read the second: the summary, and
// an object with its trigger, nodes and cut. Both are valid until use returns.
func Encode(r *journal.Record, use func(summary, details []byte)) error {
	j := texts.Get().(*jsonText)
	defer recycle(j)
	j.summary(&r.Summary)
	end := len(j.text)
	j.details(r)
	if j.err == nil {
		use(j.text[:end], j.text[end:])
	}
	return j.err
}

// texts holds buffers in which records are encoded.
var texts = sync.Pool{New: func() any { return new(jsonText) }}

// maxRecycled is the size of the largest buffer that is used again.
const maxRecycled = 64 << 10

func recycle(j *jsonText) {
	if cap(j.text) > maxRecycled {
		return
	}
	j.text, j.err = j.text[:0], nil
	texts.Put(j)
}

// jsonText is JSON under construction. Records are encoded field by field: encoding/json takes
// twice as long and makes more garbage, for each execution in the journal. The names, and what is
// left out, follow the tags of the types, by which records are decoded.
type jsonText struct {
	text []byte
	err  error
}

// key begins a member of an object.
func (j *jsonText) key(name string) {
	if last := j.text[len(j.text)-1]; last != '{' {
		j.text = append(j.text, ',')
	}
	j.text = append(j.text, '"')
	j.text = append(j.text, name...)
	j.text = append(j.text, '"', ':')
}

// The following methods add a member, and most of them leave out the zero value.

func (j *jsonText) always(name, s string) {
	j.key(name)
	j.text = rawjson.AppendQuoted(j.text, []byte(s))
}

func (j *jsonText) string(name, s string) {
	if s != "" {
		j.always(name, s)
	}
}

func (j *jsonText) int(name string, n int64) {
	if n != 0 {
		j.key(name)
		j.text = strconv.AppendInt(j.text, n, 10)
	}
}

func (j *jsonText) uint(name string, n uint64) {
	if n != 0 {
		j.key(name)
		j.text = strconv.AppendUint(j.text, n, 10)
	}
}

func (j *jsonText) bool(name string, b bool) {
	if b {
		j.key(name)
		j.text = append(j.text, "true"...)
	}
}

func (j *jsonText) alwaysTime(name string, t time.Time) {
	j.key(name)
	j.text = append(j.text, '"')
	text, err := t.AppendText(j.text)
	if err != nil {
		j.fail(name, err)
		return
	}
	j.text = append(text, '"')
}

// fail keeps the first error. The text is of no use then.
func (j *jsonText) fail(name string, err error) {
	if j.err == nil {
		j.err = fmt.Errorf("encoding %s of a record: %w", name, err)
	}
}

func (j *jsonText) time(name string, t time.Time) {
	if !t.IsZero() {
		j.alwaysTime(name, t)
	}
}

func (j *jsonText) strings(name string, all []string) {
	for i, s := range all {
		j.element(name, i)
		j.text = rawjson.AppendQuoted(j.text, []byte(s))
	}
	j.endArray(len(all))
}

// element begins an element of an array, and with the first one the array.
func (j *jsonText) element(name string, i int) {
	if i > 0 {
		j.text = append(j.text, ',')
		return
	}
	j.key(name)
	j.text = append(j.text, '[')
}

// endArray ends an array, unless it has no elements and was never begun.
func (j *jsonText) endArray(elements int) {
	if elements > 0 {
		j.text = append(j.text, ']')
	}
}

func (j *jsonText) open()  { j.text = append(j.text, '{') }
func (j *jsonText) close() { j.text = append(j.text, '}') }

func (j *jsonText) summary(s *journal.Summary) {
	j.open()
	j.always("id", s.ID)
	j.always("workflow", s.Workflow)
	j.key("revision")
	j.text = strconv.AppendInt(j.text, s.Revision, 10)
	j.string("mode", s.Mode)
	j.alwaysTime("acceptedAt", s.AcceptedAt)
	j.time("startedAt", s.StartedAt)
	j.time("endedAt", s.EndedAt)
	j.string("replayOf", s.ReplayOf)
	j.string("source", s.Source)
	j.string("machine", s.Machine)
	j.always("status", s.Status)
	j.string("node", s.Node)
	j.string("code", s.Code)
	j.string("message", s.Message)
	j.close()
}

func (j *jsonText) details(r *journal.Record) {
	j.open()
	if t := r.Trigger; t != nil {
		j.key("trigger")
		j.open()
		j.alwaysValue("data", &t.Data)
		j.value("headers", &t.Headers)
		j.string("method", t.Method)
		j.string("clientIp", t.ClientIP)
		j.alwaysTime("receivedAt", t.ReceivedAt)
		j.close()
	}
	for i := range r.Nodes {
		j.element("nodes", i)
		j.node(&r.Nodes[i])
	}
	j.endArray(len(r.Nodes))
	j.bool("cut", r.Cut)
	j.close()
}

func (j *jsonText) node(n *journal.NodeRecord) {
	j.open()
	j.always("id", n.ID)
	j.string("type", n.Type)
	j.always("state", n.State)
	j.string("machine", n.Machine)
	j.string("handle", n.Handle)
	j.int("attempts", int64(n.Attempts))
	j.time("startedAt", n.StartedAt)
	j.int("durationNs", int64(n.Duration))
	j.string("why", n.Why)
	j.value("input", &n.Input)
	j.value("fixed", &n.Fixed)
	j.value("output", &n.Output)
	j.strings("logs", n.Logs)
	j.uint("fuel", n.Fuel)
	j.string("code", n.Code)
	j.string("message", n.Message)
	j.string("detail", n.Detail)
	j.strings("grants", n.Grants)
	for i := range n.Calls {
		j.element("calls", i)
		j.call(&n.Calls[i])
	}
	j.endArray(len(n.Calls))
	j.bool("callsCut", n.CallsCut)
	j.close()
}

func (j *jsonText) call(c *journal.Call) {
	j.open()
	j.int("item", int64(c.Item))
	j.key("attempt")
	j.text = strconv.AppendInt(j.text, int64(c.Attempt), 10)
	j.alwaysTime("start", c.Start)
	j.int("durationNs", int64(c.Duration))
	if len(c.Seed) > 0 {
		j.key("seed")
		j.text = append(j.text, '"')
		j.text = base64.StdEncoding.AppendEncode(j.text, c.Seed)
		j.text = append(j.text, '"')
	}
	j.bool("live", c.Live)
	j.uint("fuel", c.Fuel)
	for i := range c.Host {
		j.element("host", i)
		j.hostCall(&c.Host[i])
	}
	j.endArray(len(c.Host))
	j.string("code", c.Code)
	j.string("message", c.Message)
	j.close()
}

func (j *jsonText) hostCall(c *journal.HostCall) {
	j.open()
	j.always("function", c.Function)
	j.alwaysValue("request", &c.Request)
	j.value("answer", &c.Answer)
	j.string("code", c.Code)
	j.string("message", c.Message)
	j.bool("fatal", c.Fatal)
	j.close()
}

func (j *jsonText) value(name string, v *journal.Value) {
	if *v != (journal.Value{}) {
		j.alwaysValue(name, v)
	}
}

func (j *jsonText) alwaysValue(name string, v *journal.Value) {
	j.key(name)
	j.open()
	j.string("text", v.Text)
	j.int("size", int64(v.Size))
	j.string("sha256", v.SHA256)
	j.bool("masked", v.Masked)
	j.bool("cut", v.Cut)
	j.close()
}

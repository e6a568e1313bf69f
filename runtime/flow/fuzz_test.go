package flow

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/internal/message"
)

// FuzzCompile checks that any input gives a sound plan or sound problems, the same each time. The
// configs of a plan resolve to JSON.
func FuzzCompile(f *testing.F) {
	f.Add([]byte(orderIntake))
	f.Add([]byte(oneNode(`"type":"switch","config":{"value":"{{trigger.data.a}}","cases":[{"name":"b","value":1}]}`)))
	f.Add([]byte(oneNode(`"type":"transform","forEach":"{{trigger.data}}","config":{"operations":[{"op":"set","path":"a","value":"{{item}}"}]}`)))
	f.Add([]byte(oneNode(`"type":"condition","retry":{"maxAttempts":2},"config":{"conditions":[{"left":"{{steps.t.output}}","operator":"exists"}]}`)))
	f.Add([]byte(webhook(`{"responseMode":"specificNode","responseNodeId":"t","headers":{"A":"b"},"timeout":"1s","idempotency":{"field":"a[0]"},"secret":"s"}`)))
	f.Add([]byte(`{"nodes":[{"id":"t","type":"trigger"},{"id":"a","type":"any"},{"id":"b","type":"any"}],"edges":[{"source":"a","target":"b"},{"source":"b","target":"a"}]}`))
	types := builtins(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := bytes.Clone(raw)
		p, err := Compile("w", 1, raw, types, nil)
		if !bytes.Equal(raw, before) {
			t.Fatal("the document was changed")
		}
		DecodeLenient(raw)
		if err != nil {
			if p != nil {
				t.Fatal("both a plan and an error")
			}
			lines := problems(t, err)
			if len(lines) > MaxProblems {
				t.Fatalf("%d problems", len(lines))
			}
			for _, line := range lines {
				if strings.ContainsAny(line, "\n\r\x00") || !utf8.ValidString(line) {
					t.Fatalf("problem %q", line)
				}
			}
			_, again := Compile("w", 1, raw, types, nil)
			if diff := cmp.Diff(lines, problems(t, again)); diff != "" {
				t.Fatalf("different problems the second time: %s", diff)
			}
			return
		}
		s := &Scope{Plan: p, Outputs: make([][]byte, len(p.Nodes)), Global: func(string) ([]byte, bool) { return nil, false }}
		s.Event, err = NewEvent([]byte(`{"a":{"a":[1,"a"]}}`), "a=b", Event{})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range p.Nodes[1:] {
			config, err := n.Config.Append(nil, s, 1<<24)
			if err != nil {
				t.Fatal(err)
			}
			if err := rawjson.Check(config, MaxDepth); err != nil {
				t.Fatalf("config %q: %v", config, err)
			}
		}
		// The document of a plan compiles to the same plan.
		q, err := Compile("w", 1, p.Document, types, nil)
		if err != nil {
			t.Fatal(err)
		}
		if p.Webhook != nil {
			p.Webhook.Secret = ""
		}
		if !cmp.Equal(p, q, cmp.AllowUnexported(Plan{}, Node{}, templates{}, targets{}, Template{}, segment{}, reference{})) {
			t.Fatal("the plan's document compiles to another plan")
		}
	})
}

// FuzzParseText checks that a parsed text, written again, parses to the same.
func FuzzParseText(f *testing.F) {
	for _, seed := range []string{
		`{{trigger.data}}`, `a {{ steps . rag-1.output["x\"}}"][0] }} b \{{ c }}`, `{{a[00012]}}`, `\\{{a}}`, `{{{a}}}`, `{{é["\ud800"]}}`, `{{`, `}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		parts, bad := parseText(s)
		if bad != nil {
			if bad.Offset < 0 || bad.Offset > len(s) || bad.Reason == "" || column(s, bad.Offset) < 1 {
				t.Fatalf("%q: %+v", s, bad)
			}
			return
		}
		again, bad := parseText(spellParts(parts))
		if bad != nil {
			t.Fatalf("%q became %q: %s", s, spellParts(parts), bad.Reason)
		}
		if spellParts(again) != spellParts(parts) {
			t.Fatalf("%q became %q and %q", s, spellParts(parts), spellParts(again))
		}
	})
}

// spellParts returns a text that parses to parts.
func spellParts(parts []part) string {
	var b strings.Builder
	for _, p := range parts {
		if p.path == nil {
			b.WriteString(strings.ReplaceAll(p.text, "{{", `\{{`))
			continue
		}
		b.WriteString("{{")
		for i, s := range p.path {
			switch {
			case s.Index >= 0:
				b.WriteString(s.String())
			case i == 0 && message.IsPlainKey(s.Key):
				b.WriteString(s.Key)
			default:
				b.WriteString("[" + string(rawjson.AppendQuoted(nil, []byte(s.Key))) + "]")
			}
		}
		b.WriteString("}}")
	}
	return b.String()
}

// FuzzNewEvent compares with encoding/json on the body and with net/url on the query.
func FuzzNewEvent(f *testing.F) {
	f.Add([]byte(`{"action":"push"}`), "source=github&ref=main&ref=dev")
	f.Add([]byte(`{"_query":1,"a":{"_query":2}}`), "a=%zz&b;c&%ff=1&%fe=2&&=")
	f.Add([]byte(`[1.0]`), "")
	f.Add([]byte(``), "a+b=%20")
	f.Fuzz(func(t *testing.T, body []byte, query string) {
		ev, err := NewEvent(body, query, Event{})
		if (err == nil) != (len(body) == 0 || rawjson.Check(body, MaxDepth) == nil) {
			t.Fatalf("body %q: %v", body, err)
		}
		if err != nil {
			return
		}
		for _, v := range [][]byte{ev.Data, ev.Query, ev.Headers} {
			canonical, err := rawjson.AppendCanonical(nil, v, MaxDepth)
			if err != nil || !bytes.Equal(canonical, v) {
				t.Fatalf("%q is not canonical (%v)", v, err)
			}
		}
		want := map[string]any{}
		values := (&url.URL{RawQuery: query}).Query()
		for key, v := range values {
			if !utf8.ValidString(key) {
				return // equal keys are covered by a table test
			}
			all := make([]any, len(v))
			for i := range v {
				all[i] = string([]rune(v[i]))
			}
			if want[key] = all; len(all) == 1 {
				want[key] = all[0]
			}
		}
		if diff := cmp.Diff(any(want), decoded(t, ev.Query)); diff != "" {
			t.Fatalf("query %q: %s", query, diff)
		}
		if len(body) == 0 {
			body = []byte("{}")
		}
		data := decoded(t, body)
		if o, ok := data.(map[string]any); ok {
			o["_query"] = decoded(t, ev.Query)
		}
		if diff := cmp.Diff(data, decoded(t, ev.Data)); diff != "" {
			t.Fatalf("body %q: %s", body, diff)
		}
	})
}

// FuzzParseType checks that any manifest gives a type or problems, and that a type can validate
// configs.
func FuzzParseType(f *testing.F) {
	for _, m := range manifests {
		f.Add([]byte(m), []byte(`{"conditions":[{"left":"{{trigger.data}}"}]}`))
	}
	f.Add([]byte(`{"abi":1,"type":"a","version":"1","config":{"$ref":"#"},"handlesFrom":"a[].b"}`), []byte(`{"a":[{"b":"c"},{"b":1}]}`))
	f.Add([]byte(`{"abi":1,"type":"a","version":"1","config":{"not":{"anyOf":[{"contains":{"minimum":1}},{"pattern":"("}]}}}`), []byte(`[1]`))
	f.Fuzz(func(t *testing.T, manifest, config []byte) {
		typ, err := ParseType(manifest)
		if err != nil {
			problems(t, err)
			return
		}
		if !ValidID(typ.Name) || typ.Schema != nil && !json.Valid(typ.Schema) {
			t.Fatalf("%+v", typ)
		}
		doc := document(`{"id":"n","type":"`+typ.Name+`","config":`+string(config)+`}`, `{"source":"t","target":"n"}`)
		if _, err := Compile("w", 0, []byte(doc), testTypes{typ.Name: typ}, nil); err != nil {
			problems(t, err)
		}
	})
}

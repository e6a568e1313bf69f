package catalog

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowtrux/edge/runtime/flow"
)

// TestAllProblemsAtOnce: mistakes in nodes, edges, trigger and signature are told together, in the
// order of the document, each once, with the nearest right word.
func TestAllProblemsAtOnce(t *testing.T) {
	document := []byte(`{"nodes":[
		{"id":"hook","typ":"trigger","config":{"triggerType":"webhok","webhook":{"responseMode":"lastnode","maxConcurrent":0,
			"signature":{"scheme":"custm","heder":"X-Acme","algorithm":"sha265"},"secret":"abcdef"}}},
		{"id":"check","type":"condition","onErr":"stop","config":{"condition":[]}},
		{"id":"shape","type":"transform","config":{"output":{"a":"{{steps.chek.output}}"}}},
		{"id":"a b","type":"transfrm"}],
		"edges":[{"source":"hook","target":"chek"},{"sorce":"check","target":"shape","sourceHandle":"tru"},{"source":"shape","target":"a b"}]}`)
	_, _, err := CompileNew(t.Context(), "w", 1, document, codeNodes(t))
	var bad *flow.DocumentError
	if !errors.As(err, &bad) {
		t.Fatal(err)
	}
	var got []string
	for _, p := range bad.Problems {
		got = append(got, p.String())
	}
	want := []string{
		`nodes[0].typ: unknown key; did you mean "type"?`,
		`nodes[0].config.triggerType: must be "webhook" or "manual", not "webhok"; did you mean "webhook"?`,
		`nodes[0].config.webhook.responseMode: must be "minimal", "lastNode", "specificNode" or "allNodes", not "lastnode"; did you mean "lastNode"?`,
		`nodes[0].config.webhook.maxConcurrent: must be at least 1: 0 is no limit; leave the key out for that`,
		`nodes[0].config.webhook.signature.scheme: must be "flowtrux", "github", "stripe", "slack", "shopify", "standard-webhooks" or "custom", not "custm"; did you mean "custom"?`,
		`nodes[0].config.webhook.signature.heder: unknown key; did you mean "header"?`,
		`nodes[0].config.webhook.signature.algorithm: must be "sha1", "sha256" or "sha512", not "sha265"; did you mean "sha256"?`,
		`nodes[1].onErr: unknown key; did you mean "onError"?`,
		`nodes[1].config.condition: unknown key; did you mean "conditions"?`,
		`nodes[2].config.output.a: template at column 3: no node has the id "chek"; did you mean "check"?`,
		`nodes[3].id: "a b": an id is a letter or digit, then at most 63 letters, digits, - or _`,
		`nodes[3].type: unknown node type "transfrm"; did you mean "transform"?`,
		`edges[0].target: no node has the id "chek"; did you mean "check"?`,
		`edges[1].sorce: unknown key; did you mean "source"?`,
		`edges[1].sourceHandle: unknown handle "tru": node "check" has "true", "false" or "error"; did you mean "true"?`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

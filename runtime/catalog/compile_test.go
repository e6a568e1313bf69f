package catalog

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/sjson"

	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/signature"
)

// TestAllProblemsAtOnce checks that mistakes in nodes, edges, trigger and signature are reported
// together. Each is reported once, in the order of the document, with the nearest valid word.
func TestAllProblemsAtOnce(t *testing.T) {
	document := []byte(`{"nodes":[
		{"id":"hook","typ":"trigger","config":{"triggerType":"webhok","webhook":{"responseMode":"lastnode","maxConcurrent":0,
			"signature":{"scheme":"custm","heder":"X-Acme","algorithm":"sha265"},"secret":"abcdef"}}},
		{"id":"check","type":"condition","onErr":"stop","config":{"condition":[]}},
		{"id":"shape","type":"transform","config":{"output":{"a":"{{steps.chek.output}}"}}},
		{"id":"a b","type":"transfrm"}],
		"edges":[{"source":"hook","target":"chek"},{"sorce":"check","target":"shape","sourceHandle":"tru"},{"source":"shape","target":"a b"}]}`)
	_, _, err := CompileNew(t.Context(), "w", 1, document, codeNodes(t), nil)
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

// TestRejectedHeadersAreProblemsOfTheirPlaces: a header that cannot arrive is reported with all
// other problems, in the order of the document, however much else is wrong, and only when the
// document is new.
func TestRejectedHeadersAreProblemsOfTheirPlaces(t *testing.T) {
	nodes := codeNodes(t)
	lost := func(name string) string {
		if strings.Contains(name, "_") {
			return name + " is lost"
		}
		return ""
	}
	webhook := func(settings string) string {
		return `{"nodes":[{"id":"hook","type":"trigger","config":{"triggerType":"webhook","webhook":{` + settings + `}}}],"edges":[]}`
	}
	const prefix = "nodes[0].config.webhook."
	for settings, want := range map[string][]string{
		`"idempotency":{"header":"a_b"},"signature":{"scheme":"custom","header":"c_d","timestampHeader":"e_f","payload":"{timestamp}{body}"}`: {
			"idempotency.header: A_b is lost", "signature.header: C_d is lost", "signature.timestampHeader: E_f is lost",
		},
		`"signature":{"timestampHeader":"e_f","header":"c_d","scheme":"custom","payload":"{timestamp}{body}"},"idempotency":{"header":"a_b"}`: {
			"signature.timestampHeader: E_f is lost", "signature.header: C_d is lost", "idempotency.header: A_b is lost",
		},
		`"maxConcurrent":0,"idempotency":{"header":"a_b","window":"x"},"signature":{"scheme":"custum","heder":"c_d","payload":""}`: {
			"maxConcurrent: must be at least 1: 0 is no limit; leave the key out for that", "idempotency.header: A_b is lost",
			`idempotency.window: must be a duration such as "30s" or "1m30s", not "x"`,
			`signature.scheme: must be "flowtrux", "github", "stripe", "slack", "shopify", "standard-webhooks" or "custom", not "custum"; did you mean "custom"?`,
			`signature.heder: unknown key; did you mean "header"?`, "signature.heder: C_d is lost", "signature.payload: must contain {body} exactly once",
		},
		`"signature":{"scheme":"github","header":"c_d"},"idempotency":{"header":"a_ b"}`: {
			"signature.header: only the scheme custom has this key", "idempotency.header: is not a valid header name",
		},
		`"signature":{"scheme":"custom","header":"c_ d","timestampHeader":1},"idempotency":{"header":["a_b"]}`: {
			// at the place of the settings
			"signature.payload: must contain {timestamp} because timestampHeader is set",
			"signature.header: is not a valid header name", "signature.timestampHeader: must be a string, not a number",
			"idempotency.header: must be a string, not an array",
		},
		`"signature":{"scheme":"custom","header":"c-d"},"idempotency":{"header":"a-b"}`: nil,
	} {
		_, _, err := CompileNew(t.Context(), "w", 1, []byte(webhook(settings)), nodes, lost)
		var got []string
		if bad := (*flow.DocumentError)(nil); errors.As(err, &bad) {
			for _, p := range bad.Problems {
				got = append(got, strings.TrimPrefix(p.String(), prefix))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: problems (-want +got):\n%s", settings, diff)
		}
	}
	stored := webhook(`"idempotency":{"header":"a_b"},"signature":{"scheme":"custom","header":"c_d"}`)
	if _, _, err := Compile(t.Context(), "w", 1, []byte(stored), nodes); err != nil {
		t.Errorf("a stored document: %v", err)
	}
}

// TestAMistakeIsNamedByItsPlace makes one mistake at a time in a valid document. Exactly one
// problem is reported, with the path of the mistake.
func TestAMistakeIsNamedByItsPlace(t *testing.T) {
	const document = `{"id":"w","name":"Orders","nodes":[
		{"id":"hook","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"specificNode","responseNodeId":"shape",
			"statusCode":201,"headers":{"X-Shop":"main"},"timeout":"5s","onTimeout":"accept","maxConcurrent":4,
			"idempotency":{"header":"Idempotency-Key","window":"1h"},
			"signature":{"scheme":"custom","header":"X-Acme","algorithm":"sha256","encoding":"hex"}}}},
		{"id":"check","type":"condition","config":{"conditions":[{"left":"{{trigger.data.total}}","operator":"greaterThan","right":10}]}},
		{"id":"shape","type":"transform","timeout":"1s","retry":{"maxAttempts":2,"backoff":"10ms"},"config":{"output":{"total":"{{trigger.data.total}}"}}}],
		"edges":[{"source":"hook","target":"check"},{"source":"check","target":"shape","sourceHandle":"true"}]}`
	nodes := codeNodes(t)
	if _, _, err := CompileNew(t.Context(), "w", 1, []byte(document), nodes, nil); err != nil {
		t.Fatalf("the document is not valid to begin with: %+v", err)
	}
	for _, mistake := range []struct{ path, value, place string }{
		{"name", `7`, "name"},
		{"nodes.0.config.triggerType", `"web"`, "nodes[0].config.triggerType"},
		{"nodes.0.config.webhook.responseMode", `"last"`, "nodes[0].config.webhook.responseMode"},
		{"nodes.0.config.webhook.responseNodeId", `"nobody"`, "nodes[0].config.webhook.responseNodeId"},
		{"nodes.0.config.webhook.statusCode", `99`, "nodes[0].config.webhook.statusCode"},
		{"nodes.0.config.webhook.headers.X-Shop", `["main"]`, "nodes[0].config.webhook.headers.X-Shop"},
		{"nodes.0.config.webhook.timeout", `"soon"`, "nodes[0].config.webhook.timeout"},
		{"nodes.0.config.webhook.onTimeout", `true`, "nodes[0].config.webhook.onTimeout"},
		{"nodes.0.config.webhook.maxConcurrent", `0`, "nodes[0].config.webhook.maxConcurrent"},
		{"nodes.0.config.webhook.idempotency.window", `"never"`, "nodes[0].config.webhook.idempotency.window"},
		{"nodes.0.config.webhook.signature.scheme", `"githb"`, "nodes[0].config.webhook.signature.scheme"},
		{"nodes.0.config.webhook.signature.algorithm", `"md5"`, "nodes[0].config.webhook.signature.algorithm"},
		{"nodes.0.config.webhook.signature.encoding", `["hex"]`, "nodes[0].config.webhook.signature.encoding"},
		{"nodes.1.type", `"condition2"`, "nodes[1].type"},
		{"nodes.1.config.conditions.0.operator", `"more"`, "nodes[1].config.conditions[0].operator"},
		{"nodes.1.config.conditions.0.left", `"{{steps.shape.output}}"`, "nodes[1].config.conditions[0].left"},
		{"nodes.2.timeout", `"1"`, "nodes[2].timeout"},
		{"nodes.2.retry.maxAttempts", `1000`, "nodes[2].retry.maxAttempts"},
		{"nodes.2.config.output.total", `"{{trigger.dat.total}}"`, "nodes[2].config.output.total"},
		{"nodes.2.surplus", `1`, "nodes[2].surplus"},
		{"edges.1.sourceHandle", `"maybe"`, "edges[1].sourceHandle"},
		{"edges.1.target", `"shap"`, "edges[1].target"},
		{"edges.2", `{"source":"shape","target":"check"}`, "edges[2]"},
	} {
		broken, err := sjson.SetRaw(document, mistake.path, mistake.value)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = CompileNew(t.Context(), "w", 1, []byte(broken), nodes, nil)
		var bad *flow.DocumentError
		if !errors.As(err, &bad) || bad.Problems[0].Path != mistake.place {
			t.Errorf("%s = %s: %v, want one problem at %s", mistake.path, mistake.value, err, mistake.place)
			continue
		}
		for _, p := range bad.Problems[1:] {
			t.Errorf("%s = %s: one more problem: %s", mistake.path, mistake.value, p)
		}
	}
}

func TestNewSecrets(t *testing.T) {
	scheme, err := signature.ParseScheme([]byte(`{"scheme":"standard-webhooks"}`))
	if err != nil {
		t.Fatal(err)
	}
	for secret, ok := range map[string]bool{
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": true,
		"abc":                                    true, // a stopgap
		"no base64 at all!":                      false,
		"***":                                    false,
	} {
		if err := CheckNewSecret(scheme, []byte(secret)); (err == nil) != ok {
			t.Errorf("%q: %v", secret, err)
		}
	}
}

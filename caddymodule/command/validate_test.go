package command

import (
	"encoding/json"
	"strings"
	"testing"
)

// mistaken has mistakes in its trigger, signature, nodes and edges.
const mistaken = `{
	"nodes": [
		{"id": "t", "type": "trigger", "config": {"triggerType": "webhook", "webhook": {
			"responseMod": "minimal", "statusCode": 999, "idempotency": {"header": "X_Key"}, "signature": {"scheme": "githb"}}}},
		{"id": "a", "type": "swich", "config": {}},
		{"id": "b", "type": "transform", "onErr": "continue", "config": {"outptu": 1}}
	],
	"edges": [{"source": "t", "target": "aa"}, {"source": "t", "target": "b", "sourceHandl": "error"}]
}`

// TestValidateNamesAllMistakes: each has its path, its reason and the nearest right word, in the
// order of the document.
func TestValidateNamesAllMistakes(t *testing.T) {
	dataHome(t)
	file := write(t, "orders.json", mistaken)
	_, errOut, err := try(t, "", "validate", file)
	if err == nil {
		t.Error("the document is valid")
	}
	errOut = strings.ReplaceAll(errOut, file, "orders.json")
	want := `orders.json:4:4: nodes[0].config.webhook.responseMod:         unknown key; did you mean "responseMode"?
orders.json:4:30: nodes[0].config.webhook.statusCode:         must be a whole number from 200 to 599
orders.json:4:65: nodes[0].config.webhook.idempotency.header: Caddy drops request headers with an underscore in their names, unless expected_underscore_headers in the options of its servers lists them
orders.json:4:99: nodes[0].config.webhook.signature.scheme:   must be "flowtrux", "github", "stripe", "slack", "shopify", "standard-webhooks" or "custom", not "githb"; did you mean "github"?
orders.json:5:15: nodes[1].type:                              unknown node type "swich"; did you mean "switch"?
orders.json:6:36: nodes[2].onErr:                             unknown key; did you mean "onError"?
orders.json:6:68: nodes[2].config.outptu:                     unknown key; did you mean "output"?
orders.json:8:28: edges[0].target:                            no node has the id "aa"; did you mean "a"?
orders.json:8:45: edges[1].sourceHandle:                      is not for edges from the trigger, which cannot fail
orders.json:8:76: edges[1].sourceHandl:                       unknown key; did you mean "sourceHandle"?
`
	if errOut != want {
		t.Errorf("printed\n%swant\n%s", errOut, want)
	}

	out, _, err := try(t, "", "validate", "--json", file)
	var got []validation
	if jsonErr := json.Unmarshal([]byte(out), &got); err == nil || jsonErr != nil || len(got) != 1 {
		t.Fatalf("%v, %v\n%s", err, jsonErr, out)
	}
	if lines := strings.Count(want, "\n"); got[0].Valid || len(got[0].Problems) != lines {
		t.Errorf("%d problems, want %d\n%s", len(got[0].Problems), lines, out)
	}
}

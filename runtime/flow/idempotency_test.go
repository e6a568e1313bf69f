package flow

import (
	"testing"

	"github.com/flowtrux/edge/nodes/rawjson"
)

func TestKeyInBody(t *testing.T) {
	for _, tt := range []struct{ field, body, want string }{
		{"event.id", `{"event":{"id":"evt_1"}}`, "evt_1"},
		{"event.id", `{"event":{"id":"a\u00e9\"\n"}}`, "aé\"\n"},
		{"event.id", `{"event":{"id":12.50}}`, "\xff12.50"},
		{"event.id", `{"event":{"id":"12.50"}}`, "12.50"},
		{"event.id", `{"event":{"id":true}}`, "\xfftrue"},
		{"event.id", `{"event":{"id":"true"}}`, "true"},
		{"event.id", `{"event":{"id":{"a": [1]}}}`, "\xff" + `{"a":[1]}`},
		{"event.id", `{"event":{"id":"\u00ff1"}}`, "ÿ1"},
		{"event.id", `{"event":{"id":"\ud8ff"}}`, "\ufffd"},
		{"event.id", `{"event":{"id":1,"id":2}}`, "\xff2"},
		{"event.id", `{"event":{"id":""}}`, ""},
		{"event.id", `{"event":{"id":null}}`, ""},
		{"event.id", `{"event":{}}`, ""},
		{"event.id", `{"event":"id"}`, ""},
		{"event.id", `[{"id":1}]`, ""},
		{`[1]["the id"]`, `[0,{"the id":"x"}]`, "x"},
		{"id", ``, ""},
	} {
		p := compiled(t, `{"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{"idempotency":{"field":`+
			string(rawjson.AppendQuoted(nil, []byte(tt.field)))+`}}}}],"edges":[]}`)
		ev, err := NewEvent([]byte(tt.body), "id=query&event=query", Event{})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Webhook.Idempotency.InBody(ev); got != tt.want {
			t.Errorf("%s in %s: %q, want %q", tt.field, tt.body, got, tt.want)
		}
	}
	header := Idempotency{Header: "Idempotency-Key"}
	if got := header.InBody(&Event{Data: []byte(`{"id":1}`)}); got != "" {
		t.Errorf("the key of a header comes from the body: %q", got)
	}
}

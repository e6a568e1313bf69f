package flow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeLenient(t *testing.T) {
	unknown := Lenient{Active: true, Webhook: true}
	tests := []struct {
		name, doc string
		want      Lenient
	}{
		{"example", orderIntake, unknown},
		{"nothing", ``, unknown},
		{"not JSON", `{"active":false`, unknown},
		{"no object", `["active"]`, unknown},
		{"empty", `{}`, unknown},
		{"inactive", `{"active":false}`, Lenient{Webhook: true}},
		{"active is no boolean", `{"active":0}`, unknown},
		{"last of repeated keys", `{"active":true,"active":false}`, Lenient{Webhook: true}},
		{"manual", `{"nodes":[{"type":"x"},{"type":"trigger","config":{"triggerType":"manual"}}]}`, Lenient{Active: true}},
		{"unknown trigger type", `{"nodes":[{"type":"trigger","config":{"triggerType":"cron"}}]}`, Lenient{Active: true}},
		{"trigger type is no string", `{"nodes":[{"type":"trigger","config":{"triggerType":1}}]}`, unknown},
		{"nodes are no array", `{"nodes":{"type":"trigger"}}`, unknown},
		{
			"signature and secret", webhook(`{"signature":{"scheme": "slack"},"secret":"a\u0062\ud800","junk":1}`),
			Lenient{Active: true, Webhook: true, Signature: []byte(`{"scheme":"slack"}`), Secret: "ab\uFFFD"},
		},
		{
			"first trigger", `{"nodes":[{"type":"trigger","config":{"webhook":{"secret":"a"}}},{"type":"trigger","config":{"webhook":{"secret":"b"}}}]}`,
			Lenient{Active: true, Webhook: true, Secret: "a"},
		},
		{"secret is no string", webhook(`{"secret":{"a":1}}`), unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, DecodeLenient([]byte(tt.doc))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRedactSecret(t *testing.T) {
	in := func(w string) string {
		return "{ \"nodes\" : [ 1, {\"config\":{\"a\":1,\"webhook\":" + w + "}} ],\n \"secret\":\"kept\" }"
	}
	for before, after := range map[string]string{
		`{}`:                                   `{}`,
		`{ "secret" : "x" }`:                   `{  }`,
		`{"secret":"x", "a":1}`:                `{"a":1}`,
		`{"a":1 , "secret":"x"}`:               `{"a":1}`,
		`{"a":1, "secret":"x", "b":2}`:         `{"a":1, "b":2}`,
		`{"secret":"x","secret":["y"]}`:        `{}`,
		`{"a":1,"secret":"x","secret":"y"}`:    `{"a":1}`,
		`{"secret":"x","a":1,"\u0073ecret":2}`: `{"a":1}`,
		`{"a":{"secret":"kept"}}`:              `{"a":{"secret":"kept"}}`,
		`"secret"`:                             `"secret"`,
	} {
		if got := string(RedactSecret([]byte(in(before)))); got != in(after) {
			t.Errorf("got  %s\nwant %s", got, in(after))
		}
	}
	two := `{"nodes":[{"config":{"webhook":{"secret":"x"},"webhook":{"secret":"y"}}},{"config":{"webhook":{"secret":"z"}}}]}`
	if got := string(RedactSecret([]byte(two))); got != `{"nodes":[{"config":{"webhook":{},"webhook":{}}},{"config":{"webhook":{}}}]}` {
		t.Errorf("got %s", got)
	}
	if got := RedactSecret([]byte(`{"nodes":[{"config":{"webhook":{"secret":"x"`)); got != nil {
		t.Errorf("invalid JSON gave %s", got)
	}
}

func TestPlanHidesSecret(t *testing.T) {
	const secret = "wh-s3cr3t"
	doc := webhook(`{"statusCode":202,"secret":"` + secret + `"}`)
	p, err := Compile("w", 0, []byte(doc), builtins(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if string(p.Webhook.Secret) != secret {
		t.Errorf("secret %q", string(p.Webhook.Secret))
	}
	if want := webhook(`{"statusCode":202}`); string(p.Document) != want {
		t.Errorf("document %s", p.Document)
	}
	encoded, err := json.Marshal(p.Webhook)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{
		fmt.Sprint(p.Webhook), fmt.Sprintf("%+v", *p.Webhook), fmt.Sprintf("%#v", *p.Webhook), fmt.Sprintf("%q %x %s", p.Webhook.Secret, p.Webhook.Secret, p.Webhook.Secret),
		string(encoded),
	} {
		if strings.Contains(shown, secret) || strings.Contains(shown, fmt.Sprintf("%x", secret)) {
			t.Errorf("the output shows the secret: %s", shown)
		}
	}
}

func TestProblemsHideSecrets(t *testing.T) {
	const secret = "wh-s3cr3t"
	for _, doc := range []string{
		webhook(`{"secret":["` + secret + `"]}`),
		webhook(`{"secret":"` + secret + `","secret":"` + secret + `"}`),
		`{"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"manual","webhook":{"secret":"` + secret + `"}}}]}`,
		webhook(`{"secret":"` + secret + `"`),
	} {
		_, err := Compile("w", 0, []byte(doc), builtins(t), nil)
		if lines := strings.Join(problems(t, err), "\n"); lines == "" || strings.Contains(lines, secret) {
			t.Errorf("problems: %s", lines)
		}
	}
}

// FuzzRedactSecret compares with decoding: no webhook has a secret any more, and everything else is
// the same.
func FuzzRedactSecret(f *testing.F) {
	f.Add([]byte(orderIntake))
	f.Add([]byte(webhook(`{"secret":"a" , "x":1, "\u0073ecret":"b","y":[]}`)))
	f.Add([]byte(`{"nodes":[{"config":{"webhook":{"secret":1,"secret":{"secret":1}}}},{"nodes":[]}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := bytes.Clone(raw)
		got := RedactSecret(raw)
		if !bytes.Equal(before, raw) {
			t.Fatal("the document was changed")
		}
		if got == nil {
			return
		}
		with, without := decoded(t, raw), decoded(t, got)
		if doc, ok := with.(map[string]any); ok {
			nodes, _ := doc["nodes"].([]any)
			for _, n := range nodes {
				node, _ := n.(map[string]any)
				config, _ := node["config"].(map[string]any)
				webhook, _ := config["webhook"].(map[string]any)
				delete(webhook, "secret")
			}
		}
		if diff := cmp.Diff(with, without); diff != "" {
			t.Fatalf("%q became %q: %s", raw, got, diff)
		}
	})
}

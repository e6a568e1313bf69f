package flow

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestMasked(t *testing.T) {
	for before, after := range map[string]string{
		`{}`:                             `{}`,
		` { "a" : 1 , "secret" : "x" } `: ` { "a" : 1 , "secret" : "***" } `,
		`{"SECRET":1,"Secret":[1],"sEcReTs":null}`:                 `{"SECRET":"***","Secret":"***","sEcReTs":"***"}`,
		`{"clientSecret":{"deep":["x"]}}`:                          `{"clientSecret":"***"}`,
		`{"a":[[{"my secret key":{"x":"y"}}],"b"]}`:                `{"a":[[{"my secret key":"***"}],"b"]}`,
		`{"s\u0065cret":"x","\u0053ECRET":"y"}`:                    `{"s\u0065cret":"***","\u0053ECRET":"***"}`,
		`{"secret":"x","secret":"y"}`:                              `{"secret":"***","secret":"***"}`,
		`{"\u017fecret":"x"}`:                                      `{"\u017fecret":"***"}`,
		`{"secret":"a\"b","b":"c"}`:                                `{"secret":"***","b":"c"}`,
		`{"config":"{\"secret\":\"x\"}"}`:                          `{"config":"***"}`,
		`{"config":"{\"\\u0073ecret\":1}"}`:                        `{"config":"{\"\\u0073ecret\":1}"}`,
		`{"signature":{"key":"whsec_AAAA"}}`:                       `{"signature":{"key":"***"}}`,
		`{"webhook":{"secert":"hunter2"},"secert":12345}`:          `{"webhook":{"secert":"***"},"secert":"***"}`,
		`{"secerts":["x",{"a":"y"}],"scret":"x","clientSecert":1}`: `{"secerts":"***","scret":"***","clientSecert":"***"}`,
		`{"whsec_AAAA":1,"a":{"x_WHSEC_AAAA":{"b":1}},"b":2}`:      `{"***":"***","a":{"***":"***"},"b":2}`,
		`{"{\"secret\":\"x\"}":1,"ghp_abcdefgh":"y"}`:              `{"***":"***","***":"***"}`,
		`{"token":"ghp_abcdefgh","a":["sk_live_abcdefgh"]}`:        `{"token":"***","a":["***"]}`,
		`{"list":["my secret: x"]}`:                                `{"list":["***"]}`,
		// The secret in its correct place is removed, so that nobody stores the mask as a secret.
		`{"nodes":[{"config":{"webhook":{"secret":"x","a":1},"secret":"y"}}]}`: `{"nodes":[{"config":{"webhook":{"a":1},"secret":"***"}}]}`,
	} {
		if got := string(Masked([]byte(before))); got != after {
			t.Errorf("%s\n got %s\nwant %s", before, got, after)
		}
	}
	for _, raw := range []string{``, `null`, `"secret: x"`, `["secret"]`, `[{"a":1}]`, `{"secret":"x"`, `secret=x`, `{"a":1}{"secret":"x"}`, "\xef\xbb\xbf{}"} {
		if got := Masked([]byte(raw)); got != nil {
			t.Errorf("%s is shown as %s", raw, got)
		}
	}
}

// TestProblemsQuoteNoSecrets checks that text below a key whose name suggests a secret appears
// neither in a path nor in a reason.
func TestProblemsQuoteNoSecrets(t *testing.T) {
	for doc, want := range map[string][]string{
		anyConfig(`{"clientSecret":"{{hush.hush}}"}`):            {`nodes[1].config.clientSecret: template at column 3: unknown root "***"; known: execution, global, index, item, steps, trigger, workflow`},
		anyConfig(`{"secrets":[{"a":"{{steps.hush.output}}"}]}`): {`nodes[1].config.secrets: template at column 3: no node has the id "***"; known: n, t`},
		anyConfig(`{"a":{"secret":{"hush":1,"hush":2}}}`):        {`nodes[1].config.a.secret: is given twice`},
		webhook(`{"Secret":"hush"}`):                             {`nodes[0].config.webhook.Secret: unknown key; did you mean "secret"?`},
		webhook(`{"secert":{"hush":"hush"}}`): {
			`nodes[0].config.webhook.secert: unknown key; did you mean "secret"?`,
			`nodes[0].config.webhook.secert: must be a string, not an object`,
		},
		anyConfig(`{"clientSecert":{"hush":"{{hush.hush}}"}}`):                                      {`nodes[1].config.clientSecert: template at column 3: unknown root "***"; known: execution, global, index, item, steps, trigger, workflow`},
		webhook(`{"secret":{"hush":"hush"}}`):                                                       {`nodes[0].config.webhook.secret: must be a string, not an object`},
		webhook(`{"responseMode":"{\"secret\":\"hush\"}"}`):                                         {`nodes[0].config.webhook.responseMode: must be "minimal", "lastNode", "specificNode" or "allNodes", not "***"`},
		webhook(`{"responseMode":"whsec_hush"}`):                                                    {`nodes[0].config.webhook.responseMode: must be "minimal", "lastNode", "specificNode" or "allNodes", not "***"`},
		webhook(`{"timeout":"whsec_hush"}`):                                                         {`nodes[0].config.webhook.timeout: must be a duration such as "30s" or "1m30s", not "***"`},
		webhook(`{"timeout":"hush hush hush hush hush hush hush"}`):                                 {`nodes[0].config.webhook.timeout: must be a duration such as "30s" or "1m30s", not a text of 34 bytes`},
		webhook(`{"whsec_hush":1}`):                                                                 {`nodes[0].config.webhook["***"]: unknown key; known: headers, idempotency, maxConcurrent, onTimeout, responseMode, responseNodeId, secret, signature, statusCode, timeout`},
		webhook(`{"headers":{"sk_live_hushhush":1}}`):                                               {`nodes[0].config.webhook.headers["***"]: must be a string, not a number`},
		`{"whsec_hush":1,"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"webhook"}}]}`: {`["***"]: unknown key; known: active, edges, id, metadata, name, nodes`},
		oneNode(`"type":"the secret is hush"`):                                                      {`nodes[1].type: unknown node type "***"; known: any, condition, http-request, switch, transform`},
	} {
		_, err := Compile("w", 0, []byte(doc), builtins(t), nil)
		if got := problems(t, err); !slices.Equal(got, want) {
			t.Errorf("%s\n got %q\nwant %q", doc, got, want)
		}
	}
}

// canary is part of every secret that misplace puts somewhere: as a string, a key, digits and a
// name in templates.
const canary = "987654321012"

// misplace returns a document with secrets in places that depend on the seed, in forms that people
// and programs write.
func misplace(seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 0))
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	var doc any
	_ = json.Unmarshal([]byte(one(orderIntake, webhook(`{"secret":"`+canary+`"}`), anyConfig(`{"a":["{{trigger.data}}",{"b":{}}]}`),
		oneNode(`"type":"transform","config":{"operations":[{"op":"set","path":"a","value":1}]}`))), &doc)
	value := func() string {
		return one(`"`+canary+`"`, canary, `"h{{`+canary+`}}"`, `"{{steps.h`+canary+`.output}}"`, `"{{trigger.h`+canary+`}}"`, `"{{ \u0022`+canary+`"`,
			`["`+canary+`"]`, `{"h`+canary+`":1,"h`+canary+`":2}`, `{"a":{"secret":"`+canary+`"}}`, `1e`+canary, `{"type":"`+canary+`"}`,
			`"`+strings.Repeat("x", 70)+canary+`"`)
	}
	key := func() string {
		return one(`secret`, `SECRET`, `Secret`, `clientSecret`, `s\u0065cret`, `\u0053ecret`, `webhook_secrets`, `my secret, really`, `the secret`,
			`secert`, `SECERT`, `secerts`, `scret`, `clientSecert`, `webhook_secert`)
	}
	embedded := func() string {
		b, _ := json.Marshal(`{"` + one("secret", "SECRET", "theSecret") + `": "` + canary + `"}`)
		return string(b)
	}
	var b strings.Builder
	var write func(v any)
	write = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			b.WriteByte('{')
			separator := ""
			keys := make([]string, 0, len(v))
			for k := range v {
				keys = append(keys, k)
			}
			slices.Sort(keys)
			for _, k := range keys {
				fmt.Fprintf(&b, "%s%q:", separator, k)
				if r.IntN(40) == 0 {
					b.WriteString(embedded())
				} else {
					write(v[k])
				}
				separator = ","
			}
			for r.IntN(6) == 0 {
				fmt.Fprintf(&b, `%s"%s":%s`, separator, key(), value())
				separator = ","
			}
			b.WriteByte('}')
		case []any:
			b.WriteByte('[')
			for i, e := range v {
				if i > 0 {
					b.WriteByte(',')
				}
				write(e)
			}
			b.WriteByte(']')
		default:
			text, _ := json.Marshal(v)
			b.Write(text)
		}
	}
	write(doc)
	text := b.String()
	if r.IntN(10) == 0 { // an interrupted copy
		text = text[:r.IntN(len(text))]
	}
	return text
}

func checkMisplaced(t *testing.T, doc string, types Types) {
	t.Helper()
	_, err := Compile("w", 0, []byte(doc), types, nil)
	if err == nil {
		return // the config of a valid document is shown
	}
	if lines := strings.Join(problems(t, err), "\n"); strings.Contains(lines, canary) {
		t.Errorf("problems of %s\n%s", doc, lines)
	}
	if shown := Masked([]byte(doc)); strings.Contains(string(shown), canary) {
		t.Errorf("%s\nis shown as\n%s", doc, shown)
	} else if shown != nil && !json.Valid(shown) {
		t.Errorf("%s\nis shown as invalid JSON:\n%s", doc, shown)
	}
}

func TestMisplacedSecrets(t *testing.T) {
	types := builtins(t)
	for seed := range uint64(3000) {
		checkMisplaced(t, misplace(seed), types)
	}
}

// FuzzMisplacedSecrets checks that no secret below a key that says so appears in a problem, or in
// the shown form of an invalid document.
func FuzzMisplacedSecrets(f *testing.F) {
	f.Add(uint64(1))
	types := builtins(f)
	f.Fuzz(func(t *testing.T, seed uint64) { checkMisplaced(t, misplace(seed), types) })
}

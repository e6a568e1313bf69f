package integration

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/signature"
	"github.com/flowtrux/edge/runtime/store/etcd/etcdtest"
)

// signed is echo with the given signature settings and further settings of the webhook.
func signed(settings, more string) string {
	return strings.Replace(echo("lastNode"), `"responseMode"`, `"signature":`+settings+`,`+more+`"responseMode"`, 1)
}

// send signs a body according to a scheme's settings, changes its headers and sends it.
func (s *server) send(id, settings, secret, body, message string, change func(http.Header)) answer {
	s.t.Helper()
	scheme, err := signature.ParseScheme([]byte(settings))
	if err != nil {
		s.t.Fatal(err)
	}
	h := make(http.Header)
	scheme.Sign(h, []byte(body), signature.NewKey([]byte(secret), time.Time{}), time.Now(), message)
	if change != nil {
		change(h)
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+s.site+"/api/webhooks/"+id, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header = h
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	return answer{status: resp.StatusCode, header: resp.Header}
}

const standardWebhooks = `{"scheme":"standard-webhooks"}`

// TestStandardWebhooks checks that the signed ID identifies a message, whichever family of names
// its headers have. Secrets are created and validated as the senders' libraries expect.
func TestStandardWebhooks(t *testing.T) {
	s := start(t)
	s.load(s.caddyfile("", ""))
	s.loaded()
	address := "--address=" + s.admin
	if out, _, err := cli(t, "", "secret", "set", "later", "--generate", address); err != nil || len(strings.TrimSpace(out)) != 64 {
		t.Errorf("a secret of a workflow that does not exist yet: %q, %v", out, err)
	} else if a := s.ask(http.MethodPut, "workflows/later", signed(standardWebhooks, "")); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	} else if a := s.send("later", standardWebhooks, strings.TrimSpace(out), `{}`, "msg_1", nil); a.status != http.StatusOK {
		t.Errorf("with a secret created before: %d", a.status)
	}
	if a := s.ask(http.MethodPut, "workflows/hooks", signed(standardWebhooks, "")); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for _, secret := range []string{"not base64!", "whsec_no+base64", "v1,whsec_?", `{"secrets":[{"value":"whsec_AAAA"},{"value":"my-secret"}]}`} {
		_, errOut, err := cli(t, secret, "secret", "set", "hooks", address)
		if err == nil || !containsAll(errOut+err.Error(), "base64", "--generate") || strings.Contains(errOut+err.Error(), secret) {
			t.Errorf("%s: %s %v", secret, errOut, err)
		}
	}
	bad := write(t, "bad.json", `{"id":"bad",`+signed(standardWebhooks, `"secret":"not base64!",`)[1:])
	for _, args := range [][]string{{"apply", bad, address}, {"validate", bad}} {
		if _, errOut, err := cli(t, "", args...); err == nil || !containsAll(errOut, "nodes[0].config.webhook.secret: is not base64") || strings.Contains(errOut, "not base64!") {
			t.Errorf("%v: %v %s", args, err, errOut)
		}
	}
	for _, secret := range []string{"x", "v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"} {
		if _, errOut, err := cli(t, secret, "secret", "set", "hooks", address); err != nil {
			t.Errorf("%s: %v %s", secret, err, errOut)
		}
	}
	out, _, err := cli(t, "", "secret", "set", "hooks", "--generate", address)
	made := strings.TrimSpace(out)
	if err != nil || !strings.HasPrefix(made, "whsec_") {
		t.Fatalf("%q %v", out, err)
	}
	older := func(h http.Header) {
		for _, name := range []string{"Id", "Timestamp", "Signature"} {
			h["Svix-"+name] = h["Webhook-"+name]
			delete(h, "Webhook-"+name)
		}
	}
	first := s.send("hooks", standardWebhooks, made, `{"n":1}`, "msg_1", older)
	again := s.send("hooks", standardWebhooks, made, `{"n":1}`, "msg_1", nil)
	if first.status != http.StatusOK || again.header.Get("Idempotency-Replayed") != "true" ||
		again.header.Get("X-Execution-Id") != first.header.Get("X-Execution-Id") {
		t.Errorf("the same message in both families: %d %v, %d %v", first.status, first.header, again.status, again.header)
	}
	if a := s.send("hooks", standardWebhooks, made, `{"n":2}`, "msg_1", older); a.status != http.StatusUnprocessableEntity {
		t.Errorf("another body: %d", a.status)
	}
	mixed := func(h http.Header) { h.Set("Svix-Id", "msg_3") }
	if a := s.send("hooks", standardWebhooks, made, `{"n":3}`, "msg_2", mixed); a.status != http.StatusUnauthorized {
		t.Errorf("two ids: %d", a.status)
	}
}

// TestHeadersThatCaddyDrops checks header names that Caddy drops. New documents with such a name
// are rejected, unless the server expects the header. Documents in the store continue to serve.
func TestHeadersThatCaddyDrops(t *testing.T) {
	cluster := etcdtest.Debian(t)
	s := start(t)
	plain := s.caddyfile("store etcd "+cluster.Address, "")
	expecting := strings.Replace(plain, "grace_period 20s",
		"servers {\n\t\texpected_underscore_headers x_acme_signature event_*\n\t\texpected_dot_headers x.acme.time\n\t}\n\tgrace_period 20s", 1)
	const settings = `{"scheme":"custom","header":"X_Acme_Signature","timestampHeader":"X.Acme.Time","payload":"{timestamp}{body}"}`
	doc := `{"id":"acme",` + signed(settings, `"idempotency":{"header":"event_id"},`)[1:]
	put(cluster, "/flowtrux/workflows/stored", strings.Replace(doc, `"id":"acme",`, "", 1), "/flowtrux/secrets/stored", secret)
	s.load(plain)
	s.loaded()
	file, address := write(t, "acme.json", doc), "--address="+s.admin
	wanted := []string{
		"nodes[0].config.webhook.signature.header: Caddy drops request headers with an underscore", "expected_underscore_headers",
		"nodes[0].config.webhook.signature.timestampHeader: Caddy drops request headers with a dot", "expected_dot_headers",
		"nodes[0].config.webhook.idempotency.header: Caddy drops",
	}
	for _, args := range [][]string{{"apply", file, address}, {"validate", file}} {
		_, errOut, err := cli(t, "", args...)
		// columns are aligned
		if err == nil || !containsAll(strings.Join(strings.Fields(errOut), " "), wanted...) {
			t.Errorf("%v: %v %s", args, err, errOut)
		}
	}
	if a := s.ask(http.MethodPost, "validate", doc); !containsAll(a.body, `"valid": false`, wanted[1], wanted[3]) {
		t.Errorf("asking the server to validate: %d %s", a.status, a.body)
	}
	if out, _, err := cli(t, "", "status", address); err != nil || !containsAll(out, "workflows/stored: "+wanted[0], "1 serving") {
		t.Errorf("status: %v %s", err, out)
	}
	if a := s.send("stored", settings, secret, `{}`, "", nil); a.status != http.StatusUnauthorized {
		t.Errorf("without the option: %d", a.status)
	}

	s.load(expecting)
	s.loaded()
	if a := s.ask(http.MethodPost, "validate", doc); !strings.Contains(a.body, `"valid": true`) {
		t.Errorf("asking a server that expects them to validate: %d %s", a.status, a.body)
	}
	if _, errOut, err := cli(t, "", "apply", file, address); err != nil {
		t.Errorf("apply to a server that expects them: %v %s", err, errOut)
	}
	if out, _, err := cli(t, "", "status", address); strings.Contains(out, "Caddy drops") {
		t.Errorf("status: %v %s", err, out)
	}
	event := func(h http.Header) { h.Set("event_id", "e-1") }
	first := s.send("stored", settings, secret, `{}`, "", event)
	again := s.send("stored", settings, secret, `{}`, "", event)
	if first.status != http.StatusOK || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%d, %d %v", first.status, again.status, again.header)
	}
}

// TestStoredBeforeTheRules checks that a document accepted by an earlier version serves. status
// reports what would be rejected today.
func TestStoredBeforeTheRules(t *testing.T) {
	cluster := etcdtest.Debian(t)
	s := start(t)
	put(cluster,
		"/flowtrux/workflows/old", signed(standardWebhooks, `"maxConcurrent":0,`), "/flowtrux/secrets/old", "an old secret\n",
		"/flowtrux/workflows/own", signed(standardWebhooks, `"secret":"its own",`))
	s.load(s.caddyfile("store etcd "+cluster.Address, ""))
	s.loaded()
	for id, secret := range map[string]string{"old": "an old secret", "own": "its own"} {
		if a := s.send(id, standardWebhooks, secret, `{}`, "msg_"+id, nil); a.status != http.StatusOK {
			t.Errorf("%s: %d", id, a.status)
		}
	}
	out, _, err := cli(t, "", "status", "--address="+s.admin)
	if err != nil || !containsAll(out, "secrets/old: is not base64", "secrets/own: is not base64", "workflows/old: nodes[0].config.webhook.maxConcurrent: must be at least 1", "2 serving") {
		t.Errorf("status: %v %s", err, out)
	}
	if strings.Contains(out, "an old secret") || strings.Contains(out, "its own") {
		t.Errorf("status shows a secret: %s", out)
	}
}

// TestMisplacedSecrets checks that a secret in the wrong place of an invalid document is never
// shown.
func TestMisplacedSecrets(t *testing.T) {
	cluster := etcdtest.Debian(t)
	s := start(t)
	trigger := func(config string) string {
		return `{"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"webhook",` + config + `}},
			{"id":"n","type":"transform","config":{"output":1}}],"edges":[{"source":"t","target":"n"}]}`
	}
	documents := map[string]string{
		"other-fault":  trigger(`"webhook":{"secret":"hush"},"nonsense":1`),
		"case":         trigger(`"webhook":{"SECRET":"hush"}`),
		"level":        trigger(`"webhook":{},"secret":"hush"`),
		"deep":         trigger(`"webhook":{"headers":{"a":[{"clientSecret":{"hush":["hush"]}}]}}`),
		"twice":        trigger(`"webhook":{"secret":"hush","secret":"hush"}`),
		"keys-twice":   trigger(`"webhook":{"secret":{"hush":1,"hush":2}}`),
		"escaped":      trigger(`"webhook":{"s\u0065cretKey":"hush"}`),
		"template":     strings.Replace(trigger(`"webhook":{}`), `"output":1`, `"output":{"theSecret":"{{hush.hush}}"}`, 1),
		"in-a-text":    trigger(`"webhook":"{\"secret\":\"hush\"}"`),
		"in-a-word":    trigger(`"webhook":{"responseMode":"{\"secret\":\"hush\"}"}`),
		"not-json":     `{"nodes":[{"config":{"webhook":{"secret":"hush"`,
		"yaml":         "nodes:\n- config:\n    secret: hush\n",
		"not-object":   `["secret","hush"]`,
		"secret-alone": `"hush"`,
	}
	var pairs []string
	for id, doc := range documents {
		pairs = append(pairs, "/flowtrux/workflows/"+id, doc)
	}
	put(cluster, pairs...)
	s.load(s.caddyfile("store etcd "+cluster.Address, ""))
	s.loaded()
	address := "--address=" + s.admin
	shows := func(where, text string) {
		if strings.Contains(text, "hush") {
			t.Errorf("%s shows the secret:\n%s", where, text)
		}
	}
	var files []string
	var commands [][]string
	for id, doc := range documents {
		a := s.ask(http.MethodGet, "workflows/"+id, "")
		want := http.StatusOK
		if id == "not-json" || id == "yaml" || id == "not-object" || id == "secret-alone" {
			want = http.StatusConflict
		}
		if a.status != want || a.body == "" {
			t.Errorf("GET %s: %d %s", id, a.status, a.body)
		}
		shows("GET "+id, a.body)
		shows("PUT "+id, s.ask(http.MethodPut, "workflows/"+id, doc).body)
		files = append(files, write(t, id+".json", doc))
		commands = append(commands, []string{"get", id, address})
	}
	commands = append(commands, append([]string{"apply", address}, files...), append([]string{"validate"}, files...),
		append([]string{"validate", "--json"}, files...), []string{"run", files[0]})
	for _, args := range commands {
		out, errOut, err := cli(t, "", args...)
		if err != nil {
			errOut += err.Error()
		}
		shows(strings.Join(args, " "), out+errOut)
	}
	shows("the list", s.ask(http.MethodGet, "workflows", "").body)
	shows("status", s.ask(http.MethodGet, "status", "").body)
	log, err := os.ReadFile(s.log)
	if err != nil {
		t.Fatal(err)
	}
	shows("the log", string(log))
}

package integration

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/caddymodule/command"
)

// cli runs `caddy flowtrux <args>` in this process.
func cli(t *testing.T, stdin string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := &cobra.Command{Use: "flowtrux", SilenceErrors: true, SilenceUsage: true}
	command.Flowtrux(nil, nil, nil).CobraFunc(cmd)
	var out, errOut bytes.Buffer
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&errOut)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), errOut.String(), err
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCommandsAgainstAServer(t *testing.T) {
	s := start(t)
	s.load(s.caddyfile("", ""))
	eventually(t, "the store has loaded", func() bool {
		return s.ask(http.MethodGet, "workflows", "").status == http.StatusOK
	})
	server := "--address=" + s.admin
	doc := write(t, "orders.json", strings.Replace(echo("lastNode"), `"responseMode"`, `"secret":"in-the-document","responseMode"`, 1))
	bad := write(t, "bad.json", `{"nodes":[],"edges":[],"color":"red"}`)
	inactive := write(t, "resting.json", strings.Replace(echo("lastNode"), `{"nodes"`, `{"active":false,"nodes"`, 1))
	open := write(t, "open.json", echo("lastNode"))

	steps := []struct {
		name, stdin string
		args        []string
		out, err    string // parts of stdout and of stderr (with the error)
		fails       bool
	}{
		{"an empty list says what to do", "", []string{"list"}, "caddy flowtrux apply", "", false},
		{"apply moves the secret", "", []string{"apply", doc}, "applied orders", "", false},
		{"apply reports file, path and reason, and stores the good ones", "", []string{"apply", bad, doc}, "applied orders", bad + ":1:24: color", true},
		{"apply --json", "", []string{"apply", "--json", bad}, `"path": "color"`, "", true},
		{"the list shows it", "", []string{"list"}, "lastNode", "", false},
		{"get prints the document without the secret", "", []string{"get", "orders"}, `"echo"`, "", false},
		{"secret show never shows the text", "", []string{"secret", "show", "orders"}, "1 secret live", "", false},
		{"secret set keeps the old one", secret + "\n", []string{"secret", "set", "orders", "--keep-old", "24h"}, "2 secrets live", "", false},
		{"secret set refuses nothing", "\n", []string{"secret", "set", "orders"}, "", "--generate", true},
		{"secret set refuses what is too long", strings.Repeat("x", 100_000), []string{"secret", "set", "orders"}, "", "over 65536 bytes", true},
		{"secret set refuses nonsense", "x", []string{"secret", "set", "orders", "--keep-old", "soon"}, "", "not a duration", true},
		{"globals", "", []string{"global", "set", "crm", `{"url":"x"}`}, "set crm", "", false},
		{"globals that are meant to be JSON", `{"a":1`, []string{"global", "set", "crm"}, "set crm", "looks like JSON but is invalid", false},
		{"secret globals are masked", "hush", []string{"global", "set", "__secret_token"}, "set __secret_token", "", false},
		{"global list", "", []string{"global", "list"}, "***", "", false},
		{"a pretty global", "", []string{"global", "set", "prices", "{\n  \"a\": 1.50\n}"}, "set prices", "", false},
		{"global list has a line for each", "", []string{"global", "list"}, "\nprices          {\"a\":1.50}\n", "", false},
		{"nodes", "", []string{"nodes"}, "transform", "", false},
		{"a webhook without a secret", "", []string{"apply", open}, "applied open", "", false},
		{"the list shows what has no secret", "", []string{"list"}, "secrets/open: is missing", "", false},
		{"status needs it mended", "", []string{"status"}, "secrets/open: is missing", "", true},
		{"what is no secret is named as one", "{x", []string{"secret", "set", "open"}, "", "the secret is not JSON", true},
		{"secret set", "mended", []string{"secret", "set", "open"}, "1 secret live", "", false},
		{"status is content", "", []string{"status"}, "2 serving", "", false},
		{"delete", "", []string{"delete", "open"}, "deleted open", "", false},
		{"an inactive workflow", "", []string{"apply", inactive}, "applied resting", "", false},
		{"status", "", []string{"status"}, "durability: disk", "", false},
		{"status counts what is inactive apart", "", []string{"status"}, "1 serving, 1 inactive, 0 stale, 0 invalid", "", false},
		{"unknown id", "", []string{"get", "nobody"}, "", `no workflow "nobody"`, true},
	}
	for _, st := range steps {
		t.Run(st.name, func(t *testing.T) {
			out, errOut, err := cli(t, st.stdin, append(st.args, server)...)
			if err != nil {
				errOut += err.Error()
			}
			if (err != nil) != st.fails || !strings.Contains(out, st.out) || !strings.Contains(errOut, st.err) {
				t.Errorf("failed: %v\nstdout: %s\nstderr: %s", err, out, errOut)
			}
			for _, hidden := range []string{"in-the-document", secret, "hush"} {
				if strings.Contains(out+errOut, hidden) {
					t.Errorf("the output shows the secret %q", hidden)
				}
			}
		})
	}

	url := "http://" + s.site + "/api/webhooks/orders"
	for name, key := range map[string]string{"old": "in-the-document", "new": secret + "\n"} {
		out, errOut, err := cli(t, `{"n":1}`, "send", url, "--secret-file", write(t, "secret", key))
		if err != nil || !containsAll(out, "HTTP 200 OK", `{"got":{"n":1,"_query":{}}}`) {
			t.Errorf("send with the %s secret: %v\n%s%s", name, err, out, errOut)
		}
	}
	if out, _, err := cli(t, `{}`, "send", url, "--secret-file", write(t, "secret", "wrong")); err == nil || !containsAll(out, "HTTP 401", "invalid_signature") {
		t.Errorf("send with a wrong secret: %v\n%s", err, out)
	}
	if a := s.ask(http.MethodPut, "secrets/orders", strings.Repeat("x", 100_000)); a.status != http.StatusBadRequest || !containsAll(a.body, "is longer than 65536 bytes") {
		t.Errorf("a secret that is too long: %d %s", a.status, a.body)
	}
	if a := s.ask(http.MethodPut, "secrets/orders?keep_old=1h", `{"secrets":[{"value":"x"},{"value":"y"}]}`); a.status != http.StatusBadRequest {
		t.Errorf("several secrets with keep_old: %d %s", a.status, a.body)
	}
	if a := s.ask(http.MethodPut, "secrets/orders?keep_old=1h", "rotated\r\n"); a.status != http.StatusOK {
		t.Errorf("a secret with a newline: %d %s", a.status, a.body)
	}
	if out, _, err := cli(t, `{}`, "send", url, "--secret-file", write(t, "secret", "rotated")); err != nil {
		t.Errorf("send with the secret without its newline: %v\n%s", err, out)
	}
	const blankLine = "set and send read this alike\n\n"
	if _, _, err := cli(t, blankLine, "secret", "set", "orders", server); err != nil {
		t.Errorf("setting a secret with a blank line: %v", err)
	}
	if out, _, err := cli(t, `{}`, "send", url, "--secret-file", write(t, "secret", blankLine)); err != nil {
		t.Errorf("send with a secret with a blank line: %v\n%s", err, out)
	}
	if _, _, err := cli(t, "", "delete", "orders", server); err != nil {
		t.Errorf("delete: %v", err)
	}
	if a := s.ask(http.MethodGet, "secrets/orders", ""); a.status != http.StatusNotFound {
		t.Errorf("the secret of a deleted workflow: %d %s", a.status, a.body)
	}
}

func TestCommandsWithoutAServer(t *testing.T) {
	dataHome(t)
	good := write(t, "good.json", `{"id":"good","nodes":[
		{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{"statusCode":201,"responseMode":"lastNode","headers":{"X-Flow":"ok"}}}},
		{"id":"sum","type":"transform","config":{"output":{"hello":"{{trigger.data.name}} from {{trigger.data._query.city}}","key":"{{global.key}}"}}}],
		"edges":[{"source":"t","target":"sum"}]}`)
	bad := write(t, "bad.json", `{"id":"bad","nodes":[{"id":"t","type":"trigger","config":{"triggerType":"carrier pigeon"}}],"edges":[]}`)
	unsigned := write(t, "unsigned.json", `{"id":"u","nodes":[{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{"signature":{"scheme":"none"}}}}],"edges":[]}`)
	manual := write(t, "manual.json", `{"nodes":[
		{"id":"t","type":"trigger","config":{"triggerType":"manual","data":{"name":"Ada"}}},
		{"id":"greet","type":"transform","config":{"output":{"hello":"{{trigger.data.name}}"}}}],
		"edges":[{"source":"t","target":"greet"}]}`)
	endless := func(name, webhook string) string {
		return write(t, name, `{"nodes":[
			{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{"timeout":"50ms",`+webhook+`}}},
			{"id":"n","type":"code","timeout":"300ms","onError":"continue","config":{"source":"for (;;);"}}],
			"edges":[{"source":"t","target":"n"}]}`)
	}
	late := endless("late.json", `"responseMode":"lastNode"`)
	later := endless("later.json", `"responseMode":"lastNode","onTimeout":"accept"`)
	unhurried := endless("unhurried.json", `"responseMode":"minimal"`)
	data := write(t, "data.json", `{"name":"Ada"}`)
	want := write(t, "want.json", `{"key": 7, "hello": "Ada from Paris"}`)
	wrong := write(t, "wrong.json", `{"key": 8, "hello": "Ada from Paris"}`)

	for _, st := range []struct {
		name     string
		args     []string
		out, err string
		fails    bool
	}{
		{"validate", []string{"validate", good}, "workflow good, 2 nodes", "", false},
		{"validate says where and why", []string{"validate", good, bad}, "valid", bad + ":1:59: nodes[0].config.triggerType", true},
		{"validate checks the signature's settings", []string{"validate", unsigned}, "", "webhook.signature.scheme", true},
		{"validate an unreadable file", []string{"validate", "/does/not/exist.json"}, "", "no such file", true},
		{"run prints the answer", []string{"run", good, "--data", data, "--query", "city=Paris"}, "HTTP 201 Created", "sum", false},
		{"run takes globals", []string{"run", good, "--data", data, "--query", "city=Paris", "--global", "key=7", "--expect", want}, "equal", "", false},
		{"run tells differences", []string{"run", good, "--data", data, "--query", "city=Paris", "--global", "key=7", "--expect", wrong}, "", wrong + ": key: want 8, got 7", true},
		{"run gives a manual trigger its document's data", []string{"run", manual}, `{"hello":"Ada"}`, "", false},
		{"run in another mode", []string{"run", good, "--data", data, "--mode", "allNodes"}, `"name":"t"`, "", false},
		{"run in a mode that is none", []string{"run", good, "--mode", "someNodes"}, "", "lastNode", true},
		{"run prints that a sender would have waited too long", []string{"run", late}, "HTTP 504", "timed_out", true},
		{"run goes on after a sender would have gone", []string{"run", later}, "HTTP 202", "succeeded", false},
		{"run takes its time when no sender would wait", []string{"run", unhurried}, `{"error":{"code":"timeout"`, "succeeded", false},
		{"run with data that is not JSON", []string{"run", good, "--data", write(t, "x", "{")}, "", "not JSON at byte 1", true},
		{"a node that is not there", []string{"validate", "--node", "mine=/does/not/exist.wasm", good}, "", "no such file", true},
	} {
		t.Run(st.name, func(t *testing.T) {
			out, errOut, err := cli(t, "", st.args...)
			if err != nil {
				errOut += err.Error()
			}
			if (err != nil) != st.fails || !strings.Contains(out, st.out) || !strings.Contains(errOut, st.err) {
				t.Errorf("failed: %v\nstdout: %s\nstderr: %s", err, out, errOut)
			}
		})
	}

	// The reference page: echo -n '{"event":"test"}' | openssl dgst -sha256 -hmac "your-secret"
	out, _, err := cli(t, `{"event":"test"}`, "sign", "--secret-file", write(t, "secret", "your-secret\n"))
	if want := "ae73985dbf44593b8ab8007279f05bcbb47c811fa80741ccbd230e28e67d89eb"; err != nil || strings.TrimSpace(out) != want {
		t.Errorf("sign: %q, %v; want %s", out, err, want)
	}
}

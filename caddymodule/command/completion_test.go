package command

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// completions runs cobra's __complete and returns the suggestions, without their descriptions, and
// the directive.
func completions(t *testing.T, args ...string) (suggestions []string, directive string) {
	t.Helper()
	out, errOut, err := try(t, "", append([]string{"__complete"}, args...)...)
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, errOut)
	}
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if d, ok := strings.CutPrefix(line, ":"); ok {
			return suggestions, d
		}
		name, _, _ := strings.Cut(line, "\t")
		suggestions = append(suggestions, name)
	}
	t.Fatalf("%q: no directive in %q", args, out)
	return nil, ""
}

// adminServer serves some of the admin API.
func adminServer(t *testing.T) (address string) {
	t.Helper()
	mux := http.NewServeMux()
	for path, body := range map[string]string{
		"workflows": `{"workflows":[{"id":"orders","name":"Order\u001b[2J intake"},{"id":"audit"}]}`,
		"globals":   `{"globals":[{"key":"__secret_crm","value":"***"},{"key":"rates","value":1}]}`,
		"executions": `{"executions":[{"id":"exec-3","workflow":"audit","status":"running"},
			{"id":"exec-2","workflow":"orders","status":"failed"},{"id":"exec-1","workflow":"orders","status":"succeeded"}]}`,
	} {
		mux.HandleFunc("/flowtrux/"+path, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func TestCompletion(t *testing.T) {
	const files, extension, directories, noFiles, ordered = "0", "8", "16", "4", "36"
	server := "--address=" + adminServer(t)
	for _, c := range []struct {
		args      []string
		want      []string
		directive string
	}{
		{[]string{"sta"}, []string{"status"}, noFiles},
		{[]string{"executions", ""}, []string{"cancel", "list", "replay", "show"}, noFiles},
		{[]string{"node", "te"}, []string{"test"}, noFiles},
		{[]string{"status", "--re"}, []string{"--ready"}, noFiles},
		{[]string{"status", ""}, nil, noFiles},
		{[]string{"get", server, ""}, []string{"orders", "audit"}, ordered},
		{[]string{"delete", server, "or"}, []string{"orders"}, ordered},
		{[]string{"get", server, "orders", ""}, nil, noFiles},
		{[]string{"secret", "set", server, "a"}, []string{"audit"}, ordered},
		{[]string{"global", "get", server, ""}, []string{"__secret_crm", "rates"}, ordered},
		{[]string{"executions", "show", server, ""}, []string{"exec-3", "exec-2", "exec-1"}, ordered},
		{[]string{"executions", "cancel", server, ""}, []string{"exec-3"}, ordered},
		{[]string{"executions", "replay", server, "exec-2", ""}, []string{"exec-1"}, ordered},
		{[]string{"executions", "list", server, "--workflow", ""}, []string{"orders", "audit"}, ordered},
		{[]string{"executions", "list", "--status", ""}, []string{"pending", "running", "succeeded", "failed", "cancelled", "timed_out"}, noFiles},
		{[]string{"run", "x.json", "--mode", ""}, []string{"lastNode", "specificNode", "allNodes"}, noFiles},
		{[]string{"run", ""}, []string{"json"}, extension},
		{[]string{"run", "--data", ""}, []string{"json"}, extension},
		{[]string{"validate", "a.json", ""}, []string{"json"}, extension},
		{[]string{"apply", ""}, []string{"json"}, extension},
		{[]string{"sign", "--scheme", "s"}, []string{"stripe", "slack", "shopify", "standard-webhooks"}, noFiles},
		{[]string{"sign", "--secret-file", ""}, nil, files},
		{[]string{"node", "test", ""}, []string{"wasm"}, extension},
		{[]string{"node", "new", ""}, []string{"go", "c", "rust", "assemblyscript"}, noFiles},
		{[]string{"node", "new", "go", ""}, nil, directories},
	} {
		got, directive := completions(t, c.args...)
		if directive != noFiles && directive != ordered || len(c.want) == 0 {
			if !slices.Equal(got, c.want) || directive != c.directive {
				t.Errorf("%q: %q :%s, want %q :%s", c.args, got, directive, c.want, c.directive)
			}
			continue
		}
		prefix := c.args[len(c.args)-1]
		// as the shell does
		got = slices.DeleteFunc(got, func(s string) bool { return !strings.HasPrefix(s, prefix) })
		if !slices.Equal(got, c.want) || directive != c.directive {
			t.Errorf("%q: %q :%s, want %q :%s", c.args, got, directive, c.want, c.directive)
		}
	}
	out, _, _ := try(t, "", "__complete", "get", server, "")
	if !strings.Contains(out, "orders\tOrder[2J intake\n") {
		t.Errorf("no name of a workflow, or one with control characters: %q", out)
	}
}

// TestCompletionWithoutServer: there are no suggestions then, and no errors.
func TestCompletionWithoutServer(t *testing.T) {
	for _, address := range []string{"[::1]:1", "nonsense", ""} {
		if got, directive := completions(t, "get", "--address="+address, ""); len(got) > 0 || directive != "4" {
			t.Errorf("%q: %q :%s", address, got, directive)
		}
	}
}

// TestCompletionOfNodeTypes: files of the working directory are suggested as values of --node.
func TestCompletionOfNodeTypes(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"slug.wasm", "Other node.wasm", "readme.md", "2_a.wasm"} {
		writeTo(t, name, "")
	}
	if got, _ := completions(t, "validate", "--node", ""); !slices.Equal(got, []string{"a=2_a.wasm", "other-node=Other node.wasm", "slug=slug.wasm"}) {
		t.Errorf("%q", got)
	}
	if got, _ := completions(t, "validate", "--node", "mine=s"); !slices.Equal(got, []string{"mine=slug.wasm"}) {
		t.Errorf("%q", got)
	}
}

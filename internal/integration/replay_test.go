package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flowtrux/edge/internal/wasmbuild"
	"github.com/flowtrux/edge/runtime/journal"
)

// buildPrice builds the node in testdata with -X flags and returns its file.
func buildPrice(t *testing.T, x string) string {
	t.Helper()
	wasm, err := wasmbuild.Go(t.Context(), filepath.Join("testdata", "price"), "-trimpath", "-ldflags=-s -w "+x)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "price.wasm", string(wasm))
}

// quoting is a workflow that computes a price, sends it to another system, and sets a global.
func quoting(url string) string {
	return fmt.Sprintf(`{"nodes":[
	{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"lastNode"}}},
	{"id":"price","type":"price","config":{"net":"{{trigger.data.net}}","note":"{{trigger.data.note}}"},"onError":"continue"},
	{"id":"tell","type":"http-request","config":{"method":"POST","url":%q,"body":"{{steps.price.output}}"},"retry":{"maxAttempts":2,"backoff":"1ms"}},
	{"id":"keep","type":"transform","config":{"operations":[{"op":"setGlobal","key":"last_price","value":"{{trigger.data.net}}"}]}},
	{"id":"large","type":"condition","config":{"conditions":[{"left":"{{trigger.data.net}}","operator":"greaterThan","right":1000}]}},
	{"id":"extra","type":"transform","config":{"output":1}}],
	"edges":[{"source":"trigger","target":"price"},{"source":"price","target":"tell"},{"source":"tell","target":"keep"},
		{"source":"trigger","target":"large"},{"source":"large","target":"extra","sourceHandle":"true"}]}`, url)
}

// exitOf returns the exit status with which Caddy ends.
func exitOf(err error) int {
	switch {
	case err == nil:
		return 0
	case err.Error() == "exiting with status 2":
		return 2
	default:
		return 1
	}
}

// TestOfflineReplay runs builds of a node on the records of a server, without any other service to
// call.
func TestOfflineReplay(t *testing.T) {
	now, next, live := buildPrice(t, ""), buildPrice(t, "-X main.rate=20"), buildPrice(t, "-X 'main.wants=clock random'")
	calls := 0
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls == 1 {
			w.WriteHeader(http.StatusServiceUnavailable) // the first attempt of the first execution
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"call":%d}`, calls)
	}))
	defer outside.Close()
	s := start(t)
	s.load(s.caddyfile(fmt.Sprintf("node price %s\n\t\tnode live %s {\n\t\t\tallow clock\n\t\t\tallow random\n\t\t}\n\t\tglobals_write last_*\n\t\tegress {\n\t\t\tallow %s\n\t\t}",
		now, live, outside.Listener.Addr()), ""))
	s.loaded()
	s.put("quote", quoting(outside.URL))
	s.put("secret", strings.Replace(quoting(outside.URL), `{{trigger.data.note}}`, `{{global.__secret_note}}`, 1))
	s.put("live", strings.Replace(quoting(outside.URL), `"type":"price"`, `"type":"live"`, 1))
	if a := s.ask(http.MethodPut, "globals/__secret_note", `"psst"`); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	execute := func(workflow, body string) string {
		a := s.post("/api/webhooks/"+workflow, body)
		if a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
		id := a.header.Get("X-Execution-Id")
		s.record(id, journal.Succeeded)
		return id
	}
	first := execute("quote", `{"net":100,"note":"a"}`)
	second := execute("quote", `{"net":2000,"note":"b"}`)
	failing := execute("quote", `{"net":"many","note":"c"}`)
	cut := execute("quote", `{"net":100,"note":"`+strings.Repeat("x", 100_000)+`"}`)
	hidden, lively := execute("secret", `{"net":100}`), execute("live", `{"net":100,"note":"d"}`)
	outside.Close()
	before := calls

	for _, c := range []struct {
		name string
		args []string
		exit int
		want []string
	}{
		{"the same build", []string{first, second, failing, "--node=price=" + now}, 0, []string{
			first + " (quote) unchanged", "price (price) unchanged, fuel ", "tell (http-request) unchanged", "keep (transform) unchanged",
			"large (condition) unchanged", "3 unchanged, 0 changed, 0 not comparable",
		}},
		{"another build", []string{first, failing, "--node=price=" + next}, 1, []string{
			first + " (quote) changed", "price (price) changed", "    output.gross: want 119, got 120\n", "tell (http-request) unchanged", failing + " (quote) unchanged",
			"1 unchanged, 1 changed, 0 not comparable",
		}},
		{"as JSON", []string{first, "--json", "--node=price=" + next}, 1, []string{`"verdict": "changed"`, `"output.gross: want 119, got 120"`}},
		{"no build", []string{first}, 2, []string{"price (price) not comparable: there is no node type price here", "tell (http-request) unchanged"}},
		{"masked", []string{hidden, "--node=price=" + now}, 2, []string{hidden + " (secret) not comparable", "its input holds secrets"}},
		{"cut", []string{cut, "--node=price=" + now}, 2, []string{cut + " (quote) not comparable", "bytes is not recorded in full"}},
		{"real time", []string{lively, "--node=live=" + live}, 2, []string{"price (live) not comparable: it has seen the real time"}},
		{"changed and not comparable", []string{first, hidden, "--node=price=" + next}, 1, []string{"0 unchanged, 1 changed, 1 not comparable"}},
		{"the newest of a workflow", []string{"--workflow=quote", "--limit=2", "--node=price=" + now}, 2, []string{
			cut + " (quote) not comparable", failing + " (quote) unchanged", "1 unchanged, 0 changed, 1 not comparable",
		}},
		{"none", nil, 1, nil},
		{"a workflow that has none", []string{"--workflow=qoute"}, 1, nil},
		{"an unknown one", []string{"exec-01hzzzzzzzzzzzzzzzzzzzzzzz"}, 1, nil},
		{"with the current workflow", []string{first, "--current"}, 1, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errOut, err := cli(t, "", append([]string{"executions", "replay", "--offline", "--address=" + s.admin}, c.args...)...)
			if exitOf(err) != c.exit || !containsAll(out, c.want...) {
				t.Errorf("exit %d (%v), want %d\n%s%s", exitOf(err), err, c.exit, out, errOut)
			}
			if strings.Contains(out, "psst") {
				t.Error("the output shows a secret")
			}
		})
	}
	if calls != before {
		t.Errorf("%d requests were sent", calls-before)
	}
	if a := s.ask(http.MethodGet, "globals/last_price", ""); !strings.Contains(a.body, "100") {
		t.Errorf("the global is %s", a.body)
	}
	if _, _, err := cli(t, "", "executions", "replay", first, "--limit=3", "--address="+s.admin); err == nil {
		t.Error("--limit without --offline is accepted")
	}
}

// TestRecordFile replays a record from a file: one that a run has written, and one that a server
// has printed.
func TestRecordFile(t *testing.T) {
	dataHome(t)
	now, next := buildPrice(t, ""), buildPrice(t, "-X main.rate=20")
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "thanks") }))
	defer outside.Close()
	record := filepath.Join(t.TempDir(), "record.json")
	workflow := write(t, "quote.json", quoting(outside.URL))
	run := func(exit int, args []string, want ...string) {
		t.Helper()
		out, errOut, err := cli(t, `{"net":100,"note":"a"}`, append([]string{"run"}, args...)...)
		if exitOf(err) != exit || !containsAll(out, want...) {
			t.Errorf("%v: exit %d (%v), want %d\n%s%s", args, exitOf(err), err, exit, out, errOut)
		}
	}
	run(0, []string{workflow, "--data=-", "--record=" + record, "--node=price=" + now, "--egress-allow=" + outside.Listener.Addr().String()}, "HTTP 200")
	outside.Close()
	if info, err := os.Stat(record); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the record: %v, %v", info, err)
	}
	var r journal.Record
	if text, err := os.ReadFile(record); err != nil || json.Unmarshal(text, &r) != nil || len(r.Nodes) != 5 {
		t.Fatalf("the record: %v\n%s", err, text)
	}
	fuel := fmt.Sprintf("price (price) unchanged, fuel %d\n", r.Nodes[0].Fuel)
	run(0, []string{"--replay=" + record, "--node=price=" + now}, fuel, "1 unchanged")
	run(1, []string{"--replay=" + record, "--node=price=" + next}, "output.gross: want 119, got 120")
	run(1, []string{workflow, "--replay=" + record})
	run(1, []string{"--replay=" + workflow})
	run(1, []string{"--replay=" + filepath.Join(t.TempDir(), "none")})
	run(1, nil)
}

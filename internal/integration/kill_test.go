package integration

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/flowtrux/edge/runtime/journal"
)

// serveFile is the environment variable that makes this program a Caddy. Its value is the
// Caddyfile.
const serveFile = "FLOWTRUX_TEST_CADDYFILE"

// serve runs that Caddy. It does not return.
func serve(file string) {
	text, err := os.ReadFile(file)
	if err == nil {
		var conf []byte
		if conf, _, err = caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": "Caddyfile"}); err == nil {
			err = caddy.Load(conf, true)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {}
}

// spawn loads a Caddyfile in a separate process, to be killed.
func (s *server) spawn(caddyfile string) (kill func()) {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "Caddyfile")
	if err := os.WriteFile(file, []byte(caddyfile), 0o600); err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveFile+"="+file)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // it is killed
	}()
	kill = func() {
		_ = cmd.Process.Kill() // fails if it has ended
		<-ended
	}
	s.t.Cleanup(kill)
	eventually(s.t, "the other process serves", func() bool {
		select {
		case <-ended:
			s.t.Fatal("the other process has ended")
		default:
		}
		c, err := net.Dial("tcp", s.site)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	s.loaded()
	return kill
}

// TestKeysSurviveAKill checks that responses given before a kill -9 are repeated after it, from the
// same execution. A key whose execution ended with the process delays nobody.
func TestKeysSurviveAKill(t *testing.T) {
	arrived, goOn := make(chan struct{}, 10), make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		select {
		case <-goOn:
			fmt.Fprint(w, "done")
		case <-r.Context().Done():
		}
	}))
	defer upstream.Close()
	const trigger = `{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":%q,"statusCode":201,"headers":{"X-Flow":"ok"},"idempotency":{"header":"Idempotency-Key"}}}}`
	s := start(t)
	config := s.caddyfile("egress {\n allow "+upstream.Listener.Addr().String()+"\n }", "")
	kill := s.spawn(config)
	for id, mode := range map[string]string{"at-once": "minimal", "waits": "lastNode"} {
		s.put(id, `{"nodes":[`+fmt.Sprintf(trigger, mode)+`,
			{"id":"echo","type":"transform","config":{"output":{"got":"{{trigger.data.n}}"}}}],
			"edges":[{"source":"t","target":"echo"}]}`)
	}
	s.put("stuck", `{"nodes":[`+fmt.Sprintf(trigger, "lastNode")+`,
		{"id":"call","type":"http-request","config":{"url":"`+upstream.URL+`"}},
		{"id":"out","type":"transform","config":{"output":"{{steps.call.output.body}}"}}],
		"edges":[{"source":"t","target":"call"},{"source":"call","target":"out"}]}`)
	send := func(id string) answer {
		t.Helper()
		return s.post("/api/webhooks/"+id, `{"n":1}`, "Idempotency-Key", "k")
	}
	first := map[string]answer{"at-once": send("at-once"), "waits": send("waits")}
	for id, a := range first {
		if a.status != http.StatusCreated || a.header.Get("Idempotency-Replayed") != "" {
			t.Fatalf("%s: %+v", id, a)
		}
	}
	cutOff := make(chan error, 1)
	go func() {
		_, err := s.tryPost("/api/webhooks/stuck", `{"n":1}`, "Idempotency-Key", "k")
		cutOff <- err
	}()
	<-arrived
	kill()
	if err := <-cutOff; err == nil {
		t.Error("the killed process has responded")
	}

	s.spawn(config)
	for id, want := range first {
		got := send(id)
		if got.status != want.status || got.body != want.body || got.header.Get("X-Execution-Id") != want.header.Get("X-Execution-Id") ||
			got.header.Get("X-Flow") != "ok" || got.header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s: %+v, want %+v", id, got, want)
		}
		if a := s.post("/api/webhooks/"+id, `{"n":2}`, "Idempotency-Key", "k"); a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s with another body: %d %s", id, a.status, a.body)
		}
	}
	s.record(first["at-once"].header.Get("X-Execution-Id"), journal.Succeeded)
	if page := s.executions("workflow=at-once"); len(page.Executions) != 1 {
		t.Errorf("executions %+v, want one", page.Executions)
	}
	close(goOn)
	if a := send("stuck"); a.status != http.StatusCreated || a.body != `"done"` || a.header.Get("Idempotency-Replayed") != "" {
		t.Errorf("resending the interrupted request: %+v", a)
	}
	<-arrived
	if a := send("stuck"); a.body != `"done"` || a.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("resending it once more: %+v", a)
	}
}

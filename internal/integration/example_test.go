package integration

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func containsAll(s string, parts ...string) bool {
	for _, p := range parts {
		if !strings.Contains(s, p) {
			return false
		}
	}
	return true
}

// TestExampleCaddyfile loads the file that users are given and sends the request of the reference
// page.
func TestExampleCaddyfile(t *testing.T) {
	s := start(t)
	t.Chdir(root(t))
	text, err := os.ReadFile("Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	// The example listens on fixed ports, which may be taken here.
	conf := strings.ReplaceAll(string(text), "localhost:8080", s.site)
	conf = strings.Replace(conf, "{\n", "{\n\tadmin "+s.admin+"\n\tpersist_config off\n", 1)
	s.load(conf)

	eventually(t, "the example responds", func() bool {
		req, err := http.NewRequest(http.MethodPost, "http://"+s.site+"/api/webhooks/your-workflow-id?source=crm&priority=high",
			strings.NewReader(`{"event":"order_created","order_id":"12345"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		// printf '%s' '{"event":"order_created","order_id":"12345"}' | openssl dgst -sha256 -hmac
		// your-webhook-secret
		req.Header.Set("X-Webhook-Signature", "f297210843e070a5784decd2fd890dd97273a4b5e87b01361f76bb0bcb4fcf18")
		resp, err := s.client.Do(req)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return err == nil && resp.StatusCode == http.StatusOK && containsAll(string(body), `"order":"12345"`, `"source":"crm"`)
	})
	for _, f := range mustGlob(t, "examples/workflows/*.json") {
		id := strings.TrimSuffix(filepath.Base(f), ".json")
		if a := s.ask(http.MethodGet, "workflows/"+id, ""); a.status != http.StatusOK {
			t.Errorf("workflow %s of the examples: %d %s", id, a.status, a.body)
		}
	}
	// Webhooks are served before the watch on the store is confirmed. Until then the status lists a
	// trouble.
	var status string
	defer func() {
		if t.Failed() {
			t.Logf("status: %s", status)
		}
	}()
	eventually(t, "the examples have no troubles", func() bool {
		status = s.ask(http.MethodGet, "status", "").body
		return containsAll(status, `"troubles": []`)
	})
}

func mustGlob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files match %s (%v)", pattern, err)
	}
	return files
}

package native

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	_ "github.com/flowtrux/edge"
	"github.com/flowtrux/edge/bench/workflow"
	"github.com/flowtrux/edge/internal/compiled"
	"github.com/flowtrux/edge/internal/compiled/builtin"
)

const secret = "native-secret"

// TestRespondsLikeTheWorkflow sends the same requests to both handlers: status, headers and body
// are equal byte for byte, except for the random execution id.
func TestRespondsLikeTheWorkflow(t *testing.T) {
	edge, native := handlers(t)
	good := string(workflow.Body(1024))
	for name, c := range map[string]struct {
		method, body, signature, contentType string
		status                               int
	}{
		"the bench's":      {"POST", good, sign(good), "application/json", 201},
		"upper case":       {"POST", good, strings.ToUpper(sign(good)), "application/json", 201},
		"with a prefix":    {"POST", good, "sha256=" + sign(good), "application/json; charset=utf-8", 201},
		"without a type":   {"POST", good, sign(good), "", 201},
		"a kind of JSON":   {"POST", good, sign(good), "application/cloudevents+json", 201},
		"small":            {"POST", `{"total":100}`, sign(`{"total":100}`), "application/json", 201},
		"text":             {"POST", `{"total":"100.5"}`, sign(`{"total":"100.5"}`), "application/json", 201},
		"no number":        {"POST", `{"total":"much"}`, sign(`{"total":"much"}`), "application/json", 201},
		"no fields":        {"POST", `{}`, sign(`{}`), "application/json", 201},
		"digits":           {"POST", `{"total":1e3,"order_id":[1.50]}`, sign(`{"total":1e3,"order_id":[1.50]}`), "application/json", 201},
		"an array":         {"POST", `[1]`, sign(`[1]`), "application/json", 201},
		"unsigned":         {"POST", good, "", "application/json", 401},
		"another's":        {"POST", good, sign("{}"), "application/json", 401},
		"not hex":          {"POST", good, strings.Repeat("x", 64), "application/json", 401},
		"cut":              {"POST", good, sign(good)[:62], "application/json", 401},
		"changed":          {"POST", good[:100] + "y" + good[101:], sign(good), "application/json", 401},
		"another type":     {"POST", good, sign(good), "text/plain", 415},
		"another method":   {"PUT", good, sign(good), "application/json", 405},
		"a body too large": {"POST", string(workflow.Body(1<<20 + 1)), sign("{}"), "application/json", 413},
	} {
		t.Run(name, func(t *testing.T) {
			got, want := send(native, c.method, c.body, c.signature, c.contentType), send(edge, c.method, c.body, c.signature, c.contentType)
			if want.Code != c.status {
				t.Errorf("the workflow responds %d: %s", want.Code, want.Body)
			}
			if got.Code != want.Code || !bytes.Equal(got.Body.Bytes(), want.Body.Bytes()) {
				t.Errorf("%d %s\nthe workflow responds\n%d %s", got.Code, got.Body, want.Code, want.Body)
			}
			// Ids are random and have the same length.
			for _, h := range []http.Header{got.Header(), want.Header()} {
				if id := h.Get("X-Execution-Id"); id != "" {
					h.Set("X-Execution-Id", fmt.Sprint(len(id)))
				}
			}
			if !maps.EqualFunc(got.Header(), want.Header(), slices.Equal) {
				t.Errorf("headers %v\nof the workflow %v", got.Header(), want.Header())
			}
		})
	}
}

// Both reject a body that is not JSON; the workflow also reports the position.
func TestRejectsOtherThanJSON(t *testing.T) {
	edge, native := handlers(t)
	for _, body := range []string{`{`, `{"a":1} x`, `{a:1}`} {
		for name, h := range map[string]http.Handler{"native": native, "edge": edge} {
			got := send(h, "POST", body, sign(body), "application/json")
			if got.Code != http.StatusBadRequest || !strings.Contains(got.Body.String(), `"code":"invalid_json","message":"the body is not one JSON value`) {
				t.Errorf("%s: %s: %d %s", name, body, got.Code, got.Body)
			}
		}
	}
}

// Buffers are reused; data of an earlier request never shows.
func TestBuffersAreClean(t *testing.T) {
	_, native := handlers(t)
	for i := range 200 {
		body := fmt.Sprintf(`{"order_id":"%s","total":%d}`, strings.Repeat("x", i%37), 101+i)
		want := fmt.Sprintf(`{"order":{"orderId":"%s","total":%d},"large":true}`, strings.Repeat("x", i%37), 101+i)
		if got := send(native, "POST", body, sign(body), "application/json"); got.Body.String() != want {
			t.Fatalf("request %d: %s, want %s", i, got.Body, want)
		}
	}
}

// handlers returns both handlers in one config, that of FlowTrux Edge with the bench's workflows in
// its store.
func handlers(t *testing.T) (edge, native http.Handler) {
	t.Helper()
	seed := t.TempDir()
	files := map[string]string{"workflows/three.json": workflow.Three(""), "secrets/three": secret}
	for id, w := range others {
		files["workflows/"+id+".json"], files["secrets/"+id] = w.document, secret
	}
	for name, text := range files {
		file := filepath.Join(seed, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	app, err := json.Marshal(map[string]any{
		"store":   map[string]any{"engine": "embedded", "dir": filepath.Join(t.TempDir(), "etcd"), "seed": seed},
		"journal": map[string]any{"engine": "memory"},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := caddy.ProvisionContext(&caddy.Config{
		Logging: &caddy.Logging{Logs: map[string]*caddy.CustomLog{"default": {BaseLog: caddy.BaseLog{
			WriterRaw: json.RawMessage(`{"output":"discard"}`),
		}}}},
		AppsRaw: caddy.ModuleMap{"flowtrux": app},
	})
	if err != nil {
		t.Fatal(err)
	}
	v, err := ctx.App("flowtrux")
	if err != nil {
		t.Fatal(err)
	}
	running := v.(caddy.App)
	if err := running.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := running.Stop(); err != nil {
			t.Error(err)
		}
		if err := v.(caddy.CleanerUpper).Cleanup(); err != nil {
			t.Error(err)
		}
	})
	load := func(module, config string) http.Handler {
		m, err := ctx.LoadModuleByID(module, json.RawMessage(config))
		if err != nil {
			t.Fatal(err)
		}
		return serve(t, m.(caddyhttp.MiddlewareHandler))
	}
	edge = load("http.handlers.flowtrux", `{}`)
	if w := served(t, edge, "three", "{}"); w.Code != http.StatusCreated {
		t.Fatalf("the workflow responds %d %s", w.Code, w.Body)
	}
	return edge, load("http.handlers.bench_native", fmt.Sprintf(`{"secret":%q}`, secret))
}

// serve wraps a handler with what Caddy's server puts into the context.
func serve(t *testing.T, h caddyhttp.MiddlewareHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), caddyhttp.ExtraLogFieldsCtxKey, new(caddyhttp.ExtraLogFields))
		ctx = context.WithValue(ctx, caddyhttp.VarsCtxKey, map[string]any{caddyhttp.ClientIPVarKey: "203.0.113.7"})
		next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
			t.Error("the request was passed on")
			return nil
		})
		if err := h.ServeHTTP(w, r.WithContext(ctx), next); err != nil {
			t.Error(err)
		}
	})
}

// served returns the response of a workflow once it is ready: the store loads and documents are
// compiled in the background, which takes long on a busy machine.
func served(t *testing.T, h http.Handler, id, body string) *httptest.ResponseRecorder {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; {
		w := sendTo(h, id, "POST", body, sign(body), "")
		if w.Code != http.StatusServiceUnavailable || time.Now().After(end) {
			return w
		}
	}
}

func send(h http.Handler, method, body, signature, contentType string) *httptest.ResponseRecorder {
	return sendTo(h, "three", method, body, signature, contentType)
}

func sendTo(h http.Handler, id, method, body, signature, contentType string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/api/webhooks/"+id, strings.NewReader(body))
	if signature != "" {
		r.Header.Set("X-Webhook-Signature", signature)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func sign(body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// TestMain gives the servers their own data directory, with the shared cache of compiled code.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "native-")
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"XDG_DATA_HOME", "XDG_CONFIG_HOME"} {
		if err := os.Setenv(name, dir); err != nil {
			panic(err)
		}
	}
	if err := compiled.Link(dir); err != nil {
		panic(err)
	}
	if err := builtin.Compile(context.Background()); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

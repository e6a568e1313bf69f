package caddymodule

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/runtime/sandbox"
)

// validate provisions an app's config and cleans it up, as `caddy validate` does.
func validate(t *testing.T, app string) error {
	t.Helper()
	return caddy.Validate(&caddy.Config{
		Admin:   &caddy.AdminConfig{Disabled: true},
		AppsRaw: caddy.ModuleMap{appName: withStore(t, app)},
	})
}

// module returns the module of a node type.
func module(t *testing.T, a *App, name string) *sandbox.Module {
	t.Helper()
	m, err := a.types.Module(name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestNodesThatDoNotLoad checks that a bad module fails the config with a reason and leaves nothing
// behind.
func TestNodesThatDoNotLoad(t *testing.T) {
	const code = "../nodes/dist/code.wasm"
	text := filepath.Join(t.TempDir(), "text.wasm")
	if err := os.WriteFile(text, []byte("this is not wasm"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, node, want string }{
		{"mine", `{"file":"/does/not/exist.wasm"}`, "opening the module: open /does/not/exist.wasm"},
		{"mine", `{"file":"."}`, "reading the module"},
		{"mine", `{"file":"builtin:nothing"}`, "there is no built-in node nothing; there are transform, condition, http-request, switch, code"},
		{"mine", fmt.Sprintf(`{"file":%q}`, text), "not a WebAssembly core module"},
		{"mine", fmt.Sprintf(`{"file":%q}`, code), "add `allow log`"},
		{"mine", fmt.Sprintf(`{"file":%q,"sha256":%q}`, code, strings.Repeat("0", 64)), "is another file than the configured one"},
		{"transform", fmt.Sprintf(`{"file":%q}`, code), "name of a built-in node type"},
	} {
		err := validate(t, fmt.Sprintf(`{"nodes":{%q:%s}}`, c.name, c.node))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "node") {
			t.Errorf("%s %s: %v, want %q", c.name, c.node, err, c.want)
		}
		checkReferences(t, 0)
	}
}

// TestBuiltinByAnotherName checks that an operator's node type can run a built-in module, with that
// type's grants.
func TestBuiltinByAnotherName(t *testing.T) {
	if err := validate(t, `{"nodes":{"code-http":{"file":"builtin:code","allow":{"log":true,"http":true},"fuel":1000}}}`); err != nil {
		t.Error(err)
	}
	if err := validate(t, `{"nodes":{"quiet":{"file":"builtin:code"}}}`); err == nil || !strings.Contains(err.Error(), "add `allow log`") {
		t.Error(err)
	}
	checkReferences(t, 0)
}

// TestConfigsThatDoNotLoad fails Provision at each of its steps. Everything acquired before is
// released.
func TestConfigsThatDoNotLoad(t *testing.T) {
	for config, want := range map[string]string{
		`{"limits":{"body":-1}}`:                           "limits: body is -1 bytes",
		`{"globals_write":["["]}`:                          "globals_write",
		`{"globals_write":["{env.NO_SUCH}"]}`:              "resolving '{env.NO_SUCH}'",
		`{"egress":{"allow":["{env.NO_SUCH}"]}}`:           "egress: resolving",
		`{"egress":{"allow":["10.0.0.0/99"]}}`:             "egress",
		`{"store":{"engine":"redis"}}`:                     "flowtrux.stores.redis",
		`{"store":{}}`:                                     "loading the store",
		`{"journal":{"engine":"paper"}}`:                   "flowtrux.journals.paper",
		`{"journal":{"engine":"memory","max_pending":-1}}`: "max_pending",
		`{"workers":3}`:                                    "unknown field",
	} {
		if err := validate(t, config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
		checkReferences(t, 0)
	}
	for config, want := range map[string]string{
		`{"prefix":"hooks"}`:       "must begin and end with a slash",
		`{"unknown_workflow":200}`: "it can be 404 or 401",
		`{"secret":"x"}`:           "unknown field",
	} {
		s := provisionSite(t, `{}`, `{}`)
		if _, err := s.ctx.LoadModuleByID("http.handlers.flowtrux", json.RawMessage(config)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("handler %s: %v, want %q", config, err, want)
		}
	}
}

package integration

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/nodes"
)

// TestStatusAndNodes reads what the server is and what workflows can use.
func TestStatusAndNodes(t *testing.T) {
	s := start(t)
	s.load(s.caddyfile("node script builtin:code {\n allow log\n }", "prefix /hooks/"))
	s.loaded()
	var status adminapi.Status
	if err := json.Unmarshal([]byte(s.ask("GET", "status", "").body), &status); err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(s.site, ":")
	if len(status.Endpoints) != 1 || status.Endpoints[0].Prefix != "/hooks/" || status.Endpoints[0].TLS ||
		!slices.Equal(status.Endpoints[0].Listen, []string{":" + port}) || !slices.Equal(status.Endpoints[0].Hosts, []string{"127.0.0.1"}) {
		t.Errorf("endpoints %+v", status.Endpoints)
	}
	if since := time.Since(status.Started); since < 0 || since > time.Hour {
		t.Errorf("started %v ago", since)
	}

	var list adminapi.NodeTypes
	if err := json.Unmarshal([]byte(s.ask("GET", "nodes", "").body), &list); err != nil {
		t.Fatal(err)
	}
	types := make(map[string]adminapi.NodeType)
	for _, n := range list.Nodes {
		types[n.Type] = n
		if json.Unmarshal(n.Schema, new(map[string]any)) != nil {
			t.Errorf("%s has the schema %s", n.Type, n.Schema)
		}
	}
	for _, f := range nodes.Builtin() {
		digest := sha256.Sum256(f.Wasm)
		for _, b := range f.Types {
			if n := types[b.Name]; !n.Builtin || n.Digest != hex.EncodeToString(digest[:]) || n.Source != "built-in node "+b.Name {
				t.Errorf("%s: builtin %v, digest %s, source %s", b.Name, n.Builtin, n.Digest, n.Source)
			}
		}
	}
	script, code := types["script"], types["code"]
	if script.Builtin || script.Digest != code.Digest || !slices.Contains(script.Refused, "http") || !slices.Contains(script.Optional, "http") ||
		!slices.Contains(script.Fixed, "source") {
		t.Errorf("a custom type: %+v", script)
	}
	if s := types["switch"]; s.HandlesFrom != "cases[].name" || !slices.Contains(s.Handles, "default") {
		t.Errorf("switch: %+v", s)
	}
	if d := code.Defaults; len(d) != 1 || d[0].Key != "input" || string(d[0].Value) != `"{{trigger.data}}"` {
		t.Errorf("the defaults of code: %+v", d)
	}
	if h := types["http-request"]; !slices.Contains(h.Capabilities, "http") || len(h.Refused) > 0 {
		t.Errorf("http-request: %+v", h)
	}
}

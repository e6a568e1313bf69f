package sdk_test

import (
	"encoding/json"
	"testing"

	"github.com/flowtrux/edge/nodes/sdk"
	"github.com/flowtrux/edge/runtime/flow"
)

func TestManifest(t *testing.T) {
	for want, n := range map[string]sdk.Node{
		`{"abi":1,"type":"shout","version":"1.0.0"}`: {Type: "shout", Version: "1.0.0"},
		`{"abi":1,"type":"call","version":"1.0.0","capabilities":["http"],"secrets":"handles"}`: {
			Type: "call", Version: "1.0.0", Capabilities: []string{"http"}, SecretReferences: true,
		},
		`{"abi":1,"type":"match","version":"1.0.0","fixed":["pattern","flags"]}`: {
			Type: "match", Version: "1.0.0", Fixed: []string{"pattern", "flags"},
		},
		`{"abi":1,"type":"sort","version":"2.0.0","summary":"says \"x\" and \\","config":{"type":"object"},"handles":["a","b"],"handlesFrom":"cases[].name","capabilities":["http","log"],"defaults":[{"with":"cases","key":"input","value":"{{trigger.data}}"},{"with":"","key":"n","value":1}]}`: {
			Type: "sort", Version: "2.0.0", Summary: "says \"x\" and \\", Config: `{"type":"object"}`,
			Handles: []string{"a", "b"}, HandlesFrom: "cases[].name", Capabilities: []string{"http", "log"},
			Defaults: []sdk.Default{{With: "cases", Key: "input", Value: `"{{trigger.data}}"`}, {Key: "n", Value: "1"}},
		},
	} {
		got := n.Manifest()
		if string(got) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if !json.Valid(got) {
			t.Errorf("%s is not JSON", got)
		}
		if _, err := flow.ParseType(got); err != nil {
			t.Errorf("%s: %v", got, err)
		}
	}
}

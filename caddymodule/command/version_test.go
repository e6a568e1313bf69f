package command

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	out, _, err := try(t, "", "version", "--json")
	var v versions
	if jsonErr := json.Unmarshal([]byte(out), &v); err != nil || jsonErr != nil {
		t.Fatalf("%v, %v\n%s", err, jsonErr, out)
	}
	if v.FlowTrux == "" || v.Go != runtime.Version() || v.Caddy == "" {
		t.Errorf("%+v", v)
	}
	out, _, err = try(t, "", "version")
	if err != nil || !strings.Contains(out, "go        "+runtime.Version()+"\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

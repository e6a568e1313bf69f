package caddymodule

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/flowtrux/edge/internal/wasmbuild"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// TestOldBuildIsLetGo checks that, when a reload finds another build in a node's file, the old one
// serves until its config has ended, and is closed then.
func TestOldBuildIsLetGo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.wasm")
	write := func(answer string) {
		if err := os.WriteFile(file, wasmbuild.StubModule(answer), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	call := func(m *sandbox.Module) (string, error) {
		answer, err := m.Call(t.Context(), new(hostapi.Session), []byte(`{}`), nil)
		return string(answer.Output), err
	}
	write(`"one"`)
	config := fmt.Sprintf(`{"nodes":{"mine":{"file":%q}}}`, file)
	r := run(t, config)
	old := r.app()
	gone := ended(old)
	before := module(t, old, "mine")
	if answer, err := call(before); err != nil || answer != `"one"` {
		t.Fatalf("%s, %v", answer, err)
	}
	if !old.life.enter() { // as a request does
		t.Fatal("the config has ended")
	}
	write(`"two"`)
	if err := r.load(config); err != nil {
		t.Fatal(err)
	}
	after := module(t, r.app(), "mine")
	for want, m := range map[string]*sandbox.Module{`"one"`: before, `"two"`: after} {
		if answer, err := call(m); err != nil || answer != want {
			t.Errorf("while both configs are in use: %s, %v, want %s", answer, err, want)
		}
	}
	old.life.leave()
	<-gone
	if _, err := call(before); !errors.Is(err, sandbox.ErrClosed) {
		t.Errorf("the old build was not closed: %v", err)
	}
	if answer, err := call(after); err != nil || answer != `"two"` {
		t.Errorf("%s, %v", answer, err)
	}
	checkReferences(t, 1)
}

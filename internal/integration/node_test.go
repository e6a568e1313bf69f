package integration

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// shout is the code of a node author: a separate module that uses nothing of this repository but
// the SDK.
const shout = `package main

import (
	"strings"

	"github.com/flowtrux/edge/nodes/sdk"
	"github.com/flowtrux/edge/nodes/sdk/typed"
)

type in struct {
	Text string ` + "`json:\"text\"`" + `
}

type out struct {
	Text string ` + "`json:\"text\"`" + `
}

func run(ctx *sdk.Context, i in) (out, error) {
	sdk.Log(ctx, sdk.Info, "shouting")
	return out{strings.ToUpper(i.Text)}, nil
}

var _ = sdk.Register(sdk.Node{
	Type: "shout", Version: "1.0.0", Capabilities: []string{"log"},
	Config: ` + "`" + `{"type":"object","properties":{"text":{"type":"string"}},"required":["text"],"additionalProperties":false}` + "`" + `,
	Run: typed.Func(run),
})

func main() {}
`

// buildNode builds a Go node in a module outside the repository, with the command from the docs.
func buildNode(t *testing.T, source string) (file string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main.go": source,
		"go.mod": fmt.Sprintf("module example.com/shout\n\ngo 1.26.0\n\nrequire github.com/flowtrux/edge v0.0.0\n\nreplace github.com/flowtrux/edge => %s\n",
			root(t)),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file = filepath.Join(dir, "shout.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", file, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=-mod=mod", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the node: %v\n%s", err, out)
	}
	return file
}

func TestCustomNodeBuiltOutsideTheRepository(t *testing.T) {
	s := start(t)
	wasm := buildNode(t, shout)
	s.load(s.caddyfile("node shout "+wasm+" {\n allow log\n }", ""))
	eventually(t, "the store has loaded", func() bool {
		return s.ask(http.MethodGet, "workflows", "").status == http.StatusOK
	})
	s.put("loud", `{"nodes":[
		{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"lastNode"}}},
		{"id":"shout","type":"shout","config":{"text":"{{trigger.data.text}}"}}],
		"edges":[{"source":"t","target":"shout"}]}`)
	if a := s.post("/api/webhooks/loud", `{"text":"hello"}`); a.status != http.StatusOK || a.body != `{"text":"HELLO"}` {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := s.post("/api/webhooks/loud", `{"text":7}`); a.status != http.StatusInternalServerError || !containsAll(a.body, "execution_failed", "shout") {
		t.Errorf("with a number as the text: %d %s", a.status, a.body)
	}
}

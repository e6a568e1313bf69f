package integration

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/caddymodule/command"
	"github.com/flowtrux/edge/internal/wasmbuild"
)

// runCaddy runs a real Caddy in its own process, with a data directory.
func runCaddy(t *testing.T, data string, args ...string) (stdout []byte, stderr string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	// The proxy makes sure that nothing uses the network.
	cmd.Env = append(os.Environ(), childCaddy+"=1", "XDG_DATA_HOME="+data, "XDG_CONFIG_HOME="+data,
		"HTTPS_PROXY=http://127.0.0.1:1", "HTTP_PROXY=http://127.0.0.1:1")
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err = cmd.Run()
	return out.Bytes(), errOut.String(), err
}

// codeFiles returns the files of the cache of compiled code, with the time of their last change.
func codeFiles(t *testing.T, data string) map[string]time.Time {
	t.Helper()
	all := make(map[string]time.Time)
	names, err := filepath.Glob(filepath.Join(data, "caddy", "flowtrux", "wasm", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(name)] = info.ModTime()
	}
	return all
}

// After warm, a server with the same config compiles nothing, and warm itself leaves nothing but
// the code behind.
func TestWarm(t *testing.T) {
	s := start(t)
	data, dir := t.TempDir(), t.TempDir()
	node := filepath.Join(dir, "mine.wasm")
	if err := os.WriteFile(node, wasmbuild.StubModule(`"mine"`), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "Caddyfile")
	write := func(app string) {
		t.Helper()
		if err := os.WriteFile(config, []byte(s.caddyfile(app, "")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("node mine " + node + " {\n memory 32MiB\n }")
	warm := func() (r struct {
		Cache    string
		Compiled int
		Modules  []command.Warmed
	},
	) {
		t.Helper()
		out, errOut, err := runCaddy(t, data, "flowtrux", "warm", config, "--json")
		if err != nil {
			t.Fatalf("%v\n%s", err, errOut)
		}
		if err := json.Unmarshal(out, &r); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return r
	}
	first := warm()
	code := codeFiles(t, data)
	if first.Compiled != len(first.Modules) || len(code) != first.Compiled || first.Compiled < 3 {
		t.Errorf("%d of %d modules were compiled, %d files", first.Compiled, len(first.Modules), len(code))
	}
	if want := filepath.Join(data, "caddy", "flowtrux", "wasm"); first.Cache != want {
		t.Errorf("the cache is %s, want %s", first.Cache, want)
	}
	left, err := filepath.Glob(filepath.Join(data, "caddy", "flowtrux", "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("warm has left %q, %v", left, err)
	}
	if again := warm(); again.Compiled != 0 || len(again.Modules) != len(first.Modules) {
		t.Errorf("again: %d compiled of %d", again.Compiled, len(again.Modules))
	}

	t.Setenv("XDG_DATA_HOME", data)
	s.load(s.caddyfile("node mine "+node+" {\n memory 32MiB\n }", ""))
	s.put("mine", mine)
	s.put("echo", echo("lastNode"))
	for _, id := range []string{"mine", "echo"} {
		eventually(t, "a response of "+id, func() bool { return s.post("/api/webhooks/"+id, "{}").status == http.StatusOK })
	}
	s.stop()
	if now := codeFiles(t, data); !maps.Equal(now, code) {
		t.Errorf("the server has compiled: %d files, before %d", len(now), len(code))
	}

	for _, c := range [][2]string{
		{"respond ok", "adapting the config: "},
		{":80 {\n respond ok\n}", "the config does not use flowtrux; name the one that your server runs with"},
		{`{"apps":{"flowtrux":{"no":1}}}`, "reading the settings of the app flowtrux: "},
		{`{"apps":{"flowtrux":{"limits":{"executions":-1}}}}`, "limits: "},
	} {
		text, want := c[0], c[1]
		wrong := filepath.Join(dir, "wrong")
		if strings.HasPrefix(text, `{"`) {
			wrong += ".json"
		}
		if err := os.WriteFile(wrong, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, errOut, err := runCaddy(t, data, "flowtrux", "warm", wrong)
		if err == nil || !strings.Contains(errOut, want) {
			t.Errorf("%q: %v %s", text, err, errOut)
		}
	}
	write("node mine " + node + ".none")
	out, errOut, err := runCaddy(t, data, "flowtrux", "warm", config)
	if err == nil || !strings.Contains(errOut, "failed mine: opening the module: open "+node+".none") {
		t.Errorf("a module that is missing: %v\n%s%s", err, out, errOut)
	}
}

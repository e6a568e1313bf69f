package doctest

import (
	"context"
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// blockTime bounds one block.
const blockTime = 2 * time.Minute

// TestPages checks every block of every page.
func TestPages(t *testing.T) {
	s := startServer(t)
	for _, p := range pages(t) {
		t.Run(p.name, func(t *testing.T) {
			output := "" // of the last block that ran
			for _, b := range p.blocks {
				text := strings.ReplaceAll(b.text, usualSite, s.site)
				at := fmt.Sprintf("%s:%d", p.name, b.line)
				switch b.kind {
				case "sh test":
					output = s.run(t, at, "bash", "-euo", "pipefail", "-c", text)
				case "text output":
					compare(t, at, output, text)
				case "go run":
					output = s.run(t, at, "go", "run", s.file(t, "run.go", text))
				case "caddyfile":
					if out := s.run(t, at, "bin/caddy", "adapt", "--config", s.file(t, "Caddyfile", text)); strings.Contains(out, `"level":"warn"`) {
						t.Errorf("%s: %s", at, out)
					}
				case "json workflow":
					s.validate(t, at, text)
				case "json node":
					s.validate(t, at, `{"nodes":[`+trigger("{}")+`,`+text+`],"edges":[{"source":"trigger","target":`+id(t, at, text)+`}]}`)
				case "json webhook":
					s.validate(t, at, `{"nodes":[`+trigger(text)+`,{"id":"last","type":"transform","config":{"output":1}}],
						"edges":[{"source":"trigger","target":"last"}]}`)
				case "json":
					if !json.Valid([]byte(text)) {
						t.Errorf("%s: not JSON", at)
					}
				case "go":
					if !isGo(text) {
						t.Errorf("%s: not Go", at)
					}
				case "sh", "text", "python", "js", "ini", "c", "rust", "ts", "dockerfile":
				default:
					t.Errorf("%s: there are no blocks of kind %q", at, b.kind)
				}
			}
		})
	}
}

func trigger(webhook string) string {
	return `{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":` + webhook + `}}`
}

// id is the id of a node, in quotes.
func id(t *testing.T, at, node string) string {
	t.Helper()
	var n struct {
		ID json.RawMessage `json:"id"`
	}
	if err := json.Unmarshal([]byte(node), &n); err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	return string(n.ID)
}

// isGo reports whether text is a Go file, or declarations or statements of one.
func isGo(text string) bool {
	for _, frame := range []string{"%s", "package p\n%s", "package p\nfunc f() {\n%s\n}"} {
		if _, err := parser.ParseFile(token.NewFileSet(), "", fmt.Sprintf(frame, text), parser.SkipObjectResolution); err == nil {
			return true
		}
	}
	return false
}

// validate checks a document with the command that authors use.
func (s *server) validate(t *testing.T, at, document string) {
	t.Helper()
	s.run(t, at, "bin/caddy", "flowtrux", "validate", s.file(t, "page.json", document))
}

// file writes a file beside the copy of the repository.
func (s *server) file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run runs a command in the copy of the repository and returns all that it printed.
func (s *server) run(t *testing.T, at, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), blockTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = s.dir, s.env
	cmd.WaitDelay = time.Second // for what a shell that was killed leaves behind
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", at, err, out)
	}
	return string(out)
}

// compare checks that the output contains the wanted lines in their order.
func compare(t *testing.T, at, output, want string) {
	t.Helper()
	lines := strings.Split(output, "\n")
	for w := range strings.SplitSeq(strings.TrimSpace(want), "\n") {
		found := false
		for len(lines) > 0 && !found {
			found = like(strings.TrimSpace(lines[0]), strings.TrimSpace(w))
			lines = lines[1:]
		}
		if !found {
			t.Errorf("%s: this line is not in the output, or not at its place:\n%s\nthe output is\n%s", at, w, output)
			return
		}
	}
}

// like compares a line with a pattern in which … stands for anything.
func like(line, pattern string) bool {
	parts := strings.Split(pattern, "…")
	if len(parts) == 1 {
		return line == pattern
	}
	first, last := parts[0], parts[len(parts)-1]
	line, ok := strings.CutPrefix(line, first)
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		if _, line, ok = strings.Cut(line, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(line, last)
}

func TestOutputPatterns(t *testing.T) {
	for _, c := range []struct {
		line, pattern string
		want          bool
	}{
		{"a b c", "a b c", true},
		{"a b c", "a b", false},
		{"a b c", "a…c", true},
		{"a b c", "…b…", true},
		{"a b c", "…", true},
		{"a b c", "a…d", false},
		{"a b c", "b…", false},
		{"ab", "ab…b", false},
	} {
		if got := like(c.line, c.pattern); got != c.want {
			t.Errorf("%q like %q: %t", c.line, c.pattern, got)
		}
	}
}

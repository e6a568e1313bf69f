package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTally runs go test on a module with a test of each kind and reads the summary.
func TestTally(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":         "module github.com/flowtrux/edge/sample\n\ngo 1.26\n",
		"good/a_test.go": "package good\nimport \"testing\"\nfunc TestA(t *testing.T) { t.Log(\"a quiet word\"); t.Run(\"one\", func(*testing.T) {}) }\n",
		"bad/a_test.go": "package bad\nimport \"testing\"\nfunc TestB(t *testing.T) { t.Error(\"went wrong\") }\n" +
			"func TestD(t *testing.T) { for _, n := range []string{\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"} { t.Run(n, func(t *testing.T) { t.Error(\"in \" + n) }) } }\n",
		"loud/a_test.go":   "package loud\nimport \"testing\"\nfunc TestC(t *testing.T) { panic(\"much too loud\") }\n",
		"broken/a_test.go": "package broken\nvar x unknown\n",
		"lazy/a_test.go":   "package lazy\nimport \"testing\"\nfunc TestE(t *testing.T) { t.Skip(\"no server\") }\n",
		"none/a.go":        "package none\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		packages  []string
		says, not []string
		good      bool
	}{
		"all pass": {
			[]string{"./good", "./none"},
			[]string{"ok    sample/good ", " 1 tests ", "1 tests (2 with subtests) in 1 packages passed in 3s, 0 skipped\n"},
			[]string{"a quiet word", "none"},
			true,
		},
		"one fails":          {[]string{"./good", "./bad"}, []string{"went wrong", "FAIL  sample/bad", "ok    sample/good", "not all of them passed"}, []string{"a quiet word"}, false},
		"one panics":         {[]string{"./loud"}, []string{"much too loud", "FAIL  sample/loud"}, nil, false},
		"one does not build": {[]string{"./broken"}, []string{"undefined: unknown", "FAIL  sample/broken"}, nil, false},
		"one is skipped":     {[]string{"./lazy"}, []string{"SKIP  sample/lazy TestE", "1 skipped"}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "go", append([]string{"test", "-json"}, c.packages...)...)
			cmd.Dir = dir
			out, _ := cmd.Output() // ignore the exit code: the events also report failures
			var said strings.Builder
			sum := newTally(&said)
			if err := sum.read(strings.NewReader(string(out))); err != nil {
				t.Fatal(err)
			}
			sum.summary(3 * time.Second)
			if good := !sum.failed && len(sum.skipped) == 0; good != c.good {
				t.Errorf("good is %t\n%s", good, said.String())
			}
			if f := regexp.MustCompile(`in [a-f]`).FindAllString(said.String(), -1); !slices.IsSorted(f) || name == "one fails" && len(f) != 6 {
				t.Errorf("the failed subtests are in the order %v", f)
			}
			for _, s := range c.says {
				if !strings.Contains(said.String(), s) {
					t.Errorf("%q is missing in\n%s", s, said.String())
				}
			}
			for _, s := range c.not {
				if strings.Contains(said.String(), s) {
					t.Errorf("%q is in\n%s", s, said.String())
				}
			}
		})
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct{ args, modules, rest []string }{
		{[]string{"-race", "./..."}, []string{"."}, []string{"-race", "./..."}},
		{[]string{"-modules", ".,bench", "-race", "./..."}, []string{".", "bench"}, []string{"-race", "./..."}},
		{[]string{"-modules"}, []string{"."}, []string{"-modules"}},
		{nil, []string{"."}, nil},
	} {
		if modules, rest := split(c.args); !slices.Equal(modules, c.modules) || !slices.Equal(rest, c.rest) {
			t.Errorf("%q: modules %q, arguments %q", c.args, modules, rest)
		}
	}
}

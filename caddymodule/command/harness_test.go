package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/internal/compiled"
)

// try runs `caddy flowtrux <args>` in this process.
func try(t *testing.T, stdin string, args ...string) (out, errOut string, err error) {
	t.Helper()
	cmd := &cobra.Command{Use: "flowtrux", SilenceErrors: true, SilenceUsage: true}
	Flowtrux(nil, nil, nil).CobraFunc(cmd)
	var o, e strings.Builder
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&o)
	cmd.SetErr(&e)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return o.String(), e.String(), err
}

// write writes a file and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	writeTo(t, path, content)
	return path
}

func writeTo(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// dataHome gives the test its own data directory, which shares compiled code with other tests.
func dataHome(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	if err := compiled.Link(dir); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_DATA_HOME", dir)
}

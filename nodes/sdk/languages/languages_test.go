package languages

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flowtrux/edge/nodes/cases"
)

func TestWrite(t *testing.T) {
	for _, l := range All() {
		t.Run(l.Name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a", "node")
			if err := l.Write(dir); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(filepath.Join(dir, "testdata", "cases.json"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := cases.Parse(b); err != nil {
				t.Error(err)
			}
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) < 3 {
				t.Errorf("%v, %v", entries, err)
			}
			// What an author has changed stays.
			node := filepath.Join(dir, entries[0].Name())
			if entries[0].IsDir() {
				node = filepath.Join(dir, "testdata", "cases.json")
			}
			if err := os.WriteFile(node, []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := l.Write(dir); err == nil || !strings.Contains(err.Error(), "is there already") {
				t.Error(err)
			}
			if b, err := os.ReadFile(node); err != nil || string(b) != "mine" {
				t.Errorf("%s, %v", b, err)
			}
		})
	}
}

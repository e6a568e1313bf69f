package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// step is a line of the walk of a webhook in ARCHITECTURE.md: its number, a function or method, and
// the file that declares it.
var step = regexp.MustCompile("(?m)^\\d+\\. \\[`([A-Za-z.]+)`\\]\\(([a-z_/]+\\.go)\\)")

// maxSteps is how many functions a reader should have to follow from a request to a node and back.
const maxSteps = 10

// TestWalk checks that the functions that ARCHITECTURE.md names on the way of a webhook are where
// it says, that they are few, and that nobody has to return to a file.
func TestWalk(t *testing.T) {
	page, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, walk, found := strings.Cut(string(page), "\n## The way of a webhook\n")
	if !found {
		t.Fatal("ARCHITECTURE.md has no section \"The way of a webhook\"")
	}
	walk, _, _ = strings.Cut(walk, "\n## ")
	steps := step.FindAllStringSubmatch(walk, -1)
	if len(steps) < 5 || len(steps) > maxSteps {
		t.Errorf("the walk has %d steps; it should have at most %d, and few would tell nothing", len(steps), maxSteps)
	}
	seen := make(map[string]bool)
	for _, s := range steps {
		name, file := s[1], s[2]
		if seen[file] {
			t.Errorf("%s: the walk returns to %s", name, file)
		}
		seen[file] = true
		if !declares(t, file, name) {
			t.Errorf("%s does not declare %s", file, name)
		}
	}
}

// declares reports whether a file of the repository declares a function, or a method written as
// Type.Method.
func declares(t *testing.T, file, name string) bool {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../..", file), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && nameOf(f) == name {
			return true
		}
	}
	return false
}

func nameOf(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	receiver := f.Recv.List[0].Type
	if pointer, ok := receiver.(*ast.StarExpr); ok {
		receiver = pointer.X
	}
	if name, ok := receiver.(*ast.Ident); ok {
		return name.Name + "." + f.Name.Name
	}
	return ""
}

package caddymodule

import (
	"encoding/json"
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestExamplesInTypeComments checks the comment of each module's type, which becomes its page in
// Caddy's documentation. It must have a Caddyfile and the JSON that it adapts to.
func TestExamplesInTypeComments(t *testing.T) {
	for file, typ := range map[string]string{
		"app.go":                    "App",
		"console.go":                "Console",
		"handler.go":                "Handler",
		"journalbbolt/module.go":    "Journal",
		"journalmemory/module.go":   "Journal",
		"journalpostgres/module.go": "Journal",
		"storeembedded/module.go":   "Store",
		"storeetcd/module.go":       "Store",
	} {
		t.Run(filepath.Dir(file)+"."+typ, func(t *testing.T) {
			code := codeBlocks(t, file, typ)
			if len(code) != 2 {
				t.Fatalf("%d blocks of code, want a Caddyfile and JSON", len(code))
			}
			var adapted, want any
			if out := adapt(t, code[0]); json.Unmarshal([]byte(out), &adapted) != nil {
				t.Fatalf("the Caddyfile: %s", out)
			}
			if err := json.Unmarshal([]byte(code[1]), &want); err != nil {
				t.Fatalf("the JSON: %v", err)
			}
			if !holds(adapted, want) {
				t.Errorf("the Caddyfile adapts to\n%s\nwithout\n%s", adapt(t, code[0]), code[1])
			}
		})
	}
}

// codeBlocks returns the code blocks in the comment of a type.
func codeBlocks(t *testing.T, file, typ string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var code []string
	for _, d := range f.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE || decl.Specs[0].(*ast.TypeSpec).Name.Name != typ {
			continue
		}
		for _, block := range new(comment.Parser).Parse(decl.Doc.Text()).Content {
			if c, ok := block.(*comment.Code); ok {
				code = append(code, c.Text)
			}
		}
	}
	return code
}

// holds reports whether want is v or occurs somewhere in it.
func holds(v, want any) bool {
	if reflect.DeepEqual(v, want) {
		return true
	}
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			if holds(member, want) {
				return true
			}
		}
	case []any:
		for _, element := range v {
			if holds(element, want) {
				return true
			}
		}
	}
	return false
}

// TestModulesAreDocumented checks that each type and each field that a config can have has a
// comment.
func TestModulesAreDocumented(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("*/module.go")
	if err != nil {
		t.Fatal(err)
	}
	fields := 0
	for _, file := range append(files, more...) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			field, ok := n.(*ast.Field)
			if !ok || field.Tag == nil || !strings.Contains(field.Tag.Value, `json:"`) {
				return true
			}
			fields++
			if text := field.Doc.Text(); !strings.HasSuffix(strings.TrimSpace(text), ".") {
				t.Errorf("%s: the field %s has no comment", file, field.Names[0].Name)
			}
			return true
		})
	}
	if fields < 40 {
		t.Errorf("only %d fields were found", fields)
	}
}

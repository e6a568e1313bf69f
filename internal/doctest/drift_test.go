package doctest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestPagesKnowWhatTheCodeHas: names that users see are explained on a page.
func TestPagesKnowWhatTheCodeHas(t *testing.T) {
	for _, c := range []struct {
		page  string
		names []string
		least int // there are as many, or this test looks at the wrong place
	}{
		{"docs/senders/responses.md", constants(t, "runtime/response/error.go", ".*"), 17},
		{"docs/workflow-authors/failures.md", constants(t, "runtime/engine/errors.go", "^Code"), 14},
		{"docs/workflow-authors/failures.md", constants(t, "runtime/egress/failure.go", "^Code"), 8},
		{"docs/operators/troubleshooting.md", constants(t, "runtime/signature/signature.go", ".*"), 7},
		{"docs/operators/metrics.md", prefixed("caddy_flowtrux_", literals(t, "caddymodule/metrics.go", "counter", "seconds", "gauge")), 11},
		{"docs/operators/metrics.md", prefixed("caddy_flowtrux_", literals(t, "caddymodule/metrics_journal.go", "counter", "seconds", "describe")), 11},
		{"docs/operators/metrics.md", prefixed("caddy_flowtrux_", literals(t, "caddymodule/metrics_fleet.go", "describe")), 4},
		{"docs/operators/caddyfile.md", options(t, "caddymodule/caddyfile.go"), 8},
		{"docs/operators/caddyfile.md", options(t, "caddymodule/caddyfile_blocks.go"), 18},
		{"docs/operators/placeholders.md", placeholders(t, "caddymodule/placeholders.go"), 4},
		{"docs/operators/commands.md", literals(t, "caddymodule/command", "newCommand", "getterCommand", "deleterCommand"), 18},
		{"docs/node-authors/testing.md", ruleNames(t, "runtime/nodetest/rules.go"), 7},
	} {
		if len(c.names) < c.least {
			t.Errorf("%s: only these names were found: %q", c.page, c.names)
		}
		text := read(t, c.page)
		for _, name := range c.names {
			if !regexp.MustCompile("(?m)(^|[`\\s])" + regexp.QuoteMeta(name) + "($|[`\\s])").MatchString(text) {
				t.Errorf("%s does not say what %q is", c.page, name)
			}
		}
	}
}

// ruleNames returns the names of a table of rules: pairs of a name and a method.
func ruleNames(t *testing.T, name string) (names []string) {
	t.Helper()
	for _, f := range parse(t, name) {
		ast.Inspect(f, func(n ast.Node) bool {
			pair, ok := n.(*ast.CompositeLit)
			if !ok || len(pair.Elts) != 2 {
				return true
			}
			lit, ok := pair.Elts[0].(*ast.BasicLit)
			if _, method := pair.Elts[1].(*ast.SelectorExpr); !ok || !method {
				return true
			}
			rule, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, rule)
			return false
		})
	}
	return names
}

// TestLogMessages checks that the log messages of the page about logs are in the code.
func TestLogMessages(t *testing.T) {
	_, table, _ := strings.Cut(read(t, "docs/operators/metrics.md"), "\n## Logs\n")
	table, _, _ = strings.Cut(table, "\n## ")
	var code strings.Builder
	walk(t, func(name string) {
		if filepath.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go") {
			code.WriteString(read(t, name))
		}
	})
	messages := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			continue
		}
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1) {
			messages++
			if !strings.Contains(code.String(), strconv.Quote(m[1])) {
				t.Errorf("the code has no message %q", m[1])
			}
		}
	}
	if messages < 12 {
		t.Errorf("only %d messages were found", messages)
	}
}

// parse parses a Go file, or those in a folder without its tests.
func parse(t *testing.T, name string) []*ast.File {
	t.Helper()
	files := []string{filepath.Join(top, name)}
	if filepath.Ext(name) == "" {
		files, _ = filepath.Glob(filepath.Join(top, name, "*.go")) // the pattern is well-formed
	}
	var list []*ast.File
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, file)
	}
	return list
}

// constants returns the values of the string constants whose names match, without empty ones and
// those with spaces.
func constants(t *testing.T, file, names string) []string {
	t.Helper()
	var list []string
	for _, f := range parse(t, file) {
		for _, d := range f.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok || decl.Tok != token.CONST {
				continue
			}
			for _, s := range decl.Specs {
				v := s.(*ast.ValueSpec)
				if len(v.Values) == 1 && regexp.MustCompile(names).MatchString(v.Names[0].Name) {
					if text := literal(v.Values[0]); text != "" && !strings.Contains(text, " ") {
						list = append(list, text)
					}
				}
			}
		}
	}
	return list
}

// literals returns the first words of the strings that functions get as their first argument.
func literals(t *testing.T, name string, functions ...string) []string {
	t.Helper()
	var list []string
	for _, f := range parse(t, name) {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			fun, ok := call.Fun.(*ast.Ident)
			for _, want := range functions {
				if text := literal(call.Args[0]); ok && fun.Name == want && text != "" {
					list = append(list, strings.Fields(text)[0])
				}
			}
			return true
		})
	}
	return list
}

// options returns the keys of the tables of options that blocks of a Caddyfile can have.
func options(t *testing.T, file string) []string {
	t.Helper()
	var list []string
	for _, f := range parse(t, file) {
		ast.Inspect(f, func(n ast.Node) bool {
			table, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if typ, ok := table.Type.(*ast.Ident); !ok || typ.Name != "options" {
				return true
			}
			for _, e := range table.Elts {
				list = append(list, literal(e.(*ast.KeyValueExpr).Key))
			}
			return true
		})
	}
	return list
}

// placeholders returns the cases of the function that looks placeholders up.
func placeholders(t *testing.T, file string) []string {
	t.Helper()
	var list []string
	for _, f := range parse(t, file) {
		ast.Inspect(f, func(n ast.Node) bool {
			if c, ok := n.(*ast.CaseClause); ok {
				for _, e := range c.List {
					if text := literal(e); text != "" {
						list = append(list, "{http.flowtrux."+text+"}")
					}
				}
			}
			return true
		})
	}
	return list
}

// literal returns the text of a string literal, or "" for other expressions.
func literal(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	text, _ := strconv.Unquote(lit.Value) // it was parsed
	return text
}

func prefixed(prefix string, names []string) []string {
	for i := range names {
		names[i] = prefix + names[i]
	}
	return names
}

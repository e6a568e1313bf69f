// Package arch tests the structure of the repository: which package may import which.
// ARCHITECTURE.md has the picture; the table here is authoritative.
package arch

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// modules are the directories of the modules whose packages are in the table.
var modules = []string{".", "bench", "internal/consoletest"}

const (
	module = "github.com/flowtrux/edge"
	caddy  = "github.com/caddyserver/"
)

// arrows lists the packages of this module that each package may import, by their paths below the
// module. A name that ends with /* stands for a package and all below it. Tests may import more.
var arrows = map[string][]string{
	".":                           {"caddymodule/*"},
	"xcaddy":                      {"."},
	"caddymodule":                 {"caddymodule/adminapi", "caddymodule/command", "caddymodule/console", "caddymodule/headercheck", "internal/backoff", "internal/drain", "internal/version", "runtime/*", "nodes", "nodes/abi", "nodes/rawjson"},
	"caddymodule/adminapi":        {"runtime/journal"},
	"caddymodule/command":         {"caddymodule/adminapi", "caddymodule/console", "caddymodule/headercheck", "internal/version", "runtime/*", "nodes", "nodes/abi", "nodes/cases", "nodes/rawjson", "nodes/sdk/languages"},
	"caddymodule/console":         {"caddymodule/adminapi", "internal/version"},
	"caddymodule/headercheck":     {"runtime/catalog", "runtime/engine", "runtime/flow", "runtime/signature"},
	"caddymodule/journalbbolt":    {"caddymodule/journaloptions", "runtime/journal/*"},
	"caddymodule/journalmemory":   {"runtime/journal/*"},
	"caddymodule/journaloptions":  {},
	"caddymodule/journalpostgres": {"caddymodule/journaloptions", "runtime/journal/*"},
	"caddymodule/storeembedded":   {"runtime/store/*"},
	"caddymodule/storeetcd":       {"runtime/store/*"},

	"runtime/response": {"runtime/engine", "runtime/flow", "nodes/rawjson"},
	"runtime/catalog":  {"runtime/engine", "runtime/flow", "runtime/internal/message", "runtime/signature", "runtime/store", "nodes/rawjson"},
	"runtime/egress":   {"runtime/hostapi", "nodes/rawjson"},
	"runtime/engine": {
		"internal/backoff", "runtime/flow", "runtime/hostapi", "runtime/journal", "runtime/sandbox", "runtime/secret",
		"runtime/slots", "runtime/trace", "runtime/tracing", "nodes/abi", "nodes/rawjson",
	},
	"runtime/executor": {
		"internal/backoff", "internal/drain", "runtime/engine", "runtime/feed", "runtime/flow", "runtime/journal", "runtime/record",
		"runtime/sandbox", "runtime/slots", "runtime/tracing",
	},
	"runtime/feed":                        {"runtime/journal"},
	"runtime/flow":                        {"runtime/internal/message", "nodes/abi", "nodes/rawjson"},
	"runtime/hostapi":                     {"nodes/abi", "nodes/rawjson"},
	"runtime/internal/message":            {"nodes/rawjson"},
	"runtime/journal":                     {},
	"runtime/journal/bbolt":               {"internal/backoff", "internal/fairqueue", "nodes/rawjson", "runtime/journal", "runtime/journal/internal/*"},
	"runtime/journal/internal/counts":     {"runtime/journal"},
	"runtime/journal/internal/recordjson": {"nodes/rawjson", "runtime/journal"},
	"runtime/journal/internal/syncdir":    {},
	"runtime/journal/internal/tracebytes": {"runtime/journal"},
	"runtime/journal/journaltest":         {"runtime/journal"},
	"runtime/journal/move":                {"runtime/journal", "runtime/journal/internal/syncdir"},
	"runtime/journal/memory":              {"internal/fairqueue", "runtime/journal", "runtime/journal/internal/counts"},
	"runtime/modulefetch":                 {},
	"runtime/journal/postgres":            {"internal/backoff", "internal/fairqueue", "runtime/journal", "runtime/journal/internal/*"},
	"runtime/record": {
		"internal/fairqueue", "runtime/engine", "runtime/flow", "runtime/hostapi", "runtime/journal", "runtime/secret",
		"runtime/trace", "runtime/tracing", "nodes/rawjson",
	},
	"runtime/replay": {
		"runtime/engine", "runtime/flow", "runtime/hostapi", "runtime/journal", "runtime/sandbox", "runtime/secret",
		"runtime/trace", "nodes/abi", "nodes/rawjson",
	},
	"runtime/sandbox":             {"internal/drain", "runtime/hostapi", "runtime/sandbox/instrument", "nodes/abi", "nodes/rawjson"},
	"runtime/sandbox/instrument":  {},
	"runtime/secret":              {"runtime/hostapi", "nodes/rawjson"},
	"runtime/signature":           {"runtime/internal/message", "nodes/rawjson"},
	"runtime/slots":               {"internal/fairqueue", "runtime/journal"},
	"runtime/store":               {"internal/backoff"},
	"runtime/store/embedded":      {"runtime/store", "runtime/store/etcd"},
	"runtime/store/etcd":          {"internal/backoff", "runtime/store"},
	"runtime/store/etcd/etcdtest": {"internal/netproxy", "internal/testports"},
	"runtime/store/storetest":     {"runtime/store", "nodes/rawjson"},
	"runtime/nodetest":            {"runtime/flow", "runtime/hostapi", "runtime/sandbox", "nodes/abi", "nodes/cases", "nodes/rawjson"},
	"runtime/tracing":             {"runtime/hostapi", "runtime/journal"},
	"runtime/trace":               {"runtime/flow", "runtime/hostapi", "nodes/rawjson"},
	"nodes":                       {}, // knows the nodes' bytes only
	"nodes/abi":                   {},
	"nodes/rawjson":               {},
	"nodes/sdk":                   {"nodes/abi", "nodes/rawjson"},
	"nodes/sdk/languages":         {},
	"nodes/sdk/languages/go":      {"nodes/sdk/*"},
	"nodes/sdk/operator":          {"nodes/sdk", "nodes/rawjson"},
	"nodes/sdk/prepared":          {"nodes/sdk", "nodes/rawjson"},
	"nodes/sdk/random":            {},
	"nodes/sdk/typed":             {"nodes/sdk"},
	"nodes/builtin/compare":       {}, // only tests
	"nodes/cases":                 {"nodes/rawjson"},
	"nodes/conformance":           {"nodes/cases", "nodes/sdk"},
	"nodes/reference":             {"nodes/sdk/*", "nodes/rawjson"},
	"examples/nodes/slugify":      {"nodes/sdk/*"},
	"bench": {
		"bench/meter", "bench/workflow", "internal/crash", "internal/testports", "internal/wasmbuild", "runtime/hostapi",
		"runtime/journal/*",
		"runtime/sandbox", "nodes/abi", "nodes/rawjson",
	},
	"bench/caddy":        {".", "bench/meter", "bench/native"},
	"bench/guests/echo":  {"nodes/sdk/*"},
	"bench/guests/order": {"nodes/sdk/*"},
	"bench/meter":        {},
	"bench/native":       {},
	"bench/journals": {
		"bench/meter", "bench/stats", "bench/workflow", "internal/crash", "internal/pgtest", "internal/testports", "runtime/journal", "runtime/journal/bbolt",
		"runtime/journal/postgres",
	},
	"bench/pair":                       {"bench/meter", "bench/stats", "bench/workflow", "internal/crash"},
	"bench/stats":                      {},
	"bench/workflow":                   {},
	"internal/arch":                    {},
	"internal/backoff":                 {},
	"internal/attacks":                 {"internal/crash", "internal/wasmbuild"},
	"internal/compiled":                {},
	"internal/compiled/builtin":        {"internal/compiled", "nodes", "runtime/hostapi", "runtime/sandbox"},
	"internal/consoletest":             {"internal/compiled", "internal/wasmbuild", "internal/crash", "runtime/journal", "runtime/journal/bbolt"},
	"internal/consoletest/figures":     {"internal/compiled/builtin", "internal/consoletest", "internal/crash"},
	"internal/consoletest/screenshots": {"internal/compiled/builtin", "internal/consoletest"},
	"internal/crash":                   {"internal/testports", "runtime/journal", "runtime/journal/bbolt"},
	"internal/contrib":                 {},
	"internal/demo":                    {},
	"internal/enginetest":              {"internal/compiled", "runtime/engine", "runtime/flow", "runtime/hostapi", "runtime/journal", "runtime/sandbox", "nodes/rawjson"},
	"internal/distbuild":               {},
	"internal/doctest":                 {},
	"internal/drain":                   {},
	"internal/fairqueue":               {},
	"internal/fleet":                   {"internal/compiled", "internal/crash", "internal/netproxy", "internal/pgtest", "internal/testports", "runtime/journal"},
	"internal/fresh":                   {},
	"internal/integration":             {},
	"internal/netproxy":                {},
	"internal/notices":                 {},
	"internal/pgtest":                  {"internal/testports"},
	"internal/powercut":                {"internal/crash", "runtime/journal"},
	"internal/testports":               {},
	"internal/tally":                   {},
	"internal/reference":               {"runtime/signature"},
	"internal/version":                 {},
	"internal/wasmbuild":               {},
}

// knowCaddy lists the packages that may import Caddy. Those of the bench are its own server, which
// nobody else builds.
var knowCaddy = []string{"caddymodule/*", "xcaddy", "bench/caddy", "bench/native"}

// alone lists the packages that only use the standard library, because they are linked into guests,
// which have to be small.
var alone = []string{"nodes/abi", "nodes/rawjson", "nodes/sdk/*"}

// TestArrows: imports go one way, and Caddy is known to caddymodule alone.
func TestArrows(t *testing.T) {
	unseen := maps.Clone(arrows)
	for _, p := range packages(t) {
		delete(unseen, p.name)
		allowed, known := arrows[p.name]
		if !known {
			t.Errorf("%s is not in the table of arrows: say there what it may import", p.name)
			continue
		}
		for _, path := range p.Imports {
			name, ours := below(path)
			switch {
			case ours && !matches(allowed, name):
				t.Errorf("%s imports %s; it may import: %s", p.name, name, strings.Join(allowed, ", "))
			case strings.HasPrefix(path, caddy) && !matches(knowCaddy, p.name):
				t.Errorf("%s imports %s: only these know Caddy: %s", p.name, path, strings.Join(knowCaddy, ", "))
			case !ours && strings.Contains(path, ".") && matches(alone, p.name):
				t.Errorf("%s imports %s: what guests are made of has no dependencies", p.name, path)
			}
		}
	}
	for name := range unseen {
		t.Errorf("%s is in the table of arrows, and there is no such package", name)
	}
}

// TestTheRuntimeHasNoCaddy: not even through a dependency, so that the runtime can be used without
// it.
func TestTheRuntimeHasNoCaddy(t *testing.T) {
	for _, path := range lines(t, "list", "-deps", module+"/runtime/...") {
		if strings.HasPrefix(path, caddy) {
			t.Errorf("runtime depends on %s", path)
		}
	}
}

// beside are the modules that the product does not need.
var beside = []string{"bench", "internal/consoletest"}

// TestUsersDoNotBuildOtherModules: who builds with edge gets only what the product needs.
func TestUsersDoNotBuildOtherModules(t *testing.T) {
	for _, path := range lines(t, "list", "-deps", module, module+"/xcaddy") {
		for _, dir := range beside {
			if strings.HasPrefix(path, module+"/"+dir) {
				t.Errorf("edge depends on %s", path)
			}
		}
	}
	for path := range requirements(t, ".") {
		if strings.HasPrefix(path, module) {
			t.Errorf("go.mod requires %s", path)
		}
	}
}

// TestOtherModulesBuild: ./... in the top directory does not include them, so that a change there
// could break them unnoticed.
func TestOtherModulesBuild(t *testing.T) {
	for _, dir := range beside {
		goTool(t, "-C", dir, "vet", "./...")
	}
}

// TestOtherModulesUseTheProduct: all require the same versions.
func TestOtherModulesUseTheProduct(t *testing.T) {
	product := requirements(t, ".")
	for _, dir := range beside {
		for path, version := range requirements(t, dir) {
			if want := product[path]; want != "" && version != want {
				t.Errorf("%s/go.mod requires %s %s, go.mod %s: run `go mod tidy` in both", dir, path, version, want)
			}
		}
	}
}

// requirements returns the versions in the go.mod of a module.
func requirements(t *testing.T, dir string) map[string]string {
	t.Helper()
	var file struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal([]byte(goTool(t, "-C", dir, "mod", "edit", "-json")), &file); err != nil {
		t.Fatal(err)
	}
	versions := make(map[string]string)
	for _, r := range file.Require {
		versions[r.Path] = r.Version
	}
	return versions
}

// TestGuestsAreSmall: a module in Go is as large as what it links, and decoding by reflection is
// slow in a guest.
func TestGuestsAreSmall(t *testing.T) {
	for name, heavy := range map[string][]string{
		"sdk":          {"encoding/json", "fmt", "io", "os", "reflect", "time"},
		"sdk/operator": {"encoding/json", "fmt", "reflect"},
	} {
		linked := lines(t, "list", "-deps", module+"/nodes/"+name)
		for _, path := range heavy {
			if slices.Contains(linked, path) {
				t.Errorf("nodes/%s depends on %s", name, path)
			}
		}
	}
}

// pkg is a package in the output of go list.
type pkg struct {
	ImportPath string
	Imports    []string
	name       string // below the module
}

func packages(t *testing.T) []pkg {
	t.Helper()
	var list []pkg
	for _, dir := range modules {
		for d := json.NewDecoder(strings.NewReader(goTool(t, "-C", dir, "list", "-json=ImportPath,Imports", "./..."))); ; {
			var p pkg
			if err := d.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			p.name, _ = below(p.ImportPath)
			list = append(list, p)
		}
	}
	return list
}

// below returns the path of a package below this module, or "." for the module itself. ours is
// false for packages of other modules.
func below(path string) (name string, ours bool) {
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

func lines(t *testing.T, args ...string) []string {
	t.Helper()
	return strings.Fields(goTool(t, args...))
}

func goTool(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = "../.." // the module
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// matches reports whether a package is one of those that patterns name.
func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		tree, all := strings.CutSuffix(p, "/*")
		return p == name || all && (name == tree || strings.HasPrefix(name, tree+"/"))
	})
}

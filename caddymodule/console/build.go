//go:build ignore

// Build builds the console's pages from web/src to dist/, with the same bytes on any machine:
//
//	go run ./caddymodule/console/build.go          builds
//	go run ./caddymodule/console/build.go -check   builds elsewhere, compares, and prints the differences
//
// It needs the packages of web/package-lock.json (npm ci in web/), but no Node: esbuild is a Go
// program.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	check := flag.Bool("check", false, "compare with dist instead of writing it")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "console:", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("finding the module: %w", err)
	}
	module := strings.TrimSpace(string(out))
	dir := filepath.Join(module, "caddymodule", "console")
	web := filepath.Join(dir, "web")
	if _, err := os.Stat(filepath.Join(web, "node_modules", "preact")); err != nil {
		return fmt.Errorf("the packages in %s/package-lock.json are not installed: run `npm ci` there, or `make console`", web)
	}
	built, err := os.MkdirTemp("", "console-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(built)
	if err := build(module, web, built); err != nil {
		return err
	}
	dist := filepath.Join(dir, "dist")
	if check {
		return compare(built, dist)
	}
	if err := os.RemoveAll(dist); err != nil {
		return err
	}
	return os.CopyFS(dist, os.DirFS(built))
}

// metafile is what esbuild tells about what it has built.
type metafile struct {
	Outputs map[string]struct {
		EntryPoint string
		CSSBundle  string
		Imports    []struct{ Path, Kind string }
	}
}

func build(module, web, out string) error {
	meta := filepath.Join(out, "meta.json")
	cmd := exec.Command("go", "tool", "-modfile="+filepath.Join(module, "tools", "go.mod"), "esbuild",
		"src/main.tsx", "--bundle", "--splitting", "--format=esm", "--target=es2022", "--minify",
		"--jsx=automatic", "--jsx-import-source=preact", "--loader:.svg=dataurl", "--legal-comments=none",
		"--entry-names=[name]-[hash]", "--chunk-names=[name]-[hash]", "--outdir="+filepath.Join(out, "assets"), "--metafile="+meta, "--log-level=warning")
	cmd.Dir, cmd.Stderr = web, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("esbuild: %w", err)
	}
	raw, err := os.ReadFile(meta)
	if err != nil {
		return err
	}
	var m metafile
	if err := errors.Join(json.Unmarshal(raw, &m), os.Remove(meta)); err != nil {
		return err
	}
	asset := func(path string) string { return "assets/" + filepath.Base(path) }
	var script, styles string
	var first []string // chunks that the script imports at once
	for path, o := range m.Outputs {
		if o.EntryPoint != "src/main.tsx" {
			continue
		}
		script, styles = asset(path), asset(o.CSSBundle)
		for _, i := range o.Imports {
			if i.Kind == "import-statement" {
				first = append(first, fmt.Sprintf(`<link rel="modulepreload" href="%s">`, asset(i.Path)))
			}
		}
	}
	slices.Sort(first)
	page, err := os.ReadFile(filepath.Join(web, "src", "index.html"))
	if err != nil {
		return err
	}
	icon, err := os.ReadFile(filepath.Join(web, "src", "icon.svg"))
	if err != nil {
		return err
	}
	text := strings.NewReplacer("{{icon}}", "data:image/svg+xml;base64,"+base64.StdEncoding.EncodeToString(icon), "{{styles}}", styles, "{{script}}", script,
		"{{preload}}", strings.Join(first, "\n")).Replace(string(page))
	return os.WriteFile(filepath.Join(out, "index.html"), []byte(text), 0o644)
}

// compare prints the files that differ.
func compare(built, dist string) error {
	a, err := read(built)
	if err != nil {
		return err
	}
	b, err := read(dist)
	if err != nil {
		return err
	}
	differs := false
	for name := range a {
		if !bytes.Equal(a[name], b[name]) {
			fmt.Fprintf(os.Stderr, "dist/%s is not what web/src builds\n", name)
			differs = true
		}
	}
	for name := range b {
		if a[name] == nil {
			fmt.Fprintf(os.Stderr, "dist/%s is not built any more\n", name)
			differs = true
		}
	}
	if differs {
		return errors.New("the built files are not those of the sources: run `make console` and commit dist")
	}
	total := 0
	for _, content := range a {
		var z bytes.Buffer
		w, _ := gzip.NewWriterLevel(&z, gzip.BestCompression)
		_, _ = w.Write(content)
		_ = w.Close()
		total += z.Len()
	}
	fmt.Printf("dist is what web/src builds: %d files, %.1f KB gzipped\n", len(a), float64(total)/1000)
	return nil
}

func read(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	return files, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		files[name], err = os.ReadFile(path)
		return err
	})
}

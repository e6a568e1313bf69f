//go:build ignore

// Build builds the console's page from web/src to dist/, with the same bytes on any machine, and
// prints its sizes:
//
//	go run ./caddymodule/console/build.go          builds
//	go run ./caddymodule/console/build.go -check   builds elsewhere, compares, and prints the differences
//
// It needs the packages of web/package-lock.json (`npm ci` in web/), but no Node: esbuild is a Go
// program. The check also fails if the page has become too large.
package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Budgets of the page, gzipped, in bytes.
const (
	maxAll    = 250_000 // all files
	maxBefore = 60_000  // what any screen loads before a form or the code editor is opened
)

const (
	entry       = "src/main.tsx"
	laterStyles = "src/styles/parts.css" // the page loads them with the forms
	screens     = "src/screens/"
	licenses    = "LICENSES.txt"
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
	web, dist := filepath.Join(dir, "web"), filepath.Join(dir, "dist")
	if _, err := os.Stat(filepath.Join(web, "node_modules", "preact")); err != nil {
		return fmt.Errorf("the packages in %s/package-lock.json are not installed: run `npm ci` there, or `make console`", web)
	}
	built, err := os.MkdirTemp("", "console-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(built)
	outputs, err := build(module, web, built)
	if err != nil {
		return err
	}
	files, err := readDir(built)
	if err != nil {
		return err
	}
	large := measure(files, outputs)
	had, err := readDir(dist)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if check {
		return errors.Join(large, compare(files, had))
	}
	if large != nil { // it can be tried, and the check fails
		fmt.Fprintln(os.Stderr, "console: the page is too large:", large)
	}
	if err := errors.Join(os.RemoveAll(dist), os.CopyFS(dist, os.DirFS(built))); err != nil {
		return err
	}
	if bytes.Equal(files[licenses], had[licenses]) {
		return nil
	}
	// NOTICE lists what is in the page.
	cmd := exec.Command("go", "run", "./internal/notices")
	cmd.Dir, cmd.Stderr = module, os.Stderr
	return cmd.Run()
}

// output is a file that esbuild has made. Paths are relative to web.
type output struct {
	EntryPoint string
	CSSBundle  string
	Imports    []struct{ Path, Kind string }
	Inputs     map[string]struct{ BytesInOutput int }
}

// asset returns the name in dist of a file that esbuild has made.
func asset(output string) string { return "assets/" + path.Base(filepath.ToSlash(output)) }

// build builds the page to a directory. It returns the scripts and styles by their names there.
func build(module, web, out string) (map[string]output, error) {
	meta := filepath.Join(out, "meta.json")
	cmd := exec.Command("go", "tool", "-modfile="+filepath.Join(module, "tools", "go.mod"), "esbuild", entry, laterStyles,
		"--bundle", "--splitting", "--format=esm", "--target=es2022", "--minify", "--legal-comments=none",
		"--jsx=automatic", "--jsx-import-source=preact", "--loader:.svg=dataurl",
		"--entry-names=[name]-[hash]", "--chunk-names=[name]-[hash]",
		"--outdir="+filepath.Join(out, "assets"), "--metafile="+meta, "--log-level=warning")
	cmd.Dir, cmd.Stderr = web, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("esbuild: %w", err)
	}
	raw, err := os.ReadFile(meta)
	if err != nil {
		return nil, err
	}
	var made struct{ Outputs map[string]output }
	if err := errors.Join(json.Unmarshal(raw, &made), os.Remove(meta)); err != nil {
		return nil, err
	}
	outputs := make(map[string]output, len(made.Outputs))
	for name, o := range made.Outputs {
		outputs[asset(name)] = o
	}
	if err := writePage(web, out, outputs); err != nil {
		return nil, err
	}
	return outputs, writeLicenses(web, out, outputs)
}

// entryOf returns the name of the file that is made of a source.
func entryOf(outputs map[string]output, source string) string {
	for name, o := range outputs {
		if o.EntryPoint == source {
			return name
		}
	}
	return ""
}

// writePage writes the page with the names of its files.
func writePage(web, out string, outputs map[string]output) error {
	page, err := os.ReadFile(filepath.Join(web, "src", "index.html"))
	if err != nil {
		return err
	}
	icon, err := os.ReadFile(filepath.Join(web, "src", "icon.svg"))
	if err != nil {
		return err
	}
	script := entryOf(outputs, entry)
	var preload strings.Builder
	for _, name := range slices.Sorted(maps.Keys(closure(outputs, script))) {
		if name != script && path.Ext(name) == ".js" {
			fmt.Fprintf(&preload, "<link rel=\"modulepreload\" href=\"%s\">\n", name)
		}
	}
	text := strings.NewReplacer(
		"{{icon}}", "data:image/svg+xml;base64,"+base64.StdEncoding.EncodeToString(icon),
		"{{styles}}", asset(outputs[script].CSSBundle), "{{script}}", script, "{{parts}}", entryOf(outputs, laterStyles),
		"{{preload}}", strings.TrimSuffix(preload.String(), "\n")).Replace(string(page))
	return os.WriteFile(filepath.Join(out, "index.html"), []byte(text), 0o644)
}

// closure returns the files that are loaded together with one: itself, its styles, and what it
// imports at once.
func closure(outputs map[string]output, name string) map[string]bool {
	all := make(map[string]bool)
	var add func(string)
	add = func(name string) {
		if all[name] {
			return
		}
		all[name] = true
		o := outputs[name]
		if o.CSSBundle != "" {
			all[asset(o.CSSBundle)] = true
		}
		for _, i := range o.Imports {
			if i.Kind == "import-statement" {
				add(asset(i.Path))
			}
		}
	}
	add(name)
	return all
}

// measure prints the gzipped sizes and checks the budgets.
func measure(files map[string][]byte, outputs map[string]output) error {
	sizes, all := make(map[string]int), 0
	for name, content := range files {
		n, err := gzipped(content)
		if err != nil {
			return err
		}
		if sizes[name] = n; name != licenses { // no page loads them
			all += n
		}
	}
	page := closure(outputs, entryOf(outputs, entry))
	page["index.html"] = true
	loaded := make(map[string]int) // by screen
	for name, o := range outputs {
		if strings.HasPrefix(o.EntryPoint, screens) {
			with := maps.Clone(page)
			maps.Copy(with, closure(outputs, name))
			loaded[o.EntryPoint] = sum(sizes, with)
		}
	}
	if len(loaded) == 0 {
		return fmt.Errorf("no script is made of a screen alone, below %s: each has to be loaded when it opens", screens)
	}
	row := func(what string, n int, more string) { fmt.Printf("%-28s %6.1f KB%s\n", what, float64(n)/1000, more) }
	row("the frame of the page", sum(sizes, page), " gzipped")
	worst := ""
	for _, screen := range slices.Sorted(maps.Keys(loaded)) {
		row("  with "+strings.TrimPrefix(screen, screens), loaded[screen], "")
		if loaded[screen] > loaded[worst] {
			worst = screen
		}
	}
	row("everything", all, fmt.Sprintf(" in %d files", len(files)-1))
	var over []error
	if all > maxAll {
		over = append(over, fmt.Errorf("all files have %d bytes gzipped, more than the budget of %d", all, maxAll))
	}
	if loaded[worst] > maxBefore {
		over = append(over, fmt.Errorf("%s loads %d bytes gzipped, more than the budget of %d", worst, loaded[worst], maxBefore))
	}
	return errors.Join(over...)
}

func sum(sizes map[string]int, names map[string]bool) (n int) {
	for name := range names {
		n += sizes[name]
	}
	return n
}

func gzipped(content []byte) (int, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return 0, err
	}
	if _, err := z.Write(content); err != nil {
		return 0, err
	}
	err = z.Close()
	return b.Len(), err
}

// packageOf returns the npm package of a source file, or "" for a file of this repository.
func packageOf(input string) string {
	_, rest, ok := strings.Cut(filepath.ToSlash(input), "node_modules/")
	if !ok {
		return ""
	}
	parts := strings.SplitN(rest, "/", 3)
	if strings.HasPrefix(rest, "@") {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

// writeLicenses writes the licenses of the packages that the scripts hold parts of: a list, which
// internal/notices reads, and each text once.
func writeLicenses(web, out string, outputs map[string]output) error {
	names := make(map[string]bool)
	for _, o := range outputs {
		for input, in := range o.Inputs {
			if pkg := packageOf(input); pkg != "" && in.BytesInOutput > 0 {
				names[pkg] = true
			}
		}
	}
	var list, texts strings.Builder
	owners := make(map[string][]string) // by text
	for _, name := range slices.Sorted(maps.Keys(names)) {
		dir := filepath.Join(web, "node_modules", filepath.FromSlash(name))
		raw, err := os.ReadFile(filepath.Join(dir, "package.json"))
		if err != nil {
			return err
		}
		var pkg struct{ License string }
		if err := json.Unmarshal(raw, &pkg); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		found, err := filepath.Glob(filepath.Join(dir, "[Ll][Ii][Cc][Ee][Nn][SsCc][Ee]*"))
		if err != nil {
			return err
		}
		if pkg.License == "" || len(found) == 0 {
			return fmt.Errorf("%s does not say its license, or has no text of it", name)
		}
		text, err := os.ReadFile(found[0])
		if err != nil {
			return err
		}
		fmt.Fprintf(&list, "  %-30s %s\n", name, pkg.License)
		key := strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n"))
		owners[key] = append(owners[key], name)
	}
	for _, text := range slices.SortedFunc(maps.Keys(owners), func(a, b string) int { return cmp.Compare(owners[a][0], owners[b][0]) }) {
		fmt.Fprintf(&texts, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(owners[text], "\n"), text)
	}
	head := "The page of the console holds parts of these npm packages. Their versions are in\nweb/package-lock.json. The page itself is under the license of FlowTrux Edge.\n\n"
	return os.WriteFile(filepath.Join(out, licenses), []byte(head+list.String()+texts.String()), 0o644)
}

// compare prints the files that differ.
func compare(built, dist map[string][]byte) error {
	differs := false
	for _, name := range slices.Sorted(maps.Keys(built)) {
		if !bytes.Equal(built[name], dist[name]) {
			fmt.Fprintf(os.Stderr, "dist/%s is not what web/src builds\n", name)
			differs = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(dist)) {
		if _, ok := built[name]; !ok {
			fmt.Fprintf(os.Stderr, "dist/%s is not built any more\n", name)
			differs = true
		}
	}
	if differs {
		return errors.New("the built files are not those of the sources: run `make console` and commit dist")
	}
	return nil
}

// readDir reads all files below a directory, by their names with slashes.
func readDir(dir string) (map[string][]byte, error) {
	files := make(map[string][]byte)
	return files, filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(name)], err = os.ReadFile(file)
		return err
	})
}

// Package languages has the starting points for node authors: for each language a folder with the
// SDK, a node, and its cases. The node is the same in each language, so that they can be compared,
// and passes the same cases. Nodes do not import this package: `caddy flowtrux node new` writes the
// folders.
package languages

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The files are named one by one, so that what a build leaves in these folders is not embedded.
//
//go:embed go/main.go go/main_test.go go/testdata/cases.json
//go:embed c/Makefile c/flowtrux.h c/node.c
//go:embed rust/Cargo.toml rust/src rust/flowtrux/Cargo.toml rust/flowtrux/src
//go:embed assemblyscript/package.json assemblyscript/assembly assemblyscript/flowtrux/package.json assemblyscript/flowtrux/assembly
var files embed.FS

// Language is a language for nodes.
type Language struct {
	Name   string
	Needs  string   // what has to be installed
	Build  []string // commands, in the folder
	Module string   // the file they make, in the folder
	folder string
}

var languages = []Language{
	{
		Name: "go", Needs: "Go 1.26", folder: "go", Module: "slugify.wasm",
		Build: []string{"go test .", `GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags="-s -w" -o slugify.wasm .`},
	},
	{Name: "c", Needs: "clang and lld, 14 or newer, and make", folder: "c", Module: "slugify.wasm", Build: []string{"make"}},
	{
		Name: "rust", Needs: "cargo with the target wasm32-unknown-unknown", folder: "rust", Module: "target/wasm32-unknown-unknown/release/slugify.wasm",
		Build: []string{"cargo test --offline --workspace", "cargo build --release --offline --target wasm32-unknown-unknown"},
	},
	{
		Name: "assemblyscript", Needs: "Node.js and npm", folder: "assemblyscript", Module: "slugify.wasm",
		Build: []string{"npm install", "npm run build"},
	},
}

// All lists the languages. The result must not be changed.
func All() []Language { return languages }

// casesFile has the cases that the node passes in every language.
const casesFile = "testdata/cases.json"

// Write writes the folder of a language to dir, which it creates if necessary. It never overwrites
// a file: if one exists, nothing is written.
func (l *Language) Write(dir string) error {
	sources := map[string]string{casesFile: "go/" + casesFile}
	err := fs.WalkDir(files, l.folder, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			sources[strings.TrimPrefix(name, l.folder+"/")] = name
		}
		return err
	})
	if err != nil {
		return err
	}
	for name := range sources {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(fmt.Errorf("%s is there already", file), err)
		}
	}
	for name, source := range sources {
		b, err := files.ReadFile(source)
		if err != nil {
			return err
		}
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// systems are those that a release is built for, see .goreleaser.yaml.
var systems = []string{"linux", "darwin", "windows"}

// work is a module that is linked into the binary.
type work struct {
	path  string
	texts []string // of its licenses and notices, each once
}

// licenses returns the names of the licenses in a work's texts.
func (w work) licenses() []string {
	names := make(map[string]bool)
	for _, t := range w.texts {
		if name := classify(t); name != "" {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// linked returns the modules of all packages that the binary is made of, by path. A module without
// a license that is known is an error.
func linked(root string) ([]work, error) {
	folders := make(map[string]map[string]bool) // by module, those that may have license files
	for _, system := range systems {
		packages, err := dependencies(root, system)
		if err != nil {
			return nil, err
		}
		for _, p := range packages {
			if p.Module == nil || p.Module.Main {
				continue
			}
			if folders[p.Module.Path] == nil {
				folders[p.Module.Path] = make(map[string]bool)
			}
			// A package may have a license of its own, or a folder above it.
			for dir := p.Dir; ; dir = filepath.Dir(dir) {
				folders[p.Module.Path][dir] = true
				if dir == p.Module.Dir || len(dir) < len(p.Module.Dir) {
					break
				}
			}
		}
	}
	var works []work
	var errs []error
	for _, path := range slices.Sorted(maps.Keys(folders)) {
		w := work{path: path}
		for _, dir := range slices.Sorted(maps.Keys(folders[path])) {
			texts, err := licenseTexts(dir)
			if err != nil {
				return nil, err
			}
			for _, t := range texts {
				if !slices.Contains(w.texts, t) {
					w.texts = append(w.texts, t)
				}
			}
		}
		if len(w.licenses()) == 0 {
			errs = append(errs, fmt.Errorf("%s has no license that is known here", path))
		}
		works = append(works, w)
	}
	return works, errors.Join(errs...)
}

// dependency is a package as go list prints it.
type dependency struct {
	Dir    string
	Module *struct {
		Path, Dir string
		Main      bool
	}
}

// dependencies returns the packages of the binary on a system.
func dependencies(root, system string) ([]dependency, error) {
	cmd := exec.Command("go", "list", "-deps", "-tags", "nobadger,nomysql,nopgx,nopgxregisterdefaulttypes", "-json=Dir,Module", "./xcaddy")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("listing the packages for %s: %w", system, err)
	}
	var all []dependency
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p dependency
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading the output of go list: %w", err)
		}
		all = append(all, p)
	}
}

var licenseFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|copyright|notice|unlicense)([-._].*)?$`)

// licenseTexts returns the licenses and notices in a folder.
func licenseTexts(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, e := range entries {
		if !e.Type().IsRegular() || !licenseFile.MatchString(e.Name()) || filepath.Ext(e.Name()) == ".go" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		texts = append(texts, strings.ReplaceAll(string(text), "\r\n", "\n"))
	}
	return texts, nil
}

// classify returns the SPDX identifier of a license's text, or "" if the text is none that is
// known. A text that holds several is known by the first of them.
func classify(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	has := func(s string) bool { return strings.Contains(text, s) }
	switch {
	case has("Apache License") && has("Version 2.0"):
		return "Apache-2.0"
	case has("Mozilla Public License") && has("2.0"):
		return "MPL-2.0"
	case has("Permission is hereby granted, free of charge"):
		return "MIT"
	case has("Permission to use, copy, modify, and"):
		return "ISC"
	case has("Redistribution and use in source and binary forms"):
		if has("Neither the name") || has("names of its contributors may") || has("may be used to endorse") {
			return "BSD-3-Clause"
		}
		return "BSD-2-Clause"
	case has("CC0 1.0 Universal"):
		return "CC0-1.0"
	case has("This is free and unencumbered software"):
		return "Unlicense"
	default:
		return ""
	}
}

// moduleDir returns the folder of this repository.
func moduleDir() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/flowtrux/edge").Output()
	if err != nil {
		return "", fmt.Errorf("finding the module: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// goLicense returns the license of the Go distribution.
func goLicense() (string, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("finding Go: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "LICENSE"))
	return string(text), err
}

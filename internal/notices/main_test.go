package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNoticeIsUpToDate: each module that is linked into the binary is listed with its license.
func TestNoticeIsUpToDate(t *testing.T) {
	if err := run(true, ""); err != nil {
		t.Error(err)
	}
}

func TestClassify(t *testing.T) {
	for text, want := range map[string]string{
		"Apache License\n   Version 2.0, January 2004":                                            "Apache-2.0",
		"Mozilla Public License Version 2.0":                                                      "MPL-2.0",
		"Permission is hereby granted, free\nof charge, to any person":                            "MIT",
		"Permission to use, copy, modify, and/or distribute":                                      "ISC",
		"Redistribution and use in source and binary forms ... Neither the name of":               "BSD-3-Clause",
		"Redistribution and use in source and binary forms, with or without modification":         "BSD-2-Clause",
		"GNU GENERAL PUBLIC LICENSE Version 3":                                                    "",
		"This product includes software developed by somebody, which is a notice and no license.": "",
	} {
		if got := classify(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestLicenseTexts(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"LICENSE", "LICENSE.md", "license.go", "NOTICE", "COPYING-MIT", "licenses.txt", "README.md"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name+"\r\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := licenseTexts(dir)
	slices.Sort(got)
	if want := []string{"COPYING-MIT\n", "LICENSE\n", "LICENSE.md\n", "NOTICE\n"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

// TestTextsAreWrittenOnce: a text that several works share is there once, with all of them.
func TestTextsAreWrittenOnce(t *testing.T) {
	root, err := moduleDir()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "texts", "all")
	works := []work{{"a.example/one", []string{"shared text"}}, {"b.example/two", []string{"shared text", "its own"}}}
	if err := writeTexts(root, file, works); err != nil {
		t.Fatal(err)
	}
	out, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a.example/one\nb.example/two\n\nshared text\n", "b.example/two\n\nits own\n", "Fabrice Bellard", "The Go Authors"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("there is no %q in the texts", want)
		}
	}
	if strings.Count(string(out), "shared text") != 1 {
		t.Error("a shared text is not written once")
	}
}

func TestPackagesOfTheConsole(t *testing.T) {
	got, err := packagesIn("The page holds:\n\n  a  MIT\n  @b/c  MIT\n\n====\na\n\n  Indented text\n")
	if want := "  a  MIT\n  @b/c  MIT\n"; err != nil || got != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if _, err := packagesIn("nothing\n====\n  text\n"); err == nil {
		t.Error("no packages are no error")
	}
}

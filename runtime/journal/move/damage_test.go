package move_test

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/flowtrux/edge/runtime/journal/move"
)

// TestExportReplacesNothing: what is there is left as it is.
func TestExportReplacesNothing(t *testing.T) {
	dir := t.TempDir()
	source, other, file := filepath.Join(dir, "source.db"), filepath.Join(dir, "other.db"), filepath.Join(dir, "file")
	fill(t, source, some(2).items())
	fill(t, other, some(1).items())
	_, err := export(other, file, quiet)
	must(t, err)
	whole := readFile(t, file)
	for name, c := range map[string]struct {
		file, part []byte
		want       error
	}{
		"text":                     {file: []byte("mine\n"), want: move.ErrNotExport},
		"nothing":                  {file: []byte{}, want: move.ErrNotExport},
		"another export":           {file: whole, want: move.ErrOther},
		"a part that is text":      {part: []byte("mine\n"), want: move.ErrNotExport},
		"a part of another export": {part: whole[:len(whole)-10], want: move.ErrOther},
	} {
		t.Run(name, func(t *testing.T) {
			at := filepath.Join(t.TempDir(), "file")
			before, name := c.file, at
			if c.part != nil {
				before, name = c.part, at+move.PartSuffix
			}
			writeFile(t, name, before)
			_, err := export(source, at, quiet)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "name another file") {
				t.Errorf("got %v, want %v with %s", err, c.want, name)
			}
			if !bytes.Equal(readFile(t, name), before) {
				t.Error("it was changed")
			}
		})
	}
}

// TestOneExportWritesAFile: what another one would write into the same file is refused, and nothing
// of it is there.
func TestOneExportWritesAFile(t *testing.T) {
	dir := t.TempDir()
	source, other, file := filepath.Join(dir, "source.db"), filepath.Join(dir, "other.db"), filepath.Join(dir, "file")
	fill(t, source, some(2).items())
	fill(t, other, some(1).items())
	during := 0
	first, err := export(source, file, func(move.State) {
		during++
		_, err := export(other, file, quiet)
		if !errors.Is(err, move.ErrBusy) || !strings.Contains(err.Error(), file) {
			t.Errorf("got %v, want %v with %s", err, move.ErrBusy, file)
		}
	})
	must(t, err)
	checked, err := move.Check(file)
	must(t, err)
	if during == 0 || checked.All() != 6 || checked.Move != first.Move {
		t.Errorf("asked %d times; it has %d items of %s", during, checked.All(), checked.Move)
	}
}

// TestDamagedFiles: whatever is wrong with a file, nothing of it is imported, and the error names
// the file and the place.
func TestDamagedFiles(t *testing.T) {
	dir := t.TempDir()
	source, file, target := filepath.Join(dir, "source.db"), filepath.Join(dir, "file"), filepath.Join(dir, "target.db")
	fill(t, source, some(12).items())
	_, err := export(source, file, quiet)
	must(t, err)
	whole := readFile(t, file)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	lines = lines[:len(lines)-1]
	join := func(l ...[][]byte) []byte { return bytes.Join(slices.Concat(l...), nil) }

	rejected := func(what string, b []byte, place string, want ...error) {
		t.Helper()
		writeFile(t, file, b)
		_, err := importInto(target, file, quiet)
		is := slices.ContainsFunc(want, func(w error) bool { return errors.Is(err, w) })
		if err == nil || !is || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), place) {
			t.Errorf("%s: %v, want one of %v with %s and %q", what, err, want, file, place)
		}
	}
	for at := 0; at < len(whole); at += 1 + len(whole)/400 {
		b := bytes.Clone(whole)
		b[at] ^= 1 << (at % 8)
		rejected(fmt.Sprint("flipped at ", at), b, "", move.ErrDamaged, move.ErrNotExport, move.ErrIncomplete)
		rejected(fmt.Sprint("cut off at ", at), whole[:at], "", move.ErrIncomplete, move.ErrNotExport)
	}
	rejected("cut off after a line", join(lines[:5]), fmt.Sprintf("line 6, after byte %d", len(join(lines[:5]))), move.ErrIncomplete)
	rejected("a line is missing", join(lines[:7], lines[8:]), fmt.Sprintf("line 8, from byte %d", len(join(lines[:7]))), move.ErrDamaged)
	rejected("a line is there twice", join(lines[:8], lines[7:]), "line 9,", move.ErrDamaged)
	rejected("two lines are swapped", join(lines[:7], lines[8:9], lines[7:8], lines[9:]), "line 8,", move.ErrDamaged)
	rejected("something follows", append(bytes.Clone(whole), '\n'), "follows its last line", move.ErrDamaged)
	rejected("two files", append(bytes.Clone(whole), whole...), "follows its last line", move.ErrDamaged)
	rejected("another kind of file", readFile(t, source), "", move.ErrNotExport)
	rejected("a large file of zeros", make([]byte, 1<<20), "", move.ErrNotExport)
	rejected("empty", nil, "", move.ErrNotExport)

	if got := contentOf(t, target); len(got) > 0 {
		t.Fatalf("%d items of damaged files were imported", len(got))
	}
	writeFile(t, file, whole)
	i, err := importInto(filepath.Join(dir, "another.db"), file, quiet)
	must(t, err)
	if i.All() != 36 {
		t.Errorf("the whole file has %d items", i.All())
	}
}

// TestForgedFiles: lines with right checksums that this version does not write.
func TestForgedFiles(t *testing.T) {
	item := `{"pending":{"id":"` + entry(1).ID + `","workflow":"w","document":"` // and a digest
	for name, c := range map[string]struct {
		objects []string
		want    error
		text    string
	}{
		"newer":         {[]string{`{"export":{"version":2,"move":"m"}}`}, move.ErrNewer, "version 2, and this program reads up to 1"},
		"no version":    {[]string{`{"export":{"move":"m"}}`}, move.ErrDamaged, "line 1"},
		"no move":       {[]string{`{"export":{"version":1}}`}, move.ErrDamaged, "line 1"},
		"no object":     {[]string{`{"export":{"version":1,"move":"m"}}`, `17`}, move.ErrDamaged, "line 2"},
		"another line":  {[]string{`{"export":{"version":1,"move":"m"}}`, `{"surprise":{}}`}, move.ErrDamaged, "line 2"},
		"no document":   {[]string{`{"export":{"version":1,"move":"m"}}`, item + `"}}`}, move.ErrDamaged, "line 2"},
		"no id":         {[]string{`{"export":{"version":1,"move":"m"}}`, `{"pending":{"id":"../x"}}`}, move.ErrDamaged, `"../x"`},
		"no record":     {[]string{`{"export":{"version":1,"move":"m"}}`, `{"record":{}}`}, move.ErrDamaged, "line 2"},
		"a short key":   {[]string{`{"export":{"version":1,"move":"m"}}`, `{"key":{"name":"AAAA"}}`}, move.ErrDamaged, "too short"},
		"a wrong count": {[]string{`{"export":{"version":1,"move":"m"}}`, `{"end":{"keys":1}}`}, move.ErrDamaged, "Keys:1"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "file")
			writeFile(t, file, move.Forge(c.objects...))
			_, err := move.Check(file)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, want %v with %q", err, c.want, c.text)
			}
		})
	}
}

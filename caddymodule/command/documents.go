package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxDocument is the size over which a file cannot be a workflow document, in bytes.
const maxDocument = 1 << 20

// file is a document that was named on the command line, or what was named and gives none.
type file struct {
	name string
	err  error // why there is none
}

// documents lists the files that args name: files as they are, of directories the *.json files in
// them, sorted. What is wrong with one of args is told with it and does not keep the others from
// being looked at.
func documents(args []string) []file {
	var files []file
	for _, a := range args {
		if info, err := os.Stat(a); err != nil || !info.IsDir() {
			files = append(files, file{a, bare(err)})
			continue
		}
		before := len(files)
		err := filepath.WalkDir(a, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && strings.HasSuffix(path, ".json") {
				files = append(files, file{name: path})
			}
			return err
		})
		if err == nil && len(files) == before {
			err = errors.New("no *.json files in this directory")
		}
		if err != nil {
			files = append(files, file{a, err})
		}
	}
	return files
}

// bare is an error of a file without the file's name, where that stands before it anyway.
func bare(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

func (f file) read() ([]byte, error) {
	if f.err != nil {
		return nil, f.err
	}
	doc, err := readDocument(f.name)
	return doc, bare(err)
}

// readDocument reads a file that cannot be larger than a document.
func readDocument(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxDocument {
		return nil, fmt.Errorf("%d bytes is more than a workflow document may have (1 MiB)", info.Size())
	}
	return os.ReadFile(name)
}

// documentID is the id in the document, or else the file's name.
func documentID(name string, doc []byte) string {
	var d struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(doc, &d) == nil && d.ID != "" {
		return d.ID
	}
	return strings.TrimSuffix(filepath.Base(name), ".json")
}

package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/flowtrux/edge/runtime/flow"
)

// maxDocument is the maximum size of a file with a workflow document, and of a global value, in
// bytes.
const maxDocument = flow.MaxDocument

// file is a document named on the command line, or a name that gives no document.
type file struct {
	name string
	err  error // why there is no document
}

// documents returns the files that args name. A directory stands for the *.json files in it,
// sorted. An error is returned in place of the file, so that the other files are still handled.
func documents(args []string) []file {
	var files []file
	for _, arg := range args {
		if info, err := os.Stat(arg); err != nil || !info.IsDir() {
			files = append(files, file{arg, withoutPath(err)})
			continue
		}
		before := len(files)
		err := filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && strings.HasSuffix(path, ".json") {
				files = append(files, file{name: path})
			}
			return err
		})
		if err == nil && len(files) == before {
			err = errors.New("no *.json files in this directory")
		}
		if err != nil {
			files = append(files, file{arg, err})
		}
	}
	return files
}

// withoutPath returns a file error without the file's name, for messages that begin with it.
func withoutPath(err error) error {
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
	return doc, withoutPath(err)
}

// readDocument reads a file that is not larger than a document may be.
func readDocument(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxDocument {
		return nil, fmt.Errorf("the file has %d bytes; a workflow document has at most 1 MiB", info.Size())
	}
	return os.ReadFile(name)
}

// documentID returns the id in the document, or the file's name.
func documentID(name string, doc []byte) string {
	var d struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(doc, &d) == nil && d.ID != "" {
		return d.ID
	}
	return strings.TrimSuffix(filepath.Base(name), ".json")
}

package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// maxCacheFile is the size of the largest cache file that is read: what MaxContent allows, twice
// (content and kept documents), in base64, with room for keys.
const maxCacheFile = 4 * MaxContent

// maxWriteAge is the age from which a temporary file cannot belong to a write that still goes on.
const maxWriteAge = time.Hour

// cacheFile is a last-known-good cache on disk. Its methods are called one at a time.
//
// The file is replaced as a whole: a new one is written beside it, synced and renamed. A file that
// is none of ours, or cannot be read, is left alone: then nothing is written.
type cacheFile struct {
	path     string
	identity string // of the store that it is the cache of
	foreign  bool   // what is there was not written by a cacheFile
}

// prepare makes sure that the file's directory is there and can be written, and removes what a
// crash left behind.
func (f *cacheFile) prepare() error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return err
	}
	if info, err := os.Stat(f.path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", f.path)
	}
	left, err := filepath.Glob(globQuote(f.temporary("")) + "*")
	if err != nil {
		return err
	}
	for _, name := range left {
		if info, err := os.Stat(name); err == nil && time.Since(info.ModTime()) > maxWriteAge {
			_ = os.Remove(name) // else it is found again at the next start
		}
	}
	probe, err := os.CreateTemp(filepath.Dir(f.path), filepath.Base(f.temporary("*")))
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// temporary is the path of a temporary file.
func (f *cacheFile) temporary(suffix string) string {
	return filepath.Join(filepath.Dir(f.path), "."+filepath.Base(f.path)+".tmp-"+suffix)
}

// globQuote makes a path a pattern that matches nothing but itself.
func globQuote(path string) string {
	if runtime.GOOS == "windows" { // has no escape character, nor these characters in names
		return path
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// load reads the file. There is no error when there is none; content is nil then.
func (f *cacheFile) load() (content *cacheContent, err error) {
	f.foreign = false
	b, err := f.read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		content, err = decodeCache(b, f.identity)
	}
	// A cache that is damaged or of another store is a cache all the same; and an empty file is
	// nobody's loss.
	f.foreign = err != nil && !errors.Is(err, errCache) && len(b) > 0
	return content, err
}

func (f *cacheFile) read() ([]byte, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxCacheFile+1))
	if err == nil && len(b) > maxCacheFile {
		err = fmt.Errorf("%w: it has more than %d bytes", errCache, maxCacheFile)
	}
	return b, err
}

// replace writes the file anew, durably. When it returns an error the old file may still be there.
func (f *cacheFile) replace(content *cacheContent) (err error) {
	if f.foreign {
		return nil // load has said so
	}
	dir := filepath.Dir(f.path)
	temp, err := os.CreateTemp(dir, filepath.Base(f.temporary("*"))) // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp.Name())
		}
	}()
	_, err = temp.Write(encodeCache(content, f.identity))
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), f.path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a rename in a directory durable.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" { // does not sync directories
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

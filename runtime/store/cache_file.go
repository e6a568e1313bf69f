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

// maxCacheFile is the largest cache file that is read: twice MaxContent (content and last valid
// documents) in base64, with room for keys.
const maxCacheFile = 4 * MaxContent

// maxWriteAge is the age from which a temporary file cannot belong to a write that is under way.
const maxWriteAge = time.Hour

// cacheFile is a last-known-good cache on disk. Its methods must not be called concurrently.
//
// The file is replaced as a whole: a new one is written next to it, synced and renamed. A file that
// is not a cache, or cannot be read, is left alone: then nothing is written.
type cacheFile struct {
	path     string
	identity string // of the store
	foreign  bool   // the existing file is not a cache
}

// prepare creates the file's directory, checks that it can be written, and removes files that a
// crash has left.
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
			_ = os.Remove(name) // if this fails, it is found again at the next start
		}
	}
	probe, err := os.CreateTemp(filepath.Dir(f.path), filepath.Base(f.temporary("*")))
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// temporary returns the path of a temporary file.
func (f *cacheFile) temporary(suffix string) string {
	return filepath.Join(filepath.Dir(f.path), "."+filepath.Base(f.path)+".tmp-"+suffix)
}

// globQuote returns a pattern that matches only path.
func globQuote(path string) string {
	if runtime.GOOS == "windows" { // has no escape character, and allows none of these in names
		return path
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// load reads the file. If there is none, content and err are nil.
func (f *cacheFile) load() (content *cacheContent, err error) {
	f.foreign = false
	b, err := f.read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		content, err = decodeCache(b, f.identity)
	}
	// A damaged cache, or one of another store, is still a cache; and an empty file holds nothing
	// to lose.
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

// replace replaces the file durably. After an error the old file may still be there.
func (f *cacheFile) replace(content *cacheContent) (err error) {
	if f.foreign {
		return nil // load has reported it
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
	if runtime.GOOS == "windows" { // cannot sync directories
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

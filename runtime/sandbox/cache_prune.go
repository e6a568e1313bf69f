package sandbox

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Bounds of the cache of machine code.
const (
	// maxCache is the size from which the oldest files are removed, in bytes.
	maxCache = 1 << 30
	// unusedVersion is the age of the newest file of a version of wazero, or of another system,
	// from which its files are removed.
	unusedVersion = 30 * 24 * time.Hour
	// abandonedWrite is the age from which a file that was never completed is removed.
	abandonedWrite = time.Hour
)

// pruneCache removes files from a cache directory. Other processes may use it at the same time:
// whoever misses a file compiles its module again. Directories stay, because wazero makes them only
// when it starts. What cannot be removed is tried again after the next compilation.
func pruneCache(dir string, now time.Time) {
	var all []cacheFile
	for _, version := range cachedVersions(dir) {
		files := cacheFiles(version, now)
		newest := slices.MaxFunc(append(files, cacheFile{}), cacheFile.compareAge)
		if now.Sub(newest.ModTime()) < unusedVersion {
			all = append(all, files...)
			continue
		}
		for _, f := range files {
			_ = os.Remove(f.path)
		}
	}
	slices.SortFunc(all, cacheFile.compareAge)
	var size int64
	for _, f := range slices.Backward(all) { // the newest first
		if size += f.Size(); size > maxCache {
			_ = os.Remove(f.path)
		}
	}
}

// cachedVersions returns the directories of wazero's versions below a cache directory. What else is
// there is of others.
func cachedVersions(dir string) (versions []string) {
	all, _ := os.ReadDir(dir) // what cannot be read has none
	for _, d := range all {
		if d.IsDir() && strings.HasPrefix(d.Name(), "wazero-") {
			versions = append(versions, filepath.Join(dir, d.Name()))
		}
	}
	return versions
}

// cacheFile is a file with machine code.
type cacheFile struct {
	path string
	fs.FileInfo
}

// ModTime returns when the file was written; the zero value was never.
func (f cacheFile) ModTime() time.Time {
	if f.FileInfo == nil {
		return time.Time{}
	}
	return f.FileInfo.ModTime()
}

// compareAge orders files, the oldest first.
func (f cacheFile) compareAge(g cacheFile) int {
	return cmp.Or(f.ModTime().Compare(g.ModTime()), strings.Compare(f.path, g.path))
}

// cacheFiles returns the complete files of one version, and removes those that were abandoned.
func cacheFiles(version string, now time.Time) (files []cacheFile) {
	entries, err := os.ReadDir(version)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		info, err := e.Info()
		path := filepath.Join(version, e.Name())
		switch {
		case err != nil || !info.Mode().IsRegular():
		case filepath.Ext(path) != ".tmp":
			files = append(files, cacheFile{path, info})
		case now.Sub(info.ModTime()) > abandonedWrite:
			_ = os.Remove(path)
		}
	}
	return files
}

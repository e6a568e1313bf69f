package modulefetch

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
)

// storedFile is a file in the directory of a Store.
type storedFile struct {
	path string
	size int64
	used time.Time
}

// prune removes the least recently used modules beyond the limit, and partial files of processes
// that ended during a fetch. A file that cannot be removed is tried again after the next fetch.
func (s *Store) prune() {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	left := s.maxStored
	var idle []storedFile
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		file := storedFile{filepath.Join(s.dir, e.Name()), info.Size(), info.ModTime()}
		switch {
		case strings.HasPrefix(e.Name(), partial):
			if time.Since(file.used) > 2*s.time { // its process has ended
				os.Remove(file.path)
			}
		case s.uses(e.Name()):
			left -= file.size
		case strings.HasSuffix(e.Name(), suffix):
			idle = append(idle, file)
		}
	}
	slices.SortFunc(idle, func(a, b storedFile) int { return b.used.Compare(a.used) })
	for _, file := range idle {
		if left -= file.size; left < 0 {
			os.Remove(file.path)
			s.logger.Info("removed a stored module", zap.String("file", file.path))
		}
	}
}

// uses reports whether a file has a module that this Store has loaded.
func (s *Store) uses(name string) bool {
	b, err := hex.DecodeString(strings.TrimSuffix(name, suffix))
	if err != nil || len(b) != len(Digest{}) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.used[Digest(b)]
	return ok
}

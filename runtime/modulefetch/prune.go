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

// storedFile is a file in the store's directory.
type storedFile struct {
	path string
	size int64
	used time.Time
}

// prune removes modules beyond what may be kept, those first that have not been used for longest,
// and what fetches have left that were cut off with their process. A file that cannot be removed is
// tried again after the next fetch.
func (s *Store) prune() {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	left := s.keep
	var idle []storedFile
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		file := storedFile{filepath.Join(s.dir, e.Name()), info.Size(), info.ModTime()}
		switch {
		case strings.HasPrefix(e.Name(), partial):
			if time.Since(file.used) > 2*s.time { // nobody writes to it any more
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
			s.logger.Info("dropped a module that was kept", zap.String("file", file.path))
		}
	}
}

// uses tells whether a file is of a module that this Store has loaded.
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

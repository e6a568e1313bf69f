package caddymodule

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// seedSize is the size of the installation's seed, in bytes.
const seedSize = 32

// installation is the secret seed of this installation. The random streams of nodes are derived
// from it, so that the same call gets the same stream also after a restart. It is pooled: configs
// that are loaded before the file is written have the same seed.
type installation struct {
	path string
	seed [seedSize]byte

	mu    sync.Mutex
	saved bool
}

// openInstallation reads the seed, or makes one that is not on disk yet.
func openInstallation(path string) (*installation, error) {
	s := &installation{path: path}
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		rand.Read(s.seed[:])
	case err != nil:
		return nil, fmt.Errorf("reading the installation's seed: %w", err)
	case len(b) != seedSize:
		return nil, fmt.Errorf("reading the installation's seed: %s has %d bytes, not %d; remove it to get a new one", path, len(b), seedSize)
	default:
		s.seed, s.saved = [seedSize]byte(b), true
	}
	return s, nil
}

// save writes the seed if it is not on disk yet.
func (s *installation) save() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.saved {
		return nil
	}
	if err := s.write(); err != nil {
		return fmt.Errorf("writing the installation's seed: %w", err)
	}
	s.saved = true
	return nil
}

// write writes the file atomically.
func (s *installation) write() error {
	dir := filepath.Dir(s.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".seed-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(s.seed[:])
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), s.path)
}

// Destruct implements caddy.Destructor; there is nothing to release.
func (s *installation) Destruct() error { return nil }

func acquireInstallation(path string) (*installation, func() error, error) {
	return acquire("installation", path, func() (*installation, error) { return openInstallation(path) })
}

package modulefetch

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	maxModule = 128 << 20        // bytes of one module
	maxStored = 1 << 30          // bytes of all modules on disk
	maxTime   = 10 * time.Minute // of one fetch
	maxStall  = 30 * time.Second // without a byte
	logEvery  = 10 * time.Second
)

// Digest is the SHA-256 of a module.
type Digest [sha256.Size]byte

// String returns the digest in hex.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Options are the settings of a Store.
type Options struct {
	// Dir is the directory for fetched modules. It is created with mode 0700, files in it with mode
	// 0600.
	Dir string
	// Logger logs fetches. nil = none.
	Logger *zap.Logger
}

// Store fetches modules and stores them on disk by their digests. Beyond 1 GiB it removes the least
// recently used modules, except those that it has loaded. Several Stores, also of other processes,
// can share a directory. Safe for concurrent use.
type Store struct {
	dir    string
	logger *zap.Logger

	limit, maxStored int64 // bytes: of a module, of all
	time, stall, by  time.Duration

	mu   sync.Mutex
	busy map[Digest]chan struct{} // closed when the lock on a digest is released
	used map[Digest]struct{}
}

// NewStore returns a Store. It does not access the disk.
func NewStore(o Options) *Store {
	return &Store{
		dir: o.Dir, logger: cmp.Or(o.Logger, zap.NewNop()),
		limit: maxModule, maxStored: maxStored, time: maxTime, stall: maxStall, by: logEvery,
		busy: make(map[Digest]chan struct{}), used: make(map[Digest]struct{}),
	}
}

// Load returns the remote module with a digest. It reads it from disk, or fetches it from its
// source, within 10 minutes and up to 128 MiB. Concurrent calls for the same digest wait. Errors
// name the source and contain no credentials.
func (s *Store) Load(ctx context.Context, src Source, d Digest) ([]byte, error) {
	done, err := s.lock(ctx, d)
	if err != nil {
		return nil, err
	}
	defer done()
	wasm, err := s.read(d)
	if err == nil {
		return wasm, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		s.logger.Warn("a stored module cannot be used and is fetched again", zap.String("file", s.path(d)), zap.Error(err))
	}
	if err := s.fetch(ctx, src, d); err != nil {
		return nil, fmt.Errorf("fetching the module from %s: %w", src, err)
	}
	return s.read(d)
}

// lock waits until no other call handles the digest, and marks it as used.
func (s *Store) lock(ctx context.Context, d Digest) (done func(), err error) {
	for {
		s.mu.Lock()
		s.used[d] = struct{}{}
		other, taken := s.busy[d]
		if !taken {
			mine := make(chan struct{})
			s.busy[d] = mine
			s.mu.Unlock()
			return func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				delete(s.busy, d)
				close(mine)
			}, nil
		}
		s.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

const suffix = ".wasm"

func (s *Store) path(d Digest) string { return filepath.Join(s.dir, d.String()+suffix) }

// read returns a stored module if it has the digest.
func (s *Store) read(d Digest) ([]byte, error) {
	path := s.path(d)
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	wasm, err := io.ReadAll(io.LimitReader(f, s.limit+1))
	if err != nil {
		return nil, err
	}
	if got := Digest(sha256.Sum256(wasm)); got != d {
		return nil, fmt.Errorf("its sha256 is %s", got)
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // only the order of removal depends on it
	return wasm, nil
}

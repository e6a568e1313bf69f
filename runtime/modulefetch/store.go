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
	maxStored = 1 << 30          // bytes of all that are kept
	maxTime   = 10 * time.Minute // of one fetch
	maxStall  = 30 * time.Second // without a byte
	logEvery  = 10 * time.Second
)

// Digest is the SHA-256 of a module.
type Digest [sha256.Size]byte

// String is the digest in hex.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Options of a Store.
type Options struct {
	// Dir is where fetched modules are kept. It is made with mode 0700, the files in it with mode
	// 0600.
	Dir string
	// Logger is told of fetches. nil = nobody.
	Logger *zap.Logger
}

// Store fetches modules and keeps them on disk, by their digests. All of them together have at most
// 1 GiB there: beyond it those go that have not been used for longest, other than those that this
// Store has loaded. Several Stores, also of other processes, can share a directory. Safe for
// concurrent use.
type Store struct {
	dir    string
	logger *zap.Logger

	limit, keep     int64 // bytes: of a module, of all
	time, stall, by time.Duration

	mu   sync.Mutex
	busy map[Digest]chan struct{} // closed when the one who has its turn is done
	used map[Digest]struct{}
}

// NewStore makes a Store. It does not touch the disk.
func NewStore(o Options) *Store {
	return &Store{
		dir: o.Dir, logger: cmp.Or(o.Logger, zap.NewNop()),
		limit: maxModule, keep: maxStored, time: maxTime, stall: maxStall, by: logEvery,
		busy: make(map[Digest]chan struct{}), used: make(map[Digest]struct{}),
	}
}

// Load returns a remote module, which has the digest: from disk if it is there, else from its
// origin, of which it is fetched within 10 minutes and 128 MiB. Who asks for the same digest
// meanwhile waits. Errors name the origin and hold no credentials.
func (s *Store) Load(ctx context.Context, o Source, d Digest) ([]byte, error) {
	done, err := s.turn(ctx, d)
	if err != nil {
		return nil, err
	}
	defer done()
	wasm, err := s.read(d)
	if err == nil {
		return wasm, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		s.logger.Warn("a module that was kept cannot be used and is fetched again", zap.String("file", s.path(d)), zap.Error(err))
	}
	if err := s.fetch(ctx, o, d); err != nil {
		return nil, fmt.Errorf("fetching the module from %s: %w", o, err)
	}
	return s.read(d)
}

// turn waits until nobody else handles the digest, and counts it as used.
func (s *Store) turn(ctx context.Context, d Digest) (done func(), err error) {
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

// read returns a kept module if it is what it was.
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
	_ = os.Chtimes(path, now, now) // only the order in which modules are dropped depends on it
	return wasm, nil
}

package embedded

import (
	"context"
	"fmt"
	"sync"

	"go.uber.org/zap"
)

// Servers are the etcd servers of a process, one for each directory. Configurations that differ in
// other settings share the server of their directory, and so do a configuration and its successor.
// The zero value is ready to use. It is safe for concurrent use.
type Servers struct {
	// also held while a server starts or ends: there must not be two for one directory
	mu    sync.Mutex
	byDir map[string]*server
}

// acquire returns the directory's server, which is started if there is none. The caller releases
// it.
func (s *Servers) acquire(ctx context.Context, o Options) (*server, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if there := s.byDir[o.Dir]; there != nil {
		if there.failed.Err() != nil {
			return nil, fmt.Errorf("it runs, but it has failed: %w", context.Cause(there.failed))
		}
		if there.listen != o.Listen {
			o.Logger.Warn("the embedded store runs already: its new socket will be there when the process starts anew",
				zap.String("listen", o.Listen), zap.String("listens_on", there.listen))
		}
		there.users++
		return there, nil
	}
	started, err := start(ctx, o)
	if err != nil {
		return nil, err
	}
	if s.byDir == nil {
		s.byDir = make(map[string]*server)
	}
	s.byDir[o.Dir] = started
	started.users = 1
	return started, nil
}

// release releases a server. The last release stops it.
func (s *Servers) release(used *server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if used.users--; used.users == 0 {
		delete(s.byDir, used.dir)
		used.close()
	}
}

package caddymodule

import (
	"errors"
	"slices"
	"sync"

	"go.uber.org/zap"
)

// lifetime is how long a config's objects are kept: until Caddy has cleaned the config up and the
// last request or execution that uses them has ended. Caddy does not wait for requests when it
// cleans up after a reload. It is safe for concurrent use.
type lifetime struct {
	mu       sync.Mutex
	users    int // the config itself, and what runs with it
	over     bool
	releases []func() error
}

// newLifetime begins with one user, the config.
func newLifetime() *lifetime { return &lifetime{users: 1} }

// keep adds what is released at the end, the last kept first.
func (l *lifetime) keep(release func() error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.releases = append(l.releases, release)
}

// enter counts a user in; false when everything has been released already. Either way leave is
// called once.
func (l *lifetime) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users++
	return !l.over
}

// leave counts a user out. The last one has everything released, apart from its own goroutine.
func (l *lifetime) leave() {
	if l.last() {
		go func() {
			if err := l.release(); err != nil {
				processLog(appName).Warn("releasing an old config", zap.Error(err))
			}
		}()
	}
}

// end counts the config out and, when nothing uses it any more, releases everything before it
// returns.
func (l *lifetime) end() error {
	if l.last() {
		return l.release()
	}
	return nil
}

// last counts a user out and tells whether it was the last one, at most once.
func (l *lifetime) last() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users--
	if l.users > 0 || l.over {
		return false
	}
	l.over = true
	return true
}

func (l *lifetime) release() error {
	l.mu.Lock()
	releases := l.releases
	l.releases = nil
	l.mu.Unlock()
	var errs []error
	for _, release := range slices.Backward(releases) {
		errs = append(errs, release())
	}
	return errors.Join(errs...)
}

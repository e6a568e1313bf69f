package caddymodule

import (
	"errors"
	"slices"
	"sync"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/internal/drain"
)

// lifetime is how long a config's objects live: until Caddy has cleaned the config up and the last
// request or execution that uses them has ended. Caddy does not wait for requests when it cleans up
// after a reload. It is safe for concurrent use.
type lifetime struct {
	users    drain.Group // requests and executions
	released func()      // leave, made once: hold is called for each execution

	mu       sync.Mutex
	releases []func() error
}

// onEnd adds what is released at the end, the last added first.
func (l *lifetime) onEnd(release func() error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.releases = append(l.releases, release)
}

func newLifetime() *lifetime {
	l := new(lifetime)
	l.released = l.leave
	return l
}

// enter adds a user. It reports whether there is still something to use: false once everything has
// been released, and then leave must not be called.
func (l *lifetime) enter() bool { return l.users.Enter() }

// hold keeps the config for one execution, until release is called. When nothing is left to keep,
// the config is being released: an executor that drains then still runs what a journal in memory
// holds, with the node types and everything else that is released after it.
func (l *lifetime) hold() (release func()) {
	if !l.users.Enter() {
		return func() {}
	}
	return l.released
}

// leave removes a user that enter let in.
func (l *lifetime) leave() { l.users.Leave() }

// end is called once, when Caddy cleans the config up. Without users it releases everything before
// it returns. Otherwise that happens on a goroutine of its own when the last one has left.
func (l *lifetime) end() error {
	l.users.CloseWhenIdle()
	select {
	case <-l.users.Drained():
		return l.release()
	default:
	}
	go func() {
		<-l.users.Drained()
		if err := l.release(); err != nil {
			processLog(appName).Warn("releasing an old config failed", zap.Error(err))
		}
	}()
	return nil
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

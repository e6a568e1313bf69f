package store_test

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/flowtrux/edge/runtime/store"
	"github.com/flowtrux/edge/runtime/store/embedded"
	"github.com/flowtrux/edge/runtime/store/etcd"
	"github.com/flowtrux/edge/runtime/store/etcd/etcdtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is the time limit of waits.
const patience = 30 * time.Second

// local makes an engine in this process with its data in dir.
func local(t *testing.T, dir string) store.Engine {
	t.Helper()
	e, err := embedded.New(embedded.Options{Servers: new(embedded.Servers), Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// remote makes an engine of a server.
func remote(s *etcdtest.Server) store.Engine {
	c := etcd.Cluster{Endpoints: []string{s.Address}}
	return etcd.New(etcd.Config{Name: "etcd", Location: c.Location(), Connect: c.Connect, MaxPause: 100 * time.Millisecond})
}

// mirror makes an open mirror with a recorder and the log.
func mirror(t *testing.T, o store.MirrorOptions) (*store.Mirror, *recorder, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	o.Logger = zap.New(core)
	m := store.NewMirror(o)
	r := record(t, m)
	if err := m.Open(t.Context()); err != nil {
		t.Fatalf("opening: %v", err)
	}
	t.Cleanup(func() { closeMirror(t, m) })
	return m, r, logs
}

func closeMirror(t *testing.T, m *store.Mirror) {
	t.Helper()
	if err := m.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
}

// recorder is a subscriber that records batches.
type recorder struct {
	t      *testing.T
	cancel func()

	mu      sync.Mutex
	batches []store.Batch
	content map[string]string
	busy    bool
	moved   chan struct{} // closed and replaced with each batch
}

// record subscribes a recorder.
func record(t *testing.T, m *store.Mirror) *recorder {
	r := &recorder{t: t, moved: make(chan struct{})}
	r.cancel = m.Subscribe(r.apply)
	return r
}

func (r *recorder) apply(b store.Batch) {
	r.mu.Lock()
	if r.busy {
		r.t.Error("two batches at a time")
	}
	r.busy = true
	r.mu.Unlock()

	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy = false
	if len(r.batches) == 0 && !b.Reset {
		r.t.Error("the first batch is not the whole content")
	}
	r.content = maps.Clone(r.content)
	if b.Reset {
		r.content = make(map[string]string)
	}
	for _, e := range b.Put {
		r.content[e.Key] = string(e.Value)
	}
	for _, key := range b.Delete {
		delete(r.content, key)
	}
	r.batches = append(r.batches, b)
	close(r.moved)
	r.moved = make(chan struct{})
}

// now returns the batches and the content so far.
func (r *recorder) now() ([]store.Batch, map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.batches), r.content
}

// wait waits until ok returns true for a batch, and returns it.
func (r *recorder) wait(what string, ok func(store.Batch) bool) store.Batch {
	r.t.Helper()
	timeout := time.After(patience)
	for {
		r.mu.Lock()
		i := slices.IndexFunc(r.batches, ok)
		moved, content := r.moved, r.content
		var b store.Batch
		if i >= 0 {
			b = r.batches[i]
		}
		r.mu.Unlock()
		if i >= 0 {
			return b
		}
		select {
		case <-moved:
		case <-timeout:
			r.t.Fatalf("waiting for %s: content is %q", what, content)
		}
	}
}

// waitLive waits for content from the store.
func (r *recorder) waitLive() store.Batch {
	r.t.Helper()
	return r.wait("live content", func(b store.Batch) bool { return !b.Stale })
}

// waitStatus polls until a status is reached.
func waitStatus(t *testing.T, m *store.Mirror, what string, ok func(store.Status) bool) store.Status {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(patience)
	for {
		s := m.Status()
		if ok(s) {
			return s
		}
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("waiting for %s: %+v", what, s)
		}
	}
}

// waitState waits for a state.
func waitState(t *testing.T, m *store.Mirror, want store.State) store.Status {
	t.Helper()
	return waitStatus(t, m, string(want), func(s store.Status) bool { return s.State == want })
}

// write writes pairs of key and value.
func write(t *testing.T, m *store.Mirror, words ...string) int64 {
	t.Helper()
	var put []store.Entry
	for i := 0; i < len(words); i += 2 {
		put = append(put, store.Entry{Key: words[i], Value: []byte(words[i+1])})
	}
	revision, err := m.Write(t.Context(), put, nil)
	if err != nil {
		t.Fatalf("writing %q: %v", words, err)
	}
	return revision
}

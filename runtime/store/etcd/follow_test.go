package etcd

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/flowtrux/edge/runtime/store"
	"github.com/flowtrux/edge/runtime/store/etcd/etcdtest"
	"github.com/flowtrux/edge/runtime/store/storetest"
)

func TestCleanPrefix(t *testing.T) {
	for in, want := range map[string]string{"": "/flowtrux/", "/": "/", "/a": "/a/", "/a/": "/a/", "a/b": "a/b/"} {
		if got := CleanPrefix(in); got != want {
			t.Errorf("prefix %q is cleaned to %q, want %q", in, got, want)
		}
	}
}

func TestPausesGrowToTheLongest(t *testing.T) {
	for _, longest := range []time.Duration{time.Millisecond, DefaultMaxPause} {
		f := &follower{Engine: New(Config{MaxPause: longest}), pauses: newPauses(longest)}
		want := min(firstPause, longest)
		for range 20 {
			if d := f.pauseAfter(store.Cached); d < want/2 || d > want {
				t.Fatalf("a pause of %s, want %s or up to a half less", d, want)
			}
			want = min(2*want, longest)
		}
		f.pauses.Reset()
		if d := f.pauseAfter(store.Cached); d > min(firstPause, longest) {
			t.Errorf("a pause of %s after a reset", d)
		}
		if d := f.pauseAfter(store.Failed); d < operatorPauses*longest/2 || d > operatorPauses*longest {
			t.Errorf("a pause of %s for the operator to act", d)
		}
		if d := f.pauseAfter(store.Cached); d > longest {
			t.Errorf("a pause of %s after that", d)
		}
	}
}

func TestEventsOfOneKeyCollapse(t *testing.T) {
	var got []store.Batch
	f := &follower{Engine: New(Config{Prefix: "/p/"}), apply: func(b store.Batch) error {
		got = append(got, b)
		return nil
	}}
	put := func(key, value string, revision int64) *clientv3.Event {
		return &clientv3.Event{Kv: &mvccpb.KeyValue{Key: []byte("/p/" + key), Value: []byte(value), ModRevision: revision}}
	}
	del := func(key string, revision int64) *clientv3.Event {
		return &clientv3.Event{Type: clientv3.EventTypeDelete, Kv: &mvccpb.KeyValue{Key: []byte("/p/" + key), ModRevision: revision}}
	}
	err := f.applyEvents([]*clientv3.Event{
		put("a", "1", 5), put("b", "1", 5), put("", "the prefix itself", 6), del("b", 6), put("a", "2", 7), del("c", 8), put("c", "1", 9),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []store.Batch{{Revision: 9, Delete: []string{"b"}, Put: []store.Entry{
		{Key: "a", Value: []byte("2"), Revision: 7}, {Key: "c", Value: []byte("1"), Revision: 9},
	}}}
	if diff := cmp.Diff(want, got); diff != "" || f.revision != 9 {
		t.Errorf("revision %d, batches (-want +got):\n%s", f.revision, diff)
	}
}

// countingWatcher counts the requests for progress.
type countingWatcher struct {
	clientv3.Watcher
	asked atomic.Int64
	moved chan struct{}
}

func (w *countingWatcher) RequestProgress(ctx context.Context) error {
	w.asked.Add(1)
	select {
	case w.moved <- struct{}{}:
	default:
	}
	return w.Watcher.RequestProgress(ctx)
}

// waitFor waits for n more requests.
func (w *countingWatcher) waitFor(t *testing.T, n int64) {
	t.Helper()
	timeout := time.After(storetest.Patience)
	for end := w.asked.Load() + n; w.asked.Load() < end; {
		select {
		case <-w.moved:
		case <-timeout:
			t.Fatal("progress is not asked for")
		}
	}
}

// A quiet watch learns of the revisions that others write, so that it can resume when its own last
// one is compacted.
func TestProgressOfOthersIsFollowed(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *etcdtest.Server{"debian": etcdtest.Debian, "current": etcdtest.Current} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			watcher := &countingWatcher{moved: make(chan struct{}, 1)}
			cluster := Cluster{Endpoints: []string{s.Address}}
			e := New(Config{Name: "etcd", Connect: func(ctx context.Context) (*clientv3.Client, error) {
				c, err := cluster.Connect(ctx)
				if err == nil {
					watcher.Watcher, c.Watcher = c.Watcher, watcher
				}
				return c, err
			}})
			defer e.Close()
			e.progress = 20 * time.Millisecond
			batches := 0
			live := make(chan struct{}, 1)
			f := &follower{
				Engine: e,
				apply:  func(store.Batch) error { batches++; return nil },
				report: func(store.State, error) {
					select {
					case live <- struct{}{}:
					default: // of an attempt that failed since
					}
				},
			}
			// follow follows until what is done meanwhile is done. An attempt that fails before it
			// is live is followed by another, as in Follow.
			follow := func(meanwhile func()) {
				t.Helper()
				ctx, cancel := context.WithTimeout(t.Context(), storetest.Patience)
				defer cancel()
				for {
					ended := make(chan error, 1)
					go func() { ended <- f.attempt(ctx) }()
					select {
					case <-live:
						meanwhile()
						cancel()
						<-ended
						return
					case err := <-ended:
						if ctx.Err() != nil {
							t.Fatalf("it does not follow: %v", err)
						}
						t.Logf("an attempt failed: %v", err)
						time.Sleep(f.pauseAfter(store.Cached))
					}
				}
			}

			var others int64
			follow(func() {
				s.Do("putting", func(ctx context.Context, c *clientv3.Client) error {
					for range 5 {
						r, err := c.Put(ctx, "/elsewhere", "x")
						if err != nil {
							return err
						}
						others = r.Header.GetRevision()
					}
					return nil
				})
				watcher.waitFor(t, 4)
			})
			// etcd need not answer each request. A revision counts at the second word about it.
			for deadline := time.Now().Add(storetest.Patience); f.revision < others && time.Now().Before(deadline); {
				follow(func() { watcher.waitFor(t, 4) })
			}
			if f.revision < others || batches != 1 {
				t.Errorf("revision %d after %d batches, others have written %d", f.revision, batches, others)
			}
		})
	}
}

// A store that nobody writes to stays live, although its watch has no progress to tell of.
func TestAQuietStoreStaysLive(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *etcdtest.Server{"debian": etcdtest.Debian, "current": etcdtest.Current} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			watcher := &countingWatcher{moved: make(chan struct{}, 1)}
			cluster := Cluster{Endpoints: []string{s.Address}}
			e := New(Config{Name: "etcd", Connect: func(ctx context.Context) (*clientv3.Client, error) {
				c, err := cluster.Connect(ctx)
				if err == nil {
					watcher.Watcher, c.Watcher = c.Watcher, watcher
				}
				return c, err
			}})
			defer e.Close()
			e.progress = 20 * time.Millisecond
			f := &follower{
				Engine: e,
				apply:  func(store.Batch) error { return nil },
				report: func(store.State, error) {},
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- f.attempt(ctx) }()
			watcher.waitFor(t, 5)
			select {
			case err := <-ended:
				t.Errorf("the watch was given up: %v", err)
			default:
				cancel()
				<-ended
			}
		})
	}
}

// A connection that is open but dead is noticed.
func TestASilentWatchIsGivenUp(t *testing.T) {
	s := etcdtest.Current(t)
	p := etcdtest.NewProxy(t, s.Address)
	cluster := Cluster{Endpoints: []string{p.Address}}
	e := New(Config{Name: "etcd", Connect: cluster.Connect, MaxPause: 10 * time.Millisecond})
	defer e.Close()
	e.progress, e.silence = 50*time.Millisecond, 250*time.Millisecond
	f := storetest.Follow(t, e)
	defer f.Stop()
	f.WaitState(store.Live)
	thaw := p.Freeze()
	if v := f.WaitState(store.Cached); !errors.Is(v.Err(), errSilent) {
		t.Errorf("reported %v, want %v", v.Err(), errSilent)
	}
	thaw()
	f.WaitState(store.Live)
}

// Whatever the store was asked before, an engine follows the store that is there now.
func TestAnotherClusterIsListedAnew(t *testing.T) {
	first, second := etcdtest.Current(t), etcdtest.Current(t)
	put := func(s *etcdtest.Server, pairs ...string) {
		s.Do("putting", func(ctx context.Context, c *clientv3.Client) error {
			for i := 0; i < len(pairs); i += 2 {
				if _, err := c.Put(ctx, pairs[i], pairs[i+1]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	put(first, "/flowtrux/a", "1")
	for n := range 5 { // its revision is ahead
		put(second, "/flowtrux/b", fmt.Sprint(n))
	}
	p := etcdtest.NewProxy(t, first.Address)
	cluster := Cluster{Endpoints: []string{p.Address}}
	e := New(Config{Name: "etcd", Connect: cluster.Connect, MaxPause: 10 * time.Millisecond})
	defer e.Close()
	f := storetest.Follow(t, e)
	defer f.Stop()
	f.WaitContent(map[string]string{"a": "1"})
	p.Redirect(second.Address)
	f.WaitContent(map[string]string{"b": "4"})
	p.Redirect(first.Address) // back, to a smaller revision
	f.WaitContent(map[string]string{"a": "1"})
}

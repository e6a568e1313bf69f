package etcd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/connectivity"

	"github.com/flowtrux/edge/runtime/store"
)

var (
	errConnectionLost = fmt.Errorf("%w: the connection is lost", store.ErrUnavailable)
	errSilent         = fmt.Errorf("%w: the watch does not answer", store.ErrUnavailable)
	errWatchEnded     = fmt.Errorf("%w: the watch has ended", store.ErrUnavailable)
	errWentBack       = errors.New("the store's revision went back")
)

// watch applies changes after f.revision until an error occurs. Its error is never nil.
func (f *follower) watch(ctx context.Context, client *clientv3.Client) error {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	lost := make(chan struct{})
	work.Go(func() { waitForLoss(ctx, client, lost) })

	responses := client.Watch(ctx, f.config.Prefix, clientv3.WithPrefix(), clientv3.WithRev(f.revision+1),
		clientv3.WithCreatedNotify(), clientv3.WithProgressNotify(), clientv3.WithFragment())
	ticker := time.NewTicker(f.progress)
	defer ticker.Stop()
	start := f.revision
	progress := f.revision // revision of the last progress notification
	// when the watch was asked for a sign of life; zero = it has given one. A new watch owes one.
	owed := time.Now()
	for {
		select {
		case r, ok := <-responses:
			if !ok {
				return errWatchEnded
			}
			owed = time.Time{}
			if err := r.Err(); err != nil {
				return failure("watching", err)
			}
			switch {
			case r.Created:
				f.pauses.Reset()
				f.report(store.Live, nil)
			case r.IsProgressNotify():
				if r.Header.GetRevision() < f.revision {
					return errWentBack
				}
				// Use the revision of the previous notification: etcd before 3.4.25 and 3.5.8 may
				// announce progress ahead of events that it has not sent yet (etcd-io/etcd#15220).
				f.revision = max(f.revision, progress)
				progress = r.Header.GetRevision()
			default:
				if err := f.applyEvents(r.Events); err != nil {
					return err
				}
			}
		case <-lost:
			return errConnectionLost
		case <-ticker.C:
			if !owed.IsZero() && time.Since(owed) >= f.silence {
				return errSilent
			}
			now, err := f.currentRevision(ctx, client)
			if err != nil {
				return err
			}
			// If nothing was written since the watch began, it does not answer progress requests
			// (progressIfSync in etcd's storage/mvcc/watchable_store.go). The reply above is then
			// the sign of life.
			if now > start && owed.IsZero() {
				owed = time.Now()
			}
			if err := requestProgress(ctx, client); err != nil {
				return failure("asking for progress", err)
			}
		}
	}
}

// applyEvents applies the events of one response, which come in revision order. A response has
// whole revisions.
func (f *follower) applyEvents(events []*clientv3.Event) error {
	last := make(map[string]*clientv3.Event, len(events))
	for _, ev := range events {
		last[string(ev.Kv.Key)] = ev
	}
	var batch store.Batch
	for _, ev := range events {
		batch.Revision = ev.Kv.ModRevision
		name := strings.TrimPrefix(string(ev.Kv.Key), f.config.Prefix)
		switch {
		case last[string(ev.Kv.Key)] != ev || name == "":
		case ev.Type == clientv3.EventTypeDelete:
			batch.Delete = append(batch.Delete, name)
		default:
			batch.Put = append(batch.Put, store.Entry{Key: name, Value: ev.Kv.Value, Revision: ev.Kv.ModRevision})
		}
	}
	if err := f.apply(batch); err != nil {
		f.cluster = 0
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	f.revision = batch.Revision
	return nil
}

// currentRevision requests the revision of the store.
func (f *follower) currentRevision(ctx context.Context, client *clientv3.Client) (int64, error) {
	asking, cancel := context.WithTimeout(ctx, aliveTime)
	defer cancel()
	r, err := client.Get(asking, f.config.Prefix, clientv3.WithCountOnly())
	switch {
	case err == nil:
		return r.Header.GetRevision(), nil
	case asking.Err() != nil && ctx.Err() == nil:
		return 0, errSilent
	}
	return 0, failure("asking for the revision", err)
}

// requestProgress asks for a sign of life. ctx must be the context of the watch or derived from it.
func requestProgress(ctx context.Context, client *clientv3.Client) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	return client.RequestProgress(ctx)
}

// waitForLoss closes lost when no member of the cluster is connected any more. The client's watch
// would silently wait and resume; then nobody could tell that the store is away, or notice that
// another one comes back.
func waitForLoss(ctx context.Context, client *clientv3.Client, lost chan<- struct{}) {
	conn := client.ActiveConnection()
	if conn == nil { // a server in this process
		return
	}
	// A connection that is back by the time of a check may lead to another store: any change
	// counts.
	if conn.GetState() == connectivity.Ready && !conn.WaitForStateChange(ctx, connectivity.Ready) {
		return
	}
	close(lost)
}

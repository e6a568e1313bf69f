package etcd

import (
	"context"
	"fmt"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/flowtrux/edge/runtime/store"
)

// pageSize is the number of keys in one request of a list. Since etcd accepts values of up to 1.5
// MiB, it also limits the memory of a page.
const pageSize = 100

// list applies the whole content. All pages are read at the revision of the first one.
func (f *follower) list(ctx context.Context, client *clientv3.Client) error {
	batch := store.Batch{Reset: true, Put: []store.Entry{}}
	var cluster uint64
	var size int64
	end := clientv3.GetPrefixRangeEnd(f.config.Prefix)
	for key := f.config.Prefix; ; {
		page, err := getPage(ctx, client, key, end, batch.Revision)
		if err != nil {
			return failure("listing", err)
		}
		if batch.Revision == 0 {
			batch.Revision, cluster = page.Header.GetRevision(), page.Header.GetClusterId()
		}
		for _, kv := range page.Kvs {
			key = string(kv.Key)
			name := strings.TrimPrefix(key, f.config.Prefix)
			if name == "" {
				continue
			}
			if size += int64(len(name) + len(kv.Value)); size > store.MaxContent {
				return fmt.Errorf("listing: %w: there are more than %d bytes below the prefix", store.ErrFull, store.MaxContent)
			}
			batch.Put = append(batch.Put, store.Entry{Key: name, Value: kv.Value, Revision: kv.ModRevision})
		}
		if !page.More || len(page.Kvs) == 0 {
			break
		}
		key += "\x00" // the next possible key
	}
	if err := f.apply(batch); err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	f.cluster, f.revision = cluster, batch.Revision
	return nil
}

// getPage reads a page of keys at a revision; 0 = the newest.
func getPage(ctx context.Context, client *clientv3.Client, key, end string, revision int64) (*clientv3.GetResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	return client.Get(ctx, key, clientv3.WithRange(end), clientv3.WithLimit(pageSize), clientv3.WithRev(revision))
}

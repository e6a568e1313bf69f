package etcd

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/flowtrux/edge/runtime/store"
)

// Write implements store.Engine.
func (e *Engine) Write(ctx context.Context, put []store.Entry, del []string) (int64, error) {
	client, err := e.connected()
	if err != nil {
		return 0, err
	}
	ops := make([]clientv3.Op, 0, len(put)+len(del))
	for _, entry := range put {
		ops = append(ops, clientv3.OpPut(e.config.Prefix+entry.Key, string(entry.Value)))
	}
	for _, key := range del {
		ops = append(ops, clientv3.OpDelete(e.config.Prefix+key))
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	r, err := client.Txn(ctx).Then(ops...).Commit()
	if err != nil {
		return 0, failure("writing", err)
	}
	deleted := int64(0)
	for _, op := range r.Responses {
		deleted += op.GetResponseDeleteRange().GetDeleted()
	}
	if len(put) == 0 && deleted == 0 {
		return 0, nil
	}
	return r.Header.GetRevision(), nil
}

// Swap implements store.Engine.
func (e *Engine) Swap(ctx context.Context, entry store.Entry) (int64, store.Entry, error) {
	client, err := e.connected()
	if err != nil {
		return 0, store.Entry{}, err
	}
	key := e.config.Prefix + entry.Key
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	r, err := client.Txn(ctx).
		If(clientv3.Compare(clientv3.ModRevision(key), "=", entry.Revision)).
		Then(clientv3.OpPut(key, string(entry.Value))).
		Else(clientv3.OpGet(key)).
		Commit()
	if err != nil {
		return 0, store.Entry{}, failure("writing", err)
	}
	if r.Succeeded {
		return r.Header.GetRevision(), store.Entry{}, nil
	}
	now := store.Entry{Key: entry.Key}
	for _, kv := range r.Responses[0].GetResponseRange().GetKvs() {
		now.Value, now.Revision = kv.Value, kv.ModRevision
	}
	return 0, now, nil
}

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

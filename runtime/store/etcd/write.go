package etcd

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/flowtrux/edge/runtime/store"
)

// Write implements store.Engine.
func (e *Engine) Write(ctx context.Context, put []store.Entry, del []string) (int64, error) {
	revision, _, err := e.WriteIf(ctx, nil, put, del)
	return revision, err
}

// WriteIf implements store.Engine.
func (e *Engine) WriteIf(
	ctx context.Context, conditions []store.Condition, put []store.Entry, del []string,
) (int64, []store.Entry, error) {
	client, err := e.connected()
	if err != nil {
		return 0, nil, err
	}
	compare := make([]clientv3.Cmp, 0, len(conditions))
	read := make([]clientv3.Op, 0, len(conditions))
	for _, c := range conditions {
		key := e.config.Prefix + c.Key
		if c.Revision == store.AnyRevision {
			compare = append(compare, clientv3.Compare(clientv3.ModRevision(key), ">", 0))
		} else {
			compare = append(compare, clientv3.Compare(clientv3.ModRevision(key), "=", c.Revision))
		}
		read = append(read, clientv3.OpGet(key))
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	r, err := client.Txn(ctx).If(compare...).Then(e.ops(put, del)...).Else(read...).Commit()
	if err != nil {
		return 0, nil, failure("writing", err)
	}
	if !r.Succeeded {
		return 0, current(conditions, r), nil
	}
	deleted := int64(0)
	for _, op := range r.Responses {
		deleted += op.GetResponseDeleteRange().GetDeleted()
	}
	if len(put) == 0 && deleted == 0 {
		return 0, nil, nil
	}
	return r.Header.GetRevision(), nil, nil
}

// ops returns the operations of a write.
func (e *Engine) ops(put []store.Entry, del []string) []clientv3.Op {
	ops := make([]clientv3.Op, 0, len(put)+len(del))
	for _, entry := range put {
		ops = append(ops, clientv3.OpPut(e.config.Prefix+entry.Key, string(entry.Value)))
	}
	for _, key := range del {
		ops = append(ops, clientv3.OpDelete(e.config.Prefix+key))
	}
	return ops
}

// current returns the entries that a transaction has read because its conditions do not hold.
func current(conditions []store.Condition, r *clientv3.TxnResponse) []store.Entry {
	now := make([]store.Entry, len(conditions))
	for i, c := range conditions {
		now[i].Key = c.Key
		for _, kv := range r.Responses[i].GetResponseRange().GetKvs() {
			now[i].Value, now[i].Revision = kv.Value, kv.ModRevision
		}
	}
	return now
}

package etcd

import (
	"context"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/flowtrux/edge/runtime/store"
)

// Cluster implements store.Clustered: the id that etcd gives a cluster, and the prefix.
func (e *Engine) Cluster(ctx context.Context) (string, error) {
	c, err := e.connected()
	if errors.Is(err, store.ErrUnavailable) { // Follow has not connected yet
		if c, err = e.config.Connect(ctx); err == nil {
			defer c.Close()
		}
	}
	if err != nil {
		return "", err
	}
	r, err := c.Get(ctx, e.config.Prefix, clientv3.WithCountOnly())
	if err != nil {
		return "", fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return fmt.Sprintf("%s cluster %x, prefix %s", e.config.Name, r.Header.ClusterId, e.config.Prefix), nil
}

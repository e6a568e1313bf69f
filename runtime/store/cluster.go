package store

import "context"

// Clustered is implemented by an Engine whose store several machines can use.
type Clustered interface {
	// Cluster identifies the store and the followed part of it for all machines alike, however each
	// of them reaches it. It may connect, and returns ErrUnavailable while the store is away.
	Cluster(ctx context.Context) (string, error)
}

// Cluster is that of the engine; "" if it is not Clustered. Before Open it may connect.
func (m *Mirror) Cluster(ctx context.Context) (string, error) {
	if c, ok := m.engine.(Clustered); ok {
		return c.Cluster(ctx)
	}
	return "", nil
}

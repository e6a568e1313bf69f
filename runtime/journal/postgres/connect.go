package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/flowtrux/edge/runtime/journal"
)

// Codes of errors of the server.
const (
	codeNoRight     = "42501"
	codeNoTable     = "42P01"
	codeNoColumn    = "42703"
	codeNoFunction  = "42883"
	codeNoPartition = "23514"
	codeDivision    = "22012"
	codeRoot        = "2201F"
	codeReadOnly    = "25006"
	codeShutdown    = "57P01"
)

// The most connections of a journal. Those of writes are apart: whoever reads long lists must not
// keep a machine from accepting, and from showing that it lives.
const (
	maxConns   = 5
	writeConns = 3
)

// connectTime bounds the connecting to one server, if the connection string does not.
const connectTime = 2 * time.Second

// warningIn is the key of a connection's last warning.
const warningIn = "flowtrux warning"

// connect makes the pools of connections.
func (j *Journal) connect() (err error) {
	c, err := poolConfig(j.options)
	if err != nil {
		return err
	}
	if j.pool, err = pgxpool.NewWithConfig(context.Background(), c.Copy()); err != nil {
		return err
	}
	c.MaxConns = writeConns
	if j.writes, err = pgxpool.NewWithConfig(context.Background(), c); err != nil {
		j.pool.Close()
	}
	return err
}

// disconnect closes all connections. Those that are silent end within seconds by themselves.
func (j *Journal) disconnect() {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		j.writes.Close()
		j.pool.Close()
	}()
	select {
	case <-closed:
	case <-time.After(closeTime):
	}
}

func poolConfig(o Options) (*pgxpool.Config, error) {
	c, err := pgxpool.ParseConfig(o.Connection)
	if err != nil {
		return nil, malformed(err)
	}
	c.MaxConns = maxConns
	if c.ConnConfig.ConnectTimeout == 0 {
		c.ConnConfig.ConnectTimeout = connectTime
	}
	if c.ConnConfig.ValidateConnect == nil { // of several servers, the one that can be written
		c.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	c.ConnConfig.StatementCacheCapacity = 0
	c.ConnConfig.DescriptionCacheCapacity = 256
	c.AfterConnect = useArrays
	c.ConnConfig.OnNotice = func(conn *pgconn.PgConn, n *pgconn.Notice) {
		if n.SeverityUnlocalized == "WARNING" {
			conn.CustomData()[warningIn] = n.Message
		}
	}
	return c, nil
}

// unavailable makes an error of a call out of one of the database.
func (j *Journal) unavailable(err error) error {
	if err == nil {
		return nil
	}
	if j.closing() {
		return journal.ErrClosed
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w: %w", journal.ErrUnavailable, j.describe(err))
}

// hasCode reports whether an error of the server has one of some codes.
func hasCode(err error, codes ...string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && slices.Contains(codes, pg.Code)
}

package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// begin begins a transaction. What this package relies on must not depend on the settings of a
// role or a database: each statement sees what was committed before it.
const begin = "begin isolation level read committed"

// Bounds of what the background does. A connection that a firewall has forgotten is silent for a
// quarter of an hour before the system gives it up.
const (
	backgroundTime = 10 * time.Second
	takeTime       = 10 * time.Second // to return what a machine held
)

// inTransaction runs a transaction that is bounded on both sides: if this machine is stopped in the
// middle of it, the server ends it, so that its locks hold no other machine up.
func inTransaction(ctx context.Context, pool *pgxpool.Pool, bound time.Duration, run func(pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	ms := bound.Milliseconds()
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{BeginQuery: fmt.Sprintf(
		"%s; set local statement_timeout = %d; set local idle_in_transaction_session_timeout = %d", begin, ms, ms)}, run)
}

// bounded runs a step of the background.
func (j *Journal) bounded(ctx context.Context, step func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, backgroundTime)
	defer cancel()
	err := step(ctx)
	j.replaceSilent(err)
	return err
}

// replaceSilent replaces all connections after one of them has not answered in time, was closed
// while nobody used it, or belongs to a server that is none any more. The others are likely to be
// like it.
func (j *Journal) replaceSilent(err error) {
	if errors.Is(err, context.DeadlineExceeded) || pgconn.SafeToRetry(err) || hasCode(err, codeReadOnly, codeShutdown) {
		j.pool.Reset()
		j.writes.Reset()
	}
}

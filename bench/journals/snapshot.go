package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/internal/pgtest"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/postgres"
)

const (
	claimsOfRound = 2000 // the number of executions that are claimed in a round
	// backlog is how many rounds wait to be claimed, so that no round waits until what has just
	// been accepted is found.
	backlog = 2
)

// snapshot measures claims in two databases of one server. A snapshot holds up the removal of dead
// rows in its own database only.
func snapshot(ctx context.Context, o options) (f figures, err error) {
	f = figures{what: "claimed and ended a second, 32 workers", of: "beside snapshot", with: "without", least: true, wanted: 0.9}
	server, err := pgtest.Start()
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	connections := [2]string{server.Connection() + " dbname=held", server.Connection()}
	plain, err := pgx.Connect(ctx, connections[1])
	if err != nil {
		return f, err
	}
	defer plain.Close(context.WithoutCancel(ctx))
	if _, err := plain.Exec(ctx, "create database held"); err != nil {
		return f, err
	}
	held, err := pgx.Connect(ctx, connections[0])
	if err != nil {
		return f, err
	}
	defer held.Close(context.WithoutCancel(ctx))
	// Other machines have accepted what is claimed: an acceptance of a machine that claims is a
	// claim already.
	var accepting, claiming [2]*postgres.Journal
	for i, connection := range connections {
		accepting[i], claiming[i] = shared(connection, "flowtrux", "accepting"), shared(connection, "flowtrux", "claiming")
		for _, j := range []*postgres.Journal{accepting[i], claiming[i]} {
			if err := j.Open(ctx); err != nil {
				return f, err
			}
			defer func() { err = errors.Join(err, j.Close()) }()
		}
	}
	if _, err := held.Exec(ctx, "begin isolation level repeatable read"); err != nil {
		return f, err
	}
	if _, err := held.Exec(ctx, "select from flowtrux.pending"); err != nil { // takes the snapshot
		return f, err
	}
	for side := range accepting {
		for range backlog {
			if err := acceptRound(ctx, accepting[side]); err != nil {
				return f, err
			}
		}
	}
	end := time.Now().Add(time.Duration(o.minutes) * time.Minute)
	for n := 0; n < 5 || time.Now().Before(end); n++ {
		if err := f.measure(n, func(side int) (float64, error) {
			return claims(ctx, accepting[side], claiming[side])
		}); err != nil {
			return f, err
		}
	}
	_, err = held.Exec(ctx, "commit")
	return f, err
}

// claims returns how many executions a second workers claim and end.
func claims(ctx context.Context, accepting, claiming *postgres.Journal) (float64, error) {
	if err := acceptRound(ctx, accepting); err != nil {
		return 0, err
	}
	began := time.Now()
	err := spread(ctx, func(ctx context.Context) error {
		l, err := claiming.Claim(ctx)
		if err != nil {
			return err
		}
		r := new(journal.Record)
		r.Status, r.Mode, r.StartedAt, r.EndedAt = journal.Succeeded, "minimal", began.UTC(), time.Now().UTC()
		return l.Finish(ctx, r)
	})
	return claimsOfRound / time.Since(began).Seconds(), err
}

// acceptRound accepts what a round claims.
func acceptRound(ctx context.Context, j *postgres.Journal) error {
	return spread(ctx, func(ctx context.Context) error { return j.Accept(ctx, newEntry()) })
}

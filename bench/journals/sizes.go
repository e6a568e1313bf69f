package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/bench/meter"
	"github.com/flowtrux/edge/internal/pgtest"
)

// costs are what executions of minimal with a body of 1 KB have used, from their acceptance to
// their end.
type costs struct {
	executions     int
	edge, database time.Duration // user and system time
	stored, log    int64         // bytes of tables and indexes, and of the write-ahead log
}

// sizes measures one server and one database.
func sizes(ctx context.Context, o options) (_ printer, err error) {
	dir, err := os.MkdirTemp("", "journals-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	database, err := pgtest.Start()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, database.Stop()) }()
	cluster, stop, err := startCluster(ctx, filepath.Join(dir, "cluster"))
	if err != nil {
		return nil, err
	}
	defer stop()
	s, err := startServer(ctx, o.caddy, filepath.Join(dir, "edge"), fmt.Sprintf("postgres %q", database.Connection()), cluster)
	if err != nil {
		return nil, err
	}
	defer s.Kill()
	c, err := pgx.Connect(ctx, database.Connection())
	if err != nil {
		return nil, err
	}
	defer c.Close(context.WithoutCancel(ctx))
	if _, err := perExecution(ctx, s, o.executions/4+1); err != nil { // warms up
		return nil, s.WithLog(err)
	}
	before, err := readCosts(ctx, c, s.PID())
	if err != nil {
		return nil, err
	}
	if _, err := perExecution(ctx, s, o.executions); err != nil {
		return nil, s.WithLog(err)
	}
	after, err := readCosts(ctx, c, s.PID())
	return costs{
		o.executions, after.edge - before.edge, after.database - before.database, after.stored - before.stored, after.log - before.log,
	}, err
}

// readCosts reads what a server and its database have used since they were started.
func readCosts(ctx context.Context, c *pgx.Conn, server int) (now costs, err error) {
	var postmaster string
	// What is written behind belongs to it.
	if _, err := c.Exec(ctx, "checkpoint"); err != nil {
		return now, err
	}
	if err := c.QueryRow(ctx, `select split_part(pg_read_file('postmaster.pid'), chr(10), 1), pg_current_wal_lsn() - '0/0'::pg_lsn,
		(select sum(pg_total_relation_size(oid)) from pg_class where relnamespace = 'flowtrux'::regnamespace and relkind = 'r')`).
		Scan(&postmaster, &now.log, &now.stored); err != nil {
		return now, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(postmaster))
	if err != nil {
		return now, err
	}
	if now.database, err = meter.FamilyCPU(pid); err != nil {
		return now, err
	}
	now.edge, err = meter.CPU(server)
	return now, err
}

// lines have what is used, how much of it by an execution, and how many executions it carries.
func (c costs) lines() [][3]string {
	n := float64(c.executions)
	core := func(what string, used time.Duration) [3]string {
		return [3]string{what, fmt.Sprintf("%.0f µs", used.Seconds()*1e6/n), fmt.Sprintf("%.0f executions a second", n/used.Seconds())}
	}
	gigabyte := func(what string, bytes int64) [3]string {
		return [3]string{what, fmt.Sprintf("%.0f bytes", float64(bytes)/n), fmt.Sprintf("%.0f executions", 1e9/(float64(bytes)/n))}
	}
	return [][3]string{
		core("a core of an edge", c.edge), core("a core of the database", c.database),
		gigabyte("a GB of tables", c.stored), gigabyte("a GB of write-ahead log", c.log),
	}
}

func (c costs) rows(to io.Writer) error {
	for _, line := range c.lines() {
		if _, err := fmt.Fprintf(to, "%s carries %s\t\t\t%s\ttrue\n", line[0], line[2], line[1]); err != nil {
			return err
		}
	}
	return nil
}

func (c costs) print(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "what\tof each execution\tcarries")
	for _, line := range c.lines() {
		fmt.Fprintln(w, strings.Join(line[:], "\t"))
	}
	return w.Flush()
}

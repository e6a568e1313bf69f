//go:build unix

package main

import (
	"errors"
	"fmt"

	"github.com/flowtrux/edge/internal/netproxy"
	"github.com/flowtrux/edge/internal/pgtest"
)

// database is a PostgreSQL server and its synchronous standby. Edges reach each through a proxy, at
// addresses that stay the same when servers change, and look for the one that takes writes.
type database struct {
	primary, standby *pgtest.Server // nil = there is none
	hosts            [2]*netproxy.Proxy
	at               int // the host of the primary
	names            int // of standbys so far
}

// startDatabase starts both servers.
func startDatabase() (_ *database, err error) {
	d := new(database)
	defer func() {
		if err != nil {
			err = errors.Join(err, d.stop())
		}
	}()
	for i := range d.hosts {
		if d.hosts[i], err = netproxy.Start(""); err != nil {
			return d, err
		}
	}
	if d.primary, err = pgtest.Start("max_connections=200"); err != nil {
		return d, err
	}
	d.hosts[d.at].Redirect(address(d.primary))
	return d, d.replicate()
}

func address(s *pgtest.Server) string { return fmt.Sprintf("127.0.0.1:%d", s.Port) }

// replicate starts a standby. When it returns, each commit waits for it.
func (d *database) replicate() (err error) {
	d.names++
	name := fmt.Sprintf("standby_%d", d.names)
	if d.standby, err = d.primary.Standby(name); err != nil {
		return fmt.Errorf("starting a standby: %w", err)
	}
	d.hosts[1-d.at].Redirect(address(d.standby))
	return d.primary.Replicate(name)
}

// kill ends the primary as a crash does.
func (d *database) kill() error {
	d.hosts[d.at].Redirect("")
	err := errors.Join(d.primary.Kill(), d.primary.Stop())
	d.primary = nil
	return err
}

// promote makes the standby the primary, which has no standby then.
func (d *database) promote() error {
	if err := errors.Join(d.standby.Replicate(""), d.standby.Promote()); err != nil {
		return fmt.Errorf("promoting the standby: %w", err)
	}
	d.primary, d.standby, d.at = d.standby, nil, 1-d.at
	return nil
}

// cut separates all clients from both servers until reconnect is called.
func (d *database) cut() (reconnect func()) {
	first, second := d.hosts[0].Cut(), d.hosts[1].Cut()
	return func() {
		first()
		second()
	}
}

// url returns the connection string.
func (d *database) url() string {
	return fmt.Sprintf("postgres://%s@%s,%s/postgres?sslmode=disable", pgtest.User, d.hosts[0].Address, d.hosts[1].Address)
}

// stop ends what was started. The standby is first, so that it does not look for the primary.
func (d *database) stop() (err error) {
	for _, s := range []*pgtest.Server{d.standby, d.primary} {
		if s != nil {
			err = errors.Join(err, s.Stop())
		}
	}
	for _, p := range d.hosts {
		if p != nil {
			p.Close()
		}
	}
	return err
}

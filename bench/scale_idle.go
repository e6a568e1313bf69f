package main

import (
	"context"
	"fmt"
	"net"
	"time"
)

// idleConnections is the number of connections that are kept alive beside the load.
const idleConnections = 1000

// measureIdle measures a server with many connections on which nothing happens.
func measureIdle(ctx context.Context, b *bench) (table, error) {
	servers, stop, err := b.serve(ctx, threeRequest, edgeSite("no idle connections", threeSeed, ""),
		edgeSite(fmt.Sprintf("%d idle connections", idleConnections), threeSeed, ""))
	defer stop()
	if err != nil {
		return table{}, err
	}
	targets := make([]target, len(servers))
	for i, v := range servers {
		targets[i] = target{v.name, v, threeLoad}
	}
	held := idle{text: rawRequest(servers[1].address.String(), threeRequest), request: threeRequest}
	defer held.close()
	if err := held.open(ctx, servers[1]); err != nil {
		return table{}, servers[1].failed(err)
	}
	all, err := b.scaleRounds(ctx, targets)
	if err != nil {
		return table{}, err
	}
	if err := held.ask(); err != nil { // none was closed meanwhile
		return table{}, servers[1].failed(err)
	}
	return idleTable(targets, all), nil
}

// idleTable makes a table from the rounds without idle connections and those with them.
func idleTable(targets []target, all [][]round) table {
	t := table{
		title: "Idle connections beside the load, which had a response and are kept alive",
		head:  []string{"connections", "requests/s", "of none", "CPU µs/request", "of none", "p99 ms", "of none", "resident MiB"},
		marks: []mark{{growthIdle, ratios(all[1], all[0], cpuTime), fmt.Sprintf("%s of %s µs; requests/s %s",
			micros(medianOf(all[1], cpuTime)), micros(medianOf(all[0], cpuTime)), times(ratios(all[1], all[0], rate)))}},
	}
	for i, rounds := range all {
		t.add(targets[i].name, number(medianOf(rounds, rate)), times(ratios(rounds, all[0], rate)), micros(medianOf(rounds, cpuTime)), times(ratios(rounds, all[0], cpuTime)),
			millis(medianOf(rounds, almostWorst)), times(ratios(rounds, all[0], almostWorst)), mebibytes(mostMemory(rounds).Resident))
	}
	return t
}

// idle holds connections that are kept alive.
type idle struct {
	text        []byte // of a request
	request     request
	connections []net.Conn
}

// open opens the connections and gets a response on each of them.
func (h *idle) open(ctx context.Context, v *server) error {
	var d net.Dialer
	for range idleConnections {
		c, err := d.DialContext(ctx, "tcp", v.address.String())
		if err != nil {
			return fmt.Errorf("opening idle connections: %w", err)
		}
		h.connections = append(h.connections, c)
	}
	return h.ask()
}

// ask sends a request over each connection and checks the responses.
func (h *idle) ask() error {
	for i, c := range h.connections {
		if err := h.askOne(c); err != nil {
			return fmt.Errorf("idle connection %d of %d: %w", i+1, len(h.connections), err)
		}
	}
	return nil
}

func (h *idle) askOne(c net.Conn) error {
	if err := c.SetDeadline(time.Now().Add(openTimeout)); err != nil {
		return err
	}
	if _, err := c.Write(h.text); err != nil {
		return err
	}
	for r := newResponse(); ; {
		n, err := c.Read(r.room())
		if err != nil {
			return err
		}
		switch whole, err := r.add(n); {
		case err != nil:
			return err
		case whole:
			return r.check(h.request)
		}
	}
}

func (h *idle) close() {
	for _, c := range h.connections {
		_ = c.Close()
	}
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"time"
)

// attack runs beside normal traffic until ctx is done.
type attack struct {
	name string
	run  func(ctx context.Context, address string) (attacked, error)
}

// attacked holds the results of the calls made in an attack.
type attacked struct {
	took  []time.Duration
	codes map[string]int // number of calls by the code of the node's error
}

// The first entries of attacks, which the others are compared with.
const (
	alone = iota
	lostCore
)

// attackNodes are nodes that never return, by the id of their workflow.
var attackNodes = []struct{ id, name, node, config string }{
	{"loop", "a module in a loop", "loop", `{}`},
	{"code-loop", "code in a loop", "code", source(`for (;;);`)},
	{"code-pattern", "code with a pattern that backtracks", "code", source(`return /^(a+)+$/.test("a".repeat(64) + "b");`)},
	{"code-memory", "code that fills its memory", "code", source(`const all = []; for (;;) all.push(new Uint8Array(65536).fill(1));`)},
}

// source returns the config of a node of type code.
func source(text string) string {
	config, err := json.Marshal(map[string]string{"source": text})
	if err != nil {
		panic(err) // every string can be encoded
	}
	return string(config)
}

func attacks() []attack {
	all := []attack{alone: {"alone", nothing}, lostCore: {"beside another process in a loop", spin}}
	for _, n := range attackNodes {
		all = append(all, attack{"beside " + n.name, func(ctx context.Context, address string) (attacked, error) {
			return callAlways(ctx, address, "/api/webhooks/"+n.id)
		}})
	}
	return all
}

// nothing attacks nothing: normal traffic runs alone.
func nothing(context.Context, string) (attacked, error) { return attacked{}, nil }

// spin runs a process that uses a core. A limit of CPU time ends it after a few minutes if this
// process dies.
func spin(ctx context.Context, _ string) (attacked, error) {
	err := exec.CommandContext(ctx, "sh", "-c", "ulimit -t 200; while :; do :; done").Run()
	if ctx.Err() == nil {
		return attacked{}, fmt.Errorf("the process in a loop has exited: %w", err)
	}
	return attacked{}, nil // it was killed
}

// callAlways calls a workflow that responds with the code of an error, one call after the other
// until ctx is done.
func callAlways(ctx context.Context, address, path string) (a attacked, err error) {
	c, err := dial(ctx, address)
	if err != nil {
		return a, err
	}
	defer c.Close()
	text := rawRequest(address, request{path: path, body: []byte(`{}`)})
	a.codes = make(map[string]int)
	for ctx.Err() == nil {
		sent := time.Now()
		body, err := c.body(text, http.StatusCreated)
		if err != nil {
			return a, fmt.Errorf("calling %s: %w", path, err)
		}
		a.took = append(a.took, time.Since(sent))
		var code string
		if err := json.Unmarshal(body, &code); err != nil || code == "" {
			return a, fmt.Errorf("the response to the call of %s was %s", path, body)
		}
		a.codes[code]++
	}
	return a, nil
}

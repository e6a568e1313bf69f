package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"time"
)

// attack runs beside normal traffic until ctx is done.
type attack struct {
	name string
	run  func(context.Context, *server) (attacked, error)
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
		all = append(all, attack{"beside " + n.name, func(ctx context.Context, v *server) (attacked, error) {
			return callAlways(ctx, v, "/api/webhooks/"+n.id)
		}})
	}
	return all
}

// nothing attacks nothing: normal traffic runs alone.
func nothing(context.Context, *server) (attacked, error) { return attacked{}, nil }

// spin runs a process that uses a core. A limit of CPU time ends it after a few minutes if this
// process dies.
func spin(ctx context.Context, _ *server) (attacked, error) {
	err := exec.CommandContext(ctx, "sh", "-c", "ulimit -t 200; while :; do :; done").Run()
	if ctx.Err() == nil {
		return attacked{}, fmt.Errorf("the process in a loop has exited: %w", err)
	}
	return attacked{}, nil // it was killed
}

// callAlways calls a workflow that responds with the code of an error, one call after the other
// until ctx is done.
func callAlways(ctx context.Context, v *server, path string) (a attacked, err error) {
	a.codes = make(map[string]int)
	for ctx.Err() == nil {
		sent := time.Now()
		// The last call ends by itself, so that it counts.
		code, err := v.failingCall(context.WithoutCancel(ctx), path)
		if err != nil {
			return a, fmt.Errorf("calling %s: %w", path, err)
		}
		a.took = append(a.took, time.Since(sent))
		a.codes[code]++
	}
	return a, nil
}

// failingCall calls a workflow and returns the code that it responds with.
func (v *server) failingCall(ctx context.Context, path string) (code string, err error) {
	resp, err := v.send(ctx, path, []byte(`{}`))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && (json.Unmarshal(body, &code) != nil || code == "" || resp.StatusCode != http.StatusCreated) {
		err = fmt.Errorf("HTTP %d and no code: %s", resp.StatusCode, body)
	}
	return code, err
}

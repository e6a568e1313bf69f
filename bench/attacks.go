package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"time"
)

// attack is what goes on beside normal traffic until ctx ends.
type attack struct {
	name string
	run  func(ctx context.Context, address string) (attacked, error)
}

// attacked is what calls that were made in an attack came to.
type attacked struct {
	took    []time.Duration
	answers map[string]int // by the code of the node's error
}

// The first attacks, which the others are compared with.
const (
	alone = iota
	lostCore
)

// attackNodes are nodes that do not end by themselves, in workflows of these ids.
var attackNodes = []struct{ id, name, node, config string }{
	{"loop", "a module in a loop", "loop", `{}`},
	{"code-loop", "code in a loop", "code", source(`for (;;);`)},
	{"code-pattern", "code with a pattern that backtracks", "code", source(`return /^(a+)+$/.test("a".repeat(64) + "b");`)},
	{"code-memory", "code that fills its memory", "code", source(`const all = []; for (;;) all.push(new Uint8Array(65536).fill(1));`)},
}

// source is the config of a node code.
func source(text string) string {
	config, err := json.Marshal(map[string]string{"source": text})
	if err != nil {
		panic(err) // there is no string that cannot be encoded
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

// nothing is how normal traffic is alone.
func nothing(context.Context, string) (attacked, error) { return attacked{}, nil }

// spin is a process that takes a core. It takes no more than a few minutes of it, should nobody be
// left to end it.
func spin(ctx context.Context, _ string) (attacked, error) {
	err := exec.CommandContext(ctx, "sh", "-c", "ulimit -t 200; while :; do :; done").Run()
	if ctx.Err() == nil {
		return attacked{}, fmt.Errorf("the process in a loop has ended: %w", err)
	}
	return attacked{}, nil // it was ended
}

// callAlways makes calls of a workflow that answers with the code of an error, one after the other
// until ctx ends.
func callAlways(ctx context.Context, address, path string) (a attacked, err error) {
	c, err := dial(ctx, address)
	if err != nil {
		return a, err
	}
	defer c.Close()
	text := rawRequest(address, request{path: path, body: []byte(`{}`)})
	a.answers = make(map[string]int)
	for ctx.Err() == nil {
		sent := time.Now()
		answer, err := c.answer(text, http.StatusCreated)
		if err != nil {
			return a, fmt.Errorf("the call of %s: %w", path, err)
		}
		a.took = append(a.took, time.Since(sent))
		var code string
		if err := json.Unmarshal(answer, &code); err != nil || code == "" {
			return a, fmt.Errorf("the call of %s was answered with %s", path, answer)
		}
		a.answers[code]++
	}
	return a, nil
}

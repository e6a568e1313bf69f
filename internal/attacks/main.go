// Command attacks tries to take a server away from its other users. It acts as a peer on the
// network, a sender with a valid secret, a workflow author, a node author and a bad disk. Each
// attack starts its own server on loopback, measures the effect on others, and compares it with the
// bound in SECURITY.md. The exit status is 1 if a bound was not held.
//
//	go run ./internal/attacks -caddy bin/caddy [attack...]
//
// It needs Linux. The bounds on time assume an otherwise idle machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// limit is the maximum duration of one attack.
const limit = 5 * time.Minute

// attack is one way to take the server away from its other users.
type attack struct {
	name string
	by   string // the attacker's role
	run  func(context.Context, *scene) error
}

var all = []attack{
	{"silent-bodies", "peer on the network", silentBodies},
	{"fields-behind-items", "sender", fieldsBehindItems},
	{"many-templates", "sender", manyTemplates},
	{"heavy-record", "sender", heavyRecord},
	{"kept-responses", "sender", keptResponses},
	{"accepted-queue", "sender", acceptedQueue},
	{"all-shares", "sender", allShares},
	{"foreach-memory", "sender", forEachMemory},
	{"slow-document", "workflow author", slowDocument},
	{"image-memory", "workflow author", imageMemory},
	{"misplaced-secret", "workflow author", misplacedSecret},
	{"compile-bombs", "node author", compileBombs},
	{"host-calls", "node author", hostCalls},
	{"recursion", "node author", recursion},
	{"damaged-journal", "bad disk", damagedJournal},
}

func main() {
	caddy := flag.String("caddy", "bin/caddy", "the server to attack (make build)")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: attacks [-caddy file] [attack...]\nThe attacks, all of them by default, and the role that each needs:")
		for _, a := range all {
			fmt.Fprintf(flag.CommandLine.Output(), "  %-20s %s\n", a.name, a.by)
		}
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *caddy, flag.Args(), os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "attacks:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, caddy string, names []string, out io.Writer) error {
	if runtime.GOOS != "linux" {
		return errors.New("it needs Linux: it reads the memory of servers from /proc")
	}
	for _, name := range names {
		if !slices.ContainsFunc(all, func(a attack) bool { return a.name == name }) {
			return fmt.Errorf("unknown attack %q; -h lists the attacks", name)
		}
	}
	dir, err := os.MkdirTemp("", "attacks-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var broken []string
	for _, a := range all {
		if len(names) > 0 && !slices.Contains(names, a.name) {
			continue
		}
		began := time.Now()
		s, err := newScene(dir, a.name, caddy)
		if err == nil {
			err = a.against(ctx, s)
		}
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		fmt.Fprintf(out, "%s (%s, %.0f s)\n", a.name, a.by, time.Since(began).Seconds())
		s.print(out)
		if err != nil {
			fmt.Fprintf(out, "  could not be measured: %v\n", err)
		}
		if err != nil || !s.held() {
			broken = append(broken, a.name)
		}
	}
	if len(broken) > 0 {
		return fmt.Errorf("bounds not held: %s", strings.Join(broken, ", "))
	}
	fmt.Fprintln(out, "all bounds held")
	return nil
}

// against runs the attack and stops the servers that it started.
func (a attack) against(ctx context.Context, s *scene) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not finished within %s", limit))
	defer cancel()
	defer s.end()
	return a.run(ctx, s)
}

// figure is one measurement.
type figure struct {
	what, value, bound string
	held               bool
}

// print writes a line for each figure: whether it is within its bound, the value, the bound and the
// description. The description comes last because it may be long.
func (s *scene) print(out io.Writer) {
	for _, f := range s.figures {
		verdict := "held"
		if !f.held {
			verdict = "BROKEN"
		}
		fmt.Fprintf(out, "  %-6s  %20s  %-18s  %s\n", verdict, f.value, f.bound, f.what)
	}
}

func (s *scene) held() bool {
	return len(s.figures) > 0 && !slices.ContainsFunc(s.figures, func(f figure) bool { return !f.held })
}

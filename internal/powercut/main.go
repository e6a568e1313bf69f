// Command powercut cuts the power under a Caddy server that accepts executions, and fills its disk.
// Every acknowledged execution has to be there afterwards.
//
// The disk is an ext4 file system in a file, on a loop device. The power is cut by the ioctl that
// shuts ext4 down without flushing its log: from then on nothing reaches the device, as if the
// machine had lost its power. Each time, a file that was not synced must lose its content;
// otherwise the cut has proved nothing.
//
//	go run ./internal/powercut -caddy bin/caddy [-rounds 3] [-accept 10000]
//
// It needs Linux, root, loop devices and mkfs.ext4. It works in a mount namespace of its own, so
// that the mount and the loop device disappear with the processes, however they end.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options are the command's flags.
type options struct {
	caddy  string
	rounds int
	accept int
}

// limit is the time limit of the whole run.
const limit = 15 * time.Minute

func main() {
	var o options
	flag.StringVar(&o.caddy, "caddy", "bin/caddy", "the Caddy binary to test, with this module")
	flag.IntVar(&o.rounds, "rounds", 3, "how often to cut the power")
	flag.IntVar(&o.accept, "accept", 10_000, "the least number of executions to accept before each cut")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not finished within %s", limit))
	err := apart(ctx, o)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "powercut:", err)
		os.Exit(1)
	}
}

// Command powercut cuts the power under a Caddy that accepts executions, and fills its disk. What
// it has acknowledged has to be there afterwards.
//
// The disk is an ext4 file system in a file, on a loop device. The cut is its ioctl for shutdowns
// without a flush of its log: from then on nothing reaches the device, as if the machine had lost
// its power. Each time a file that nobody has synced must lose its content; otherwise the cut has
// shown nothing.
//
//	go run ./internal/powercut -caddy bin/caddy [-rounds 3] [-accept 10000]
//
// It needs Linux, root, loop devices and mkfs.ext4. All of it happens in a mount namespace of its
// own, so that the mount and the loop device are gone with the processes, however they end.
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

// limit bounds all of it.
const limit = 15 * time.Minute

func main() {
	var o options
	flag.StringVar(&o.caddy, "caddy", "bin/caddy", "the Caddy to try, with this module")
	flag.IntVar(&o.rounds, "rounds", 3, "how often the power is cut")
	flag.IntVar(&o.accept, "accept", 10_000, "how many executions are accepted before each cut, at least")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it has not ended within %s", limit))
	err := apart(ctx, o)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "powercut:", err)
		os.Exit(1)
	}
}

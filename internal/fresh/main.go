// Command fresh tries the repository on a bare machine: a minimal Debian 12 in a temporary
// directory, with Go, make and ca-certificates. It clones the last commit there and follows
// README.md and the quickstarts:
//
//	make run        with its webhooks, and one more from outside
//	make test
//	make examples   a first node in each language
//
// Go is a copy of the GOROOT that runs the command. The mirror, the keyring, proxies, certificates,
// GOPROXY and npm's settings are the host's. The network is the host's too: ports 8080 and 2019
// must be free.
//
//	go run ./internal/fresh [-steps run,test,examples] [-keep]
//
// It needs Linux, root and debootstrap. Processes and mounts are in their own namespaces, so that
// they end with the command.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options are the command's flags.
type options struct {
	steps  []string // the steps to run; they run in the order of all steps
	suite  string
	mirror string
	keep   bool
}

// limit is the maximum duration of the command.
const limit = 90 * time.Minute

func main() {
	var o options
	list := flag.String("steps", strings.Join(names(), ","), "the steps to run")
	flag.StringVar(&o.suite, "suite", "bookworm", "the release of Debian")
	flag.StringVar(&o.mirror, "mirror", "", "the mirror for Debian's packages (default: the one that this machine uses)")
	flag.BoolVar(&o.keep, "keep", false, "keep the folder for inspection with chroot")
	flag.Parse()
	o.steps = strings.Split(*list, ",")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not finished within %s", limit))
	err := try(ctx, o)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fresh:", err)
		os.Exit(1)
	}
}

// Command fresh tries the repository on a machine that has nothing: a minimal Debian 12 in a
// temporary folder with Go, make and ca-certificates, into which the last commit is cloned. There
// it does what README.md and the quickstarts tell:
//
//	make run        with its webhooks, and one more from outside
//	make test
//	make examples   a first node in each language
//
// Go is the GOROOT that runs it, copied. The mirror, the keyring, proxies, certificates, GOPROXY
// and npm's settings are the host's. The network is the host's too: ports 8080 and 2019 have to be
// free.
//
//	go run ./internal/fresh [-steps run,test,examples] [-keep]
//
// It needs Linux, root and debootstrap. Processes and mounts are in namespaces of their own, so
// that they end with it.
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
	steps  []string // of all, in their order
	suite  string
	mirror string
	keep   bool
}

// limit bounds all of it.
const limit = 90 * time.Minute

func main() {
	var o options
	list := flag.String("steps", strings.Join(names(), ","), "what is tried")
	flag.StringVar(&o.suite, "suite", "bookworm", "the release of Debian")
	flag.StringVar(&o.mirror, "mirror", "", "where Debian's packages come from (default: what this machine uses)")
	flag.BoolVar(&o.keep, "keep", false, "keep the folder, to look around with chroot")
	flag.Parse()
	o.steps = strings.Split(*list, ",")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it has not ended within %s", limit))
	err := try(ctx, o)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fresh:", err)
		os.Exit(1)
	}
}

// Command journals compares the journal that machines share, in a PostgreSQL database, with one in
// a file on the same disk. Both take turns in one run, so that other load on the machine affects
// both. It starts the PostgreSQL of the system, with its defaults; nothing about durability is
// changed on either side.
//
//	go -C bench run ./journals accept [-rounds 10] [-seconds 3]
//	go -C bench run ./journals execution [-rounds 10] [-executions 20000] [-caddy ../bin/caddy]
//	go -C bench run ./journals snapshot [-minutes 10]
//	go -C bench run ./journals sizes [-executions 20000] [-caddy ../bin/caddy]
//
// With -rows, each prints the rows that make fleet-test shows instead.
//
// accept is what 32 writers accept a second, of the file's. execution is the user and system time
// of the process of a server, from the acceptance of a webhook to the end of its execution. It
// needs a binary, and the etcd of the system. snapshot is what 32 workers claim and end a second
// beside a transaction that was begun before the first of them, of the same without it.
//
// Each of these prints a row for the ratio of the two: the median of the rounds, and its 90 %
// confidence interval. If that is wider than the distance from what is wanted, use more rounds.
//
// sizes is for those who plan machines: how many executions a core of an edge, a core of the
// database and a gigabyte of its disk carry. It compares nothing.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

type options struct {
	rounds, seconds, executions, minutes int
	caddy                                string
	rows                                 bool
}

// printer is what was measured. rows have what it is, its baseline, its bound, the result and
// whether the bound is reached, with tabs between them.
type printer interface {
	print(to io.Writer) error
	rows(to io.Writer) error
}

func comparing(measure func(context.Context, options) (figures, error)) func(context.Context, options) (printer, error) {
	return func(ctx context.Context, o options) (printer, error) {
		f, err := measure(ctx, o)
		return &f, err
	}
}

func main() {
	var o options
	flags := flag.NewFlagSet("journals", flag.ExitOnError)
	flags.IntVar(&o.rounds, "rounds", 10, "number of pairs of rounds, at least 5")
	flags.IntVar(&o.seconds, "seconds", 3, "seconds of each round of accept")
	flags.IntVar(&o.executions, "executions", 20_000, "executions of each round of execution, and of sizes")
	flags.IntVar(&o.minutes, "minutes", 10, "minutes that the transaction of snapshot is open")
	flags.StringVar(&o.caddy, "caddy", "../bin/caddy", "the `binary` of execution and sizes")
	flags.BoolVar(&o.rows, "rows", false, "print rows for make fleet-test")
	measures := map[string]func(context.Context, options) (printer, error){
		"accept": comparing(accept), "execution": comparing(execution), "snapshot": comparing(snapshot), "sizes": sizes,
	}
	if len(os.Args) < 2 || measures[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: journals accept|execution|snapshot|sizes [flags]")
		flags.PrintDefaults()
		os.Exit(2)
	}
	_ = flags.Parse(os.Args[2:]) // it exits
	if o.rounds < 5 || o.seconds < 1 || o.executions < 1 || o.minutes < 1 {
		fmt.Fprintln(os.Stderr, "journals: -rounds is at least 5, the others at least 1")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	f, err := measures[os.Args[1]](ctx, o)
	stop()
	switch {
	case err != nil:
	case o.rows:
		err = f.rows(os.Stdout)
	default:
		err = f.print(os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "journals:", err)
		os.Exit(1)
	}
}

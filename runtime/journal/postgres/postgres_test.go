//go:build unix

package postgres

import (
	"fmt"
	"hash/fnv"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/flowtrux/edge/internal/pgtest"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/journaltest"
)

// connectionIn is the variable with the connection string, for processes that tests start.
const connectionIn = "FLOWTRUX_TEST_POSTGRES"

func TestMain(m *testing.M) {
	if os.Getenv(connectionIn) != "" {
		os.Exit(m.Run())
	}
	server, err := pgtest.Start("synchronous_commit=off", "checkpoint_timeout=30min")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := os.Setenv(connectionIn, server.Connection()); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// optionsIn returns options of a journal whose schema belongs to a directory.
func optionsIn(dir string) Options {
	h := fnv.New64a()
	h.Write([]byte(dir))
	return Options{
		Connection: os.Getenv(connectionIn), Schema: fmt.Sprintf("test_%x", h.Sum64()), Machine: "test", Lease: 5 * time.Second,
	}
}

func TestSuite(t *testing.T) {
	journaltest.Run(t, journaltest.Engine{
		At: func(dir string, maxPending int) journal.Journal {
			o := optionsIn(dir)
			o.MaxPending = maxPending
			return New(o)
		},
		Bounded: func(dir string, bytes int64) journal.Journal {
			o := optionsIn(dir)
			o.MaxBytes = bytes
			return New(o)
		},
		Durability: journal.Disk,
	})
}

//go:build unix

package postgres

import (
	"fmt"
	"hash/fnv"
	"os"
	"sync"
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
		Connection: os.Getenv(connectionIn), Schema: fmt.Sprintf("test_%x", h.Sum64()), Machine: "test", Lease: 2 * time.Second,
	}
}

// directories has a directory for each running test that has asked for options.
var directories sync.Map

// optionsOf returns options of the journals of a test. All have one schema, which is new in each
// run of the test.
func optionsOf(t *testing.T) Options {
	dir, known := directories.Load(t)
	if !known {
		dir = t.TempDir()
		directories.Store(t, dir)
		t.Cleanup(func() { directories.Delete(t) })
	}
	return optionsIn(dir.(string))
}

// engine returns the engine for the suite, with some options of its journals.
func engine(set func(*Options)) journaltest.Engine {
	at := func(dir string, and func(*Options)) journal.Journal {
		o := optionsIn(dir)
		set(&o)
		and(&o)
		return New(o)
	}
	return journaltest.Engine{
		At: func(dir string, maxPending int) journal.Journal {
			return at(dir, func(o *Options) { o.MaxPending = maxPending })
		},
		Bounded: func(dir string, bytes int64) journal.Journal {
			return at(dir, func(o *Options) { o.MaxBytes = bytes })
		},
		Durability: journal.Disk,
		Shared:     true,
	}
}

// TestSuite is the suite for processes of one machine: the next one knows that the one before has
// died.
func TestSuite(t *testing.T) {
	e := engine(func(o *Options) { o.Machine = "test" })
	e.Lease = 2 * time.Second // of those that are open already
	journaltest.Run(t, e)
}

//go:build unix

package postgres

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/journal/journaltest"
)

// pooledIn is the variable with the connection string of TestSuiteOfMachines, for processes that it
// starts.
const pooledIn = "FLOWTRUX_TEST_POOLED"

// TestSuiteOfMachines is the suite for processes of different machines, whose leases lapse. They
// are behind a pooler in transaction mode, with fewer connections to the server than each of them
// has to the pooler, so that each transaction may have another one.
func TestSuiteOfMachines(t *testing.T) {
	connection := os.Getenv(pooledIn)
	if connection == "" {
		b, err := server(t, "synchronous_commit=off").Bounce(3)
		must(t, "starting a pooler", err)
		t.Cleanup(func() { must(t, "stopping the pooler", b.Stop()) })
		connection = b.Connection()
		t.Setenv(pooledIn, connection)
	}
	const lease = time.Second
	e := engine(func(o *Options) {
		o.Connection, o.Machine, o.Lease = connection, "machine of "+strconv.Itoa(os.Getpid()), lease
	})
	e.Lease = lease
	journaltest.Run(t, e)
}

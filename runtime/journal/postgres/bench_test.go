//go:build unix

package postgres

import (
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/bbolt"
)

// BenchmarkAccept is what 32 writers accept, beside the journal in a file on the same disk.
func BenchmarkAccept(b *testing.B) {
	for _, engine := range engines {
		b.Run(engine.name, func(b *testing.B) {
			j := engine.open(b)
			spread(b, func(n int) error { return j.Accept(b.Context(), entryOf("order", n)) })
		})
	}
}

// BenchmarkRun is acceptance, claim and end of an execution without a checkpoint.
func BenchmarkRun(b *testing.B) {
	for _, engine := range engines {
		b.Run(engine.name, func(b *testing.B) { run(b, engine.open(b)) })
	}
}

// BenchmarkRunBesideSnapshot is the same beside a transaction that sees all that has died.
func BenchmarkRunBesideSnapshot(b *testing.B) {
	j := openBench(b).(*Journal)
	tx, err := j.pool.Begin(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if _, err := tx.Exec(b.Context(), "set transaction isolation level repeatable read"); err != nil {
		b.Fatal(err)
	}
	if _, err := tx.Exec(b.Context(), j.sql("select from {s}.pending", 0)); err != nil {
		b.Fatal(err)
	}
	defer tx.Rollback(b.Context())
	run(b, j)
}

const writers = 32

// engines are those that are compared.
var engines = []struct {
	name string
	open func(*testing.B) journal.Journal
}{
	{"postgres", openBench},
	{"bbolt", func(b *testing.B) journal.Journal {
		return opened(b, bbolt.New(filepath.Join(b.TempDir(), "journal.db"), bbolt.Limits{MinFree: 1, MaxPending: 1 << 30}, 0))
	}},
}

func openBench(b *testing.B) journal.Journal {
	o := optionsIn(b.TempDir())
	o.MaxPending, o.Lease = 1<<30, time.Minute
	return opened(b, New(o))
}

func opened(b *testing.B, j journal.Journal) journal.Journal {
	if err := j.Open(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := j.Close(); err != nil {
			b.Error(err)
		}
	})
	return j
}

// spread does b.N operations in 32 goroutines.
func spread(b *testing.B, do func(n int) error) {
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	before := cpu(b)
	for range writers {
		all.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := do(int(n)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "/s")
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-us/op")
}

// cpu returns the time that processors have worked for this process, without the server's.
func cpu(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func run(b *testing.B, j journal.Journal) {
	done := new(journal.Record)
	done.Status = journal.Succeeded
	spread(b, func(n int) error {
		if err := j.Accept(b.Context(), entryOf("order", n)); err != nil {
			return err
		}
		l, err := j.Claim(b.Context())
		if err != nil {
			return err
		}
		return l.Finish(b.Context(), done)
	})
}

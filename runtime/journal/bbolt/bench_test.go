package bbolt

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// writers is the number of goroutines that write in the benchmarks.
const writers = 32

// together runs do b.N times on these goroutines.
func together(b *testing.B, do func(n int)) {
	b.ResetTimer()
	var next atomic.Int64
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				do(int(n))
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "executions/s")
}

func openBench(b *testing.B) *Journal {
	l := roomy
	l.MaxPending = 10_000_000
	j := New(b.TempDir()+"/journal.db", l, 0)
	if err := j.Open(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { j.Close() })
	return j
}

// BenchmarkBareCommit measures the disk and bbolt: one put of 1 KB each, committed in groups by one
// goroutine.
func BenchmarkBareCommit(b *testing.B) {
	db, err := bolt.Open(b.TempDir()+"/bare.db", 0o600, options(0))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	type put struct {
		key  []byte
		done chan error
	}
	value := entry(0, 1000).Data
	puts := make(chan put, maxBatch)
	go func() {
		for first := range puts {
			batch := []put{first}
			for len(batch) < maxBatch && len(puts) > 0 {
				batch = append(batch, <-puts)
			}
			err := db.Update(func(tx *bolt.Tx) error {
				bucket, err := tx.CreateBucketIfNotExists(bucketLive)
				if err != nil {
					return err
				}
				for _, p := range batch {
					if err := bucket.Put(p.key, value); err != nil {
						return err
					}
				}
				return nil
			})
			for _, p := range batch {
				p.done <- err
			}
		}
	}()
	together(b, func(n int) {
		p := put{fmt.Appendf(nil, "exec-%026d", n), make(chan error, 1)}
		puts <- p
		if err := <-p.done; err != nil {
			b.Error(err)
		}
	})
	close(puts)
}

func BenchmarkAccept(b *testing.B) {
	j := openBench(b)
	together(b, func(n int) {
		if err := j.Accept(b.Context(), entry(n, 1000)); err != nil {
			b.Error(err)
		}
	})
}

// BenchmarkExecution runs the whole life of an accepted execution: three writes.
func BenchmarkExecution(b *testing.B) {
	j := openBench(b)
	step := journal.Step{Node: "a", Output: entry(0, 300).Data}
	together(b, func(n int) {
		if err := j.Accept(b.Context(), entry(n, 1000)); err != nil {
			b.Error(err)
			return
		}
		l, err := j.Claim(b.Context())
		if err != nil {
			b.Error(err)
			return
		}
		r := new(journal.Record)
		r.Status = journal.Succeeded
		for _, err := range []error{l.Begin(b.Context()), l.Checkpoint(b.Context(), step), l.Finish(b.Context(), r)} {
			if err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkOpen opens a journal with 100,000 pending entries and claims the first.
func BenchmarkOpen(b *testing.B) {
	const pending = 100_000
	path := b.TempDir() + "/journal.db"
	l := roomy
	l.MaxPending = 2 * pending // of one workflow
	fill(b, New(path, l, 0), pending, func(j *Journal, e *journal.Entry) error { return j.Accept(b.Context(), e) })
	for b.Loop() {
		j := New(path, l, 0)
		if err := j.Open(b.Context()); err != nil {
			b.Fatal(err)
		}
		if _, err := j.Claim(b.Context()); err != nil {
			b.Fatal(err)
		}
		if s, err := j.Stats(b.Context()); err != nil || s.Pending != pending-1 || s.Running != 1 {
			b.Fatal(s, err)
		}
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// fill opens a journal, stores many things in it and closes it.
func fill(b *testing.B, j *Journal, many int, keep func(*Journal, *journal.Entry) error) {
	if err := j.Open(b.Context()); err != nil {
		b.Fatal(err)
	}
	var next atomic.Int64
	var all sync.WaitGroup
	base := time.Now().Add(-24 * time.Hour)
	for range writers * 8 {
		all.Go(func() {
			for n := next.Add(1); n <= int64(many); n = next.Add(1) {
				at := base.Add(time.Duration(n) * (24 * time.Hour / time.Duration(many)))
				if err := keep(j, entryAt(at, int(n), 1000)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkMillion lists and reads in a journal with a million records of a day.
func BenchmarkMillion(b *testing.B) {
	path := b.TempDir() + "/journal.db"
	l := roomy
	l.MaxBytes = 1 << 40
	fill(b, New(path, l, 0), 1_000_000, func(j *Journal, e *journal.Entry) error {
		r := new(journal.Record)
		r.ID, r.Workflow, r.Status, r.AcceptedAt = e.ID, e.Workflow, journal.Succeeded, e.AcceptedAt
		r.Nodes = []journal.NodeRecord{{ID: "a", State: "completed", Output: journal.Value{Text: string(e.Data[:300])}}}
		e.Data = e.Data[:200]
		return j.Put(b.Context(), journal.Ended{Record: r, Source: e})
	})
	opened := time.Now()
	j := New(path, l, 0)
	if err := j.Open(b.Context()); err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	b.Logf("opening took %v", time.Since(opened))
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			if p, err := j.List(b.Context(), journal.Query{}); err != nil || len(p.Rows) != 50 {
				b.Fatal(len(p.Rows), err)
			}
		}
	})
	b.Run("show", func(b *testing.B) {
		p, err := j.List(b.Context(), journal.Query{Limit: 1000})
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for b.Loop() {
			n++
			if _, err := j.Get(b.Context(), p.Rows[n%1000].ID); err != nil {
				b.Fatal(err)
			}
		}
	})
	var once sync.Once // there is one day
	b.Run("retire", func(b *testing.B) { once.Do(func() { dropOldest(b, j, l) }) })
}

// dropOldest shortens the retention to nothing and accepts meanwhile. It measures from the moment
// before the first hour is dropped: maintenance may take a second to begin.
func dropOldest(b *testing.B, j *Journal, l Limits) {
	full, err := j.Stats(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	l.Retention = time.Minute
	j.Configure(l)
	var began time.Time
	var slowest time.Duration
	accepted := 0
	for end := time.Now().Add(time.Minute); ; {
		now := time.Now()
		if now.After(end) {
			b.Fatal("the records stay")
		}
		if err := j.Accept(b.Context(), entry(int(now.UnixNano()), 100)); err != nil {
			b.Fatal(err)
		}
		s, err := j.Stats(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if s.Bytes > full.Bytes-10<<20 {
			began = now
			continue
		}
		accepted++
		slowest = max(slowest, time.Since(now))
		if s.Bytes < 100<<20 {
			break
		}
	}
	b.Logf("a day is gone within %v; %d were accepted meanwhile, the slowest in %v", time.Since(began), accepted, slowest)
}

package bbolt

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// errLooked ends an operation that only reads.
var errLooked = errors.New("looked")

// checkUsage compares the usage with the file, on the writing goroutine.
func checkUsage(t *testing.T, j *Journal) {
	t.Helper()
	o := &funcOp{do: func(tx *transaction) error {
		want, err := readUsage(tx.Tx)
		if err != nil {
			t.Error(err)
		}
		if got := tx.usage; !reflect.DeepEqual(got, want) {
			for name := range want.byWorkflow {
				t.Errorf("usage of %s: %+v, in the file %+v", name, got.of(name), want.of(name))
			}
			t.Fatalf("responses %d, in the file %d; workflows %d, %d; documents %d, %d", got.responses, want.responses,
				len(got.byWorkflow), len(want.byWorkflow), len(got.documents), len(want.documents))
		}
		return errLooked
	}}
	if err := j.do(t.Context(), o); !errors.Is(err, errLooked) {
		t.Fatal(err)
	}
}

// checkFileSize checks that the file is not larger than its limit.
func checkFileSize(t *testing.T, j *Journal) {
	t.Helper()
	info, err := os.Stat(j.path)
	if err != nil {
		t.Fatal(err)
	}
	if most := j.limits.Load().MaxBytes; info.Size() > most {
		t.Errorf("the file has %d bytes, it may have %d", info.Size(), most)
	}
}

// chaos uses a journal as a server does, at random.
type chaos struct {
	*testing.T
	*rand.Rand
	j      *Journal
	n      int
	leases []journal.Lease
	held   []journal.Reservation
	full   int
}

// text returns a text of random length; most are short.
func (c *chaos) text() []byte {
	sizes := []int{10, 100, 1000, 3000, 4095, 4096, 4100, 20_000, 100_000}
	return bytes.Repeat([]byte{'x'}, sizes[c.IntN(len(sizes))])
}

func (c *chaos) entry() *journal.Entry {
	c.n++
	e := entryAt(time.Now().Add(-time.Duration(c.IntN(3))*time.Hour), c.n, 0)
	e.Workflow, e.Data = fmt.Sprint("w", c.IntN(4)), c.text()
	e.Document = bytes.Repeat([]byte{'d'}, 10+3000*c.IntN(3))
	return e
}

func (c *chaos) reservation() journal.Reservation {
	e := c.entry()
	until := time.Now().Add(time.Hour)
	if c.IntN(5) == 0 {
		until = time.Now()
	}
	k := journal.Key{Text: fmt.Sprint("k", c.IntN(200)), Until: until}
	return journal.Reservation{ID: e.ID, Workflow: e.Workflow, Key: k}
}

// check accepts the errors that a journal may return.
func (c *chaos) check(doing string, err error) bool {
	c.Helper()
	var d *journal.DuplicateError
	switch {
	case err == nil:
		return true
	case errors.Is(err, journal.ErrFull):
		c.full++
	case errors.As(err, &d), errors.Is(err, journal.ErrKeyReused),
		errors.Is(err, journal.ErrCancelled), errors.Is(err, journal.ErrEnded):
	default:
		c.Fatalf("%s: %v", doing, err)
	}
	return false
}

func (c *chaos) step() {
	ctx := c.Context()
	switch c.IntN(9) {
	case 0, 1:
		e := c.entry()
		if c.IntN(2) == 0 {
			k := c.reservation().Key
			k.Response = c.text()
			e.Key = &k
		}
		c.check("accepting", c.j.Accept(ctx, e))
	case 2:
		e := c.entry()
		e.Steps = []journal.Step{{Node: "a", Output: c.text()}}
		if l, err := c.j.Adopt(ctx, e); c.check("adopting", err) {
			c.leases = append(c.leases, l)
		}
	case 3:
		r := c.reservation()
		if c.check("reserving", c.j.Reserve(ctx, r)) {
			c.held = append(c.held, r)
		}
	case 4:
		for _, r := range c.held {
			if c.IntN(3) == 0 {
				c.check("freeing", c.j.Free(ctx, r))
			} else {
				c.check("settling", c.j.Settle(ctx, r, c.text()))
			}
		}
		c.held = nil
	case 5:
		e := c.entry()
		r := new(journal.Record)
		r.ID, r.Workflow, r.Status = e.ID, e.Workflow, journal.Succeeded
		r.Nodes = []journal.NodeRecord{{ID: "a", Output: journal.Value{Text: string(c.text())}}}
		c.check("recording", c.j.Put(ctx, journal.Ended{Record: r, Source: e}))
	case 6:
		if s, err := c.j.Stats(ctx); err == nil && s.Pending > 0 {
			l, err := c.j.Claim(ctx)
			if err != nil {
				c.Fatal(err)
			}
			c.leases = append(c.leases, l)
		}
	default:
		if len(c.leases) == 0 {
			return
		}
		l := c.leases[0]
		c.leases = c.leases[1:]
		for n := range c.IntN(4) {
			c.check("checkpointing", l.Checkpoint(ctx, journal.Step{Node: fmt.Sprint("n", n%2), Output: c.text()}))
		}
		switch c.IntN(4) {
		case 0:
			c.check("releasing", l.Release(ctx, 0))
		case 1:
			c.check("cancelling", c.j.Cancel(ctx, l.Entry().ID))
			c.check("finishing", l.Finish(ctx, new(journal.Record)))
		default:
			c.check("finishing", l.Finish(ctx, new(journal.Record)))
		}
	}
}

// TestUsageFollowsTheFile: the usage stays equal to that of the file, whatever is stored, rejected,
// evicted or read again.
func TestUsageFollowsTheFile(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			p := path(t)
			l := roomy
			l.MaxBytes, l.MaxPending = 16<<20, 60
			c := &chaos{T: t, Rand: rand.New(rand.NewPCG(seed, 1)), j: open(t, p, l)}
			for n := range 600 {
				c.step()
				if n%50 == 0 {
					checkUsage(t, c.j)
					checkFileSize(t, c.j)
				}
				if n%200 == 199 {
					if err := c.j.Close(); err != nil {
						t.Fatal(err)
					}
					c.j, c.leases, c.held = open(t, p, l), nil, nil
				}
			}
			checkUsage(t, c.j)
			if c.full == 0 {
				t.Error("no bound was reached")
			}
		})
	}
}

// TestTheFileStaysBelowItsLimit: the file does not exceed its limit, whatever fills it.
func TestTheFileStaysBelowItsLimit(t *testing.T) {
	for _, size := range []int{900 << 10, 60_000, 3000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			l := roomy
			l.MaxBytes = 16 << 20
			j := open(t, path(t), l)
			fresh := func(n int) *journal.Entry {
				e := entry(n, size)
				e.Workflow = fmt.Sprint("w", n%5)
				return e
			}
			done := make(chan error, 40)
			for n := range 2 * int(l.MaxBytes) / size {
				go func() { done <- j.Accept(t.Context(), fresh(n)) }()
				if n%cap(done) == cap(done)-1 {
					for range cap(done) {
						<-done
					}
				}
			}
			for n := range 20 { // some end, and others come in their place
				s, err := j.Stats(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for range min(s.Pending, 1+n%3) {
					lease, err := j.Claim(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					if err := lease.Finish(t.Context(), new(journal.Record)); err != nil {
						t.Fatal(err)
					}
				}
				for i := range 5 {
					if err := j.Accept(t.Context(), fresh(100_000+5*n+i)); err != nil && !errors.Is(err, journal.ErrFull) {
						t.Fatal(err)
					}
				}
				checkFileSize(t, j)
			}
		})
	}
}

// TestEarlierVersion: the content of a file of an earlier version is there, and its responses are
// evicted like others.
func TestEarlierVersion(t *testing.T) {
	at := time.Date(2026, 10, 1, 12, 30, 0, 0, time.UTC)
	id := func(n int) string { return entryAt(at.Add(time.Duration(n)*time.Second), n, 0).ID }
	l := roomy
	l.Retention, l.MaxBytes = 1<<62, 16<<20
	p := filepath.Join(t.TempDir(), "journal.db")
	write(t, p, unzip(t, "testdata/version1.db.gz"))
	for again := range 2 {
		j := open(t, p, l)
		checkUsage(t, j)
		if r, err := j.Get(t.Context(), id(2)); err != nil || len(r.Nodes) != 1 || len(r.Nodes[0].Output.Text) != 20_002 {
			t.Errorf("the long record: %v, %v", r, err)
		}
		if e, err := j.Source(t.Context(), id(2)); err != nil || !strings.HasPrefix(string(e.Data), `{"n":2,`) || len(e.Document) < 20_000 {
			t.Errorf("what it ran from: %v, %v", e, err)
		}
		for n, size := range map[int]int{6: 300_000, 8: 100} {
			if got := answered(t, j, "order", fmt.Sprint("key ", n)); len(got) != size || got[0] != byte('0'+n) {
				t.Errorf("key %d is answered %d bytes", n, len(got))
			}
		}
		if got := answered(t, j, "other", "accepted"); string(got) != "accepted 5" {
			t.Errorf("the key of an accepted one is answered %q", got)
		}
		if again == 0 {
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		for _, want := range []struct{ n, deaths, steps int }{{3, 1, 2}, {5, 0, 0}, {4, 0, 0}} {
			lease, err := j.Claim(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			e := lease.Entry()
			if e.ID != id(want.n) || e.Deaths != want.deaths || len(e.Steps) != want.steps {
				t.Errorf("claimed %s with %d deaths and %d steps, want %+v", e.ID, e.Deaths, len(e.Steps), want)
			}
			if want.steps == 2 && (string(e.Steps[0].Output) != `{"small":1}` || len(e.Steps[1].Output) != 50_002) {
				t.Errorf("steps %+v", e.Steps)
			}
			if err := lease.Finish(t.Context(), new(journal.Record)); err != nil {
				t.Fatal(err)
			}
		}
		checkUsage(t, j)
		for n := range 12 { // until there is no room beside what is older
			r := hourly(id(100+n), fmt.Sprint("w", n%4), fmt.Sprint(n))
			if err := j.Reserve(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if err := j.Settle(t.Context(), r, make([]byte, 400_000)); err != nil {
				t.Fatal(err)
			}
		}
		if got := answered(t, j, "order", "key 6"); got == nil || len(got) > 0 {
			t.Errorf("the oldest response is still there, with %d bytes", len(got))
		}
		checkUsage(t, j)
	}
}

// hourly returns a reservation for an hour.
func hourly(id, workflow, text string) journal.Reservation {
	k := journal.Key{Text: text, Until: time.Now().Add(time.Hour)}
	return journal.Reservation{ID: id, Workflow: workflow, Key: k}
}

// answered returns the response that duplicates of a key get.
func answered(t *testing.T, j *Journal, workflow, text string) []byte {
	t.Helper()
	r := hourly(entry(1, 0).ID, workflow, text)
	copy(r.Key.Digest[:], "body")
	var d *journal.DuplicateError
	if err := j.Reserve(t.Context(), r); !errors.As(err, &d) {
		t.Fatalf("key %q: %v, want a duplicate", text, err)
	}
	return d.Response
}

func unzip(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

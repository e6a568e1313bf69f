package bbolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// busy returns the path of a closed journal with some of everything in it.
func busy(t *testing.T) string {
	l := roomy
	l.MaxBytes = 16 << 20
	return copyOf(t, &busyFile, l, func(j *Journal) {
		c := &chaos{T: t, Rand: rand.New(rand.NewPCG(7, 7)), j: j}
		for range 150 {
			c.step()
		}
		for n := range 200 { // of pages that are branches, too
			put(t, j, entry(10_000+n, 500))
		}
	})
}

// use uses a journal as a server does, and only requires that it comes to an end. Errors are
// allowed: the file is damaged.
func use(t *testing.T, j *Journal) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	q := journal.Query{Limit: journal.MaxLimit}
	for range 3 {
		page, err := j.List(ctx, q)
		for _, row := range page.Rows {
			_, _ = j.Get(ctx, row.ID)
			_, _ = j.Source(ctx, row.ID)
		}
		if q.Cursor = page.Next; err != nil || page.Next == "" {
			break
		}
	}
	_ = j.Accept(ctx, entry(90_000, 10))
	s, err := j.Stats(ctx)
	for n := 0; err == nil && s.Fault == "" && n < min(s.Pending, 5); n++ {
		brief, cancel := context.WithTimeout(ctx, time.Second)
		l, err := j.Claim(brief)
		cancel()
		if err != nil {
			break
		}
		_ = l.Begin(ctx)
		_ = l.Checkpoint(ctx, journal.Step{Node: "z", Output: []byte(`1`)})
		_ = l.Finish(ctx, new(journal.Record))
	}
	var senders sync.WaitGroup
	for n := range 20 {
		senders.Go(func() {
			r := hourly(entry(80_000+n, 0).ID, fmt.Sprint("w", n%4), fmt.Sprint("k", n))
			if j.Reserve(ctx, r) == nil {
				_ = j.Settle(ctx, r, []byte("answer"))
			}
		})
	}
	senders.Wait()
	if ctx.Err() != nil {
		t.Error("it takes for ever")
	}
}

// closes closes a journal, which must not wait for anything that a panic has left behind.
func closes(t *testing.T, j *Journal) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- j.Close() }()
	select {
	case err := <-done:
		if err != nil {
			t.Logf("closing: %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("closing it takes for ever")
	}
}

// harm damages the bytes of a file.
type harm func(r *rand.Rand, b []byte) []byte

var page = os.Getpagesize()

// flip changes a few bytes of a page, between two offsets in it.
func flip(low, high int) harm {
	return func(r *rand.Rand, b []byte) []byte {
		for range 1 + r.IntN(4) {
			b[r.IntN(len(b)/page)*page+low+r.IntN(high-low)] ^= byte(1 + r.IntN(255))
		}
		return b
	}
}

var harms = map[string]harm{
	"page heads":     flip(0, pageHeader),
	"first elements": flip(pageHeader, 128),
	"anywhere":       flip(0, page),
	"meta pages": func(r *rand.Rand, b []byte) []byte {
		for range 1 + r.IntN(3) {
			b[r.IntN(2)*page+r.IntN(pageHeader+metaSize)] ^= byte(1 + r.IntN(255))
		}
		return b
	},
	"elements": func(r *rand.Rand, b []byte) []byte { // numbers that are plausible
		at := (2+r.IntN(len(b)/page-2))*page + pageHeader + 4*r.IntN(64)
		binary.NativeEndian.PutUint32(b[at:], uint32(r.IntN(2*page)))
		return b
	},
	"children": func(r *rand.Rand, b []byte) []byte { // a page that is another one
		at := (2+r.IntN(len(b)/page-2))*page + pageHeader + elementHeader*r.IntN(16) + 8
		binary.NativeEndian.PutUint64(b[at:], uint64(r.IntN(len(b)/page)))
		return b
	},
	"zeroed pages": func(r *rand.Rand, b []byte) []byte {
		at := r.IntN(len(b)/page) * page
		clear(b[at : at+page])
		return b
	},
	"swapped pages": func(r *rand.Rand, b []byte) []byte {
		x, y := r.IntN(len(b)/page)*page, r.IntN(len(b)/page)*page
		other := bytes.Clone(b[x : x+page])
		copy(b[x:], b[y:y+page])
		copy(b[y:], other)
		return b
	},
	// a lost write, and another one in its place
	"a page of another moment": func(r *rand.Rand, b []byte) []byte {
		x, y := (2+r.IntN(len(b)/page-2))*page, (2+r.IntN(len(b)/page-2))*page
		copy(b[x+8:x+page], b[y+8:y+page]) // its own number stays
		return b
	},
	"cut off": func(r *rand.Rand, b []byte) []byte { return b[:r.IntN(len(b))] },
	"garbage at the end": func(r *rand.Rand, b []byte) []byte {
		for i := len(b) - 1 - r.IntN(len(b)/2); i < len(b); i++ {
			b[i] = byte(r.UintN(256))
		}
		return b
	},
}

// TestDamagedFiles: each file is rejected with an error that says so, or works. The test would end
// with its own process if damage could end one.
func TestDamagedFiles(t *testing.T) {
	p := busy(t)
	whole := read(t, p)
	whole = whole[:len(whole)/page*page]
	l := roomy
	l.MaxBytes = 16 << 20
	for name, harm := range harms {
		t.Run(name, func(t *testing.T) {
			served := 0
			const files = 10
			for seed := range uint64(files) {
				write(t, p, harm(rand.New(rand.NewPCG(seed, 11)), bytes.Clone(whole)))
				j := New(p, l, 0)
				err := j.Open(t.Context())
				switch {
				case err == nil:
					served++
					use(t, j)
				case !errors.Is(err, journal.ErrForeign), !strings.Contains(err.Error(), p),
					!strings.Contains(err.Error(), "move the file away"), strings.Contains(err.Error(), "\n"):
					t.Errorf("seed %d: %v, want %v with its name and what to do", seed, err, journal.ErrForeign)
				}
				closes(t, j)
			}
			t.Logf("%d of %d serve", served, files)
		})
	}
}

// TestDamageWhileItServes: the journal closes the file and reports why, and no caller hangs. When
// the file is repaired, the journal opens it again.
func TestDamageWhileItServes(t *testing.T) {
	for _, c := range []struct {
		name string
		harm func(t *testing.T, p string, size int)
	}{
		{"all of it", func(t *testing.T, p string, size int) { overwrite(t, p, 0, size) }},
		{"its beginning", func(t *testing.T, p string, _ int) { overwrite(t, p, 0, 2*page) }},
		{"all but its beginning", func(t *testing.T, p string, size int) { overwrite(t, p, 2*page, size) }},
		{"cut off", func(t *testing.T, p string, _ int) { truncate(t, p, 2*page) }},
		{"emptied", func(t *testing.T, p string, _ int) { truncate(t, p, 0) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := busy(t)
			j := New(p, roomy, 0)
			if err := j.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
			size := len(read(t, p))
			c.harm(t, p, size)
			eventually(t, "the journal closes", func() bool {
				use(t, j)
				s, err := j.Stats(t.Context())
				return err == nil && strings.Contains(s.Fault, p) && strings.Contains(s.Fault, "damaged")
			})
			err := j.Accept(t.Context(), entry(70_000, 10))
			if !errors.Is(err, journal.ErrUnavailable) {
				t.Errorf("accepting: %v", err)
			}
			closes(t, j)
			again := New(p, roomy, 0)
			if err := again.Open(t.Context()); !errors.Is(err, journal.ErrForeign) {
				t.Errorf("opening it again: %v", err) // nothing holds its lock
			}
			closes(t, again)
		})
	}
}

func overwrite(t *testing.T, p string, from, to int) {
	t.Helper()
	f, err := os.OpenFile(p, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xA5, 0x17, 0xFF}, (to-from)/3), int64(from)); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, p string, size int) {
	t.Helper()
	if err := os.Truncate(p, int64(size)); err != nil {
		t.Fatal(err)
	}
}

package bbolt

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// wholeFile and busyFile are the files of whole and busy, which are made once.
var wholeFile, busyFile []byte

// whole returns the path of a closed journal with entries in it.
func whole(t *testing.T) string {
	return copyOf(t, &wholeFile, roomy, func(j *Journal) {
		for n := range 100 {
			if err := j.Accept(t.Context(), entry(n, 2000)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// copyOf returns a copy of a file, which fill makes the first time.
func copyOf(t *testing.T, file *[]byte, l Limits, fill func(j *Journal)) string {
	t.Helper()
	p := path(t)
	if *file != nil {
		if err := os.Mkdir(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, p, *file)
		return p
	}
	j := open(t, p, l)
	fill(j)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	*file = read(t, p)
	return p
}

func TestItIsForItsUserAlone(t *testing.T) {
	p := path(t)
	open(t, p, roomy)
	for name, want := range map[string]fs.FileMode{p: 0o600, filepath.Dir(p): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", name, info.Mode(), err, want)
		}
	}
	left, err := os.ReadDir(filepath.Dir(p))
	if err != nil || len(left) != 1 {
		t.Errorf("the directory holds %v, %v; want the file alone", left, err)
	}
}

// TestForeignFiles: a file that is not a whole journal is rejected and stays as it is.
func TestForeignFiles(t *testing.T) {
	page := os.Getpagesize()
	for _, c := range []struct {
		name string
		make func(t *testing.T, p string) // changes a whole journal
	}{
		{"empty", func(t *testing.T, p string) { write(t, p, nil) }},
		{"text", func(t *testing.T, p string) { write(t, p, bytes.Repeat([]byte("no journal\n"), 2000)) }},
		{"cut off", func(t *testing.T, p string) { write(t, p, read(t, p)[:8*page]) }},
		{"cut off in the beginning", func(t *testing.T, p string) { write(t, p, read(t, p)[:100]) }},
		{"zeroed pages", func(t *testing.T, p string) {
			b := read(t, p)
			clear(b[2*page:])
			write(t, p, b)
		}},
		{"garbled pages", func(t *testing.T, p string) {
			b := read(t, p)
			for i := 2 * page; i < len(b); i++ {
				b[i] = byte(i*7 + 3)
			}
			write(t, p, b)
		}},
		{"both beginnings damaged", func(t *testing.T, p string) {
			b := read(t, p)
			b[40]++
			b[page+40]++
			write(t, p, b)
		}},
		{"another database", func(t *testing.T, p string) {
			if err := os.Remove(p); err != nil {
				t.Fatal(err)
			}
			db, err := bolt.Open(p, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			db.Close()
		}},
		{"another version", func(t *testing.T, p string) {
			db, err := bolt.Open(p, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := db.Update(func(tx *bolt.Tx) error {
				return tx.Bucket(bucketMeta).Put(keyFormat, []byte("flowtrux journal 2"))
			}); err != nil {
				t.Fatal(err)
			}
		}},
		{"a directory", func(t *testing.T, p string) {
			if err := errors.Join(os.Remove(p), os.Mkdir(p, 0o700)); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := whole(t)
			c.make(t, p)
			before, _ := os.ReadFile(p)
			j := New(p, roomy, 0)
			defer j.Close()
			err := j.Open(t.Context())
			if !errors.Is(err, journal.ErrForeign) || !strings.Contains(err.Error(), p) {
				t.Errorf("opening it: %v, want %v with its name", err, journal.ErrForeign)
			}
			if after, _ := os.ReadFile(p); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
			if err := j.Accept(t.Context(), entry(1, 10)); !errors.Is(err, journal.ErrClosed) {
				t.Errorf("accepting: %v", err)
			}
		})
	}
}

// TestOneMetaPageIsEnough: a crash may damage one of the two.
func TestOneMetaPageIsEnough(t *testing.T) {
	p := whole(t)
	b := read(t, p)
	b[40]++
	write(t, p, b)
	open(t, p, roomy)
}

func TestOneOwner(t *testing.T) {
	p := path(t)
	open(t, p, roomy)
	other := New(p, roomy, 50*time.Millisecond)
	defer other.Close()
	if err := other.Open(t.Context()); !errors.Is(err, journal.ErrInUse) {
		t.Errorf("opening it again: %v, want %v", err, journal.ErrInUse)
	}
}

// TestCancelFails: an entry whose cancellation was in a failed commit is claimed when the file is
// open again, whichever of the operations has failed.
func TestCancelFails(t *testing.T) {
	j := open(t, path(t), roomy)
	e := entry(1, 10)
	if err := j.Accept(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	for _, order := range []string{"first", "last"} {
		blocks, results := make(chan struct{}), make(chan error, 3)
		do := func(apply func(*transaction) error) {
			go func() { results <- j.do(t.Context(), &funcOp{do: apply}) }()
		}
		waiting := func(n int) { eventually(t, "operations wait", func() bool { return len(j.requests) == n }) }
		begun := make(chan struct{})
		do(func(*transaction) error { close(begun); <-blocks; return errLooked })
		<-begun
		cancel := func() { go func() { results <- j.Cancel(t.Context(), e.ID) }() }
		fail := func() { do(func(*transaction) error { return errDamaged }) }
		if order == "last" {
			cancel, fail = fail, cancel
		}
		cancel()
		waiting(1)
		fail()
		waiting(2)
		close(blocks)
		for range 3 {
			if err := <-results; err == nil {
				t.Errorf("%s: one of them has succeeded", order)
			}
		}
		lease, err := j.Claim(t.Context())
		for errors.Is(err, journal.ErrUnavailable) { // until the file is open again
			lease, err = j.Claim(t.Context())
		}
		if err != nil || lease.Entry().ID != e.ID {
			t.Fatalf("%s: claimed %v, %v", order, lease, err)
		}
		if err := lease.Release(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
}

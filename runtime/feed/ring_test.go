package feed

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// TestRing compares a feed with a model of it: all events ever, and how many of the latest fit.
func TestRing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const maxBytes = 1200
		f := New(maxBytes)
		type reader struct {
			*Reader
			has int // it has this many of all events
		}
		var all []string // "" = the feed was restarted
		var readers []*reader
		fits := func() int { // the first event that is in the ring
			first, bytes := len(all), 0
			for first > 0 && all[first-1] != "" {
				if bytes += len(all[first-1]) + eventBytes; bytes > maxBytes {
					break
				}
				first--
			}
			return first
		}
		f.enter() // watched from the start
		readers = append(readers, &reader{f.Reader(nil), 0})
		t.Repeat(map[string]func(*rapid.T){
			"publish": func(t *rapid.T) {
				event := fmt.Sprintf("%d", len(all))
				for range rapid.IntRange(0, 300).Draw(t, "length") {
					event += "."
				}
				f.publishNow([]byte(event))
				all = append(all, event)
			},
			"restart": func(*rapid.T) {
				f.Restart()
				all = append(all, "")
			},
			"reader": func(*rapid.T) { readers = append(readers, &reader{f.Reader(nil), len(all)}) },
			"reconnect": func(t *rapid.T) {
				i := rapid.IntRange(0, len(readers)-1).Draw(t, "reader")
				c := ParseCursor(readers[i].Position().String())
				readers[i].Close()
				readers[i] = &reader{f.Reader(&c), readers[i].has}
			},
			"read": func(t *rapid.T) {
				r := rapid.SampledFrom(readers).Draw(t, "reader")
				p, wake, err := r.read()
				switch {
				case err != nil:
					t.Fatal(err)
				case r.has < fits():
					if !p.Reset || len(p.Events) > 0 || r.Position() != f.end() {
						t.Fatalf("a reader that has missed events got %+v", p)
					}
					r.has = len(all)
				case p.Reset:
					t.Fatalf("a reader at %d of %d is told to reset", r.has, len(all))
				case r.has == len(all):
					if len(p.Events) > 0 || wake == nil {
						t.Fatalf("a reader that has all events got %+v", p)
					}
				default:
					if len(p.Events) == 0 {
						t.Fatal("no event")
					}
					for _, e := range p.Events {
						if string(e.JSON) != all[r.has] {
							t.Fatalf("got %q, want %q", e.JSON, all[r.has])
						}
						r.has++
					}
				}
			},
			"": func(t *rapid.T) {
				bytes := 0
				for _, e := range f.events {
					bytes += len(e.JSON) + eventBytes
				}
				if bytes != f.bytes || bytes > maxBytes {
					t.Fatalf("%d bytes, counted as %d", bytes, f.bytes)
				}
			},
		})
	})
}

// TestConcurrentReaders: each reader gets each event once and in order while others publish.
func TestConcurrentReaders(t *testing.T) {
	const publishers, each, readers = 4, 500, 8
	f := New(0)
	var reading, publishing sync.WaitGroup
	for range readers {
		r := f.Reader(nil)
		reading.Go(func() {
			defer func() { r.Close() }()
			last := make(map[string]int)
			for got := 0; got < publishers*each; {
				p, err := r.Read(t.Context())
				if err != nil || p.Reset {
					t.Errorf("%+v, %v", p, err)
					return
				}
				for _, e := range p.Events {
					s := decode(t, e)
					var from, n int
					if _, err := fmt.Sscanf(s.text(), "exec-%d-%d", &from, &n); err != nil {
						t.Errorf("%s: %v", e.JSON, err)
					}
					if key := fmt.Sprint(from); last[key] != n {
						t.Errorf("publisher %d: got %d, want %d", from, n, last[key])
					} else {
						last[key]++
					}
				}
				got += len(p.Events)
				if c := ParseCursor(p.Next.String()); got%3 == 0 { // as a client that reconnects
					r.Close()
					r = f.Reader(&c)
				}
			}
		})
	}
	for p := range publishers {
		publishing.Go(func() {
			for n := range each {
				f.Execution(summary(fmt.Sprintf("exec-%d-%d", p, n), "running"))
			}
		})
	}
	publishing.Wait()
	reading.Wait()
	f.Close()
}

// TestPages: pages are bounded, and follow one another.
func TestPages(t *testing.T) {
	f := New(0)
	defer f.Close()
	r := f.Reader(nil)
	defer r.Close()
	long := make([]byte, maxPage/2)
	for range 5 {
		f.publishNow(long)
	}
	var pages []int
	for range 3 {
		p, err := r.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, len(p.Events))
	}
	if want := []int{2, 2, 1}; !slices.Equal(pages, want) {
		t.Errorf("pages have %v events, want %v", pages, want)
	}
}

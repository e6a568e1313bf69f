// Package storetest is the suite that every store engine passes. An engine's test calls [Run] with
// a way to make stores; the suite speaks to them only through the interface of package store and
// the hooks of [Store].
package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/store"
)

// Patience bounds the waits of the suite. Nothing depends on its length but how long a broken
// engine takes to fail.
const Patience = 30 * time.Second

// Store is a store under test.
type Store struct {
	// Engine makes an engine that follows what is below a prefix and makes only short pauses
	// between attempts. The suite opens and closes it; several engines are in use at the same time.
	Engine func(t *testing.T, prefix string) store.Engine

	// Compact makes the store forget how it came to its content. nil = it never knew.
	Compact func(t *testing.T)

	// Stop ends the store, which keeps its content, and returns what starts it again. nil = it ends
	// with its last engine.
	Stop func(t *testing.T) (start func())

	// Cuttable is Engine, with a way to cut the engine, and no other, from the store until mend is
	// called. nil = there is nothing between them that could be cut.
	Cuttable func(t *testing.T, prefix string) (e store.Engine, cut func() (mend func()))
}

// Run runs the suite. newStore makes an empty store; what there is to release belongs into
// t.Cleanup.
func Run(t *testing.T, newStore func(t *testing.T) Store) {
	for _, c := range []struct {
		name  string
		run   func(*suite)
		needs func(Store) bool
	}{
		{"an empty store", empty, nil},
		{"the whole content comes first", whole, nil},
		{"changes come in order", changes, nil},
		{"a write is one batch", atomic, nil},
		{"a swap needs the key to be as it was", swap, nil},
		{"swaps of many lose nothing", swapHammer, nil},
		{"updates of many mirrors lose nothing", updateHammer, nil},
		{"deleting what is not there", deleteMissing, nil},
		{"a prefix is all there is", prefixes, nil},
		{"thousands of keys", thousands, nil},
		{"a value of 1 MiB", large, nil},
		{"a write that is too large", tooLarge, nil},
		{"content outlives engines", outlives, nil},
		{"following again begins anew", again, nil},
		{"content that is refused", refused, nil},
		{"a closed engine refuses", closed, nil},
		{"hammer", hammer, nil},
		{"history is forgotten while following", compacted, func(s Store) bool { return s.Compact != nil }},
		{"the store is away for a while", restarted, func(s Store) bool { return s.Stop != nil }},
		{"what was missed comes later", missed, func(s Store) bool { return s.Cuttable != nil }},
		{"what was missed and forgotten comes later", missedCompacted, func(s Store) bool { return s.Cuttable != nil && s.Compact != nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStore(t)
			if c.needs == nil || c.needs(s) {
				c.run(&suite{T: t, Store: s})
			}
		})
	}
}

// suite is one test's view.
type suite struct {
	*testing.T
	Store
}

func (s *suite) context() context.Context {
	ctx, cancel := context.WithTimeout(s.Context(), Patience)
	s.Cleanup(cancel)
	return ctx
}

// open makes an open engine.
func (s *suite) open(e store.Engine) store.Engine {
	s.Helper()
	if err := e.Open(s.context()); err != nil {
		s.Fatalf("opening: %v", err)
	}
	s.Cleanup(func() {
		if err := e.Close(); err != nil {
			s.Errorf("closing: %v", err)
		}
	})
	return e
}

// prefix is where most tests work.
const prefix = "/suite/"

// follow makes an engine that is followed, and waits for the whole content.
func (s *suite) follow() *Follower {
	s.Helper()
	f := Follow(s.T, s.open(s.Engine(s.T, prefix)))
	f.Wait("the first batch", func(v View) bool { return len(v.Batches) > 0 })
	return f
}

// write writes pairs of key and value; a key that begins with "-" is deleted and has no value.
func (s *suite) write(f *Follower, words ...string) int64 {
	s.Helper()
	put, del := entries(words...)
	revision, err := f.Engine.Write(s.context(), put, del)
	if err != nil {
		s.Fatalf("writing %q: %v", words, err)
	}
	return revision
}

func entries(words ...string) (put []store.Entry, del []string) {
	for len(words) > 0 {
		if key, ok := strings.CutPrefix(words[0], "-"); ok {
			del, words = append(del, key), words[1:]
			continue
		}
		put, words = append(put, store.Entry{Key: words[0], Value: []byte(words[1])}), words[2:]
	}
	return put, del
}

// content makes a map of pairs.
func content(words ...string) map[string]string {
	m := make(map[string]string)
	for i := 0; i < len(words); i += 2 {
		m[words[i]] = words[i+1]
	}
	return m
}

func (s *suite) wantError(doing string, got, want error) {
	s.Helper()
	if !errors.Is(got, want) {
		s.Fatalf("%s: %v, want %v", doing, got, want)
	}
}

func key(n int) string { return fmt.Sprintf("workflows/order-intake-%05d", n) }

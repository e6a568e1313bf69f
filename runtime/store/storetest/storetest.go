// Package storetest is the test suite for store engines. An engine's test calls [Run] with a way to
// make stores. The suite uses them only through the interface of package store and the hooks of
// [Store].
//
// The package is a stable API, but the suite may get further tests in any version, and hooks are
// added as further fields of Store.
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

// Patience is the time limit of each wait in the suite. It determines only how long a broken engine
// takes to fail.
const Patience = 30 * time.Second

// Store is a store under test.
type Store struct {
	// Engine makes an engine that follows the keys below a prefix and pauses only briefly between
	// attempts. The suite opens and closes it, and uses several engines at the same time.
	Engine func(t *testing.T, prefix string) store.Engine

	// Compact makes the store drop its history. nil = it has none.
	Compact func(t *testing.T)

	// Stop stops the store, which keeps its content, and returns a function that starts it again.
	// nil = it ends with its last engine.
	Stop func(t *testing.T) (start func())

	// Cuttable is Engine with a function that cuts the engine, and no other, off from the store
	// until reconnect is called. nil = the connection cannot be cut.
	Cuttable func(t *testing.T, prefix string) (e store.Engine, cut func() (reconnect func()))
}

// Run runs the suite. newStore makes an empty store, and releases what it uses in t.Cleanup.
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
		{"a conditional write needs the key to be as it was", writeIf, nil},
		{"a conditional write happens as a whole or not at all", writeIfAll, nil},
		{"conditional writes of many lose nothing", writeIfHammer, nil},
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

// suite is the view of one test.
type suite struct {
	*testing.T
	Store
}

func (s *suite) context() context.Context {
	ctx, cancel := context.WithTimeout(s.Context(), Patience)
	s.Cleanup(cancel)
	return ctx
}

// open opens an engine.
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

// prefix is the prefix of most tests.
const prefix = "/suite/"

// follow makes an engine, follows it, and waits for the whole content.
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

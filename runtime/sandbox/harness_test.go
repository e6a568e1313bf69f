package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	shared "github.com/flowtrux/edge/internal/compiled"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// cacheDir stores compiled code for all tests: compiling a Go program takes seconds, and many times
// that with -race.
var cacheDir string

func TestMain(m *testing.M) {
	var err error
	if cacheDir, err = shared.Dir(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := closeGuest(); err != nil {
			fmt.Fprintln(os.Stderr, "closing the guest:", err)
			code = 1
		}
		os.Exit(code)
	}))
}

func newHost(t testing.TB) *Host {
	t.Helper()
	return newHostWith(t, Options{})
}

// everyReset runs a test with a host for each way to reset that this system supports.
func everyReset(t *testing.T, test func(t *testing.T, h *Host)) {
	for way := ResetShared; way <= ResetNever; way++ {
		if _, err := way.shares(); err != nil {
			t.Log(err)
			continue
		}
		t.Run(way.String(), func(t *testing.T) { test(t, newHostWith(t, Options{Reset: way})) })
	}
}

func newHostWith(t testing.TB, o Options) *Host {
	t.Helper()
	o.CacheDir = cmp.Or(o.CacheDir, cacheDir)
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if len(h.code) != 0 {
			t.Errorf("%d modules are still compiled", len(h.code))
		}
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if b := h.options.Budget; b.used.Load() != 0 || b.waiting.Load() != 0 {
			t.Errorf("%d bytes are still counted, %d calls wait", b.used.Load(), b.waiting.Load())
		}
	})
	return h
}

// small limits the memory and the time of a runaway guest.
var small = Limits{Memory: 1 << 20, Timeout: 10 * time.Second, Output: 1 << 16}

func load(t testing.TB, h *Host, wasm []byte, l Limits, g hostapi.Grants) *Module {
	t.Helper()
	m, err := h.Load(context.Background(), ModuleConfig{Type: "test", Source: "test.wasm", Wasm: wasm, Limits: l, Grants: g})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return m
}

// newInstance makes an instance outside of the pool. The caller closes it.
func newInstance(t testing.TB, p *pool) *instance {
	t.Helper()
	h := p.footprint(p.snapshot)
	h.share = p.budget.own
	if err := h.share.grow(h.bytes); err != nil {
		t.Fatal(err)
	}
	in, err := p.make(h)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// fails asserts that err is an *Error with this code and returns it.
func fails(t testing.TB, err error, code string) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want one with code %s", err, code)
	}
	if e.Code != code {
		t.Fatalf("code %s (%s; %v), want %s", e.Code, e.Message, e.Detail, code)
	}
	return e
}

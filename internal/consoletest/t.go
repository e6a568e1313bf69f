package consoletest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
)

// T is what the package needs of a test. *testing.T has it, and so does the argument of [Run].
type T interface {
	Helper()
	Name() string
	Context() context.Context
	Cleanup(f func())
	TempDir() string
	Failed() bool
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Run calls f outside a test, for a command. Fatalf ends f; Run returns the errors.
func Run(ctx context.Context, name string, f func(T)) error {
	r := &run{ctx: ctx, name: name}
	done := make(chan struct{})
	// Fatalf ends the goroutine that f and its cleanups run in.
	go func() {
		defer close(done)
		defer r.clean()
		defer func() {
			if p := recover(); p != nil && p != any(fatal{}) {
				panic(p)
			}
		}()
		f(r)
	}()
	<-done
	return errors.Join(r.errs...)
}

// fatal is what Fatalf panics with.
type fatal struct{}

type run struct {
	ctx      context.Context
	name     string
	cleanups []func()
	errs     []error
}

func (r *run) clean() {
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
}

func (*run) Helper()                    {}
func (r *run) Name() string             { return r.name }
func (r *run) Context() context.Context { return r.ctx }
func (r *run) Cleanup(f func())         { r.cleanups = append(r.cleanups, f) }
func (r *run) Failed() bool             { return len(r.errs) > 0 }

func (r *run) TempDir() string {
	dir, err := os.MkdirTemp("", r.name+"-")
	if err != nil {
		r.Fatalf("creating a directory: %v", err)
	}
	r.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (r *run) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func (r *run) Errorf(format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf(format, args...))
}

func (r *run) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(fatal{})
}

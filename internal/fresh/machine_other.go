//go:build !linux

package main

import (
	"context"
	"errors"
)

type machine struct{}

func newMachine(context.Context, options) (*machine, error) {
	return nil, errors.New("it needs Linux")
}

func (*machine) do(context.Context, ...string) error { return nil }

func (*machine) remove(*error) {}

func tryRun(context.Context, *machine) error { return nil }

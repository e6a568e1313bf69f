//go:build !linux

package main

import (
	"context"
	"errors"
)

// run returns an error: it is available on Linux only.
func (openLoad) run(context.Context) (openResult, error) {
	return openResult{}, errors.New("the bench needs Linux to send requests on time")
}

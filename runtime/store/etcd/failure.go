package etcd

import (
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/flowtrux/edge/runtime/store"
)

// Errors that only the operator can fix, in addition to store.ErrDenied and store.ErrFull.
var (
	errConfig  = errors.New("the configuration is wrong")
	errRefused = errors.New("the content was refused")
)

// failure wraps an error of etcd's client with the corresponding error of package store, if there
// is one.
func failure(doing string, err error) error {
	if meaning := meaningOf(err); meaning != nil {
		return fmt.Errorf("%s: %w: %w", doing, meaning, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// meaningOf maps an error of etcd's client to one of package store, or nil.
func meaningOf(err error) error {
	switch {
	case errors.Is(err, rpctypes.ErrAuthFailed), errors.Is(err, rpctypes.ErrUserEmpty),
		errors.Is(err, rpctypes.ErrUserNotFound), errors.Is(err, rpctypes.ErrPermissionDenied):
		return store.ErrDenied
	case errors.Is(err, rpctypes.ErrRequestTooLarge), errors.Is(err, rpctypes.ErrTooManyOps):
		return store.ErrTooLarge
	case errors.Is(err, rpctypes.ErrNoSpace):
		return store.ErrFull
	}
	// The error of a denied watch is only text, with the code in front of it.
	if strings.Contains(err.Error(), rpctypes.ErrorDesc(rpctypes.ErrGRPCPermissionDenied)) {
		return store.ErrDenied
	}
	// The client itself rejects messages of more than 2 MiB.
	if s, ok := status.FromError(err); ok && s.Code() == codes.ResourceExhausted {
		return store.ErrTooLarge
	}
	return nil
}

// stateOf returns the state of a store whose attempt ended with err.
func stateOf(err error) store.State {
	for _, lasting := range []error{store.ErrDenied, store.ErrFull, errConfig, errRefused} {
		if errors.Is(err, lasting) {
			return store.Failed
		}
	}
	return store.Cached
}

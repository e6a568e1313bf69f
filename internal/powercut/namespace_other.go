//go:build !linux

package main

import (
	"context"
	"errors"
)

// apart works only on Linux.
func apart(context.Context, options) error {
	return errors.New("the disk is Linux's ext4 on a loop device: run it on Linux, for example in a virtual machine")
}

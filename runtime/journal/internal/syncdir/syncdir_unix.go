//go:build unix

// Package syncdir makes names of files durable.
package syncdir

import (
	"fmt"
	"os"
)

// Sync makes new names in a directory durable.
func Sync(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("syncing the directory: %w", err)
	}
	return nil
}

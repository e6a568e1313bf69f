//go:build !linux

package sandbox

import "errors"

// snapshotFile holds a snapshot that regions share until they write to it. This system has none.
type snapshotFile struct{ bytes []byte }

const canShare = false

// newRegion returns a region without a snapshot, for an instance that shares no memory.
func newRegion(uint64) (region, error) { return new(heapRegion), nil }

var errNoSharing = errors.New("not on this system")

func newSnapshotFile([]byte, []extent) (*snapshotFile, error) { return nil, errNoSharing }
func (*snapshotFile) region(uint64) (region, error)           { return nil, errNoSharing }
func (*snapshotFile) free()                                   {}

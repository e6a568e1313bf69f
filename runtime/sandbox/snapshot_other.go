//go:build !linux

package sandbox

import "errors"

// mapping is an image that regions share until they write to it. This system has none.
type mapping struct{ bytes []byte }

const canShare = false

// newRegion makes a region of an instance that has its memory for itself.
func newRegion(uint64) (region, error) { return new(heap), nil }

var errNoMapping = errors.New("not on this system")

func newMapping([]byte, []extent) (*mapping, error) { return nil, errNoMapping }
func (*mapping) region(uint64) (region, error)      { return nil, errNoMapping }
func (*mapping) free()                              {}

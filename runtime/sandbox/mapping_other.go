//go:build !linux

package sandbox

import "errors"

// mapping is an image that regions share until they write to it. This system has none.
type mapping struct{ bytes []byte }

var errNoMapping = errors.New("not on this system")

func systemCan(Reset) bool                           { return false }
func newMapping([]byte) (*mapping, error)            { return nil, errNoMapping }
func (*mapping) region(uint64, bool) (region, error) { return nil, errNoMapping }
func (*mapping) free()                               {}

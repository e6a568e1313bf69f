//go:build !linux && !darwin && !freebsd && !windows

package move

import "os"

// lock does nothing: this system has no locks that end with their process. The checksums find what
// two exports have mixed.
func lock(*os.File) (free bool, err error) { return true, nil }

//go:build flowtrux_no_console

package console

import "io/fs"

// dist is nil: the page was left out.
var dist fs.FS

//go:build !flowtrux_no_console

package console

import (
	"embed"
	"io/fs"
)

//go:embed dist
var built embed.FS

// dist are the files of a build, as `make console` writes them.
var dist = func() fs.FS {
	sub, err := fs.Sub(built, "dist")
	if err != nil { // the name is valid
		panic(err)
	}
	return sub
}()

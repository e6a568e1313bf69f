// Package version tells which version of this module is built in.
package version

import (
	"cmp"
	"runtime/debug"
	"sync"
)

// modulePath is this module's path, as builds name it.
const modulePath = "github.com/flowtrux/edge"

// devel is the version of a build that has none: from a checkout without version control, or from a
// local replacement of the module.
const devel = "(devel)"

// Version is the version of this module in the running binary, such as v1.2.3, or a pseudo-version
// of a commit. It is devel where the build does not know.
var Version = sync.OnceValue(func() string {
	info, _ := debug.ReadBuildInfo()
	return of(info)
})

// Dependency returns the version of a module that the running binary is built with. It is "" if the
// binary does not contain the module, or does not know.
func Dependency(path string) string {
	info, _ := debug.ReadBuildInfo()
	return dependency(info, path)
}

func dependency(info *debug.BuildInfo, path string) string {
	if info == nil {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return known(m)
		}
	}
	return ""
}

// of finds the version in what a build records: this module is the main one, or a dependency of a
// Caddy that xcaddy has built.
func of(info *debug.BuildInfo) string {
	if info == nil {
		return devel
	}
	if info.Main.Path == modulePath {
		return known(&info.Main)
	}
	return cmp.Or(dependency(info, modulePath), devel)
}

// known is the version of what was compiled: of a replacement its own, which a folder has not.
func known(m *debug.Module) string {
	if m.Replace != nil {
		m = m.Replace
	}
	if m.Version == "" {
		return devel
	}
	return m.Version
}

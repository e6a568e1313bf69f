package version

import (
	"runtime/debug"
	"testing"
)

func TestVersionOfABuild(t *testing.T) {
	edge := func(version string, replace *debug.Module) *debug.Module {
		return &debug.Module{Path: modulePath, Version: version, Replace: replace}
	}
	caddy := debug.Module{Path: "caddy", Version: "(devel)"}
	other := &debug.Module{Path: modulePath + "/other", Version: "v9.9.9"}
	for _, c := range []struct {
		name string
		info *debug.BuildInfo
		want string
	}{
		{"no build information", nil, "(devel)"},
		{"not in the build", &debug.BuildInfo{Main: caddy, Deps: []*debug.Module{other}}, "(devel)"},
		{"main module, released", &debug.BuildInfo{Main: *edge("v1.2.3", nil)}, "v1.2.3"},
		{
			"main module, a commit", &debug.BuildInfo{Main: *edge("v0.0.0-20260102030405-0123456789ab+dirty", nil)},
			"v0.0.0-20260102030405-0123456789ab+dirty",
		},
		{"main module, unknown", &debug.BuildInfo{Main: *edge("(devel)", nil)}, "(devel)"},
		{"main module, nothing", &debug.BuildInfo{Main: *edge("", nil)}, "(devel)"},
		{"xcaddy --with", &debug.BuildInfo{Main: caddy, Deps: []*debug.Module{other, edge("v1.2.3", nil)}}, "v1.2.3"},
		{
			"xcaddy --with, a folder",
			&debug.BuildInfo{Main: caddy, Deps: []*debug.Module{edge("v1.2.3", &debug.Module{Path: "/src/edge"})}}, "(devel)",
		},
		{
			"xcaddy --with, a fork",
			&debug.BuildInfo{Main: caddy, Deps: []*debug.Module{edge("v1.2.3", &debug.Module{Path: "fork", Version: "v1.2.4"})}}, "v1.2.4",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := of(c.info); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestVersionOfADependency(t *testing.T) {
	info := &debug.BuildInfo{Deps: []*debug.Module{
		{Path: "a", Version: "v1.0.0"}, {Path: "b", Version: "v1.0.0", Replace: &debug.Module{Path: "c", Version: "v2.0.0"}},
	}}
	for path, want := range map[string]string{"a": "v1.0.0", "b": "v2.0.0", "c": ""} {
		if got := dependency(info, path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if got := dependency(nil, "a"); got != "" {
		t.Errorf("without build information: %q", got)
	}
}

func TestVersionOfThisBuild(t *testing.T) {
	if v := Version(); v == "" || v != Version() {
		t.Errorf("the version is %q", v)
	}
}

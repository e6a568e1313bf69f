package main

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"github.com/flowtrux/edge/internal/wasmbuild"
)

// machine describes the machine and the versions that the results are for.
type machine struct {
	cpu, kernel         string
	cores               int
	golang, caddy, wasm string
	wrk, clang          string
	commit              string
}

func (m machine) table() *table {
	t := &table{text: true, head: []string{"machine", ""}}
	t.add("CPU", m.cpu)
	t.add("cores", strconv.Itoa(m.cores))
	t.add("kernel", m.kernel)
	t.add("Go", m.golang)
	t.add("Caddy", m.caddy)
	t.add("wazero", m.wasm)
	t.add("wrk", m.wrk)
	t.add("clang", m.clang)
	t.add("commit", m.commit)
	return t
}

// describe collects the description from the system, the tools and the server's binary.
func (b *bench) describe(ctx context.Context) (machine, error) {
	info, err := buildinfo.ReadFile(b.caddy)
	if err != nil {
		return machine{}, fmt.Errorf("reading the build info of the server: %w", err)
	}
	m := machine{
		cpu: cpuModel(read("/proc/cpuinfo")), cores: runtime.NumCPU(), kernel: strings.TrimSpace(read("/proc/sys/kernel/osrelease")),
		golang: info.GoVersion, wrk: b.wrkVersion(ctx), commit: b.commit(ctx),
	}
	for _, d := range info.Deps {
		switch d.Path {
		case "github.com/caddyserver/caddy/v2":
			m.caddy = d.Version
		case "github.com/tetratelabs/wazero":
			m.wasm = d.Version
		}
	}
	version, err := output(ctx, "", wasmbuild.Clang(), "--version")
	if err != nil {
		return machine{}, err
	}
	m.clang, _, _ = strings.Cut(version, "\n")
	return m, nil
}

// commit returns the commit of the work tree, and whether there are changes on top of it.
func (b *bench) commit(ctx context.Context) string {
	commit, err := output(ctx, b.module, "git", "rev-parse", "--short=12", "HEAD")
	if err != nil {
		return "unknown"
	}
	// The file that this command writes does not count.
	if changes, err := output(ctx, b.module, "git", "status", "--porcelain", "--", ".", ":!bench/RESULTS.md"); err != nil || changes != "" {
		commit += " with changes"
	}
	return commit
}

// wrkVersion returns the version that wrk prints. wrk -v exits with an error status.
func (b *bench) wrkVersion(ctx context.Context) string {
	out, _ := exec.CommandContext(ctx, b.wrk, "-v").CombinedOutput()
	if fields := strings.Fields(string(out)); len(fields) > 1 {
		return fields[1]
	}
	return "unknown"
}

// cpuModel returns the first model name in /proc/cpuinfo.
func cpuModel(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// read returns the text of a file, or "" if it cannot be read.
func read(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(b)
}

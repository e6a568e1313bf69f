package command

import (
	"runtime"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/internal/version"
)

// versions are the versions of what is built into this binary.
type versions struct {
	FlowTrux string `json:"flowtrux"`
	Caddy    string `json:"caddy"`
	Go       string `json:"go"`
	Wazero   string `json:"wazero"`
	Etcd     string `json:"etcd"` // of the client
}

func versionCommand() *cobra.Command {
	o := new(outputOptions)
	cmd := newCommand("version", "Prints the version of FlowTrux Edge and of what it is built with",
		`Prints the version of FlowTrux Edge, and those of Caddy, Go, wazero and the etcd client that
it is built with.`, cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
			caddyVersion, _ := caddy.Version()
			v := versions{
				FlowTrux: version.Version(), Caddy: caddyVersion, Go: runtime.Version(),
				Wazero: version.Dependency("github.com/tetratelabs/wazero"),
				Etcd:   version.Dependency("go.etcd.io/etcd/client/v3"),
			}
			w := cmd.OutOrStdout()
			if o.json {
				return printJSON(w, v)
			}
			row := rowPrinter(w, 10)
			row("flowtrux", "%s", v.FlowTrux)
			row("caddy", "%s", v.Caddy)
			row("go", "%s", v.Go)
			row("wazero", "%s", v.Wazero)
			row("etcd", "%s", v.Etcd)
			return nil
		})
	o.addFlags(cmd)
	return cmd
}

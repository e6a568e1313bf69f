package command

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"
)

// outputOptions are the flags of commands that print results.
type outputOptions struct {
	json bool
}

func (o *outputOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.json, "json", false, "Print JSON")
}

// serverOptions are the flags of commands that talk to a running server.
type serverOptions struct {
	outputOptions
	address string
}

func (o *serverOptions) addFlags(cmd *cobra.Command) {
	o.outputOptions.addFlags(cmd)
	cmd.Flags().StringVar(&o.address, "address", caddy.DefaultAdminListen, "The `address` of Caddy's admin endpoint")
	complete(cmd, "address", cobra.NoFileCompletions)
}

// nodeTypeOptions are the flags of commands that run nodes in this process.
type nodeTypeOptions struct {
	nodes    []string // <type>=<file.wasm>, or <type>=<file.wasm>:<its name in the file>
	families []string // <file.wasm>
}

func (o *nodeTypeOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.nodes, "node", nil,
		"Add a node type, as `type=file.wasm`, with all capabilities that it requests (repeatable)")
	complete(cmd, "node", completeNodeFlag)
	cmd.Flags().StringArrayVar(&o.families, "nodes", nil,
		"Add all node types of a `file.wasm`, with all capabilities that they request (repeatable)")
	complete(cmd, "nodes", completeFiles("wasm"))
}

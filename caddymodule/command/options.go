package command

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
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

// configOptions are the flags of commands that read a server's config.
type configOptions struct {
	adapter string
}

func (o *configOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.adapter, "adapter", "",
		"The `name` of the config's adapter (default: caddyfile, or none for *.json)")
	complete(cmd, "adapter", cobra.NoFileCompletions)
}

// readConfig reads a config and returns it as JSON.
func (o *configOptions) readConfig(file string) ([]byte, error) {
	body, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	name := o.adapter
	if name == "" {
		if filepath.Ext(file) == ".json" {
			return body, nil
		}
		name = "caddyfile"
	}
	adapter := caddyconfig.GetAdapter(name)
	if adapter == nil {
		return nil, fmt.Errorf("there is no config adapter %q in this binary", name)
	}
	config, _, err := adapter.Adapt(body, map[string]any{"filename": file})
	if err != nil {
		return nil, fmt.Errorf("adapting the config: %w", err)
	}
	return config, nil
}

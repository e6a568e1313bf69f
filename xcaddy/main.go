// Command xcaddy is Caddy with FlowTrux Edge, the same binary that the xcaddy tool builds, for
// releases, go run, debuggers and tests.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/flowtrux/edge"
)

func main() { caddycmd.Main() }

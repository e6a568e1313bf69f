// Command caddy is the server that the bench measures: Caddy with FlowTrux Edge, the native handler
// and an endpoint for the counters of Go's runtime. All targets run in this binary.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/flowtrux/edge"
	_ "github.com/flowtrux/edge/bench/native"
)

func main() { caddycmd.Main() }

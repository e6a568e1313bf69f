// Command caddy is the server that the bench measures: Caddy with FlowTrux Edge, the native handler
// beside it, and an endpoint that tells what Go's runtime has counted. All that is measured runs in
// this one binary.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/flowtrux/edge"
	_ "github.com/flowtrux/edge/bench/native"
)

func main() { caddycmd.Main() }

// Package edge is FlowTrux Edge for Caddy: everything that
// `xcaddy build --with github.com/flowtrux/edge` adds to it. It has no code of its own: importing
// it registers the app and the handler (caddymodule) and the engines that come with it.
package edge

import (
	_ "github.com/flowtrux/edge/caddymodule"
	_ "github.com/flowtrux/edge/caddymodule/journalbbolt"
	_ "github.com/flowtrux/edge/caddymodule/journalmemory"
	_ "github.com/flowtrux/edge/caddymodule/journalpostgres"
	_ "github.com/flowtrux/edge/caddymodule/storeembedded"
	_ "github.com/flowtrux/edge/caddymodule/storeetcd"
)

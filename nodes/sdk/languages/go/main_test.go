package main

import (
	"testing"

	"github.com/flowtrux/edge/nodes/conformance"
)

// The cases are what the module has to give as well: caddy flowtrux node test slugify.wasm
func TestCases(t *testing.T) { conformance.Native(t, node.Run) }

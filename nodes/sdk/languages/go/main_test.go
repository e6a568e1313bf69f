package main

import (
	"testing"

	"github.com/flowtrux/edge/nodes/conformance"
)

// The module must pass the same cases: caddy flowtrux node test slugify.wasm
func TestCases(t *testing.T) { conformance.Native(t, node.Run) }

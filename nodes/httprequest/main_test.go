package main

import (
	"testing"

	"github.com/flowtrux/edge/nodes/conformance"
)

func TestCases(t *testing.T) { conformance.Native(t, run) }

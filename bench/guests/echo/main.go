// Command echo is a node in Go that returns its config: the cost of a call when the guest does
// nothing.
package main

import "github.com/flowtrux/edge/nodes/sdk"

var _ = sdk.Register(sdk.Node{
	Type:    "echo",
	Version: "1.0.0",
	Run:     func(_ *sdk.Context, config []byte) ([]byte, error) { return config, nil },
	Warmup:  []string{`{"order_id":"12345"}`},
})

func main() {} // never called

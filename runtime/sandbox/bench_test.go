package sandbox

import (
	"testing"

	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// BenchmarkCall is a call of a module in each way of resetting, beside the same without any (package bench compares more).
func BenchmarkCall(b *testing.B) {
	var transform []byte
	for _, n := range nodes.Builtin() {
		if n.Type == "transform" {
			transform = n.Wasm
		}
	}
	for _, g := range []struct {
		name  string
		wasm  []byte
		input string
	}{
		{"tiny", says(abi.Output, "1").bytes(), `{}`},
		{"transform", transform, `{"output":{"orderId":"12345","total":250.50,"items":[{"sku":"a","quantity":1}]}}`},
	} {
		for way := ResetScan; way <= ResetNever; way++ {
			b.Run(g.name+"/"+way.String(), func(b *testing.B) {
				m := load(b, newHostWith(b, Options{Reset: way}), g.wasm, Limits{}, hostapi.Grants{Globals: true})
				var dst []byte
				s := new(hostapi.Session)
				b.ReportAllocs()
				for b.Loop() {
					s.Reset()
					r, err := m.Call(b.Context(), s, []byte(g.input), dst[:0])
					if err != nil {
						b.Fatal(err)
					}
					dst = r.Output
				}
			})
		}
	}
}

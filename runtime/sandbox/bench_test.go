package sandbox

import (
	"testing"

	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// BenchmarkCall measures a call of a module with each way to reset instances, and with new
// instances. Package bench compares more.
func BenchmarkCall(b *testing.B) {
	builtin := make(map[string][]byte)
	for _, n := range nodes.Builtin() {
		builtin[n.Type] = n.Wasm
	}
	for _, g := range []struct {
		name  string
		wasm  []byte
		input string
	}{
		{"tiny", says(abi.Output, "1").bytes(), `{}`},
		{"transform", builtin["transform"], `{"output":{"orderId":"12345","total":250.50,"items":[{"sku":"a","quantity":1}]}}`},
		{"condition", builtin["condition"], `{"conditions":[{"left":250.5,"operator":"greaterThan","right":100}]}`},
	} {
		for way := ResetShared; way <= ResetNever; way++ {
			b.Run(g.name+"/"+way.String(), func(b *testing.B) {
				m := load(b, newHostWith(b, Options{Reset: way}), g.wasm, Limits{}, hostapi.Grants{Globals: true})
				input, dst := []byte(g.input), []byte(nil)
				s := new(hostapi.Session)
				b.ReportAllocs()
				for b.Loop() {
					s.Reset()
					r, err := m.Call(b.Context(), s, input, dst[:0])
					if err != nil {
						b.Fatal(err)
					}
					dst = r.Output
				}
				b.ReportMetric(float64(s.Fuel), "fuel/op")
			})
		}
	}
}

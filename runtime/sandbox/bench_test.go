package sandbox

import (
	"context"
	"testing"

	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// BenchmarkCall measures a call of a module with each way to reset instances, and with new
// instances. Package bench compares more.
func BenchmarkCall(b *testing.B) {
	builtin := func(name string) []byte {
		f, _, _ := nodes.Find(name)
		return f.Wasm
	}
	for _, g := range []struct {
		name  string
		wasm  []byte
		input string
	}{
		{"tiny", says(abi.Output, "1").bytes(), `{}`},
		{"transform", builtin("transform"), `{"output":{"orderId":"12345","total":250.50,"items":[{"sku":"a","quantity":1}]}}`},
		{"condition", builtin("condition"), `{"conditions":[{"left":250.5,"operator":"greaterThan","right":100}]}`},
	} {
		for way := ResetShared; way <= ResetNever; way++ {
			b.Run(g.name+"/"+way.String(), func(b *testing.B) {
				m := loadOffered(b, newHostWith(b, Options{Reset: way}), g.name, g.wasm)
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

// loadOffered loads a node type, of a file that may offer others as well.
func loadOffered(b *testing.B, h *Host, name string, wasm []byte) *Module {
	b.Helper()
	c := ModuleConfig{Type: name, Source: name, Wasm: wasm, Grants: hostapi.Grants{Globals: true}}
	if _, _, ok := nodes.Find(name); ok {
		c.Offered = name
	}
	m, err := h.Load(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := m.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return m
}

package sandbox

import (
	"context"
	"testing"

	"github.com/flowtrux/edge/internal/wasmbuild"
	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// BenchmarkCall measures a call of a module with each way to reset instances, and with new
// instances. The nodes transform and condition are those in C that are built in, and the same in
// Go. Package bench compares more.
func BenchmarkCall(b *testing.B) {
	const output = `{"output":{"orderId":"12345","total":250.50,"items":[{"sku":"a","quantity":1}]}}`
	const comparison = `{"conditions":[{"left":250.5,"operator":"greaterThan","right":100}]}`
	inGo, err := wasmbuild.Go(b.Context(), "testdata/reference")
	if err != nil {
		b.Fatal(err)
	}
	inC, _, _ := nodes.Find("transform")
	for _, g := range []struct {
		name, offered string
		wasm          []byte
		input         string
	}{
		{"tiny", "", says(abi.Output, "1").bytes(), `{}`},
		{"transform", "transform", inC.Wasm, output},
		{"transform-go", "transform", inGo, output},
		{"condition", "condition", inC.Wasm, comparison},
		{"condition-go", "condition", inGo, comparison},
	} {
		for way := ResetShared; way <= ResetNever; way++ {
			b.Run(g.name+"/"+way.String(), func(b *testing.B) {
				m := loadOffered(b, newHostWith(b, Options{Reset: way}), g.offered, g.wasm)
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
func loadOffered(b *testing.B, h *Host, offered string, wasm []byte) *Module {
	b.Helper()
	c := ModuleConfig{Type: "test", Source: "test.wasm", Wasm: wasm, Grants: hostapi.Grants{Globals: true}, Offered: offered}
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

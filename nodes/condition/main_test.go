package main

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/flowtrux/edge/nodes/conformance"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/nodes/sdk"
)

func TestCases(t *testing.T) { conformance.Native(t, run) }

// The fast path gives the same results as the general one.
func TestFastPath(t *testing.T) {
	value := rapid.SampledFrom([]string{`1`, `-2.5`, `"a"`, `"}]}"`, `"\\"`, `{"operator":1}`, `[1,{"a":",\"right\":"}]`, `null`, `true`, ``})
	operators := rapid.SampledFrom([]string{`"equals"`, `"lessThan"`, `"isTrue"`, `"matches"`, `"no such"`, `1`, `"exists"`})
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		config := `{"conditions":[{"left":` + value.Draw(t, "left") + `,"operator":` + operators.Draw(t, "operator")
		if rapid.Bool().Draw(t, "two sides") {
			config += `,"right":` + value.Draw(t, "right")
		}
		config += rapid.SampledFrom([]string{`}]}`, `}],"match":"any"}`, `},{"left":1,"operator":"isTrue"}]}`, `,"left":3}]}`}).Draw(t, "end")
		if rawjson.Check([]byte(config), 10) != nil {
			return
		}
		if _, ok := readSingle([]byte(config)); ok {
			taken++
		}
		var short, long sdk.Context
		got, err := run(&short, []byte(config))
		want, wantErr := runAny(&long, []byte(config))
		if string(got) != string(want) || fmt.Sprint(err) != fmt.Sprint(wantErr) || short != long {
			t.Fatalf("%s: %s, %v; want %s, %v", config, got, err, want, wantErr)
		}
	})
	if taken == 0 {
		t.Error("the fast path was never taken")
	}
}

package typed_test

import (
	"fmt"
	"strings"

	"github.com/flowtrux/edge/nodes/sdk"
	"github.com/flowtrux/edge/nodes/sdk/typed"
)

type quiet struct{ Text string }

type loud struct {
	Text string `json:"text"`
}

func shout(_ *sdk.Context, in quiet) (loud, error) { return loud{strings.ToUpper(in.Text)}, nil }

func ExampleFunc() {
	run := typed.Func(shout)
	for _, config := range []string{`{"text":"hello"}`, `{"text":1}`} {
		output, err := run(new(sdk.Context), []byte(config))
		fmt.Printf("%s %t\n", output, err != nil)
	}
	// Output:
	// {"text":"HELLO"} false
	//  true
}

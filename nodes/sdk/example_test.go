package sdk_test

import (
	"bytes"
	"fmt"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/nodes/sdk"
)

// shout is a node's function that reads the JSON text itself.
func shout(_ *sdk.Context, config []byte) ([]byte, error) {
	text := rawjson.Get(config, "text")
	if rawjson.KindOf(text) != rawjson.String {
		return nil, sdk.Fatal("bad_config", "text is not a string")
	}
	upper := bytes.ToUpper(rawjson.AppendString(nil, text))
	return append(rawjson.AppendQuoted([]byte(`{"text":`), upper), '}'), nil
}

// A node is a function, and the manifest that describes it. In a module the node is registered:
//
//	var _ = sdk.Register(sdk.Node{…})
//	func main() {} // never called
func Example() {
	node := sdk.Node{Type: "shout", Version: "1.0.0", Summary: "Shouts", Run: shout}
	fmt.Printf("%s\n", node.Manifest())

	for _, config := range []string{`{"text":"hello"}`, `{"text":1}`} {
		output, err := node.Run(new(sdk.Context), []byte(config))
		fmt.Printf("%s %v\n", output, err)
	}
	// Output:
	// {"abi":1,"type":"shout","version":"1.0.0","summary":"Shouts"}
	// {"text":"HELLO"} <nil>
	//  text is not a string
}

// A node with handles chooses the edges that are followed.
func ExampleContext_Route() {
	node := sdk.Node{
		Type: "sign", Version: "1.0.0",
		Handles: []string{"negative", "positive"},
		Run: func(ctx *sdk.Context, config []byte) ([]byte, error) {
			n := rawjson.Get(config, "n")
			if bytes.HasPrefix(n, []byte("-")) {
				ctx.Route("negative")
			} else {
				ctx.Route("positive")
			}
			return n, nil
		},
	}
	ctx := new(sdk.Context)
	output, err := node.Run(ctx, []byte(`{"n":-2}`))
	handle, _ := ctx.Routed()
	fmt.Printf("%s %v, handle %s\n", output, err, handle)
	// Output: -2 <nil>, handle negative
}

// weather is a host for tests: it replies without a network.
type weather struct{ globals map[string]string }

func (weather) HTTP([]byte) ([]byte, error) {
	return []byte(`{"status":200,"headers":{},"body":{"celsius":21.50}}`), nil
}

func (weather) Log(_ int, message string) { fmt.Println("log:", message) }

func (w weather) SetGlobal(key string, value []byte) error {
	w.globals[key] = string(value)
	return nil
}

// Outside of the sandbox the effects of a node go to a host that the test provides.
func ExampleContext_WithHost() {
	run := func(ctx *sdk.Context, _ []byte) ([]byte, error) {
		response, err := sdk.HTTP(ctx, []byte(`{"url":"https://weather.example/now"}`))
		if err != nil {
			return nil, err
		}
		celsius := rawjson.Get(rawjson.Get(response, "body"), "celsius")
		sdk.Log(ctx, sdk.Info, "it is "+string(celsius))
		return celsius, sdk.SetGlobal(ctx, "celsius", celsius)
	}
	host := weather{map[string]string{}}
	output, err := run(new(sdk.Context).WithHost(host), nil)
	fmt.Printf("%s %v %v\n", output, err, host.globals)
	// Output:
	// log: it is 21.50
	// 21.50 <nil> map[celsius:21.50]
}

// The code of an error is for workflows and metrics, its message for people. A fatal error is not
// retried.
func ExampleError() {
	busy := sdk.Fail("busy", "try again later")
	broken := sdk.Fatal("bad_config", "url is missing")
	for _, err := range []error{busy, broken} {
		e := err.(*sdk.Error)
		fmt.Println(e.Code, e.Fatal, err)
	}
	// Output:
	// busy false try again later
	// bad_config true url is missing
}

// Command httprequest is the built-in node http-request: one request through the host's guarded
// client.
package main

import (
	_ "embed"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/nodes/sdk"
)

//go:embed schema.json
var schema string

var _ = sdk.Register(sdk.Node{
	Type:             "http-request",
	Version:          "1.0.0",
	Summary:          "Sends an HTTP request and gives the answer",
	Config:           schema,
	Capabilities:     []string{"http"},
	SecretReferences: true, // its config goes into the request as it is
	Run:              run,
	Warmup:           []string{`{"method":"POST","url":"https://example.com/orders","headers":{"X-Source":"edge"},"body":{"orderId":"12345","total":250.50}}`},
})

func main() {}

// run passes the config to the host as it is: it is in the host's request format, and the response
// is the node's output.
func run(ctx *sdk.Context, config []byte) ([]byte, error) {
	fail := rawjson.Get(config, "failOnStatus")
	switch rawjson.KindOf(fail) {
	case rawjson.Invalid, rawjson.Null, rawjson.True, rawjson.False:
	default: // a template resolved to it
		return nil, sdk.Fatal("http_bad_request", "failOnStatus must be true or false")
	}
	response, err := sdk.HTTP(ctx, config)
	if err != nil {
		return nil, err
	}
	if rawjson.KindOf(fail) == rawjson.False {
		return response, nil
	}
	status := string(rawjson.Get(response, "status"))
	if status < "400" || len(status) != 3 {
		return response, nil
	}
	message := "the server answered " + status
	if status < "500" && status != "408" && status != "425" && status != "429" {
		return nil, sdk.Fatal("http_status", message)
	}
	return nil, sdk.Fail("http_status", message)
}

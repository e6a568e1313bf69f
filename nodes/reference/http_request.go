package reference

import (
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/nodes/sdk"
)

// HTTPRequest is the node http-request. It passes the config to the host as it is: it is in the
// host's request format, and the response is the node's output.
func HTTPRequest(ctx *sdk.Context, config []byte) ([]byte, error) {
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

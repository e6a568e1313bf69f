// Several nodes in one module: two are prepared, each with its own value, and one reads a global,
// which only that one may do.
package main

import (
	"fmt"
	"strings"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/nodes/sdk"
	"github.com/flowtrux/edge/nodes/sdk/prepared"
)

var calls int

func text(config []byte, key string) string {
	return string(rawjson.AppendString(nil, rawjson.Get(config, key)))
}

func compilePrefix(fixed []byte) (string, error) {
	calls++
	if text(fixed, "prefix") == "" {
		return "", sdk.Fatal("bad_config", "prefix must not be empty")
	}
	return text(fixed, "prefix"), nil
}

func prefix(_ *sdk.Context, prefix string, config []byte) ([]byte, error) {
	calls++
	return fmt.Appendf(nil, `{"text":%s,"calls":%d}`, rawjson.AppendQuoted(nil, []byte(prefix+text(config, "text"))), calls), nil
}

func compileWords(fixed []byte) ([]string, error) {
	calls++
	return strings.Fields(text(fixed, "words")), nil
}

func count(ctx *sdk.Context, words []string, config []byte) ([]byte, error) {
	calls++
	n := 0
	for _, w := range words {
		n += strings.Count(text(config, "text"), w)
	}
	ctx.Route([]string{"none", "some"}[min(n, 1)])
	return fmt.Appendf(nil, `{"found":%d,"calls":%d}`, n, calls), nil
}

func read(ctx *sdk.Context, config []byte) ([]byte, error) {
	calls++
	value, err := sdk.Global(ctx, text(config, "key"))
	if err != nil {
		return nil, err
	}
	if len(value) == 0 {
		value = []byte("null")
	}
	return fmt.Appendf(nil, `{"value":%s,"calls":%d}`, value, calls), nil
}

var (
	_ = sdk.Register(sdk.Node{Type: "prefix", Version: "1.0.0", Fixed: []string{"prefix"}, Run: prepared.Func(compilePrefix, prefix)})
	_ = sdk.Register(sdk.Node{Type: "read", Version: "1.0.0", Capabilities: []string{"globals"}, Run: read})
	_ = sdk.Register(sdk.Node{
		Type: "count", Version: "1.0.0", Fixed: []string{"words"}, Handles: []string{"none", "some"}, Run: prepared.Func(compileWords, count),
	})
)

func main() {}

// Command match is a node that compiles a pattern in advance.
package main

import (
	"regexp"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/nodes/sdk"
	"github.com/flowtrux/edge/nodes/sdk/prepared"
)

// pattern is the prepared value of calls.
type pattern struct {
	*regexp.Regexp
	raw  []byte // a part of what was fixed
	used int    // by this call
}

func compile(fixed []byte) (*pattern, error) {
	raw := rawjson.Get(fixed, "pattern")
	if rawjson.KindOf(raw) != rawjson.String {
		return nil, sdk.Fatal("bad_config", "pattern must be a string")
	}
	text := string(rawjson.Text(raw))
	if text == "panic" {
		panic("no pattern at all")
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, sdk.Fatal("bad_pattern", err.Error())
	}
	return &pattern{Regexp: re, raw: raw}, nil
}

// Reads names the data whose text is matched where the config has none.
func (p *pattern) Reads() []string {
	if p.NumSubexp() == 0 {
		return nil
	}
	return []string{"trigger.data", `steps."a\b".output`}
}

func match(_ *sdk.Context, p *pattern, config []byte) ([]byte, error) {
	p.used++
	text := rawjson.Get(config, "text")
	if text == nil {
		text = rawjson.Get(rawjson.Get(config, "trigger"), "data")
	}
	out := append([]byte(`{"pattern":`), p.raw...)
	out = append(out, `,"used":`...)
	out = append(out, byte('0'+p.used))
	out = append(out, `,"matches":`...)
	if rawjson.KindOf(text) == rawjson.String && p.Match(rawjson.Text(text)) {
		return append(out, "true}"...), nil
	}
	return append(out, "false}"...), nil
}

var _ = sdk.Register(sdk.Node{
	Type:    "match",
	Version: "1.0.0",
	Config:  `{"type":"object","required":["pattern"]}`,
	Fixed:   []string{"pattern"},
	Run:     prepared.Func(compile, match),
	Warmup:  []string{`{"pattern":"^a+b?$","text":"aaaa"}`},
})

func main() {} // never called

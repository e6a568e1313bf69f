package typed_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/flowtrux/edge/nodes/sdk"
	"github.com/flowtrux/edge/nodes/sdk/typed"
)

type in struct {
	Text  string `json:"text"`
	Count any    `json:"count"`
}

func TestFunc(t *testing.T) {
	own := sdk.Fail("busy", "later")
	shout := typed.Func(func(ctx *sdk.Context, v in) (any, error) {
		switch v.Text {
		case "fail":
			return nil, own
		case "unspeakable":
			return func() {}, nil
		}
		ctx.Route("loud")
		return map[string]any{"text": strings.ToUpper(v.Text), "count": v.Count}, nil
	})
	for config, want := range map[string]string{
		`{"text":"a","count":12345678901234567890}`: `{"count":12345678901234567890,"text":"A"}`,
		`{"count":1.10}`:         `{"count":1.10,"text":""}`,
		`{"text":"a","x":[]}`:    `{"count":null,"text":"A"}`,
		`{"text":1}`:             "bad_config",
		`[]`:                     "bad_config",
		`{`:                      "bad_config",
		``:                       "bad_config",
		`{"text":"fail"}`:        "busy",
		`{"text":"unspeakable"}`: "bad_output",
	} {
		ctx := new(sdk.Context)
		out, err := shout(ctx, []byte(config))
		if err == nil {
			if handle, _ := ctx.Routed(); string(out) != want || handle != "loud" || !json.Valid(out) {
				t.Errorf("%s: %s by %q, want %s", config, out, handle, want)
			}
			continue
		}
		e, ok := errors.AsType[*sdk.Error](err)
		if !ok || e.Code != want || out != nil || e.Fatal == (err == own) {
			t.Errorf("%s: %s, %#v, want %s", config, out, err, want)
		}
	}
}

func TestPreparedFunctions(t *testing.T) {
	prepare := typed.Prepare(func(v struct{ Prefix string }) (string, error) {
		if v.Prefix == "" {
			return "", sdk.Fatal("no_prefix", "there is none")
		}
		return v.Prefix + ":", nil
	})
	run := typed.Run(func(ctx *sdk.Context, prefix string, v in) (any, error) {
		ctx.Route("loud")
		if v.Count != nil {
			return func() {}, nil
		}
		return map[string]string{"text": prefix + v.Text}, nil
	})
	for _, c := range []struct{ fixed, config, want string }{
		{`{"prefix":"a"}`, `{"text":"b"}`, `{"text":"a:b"}`},
		{`{}`, ``, "no_prefix"},
		{`{"prefix":1}`, ``, "bad_config"},
		{`{"prefix":"a"}`, `{"text":1}`, "bad_config"},
		{`{"prefix":"a"}`, `{"count":1}`, "bad_output"},
	} {
		ctx := new(sdk.Context)
		prefix, err := prepare([]byte(c.fixed))
		var out []byte
		if err == nil {
			out, err = run(ctx, prefix, []byte(c.config))
		}
		if e, ok := errors.AsType[*sdk.Error](err); ok && e.Code == c.want && e.Fatal && out == nil {
			continue
		}
		if handle, _ := ctx.Routed(); err != nil || string(out) != c.want || handle != "loud" {
			t.Errorf("%s, %s: %s by %q, %v, want %s", c.fixed, c.config, out, handle, err, c.want)
		}
	}
}

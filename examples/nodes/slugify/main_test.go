package main

import (
	"testing"

	"github.com/flowtrux/edge/nodes/sdk"
)

// A node is an ordinary function: it needs no sandbox to be tested.
func TestSlugify(t *testing.T) {
	ctx := new(sdk.Context).WithHost(logOnly{t})
	for _, c := range []struct {
		in   config
		want string
	}{
		{config{Text: "Hello, World!"}, "hello-world"},
		{config{Text: "  Grüße  aus Köln "}, "grüße-aus-köln"},
		{config{Text: "one two three", Max: 8}, "one-two"},
		{config{Text: "grüße", Max: 3}, "gr"},
		{config{Text: "!?"}, ""},
	} {
		got, err := slugify(ctx, c.in)
		if got.Slug != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%+v: %q, %v; want %q", c.in, got.Slug, err, c.want)
		}
	}
}

// logOnly is a host that grants nothing but log.
type logOnly struct{ t *testing.T }

func (h logOnly) Log(_ int, message string)        { h.t.Log(message) }
func (logOnly) HTTP([]byte) ([]byte, error)        { return nil, sdk.Fatal("not_granted", "") }
func (logOnly) SetGlobal(_ string, _ []byte) error { return sdk.Fatal("not_granted", "") }

package reference

import (
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/nodes/sdk"
)

var errPath = sdk.Fatal("bad_path", `the path is not one like a.b[0]["any key"]`)

// parsePath parses a path as rawjson.ParsePath does.
func parsePath(text string) (rawjson.Path, error) {
	p, err := rawjson.ParsePath(text)
	if err != nil {
		return nil, errPath
	}
	return p, nil
}

// rawKey returns the key of a step as JSON text without quotes; an element has none.
func rawKey(s *rawjson.Step) []byte {
	if s.IsIndex() {
		return nil
	}
	return rawjson.AppendExactEscaped(nil, []byte(s.Key))
}

// each calls fn with each member or element of v: its step, its raw key (nil in an array), its
// value.
func each(v []byte, fn func(s rawjson.Step, raw, value []byte) bool) {
	rawjson.Members(v, func(key, value []byte) bool {
		return fn(rawjson.Step{Key: string(rawjson.AppendExact(nil, key)), Index: -1}, key, value)
	})
	i := 0
	rawjson.Elements(v, func(value []byte) bool {
		i++
		return fn(rawjson.Step{Index: i - 1}, nil, value)
	})
}

// builder writes an object or array of raw members.
type builder struct {
	out  []byte
	open byte // { or [
	n    int
}

func (b *builder) add(rawKey, value []byte) {
	sep := byte(',')
	if b.n == 0 {
		sep = b.open
	}
	b.out = append(b.out, sep)
	if b.open == '{' {
		b.out = append(append(append(b.out, '"'), rawKey...), `":`...)
	}
	b.out = append(b.out, value...)
	b.n++
}

func (b *builder) close() []byte {
	if b.n == 0 {
		b.out = append(b.out, b.open)
	}
	return append(b.out, b.open+2) // in ASCII } is { + 2 and ] is [ + 2
}
